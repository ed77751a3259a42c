//! The lifetime of a desk in one Lambda call.
//!
//! Such a desk knows when it ends. It ends earlier if nothing can be posted before. It returns
//! every message for the time when it is due, and leaves what it learned to the next desk of the
//! process.

use std::time::Duration;

use crate::instants::Mono;

use super::alerts::Alerts;
use super::canary::Allowance;
use super::context::{Context, Shared};
use super::destination::Destinations;
use super::destination::notes::Notes;
use super::destination::select::Select;
use super::ids::{DeliveryId, Ids};
use super::ledger::LedgerState;
use super::ledger::health::Health;
use super::timers::Timers;

/// The longest delay of a message that returns when the desk ends. The next call may find that all
/// is well again.
const DUE_MAX: Duration = Duration::from_secs(120);

/// What a desk has learned that holds beyond its lifetime: pace, breakers, the health of the ledger
/// and the records seen lately. It belongs to the monotonic clock of this process and to its
/// configuration. The records take [`crate::policy::recent::Recent::BYTES_MAX`] at most, the rest a
/// few kilobytes.
pub struct Memory {
    pub(super) destinations: Destinations,
    pub(super) notes: Notes,
    pub(super) ledger: LedgerState,
    pub(super) canaries: Allowance,
    pub(super) ids: Ids,
}

impl Memory {
    /// The calls that were under way have ended with the desk.
    pub(super) fn end_calls(mut self) -> Memory {
        self.destinations.end();
        self.ledger.end();
        self
    }
}

/// When alerts can be posted, as far as the desk knows.
pub(super) struct Outlook<'a> {
    pub alerts: &'a Alerts,
    pub destinations: &'a Destinations,
    pub health: &'a Health,
}

impl Outlook<'_> {
    /// The delay of a delivery that returns when this desk ends. Another worker may have it at
    /// once. The next Lambda call would find only what this call found, so there it has a delay.
    pub fn due_in(&self, id: DeliveryId, cx: &Context<'_>) -> Duration {
        if cx.settings.ends_at.is_none() {
            return Duration::ZERO;
        }
        let due = self.alerts.of(id).map(|(alert, n)| {
            let mut ready = self.alerts.ready(n.destination).most_severe_first();
            let before = ready.position(|rank| rank.1.1 == alert).unwrap_or(0);
            let posts = before / cx.settings.capacity.lines_max.max(1);
            let posts = u32::try_from(posts).unwrap_or(u32::MAX);
            let opens_at = self.opens_at(n.destination, cx.timers, cx.now.mono);
            let interval = self.destinations[n.destination].interval();
            opens_at.since(cx.now.mono).saturating_add(interval.saturating_mul(posts))
        });
        due.min().unwrap_or_default().min(DUE_MAX)
    }

    /// When the first post or timer can be expected, if nothing is under way. Heartbeats don't
    /// count. None if an alert is in hand.
    pub fn rests_until(&self, shared: &Shared, now: Mono) -> Option<Mono> {
        let in_hand = self.alerts.iter().any(|(_, alert)| !alert.is_waiting());
        let calls = self.destinations.iter().any(|d| d.slot.is_call_under_way());
        if in_hand || calls {
            return None;
        }
        let (alerts, destinations) = (self.alerts, self.destinations);
        let select = Select { alerts, destinations, settings: &shared.settings };
        let waiting = (0..destinations.len()).filter(|i| select.most_severe_for(*i).is_some());
        let posts = waiting.map(|i| self.opens_at(i, &shared.timers, now));
        posts.chain(shared.timers.first_but_heartbeats()).min()
    }

    /// When a destination may be posted to.
    fn opens_at(&self, destination: usize, timers: &Timers, now: Mono) -> Mono {
        let ledger = self.health.rests_until(now).unwrap_or(now);
        let slot = timers.pace_slot(destination).unwrap_or(now);
        self.destinations[destination].ready_at().max(slot).max(ledger)
    }
}
