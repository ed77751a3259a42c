//! The bus that a canary starts on.

use std::future::Future;

/// An event for a bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusEvent {
    pub source: &'static str,
    pub detail_type: &'static str,
    /// A JSON object.
    pub detail: String,
}

/// Why an event is not on the bus, or may not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BusError(pub String);

/// The event bus. A rule of the bus sends an event on to the queue.
pub trait Bus: Send + Sync {
    /// Makes one attempt, bounded in time by the adapter. Ok means that the bus has the event, not
    /// that a rule matches it.
    fn put(&self, event: &BusEvent) -> impl Future<Output = Result<(), BusError>> + Send;
}
