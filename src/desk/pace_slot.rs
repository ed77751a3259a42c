//! When a destination may be posted to, and what has to be done before: the fleet's slot, the
//! claims, and then the post.
//!
//! ```text
//! nothing in hand ─ a slot is due ─▶ claims ─ all in ─▶ take the slot ─ taken ─▶ post ─ answered ─▶
//!       ▲                                                    │
//!       └──────── released: a critical one came, or the slot is far off
//! ```

use std::time::Duration;

use crate::finding::Level;
use crate::instants::{Mono, Now};
use crate::mutation::{self, Mutation};
use crate::policy::cell::Step;
use crate::policy::ledger::Row;
use crate::ports::{LedgerError, Written};

use super::destination::CellCall;
use super::order::{CellOrder, Order};
use super::report::Report;
use super::{AfterRelease, Desk};

/// A slot whose taking took longer is taken anew: the post has to follow close on it, or it would
/// come too close to the next worker's.
const FRESH: Duration = Duration::from_millis(100);
/// A ledger that is always slow is slow for everybody, so that nothing is won by trying longer.
const TAKES_MAX: u32 = 3;
/// Claims are given up rather than kept for a slot that is further off.
const HOLD_MAX: Duration = Duration::from_secs(5);

impl Desk {
    /// Moves a destination on.
    pub(super) fn drive(&mut self, destination: usize, now: Now) {
        let told = self.tell_pause(destination, now);
        let next = self.next_move(destination, now);
        self.timers.set_pace_slot(destination, told.into_iter().chain(next).min());
    }

    /// Does what can be done now; when to come again if nothing happens before.
    fn next_move(&mut self, destination: usize, now: Now) -> Option<Mono> {
        let Some(hand) = &self.destinations[destination].in_hand else {
            return self.begin(destination, now);
        };
        if hand.posting {
            // The next slot is asked for already, so that no lesser post gets in between.
            let critical = self.worst_for(destination) == Some(Level::Critical);
            return match critical && !self.draining {
                true => self.slot(destination, Level::Critical, now).err().flatten(),
                false => None,
            };
        }
        if hand.claims_open > 0 {
            return None;
        }
        self.use_claims(destination, now)
    }

    /// Nothing is in hand: pick something, if it can go soon.
    fn begin(&mut self, destination: usize, now: Now) -> Option<Mono> {
        let worst = self.worst_for(destination)?;
        let d = &self.destinations[destination];
        if self.draining {
            return None;
        }
        if d.resume_at > now.mono {
            return Some(d.resume_at);
        }
        let waits = mutation::is(Mutation::AwayForgotten);
        if worst == Level::Critical && self.ledger.is_away(now.mono) && !waits {
            return self.begin_without_claims(destination, now);
        }
        if let Some(until) = self.ledger.rests_until(now.mono) {
            let away_at = self.ledger.away_at().filter(|at| *at > now.mono);
            let critical = worst == Level::Critical;
            return Some(away_at.filter(|_| critical).map_or(until, |at| at.min(until)));
        }
        match self.slot(destination, worst, now) {
            Err(wake) => wake,
            Ok(()) => {
                let ready_at = self.destinations[destination].pace.ready_at();
                if ready_at > now.mono {
                    return Some(ready_at);
                }
                self.start_claims(destination, now);
                let open = self.destinations[destination].in_hand.as_ref().map(|h| h.claims_open);
                match open {
                    // All that was picked had been told: there may be others.
                    Some(0) => self.use_claims(destination, now),
                    _ => None,
                }
            }
        }
    }

    /// The ledger has been away for long: the criticals go out at a pace that is this worker's
    /// share of the whole, because nobody can be asked for a slot.
    fn begin_without_claims(&mut self, destination: usize, now: Now) -> Option<Mono> {
        let d = &self.destinations[destination];
        let fleet = match mutation::is(Mutation::AwayPaceUndivided) {
            true => 1,
            false => self.settings.fleet,
        };
        let share = d.interval.saturating_mul(fleet);
        let turn = d.last_post_at.map_or(now.mono, |last| last.plus(share));
        let at = turn.max(d.ready_at()).max(d.slots.cell.closed_until(now).unwrap_or(turn));
        if at > now.mono {
            return Some(at);
        }
        self.report_ledger_away();
        if self.take_without_claims(destination, now) {
            self.send(destination, now);
        }
        None
    }

    /// The claims are in: post under them as soon as there is a slot.
    fn use_claims(&mut self, destination: usize, now: Now) -> Option<Mono> {
        self.release_late(destination, now);
        let Some(level) = self.level_in_hand(destination) else {
            self.destinations[destination].in_hand = None;
            return self.begin(destination, now);
        };
        // A slot that is being taken is gone, whoever uses it.
        let taking =
            matches!(self.destinations[destination].slots.call, Some(CellCall::Take { .. }));
        let overtaken = level < Level::Critical
            && !taking
            && self.worst_for(destination) == Some(Level::Critical);
        if overtaken || self.draining {
            self.release_all(destination, now);
            return self.begin(destination, now);
        }
        let wake = match self.slot(destination, level, now) {
            Err(wake) => wake?,
            Ok(()) => {
                let ready_at = self.destinations[destination].pace.ready_at();
                if ready_at <= now.mono {
                    self.take_slot(destination, 1, now);
                    return None;
                }
                ready_at
            }
        };
        if wake > now.mono.plus(HOLD_MAX) {
            self.release_all(destination, now);
        }
        Some(wake)
    }

    /// Whether a slot can be taken now. If not, what has to be done for one is ordered, and the
    /// error says when to ask again.
    fn slot(&mut self, destination: usize, level: Level, now: Now) -> Result<(), Option<Mono>> {
        let slots = &self.destinations[destination].slots;
        if slots.call.is_some() {
            return Err(None);
        }
        if slots.not_before > now.mono {
            return Err(Some(slots.not_before));
        }
        match slots.cell.step(level, now) {
            _ if mutation::is(Mutation::FleetPaceIgnored) => Ok(()),
            Step::Due => Ok(()),
            Step::Wait(until) => Err(Some(until)),
            Step::Look => {
                self.look(destination);
                Err(None)
            }
            Step::Write { expect, row } => {
                let call = CellCall::Reserve(Box::new(row.clone()));
                self.write_cell(destination, call, (expect, row));
                Err(None)
            }
        }
    }

    /// A `Retry-After` is for the whole fleet: it is written into the cell.
    fn tell_pause(&mut self, destination: usize, now: Now) -> Option<Mono> {
        let slots = &mut self.destinations[destination].slots;
        let until = slots.untold_pause?;
        if until <= now.mono {
            slots.untold_pause = None;
            return None;
        }
        if slots.call.is_some() {
            return None;
        }
        if slots.not_before > now.mono {
            return Some(slots.not_before);
        }
        match slots.cell.pause(until.since(now.mono), now) {
            Step::Look => self.look(destination),
            Step::Write { expect, row } => {
                let call = CellCall::Pause(Box::new(row.clone()));
                self.write_cell(destination, call, (expect, row));
            }
            Step::Due | Step::Wait(_) => slots.untold_pause = None,
        }
        None
    }

    fn take_slot(&mut self, destination: usize, tries: u32, now: Now) {
        let d = &self.destinations[destination];
        let Some(hand) = &d.in_hand else { return };
        let (expect, row) = d.slots.cell.take(&hand.digest, now.wall);
        let call = CellCall::Take { row: Box::new(row.clone()), asked_at: now.mono, tries };
        self.write_cell(destination, call, (expect, row));
    }

    fn look(&mut self, destination: usize) {
        let slots = &mut self.destinations[destination].slots;
        slots.call = Some(CellCall::Look);
        let key = slots.cell.key().clone();
        self.output.order(Order::Look { destination, key });
    }

    fn write_cell(
        &mut self,
        destination: usize,
        call: CellCall,
        (expect, row): (crate::policy::ledger::Expect, Row),
    ) {
        let slots = &mut self.destinations[destination].slots;
        slots.call = Some(call);
        let key = slots.cell.key().clone();
        self.output.order(Order::Reserve(CellOrder { destination, key, expect, row }));
    }

    pub(super) fn looked(
        &mut self,
        destination: usize,
        result: Result<Option<Row>, LedgerError>,
        now: Now,
    ) {
        self.destinations[destination].slots.call = None;
        match result {
            Ok(row) => self.saw_cell(destination, row, now),
            Err(error) => self.cell_failed(destination, error, now),
        }
    }

    pub(super) fn reserved(
        &mut self,
        destination: usize,
        result: Result<Written, LedgerError>,
        now: Now,
    ) {
        let slots = &mut self.destinations[destination].slots;
        let Some(call) = slots.call.take() else { return };
        let row = match (result, &call) {
            (Err(error), _) => return self.cell_failed(destination, error, now),
            (Ok(Written::Lost(row)), _) => return self.saw_cell(destination, row, now),
            (Ok(Written::Done), CellCall::Look) => return,
            (
                Ok(Written::Done),
                CellCall::Reserve(row) | CellCall::Pause(row) | CellCall::Take { row, .. },
            ) => (**row).clone(),
        };
        if let CellCall::Pause(_) = call {
            slots.untold_pause = None;
        }
        // The monotonic clock of a machine that slept meanwhile stood still, the other one did not.
        let by_the_row = row.sent_at.map_or(Duration::ZERO, |began| now.wall.since(began));
        self.saw_cell(destination, Some(row), now);
        if let CellCall::Take { asked_at, tries, .. } = call {
            let took = now.mono.since(asked_at).max(by_the_row);
            self.slot_taken(destination, took, tries, now);
        }
    }

    fn slot_taken(&mut self, destination: usize, took: Duration, tries: u32, now: Now) {
        if self.draining {
            return self.release_all(destination, now);
        }
        if took > FRESH && tries < TAKES_MAX {
            return self.take_slot(destination, tries + 1, now);
        }
        self.send(destination, now);
    }

    fn saw_cell(&mut self, destination: usize, row: Option<Row>, now: Now) {
        let slots = &mut self.destinations[destination].slots;
        slots.failures = 0;
        slots.cell.saw(row, now.mono);
        self.ledger_worked(now);
    }

    fn cell_failed(&mut self, destination: usize, error: LedgerError, now: Now) {
        self.ledger.failed(now.mono, error.0.kind, self.timers.retry());
        let d = &mut self.destinations[destination];
        d.slots.cell.doubt();
        d.slots.failures += 1;
        let delay = self.timers.retry_delay(d.slots.failures).min(HOLD_MAX);
        d.slots.not_before = now.mono.plus(delay);
        self.output.report(Report::LedgerFailed {
            call: "pace",
            finding: None,
            destination: Some(d.name.clone()),
            reason: error.as_str(),
            detail: error.to_string(),
            delay,
        });
    }

    fn release_all(&mut self, destination: usize, now: Now) {
        if let Some(hand) = self.destinations[destination].in_hand.take() {
            for won in hand.won {
                self.release(won, false, AfterRelease::Wait, now);
            }
        }
    }
}
