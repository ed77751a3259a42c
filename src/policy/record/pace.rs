//! The record from which all workers reserve their posts to one destination.

use super::expect::{State, Version, Versioned};
use crate::finding::Level;
use crate::instants::Wall;

/// The pace of the fleet at one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaceRecord {
    pub next: NextSlot,
    /// When the last slot was taken or the last pause began, by the clock of the worker that wrote
    /// it.
    pub closed_from: Wall,
    /// Until when nobody may post, by the same clock.
    pub closed_until: Wall,
    /// The id of the post that took the last slot. Empty: no slot was taken yet.
    pub last_post_id: String,
    /// Grows by one with every write.
    pub fence: u64,
    pub expires_at: Wall,
}

/// Whose the next slot is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextSlot {
    /// Nobody has reserved it.
    Open {
        /// The worker that took the last slot or began the last pause.
        closed_by: String,
    },
    Reserved {
        /// The worker that reserved it. Never empty.
        by: String,
        /// The level of the alert that it is reserved for.
        level: Level,
    },
}

impl PaceRecord {
    /// The worker that wrote the record.
    pub fn worker(&self) -> &str {
        match &self.next {
            NextSlot::Open { closed_by: worker } | NextSlot::Reserved { by: worker, .. } => worker,
        }
    }

    /// The level that the next slot is reserved for, if it is reserved.
    pub fn reserved_for(&self) -> Option<Level> {
        match self.next {
            NextSlot::Open { .. } => None,
            NextSlot::Reserved { level, .. } => Some(level),
        }
    }
}

impl Versioned for PaceRecord {
    fn version(&self) -> Version<'_> {
        let state = match self.next {
            NextSlot::Open { .. } => State::Free,
            NextSlot::Reserved { .. } => State::Claimed,
        };
        let lease_until = self.closed_until;
        Version { state, owner: self.worker(), fence: self.fence, lease_until }
    }
}
