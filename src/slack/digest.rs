//! More findings than cards fit, in one attachment: first what they have in common, so that a
//! person sees at once what is going on and where; then a line for each, the worst first.

use super::capacity::{BUDGET_CHARS, DIGEST_MAX};
use super::card::footer_of_digest;
use super::console;
use super::counts::{Count, account, kind, ranked, region};
use super::escape::literal_weighing;
use super::line::{LINE_CHARS_MAX, sections};
use super::look::look;
use super::message::{Attachment, Block, TextObject};
use crate::finding::Finding;
use crate::ports::Card;

/// Of the values that are counted, the most that are named.
const NAMED_MAX: usize = 5;
const KIND_CHARS_MAX: usize = 72;
const ACCOUNT_CHARS_MAX: usize = 24;
const REGION_CHARS_MAX: usize = 24;

/// What the attachment takes besides its lines, at most: counts, link, footer and JSON's own signs.
const FRAME_CHARS_MAX: usize = 2_200;

const _: () = assert!(DIGEST_MAX * LINE_CHARS_MAX + FRAME_CHARS_MAX <= BUDGET_CHARS);

/// `cards` are sorted, the worst first, and there is one at least.
pub(super) fn attachment(worst: &Card, cards: &[&Card], digest_id: &str) -> Attachment {
    let mut blocks = vec![overview(cards), Block::Divider {}];
    blocks.extend(sections(None, cards, DIGEST_MAX));
    blocks.push(footer_of_digest(digest_id));
    Attachment { color: look(worst.finding.severity.level).colour, blocks }
}

fn overview(cards: &[&Card]) -> Block {
    let kinds = ranked(cards, kind);
    let accounts = ranked(cards, account);
    let regions = ranked(cards, region);
    let kind = |count: &Count<&str>| {
        let emoji = look(count.worst).emoji;
        format!("{emoji} {}", literal_weighing(count.what, KIND_CHARS_MAX))
    };
    let place = |chars_max| move |count: &Count<&str>| literal_weighing(count.what, chars_max);
    let fields = vec![
        field("By type", "types", &kinds, kind),
        field("By account", "accounts", &accounts, place(ACCOUNT_CHARS_MAX)),
        field("By region", "regions", &regions, place(REGION_CHARS_MAX)),
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

/// How many have something special about them; each says so in its line, too.
fn circumstances(cards: &[&Card]) -> Option<String> {
    let count = |has: fn(&Card) -> bool| cards.iter().filter(|card| has(card)).count();
    let counts = [
        ("🧪 *SAMPLE*", count(|card| card.finding.sample)),
        ("escalated", count(|card| card.escalated_from.is_some())),
        ("seen again", count(|card| card.reminder)),
        ("may repeat an earlier post", count(|card| card.perhaps_repeated)),
        ("archived", count(|card| card.finding.archived)),
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

/// To the list that holds the most of them.
fn link(cards: &[&Card]) -> Option<String> {
    let mut lists: Vec<(console::List, usize)> = Vec::new();
    for (finding, times) in places(cards) {
        let Some(list) = console::list(finding) else { continue };
        match lists.iter_mut().find(|(other, _)| *other == list) {
            Some((_, sum)) => *sum += times,
            None => lists.push((list, times)),
        }
    }
    // The first of the most frequent: `max_by_key` would take the last.
    let (list, times) = lists.iter().rev().max_by_key(|(_, times)| *times)?;
    let part = match *times {
        all if all == cards.len() => "them".to_owned(),
        part => format!("{part} of them"),
    };
    Some(format!("<{}|Look at {part} in {}, {}>", list.address, list.product, list.region))
}

/// The first finding of each product and region, and how many there are of these: all of them are in
/// the same list.
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
