//! The record of how far reconcile has compared a region with the ledger.

use super::expect::{State, Version, Versioned};
use crate::instants::Wall;

/// How far a region was compared, and who compares it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatermarkRecord {
    pub run: Run,
    /// None: no run has joined the region's progress yet.
    pub progress: Option<Progress>,
    /// Grows by one with every run.
    pub fence: u64,
    /// When the lease of the run ends. After the run: when it ended.
    pub lease_until: Wall,
    pub expires_at: Wall,
}

/// Whether a run compares the region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    Idle,
    /// A run of this owner holds the lease. The owner is never empty.
    Running {
        owner: String,
    },
}

/// How far the runs have come that continued one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Everything that was updated before this moment has been compared.
    pub compared_to: Wall,
    /// When the last of the runs began.
    pub began_at: Wall,
    /// How the last of them ended. [`Ended::Cut`] while it runs.
    pub ended: Ended,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It came to the end of the list.
    Whole,
    /// It was cut short: the next run need not wait for its time.
    Cut,
    /// It stopped because something failed.
    Failed,
}

impl Ended {
    pub const ALL: [Ended; 3] = [Ended::Whole, Ended::Cut, Ended::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            Ended::Whole => "whole",
            Ended::Cut => "cut",
            Ended::Failed => "failed",
        }
    }
}

impl WatermarkRecord {
    pub fn is_running(&self) -> bool {
        matches!(self.run, Run::Running { .. })
    }

    /// The owner of the run, if one compares the region.
    pub fn owner(&self) -> Option<&str> {
        match &self.run {
            Run::Idle => None,
            Run::Running { owner } => Some(owner),
        }
    }
}

impl Versioned for WatermarkRecord {
    fn version(&self) -> Version<'_> {
        Version {
            state: if self.is_running() { State::Claimed } else { State::Free },
            owner: self.owner().unwrap_or_default(),
            fence: self.fence,
            lease_until: self.lease_until,
        }
    }
}
