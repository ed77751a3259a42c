//! What several cards have in common, counted: problems, accounts, regions and levels.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::guide::Guide;
use super::naming::{account, region, short_problem};
use crate::finding::{Finding, Level};
use crate::ports::Card;

/// The most problems that a gist names.
const PROBLEMS_MAX: usize = 3;
const PROBLEM_CHARS_MAX: usize = 44;
const PLACE_CHARS_MAX: usize = 40;
/// The longest name of an account.
const NAME_CHARS_MAX: usize = 24;

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

/// What happened and where, of several cards:
/// `16 × PortProbeUnprotectedPort, 4 × SSHBruteForce +17 more in 4 accounts · us-east-1`. The most
/// severe come first. `show` draws a text in at most so many characters.
pub fn gist(cards: &[&Card], guide: &Guide, show: fn(&str, usize) -> String) -> String {
    let mut problems = ranked(cards, short_problem);
    problems.sort_by_key(|count| Reverse(count.highest));
    let named = problems.iter().take(PROBLEMS_MAX);
    let named = named.map(|count| match count.times {
        1 => show(count.value, PROBLEM_CHARS_MAX),
        times => format!("{times} × {}", show(count.value, PROBLEM_CHARS_MAX)),
    });
    let named: Vec<String> = named.collect();
    let more = match problems.len().saturating_sub(PROBLEMS_MAX) {
        0 => String::new(),
        more => format!(" +{more} more"),
    };
    let accounts = ranked(cards, account);
    let regions = ranked(cards, region);
    let account = match (accounts.as_slice(), cards) {
        ([_], [card, ..]) => guide.account(&card.finding, NAME_CHARS_MAX, PLACE_CHARS_MAX, show),
        (several, _) => format!("{} accounts", several.len()),
    };
    let region = match regions.as_slice() {
        [one] if one.value.is_empty() => String::new(),
        [one] => format!(" · {}", show(one.value, PLACE_CHARS_MAX)),
        several => format!(" · {} regions", several.len()),
    };
    format!("{}{more} in {account}{region}", named.join(", "))
}
