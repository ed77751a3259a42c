//! Dead letters on SQS: the contract on the stand-in and on a foreign endpoint, what EventBridge
//! and SQS themselves say of a dead letter, and faults of the wire.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;
use hansho::aws::sqs::{QueueUrls, SqsDeadLetters, SqsQueue};
use hansho::instants::Wall;
use hansho::ports::{
    DeadLetterQueue, Lane, MessageId, Origin, Outgoing, QuarantineEntry, Queue, QueueError,
    ReceiveAsk, Sent,
};

use super::contract::{self, DeadLetterHarness, dead_letter, scan_all};
use crate::adapters::sqs::{foreign_endpoint, sdk_config};
use crate::support::sqs_standin::{Fault, SqsStandIn, StandInClock};

struct OnStandIn {
    stand_in: SqsStandIn,
    config: aws_config::SdkConfig,
}

impl OnStandIn {
    async fn fresh() -> OnStandIn {
        let stand_in = SqsStandIn::start(StandInClock::frozen()).await;
        for name in ["standard", "express", "quarantine"] {
            stand_in.create(name, &[]);
        }
        let config = sdk_config(&stand_in.endpoint()).await;
        OnStandIn { stand_in, config }
    }

    fn client(&self) -> Client {
        Client::new(&self.config)
    }
}

impl DeadLetterHarness for OnStandIn {
    type Queue = SqsDeadLetters;

    fn queue(&self) -> SqsDeadLetters {
        let url = |name| self.stand_in.url(name);
        SqsDeadLetters::new(
            &self.config,
            url("quarantine"),
            Some(url("standard")),
            Some(url("express")),
        )
    }

    fn unit(&self) -> Duration {
        Duration::from_secs(30)
    }

    async fn pass_time(&self, by: Duration) {
        self.stand_in.advance(by);
    }

    async fn in_lane(&self, lane: Lane) -> Vec<String> {
        self.stand_in.messages(lane.as_str()).into_iter().map(|seen| seen.body).collect()
    }
}

#[tokio::test]
async fn the_dead_letter_queue_on_the_stand_in_keeps_the_contract() {
    contract::exercise("stand-in", &[], OnStandIn::fresh).await;
}

/// On a server that somebody else wrote, with queues of its own, in real time.
struct OnForeign {
    config: aws_config::SdkConfig,
    client: Client,
    /// quarantine, standard, express
    urls: [String; 3],
}

impl OnForeign {
    async fn fresh(endpoint: &str) -> OnForeign {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let run = format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
        let config = sdk_config(endpoint).await;
        let client = Client::new(&config);
        let create = async |name: &str| {
            let made =
                client.create_queue().queue_name(format!("replay-{name}-{run}")).send().await;
            made.expect("a queue is made").queue_url.expect("a queue's url")
        };
        let urls = [create("quarantine").await, create("standard").await, create("express").await];
        OnForeign { config, client, urls }
    }
}

impl DeadLetterHarness for OnForeign {
    type Queue = SqsDeadLetters;

    fn queue(&self) -> SqsDeadLetters {
        let [quarantine, standard, express] = self.urls.clone();
        SqsDeadLetters::new(&self.config, quarantine, Some(standard), Some(express))
    }

    fn unit(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn pass_time(&self, by: Duration) {
        tokio::time::sleep(by + Duration::from_millis(200)).await;
    }

    async fn in_lane(&self, lane: Lane) -> Vec<String> {
        let url = match lane {
            Lane::Standard => &self.urls[1],
            Lane::Express => &self.urls[2],
        };
        let mut all = Vec::new();
        loop {
            let ask = self.client.receive_message().queue_url(url).max_number_of_messages(10);
            let some = ask.visibility_timeout(600).send().await.unwrap();
            let some = some.messages.unwrap_or_default();
            if some.is_empty() {
                return all;
            }
            all.extend(some.into_iter().map(|m| m.body.unwrap()));
        }
    }
}

#[tokio::test]
#[ignore = "needs HANSHO_TEST_SQS_ENDPOINT: run tests/emulators/run"]
async fn the_dead_letter_queue_keeps_the_contract_on_a_foreign_endpoint() {
    let (endpoint, kind) = foreign_endpoint();
    contract::exercise(&kind, &[], async || OnForeign::fresh(&endpoint).await).await;
}

/// An operator reads a quarantined message with all of its fields.
#[tokio::test]
async fn messages_quarantined_by_a_worker_are_understood() {
    let h = OnStandIn::fresh().await;
    let worker = SqsQueue::new(
        &h.config,
        QueueUrls {
            standard: h.stand_in.url("standard"),
            express: None,
            quarantine: h.stand_in.url("quarantine"),
        },
    );
    let entry = QuarantineEntry {
        message_id: MessageId("original-1".to_owned()),
        lane: Lane::Standard,
        body: "nul \u{0}".to_owned(),
        reason: "not_json".to_owned(),
        detail: "line 1 column 7: not valid JSON".to_owned(),
        receive_count: 2,
        enqueued_at: Some(Wall(1_790_000_000_000)),
        quarantined_at: Wall(1_790_000_060_000),
    };
    worker.quarantine(&entry).await.unwrap();
    let seen = scan_all(&h.queue(), h.unit()).await.remove(0).dead_letter;
    let expected = hansho::ports::DeadLetter { id: seen.id.clone(), ..dead_letter(1, "nul \u{0}") };
    assert_eq!(seen, expected);

    // A body that left no room for any attribute: what is known of it is that it is there.
    let full = QuarantineEntry { body: "x".repeat(1_048_576), ..entry };
    worker.quarantine(&full).await.unwrap();
    h.stand_in.advance(h.unit());
    let all = scan_all(&h.queue(), h.unit()).await;
    let bare = all.iter().find(|held| held.dead_letter.body.len() == 1_048_576).unwrap();
    assert_eq!(bare.dead_letter.origin, Origin::DeadLetter { source: None });
    assert_eq!((&bare.dead_letter.reason, bare.dead_letter.attempts), (&None, None));
    assert!(bare.dead_letter.quarantined_at.is_some());
}

#[tokio::test]
async fn what_eventbridge_could_not_deliver_is_understood() {
    let h = OnStandIn::fresh().await;
    let text = |kind: &str, value: &str| {
        MessageAttributeValue::builder().data_type(kind).string_value(value).build().unwrap()
    };
    let send = h.client().send_message().queue_url(h.stand_in.url("quarantine"));
    send.message_body("{}")
        .message_attributes(
            "RULE_ARN",
            text("String", "arn:aws:events:eu-west-1:1:rule/hansho/std"),
        )
        .message_attributes("TARGET_ARN", text("String", "arn:aws:sqs:eu-west-1:1:hansho-standard"))
        .message_attributes("ERROR_CODE", text("String", "NO_PERMISSIONS"))
        .message_attributes("ERROR_MESSAGE", text("String", "not authorized"))
        .message_attributes("RETRY_ATTEMPTS", text("Number", "0"))
        .send()
        .await
        .unwrap();
    let seen = scan_all(&h.queue(), h.unit()).await.remove(0).dead_letter;
    let Origin::EventBridge { rule, target, exhausted } = &seen.origin else {
        panic!("{:?}", seen.origin)
    };
    assert!(rule.as_ref().unwrap().ends_with("/std"));
    assert!(target.as_ref().unwrap().ends_with("hansho-standard"));
    assert_eq!(exhausted, &None);
    assert_eq!((seen.reason.as_deref(), seen.attempts), (Some("NO_PERMISSIONS"), Some(0)));
}

#[tokio::test]
async fn what_sqs_dead_letters_itself_is_understood() {
    let h = OnStandIn::fresh().await;
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:quarantine","maxReceiveCount":1}"#;
    let lane = h.stand_in.create("worn", &[("RedrivePolicy", policy)]);
    h.client().send_message().queue_url(&lane).message_body("{}").send().await.unwrap();
    for _ in 0..2 {
        h.client().receive_message().queue_url(&lane).send().await.unwrap();
        h.stand_in.advance(h.unit() * 2);
    }
    let seen = scan_all(&h.queue(), h.unit()).await.remove(0).dead_letter;
    let Origin::DeadLetter { source: Some(source) } = &seen.origin else {
        panic!("{:?}", seen.origin)
    };
    assert!(source.ends_with(":worn"), "{source}");
    assert!(seen.enqueued_at.is_some() && seen.quarantined_at.is_none());
}

#[tokio::test]
async fn scanned_messages_are_hidden_from_others() {
    let h = OnStandIn::fresh().await;
    h.queue().put(&dead_letter(1, "x")).await.unwrap();
    assert_eq!(scan_all(&h.queue(), h.unit()).await.len(), 1);
    assert_eq!(scan_all(&h.queue(), h.unit()).await, []);
    assert_eq!(h.queue().depth().await.unwrap().hidden, 1);
}

fn outgoing(all: &[hansho::ports::ScannedDeadLetter]) -> Vec<Outgoing> {
    all.iter()
        .map(|held| Outgoing { receipt: held.receipt.clone(), body: held.dead_letter.body.clone() })
        .collect()
}

#[tokio::test]
async fn nothing_is_removed_that_was_not_sent() {
    for (fault, sent_all) in [
        (Fault::Refuse { status: 400, code: "RequestThrottled" }, false),
        (Fault::Refuse { status: 500, code: "InternalError" }, false),
        (Fault::FailEntries { indexes: vec![1], code: "InternalError" }, false),
        (Fault::SkipEntries { indexes: vec![1] }, true),
        (Fault::LoseAnswer, true),
    ] {
        let h = OnStandIn::fresh().await;
        for number in 0..3 {
            h.queue().put(&dead_letter(number, &format!("m{number}"))).await.unwrap();
        }
        let queue = h.queue();
        let all = scan_all(&queue, h.unit()).await;
        h.stand_in.inject("SendMessageBatch", 1, fault.clone());
        let answers = queue.send(Lane::Standard, &outgoing(&all), false).await;
        let failed =
            answers.iter().filter(|a| matches!(a, Sent::NotSent(QueueError::Unavailable(_))));
        assert!(failed.count() > 0, "{fault:?} {answers:?}");
        let left: Vec<String> =
            h.stand_in.messages("quarantine").into_iter().map(|m| m.body).collect();
        let there = h.in_lane(Lane::Standard).await;
        for (held, answer) in all.iter().zip(&answers) {
            let body = &held.dead_letter.body;
            assert!(left.contains(body) || there.contains(body), "{fault:?}: {body} is lost");
            assert_eq!(
                *answer == Sent::Moved,
                !left.contains(body),
                "{fault:?}: {body} {answer:?}"
            );
        }
        assert_eq!(there.len() == 3, sent_all, "{fault:?}");
    }
}

#[tokio::test]
async fn a_failed_removal_is_reported() {
    let h = OnStandIn::fresh().await;
    h.queue().put(&dead_letter(1, "x")).await.unwrap();
    let queue = h.queue();
    let all = scan_all(&queue, h.unit()).await;
    h.stand_in.inject(
        "DeleteMessageBatch",
        1,
        Fault::Refuse { status: 500, code: "InternalError" },
    );
    let answers = queue.send(Lane::Standard, &outgoing(&all), false).await;
    assert!(matches!(&answers[..], [Sent::NotRemoved(_)]), "{answers:?}");
}

#[tokio::test]
async fn without_a_queue_for_it_nothing_is_sent_to_a_lane() {
    let h = OnStandIn::fresh().await;
    let queue = SqsDeadLetters::new(&h.config, h.stand_in.url("quarantine"), None, None);
    assert_eq!(queue.lanes(), []);
    queue.put(&dead_letter(1, "x")).await.unwrap();
    let all = scan_all(&queue, h.unit()).await;
    let answers = queue.send(Lane::Express, &outgoing(&all), false).await;
    let [Sent::NotSent(QueueError::Unavailable(why))] = &answers[..] else { panic!("{answers:?}") };
    assert!(why.detail.contains("queue.express"), "{why}");
    assert_eq!(h.stand_in.messages("quarantine").len(), 1);
}

#[tokio::test]
async fn what_is_sent_says_that_it_was_asked_for_again() {
    let h = OnStandIn::fresh().await;
    // A body that leaves no room for a mark is sent without one.
    let full = "x".repeat(1_048_576);
    h.queue().put(&dead_letter(1, "x")).await.unwrap();
    h.client()
        .send_message()
        .queue_url(h.stand_in.url("quarantine"))
        .message_body(&full)
        .send()
        .await
        .unwrap();
    let queue = h.queue();
    let all = scan_all(&queue, h.unit()).await;
    let answers = queue.send(Lane::Standard, &outgoing(&all), false).await;
    assert_eq!(answers, [Sent::Moved, Sent::Moved]);
    h.client()
        .send_message()
        .queue_url(h.stand_in.url("standard"))
        .message_body("y")
        .send()
        .await
        .unwrap();
    let urls = QueueUrls {
        standard: h.stand_in.url("standard"),
        express: None,
        quarantine: h.stand_in.url("quarantine"),
    };
    let worker = SqsQueue::new(&h.config, urls);
    let (wait, visibility) = (Duration::ZERO, Duration::from_secs(60));
    let ask = ReceiveAsk { lane: Lane::Standard, max: 10, wait, visibility };
    let mut again: Vec<(usize, bool)> =
        worker.receive(ask).await.unwrap().iter().map(|d| (d.body.len(), d.again)).collect();
    again.sort_unstable();
    assert_eq!(again, [(1, false), (1, true), (1_048_576, false)]);
}
