//! I27: a post says of its alerts what the generator's books say: how many there are of each level,
//! and of each its level, title, account, region and count.

use std::collections::{BTreeMap, BTreeSet};

use super::{Rules, Verdict};
use crate::sim::drawn::{Drawn, Part, letters};
use crate::sim::history::{Entry, Shown, What};

const CRITICAL: u8 = 4;
/// Stands where a text was cut.
const CUT: char = '…';

pub fn check(rules: &Rules, history: &[Entry], verdict: &mut Verdict) {
    for entry in history {
        if let What::PostCalled { post, cards, drawn, .. } = &entry.what
            && let Err(why) =
                drawn.as_ref().map_err(Clone::clone).and_then(|d| judge(rules, cards, d))
        {
            let finding = cards.first().map(|c| c.finding);
            verdict.breaks("I27", entry.at, finding, format!("post {post}: {why}"));
        }
    }
}

fn judge(rules: &Rules, cards: &[Shown], drawn: &Drawn) -> Result<(), String> {
    let mut tally = [0; 5];
    cards.iter().for_each(|c| tally[usize::from(c.level)] += 1);
    if let Some(said) = drawn.tallies.iter().find(|said| **said != tally) {
        return Err(format!("it counts {said:?} and not {tally:?} alerts, by level"));
    }
    let places = places(rules, cards);
    if let Some(said) = drawn.places.iter().find(|said| **said != places) {
        return Err(format!("it is about {said:?} and not {places:?}"));
    }
    if drawn.mentions != cards.iter().any(|c| c.level == CRITICAL && !c.closed) {
        return Err("it is wrong about the mention".to_owned());
    }
    let mut shown: Vec<u32> = drawn.parts.iter().flat_map(|p| p.findings.clone()).collect();
    let mut owed: Vec<u32> = cards.iter().map(|c| c.finding).collect();
    shown.sort_unstable();
    owed.sort_unstable();
    if shown != owed {
        return Err(format!("it shows {shown:?} and not {owed:?}"));
    }
    drawn.parts.iter().try_for_each(|part| judge_part(rules, cards, part))
}

/// `3 accounts · us-east-1`, and of one account its id.
fn places(rules: &Rules, cards: &[Shown]) -> String {
    let subjects = rules.plan.subjects;
    let accounts: BTreeSet<String> = cards.iter().map(|c| subjects.account(c.finding)).collect();
    let regions: BTreeSet<&str> = cards.iter().map(|c| subjects.region(c.finding)).collect();
    let one_or = |first: Option<&str>, many: usize, word: &str| match first {
        Some(one) if many == 1 => one.to_owned(),
        _ => format!("{many} {word}"),
    };
    let account = one_or(accounts.first().map(String::as_str), accounts.len(), "accounts");
    let region = one_or(regions.first().copied(), regions.len(), "regions");
    format!("{account} · {region}")
}

/// Judges a card, a line, or the text about the only alert.
fn judge_part(rules: &Rules, cards: &[Shown], part: &Part) -> Result<(), String> {
    // A fallback may show two alerts of a finding, at two levels.
    let is_of = |c: &&Shown| {
        part.findings.is_empty() || (part.findings.contains(&c.finding) && c.level == part.level)
    };
    let about: Vec<&Shown> = cards.iter().filter(is_of).collect();
    let subjects = rules.plan.subjects;
    if about.iter().any(|c| c.level != part.level) {
        return Err(format!("the level is wrong: {part:?}"));
    }
    if part.several.unwrap_or(1) != about.len() {
        return Err(format!("the number is not {}: {part:?}", about.len()));
    }
    let mut accounts: BTreeMap<String, usize> = BTreeMap::new();
    about.iter().for_each(|c| *accounts.entry(subjects.account(c.finding)).or_default() += 1);
    let is_true = |(id, times): &(String, Option<usize>)| {
        accounts.get(id).is_some_and(|known| times.is_none_or(|times| times == *known))
    };
    let named: BTreeSet<&String> = part.accounts.iter().map(|(id, _)| id).collect();
    if !part.accounts.iter().all(is_true) || named.len() + part.more_accounts != accounts.len() {
        return Err(format!("the accounts are not {accounts:?}: {part:?}"));
    }
    for c in about {
        let region = subjects.region(c.finding);
        if part.region.as_deref().is_some_and(|said| said != region) {
            return Err(format!("the region is not {region}: {part:?}"));
        }
        let seen = if rules.is_requested(c.finding) { 0 } else { subjects.seen(c.finding) };
        if part.seen.is_some_and(|said| said != seen) {
            return Err(format!("it was seen {seen} times: {part:?}"));
        }
        let is_true = match part.several {
            Some(_) => is_kind(subjects.kind(c.finding), &part.title),
            None => is_title(rules, c.finding, &part.title),
        };
        if !is_true {
            return Err(format!("that is not the title of f{}: {part:?}", c.finding));
        }
    }
    Ok(())
}

/// Of alike findings of GuardDuty the last word of the type is shown.
fn is_kind(kind: &str, said: &str) -> bool {
    let last = kind.rsplit('/').next().unwrap_or(kind);
    [kind, last].iter().any(|known| letters(known) == letters(said))
}

/// A finding may come with several titles. One without a title is called by its type.
fn is_title(rules: &Rules, finding: u32, said: &str) -> bool {
    let titles = rules.titles.get(finding as usize).into_iter().flatten();
    let mut known = titles.map(|title| match title.as_str() {
        "" => letters(rules.plan.subjects.kind(finding)),
        title => letters(title),
    });
    let is_cut = said.contains(CUT);
    let said = letters(said);
    known.any(|known| known == said || is_cut && known.starts_with(&said))
}
