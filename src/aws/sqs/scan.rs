//! Receiving from a queue of dead letters. SQS shows a message only to who receives it, so a scan
//! receives messages and hides them for a while. Each scan raises their receive count.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use tracing::warn;

use super::dead_letter_attributes::{self, Raw};
use super::{Remote, VISIBILITY_S_MAX, depth_of, refusal, seconds, stand_in_id};
use crate::instants::Wall;
use crate::ports::{QUEUE_BATCH_MAX, QueueError, Receipt, ScannedDeadLetter};

/// With a wait, SQS asks all of its servers. Without one it asks some, and may miss messages.
/// Source: SQS developer guide, "Amazon SQS short and long polling".
const WAIT_S: i32 = 1;
/// Empty answers in a row that are accepted while the queue's count says that messages are visible.
/// The count is approximate and late.
const EMPTY_ANSWERS_MAX: u32 = 5;

/// Receives the next messages and hides them for `hidden`. An empty list: no more are visible.
pub(super) async fn batch(
    remote: &Remote,
    hidden: Duration,
) -> Result<Vec<ScannedDeadLetter>, QueueError> {
    for _ in 0..EMPTY_ANSWERS_MAX {
        let scanned = receive(remote, hidden).await?;
        if !scanned.is_empty() || depth_of(remote).await?.visible == 0 {
            return Ok(scanned);
        }
    }
    Ok(Vec::new())
}

async fn receive(remote: &Remote, hidden: Duration) -> Result<Vec<ScannedDeadLetter>, QueueError> {
    let answer = remote
        .client
        .receive_message()
        .queue_url(&remote.url)
        .max_number_of_messages(i32::try_from(QUEUE_BATCH_MAX).unwrap_or(1))
        .wait_time_seconds(WAIT_S)
        .visibility_timeout(seconds(hidden, VISIBILITY_S_MAX))
        .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
        .message_system_attribute_names(MessageSystemAttributeName::DeadLetterQueueSourceArn)
        .message_attribute_names("All")
        .send()
        .await
        .map_err(|e| refusal::of_call("ReceiveMessage", &remote.url, &e))?;
    Ok(answer.messages.unwrap_or_default().into_iter().filter_map(scanned).collect())
}

/// Returns None for a message without a receipt handle. SQS delivers it again.
fn scanned(message: Message) -> Option<ScannedDeadLetter> {
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
    Some(ScannedDeadLetter {
        receipt: Receipt(receipt),
        dead_letter: dead_letter_attributes::read(raw),
    })
}
