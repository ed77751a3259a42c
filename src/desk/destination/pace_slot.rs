//! The pace slot of a destination: the right of this worker, within the fleet, to post now.
//!
//! The pace of a fleet is one record in the ledger for each destination. A slot is reserved and
//! taken by conditional writes to it. This process keeps its own pace besides.

use std::time::Duration;

use crate::finding::Level;
use crate::instants::{Mono, Now};
use crate::mutation::{self, Mutation};
use crate::policy::pace::Pace;
use crate::policy::pace_slots::{PaceSlots, Step};
use crate::policy::record::{Expect, PaceRecord};
use crate::ports::{LedgerError, Written};

use crate::desk::context::Context;
use crate::desk::ledger::health::Health;
use crate::desk::order::{Order, PaceOrder};
use crate::desk::output::Subject;
use crate::desk::settings::Settings;

/// A slot that took longer to take is taken again. The post has to follow close on the slot, or it
/// would come too close to the next worker's post.
const FRESH: Duration = Duration::from_millis(100);
/// A ledger that is always slow is slow for all workers, so that more tries win nothing.
const TAKES_MAX: u32 = 3;
/// Claims are released rather than kept for a slot that is further off.
pub(super) const HOLD_MAX: Duration = Duration::from_secs(5);

pub(in crate::desk) struct PaceSlot {
    destination: String,
    /// What this worker knows of the record of the fleet's pace.
    slots: PaceSlots,
    call: Option<PaceCall>,
    /// No call before, because the ledger failed.
    not_before: Mono,
    failures: u32,
    /// A pause that is not written into the record yet.
    unannounced_pause: Option<Mono>,
    own_pace: Pace,
    last_post_at: Option<Mono>,
}

/// A ledger call for the pace that is under way.
enum PaceCall {
    Read,
    Reserve(Box<PaceRecord>),
    Pause(Box<PaceRecord>),
    Take { record: Box<PaceRecord>, asked_at: Mono, tries: u32 },
}

/// What follows when a slot is taken.
pub(in crate::desk) enum Taken {
    /// Post now.
    Fresh,
    /// It took too long: take it once more.
    Stale { tries: u32 },
}

impl PaceSlot {
    pub fn new(destination: &str, interval: Duration, settings: &Settings) -> PaceSlot {
        PaceSlot {
            destination: destination.to_owned(),
            slots: PaceSlots::new(destination, &settings.worker_id, interval, settings.terms),
            call: None,
            not_before: Mono(0),
            failures: 0,
            unannounced_pause: None,
            own_pace: Pace::new(interval),
            last_post_at: None,
        }
    }

    pub fn own_pace_ready_at(&self) -> Mono {
        self.own_pace.ready_at()
    }

    pub fn is_call_under_way(&self) -> bool {
        self.call.is_some()
    }

    pub fn is_being_taken(&self) -> bool {
        matches!(self.call, Some(PaceCall::Take { .. }))
    }

    pub fn is_due_for_critical(&self, now: Now) -> bool {
        self.call.is_none() && matches!(self.slots.step(Level::Critical, now), Step::Due)
    }

    /// The fleet does not know of a pause yet, and the ledger answers.
    pub fn has_pause_to_announce(&self) -> bool {
        self.unannounced_pause.is_some() && self.failures == 0
    }

    /// When this worker may post without asking the ledger, at its share of the pace.
    pub fn turn_without_ledger(&self, share: Duration, ready_at: Mono, now: Now) -> Mono {
        let turn = self.last_post_at.map_or(now.mono, |last| last.plus(share));
        turn.max(ready_at).max(self.slots.closed_until(now).unwrap_or(turn))
    }

    /// Whether a slot can be taken now. If not, orders what has to be done first. The error says
    /// when to ask again.
    pub fn ask(
        &mut self,
        destination: usize,
        level: Level,
        cx: &mut Context<'_>,
    ) -> Result<(), Option<Mono>> {
        if self.call.is_some() {
            return Err(None);
        }
        if self.not_before > cx.now.mono {
            return Err(Some(self.not_before));
        }
        match self.slots.step(level, cx.now) {
            _ if mutation::is(Mutation::FleetPaceIgnored) => Ok(()),
            Step::Due => Ok(()),
            Step::Wait(until) => Err(Some(until)),
            Step::Read => {
                self.read(destination, cx);
                Err(None)
            }
            Step::Write { expect, record } => {
                self.write(
                    destination,
                    PaceCall::Reserve(Box::new(record.clone())),
                    expect,
                    record,
                    cx,
                );
                Err(None)
            }
        }
    }

    /// Starts a pause that Slack asked for. The fleet learns of it by the record.
    pub fn pause(&mut self, until: Mono) {
        self.own_pace.pause(until);
        self.unannounced_pause = announced(until);
    }

    /// The fleet learns by the record that the destination rests.
    pub fn announce_rest(&mut self, until: Mono) {
        self.unannounced_pause = Some(until);
    }

    /// Writes a pause into the record. Answers with the time of the retry, if it has to wait.
    pub fn announce_pause(&mut self, destination: usize, cx: &mut Context<'_>) -> Option<Mono> {
        let until = self.unannounced_pause?;
        if until <= cx.now.mono {
            self.unannounced_pause = None;
            return None;
        }
        if self.call.is_some() {
            return None;
        }
        if self.not_before > cx.now.mono {
            return Some(self.not_before);
        }
        match self.slots.pause(until.since(cx.now.mono), cx.now) {
            Step::Read => self.read(destination, cx),
            Step::Write { expect, record } => {
                self.write(
                    destination,
                    PaceCall::Pause(Box::new(record.clone())),
                    expect,
                    record,
                    cx,
                );
            }
            Step::Due | Step::Wait(_) => self.unannounced_pause = None,
        }
        None
    }

    /// Takes the slot for the post in hand.
    pub fn take(&mut self, destination: usize, post_id: &str, tries: u32, cx: &mut Context<'_>) {
        let (expect, record) = self.slots.take(post_id, cx.now.wall);
        let asked_at = cx.now.mono;
        let call = PaceCall::Take { record: Box::new(record.clone()), asked_at, tries };
        self.write(destination, call, expect, record, cx);
    }

    /// Takes the slot of this process's own pace. False if it is not due.
    pub fn take_own_pace(&mut self, now: Mono) -> bool {
        let due = self.own_pace.take(now).is_ok();
        if due {
            self.last_post_at = Some(now);
        }
        due
    }

    fn read(&mut self, destination: usize, cx: &mut Context<'_>) {
        self.call = Some(PaceCall::Read);
        cx.output.order(Order::ReadPace { destination, key: self.slots.key().clone() });
    }

    fn write(
        &mut self,
        destination: usize,
        call: PaceCall,
        expect: Expect,
        record: PaceRecord,
        cx: &mut Context<'_>,
    ) {
        self.call = Some(call);
        let key = self.slots.key().clone();
        cx.output.order(Order::Reserve(PaceOrder { destination, key, expect, record }));
    }

    /// The ledger has answered a read.
    pub fn was_read(
        &mut self,
        result: Result<Option<PaceRecord>, LedgerError>,
        health: &mut Health,
        cx: &mut Context<'_>,
    ) {
        self.call = None;
        match result {
            Ok(record) => self.saw(record, health, cx),
            Err(error) => self.failed(&error, health, cx),
        }
    }

    /// The ledger has answered a write. Some if it took a slot.
    pub fn was_written(
        &mut self,
        result: Result<Written<PaceRecord>, LedgerError>,
        health: &mut Health,
        cx: &mut Context<'_>,
    ) -> Option<Taken> {
        let call = self.call.take()?;
        let record = match (result, &call) {
            (Err(error), _) => {
                self.failed(&error, health, cx);
                return None;
            }
            (Ok(Written::Lost(record)), _) => {
                self.saw(record, health, cx);
                return None;
            }
            (Ok(Written::Done), PaceCall::Read) => return None,
            (
                Ok(Written::Done),
                PaceCall::Reserve(record) | PaceCall::Pause(record) | PaceCall::Take { record, .. },
            ) => (**record).clone(),
        };
        if let PaceCall::Pause(_) = call {
            self.unannounced_pause = None;
        }
        // The monotonic clock of a machine that was suspended stood still, the wall clock did not.
        let by_wall = cx.now.wall.since(record.closed_from);
        self.saw(Some(record), health, cx);
        let PaceCall::Take { asked_at, tries, .. } = call else { return None };
        let took = cx.now.mono.since(asked_at).max(by_wall);
        Some(match took > FRESH && tries < TAKES_MAX {
            true => Taken::Stale { tries },
            false => Taken::Fresh,
        })
    }

    fn saw(&mut self, record: Option<PaceRecord>, health: &mut Health, cx: &mut Context<'_>) {
        self.failures = 0;
        self.slots.saw(record, cx.now.mono);
        health.worked(cx);
    }

    fn failed(&mut self, error: &LedgerError, health: &mut Health, cx: &mut Context<'_>) {
        health.failed(error, cx);
        self.slots.doubt();
        self.failures += 1;
        let delay = cx.timers.retry_delay(self.failures).min(HOLD_MAX);
        self.not_before = cx.now.mono.plus(delay);
        cx.output.ledger_failed("pace", Subject::Destination(&self.destination), error, delay);
    }

    /// The desk has ended: nobody waits for the call that was under way.
    pub fn end(&mut self) {
        self.not_before = Mono(0);
        if self.call.take().is_some() {
            self.slots.doubt();
        }
    }
}

fn announced(pause: Mono) -> Option<Mono> {
    (!mutation::is(Mutation::FleetPauseForgotten)).then_some(pause)
}
