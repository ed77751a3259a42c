//! The health of the ledger.
//!
//! While the ledger fails, nothing can be claimed, so nothing is posted. After two minutes critical
//! alerts are posted without a claim.

use std::time::Duration;

use crate::instants::Mono;
use crate::policy::retry::Retry;
use crate::ports::{FailureKind, LedgerError};

use crate::desk::context::Context;
use crate::desk::report::Report;

/// After so many failures in a row the ledger rests for a while.
const FAILURES: u32 = 5;
/// The ledger is retried at least this often.
const PROBE_MAX: Duration = Duration::from_secs(30);
const PROBE_MIN: Duration = Duration::from_secs(1);
/// After so long without an answer critical alerts are posted without a claim.
const UNREACHABLE_AFTER: Duration = Duration::from_secs(120);
/// An older failure says nothing about the ledger of now.
const STALE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(in crate::desk) struct Health {
    failing_since: Option<Mono>,
    last_failure: Mono,
    failures: u32,
    probe_at: Mono,
    last_kind: Option<FailureKind>,
    /// It was reported that the ledger is unreachable.
    reported: bool,
}

impl Health {
    /// The ledger answered a call, or the call failed.
    pub fn note<T>(&mut self, result: &Result<T, LedgerError>, cx: &mut Context<'_>) {
        match result {
            Ok(_) => self.worked(cx),
            Err(error) => self.failed(error, cx),
        }
    }

    /// The ledger answered, whatever it said.
    pub fn worked(&mut self, cx: &mut Context<'_>) {
        if self.recovered(cx.now.mono) {
            cx.output.report(Report::LedgerRecovered);
        }
    }

    /// Takes note of an answer. True if the ledger was unreachable before.
    fn recovered(&mut self, now: Mono) -> bool {
        let was_unreachable = self.is_unreachable(now) || self.reported;
        *self = Health::default();
        was_unreachable
    }

    /// A call failed.
    pub fn failed(&mut self, error: &LedgerError, cx: &mut Context<'_>) {
        self.note_failure(cx.now.mono, error.0.kind, cx.timers.retry());
    }

    fn note_failure(&mut self, now: Mono, kind: FailureKind, retry: &mut Retry) {
        let since = *self.failing_since.get_or_insert(now);
        self.last_failure = now;
        self.last_kind = Some(kind);
        self.failures = self.failures.saturating_add(1);
        if self.probe_at <= now {
            // The longer the ledger fails, the less often it is asked.
            let rest = now.since(since).clamp(PROBE_MIN, PROBE_MAX);
            self.probe_at = now.plus(retry.jitter(rest));
        }
    }

    /// Reports once that critical alerts are posted without a claim.
    pub fn report_unreachable(&mut self, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.reported, true) {
            cx.output.report(Report::LedgerUnreachable);
        }
    }

    /// Until then nothing is claimed, because the ledger failed too often. None: ask it.
    pub fn rests_until(&self, now: Mono) -> Option<Mono> {
        (self.is_failing() && self.probe_at > now).then_some(self.probe_at)
    }

    /// The ledger failed so often that one alert at a time is enough to probe it.
    pub fn is_failing(&self) -> bool {
        self.failures >= FAILURES
    }

    /// When the ledger will count as unreachable, if it goes on failing.
    pub fn unreachable_at(&self) -> Option<Mono> {
        self.failing_since.filter(|_| self.is_failing()).map(|since| since.plus(UNREACHABLE_AFTER))
    }

    /// The ledger has failed for so long that critical alerts don't wait for it any more.
    pub fn is_unreachable(&self, now: Mono) -> bool {
        self.unreachable_at().is_some_and(|at| at <= now) && now.since(self.last_failure) <= STALE
    }

    /// The kind of the last failure, while the ledger is unreachable.
    pub fn unreachable_kind(&self, now: Mono) -> Option<FailureKind> {
        self.last_kind.filter(|_| self.is_unreachable(now))
    }

    /// The desk has ended. The next desk reports for itself.
    pub fn end(&mut self) {
        self.reported = false;
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
        let (mut health, mut retry) = (Health::default(), retry());
        for second in 0..4 {
            health.note_failure(at(second), FailureKind::Other, &mut retry);
        }
        assert_eq!(health.rests_until(at(4)), None);
        assert!(!health.is_unreachable(at(300)));
        assert!(!health.recovered(at(300)));
    }

    #[test]
    fn unreachable_after_two_minutes_of_nothing_but_failures() {
        let (mut health, mut retry) = (Health::default(), retry());
        for second in (0..=150).step_by(10) {
            health.note_failure(at(second), FailureKind::Other, &mut retry);
            assert_eq!(health.is_unreachable(at(second)), second >= 120, "{second}");
            assert_eq!(health.unreachable_kind(at(second)).is_some(), second >= 120, "{second}");
        }
        assert!(health.rests_until(at(150)).is_some_and(|until| until <= at(180)));
        // A failure of long ago says nothing about the ledger of now.
        assert!(health.is_unreachable(at(210)));
        assert!(!health.is_unreachable(at(211)));
        health.note_failure(at(220), FailureKind::Throttled, &mut retry);
        assert!(health.recovered(at(230)));
        assert!(!health.is_failing());
    }

    #[test]
    fn one_success_and_it_is_reachable() {
        let (mut health, mut retry) = (Health::default(), retry());
        for second in 0..300 {
            health.note_failure(at(second), FailureKind::Other, &mut retry);
            if second % 50 == 0 {
                health.recovered(at(second));
            }
            assert!(!health.is_unreachable(at(second)));
        }
    }
}
