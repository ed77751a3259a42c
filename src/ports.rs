//! The four things the worker needs from the outside world: a queue, a ledger, a notifier and a
//! clock. What each promises is written here and checked by one contract suite per port (`tests/`),
//! which every adapter and every fake passes.
//!
//! An adapter makes exactly one attempt and answers with a verdict; whether, when and how often to
//! try again is decided by the desk. Lists are answered entry by entry, in the order asked.

mod dead_letters;
mod failure;
pub mod findings;
pub mod inlet;
pub mod inquiry;
pub mod probe;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::finding::{Finding, Level};
use crate::instants::{Mono, Now, Wall};
use crate::policy::ledger::{Expect, LastPost, RecordKey, Row};

pub use dead_letters::{
    DeadLetter, DeadLetterQueue, Origin, Outgoing, Put, ScannedDeadLetter, Sent,
};
pub use failure::{Failure, FailureKind};

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

/// The ledger did not answer, or not in a way that can be relied on. The write may or may not have
/// taken effect; trying again is safe, because every write states what it expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerError(pub Failure);

impl LedgerError {
    /// As [`QueueError::as_str`].
    pub fn as_str(&self) -> &'static str {
        self.0.kind.as_str()
    }
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for LedgerError {}

/// What became of a conditional write.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    Done,
    /// The row was not as expected; this is how it is (None: there is none).
    Lost(Option<Row>),
}

/// How many rows one [`Ledger::prefetch`] is about, at most: DynamoDB's limit.
/// Source: DynamoDB API reference, BatchGetItem.
pub const PREFETCH_MAX: usize = 100;

/// One row for each alert. Rows are only ever replaced, under a condition, atomically; deleting
/// them is left to their expiry, which may lag, so an expired row is a row like any other.
pub trait Ledger: Send + Sync {
    /// Strongly consistent.
    fn read(
        &self,
        key: &RecordKey,
    ) -> impl Future<Output = Result<Option<Row>, LedgerError>> + Send;

    /// Replaces the row if it is as expected; answers with the actual row if it is not.
    fn write(
        &self,
        key: &RecordKey,
        expect: &Expect,
        row: &Row,
    ) -> impl Future<Output = Result<Written, LedgerError>> + Send;

    /// What was told of these alerts, at most [`PREFETCH_MAX`] of them, by a look that is cheap: a row
    /// may be seen as it was some time ago, or not at all. One answer for each key, in order; None says
    /// nothing, neither that there is a row nor that there is none.
    fn prefetch(
        &self,
        keys: &[RecordKey],
    ) -> impl Future<Output = Result<Vec<Option<LastPost>>, LedgerError>> + Send;
}

/// One alert as it goes into a post.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub finding: Arc<Finding>,
    /// The level that was posted before, if this post raises it.
    pub escalated_from: Option<Level>,
    /// It was posted before at this level, and is due again.
    pub reminder: bool,
    /// An earlier try may have been accepted, though nobody knows: this may be a repeat.
    pub perhaps_repeated: bool,
    /// The name of the destination that it was meant for, if another one takes its place.
    pub meant_for: Option<String>,
}

/// How a post is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A card for each alert.
    Cards,
    /// More wait than cards fit: counts of what they have in common, and a line for each alert.
    Digest,
    /// Text alone, for an alert whose card was refused.
    Plain,
}

/// One post to one destination. Its id is shown in the footer, so that a duplicate post can be
/// recognised as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    pub id: String,
    /// The destination's name in the configuration.
    pub destination: String,
    pub form: Form,
    pub cards: Vec<Card>,
    /// What is to be said about hansho itself, below the cards. Only where [`Form::Cards`] are drawn.
    pub notes: Vec<Note>,
}

/// How much of what a post may weigh a notifier may take for a note, at most.
pub const NOTE_WEIGHT_MAX: usize = 600;

/// A word about hansho itself, for whoever relies on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// This destination could not be posted to for long, and can be again.
    WasAway {
        lasted: Duration,
        until: Wall,
        why: Trouble,
        /// How many alerts this worker held for it.
        held: usize,
        /// How many its fallback told meanwhile.
        elsewhere: usize,
        /// Of those held, how many went back to the queue instead of being told.
        returned: usize,
    },
    /// Another destination's webhook is gone, and this one is told in its place.
    StandsIn { destination: String, gone_for: Duration },
}

/// Why a destination could not be posted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Its posts failed, the last one so.
    Failing(RetryReason),
    /// Its webhook was gone.
    Dead,
}

/// What a destination's answer means for what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was accepted: HTTP 200 with the body `ok`.
    Accepted,
    /// Try the same again, not before `after` if there is one.
    Retry {
        reason: RetryReason,
        after: Option<Duration>,
        /// The destination may have accepted it all the same, so that trying again may duplicate.
        ambiguous: bool,
        detail: String,
    },
    /// The destination will take nothing until somebody mends it.
    Dead { status: u16, detail: String },
    /// This payload will never be accepted.
    Refused { detail: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetryReason {
    /// The connection could not be made, or was lost.
    Connection,
    /// No complete answer within the time-out.
    TimedOut,
    /// 429.
    RateLimited,
    /// 5xx.
    ServerError,
    /// An answer that Slack does not give: 200 without `ok`, a redirect, another 4xx.
    UnexpectedAnswer,
    /// The webhook's address could not be read from where it is kept.
    NoAddress,
}

impl RetryReason {
    pub fn as_str(self) -> &'static str {
        match self {
            RetryReason::Connection => "connection",
            RetryReason::TimedOut => "timed_out",
            RetryReason::RateLimited => "rate_limited",
            RetryReason::ServerError => "server_error",
            RetryReason::UnexpectedAnswer => "unexpected_answer",
            RetryReason::NoAddress => "no_address",
        }
    }
}

/// Whoever tells people.
pub trait Notifier: Send + Sync {
    /// One attempt to post. Bounded in time by the adapter. The answer never holds a secret.
    fn post(&self, digest: &Post) -> impl Future<Output = Verdict> + Send;

    /// Reads the destination's address again from where it is kept. True if it changed.
    fn refresh(&self, destination: &str) -> impl Future<Output = Result<bool, String>> + Send;
}

/// An event for a bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusEvent {
    pub source: &'static str,
    pub detail_type: &'static str,
    /// A JSON object.
    pub detail: String,
}

/// Why an event is not on the bus, or perhaps not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusError(pub String);

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BusError {}

/// Where an event starts on its way to the queue.
pub trait Bus: Send + Sync {
    /// One attempt, bounded in time by the adapter. Done means that the bus has it, not that a rule
    /// wants it.
    fn put(&self, event: &BusEvent) -> impl Future<Output = Result<(), BusError>> + Send;
}

/// The only source of time.
pub trait Clock: Send + Sync {
    fn now(&self) -> Now;
    fn sleep_until(&self, at: Mono) -> impl Future<Output = ()> + Send;
}

impl<C: Clock> Clock for Arc<C> {
    fn now(&self) -> Now {
        (**self).now()
    }

    fn sleep_until(&self, at: Mono) -> impl Future<Output = ()> + Send {
        (**self).sleep_until(at)
    }
}
