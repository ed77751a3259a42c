//! How a worker records the arrival of a canary, for `hansho canary`, which waits for it.

use crate::finding::Level;
use crate::instants::Wall;

use super::ledger::{Recording, Terms};
use super::record::{CanaryRecord, Expect, Versioned};

pub use super::record::{CanaryPost, Passed};

/// A canary arrived. Its record is written whether the canary is posted or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The severity of the canary's event.
    pub level: Level,
    pub passed: Passed,
}

/// Picks the transition for a canary that arrived at `owner`. Its time is when it was put on the
/// bus, so that of two copies of one canary the first one's record stays.
pub fn record(
    seen: Option<&CanaryRecord>,
    owner: &str,
    arrival: &Arrival,
    terms: &Terms,
    now: Wall,
) -> Recording<CanaryRecord> {
    let known = seen.filter(|seen| seen.expires_at >= now);
    let Arrival { level, passed } = *arrival;
    if known.is_some_and(|k| k.level >= level && k.passed.put_at >= passed.put_at) {
        return Recording::Known;
    }
    let record = CanaryRecord {
        passed,
        level: known.map_or(level, |known| known.level.max(level)),
        recorded_by: owner.to_owned(),
        fence: seen.map_or(0, |seen| seen.fence).saturating_add(1),
        expires_at: terms.expiry(now),
    };
    Recording::Write { expect: seen.map_or(Expect::Absent, CanaryRecord::as_seen), record }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Wall = Wall(1_790_000_000_000);

    fn arrival(put_at: i64) -> Arrival {
        let passed = Passed {
            put_at: Wall(put_at),
            queued_at: None,
            received_at: NOW,
            post: CanaryPost::No,
        };
        Arrival { level: Level::Informational, passed }
    }

    #[test]
    fn the_first_copy_is_recorded_and_a_later_canary_replaces_it() {
        let second = Duration::from_secs(1);
        let terms =
            Terms { lease: second, skew: second, retention: second * 60, remind_after: None };
        let Recording::Write { expect, record: first } =
            record(None, "w/1", &arrival(5), &terms, NOW)
        else {
            panic!("there is no record");
        };
        assert_eq!((expect, first.fence), (Expect::Absent, 1));
        for copy in [5, 4] {
            let again = record(Some(&first), "w/2", &arrival(copy), &terms, NOW);
            assert_eq!(again, Recording::Known, "put at {copy}");
        }
        let late = NOW.plus(second * 61);
        for (put_at, now) in [(6, NOW), (4, late)] {
            let Recording::Write { expect, record } =
                record(Some(&first), "w/2", &arrival(put_at), &terms, now)
            else {
                panic!("put at {put_at}");
            };
            assert!(expect.holds(Some(&first)) && !expect.holds(Some(&record)));
            assert_eq!((record.fence, record.passed.put_at), (2, Wall(put_at)));
        }
    }
}
