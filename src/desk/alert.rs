//! An alert: a finding owed to one destination, and its state at this desk.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use crate::finding::{Closing, Finding, Level, Text};
use crate::instants::Wall;
use crate::mutation::{self, Mutation};
use crate::policy::ledger::{self, Terms, Want};
use crate::policy::record::{
    AlertRecord, Closed, ClosedBy, RecordKey, RecordKind, Sighting, Stamp,
};
use crate::ports::{Card, Late, OutageCause};

use super::ids::{AlertId, DeliveryId};
use super::order::{ClaimOrder, RecordOrder, WriteOrder};
use super::ready::{Age, Rank};
use super::settings::Capacity;

/// The state of an alert, with the data that belongs to it.
///
/// ```text
/// Prefetching ─▶ Waiting ─▶ Claiming ─▶ Claimed ─▶ Posting ─▶ Marking or Recording ─▶ removed
///                   ▲                      │          │
///                   └───── Releasing ◀─────┴──────────┘
/// ```
pub(super) enum AlertState {
    /// It may be posted, or waits until a delay is over.
    Waiting,
    /// It waits for a prefetch of its record, and can't be posted before.
    Prefetching,
    /// It is part of the post in hand of its destination, and its claim is under way.
    Claiming,
    /// It may be posted. Without a claim while the ledger is unreachable.
    Claimed(Option<Box<AlertRecord>>),
    /// Its post is under way.
    Posting(Option<Box<AlertRecord>>),
    /// Its claim is released.
    Releasing(AfterRelease),
    /// It was posted under a claim, and its record is written.
    Marking(Box<WriteOrder>),
    /// It was posted without a claim, and its record is written when the ledger is reachable.
    Recording(Box<RecordOrder>),
}

/// A closing that takes the most of a card.
const LONGEST_CLOSED: Closed = Closed {
    at: Stamp { updated_at: Some(Wall(253_402_300_799_000)), observed_at: None },
    why: Closing::Suppressed,
    by: ClosedBy::Person,
};

/// A lateness that takes the most of a card.
const LONGEST_LATE: Late = Late { by: Duration::MAX, why: OutageCause::Dead };

/// What happens to an alert when its claim is released.
pub(super) enum AfterRelease {
    Wait,
    Quarantine { detail: String },
}

/// Limits on the post that carries an alert.
pub(super) struct Constraints {
    /// The number of alerts that may share its post, itself included. Halved when Slack refuses the
    /// content of a post that it was part of, until the guilty alert stands alone.
    pub share_max: usize,
    /// Slack refused its card: the next post of it is text alone.
    pub plain: bool,
}

/// The known facts about earlier posts of an alert.
#[derive(Default)]
pub(super) struct Earlier {
    /// An earlier post may have been accepted, and the ledger does not know of it yet.
    pub perhaps_posted: bool,
    /// The last claim raised the level that was posted before.
    pub escalated: bool,
    /// The last claim repeats a level that was posted before.
    pub reminder: bool,
    /// The last claim is for a finding that came back after its incident closed.
    pub came_back: bool,
}

pub(super) struct Alert {
    pub delivery: DeliveryId,
    pub destination: usize,
    /// The destination where it is posted: its own, or the fallback.
    pub channel: usize,
    pub key: RecordKey,
    pub finding: Arc<Finding>,
    /// The state of the finding in this event, for the ledger.
    pub sighting: Sighting,
    /// The event says that the finding is closed: nothing is posted, and the ledger learns of it.
    pub closing: bool,
    /// When its message entered the queue.
    pub since: Wall,
    /// Unique to this residence of the alert at this desk.
    pub owner: String,
    /// An operator sent its message again: see [`crate::ports::Delivery::again`].
    pub again: bool,
    pub state: AlertState,
    /// Ledger calls for this alert that failed in a row.
    pub failures: u32,
    pub constraints: Constraints,
    pub earlier: Earlier,
    /// The most that its card takes of a post. Drawing the card is expensive, so it is weighed
    /// once.
    weight: OnceCell<usize>,
}

/// The origin of an alert.
pub(super) struct Origin {
    pub delivery: DeliveryId,
    pub destination: usize,
    pub since: Wall,
    pub again: bool,
}

impl Alert {
    pub fn new(
        id: AlertId,
        origin: Origin,
        key: RecordKey,
        finding: Arc<Finding>,
        worker_id: &str,
        share_max: usize,
    ) -> Alert {
        let sighting = Sighting::of(&finding);
        Alert {
            delivery: origin.delivery,
            destination: origin.destination,
            channel: origin.destination,
            key,
            closing: sighting.is_closed(),
            sighting,
            finding,
            since: origin.since,
            owner: format!("{worker_id}/{}", id.0),
            again: origin.again,
            state: AlertState::Waiting,
            failures: 0,
            constraints: Constraints { share_max, plain: false },
            earlier: Earlier::default(),
            weight: OnceCell::new(),
        }
    }

    pub fn level(&self) -> Level {
        self.finding.severity.level
    }

    pub fn rank(&self, id: AlertId) -> Rank {
        Rank(Reverse(self.level()), Age(self.since, id))
    }

    /// The level and revision that a claim asks for.
    pub fn want(&self) -> Want<'_> {
        Want { owner: &self.owner, sighting: self.sighting.clone() }
    }

    /// It has no claim, no post and no write in flight.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, AlertState::Waiting | AlertState::Prefetching)
    }

    /// Slack accepted it, and the ledger does not know yet.
    pub fn is_accepted(&self) -> bool {
        matches!(self.state, AlertState::Marking(_) | AlertState::Recording(_))
    }

    /// It is recorded and not posted.
    pub fn is_record_only(&self) -> bool {
        self.closing || self.is_canary_record()
    }

    /// It is a canary that is recorded and not posted.
    pub fn is_canary_record(&self) -> bool {
        self.key.kind() == RecordKind::Canary
    }

    /// An operator wants it posted again, so that only the ledger itself decides about it.
    pub fn is_asked_again(&self) -> bool {
        self.again && !mutation::is(Mutation::AgainForgotten)
    }

    pub fn is_posted_by_fallback(&self) -> bool {
        self.channel != self.destination
    }

    pub fn claim(&self) -> Option<&AlertRecord> {
        match &self.state {
            AlertState::Claimed(claim) | AlertState::Posting(claim) => claim.as_deref(),
            _ => None,
        }
    }

    pub fn claim_order(&self, id: AlertId) -> ClaimOrder {
        ClaimOrder {
            alert: id,
            key: self.key.clone(),
            owner: self.owner.clone(),
            sighting: self.sighting.clone(),
        }
    }

    /// The write that gives its claim up. None without a claim.
    pub fn release_order(
        &self,
        id: AlertId,
        ambiguous: bool,
        terms: &Terms,
        now: Wall,
    ) -> Option<WriteOrder> {
        let claim = self.claim().filter(|_| !mutation::is(Mutation::ReleaseForgotten))?;
        let (expect, record) = ledger::release(claim, ambiguous, terms, now);
        Some(WriteOrder { alert: id, key: self.key.clone(), expect, record })
    }

    /// The card of the post that carries it. `beside` are the standards of the other alerts with
    /// its key at this desk.
    pub fn card(&self, beside: &[&Text], late: Option<Late>) -> Card {
        let claim = self.claim();
        let perhaps = |record: &AlertRecord| {
            record.perhaps_repeats() || (self.earlier.perhaps_posted && record.accepted().is_none())
        };
        Card {
            finding: self.with_known_standards(claim, beside),
            escalated_from: claim.and_then(AlertRecord::escalated_from),
            reminder: self.earlier.reminder,
            came_back: claim.and_then(AlertRecord::came_back),
            // Without a claim nobody knows whether it was posted before.
            perhaps_repeated: claim.is_none_or(perhaps),
            late,
            meant_for: self.is_posted_by_fallback().then(|| self.key.destination().to_owned()),
        }
    }

    /// The finding, and the standards of the other members of its incident.
    fn with_known_standards(&self, claim: Option<&AlertRecord>, beside: &[&Text]) -> Arc<Finding> {
        let mut standards = self.finding.standards.clone();
        let recorded = claim.into_iter().flat_map(|record| record.incident.standards());
        for name in recorded.chain(beside.iter().map(|name| name.as_str())) {
            Finding::add_standard(&mut standards, name);
        }
        self.with_standards(standards)
    }

    /// The finding with as many standards as the members of its incident can have.
    fn with_most_standards(&self) -> Arc<Finding> {
        let mut standards = self.finding.standards.clone();
        if self.finding.member.is_some() {
            let longest = Text::new(&"x".repeat(Finding::STANDARD_CHARS_MAX), usize::MAX);
            standards.resize(Finding::STANDARDS_MAX, longest);
        }
        self.with_standards(standards)
    }

    fn with_standards(&self, standards: Vec<Text>) -> Arc<Finding> {
        match standards.len() == self.finding.standards.len() {
            true => Arc::clone(&self.finding),
            false => Arc::new(Finding { standards, ..(*self.finding).clone() }),
        }
    }

    /// The most that its card takes of a post. The card is weighed at its longest, because neither
    /// the answer to the claim nor the channel is known yet.
    pub fn weight(&self, capacity: &Capacity, has_fallback: bool) -> usize {
        *self.weight.get_or_init(|| {
            (capacity.weigh)(&Card {
                finding: self.with_most_standards(),
                escalated_from: Some(Level::Informational),
                reminder: true,
                came_back: Some(LONGEST_CLOSED),
                perhaps_repeated: true,
                late: Some(LONGEST_LATE),
                meant_for: has_fallback.then(|| self.key.destination().to_owned()),
            })
        })
    }
}
