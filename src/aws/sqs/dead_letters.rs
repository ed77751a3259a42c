//! [`DeadLetterQueue`] on SQS. The queue is the quarantine, a dead-letter queue of SQS, or one of
//! EventBridge.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};

use crate::ports::{
    DeadLetter, DeadLetterQueue, Depth, Lane, Outgoing, Put, QUEUE_BATCH_MAX, QueueError, Receipt,
    ScannedDeadLetter, Sent,
};

use super::quarantine_attributes::{
    self, AGAIN_ATTRIBUTE, AGAIN_BYTES, AGAIN_VALUE, Kind, MESSAGE_BYTES_MAX,
};
use super::{
    Remote, dead_letter_attributes, depth_of, quarantine_send, refusal, scan, tally, unbuilt,
};

/// One scan of a queue of dead letters.
#[derive(Clone, Debug)]
pub struct SqsDeadLetters {
    dead_letters: Remote,
    standard: Option<Remote>,
    express: Option<Remote>,
}

impl SqsDeadLetters {
    /// `dead_letters` is the URL of the queue to scan. Nothing can be sent to a lane without a URL.
    /// Makes no call.
    pub fn new(
        config: &SdkConfig,
        dead_letters: String,
        standard: Option<String>,
        express: Option<String>,
    ) -> SqsDeadLetters {
        let remote = |url| Remote::new(config, url);
        SqsDeadLetters {
            dead_letters: remote(dead_letters),
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

    /// Sends one batch of [`batches`].
    async fn send_batch(
        &self,
        remote: &Remote,
        batch: &[(Receipt, String)],
    ) -> Vec<Result<(), QueueError>> {
        let entries = batch.iter().enumerate().map(|(index, (_, body))| {
            let entry =
                SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body);
            match body.len() + AGAIN_BYTES > MESSAGE_BYTES_MAX {
                // The body is never cut to fit the attribute in.
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

impl DeadLetterQueue for SqsDeadLetters {
    fn lanes(&self) -> Vec<Lane> {
        Lane::ALL.into_iter().filter(|lane| self.remote(*lane).is_ok()).collect()
    }

    /// SQS counts every scan as a receive.
    async fn scan(&self, hidden: Duration) -> Result<Vec<ScannedDeadLetter>, QueueError> {
        scan::batch(&self.dead_letters, hidden).await
    }

    async fn hide(&self, entries: &[(Receipt, Duration)]) -> Vec<Result<(), QueueError>> {
        self.dead_letters.hide(entries).await
    }

    /// A body that SQS does not accept is sent as a JSON string, which the worker decodes.
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
            let to_remove: Vec<Receipt> = batch
                .iter()
                .zip(&answers)
                .filter(|(_, answer)| answer.is_ok() && !keep)
                .map(|((receipt, _), _)| receipt.clone())
                .collect();
            let mut removed = match to_remove.is_empty() {
                true => Vec::new(),
                false => self.dead_letters.delete(&to_remove).await,
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
        self.dead_letters.delete(receipts).await
    }

    /// Always returns [`Put::New`]: only a whole scan can tell what an SQS queue holds.
    async fn put(&self, message: &DeadLetter) -> Result<Put, QueueError> {
        let attributes = dead_letter_attributes::write(message);
        let packed = quarantine_attributes::pack_with(&message.body, attributes);
        quarantine_send::send(&self.dead_letters, packed, &message.id).await?;
        Ok(Put::New)
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        depth_of(&self.dead_letters).await
    }
}

/// The value of [`AGAIN_ATTRIBUTE`].
fn again() -> Result<MessageAttributeValue, BuildError> {
    let value = MessageAttributeValue::builder().data_type(Kind::Text.as_str());
    value.string_value(AGAIN_VALUE).build()
}

/// Splits messages into batches that fit one call, in order. SQS limits the bodies of a batch
/// together to the size of one message.
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
