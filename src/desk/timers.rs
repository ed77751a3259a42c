//! All timers of the desk in one place. Each names the reason of its wake-up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::instants::Mono;
use crate::policy::retry::Retry;

use super::ids::{AlertId, DeliveryId};
use super::settings::{RETRY_FIRST, RETRY_MAX, Settings};

/// The reason of a wake-up. Timers of the same time fire in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The heartbeat of a delivery: it is hidden again.
    Heartbeat(DeliveryId),
    /// A retry of the call that settles a delivery.
    Finish(DeliveryId),
    /// The delay of an alert is over, and it may be posted.
    Ready(AlertId),
    /// The alert has waited long enough for its prefetch.
    PrefetchPatience(AlertId),
    /// A retry of the write that records a post.
    RetryMark(AlertId),
    /// The destination with this index has something to do, for example because a slot is due.
    PaceSlot(usize),
    Receive,
    /// Deletes that do not fill a call go out.
    Deletes,
    /// A run that ends by itself gives up, because nothing has moved for so long.
    DrainPatience,
    /// The lifetime of the desk ends.
    EndOfLife,
}

impl Timer {
    /// The last timer of this kind at one time.
    const LAST_HEARTBEAT: Timer = Timer::Heartbeat(DeliveryId(u64::MAX));
}

pub(super) struct Timers {
    /// Timers that fire once: those of deliveries and alerts.
    once: BTreeSet<(Mono, Timer)>,
    pace_slots: BTreeMap<usize, Mono>,
    deletes: Option<Mono>,
    patience: Option<Duration>,
    last_progress: Mono,
    end_of_life: Option<Mono>,
    /// The delays before retries, whose random part comes from the seed of the desk.
    retry: Retry,
}

impl Timers {
    pub fn new(settings: &Settings, now: Mono) -> Timers {
        Timers {
            once: BTreeSet::new(),
            pace_slots: BTreeMap::new(),
            deletes: None,
            patience: settings.drain.map(|terms| terms.patience),
            last_progress: now,
            end_of_life: settings.ends_at,
            retry: Retry::new(RETRY_FIRST, RETRY_MAX, settings.seed),
        }
    }

    /// The next wake-up and its reason. `receive` is the time of the next receive: it depends on
    /// the free space of the buffer, so its owner computes it.
    pub fn next(&self, receive: Option<Mono>) -> Option<(Mono, Timer)> {
        let slots = self.pace_slots.iter().map(|(i, at)| (*at, Timer::PaceSlot(*i)));
        let named = [
            (receive, Timer::Receive),
            (self.deletes, Timer::Deletes),
            (self.gives_up_at(), Timer::DrainPatience),
            (self.end_of_life, Timer::EndOfLife),
        ];
        let named = named.into_iter().filter_map(|(at, timer)| Some((at?, timer)));
        self.once.first().copied().into_iter().chain(slots).chain(named).min()
    }

    pub fn set(&mut self, at: Mono, timer: Timer) {
        self.once.insert((at, timer));
    }

    /// Takes the first timer of a delivery or an alert that is due.
    pub fn pop_due(&mut self, now: Mono) -> Option<Timer> {
        let (at, _) = self.once.first()?;
        if *at > now {
            return None;
        }
        self.once.pop_first().map(|(_, timer)| timer)
    }

    /// Cancels a timer. True if it was set.
    pub fn cancel(&mut self, at: Mono, timer: Timer) -> bool {
        self.once.remove(&(at, timer))
    }

    /// The heartbeats that are due until then, in the order of their times.
    pub fn heartbeats_until(&self, until: Mono) -> Vec<(Mono, DeliveryId)> {
        let soon = self.once.range(..=(until, Timer::LAST_HEARTBEAT));
        soon.filter_map(|(at, timer)| match timer {
            Timer::Heartbeat(id) => Some((*at, *id)),
            _ => None,
        })
        .collect()
    }

    /// The first timer of a delivery or an alert that is no heartbeat.
    pub fn first_but_heartbeats(&self) -> Option<Mono> {
        let others = self.once.iter().filter(|(_, timer)| !matches!(timer, Timer::Heartbeat(_)));
        others.map(|(at, _)| *at).next()
    }

    pub fn set_pace_slot(&mut self, destination: usize, at: Option<Mono>) {
        match at {
            Some(at) => self.pace_slots.insert(destination, at),
            None => self.pace_slots.remove(&destination),
        };
    }

    /// When the destination has something to do, if nothing happens before.
    pub fn pace_slot(&self, destination: usize) -> Option<Mono> {
        self.pace_slots.get(&destination).copied()
    }

    pub fn set_deletes(&mut self, at: Option<Mono>) {
        self.deletes = at;
    }

    pub fn deletes(&self) -> Option<Mono> {
        self.deletes
    }

    /// A message was settled or posted, or will be at this time.
    pub fn progressed(&mut self, at: Mono) {
        self.last_progress = self.last_progress.max(at);
    }

    /// True when nothing has moved for longer than the patience of a drain.
    pub fn is_patience_over(&self, now: Mono) -> bool {
        self.patience.is_some_and(|patience| now.since(self.last_progress) >= patience)
    }

    fn gives_up_at(&self) -> Option<Mono> {
        self.patience.map(|patience| self.last_progress.plus(patience))
    }

    /// The desk drains: it neither gives up nor ends a second time.
    pub fn stop(&mut self) {
        self.patience = None;
        self.end_of_life = None;
    }

    /// The delay before the next retry, after so many failures in a row (at least 1).
    pub fn retry_delay(&mut self, failures: u32) -> Duration {
        self.retry.delay(failures)
    }

    pub fn retry(&mut self) -> &mut Retry {
        &mut self.retry
    }
}
