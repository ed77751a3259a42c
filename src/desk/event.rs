//! The events of the desk: answers to its orders, and two wishes of its caller.

use crate::policy::record::{AlertRecord, PaceRecord};
use crate::ports::{Delivery, Depth, Lane, LedgerError, Prefetched, QueueError, Verdict, Written};

use super::ids::{AlertId, DeliveryId};
use super::order::{ClaimOutcome, HidePurpose, RecordOutcome, WriteOrder};

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
        result: Result<Vec<Prefetched>, LedgerError>,
    },
    Joined {
        write: Box<WriteOrder>,
        result: Result<Written<AlertRecord>, LedgerError>,
    },
    PaceRead {
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
    /// Finish what is in hand, return the rest, and end.
    Stop,
}
