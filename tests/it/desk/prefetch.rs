//! The worker settles an already posted alert without a claim, from its memory or from a prefetch.
//! It never settles an alert that is still owed. A prefetch may be slow or fail.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hansho::desk::{Settings, Tally};
use hansho::policy::ledger::{self, Rewind};
use hansho::policy::recent::SURE_FOR;
use hansho::policy::record::{Expect, Record, RecordKey, RecordKind};
use hansho::ports::{
    Clock, Consistency, Lane, Ledger, LedgerError, Prefetched, RetryReason, Written,
};

use crate::desk::buffer::{World, world};
use crate::support::fakes::{event, retry, settings};
use crate::support::memory_ledger::MemoryLedger;

/// The outcome of a prefetch.
#[derive(Clone)]
enum Prefetching {
    Well,
    Fails,
    Hangs,
    KnowsNothing,
    /// The record as it was before the last write.
    TooLate(Box<hansho::policy::record::AlertRecord>),
}

/// A ledger whose calls are counted.
struct Watched {
    inner: MemoryLedger,
    outcome: Prefetching,
    /// Findings' records written, or tried to be.
    writes: Arc<AtomicU32>,
    prefetches: Arc<AtomicU32>,
}

impl Watched {
    fn new(w: &World, outcome: Prefetching) -> Watched {
        let (writes, prefetches) = Default::default();
        Watched { inner: w.ledger.clone(), outcome, writes, prefetches }
    }

    fn counts(&self) -> (u32, u32) {
        (self.writes.swap(0, Ordering::Relaxed), self.prefetches.swap(0, Ordering::Relaxed))
    }
}

impl Ledger for Watched {
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        self.inner.read_any(key).await
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        if key.kind() != RecordKind::Pace {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.write_any(key, expect, record).await
    }

    async fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        self.prefetches.fetch_add(1, Ordering::Relaxed);
        match &self.outcome {
            Prefetching::Well => self.inner.prefetch(keys, consistency).await,
            Prefetching::Fails => Err(LedgerError("AccessDeniedException".into())),
            Prefetching::Hangs => pending().await,
            Prefetching::KnowsNothing => Ok(vec![Prefetched::Unknown; keys.len()]),
            Prefetching::TooLate(record) => {
                Ok(vec![Prefetched::Record(record.clone()); keys.len()])
            }
        }
    }
}

async fn drain(w: &World, ledger: &Watched, settings: Settings) -> Tally {
    let outcome = w.run(settings, pending(), ledger).await;
    assert!(outcome.complete);
    outcome.tally
}

fn worker(id: &str) -> Settings {
    settings(id, true)
}

#[tokio::test(start_paused = true)]
async fn an_alert_posted_by_another_worker_costs_a_prefetch_and_no_write() {
    let w = world(vec![]);
    let ledger = Watched::new(&w, Prefetching::Well);
    (0..30).for_each(|i| w.send(&format!("f{i}"), 5.0));
    assert_eq!(drain(&w, &ledger, worker("a")).await.posted, 30);
    assert_eq!(ledger.counts().0, 60, "a claim and a mark each");
    (0..30).for_each(|i| w.send(&format!("f{i}"), 5.0));
    let tally = drain(&w, &ledger, worker("b")).await;
    assert_eq!((tally.already_posted, tally.posted), (30, 0));
    let (writes, prefetches) = ledger.counts();
    assert_eq!(writes, 0);
    assert!(prefetches <= 3, "one for messages that arrive together: {prefetches}");
}

#[tokio::test(start_paused = true)]
async fn it_does_not_wait_for_a_slot_either() {
    let w = world(vec![]);
    w.send("known", 5.0);
    w.drain().await;
    // Slack asks for an hour's pause; what is known goes all the same.
    let w = World {
        slack: crate::support::fakes::ScriptedNotifier::new(
            w.clock,
            vec![retry(RetryReason::RateLimited, Some(3600), false)],
        ),
        ..w
    };
    w.send("new", 5.0);
    let (queue, clock) = (w.queue.clone(), w.clock);
    let feed = async {
        clock.sleep_until(clock.now().mono.plus(Duration::from_secs(10))).await;
        queue.send(Lane::Standard, &event("known", 5.0));
        clock.sleep_until(clock.now().mono.plus(Duration::from_secs(5))).await;
        assert_eq!(queue.len(), 1, "the new one alone is left");
    };
    w.run_fed(worker("b"), pending(), feed, &w.ledger).await;
    assert_eq!(w.slack.accepted(), ["new"]);
}

#[tokio::test(start_paused = true)]
async fn an_alert_posted_by_this_worker_costs_nothing_for_an_hour() {
    let w = world(vec![]);
    let ledger = Watched::new(&w, Prefetching::Well);
    w.send("a", 5.0);
    let (queue, clock) = (w.queue.clone(), w.clock);
    let feed = async {
        let minutes =
            |m: u64| clock.sleep_until(clock.now().mono.plus(Duration::from_secs(m * 60)));
        minutes(1).await;
        assert_eq!(ledger.counts(), (2, 1));
        (0..5).for_each(|_| {
            queue.send(Lane::Standard, &event("a", 5.0));
        });
        minutes(1).await;
        assert_eq!((ledger.counts(), queue.len()), ((0, 0), 0));
        // More severe than the last post, so it is owed.
        queue.send(Lane::Standard, &event("a", 8.0));
        minutes(1).await;
        assert_eq!(ledger.counts(), (3, 1), "a claim that finds the row, another, a mark");
        clock.sleep_until(clock.now().mono.plus(SURE_FOR)).await;
        queue.send(Lane::Standard, &event("a", 5.0));
        minutes(1).await;
        assert_eq!(ledger.counts(), (0, 1), "it was so long ago that the ledger is asked");
    };
    w.run_fed(worker("a"), pending(), feed, &ledger).await;
    assert_eq!(w.slack.accepted().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn copies_that_wait_for_their_slot_together_cost_one_claim() {
    let w = world(vec![]);
    let ledger = Watched::new(&w, Prefetching::Well);
    for _ in 0..5 {
        w.send("a", 8.0);
        w.queue.send(Lane::Express, &event("a", 8.0));
    }
    let tally = drain(&w, &ledger, worker("a")).await;
    assert_eq!((tally.posted, tally.already_posted), (1, 9));
    assert_eq!(ledger.counts().0, 2);
}

/// Frees the record, as `hansho replay --force` does.
async fn rewind(w: &World, id: &str) -> Box<hansho::policy::record::AlertRecord> {
    let key = w.key(id);
    let seen = w.ledger.read(&key).await.unwrap();
    let terms = settings("w", false).terms;
    let Rewind::Write { expect, record: row } =
        ledger::rewind(seen.as_ref(), &terms, w.clock.now().wall)
    else {
        panic!("{seen:?}");
    };
    assert_eq!(w.ledger.write(&key, &expect, &row).await, Ok(Written::Done));
    Box::new(seen.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_forced_repeat_is_posted_whatever_the_worker_remembers() {
    let w = world(vec![]);
    let ledger = Watched::new(&w, Prefetching::Well);
    w.send("a", 5.0);
    let (queue, clock) = (w.queue.clone(), w.clock);
    let feed = async {
        let second = || clock.sleep_until(clock.now().mono.plus(Duration::from_secs(5)));
        second().await;
        assert_eq!(w.slack.accepted().len(), 1);
        rewind(&w, "a").await;
        queue.send_again(Lane::Standard, &event("a", 5.0));
        second().await;
        assert_eq!((w.slack.accepted().len(), queue.len()), (2, 0), "posted once more");
        // And known as ever.
        ledger.counts();
        queue.send(Lane::Standard, &event("a", 5.0));
        second().await;
        assert_eq!((w.slack.accepted().len(), ledger.counts()), (2, (0, 0)));
    };
    w.run_fed(worker("a"), pending(), feed, &ledger).await;
}

#[tokio::test(start_paused = true)]
async fn a_forced_repeat_is_posted_whatever_a_prefetch_would_say() {
    let w = world(vec![]);
    w.send("a", 5.0);
    w.drain().await;
    let ledger = Watched::new(&w, Prefetching::TooLate(rewind(&w, "a").await));
    w.queue.send_again(Lane::Standard, &event("a", 5.0));
    let tally = drain(&w, &ledger, worker("b")).await;
    assert_eq!((tally.posted, ledger.counts().1), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_prefetch_that_fails_hangs_or_is_empty_only_costs_time() {
    for (outcome, prefetches_max) in
        [(Prefetching::Fails, 1), (Prefetching::Hangs, 1), (Prefetching::KnowsNothing, 3)]
    {
        let w = world(vec![]);
        let ledger = Watched::new(&w, outcome);
        (0..20).for_each(|i| w.send(&format!("f{i}"), 5.0));
        let began = w.clock.now().mono;
        let tally = drain(&w, &ledger, worker("a")).await;
        assert_eq!((tally.posted, tally.returned), (20, 0));
        let (writes, prefetches) = ledger.counts();
        assert_eq!(writes, 40);
        assert!((1..=prefetches_max).contains(&prefetches), "{prefetches}");
        let first = w.slack.seen()[0].at.since(began);
        assert!(first <= Duration::from_millis(150), "{first:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_critical_alert_does_not_wait_for_a_prefetch_that_hangs() {
    let w = world(vec![]);
    let ledger = Watched::new(&w, Prefetching::Hangs);
    w.send("medium", 5.0);
    w.send("critical", 9.5);
    let began = w.clock.now().mono;
    drain(&w, &ledger, worker("a")).await;
    let seen = w.slack.seen();
    assert_eq!(crate::support::fakes::ids(&seen[0].post), ["critical"]);
    assert!(seen[0].at.since(began) < Duration::from_millis(10), "{:?}", seen[0].at);
}

#[tokio::test(start_paused = true)]
async fn what_is_claimed_by_another_is_not_covered() {
    let w = world(vec![]);
    let terms = settings("w", false).terms;
    let want = ledger::Want {
        owner: "another",
        sighting: hansho::policy::record::Sighting::open(hansho::finding::Level::Medium, None),
    };
    let now = w.clock.now().wall;
    let ledger::Claim::Write { expect, record: row, .. } = ledger::claim(None, &want, &terms, now)
    else {
        panic!("there is no row");
    };
    assert!(row.is_claimed());
    w.ledger.write(&w.key("a"), &expect, &row).await.unwrap();
    w.send("a", 5.0);
    let tally = drain(&w, &Watched::new(&w, Prefetching::Well), worker("a")).await;
    assert_eq!((tally.posted, tally.already_posted), (1, 0), "when the lease was over");
    assert!(tally.returned >= 1);
}

#[tokio::test(start_paused = true)]
async fn a_prefetch_does_not_change_the_health_of_the_ledger() {
    let w = world(vec![]);
    // Only prefetches fail, for ever. The claims go on.
    let ledger = Watched::new(&w, Prefetching::Fails);
    for round in 0..20 {
        w.send(&format!("f{round}"), 5.0);
        let tally = drain(&w, &ledger, worker(&format!("w{round}"))).await;
        assert_eq!((tally.posted, tally.unclaimed), (1, 0));
    }
}
