//! The record of a finding that reconcile put into the queue.

use super::expect::{State, Version, Versioned};
use crate::finding::Level;
use crate::instants::Wall;

/// Reconcile enqueued a finding because the ledger did not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnqueuedRecord {
    pub level: Level,
    pub enqueued_at: Wall,
    /// Grows by one with every write.
    pub fence: u64,
    pub expires_at: Wall,
}

impl Versioned for EnqueuedRecord {
    fn version(&self) -> Version<'_> {
        Version { state: State::Free, owner: "", fence: self.fence, lease_until: Wall(0) }
    }
}
