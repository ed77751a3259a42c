//! The rules of SQS that this project depends on, tested with the plain SDK.
//!
//! They do not test the adapter. They hold the stand-in to AWS's documents and to foreign
//! emulators, so that a passing test on the stand-in means something.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageOutput};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};

use crate::contracts::queue_contract::QueueHarness;

/// A server, and the control of its time.
pub trait Ground: QueueHarness {
    fn client(&self) -> &Client;

    /// The unit of time in seconds.
    fn unit_s(&self) -> i32 {
        i32::try_from(self.unit().as_secs()).expect("a short unit")
    }
}

suite! { Ground:
    batches_are_neither_empty_nor_too_long,
    ids_in_a_batch_are_distinct_and_simple,
    a_queue_that_is_not_there_is_an_error,
    a_batch_is_answered_entry_by_entry,
    bodies_are_bounded,
    attributes_count_towards_the_bound,
    bodies_hold_only_xml_characters,
    bodies_are_not_empty,
    attribute_values_are_not_empty,
    a_receive_gives_at_most_ten,
    a_receive_s_times_are_bounded,
    attributes_come_if_asked_for,
    a_message_can_be_delayed,
    the_queue_s_own_visibility_serves_if_none_is_asked,
    what_fails_too_often_goes_to_the_dead_letters,
    a_purge_empties,
    handles_that_sqs_never_gave,
    no_receive_lasts_longer_than_12_hours,
}

type Attributes<'a> = &'a [(QueueAttributeName, &'a str)];

async fn new_queue<G: Ground>(g: &G, attributes: Attributes<'_>) -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let name = format!("rules-{}-{number}", std::process::id());
    let mut call = g.client().create_queue().queue_name(name);
    for (name, value) in attributes {
        call = call.attributes(name.clone(), *value);
    }
    call.send().await.expect("a queue is made").queue_url.expect("a queue's url")
}

async fn send<G: Ground>(g: &G, url: &str, body: &str) {
    g.client().send_message().queue_url(url).message_body(body).send().await.expect("a send");
}

async fn receive<G: Ground>(g: &G, url: &str, visibility_s: Option<i32>) -> Vec<Message> {
    let names = [MessageSystemAttributeName::ApproximateReceiveCount];
    let answer = g
        .client()
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .set_visibility_timeout(visibility_s)
        .set_message_system_attribute_names(Some(names.to_vec()))
        .send()
        .await;
    answer.expect("a receive").messages.unwrap_or_default()
}

fn handle(message: &Message) -> &str {
    message.receipt_handle().expect("a handle")
}

/// The service's code, without the query protocol's prefix.
fn code<T: std::fmt::Debug, E>(answer: Result<T, SdkError<E>>) -> String
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    let refused = answer.expect_err("it must be refused");
    let code = refused.code().unwrap_or_default();
    code.rsplit('.').next().unwrap_or_default().to_owned()
}

fn deletion(id: &str, handle: &str) -> DeleteMessageBatchRequestEntry {
    DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build().expect("whole")
}

fn hiding(id: &str, handle: &str, seconds: i32) -> ChangeMessageVisibilityBatchRequestEntry {
    ChangeMessageVisibilityBatchRequestEntry::builder()
        .id(id)
        .receipt_handle(handle)
        .visibility_timeout(seconds)
        .build()
        .expect("whole")
}

fn sending(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().expect("whole")
}

async fn batches_are_neither_empty_nor_too_long<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    let call = |entries: Vec<_>| {
        g.client().send_message_batch().queue_url(&url).set_entries(Some(entries)).send()
    };
    assert_eq!(code(call(vec![]).await), "EmptyBatchRequest");
    let eleven = (0..11).map(|n| sending(&n.to_string(), "x")).collect();
    assert_eq!(code(call(eleven).await), "TooManyEntriesInBatchRequest");
    let answer = g.client().delete_message_batch().queue_url(&url);
    assert_eq!(code(answer.set_entries(Some(vec![])).send().await), "EmptyBatchRequest");
    assert_eq!(receive(g, &url, None).await, []);
}

async fn ids_in_a_batch_are_distinct_and_simple<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    for (ids, expected) in
        [(["a", "a"], "BatchEntryIdsNotDistinct"), (["a", "b c"], "InvalidBatchEntryId")]
    {
        let entries = ids.map(|id| sending(id, "x")).to_vec();
        let call = g.client().send_message_batch().queue_url(&url).set_entries(Some(entries));
        assert_eq!(code(call.send().await), expected, "{ids:?}");
    }
    assert_eq!(receive(g, &url, None).await, []);
}

async fn a_queue_that_is_not_there_is_an_error<G: Ground>(g: &G) {
    let url = format!("{}-not", new_queue(g, &[]).await);
    let name = url.rsplit('/').next().expect("a name");
    assert_eq!(code(g.client().receive_message().queue_url(&url).send().await), "NonExistentQueue");
    assert_eq!(code(g.client().get_queue_url().queue_name(name).send().await), "NonExistentQueue");
    let there = new_queue(g, &[]).await;
    let name = there.rsplit('/').next().expect("a name");
    let found = g.client().get_queue_url().queue_name(name).send().await.expect("it is there");
    assert_eq!(found.queue_url(), Some(there.as_str()));
}

async fn a_batch_is_answered_entry_by_entry<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    send(g, &url, "good").await;
    let got = receive(g, &url, Some(600)).await;
    let entries = vec![deletion("bad", "made-up"), deletion("good", handle(&got[0]))];
    let call = g.client().delete_message_batch().queue_url(&url).set_entries(Some(entries));
    let answer = call.send().await.expect("a bad entry does not fail the batch");
    let done: Vec<&str> = answer.successful().iter().map(|e| e.id()).collect();
    let failed: Vec<&str> = answer.failed().iter().map(|e| e.id()).collect();
    assert_eq!((done, failed), (vec!["good"], vec!["bad"]));
    assert!(answer.failed()[0].sender_fault());
    assert_eq!(answer.failed()[0].code(), "ReceiptHandleIsInvalid");
}

const MESSAGE_BYTES_MAX: usize = 1_048_576;

async fn bodies_are_bounded<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    let call = |bytes: usize| {
        g.client().send_message().queue_url(&url).message_body("x".repeat(bytes)).send()
    };
    assert_eq!(code(call(MESSAGE_BYTES_MAX + 1).await), "InvalidParameterValue");
    call(MESSAGE_BYTES_MAX).await.expect("1 MiB is allowed");
    assert_eq!(receive(g, &url, None).await.len(), 1);
}

async fn attributes_count_towards_the_bound<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    let call = async |bytes: usize| send_with(g, &url, &"x".repeat(bytes), "v").await;
    // Name, type and value: 1 + 6 + 1 bytes.
    assert_eq!(code(call(MESSAGE_BYTES_MAX - 7).await), "InvalidParameterValue");
    call(MESSAGE_BYTES_MAX - 8).await.expect("it fits exactly");
}

/// Sends a message with an attribute named `n`.
async fn send_with<G: Ground>(
    g: &G,
    url: &str,
    body: &str,
    value: &str,
) -> Result<SendMessageOutput, SdkError<SendMessageError>> {
    let value = MessageAttributeValue::builder().data_type("String").string_value(value);
    let call = g.client().send_message().queue_url(url).message_body(body);
    call.message_attributes("n", value.build().expect("whole")).send().await
}

async fn bodies_hold_only_xml_characters<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    for odd in ["\u{0}", "a\u{b}", "\u{1b}[0m", "\u{fffe}", "\u{ffff}"] {
        let call = g.client().send_message().queue_url(&url).message_body(odd);
        assert_eq!(code(call.send().await), "InvalidMessageContents", "{odd:?}");
    }
    assert_eq!(receive(g, &url, None).await, []);
}

async fn bodies_are_not_empty<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    let call = g.client().send_message().queue_url(&url).message_body("");
    assert_eq!(code(call.send().await), "MissingParameter");
}

async fn attribute_values_are_not_empty<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    assert_eq!(code(send_with(g, &url, "x", "").await), "InvalidParameterValue");
}

async fn a_receive_gives_at_most_ten<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    for number in [0, 11] {
        let call = g.client().receive_message().queue_url(&url).max_number_of_messages(number);
        assert_eq!(code(call.send().await), "InvalidParameterValue", "{number}");
    }
}

async fn a_receive_s_times_are_bounded<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    let call = || g.client().receive_message().queue_url(&url);
    assert_eq!(code(call().wait_time_seconds(21).send().await), "InvalidParameterValue");
    assert_eq!(code(call().visibility_timeout(43_201).send().await), "InvalidParameterValue");
}

async fn attributes_come_if_asked_for<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    for name in ["a.b", "a.c", "d"] {
        let value = MessageAttributeValue::builder().data_type("Number").string_value("7");
        let call = g.client().send_message().queue_url(&url).message_body(name);
        let call = call.message_attributes(name, value.build().expect("whole"));
        call.send().await.expect("a send");
    }
    for (asked, expected) in [
        (vec![], vec![]),
        (vec!["All"], vec!["a.b", "a.c", "d"]),
        (vec!["d"], vec!["d"]),
        (vec!["a.*"], vec!["a.b", "a.c"]),
    ] {
        let asked = asked.into_iter().map(str::to_owned).collect();
        let call = g.client().receive_message().queue_url(&url).visibility_timeout(0);
        let call = call.max_number_of_messages(10).set_message_attribute_names(Some(asked));
        let got = call.send().await.expect("a receive").messages.unwrap_or_default();
        let names: BTreeSet<String> = got
            .iter()
            .filter_map(|m| m.message_attributes())
            .flat_map(|all| all.keys().cloned())
            .collect();
        assert_eq!(names, expected.into_iter().map(str::to_owned).collect());
        assert!(got.iter().all(|m| m.attributes().is_none()), "system attributes were not asked");
    }
}

async fn a_message_can_be_delayed<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    let call = g.client().send_message().queue_url(&url).message_body("later");
    call.delay_seconds(g.unit_s()).send().await.expect("a send");
    assert_eq!(receive(g, &url, None).await, []);
    let delayed = QueueAttributeName::ApproximateNumberOfMessagesDelayed;
    let call = g.client().get_queue_attributes().queue_url(&url).attribute_names(delayed.clone());
    let answer = call.send().await.expect("attributes");
    assert_eq!(answer.attributes().and_then(|all| all.get(&delayed)), Some(&"1".to_owned()));
    g.pass_time(g.unit()).await;
    assert_eq!(receive(g, &url, None).await.len(), 1);
}

async fn the_queue_s_own_visibility_serves_if_none_is_asked<G: Ground>(g: &G) {
    let unit_s = g.unit_s().to_string();
    let url = new_queue(g, &[(QueueAttributeName::VisibilityTimeout, &unit_s)]).await;
    send(g, &url, "x").await;
    assert_eq!(receive(g, &url, None).await.len(), 1);
    assert_eq!(receive(g, &url, None).await, []);
    g.pass_time(g.unit()).await;
    assert_eq!(receive(g, &url, None).await.len(), 1);
}

async fn what_fails_too_often_goes_to_the_dead_letters<G: Ground>(g: &G) {
    let dead = new_queue(g, &[]).await;
    let arn = QueueAttributeName::QueueArn;
    let call = g.client().get_queue_attributes().queue_url(&dead).attribute_names(arn.clone());
    let answer = call.send().await.expect("attributes");
    let arn = answer.attributes().and_then(|all| all.get(&arn)).expect("an arn").clone();
    let policy = format!(r#"{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": 2}}"#);
    let url = new_queue(g, &[]).await;
    let call = g.client().set_queue_attributes().queue_url(&url);
    let call = call.attributes(QueueAttributeName::RedrivePolicy, policy);
    call.send().await.expect("the policy is taken");

    send(g, &url, "poison").await;
    for _ in 0..2 {
        assert_eq!(receive(g, &url, Some(0)).await.len(), 1);
    }
    assert_eq!(receive(g, &url, Some(0)).await, []);
    let got = receive(g, &dead, Some(0)).await;
    assert_eq!(got.iter().map(|m| m.body()).collect::<Vec<_>>(), [Some("poison")]);
}

async fn a_purge_empties<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    send(g, &url, "x").await;
    g.client().purge_queue().queue_url(&url).send().await.expect("a purge");
    assert_eq!(receive(g, &url, None).await, []);
}

async fn handles_that_sqs_never_gave<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    let call = g.client().delete_message().queue_url(&url).receipt_handle("made-up");
    assert_eq!(code(call.send().await), "ReceiptHandleIsInvalid");
    let entries = vec![hiding("0", "made-up", 0)];
    let call = g.client().change_message_visibility_batch().queue_url(&url);
    let answer = call.set_entries(Some(entries)).send().await.expect("an answer");
    assert_eq!(answer.failed()[0].code(), "ReceiptHandleIsInvalid");
}

async fn no_receive_lasts_longer_than_12_hours<G: Ground>(g: &G) {
    let url = new_queue(g, &[]).await;
    send(g, &url, "x").await;
    let got = receive(g, &url, Some(600)).await;
    let call = |seconds| {
        let call = g.client().change_message_visibility().queue_url(&url);
        call.receipt_handle(handle(&got[0])).visibility_timeout(seconds).send()
    };
    g.pass_time(g.unit()).await;
    assert_eq!(code(call(43_200).await), "InvalidParameterValue");
    call(43_200 - 2 * g.unit_s()).await.expect("within 12 hours of the receive");
}
