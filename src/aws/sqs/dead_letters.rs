//! [`DeadLetterQueue`] on SQS: the quarantine queue, a dead-letter queue, or what EventBridge could not
//! deliver.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName, SendMessageBatchRequestEntry,
};
use tracing::warn;

use crate::instants::Wall;
use crate::ports::{
    DeadLetter, DeadLetterQueue, Depth, Held, Lane, Outgoing, Put, QUEUE_BATCH_MAX, QueueError,
    Receipt, Sent,
};

use super::dead_letter_attributes::{self, Raw};
use super::quarantine_attributes::{
    self, AGAIN_ATTRIBUTE, AGAIN_BYTES, AGAIN_VALUE, Kind, MESSAGE_BYTES_MAX,
};
use super::{Remote, VISIBILITY_S_MAX, refusal, seconds, stand_in_id, tally, unbuilt};

/// A receive that waits asks all of SQS's servers; one that does not asks some of them, and may miss
/// messages. Source: SQS developer guide, "Amazon SQS short and long polling".
const LOOK_WAIT_S: i32 = 1;
/// How often the queue may answer with nothing while its count says that something is visible. The
/// count is approximate, and behind.
const EMPTY_LOOKS_MAX: u32 = 5;

/// One look over a queue of parked messages.
#[derive(Clone, Debug)]
pub struct SqsParked {
    parked: Remote,
    standard: Option<Remote>,
    express: Option<Remote>,
}

impl SqsParked {
    /// `parked` is the URL of the queue to look at. Without lanes nothing can be sent. Makes no call.
    pub fn new(
        config: &SdkConfig,
        parked: String,
        standard: Option<String>,
        express: Option<String>,
    ) -> SqsParked {
        let remote = |url| Remote::new(config, url);
        SqsParked {
            parked: remote(parked),
            standard: standard.map(remote),
            express: express.map(remote),
        }
    }

    fn remote(&self, lane: Lane) -> Result<&Remote, QueueError> {
        let remote = match lane {
            Lane::Standard => self.standard.as_ref(),
            Lane::Express => self.express.as_ref(),
        };
        remote.ok_or_else(|| {
            let lane = lane.as_str();
            let why = format!("no {lane} queue is configured: set queue.{lane}");
            QueueError::Unavailable(why.into())
        })
    }

    /// At most a batch, at most as many bytes as SQS takes in one.
    async fn send_batch(
        &self,
        remote: &Remote,
        batch: &[(Receipt, String)],
    ) -> Vec<Result<(), QueueError>> {
        let entries = batch.iter().enumerate().map(|(index, (_, body))| {
            let entry =
                SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body);
            match body.len() + AGAIN_BYTES > MESSAGE_BYTES_MAX {
                // The body is never cut for it.
                true => entry.build(),
                false => entry.message_attributes(AGAIN_ATTRIBUTE, again()?).build(),
            }
        });
        let call = async {
            let entries = entries.collect::<Result<Vec<_>, _>>().map_err(unbuilt)?;
            let call = remote.client.send_message_batch().queue_url(&remote.url);
            let answer = call.set_entries(Some(entries)).send().await;
            let answer =
                answer.map_err(|e| refusal::of_call("SendMessageBatch", &remote.url, &e))?;
            let receipts: Vec<Receipt> = batch.iter().map(|(receipt, _)| receipt.clone()).collect();
            let done = answer.successful().iter().map(|entry| entry.id());
            Ok(tally("SendMessageBatch", &receipts, done, answer.failed()))
        };
        call.await.unwrap_or_else(|why: QueueError| vec![Err(why); batch.len()])
    }
}

impl DeadLetterQueue for SqsParked {
    fn lanes(&self) -> Vec<Lane> {
        Lane::ALL.into_iter().filter(|lane| self.remote(*lane).is_ok()).collect()
    }

    /// Every look is a receive, and is counted as one by SQS.
    async fn look(&self, hidden: Duration) -> Result<Vec<Held>, QueueError> {
        look(&self.parked, hidden).await
    }

    async fn hide(&self, entries: &[(Receipt, Duration)]) -> Vec<Result<(), QueueError>> {
        self.parked.hide(entries).await
    }

    /// A body that SQS does not take goes as a JSON string, which the worker opens.
    async fn send(&self, lane: Lane, messages: &[Outgoing], keep: bool) -> Vec<Sent> {
        let remote = match self.remote(lane) {
            Ok(remote) => remote,
            Err(why) => return vec![Sent::NotSent(why); messages.len()],
        };
        let ready: Vec<(Receipt, String)> = messages
            .iter()
            .map(|m| (m.receipt.clone(), quarantine_attributes::encode(&m.body).0))
            .collect();
        let mut all = Vec::with_capacity(messages.len());
        for batch in batches(&ready) {
            let answers = self.send_batch(remote, batch).await;
            let there: Vec<Receipt> = batch
                .iter()
                .zip(&answers)
                .filter(|(_, answer)| answer.is_ok() && !keep)
                .map(|((receipt, _), _)| receipt.clone())
                .collect();
            let mut removed = match there.is_empty() {
                true => Vec::new(),
                false => self.parked.delete(&there).await,
            }
            .into_iter();
            all.extend(answers.into_iter().map(|answer| match answer {
                Err(why) => Sent::NotSent(why),
                Ok(()) if keep => Sent::Copied,
                Ok(()) => match removed.next() {
                    Some(Err(why)) => Sent::NotRemoved(why),
                    _ => Sent::Moved,
                },
            }));
        }
        all
    }

    async fn remove(&self, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        self.parked.delete(receipts).await
    }

    /// Always [`Put::New`]: SQS can't be asked what is in a queue but by looking at all of it.
    async fn put(&self, message: &DeadLetter) -> Result<Put, QueueError> {
        let packed =
            quarantine_attributes::pack_with(&message.body, dead_letter_attributes::told(message))
                .map_err(|why| QueueError::Unavailable(why.into()))?;
        let client = &self.parked.client;
        let mut call = client.send_message().queue_url(&self.parked.url).message_body(packed.body);
        for attribute in packed.attributes {
            let value = MessageAttributeValue::builder()
                .data_type(attribute.kind.as_str())
                .string_value(attribute.value)
                .build()
                .map_err(unbuilt)?;
            call = call.message_attributes(attribute.name, value);
        }
        call.send().await.map_err(|e| refusal::of_call("SendMessage", &self.parked.url, &e))?;
        for attribute in packed.left_out {
            warn!(
                message_id = ?message.id.0,
                attribute = attribute.name,
                "the body left no room for an attribute of a message that was put back"
            );
        }
        Ok(Put::New)
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        super::depth_of(&self.parked).await
    }
}

/// The value of [`AGAIN_ATTRIBUTE`].
fn again() -> Result<MessageAttributeValue, BuildError> {
    let value = MessageAttributeValue::builder().data_type(Kind::Text.as_str());
    value.string_value(AGAIN_VALUE).build()
}

/// The next messages of a queue of parked ones, hidden for so long. None: there are no more to be seen.
pub(super) async fn look(remote: &Remote, hidden: Duration) -> Result<Vec<Held>, QueueError> {
    for _ in 0..EMPTY_LOOKS_MAX {
        let held = receive(remote, hidden).await?;
        if !held.is_empty() || super::depth_of(remote).await?.visible == 0 {
            return Ok(held);
        }
    }
    Ok(Vec::new())
}

async fn receive(remote: &Remote, hidden: Duration) -> Result<Vec<Held>, QueueError> {
    let answer = remote
        .client
        .receive_message()
        .queue_url(&remote.url)
        .max_number_of_messages(i32::try_from(QUEUE_BATCH_MAX).unwrap_or(1))
        .wait_time_seconds(LOOK_WAIT_S)
        .visibility_timeout(seconds(hidden, VISIBILITY_S_MAX))
        .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
        .message_system_attribute_names(MessageSystemAttributeName::DeadLetterQueueSourceArn)
        .message_attribute_names("All")
        .send()
        .await
        .map_err(|e| refusal::of_call("ReceiveMessage", &remote.url, &e))?;
    Ok(answer.messages.unwrap_or_default().into_iter().filter_map(held).collect())
}

/// Neighbours that fit one call: SQS bounds a batch's bodies together as it bounds one message.
/// Source: SQS API reference, SendMessageBatch.
fn batches(all: &[(Receipt, String)]) -> Vec<&[(Receipt, String)]> {
    let mut batches = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (at, (_, body)) in all.iter().enumerate() {
        let own = body.len() + AGAIN_BYTES;
        if at > from && (at - from == QUEUE_BATCH_MAX || bytes + own > MESSAGE_BYTES_MAX) {
            batches.push(&all[from..at]);
            (from, bytes) = (at, 0);
        }
        bytes += own;
    }
    if from < all.len() {
        batches.push(&all[from..]);
    }
    batches
}

/// None for a message without a receipt handle: nothing can be done with it, and it comes back.
fn held(message: Message) -> Option<Held> {
    let system = |name| message.attributes()?.get(&name).cloned();
    let sent_ms = system(MessageSystemAttributeName::SentTimestamp);
    let source = system(MessageSystemAttributeName::DeadLetterQueueSourceArn);
    let none = Default::default();
    let attributes: BTreeMap<String, String> = message
        .message_attributes()
        .unwrap_or(&none)
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.string_value()?.to_owned())))
        .collect();
    let Some(receipt) = message.receipt_handle.filter(|handle| !handle.is_empty()) else {
        warn!(message_id = ?message.message_id, "a message came without a receipt handle");
        return None;
    };
    let raw = Raw {
        id: message.message_id.unwrap_or_else(|| stand_in_id(&receipt)),
        body: message.body.unwrap_or_default(),
        attributes,
        sent_at: sent_ms.and_then(|ms| ms.parse().ok()).map(Wall),
        source,
    };
    Some(Held { receipt: Receipt(receipt), parked: dead_letter_attributes::read(raw) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_keep_to_both_limits_and_lose_nothing() {
        let of = |bytes: &[usize]| -> Vec<usize> {
            let all: Vec<(Receipt, String)> =
                bytes.iter().map(|n| (Receipt(n.to_string()), "x".repeat(*n))).collect();
            let batches = batches(&all);
            let kept: Vec<_> = batches.concat();
            assert_eq!(kept.len(), all.len());
            batches.iter().map(|batch| batch.len()).collect()
        };
        assert_eq!(of(&[]), [0; 0]);
        assert_eq!(of(&[1; 10]), [10]);
        assert_eq!(of(&[1; 23]), [10, 10, 3]);
        assert_eq!(of(&[MESSAGE_BYTES_MAX; 3]), [1, 1, 1]);
        assert_eq!(of(&[MESSAGE_BYTES_MAX - 1, 1, 1]), [1, 2]);
        assert_eq!(of(&[MESSAGE_BYTES_MAX - 2 * AGAIN_BYTES - 1, 1, 1]), [2, 1]);
        assert_eq!(of(&[600_000, 600_000, 400_000]), [1, 2]);
    }
}
