//! One queue of SQS: a client that signs for the queue's region, and the calls to the queue.

use std::fmt;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{Builder, Region, StalledStreamProtectionConfig};
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::operation::receive_message::ReceiveMessageOutput;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    DeleteMessageBatchRequestEntry, MessageSystemAttributeName, QueueAttributeName,
};
use futures_util::FutureExt;

use super::super::time_limit;
use super::{AGAIN_ATTRIBUTE, refusal, region};
use crate::ports::{Depth, QUEUE_BATCH_MAX, QueueError, Receipt, ReceiveAsk};

/// Bounds a whole call. A receive gets its wait on top.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Source: SQS API reference, ReceiveMessage, WaitTimeSeconds.
const WAIT_S_MAX: i32 = 20;
/// Source: SQS API reference, ReceiveMessage, VisibilityTimeout.
pub(super) const VISIBILITY_S_MAX: i32 = 43_200;
/// The longest delay that SQS can accept. A receive ends 12 h after it began, however often it is
/// extended, and some time has passed since it began.
/// Source: SQS developer guide, "Amazon SQS visibility timeout", which names 43,195 s.
const HIDE_S_MAX: i32 = 43_195;

/// A queue's URL, and a client for it. Clones share their connections.
#[derive(Clone)]
pub(super) struct Remote {
    pub client: Client,
    pub url: String,
}

/// Leaves the client out: its own Debug text is long and contains credentials.
impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Remote {
    pub fn new(config: &SdkConfig, url: String) -> Remote {
        let mut builder = Builder::from(config)
            .retry_config(RetryConfig::disabled())
            // This protection judges by throughput, and a long poll has none. The time-outs bound
            // every call.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(time_limit(CALL_TIMEOUT).build());
        if let Some(region) = region::region_of(&url) {
            builder = builder.region(Region::new(region));
        }
        Remote { client: Client::from_conf(builder.build()), url }
    }

    /// Makes one long poll.
    pub async fn receive(
        &self,
        max: usize,
        ask: &ReceiveAsk,
    ) -> Result<ReceiveMessageOutput, QueueError> {
        let wait_s = seconds(ask.wait, WAIT_S_MAX);
        let limit = CALL_TIMEOUT + Duration::from_secs(wait_s.unsigned_abs().into());
        self.client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(max).unwrap_or(1))
            .wait_time_seconds(wait_s)
            .visibility_timeout(seconds(ask.visibility, VISIBILITY_S_MAX))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_attribute_names(AGAIN_ATTRIBUTE)
            .customize()
            .config_override(Builder::new().timeout_config(time_limit(limit).build()))
            .send()
            .boxed()
            .await
            .map_err(|e| refusal::of_call("ReceiveMessage", &self.url, &e))
    }

    pub async fn delete(&self, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        let mut answers = Vec::with_capacity(receipts.len());
        for batch in receipts.chunks(QUEUE_BATCH_MAX) {
            match self.delete_batch(batch).await {
                Ok(each) => answers.extend(each),
                Err(all) => answers.extend(vec![Err(all); batch.len()]),
            }
        }
        answers
    }

    pub async fn hide(&self, entries: &[(Receipt, Duration)]) -> Vec<Result<(), QueueError>> {
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

/// Counts the messages of a queue, approximately.
pub(super) async fn depth_of(remote: &Remote) -> Result<Depth, QueueError> {
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
    // A missing number must not read as an empty queue, because a drain ends at an empty queue.
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

pub(super) fn unbuilt(why: BuildError) -> QueueError {
    QueueError::Unavailable(format!("sqs: the request could not be built: {why}").into())
}

/// Whole seconds, rounded up, so that no message returns earlier than was asked.
pub(super) fn seconds(time: Duration, max: i32) -> i32 {
    let up = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    i32::try_from(up).map_or(max, |s| s.min(max))
}

/// One answer for each receipt, in order. The id of an entry is its index. An entry that SQS's
/// answer skips has an unknown fate, which is an error. An entry that is both done and failed has
/// failed.
pub(super) fn tally<'a>(
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
        // Unknown ids, and an id that is reported twice, do no harm.
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
}
