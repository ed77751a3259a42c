//! The desk and the worker together, on fakes, under a paused clock: what goes out, when, and what
//! becomes of the messages.

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hansho::desk::worker::{Outcome, Ports, run};
use hansho::desk::{Settings, Tally};
use hansho::finding::Level;
use hansho::instants::Mono;
use hansho::policy::matcher::MatchKey;
use hansho::policy::record::{AlertRecord, Record, RecordKey, State, Versioned};
use hansho::policy::route::Route;
use hansho::ports::{Clock, Form, Lane, Ledger, Notifier, RetryReason, Verdict};

use crate::support::fakes::{
    Failing, FailingLedger, FailingQuarantine, PausedClock, ScriptedNotifier, carries, event, ids,
    is_plain, refused, retry, settings,
};
use crate::support::memory_ledger::MemoryLedger;
use crate::support::memory_queue::MemoryQueue;

/// A world with one worker in it.
pub struct World {
    pub clock: PausedClock,
    pub queue: MemoryQueue<PausedClock>,
    pub ledger: MemoryLedger,
    pub slack: ScriptedNotifier,
}

pub fn world(script: Vec<Verdict>) -> World {
    let clock = PausedClock::start();
    World {
        clock,
        queue: MemoryQueue::new(clock),
        ledger: MemoryLedger::default(),
        slack: ScriptedNotifier::new(clock, script),
    }
}

impl World {
    pub fn send(&self, id: &str, severity: f64) {
        self.queue.send(Lane::Standard, &event(id, severity));
    }

    /// Runs a worker until the queues are empty.
    pub async fn drain(&self) -> Outcome {
        self.run(settings("w", true), pending(), &self.ledger).await
    }

    pub async fn run(
        &self,
        settings: Settings,
        stop: impl Future<Output = ()>,
        ledger: &impl Ledger,
    ) -> Outcome {
        self.run_fed(settings, stop, async {}, ledger).await
    }

    /// The same while `feed` puts something into the queue.
    pub async fn run_fed(
        &self,
        settings: Settings,
        stop: impl Future<Output = ()>,
        feed: impl Future<Output = ()>,
        ledger: &impl Ledger,
    ) -> Outcome {
        let ports = Ports { queue: &self.queue, ledger, notifier: &self.slack, clock: &self.clock };
        run(settings, &ports, stop, feed, |_| {}, |_| {}).await
    }

    pub fn key(&self, id: &str) -> RecordKey {
        RecordKey::alert(format!("guardduty/111122223333/eu-central-1/{id}"), "security")
    }
}

/// Each of these once, whatever the order.
fn assert_once(world: &World, expected: &[&str]) {
    let mut accepted = world.slack.accepted();
    accepted.sort();
    let mut expected: Vec<&str> = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(accepted, expected);
}

#[tokio::test(start_paused = true)]
async fn what_matches_no_destination_is_settled_and_counted() {
    let w = world(vec![]);
    for (id, severity) in [("a", 5.0), ("noise", 2.0), ("b", 8.0)] {
        w.send(id, severity);
    }
    let mut settings = settings("w", true);
    settings.routes.all_mut()[0].matcher.add(false, MatchKey::Level, ["high"]).unwrap();
    let outcome = w.run(settings, pending(), &w.ledger).await;
    assert_once(&w, &["b"]);
    let Tally { findings, below_threshold, unmatched, posted, deleted, .. } = outcome.tally;
    assert_eq!((findings, below_threshold, unmatched, posted, deleted), (3, 1, 1, 1, 3));
    assert_eq!(w.queue.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn posts_what_is_owed_once_and_settles_everything() {
    let w = world(vec![]);
    for (id, severity) in [("a", 5.0), ("noise", 2.0), ("b", 8.0), ("a", 5.0)] {
        w.send(id, severity);
    }
    w.queue.send(Lane::Express, &event("b", 8.0));
    w.queue.send(Lane::Standard, "not json");
    let outcome = w.drain().await;
    assert_once(&w, &["a", "b"]);
    assert_eq!(w.queue.len(), 0);
    let quarantined = w.queue.quarantined();
    assert_eq!(quarantined.len(), 1);
    assert_eq!(
        (quarantined[0].reason.as_str(), quarantined[0].body.as_str()),
        ("not_json", "not json")
    );
    let expected = Tally {
        received: 6,
        findings: 5,
        below_threshold: 1,
        already_posted: 2,
        posted: 2,
        posts: outcome.tally.posts,
        quarantined: 1,
        deleted: 6,
        pending: Some(0),
        ..Tally::default()
    };
    assert_eq!(outcome.tally, expected);
    assert!(!outcome.gave_up);
}

#[tokio::test(start_paused = true)]
async fn the_worst_goes_first_and_posts_keep_their_distance() {
    let w = world(vec![]);
    for i in 0..30 {
        w.send(&format!("medium-{i:02}"), 5.0);
    }
    w.send("critical", 9.5);
    w.drain().await;
    let seen = w.slack.seen();
    let place = seen.iter().position(|s| carries(&s.post, "critical")).unwrap();
    assert!(place <= 1, "the critical one waits for one other post at most: {place}");
    assert_eq!(ids(&seen[place].post), ["critical"], "criticals share with criticals alone");
    for pair in seen.windows(2) {
        assert!(pair[1].at.since(pair[0].at) >= Duration::from_millis(1100));
    }
    assert_eq!(w.slack.accepted().len(), 31);
}

#[tokio::test(start_paused = true)]
async fn a_higher_level_is_posted_again_and_a_lower_one_is_not() {
    let w = world(vec![]);
    w.send("a", 5.0);
    w.drain().await;
    w.send("a", 8.0);
    w.drain().await;
    w.send("a", 5.0);
    w.send("a", 8.0);
    let outcome = w.drain().await;
    let seen = w.slack.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].post.cards[0].escalated_from, None);
    assert_eq!(seen[1].post.cards[0].escalated_from, Some(Level::Medium));
    assert_eq!(outcome.tally.already_posted, 2);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_kept_to_the_second() {
    let w = world(vec![retry(RetryReason::RateLimited, Some(30), false)]);
    w.send("a", 8.0);
    let outcome = w.drain().await;
    let seen = w.slack.seen();
    assert_eq!(seen.len(), 2);
    let waited = seen[1].at.since(seen[0].at);
    assert!(waited >= Duration::from_secs(30) && waited < Duration::from_secs(32), "{waited:?}");
    assert_eq!((outcome.tally.retried, outcome.tally.ambiguous), (1, 0));
    assert_once(&w, &["a"]);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_accepted_is_counted_and_tried_again() {
    let failure = || retry(RetryReason::ServerError, None, true);
    let w = world(vec![failure(), failure(), failure()]);
    w.send("a", 8.0);
    let outcome = w.drain().await;
    assert_once(&w, &["a"]);
    assert_eq!((outcome.tally.retried, outcome.tally.ambiguous), (3, 3));
    let row: AlertRecord = w.ledger.read(&w.key("a")).await.unwrap().unwrap();
    assert_eq!((row.is_posted(), row.attempts, row.ambiguous), (true, 3, 3));
    let at: Vec<u64> = w.slack.seen().iter().map(|s| s.at.0).collect();
    assert!(at[3] - at[2] > at[1] - at[0], "the delays grow: {at:?}");
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_hours_is_only_a_delay() {
    let hours = Duration::from_secs(6 * 3600);
    let w = world(vec![]);
    let clock = w.clock;
    let slack = w.slack.clone().judging(move |_| {
        (clock.now().mono.since(Mono(0)) < hours)
            .then(|| retry(RetryReason::Connection, None, false))
    });
    let w = World { slack, ..w };
    w.send("a", 8.0);
    w.send("b", 5.0);
    let outcome = w.drain().await;
    assert_once(&w, &["a", "b"]);
    assert_eq!(outcome.tally.received, 2, "heartbeats kept both hidden all the time");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_held_until_the_queue_ends_the_receive() {
    let w = world(vec![]);
    let clock = w.clock;
    let slack = w.slack.clone().judging(move |_| {
        (clock.now().mono.since(Mono(0)) < Duration::from_secs(13 * 3600))
            .then(|| retry(RetryReason::Connection, None, false))
    });
    let w = World { slack, ..w };
    w.send("a", 8.0);
    let outcome = w.drain().await;
    assert_once(&w, &["a"]);
    assert_eq!((outcome.tally.received, outcome.tally.returned), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_dead_destination_is_read_again_and_held() {
    let dead = || Verdict::Dead { status: 404, detail: "no_service".to_owned() };
    let w = world(vec![dead(), dead()]);
    w.send("a", 8.0);
    let outcome = w.drain().await;
    assert_once(&w, &["a"]);
    assert_eq!(w.slack.refreshes(), 2);
    let seen = w.slack.seen();
    assert!(seen[1].at.since(seen[0].at) >= Duration::from_secs(60));
    assert_eq!(outcome.tally.quarantined, 0);
}

#[tokio::test(start_paused = true)]
async fn one_guilty_alert_is_found_and_quarantined_alone() {
    let w = world(vec![]);
    let slack = w.slack.clone().judging(|d| carries(d, "guilty").then(refused));
    let w = World { slack, ..w };
    for id in ["a", "b", "guilty", "c", "d"] {
        w.send(id, 5.0);
    }
    let outcome = w.drain().await;
    assert_once(&w, &["a", "b", "c", "d"]);
    let quarantined = w.queue.quarantined();
    assert_eq!(quarantined.len(), 1);
    assert_eq!(quarantined[0].reason, "slack_refused");
    let said = &quarantined[0].detail;
    assert!(said.contains("security") && said.contains("guilty"), "{said}");
    assert_eq!(quarantined[0].body, event("guilty", 5.0), "the message as it came");
    assert!(w.slack.seen().iter().any(|s| is_plain(&s.post)), "plain text was tried");
    assert_eq!(outcome.tally.quarantined, 1);
    assert_eq!(w.queue.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_card_goes_out_as_plain_text() {
    let w = world(vec![]);
    let slack = w.slack.clone().judging(|d| (!is_plain(d)).then(refused));
    let w = World { slack, ..w };
    w.send("a", 5.0);
    let outcome = w.drain().await;
    assert_once(&w, &["a"]);
    assert_eq!(outcome.tally.quarantined, 0);
}

#[tokio::test(start_paused = true)]
async fn what_another_worker_claims_comes_back_when_its_lease_is_over() {
    let w = world(vec![]);
    w.send("a", 8.0);
    // A worker that claims, posts for ever and is dropped: a crash between claim and answer.
    let stuck = World { slack: w.slack.clone().slow(Duration::from_secs(3600)), ..world(vec![]) };
    let stuck = World { queue: w.queue.clone(), ledger: w.ledger.clone(), clock: w.clock, ..stuck };
    let crash = stuck.run(settings("crashing", false), pending(), &stuck.ledger);
    assert!(tokio::time::timeout(Duration::from_secs(2), crash).await.is_err());
    w.queue.send(Lane::Standard, &event("a", 8.0));
    let outcome = w.drain().await;
    // The stand-in had accepted the first one: a crash between post and mark, the honest limit.
    assert_eq!(w.slack.accepted(), ["a", "a"]);
    assert!(outcome.tally.returned >= 1, "{:?}", outcome.tally);
    let again = w.slack.seen()[1].at;
    assert!(
        again.since(Mono(0)) >= Duration::from_secs(50),
        "not before lease and skew: {again:?}"
    );
    assert_eq!(w.queue.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn asked_to_stop_it_finishes_the_post_in_hand_and_gives_the_rest_back() {
    let w = world(vec![]);
    let w = World { slack: w.slack.clone().slow(Duration::from_secs(5)), ..w };
    for i in 0..20 {
        w.send(&format!("f{i:02}"), 5.0);
    }
    let stop = tokio::time::sleep(Duration::from_secs(2));
    let outcome = w.run(settings("w", false), stop, &w.ledger).await;
    let ended = w.clock.now().mono.since(Mono(0));
    assert!(ended < Duration::from_secs(10), "{ended:?}");
    assert_eq!(outcome.tally.posts, 1);
    let left = 20 - outcome.tally.posted;
    assert_eq!((outcome.tally.pending, w.queue.len() as u64), (Some(left), left));
    // A receive that was under way may have met some of them once more.
    assert!(outcome.tally.returned >= left && outcome.tally.returned <= left + 20);
    // A returned message is there for the next worker at once.
    let before = w.clock.now().mono;
    let outcome = w.drain().await;
    assert!(w.clock.now().mono.since(before) < Duration::from_secs(60));
    assert_eq!(outcome.tally.already_posted, 0);
    let mut accepted = w.slack.accepted();
    accepted.sort();
    accepted.dedup();
    assert_eq!((accepted.len(), w.slack.accepted().len()), (20, 20));
}

#[tokio::test(start_paused = true)]
async fn a_stop_with_everything_hanging_ends_within_its_time() {
    let w = world(vec![]);
    let w = World { slack: w.slack.clone().slow(Duration::from_secs(3600)), ..w };
    w.send("a", 8.0);
    let stop = tokio::time::sleep(Duration::from_secs(2));
    w.run(settings("w", false), stop, &w.ledger).await;
    assert!(w.clock.now().mono.since(Mono(0)) <= Duration::from_secs(28));
    assert_eq!(w.queue.len(), 1, "nothing was deleted");
}

#[tokio::test(start_paused = true)]
async fn the_buffer_is_bounded_however_much_waits() {
    let w = world(vec![]);
    let slack = w.slack.clone().judging(|_| Some(retry(RetryReason::Connection, None, false)));
    let w = World { slack, ..w };
    for i in 0..2000 {
        w.send(&format!("f{i}"), 5.0);
    }
    let stop = tokio::time::sleep(Duration::from_secs(3600));
    let outcome = w.run(settings("w", false), stop, &w.ledger).await;
    assert!(outcome.tally.received <= 500, "{}", outcome.tally.received);
    assert!(outcome.tally.received > 400, "{}", outcome.tally.received);
    assert_eq!(w.queue.len(), 2000);
}

#[tokio::test(start_paused = true)]
async fn while_the_ledger_is_unreachable_nothing_is_posted_and_nothing_lost() {
    let w = world(vec![]);
    let clock = w.clock;
    let unreachable = move |_: &_| match clock.now().mono.since(Mono(0)) < Duration::from_secs(1800)
    {
        true => Failing::Yes,
        false => Failing::No,
    };
    let ledger = FailingLedger { inner: w.ledger.clone(), fails: Arc::new(unreachable) };
    w.send("a", 8.0);
    let outcome = w.run(settings("w", true), pending(), &ledger).await;
    assert_once(&w, &["a"]);
    assert!(w.slack.seen()[0].at >= Mono(1_800_000));
    assert_eq!(outcome.tally.received, 1);
}

#[tokio::test(start_paused = true)]
async fn a_mark_is_tried_until_it_is_done_and_nothing_is_posted_again() {
    for lost_answer in [false, true] {
        let w = world(vec![]);
        let tries = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&tries);
        let fails = move |row: &Record| match row.version().state {
            State::Sent if count.fetch_add(1, Ordering::Relaxed) < 5 => match lost_answer {
                true => Failing::AfterTheWrite,
                false => Failing::Yes,
            },
            _ => Failing::No,
        };
        let ledger = FailingLedger { inner: w.ledger.clone(), fails: Arc::new(fails) };
        w.send("a", 8.0);
        let outcome = w.run(settings("w", true), pending(), &ledger).await;
        assert_once(&w, &["a"]);
        assert_eq!(outcome.tally.posted, 1);
        assert_eq!(outcome.tally.fenced_out, 0);
        assert!(tries.load(Ordering::Relaxed) >= 5);
        assert_eq!(w.queue.len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_answer_was_lost_is_ours_at_the_next_try() {
    let w = world(vec![]);
    let tries = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&tries);
    let fails = move |row: &Record| match row.version().state {
        State::Claimed if count.fetch_add(1, Ordering::Relaxed) == 0 => Failing::AfterTheWrite,
        _ => Failing::No,
    };
    let ledger = FailingLedger { inner: w.ledger.clone(), fails: Arc::new(fails) };
    w.send("a", 8.0);
    w.run(settings("w", true), pending(), &ledger).await;
    assert_once(&w, &["a"]);
    let at = w.slack.seen()[0].at;
    assert!(at < Mono(10_000), "it need not wait for its own lease: {at:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_should_end_by_itself_gives_up_when_nothing_moves() {
    let w = world(vec![]);
    let slack = w.slack.clone().judging(|_| Some(retry(RetryReason::Connection, None, false)));
    let w = World { slack, ..w };
    w.send("a", 8.0);
    let mut settings = settings("w", true);
    settings.drain.as_mut().unwrap().patience = Duration::from_secs(300);
    let outcome = w.run(settings, pending(), &w.ledger).await;
    assert!(outcome.gave_up);
    assert_eq!((outcome.tally.pending, w.queue.len()), (Some(1), 1));
}

#[tokio::test(start_paused = true)]
async fn workers_side_by_side_post_each_finding_once() {
    let w = world(vec![]);
    for i in 0..60 {
        w.send(&format!("f{i:02}"), 5.0);
        w.queue.send(Lane::Express, &event(&format!("f{i:02}"), 5.0));
    }
    let one = w.run(settings("one", true), pending(), &w.ledger);
    let two = w.run(settings("two", true), pending(), &w.ledger);
    let three = w.run(settings("three", true), pending(), &w.ledger);
    let (one, two, three) = tokio::join!(one, two, three);
    let posted = one.tally.posted + two.tally.posted + three.tally.posted;
    assert_eq!(posted, 60);
    let mut accepted = w.slack.accepted();
    accepted.sort();
    accepted.dedup();
    assert_eq!((accepted.len(), w.slack.accepted().len()), (60, 60));
    assert_eq!(w.queue.len(), 0);
    let _ = w.slack.refresh("security").await;
}

/// A second destination beside the usual one.
fn two_destinations(drain: bool) -> Settings {
    let mut settings = settings("w", drain);
    settings.routes.all_mut().push(Route::of_all("audit", None));
    settings.paces.push(Duration::from_millis(1100));
    settings
}

#[tokio::test(start_paused = true)]
async fn each_destination_is_posted_to_once() {
    let w = world(vec![]);
    for id in ["a", "b", "a"] {
        w.send(id, 8.0);
    }
    let outcome = w.run(two_destinations(true), pending(), &w.ledger).await;
    assert_once(&w, &["a", "a", "b", "b"]);
    let to = |name: &str| w.slack.seen().iter().filter(|s| s.post.destination == name).count();
    assert_eq!((to("security"), to("audit")), (1, 1));
    assert_eq!((outcome.tally.posted, outcome.tally.already_posted), (4, 2));
    assert_eq!(w.queue.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dead_destination_does_not_stop_the_others() {
    let w = world(vec![]);
    let dead = || Verdict::Dead { status: 404, detail: "no_service".to_owned() };
    let slack = w.slack.clone().judging(move |d| (d.destination == "audit").then(dead));
    let w = World { slack, ..w };
    for i in 0..1200 {
        w.send(&format!("f{i}"), 5.0);
    }
    let stop = tokio::time::sleep(Duration::from_secs(1800));
    w.run(two_destinations(false), stop, &w.ledger).await;
    let accepted = w.slack.accepted();
    assert_eq!(accepted.len(), 1200, "everything reached the one that works");
    assert_eq!(w.queue.len(), 1200, "and is still owed to the other");
}

#[tokio::test(start_paused = true)]
async fn one_message_may_owe_several_findings_and_hold_what_is_none() {
    let w = world(vec![]);
    let body =
        format!("[{},{},{{\"hello\":1}},{}]", event("a", 8.0), event("b", 5.0), event("a", 8.0));
    w.queue.send(Lane::Standard, &body);
    let outcome = w.drain().await;
    assert_once(&w, &["a", "b"]);
    let quarantined = w.queue.quarantined();
    assert_eq!(quarantined.len(), 1);
    assert_eq!((quarantined[0].reason.as_str(), &quarantined[0].body), ("not_a_finding", &body));
    assert!(quarantined[0].detail.starts_with("[2]"), "{}", quarantined[0].detail);
    assert_eq!((outcome.tally.findings, outcome.tally.already_posted), (3, 1));
    assert_eq!(w.queue.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_giant_is_quarantined_and_its_neighbours_are_posted() {
    let w = world(vec![]);
    w.send("a", 8.0);
    w.queue.send(Lane::Standard, &"x".repeat(20 << 20));
    w.send("b", 8.0);
    w.drain().await;
    assert_once(&w, &["a", "b"]);
    assert_eq!(w.queue.quarantined()[0].reason, "too_large");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_quarantined_is_returned_in_time() {
    let w = world(vec![]);
    w.queue.send(Lane::Standard, "not json");
    w.send("a", 8.0);
    let clock = w.clock;
    let outage = Duration::from_secs(13 * 3600);
    let fails = move || clock.now().mono.since(Mono(0)) < outage;
    let queue = FailingQuarantine { inner: w.queue.clone(), fails };
    let ports = Ports { queue: &queue, ledger: &w.ledger, notifier: &w.slack, clock: &w.clock };
    let outcome = run(settings("w", true), &ports, pending(), async {}, |_| {}, |_| {}).await;
    assert_once(&w, &["a"]);
    assert_eq!(w.queue.quarantined().len(), 1);
    assert_eq!((outcome.tally.received, outcome.tally.returned), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_stop_returns_at_once_a_message_that_was_not_quarantined() {
    let w = world(vec![]);
    w.queue.send(Lane::Standard, "not json");
    let queue = FailingQuarantine { inner: w.queue.clone(), fails: || true };
    let ports = Ports { queue: &queue, ledger: &w.ledger, notifier: &w.slack, clock: &w.clock };
    let stop = tokio::time::sleep(Duration::from_secs(300));
    let outcome = run(settings("w", false), &ports, stop, async {}, |_| {}, |_| {}).await;
    let ended = w.clock.now().mono.since(Mono(0));
    assert!(ended < Duration::from_secs(303), "{ended:?}");
    assert!(outcome.tally.returned >= 1);
    assert_eq!(w.queue.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn with_the_breaker_open_nothing_more_is_received() {
    let w = world(vec![]);
    let clock = w.clock;
    let slack = w.slack.clone().judging(move |_| {
        (clock.now().mono.since(Mono(0)) < Duration::from_secs(3600))
            .then(|| retry(RetryReason::ServerError, None, false))
    });
    let w = World { slack, ..w };
    for i in 0..20 {
        w.send(&format!("early{i:02}"), 5.0);
    }
    let later = async {
        tokio::time::sleep(Duration::from_secs(600)).await;
        for i in 0..100 {
            w.send(&format!("late{i:02}"), 5.0);
        }
        tokio::time::sleep(Duration::from_secs(1800)).await;
    };
    let outcome = w.run(settings("w", false), later, &w.ledger).await;
    assert_eq!(outcome.tally.received, 20, "the breaker was open when the others came");
    let tries = w.slack.seen();
    assert!(tries[5..].iter().all(|s| s.post.cards.len() == 1), "tried with one alert alone");
    assert!(tries.len() < 60, "at most every 30 to 60 s: {}", tries.len());
    w.drain().await;
    assert_eq!(w.slack.accepted().len(), 120);
}

#[tokio::test(start_paused = true)]
async fn what_is_less_bad_does_not_starve() {
    let w = world(vec![]);
    w.send("medium", 5.0);
    let stream = async {
        for i in 0..1000 {
            w.send(&format!("high{i}"), 8.0);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    w.send("first", 8.0);
    w.run(settings("w", false), stream, &w.ledger).await;
    let seen = w.slack.seen();
    let medium = seen.iter().find(|s| carries(&s.post, "medium")).expect("it was posted");
    assert!(medium.at < Mono(15_000), "{:?}", medium.at);
}

#[tokio::test(start_paused = true)]
async fn a_storm_goes_out_in_digests_and_a_critical_one_goes_before() {
    let w = world(vec![]);
    for i in 0..1000 {
        w.send(&format!("medium{i:03}"), 5.0);
    }
    let critical = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        w.queue.send(Lane::Express, &event("critical", 9.5));
        tokio::time::sleep(Duration::from_secs(60)).await;
    };
    let outcome = w.run(settings("w", false), critical, &w.ledger).await;
    let seen = w.slack.seen();
    assert_eq!(w.slack.accepted().len(), 1001, "each has a line or a card");
    assert!(outcome.tally.posts <= 25, "{}", outcome.tally.posts);
    let sent = seen.iter().find(|s| carries(&s.post, "critical")).unwrap();
    assert_eq!((sent.post.form, sent.post.cards.len()), (Form::Cards, 1));
    assert!(sent.at <= Mono(5_000 + 2_400), "after one other post at most: {:?}", sent.at);
    assert!(seen.iter().any(|s| s.post.form == Form::Digest && s.post.cards.len() == 50));
}
