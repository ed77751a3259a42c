//! A card: one finding in an attachment, with a strip in the level's colour.
//!
//! The parts answer the questions of somebody who was just woken, in this order: what happened and
//! how severe is it, in which account, to which resource, by whom, since when. The ids for looking
//! the finding up come last. Each part has a limit, so that even the longest card fits a post.

use super::about;
use super::date::{token, utc};
use super::escape::{
    code, code_weighing, defang, escape_within, is_markup, link_label, literal, literal_weighing,
};
use super::guide::Guide;
use super::level_style::style;
use super::message::{Attachment, Block, TextObject};
use crate::finding::sample::without_mark;
use crate::finding::{Fact, Finding, Fingerprint, Remark, Text};
use crate::instants::Wall;
use crate::ports::{ACCOUNT_NAME_CHARS_MAX, Card};

/// The longest id of a post that is shown whole. The desk's ids are the worker's id (12 hex
/// digits), a hyphen and a serial number.
pub const POST_ID_CHARS_MAX: usize = 64;

const TITLE_CHARS_MAX: usize = 250;
const DESCRIPTION_CHARS_MAX: usize = 600;
const ACCOUNT_CHARS_MAX: usize = 40;
const REGION_CHARS_MAX: usize = 40;
const KIND_CHARS_MAX: usize = 160;
const RESOURCE_CHARS_MAX: usize = 300;
const ACTOR_CHARS_MAX: usize = 300;
const REMARK_CHARS_MAX: usize = 80;
const DESTINATION_CHARS_MAX: usize = 40;
const ACTION_CHARS_MAX: usize = 40;
const STANDARDS_CHARS_MAX: usize = 300;
const PRODUCT_CHARS_MAX: usize = 40;
/// Ids have up to 512 bytes. The link leads to a finding whose id is cut.
const ID_CHARS_MAX: usize = 200;
/// How many others of a group a card names by id. An id that is cut can still be looked up.
const OTHERS_MAX: usize = 2;
const OTHER_ID_MAX: usize = 66;

/// Draws a card. It stands for `others` too, and names the first of them.
pub(super) fn attachment(
    card: &Card,
    others: &[&Card],
    guide: &Guide,
    post_id: &str,
) -> Attachment {
    let finding = &card.finding;
    let mut blocks = vec![Block::section(TextObject::mrkdwn(heading(card, guide)))];
    if let Some(description) = description(finding) {
        blocks.push(Block::section(TextObject::plain(description)));
    }
    blocks.push(Block::Section { text: None, fields: fields(finding, guide) });
    if !finding.facts.is_empty() {
        blocks.push(Block::section(TextObject::mrkdwn(facts(finding))));
    }
    blocks.push(Block::context(footer(finding, others, post_id)));
    Attachment { color: style(finding.severity.level).colour, blocks }
}

/// The title, and below it the severity and the circumstances.
fn heading(card: &Card, guide: &Guide) -> String {
    let mut lines = vec![title_link(&card.finding, guide), status(card)];
    for remark in &card.finding.remarks {
        if let Remark::UnreadableSeverity(found) = remark {
            lines.push(unreadable_severity(found));
        }
    }
    lines.truncate(3);
    lines.join("\n")
}

fn title_link(finding: &Finding, guide: &Guide) -> String {
    let title = title(finding);
    match guide.console_link(finding) {
        Some(link) => {
            let label = link_label(title, TITLE_CHARS_MAX);
            // In bold, a label with an asterisk would show the asterisks of the bold.
            if is_markup(title) {
                ["<", &link, "|", &label, ">"].concat()
            } else {
                ["*<", &link, "|", &label, ">*"].concat()
            }
        }
        None if is_markup(title) => code(title, TITLE_CHARS_MAX),
        None => ["*", &escape_within(title, TITLE_CHARS_MAX), "*"].concat(),
    }
}

/// The title, or else the type. The mark of a sample is removed: [`circumstances`] shows it.
pub fn title(finding: &Finding) -> &str {
    let title = match finding.title.as_str() {
        title if finding.sample => without_mark(title),
        title => title,
    };
    [title, finding.kind.as_str()]
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or("Finding without a title")
}

fn status(card: &Card) -> String {
    let finding = &card.finding;
    let style = style(finding.severity.level);
    let mut parts = vec![[style.emoji, " *", style.word, "*", &score(finding)].concat()];
    parts.extend(circumstances(card));
    parts.join("  ·  ")
}

/// Facts that set an alert apart from most others.
pub fn circumstances(card: &Card) -> Vec<String> {
    let mut parts = Vec::new();
    if card.finding.sample {
        parts.push("🧪 *SAMPLE FINDING*".to_owned());
    }
    if card.finding.canary.is_some() {
        parts.push("🧪 *TEST*".to_owned());
    }
    if let Some(action) = &card.finding.requested_by {
        // Defanged, because the push text shows it too.
        let action = literal(&defang(action.as_str()), ACTION_CHARS_MAX);
        parts.push(["📌 requested by action ", &action].concat());
    }
    if let Some(closed) = card.came_back {
        let since = closed.at.at().map_or_else(String::new, |at| format!(" since {}", utc(at)));
        parts.push(format!("*came back*: {}{since}", closed.why.as_str()));
    }
    if let Some(from) = card.escalated_from {
        parts.push(format!("escalated from {from}"));
    }
    if card.reminder {
        parts.push("reminder: seen again".to_owned());
    }
    if card.perhaps_repeated {
        parts.push("may repeat an earlier post".to_owned());
    }
    if let Some(name) = &card.meant_for {
        let name = literal(name, DESTINATION_CHARS_MAX);
        parts.push(format!("meant for {name}, whose webhook is dead"));
    }
    if let Some(why) = card.finding.condition.closed() {
        parts.push(format!("closed: {}", why.as_str()));
    }
    parts
}

/// ` 8.0`, as GuardDuty's console shows it. The number is cut and not rounded: 6.95 is below 7.
fn score(finding: &Finding) -> String {
    let Some(score) = finding.severity.score.filter(|score| (0.0..=10.0).contains(score)) else {
        return String::new();
    };
    let whole = format!("{score}");
    match whole.split_once('.') {
        Some((units, decimals)) => {
            format!(" {units}.{}", decimals.chars().take(2).collect::<String>())
        }
        None => format!(" {whole}.0"),
    }
}

fn unreadable_severity(found: &Text) -> String {
    let found = match found.is_empty() {
        true => "missing".to_owned(),
        false => format!("unreadable ({})", code(found.as_str(), REMARK_CHARS_MAX)),
    };
    format!("⚠️ Its severity is {found}, so it counts as high.")
}

/// The description, unless it equals the title.
fn description(finding: &Finding) -> Option<String> {
    let description = finding.description.as_ref().filter(|text| !text.is_empty())?;
    (description.as_str() != finding.title.as_str())
        .then(|| escape_within(description.as_str(), DESCRIPTION_CHARS_MAX))
}

/// At most eight fields; a section may have ten. Slack shows them in pairs.
fn fields(finding: &Finding, guide: &Guide) -> Vec<TextObject> {
    let account = Text::new(finding.account.as_str(), ACCOUNT_CHARS_MAX);
    let parts = [
        ("Account", or_unknown(account.as_str(), |id| named(id, guide))),
        ("Region", or_unknown(finding.region.as_str(), |text| code(text, REGION_CHARS_MAX))),
        ("Resource", finding.resource.as_ref().and_then(|t| shown(t, RESOURCE_CHARS_MAX))),
        finding
            .actor
            .as_ref()
            .map_or(("", None), |fact| (fact.label, shown(&fact.text, ACTOR_CHARS_MAX))),
        ("Type", kind(finding, guide)),
        ("Count", finding.count.map(count)),
        seen("First seen", finding.first_seen, "Created", finding.created_at),
        seen("Last seen", finding.last_seen, "Updated", finding.updated_at),
    ];
    parts
        .into_iter()
        .filter_map(|(label, value)| Some(["*", label, "*\n", &value?].concat()))
        .map(TextObject::mrkdwn)
        .collect()
}

/// The type, which links to what it means, and the runbook for it.
fn kind(finding: &Finding, guide: &Guide) -> Option<String> {
    let link = |address: &str, label: &str| ["<", address, "|", label, ">"].concat();
    let text = finding.kind.as_str();
    // The label of a link shows markup as such.
    let is_label = !text.is_empty() && !is_markup(text);
    let runbook = guide.runbook(finding).map(|address| link(&address, "Runbook"));
    let parts = match about::link(finding) {
        Some(page) if is_label => {
            [Some(link(&page, &link_label(text, KIND_CHARS_MAX))), None, runbook]
        }
        page => {
            let page = page.map(|page| link(&page, "What it means"));
            [shown(&finding.kind, KIND_CHARS_MAX), page, runbook]
        }
    };
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("  ·  "))
}

/// A line for each fact.
fn facts(finding: &Finding) -> String {
    let line = |fact: &Fact| {
        ["*", fact.label, "*  ", &literal(fact.text.as_str(), Fact::CHARS_MAX)].concat()
    };
    finding.facts.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn shown(text: &Text, max_chars: usize) -> Option<String> {
    (!text.is_empty()).then(|| literal(text.as_str(), max_chars))
}

/// The name of an account is text, its id is code.
fn named(id: &str, guide: &Guide) -> String {
    let id_shown = code(id, ACCOUNT_CHARS_MAX);
    match guide.accounts.name(id) {
        Some(name) => [&literal(name, ACCOUNT_NAME_CHARS_MAX), " ", &id_shown].concat(),
        None => id_shown,
    }
}

/// Account and region are always shown, even if unknown.
fn or_unknown(text: &str, show: impl Fn(&str) -> String) -> Option<String> {
    Some(if text.is_empty() { "unknown".to_owned() } else { show(text) })
}

fn count(times: u64) -> String {
    if times == 1 { "once".to_owned() } else { format!("{times} times") }
}

/// The time of a sighting, or else the time when the finding was created or updated.
fn seen(
    label: &'static str,
    seen: Option<Wall>,
    else_label: &'static str,
    otherwise: Option<Wall>,
) -> (&'static str, Option<String>) {
    match seen {
        Some(at) => (label, Some(token(at))),
        None => (else_label, otherwise.map(token)),
    }
}

/// The standards of a control, and below them the ids for looking the finding up: in the product,
/// in the logs, in the ledger.
fn footer(finding: &Finding, others: &[&Card], post_id: &str) -> String {
    let product = Text::new(&finding.fingerprint.product, PRODUCT_CHARS_MAX);
    let id = Text::new(finding.product_id(), ID_CHARS_MAX);
    let mut parts = Vec::new();
    parts.extend(shown(&product, PRODUCT_CHARS_MAX));
    parts.push(["finding ", &code(id.as_str(), ID_CHARS_MAX)].concat());
    for other in others.iter().take(OTHERS_MAX) {
        let id = Text::new(other.finding.product_id(), Fingerprint::MAX_ID_BYTES);
        parts.push(["finding ", &code_weighing(id.as_str(), OTHER_ID_MAX)].concat());
    }
    if others.len() > OTHERS_MAX {
        parts.push(format!("and {} more", others.len() - OTHERS_MAX));
    }
    for remark in &finding.remarks {
        if let Remark::SentByAccount(sender) = remark {
            parts.push(format!("sent by account {}", code(sender.as_str(), REMARK_CHARS_MAX)));
            break;
        }
    }
    parts.push(["hansho ", &id_of_post(post_id)].concat());
    let ids = parts.join("  ·  ");
    match standards(finding) {
        Some(standards) => [&standards, "\n", &ids].concat(),
        None => ids,
    }
}

/// `Standards: PCI DSS v3.2.1, NIST SP 800-53 Rev. 5`.
fn standards(finding: &Finding) -> Option<String> {
    let names: Vec<&str> = finding.standards.iter().map(Text::as_str).collect();
    let names = literal_weighing(&names.join(", "), STANDARDS_CHARS_MAX);
    (!finding.standards.is_empty()).then(|| ["Standards: ", &names].concat())
}

/// The last line of a list of findings.
pub(super) fn list_footer(post_id: &str) -> Block {
    Block::context(format!("hansho {}", id_of_post(post_id)))
}

/// The post's id. Two posts with the same id are one post that was sent twice.
fn id_of_post(post_id: &str) -> String {
    let id = Text::new(post_id, POST_ID_CHARS_MAX);
    code(id.as_str(), POST_ID_CHARS_MAX)
}
