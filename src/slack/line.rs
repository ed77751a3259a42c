//! One finding in one line, for where there is no room for its card.
//!
//! A line has a bound that holds whatever is in the finding, so that a list of so many lines always
//! fits. What and where it is and its id are always there; the resource goes first when it is tight.

use super::card::title;
use super::counts::{account, region};
use super::escape::{code_weighing, json_chars, literal, literal_weighing};
use super::look::look;
use super::message::{Block, TextObject};
use crate::finding::{Finding, Fingerprint, Remark, Text};
use crate::ports::Card;

/// The most characters that a line takes in JSON, the line end among them.
pub const LINE_CHARS_MAX: usize = 155;

/// GuardDuty's ids have 32 characters, UUIDs 36.
pub const ID_CHARS_MAX: usize = 40;
const ACCOUNT_CHARS_MAX: usize = 15;
const REGION_CHARS_MAX: usize = 16;
const DESTINATION_CHARS_MAX: usize = 10;
const CIRCUMSTANCES_MAX: usize = 5;

/// A section's text may have 3,000. Source: Slack, Block Kit reference.
const SECTION_CHARS_MAX: usize = 3000;

/// A line for each of the first `lines_max` cards and the number of the others, in as many sections
/// as it takes; the first one begins with `head`.
pub(super) fn sections(head: Option<String>, cards: &[&Card], lines_max: usize) -> Vec<Block> {
    let unnamed = cards.len().saturating_sub(lines_max);
    let lines = cards.iter().take(lines_max).map(|card| line(card));
    let more = (unnamed > 0).then(|| format!("and {unnamed} more"));
    let mut texts: Vec<String> = Vec::new();
    for line in head.into_iter().chain(lines).chain(more) {
        match texts.last_mut() {
            Some(text) if text.chars().count() + 1 + line.chars().count() <= SECTION_CHARS_MAX => {
                text.push('\n');
                text.push_str(&line);
            }
            _ => texts.push(line),
        }
    }
    texts.into_iter().map(|text| Block::section(TextObject::mrkdwn(text))).collect()
}

/// `🟠 Title · resource · account · region · id`, at most [`LINE_CHARS_MAX`] less the line end.
fn line(card: &Card) -> String {
    let finding = &card.finding;
    let head = head(card);
    let tail = format!(
        " · {} · {}{}",
        literal_weighing(account(finding), ACCOUNT_CHARS_MAX),
        literal_weighing(region(finding), REGION_CHARS_MAX),
        id(finding),
    );
    let taken = json_chars(&head) + json_chars(&tail) + json_chars("\n");
    let what = what(finding, LINE_CHARS_MAX.saturating_sub(taken));
    [head, what, tail].concat()
}

/// How bad, and what is special about it.
fn head(card: &Card) -> String {
    let emoji = look(card.finding.severity.level).emoji;
    match circumstances(card).as_slice() {
        [] => format!("{emoji} "),
        several => format!("{emoji} ({}) ", several.join(", ")),
    }
}

/// In fewer words than on a card, the more important first. What raises the level is news and no
/// reminder. One with all of them at once would outgrow the line.
fn circumstances(card: &Card) -> Vec<String> {
    let unreadable = |remark: &Remark| matches!(remark, Remark::UnreadableSeverity(_));
    let mut parts = Vec::new();
    if card.finding.sample {
        parts.push("*SAMPLE*".to_owned());
    }
    if card.finding.canary.is_some() {
        parts.push("*TEST*".to_owned());
    }
    if let Some(from) = card.escalated_from {
        parts.push(format!("was {from}"));
    } else if card.reminder {
        parts.push("reminder".to_owned());
    }
    if card.perhaps_repeated {
        parts.push("may repeat".to_owned());
    }
    if let Some(name) = &card.meant_for {
        parts.push(format!("for {}", literal_weighing(name, DESTINATION_CHARS_MAX)));
    }
    if card.finding.remarks.iter().any(unreadable) {
        parts.push("severity?".to_owned());
    }
    if card.finding.archived {
        parts.push("archived".to_owned());
    }
    parts.truncate(CIRCUMSTANCES_MAX);
    parts
}

/// The title, with the resource if that says more; the type in place of a title that is too long.
fn what(finding: &Finding, room: usize) -> String {
    let title = title(finding);
    let title = title.trim_end_matches('.');
    let resource = resource(finding).filter(|name| !says(title, name));
    let kind = Some(finding.kind.as_str()).filter(|kind| !kind.is_empty());
    let choices = [
        resource.map(|resource| (title, Some(resource))),
        Some((title, None)),
        kind.zip(self::resource(finding)).map(|(kind, resource)| (kind, Some(resource))),
        kind.map(|kind| (kind, None)),
    ];
    // Written one after the other: the first one fits nearly always.
    let mut written = choices.into_iter().flatten().map(|(what, resource)| {
        let what = literal(what, usize::MAX);
        match resource {
            Some(resource) => [&what, " · ", &literal(resource, usize::MAX)].concat(),
            None => what,
        }
    });
    written
        .find(|choice| json_chars(choice) <= room)
        .unwrap_or_else(|| literal_weighing(title, room))
}

/// Without the details in brackets.
fn resource(finding: &Finding) -> Option<&str> {
    let resource = finding.resource.as_ref()?.as_str();
    let name = resource.split(" (").next().unwrap_or(resource);
    (!name.is_empty()).then_some(name)
}

/// Whether a title names the resource already, by its last word: `EC2 instance i-0abc`.
fn says(title: &str, resource: &str) -> bool {
    resource.rsplit(' ').next().is_some_and(|name| title.contains(name))
}

/// Last, so that ids can be found by eye, and copied.
fn id(finding: &Finding) -> String {
    let id = short_id(&finding.fingerprint.id);
    match id.is_empty() {
        true => String::new(),
        false => format!(" · {}", code_weighing(&id, ID_CHARS_MAX + 2)),
    }
}

/// At most [`ID_CHARS_MAX`] characters: of an ARN the end, since all begin alike.
fn short_id(id: &str) -> String {
    let id = Text::new(id, Fingerprint::MAX_ID_BYTES);
    let excess = id.as_str().chars().count().saturating_sub(ID_CHARS_MAX - 1);
    match id.as_str().starts_with("arn:") && excess > 1 {
        true => format!("…{}", id.as_str().chars().skip(excess).collect::<String>()),
        false => id.to_string(),
    }
}
