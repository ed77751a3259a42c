//! Takes records and day counts, one by one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::finding::Level;
use crate::policy::day_counts::{CountKey, CountedAs, Day, DayCounts, SilencedKey};
use crate::policy::record::{AcceptedPost, AlertRecord, RecordKey};

use super::delay::DelayTally;
use super::open::OpenIncidents;
use super::pairs::Pairs;
use super::subject::Subject;
use super::table::Groups;
use super::{Gap, Numbers, Period, Report};

/// The most posts that are counted apart, of 8 bytes each. A post counts in up to five rows.
const POSTS_MAX: usize = 1_000_000;
/// The product in the fingerprints of hansho's own notes and canaries.
const OWN_PRODUCT: &str = "hansho/";

/// Counts what it is given. Its memory is bounded.
#[derive(Debug)]
pub struct Tally {
    period: Period,
    retention: Duration,
    totals: Numbers,
    accounts: Groups<String>,
    types: Groups<String>,
    levels: Groups<Option<Level>>,
    days: Groups<Day>,
    /// Counts by silence, and what does not fit a day.
    counts: DayCounts,
    days_counted: HashSet<Day>,
    delays: DelayTally,
    pairs: Pairs,
    open: OpenIncidents,
    unposted: u64,
    records: u64,
    without_type: u64,
    distinct: Distinct,
    gaps: Vec<Gap>,
}

impl Tally {
    /// `retention`: how long records are kept after the last write.
    pub fn new(period: Period, retention: Duration) -> Tally {
        Tally {
            period,
            retention,
            totals: Numbers::default(),
            accounts: Groups::new(),
            types: Groups::new(),
            levels: Groups::new(),
            days: Groups::new(),
            counts: DayCounts::default(),
            days_counted: HashSet::new(),
            delays: DelayTally::default(),
            pairs: Pairs::default(),
            open: OpenIncidents::default(),
            unposted: 0,
            records: 0,
            without_type: 0,
            distinct: Distinct::default(),
            gaps: Vec::new(),
        }
    }

    /// Takes the record of an alert. Those of one finding have to follow one another.
    pub fn alert(&mut self, key: &RecordKey, record: &AlertRecord) {
        self.records += 1;
        let is_own = key.fingerprint().starts_with(OWN_PRODUCT);
        if is_own || record.expires_at < self.period.until {
            return;
        }
        self.distinct.finding(key.fingerprint());
        let Some(post) = record.accepted() else {
            let tried = record.is_claimed() || record.attempts > 0;
            self.unposted += u64::from(tried && !record.incident.is_closed());
            return;
        };
        let subject = Subject::of(key, record);
        if !record.incident.is_closed() && self.distinct.is_first_open() {
            let opened_at = record.incident.opened_at.unwrap_or(post.sent_at);
            self.open.take(opened_at, post.level, &subject, self.period.until);
        }
        if self.period.contains(post.sent_at) {
            self.posted(key, record, post, &subject);
        }
    }

    fn posted(
        &mut self,
        key: &RecordKey,
        record: &AlertRecord,
        post: &AcceptedPost,
        subject: &Subject,
    ) {
        self.delays.take(key, subject, post);
        if subject.kind.is_empty() {
            self.without_type += 1;
        } else {
            self.pairs.take(subject, post.level, u64::from(record.incident.comebacks) + 1);
        }
        // A clock that is ahead makes no day that has not come.
        let day = Day::of(post.sent_at.min(self.period.until));
        let day_name = day.to_string();
        for (row, name, numbers) in [
            (0, "", &mut self.totals),
            (1, subject.account.as_str(), self.accounts.of(&subject.account)),
            (2, subject.kind.as_str(), self.types.of(&subject.kind)),
            (3, post.level.as_str(), self.levels.of(&Some(post.level))),
            (4, day_name.as_str(), self.days.of(&day)),
        ] {
            numbers.alerts += 1;
            numbers.findings += u64::from(self.distinct.is_first_in(row, name));
            numbers.posts += u64::from(self.distinct.is_new_post(row, name, &post.post_id));
        }
    }

    /// Takes the counts of one day of the period.
    pub fn day(&mut self, day: Day, counts: &DayCounts) {
        if !counts.is_empty() {
            self.days_counted.insert(day);
        }
        for (key, number) in counts.iter() {
            let CountKey { what, account, kind, level } = key;
            self.totals.count(*what, number);
            self.accounts.of(account).count(*what, number);
            self.types.of(kind).count(*what, number);
            self.levels.of(level).count(*what, number);
            self.days.of(&day).count(*what, number);
        }
        for (what, number) in counts.rest() {
            self.totals.count(what, number);
            self.accounts.of(&String::new()).count(what, number);
            self.types.of(&String::new()).count(what, number);
            self.levels.of(&None).count(what, number);
            self.days.of(&day).count(what, number);
            self.counts.count(CountKey::only(what), number);
        }
        for (key, number) in counts.silenced() {
            // From all destinations.
            self.counts.count_silenced(SilencedKey::new(&key.silence, ""), number);
        }
    }

    /// Adds something that the caller could not read.
    pub fn gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
    }

    pub fn finish(mut self) -> Report {
        let gaps = self.all_gaps();
        let mut silences: Vec<(String, u64)> =
            self.counts.silenced().map(|(key, number)| (key.silence.clone(), number)).collect();
        silences.sort_by_key(|(_, number)| Reverse(*number));
        silences.truncate(super::ROWS_MAX);
        let mut days: BTreeMap<Day, Numbers> =
            self.period.days().map(|day| (day, Numbers::default())).collect();
        days.extend(self.days.in_order());
        let mut levels = self.levels.into_table();
        levels.rows.sort_by_key(|(level, _)| Reverse(*level));
        Report {
            period: self.period,
            totals: self.totals,
            accounts: self.accounts.into_table(),
            types: self.types.into_table(),
            levels,
            days: days.into_iter().collect(),
            silences,
            delays: self.delays.finish(),
            noisiest: self.pairs.finish(),
            open: self.open,
            unposted: self.unposted,
            records: self.records,
            gaps,
        }
    }

    /// What applies to these records first, then what always applies.
    fn all_gaps(&mut self) -> Vec<Gap> {
        let mut gaps = std::mem::take(&mut self.gaps);
        let without: Vec<Day> =
            self.period.days().filter(|day| !self.days_counted.contains(day)).collect();
        if let (Some(first), Some(last)) = (without.first(), without.last()) {
            gaps.push(Gap::WithoutCounts { days: without.len(), first: *first, last: *last });
        }
        let rest = CountedAs::ALL.into_iter().map(|what| self.counts.total(what)).sum();
        for (is_so, gap) in [
            (self.without_type > 0, Gap::WithoutType(self.without_type)),
            (rest > 0, Gap::Rest(rest)),
            (self.distinct.is_full(), Gap::TooManyPosts),
            (self.pairs.left_out > 0, Gap::TooManyPairs),
            (self.delays.left_out > 0, Gap::TooManyDelays),
            (self.is_longer_than_retention(), Gap::Expired(self.retention)),
        ] {
            if is_so {
                gaps.push(gap);
            }
        }
        gaps.extend([Gap::LastPostOnly, Gap::Killed, Gap::NeverClosed]);
        gaps
    }

    fn is_longer_than_retention(&self) -> bool {
        self.period.from < self.period.until.minus(self.retention)
    }
}

/// Which findings and posts were counted already.
#[derive(Debug, Default)]
struct Distinct {
    hasher: RandomState,
    fingerprint: String,
    is_open: bool,
    /// Rows in which the finding was counted.
    rows: HashSet<u64>,
    posts: HashSet<u64>,
}

impl Distinct {
    /// The next record is of this finding.
    fn finding(&mut self, fingerprint: &str) {
        if self.fingerprint != fingerprint {
            fingerprint.clone_into(&mut self.fingerprint);
            self.rows.clear();
            self.is_open = false;
        }
    }

    /// It is the first record of the finding with an open incident.
    fn is_first_open(&mut self) -> bool {
        !std::mem::replace(&mut self.is_open, true)
    }

    fn is_first_in(&mut self, row: u8, name: &str) -> bool {
        let hash = self.hasher.hash_one((row, name));
        self.rows.insert(hash)
    }

    fn is_new_post(&mut self, row: u8, name: &str, post_id: &str) -> bool {
        if self.is_full() {
            return false;
        }
        self.posts.insert(self.hasher.hash_one((row, name, post_id)))
    }

    fn is_full(&self) -> bool {
        self.posts.len() >= POSTS_MAX
    }
}
