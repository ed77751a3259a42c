//! What the desk has to say to whoever reads the log. Each thing is said once, here, under one
//! field name: `finding`, `destination`, `digest`, `level`, `lane`, `message`, `reason`, `detail`.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::finding::{Finding, Fingerprint, Level, Severity, Unwanted};
use crate::ports::Lane;

/// Why a message goes back to the queue. The word is the log field and the metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReturnReason {
    /// Another worker holds the claim.
    Busy,
    /// Our mark came too late; what happened is found out at the next delivery.
    FencedOut,
    /// Held for nearly as long as a queue allows.
    TooOld,
    /// This worker ends.
    Draining,
    /// It does not fit the buffer.
    NoRoom,
    /// Its destinations can't be posted to now, and others need the room.
    DestinationAway,
    /// The buffer is full, and what is worse may be waiting in the queue.
    Outranked,
}

impl ReturnReason {
    pub fn as_str(self) -> &'static str {
        match self {
            ReturnReason::Busy => "busy",
            ReturnReason::FencedOut => "fenced_out",
            ReturnReason::TooOld => "too_old",
            ReturnReason::Draining => "draining",
            ReturnReason::NoRoom => "no_room",
            ReturnReason::DestinationAway => "destination_away",
            ReturnReason::Outranked => "outranked",
        }
    }
}

/// How it was found that an alert is covered. The word is the log field and the metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownFrom {
    /// This worker knew.
    Memory,
    /// A look at its row.
    Look,
    /// A claim that was refused.
    Claim,
}

impl KnownFrom {
    pub fn as_str(self) -> &'static str {
        match self {
            KnownFrom::Memory => "memory",
            KnownFrom::Look => "look",
            KnownFrom::Claim => "claim",
        }
    }
}

/// One thing worth a line in the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// A finding was read out of a message, and is owed to somebody.
    Received {
        finding: Arc<Finding>,
        lane: Lane,
    },
    /// A finding was read out of a message, and is below every threshold.
    Filtered {
        finding: Unwanted,
        lane: Lane,
    },
    /// A canary came, and its row is in the ledger.
    Canary {
        finding: String,
        /// Since it was put on the bus.
        took: Duration,
    },
    AlreadyPosted {
        finding: String,
        destination: String,
        level: Level,
        by: KnownFrom,
    },
    Posted {
        finding: String,
        destination: String,
        /// The fallback that took its place, if one did.
        channel: Option<String>,
        level: Level,
        digest: String,
        /// From the queue's time of its message until it was accepted.
        waited: Duration,
    },
    Quarantined {
        message: String,
        lane: Lane,
        /// The reason's word.
        reason: &'static str,
        detail: String,
    },
    Returned {
        message: String,
        reason: ReturnReason,
        delay: Duration,
    },
    PostFailed {
        destination: String,
        digest: String,
        reason: &'static str,
        ambiguous: bool,
        delay: Duration,
        detail: String,
    },
    PostRefused {
        destination: String,
        digest: String,
        alerts: usize,
        detail: String,
    },
    DestinationDead {
        destination: String,
        status: u16,
        detail: String,
        delay: Duration,
        fallback: Option<String>,
    },
    DestinationBack {
        destination: String,
    },
    AddressReread {
        destination: String,
        result: Result<bool, String>,
    },
    FencedOut {
        finding: String,
        destination: String,
        digest: String,
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
        /// Both None where the call was for neither.
        finding: Option<String>,
        destination: Option<String>,
        /// [`crate::ports::LedgerError::as_str`]
        reason: &'static str,
        detail: String,
        delay: Duration,
    },
    /// Criticals are posted without a claim from now on.
    LedgerAway,
    LedgerBack,
}

impl Report {
    /// Writes the line. Quiet when all is well: what needs no person is at debug.
    pub fn log(&self) {
        match self {
            Report::Received { finding, lane } => {
                log_received(&finding.fingerprint, &finding.severity, *lane);
            }
            Report::Filtered { finding, lane } => {
                log_received(&finding.fingerprint, &finding.severity, *lane);
                debug!(
                    finding = %finding.fingerprint,
                    level = %finding.severity.level,
                    "below the threshold"
                );
            }
            Report::Canary { finding, took } => {
                info!(%finding, took_ms = millis(took), "a canary came");
            }
            Report::AlreadyPosted { finding, destination, level, by } => {
                let by = by.as_str();
                debug!(%finding, destination, %level, by, "covered by an earlier post");
            }
            Report::Posted { finding, destination, channel, level, digest, waited } => {
                let waited_ms = millis(waited);
                info!(%finding, destination, channel, %level, digest, waited_ms, "posted");
            }
            Report::Quarantined { message, lane, reason, detail } => {
                warn!(message_id = message, lane = lane.as_str(), reason, detail, "quarantined");
            }
            Report::Returned { message, reason, delay } => {
                debug!(
                    message_id = message,
                    reason = reason.as_str(),
                    delay_ms = millis(delay),
                    "handed back"
                );
            }
            Report::PostFailed { destination, digest, reason, ambiguous, delay, detail } => {
                warn!(
                    destination,
                    digest,
                    reason,
                    ambiguous,
                    delay_ms = millis(delay),
                    detail,
                    "post failed, will try again"
                );
            }
            Report::PostRefused { destination, digest, alerts, detail } => {
                warn!(destination, digest, alerts, detail, "post refused for its content");
            }
            Report::DestinationDead { destination, status, detail, delay, fallback } => {
                error!(
                    destination,
                    status,
                    detail,
                    delay_ms = millis(delay),
                    fallback,
                    "destination is dead: mend its webhook; its alerts are held, or go to its \
                     fallback"
                );
            }
            Report::DestinationBack { destination } => {
                info!(destination, "destination works again")
            }
            Report::AddressReread { destination, result } => match result {
                Ok(changed) => info!(destination, changed, "webhook read again"),
                Err(detail) => warn!(destination, detail, "webhook could not be read again"),
            },
            Report::FencedOut { finding, destination, digest } => {
                warn!(%finding, destination, digest, "posted, but the claim was lost before the mark: it may be posted twice");
            }
            Report::QueueFailed { call, lane, reason, detail, delay } => {
                warn!(
                    call,
                    lane = lane.map(Lane::as_str),
                    reason,
                    detail,
                    delay_ms = millis(delay),
                    "queue call failed"
                );
            }
            Report::LedgerFailed { call, finding, destination, reason, detail, delay } => {
                warn!(
                    call,
                    finding,
                    destination,
                    reason,
                    detail,
                    delay_ms = millis(delay),
                    "ledger call failed"
                );
            }
            Report::LedgerAway => error!(
                "the ledger has been away for two minutes: critical findings are posted without \
                 a claim, so that they may be told twice; lesser ones wait"
            ),
            Report::LedgerBack => info!("the ledger is back"),
        }
    }
}

fn log_received(finding: &Fingerprint, severity: &Severity, lane: Lane) {
    debug!(%finding, level = %severity.level, lane = lane.as_str(), "received");
}

fn millis(d: &Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}
