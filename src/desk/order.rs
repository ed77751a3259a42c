//! The orders of the desk, and the answers to two of them.

use std::time::Duration;

use crate::finding::Level;
use crate::instants::Wall;
use crate::policy::canary::Arrival;
use crate::policy::ledger::UnclaimedPost;
use crate::policy::record::{AlertRecord, Closed, Expect, PaceRecord, RecordKey, Sighting};
use crate::ports::{Consistency, Lane, LedgerError, Post, QuarantineEntry, Receipt, ReceiveAsk};

use super::ids::{AlertId, DeliveryId};

/// Something to do. Every order is answered by exactly one [`super::Event`].
#[derive(Debug)]
pub enum Order {
    Receive(ReceiveAsk),
    /// Read the number of messages in a lane, to know whether everything is settled.
    Measure(Lane),
    Claim(ClaimOrder),
    /// Read the records of these alerts, at most [`crate::ports::PREFETCH_MAX`].
    Prefetch {
        keys: Vec<RecordKey>,
        consistency: Consistency,
    },
    /// Read the record of the fleet's pace for a destination.
    ReadPace {
        destination: usize,
        key: RecordKey,
    },
    /// Write that record: to reserve a slot, to take it, or to make the fleet pause.
    Reserve(PaceOrder),
    /// Post once. `destination` is the index in the configuration.
    Post {
        destination: usize,
        post: Post,
    },
    /// Write a newer state of a finding into the record of its alert, which was posted.
    Join(WriteOrder),
    Mark(WriteOrder),
    /// Record a post that was made without a claim.
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

/// Claims the right to post an alert.
#[derive(Clone, Debug)]
pub struct ClaimOrder {
    pub alert: AlertId,
    pub key: RecordKey,
    pub owner: String,
    pub sighting: Sighting,
}

/// One conditional write to the record of the fleet's pace for a destination.
#[derive(Clone, Debug)]
pub struct PaceOrder {
    pub destination: usize,
    pub key: RecordKey,
    pub expect: Expect,
    pub record: PaceRecord,
}

/// Records a fact that the ledger does not know yet.
#[derive(Clone, Debug)]
pub struct RecordOrder {
    pub alert: AlertId,
    pub key: RecordKey,
    pub owner: String,
    pub fact: ToRecord,
}

/// A fact that is recorded without a claim.
#[derive(Clone, Debug)]
pub enum ToRecord {
    /// A post was made without a claim.
    Post(UnclaimedPost),
    /// A canary arrived.
    Canary(Arrival),
    /// A finding is closed. `leaves_trace`: also if there is no record, see
    /// [`crate::policy::ledger::close`].
    Closing { sighting: Sighting, leaves_trace: bool },
}

/// One conditional write to the record of an alert.
#[derive(Clone, Debug)]
pub struct WriteOrder {
    pub alert: AlertId,
    pub key: RecordKey,
    pub expect: Expect,
    pub record: AlertRecord,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HidePurpose {
    /// The heartbeat: the message stays here.
    Keep,
    /// The message returns to the queue, which delivers it again after the delay.
    Return,
}

/// The answer to a claim.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub enum ClaimOutcome {
    Won(AlertRecord),
    AlreadyPosted {
        level: Level,
        record: Box<AlertRecord>,
    },
    /// The finding is closed.
    Closed {
        record: Box<AlertRecord>,
    },
    Busy {
        until: Wall,
    },
    /// `answered`: the ledger had answered an earlier call of this very claim, so it is reachable.
    Failed {
        error: LedgerError,
        answered: bool,
    },
}

/// The answer to the record of a fact.
#[derive(Debug)]
pub enum RecordOutcome {
    /// The ledger knows of this post or canary, or of a later one. With the record of an alert.
    Done(Option<Box<AlertRecord>>),
    /// The ledger knows that the finding is closed.
    Closed {
        /// The record, if there is one.
        record: Option<Box<AlertRecord>>,
        /// The incident of a posted alert that this write closed.
        ended: Option<Closed>,
    },
    /// The finding is more severe than what a person handled: it is open, and owed.
    Owed,
    Busy {
        until: Wall,
    },
    /// As with a claim.
    Failed {
        error: LedgerError,
        answered: bool,
    },
}
