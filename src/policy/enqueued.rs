//! When reconcile enqueues a finding again that it enqueued before.
//!
//! Reconcile enqueues a finding that the ledger does not know, and writes an [`EnqueuedRecord`]
//! beside the records of the finding's alerts. Without it, reconcile would enqueue everything that
//! waits again at each comparison, for example during an outage of Slack.

use std::time::Duration;

use crate::finding::Level;
use crate::instants::Wall;

use super::ledger::Terms;
use super::record::{EnqueuedRecord, Expect, Versioned};

/// A finding that is still not posted after this time is enqueued again.
const PATIENCE: Duration = Duration::from_secs(6 * 3600);

/// Whether a finding of this level was enqueued lately.
pub fn waits(seen: Option<&EnqueuedRecord>, level: Level, now: Wall) -> bool {
    seen.is_some_and(|seen| {
        seen.level >= level && now < seen.enqueued_at.plus(PATIENCE) && seen.expires_at >= now
    })
}

/// The write that says that a finding of this level was enqueued now.
pub fn put(
    seen: Option<&EnqueuedRecord>,
    level: Level,
    terms: &Terms,
    now: Wall,
) -> (Expect, EnqueuedRecord) {
    let record = EnqueuedRecord {
        level,
        enqueued_at: now,
        fence: seen.map_or(0, |seen| seen.fence).saturating_add(1),
        expires_at: terms.expiry(now),
    };
    (seen.map_or(Expect::Absent, EnqueuedRecord::as_seen), record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_a_while_at_its_level() {
        let day = Duration::from_secs(24 * 3600);
        let second = Duration::from_secs(1);
        let terms = Terms { lease: second, skew: second, retention: day * 90, remind_after: None };
        let now = Wall(1_790_000_000_000);
        let (expect, record) = put(None, Level::High, &terms, now);
        assert_eq!(expect, Expect::Absent);
        for (seen, level, at, waiting) in [
            (None, Level::High, now, false),
            (Some(&record), Level::High, now, true),
            (Some(&record), Level::Medium, now, true),
            (Some(&record), Level::Critical, now, false),
            (Some(&record), Level::High, now.plus(PATIENCE), false),
        ] {
            assert_eq!(waits(seen, level, at), waiting, "{level:?} {at:?}");
        }
        let (expect, again) = put(Some(&record), Level::Critical, &terms, now);
        assert!(expect.holds(Some(&record)) && again.fence == 2);
        assert!(waits(Some(&again), Level::Critical, now));
    }
}
