//! One finding as a person sees it: an attachment with a strip in the level's colour.
//!
//! The order is that of the questions somebody asks who was just woken: what is it and how bad, in
//! which account, to what, by whom, since when; last what one needs to look it up elsewhere.
//! Every part has a bound of its own, chosen so that the worst card of all fits a post.

use super::console;
use super::escape::{code, escape, escape_within, is_markup, link_label, literal};
use super::look::look;
use super::message::{Attachment, Block, TextObject};
use crate::finding::{Finding, Remark, Text};
use crate::instants::Wall;
use crate::ports::Card;

/// A digest's id as shown. Ours are UUIDs of 36 characters.
pub const DIGEST_ID_CHARS_MAX: usize = 64;

const TITLE_CHARS_MAX: usize = 250;
const DESCRIPTION_CHARS_MAX: usize = 600;
const ACCOUNT_CHARS_MAX: usize = 40;
const REGION_CHARS_MAX: usize = 40;
const KIND_CHARS_MAX: usize = 160;
const RESOURCE_CHARS_MAX: usize = 300;
const ACTOR_CHARS_MAX: usize = 300;
const REMARK_CHARS_MAX: usize = 80;
const DESTINATION_CHARS_MAX: usize = 40;
const PRODUCT_CHARS_MAX: usize = 40;
/// Ids are up to 512 bytes; whoever needs one that long has the link.
const ID_CHARS_MAX: usize = 200;

/// The strip and its blocks.
pub(super) fn attachment(card: &Card, digest_id: &str) -> Attachment {
    let finding = &card.finding;
    let mut blocks = vec![Block::section(TextObject::mrkdwn(heading(card)))];
    if let Some(description) = description(finding) {
        blocks.push(Block::section(TextObject::plain(description)));
    }
    blocks.push(Block::Section { text: None, fields: fields(finding) });
    blocks.push(Block::context(footer(finding, digest_id)));
    Attachment { color: look(finding.severity.level).colour, blocks }
}

/// The title, and below it how bad the finding is and what is special about it.
fn heading(card: &Card) -> String {
    let mut lines = vec![title_link(&card.finding), status(card)];
    for remark in &card.finding.remarks {
        if let Remark::UnreadableSeverity(found) = remark {
            lines.push(unreadable_severity(found));
        }
    }
    lines.truncate(3);
    lines.join("\n")
}

fn title_link(finding: &Finding) -> String {
    let title = title(finding);
    match console::link(finding) {
        Some(link) => {
            let label = link_label(title, TITLE_CHARS_MAX);
            // A bold link whose label holds an asterisk would show the bold's own.
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

/// The title; else the type; else what is sure. A sample says so elsewhere, and louder.
pub fn title(finding: &Finding) -> &str {
    let title = finding.title.as_str();
    let title = match title.strip_prefix("[SAMPLE]") {
        Some(rest) if finding.sample => rest.trim_start(),
        _ => title,
    };
    [title, finding.kind.as_str()]
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or("Finding without a title")
}

fn status(card: &Card) -> String {
    let finding = &card.finding;
    let look = look(finding.severity.level);
    let mut parts = vec![[look.emoji, " *", look.word, "*", &score(finding)].concat()];
    parts.extend(circumstances(card));
    parts.join("  ·  ")
}

/// What sets an alert apart, in words.
pub fn circumstances(card: &Card) -> Vec<String> {
    let mut parts = Vec::new();
    if card.finding.sample {
        parts.push("🧪 *SAMPLE FINDING*".to_owned());
    }
    if card.finding.canary.is_some() {
        parts.push("🧪 *TEST*".to_owned());
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
    if card.finding.archived {
        parts.push("archived".to_owned());
    }
    parts
}

/// ` 8.0`, as GuardDuty's console shows it. Cut and not rounded, since 6.95 is no 7.
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

/// The description, unless it says just what the title does.
fn description(finding: &Finding) -> Option<String> {
    let description = finding.description.as_ref().filter(|text| !text.is_empty())?;
    (description.as_str() != finding.title.as_str())
        .then(|| escape_within(description.as_str(), DESCRIPTION_CHARS_MAX))
}

/// At most eight, of the ten that a section may have. Slack shows them two by two.
fn fields(finding: &Finding) -> Vec<TextObject> {
    let account = Text::new(finding.account.as_str(), ACCOUNT_CHARS_MAX);
    let parts = [
        ("Account", or_unknown(account.as_str(), |text| code(text, ACCOUNT_CHARS_MAX))),
        ("Region", or_unknown(finding.region.as_str(), |text| code(text, REGION_CHARS_MAX))),
        ("Resource", finding.resource.as_ref().and_then(|t| shown(t, RESOURCE_CHARS_MAX))),
        ("Actor", finding.actor.as_ref().and_then(|t| shown(t, ACTOR_CHARS_MAX))),
        ("Type", shown(&finding.kind, KIND_CHARS_MAX)),
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

fn shown(text: &Text, max_chars: usize) -> Option<String> {
    (!text.is_empty()).then(|| literal(text.as_str(), max_chars))
}

/// Account and region are always shown: that one is missing is news too.
fn or_unknown(text: &str, show: impl Fn(&str) -> String) -> Option<String> {
    Some(if text.is_empty() { "unknown".to_owned() } else { show(text) })
}

fn count(times: u64) -> String {
    if times == 1 { "once".to_owned() } else { format!("{times} times") }
}

/// When it was seen; for a source that does not tell, when the finding was made or changed.
fn seen(
    label: &'static str,
    seen: Option<Wall>,
    else_label: &'static str,
    otherwise: Option<Wall>,
) -> (&'static str, Option<String>) {
    match seen {
        Some(at) => (label, Some(date(at))),
        None => (else_label, otherwise.map(date)),
    }
}

/// The last second that Slack and people agree on: the end of the year 9999.
const UNIX_SECONDS_MAX: i64 = 253_402_300_799;

/// A date that Slack shows in the reader's own time zone and language; the text after the bar is
/// for where it can't. Source: Slack, "Formatting message text", date formatting.
pub fn date(at: Wall) -> String {
    let fallback = utc(at);
    match at.seconds() {
        seconds @ 1..=UNIX_SECONDS_MAX => {
            let (seconds, form) = (seconds.to_string(), "^{date_short_pretty} {time}|");
            ["<!date^", &seconds, form, &fallback, ">"].concat()
        }
        _ => fallback,
    }
}

/// `2026-07-22 18:47 UTC`
fn utc(at: Wall) -> String {
    let text = at.to_rfc3339();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) if text.ends_with('Z') => [day, " ", time, " UTC"].concat(),
        _ => escape(&text),
    }
}

/// What it takes to look the finding up: in the product, in the logs, in the ledger.
fn footer(finding: &Finding, digest_id: &str) -> String {
    let product = Text::new(&finding.fingerprint.product, PRODUCT_CHARS_MAX);
    let id = Text::new(&finding.fingerprint.id, ID_CHARS_MAX);
    let mut parts = Vec::new();
    parts.extend(shown(&product, PRODUCT_CHARS_MAX));
    parts.push(["finding ", &code(id.as_str(), ID_CHARS_MAX)].concat());
    for remark in &finding.remarks {
        if let Remark::SentByAccount(sender) = remark {
            parts.push(format!("sent by account {}", code(sender.as_str(), REMARK_CHARS_MAX)));
            break;
        }
    }
    parts.push(["hansho ", &digest_mark(digest_id)].concat());
    parts.join("  ·  ")
}

/// The last line of a list of findings.
pub(super) fn footer_of_digest(digest_id: &str) -> Block {
    Block::context(format!("hansho {}", digest_mark(digest_id)))
}

/// The digest's id: two posts that show the same one are the same post, sent twice.
fn digest_mark(digest_id: &str) -> String {
    let id = Text::new(digest_id, DIGEST_ID_CHARS_MAX);
    code(id.as_str(), DIGEST_ID_CHARS_MAX)
}
