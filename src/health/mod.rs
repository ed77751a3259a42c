//! How a worker is, for whoever has to know without reading its log: `/healthz` for the one who
//! restarts it, `/readyz` for the one who wonders why nothing comes, `/metrics` for Prometheus
//! ([`server`]), a line for CloudWatch every minute ([`beat`]), and `hansho health`, which asks
//! ([`ask`]).
//!
//! Healthy means that the worker's loop turns. A Slack, a queue or a ledger that is away makes it
//! unready, not unhealthy: starting it anew would mend none of them.

pub mod beat;
pub mod server;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::SystemClock;
use crate::desk::{Desk, Report, Snapshot};
use crate::instants::{Mono, Now};
use crate::metrics::Metrics;
use crate::ports::{Clock, FailureKind};

/// The loop turns at least once a minute, as it waits for nothing longer than that.
const STUCK_AFTER: Duration = Duration::from_secs(150);
/// A desk is looked at so often at most: a look costs more the more it holds.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A receive fails now and then, and is tried again within seconds.
const RECEIVE_FAILURES: u32 = 3;

/// What is known of a running worker.
pub struct Vitals {
    pub metrics: Metrics,
    clock: SystemClock,
    last: Mutex<Last>,
}

struct Last {
    /// When the loop last turned.
    turn: Mono,
    /// When the desk was last looked at, and what was seen.
    look: Option<(Mono, Snapshot)>,
}

impl Vitals {
    pub fn new(metrics: Metrics, clock: SystemClock) -> Vitals {
        let last = Last { turn: clock.now().mono, look: None };
        Vitals { metrics, clock, last: Mutex::new(last) }
    }

    /// The loop turned.
    pub fn turned(&self, desk: &Desk) {
        let now = self.clock.now();
        let mut last = self.last();
        last.turn = now.mono;
        let due = |(at, _): &(Mono, Snapshot)| now.mono.since(*at) >= LOOK_EVERY;
        if last.look.as_ref().is_none_or(due) {
            let snapshot = desk.snapshot(now);
            snapshot.log();
            last.look = Some((now.mono, snapshot));
        }
    }

    pub fn heard(&self, report: &Report) {
        self.metrics.heard(report);
        report.log();
    }

    /// # Errors
    /// The loop stands still: start the worker anew.
    pub fn healthy(&self) -> Result<(), String> {
        let still = self.clock.now().mono.since(self.last().turn);
        if still < STUCK_AFTER {
            return Ok(());
        }
        Err(format!("the worker has done nothing for {} s: start it anew", still.as_secs()))
    }

    /// Whether findings get from the queues to their destinations.
    ///
    /// # Errors
    /// Everything that keeps them from it.
    pub fn ready(&self) -> Result<(), Vec<String>> {
        let mut troubles: Vec<String> = self.healthy().err().into_iter().collect();
        match &self.last().look {
            Some((_, snapshot)) => troubles.extend(troubles_of(snapshot)),
            None => troubles.push("the worker is starting".to_owned()),
        }
        if troubles.is_empty() { Ok(()) } else { Err(troubles) }
    }

    /// It works and takes messages: what an alarm on its silence goes by.
    pub fn at_work(&self) -> bool {
        let receives = |g: &Snapshot| g.receive_failures.iter().all(|(_, n)| *n < RECEIVE_FAILURES);
        let looked = self.last().look.as_ref().is_some_and(|(_, snapshot)| receives(snapshot));
        looked && self.healthy().is_ok()
    }

    /// The metrics as they are now.
    ///
    /// # Errors
    /// What the encoder says.
    pub fn text(&self) -> anyhow::Result<String> {
        self.refresh(self.clock.now());
        Ok(self.metrics.text()?)
    }

    fn refresh(&self, now: Now) {
        if let Some((_, snapshot)) = &self.last().look {
            self.metrics.looked(snapshot, now);
        }
    }

    /// Whole values are put there: a panic in between would spoil nothing.
    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is wrong with a worker whose loop turns.
fn troubles_of(snapshot: &Snapshot) -> Vec<String> {
    let mut troubles = Vec::new();
    if snapshot.draining {
        troubles.push("the worker is stopping".to_owned());
    }
    for (lane, failures) in &snapshot.receive_failures {
        if *failures >= RECEIVE_FAILURES {
            let lane = lane.as_str();
            troubles
                .push(format!("queue {lane}: {failures} receives failed in a row; see the log"));
        }
    }
    if let Some(kind) = snapshot.ledger_unreachable {
        let what = match kind {
            FailureKind::Throttled => {
                "it is throttled: give its table more capacity, or bill it on demand"
            }
            FailureKind::Denied => {
                "it is denied: look at the role's rights, the credentials and the key"
            }
            FailureKind::Missing => "its table is not there",
            FailureKind::Busy => "another process has locked its file",
            FailureKind::TimedOut | FailureKind::Connection => {
                "it can't be reached: look at the network, and at DynamoDB's status"
            }
            FailureKind::ServerError | FailureKind::Other => "see the log",
        };
        troubles.push(format!("ledger: it has failed for two minutes or more; {what}"));
    }
    for d in &snapshot.destinations {
        if d.dead {
            troubles.push(format!("destination {}: its webhook is gone; set a new one", d.name));
        } else if d.breaker_open {
            let (name, failures) = (&d.name, d.failures);
            troubles.push(format!("destination {name}: {failures} posts failed in a row"));
        }
    }
    troubles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::Snapshot;
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
    fn a_failure_now_and_then_is_no_trouble() {
        assert!(troubles_of(&snapshot()).is_empty());
    }

    #[test]
    fn every_trouble_is_told() {
        let snapshot = Snapshot {
            receive_failures: vec![(Lane::Express, 0), (Lane::Standard, 7)],
            ledger_unreachable: Some(FailureKind::Throttled),
            draining: true,
            ..snapshot()
        };
        let told = troubles_of(&snapshot);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[1].contains("queue standard: 7 receives"), "{told:?}");
        assert!(told[2].contains("it is throttled: give its table more capacity"), "{told:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_stands_still_is_not_healthy() {
        let clock = SystemClock::start();
        let vitals = Vitals::new(Metrics::new().unwrap(), clock);
        assert_eq!(vitals.ready(), Err(vec!["the worker is starting".to_owned()]));
        assert!(vitals.healthy().is_ok() && !vitals.at_work());
        clock.sleep_until(Mono(151_000)).await;
        assert!(vitals.healthy().unwrap_err().contains("151 s"));
        assert_eq!(vitals.ready().unwrap_err().len(), 2);
    }
}
