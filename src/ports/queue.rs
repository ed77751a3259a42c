//! The queue that findings arrive in.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use super::Failure;
use crate::instants::Wall;

/// One of the two queues. Express carries a second copy of what is high or critical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    Express,
    Standard,
}

impl Lane {
    pub const ALL: [Lane; 2] = [Lane::Express, Lane::Standard];

    pub fn from_name(word: &str) -> Option<Lane> {
        Lane::ALL.into_iter().find(|lane| lane.as_str() == word)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Lane::Express => "express",
            Lane::Standard => "standard",
        }
    }
}

/// The queue's own id of a message; it stays the same over redeliveries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageId(pub String);

/// The handle of one receive of a message. Every receive gives a new one, and only the newest is
/// sure to work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Receipt(pub String);

/// One receive of a queue message.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub lane: Lane,
    pub message_id: MessageId,
    pub receipt: Receipt,
    pub body: String,
    /// How often the message was received, this time included: 1 at the first.
    pub receive_count: u32,
    /// When it entered the queue.
    pub enqueued_at: Option<Wall>,
    /// An operator sent it again: whether it was told before is for the ledger itself to say, and not
    /// for what may be older than the operator's wish.
    pub again: bool,
}

/// What to receive, and for how long what is received stays hidden from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveAsk {
    pub lane: Lane,
    /// 1 to [`QUEUE_BATCH_MAX`].
    pub max: usize,
    /// How long to wait for a first message, at most 20 s (SQS's limit).
    pub wait: Duration,
    pub visibility: Duration,
}

/// SQS's limit for receives and for batch calls. Source: SQS API reference, ReceiveMessage.
pub const QUEUE_BATCH_MAX: usize = 10;

/// A message on its way to quarantine.
#[derive(Clone, Debug, PartialEq)]
pub struct QuarantineEntry {
    pub message_id: MessageId,
    pub lane: Lane,
    pub body: String,
    /// The reason's word, e.g. `not_json`.
    pub reason: String,
    /// The reason as a sentence that names the place.
    pub detail: String,
    pub receive_count: u32,
    pub enqueued_at: Option<Wall>,
    pub parked_at: Wall,
}

/// How many messages a lane holds. SQS's numbers are approximate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    pub visible: u64,
    /// In flight or delayed: they will be visible later.
    pub hidden: u64,
}

impl Depth {
    pub fn is_empty(self) -> bool {
        self.visible == 0 && self.hidden == 0
    }
}

/// Why a queue call, or one entry of it, did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueError {
    /// The receipt is no longer good: somebody else has the message, or it is gone. Asking again
    /// is no use; if the message still exists it will be delivered again.
    ReceiptGone(String),
    /// Anything else: try again later.
    Unavailable(Failure),
}

impl QueueError {
    /// The log's field `reason`, and the metric's label.
    pub fn as_str(&self) -> &'static str {
        match self {
            QueueError::ReceiptGone(_) => "receipt_gone",
            QueueError::Unavailable(why) => why.kind.as_str(),
        }
    }
}

impl fmt::Display for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueueError::ReceiptGone(why) => write!(f, "the receipt is no longer valid: {why}"),
            QueueError::Unavailable(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for QueueError {}

/// A queue with two lanes and a place for what can't be processed.
///
/// - A received message is hidden for `visibility`, then it is delivered again, with a new receipt
///   and a higher receive count, until it is deleted. Early or double delivery is possible.
/// - A stale receipt may delete nothing, and may say so or not; it never harms another message.
/// - Roughly oldest first. No more than `max` messages a call.
pub trait Queue: Send + Sync {
    fn receive(
        &self,
        ask: ReceiveAsk,
    ) -> impl Future<Output = Result<Vec<Delivery>, QueueError>> + Send;

    /// Deletes for good. At most [`QUEUE_BATCH_MAX`] receipts; one answer for each, in order.
    fn delete(
        &self,
        lane: Lane,
        receipts: &[Receipt],
    ) -> impl Future<Output = Vec<Result<(), QueueError>>> + Send;

    /// Hides each message for so long from now on: longer to keep it, zero to hand it back at once.
    /// At most [`QUEUE_BATCH_MAX`] entries, each at most 12 h after the receive.
    fn hide(
        &self,
        lane: Lane,
        entries: &[(Receipt, Duration)],
    ) -> impl Future<Output = Vec<Result<(), QueueError>>> + Send;

    /// Puts a copy into quarantine, durably. The caller deletes the original afterwards, so a crash
    /// in between leaves a second copy, or replaces the first one, but never leaves none.
    fn quarantine(
        &self,
        entry: &QuarantineEntry,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    fn depth(&self, lane: Lane) -> impl Future<Output = Result<Depth, QueueError>> + Send;
}
