//! Defects that a hostile reading of the desk found, each as a test: copies of alerts in work,
//! marks that come too late, ledgers that fail for one record alone, and stops that nobody asked
//! for.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hansho::desk::{ClaimOutcome, Desk, DrainTerms, Event, Order, Settings};
use hansho::instants::{Mono, Now};
use hansho::policy::ledger::{Claim, Want, claim};
use hansho::policy::record::{Expect, Record, RecordKey, State, Versioned};
use hansho::policy::route::Route;
use hansho::ports::{
    Clock, Consistency, Delivery, Form, Lane, Ledger, LedgerError, MessageId, Prefetched, Receipt,
    RetryReason, Verdict, Written,
};

use crate::desk::buffer::{World, world};
use crate::support::fakes::{
    BEGAN, ScriptedNotifier, Seen, UnreachableLedger, carries, event, refused, retry, settings,
};
use crate::support::memory_ledger::MemoryLedger;

/// A ledger whose writes are answered by `judge`, where that has something to say.
struct Judged<F> {
    inner: MemoryLedger,
    judge: F,
}

impl<F> Ledger for Judged<F>
where
    F: Fn(&RecordKey, &Record) -> Option<Result<Written<Record>, LedgerError>> + Send + Sync,
{
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        self.inner.read_any(key).await
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        match (self.judge)(key, &record) {
            Some(answer) => answer,
            None => self.inner.write_any(key, expect, record).await,
        }
    }

    async fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        self.inner.prefetch(keys, consistency).await
    }
}

fn fails() -> Option<Result<Written<Record>, LedgerError>> {
    Some(Err(LedgerError("out of order".into())))
}

/// The first accepted post to a channel that carries this finding.
fn posted_at(seen: &[Seen], channel: &str, id: &str) -> Option<Mono> {
    let to = seen.iter().filter(|s| s.accepted && s.post.destination == channel);
    to.filter(|s| carries(&s.post, id)).map(|s| s.at).next()
}

fn security(w: &World, id: &str) -> Option<Mono> {
    posted_at(&w.slack.seen(), "security", id)
}

/// A second destination, for all that is at least as bad as `least`.
fn also(mut s: Settings, name: &str, least: Option<&str>, pace: u64) -> Settings {
    let min_severity = least.map(|level| level.parse().unwrap());
    s.routes.all_mut().push(Route::of_all(name.to_owned(), min_severity));
    s.paces.push(Duration::from_millis(pace));
    s.fallbacks.push(None);
    s
}

fn one_lane(s: Settings) -> Settings {
    Settings { lanes: vec![Lane::Standard], ..s }
}

async fn at(w: &World, ms: u64) {
    w.clock.sleep_until(Mono(ms)).await;
}

#[tokio::test(start_paused = true)]
async fn space_is_freed_again_after_a_fenced_out_message_was_returned() {
    let w = world(vec![]);
    let clock = w.clock;
    // The marks of the first destination come too late for a while; the second one is slow.
    let judge = move |key: &RecordKey, row: &Record| {
        let mark = key.destination() == "security" && row.version().state == State::Sent;
        (mark && clock.now().mono.0 < 10_000).then_some(Ok(Written::Lost(None)))
    };
    let ledger = Judged { inner: w.ledger.clone(), judge };
    (0..80).for_each(|i| w.send(&format!("medium-{i:02}"), 5.0));
    let settings = Settings { findings_max: 100, ..one_lane(settings("w", false)) };
    let feed = async {
        at(&w, 30_000).await;
        (0..1_000).for_each(|i| w.send(&format!("high-{i:04}"), 8.0));
        at(&w, 60_000).await;
        w.send("critical", 9.5);
    };
    w.run_fed(also(settings, "archive", None, 20_000), at(&w, 300_000), feed, &ledger).await;
    let critical = security(&w, "critical").expect("it is posted");
    assert!(critical < Mono(75_000), "{critical:?}");
}

#[tokio::test(start_paused = true)]
async fn copies_of_what_waits_to_be_recorded_do_not_hide_other_criticals() {
    let w = world(vec![]);
    let clock = w.clock;
    let unreachable = move || (10_000..900_000).contains(&clock.now().mono.0);
    let ledger = UnreachableLedger { inner: w.ledger.clone(), unreachable };
    let feed = async {
        at(&w, 11_000).await;
        for i in 0..70 {
            let body = event(&format!("critical-{i:02}"), 9.5);
            Lane::ALL.iter().for_each(|&lane| _ = w.queue.send(lane, &body));
        }
        at(&w, 500_000).await;
        w.send("late", 9.5);
    };
    w.run_fed(settings("w", true), pending(), feed, &ledger).await;
    let late = security(&w, "late").expect("it is posted");
    assert!(late < Mono(502_000), "{late:?}");
    assert_eq!(w.slack.accepted().len(), 71);
}

#[tokio::test(start_paused = true)]
async fn criticals_share_their_posts_while_the_ledger_is_unreachable() {
    let w = world(vec![]);
    let clock = w.clock;
    let unreachable = move || (10_000..600_000).contains(&clock.now().mono.0);
    let ledger = UnreachableLedger { inner: w.ledger.clone(), unreachable };
    let feed = async {
        at(&w, 11_000).await;
        (0..40).for_each(|i| w.send(&format!("critical-{i:02}"), 9.5));
    };
    w.run_fed(settings("w", true), pending(), feed, &ledger).await;
    let seen = w.slack.seen();
    let (first, last) = (seen[0].at, seen[seen.len() - 1].at);
    assert_eq!((seen.len(), w.slack.accepted().len()), (8, 40));
    assert!(last.since(first) < Duration::from_secs(10), "{first:?} to {last:?}");
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_a_critical_in_hand_takes_no_slot_from_lesser_ones() {
    let w = world(vec![]);
    let clock = w.clock;
    let claims = AtomicU32::new(0);
    // The mark of the critical one fails for a while, and its copy waits for it.
    let judge = move |key: &RecordKey, row: &Record| {
        if row.version().state == State::Claimed && key.fingerprint().contains("medium") {
            assert!(claims.fetch_add(1, Ordering::Relaxed) < 100, "claimed again and again");
        }
        let mark = row.version().state == State::Sent && key.fingerprint().ends_with("critical");
        if mark && clock.now().mono.0 < 30_000 { fails() } else { None }
    };
    let ledger = Judged { inner: w.ledger.clone(), judge };
    let body = event("critical", 9.5);
    Lane::ALL.iter().for_each(|&lane| _ = w.queue.send(lane, &body));
    let feed = async {
        at(&w, 3_000).await;
        (0..20).for_each(|i| w.send(&format!("medium-{i:02}"), 5.0));
    };
    w.run_fed(settings("w", true), pending(), feed, &ledger).await;
    assert!(security(&w, "medium-19").is_some_and(|at| at < Mono(12_000)));
    assert_eq!(w.slack.accepted().len(), 21);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_goes_back_at_once_when_a_run_gives_up() {
    let w = world(vec![]);
    let slack = w.slack.clone().judging(|_| Some(retry(RetryReason::Connection, None, false)));
    let w = World { slack, ..w };
    (0..3).for_each(|i| w.send(&format!("high-{i}"), 8.0));
    let patience = Duration::from_secs(300);
    let drain = Some(DrainTerms { measurements: 2, patience });
    let outcome = w.run(Settings { drain, ..settings("w", true) }, pending(), &w.ledger).await;
    assert!(outcome.gave_up);
    assert_eq!(outcome.tally.returned, 3);
    assert!(w.clock.now().mono < Mono(315_000), "{:?}", w.clock.now().mono);
}

#[tokio::test(start_paused = true)]
async fn a_critical_for_an_unreachable_destination_is_returned_last() {
    let mut w = world(vec![]);
    let clock = w.clock;
    w.slack = ScriptedNotifier::new(clock, vec![]).judging(move |post| {
        (post.destination == "security" && clock.now().mono.0 < 900_000)
            .then(|| retry(RetryReason::Connection, None, false))
    });
    w.send("critical", 9.5);
    (0..300).for_each(|i| w.send(&format!("high-{i:03}"), 8.0));
    let settings = Settings { findings_max: 100, ..one_lane(settings("w", true)) };
    w.run(also(settings, "oncall", Some("critical"), 1100), pending(), &w.ledger).await;
    let seen = w.slack.seen();
    let security: Vec<_> =
        seen.iter().filter(|s| s.accepted && s.post.destination == "security").collect();
    let place = security.iter().position(|s| carries(&s.post, "critical")).unwrap();
    assert!(place <= 1, "post {place}, at {:?}", security[place].at);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_that_nothing_can_close_keeps_nothing_out() {
    let mut w = world(vec![]);
    let tries = Arc::new(AtomicU32::new(0));
    w.slack = ScriptedNotifier::new(w.clock, vec![]).judging(move |post| {
        if post.destination == "security" {
            return Some(Verdict::Dead { status: 404, detail: "no_service".to_owned() });
        }
        match tries.fetch_add(1, Ordering::Relaxed) {
            0..5 => Some(retry(RetryReason::Connection, None, false)),
            5 | 6 => Some(refused()),
            _ => None,
        }
    });
    w.send("first", 9.5);
    let feed = async {
        at(&w, 600_000).await;
        w.send("second", 9.5);
    };
    let settings = also(settings("w", false), "oncall", Some("critical"), 1100);
    w.run_fed(settings, at(&w, 3_600_000), feed, &w.ledger).await;
    let second = posted_at(&w.slack.seen(), "oncall", "second").expect("it is posted");
    assert!(second < Mono(620_000), "{second:?}");
}

#[tokio::test(start_paused = true)]
async fn a_storm_for_one_destination_is_none_for_another() {
    let w = world(vec![]);
    (0..1_500).for_each(|i| w.send(&format!("high-{i:04}"), 8.0));
    let settings = Settings { findings_max: 100, ..one_lane(settings("w", true)) };
    let feed = async {
        at(&w, 20_000).await;
        (0..8).for_each(|i| w.send(&format!("critical-{i}"), 9.5));
    };
    let settings = also(settings, "oncall", Some("critical"), 1100);
    w.run_fed(settings, pending(), feed, &w.ledger).await;
    let seen = w.slack.seen();
    let of = |name: &'static str| seen.iter().filter(move |s| s.post.destination == name);
    assert!(of("security").any(|s| s.post.form == Form::Digest));
    assert!(of("oncall").count() >= 2);
    assert!(of("oncall").all(|s| s.post.form == Form::Cards), "eight are no storm");
}

#[tokio::test(start_paused = true)]
async fn a_row_that_can_never_be_written_stops_no_other() {
    let w = world(vec![]);
    let judge = |key: &RecordKey, _: &Record| {
        if key.fingerprint().ends_with("stuck") { fails() } else { None }
    };
    let ledger = Judged { inner: w.ledger.clone(), judge };
    w.send("stuck", 8.0);
    let feed = async {
        at(&w, 300_000).await;
        w.send("medium", 5.0);
    };
    w.run_fed(settings("w", false), at(&w, 900_000), feed, &ledger).await;
    let medium = security(&w, "medium").expect("it is posted");
    assert!(medium < Mono(400_000), "{medium:?}");
}

#[tokio::test(start_paused = true)]
async fn with_the_ledger_unreachable_a_due_reminder_is_still_owed() {
    let w = world(vec![]);
    let clock = w.clock;
    const HOUR: u64 = 3_600_000;
    let unreachable = move || (2 * HOUR..4 * HOUR).contains(&clock.now().mono.0);
    let ledger = UnreachableLedger { inner: w.ledger.clone(), unreachable };
    let mut settings = settings("w", true);
    settings.terms.remind_after = Some(Duration::from_secs(3600));
    w.send("critical", 9.5);
    let feed = async {
        at(&w, 2 * HOUR + 1_000).await;
        w.send("medium", 5.0);
        at(&w, 3 * HOUR).await;
        let changed = event("critical", 9.5).replace("2026-09-21T10", "2026-09-21T11");
        w.queue.send(Lane::Standard, &changed);
    };
    w.run_fed(settings, pending(), feed, &ledger).await;
    let times = w.slack.seen().iter().filter(|s| carries(&s.post, "critical")).count();
    assert_eq!(times, 2, "posted, and posted again when the reminder was due");
}

/// A desk that is driven by hand.
struct Hand {
    desk: Desk,
    now: Now,
}

impl Hand {
    fn new(settings: Settings) -> Hand {
        let now = Now { wall: BEGAN, mono: Mono(1_000) };
        Hand { desk: Desk::new(settings, now), now }
    }

    fn receive(&mut self, id: &str, severity: f64) {
        let delivery = Delivery {
            again: false,
            place: None,
            lane: Lane::Standard,
            message_id: MessageId(id.to_owned()),
            receipt: Receipt(id.to_owned()),
            body: event(id, severity),
            receive_count: 1,
            enqueued_at: None,
        };
        self.report(Event::Received { lane: Lane::Standard, result: Ok(vec![delivery]) });
    }

    fn report(&mut self, event: Event) {
        self.desk.on(event, self.now);
    }

    /// Answers prefetches and claims until only other orders come, and returns those.
    fn settle(&mut self) -> Vec<Order> {
        let mut others = Vec::new();
        loop {
            let orders = self.desk.orders(self.now);
            if orders.is_empty() {
                return others;
            }
            for order in orders {
                match order {
                    Order::ReadPace { destination, .. } => {
                        self.report(Event::PaceRead { destination, result: Ok(None) });
                    }
                    Order::Prefetch { keys, .. } => {
                        let answers = vec![Prefetched::Absent; keys.len()];
                        self.report(Event::Prefetched { result: Ok(answers) });
                    }
                    Order::Claim(c) => {
                        let want = Want { owner: &c.owner, sighting: c.sighting };
                        let terms = settings("w", false).terms;
                        let Claim::Write { record: row, .. } =
                            claim(None, &want, &terms, self.now.wall)
                        else {
                            panic!("nothing is known of it");
                        };
                        let outcome = ClaimOutcome::Won(row);
                        self.report(Event::Claimed { alert: c.alert, outcome });
                    }
                    Order::Receive(_) => {}
                    other => others.push(other),
                }
            }
        }
    }

    fn slot_is_taken(&mut self) {
        self.report(Event::Reserved { destination: 0, result: Ok(Written::Done) });
    }

    fn pass(&mut self, mono: Duration, wall: Duration) {
        self.now = Now { wall: self.now.wall.plus(wall), mono: self.now.mono.plus(mono) };
    }
}

#[test]
fn a_slot_that_was_taken_before_the_machine_slept_is_taken_again() {
    let mut hand = Hand::new(one_lane(settings("w", false)));
    hand.receive("high", 8.0);
    assert!(matches!(hand.settle()[..], [Order::Reserve(_)]));
    // The monotonic clock of a suspended machine stands still.
    hand.pass(Duration::from_millis(10), Duration::from_secs(20));
    hand.slot_is_taken();
    assert!(matches!(hand.settle()[..], [Order::Reserve(_)]), "the slot is long over");
    hand.pass(Duration::from_millis(10), Duration::from_millis(10));
    hand.slot_is_taken();
    assert!(matches!(hand.settle()[..], [Order::Post { .. }]));
}

#[test]
fn a_slot_that_is_being_taken_is_used() {
    let mut hand = Hand::new(one_lane(settings("w", false)));
    hand.receive("medium", 5.0);
    assert!(matches!(hand.settle()[..], [Order::Reserve(_)]));
    // The slot is used up, whoever uses it.
    hand.receive("critical", 9.5);
    let orders = hand.settle();
    assert!(orders.is_empty(), "{orders:?}");
    hand.slot_is_taken();
    assert!(matches!(hand.settle()[..], [Order::Post { .. }, ..]));
}

#[tokio::test(start_paused = true)]
async fn a_repeat_says_so_though_the_ledger_did_not_record_the_first_try() {
    let w = world(vec![retry(RetryReason::TimedOut, None, true)]);
    let releases = |key: &RecordKey, row: &Record| {
        (row.version().state == State::Free && key.fingerprint() != "pace").then(fails).flatten()
    };
    let ledger = Judged { inner: w.ledger.clone(), judge: releases };
    w.send("a", 8.0);
    w.run(settings("w", true), pending(), &ledger).await;
    let seen = w.slack.seen();
    let perhaps: Vec<bool> = seen.iter().map(|s| s.post.cards[0].perhaps_repeated).collect();
    assert_eq!(perhaps, [false, true]);
}
