//! What a worker asks of the ledger when it claims an alert, and why it may.

use crate::finding::Level;
use crate::instants::Wall;
use crate::policy::record::{Closed, Sighting};

/// A worker wants to post an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want<'a> {
    /// See [`crate::policy::record::AlertRecordState::Claimed`]. Never empty.
    pub owner: &'a str,
    pub sighting: Sighting,
}

impl Want<'_> {
    pub fn level(&self) -> Level {
        self.sighting.level
    }

    /// The finding's `updatedAt`, or else the time of its event.
    pub fn revision(&self) -> Option<Wall> {
        self.sighting.at.updated_at
    }
}

/// Why a record is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimKind {
    /// There is no record.
    New,
    /// As far as is known the alert was never posted, or the record has expired. An earlier owner
    /// gave up or its lease is over.
    TakeOver,
    /// The alert was posted, but at the lower level `from`.
    Escalate { from: Level },
    /// The alert was posted at this level, the reminder is due, and the finding changed since.
    Remind,
    /// The alert was posted, its incident closed, and the finding is open again.
    CameBack(Closed),
    /// The claim is the owner's already: the answer to an earlier write was lost.
    Renew,
}

impl ClaimKind {
    pub fn as_str(self) -> &'static str {
        match self {
            ClaimKind::New => "new",
            ClaimKind::TakeOver => "take_over",
            ClaimKind::Escalate { .. } => "escalate",
            ClaimKind::Remind => "remind",
            ClaimKind::CameBack(_) => "came_back",
            ClaimKind::Renew => "renew",
        }
    }
}
