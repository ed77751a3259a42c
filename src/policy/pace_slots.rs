//! The pace of a whole fleet: for each destination one [`PaceRecord`] in the ledger, from which all
//! workers reserve their posts. The pace of this process alone is [`super::pace`].
//!
//! The record says when the last slot was taken or a pause began, and for how long nobody may post
//! after that. A worker takes a slot only when it is due, by a write that expects the record as it
//! was last read. Of two workers one wins, and the other learns what the record says now. A worker
//! that finds the slot not due yet reserves it, so that workers take turns. A critical finding
//! overrules a reservation for a lesser one.
//!
//! No two clocks need to agree. The record states lengths of time. Every worker counts them from
//! the moment at which it *read* the record, which is never before the moment at which it was
//! written. Only a record so old that even the slowest clock calls it over is not waited for.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::finding::Level;
use crate::instants::{Mono, Now, Wall};
use crate::mutation::{self, Mutation};

use super::ledger::Terms;
use super::record::{Expect, NextSlot, PaceRecord, RecordKey, Versioned};

/// A worker loses a reserved slot that it has not taken within this time after it was due.
const GRACE: Duration = Duration::from_millis(500);
/// The longest pause that counts, whatever the record says. Slack's own are minutes at most.
const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// How often to read whether another worker's reservation has been used. For a lesser finding the
/// first read comes up to so long after the slot is due.
const READ_EVERY: Duration = Duration::from_millis(200);

/// One worker's knowledge of the pace at one destination.
pub struct PaceSlots {
    key: RecordKey,
    /// This worker, as the record names it.
    me: String,
    /// The least time between two slots. Before a lesser post it is a quarter longer.
    interval: Duration,
    terms: Terms,
    known: Option<Known>,
}

struct Known {
    record: Option<PaceRecord>,
    /// When this worker first saw the slot or the pause that the record states.
    closed_at: Mono,
    /// When this worker last read the record.
    read_at: Mono,
    /// A write since then was not answered: nobody knows whether it took effect.
    doubtful: bool,
}

/// What to do about the next slot.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// As far as is known it can be taken now.
    Due,
    /// Nothing is known, or it may have changed: read the record.
    Read,
    /// Reserve it, by this write.
    Write { expect: Expect, record: PaceRecord },
    /// Ask again then.
    Wait(Mono),
}

impl PaceSlots {
    /// `interval` is the least time between two posts, and `me` this worker.
    pub fn new(destination: &str, me: &str, interval: Duration, terms: Terms) -> PaceSlots {
        let key = RecordKey::pace(destination);
        PaceSlots { key, me: me.to_owned(), interval, terms, known: None }
    }

    pub fn key(&self) -> &RecordKey {
        &self.key
    }

    /// What a worker with an alert of this level does next.
    pub fn step(&self, level: Level, now: Now) -> Step {
        let Some(known) = self.sure() else { return Step::Read };
        let Some(record) = &known.record else { return Step::Due };
        let mine = record.worker() == self.me;
        match record.reserved_for() {
            Some(by) if !mine && !overrules(level, by) => {
                self.after_another(known, record, by, level, now)
            }
            reserved => self.own_turn(known, record, reserved.filter(|_| mine), level, now),
        }
    }

    /// Another worker has reserved the slot, for an alert of level `by`.
    fn after_another(
        &self,
        known: &Known,
        record: &PaceRecord,
        by: Level,
        level: Level,
        now: Now,
    ) -> Step {
        let turn = self.due(known, record, by, now);
        if now.mono >= turn.plus(GRACE) {
            return Step::Due;
        }
        let again = known.read_at.plus(READ_EVERY);
        // With a critical finding it reads all the time: the slot may be taken before it seems due
        // from here, and the worker that took it would be the first to want the next.
        let read = match level {
            Level::Critical => again,
            _ => again.max(turn.plus(self.phase(record))),
        };
        if read <= now.mono { Step::Read } else { Step::Wait(read) }
    }

    /// No other worker has reserved the slot. `reserved`: this worker has.
    fn own_turn(
        &self,
        known: &Known,
        record: &PaceRecord,
        reserved: Option<Level>,
        level: Level,
        now: Now,
    ) -> Step {
        let due = self.due(known, record, level, now);
        if due <= now.mono {
            return Step::Due;
        }
        if let Some(by) = reserved {
            return match overrules(level, by) {
                true => self.reserve(record, level),
                false => Step::Wait(due),
            };
        }
        let open_by_me = record.reserved_for().is_none() && record.worker() == self.me;
        if !open_by_me {
            return self.reserve(record, level);
        }
        // The worker that had the last slot leaves the next one to others, if there are any. With a
        // critical finding it asks for it a moment later than they do.
        let others_first = known.closed_at.plus(READ_EVERY + READ_EVERY);
        match level {
            Level::Critical if now.mono >= others_first => self.reserve(record, level),
            Level::Critical => Step::Wait(due.min(others_first)),
            _ => Step::Wait(due),
        }
    }

    /// Until when nobody may post, as far as this worker knows. Used while the record can't be
    /// read.
    pub fn closed_until(&self, now: Now) -> Option<Mono> {
        let known = self.known.as_ref()?;
        let record = known.record.as_ref()?;
        Some(self.due(known, record, Level::Critical, now))
    }

    /// When the slot is due for an alert of this level.
    fn due(&self, known: &Known, record: &PaceRecord, level: Level, now: Now) -> Mono {
        let all = level == Level::Critical || mutation::is(Mutation::ShareIgnored);
        let share = if all { Duration::ZERO } else { self.interval / 4 };
        let length = record.closed_until.since(record.closed_from).min(PAUSE_MAX);
        let seen = known.closed_at.plus(length + share);
        // By then the slot is over for every worker, however wrong the clocks are.
        let over = record.closed_until.plus(self.terms.skew + share);
        match now.wall < over {
            true => seen.min(now.mono.plus(over.since(now.wall))),
            false => seen.min(Mono(now.mono.0.saturating_sub(millis(now.wall.since(over))))),
        }
    }

    /// The worker that reads first after a slot was taken reserves the next one. So that this is
    /// not always the same worker, each reads a little later or earlier from one slot to the next.
    fn phase(&self, record: &PaceRecord) -> Duration {
        let mut hasher = DefaultHasher::new();
        (&self.me, record.fence).hash(&mut hasher);
        READ_EVERY.mul_f64((hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64)
    }

    fn reserve(&self, seen: &PaceRecord, level: Level) -> Step {
        let record = PaceRecord {
            next: NextSlot::Reserved { by: self.me.clone(), level },
            fence: seen.fence.saturating_add(1),
            ..seen.clone()
        };
        Step::Write { expect: seen.as_seen(), record }
    }

    /// Takes the slot for the post `post_id`, now.
    pub fn take(&self, post_id: &str, now: Wall) -> (Expect, PaceRecord) {
        self.close(self.interval, post_id, now)
    }

    /// Keeps everybody from posting for so long. [`Step::Due`]: the record says so already, or
    /// more.
    pub fn pause(&self, length: Duration, now: Now) -> Step {
        let Some(known) = self.sure() else { return Step::Read };
        let record = known.record.as_ref();
        let closed = record.map(|record| self.due(known, record, Level::Critical, now));
        if closed >= Some(now.mono.plus(length)) {
            return Step::Due;
        }
        let last = record.map_or("", |record| record.last_post_id.as_str());
        let (expect, record) = self.close(length, last, now.wall);
        Step::Write { expect, record }
    }

    fn close(&self, length: Duration, post_id: &str, now: Wall) -> (Expect, PaceRecord) {
        let seen = self.known.as_ref().and_then(|known| known.record.as_ref());
        let record = PaceRecord {
            next: NextSlot::Open { closed_by: self.me.clone() },
            closed_from: now,
            closed_until: now.plus(length),
            last_post_id: post_id.to_owned(),
            fence: seen.map_or(1, |record| record.fence.saturating_add(1)),
            expires_at: self.terms.expiry(now),
        };
        (seen.map_or(Expect::Absent, PaceRecord::as_seen), record)
    }

    /// Takes over the record after a write that took effect, or after a read.
    pub fn saw(&mut self, record: Option<PaceRecord>, now: Mono) {
        let same = |a: &PaceRecord, b: &PaceRecord| {
            a.closed_from == b.closed_from
                && a.closed_until == b.closed_until
                && a.last_post_id == b.last_post_id
        };
        let closed_at = match (&self.known, &record) {
            (Some(Known { record: Some(old), closed_at, .. }), Some(new)) if same(old, new) => {
                *closed_at
            }
            _ => now,
        };
        self.known = Some(Known { record, closed_at, read_at: now, doubtful: false });
    }

    /// A write was not answered. The next step reads the record.
    pub fn doubt(&mut self) {
        if let Some(known) = &mut self.known {
            known.doubtful = true;
        }
    }

    fn sure(&self) -> Option<&Known> {
        self.known.as_ref().filter(|known| !known.doubtful)
    }
}

/// An alert of this level overrules a reservation for one of level `by`.
fn overrules(level: Level, by: Level) -> bool {
    level == Level::Critical && by < Level::Critical
}

fn millis(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
