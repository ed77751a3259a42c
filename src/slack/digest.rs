//! The attachment of a digest ([`Form::Digest`](crate::ports::Form::Digest)), the form of a post
//! with more alerts than cards fit. Alerts of the same problem, level and circumstances share a
//! line, whatever their accounts and regions. The ids of each line stand below all lines, so that
//! `hansho explain` finds every alert.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::capacity::{BUDGET_CHARS, DIGEST_MAX};
use super::card::list_footer;
use super::console;
use super::counts::{Count, ranked};
use super::escape::literal_weighing;
use super::guide::Guide;
use super::length::json_units;
use super::level_style::style;
use super::line::{LINE_CHARS_MAX, circumstances, line, packed, short_id};
use super::message::{Attachment, Block, TextObject};
use super::naming::{account, last_word, problem, region, resource, short_problem};
use crate::finding::{Finding, Level};
use crate::mutation::{self, Mutation};
use crate::ports::Card;

const PROBLEM_CHARS_MAX: usize = 60;
const LABEL_CHARS_MAX: usize = 44;
const NAME_CHARS_MAX: usize = 30;
const ID_CHARS_MAX: usize = 42;
/// The most values of a kind that a line names.
const NAMED_MAX: usize = 3;

/// The most that a line of several alerts takes in JSON.
const GROUP_CHARS_MAX: usize = 320;
/// What an id takes with the comma after it, and a line of ids beside them.
const ID_WEIGHT: usize = ID_CHARS_MAX + 2;
const IDS_FRAME: usize = LABEL_CHARS_MAX + 4;

/// The most that the attachment takes beside its lines: link, footer and the JSON around them.
const FRAME_CHARS_MAX: usize = 2_200;

const _: () = assert!(DIGEST_MAX * LINE_CHARS_MAX + FRAME_CHARS_MAX <= BUDGET_CHARS);

/// Draws a digest of several cards, which are sorted, most severe first.
pub(super) fn attachment(cards: &[&Card], guide: &Guide, post_id: &str) -> Option<Attachment> {
    let severest = cards.first()?;
    let (shown, more) = cards.split_at(cards.len().min(DIGEST_MAX));
    let groups = groups(shown);
    let more = (!more.is_empty()).then(|| format!("and {} more", more.len()));
    let lines = packed(groups.iter().map(|group| group_line(group, guide)).chain(more));
    let ids = packed(groups.iter().filter(|group| group.len() > 1).map(|group| ids(group)));
    let mut blocks: Vec<Block> =
        lines.into_iter().map(|text| Block::section(TextObject::mrkdwn(text))).collect();
    blocks.extend(ids.into_iter().map(Block::context));
    blocks.extend(link(cards, guide).map(Block::context));
    blocks.push(list_footer(post_id));
    Some(Attachment { color: style(severest.finding.severity.level).colour, blocks })
}

/// The cards of each problem, level and circumstances. The most severe groups come first, then the
/// largest.
fn groups<'a>(cards: &[&'a Card]) -> Vec<Vec<&'a Card>> {
    let mut found: BTreeMap<_, (usize, Vec<&Card>)> = BTreeMap::new();
    for (index, card) in cards.iter().enumerate() {
        let level = match mutation::is(Mutation::DigestIgnoresLevels) {
            true => Level::Informational,
            false => card.finding.severity.level,
        };
        let key = (level, problem(&card.finding), circumstances(card));
        found.entry(key).or_insert((index, Vec::new())).1.push(card);
    }
    let mut groups: Vec<(usize, Vec<&Card>)> = found.into_values().collect();
    let level = |group: &[&Card]| group.first().map(|card| card.finding.severity.level);
    groups.sort_by_key(|(first, group)| (Reverse((level(group), group.len())), *first));
    groups.into_iter().map(|(_, group)| group).collect()
}

/// `🟠 *16 ×* PortProbeUnprotectedPort · i-0abc, i-0def +14 · prod-shop ×7, staging ×9 · us-east-1`.
/// It names as many resources and accounts as fit.
fn group_line(group: &[&Card], guide: &Guide) -> String {
    let (first, many) = match group {
        [] => return String::new(),
        [card] => return line(card, guide),
        [first, ..] => (first, group.len()),
    };
    let max = (many * (LINE_CHARS_MAX - ID_WEIGHT)).saturating_sub(IDS_FRAME).min(GROUP_CHARS_MAX);
    let circumstances = match circumstances(first).as_slice() {
        [] => String::new(),
        some => format!(" ({})", some.join(", ")),
    };
    let emoji = style(first.finding.severity.level).emoji;
    let problem = literal_weighing(short_problem(&first.finding), PROBLEM_CHARS_MAX);
    let head = format!("{emoji} *{many} ×* {problem}{circumstances}");
    let written =
        (0..=NAMED_MAX).rev().map(|named| [&head[..], &spread(group, guide, named)].concat());
    written.into_iter().find(|line| json_units(line) < max).unwrap_or(head)
}

/// The resources, accounts and regions of several cards, so many of each.
fn spread(group: &[&Card], guide: &Guide, named: usize) -> String {
    let resources = ranked(group, |finding| resource(finding).map(last_word).unwrap_or_default());
    let resources = list(&resources, named, false, |text| literal_weighing(text, NAME_CHARS_MAX));
    let known = guide.accounts.get();
    let accounts = match mutation::is(Mutation::DigestAccountOfFirst) {
        true => ranked(group.get(..1).unwrap_or_default(), account),
        false => ranked(group, account),
    };
    let accounts = match (accounts.as_slice(), group) {
        ([_], [card, ..]) => {
            guide.account(&card.finding, NAME_CHARS_MAX, NAME_CHARS_MAX, literal_weighing)
        }
        (several, _) => list(several, named, true, |id| {
            literal_weighing(known.name(id).unwrap_or(id), NAME_CHARS_MAX)
        }),
    };
    let regions = ranked(group, region);
    let regions = list(&regions, named, true, |text| literal_weighing(text, NAME_CHARS_MAX));
    let parts = [resources, accounts, regions];
    parts.into_iter().filter(|part| !part.is_empty()).map(|part| [" · ", &part].concat()).collect()
}

/// `prod-shop ×7, staging ×5 +2`: the first values, and the number of the others.
fn list(
    counts: &[Count<&str>],
    named: usize,
    counted: bool,
    show: impl Fn(&str) -> String,
) -> String {
    let several = counts.len() > 1;
    let mut shown: Vec<String> = Vec::new();
    for count in counts.iter().filter(|count| !count.value.is_empty()).take(named) {
        shown.push(match counted && count.times > 1 && several {
            true => format!("{} ×{}", show(count.value), count.times),
            false => show(count.value),
        });
    }
    let more = counts.len().saturating_sub(shown.len());
    match shown.as_slice() {
        [] => String::new(),
        shown if more > 0 => format!("{} +{more}", shown.join(", ")),
        shown => shown.join(", "),
    }
}

/// `PortProbeUnprotectedPort: 0a1b2c…, 1a2b3c…`, the ids as in lines.
fn ids(group: &[&Card]) -> String {
    let label = group.first().map_or("", |card| short_problem(&card.finding));
    let ids = group.iter().map(|card| {
        let id = card.finding.product_id();
        literal_weighing(&short_id(id), ID_CHARS_MAX)
    });
    let ids: Vec<String> = ids.collect();
    format!("{}: {}", literal_weighing(label, LABEL_CHARS_MAX), ids.join(", "))
}

/// A link to the list that holds the most of these findings.
fn link(cards: &[&Card], guide: &Guide) -> Option<String> {
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
    let address = guide.list_link(list, cards)?;
    Some(format!("<{address}|Look at {part} in {}, {}>", list.product, list.region))
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
