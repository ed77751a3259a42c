//! A desk whose life is one call of a function: it knows when it ends, ends earlier if nothing can
//! be told before, sends everything back for when it is due, and leaves to the next desk in the same
//! process what it has learned.

use std::time::Duration;

use crate::instants::{Mono, Now};
use crate::policy::recent::Recent;

use super::canary::Allowance;
use super::destination::Destination;
use super::health::LedgerHealth;
use super::order::DeliveryId;
use super::prefetch::Looks;
use super::{Desk, Stage};

/// What a desk has learned that holds beyond its life: pace, breakers, the ledger's health, and what
/// was told lately. It goes with the process's monotonic clock and the configuration. What was told
/// takes [`Recent::BYTES_MAX`] at the most, the rest a few kilobytes.
pub struct Memory {
    destinations: Vec<Destination>,
    ledger: LedgerHealth,
    recent: Recent,
    looks: Looks,
    canaries: Allowance,
    /// Numbers go on, because owners and posts are named by them.
    next_id: u64,
}

impl Desk {
    /// Takes over what an earlier desk of this process has learned. For a desk that is new.
    pub fn remember(&mut self, memory: Memory) {
        if memory.destinations.len() == self.destinations.len() {
            self.destinations = memory.destinations;
        }
        self.ledger = memory.ledger;
        self.recent = memory.recent;
        self.looks = memory.looks;
        self.canaries = memory.canaries;
        self.next_id = memory.next_id;
    }

    /// What the next desk has to know.
    pub fn into_memory(self) -> Memory {
        let Desk { mut destinations, ledger, recent, mut looks, canaries, next_id, .. } = self;
        destinations.iter_mut().for_each(Destination::end);
        looks.end();
        Memory { destinations, ledger, recent, looks, canaries, next_id }
    }

    /// How many alerts share a post at most.
    pub fn lines_max(&self) -> usize {
        self.settings.capacity.lines_max
    }

    /// The longest of the least times between two posts.
    pub fn slowest_pace(&self) -> Duration {
        self.destinations.iter().map(|d| d.interval).max().unwrap_or_default()
    }

    /// The end of its life has come, or nothing of what it has can be told before.
    pub(super) fn is_at_its_end(&self, now: Now) -> bool {
        let Some(end) = self.settings.ends_at else { return false };
        now.mono >= end || (!self.deliveries.is_empty() && self.rests_until(now) > Some(end))
    }

    /// When something can be told, if all that it has waits for a time; None if something moves.
    fn rests_until(&self, now: Now) -> Option<Mono> {
        let moves = |stage: &Stage| !matches!(stage, Stage::Waiting);
        let calls = self.destinations.iter().any(|d| d.slots.call.is_some());
        let receives =
            self.lanes.iter().any(|l| l.receiving > 0 || !l.empty && self.may_receive(l.lane));
        if calls
            || receives
            || self.looks.under_way()
            || self.alerts.values().any(|n| moves(&n.stage))
        {
            return None;
        }
        let waiting = (0..self.destinations.len()).filter(|d| self.worst_for(*d).is_some());
        let posts = waiting.map(|d| self.opens_at(d, now));
        posts.chain(self.timers.first_but_heartbeats()).min()
    }

    /// When a destination may be posted to, as far as is known.
    fn opens_at(&self, destination: usize, now: Now) -> Mono {
        let d = &self.destinations[destination];
        let ledger = self.ledger.rests_until(now.mono).unwrap_or(now.mono);
        d.ready_at().max(self.timers.pace_slot(destination).unwrap_or(now.mono)).max(ledger)
    }

    /// For how long a delivery goes back when this desk ends. A worker that lives on elsewhere may
    /// have it at once; a call that comes at once would only find what this one found.
    pub(super) fn due_in(&self, id: DeliveryId, now: Now) -> Duration {
        if self.settings.ends_at.is_none() {
            return Duration::ZERO;
        }
        let owes = self.alerts.iter().filter(|(_, n)| n.delivery == id);
        let due = owes.map(|(alert, n)| {
            let d = &self.destinations[n.destination];
            let before = d.ready.worst_first().position(|rank| rank.1.1 == *alert).unwrap_or(0);
            let posts = before / self.settings.capacity.lines_max.max(1);
            let posts = u32::try_from(posts).unwrap_or(u32::MAX);
            let opens = self.opens_at(n.destination, now).since(now.mono);
            opens.saturating_add(d.interval.saturating_mul(posts))
        });
        due.min().unwrap_or_default().min(DUE_MAX)
    }
}

/// Nothing is sent back for longer: the next call may find that all is well again.
const DUE_MAX: Duration = Duration::from_secs(120);

impl Destination {
    /// What was under way when the desk ended is nobody's now.
    fn end(&mut self) {
        self.ready.clear();
        self.in_hand = None;
        self.slots.not_before = Mono(0);
        if self.slots.call.take().is_some() {
            self.slots.cell.doubt();
        }
    }
}
