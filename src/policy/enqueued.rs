//! What was put into the queue because the ledger did not know it, and when: a row beside those of
//! the finding's alerts. Without it everything that waits, in an outage of Slack say, would be
//! missing again at each comparison, and go into the queue again each time.

use std::time::Duration;

use crate::finding::{Fingerprint, Level};
use crate::instants::Wall;

use super::ledger::{Expect, RecordKey, Row, Terms, blank};

/// In place of a destination. No destination's name begins so.
pub const ENQUEUED: &str = "~reconcile";
/// What is not told so long after it was put in is put in once more.
const PATIENCE: Duration = Duration::from_secs(6 * 3600);

/// The row of a finding.
pub fn key(fingerprint: &Fingerprint) -> RecordKey {
    RecordKey::new(fingerprint, ENQUEUED)
}

/// Whether a finding of this level was put in lately.
pub fn waits(row: Option<&Row>, level: Level, now: Wall) -> bool {
    row.is_some_and(|row| {
        row.level_sent >= Some(level)
            && row.sent_at.is_some_and(|put| now < put.plus(PATIENCE))
            && row.expires_at >= now
    })
}

/// A finding of this level was put in: the write that says so.
pub fn put(seen: Option<&Row>, level: Level, terms: &Terms, now: Wall) -> (Expect, Row) {
    let row = Row {
        fence: seen.map_or(0, |row| row.fence).saturating_add(1),
        level_sent: Some(level),
        sent_at: Some(now),
        expires_at: terms.expiry(now),
        ..blank(0)
    };
    (seen.map_or(Expect::Absent, Row::as_seen), row)
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
        let (expect, row) = put(None, Level::High, &terms, now);
        assert_eq!(expect, Expect::Absent);
        for (row, level, at, waiting) in [
            (None, Level::High, now, false),
            (Some(&row), Level::High, now, true),
            (Some(&row), Level::Medium, now, true),
            (Some(&row), Level::Critical, now, false),
            (Some(&row), Level::High, now.plus(PATIENCE), false),
        ] {
            assert_eq!(waits(row, level, at), waiting, "{level:?} {at:?}");
        }
        let (expect, again) = put(Some(&row), Level::Critical, &terms, now);
        assert!(expect.holds(Some(&row)) && again.fence == 2);
        assert!(waits(Some(&again), Level::Critical, now));
    }
}
