//! The queue that findings arrive in.

use std::future::Future;
use std::time::Duration;

use super::{Failure, InputPlace};
use crate::instants::Wall;
use crate::words::words;

words! {
    /// One of the two queues. Express carries a second copy of each high or critical finding.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Lane {
        Express = "express",
        Standard = "standard",
    }
}

impl Lane {
    pub const ALL: [Lane; 2] = [Lane::Express, Lane::Standard];

    pub fn from_name(word: &str) -> Option<Lane> {
        Lane::ALL.into_iter().find(|lane| lane.as_str() == word)
    }
}

/// The queue's own id of a message. It stays the same over redeliveries.
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
    /// How often the message was received, this time included: 1 at the first receive.
    pub receive_count: u32,
    /// When the message entered the queue.
    pub enqueued_at: Option<Wall>,
    /// An operator sent the message again. The worker then asks the ledger whether its alerts were
    /// posted before, and not its own memory, which may be older than the operator's wish.
    pub again: bool,
    /// Where it began in an input, if it came from one.
    pub place: Option<InputPlace>,
}

/// What to receive, and for how long the received messages stay hidden from others.
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

/// A message on its way to the quarantine.
#[derive(Clone, Debug, PartialEq)]
pub struct QuarantineEntry {
    pub message_id: MessageId,
    pub lane: Lane,
    pub body: String,
    /// The reason in a word, for example `not_json`.
    pub reason: String,
    /// The reason as a sentence that names the place.
    pub detail: String,
    pub receive_count: u32,
    pub enqueued_at: Option<Wall>,
    pub quarantined_at: Wall,
}

/// How many messages a lane holds. SQS's numbers are approximate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    pub visible: u64,
    /// Messages in flight or delayed, which are visible later.
    pub hidden: u64,
}

impl Depth {
    pub fn is_empty(self) -> bool {
        self.visible == 0 && self.hidden == 0
    }
}

/// Why a queue call, or one entry of it, failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The receipt is no longer valid: somebody else has the message, or it is deleted. A retry is
    /// no use. If the message still exists, the queue delivers it again.
    #[error("the receipt is no longer valid: {0}")]
    ReceiptGone(String),
    /// Any other failure: retry later.
    #[error("{0}")]
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

/// A queue with two lanes, and a quarantine for messages that can't be processed.
///
/// - A received message is hidden for `visibility`. Then it is delivered again, with a new receipt
///   and a higher receive count, until it is deleted. Early or double delivery is possible.
/// - A stale receipt may delete nothing, with or without an error. It never harms another message.
/// - A receive brings roughly the oldest messages first, and no more than `max`.
pub trait Queue: Send + Sync {
    fn receive(
        &self,
        ask: ReceiveAsk,
    ) -> impl Future<Output = Result<Vec<Delivery>, QueueError>> + Send;

    /// Deletes messages for good. At most [`QUEUE_BATCH_MAX`] receipts; one answer for each, in
    /// order.
    fn delete(
        &self,
        lane: Lane,
        receipts: &[Receipt],
    ) -> impl Future<Output = Vec<Result<(), QueueError>>> + Send;

    /// Hides each message for so long from now on: longer to keep it, zero to return it at once. At
    /// most [`QUEUE_BATCH_MAX`] entries, each at most 12 h after the receive.
    fn hide(
        &self,
        lane: Lane,
        entries: &[(Receipt, Duration)],
    ) -> impl Future<Output = Vec<Result<(), QueueError>>> + Send;

    /// Puts a copy into the quarantine, durably. The caller deletes the original afterwards. A
    /// crash in between leaves two copies or replaces the first one, but never leaves none.
    fn quarantine(
        &self,
        entry: &QuarantineEntry,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    fn depth(&self, lane: Lane) -> impl Future<Output = Result<Depth, QueueError>> + Send;
}
