//! The result of a survey: gaps, and what could not be read, by place.

use std::collections::{BTreeMap, BTreeSet};

use super::last::LastFindings;
use crate::commands::exit::Exit;
use crate::estate::gap::{self, Gap, Unread, Wanted};
use crate::estate::matrix::{Matrix, Place};
use crate::estate::{Fact, Unreadable};
use crate::instants::Wall;

/// A matrix with what is wrong in it.
#[derive(Clone, Debug)]
pub struct Report {
    pub at: Wall,
    pub matrix: Matrix,
    pub gaps: Vec<Gap>,
    pub unread: Vec<Unread>,
    /// None: nobody asked, because there is no ledger.
    pub last: Option<Fact<LastFindings>>,
}

/// How many places there are of each kind. A place with a gap counts as that alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub complete: usize,
    pub with_gap: usize,
    pub unread: usize,
    pub not_enabled: usize,
}

/// The state of one place, for a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    Complete,
    /// The letter of the most severe gap.
    Gap(char),
    Unread,
    NotEnabled,
}

impl Cell {
    pub fn letter(self) -> char {
        match self {
            Cell::Complete => '.',
            Cell::Gap(letter) => letter,
            Cell::Unread => '?',
            Cell::NotEnabled => '-',
        }
    }
}

impl Report {
    pub fn new(at: Wall, matrix: Matrix, wanted: &Wanted) -> Report {
        let gaps = gap::gaps(&matrix, wanted);
        let unread = gap::unread(&matrix);
        Report { at, matrix, gaps, unread, last: None }
    }

    /// The report with the last findings. What of them was not read is listed as unreadable.
    pub fn with_last(mut self, last: Fact<LastFindings>) -> Report {
        let why = match &last {
            Err(why) => Some(why.clone()),
            Ok(last) if last.cut => Some(Unreadable::new(&format!(
                "the ledger has more than the {} records that were read, so later findings may \
                 exist: --without findings leaves them out",
                last.records
            ))),
            Ok(_) => None,
        };
        self.unread.extend(why.map(|why| Unread {
            region: None,
            account: None,
            fact: "last findings",
            why,
        }));
        self.last = Some(last);
        self
    }

    /// When the last finding of a place was posted. None: not known.
    pub fn last_of(&self, region: &str, account: &str) -> Option<Wall> {
        self.last.as_ref()?.as_ref().ok()?.of(region, account)
    }

    /// 3 with gaps; 1 without, if something could not be read.
    pub fn exit(&self) -> Exit {
        match (self.gaps.is_empty(), self.unread.is_empty()) {
            (false, _) => Exit::Open,
            (true, false) => Exit::Failure,
            (true, true) => Exit::Done,
        }
    }

    /// The state of each place, by region and account.
    pub fn cells(&self) -> BTreeMap<(&str, &str), Cell> {
        let at = |region: &Option<String>, account: &Option<String>| {
            Some((region.clone()?, account.clone()?))
        };
        let unread: BTreeSet<_> =
            self.unread.iter().filter_map(|one| at(&one.region, &one.account)).collect();
        let mut gaps = BTreeMap::new();
        for gap in &self.gaps {
            // They are sorted by severity.
            if let Some(place) = at(&gap.region, &gap.account) {
                gaps.entry(place).or_insert(gap.kind.letter());
            }
        }
        let cell = |key: &(String, String), place: &Place| match (gaps.get(key), place) {
            (Some(letter), _) => Cell::Gap(*letter),
            (None, Place::NotEnabled) => Cell::NotEnabled,
            (None, Place::Enabled(facts)) => {
                // What a gap elsewhere explains is not listed, and still not known.
                let known = facts.detector.is_ok() && facts.member.is_ok();
                if known && !unread.contains(key) { Cell::Complete } else { Cell::Unread }
            }
        };
        let places = self.matrix.places.iter();
        places.map(|(key, place)| ((key.0.as_str(), key.1.as_str()), cell(key, place))).collect()
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for cell in self.cells().into_values() {
            match cell {
                Cell::Complete => counts.complete += 1,
                Cell::Gap(_) => counts.with_gap += 1,
                Cell::Unread => counts.unread += 1,
                Cell::NotEnabled => counts.not_enabled += 1,
            }
        }
        counts
    }

    /// Id and name: `111122223333 prod-shop`.
    pub fn label(&self, account: &str) -> String {
        let facts = self.matrix.accounts.get(account);
        match facts.map(|facts| facts.name.as_str()) {
            Some(name) if !name.is_empty() => format!("{account} {name}"),
            _ => account.to_owned(),
        }
    }

    /// The gaps of a region as a whole: its letters.
    pub fn region_letters(&self, region: &str) -> String {
        let mut letters = String::new();
        let whole = |gap: &&Gap| gap.account.is_none() && gap.region.as_deref() == Some(region);
        for letter in self.gaps.iter().filter(whole).map(|gap| gap.kind.letter()) {
            if !letters.contains(letter) {
                letters.push(letter);
            }
        }
        let whole = |one: &&Unread| one.account.is_none() && one.region.as_deref() == Some(region);
        if self.unread.iter().any(|one| whole(&one)) {
            letters.push('?');
        }
        letters
    }
}

/// Gaps or unread facts that are alike, in whichever places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What is alike.
    pub title: String,
    /// Empty: the regions as a whole.
    pub accounts: Vec<String>,
    /// Empty: the organisation, or the accounts as a whole.
    pub regions: Vec<String>,
}

/// Folds entries of title, region and account: accounts with the same entries in a region stand
/// together, and then regions with the same accounts. Keeps the order of the first.
pub fn fold<'a>(
    entries: impl Iterator<Item = (String, Option<&'a str>, Option<&'a str>)>,
) -> Vec<Group> {
    let mut order: Vec<(String, Option<&str>)> = Vec::new();
    let mut accounts: BTreeMap<(String, Option<&str>), Vec<String>> = BTreeMap::new();
    for (title, region, account) in entries {
        let key = (title, region);
        let known = accounts.entry(key.clone()).or_insert_with(|| {
            order.push(key);
            Vec::new()
        });
        known.extend(account.map(str::to_owned));
    }
    let mut groups: Vec<Group> = Vec::new();
    let mut index: BTreeMap<(String, Vec<String>), usize> = BTreeMap::new();
    for key in order {
        let mut alike = accounts.remove(&key).unwrap_or_default();
        alike.sort();
        let (title, region) = key;
        let region = region.map(str::to_owned);
        let place = *index.entry((title.clone(), alike.clone())).or_insert_with(|| {
            groups.push(Group { title, accounts: alike, regions: Vec::new() });
            groups.len() - 1
        });
        groups[place].regions.extend(region);
    }
    groups
}

/// The gaps, folded.
pub fn gap_groups(gaps: &[Gap]) -> Vec<Group> {
    fold(gaps.iter().map(|gap| {
        let title = match gap.detail.as_str() {
            "" => gap.kind.title().to_owned(),
            detail => format!("{}: {detail}", gap.kind.title()),
        };
        (title, gap.region.as_deref(), gap.account.as_deref())
    }))
}

/// What could not be read, folded.
pub fn unread_groups(unread: &[Unread]) -> Vec<Group> {
    fold(unread.iter().map(|one| {
        // The place stands beside it.
        let mut why = one.why.to_string();
        for place in [&one.region, &one.account].into_iter().flatten() {
            why = why.replacen(&format!(" in {place}:"), ":", 1);
        }
        let title = format!("{}: {why}", one.fact);
        (title, one.region.as_deref(), one.account.as_deref())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_are_alike_stand_together() {
        let entry = |title: &str, region, account| (title.to_owned(), region, account);
        let folded = fold(
            [
                entry("off", Some("a"), Some("1")),
                entry("off", Some("a"), Some("2")),
                entry("off", Some("b"), Some("2")),
                entry("off", Some("b"), Some("1")),
                entry("off", Some("c"), Some("1")),
                entry("rule", Some("a"), None),
                entry("all", None, None),
            ]
            .into_iter(),
        );
        let group = |title: &str, accounts: &[&str], regions: &[&str]| Group {
            title: title.to_owned(),
            accounts: accounts.iter().map(|a| (*a).to_owned()).collect(),
            regions: regions.iter().map(|r| (*r).to_owned()).collect(),
        };
        assert_eq!(
            folded,
            [
                group("off", &["1", "2"], &["a", "b"]),
                group("off", &["1"], &["c"]),
                group("rule", &[], &["a"]),
                group("all", &[], &[]),
            ]
        );
    }
}
