//! The records that this worker knows: those that it wrote itself, and those that it has read. A
//! duplicate that is recognised here costs no call of the ledger.
//!
//! The ledger is the authority: another worker may have closed the incident a moment ago. So this
//! memory decides only about a state of a finding if the record had seen that state or a newer one.
//! Such a state is a copy, or comes late. The memory is bounded in number and in age, and it says
//! nothing about an alert that it does not hold.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use crate::finding::Level;
use crate::instants::{Now, Wall};
use crate::mutation::{self, Mutation};

use super::ledger::{LastPost, RecordKey, Terms, Want};
use super::record::{AlertRecord, Sighting, Stamp};

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
    /// None: the incident is closed.
    last: Option<LastPost>,
    product_at: Stamp,
    handling_at: Stamp,
    expires_at: Wall,
    learned: Now,
}

/// Why nothing is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was posted at this level.
    Posted(Level),
    Closed,
}

impl Entry {
    /// The entry of a record, once it has seen a finding. None while a claim is held, which is a
    /// promise and not a post, and for a finding that was never posted and is open.
    fn of(record: &AlertRecord, sighting: &Sighting, learned: Now) -> Option<Entry> {
        let last = match (record.incident.is_closed(), record.accepted()) {
            (true, _) => None,
            (false, Some(post)) => Some(LastPost::of(post)),
            (false, None) => return None,
        };
        if record.is_claimed() {
            return None;
        }
        let member = record.incident.member(&sighting.member);
        let (mut product_at, mut handling_at) =
            member.map_or_else(Default::default, |member| (member.product_at, member.handling_at));
        if last.is_none() && member.is_some_and(|member| member.product.closed().is_none()) {
            // A person handled it. A more severe state is open again, also one that comes late.
            return None;
        }
        // The record decided about this very sighting.
        product_at = product_at.max(sighting.at);
        if sighting.handling.is_some() {
            handling_at = handling_at.max(sighting.at);
        }
        Some(Entry { last, product_at, handling_at, expires_at: record.expires_at, learned })
    }

    /// Whether the record had seen this state of the finding, or a newer one.
    fn has_seen(&self, sighting: &Sighting) -> bool {
        let seen = |known: Stamp| match self.last {
            // Of two equal times, open wins over closed.
            None => sighting.at < known,
            Some(_) => sighting.at <= known,
        };
        mutation::is(Mutation::MemorySettlesComebacks)
            || (sighting.at != Stamp::default()
                && seen(self.product_at)
                && (sighting.handling.is_none() || seen(self.handling_at)))
    }

    fn settles(&self, want: &Want<'_>, terms: &Terms, now: Wall) -> Option<Settled> {
        if self.expires_at < now && !mutation::is(Mutation::ExpiryForgotten) {
            return None;
        }
        // Another worker may have posted the finding since a closing found no record.
        if want.sighting.is_closed() || !self.has_seen(&want.sighting) {
            return None;
        }
        match self.last {
            None => Some(Settled::Closed),
            Some(last) => {
                let owed = last.post_needed(want, terms, now).is_some();
                (!owed).then_some(Settled::Posted(last.level))
            }
        }
    }
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

    /// The ledger has this record, and decided by it about a finding. An entry of a later record
    /// stays: each write of a record moves its expiry on.
    pub fn learn(&mut self, key: &RecordKey, record: &AlertRecord, sighting: &Sighting, now: Now) {
        let Some(entry) = Entry::of(record, sighting, now) else { return };
        let name = self.name(key, &sighting.member);
        if self.entry(&name).is_some_and(|known| known.expires_at > entry.expires_at) {
            return;
        }
        if self.young.len() >= GENERATION && !self.young.contains_key(&name) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&name);
        self.young.insert(name, entry);
    }

    /// Forgets the record, because it has changed.
    pub fn forget(&mut self, key: &RecordKey, sighting: &Sighting) {
        let name = self.name(key, &sighting.member);
        self.young.remove(&name);
        self.old.remove(&name);
    }

    /// Why nothing is posted, if that was learned so lately that the ledger need not be asked. The
    /// age is the greater one of both clocks, as one of them may have stood still.
    pub fn settles(
        &self,
        key: &RecordKey,
        want: &Want<'_>,
        terms: &Terms,
        now: Now,
    ) -> Option<Settled> {
        let entry = self.entry(&self.name(key, &want.sighting.member))?;
        let age = now.mono.since(entry.learned.mono).max(now.wall.since(entry.learned.wall));
        let sure = age <= SURE_FOR || mutation::is(Mutation::MemoryNeverAges);
        entry.settles(want, terms, now.wall).filter(|_| sure)
    }

    /// Like [`Recent::settles`], with entries of any age. Used while the ledger is unreachable.
    pub fn settles_at_any_age(
        &self,
        key: &RecordKey,
        want: &Want<'_>,
        terms: &Terms,
        now: Now,
    ) -> Option<Settled> {
        self.entry(&self.name(key, &want.sighting.member))?.settles(want, terms, now.wall)
    }

    /// Whether the alert was posted in an incident that was open when this was learned. Uses
    /// entries of any age.
    pub fn was_posted(&self, key: &RecordKey, want: &Want<'_>, terms: &Terms, now: Now) -> bool {
        let entry = self.entry(&self.name(key, &want.sighting.member));
        entry
            .filter(|entry| entry.expires_at >= now.wall)
            .and_then(|entry| entry.last)
            .is_some_and(|last| last.post_needed(want, terms, now.wall).is_none())
    }

    fn name(&self, key: &RecordKey, member: &str) -> Name {
        self.hashes.each_ref().map(|hash| hash.hash_one((key, member)))
    }

    fn entry(&self, name: &Name) -> Option<&Entry> {
        self.young.get(name).or_else(|| self.old.get(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Closing, FindingState};
    use crate::instants::{Mono, Wall};
    use crate::policy::record::{AcceptedPost, AlertRecordState};

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

    /// A record that was posted then, of a finding that was updated at 0.
    fn record(level: Level, sent: i64) -> AlertRecord {
        let post = AcceptedPost {
            level,
            revision: Some(Wall(0)),
            sent_at: Wall(sent * 1000),
            due_at: Some(Wall((sent + 1800) * 1000)),
            post_id: "p".to_owned(),
        };
        AlertRecord {
            state: AlertRecordState::Posted { post, marked_by: None },
            expires_at: Wall((sent + 3 * 3600) * 1000),
            ..AlertRecord::unposted(1)
        }
    }

    fn seen(updated: i64) -> Sighting {
        Sighting::open(Level::High, Some(Wall(updated)))
    }

    fn want(level: Level, revision: i64) -> Want<'static> {
        Want { owner: "w", sighting: Sighting::open(level, Some(Wall(revision))) }
    }

    #[test]
    fn knows_what_the_record_says_for_an_hour() {
        let mut recent = Recent::default();
        recent.learn(&key(0), &record(Level::High, 0), &seen(1), at(0));
        let posted = |level, revision, now| {
            recent.settles(&key(0), &want(level, revision), &TERMS, at(now)).is_some()
        };
        for (level, revision, now, known) in [
            (Level::High, 0, 0, true),
            (Level::Medium, 0, 3600, true),
            (Level::High, 0, 3601, false),
            (Level::Critical, 0, 1, false),
            // An update that the record had not seen may have come back.
            (Level::High, 2, 0, false),
            // A newer finding is due after half an hour, an old one is not.
            (Level::High, 1, 1799, true),
            (Level::High, 1, 1800, false),
            (Level::High, 0, 1800, true),
        ] {
            assert_eq!(posted(level, revision, now), known, "{level} {revision} {now}");
        }
        assert_eq!(recent.settles(&key(1), &want(Level::Low, 0), &TERMS, at(0)), None);
        let long = recent.settles_at_any_age(&key(0), &want(Level::High, 0), &TERMS, at(3 * 3600));
        assert_eq!(long, Some(Settled::Posted(Level::High)));
        let expired =
            recent.settles_at_any_age(&key(0), &want(Level::High, 0), &TERMS, at(3 * 3600 + 1));
        assert_eq!(expired, None);
    }

    #[test]
    fn a_claim_is_no_post() {
        let mut recent = Recent::default();
        let posted = record(Level::High, 0);
        let raise = Want { owner: "other", ..want(Level::Critical, 0) };
        let claim = crate::policy::ledger::claim(Some(&posted), &raise, &TERMS, Wall(0));
        let crate::policy::ledger::Claim::Write { record: claimed, .. } = claim else {
            panic!("{claim:?}")
        };
        recent.learn(&key(0), &claimed, &seen(1), at(0));
        for level in [Level::High, Level::Critical] {
            assert_eq!(recent.settles(&key(0), &want(level, 0), &TERMS, at(1)), None, "{level}");
        }
    }

    #[test]
    fn age_is_that_of_the_clock_that_went_on() {
        let mut recent = Recent::default();
        recent.learn(&key(0), &record(Level::High, 0), &seen(1), at(0));
        for (wall, mono, known) in [(3601, 10, false), (10, 3601, false), (-50, 20, true)] {
            let now = Now { wall: Wall(wall * 1000), mono: Mono(mono * 1000) };
            let posted = recent.settles(&key(0), &want(Level::High, 0), &TERMS, now);
            assert_eq!(posted.is_some(), known, "{wall} {mono}");
        }
    }

    #[test]
    fn a_later_record_stays_until_it_is_forgotten() {
        let mut recent = Recent::default();
        recent.learn(&key(0), &record(Level::High, 100), &seen(1), at(100));
        recent.learn(&key(0), &record(Level::Medium, 50), &seen(1), at(101));
        let posted =
            |recent: &Recent| recent.settles(&key(0), &want(Level::High, 0), &TERMS, at(102));
        assert_eq!(
            posted(&recent),
            Some(Settled::Posted(Level::High)),
            "a prefetch brought an earlier record"
        );
        recent.learn(&key(0), &record(Level::Critical, 102), &seen(1), at(102));
        assert_eq!(posted(&recent), Some(Settled::Posted(Level::Critical)));
        recent.forget(&key(0), &seen(1));
        assert_eq!(posted(&recent), None);
    }

    #[test]
    fn the_number_is_bounded_and_the_oldest_are_dropped() {
        let mut recent = Recent::default();
        for i in 0..3 * Recent::KEPT_MAX {
            recent.learn(&key(i), &record(Level::High, i as i64), &seen(1), at(0));
            assert!(recent.young.len() + recent.old.len() <= Recent::KEPT_MAX);
        }
        let known = |i: usize| {
            recent.settles_at_any_age(&key(i), &want(Level::High, 0), &TERMS, at(0)).is_some()
        };
        assert!(!known(0));
        let last = 3 * Recent::KEPT_MAX;
        assert!((last - GENERATION..last).all(known), "the last {GENERATION} are all there");
        // Not more than it says: 14,000 alerts in less than 2.5 MB.
        const { assert!(Recent::BYTES_MAX < 2_500_000) };
        let taken = |map: &HashMap<Name, Entry>| {
            (map.capacity() * 8 / 7).next_power_of_two() * (size_of::<(Name, Entry)>() + 1)
        };
        assert!(taken(&recent.young) + taken(&recent.old) <= Recent::BYTES_MAX);
    }

    #[test]
    fn keys_are_not_mixed_up() {
        let recent = Recent::default();
        let of = |f: &str, d: &str| recent.name(&RecordKey::alert(f, d), "");
        assert_ne!(of("ab", "c"), of("a", "bc"));
        assert_ne!(of("", "ab"), of("ab", ""));
    }

    #[test]
    fn what_a_person_handled_is_left_to_the_ledger() {
        let mut recent = Recent::default();
        let handled = FindingState::Closed(Closing::Resolved);
        let closing = Sighting { handling: Some(handled), ..seen(5) };
        let mut closed = record(Level::High, 0);
        let (incident, _) = closed.incident.see(&closing, closed.accepted());
        closed.incident = incident.close(closing.closed().unwrap());
        // The product's update, which stays closed by what the person did.
        recent.learn(&key(0), &closed, &seen(9), at(0));
        let late = Want { owner: "w", sighting: Sighting::open(Level::Critical, Some(Wall(8))) };
        assert_eq!(recent.settles(&key(0), &late, &TERMS, at(1)), None);
        let answer = crate::policy::ledger::claim(Some(&closed), &late, &TERMS, Wall(1000));
        assert!(matches!(answer, crate::policy::ledger::Claim::Write { .. }), "{answer:?}");
    }

    #[test]
    fn a_closed_finding_settles_what_is_older_and_no_other() {
        let mut recent = Recent::default();
        let closing = Sighting { product: FindingState::Closed(Closing::Resolved), ..seen(5) };
        let mut closed = record(Level::High, 0);
        let (incident, _) = closed.incident.see(&closing, closed.accepted());
        closed.incident = incident.close(closing.closed().unwrap());
        recent.learn(&key(0), &closed, &closing, at(0));
        let settled = |sighting: &Sighting| {
            let want = Want { owner: "w", sighting: sighting.clone() };
            recent.settles(&key(0), &want, &TERMS, at(1))
        };
        let handled = FindingState::Closed(Closing::Suppressed);
        for (sighting, expected) in [
            (seen(4), Some(Settled::Closed)),
            (seen(5), None),
            (seen(6), None),
            (closing.clone(), None),
            (Sighting { at: seen(6).at, ..closing.clone() }, None),
            (Sighting { at: Stamp::default(), ..seen(0) }, None),
            // Nothing is known of how people handled it.
            (Sighting { handling: Some(FindingState::Open), ..seen(4) }, None),
            (Sighting { handling: Some(handled), ..seen(4) }, None),
            (Sighting { member: "other".to_owned(), ..seen(4) }, None),
        ] {
            assert_eq!(settled(&sighting), expected, "{sighting:?}");
        }
    }
}
