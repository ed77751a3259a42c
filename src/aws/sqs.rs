//! [`Queue`] on Amazon SQS: two lanes, and a third queue for what can't be processed.
//!
//! Every method makes one attempt, bounded in time: the SDK's own retries are off, because when to
//! try again is the desk's to decide, and a second, hidden schedule would break its budget of time.
//! The exception is a list that is longer than a batch may be: it takes several calls.

mod dead_letter_attributes;
mod dead_letters;
mod inlet;
mod inquiry;
mod probe;
mod quarantine_attributes;
mod quarantine_send;
mod reading;
mod refusal;
mod region;
mod scan;

use std::fmt;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{Builder, Region, StalledStreamProtectionConfig};
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};
use futures_util::FutureExt;
use sha2::{Digest as _, Sha256};
use tracing::warn;

use crate::instants::Wall;
use crate::ports::{
    Delivery, Depth, Lane, MessageId, QUEUE_BATCH_MAX, QuarantineEntry, Queue, QueueError, Receipt,
    ReceiveAsk,
};

pub use dead_letters::SqsDeadLetters;
pub use quarantine_attributes::{AGAIN_ATTRIBUTE, ENCODING_ATTRIBUTE, JSON_STRING, original_body};

use reading::Reading;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The whole of a call; a receive gets its wait on top.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Source: SQS API reference, ReceiveMessage, WaitTimeSeconds.
const WAIT_S_MAX: i32 = 20;
/// Source: SQS API reference, ReceiveMessage, VisibilityTimeout.
const VISIBILITY_S_MAX: i32 = 43_200;
/// A receive ends 12 h after it began, however often it is extended, and an extension that would
/// go beyond is refused. Some time has always passed since the receive, so the longest that can
/// succeed is a little less; SQS's developer guide names 43,195 s.
const HIDE_S_MAX: i32 = 43_195;

/// Where the queues are. URLs as SQS gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueUrls {
    pub standard: String,
    /// A worker may do without the second lane.
    pub express: Option<String>,
    pub quarantine: String,
}

/// The queue port on SQS. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    standard: Remote,
    express: Option<Remote>,
    quarantine: Remote,
}

/// One queue, and clients that sign for its region.
#[derive(Clone)]
struct Remote {
    client: Client,
    /// Reads answers in its own way. Without a time-out for a call, which is that of each receive and kept
    /// outside: to tell the client anew for each call costs as much as a tenth of the call.
    receiving: Client,
    url: String,
}

/// The client's own Debug text is long, and speaks of credentials.
impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Remote {
    fn new(config: &SdkConfig, url: String) -> Remote {
        let mut builder = Builder::from(config)
            .retry_config(RetryConfig::disabled())
            // It judges by throughput, of which a long poll has none; the time-outs bound every call.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(region) = region::region_of(&url) {
            builder = builder.region(Region::new(region));
        }
        let client = |builder: Builder, whole| {
            let mut timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT);
            // There is one attempt, so that its time-out is that of the whole.
            timeouts.set_operation_timeout(whole);
            Client::from_conf(builder.timeout_config(timeouts.build()).build())
        };
        Remote {
            client: client(builder.clone(), Some(CALL_TIMEOUT)),
            receiving: client(builder.interceptor(Reading::new()), None),
            url,
        }
    }

    async fn delete(&self, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        let mut answers = Vec::with_capacity(receipts.len());
        for batch in receipts.chunks(QUEUE_BATCH_MAX) {
            match self.delete_batch(batch).await {
                Ok(each) => answers.extend(each),
                Err(all) => answers.extend(vec![Err(all); batch.len()]),
            }
        }
        answers
    }

    async fn hide(&self, entries: &[(Receipt, Duration)]) -> Vec<Result<(), QueueError>> {
        let mut answers = Vec::with_capacity(entries.len());
        for batch in entries.chunks(QUEUE_BATCH_MAX) {
            match self.hide_batch(batch).await {
                Ok(each) => answers.extend(each),
                Err(all) => answers.extend(vec![Err(all); batch.len()]),
            }
        }
        answers
    }

    async fn delete_batch(
        &self,
        receipts: &[Receipt],
    ) -> Result<Vec<Result<(), QueueError>>, QueueError> {
        let entries = receipts.iter().enumerate().map(|(index, receipt)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(&receipt.0)
                .build()
        });
        let answer = self
            .client
            .delete_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries.collect::<Result<_, _>>().map_err(unbuilt)?))
            .send()
            .boxed()
            .await
            .map_err(|e| refusal::of_batch("DeleteMessageBatch", &self.url, receipts, &e))?;
        let done = answer.successful().iter().map(|entry| entry.id());
        Ok(tally("DeleteMessageBatch", receipts, done, answer.failed()))
    }

    async fn hide_batch(
        &self,
        entries: &[(Receipt, Duration)],
    ) -> Result<Vec<Result<(), QueueError>>, QueueError> {
        let receipts: Vec<Receipt> = entries.iter().map(|(receipt, _)| receipt.clone()).collect();
        let entries = entries.iter().enumerate().map(|(index, (receipt, delay))| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(&receipt.0)
                .visibility_timeout(seconds(*delay, HIDE_S_MAX))
                .build()
        });
        let answer = self
            .client
            .change_message_visibility_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries.collect::<Result<_, _>>().map_err(unbuilt)?))
            .send()
            .boxed()
            .await
            .map_err(|e| {
                refusal::of_batch("ChangeMessageVisibilityBatch", &self.url, &receipts, &e)
            })?;
        let done = answer.successful().iter().map(|entry| entry.id());
        Ok(tally("ChangeMessageVisibilityBatch", &receipts, done, answer.failed()))
    }
}

impl SqsQueue {
    /// Credentials, endpoint and HTTP client come from the configuration; the region too, unless a
    /// queue's URL is one of AWS's and names another. Makes no call.
    pub fn new(config: &SdkConfig, urls: QueueUrls) -> SqsQueue {
        SqsQueue {
            standard: Remote::new(config, urls.standard),
            express: urls.express.map(|url| Remote::new(config, url)),
            quarantine: Remote::new(config, urls.quarantine),
        }
    }

    /// The lanes that have a queue, the more urgent first. A lane without one is always empty; to
    /// receive from it is an error.
    pub fn lanes(&self) -> impl Iterator<Item = Lane> {
        Lane::ALL.into_iter().filter(|lane| self.remote(*lane).is_ok())
    }

    fn remote(&self, lane: Lane) -> Result<&Remote, QueueError> {
        match lane {
            Lane::Standard => Ok(&self.standard),
            Lane::Express => self.express.as_ref().ok_or_else(|| {
                QueueError::Unavailable("no express queue is configured: set queue.express".into())
            }),
        }
    }
}

impl Queue for SqsQueue {
    /// One long poll. Dropping the future may lose the answer: what was received stays hidden for
    /// `visibility`, comes back afterwards, and its receive is counted.
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        let remote = self.remote(ask.lane)?;
        let max = ask.max.clamp(1, QUEUE_BATCH_MAX);
        let wait_s = seconds(ask.wait, WAIT_S_MAX);
        let time_limit = CALL_TIMEOUT + Duration::from_secs(wait_s.unsigned_abs().into());
        let call = remote
            .receiving
            .receive_message()
            .queue_url(&remote.url)
            .max_number_of_messages(i32::try_from(max).unwrap_or(1))
            .wait_time_seconds(wait_s)
            .visibility_timeout(seconds(ask.visibility, VISIBILITY_S_MAX))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_attribute_names(AGAIN_ATTRIBUTE)
            .send()
            .boxed();
        let answer = within(time_limit, &remote.url, call)
            .await?
            .map_err(|e| refusal::of_call("ReceiveMessage", &remote.url, &e))?;
        deliveries(ask.lane, max, answer.messages.unwrap_or_default())
    }

    async fn delete(&self, lane: Lane, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        match self.remote(lane) {
            Ok(remote) => remote.delete(receipts).await,
            Err(all) => vec![Err(all); receipts.len()],
        }
    }

    /// SQS counts in whole seconds, so a delay is rounded up. One beyond 43,195 s is cut to that;
    /// one that would go beyond 12 h after the receive is refused by SQS, which is answered as
    /// [`QueueError::Unavailable`]: the receipt itself is still good, for less.
    async fn hide(
        &self,
        lane: Lane,
        entries: &[(Receipt, Duration)],
    ) -> Vec<Result<(), QueueError>> {
        match self.remote(lane) {
            Ok(remote) => remote.hide(entries).await,
            Err(all) => vec![Err(all); entries.len()],
        }
    }

    /// Sends the body unchanged, with what is known of it as message attributes (see
    /// [`original_body`] for the one exception). Attributes that do not fit a message beside a very
    /// large body are logged instead.
    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<(), QueueError> {
        let packed = quarantine_attributes::pack(entry);
        quarantine_send::send(&self.quarantine, packed, &entry.message_id).await
    }

    /// Approximate, and behind by up to a minute: SQS's numbers come from many machines. A lane
    /// without a queue is empty.
    async fn depth(&self, lane: Lane) -> Result<Depth, QueueError> {
        match self.remote(lane) {
            Ok(remote) => depth_of(remote).await,
            Err(_) => Ok(Depth::default()),
        }
    }
}

/// A receive's time-out, which depends on how long it waits.
async fn within<T>(
    limit: Duration,
    url: &str,
    receive: impl Future<Output = T>,
) -> Result<T, QueueError> {
    let answer = tokio::time::timeout(limit, receive).await;
    answer.map_err(|_| refusal::of_time_out("ReceiveMessage", url))
}

async fn depth_of(remote: &Remote) -> Result<Depth, QueueError> {
    let visible = QueueAttributeName::ApproximateNumberOfMessages;
    let in_flight = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
    let delayed = QueueAttributeName::ApproximateNumberOfMessagesDelayed;
    let answer = remote
        .client
        .get_queue_attributes()
        .queue_url(&remote.url)
        .attribute_names(visible.clone())
        .attribute_names(in_flight.clone())
        .attribute_names(delayed.clone())
        .send()
        .boxed()
        .await
        .map_err(|e| refusal::of_call("GetQueueAttributes", &remote.url, &e))?;
    // A number that is missing must not read as an empty queue: somebody may stop because of it.
    let number = |name: &QueueAttributeName| {
        let text = answer.attributes().and_then(|all| all.get(name));
        text.and_then(|text| text.parse::<u64>().ok()).ok_or_else(|| {
            let why = format!("sqs GetQueueAttributes: no {name} in the answer");
            QueueError::Unavailable(why.into())
        })
    };
    Ok(Depth {
        visible: number(&visible)?,
        hidden: number(&in_flight)?.saturating_add(number(&delayed)?),
    })
}

fn unbuilt(why: BuildError) -> QueueError {
    QueueError::Unavailable(format!("sqs: the request could not be built: {why}").into())
}

/// Whole seconds, rounded up, so that nothing comes back earlier than was asked.
fn seconds(time: Duration, max: i32) -> i32 {
    let up = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    i32::try_from(up).map_or(max, |s| s.min(max))
}

/// One answer for each receipt, in order. Entries go by their index as id. One that the answer does
/// not mention has an unknown fate, and one that it mentions as both has failed.
fn tally<'a>(
    call: &str,
    receipts: &[Receipt],
    done: impl Iterator<Item = &'a str>,
    failed: &[BatchResultErrorEntry],
) -> Vec<Result<(), QueueError>> {
    let skipped = || format!("sqs {call}: the answer skips an entry").into();
    let mut answers: Vec<_> =
        receipts.iter().map(|_| Err(QueueError::Unavailable(skipped()))).collect();
    let done = done.map(|id| (id, None));
    for (id, failure) in done.chain(failed.iter().map(|entry| (entry.id(), Some(entry)))) {
        let index = id.parse::<usize>().ok();
        let Some((answer, receipt)) =
            index.and_then(|at| Some((answers.get_mut(at)?, receipts.get(at)?)))
        else {
            continue;
        };
        *answer = match failure {
            None => Ok(()),
            Some(entry) => Err(refusal::of_entry(call, receipt, entry.code(), entry.message())),
        };
    }
    answers
}

fn deliveries(lane: Lane, max: usize, messages: Vec<Message>) -> Result<Vec<Delivery>, QueueError> {
    let received = messages.len();
    let mut usable: Vec<_> = messages.into_iter().filter_map(|m| delivery(lane, m)).collect();
    if usable.is_empty() && received > 0 {
        let why = format!(
            "sqs ReceiveMessage: none of {received} messages has a receipt handle; \
             they come back when their visibility ends"
        );
        return Err(QueueError::Unavailable(why.into()));
    }
    if usable.len() > max {
        // There is no room for them here. They come back when their visibility ends.
        warn!(lane = lane.as_str(), asked = max, received, "sqs gave more messages than asked for");
        usable.truncate(max);
    }
    Ok(usable)
}

/// SQS promises all of it. Should a part be missing all the same, the message must not vanish: with
/// no body it is delivered as an empty one, which ends in quarantine; with no id it gets one; with
/// no receipt nothing can be done with it, and it comes back by itself.
fn delivery(lane: Lane, message: Message) -> Option<Delivery> {
    let attribute = |name| message.attributes()?.get(&name).map(String::as_str);
    let receive_count = attribute(MessageSystemAttributeName::ApproximateReceiveCount);
    let sent_ms = attribute(MessageSystemAttributeName::SentTimestamp);
    let receive_count = receive_count.and_then(|n| n.parse().ok()).unwrap_or(1).max(1);
    let enqueued_at = sent_ms.and_then(|ms| ms.parse().ok()).map(Wall);
    let own = message.message_attributes.as_ref();
    let again = own.is_some_and(|own| own.contains_key(AGAIN_ATTRIBUTE));
    let (id, body) = (message.message_id, message.body);
    let Some(receipt) = message.receipt_handle.filter(|handle| !handle.is_empty()) else {
        warn!(lane = lane.as_str(), message_id = ?id, "a message came without a receipt handle");
        return None;
    };
    if id.is_none() || body.is_none() {
        warn!(lane = lane.as_str(), message_id = ?id, "a message came without its id or its body");
    }
    Some(Delivery {
        lane,
        message_id: MessageId(id.unwrap_or_else(|| stand_in_id(&receipt))),
        receipt: Receipt(receipt),
        body: body.unwrap_or_default(),
        receive_count,
        enqueued_at,
        again,
    })
}

fn stand_in_id(receipt: &str) -> String {
    let digest = Sha256::digest(receipt.as_bytes());
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("unnamed-{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up_and_bounded() {
        for (time, expected) in [
            (Duration::ZERO, 0),
            (Duration::from_millis(1), 1),
            (Duration::from_secs(7), 7),
            (Duration::from_millis(7_001), 8),
            (Duration::from_secs(43_195), HIDE_S_MAX),
            (Duration::from_secs(43_196), HIDE_S_MAX),
            (Duration::MAX, HIDE_S_MAX),
        ] {
            assert_eq!(seconds(time, HIDE_S_MAX), expected, "{time:?}");
        }
    }

    fn failure(id: &str, code: &str) -> BatchResultErrorEntry {
        let entry = BatchResultErrorEntry::builder().id(id).code(code).sender_fault(true);
        entry.message("no").build().unwrap()
    }

    #[test]
    fn each_entry_has_its_own_answer() {
        let receipts = ["a", "b", "c", "d"].map(|r| Receipt(r.to_owned()));
        let failed = [failure("2", "ReceiptHandleIsInvalid"), failure("3", "InternalError")];
        // Ids that were not asked for, and one that is reported twice, do no harm.
        let answers = tally("X", &receipts, ["0", "9", "-", "3"].into_iter(), &failed);
        assert_eq!(answers.len(), 4);
        assert_eq!(answers[0], Ok(()));
        assert!(
            matches!(&answers[1], Err(QueueError::Unavailable(why)) if why.detail.contains("skips"))
        );
        assert!(matches!(&answers[2], Err(QueueError::ReceiptGone(_))));
        assert!(
            matches!(&answers[3], Err(QueueError::Unavailable(why)) if why.detail.contains("InternalError"))
        );
    }

    fn message(id: Option<&str>, receipt: Option<&str>, body: Option<&str>) -> Message {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let builder = Message::builder().set_message_id(own(id)).set_body(own(body));
        builder.set_receipt_handle(own(receipt)).build()
    }

    #[test]
    fn incomplete_messages_are_delivered_as_far_as_possible() {
        let whole = delivery(Lane::Express, message(Some("m"), Some("r"), Some("b"))).unwrap();
        assert_eq!((whole.message_id.0.as_str(), whole.body.as_str()), ("m", "b"));
        assert_eq!((whole.receive_count, whole.enqueued_at), (1, None));

        let bare = delivery(Lane::Express, message(None, Some("r"), None)).unwrap();
        assert!(bare.message_id.0.starts_with("unnamed-"));
        assert_eq!(bare.body, "");

        assert_eq!(delivery(Lane::Express, message(Some("m"), None, Some("b"))), None);
        assert_eq!(delivery(Lane::Express, message(Some("m"), Some(""), Some("b"))), None);
    }

    #[test]
    fn counts_and_times_are_read_if_they_can_be() {
        for (count, sent, expected) in [
            ("3", "1700000000000", (3, Some(Wall(1_700_000_000_000)))),
            ("0", "soon", (1, None)),
            ("many", "", (1, None)),
        ] {
            let mut raw = message(Some("m"), Some("r"), Some("b"));
            raw.attributes = Some(
                [
                    (MessageSystemAttributeName::ApproximateReceiveCount, count.to_owned()),
                    (MessageSystemAttributeName::SentTimestamp, sent.to_owned()),
                ]
                .into(),
            );
            let read = delivery(Lane::Standard, raw).unwrap();
            assert_eq!((read.receive_count, read.enqueued_at), expected, "{count} {sent}");
        }
    }

    #[test]
    fn only_a_receive_with_nothing_usable_fails() {
        let good = || message(Some("m"), Some("r"), Some("b"));
        let bad = || message(Some("m"), None, Some("b"));
        assert_eq!(deliveries(Lane::Standard, 10, vec![]), Ok(vec![]));
        assert_eq!(deliveries(Lane::Standard, 10, vec![good(), bad()]).unwrap().len(), 1);
        assert_eq!(deliveries(Lane::Standard, 1, vec![good(), good()]).unwrap().len(), 1);
        assert!(deliveries(Lane::Standard, 10, vec![bad(), bad()]).is_err());
    }
}
