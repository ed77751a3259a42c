//! The attachment of a digest ([`Form::Digest`](crate::ports::Form::Digest)), the form of a post
//! with more alerts than cards fit. It counts their types, accounts and regions, then gives each
//! alert a line, most severe first. Alerts of a group share a line.

use super::capacity::{BUDGET_CHARS, DIGEST_MAX};
use super::card::list_footer;
use super::console;
use super::counts::{Count, account, kind, ranked, region};
use super::escape::literal_weighing;
use super::group::grouped;
use super::guide::Guide;
use super::level_style::style;
use super::line::{LINE_CHARS_MAX, sections};
use super::message::{Attachment, Block, TextObject};
use crate::finding::Finding;
use crate::ports::Card;

/// The most values that are named in a count.
const NAMED_MAX: usize = 5;
const KIND_CHARS_MAX: usize = 72;
const NAME_CHARS_MAX: usize = 24;
const ACCOUNT_CHARS_MAX: usize = 24;
const REGION_CHARS_MAX: usize = 24;

/// The most that the attachment takes beside its lines: counts, link, footer and the JSON around
/// them.
const FRAME_CHARS_MAX: usize = 2_200;

const _: () = assert!(DIGEST_MAX * LINE_CHARS_MAX + FRAME_CHARS_MAX <= BUDGET_CHARS);

/// Draws a digest. `cards` are sorted, most severe first; `severest` is the first of them.
pub(super) fn attachment(
    severest: &Card,
    cards: &[&Card],
    guide: &Guide,
    post_id: &str,
) -> Attachment {
    let mut blocks = vec![overview(cards, guide), Block::Divider {}];
    let entries = grouped(cards);
    let shown: Vec<&Card> = entries.iter().map(|entry| &*entry.shown).collect();
    blocks.extend(sections(None, &shown, DIGEST_MAX, guide));
    blocks.push(list_footer(post_id));
    Attachment { color: style(severest.finding.severity.level).colour, blocks }
}

fn overview(cards: &[&Card], guide: &Guide) -> Block {
    let kinds = ranked(cards, kind);
    let accounts = ranked(cards, account);
    let regions = ranked(cards, region);
    let kind = |count: &Count<&str>| {
        let emoji = style(count.highest).emoji;
        format!("{emoji} {}", literal_weighing(count.value, KIND_CHARS_MAX))
    };
    let account = |count: &Count<&str>| {
        guide.account(count.value, NAME_CHARS_MAX, ACCOUNT_CHARS_MAX, literal_weighing)
    };
    let region = |count: &Count<&str>| literal_weighing(count.value, REGION_CHARS_MAX);
    let fields = vec![
        field("By type", "types", &kinds, kind),
        field("By account", "accounts", &accounts, account),
        field("By region", "regions", &regions, region),
    ];
    let lines: Vec<String> = [circumstances(cards), link(cards)].into_iter().flatten().collect();
    let text = (!lines.is_empty()).then(|| TextObject::mrkdwn(lines.join("\n")));
    Block::Section { text, fields }
}

/// `31 × this`, `4 × that`, `+3 types`
fn field<K>(
    label: &str,
    things: &str,
    counts: &[Count<K>],
    show: impl Fn(&Count<K>) -> String,
) -> TextObject {
    let mut lines = vec![format!("*{label}*")];
    for count in counts.iter().take(NAMED_MAX) {
        lines.push(format!("{} × {}", count.times, show(count)));
    }
    if counts.len() > NAMED_MAX {
        lines.push(format!("+{} {things}", counts.len() - NAMED_MAX));
    }
    TextObject::mrkdwn(lines.join("\n"))
}

/// The numbers of samples, escalated alerts and so on. Each alert's line says so too.
fn circumstances(cards: &[&Card]) -> Option<String> {
    let count = |has: fn(&Card) -> bool| cards.iter().filter(|card| has(card)).count();
    let counts = [
        ("🧪 *SAMPLE*", count(|card| card.finding.sample)),
        ("requested", count(|card| card.finding.requested_by.is_some())),
        ("came back", count(|card| card.came_back.is_some())),
        ("escalated", count(|card| card.escalated_from.is_some())),
        ("seen again", count(|card| card.reminder)),
        ("may repeat an earlier post", count(|card| card.perhaps_repeated)),
        ("closed", count(|card| card.finding.condition.is_closed())),
    ];
    let parts: Vec<String> = counts
        .into_iter()
        .filter(|(_, times)| *times > 0)
        .map(|(what, times)| match times == cards.len() {
            true => format!("all {what}"),
            false => format!("{times} {what}"),
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join("  ·  "))
}

/// A link to the list that holds the most of these findings.
fn link(cards: &[&Card]) -> Option<String> {
    let mut lists: Vec<(console::List, usize)> = Vec::new();
    for (finding, times) in places(cards) {
        let Some(list) = console::list(finding) else { continue };
        match lists.iter_mut().find(|(other, _)| *other == list) {
            Some((_, sum)) => *sum += times,
            None => lists.push((list, times)),
        }
    }
    // Takes the first of several maxima; without `rev`, `max_by_key` takes the last.
    let (list, times) = lists.iter().rev().max_by_key(|(_, times)| *times)?;
    let part = match *times {
        all if all == cards.len() => "them".to_owned(),
        part => format!("{part} of them"),
    };
    Some(format!("<{}|Look at {part} in {}, {}>", list.address, list.product, list.region))
}

/// The first finding of each product and region, and the number of findings like it. All of these
/// are in the same list.
fn places<'a>(cards: &[&'a Card]) -> Vec<(&'a Finding, usize)> {
    let place = |finding: &'a Finding| {
        (&finding.fingerprint.product, finding.region.as_str(), finding.partition)
    };
    let mut places: Vec<(&Finding, usize)> = Vec::new();
    for card in cards {
        match places.iter_mut().find(|(first, _)| place(first) == place(&card.finding)) {
            Some((_, times)) => *times += 1,
            None => places.push((&card.finding, 1)),
        }
    }
    places
}
