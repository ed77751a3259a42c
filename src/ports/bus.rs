//! The bus that a canary starts on.

use std::fmt;
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusError(pub String);

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BusError {}

/// The event bus. A rule of the bus sends an event on to the queue.
pub trait Bus: Send + Sync {
    /// Makes one attempt, bounded in time by the adapter. Ok means that the bus has the event, not
    /// that a rule matches it.
    fn put(&self, event: &BusEvent) -> impl Future<Output = Result<(), BusError>> + Send;
}
