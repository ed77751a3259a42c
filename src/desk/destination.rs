//! What the desk knows of one destination: what waits for it, what is in hand, and when it may be
//! posted to.

use std::time::Duration;

use crate::instants::Mono;
use crate::policy::cell::Cell;
use crate::policy::ledger::Row;
use crate::policy::pace::Pace;
use crate::ports::Form;

use super::SOON;
use super::order::AlertId;
use super::ready::Ready;
use super::recovery_note::{Trouble, Word};

/// After so many failures in a row a destination's breaker is open: it is tried with the worst
/// alert alone, and where no destination is left nothing more is received.
pub(super) const BREAKER_FAILURES: u32 = 5;

pub(super) struct Destination {
    pub name: String,
    pub ready: Ready,
    pub in_hand: Option<InHand>,
    /// This process's pace.
    pub pace: Pace,
    /// The least time between two posts.
    pub interval: Duration,
    pub last_post_at: Option<Mono>,
    pub slots: Slots,
    /// Failures in a row.
    pub failures: u32,
    pub resume_at: Mono,
    /// Something went wrong since the last accepted post.
    pub troubled: bool,
    /// The same, for the people there.
    pub trouble: Trouble,
    /// Its webhook is gone, and reading it again did not help.
    pub dead: bool,
    /// Who takes its alerts while it is dead.
    pub fallback: Option<usize>,
    /// So many wait that digests serve.
    pub storm: bool,
    /// Posts since one that started from the oldest.
    pub posts_by_level: u32,
}

/// The fleet's pace for this destination, and what is under way to get a slot of it.
pub(super) struct Slots {
    pub cell: Cell,
    pub call: Option<CellCall>,
    /// The ledger failed: no other call before.
    pub not_before: Mono,
    pub failures: u32,
    /// A pause that the others have not been told of yet.
    pub untold_pause: Option<Mono>,
}

/// A call for the cell that is under way.
pub(super) enum CellCall {
    Look,
    Reserve(Box<Row>),
    Pause(Box<Row>),
    Take { row: Box<Row>, asked_at: Mono, tries: u32 },
}

/// The digest that is being prepared or posted.
pub(super) struct InHand {
    pub digest: String,
    pub form: Form,
    pub from_oldest: bool,
    pub claims_open: usize,
    pub won: Vec<Won>,
    /// What it says at its end, besides findings.
    pub words: Vec<Word>,
    pub posting: bool,
}

/// An alert that may be posted.
pub(super) struct Won {
    pub alert: AlertId,
    /// None: the ledger is away, and it is posted without a claim.
    pub claim: Option<Row>,
}

impl Destination {
    pub fn new(name: &str, interval: Duration, fallback: Option<usize>, cell: Cell) -> Destination {
        Destination {
            name: name.to_owned(),
            ready: Ready::default(),
            in_hand: None,
            pace: Pace::new(interval),
            interval,
            last_post_at: None,
            slots: Slots { cell, call: None, not_before: Mono(0), failures: 0, untold_pause: None },
            failures: 0,
            resume_at: Mono(0),
            troubled: false,
            trouble: Trouble::default(),
            dead: false,
            fallback,
            storm: false,
            posts_by_level: 0,
        }
    }

    /// It failed so often in a row that nothing is to be expected of it.
    pub fn is_open(&self) -> bool {
        self.failures >= BREAKER_FAILURES
    }

    /// When it may be posted to, as far as this process is concerned.
    pub fn ready_at(&self) -> Mono {
        self.pace.ready_at().max(self.resume_at)
    }

    /// The others are still to be told of a pause, and the ledger can be asked.
    pub fn has_a_pause_to_tell(&self) -> bool {
        self.slots.untold_pause.is_some() && self.slots.failures == 0
    }

    /// It may be posted to within a while.
    pub fn is_soon(&self, now: Mono) -> bool {
        self.ready_at() <= now.plus(SOON)
    }
}
