//! The worker as a Lambda function: what it answers to a batch, and when.

use std::collections::BTreeSet;
use std::time::Duration;

use hansho::commands::accounts::directory;
use hansho::commands::lambda::{Function, QueueNames};
use hansho::desk::Settings;
use hansho::instants::Wall;
use hansho::policy::directory::Source;
use hansho::ports::{
    Accounts, Clock, CurrentAccounts, Delivery, Lane, Queue, ReceiveAsk, RetryReason, Verdict,
};
use serde_json::json;

use crate::desk::buffer::{World, world};
use crate::support::fakes::{PausedClock, ScriptedNotifier, event, retry, settings};
use crate::support::memory_ledger::MemoryLedger;
use crate::support::memory_queue::MemoryQueue;

type TestFunction = Function<MemoryQueue<PausedClock>, MemoryLedger, ScriptedNotifier, PausedClock>;

const TIMEOUT: Duration = Duration::from_secs(60);

fn function(w: &World, settings: Settings) -> TestFunction {
    let queues = [(Lane::Express, "express"), (Lane::Standard, "standard")];
    let names = QueueNames::new(queues);
    let (queue, ledger, slack) = (w.queue.clone(), w.ledger.clone(), w.slack.clone());
    Function::new(settings, names, queue, ledger, slack, w.clock).unwrap()
}

/// Receives what is there, as Lambda does before it calls the function.
async fn batch(w: &World, lane: Lane) -> Vec<Delivery> {
    let (wait, visibility) = (Duration::ZERO, Duration::from_secs(120));
    let mut all = Vec::new();
    loop {
        let ten = w.queue.receive(ReceiveAsk { lane, max: 10, wait, visibility }).await.unwrap();
        if ten.is_empty() {
            return all;
        }
        all.extend(ten);
    }
}

fn event_of(batch: &[Delivery]) -> serde_json::Value {
    let record = |d: &Delivery| {
        json!({"messageId": d.message_id.0, "receiptHandle": d.receipt.0, "body": d.body,
            "attributes": {"ApproximateReceiveCount": d.receive_count.to_string()},
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:r:1:{}", d.lane.as_str())})
    };
    json!({"Records": batch.iter().map(record).collect::<Vec<_>>()})
}

/// Returns the answer of the function. Then, as Lambda does, deletes the messages that it does not
/// name.
async fn call(w: &World, f: &TestFunction, batch: &[Delivery]) -> BTreeSet<String> {
    let event = serde_json::from_value(event_of(batch)).unwrap();
    let began = w.clock.now();
    let answer = f.invoke(event, began.wall.plus(TIMEOUT)).await.unwrap();
    let took = w.clock.now().mono.since(began.mono);
    assert!(took < TIMEOUT, "{took:?}");
    let failures = answer["batchItemFailures"].as_array().unwrap();
    let id = |f: &serde_json::Value| f["itemIdentifier"].as_str().unwrap().to_owned();
    let failed: BTreeSet<String> = failures.iter().map(id).collect();
    let settled = batch.iter().filter(|d| !failed.contains(&d.message_id.0));
    for d in settled {
        w.queue.delete(d.lane, std::slice::from_ref(&d.receipt)).await;
    }
    failed
}

#[tokio::test(start_paused = true)]
async fn good_and_bad_ones_of_a_batch_are_settled_at_once() {
    let w = world(vec![]);
    for (id, severity) in [("a", 5.0), ("noise", 2.0), ("b", 9.5), ("a", 5.0)] {
        w.send(id, severity);
    }
    w.queue.send(Lane::Standard, "not json");
    let f = function(&w, settings("w", false));
    let failed = call(&w, &f, &batch(&w, Lane::Standard).await).await;
    assert_eq!(failed, BTreeSet::new());
    assert_eq!((w.queue.len(), w.queue.quarantined().len()), (0, 1));
    let mut accepted = w.slack.accepted();
    accepted.sort();
    assert_eq!(accepted, ["a", "b"]);
    assert!(w.clock.now().mono.0 < 3_000, "it waits for nothing more: {:?}", w.clock.now().mono);
    let counted = f.metrics().text().unwrap();
    for line in [
        "hansho_messages_received_total{lane=\"standard\"} 5",
        "hansho_calls_total{call=\"quarantine\",port=\"queue\",result=\"ok\"} 1",
    ] {
        assert!(counted.lines().any(|l| l == line), "{line}\nin\n{counted}");
    }
    // Lambda receives and deletes; the function makes no such call.
    for call in ["receive", "delete"] {
        assert!(!counted.contains(&format!("call=\"{call}\"")), "{counted}");
    }
    // An empty batch is no reason to stay.
    assert_eq!(call(&w, &f, &[]).await, BTreeSet::new());
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_slack_keeps_comes_back_when_it_is_due() {
    let mut w = world(vec![]);
    let dead = |_: &_| Some(Verdict::Dead { status: 404, detail: "no_service".to_owned() });
    w.slack = ScriptedNotifier::new(w.clock, vec![]).judging(dead);
    (0..30).for_each(|i| w.send(&format!("m-{i:02}"), 5.0));
    let f = function(&w, settings("w", false));
    let received = batch(&w, Lane::Standard).await;
    let failed = call(&w, &f, &received).await;
    assert_eq!(failed.len(), 30, "nothing of it is settled");
    assert!(w.clock.now().mono.0 < 10_000, "nothing is waited for: {:?}", w.clock.now().mono);
    let tries = w.slack.seen().len();
    // The messages are hidden until the destination is tried again, not for the whole visibility.
    assert!(batch(&w, Lane::Standard).await.is_empty());
    w.clock.sleep_until(hansho::instants::Mono(75_000)).await;
    let again = batch(&w, Lane::Standard).await;
    assert_eq!(again.len(), 30);
    // The next call, and one of another process, know of it.
    let failed = call(&w, &function(&w, settings("v", false)), &again).await;
    assert_eq!(failed.len(), 30);
    assert!(w.slack.seen().len() <= tries + 1, "one try a minute: {}", w.slack.seen().len());
    assert_eq!(w.queue.len(), 30);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_batch_that_is_too_long() {
    let w = world(vec![]);
    (0..10_000).for_each(|i| w.send(&format!("m-{i:05}"), if i % 2 == 0 { 5.0 } else { 2.0 }));
    let f = function(&w, settings("w", false));
    let received = batch(&w, Lane::Standard).await;
    let failed = call(&w, &f, &received).await;
    let posted = w.slack.accepted().len();
    assert!(posted > 1_000, "the time is used: {posted}");
    assert!(failed.len() > 1_000 && failed.len() + posted <= 10_000, "{}", failed.len());
    assert_eq!(w.queue.len(), failed.len());
    // A posted alert stays posted when the rest comes again, until all are posted.
    for _ in 0..60 {
        w.clock.sleep_until(w.clock.now().mono.plus(Duration::from_secs(60))).await;
        call(&w, &f, &batch(&w, Lane::Standard).await).await;
    }
    assert_eq!(w.queue.len(), 0);
    let accepted = w.slack.accepted();
    let distinct: BTreeSet<&String> = accepted.iter().collect();
    assert_eq!((accepted.len(), distinct.len()), (5_000, 5_000));
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_slack_asks_for_holds_for_the_next_call() {
    let w = world(vec![retry(RetryReason::RateLimited, Some(90), false)]);
    w.queue.send(Lane::Express, &event("critical", 9.5));
    let f = function(&w, settings("w", false));
    let failed = call(&w, &f, &batch(&w, Lane::Express).await).await;
    assert_eq!(failed.len(), 1);
    assert!(w.clock.now().mono.0 < 5_000, "{:?}", w.clock.now().mono);
    w.queue.send(Lane::Express, &event("other", 9.5));
    let other = function(&w, settings("v", false));
    assert_eq!(call(&w, &other, &batch(&w, Lane::Express).await).await.len(), 1);
    assert_eq!(w.slack.seen().len(), 1, "nobody posts in the pause");
    w.clock.sleep_until(hansho::instants::Mono(96_000)).await;
    let failed = call(&w, &f, &batch(&w, Lane::Express).await).await;
    assert_eq!((failed.len(), w.slack.accepted().len()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn an_event_of_another_queue_is_refused_whole() {
    let w = world(vec![]);
    let f = function(&w, settings("w", false));
    let foreign = json!({"Records": [{"messageId": "m", "receiptHandle": "r", "body": "x",
        "eventSourceARN": "arn:aws:sqs:r:1:other"}]});
    let event = serde_json::from_value(foreign).unwrap();
    let refused = f.invoke(event, Wall(i64::MAX)).await.unwrap_err();
    assert!(refused.contains("arn:aws:sqs:r:1:other"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn the_function_knows_the_accounts_of_the_directory() {
    let w = world(vec![]);
    let mut accounts = Accounts::default();
    accounts.add("111122223333", "prod-shop").unwrap();
    directory::write(&w.ledger, &accounts, &Source::File, w.clock.now().wall).await.unwrap();
    let current = CurrentAccounts::default();
    let function = function(&w, settings("w", false)).naming(current.clone());
    tokio::select! {
        never = function.follow_directory() => match never {},
        () = tokio::time::sleep(Duration::from_secs(1)) => {}
    }
    assert_eq!(current.get().name("111122223333"), Some("prod-shop"));
    assert!(function.metrics().text().unwrap().contains("hansho_accounts_known 1\n"));
}
