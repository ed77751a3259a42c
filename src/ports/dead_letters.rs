//! Port to a queue of dead letters: scan it without taking anything away, send messages to a lane,
//! remove them, and put saved ones back. `hansho replay` uses it.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Depth, Lane, MessageId, QueueError, Receipt};
use crate::instants::Wall;

/// Who put a dead letter into its queue, as far as the queue says. Exported lines hold it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Origin {
    /// A worker quarantined it.
    #[default]
    Quarantine,
    /// EventBridge could not deliver it to the target of a rule.
    #[serde(rename = "eventbridge")]
    EventBridge {
        /// The ARN of the rule.
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<String>,
        /// The ARN of the target that did not accept it.
        #[serde(skip_serializing_if = "Option::is_none")]
        target: Option<String>,
        /// The limit that ended the retries, e.g. `MaximumRetryAttempts`. None: there were no
        /// retries.
        #[serde(skip_serializing_if = "Option::is_none")]
        exhausted: Option<String>,
    },
    /// SQS moved it here because it was received too often.
    DeadLetter {
        /// The ARN of the queue that it came from, if SQS names it.
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<String>,
    },
}

/// A dead letter of any queue. An attacker may control all of its text: clean it before showing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The id in the dead-letter queue.
    pub id: MessageId,
    /// The body that the message had in its lane.
    pub body: String,
    pub origin: Origin,
    /// The word for the reason: `not_json`, or EventBridge's `ERROR_CODE`. None: nobody gave one.
    pub reason: Option<String>,
    /// The reason as a sentence.
    pub detail: Option<String>,
    /// Receives by workers, or EventBridge's retries.
    pub attempts: Option<u32>,
    /// The lane that it was quarantined from.
    pub lane: Option<Lane>,
    /// The id in that lane.
    pub original_id: Option<MessageId>,
    /// When it entered its lane.
    pub enqueued_at: Option<Wall>,
    /// When it was quarantined. Unknown for a message that SQS moved: it keeps the time of the
    /// first send.
    pub quarantined_at: Option<Wall>,
}

/// A dead letter that a scan returned, and the receipt by which to act on it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScannedDeadLetter {
    pub receipt: Receipt,
    pub dead_letter: DeadLetter,
}

/// A message to send to a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub receipt: Receipt,
    pub body: String,
}

/// Result of sending one message to a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// In the lane, and removed here.
    Moved,
    /// In the lane, and kept here, as asked.
    Copied,
    /// In the lane, and still here, because the removal failed.
    NotRemoved(QueueError),
    /// Still here. A copy may be in the lane, because the answer may be what got lost.
    NotSent(QueueError),
}

/// Result of putting one message in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    New,
    /// The queue already holds the same message.
    Known,
}

/// A queue of dead letters, and the lanes that they can be sent to. One value of this type is one
/// scan of the queue, from its start to its end.
///
/// - A scan takes nothing away. It returns no message twice, unless the time for which the message
///   was hidden has passed, or SQS delivers it twice. The id is then the same.
/// - A message is in its lane before it is removed here. After a crash at any moment it is here, in
///   the lane, or in both.
/// - A stale receipt removes nothing else.
pub trait DeadLetterQueue: Send + Sync {
    /// The lanes that messages can be sent to, the more urgent first.
    fn lanes(&self) -> Vec<Lane>;

    /// Returns the next messages, at most [`super::QUEUE_BATCH_MAX`]. Hides them from others for
    /// `hidden`, if the queue can. An empty list ends the scan: nothing more is visible now.
    fn scan(
        &self,
        hidden: Duration,
    ) -> impl Future<Output = Result<Vec<ScannedDeadLetter>, QueueError>> + Send;

    /// Hides each message for so long from now. Zero makes it visible at once. Returns one answer
    /// for each, in order.
    fn hide(
        &self,
        entries: &[(Receipt, Duration)],
    ) -> impl Future<Output = Vec<Result<(), QueueError>>> + Send;

    /// Sends each message to the lane, then removes it here unless `keep`. Returns one answer for
    /// each, in order.
    fn send(
        &self,
        lane: Lane,
        messages: &[Outgoing],
        keep: bool,
    ) -> impl Future<Output = Vec<Sent>> + Send;

    /// Removes messages for good. Returns one answer for each, in order.
    fn remove(
        &self,
        receipts: &[Receipt],
    ) -> impl Future<Output = Vec<Result<(), QueueError>>> + Send;

    /// Puts a saved message in, durably.
    fn put(&self, message: &DeadLetter) -> impl Future<Output = Result<Put, QueueError>> + Send;

    fn depth(&self) -> impl Future<Output = Result<Depth, QueueError>> + Send;
}
