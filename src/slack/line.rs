//! A finding in one line, for posts without room for its card.
//!
//! A line has a limit that holds for any finding, so that a list of lines always fits. Title (or
//! type), account, region and id are always there. The resource is left out first if the line is
//! too long.

use super::escape::{code_weighing, literal_weighing};
use super::guide::Guide;
use super::length::{end_within, json_units, units};
use super::level_style::style;
use super::message::{Block, TextObject};
use super::naming::{last_word, names, region, resource, short_title};
use crate::finding::text::CUT;
use crate::finding::{Finding, Fingerprint, Remark, Text};
use crate::ports::Card;

/// The most characters that a line takes in JSON, its line end included.
pub const LINE_CHARS_MAX: usize = 155;

/// GuardDuty's ids have 32 characters, UUIDs 36.
const ID_CHARS_MAX: usize = 40;
/// The shortest title beside a resource.
const TITLE_CHARS_MIN: usize = 30;
const ACCOUNT_CHARS_MAX: usize = 15;
const NAME_CHARS_MAX: usize = 20;
const REGION_CHARS_MAX: usize = 15;
const DESTINATION_CHARS_MAX: usize = 10;
const ACTION_CHARS_MAX: usize = 13;
const CIRCUMSTANCES_MAX: usize = 5;

/// The most characters in the text of a section. Source: Slack, Block Kit reference.
const SECTION_CHARS_MAX: usize = 3000;

/// Draws a line for each of the first `lines_max` cards and the number of the others, in as few
/// sections as possible. The first section begins with `head`.
pub(super) fn sections(
    head: Option<String>,
    cards: &[&Card],
    lines_max: usize,
    guide: &Guide,
) -> Vec<Block> {
    let unnamed = cards.len().saturating_sub(lines_max);
    let lines = cards.iter().take(lines_max).map(|card| line(card, guide));
    let more = (unnamed > 0).then(|| format!("and {unnamed} more"));
    let texts = packed(head.into_iter().chain(lines).chain(more));
    texts.into_iter().map(|text| Block::section(TextObject::mrkdwn(text))).collect()
}

/// Joins lines into as few texts as blocks allow.
pub(super) fn packed(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for line in lines {
        match texts.last_mut() {
            Some(text) if units(text) + 1 + units(&line) <= SECTION_CHARS_MAX => {
                text.push('\n');
                text.push_str(&line);
            }
            _ => texts.push(line),
        }
    }
    texts
}

/// `🟠 Title · resource · account · region · id`, at most [`LINE_CHARS_MAX`] with the line end.
pub(super) fn line(card: &Card, guide: &Guide) -> String {
    line_after(head(card), &card.finding, guide)
}

/// The finding after another head, in the same length.
pub(super) fn line_after(head: String, finding: &Finding, guide: &Guide) -> String {
    let left =
        LINE_CHARS_MAX.saturating_sub(json_units(&head) + json_units(&tail(finding, guide, 0)));
    // The title says more than the name.
    let tail = tail(finding, guide, (left / 3).min(NAME_CHARS_MAX));
    let taken = json_units(&head) + json_units(&tail) + json_units("\n");
    let subject = subject(finding, LINE_CHARS_MAX.saturating_sub(taken));
    [head, subject, tail].concat()
}

/// Account, region and id.
fn tail(finding: &Finding, guide: &Guide, name_max: usize) -> String {
    let account = guide.account(finding, name_max, ACCOUNT_CHARS_MAX, literal_weighing);
    let region = literal_weighing(region(finding), REGION_CHARS_MAX);
    let parts = [account, region, id(finding)];
    parts.into_iter().filter(|part| !part.is_empty()).map(|part| [" · ", &part].concat()).collect()
}

/// The level and the circumstances.
fn head(card: &Card) -> String {
    let emoji = style(card.finding.severity.level).emoji;
    match circumstances(card).as_slice() {
        [] => format!("{emoji} "),
        several => format!("{emoji} ({}) ", several.join(", ")),
    }
}

/// The circumstances in fewer words than on a card, the more important ones first. At most
/// [`CIRCUMSTANCES_MAX`] fit the line. An escalation is not called a reminder.
pub(super) fn circumstances(card: &Card) -> Vec<String> {
    let doubtful = |remark: &Remark| {
        matches!(remark, Remark::UnreadableSeverity(_) | Remark::OtherSeverity(_))
    };
    let mut parts = Vec::new();
    if card.finding.sample {
        parts.push("*SAMPLE*".to_owned());
    }
    if card.finding.canary.is_some() {
        parts.push("*TEST*".to_owned());
    }
    if let Some(action) = &card.finding.requested_by {
        parts.push(["via ", &literal_weighing(action.as_str(), ACTION_CHARS_MAX)].concat());
    } else if card.came_back.is_some() {
        parts.push("came back".to_owned());
    } else if let Some(from) = card.escalated_from {
        parts.push(format!("was {from}"));
    } else if card.reminder {
        parts.push("reminder".to_owned());
    }
    if card.perhaps_repeated {
        parts.push("may repeat".to_owned());
    }
    if card.late.is_some() {
        parts.push("late".to_owned());
    }
    if let Some(name) = &card.meant_for {
        parts.push(format!("for {}", literal_weighing(name, DESTINATION_CHARS_MAX)));
    }
    if card.finding.remarks.iter().any(doubtful) {
        parts.push("severity?".to_owned());
    }
    if card.finding.condition.is_closed() {
        parts.push("closed".to_owned());
    }
    parts.truncate(CIRCUMSTANCES_MAX);
    parts
}

/// The title, and the resource if the title does not name it. If they do not fit, the resource is
/// cut to its name, then the title.
fn subject(finding: &Finding, chars_max: usize) -> String {
    let title = short_title(finding);
    let resource = resource(finding).filter(|resource| !names(&title, resource));
    let Some(resource) = resource else { return literal_weighing(&title, chars_max) };
    let whole = literal_weighing(&title, usize::MAX);
    for resource in [resource, last_word(resource)] {
        let resource = literal_weighing(resource, chars_max.saturating_sub(TITLE_CHARS_MIN));
        let left = chars_max.saturating_sub(json_units(&resource) + json_units(" · "));
        if json_units(&whole) <= left {
            return [&whole, " · ", &resource].concat();
        }
    }
    let resource = literal_weighing(last_word(resource), chars_max / 3);
    let left = chars_max.saturating_sub(json_units(&resource) + json_units(" · "));
    [&literal_weighing(&title, left), " · ", &resource].concat()
}

/// The id. It is last in a line, where it is easy to find and to copy.
fn id(finding: &Finding) -> String {
    let id = short_id(finding.product_id());
    match id.is_empty() {
        true => String::new(),
        false => code_weighing(&id, ID_CHARS_MAX + 2),
    }
}

/// Cuts an id to [`ID_CHARS_MAX`] characters. Of an ARN the end is kept, because all begin alike.
pub(super) fn short_id(id: &str) -> String {
    let id = Text::new(id, Fingerprint::MAX_ID_BYTES);
    match id.as_str().starts_with("arn:") && units(id.as_str()) > ID_CHARS_MAX {
        true => format!("{CUT}{}", end_within(id.as_str(), ID_CHARS_MAX - 1)),
        false => id.to_string(),
    }
}
