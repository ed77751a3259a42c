//! Day counts: what happened to findings on a day, counted.
//!
//! Workers count while they work, and add their counts to the record of the day in the ledger. So
//! `hansho report` and notes know what was kept back or dropped, though the ledger has no record of
//! such a finding.

mod text;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use time::{Date, Duration, OffsetDateTime};

use crate::finding::{Level, Text};
use crate::instants::Wall;
use crate::words::words;

/// The most different keys of one day. Counts of further ones are added to [`DayCounts::rest`].
pub const KEYS_MAX: usize = 1_000;
/// The most pairs of a silence and a destination of one day. Counts of further ones are added to
/// [`OTHER_SILENCES`].
pub const SILENCED_MAX: usize = 1_000;
/// In place of a silence's id, which has only a-z, 0-9, `-` and `_`.
pub const OTHER_SILENCES: &str = "(other)";

const ACCOUNT_BYTES_MAX: usize = 20;
const KIND_BYTES_MAX: usize = 100;
const SILENCE_BYTES_MAX: usize = 40;
const DESTINATION_BYTES_MAX: usize = 40;

words! {
    /// How something was counted. The word is also that of the stored text. Deliveries that come
    /// again count again.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum CountedAs {
        /// A finding that is not below every threshold, whatever became of it.
        Received = "received",
        /// A finding below every threshold. Its type is unknown.
        BelowThreshold = "below_threshold",
        /// A finding that no route matches.
        Unmatched = "unmatched",
        /// A finding that a silence kept back.
        Silenced = "silenced",
        /// An alert that Slack accepted and the ledger recorded.
        Posted = "posted",
        /// An alert that an earlier post contains.
        AlreadyPosted = "already_posted",
        /// An alert that is closed, so that nothing is posted.
        Closed = "closed",
        /// A message that was quarantined. Its account, type and level are unknown.
        Quarantined = "quarantined",
    }
}

impl CountedAs {
    pub const ALL: [CountedAs; 8] = [
        CountedAs::Received,
        CountedAs::BelowThreshold,
        CountedAs::Unmatched,
        CountedAs::Silenced,
        CountedAs::Posted,
        CountedAs::AlreadyPosted,
        CountedAs::Closed,
        CountedAs::Quarantined,
    ];

    /// What is counted: findings, alerts (a finding for one destination), or messages.
    pub fn unit(self) -> &'static str {
        use CountedAs::{
            AlreadyPosted, BelowThreshold, Closed, Posted, Quarantined, Received, Silenced,
            Unmatched,
        };
        match self {
            Received | BelowThreshold | Unmatched | Silenced => "findings",
            Posted | AlreadyPosted | Closed => "alerts",
            Quarantined => "messages",
        }
    }
}

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CountKey {
    pub what: CountedAs,
    /// 12 digits. Empty: unknown.
    pub account: String,
    /// The finding's type, cut to 100 bytes. Empty: unknown.
    pub kind: String,
    /// None: unknown.
    pub level: Option<Level>,
}

impl CountKey {
    /// Cleans and cuts the texts, which come from findings.
    pub fn new(what: CountedAs, account: &str, kind: &str, level: Option<Level>) -> CountKey {
        let (account, kind) = (bounded(account, ACCOUNT_BYTES_MAX), bounded(kind, KIND_BYTES_MAX));
        CountKey { what, account, kind, level }
    }

    /// The key of what has no account, no type and no level.
    pub fn only(what: CountedAs) -> CountKey {
        CountKey { what, account: String::new(), kind: String::new(), level: None }
    }
}

/// A silence, and the destination from which it kept alerts back. Ordered by both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SilencedKey {
    pub silence: String,
    pub destination: String,
}

impl SilencedKey {
    pub fn new(silence: &str, destination: &str) -> SilencedKey {
        let silence = bounded(silence, SILENCE_BYTES_MAX);
        SilencedKey { silence, destination: bounded(destination, DESTINATION_BYTES_MAX) }
    }
}

/// Cleaned text of at most `bytes_max` bytes.
fn bounded(text: &str, bytes_max: usize) -> String {
    let mut clean = Text::of(Cow::Borrowed(text), bytes_max).into_string();
    // It is cleaned again when it is read from the ledger, so no space may be left at its end.
    clean.truncate(clean[..clean.floor_char_boundary(bytes_max)].trim_end().len());
    clean
}

/// The counts of one day, or of several together. Bounded, see [`KEYS_MAX`] and [`SILENCED_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayCounts {
    counts: BTreeMap<CountKey, u64>,
    silenced: BTreeMap<SilencedKey, u64>,
    rest: BTreeMap<CountedAs, u64>,
    /// Lines of a newer version of hansho. They are kept as they are.
    newer: Vec<String>,
}

impl DayCounts {
    /// Adds `number` of what the key says.
    pub fn count(&mut self, key: CountKey, number: u64) {
        if self.counts.len() < KEYS_MAX || self.counts.contains_key(&key) {
            increase(self.counts.entry(key).or_default(), number);
        } else {
            increase(self.rest.entry(key.what).or_default(), number);
        }
    }

    /// Adds `number` of alerts that a silence kept from a destination. [`DayCounts::count`] counts
    /// the findings.
    pub fn count_silenced(&mut self, key: SilencedKey, number: u64) {
        let named = self.silenced.len() - usize::from(self.has_other_silences());
        let has_place = named < SILENCED_MAX || self.silenced.contains_key(&key);
        let key = if has_place { key } else { other_silences() };
        increase(self.silenced.entry(key).or_default(), number);
    }

    /// Adds all counts of another day or another worker.
    pub fn add(&mut self, other: &DayCounts) {
        for (key, number) in &other.counts {
            self.count(key.clone(), *number);
        }
        for (key, number) in &other.silenced {
            self.count_silenced(key.clone(), *number);
        }
        for (what, number) in &other.rest {
            increase(self.rest.entry(*what).or_default(), *number);
        }
        other.newer.iter().for_each(|line| self.keep(line));
    }

    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.silenced.is_empty() && self.rest.is_empty()
    }

    /// Ordered by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&CountKey, u64)> {
        self.counts.iter().map(|(key, number)| (key, *number))
    }

    /// What was counted beyond [`KEYS_MAX`]: its accounts, types and levels are not kept.
    pub fn rest(&self) -> impl ExactSizeIterator<Item = (CountedAs, u64)> {
        self.rest.iter().map(|(what, number)| (*what, *number))
    }

    /// How many were counted as `what`, the rest included.
    pub fn total(&self, what: CountedAs) -> u64 {
        let counted = self.iter().filter(|(key, _)| key.what == what).map(|(_, number)| number);
        counted.chain(self.rest.get(&what).copied()).fold(0, u64::saturating_add)
    }

    /// How many alerts each silence kept from each destination. A key of [`OTHER_SILENCES`] may be
    /// among them.
    pub fn silenced(&self) -> impl ExactSizeIterator<Item = (&SilencedKey, u64)> {
        self.silenced.iter().map(|(key, number)| (key, *number))
    }

    /// How many alerts the silence kept back, from all destinations.
    pub fn silenced_by(&self, silence: &str) -> u64 {
        let of_it = self.silenced().filter(|(key, _)| key.silence == silence);
        of_it.map(|(_, number)| number).fold(0, u64::saturating_add)
    }

    /// Whether some counts don't say by which silence.
    pub fn has_other_silences(&self) -> bool {
        self.silenced.contains_key(&other_silences())
    }
}

fn other_silences() -> SilencedKey {
    SilencedKey { silence: OTHER_SILENCES.to_owned(), destination: String::new() }
}

fn increase(count: &mut u64, by: u64) {
    *count = count.saturating_add(by);
}

/// A day in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

impl Day {
    /// The day of a moment. A moment outside of the years 0 to 9999 is in 1970.
    pub fn of(at: Wall) -> Day {
        let at = OffsetDateTime::from_unix_timestamp(at.seconds());
        let date = at.ok().map(OffsetDateTime::date).filter(|date| date.year() >= 0);
        Day(date.unwrap_or(OffsetDateTime::UNIX_EPOCH.date()))
    }

    /// So many days earlier.
    pub fn back(self, days: u16) -> Day {
        Day(self.0.saturating_sub(Duration::days(i64::from(days))))
    }

    /// The first moment of the day.
    pub fn start(self) -> Wall {
        Wall(self.0.midnight().assume_utc().unix_timestamp().saturating_mul(1000))
    }

    /// The days from `first` to `last`, both included.
    pub fn range(first: Day, last: Day) -> impl Iterator<Item = Day> {
        let after = |day: &Day| day.0.next_day().map(Day);
        std::iter::successors(Some(first), after).take_while(move |day| *day <= last)
    }
}

impl fmt::Display for Day {
    /// Writes `2026-11-29`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        write!(f, "{year:04}-{:02}-{day:02}", u8::from(month))
    }
}

#[cfg(test)]
mod tests;
