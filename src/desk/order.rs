//! What the desk is told, and what it answers: events in, orders out.

use std::time::Duration;

use crate::finding::Level;
use crate::instants::Wall;
use crate::policy::ledger::{Expect, LastPost, RecordKey, Row, Unclaimed};
use crate::ports::{Lane, LedgerError, Post, QuarantineEntry, Receipt, ReceiveAsk};

/// The desk's own number for a delivery that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveryId(pub u64);

/// The desk's own number for an alert that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlertId(pub u64);

/// Something to do. Every order but a report is answered by exactly one event.
#[derive(Debug)]
pub enum Order {
    Receive(ReceiveAsk),
    /// Ask how much a lane still holds, to know whether everything is done.
    Measure(Lane),
    Claim(ClaimOrder),
    /// Look what was told of these alerts, at most [`crate::ports::PREFETCH_MAX`].
    Prefetch {
        keys: Vec<RecordKey>,
    },
    /// Read the fleet's pace of a destination.
    Look {
        destination: usize,
        key: RecordKey,
    },
    /// Write it: to reserve a slot, to take it, or to make all of the fleet pause.
    Reserve(CellOrder),
    /// One attempt to post; `destination` is the index in the configuration.
    Post {
        destination: usize,
        digest: Post,
    },
    Mark(WriteOrder),
    /// Tell the ledger of a post that was made without a claim.
    Record(RecordOrder),
    Release(WriteOrder),
    Delete {
        lane: Lane,
        entries: Vec<(DeliveryId, Receipt)>,
    },
    Hide {
        lane: Lane,
        purpose: HidePurpose,
        entries: Vec<(DeliveryId, Receipt, Duration)>,
    },
    Quarantine {
        delivery: DeliveryId,
        entry: Box<QuarantineEntry>,
    },
    /// Read the destination's address again from where it is kept.
    Refresh {
        destination: usize,
        name: String,
    },
}

/// Get the right to post an alert.
#[derive(Clone, Debug)]
pub struct ClaimOrder {
    pub alert: AlertId,
    pub key: RecordKey,
    pub owner: String,
    pub level: Level,
    pub revision: Option<Wall>,
}

/// One conditional write to the cell of a destination's pace.
#[derive(Clone, Debug)]
pub struct CellOrder {
    pub destination: usize,
    pub key: RecordKey,
    pub expect: Expect,
    pub row: Row,
}

/// A post that was made without a claim.
#[derive(Clone, Debug)]
pub struct RecordOrder {
    pub alert: AlertId,
    pub key: RecordKey,
    pub owner: String,
    pub post: Unclaimed,
}

/// One conditional write to the row of an alert.
#[derive(Clone, Debug)]
pub struct WriteOrder {
    pub alert: AlertId,
    pub key: RecordKey,
    pub expect: Expect,
    pub row: Row,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HidePurpose {
    /// The heartbeat: it stays here.
    Keep,
    /// It goes back to the queue, to be delivered again when the time is over.
    Return,
}

/// What became of a claim.
#[derive(Debug)]
pub enum ClaimOutcome {
    Won(Row),
    AlreadyPosted {
        level: Level,
        /// The row that says so, unless it is claimed.
        told: Option<LastPost>,
    },
    Busy {
        until: Wall,
    },
    /// `answered`: the ledger had answered an earlier call of this very try, so it is not away.
    Failed {
        error: LedgerError,
        answered: bool,
    },
}

/// What became of recording a post.
#[derive(Debug)]
pub enum RecordOutcome {
    /// The ledger knows of it, or of more.
    Done,
    Busy {
        until: Wall,
    },
    /// As with a claim.
    Failed {
        error: LedgerError,
        answered: bool,
    },
}
