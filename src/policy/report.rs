//! A report: what happened to findings in a period, counted from the records of the ledger.
//!
//! [`Tally`] takes the records one by one, and the day counts. Its memory is bounded, however many
//! there are. [`Report`] is the result, and says by its [`Gap`]s what it can't know.
//!
//! | from | numbers |
//! |---|---|
//! | the records of alerts | findings, alerts, posts; delays, pairs, open incidents |
//! | the day counts | all that [`CountedAs`] names |
//!
//! A record keeps the last post of its alert alone. So an alert belongs to the day of its last
//! post, and the numbers of the records never count an alert twice.

mod delay;
mod gap;
mod numbers;
mod open;
mod pairs;
mod remedy;
mod subject;
mod table;
mod tally;

use crate::finding::Level;
use crate::instants::Wall;

#[cfg(doc)]
use super::day_counts::CountedAs;
use super::day_counts::Day;

pub use delay::{Delay, Delays, Slowest};
pub use gap::Gap;
pub use numbers::Numbers;
pub use open::{AGES, Oldest, OpenIncidents};
pub use pairs::Noisy;
pub use subject::Subject;
pub use table::{Others, Table};
pub use tally::Tally;

/// The most rows of a table. The others are added up.
pub const ROWS_MAX: usize = 50;
/// The most days of a period.
pub const DAYS_MAX: usize = 366;

/// The days of a report, from the start of the first until now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from: Wall,
    pub until: Wall,
}

impl Period {
    /// From the start of the day of `since`, in UTC, as day counts are of whole days.
    pub fn new(since: Wall, now: Wall) -> Period {
        Period { from: Day::of(since).start(), until: now }
    }

    pub fn first_and_last(&self) -> (Day, Day) {
        (Day::of(self.from), Day::of(self.until))
    }

    pub fn days(&self) -> impl Iterator<Item = Day> + use<> {
        let (first, last) = self.first_and_last();
        Day::range(first, last)
    }

    pub fn contains(&self, at: Wall) -> bool {
        // A worker's clock may be ahead of this one.
        self.from <= at
    }
}

/// What happened in a period. Its texts are those of findings: whoever shows them escapes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub period: Period,
    pub totals: Numbers,
    /// By the id of the account. Empty: unknown.
    pub accounts: Table<String>,
    /// By the type of the finding. Empty: unknown.
    pub types: Table<String>,
    /// The most severe first. None: unknown.
    pub levels: Table<Option<Level>>,
    /// Each day of the period.
    pub days: Vec<(Day, Numbers)>,
    /// How many alerts each silence kept back, by its id. The most first.
    pub silences: Vec<(String, u64)>,
    pub delays: Delays,
    pub noisiest: Vec<Noisy>,
    /// Now, whenever they were posted.
    pub open: OpenIncidents,
    /// Alerts that were claimed, or whose posts failed, and that were never posted.
    pub unposted: u64,
    /// The records of alerts that were read.
    pub records: u64,
    pub gaps: Vec<Gap>,
}

#[cfg(test)]
mod tests;
