//! What the desk is told, and what it answers: events in, orders out.

use std::time::Duration;

use crate::finding::Level;
use crate::instants::Wall;
use crate::policy::canary::Arrival;
use crate::policy::ledger::UnclaimedPost;
use crate::policy::record::{AlertRecord, Expect, LastPost, PaceRecord, RecordKey};
use crate::ports::{
    Delivery, Depth, Lane, LedgerError, Post, QuarantineEntry, QueueError, Receipt, ReceiveAsk,
    Verdict, Written,
};

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
    pub record: PaceRecord,
}

/// A fact that the ledger does not know yet.
#[derive(Clone, Debug)]
pub enum ToRecord {
    /// A post that was made without a claim.
    Post(UnclaimedPost),
    Canary(Arrival),
}

/// Tell the ledger of a fact.
#[derive(Clone, Debug)]
pub struct RecordOrder {
    pub alert: AlertId,
    pub key: RecordKey,
    pub owner: String,
    pub fact: ToRecord,
}

/// One conditional write to the row of an alert.
#[derive(Clone, Debug)]
pub struct WriteOrder {
    pub alert: AlertId,
    pub key: RecordKey,
    pub expect: Expect,
    pub record: AlertRecord,
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
    Won(AlertRecord),
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

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    Received {
        lane: Lane,
        result: Result<Vec<Delivery>, QueueError>,
    },
    Measured {
        lane: Lane,
        result: Result<Depth, QueueError>,
    },
    Claimed {
        alert: AlertId,
        outcome: ClaimOutcome,
    },
    Prefetched {
        result: Result<Vec<Option<LastPost>>, LedgerError>,
    },
    Looked {
        destination: usize,
        result: Result<Option<PaceRecord>, LedgerError>,
    },
    Reserved {
        destination: usize,
        result: Result<Written<PaceRecord>, LedgerError>,
    },
    Posted {
        destination: usize,
        verdict: Verdict,
    },
    Marked {
        alert: AlertId,
        result: Result<Written<AlertRecord>, LedgerError>,
    },
    Recorded {
        alert: AlertId,
        outcome: RecordOutcome,
    },
    Released {
        alert: AlertId,
        result: Result<Written<AlertRecord>, LedgerError>,
    },
    Deleted {
        results: Vec<(DeliveryId, Result<(), QueueError>)>,
    },
    Hidden {
        purpose: HidePurpose,
        results: Vec<(DeliveryId, Result<(), QueueError>)>,
    },
    Quarantined {
        delivery: DeliveryId,
        result: Result<(), QueueError>,
    },
    Refreshed {
        destination: usize,
        result: Result<bool, String>,
    },
    /// Nothing more will be put into the queue by this process.
    InputClosed,
    /// Finish what is in hand, give the rest back, and end.
    Stop,
}
