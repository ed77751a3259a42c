//! The state of a running worker, judged as healthy and ready.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::directory::DirectoryState;
use super::silences::SilenceState;
use super::status::{LAST_MAX, PostedStatus, Status};
use crate::clock::SystemClock;
use crate::desk::{Desk, Report, Snapshot};
use crate::instants::{Mono, Now};
use crate::metrics::Metrics;
use crate::ports::{Clock, Failure, FailureKind, OutageCause, RetryReason};
use crate::words::number_of;

/// The loop turns at least once a minute, because no wait in it is longer.
const STUCK_AFTER: Duration = Duration::from_secs(150);
/// The least time between two snapshots. A snapshot of a full buffer is expensive.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(250);
/// The time of the rate of posted alerts.
const RATE_OF: Duration = Duration::from_secs(60);
/// More than fifty destinations get in a minute, each of fifty alerts a second.
const RATE_MAX: usize = 150_000;
/// Receives that must fail in a row to count. A single failure is retried within seconds.
const RECEIVE_FAILURES: u32 = 3;

/// The state of a running worker.
pub struct Vitals {
    pub metrics: Metrics,
    clock: SystemClock,
    last: Mutex<Last>,
}

struct Last {
    /// When the loop last turned.
    turn: Mono,
    /// The last snapshot, and its time.
    snapshot: Option<(Mono, Snapshot)>,
    /// None: not read yet.
    directory: Option<DirectoryState>,
    silences: SilenceState,
    /// What is wrong with the embedded store.
    store: Option<Failure>,
    /// The last alerts that were posted, the newest first, at most [`LAST_MAX`].
    posted: VecDeque<PostedStatus>,
    /// When alerts were posted in the last minute, the newest first, at most [`RATE_MAX`].
    rate: VecDeque<Mono>,
}

impl Vitals {
    pub fn new(metrics: Metrics, clock: SystemClock) -> Vitals {
        let silences = SilenceState::default();
        let turn = clock.now().mono;
        let last = Last {
            turn,
            snapshot: None,
            directory: None,
            silences,
            store: None,
            posted: VecDeque::new(),
            rate: VecDeque::new(),
        };
        Vitals { metrics, clock, last: Mutex::new(last) }
    }

    /// Notes that the loop turned, and takes a snapshot if one is due.
    pub fn turned(&self, desk: &Desk) {
        let now = self.clock.now();
        let mut last = self.last();
        last.turn = now.mono;
        let due = |(at, _): &(Mono, Snapshot)| now.mono.since(*at) >= SNAPSHOT_EVERY;
        if last.snapshot.as_ref().is_none_or(due) {
            let snapshot = desk.snapshot(now);
            snapshot.log();
            last.snapshot = Some((now.mono, snapshot));
        }
    }

    /// Counts and logs a report of the desk.
    pub fn record(&self, report: &Report) {
        self.metrics.record(report);
        report.log();
        let now = self.clock.now();
        if let Some(posted) = PostedStatus::of(report, now.wall) {
            let mut last = self.last();
            last.posted.push_front(posted);
            last.posted.truncate(LAST_MAX);
            last.rate.push_front(now.mono);
            last.rate.truncate(RATE_MAX);
        }
    }

    /// The state for `hansho status`. None: the worker is starting.
    pub fn status(&self) -> Option<Status> {
        let problems = self.ready().err().unwrap_or_default();
        let now = self.clock.now();
        let mut last = self.last();
        while last.rate.back().is_some_and(|at| now.mono.since(*at) > RATE_OF) {
            last.rate.pop_back();
        }
        let (_, snapshot) = last.snapshot.as_ref()?;
        Some(Status {
            problems,
            posted_last_minute: last.rate.len(),
            last_posts: last.posted.iter().cloned().collect(),
            ..Status::of(snapshot, now.wall)
        })
    }

    /// Notes what was read of the account directory.
    pub fn directory(&self, state: DirectoryState) {
        self.metrics.accounts(state.known, state.synced_at);
        self.last().directory = Some(state);
    }

    /// Notes what was read of the silences.
    pub fn silences(&self, state: SilenceState) {
        self.metrics.silences(state.in_force);
        self.last().silences = state;
    }

    /// Notes whether the embedded store is sound.
    pub fn store(&self, failing: Option<Failure>) {
        self.metrics.store(failing.as_ref().map(|failure| failure.kind));
        self.last().store = failing;
    }

    /// What a person should know of a worker that is ready.
    pub fn notes(&self) -> Option<String> {
        let last = self.last();
        let accounts = last.directory.as_ref().and_then(|known| known.note(self.clock.now().wall));
        let accounts = accounts.map(|note| format!("accounts: {note}"));
        let silences = last.silences.note().map(|note| format!("silences: {note}"));
        let notes: Vec<String> = accounts.into_iter().chain(silences).collect();
        (!notes.is_empty()).then(|| notes.join("\n"))
    }

    /// Whether the worker's loop turns.
    ///
    /// # Errors
    /// The loop is stuck, and a restart helps.
    pub fn healthy(&self) -> Result<(), String> {
        let still = self.clock.now().mono.since(self.last().turn);
        if still < STUCK_AFTER {
            return Ok(());
        }
        Err(format!("the worker has been stuck for {} s: restart it", still.as_secs()))
    }

    /// Whether findings get from the queues to their destinations.
    ///
    /// # Errors
    /// All reasons why they do not.
    pub fn ready(&self) -> Result<(), Vec<String>> {
        let mut problems: Vec<String> = self.healthy().err().into_iter().collect();
        match &self.last().snapshot {
            Some((_, snapshot)) => problems.extend(problems_of(snapshot)),
            None => problems.push("the worker is starting".to_owned()),
        }
        problems.extend(self.last().store.as_ref().map(ToString::to_string));
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Whether the worker runs and receives messages. The heartbeat metric depends on it.
    pub fn is_at_work(&self) -> bool {
        let receives = |s: &Snapshot| s.receive_failures.iter().all(|(_, n)| *n < RECEIVE_FAILURES);
        let receives =
            self.last().snapshot.as_ref().is_some_and(|(_, snapshot)| receives(snapshot));
        receives && self.healthy().is_ok()
    }

    /// The metrics of this moment, in Prometheus' text format.
    ///
    /// # Errors
    /// The encoder fails.
    pub fn text(&self) -> anyhow::Result<String> {
        self.refresh(self.clock.now());
        Ok(self.metrics.text()?)
    }

    /// Sets the gauges from the last snapshot.
    pub(super) fn refresh(&self, now: Now) {
        if let Some((_, snapshot)) = &self.last().snapshot {
            self.metrics.update(snapshot, now);
        }
    }

    /// A panic while the lock is held leaves whole values.
    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the findings of a running worker do not reach their destinations.
fn problems_of(snapshot: &Snapshot) -> Vec<String> {
    let mut problems = Vec::new();
    if snapshot.draining {
        problems.push("the worker is stopping".to_owned());
    }
    for (lane, failures) in &snapshot.receive_failures {
        if *failures >= RECEIVE_FAILURES {
            let lane = lane.as_str();
            problems
                .push(format!("queue {lane}: {failures} receives failed in a row; see the log"));
        }
    }
    if let Some(kind) = snapshot.ledger_unreachable {
        let reason = reason(kind);
        problems.push(format!("ledger: all calls have failed for two minutes or more; {reason}"));
    }
    for d in &snapshot.destinations {
        if let Some(failure) = d.dead {
            problems.push(format!("destination {}: {}", d.name, cause_of_death(failure)));
        } else if d.breaker_open {
            let (name, failures) = (&d.name, d.failures);
            let posts = number_of(failures, "post");
            problems.push(format!("destination {name}: {posts} failed in a row; see the log"));
        }
    }
    problems
}

fn cause_of_death(failure: OutageCause) -> &'static str {
    match failure {
        OutageCause::Dead => "Slack rejects its webhook for good; set a new one",
        OutageCause::Failing(RetryReason::NoAddress) => {
            "its webhook can't be read; see the log; it is read again every minute"
        }
        OutageCause::Failing(_) => {
            "Slack has given the same server error to every post for ten minutes or more; if other \
             destinations work, set a new webhook"
        }
    }
}

fn reason(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Throttled => {
            "they are throttled: give its table more capacity, or bill it on demand"
        }
        FailureKind::Denied => {
            "they are denied: check the role's rights, the credentials and the KMS key"
        }
        FailureKind::Missing => "its table does not exist",
        FailureKind::Busy => "another process has locked its file",
        FailureKind::TimedOut | FailureKind::Connection => {
            "it can't be reached: check the network, and DynamoDB's status"
        }
        FailureKind::DiskFull => "its disk is full: free space",
        FailureKind::ReadOnly => "its file can't be written: check the rights and the mount",
        FailureKind::DiskFailure => "its disk fails: see the log",
        FailureKind::Damaged => "its file is damaged: see the runbook",
        FailureKind::Removed => "its file was removed or replaced: see the runbook",
        FailureKind::ServerError | FailureKind::Other => "see the log",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::DestinationSnapshot;
    use crate::ports::Lane;

    fn snapshot() -> Snapshot {
        Snapshot {
            worker: "w".to_owned(),
            held: 0,
            held_bytes: 0,
            posts: 0,
            posted: 0,
            receive_failures: vec![(Lane::Express, 0), (Lane::Standard, 2)],
            ledger_unreachable: None,
            draining: false,
            destinations: Vec::new(),
        }
    }

    #[test]
    fn a_single_failure_is_no_problem() {
        assert!(problems_of(&snapshot()).is_empty());
    }

    #[test]
    fn every_problem_is_reported() {
        let snapshot = Snapshot {
            receive_failures: vec![(Lane::Express, 0), (Lane::Standard, 7)],
            ledger_unreachable: Some(FailureKind::Throttled),
            draining: true,
            ..snapshot()
        };
        let problems = problems_of(&snapshot);
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[1].contains("queue standard: 7 receives"), "{problems:?}");
        assert!(
            problems[2].contains("they are throttled: give its table more capacity"),
            "{problems:?}"
        );
    }

    #[test]
    fn a_dead_destination_is_reported_with_its_cause() {
        for (failure, said) in [
            (OutageCause::Dead, "destination security: Slack rejects its webhook for good"),
            (OutageCause::Failing(RetryReason::NoAddress), "security: its webhook can't be read"),
            (OutageCause::Failing(RetryReason::ServerError), "the same server error to every post"),
        ] {
            let mut dead = DestinationSnapshot::example("security");
            (dead.dead, dead.breaker_open) = (Some(failure), true);
            let problems = problems_of(&Snapshot { destinations: vec![dead], ..snapshot() });
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].contains(said), "{problems:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stuck_loop_is_not_healthy() {
        let clock = SystemClock::start();
        let vitals = Vitals::new(Metrics::new().unwrap(), clock);
        assert_eq!(vitals.ready(), Err(vec!["the worker is starting".to_owned()]));
        assert!(vitals.healthy().is_ok() && !vitals.is_at_work());
        clock.sleep_until(Mono(151_000)).await;
        assert!(vitals.healthy().unwrap_err().contains("151 s"));
        assert_eq!(vitals.ready().unwrap_err().len(), 2);
    }
}
