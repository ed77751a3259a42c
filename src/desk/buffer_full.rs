//! A full buffer: which messages return to the queue, so that others find a place.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::finding::Level;
use crate::instants::{Mono, Now};
use crate::mutation::{self, Mutation};
use crate::ports::{Lane, QUEUE_BATCH_MAX};

use super::alert::Alert;
use super::back_pressure::BackPressure;
use super::buffer::Buffer;
use super::context::Context;
use super::destination::notes::Notes;
use super::destination::{Destination, Destinations};
use super::ids::DeliveryId;
use super::lanes::Lanes;
use super::report::ReturnReason;
use super::settings::RETRY_FIRST;

/// The delay of a message whose destinations are unreachable, when others need its place.
const UNREACHABLE_DELAY: Duration = Duration::from_secs(30 * 60);
/// The most receives of a message with a shorter delay, after its destination named a time.
const SHORT_DELAY_RECEIVES: u32 = 3;
/// How many messages of unreachable destinations return at a time.
const BATCH: usize = 5 * QUEUE_BATCH_MAX;
/// The bounds of the delay of an outranked message. It returns about when its turn comes.
const OUTRANKED_MIN: Duration = Duration::from_secs(5);
const OUTRANKED_MAX: Duration = Duration::from_secs(15 * 60);
/// A message with this number of receives stays. One more could move it to the dead-letter queue.
const OUTRANKED_RECEIVES_MAX: u32 = 20;

/// Messages that returned as outranked and have not come back: the part of the backlog that this
/// worker knows and does not hold.
#[derive(Default)]
pub(super) struct Outranked(Vec<OutrankedBatch>);

/// Messages that returned together.
struct OutrankedBatch {
    until: Mono,
    messages: usize,
    /// For each destination the number of alerts in them.
    alerts: Vec<usize>,
}

impl Outranked {
    fn still_out(&mut self, now: Now) -> impl Iterator<Item = &OutrankedBatch> {
        self.0.retain(|batch| batch.until > now.mono);
        self.0.iter()
    }

    fn messages(&mut self, now: Now) -> usize {
        self.still_out(now).map(|batch| batch.messages).sum()
    }

    /// How many alerts in them are for this destination.
    pub fn alerts_for(&mut self, destination: usize, now: Now) -> usize {
        self.still_out(now).filter_map(|batch| batch.alerts.get(destination)).sum()
    }
}

/// The facts that decide whether a delivery gives up its place.
#[derive(Clone, Copy)]
struct Standing {
    most_severe: Level,
    /// Nothing of it is in hand.
    waits: bool,
    /// None of its alerts can be posted soon.
    unreachable: bool,
}

/// The parts of the desk that free places in the buffer.
pub(super) struct BufferFull<'a> {
    pub buffer: &'a mut Buffer,
    pub destinations: &'a Destinations,
    pub notes: &'a mut Notes,
    pub outranked: &'a mut Outranked,
    pub lanes: &'a Lanes,
    pub ledger_fails: bool,
    pub cx: Context<'a>,
}

impl BufferFull<'_> {
    /// Returns messages step by step if the buffer is full and others need their places. A message
    /// that is being returned counts as a free place.
    pub fn make_place(&mut self) {
        let now = self.cx.now.mono;
        let soon = |d: &Destination| d.is_soon(now);
        if self.cx.draining || !self.destinations.iter().any(soon) {
            return;
        }
        // With every destination well the deliveries need not be searched.
        let some_unreachable = !self.destinations.iter().all(soon);
        if some_unreachable && self.needs_place(Lane::Standard) {
            self.return_unreachable();
        }
        // A Lambda call holds all that there is, and messages come in order.
        let more_may_come = self.cx.settings.ends_at.is_none();
        if more_may_come && self.needs_place(self.lanes.lane(0)) {
            self.return_outranked();
        }
    }

    fn needs_place(&self, lane: Lane) -> bool {
        let (buffer, destinations, lanes) = (&*self.buffer, self.destinations, self.lanes);
        let (settings, draining) = (self.cx.settings, self.cx.draining);
        let pressure = BackPressure { settings, buffer, destinations, lanes, draining };
        !buffer.deliveries.is_returning() && !pressure.has_place(lane)
    }

    /// Returns messages of unreachable destinations for a while, so that they don't fill the buffer
    /// and stop the others. With no other destination to serve they stay, because every delivery
    /// counts towards the queue's limit. The least severe return first: the rest is posted as soon
    /// as the destination works again.
    fn return_unreachable(&mut self) {
        for id in self.least_severe(BATCH, |_, standing| standing.unreachable) {
            let delay = self.unreachable_delay(id);
            self.return_delivery(id, ReturnReason::DestinationUnreachable, delay);
        }
    }

    /// A destination that asked for a pause named its end. But the queue counts every receive, so
    /// that a message must not come and go all the time.
    fn unreachable_delay(&self, id: DeliveryId) -> Duration {
        let count = self.buffer.deliveries.get(id).map_or(0, |held| held.receive_count);
        if count > SHORT_DELAY_RECEIVES {
            return UNREACHABLE_DELAY;
        }
        let owed = self.buffer.alerts.of(id).map(|(_, n)| &self.destinations[n.destination]);
        let delays = owed.map(|d| match d.breaker.is_breaker_open() {
            true => UNREACHABLE_DELAY,
            // A little more, so that the message does not come back a moment too early.
            false => (d.ready_at().since(self.cx.now.mono) + RETRY_FIRST).min(UNREACHABLE_DELAY),
        });
        delays.min().unwrap_or(UNREACHABLE_DELAY)
    }

    /// Returns the least severe messages, the youngest first, until their turn may have come. A
    /// full buffer must not keep out a more severe message, and only a receive shows which messages
    /// come next.
    fn return_outranked(&mut self) {
        let deliveries = &self.buffer.deliveries;
        let often = |id| {
            deliveries.get(id).is_some_and(|held| held.receive_count >= OUTRANKED_RECEIVES_MAX)
        };
        let least =
            self.least_severe(QUEUE_BATCH_MAX, |id, standing| !stays(standing) && !often(id));
        if least.is_empty() {
            return;
        }
        let turn = self.turn_of_the_next();
        let mut alerts = vec![0; self.destinations.len()];
        let leaves = |n: &&Alert| least.contains(&n.delivery);
        let leaving = self.buffer.alerts.iter().map(|(_, n)| n).filter(leaves);
        leaving.for_each(|n| alerts[n.destination] += 1);
        let until = self.cx.now.mono.plus(turn);
        self.outranked.0.push(OutrankedBatch { until, messages: least.len(), alerts });
        for id in least {
            self.return_delivery(id, ReturnReason::Outranked, turn);
        }
    }

    /// The estimated time to post all known waiting alerts in full digests.
    fn turn_of_the_next(&mut self) -> Duration {
        let known = self.buffer.deliveries.findings() + self.outranked.messages(self.cx.now);
        let settings = self.cx.settings;
        let posts = known / settings.capacity.lines_max.max(1);
        if self.ledger_fails {
            // Nobody knows when its turn comes, and the queue counts each receive.
            return UNREACHABLE_DELAY;
        }
        let posts = u32::try_from(posts).unwrap_or(u32::MAX);
        let slowest = self.destinations.slowest_pace();
        let turn = slowest.saturating_mul(posts).saturating_mul(settings.fleet);
        turn.clamp(OUTRANKED_MIN, OUTRANKED_MAX)
    }

    /// The least severe of the deliveries that wait and are `meant`, the youngest first.
    fn least_severe(
        &self,
        most: usize,
        meant: impl Fn(DeliveryId, &Standing) -> bool,
    ) -> Vec<DeliveryId> {
        let mut least: Vec<(Level, Reverse<DeliveryId>)> = self
            .standings()
            .into_iter()
            .filter(|(id, standing)| standing.waits && meant(*id, standing))
            .map(|(id, standing)| (standing.most_severe, Reverse(id)))
            .collect();
        least.sort_unstable();
        if mutation::is(Mutation::OutrankedMostSevere) {
            least.reverse();
        }
        least.into_iter().take(most).map(|(_, Reverse(id))| id).collect()
    }

    fn standings(&self) -> BTreeMap<DeliveryId, Standing> {
        let mut all: BTreeMap<DeliveryId, Standing> = BTreeMap::new();
        for (_, alert) in self.buffer.alerts.iter() {
            let level = alert.level();
            let standing = all.entry(alert.delivery).or_insert(Standing {
                most_severe: level,
                waits: true,
                unreachable: true,
            });
            standing.most_severe = standing.most_severe.max(level);
            standing.waits &= alert.is_waiting();
            standing.unreachable &= self.is_unreachable(alert);
        }
        all
    }

    /// Neither its destination nor, if that is dead, its fallback can be posted to soon.
    fn is_unreachable(&self, alert: &Alert) -> bool {
        let now = self.cx.now.mono;
        let own = &self.destinations[alert.destination];
        let stand_in = own.fallback().filter(|_| own.breaker.is_dead()).filter(|&other| {
            !self.cx.settings.routes.owes(other, &alert.finding)
                && self.destinations[other].is_soon(now)
        });
        !own.is_soon(now) && stand_in.is_none()
    }

    fn return_delivery(&mut self, id: DeliveryId, reason: ReturnReason, delay: Duration) {
        self.buffer.return_delivery(id, reason, delay, self.notes, &mut self.cx);
    }
}

/// A critical alert is never returned to free a place for others.
fn stays(standing: &Standing) -> bool {
    standing.most_severe == Level::Critical && !mutation::is(Mutation::OutrankedMostSevere)
}
