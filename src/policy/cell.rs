//! The pace of a fleet: for each destination one row in the ledger, from which all workers reserve
//! their posts.
//!
//! The row says when the last slot was taken, or a pause began, and for how long nobody may post
//! after that. A slot is taken only when it is due, by a write that expects the row as it was last
//! seen: of two workers one wins, and the other learns what the row says now. Whoever finds the
//! slot not due yet reserves it, so that workers take turns, and a critical finding overrules the
//! reservation for a lesser one.
//!
//! No two clocks need to agree. The row tells lengths of time, and every worker counts them from the
//! moment at which it *saw* the row, which is never before the moment at which it was written. Only
//! a row so old that even the worst clock calls it over is not waited for.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::finding::Level;
use crate::instants::{Mono, Now, Wall};
use crate::mutation::{self, Mutation};

use super::ledger::{Expect, RecordKey, Row, State, Terms, blank};

/// In place of a fingerprint. No fingerprint looks like this: they have four parts.
pub const CELL: &str = "pace";
/// Whoever has reserved a slot and has not taken it by so long after it was due has lost it.
const GRACE: Duration = Duration::from_millis(500);
/// No pause is longer, whatever the row says. Slack's own are at most minutes.
const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// How often to look whether another's reservation has been used. For a lesser finding the first
/// look comes up to so long after the slot is due.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The row of a destination's cell.
pub fn key(destination: &str) -> RecordKey {
    RecordKey { fingerprint: CELL.to_owned(), destination: destination.to_owned() }
}

/// What one worker knows of one destination's cell.
pub struct Cell {
    key: RecordKey,
    /// This worker, as the row's owner.
    me: String,
    /// The least time between two slots, of which lesser posts use four fifths.
    interval: Duration,
    terms: Terms,
    known: Option<Known>,
}

struct Known {
    row: Option<Row>,
    /// When the slot or the pause that the row speaks of was first seen.
    closed_at: Mono,
    /// When the row was last looked at.
    looked_at: Mono,
    /// A write since then was not answered: nobody knows whether it took effect.
    doubtful: bool,
}

/// What to do about the next slot.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// As far as is known it can be taken now.
    Due,
    /// Nothing is known, or what is known may have changed: read the row.
    Look,
    /// Reserve it, by this write.
    Write { expect: Expect, row: Row },
    /// Ask again then.
    Wait(Mono),
}

impl Cell {
    /// The cell of a destination. `interval` is the least time between two posts.
    pub fn new(destination: &str, me: &str, interval: Duration, terms: Terms) -> Cell {
        let key = key(destination);
        Cell { key, me: me.to_owned(), interval, terms, known: None }
    }

    pub fn key(&self) -> &RecordKey {
        &self.key
    }

    /// What a worker with an alert of this level is to do.
    pub fn step(&self, level: Level, now: Now) -> Step {
        let Some(known) = self.sure() else { return Step::Look };
        let Some(row) = &known.row else { return Step::Due };
        let reserved = row.level_claimed.filter(|_| row.state == State::Claimed);
        let mine = row.owner == self.me;
        match reserved {
            Some(by) if !mine && (by == Level::Critical || level < Level::Critical) => {
                let turn = self.due(known, row, by, now);
                if now.mono >= turn.plus(GRACE) {
                    return Step::Due;
                }
                let again = known.looked_at.plus(LOOK_EVERY);
                // With a critical finding it looks all the time: the slot may be taken before it
                // seems due from here, and whoever took it would be the first to want the next.
                let look = match level {
                    Level::Critical => again,
                    _ => again.max(turn.plus(self.phase(row))),
                };
                if look <= now.mono { Step::Look } else { Step::Wait(look) }
            }
            _ => {
                let due = self.due(known, row, level, now);
                if due <= now.mono {
                    return Step::Due;
                }
                // Whoever had the last slot leaves the next one to others, if there are any; with
                // a critical finding it asks for it a moment later than they do.
                let others_first = known.closed_at.plus(LOOK_EVERY + LOOK_EVERY);
                match reserved {
                    Some(by) if mine && (by == Level::Critical || level < Level::Critical) => {
                        Step::Wait(due)
                    }
                    None if mine && level < Level::Critical => Step::Wait(due),
                    None if mine && now.mono < others_first => Step::Wait(due.min(others_first)),
                    _ => self.reserve(row, level),
                }
            }
        }
    }

    /// Until when nobody may post, as far as this worker knows: for when the row can't be asked.
    pub fn closed_until(&self, now: Now) -> Option<Mono> {
        let known = self.known.as_ref()?;
        let row = known.row.as_ref()?;
        Some(self.due(known, row, Level::Critical, now))
    }

    /// When the slot is due for an alert of this level.
    fn due(&self, known: &Known, row: &Row, level: Level, now: Now) -> Mono {
        let all = level == Level::Critical || mutation::is(Mutation::ShareIgnored);
        let share = if all { Duration::ZERO } else { self.interval / 4 };
        let began = row.sent_at.unwrap_or(row.lease_until);
        let length = row.lease_until.since(began).min(PAUSE_MAX);
        let seen = known.closed_at.plus(length + share);
        // However wrong the clocks: by then it is over for everybody.
        let over = row.lease_until.plus(self.terms.skew + share);
        match now.wall < over {
            true => seen.min(now.mono.plus(over.since(now.wall))),
            false => seen.min(Mono(now.mono.0.saturating_sub(millis(now.wall.since(over))))),
        }
    }

    /// Whoever looks first after a slot was taken reserves the next one. So that this is not always
    /// the same worker, each looks a little later or earlier from one slot to the next.
    fn phase(&self, row: &Row) -> Duration {
        let mut hasher = DefaultHasher::new();
        (&self.me, row.fence).hash(&mut hasher);
        LOOK_EVERY.mul_f64((hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64)
    }

    fn reserve(&self, row: &Row, level: Level) -> Step {
        let reserved = Row {
            state: State::Claimed,
            owner: self.me.clone(),
            fence: row.fence.saturating_add(1),
            level_claimed: Some(level),
            ..row.clone()
        };
        Step::Write { expect: as_seen(Some(row)), row: reserved }
    }

    /// Takes the slot for a post, now. `digest` is the post's id.
    pub fn take(&self, digest: &str, now: Wall) -> (Expect, Row) {
        self.close(self.interval, digest, now)
    }

    /// Keeps everybody from posting for so long. [`Step::Due`]: the row says so already, or more.
    pub fn pause(&self, length: Duration, now: Now) -> Step {
        let Some(known) = self.sure() else { return Step::Look };
        let row = known.row.as_ref();
        let closed = row.map(|row| self.due(known, row, Level::Critical, now));
        if closed >= Some(now.mono.plus(length)) {
            return Step::Due;
        }
        let last = row.map_or("", |row| row.digest.as_str());
        let (expect, row) = self.close(length, last, now.wall);
        Step::Write { expect, row }
    }

    fn close(&self, length: Duration, digest: &str, now: Wall) -> (Expect, Row) {
        let seen = self.known.as_ref().and_then(|known| known.row.as_ref());
        let row = Row {
            owner: self.me.clone(),
            fence: seen.map_or(1, |row| row.fence.saturating_add(1)),
            lease_until: now.plus(length),
            sent_at: Some(now),
            digest: digest.to_owned(),
            expires_at: self.terms.expiry(now),
            ..blank(0)
        };
        (as_seen(seen), row)
    }

    /// A write took effect, or the row was looked at: this is how it is.
    pub fn saw(&mut self, row: Option<Row>, now: Mono) {
        let slot = |row: &Row| (row.sent_at, row.lease_until, row.digest.clone());
        let same = |a: &Row, b: &Row| slot(a) == slot(b);
        let closed_at = match (&self.known, &row) {
            (Some(Known { row: Some(old), closed_at, .. }), Some(new)) if same(old, new) => {
                *closed_at
            }
            _ => now,
        };
        self.known = Some(Known { row, closed_at, looked_at: now, doubtful: false });
    }

    /// A write was not answered: look before anything else.
    pub fn doubt(&mut self) {
        if let Some(known) = &mut self.known {
            known.doubtful = true;
        }
    }

    fn sure(&self) -> Option<&Known> {
        self.known.as_ref().filter(|known| !known.doubtful)
    }
}

fn millis(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}

fn as_seen(row: Option<&Row>) -> Expect {
    row.map_or(Expect::Absent, Row::as_seen)
}

#[cfg(test)]
mod tests;
