//! Reports: the events of the desk, for log and metrics.

use std::sync::Arc;
use std::time::Duration;

use crate::finding::{Closing, Finding, Hint, IgnoredEvent, Level, Unwanted};
use crate::policy::silence::Silence;
use crate::ports::Lane;
use crate::words::words;

words! {
    /// Why a message returns to the queue. The word is the log field and the metric label.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum ReturnReason {
        /// Another worker holds the claim.
        Busy = "busy",
        /// The mark came too late. The next delivery finds out what happened.
        FencedOut = "fenced_out",
        /// The message was held for nearly as long as a queue allows.
        TooOld = "too_old",
        /// This worker ends.
        Draining = "draining",
        /// The message does not fit the buffer.
        BufferFull = "buffer_full",
        /// Its destinations can't be posted to now, and others need its place.
        DestinationUnreachable = "destination_unreachable",
        /// The buffer is full, and a more severe message may wait in the queue.
        Outranked = "outranked",
    }
}

words! {
    /// The source that shows an alert as already posted. The word is the log field and the metric
    /// label.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum KnownFrom {
        /// This worker's cache.
        Memory = "memory",
        /// A prefetch of its record.
        Prefetch = "prefetch",
        /// A claim that was refused.
        Claim = "claim",
    }
}

/// One event that is logged.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// A message brought a finding that is not below every threshold.
    Received {
        finding: Arc<Finding>,
        lane: Lane,
    },
    /// A message brought a finding that is below every threshold.
    Filtered {
        finding: Unwanted,
        lane: Lane,
    },
    /// A message brought a finding that no route matches, so it is owed to no destination.
    Unmatched {
        finding: Arc<Finding>,
    },
    /// A silence keeps the finding back.
    Silenced {
        finding: Arc<Finding>,
        silence: Arc<Silence>,
        /// The destinations that the finding is owed to.
        destinations: Vec<String>,
    },
    /// A message brought an event that is known to be no finding.
    Ignored {
        event: IgnoredEvent,
        lane: Lane,
    },
    /// A canary came, and its record is in the ledger.
    Canary {
        finding: String,
        /// Since it was put on the bus.
        took: Duration,
    },
    AlreadyPosted {
        finding: String,
        about: Arc<Finding>,
        destination: String,
        level: Level,
        by: KnownFrom,
    },
    /// A finding was closed when it came, so nothing is posted.
    Closed {
        finding: String,
        about: Arc<Finding>,
        destination: String,
        why: Closing,
        /// The finding had been posted, and its incident ends with this.
        ended: bool,
    },
    /// The ledger knows that the finding is closed since.
    AlreadyClosed {
        finding: String,
        about: Arc<Finding>,
        destination: String,
        by: KnownFrom,
    },
    Posted {
        finding: String,
        about: Arc<Finding>,
        destination: String,
        /// The fallback that took its place, if one did.
        channel: Option<String>,
        level: Level,
        post_id: String,
        /// From the time at which its message entered the queue until Slack accepted the post.
        waited: Duration,
    },
    Quarantined {
        message: String,
        lane: Lane,
        /// The reason's word.
        reason: &'static str,
        detail: String,
        hint: Box<Hint>,
    },
    Returned {
        message: String,
        reason: ReturnReason,
        delay: Duration,
    },
    PostFailed {
        destination: String,
        post_id: String,
        reason: &'static str,
        ambiguous: bool,
        delay: Duration,
        detail: String,
    },
    PostRefused {
        destination: String,
        post_id: String,
        alerts: usize,
        detail: String,
    },
    DestinationDead {
        destination: String,
        /// Slack may have accepted the post all the same.
        ambiguous: bool,
        /// Slack's status and word.
        detail: String,
        delay: Duration,
        fallback: Option<String>,
    },
    DestinationRecovered {
        destination: String,
    },
    AddressReread {
        destination: String,
        result: Result<bool, String>,
    },
    FencedOut {
        finding: String,
        destination: String,
        post_id: String,
    },
    QueueFailed {
        call: &'static str,
        lane: Option<Lane>,
        /// [`crate::ports::QueueError::as_str`]
        reason: &'static str,
        detail: String,
        delay: Duration,
    },
    LedgerFailed {
        call: &'static str,
        /// Both None where the call was for many records.
        finding: Option<String>,
        destination: Option<String>,
        /// [`crate::ports::LedgerError::as_str`]
        reason: &'static str,
        detail: String,
        delay: Duration,
    },
    /// Critical alerts are posted without a claim from now on.
    LedgerUnreachable,
    LedgerRecovered,
}
