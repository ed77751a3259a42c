//! The canary: at the desk, on its way over ports that fail, and with the real binary on both
//! backends, where a stand-in for EventBridge takes it.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hansho::commands::canary::{Flight, Landing, fly};
use hansho::finding::Level;
use hansho::finding::canary::{CanaryEvent, DETAIL_TYPE, SOURCE};
use hansho::policy::canary::CanaryPost as Post;
use hansho::policy::record::{AlertRecord, CanaryRecord, Expect, Record, RecordKey};
use hansho::policy::route::Route;
use hansho::ports::{Bus, BusError, BusEvent, Clock, Form, Lane, Ledger, LedgerError, Written};
use hansho::slack::{Guide, payload};
use serde_json::Value;

use crate::adapters::slack_render::sre;
use crate::desk::buffer::{World, world};
use crate::support::fakes::{BEGAN, PausedClock, UnreachableLedger, ids, retry, settings};
use crate::support::memory_ledger::MemoryLedger;

fn event(id: &str, post: bool) -> CanaryEvent {
    CanaryEvent { id: id.into(), region: "eu-west-1".into(), put_at: BEGAN, post }
}

/// As EventBridge puts it into the queue.
fn message(detail: &str) -> String {
    format!(
        r#"{{"version":"0","id":"e","detail-type":"{DETAIL_TYPE}","source":"{SOURCE}",
        "account":"111122223333","time":"2026-09-21T13:33:20Z","region":"eu-west-1","resources":[],
        "detail":{detail}}}"#
    )
}

impl World {
    fn send_canary(&self, event: &CanaryEvent) {
        self.queue.send(Lane::Standard, &message(&event.detail()));
    }

    async fn row(&self, event: &CanaryEvent) -> Option<CanaryRecord> {
        self.ledger.read(&RecordKey::canary(&event.fingerprint())).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn one_without_a_post_leaves_a_record_and_posts_nothing() {
    let w = world(vec![]);
    let canary = event("c-1", false);
    w.send_canary(&canary);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let outcome = w.drain().await;
    assert!(w.slack.seen().is_empty());
    assert_eq!(w.queue.len(), 0);
    let tally = outcome.tally;
    assert_eq!((tally.canaries, tally.received, tally.deleted), (1, 1, 1));
    assert_eq!((tally.findings, tally.posted, tally.posts, tally.unclaimed), (0, 0, 0, 0));
    let row = w.row(&canary).await.expect("a row");
    assert_eq!(row.level, Level::Informational);
    let passed = row.passed;
    assert_eq!((passed.put_at, passed.queued_at), (BEGAN, Some(BEGAN)));
    assert_eq!(passed.received_at.since(BEGAN), Duration::from_secs(3));
    assert_eq!(passed.post, Post::No);
}

#[tokio::test(start_paused = true)]
async fn its_message_is_deleted_only_when_the_row_is_there() {
    let w = world(vec![]);
    let canary = event("c-1", false);
    w.send_canary(&canary);
    let clock = w.clock;
    let began = clock.now().mono;
    let minutes = Duration::from_secs(600);
    let unreachable = move || clock.now().mono.since(began) < minutes;
    let ledger = UnreachableLedger { inner: w.ledger.clone(), unreachable };
    let watched = async {
        tokio::time::sleep(minutes - Duration::from_secs(1)).await;
        assert_eq!(w.queue.len(), 1, "the ledger does not have it yet");
        pending::<()>().await;
    };
    let outcome = tokio::select! {
        outcome = w.run(settings("w", true), pending(), &ledger) => outcome,
        () = watched => unreachable!(),
    };
    assert_eq!((outcome.tally.canaries, outcome.tally.deleted, w.queue.len()), (1, 1, 0));
    assert!(w.row(&canary).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_ends_without_a_ledger_hands_it_back() {
    let w = world(vec![]);
    w.send_canary(&event("c-1", false));
    let ledger = UnreachableLedger { inner: w.ledger.clone(), unreachable: || true };
    let stop = tokio::time::sleep(Duration::from_secs(30));
    let outcome = w.run(settings("w", false), stop, &ledger).await;
    assert_eq!((outcome.tally.returned, outcome.tally.deleted), (1, 0));
    assert_eq!(outcome.tally.pending, Some(1));
    let again = w.drain().await;
    assert_eq!((again.tally.canaries, w.queue.len()), (1, 0), "and the next one has it at once");
}

#[tokio::test(start_paused = true)]
async fn of_two_copies_the_first_ones_row_stays() {
    let w = world(vec![]);
    let canary = event("c-1", false);
    w.send_canary(&canary);
    w.drain().await;
    let row = w.row(&canary).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    w.send_canary(&canary);
    let outcome = w.drain().await;
    assert_eq!((outcome.tally.canaries, w.queue.len()), (1, 0));
    assert_eq!(w.row(&canary).await, row);
}

#[tokio::test(start_paused = true)]
async fn one_with_a_post_goes_to_every_destination_and_keeps_no_critical_finding_back() {
    let w = world(vec![]);
    let canary = event("c-1", true);
    w.send_canary(&canary);
    for i in 0..30 {
        w.send(&format!("medium-{i:02}"), 5.0);
    }
    w.send("critical", 9.5);
    let mut two = settings("w", true);
    let high = Some("high".parse().unwrap());
    two.routes.all_mut().push(Route::of_all("oncall", high));
    two.paces.push(two.paces[0]);
    two.fallbacks.push(None);
    let outcome = w.run(two, pending(), &w.ledger).await;
    let tally = outcome.tally;
    assert_eq!((tally.canaries, tally.findings, tally.posted), (1, 31, 34), "{tally:?}");
    for name in ["security", "oncall"] {
        let key = RecordKey::alert(canary.fingerprint(), name);
        assert!(w.ledger.read::<AlertRecord>(&key).await.unwrap().unwrap().is_posted(), "{name}");
    }
    let row = w.row(&canary).await.unwrap();
    assert_eq!(row.passed.post, Post::Yes);
    let seen = w.slack.seen();
    // It waits as what is least, and comes in its turn when it has waited longest.
    let of_security: Vec<_> = seen.iter().filter(|s| s.post.destination == "security").collect();
    let post = |id: &str| of_security.iter().position(|s| ids(&s.post).contains(&id.to_owned()));
    assert!(post("critical") < post("c-1"), "{:?}", (post("critical"), post("c-1")));
    let with_the_critical = seen.iter().find(|s| ids(&s.post).contains(&"critical".to_owned()));
    assert_eq!(with_the_critical.unwrap().post.cards.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_floods_a_channel_with_tests() {
    let w = world(vec![]);
    let canaries: Vec<CanaryEvent> = (0..200).map(|i| event(&format!("c-{i}"), true)).collect();
    canaries.iter().for_each(|canary| w.send_canary(canary));
    let outcome = w.drain().await;
    assert_eq!((outcome.tally.canaries, w.queue.len()), (200, 0));
    assert_eq!((outcome.tally.posted, w.slack.accepted().len()), (60, 60));
    let mut refused = 0;
    for canary in &canaries {
        let row = w.row(canary).await.expect("each has its row");
        refused += u32::from(row.passed.post == Post::TooMany);
    }
    assert_eq!(refused, 140);
}

/// A canary waits out an outage of Slack, and a fallback posts it for a dead destination.
#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_posted_is_held_and_keeps_nothing_else_back() {
    let w = world(vec![]);
    let canary = event("c-1", true);
    let clock = w.clock;
    let began = clock.now().mono;
    let slack = w.slack.clone().judging(move |_| {
        let unreachable = clock.now().mono.since(began) < Duration::from_secs(3600);
        unreachable.then(|| retry(hansho::ports::RetryReason::ServerError, None, false))
    });
    let w = World { slack, ..w };
    w.send_canary(&canary);
    w.send("a", 8.0);
    let outcome = w.drain().await;
    assert_eq!((outcome.tally.posted, w.queue.len()), (2, 0));
    let mut accepted = w.slack.accepted();
    accepted.sort();
    assert_eq!(accepted, ["a", "c-1"]);
}

#[test]
fn its_post_is_marked_as_a_test_and_mentions_nobody() {
    let mut mentions = sre();
    for level in Level::ALL {
        mentions.set(level, "<!here>".parse().unwrap());
    }
    let canary = || {
        let body = message(&event("c-1", true).detail());
        crate::adapters::slack_render::card(hansho::finding::parse(&body).findings.remove(0))
    };
    let calm =
        |level| crate::adapters::slack_render::card(crate::adapters::slack_render::calm(level));
    let text = |form, cards| {
        let payload = payload(
            &crate::adapters::slack_render::a_post(form, cards),
            &mentions,
            &Guide::default(),
        );
        (payload["text"].as_str().unwrap().to_owned(), payload.to_string())
    };
    let several = || (0..12).map(|_| canary()).collect::<Vec<_>>();
    for (form, cards) in [
        (Form::Cards, vec![canary()]),
        (Form::Plain, vec![canary()]),
        (Form::Cards, vec![canary(), canary()]),
        (Form::Digest, several()),
        (Form::Cards, several()),
    ] {
        let (text, whole) = text(form, cards);
        assert!(!whole.contains("<!here>"), "{form:?}: {whole}");
        assert!(text.contains("Canary: a test of the way"), "{form:?}: {text}");
        assert!(whole.contains("TEST"), "{form:?}: {whole}");
    }
    // A finding beside it calls whom it would call without it.
    let info = calm(Level::Informational);
    for cards in [vec![canary(), info.clone()], vec![info, canary()]] {
        assert!(text(Form::Cards, cards).0.contains("<!here>"));
    }
}

// --- The way, over ports that work or fail ---

/// A bus whose rule puts its events into a queue, after a while.
#[derive(Clone)]
struct ShortBus {
    answer: Result<(), BusError>,
    put: Arc<Mutex<Vec<BusEvent>>>,
}

impl ShortBus {
    fn new(answer: Result<(), BusError>) -> ShortBus {
        ShortBus { answer, put: Arc::default() }
    }

    /// What the queue gets of it.
    fn messages(&self) -> Vec<String> {
        self.put.lock().unwrap().drain(..).map(|event| message(&event.detail)).collect()
    }
}

impl Bus for ShortBus {
    async fn put(&self, event: &BusEvent) -> Result<(), BusError> {
        self.put.lock().unwrap().push(event.clone());
        self.answer.clone()
    }
}

/// One that never answers.
struct DeafBus;

impl Bus for DeafBus {
    async fn put(&self, _: &BusEvent) -> Result<(), BusError> {
        pending().await
    }
}

/// Flies one canary while a worker works, if there is one.
async fn flown(w: &World, bus: &ShortBus, post: bool, worker: bool) -> Flight {
    let destinations = if post { vec!["security".to_owned()] } else { vec![] };
    let within = Duration::from_secs(60);
    // More than fit the minute.
    let rounds = if worker { 1_000 } else { 0 };
    let carry = async {
        for _ in 0..rounds {
            tokio::time::sleep(Duration::from_millis(700)).await;
            for message in bus.messages() {
                w.queue.send(Lane::Standard, &message);
            }
        }
        pending::<()>().await;
    };
    tokio::select! {
        biased;
        flight = fly(bus, "eu-west-1", &w.ledger, &w.clock, &destinations, within) => flight,
        () = carry => unreachable!(),
        _ = w.run(settings("w", false), pending(), &w.ledger) => unreachable!(),
    }
}

#[tokio::test(start_paused = true)]
async fn the_legs_are_those_of_the_way() {
    for post in [false, true] {
        let w = world(vec![]);
        let bus = ShortBus::new(Ok(()));
        let flight = flown(&w, &bus, post, true).await;
        assert!(flight.arrived(), "{flight:?}");
        let Landing::Seen { passed, at } = flight.landing else { panic!("{flight:?}") };
        assert_eq!(passed.put_at, flight.put_at);
        let queued = passed.queued_at.unwrap();
        assert_eq!(queued.since(passed.put_at), Duration::from_millis(700));
        assert!(passed.received_at >= queued && at >= passed.received_at);
        assert!(at.since(flight.put_at) < Duration::from_secs(5), "{passed:?} {at:?}");
        assert_eq!(passed.post, if post { Post::Yes } else { Post::No });
        assert_eq!(flight.posts.len(), usize::from(post));
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_arrive_is_given_up_in_time() {
    // No worker.
    let w = world(vec![]);
    let began = w.clock.now().mono;
    let flight = flown(&w, &ShortBus::new(Ok(())), false, false).await;
    assert_eq!(flight.landing, Landing::NotSeen { ledger: None });
    assert_eq!(w.clock.now().mono.since(began), Duration::from_secs(60));
    // A bus that refuses, and one that never answers.
    let why = "AccessDenied".to_owned();
    let flight = flown(&w, &ShortBus::new(Err(BusError(why.clone()))), false, true).await;
    assert_eq!(flight.landing, Landing::NotPut(why));
    let within = Duration::from_secs(5);
    let flight = fly(&DeafBus, "eu-west-1", &w.ledger, &w.clock, &[], within).await;
    assert!(matches!(flight.landing, Landing::NotPut(_)) && !flight.arrived(), "{flight:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failing_ledger_is_named() {
    let clock = PausedClock::start();
    let ledger = UnreachableLedger { inner: MemoryLedger::default(), unreachable: || true };
    let within = Duration::from_secs(5);
    let bus = ShortBus::new(Ok(()));
    let flight = fly(&bus, "eu-west-1", &ledger, &clock, &[], within).await;
    assert_eq!(flight.landing, Landing::NotSeen { ledger: Some("unreachable".to_owned()) });
    // One that does not answer at all.
    let flight = fly(&bus, "eu-west-1", &MuteLedger, &clock, &[], within).await;
    assert_eq!(flight.landing, Landing::NotSeen { ledger: None });
}

struct MuteLedger;

impl Ledger for MuteLedger {
    async fn read_any(&self, _: &RecordKey) -> Result<Option<Record>, LedgerError> {
        pending().await
    }

    async fn write_any(
        &self,
        _: &RecordKey,
        _: &Expect,
        _: Record,
    ) -> Result<Written<Record>, LedgerError> {
        pending().await
    }

    async fn prefetch(
        &self,
        _: &[RecordKey],
        _: hansho::ports::Consistency,
    ) -> Result<Vec<hansho::ports::Prefetched>, LedgerError> {
        pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_is_missing_is_known() {
    let w = world(vec![]);
    let dead = || hansho::ports::Verdict::Dead { status: 404, detail: "no_service".to_owned() };
    let slack = w.slack.clone().judging(move |_| Some(dead()));
    let w = World { slack, ..w };
    let flight = flown(&w, &ShortBus::new(Ok(())), true, true).await;
    assert!(matches!(flight.landing, Landing::Seen { .. }), "it is in the ledger: {flight:?}");
    assert_eq!(flight.posts[0].at, None);
    assert!(!flight.arrived());
}

#[test]
fn the_templates_let_it_through_where_it_may_come_from() {
    let template = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("infra").join(name);
        let text = std::fs::read_to_string(path).unwrap();
        serde_yaml_ng::from_str::<serde_yaml_ng::Value>(&text).unwrap()
    };
    let has = |list: &serde_yaml_ng::Value, what: &str| {
        list.as_sequence().unwrap().iter().any(|item| item.as_str() == Some(what))
    };
    let pipeline = template("pipeline.yaml");
    let rules = &pipeline["Resources"];
    assert!(has(&rules["StandardRule"]["Properties"]["EventPattern"]["source"], SOURCE));
    let forwarder = template("forwarder.yaml");
    let pattern = &forwarder["Resources"]["Rule"]["Properties"]["EventPattern"];
    assert!(has(&pattern["source"], SOURCE) && has(&pattern["detail-type"], DETAIL_TYPE));
    // No other account may put canaries on the bus.
    let policy = &rules["BusPolicy"]["Properties"]["Statement"]["Condition"];
    let sources = &policy["ForAllValues:StringEquals"]["events:source"];
    assert!(sources.as_sequence().is_some_and(|s| !s.is_empty()) && !has(sources, SOURCE));
    // What the schedule puts in the queue is a canary that is not posted.
    let transformer = &rules["CanaryRule"]["Properties"]["Targets"][0]["InputTransformer"];
    let mut body = transformer["InputTemplate"].as_str().unwrap().to_owned();
    for (name, value) in [
        ("<id>", "\"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa\""),
        ("<time>", "\"2026-09-21T13:33:20Z\""),
        ("<account>", "\"111122223333\""),
        ("<region>", "\"eu-west-1\""),
    ] {
        assert!(body.contains(name));
        body = body.replace(name, value);
    }
    let parsed = hansho::finding::parse(&body);
    let canary = parsed.findings[0].canary.expect("a canary");
    assert!(!canary.post && canary.put_at.is_some());
    let result: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(result["source"], SOURCE);
}
