//! Port for messages that hansho itself sends to the worker's queues.

use std::future::Future;

use super::{Lane, QueueError};

/// The largest message that SQS accepts, in bytes.
/// Source: SQS API reference, SendMessage.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Puts messages into the worker's queues.
pub trait Inlet: Send + Sync {
    /// Puts one message into the lane, durably. The standard lane takes it if the lane has no
    /// queue. Makes one attempt. If the answer is lost, the message may be in the queue. A second
    /// copy does no harm: the ledger knows it.
    fn put(&self, lane: Lane, body: &str) -> impl Future<Output = Result<(), QueueError>> + Send;
}
