//! The last posts that this worker knows of: those that it marked itself, and those that it has
//! read from the ledger. A duplicate that is recognised here costs no call of the ledger.
//!
//! The ledger is the authority. So this cache is bounded in number and in age, and it says nothing
//! about an alert that it does not hold.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use crate::finding::Level;
use crate::instants::Now;
use crate::mutation::{self, Mutation};

use super::ledger::{LastPost, RecordKey, Terms, Want};

/// The number of alerts in each of two generations. When the younger one is full, the older one is
/// dropped. Together they take [`Recent::BYTES_MAX`] at most.
const GENERATION: usize = 7_000;
/// An older entry is read from the ledger again. A record that an operator deletes by hand may
/// count as there for this time.
pub const SURE_FOR: Duration = Duration::from_secs(3600);

/// A record key in 16 bytes: two hashes of it. Each process draws keys of its own for them, so that
/// nobody can search for two alerts that share a name.
type Name = [u64; 2];

#[derive(Clone, Copy)]
struct Entry {
    last: LastPost,
    learned: Now,
}

/// See the module's text.
#[derive(Default)]
pub struct Recent {
    hashes: [RandomState; 2],
    young: HashMap<Name, Entry>,
    old: HashMap<Name, Entry>,
}

impl Recent {
    /// How many alerts are kept, at most.
    pub const KEPT_MAX: usize = 2 * GENERATION;
    /// How many bytes they take: a table has eight places for seven entries, and a byte for each.
    pub const BYTES_MAX: usize =
        2 * (GENERATION * 8 / 7).next_power_of_two() * (size_of::<(Name, Entry)>() + 1);

    /// The ledger has a record with this last post. An entry of a later record stays: each write of
    /// a record moves its expiry on.
    pub fn learn(&mut self, key: &RecordKey, last: LastPost, now: Now) {
        let name = self.name(key);
        if self.entry(&name).is_some_and(|known| known.last.expires_at > last.expires_at) {
            return;
        }
        if self.young.len() >= GENERATION && !self.young.contains_key(&name) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&name);
        self.young.insert(name, Entry { last, learned: now });
    }

    /// Forgets the record, because it has changed.
    pub fn forget(&mut self, key: &RecordKey) {
        let name = self.name(key);
        self.young.remove(&name);
        self.old.remove(&name);
    }

    /// The level at which the alert was posted, if that is enough, and if it was learned so lately
    /// that the ledger need not be asked. The age is the greater one of both clocks, as one of them
    /// may have stood still.
    pub fn already_posted(
        &self,
        key: &RecordKey,
        want: &Want<'_>,
        terms: &Terms,
        now: Now,
    ) -> Option<Level> {
        let Entry { last, learned } = self.entry(&self.name(key))?;
        let age = now.mono.since(learned.mono).max(now.wall.since(learned.wall));
        let sure = age <= SURE_FOR || mutation::is(Mutation::MemoryNeverAges);
        (sure && last.already_posted(want, terms, now.wall)).then_some(last.level)
    }

    /// Like [`Recent::already_posted`], with entries of any age. Used while the ledger is
    /// unreachable.
    pub fn already_posted_at_any_age(
        &self,
        key: &RecordKey,
        want: &Want<'_>,
        terms: &Terms,
        now: Now,
    ) -> Option<Level> {
        let last = &self.entry(&self.name(key))?.last;
        last.already_posted(want, terms, now.wall).then_some(last.level)
    }

    fn name(&self, key: &RecordKey) -> Name {
        self.hashes.each_ref().map(|hash| hash.hash_one(key))
    }

    fn entry(&self, name: &Name) -> Option<&Entry> {
        self.young.get(name).or_else(|| self.old.get(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instants::{Mono, Wall};

    const TERMS: Terms = Terms {
        lease: Duration::from_secs(45),
        skew: Duration::from_secs(5),
        retention: Duration::from_secs(3 * 3600),
        remind_after: Some(Duration::from_secs(1800)),
    };

    fn key(i: usize) -> RecordKey {
        RecordKey::alert(format!("f{i}"), "d")
    }

    fn at(seconds: i64) -> Now {
        Now { wall: Wall(seconds * 1000), mono: Mono(seconds as u64 * 1000) }
    }

    fn last(level: Level, sent: i64) -> LastPost {
        LastPost {
            level,
            revision: Some(Wall(0)),
            due_at: Some(Wall((sent + 1800) * 1000)),
            expires_at: Wall((sent + 3 * 3600) * 1000),
        }
    }

    fn want(level: Level, revision: i64) -> Want<'static> {
        Want { owner: "w", level, revision: Some(Wall(revision)) }
    }

    #[test]
    fn knows_what_the_record_says_for_an_hour() {
        let mut recent = Recent::default();
        recent.learn(&key(0), last(Level::High, 0), at(0));
        let posted = |level, revision, now| {
            recent.already_posted(&key(0), &want(level, revision), &TERMS, at(now)).is_some()
        };
        for (level, revision, now, known) in [
            (Level::High, 0, 0, true),
            (Level::Medium, 0, 3600, true),
            (Level::High, 0, 3601, false),
            (Level::Critical, 0, 1, false),
            // A newer finding is due after half an hour, an old one is not.
            (Level::High, 1, 1799, true),
            (Level::High, 1, 1800, false),
            (Level::High, 0, 1800, true),
        ] {
            assert_eq!(posted(level, revision, now), known, "{level} {revision} {now}");
        }
        assert_eq!(recent.already_posted(&key(1), &want(Level::Low, 0), &TERMS, at(0)), None);
        let long =
            recent.already_posted_at_any_age(&key(0), &want(Level::High, 0), &TERMS, at(3 * 3600));
        assert_eq!(long, Some(Level::High));
        let expired = recent.already_posted_at_any_age(
            &key(0),
            &want(Level::High, 0),
            &TERMS,
            at(3 * 3600 + 1),
        );
        assert_eq!(expired, None);
    }

    #[test]
    fn age_is_that_of_the_clock_that_went_on() {
        let mut recent = Recent::default();
        recent.learn(&key(0), last(Level::High, 0), at(0));
        for (wall, mono, known) in [(3601, 10, false), (10, 3601, false), (-50, 20, true)] {
            let now = Now { wall: Wall(wall * 1000), mono: Mono(mono * 1000) };
            let posted = recent.already_posted(&key(0), &want(Level::High, 0), &TERMS, now);
            assert_eq!(posted.is_some(), known, "{wall} {mono}");
        }
    }

    #[test]
    fn a_later_record_stays_until_it_is_forgotten() {
        let mut recent = Recent::default();
        recent.learn(&key(0), last(Level::High, 100), at(100));
        recent.learn(&key(0), last(Level::Medium, 50), at(101));
        let posted = |recent: &Recent| {
            recent.already_posted(&key(0), &want(Level::High, 0), &TERMS, at(102))
        };
        assert_eq!(posted(&recent), Some(Level::High), "a prefetch brought an earlier record");
        recent.learn(&key(0), last(Level::Critical, 102), at(102));
        assert_eq!(posted(&recent), Some(Level::Critical));
        recent.forget(&key(0));
        assert_eq!(posted(&recent), None);
    }

    #[test]
    fn the_number_is_bounded_and_the_oldest_are_dropped() {
        let mut recent = Recent::default();
        for i in 0..3 * Recent::KEPT_MAX {
            recent.learn(&key(i), last(Level::High, i as i64), at(0));
            assert!(recent.young.len() + recent.old.len() <= Recent::KEPT_MAX);
        }
        let known = |i: usize| {
            recent
                .already_posted_at_any_age(&key(i), &want(Level::High, 0), &TERMS, at(0))
                .is_some()
        };
        assert!(!known(0));
        let last = 3 * Recent::KEPT_MAX;
        assert!((last - GENERATION..last).all(known), "the last {GENERATION} are all there");
        // Not more than it says: 14,000 alerts in less than 1.5 MB.
        const { assert!(Recent::BYTES_MAX < 1_500_000) };
        let taken = |map: &HashMap<Name, Entry>| {
            (map.capacity() * 8 / 7).next_power_of_two() * (size_of::<(Name, Entry)>() + 1)
        };
        assert!(taken(&recent.young) + taken(&recent.old) <= Recent::BYTES_MAX);
    }

    #[test]
    fn keys_are_not_mixed_up() {
        let recent = Recent::default();
        let of = |f: &str, d: &str| recent.name(&RecordKey::alert(f, d));
        assert_ne!(of("ab", "c"), of("a", "bc"));
        assert_ne!(of("", "ab"), of("ab", ""));
    }
}
