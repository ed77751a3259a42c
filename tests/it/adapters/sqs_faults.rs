//! The SQS adapter against an SQS with faults, which only the stand-in can produce.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use hansho::aws::sqs::{QueueUrls, SqsQueue};
use hansho::instants::Wall;
use hansho::ports::{
    Delivery, Depth, Lane, MessageId, QuarantineEntry, Queue, QueueError, Receipt, ReceiveAsk,
};

use crate::adapters::sqs::{OnStandIn, sdk_config};
use crate::contracts::queue_contract::QueueHarness;
use crate::support::sqs_standin::{Fault, SqsStandIn, StandInClock};

const LANE: Lane = Lane::Standard;
const VISIBILITY: Duration = Duration::from_secs(30);

fn ask(max: usize) -> ReceiveAsk {
    ReceiveAsk { lane: LANE, max, wait: Duration::ZERO, visibility: VISIBILITY }
}

async fn take(on: &OnStandIn, max: usize) -> Vec<Delivery> {
    on.queue.receive(ask(max)).await.expect("a receive")
}

/// Puts messages into the standard lane, and receives them.
async fn received(on: &OnStandIn, count: usize) -> Vec<Delivery> {
    let mut got = Vec::new();
    for n in 0..count {
        on.send(LANE, &n.to_string()).await;
        got.extend(take(on, 1).await);
    }
    assert_eq!(got.len(), count);
    got
}

fn receipts(of: &[Delivery]) -> Vec<Receipt> {
    of.iter().map(|d| d.receipt.clone()).collect()
}

fn count(on: &OnStandIn, operation: &str) -> usize {
    on.stand_in.calls().iter().filter(|call| call.operation == operation).count()
}

fn left(on: &OnStandIn) -> Vec<String> {
    on.stand_in.messages("standard").into_iter().map(|m| m.body).collect()
}

fn unavailable<T: std::fmt::Debug>(answer: &Result<T, QueueError>) -> &str {
    match answer {
        Err(QueueError::Unavailable(why)) => &why.detail,
        other => panic!("not unavailable: {other:?}"),
    }
}

fn gone(answer: &Result<(), QueueError>) {
    assert!(matches!(answer, Err(QueueError::ReceiptGone(_))), "{answer:?}");
}

fn entry(body: &str) -> QuarantineEntry {
    QuarantineEntry {
        message_id: MessageId("m".to_owned()),
        lane: LANE,
        body: body.to_owned(),
        reason: "not_json".to_owned(),
        detail: "line 1".to_owned(),
        receive_count: 1,
        enqueued_at: None,
        quarantined_at: Wall(0),
    }
}

#[tokio::test]
async fn a_deletion_that_fails_in_part_says_which() {
    let on = OnStandIn::fresh().await;
    let got = receipts(&received(&on, 4).await);
    let fault = Fault::FailEntries { indexes: vec![0, 2], code: "InternalError" };
    on.stand_in.inject("DeleteMessageBatch", 1, fault);
    let answers = on.queue.delete(LANE, &got).await;
    assert!(unavailable(&answers[0]).contains("InternalError"));
    assert_eq!((&answers[1], &answers[3]), (&Ok(()), &Ok(())));
    assert!(unavailable(&answers[2]).contains("InternalError"));
    assert_eq!(left(&on), ["0", "2"]);
    // The receipts are still good.
    assert_eq!(on.queue.delete(LANE, &[got[0].clone(), got[2].clone()]).await, [Ok(()), Ok(())]);
    assert_eq!(left(&on), [""; 0]);
}

#[tokio::test]
async fn hiding_that_fails_in_part_says_which() {
    let on = OnStandIn::fresh().await;
    let got = receipts(&received(&on, 3).await);
    let fault = Fault::FailEntries { indexes: vec![1], code: "ReceiptHandleIsInvalid" };
    on.stand_in.inject("ChangeMessageVisibilityBatch", 1, fault);
    let entries: Vec<_> = got.iter().map(|r| (r.clone(), Duration::ZERO)).collect();
    let answers = on.queue.hide(LANE, &entries).await;
    assert_eq!((&answers[0], &answers[2]), (&Ok(()), &Ok(())));
    gone(&answers[1]);
    assert_eq!(on.queue.depth(LANE).await, Ok(Depth { visible: 2, hidden: 1 }));
}

#[tokio::test]
async fn an_entry_that_the_answer_skips_is_no_success() {
    let on = OnStandIn::fresh().await;
    let got = receipts(&received(&on, 2).await);
    on.stand_in.inject("DeleteMessageBatch", 1, Fault::SkipEntries { indexes: vec![1] });
    let answers = on.queue.delete(LANE, &got).await;
    assert_eq!(answers[0], Ok(()));
    assert!(unavailable(&answers[1]).contains("skips"));
}

#[tokio::test]
async fn a_call_that_fails_is_made_once_and_fails_for_all() {
    let on = OnStandIn::fresh().await;
    let got = receipts(&received(&on, 2).await);
    for (status, code) in [(400, "RequestThrottled"), (500, "InternalError"), (503, "SlowDown")] {
        for operation in ["ReceiveMessage", "DeleteMessageBatch", "SendMessage"] {
            on.stand_in.inject(operation, 1, Fault::Refuse { status, code });
        }
        let before = on.stand_in.calls().len();
        assert!(unavailable(&on.queue.receive(ask(10)).await).contains(code));
        for answer in on.queue.delete(LANE, &got).await {
            assert!(unavailable(&answer).contains(code));
        }
        assert!(unavailable(&on.queue.quarantine(&entry("x")).await).contains(code));
        assert_eq!(on.stand_in.calls().len() - before, 3, "one attempt a call");
    }
    assert_eq!(on.queue.delete(LANE, &got).await, [Ok(()), Ok(())]);
}

#[tokio::test]
async fn every_refusal_says_its_kind_of_a_call_and_of_an_entry() {
    let on = OnStandIn::fresh().await;
    let got = receipts(&received(&on, 2).await);
    for (status, code, reason) in [
        (400, "RequestThrottled", "throttled"),
        (400, "ThrottlingException", "throttled"),
        (403, "OverLimit", "throttled"),
        (400, "KmsThrottled", "throttled"),
        (403, "AccessDenied", "denied"),
        (400, "KmsAccessDenied", "denied"),
        (400, "QueueDoesNotExist", "missing"),
        (500, "InternalError", "server_error"),
        (503, "Unheard", "server_error"),
        (400, "Unheard", "other"),
    ] {
        on.stand_in.inject("ReceiveMessage", 1, Fault::Refuse { status, code });
        assert_eq!(
            on.queue.receive(ask(10)).await.unwrap_err().as_str(),
            reason,
            "{status} {code}"
        );
        on.stand_in.inject("DeleteMessageBatch", 1, Fault::Refuse { status, code });
        for answer in on.queue.delete(LANE, &got).await {
            assert_eq!(answer.unwrap_err().as_str(), reason, "{status} {code}");
        }
        if status != 503 {
            let fault = Fault::FailEntries { indexes: vec![0, 1], code };
            on.stand_in.inject("DeleteMessageBatch", 1, fault);
            for answer in on.queue.delete(LANE, &got).await {
                assert_eq!(answer.unwrap_err().as_str(), reason, "an entry: {code}");
            }
        }
    }
    on.stand_in.inject("ReceiveMessage", 1, Fault::LoseAnswer);
    assert_eq!(on.queue.receive(ask(10)).await.unwrap_err().as_str(), "connection");
}

#[tokio::test]
async fn a_receive_whose_answer_is_lost_costs_a_count_and_no_message() {
    let on = OnStandIn::fresh().await;
    on.send(LANE, "x").await;
    on.stand_in.inject("ReceiveMessage", 1, Fault::LoseAnswer);
    unavailable(&on.queue.receive(ask(10)).await);
    assert_eq!(take(&on, 10).await, [], "it is hidden all the same");
    on.stand_in.advance(VISIBILITY);
    assert_eq!(take(&on, 10).await[0].receive_count, 2);
}

#[tokio::test]
async fn a_deletion_that_did_nothing_shows_as_a_redelivery() {
    let on = OnStandIn::fresh().await;
    let got = receipts(&received(&on, 1).await);
    on.stand_in.inject("DeleteMessageBatch", 1, Fault::Pretend);
    assert_eq!(on.queue.delete(LANE, &got).await, [Ok(())]);
    on.stand_in.advance(VISIBILITY);
    assert_eq!(take(&on, 10).await.len(), 1);
}

#[tokio::test]
async fn the_same_message_twice_early_and_out_of_order() {
    let on = OnStandIn::fresh().await;
    for body in ["old", "new"] {
        on.send(LANE, body).await;
    }
    on.stand_in.inject("ReceiveMessage", 1, Fault::Reorder);
    let first = take(&on, 1).await;
    assert_eq!(first[0].body, "new");
    on.stand_in.reveal("standard");
    on.stand_in.inject("ReceiveMessage", 1, Fault::Duplicate);
    let (one, two) = (take(&on, 10).await, take(&on, 10).await);
    assert_eq!((one.len(), two.len()), (2, 2), "both, twice");
    // Only the newest receipts count. The answer for the others is `ReceiptGone`.
    let entries: Vec<_> = one.iter().map(|d| (d.receipt.clone(), VISIBILITY)).collect();
    on.queue.hide(LANE, &entries).await.iter().for_each(gone);
    assert_eq!(on.queue.delete(LANE, &receipts(&one)).await, [Ok(()), Ok(())]);
    assert_eq!(left(&on).len(), 2);
    assert_eq!(on.queue.delete(LANE, &receipts(&two)).await, [Ok(()), Ok(())]);
    assert_eq!(left(&on).len(), 0);
}

/// SQS documents one error for this, and in practice gives one of two. Either means that another
/// worker may have the message at any moment.
#[tokio::test]
async fn a_receipt_whose_time_is_up_cannot_hide_but_still_deletes() {
    let on = OnStandIn::fresh().await;
    let got = receipts(&received(&on, 1).await);
    on.stand_in.advance(VISIBILITY);
    gone(&on.queue.hide(LANE, &[(got[0].clone(), VISIBILITY)]).await[0]);
    assert_eq!(on.queue.delete(LANE, &got).await, [Ok(())]);
    assert_eq!(left(&on).len(), 0);
}

#[tokio::test]
async fn a_lone_receipt_that_fails_its_whole_call_is_known_to_be_gone() {
    let on = OnStandIn::fresh().await;
    let got = receipts(&received(&on, 2).await);
    let refuse = || Fault::Refuse { status: 400, code: "ReceiptHandleIsInvalid" };
    on.stand_in.inject("DeleteMessageBatch", 2, refuse());
    gone(&on.queue.delete(LANE, &got[..1]).await[0]);
    // With two entries, the receipt that the error is about is unknown.
    for answer in on.queue.delete(LANE, &got).await {
        unavailable(&answer);
    }
}

#[tokio::test]
async fn an_extension_beyond_12_hours_is_refused_but_the_receipt_lives() {
    let on = OnStandIn::fresh().await;
    let got = receipts(&received(&on, 1).await);
    let hour = Duration::from_secs(3600);
    // Cut to the longest delay that SQS accepts right after a receive.
    assert_eq!(on.queue.hide(LANE, &[(got[0].clone(), hour * 12)]).await, [Ok(())]);
    on.stand_in.advance(hour * 11);
    let answer = on.queue.hide(LANE, &[(got[0].clone(), hour * 2)]).await;
    assert!(unavailable(&answer[0]).contains("beyond the limit"), "{answer:?}");
    assert_eq!(on.queue.hide(LANE, &[(got[0].clone(), hour / 2)]).await, [Ok(())]);
    assert_eq!(on.queue.delete(LANE, &got).await, [Ok(())]);
}

#[tokio::test]
async fn lists_longer_than_a_batch_take_several_calls() {
    let on = OnStandIn::fresh().await;
    let got = receipts(&received(&on, 23).await);
    let entries: Vec<_> = got.iter().map(|r| (r.clone(), VISIBILITY)).collect();
    assert_eq!(on.queue.hide(LANE, &entries).await, vec![Ok(()); 23]);
    on.stand_in.inject("DeleteMessageBatch", 1, Fault::Refuse { status: 500, code: "Oops" });
    let answers = on.queue.delete(LANE, &got).await;
    assert_eq!(answers.iter().filter(|a| a.is_ok()).count(), 13);
    assert_eq!(count(&on, "ChangeMessageVisibilityBatch"), 3);
    assert_eq!(count(&on, "DeleteMessageBatch"), 3);
    assert_eq!(left(&on).len(), 10);
}

#[tokio::test]
async fn what_is_received_too_often_is_redriven_by_sqs_itself() {
    let on = OnStandIn::fresh().await;
    on.stand_in.create("dead", &[]);
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"1"}"#;
    let call = on.client.set_queue_attributes().queue_url(on.stand_in.url("standard"));
    let call = call.attributes(QueueAttributeName::RedrivePolicy, policy);
    call.send().await.expect("the policy is taken");
    received(&on, 1).await;
    on.stand_in.advance(VISIBILITY);
    assert_eq!(take(&on, 10).await, []);
    assert_eq!(on.stand_in.messages("dead").len(), 1);
}

#[tokio::test]
async fn a_long_poll_alerts_that_time_was_moved() {
    let on = OnStandIn::fresh().await;
    received(&on, 1).await;
    let long = ReceiveAsk { wait: Duration::from_secs(20), ..ask(10) };
    let advance = async {
        // Half of the visibility passes first, which must not end the wait.
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            on.stand_in.advance(VISIBILITY / 2);
        }
    };
    // The stand-in's time bounds the wait, too, so the wait may end before the message arrives.
    let (first, ()) = tokio::join!(on.queue.receive(long), advance);
    let got =
        if first.as_ref().is_ok_and(Vec::is_empty) { take(&on, 10).await } else { first.unwrap() };
    assert_eq!(got[0].receive_count, 2);
}

#[tokio::test]
async fn a_running_clock_brings_messages_back_by_itself() {
    let stand_in = SqsStandIn::start(StandInClock::running()).await;
    let config = sdk_config(&stand_in.endpoint()).await;
    let url = stand_in.create("standard", &[]);
    let urls = QueueUrls { standard: url.clone(), express: None, quarantine: url.clone() };
    let queue = SqsQueue::new(&config, urls);
    queue.quarantine(&entry("x")).await.expect("a send");
    let short = ReceiveAsk { visibility: Duration::from_millis(1), ..ask(1) };
    assert_eq!(queue.receive(short).await.expect("a receive").len(), 1);
    assert_eq!(queue.receive(short).await, Ok(vec![]), "rounded up to a second");
    let patient = ReceiveAsk { wait: Duration::from_secs(20), ..short };
    let again = tokio::time::timeout(Duration::from_secs(10), queue.receive(patient)).await;
    assert_eq!(again.expect("within seconds").expect("a receive")[0].receive_count, 2);
    let now_ms = stand_in.clock().now_ms();
    assert!(now_ms > 1_767_225_600_000, "{now_ms}");
}

/// A queue that hangs ends with the time-out of a call. This test takes 10 s of real time.
#[tokio::test]
async fn a_call_without_an_answer_ends() {
    let on = OnStandIn::fresh().await;
    let got = receipts(&received(&on, 1).await);
    for operation in ["ReceiveMessage", "DeleteMessageBatch", "GetQueueAttributes"] {
        on.stand_in.inject(operation, 1, Fault::Hang);
    }
    let all = async {
        tokio::join!(on.queue.receive(ask(1)), on.queue.delete(LANE, &got), on.queue.depth(LANE))
    };
    let (receive, delete, depth) =
        tokio::time::timeout(Duration::from_secs(20), all).await.expect("they end");
    assert!(unavailable(&receive).contains("in time"), "{receive:?}");
    assert!(unavailable(&delete[0]).contains("in time"), "{delete:?}");
    assert!(unavailable(&depth).contains("in time"), "{depth:?}");
}

#[tokio::test]
async fn nobody_there_is_unavailable_and_names_no_secret() {
    // The port is bound and then released, so nothing listens on it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let url = format!("{endpoint}/000000000000/standard");
    let urls = QueueUrls { standard: url.clone(), express: None, quarantine: url };
    let queue = SqsQueue::new(&sdk_config(&endpoint).await, urls);
    let answer = queue.receive(ask(1)).await;
    let why = unavailable(&answer);
    assert!(why.contains("ReceiveMessage") && why.contains("connection"), "{why}");
    assert!(why.len() < 200 && !why.contains("test"), "{why}");
}

#[tokio::test]
async fn a_lane_without_a_queue_is_empty_and_cannot_be_received_from() {
    let stand_in = SqsStandIn::start(StandInClock::frozen()).await;
    let url = stand_in.create("standard", &[]);
    let urls = QueueUrls { standard: url.clone(), express: None, quarantine: url };
    let queue = SqsQueue::new(&sdk_config(&stand_in.endpoint()).await, urls);
    assert_eq!(queue.lanes().collect::<Vec<_>>(), [Lane::Standard]);
    assert_eq!(queue.depth(Lane::Express).await, Ok(Depth::default()));
    let answer = queue.receive(ReceiveAsk { lane: Lane::Express, ..ask(1) }).await;
    assert!(unavailable(&answer).contains("queue.express"));
    assert_eq!(stand_in.calls(), []);
}

#[tokio::test]
async fn requests_are_signed_for_the_queue_s_own_region() {
    let stand_in = SqsStandIn::start(StandInClock::frozen()).await;
    for name in ["standard", "express", "quarantine"] {
        stand_in.create(name, &[]);
    }
    let urls = QueueUrls {
        standard: "https://sqs.eu-central-1.amazonaws.com/000000000000/standard".to_owned(),
        express: Some("https://sqs.cn-north-1.amazonaws.com.cn/000000000000/express".to_owned()),
        quarantine: stand_in.url("quarantine"),
    };
    let queue = SqsQueue::new(&sdk_config(&stand_in.endpoint()).await, urls);
    for lane in [Lane::Standard, Lane::Express] {
        assert_eq!(queue.depth(lane).await, Ok(Depth::default()));
    }
    assert_eq!(queue.quarantine(&entry("x")).await, Ok(()));
    let regions: Vec<String> = stand_in.calls().into_iter().map(|call| call.region).collect();
    assert_eq!(regions, ["eu-central-1", "cn-north-1", "us-east-1"]);
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_named_and_what_to_do() {
    let on = OnStandIn::fresh().await;
    let url = on.stand_in.url("nowhere");
    let urls = QueueUrls { standard: url.clone(), express: None, quarantine: url };
    let queue = SqsQueue::new(&sdk_config(&on.stand_in.endpoint()).await, urls);
    let why = "queue nowhere does not exist: create it, or correct its URL";
    assert!(unavailable(&queue.receive(ask(1)).await).contains(why));
    assert!(unavailable(&queue.depth(LANE).await).contains(why));
    assert!(unavailable(&queue.quarantine(&entry("x")).await).contains(why));
}
