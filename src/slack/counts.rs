//! Counts of types, accounts, regions and levels, for posts with several alerts.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::escape::{defang, escape_within};
use super::guide::Guide;
use crate::finding::{Finding, Level, Text};
use crate::ports::{ACCOUNT_NAME_CHARS_MAX, Card};

const KIND_CHARS_MAX: usize = 100;
const PLACE_CHARS_MAX: usize = 40;

/// A value, and how many cards have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count<K> {
    pub value: K,
    pub times: usize,
    /// The highest level among those cards.
    pub highest: Level,
}

/// Counts the values that the cards have, most frequent first. Equally frequent values keep the
/// order of the cards.
pub fn ranked<'a, K: Ord + Copy>(
    cards: &[&'a Card],
    of: impl Fn(&'a Finding) -> K,
) -> Vec<Count<K>> {
    let mut found: BTreeMap<K, (usize, Count<K>)> = BTreeMap::new();
    for (index, card) in cards.iter().enumerate() {
        let highest = card.finding.severity.level;
        let value = of(&card.finding);
        let (_, count) = found.entry(value).or_insert((index, Count { value, times: 0, highest }));
        count.times += 1;
        count.highest = count.highest.max(highest);
    }
    let mut counts: Vec<(usize, Count<K>)> = found.into_values().collect();
    counts.sort_by_key(|(first, count)| (Reverse(count.times), *first));
    counts.into_iter().map(|(_, count)| count).collect()
}

pub fn kind(finding: &Finding) -> &str {
    or(&finding.kind, "type unknown")
}

pub fn account(finding: &Finding) -> &str {
    or(&finding.account, "account unknown")
}

pub fn region(finding: &Finding) -> &str {
    or(&finding.region, "region unknown")
}

fn or<'a>(text: &'a Text, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text.as_str() }
}

/// `1 critical, 4 high`
pub fn tally(cards: &[&Card]) -> String {
    let counts: Vec<String> = Level::ALL
        .into_iter()
        .rev()
        .filter_map(|level| {
            let count = cards.iter().filter(|card| card.finding.severity.level == level).count();
            (count > 0).then(|| format!("{count} {level}"))
        })
        .collect();
    counts.join(", ")
}

/// Sums up several findings for the top-level text:
/// `mostly Recon:EC2/Portscan in 111122223333 (31); 4 types, 2 accounts, eu-central-1`.
pub fn gist(cards: &[&Card], guide: &Guide) -> String {
    let many = |count: usize, things: &str| (count > 1).then(|| format!("{count} {things}"));
    let regions = ranked(cards, region);
    let one_region = || regions.first().map(|region| shown(region.value, PLACE_CHARS_MAX));
    let spread: Vec<String> = [
        many(ranked(cards, kind).len(), "types"),
        many(ranked(cards, account).len(), "accounts"),
        many(regions.len(), "regions").or_else(one_region),
    ]
    .into_iter()
    .flatten()
    .collect();
    let between = if spread.len() > 1 { "; " } else { ", " };
    let parts: Vec<String> = share(cards, guide).into_iter().chain([spread.join(", ")]).collect();
    parts.join(between)
}

/// The type and account that more than half of the findings share, or else the type or the account.
fn share(cards: &[&Card], guide: &Guide) -> Option<String> {
    let kind_shown = |text| shown(text, KIND_CHARS_MAX);
    let account_shown = |id| account_in_text(id, guide);
    let (what, times) = None
        .or_else(|| {
            let top = majority(cards, |finding| (kind(finding), account(finding)))?;
            let (kind, account) = top.value;
            Some((format!("{} in {}", kind_shown(kind), account_shown(account)), top.times))
        })
        .or_else(|| majority(cards, kind).map(|top| (kind_shown(top.value), top.times)))
        .or_else(|| {
            let top = majority(cards, account)?;
            Some((format!("in {}", account_shown(top.value)), top.times))
        })?;
    Some(match times == cards.len() {
        true => format!("all {what}"),
        false => format!("mostly {what} ({times})"),
    })
}

fn majority<'a, K: Ord + Copy>(
    cards: &[&'a Card],
    of: impl Fn(&'a Finding) -> K,
) -> Option<Count<K>> {
    ranked(cards, of).first().copied().filter(|top| top.times * 2 > cards.len())
}

/// An account in the top-level text.
pub fn account_in_text(id: &str, guide: &Guide) -> String {
    guide.account(id, ACCOUNT_NAME_CHARS_MAX, PLACE_CHARS_MAX, shown)
}

fn shown(text: &str, max_chars: usize) -> String {
    escape_within(&defang(text), max_chars)
}
