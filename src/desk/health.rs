//! Whether the ledger can be asked. While it can't, nothing can be claimed, so nothing is posted;
//! but not for ever: what is critical goes out without a claim when it has been away for long.

use std::time::Duration;

use crate::instants::Mono;
use crate::policy::retry::Retry;
use crate::ports::FailureKind;

/// After so many failures in a row, with no success between, the ledger is left alone for a while.
const FAILURES: u32 = 5;
/// It is tried again at least this often.
const PROBE_MAX: Duration = Duration::from_secs(30);
const PROBE_MIN: Duration = Duration::from_secs(1);
/// When it has failed for so long, criticals are posted without a claim.
const AWAY_AFTER: Duration = Duration::from_secs(120);
/// A failure that is older than this says nothing about now.
const STALE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct LedgerHealth {
    failing_since: Option<Mono>,
    last_failure: Mono,
    failures: u32,
    probe_at: Mono,
    last_kind: Option<FailureKind>,
}

impl LedgerHealth {
    /// An answer came, whatever it said. True if it had been away.
    pub fn worked(&mut self, now: Mono) -> bool {
        let was_away = self.is_away(now);
        *self = LedgerHealth::default();
        was_away
    }

    pub fn failed(&mut self, now: Mono, kind: FailureKind, retry: &mut Retry) {
        let since = *self.failing_since.get_or_insert(now);
        self.last_failure = now;
        self.last_kind = Some(kind);
        self.failures = self.failures.saturating_add(1);
        if self.probe_at <= now {
            // The longer it is away, the less often it is asked.
            let rest = now.since(since).clamp(PROBE_MIN, PROBE_MAX);
            self.probe_at = now.plus(retry.jitter(rest));
        }
    }

    /// Until when nothing is to be claimed: it failed too often. None: ask it.
    pub fn rests_until(&self, now: Mono) -> Option<Mono> {
        (self.is_failing() && self.probe_at > now).then_some(self.probe_at)
    }

    /// It failed so often that one alert at a time is enough to try it with.
    pub fn is_failing(&self) -> bool {
        self.failures >= FAILURES
    }

    /// When it will count as away, if it goes on failing.
    pub fn away_at(&self) -> Option<Mono> {
        self.failing_since.filter(|_| self.is_failing()).map(|since| since.plus(AWAY_AFTER))
    }

    /// It has been failing for so long that criticals don't wait for it any more.
    pub fn is_away(&self, now: Mono) -> bool {
        self.away_at().is_some_and(|at| at <= now) && now.since(self.last_failure) <= STALE
    }

    /// How it failed last, while it is away.
    pub fn away(&self, now: Mono) -> Option<FailureKind> {
        self.last_kind.filter(|_| self.is_away(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(seconds * 1000)
    }

    fn retry() -> Retry {
        Retry::new(Duration::from_secs(1), Duration::from_secs(60), 1)
    }

    #[test]
    fn a_few_failures_are_nothing() {
        let (mut health, mut retry) = (LedgerHealth::default(), retry());
        for second in 0..4 {
            health.failed(at(second), FailureKind::Other, &mut retry);
        }
        assert_eq!(health.rests_until(at(4)), None);
        assert!(!health.is_away(at(300)));
        assert!(!health.worked(at(300)));
    }

    #[test]
    fn away_after_two_minutes_of_nothing_but_failures() {
        let (mut health, mut retry) = (LedgerHealth::default(), retry());
        for second in (0..=150).step_by(10) {
            health.failed(at(second), FailureKind::Other, &mut retry);
            assert_eq!(health.is_away(at(second)), second >= 120, "{second}");
            assert_eq!(health.away(at(second)).is_some(), second >= 120, "{second}");
        }
        assert!(health.rests_until(at(150)).is_some_and(|until| until <= at(180)));
        // A failure of long ago says nothing about now.
        assert!(health.is_away(at(210)));
        assert!(!health.is_away(at(211)));
        health.failed(at(220), FailureKind::Throttled, &mut retry);
        assert!(health.worked(at(230)));
        assert!(!health.is_failing());
    }

    #[test]
    fn one_success_and_it_is_back() {
        let (mut health, mut retry) = (LedgerHealth::default(), retry());
        for second in 0..300 {
            health.failed(at(second), FailureKind::Other, &mut retry);
            if second % 50 == 0 {
                health.worked(at(second));
            }
            assert!(!health.is_away(at(second)));
        }
    }
}
