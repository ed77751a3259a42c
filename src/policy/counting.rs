//! Counts of a worker on their way into the ledger.
//!
//! A worker collects what it counts by day, and adds it to the record of the day in batches. Each
//! batch has a number. It stays as it is until the ledger has confirmed it, and the record names
//! the last batch of each worker. So a batch whose write was not answered is neither lost nor
//! counted twice.

use std::collections::BTreeMap;
use std::time::Duration;

use super::day_counts::{Day, DayCounts};
use super::record::{DayCountsRecord, Expect, Versioned, Writer};

/// How long the counts of a day are kept. A silence lasts at most 90 days, and is listed 7 more.
const KEPT: Duration = Duration::from_secs(100 * 24 * 3600);
/// How many days wait for an unreachable ledger. Then the oldest is given up.
pub const DAYS_MAX: usize = 8;

/// What a worker counted, and the ledger has not confirmed.
#[derive(Debug)]
pub struct Pending {
    worker: String,
    last_number: u64,
    days: BTreeMap<Day, OfDay>,
    /// Days that were given up.
    lost: u64,
}

#[derive(Debug, Default)]
struct OfDay {
    batch: Option<Batch>,
    /// Counted since the batch was made.
    newer: DayCounts,
}

/// Counts that are written together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub day: Day,
    pub writer: Writer,
    pub counts: DayCounts,
}

impl Pending {
    /// `worker` is unique to this process.
    pub fn new(worker: &str) -> Pending {
        let worker = worker.chars().filter(|c| !c.is_whitespace() && !c.is_control());
        let mut worker: String = worker.take(Writer::BYTES_MAX).collect();
        worker.truncate(worker.floor_char_boundary(Writer::BYTES_MAX));
        Pending { worker, last_number: 0, days: BTreeMap::new(), lost: 0 }
    }

    /// The counts of a day, to add to them.
    pub fn of(&mut self, day: Day) -> &mut DayCounts {
        if self.days.len() >= DAYS_MAX && !self.days.contains_key(&day) {
            self.days.pop_first();
            self.lost += 1;
        }
        &mut self.days.entry(day).or_default().newer
    }

    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// Whether something waits that a silence kept back.
    pub fn has_silenced(&self) -> bool {
        self.days.values().any(|of_day| {
            let batch = of_day.batch.as_ref().map(|batch| &batch.counts);
            batch
                .into_iter()
                .chain([&of_day.newer])
                .any(|counts| counts.silenced().next().is_some())
        })
    }

    /// How many days were given up since the last call.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// What is to be written now. The same batches again until they are confirmed.
    pub fn batches(&mut self) -> Vec<Batch> {
        let Pending { worker, last_number, days, .. } = self;
        let batch = |(day, of_day): (&Day, &mut OfDay)| {
            if of_day.batch.is_none() && !of_day.newer.is_empty() {
                *last_number += 1;
                let writer = Writer { worker: worker.clone(), number: *last_number };
                let counts = std::mem::take(&mut of_day.newer);
                of_day.batch = Some(Batch { day: *day, writer, counts });
            }
            of_day.batch.clone()
        };
        days.iter_mut().filter_map(batch).collect()
    }

    /// The ledger has the batch.
    pub fn confirm(&mut self, batch: &Batch) {
        let Some(of_day) = self.days.get_mut(&batch.day) else { return };
        if of_day.batch.as_ref().is_some_and(|known| known.writer == batch.writer) {
            of_day.batch = None;
        }
        if of_day.batch.is_none() && of_day.newer.is_empty() {
            self.days.remove(&batch.day);
        }
    }
}

/// How a batch gets into the record of its day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adding {
    /// It is there: an earlier write was done, though its answer was lost.
    Known,
    Write {
        expect: Expect,
        record: DayCountsRecord,
    },
}

/// The step from the record as it was read.
pub fn add(seen: Option<&DayCountsRecord>, batch: &Batch) -> Adding {
    if seen.is_some_and(|seen| seen.has(&batch.writer)) {
        return Adding::Known;
    }
    let (mut counts, mut writers) =
        seen.map(|seen| (seen.counts.clone(), seen.writers.clone())).unwrap_or_default();
    counts.add(&batch.counts);
    writers.retain(|known| known.worker != batch.writer.worker);
    writers.push(batch.writer.clone());
    let too_many = writers.len().saturating_sub(DayCountsRecord::WRITERS_MAX);
    writers.drain(..too_many);
    let record = DayCountsRecord {
        counts,
        writers,
        fence: seen.map_or(0, |seen| seen.fence).saturating_add(1),
        expires_at: batch.day.start().plus(KEPT),
    };
    Adding::Write { expect: seen.map_or(Expect::Absent, DayCountsRecord::as_seen), record }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instants::Wall;
    use crate::policy::day_counts::{CountKey, CountedAs};

    fn today() -> Day {
        Day::of(Wall(1_790_000_000_000))
    }

    fn count(pending: &mut Pending, day: Day, number: u64) {
        pending.of(day).count(CountKey::only(CountedAs::Silenced), number);
    }

    fn total(record: &DayCountsRecord) -> u64 {
        record.counts.total(CountedAs::Silenced)
    }

    /// The record after the batch was added.
    fn added(seen: Option<&DayCountsRecord>, batch: &Batch) -> DayCountsRecord {
        match add(seen, batch) {
            Adding::Write { expect, record } => {
                assert!(expect.holds(seen));
                record
            }
            Adding::Known => panic!("it is there already"),
        }
    }

    #[test]
    fn a_batch_stays_until_it_is_confirmed() {
        let mut pending = Pending::new("w1");
        assert!(pending.is_empty() && pending.batches().is_empty());
        count(&mut pending, today(), 2);
        let first = pending.batches();
        count(&mut pending, today(), 5);
        assert_eq!(pending.batches(), first);
        pending.confirm(&first[0]);
        let second = pending.batches();
        assert_eq!(second[0].writer.number, 2);
        assert_eq!(second[0].counts.total(CountedAs::Silenced), 5);
        // A late answer to the first changes nothing.
        pending.confirm(&first[0]);
        assert_eq!(pending.batches(), second);
        pending.confirm(&second[0]);
        assert!(pending.is_empty());
    }

    #[test]
    fn a_write_without_an_answer_is_recognised_after_writes_of_others() {
        let mut mine = Pending::new("w1");
        count(&mut mine, today(), 2);
        let batch = mine.batches().remove(0);
        let mut record = added(None, &batch);
        for n in 1..DayCountsRecord::WRITERS_MAX {
            assert_eq!(add(Some(&record), &batch), Adding::Known, "after {n} others");
            let mut other = Pending::new(&format!("other-{n}"));
            count(&mut other, today(), 10);
            record = added(Some(&record), &other.batches()[0]);
        }
        assert_eq!(total(&record), 2 + 10 * 15);
        assert_eq!(add(Some(&record), &batch), Adding::Known);
        assert!(record.expires_at > today().start().plus(Duration::from_secs(97 * 86_400)));
        // The next batch of the same worker takes the place of the last.
        mine.confirm(&batch);
        count(&mut mine, today(), 3);
        let next = mine.batches().remove(0);
        let record = added(Some(&record), &next);
        assert_eq!((record.writers.len(), total(&record)), (16, 2 + 150 + 3));
        assert_eq!(add(Some(&record), &batch), Adding::Known, "it is older");
    }

    #[test]
    fn days_that_wait_are_bounded() {
        let mut pending = Pending::new("w\t1\n");
        for back in (0..20).rev() {
            count(&mut pending, today().back(back), 1);
        }
        let batches = pending.batches();
        assert_eq!(batches.len(), DAYS_MAX);
        assert_eq!(batches[DAYS_MAX - 1].day, today());
        assert_eq!(batches[0].writer.worker, "w1");
        assert_eq!((pending.take_lost(), pending.take_lost()), (12, 0));
        assert!(Pending::new(&"é".repeat(90)).worker.len() <= Writer::BYTES_MAX);
    }
}
