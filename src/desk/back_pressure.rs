//! The bounded buffer: when more may be received, and what goes back to make room.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::finding::{self, Level};
use crate::instants::{Mono, Now};
use crate::mutation::{self, Mutation};
use crate::ports::{Lane, QUEUE_BATCH_MAX};

use super::destination::Destination;
use super::order::DeliveryId;
use super::report::ReturnReason;
use super::{Alert, Desk, LaneState, RETRY_FIRST, Stage};

/// A message whose destinations can't be posted to is given back for so long when room is needed.
const AWAY_DELAY: Duration = Duration::from_secs(30 * 60);
/// So often it may come back sooner, where it is known when its destination is back.
const AWAY_SHORT_RECEIVES: u32 = 3;
/// How many messages are given back at a time to make room.
const BATCH: usize = 5 * QUEUE_BATCH_MAX;
/// The part of the buffer that only the express lane may use, where there is one: one in so many.
const EXPRESS_SHARE: usize = 8;
/// What was outranked comes back when its turn may have come.
const OUTRANKED_MIN: Duration = Duration::from_secs(5);
const OUTRANKED_MAX: Duration = Duration::from_secs(15 * 60);
/// A message that was received so often stays, or the queue would take it for one that can't be
/// processed.
const OUTRANKED_RECEIVES_MAX: u32 = 20;

/// What was given back as outranked and has not come back: the backlog that can't be seen from here.
#[derive(Default)]
pub(super) struct Outranked {
    /// What comes back when.
    back: Vec<Gone>,
}

/// Messages that were given back together.
struct Gone {
    until: Mono,
    messages: usize,
    /// How many alerts in them are for each destination.
    alerts: Vec<usize>,
}

impl Outranked {
    fn out_there(&mut self, now: Now) -> impl Iterator<Item = &Gone> {
        self.back.retain(|gone| gone.until > now.mono);
        self.back.iter()
    }

    /// How many messages are out there now.
    fn unseen(&mut self, now: Now) -> usize {
        self.out_there(now).map(|gone| gone.messages).sum()
    }

    /// How many alerts in them are for this destination.
    pub fn unseen_for(&mut self, destination: usize, now: Now) -> usize {
        self.out_there(now).filter_map(|gone| gone.alerts.get(destination)).sum()
    }
}

/// How a delivery stands when room is needed.
#[derive(Clone, Copy)]
struct Standing {
    worst: Level,
    /// Nothing of it is in hand.
    waits: bool,
    /// Nothing of it can be posted now.
    away: bool,
}

impl Desk {
    /// With every breaker open nothing more is taken on: what waits in the queue is safe there, and
    /// is not counted as received. But a breaker is closed only by a post, so there must be
    /// something to try each of them with.
    pub(super) fn may_receive(&self, lane: Lane) -> bool {
        let all_open = self.destinations.iter().all(Destination::is_open);
        let holding = all_open && (0..self.destinations.len()).all(|i| self.has_something_for(i));
        let holding = holding && !mutation::is(Mutation::BreakerKeepsReceiving);
        !self.draining && !holding && self.has_room(lane)
    }

    /// Whether one more receive of this lane may be ordered beside those that are under way. Each is
    /// taken to bring as much as the last one did, and there has to be room for one more of every lane
    /// besides, so that those beside the first keep nobody out.
    pub(super) fn may_receive_more(&self, state: &LaneState) -> bool {
        match state.receiving {
            0 => self.may_receive(state.lane),
            n if n >= state.abreast => false,
            _ if mutation::is(Mutation::ReceivesWithoutRoom) => true,
            _ => {
                let more = |state: &LaneState| state.receiving.max(1) + 1;
                let all = self.lanes.iter().map(more).sum::<usize>();
                let took_up = self.lanes.iter().map(|l| l.took_up);
                let (findings, bytes) = took_up.fold((QUEUE_BATCH_MAX, 0), |most, lane| {
                    (most.0.max(lane.0), most.1.max(lane.1))
                });
                let kept = self.kept(state.lane);
                let (findings_max, bytes_max) =
                    (self.settings.findings_max, self.settings.bytes_max);
                self.may_receive(state.lane)
                    && self.findings_held + all * findings + kept(findings_max) <= findings_max
                    && self.bytes_held + all * bytes + kept(bytes_max) <= bytes_max
            }
        }
    }

    fn receives_under_way(&self) -> usize {
        self.lanes.iter().map(|l| l.receiving).sum()
    }

    fn has_something_for(&self, channel: usize) -> bool {
        let told_here = |n: &Alert| n.channel == channel && !n.is_canarys_row();
        self.worst_for(channel).is_some() || self.alerts.values().any(told_here)
    }

    /// Whether a receive from this lane may bring something. A part of the buffer is kept for the
    /// express lane, so that a desk full of lesser findings still hears of the worst.
    fn has_room(&self, lane: Lane) -> bool {
        let kept = self.kept(lane);
        let (findings, bytes) = (self.settings.findings_max, self.settings.bytes_max);
        let in_flight = self.receives_under_way() * QUEUE_BATCH_MAX;
        self.findings_held + in_flight + QUEUE_BATCH_MAX <= findings - kept(findings)
            && self.bytes_held < bytes - kept(bytes)
    }

    /// How much of the whole this lane must leave to the express lane.
    fn kept(&self, lane: Lane) -> impl Fn(usize) -> usize + use<> {
        let kept = lane == Lane::Standard && self.lanes.len() > 1;
        move |whole| if kept { whole / EXPRESS_SHARE } else { 0 }
    }

    /// A batch may bring more than the room that was kept for it: giants, or messages with many
    /// findings. What is too much is taken up again when there is room.
    pub(super) fn is_overfull(&self) -> bool {
        self.bytes_held > self.settings.bytes_max + finding::MAX_BYTES
            || self.findings_held > self.settings.findings_max + finding::MAX_FINDINGS
    }

    /// Gives back what others need the room of, in steps: what is on its way back makes room.
    pub(super) fn make_room(&mut self, now: Now) {
        if self.draining || !self.destinations.iter().any(|d| d.is_soon(now.mono)) {
            return;
        }
        // On most nights nothing is away, and all that waits need not be gone through to find none of it.
        let some_away = self.destinations.iter().any(|d| !d.is_soon(now.mono));
        if some_away && self.returning == 0 && !self.has_room(Lane::Standard) {
            self.give_back_what_is_away(now);
        }
        // What a call of a function has been handed is all there is, and comes in order.
        let unseen = self.settings.ends_at.is_none();
        if unseen && self.returning == 0 && !self.has_room(self.lanes[0].lane) {
            self.give_back_the_least(now);
        }
    }

    /// A destination that is away must not fill the buffer and so stop the others: what waits for
    /// such ones alone goes back for a while. With nobody else to serve it stays here, because
    /// every delivery counts towards the queue's limit. The least goes first: what stays is told as
    /// soon as the destination works again.
    fn give_back_what_is_away(&mut self, now: Now) {
        for id in self.least_of(BATCH, now, |_, s| s.away) {
            let delay = self.away_for(id, now);
            self.give_back(id, ReturnReason::DestinationAway, delay, now);
        }
    }

    /// A destination that has only been asked to pause says when it is back; but every receive is
    /// counted by the queue, so that a message does not come and go all the time.
    fn away_for(&self, id: DeliveryId, now: Now) -> Duration {
        let count = self.deliveries.get(&id).map_or(0, |held| held.receive_count);
        if count > AWAY_SHORT_RECEIVES {
            return AWAY_DELAY;
        }
        let owed = self.alerts.values().filter(|n| n.delivery == id);
        let away = owed.map(|n| &self.destinations[n.destination]).map(|d| match d.is_open() {
            true => AWAY_DELAY,
            // A little more, so that it does not come back a moment too early.
            false => (d.ready_at().since(now.mono) + RETRY_FIRST).min(AWAY_DELAY),
        });
        away.min().unwrap_or(AWAY_DELAY)
    }

    /// Of the deliveries that wait and are `meant`, the least, the youngest first.
    fn least_of(
        &self,
        most: usize,
        now: Now,
        meant: impl Fn(DeliveryId, &Standing) -> bool,
    ) -> Vec<DeliveryId> {
        let standing = self.standing(now).into_iter();
        let mut least: Vec<(Level, Reverse<DeliveryId>)> = standing
            .filter(|(id, s)| s.waits && meant(*id, s))
            .map(|(id, s)| (s.worst, Reverse(id)))
            .collect();
        least.sort_unstable();
        if mutation::is(Mutation::OutrankedTheWorst) {
            least.reverse();
        }
        least.into_iter().take(most).map(|(_, Reverse(id))| id).collect()
    }

    /// A full buffer must not keep out what is worse than all in it, and to find out what comes is
    /// to receive it. So the least go back, the youngest first, until their turn may have come.
    fn give_back_the_least(&mut self, now: Now) {
        let often = |held: &super::Held| held.receive_count >= OUTRANKED_RECEIVES_MAX;
        let least = self.least_of(QUEUE_BATCH_MAX, now, |id, s| {
            let stays = s.worst == Level::Critical && !mutation::is(Mutation::OutrankedTheWorst);
            !stays && !self.deliveries.get(&id).is_some_and(often)
        });
        if least.is_empty() {
            return;
        }
        let Some(turn) = self.turn_of_the_next(now) else { return };
        let mut alerts = vec![0; self.destinations.len()];
        let leaves = |n: &&Alert| least.contains(&n.delivery);
        self.alerts.values().filter(leaves).for_each(|n| alerts[n.destination] += 1);
        let until = now.mono.plus(turn);
        self.outranked.back.push(Gone { until, messages: least.len(), alerts });
        for id in least {
            self.give_back(id, ReturnReason::Outranked, turn, now);
        }
    }

    /// About how long until what is known to wait has been told, in digests that are full.
    fn turn_of_the_next(&mut self, now: Now) -> Option<Duration> {
        let known = self.findings_held + self.outranked.unseen(now);
        let posts = known / self.settings.capacity.lines_max.max(1);
        if self.ledger.is_failing() {
            // Nobody knows when its turn comes, and each receive is counted.
            return Some(AWAY_DELAY);
        }
        let slowest = self.slowest_pace();
        let posts = u32::try_from(posts).unwrap_or(u32::MAX);
        let turn = slowest.saturating_mul(posts).saturating_mul(self.settings.fleet);
        Some(turn.clamp(OUTRANKED_MIN, OUTRANKED_MAX))
    }

    fn standing(&self, now: Now) -> BTreeMap<DeliveryId, Standing> {
        let mut all: BTreeMap<DeliveryId, Standing> = BTreeMap::new();
        for alert in self.alerts.values() {
            let level = alert.finding.severity.level;
            let standing = all.entry(alert.delivery).or_insert(Standing {
                worst: level,
                waits: true,
                away: true,
            });
            standing.worst = standing.worst.max(level);
            standing.waits &= matches!(alert.stage, Stage::Waiting);
            standing.away &= self.is_away(alert, now);
        }
        all
    }

    /// Neither its destination nor, if that is dead, its fallback can be posted to soon.
    fn is_away(&self, alert: &Alert, now: Now) -> bool {
        let own = &self.destinations[alert.destination];
        let stand_in = own.fallback.filter(|_| own.dead).filter(|&other| {
            !self.settings.routes.admits(other, &alert.finding.severity)
                && self.destinations[other].is_soon(now.mono)
        });
        !own.is_soon(now.mono) && stand_in.is_none()
    }
}
