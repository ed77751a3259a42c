//! The desk: a bounded buffer between queue, ledger and Slack, which decides what to do next.

mod alert;
mod alerts;
mod back_pressure;
mod buffer;
mod buffer_full;
mod canary;
mod context;
mod deliveries;
mod delivery;
mod destination;
mod drain;
mod event;
mod heartbeat;
mod ids;
mod intake;
mod lambda_lifetime;
mod lanes;
mod ledger;
mod marking;
mod order;
mod outbox;
mod output;
mod ready;
mod report;
mod report_log;
mod settings;
mod snapshot;
mod tally;
mod timers;
mod walk;
pub mod worker;

use std::time::Duration;

use crate::instants::{Mono, Now};
use crate::ports::{Delivery, Lane, QueueError};

pub use event::Event;
pub use ids::{AlertId, DeliveryId};
pub use lambda_lifetime::Memory;
pub use order::{
    ClaimOrder, ClaimOutcome, HidePurpose, Order, PaceOrder, RecordOrder, RecordOutcome, ToRecord,
    WriteOrder,
};
pub use report::{KnownFrom, Report, ReturnReason};
pub use settings::{Capacity, DrainTerms, Settings};
pub use snapshot::{DestinationSnapshot, Snapshot};
pub use tally::Tally;

use back_pressure::BackPressure;
use buffer::Buffer;
use buffer_full::{BufferFull, Outranked};
use canary::Allowance;
use context::Shared;
use destination::Destinations;
use destination::notes::Notes;
use drain::Drain;
use intake::Intake;
use lambda_lifetime::Outlook;
use lanes::Lanes;
use ledger::LedgerState;
use marking::Marking;
use snapshot::View;

/// A state machine without I/O that carries findings from the queue to Slack.
///
/// The desk makes no call and reads no clock. Its caller reports each event with its time, and
/// carries out the orders that it returns; [`worker`] is that caller. So the same code runs on SQS,
/// on SQLite, and in a simulation where a day takes milliseconds.
///
/// ```text
///            ┌ can't be parsed ──────────────────────▶ quarantine ─▶ delete
/// delivery ──┼ below every threshold ────────────────▶ delete
///            └ owed ─▶ alerts: waiting ─▶ claim ─▶ post ─▶ mark ─▶ delete, when all are done
///                        ▲                   │        │
///                        └──── release ◀─────┴────────┘   busy, too old, draining ─▶ return
/// ```
///
/// # How to drive it
///
/// There are four kinds of methods. Call them in this order, again and again:
///
/// 1. Output: [`Desk::orders`] returns the calls to make now, and [`Desk::take_reports`] the events
///    to log. Start each order. Do not wait for it before the next call.
/// 2. State: [`Desk::finished`] says that nothing is left to do. End the loop then.
/// 3. Time: [`Desk::wake_at`] is when the desk needs attention if nothing happens before. Sleep
///    until then, or until an order is answered. At that time call `orders` again.
/// 4. Input: [`Desk::on`] takes an [`Event`]: the answer to an order, the end of the input, or the
///    wish to stop. Each order is answered by exactly one event, in any order. Several events may
///    follow each other before `orders` is called.
///
/// Every method with a time expects one that is not before the time of an earlier call.
///
/// # Parts
///
/// Each part owns its state, and gets what else it needs as arguments. `mod.rs` dispatches, and
/// `walk.rs` moves one alert from part to part.
///
/// | part | owns |
/// |---|---|
/// | `Shared` | settings, timers, output, and whether the desk drains |
/// | `Buffer` | deliveries with their heartbeats and queue calls, alerts and their states |
/// | `Destinations` | for each its pace slot, its breaker and the post in hand |
/// | `Notes` | the outage and the closed findings of each destination, for its next post |
/// | `LedgerState` | the health of the ledger, known records, the prefetch |
/// | `Lanes` | receives in flight |
/// | `Outranked` | messages that returned to make place for others |
/// | `Allowance` | canaries that were posted lately |
/// | `Drain` | the end of a run that ends by itself |
pub struct Desk {
    shared: Shared,
    buffer: Buffer,
    destinations: Destinations,
    notes: Notes,
    ledger: LedgerState,
    lanes: Lanes,
    outranked: Outranked,
    canaries: Allowance,
    drain: Drain,
}

impl Desk {
    pub fn new(settings: Settings, now: Now) -> Desk {
        let destinations = Destinations::new(&settings);
        Desk {
            buffer: Buffer::new(destinations.len()),
            notes: Notes::new(&settings, destinations.len(), now.mono),
            ledger: LedgerState::new(settings.seed),
            lanes: Lanes::new(&settings.lanes, now.mono),
            outranked: Outranked::default(),
            canaries: Allowance::default(),
            drain: Drain::default(),
            shared: Shared::new(settings, now),
            destinations,
        }
    }

    /// Takes over the knowledge of an earlier desk of this process. Call it on a new desk only.
    pub fn remember(&mut self, memory: Memory) {
        if memory.destinations.len() == self.destinations.len() {
            self.destinations = memory.destinations;
            self.notes = memory.notes;
        }
        self.ledger = memory.ledger;
        self.canaries = memory.canaries;
        self.shared.ids = memory.ids;
    }

    /// Returns the knowledge that the next desk of this process starts with.
    pub fn into_memory(self) -> Memory {
        let Desk { destinations, notes, ledger, canaries, shared, .. } = self;
        Memory { destinations, notes, ledger, canaries, ids: shared.ids }.end_calls()
    }

    /// Applies an event.
    pub fn on(&mut self, event: Event, now: Now) {
        let cx = &mut self.shared.at(now);
        match event {
            Event::Received { lane, result } => self.received(lane, result, now),
            Event::Measured { result, .. } => self.drain.measured(result.as_ref().ok()),
            Event::Claimed { alert, outcome } => self.claimed(alert, outcome, now),
            Event::Prefetched { result } => self.prefetched(result, now),
            Event::Joined { write, result } => self.joined(&write, &result, now),
            Event::PaceRead { destination, result } => {
                let slot = &mut self.destinations[destination].slot;
                slot.was_read(result, &mut self.ledger.health, cx);
            }
            Event::Reserved { destination, result } => self.pace_written(destination, result, now),
            Event::Posted { destination, verdict } => self.posted(destination, verdict, now),
            Event::Marked { alert, result } => self.marking(now).marked(alert, result),
            Event::Recorded { alert, outcome } => self.marking(now).recorded(alert, outcome),
            Event::Released { alert, result } => self.released(alert, result, now),
            Event::Deleted { results } => {
                let deliveries = &mut self.buffer.deliveries;
                results.into_iter().for_each(|(id, result)| deliveries.deleted(id, result, cx));
            }
            Event::Hidden { purpose: HidePurpose::Keep, results } => {
                let deliveries = &mut self.buffer.deliveries;
                for (id, result) in results {
                    heartbeat::answered(id, result, deliveries, cx);
                }
            }
            Event::Hidden { purpose: HidePurpose::Return, results } => {
                let deliveries = &mut self.buffer.deliveries;
                results.into_iter().for_each(|(id, result)| deliveries.returned(id, result, cx));
            }
            Event::Quarantined { delivery, result } => {
                self.buffer.deliveries.quarantined(delivery, result, cx);
            }
            Event::Refreshed { destination, result } => self.refreshed(destination, result, now),
            Event::InputClosed => self.drain.close_input(),
            Event::Stop => self.stop(now),
        }
    }

    /// Returns the orders for now. Call it until it returns none, then wait for an event or
    /// for [`Desk::wake_at`].
    pub fn orders(&mut self, now: Now) -> Vec<Order> {
        self.fire_timers(now);
        let LedgerState { prefetch, health, .. } = &mut self.ledger;
        let without = prefetch.order(&self.buffer.alerts, health, &mut self.shared.at(now));
        without.into_iter().for_each(|id| self.end_prefetch(id, now));
        // Dead destinations come first. A due retry needs an alert before the fallback takes them
        // all.
        for dead in [true, false] {
            for i in 0..self.destinations.len() {
                if self.destinations[i].breaker.is_dead() == dead {
                    self.drive(i, now);
                }
            }
        }
        self.buffer_full(now).make_place();
        if !self.shared.draining && self.is_at_its_end(now) {
            self.stop(now);
        }
        self.end_if_done(now);
        self.buffer.deliveries.flush(&mut self.shared.at(now));
        self.receive(now);
        self.shared.output.take_orders()
    }

    /// When to ask for orders again if nothing happens before.
    pub fn wake_at(&self) -> Option<Mono> {
        let pressure = self.back_pressure();
        let open = (0..self.lanes.len()).filter(|i| pressure.may_receive_more(*i));
        let receive = open.map(|i| self.lanes.not_before(i)).min();
        self.shared.timers.next(receive).map(|(at, _)| at)
    }

    /// True when nothing is left to do. After [`Event::Stop`] that is when nothing is held. A run
    /// that ends by itself also ends when the queues are empty, or when nothing moves any more.
    pub fn finished(&self) -> bool {
        let unannounced = self.destinations.iter().any(|d| d.slot.has_pause_to_announce());
        let nothing_held = self.buffer.deliveries.is_empty();
        self.drain.is_finished() || (self.shared.draining && nothing_held && !unannounced)
    }

    /// The desk was asked to stop, or gave up, and finishes what is in hand.
    pub fn is_draining(&self) -> bool {
        self.shared.draining
    }

    /// The run was to end with the queues empty, but nothing moved for too long.
    pub fn gave_up(&self) -> bool {
        self.drain.gave_up()
    }

    /// The number of deliveries that are held.
    pub fn held(&self) -> usize {
        self.buffer.deliveries.len()
    }

    pub fn tally(&self) -> &Tally {
        self.shared.output.tally()
    }

    pub fn take_reports(&mut self) -> Vec<Report> {
        self.shared.output.take_reports()
    }

    /// The state of the desk at this moment. Its cost grows with what is held.
    pub fn snapshot(&self, now: Now) -> Snapshot {
        let Desk { shared, buffer, destinations, ledger, lanes, .. } = self;
        Snapshot::of(&View { shared, buffer, destinations, health: &ledger.health, lanes }, now)
    }

    /// The most alerts that share a post.
    pub fn lines_max(&self) -> usize {
        self.shared.settings.capacity.lines_max
    }

    /// The longest of the least times between two posts.
    pub fn slowest_pace(&self) -> Duration {
        self.destinations.slowest_pace()
    }

    fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    fn received(&mut self, lane: Lane, result: Result<Vec<Delivery>, QueueError>, now: Now) {
        let Some(i) = self.lanes.index(lane) else { return };
        let batch = match result {
            Ok(batch) => batch,
            Err(error) => {
                return self.lanes.receive_failed(i, &error, &mut self.shared.at(now));
            }
        };
        self.lanes.received(i, batch.len(), now.mono);
        if !batch.is_empty() {
            self.drain.reset();
        }
        let mut intake = Intake {
            buffer: &mut self.buffer,
            destinations: &self.destinations,
            ledger: &mut self.ledger,
            canaries: &mut self.canaries,
            cx: self.shared.at(now),
        };
        let (findings, bytes) = intake.receive(batch);
        self.lanes.took_up(i, findings, bytes);
    }

    fn refreshed(&mut self, destination: usize, result: Result<bool, String>, now: Now) {
        let d = &mut self.destinations[destination];
        d.breaker.address_reread(&result, now.mono);
        let destination = d.name().to_owned();
        self.shared.output.report(Report::AddressReread { destination, result });
    }

    fn receive(&mut self, now: Now) {
        for i in 0..self.lanes.len() {
            while self.lanes.not_before(i) <= now.mono && self.back_pressure().may_receive_more(i) {
                let ask = self.lanes.receive(i, &self.shared.settings);
                self.shared.output.order(Order::Receive(ask));
            }
        }
    }

    /// Finishes what is in hand, and returns the rest.
    fn stop(&mut self, now: Now) {
        self.shared.draining = true;
        self.shared.timers.stop();
        if drain::is_forgotten() {
            return;
        }
        self.marking(now).retry_all();
        for id in self.buffer.deliveries.ids() {
            let due = drain::return_delay(self.due_in(id, now));
            let cx = &mut self.shared.at(now);
            self.buffer.return_delivery(id, ReturnReason::Draining, due, &mut self.notes, cx);
        }
    }

    /// Whether a desk with a lifetime ends now: its time is over, or nothing can be posted before.
    fn is_at_its_end(&self, now: Now) -> bool {
        let Some(end) = self.shared.settings.ends_at else { return false };
        let pressure = self.back_pressure();
        let receives = (0..self.lanes.len()).any(|i| {
            let brings = || !self.lanes.is_empty(i) && pressure.may_receive(self.lanes.lane(i));
            self.lanes.receiving(i) > 0 || brings()
        });
        let under_way = receives || self.ledger.prefetch.is_under_way();
        let (alerts, destinations) = (&self.buffer.alerts, &self.destinations);
        let outlook = Outlook { alerts, destinations, health: &self.ledger.health };
        let rests_beyond = || !under_way && outlook.rests_until(&self.shared, now.mono) > Some(end);
        now.mono >= end || (!self.buffer.deliveries.is_empty() && rests_beyond())
    }

    /// Ends a run that ends by itself, when everything is done or nothing moves.
    fn end_if_done(&mut self, now: Now) {
        let Some(terms) = self.shared.settings.drain else { return };
        if self.drain.is_input_open() {
            self.shared.timers.progressed(now.mono);
        }
        if self.shared.timers.is_patience_over(now.mono) {
            self.drain.give_up();
            self.stop(now);
        }
        let quiet = !self.drain.is_input_open()
            && !self.shared.draining
            && self.buffer.deliveries.is_empty()
            && self.lanes.are_all_empty();
        if quiet && self.drain.is_measurement_due(terms.measurements) {
            self.drain.measure(self.lanes.len());
            let lanes = self.lanes.measure();
            lanes.into_iter().for_each(|lane| self.shared.output.order(Order::Measure(lane)));
        }
    }

    fn back_pressure(&self) -> BackPressure<'_> {
        let Desk { shared, buffer, destinations, lanes, .. } = self;
        let (settings, draining) = (&shared.settings, shared.draining);
        BackPressure { settings, buffer, destinations, lanes, draining }
    }

    fn buffer_full(&mut self, now: Now) -> BufferFull<'_> {
        BufferFull {
            buffer: &mut self.buffer,
            destinations: &self.destinations,
            notes: &mut self.notes,
            outranked: &mut self.outranked,
            lanes: &self.lanes,
            ledger_fails: self.ledger.health.is_failing(),
            cx: self.shared.at(now),
        }
    }

    fn marking(&mut self, now: Now) -> Marking<'_> {
        Marking {
            buffer: &mut self.buffer,
            destinations: &self.destinations,
            notes: &mut self.notes,
            ledger: &mut self.ledger,
            cx: self.shared.at(now),
        }
    }
}
