//! What an operator needs from a queue of parked messages: to look without taking away, to send to
//! a lane, to remove, and to put back what was saved to a file.

use std::future::Future;
use std::time::Duration;

use super::{Depth, Lane, MessageId, QueueError, Receipt};
use crate::instants::Wall;

/// How a message came to be parked, by what its queue says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A worker parked it.
    Quarantine,
    /// EventBridge could not deliver it to a rule's target.
    EventBridge {
        /// The ARN of the rule.
        rule: Option<String>,
        /// The ARN of the target that did not take it.
        target: Option<String>,
        /// Which limit ended the tries, e.g. `MaximumRetryAttempts`. None: there were none to make.
        exhausted: Option<String>,
    },
    /// SQS moved it here because it was received too often.
    DeadLetter {
        /// The ARN of the queue that it came from, if SQS says so.
        source: Option<String>,
    },
}

/// A parked message, whichever queue it is in. All of its text is an attacker's: whoever shows it
/// cleans it first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The parked queue's own id of it.
    pub id: MessageId,
    /// The body as it was before it was parked.
    pub body: String,
    pub origin: Origin,
    /// The word for why it is here: `not_json`, or EventBridge's `ERROR_CODE`. None: nobody said.
    pub reason: Option<String>,
    /// The reason as a sentence.
    pub detail: Option<String>,
    /// How often it was tried before: receives by workers, or EventBridge's retries.
    pub attempts: Option<u32>,
    /// The lane that it was parked from.
    pub lane: Option<Lane>,
    /// The id that it had in that lane.
    pub original_id: Option<MessageId>,
    /// When it entered its lane.
    pub enqueued_at: Option<Wall>,
    /// When it was parked. SQS keeps the time of the first send of what it dead-letters itself, so
    /// for that it is unknown.
    pub parked_at: Option<Wall>,
}

/// A parked message that was looked at, and the handle by which to act on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub receipt: Receipt,
    pub parked: DeadLetter,
}

/// A message to send to a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub receipt: Receipt,
    pub body: String,
}

/// What became of a message that was to be sent to a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is in the lane, and no longer parked.
    Moved,
    /// It is in the lane, and still parked, as was asked.
    Copied,
    /// It is in the lane, and still parked, because it could not be removed.
    NotRemoved(QueueError),
    /// It is still parked. Whether a copy is in the lane may be unknown, as when an answer was lost.
    NotSent(QueueError),
}

/// What became of a message that was to be put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    New,
    /// The very same message is there already.
    Known,
}

/// A queue of parked messages, and the lanes from which they came. A value of this type is one look
/// over the queue, from its start to its end.
///
/// - To look takes nothing away. What was handed out is not handed out again in the same look,
///   except after its time has run out, or by mistake, as SQS may; then its id is the same.
/// - A message is always in its lane before it is removed here. A crash at any moment leaves it here,
///   there, or in both; never in neither.
/// - By a stale receipt nothing else is removed.
pub trait DeadLetterQueue: Send + Sync {
    /// The lanes that messages can be sent to, the more urgent first.
    fn lanes(&self) -> Vec<Lane>;

    /// The next messages, at most [`super::QUEUE_BATCH_MAX`], hidden from other lookers for so long
    /// where the queue can do that. An empty list is the end of the look: nothing more is to be seen
    /// at present.
    fn look(&self, hidden: Duration) -> impl Future<Output = Result<Vec<Held>, QueueError>> + Send;

    /// Hides each message for so long from now on; zero shows it to others at once. One answer for
    /// each, in order.
    fn hide(
        &self,
        entries: &[(Receipt, Duration)],
    ) -> impl Future<Output = Vec<Result<(), QueueError>>> + Send;

    /// Sends each message to the lane, and then removes it here, unless it is to be kept. One answer
    /// for each, in order.
    fn send(
        &self,
        lane: Lane,
        messages: &[Outgoing],
        keep: bool,
    ) -> impl Future<Output = Vec<Sent>> + Send;

    /// Removes for good. One answer for each, in order.
    fn remove(
        &self,
        receipts: &[Receipt],
    ) -> impl Future<Output = Vec<Result<(), QueueError>>> + Send;

    /// Parks a message that was saved elsewhere, durably.
    fn put(&self, message: &DeadLetter) -> impl Future<Output = Result<Put, QueueError>> + Send;

    fn depth(&self) -> impl Future<Output = Result<Depth, QueueError>> + Send;
}
