//! One delivery that the desk holds: a message of a queue, and its way to being settled.

use std::time::Duration;

use crate::finding::text::cut;
use crate::finding::{Hint, MAX_BYTES};
use crate::instants::{Mono, Now, Wall};
use crate::mutation::{self, Mutation};
use crate::ports::{Delivery, InputPlace, Lane, MessageId, QuarantineEntry, Receipt};

use super::report::ReturnReason;

/// The longest reason in the quarantine. A person does not read a hundred of them.
const DETAIL_CHARS_MAX: usize = 1000;

/// The next step of a message, or the step in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// An alert of it is not settled.
    Open,
    Quarantining,
    Deleting,
    Returning,
}

pub(super) struct HeldDelivery {
    pub lane: Lane,
    pub message_id: MessageId,
    pub receipt: Receipt,
    body: String,
    pub receive_count: u32,
    pub enqueued_at: Option<Wall>,
    pub again: bool,
    pub place: Option<InputPlace>,
    /// When the message entered the queue or, if the queue does not say, was first received.
    pub since: Wall,
    pub received_at: Mono,
    /// When its next heartbeat is due.
    pub heartbeat_at: Mono,
    /// Its share of the buffer. Zero for a message that is too large to be a finding: it is
    /// quarantined at once, and must not keep other messages out until then.
    pub bytes: usize,
    pub findings: usize,
    /// The receipt of the last delete.
    pub used_receipt: Option<Receipt>,
    /// Alerts that are not settled.
    pub open: u32,
    /// Why it returns to the queue, and after which delay.
    pub returns: Option<(ReturnReason, Duration)>,
    /// Alerts that can't be settled now return, instead of waiting here.
    pub leaving: Option<ReturnReason>,
    /// Why it, or a part of it, is quarantined: the reason's word and the sentences.
    pub quarantine: Option<(&'static str, String)>,
    pub phase: Phase,
    /// Calls to settle it that failed in a row.
    pub failures: u32,
}

impl HeldDelivery {
    pub fn new(delivery: Delivery, findings: usize, now: Now) -> HeldDelivery {
        let bytes = if delivery.body.len() > MAX_BYTES { 0 } else { delivery.body.len() };
        HeldDelivery {
            lane: delivery.lane,
            message_id: delivery.message_id,
            receipt: delivery.receipt,
            body: delivery.body,
            receive_count: delivery.receive_count,
            enqueued_at: delivery.enqueued_at,
            again: delivery.again,
            place: delivery.place,
            since: known_age(delivery.enqueued_at).unwrap_or(now.wall),
            received_at: now.mono,
            heartbeat_at: now.mono,
            bytes,
            used_receipt: None,
            // A message that can't be parsed takes up a place too.
            findings: findings.max(1),
            open: 0,
            returns: None,
            leaving: None,
            quarantine: None,
            phase: Phase::Open,
            failures: 0,
        }
    }

    /// What can be read of it, for a person who reads that it was quarantined.
    pub fn hint(&self) -> Hint {
        Hint::of(&self.body)
    }

    /// A part of it can't be processed. The first word stands for all of them.
    pub fn quarantine_for(&mut self, word: &'static str, detail: &str) {
        match &mut self.quarantine {
            Some((_, all)) => {
                *all = cut(&format!("{all}; {detail}"), DETAIL_CHARS_MAX).into_owned();
            }
            None => self.quarantine = Some((word, cut(detail, DETAIL_CHARS_MAX).into_owned())),
        }
    }

    /// It returns when nothing of it is in hand. Of several delays the shortest counts, because an
    /// early delivery does no harm.
    pub fn return_after(&mut self, reason: ReturnReason, delay: Duration) {
        self.returns = match self.returns {
            Some((first, shorter)) => Some((first, shorter.min(delay))),
            None => Some((reason, delay)),
        };
    }

    /// It is kept hidden by heartbeats until it is settled.
    pub fn needs_heartbeat(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Quarantining)
    }

    pub fn is_done(&self) -> bool {
        self.open == 0 && self.phase == Phase::Open
    }

    /// It was received again since the last delete, so that the receipt of that delete may be void.
    pub fn has_newer_receipt(&self) -> bool {
        self.used_receipt.as_ref() != Some(&self.receipt)
    }

    pub fn quarantine_entry(&self, reason: &str, detail: String, now: Wall) -> QuarantineEntry {
        QuarantineEntry {
            message_id: self.message_id.clone(),
            lane: self.lane,
            body: self.body.clone(),
            reason: reason.to_owned(),
            detail,
            receive_count: self.receive_count,
            enqueued_at: self.enqueued_at,
            quarantined_at: now,
        }
    }
}

fn known_age(enqueued_at: Option<Wall>) -> Option<Wall> {
    enqueued_at.filter(|_| !mutation::is(Mutation::AgeForgotten))
}
