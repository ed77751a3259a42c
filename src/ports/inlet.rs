//! The way into the queues, for messages that hansho itself has to send.

use std::future::Future;

use super::{Lane, QueueError};

/// SQS takes a message of at most so many bytes.
/// Source: SQS API reference, SendMessage.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Puts messages into the worker's queues.
pub trait Inlet: Send + Sync {
    /// Puts one message into the lane, or into the standard one if that has no queue, durably. One attempt; if the answer is lost it may be in all the same,
    /// and then putting it in again makes a second copy, which the ledger absorbs.
    fn put(&self, lane: Lane, body: &str) -> impl Future<Output = Result<(), QueueError>> + Send;
}
