//! Open incidents, by age.

use std::time::Duration;

use crate::finding::Level;
use crate::instants::Wall;

use super::subject::Subject;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How many of the oldest are named.
const OLDEST_MAX: usize = 10;

/// The ages that are counted together: the least age and the name of each.
pub const AGES: [(Duration, &str); 5] = [
    (Duration::ZERO, "less than a day"),
    (DAY, "1 to 7 days"),
    (DAY.saturating_mul(7), "7 to 30 days"),
    (DAY.saturating_mul(30), "30 to 90 days"),
    (DAY.saturating_mul(90), "90 days and more"),
];

/// Findings that were posted, and are open as far as the ledger knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenIncidents {
    /// By the place of the age in [`AGES`], and then by the rank of the level.
    ages: [[u64; Level::ALL.len()]; AGES.len()],
    /// The oldest first.
    pub oldest: Vec<Oldest>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oldest {
    pub opened_at: Wall,
    pub level: Level,
    pub subject: Subject,
}

impl OpenIncidents {
    pub fn total(&self) -> u64 {
        self.ages.iter().flatten().sum()
    }

    /// How many are of each of [`AGES`], by the rank of the level.
    pub fn by_age(&self) -> impl Iterator<Item = (&'static str, &[u64; Level::ALL.len()])> {
        AGES.iter().map(|(_, name)| *name).zip(&self.ages)
    }

    pub(super) fn take(&mut self, opened_at: Wall, level: Level, subject: &Subject, now: Wall) {
        let age = now.since(opened_at);
        let place = AGES.iter().rposition(|(least, _)| *least <= age).unwrap_or_default();
        let count = self.ages.get_mut(place).and_then(|of| of.get_mut(usize::from(level.rank())));
        if let Some(count) = count {
            *count += 1;
        }
        let at = self.oldest.partition_point(|other| other.opened_at <= opened_at);
        if at < OLDEST_MAX {
            self.oldest.insert(at, Oldest { opened_at, level, subject: subject.clone() });
            self.oldest.truncate(OLDEST_MAX);
        }
    }
}
