//! A card: one finding, with a strip in the level's colour beside it.
//!
//! The parts answer the questions of somebody who was just woken, in this order: how severe is it,
//! what happened, to which resource, where, by whom, since when, what to do. The ids for looking
//! the finding up come last. Each part has a limit, so that even the longest card fits a post.

use std::time::Duration;

use super::about;
use super::date::{time_token, token};
use super::escape::{code, code_weighing, escape_weighing, literal, literal_weighing};
use super::guide::Guide;
use super::heading::{heading, line};
use super::length::json_units;
use super::level_style::style;
use super::message::{Attachment, Block, TextObject};
use crate::finding::{Fact, Finding, Fingerprint, Remark, Text};
use crate::mutation::{self, Mutation};
use crate::ports::Card;

/// The longest id of a post that is shown whole. The desk's ids are the worker's id (12 hex
/// digits), a hyphen and a serial number.
pub const POST_ID_CHARS_MAX: usize = 64;

/// In JSON, where a line end takes two.
const DESCRIPTION_CHARS_MAX: usize = 1_600;
const KIND_CHARS_MAX: usize = 160;
/// The most that the lines of all facts take in JSON. The least important are left out.
const FACTS_CHARS_MAX: usize = 1_300;
const REMARK_CHARS_MAX: usize = 80;
const STANDARDS_CHARS_MAX: usize = 300;
const PRODUCT_CHARS_MAX: usize = 40;
/// Ids have up to 512 bytes. The link leads to a finding whose id is cut.
const ID_CHARS_MAX: usize = 200;
/// How many others of a group a card names by id. An id that is cut can still be looked up.
const OTHERS_MAX: usize = 2;
const OTHER_ID_MAX: usize = 66;

/// Below so much, the second time of two is shown without its day.
const SAME_DAY: Duration = Duration::from_secs(12 * 3600);

/// Draws a whole card. It stands for `others` too, and names the first of them.
pub(super) fn attachment(
    card: &Card,
    others: &[&Card],
    guide: &Guide,
    post_id: &str,
) -> Attachment {
    let mut attachment = below_heading(card, others, guide, post_id);
    attachment.blocks.insert(0, heading(card, guide, None));
    attachment
}

/// Draws a card without its first lines.
pub(super) fn below_heading(
    card: &Card,
    others: &[&Card],
    guide: &Guide,
    post_id: &str,
) -> Attachment {
    let finding = &card.finding;
    let description = description(finding).map(TextObject::plain);
    let lines = Some(lines(finding, guide)).filter(|lines| !lines.is_empty());
    let texts = description.into_iter().chain(lines.map(TextObject::mrkdwn));
    let mut blocks: Vec<Block> = texts.map(Block::section).collect();
    blocks.push(Block::context(footer(finding, others, guide, post_id)));
    Attachment { color: style(finding.severity.level).colour, blocks }
}

/// The description, unless it equals the title.
fn description(finding: &Finding) -> Option<String> {
    let description = finding.description.as_ref().filter(|text| !text.is_empty())?;
    (description.as_str() != finding.title.as_str())
        .then(|| escape_weighing(description.as_str(), DESCRIPTION_CHARS_MAX))
}

/// Actor, facts, tags, times and type.
fn lines(finding: &Finding, guide: &Guide) -> String {
    let mut left = FACTS_CHARS_MAX;
    let tags = guide.tags(finding);
    let facts = finding.actor.iter().chain(&finding.facts).chain(&tags);
    let facts = facts.filter(|fact| fact.label != Fact::ACCOUNT_NAME);
    let facts = facts.map_while(|fact| {
        let line = line(fact.label, &literal_weighing(fact.text.as_str(), Fact::CHARS_MAX));
        left = left.checked_sub(json_units(&line))?;
        Some(line)
    });
    let mut lines: Vec<String> = facts.collect();
    lines.extend(when(finding).map(|when| line("When", &when)));
    lines.extend(kind(finding, guide).map(|kind| line("Type", &kind)));
    lines.join("\n")
}

/// `12 ×, Jul 22, 2026 6:47 PM – 7:47 PM`
fn when(finding: &Finding) -> Option<String> {
    let seen = [finding.first_seen, finding.last_seen];
    let created = [finding.created_at, finding.updated_at];
    let times = if seen == [None; 2] { created } else { seen };
    let times = match times {
        [Some(first), Some(last)] if first.0 / 60_000 == last.0 / 60_000 => Some(token(first)),
        [Some(first), Some(last)] if last > first && last.since(first) < SAME_DAY => {
            Some([&token(first), " – ", &time_token(last)].concat())
        }
        [Some(first), Some(last)] => Some([&token(first), " – ", &token(last)].concat()),
        [first, last] => first.or(last).map(token),
    };
    let count = finding.count.map(|times| match times {
        1 => "once".to_owned(),
        _ if mutation::is(Mutation::CountForgotten) => "once".to_owned(),
        times => format!("{times} ×"),
    });
    let parts: Vec<String> = [count, times].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The type, and links to what it means and to the runbook for it.
fn kind(finding: &Finding, guide: &Guide) -> Option<String> {
    let link = |address: String, label: &str| ["<", &address, "|", label, ">"].concat();
    let parts = [
        shown(&finding.kind, KIND_CHARS_MAX),
        guide.runbook(finding).map(|address| link(address, "Runbook")),
        about::link(finding).map(|address| link(address, "What to do")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

fn shown(text: &Text, max_chars: usize) -> Option<String> {
    (!text.is_empty()).then(|| literal(text.as_str(), max_chars))
}

/// The standards of a control, and below them the ids for looking the finding up: in the product,
/// in the logs, in the ledger.
fn footer(finding: &Finding, others: &[&Card], guide: &Guide, post_id: &str) -> String {
    let product = Text::new(&finding.fingerprint.product, PRODUCT_CHARS_MAX);
    let id = Text::new(finding.product_id(), ID_CHARS_MAX);
    let mut parts = Vec::new();
    parts.push(code(id.as_str(), ID_CHARS_MAX));
    for other in others.iter().take(OTHERS_MAX) {
        let id = Text::new(other.finding.product_id(), Fingerprint::MAX_ID_BYTES);
        parts.push(code_weighing(id.as_str(), OTHER_ID_MAX));
    }
    if others.len() > OTHERS_MAX {
        parts.push(format!("and {} more", others.len() - OTHERS_MAX));
    }
    parts.extend(shown(&product, PRODUCT_CHARS_MAX));
    for remark in &finding.remarks {
        if let Remark::SentByAccount(sender) = remark {
            let accounts = guide.accounts.get();
            let name = accounts.name(sender.as_str());
            let name = name.map(|name| literal(name, REMARK_CHARS_MAX) + " ").unwrap_or_default();
            parts.push(format!("sent by {name}{}", code(sender.as_str(), REMARK_CHARS_MAX)));
            break;
        }
    }
    parts.push(["hansho ", &id_of_post(post_id)].concat());
    let ids = parts.join(" · ");
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
