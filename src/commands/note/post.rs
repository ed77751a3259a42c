//! Posts one note to one destination.

use std::time::Duration;

use super::{NotePorts, NoteSender};
use crate::finding::Level;
use crate::instants::Mono;
use crate::policy::pace_slots::{PaceSlots, Step};
use crate::ports::{Clock, Ledger, LedgerError, Notifier, Post, Verdict, Written};

/// The most attempts to post a note.
const TRIES_MAX: u32 = 4;
/// The delay before the second attempt, if Slack names none. It doubles with each attempt.
const RETRY_FIRST: Duration = Duration::from_secs(2);

/// Why a note was not posted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPosted {
    #[error("the ledger does not answer: {0}")]
    Ledger(#[from] LedgerError),
    #[error("the pace of {destination} left no slot for it within {within:?}")]
    NoSlot { destination: String, within: Duration },
    /// Slack did not accept it. `ambiguous`: or it did, and the answer was lost.
    #[error("{detail}")]
    Failed { ambiguous: bool, detail: String },
}

impl NotPosted {
    /// Slack may have accepted the note all the same.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, NotPosted::Failed { ambiguous: true, .. })
    }
}

/// Posts a note: takes a slot of the fleet's pace for each attempt, as workers do for alerts of the
/// least level, and retries what may succeed later, four times at most. Ends after `within`, plus
/// the time that an attempt under way takes.
///
/// # Errors
/// See [`NotPosted`].
pub async fn post<L: Ledger, N: Notifier, C: Clock>(
    ports: &NotePorts<'_, L, N, C>,
    sender: &NoteSender,
    post: &Post,
    within: Duration,
) -> Result<(), NotPosted> {
    let pace = sender.pace(&post.destination);
    let mut slots = PaceSlots::new(&post.destination, &sender.id, pace, sender.terms);
    let until = ports.clock.now().mono.plus(within);
    let mut any_ambiguous = false;
    let mut delay = RETRY_FIRST;
    for attempt in 1.. {
        if !take_slot(ports, &mut slots, &post.id, until).await? {
            let destination = post.destination.clone();
            return Err(NotPosted::NoSlot { destination, within });
        }
        let (after, ambiguous, detail) = match ports.notifier.post(post).await {
            Verdict::Accepted => return Ok(()),
            Verdict::Retry { after, ambiguous, detail, .. } => (after, ambiguous, detail),
            Verdict::Dead { status, detail } => {
                let detail = format!("its webhook is dead: Slack answers {status} {detail}");
                return Err(NotPosted::Failed { ambiguous: any_ambiguous, detail });
            }
            Verdict::Refused { detail } => {
                let detail = format!("Slack refuses it: {detail}");
                return Err(NotPosted::Failed { ambiguous: any_ambiguous, detail });
            }
        };
        any_ambiguous |= ambiguous;
        if let Some(pause) = after {
            announce_pause(ports, &mut slots, pause).await?;
        }
        let next = ports.clock.now().mono.plus(after.unwrap_or(delay));
        if attempt >= TRIES_MAX || next >= until {
            return Err(NotPosted::Failed { ambiguous: any_ambiguous, detail });
        }
        ports.clock.sleep_until(next).await;
        delay *= 2;
    }
    Err(NotPosted::Failed { ambiguous: any_ambiguous, detail: "no attempt was made".to_owned() })
}

/// Takes a slot of the fleet's pace. False: there was none until then.
async fn take_slot<L: Ledger, N: Notifier, C: Clock>(
    ports: &NotePorts<'_, L, N, C>,
    slots: &mut PaceSlots,
    post_id: &str,
    until: Mono,
) -> Result<bool, LedgerError> {
    let NotePorts { ledger, clock, .. } = ports;
    while clock.now().mono < until {
        let now = clock.now();
        let (expect, record, takes) = match slots.step(Level::Informational, now) {
            Step::Wait(at) => {
                clock.sleep_until(at.min(until)).await;
                continue;
            }
            Step::Read => {
                let record = ledger.read(slots.key()).await?;
                slots.saw(record, clock.now().mono);
                continue;
            }
            Step::Write { expect, record } => (expect, record, false),
            Step::Due => {
                let (expect, record) = slots.take(post_id, now.wall);
                (expect, record, true)
            }
        };
        match ledger.write(slots.key(), &expect, &record).await? {
            Written::Done => {
                slots.saw(Some(record), clock.now().mono);
                if takes {
                    return Ok(true);
                }
            }
            Written::Lost(record) => slots.saw(record, clock.now().mono),
        }
    }
    Ok(false)
}

/// Writes a pause that Slack asked for into the record of the pace, so that all workers keep it.
async fn announce_pause<L: Ledger, N: Notifier, C: Clock>(
    ports: &NotePorts<'_, L, N, C>,
    slots: &mut PaceSlots,
    pause: Duration,
) -> Result<(), LedgerError> {
    let now = ports.clock.now();
    if let Step::Write { expect, record } = slots.pause(pause, now) {
        match ports.ledger.write(slots.key(), &expect, &record).await? {
            Written::Done => slots.saw(Some(record), now.mono),
            // Another worker has written, who met the same pause or will.
            Written::Lost(record) => slots.saw(record, now.mono),
        }
    }
    Ok(())
}
