//! The counts of this worker, and how they get into the ledger.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

use crate::desk::Report;
use crate::instants::Wall;
use crate::policy::counting::{Adding, Batch, Pending, add};
use crate::policy::day_counts::{CountKey, CountedAs, Day, SilencedKey};
use crate::policy::record::{DayCountsRecord, RecordKey};
use crate::ports::{Ledger, LedgerError, Written};

/// A write is lost to another worker's, and made again, at most so often. Then it waits for the
/// next time.
const ROUNDS_MAX: u32 = 5;

/// Counts what the desk reports.
pub struct Counter {
    pending: Mutex<Pending>,
    /// The record that this worker wrote last, which saves a read if nobody wrote since. One write
    /// at a time holds it.
    last: AsyncMutex<Option<(Day, DayCountsRecord)>>,
}

impl Counter {
    /// `worker` is unique to this process.
    pub fn new(worker: &str) -> Counter {
        Counter { pending: Mutex::new(Pending::new(worker)), last: AsyncMutex::new(None) }
    }

    /// A panic while the lock is held would leave a valid state.
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a report of the desk, on the day of `now`.
    pub fn record(&self, report: &Report, now: Wall) {
        let Some(key) = key(report) else { return };
        let mut pending = self.pending();
        let counts = pending.of(Day::of(now));
        counts.count(key.clone(), 1);
        match report {
            // Its closing is recorded for each destination, also for those that never got it.
            Report::Received { finding, .. } if finding.condition.is_closed() => {
                counts.count(CountKey { what: CountedAs::Closed, ..key }, 1);
            }
            Report::Silenced { silence, destinations, .. } => {
                for destination in destinations {
                    counts.count_silenced(SilencedKey::new(&silence.id, destination), 1);
                }
            }
            _ => {}
        }
    }

    /// Whether the ledger has all counts.
    pub fn is_written(&self) -> bool {
        self.pending().is_empty()
    }

    /// Whether something waits that has no other trace in the ledger: what a silence kept back.
    pub fn has_silenced(&self) -> bool {
        self.pending().has_silenced()
    }

    /// How many days were given up since the last call: the ledger was unreachable for long.
    pub fn take_lost(&self) -> u64 {
        self.pending().take_lost()
    }

    /// Adds the counts to the ledger. After an error they wait for the next call.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn write<L: Ledger>(&self, ledger: &L) -> Result<(), LedgerError> {
        let mut last = self.last.lock().await;
        let batches = self.pending().batches();
        for batch in batches {
            // After an error nobody knows what the record is.
            let known = last.take().filter(|(day, _)| *day == batch.day);
            let known = known.map(|(_, record)| record);
            if let Some(record) = write_batch(ledger, &batch, known).await? {
                self.pending().confirm(&batch);
                *last = Some((batch.day, record));
            }
        }
        Ok(())
    }
}

/// Returns the record with the batch in it. None: other workers were faster each time.
async fn write_batch<L: Ledger>(
    ledger: &L,
    batch: &Batch,
    known: Option<DayCountsRecord>,
) -> Result<Option<DayCountsRecord>, LedgerError> {
    let key = RecordKey::day_counts(batch.day);
    let mut seen = match known {
        Some(record) => Some(record),
        None => ledger.read(&key).await?,
    };
    for _ in 0..ROUNDS_MAX {
        let (expect, record) = match add(seen.as_ref(), batch) {
            Adding::Known => return Ok(seen),
            Adding::Write { expect, record } => (expect, record),
        };
        match ledger.write(&key, &expect, &record).await? {
            Written::Done => return Ok(Some(record)),
            Written::Lost(found) => seen = found,
        }
    }
    Ok(None)
}

/// What a report counts. None: nothing.
fn key(report: &Report) -> Option<CountKey> {
    let (what, about, level) = match report {
        Report::Received { finding, .. } => (CountedAs::Received, finding, finding.severity.level),
        Report::Unmatched { finding } => (CountedAs::Unmatched, finding, finding.severity.level),
        Report::Silenced { finding, .. } => (CountedAs::Silenced, finding, finding.severity.level),
        Report::Posted { about, level, .. } => (CountedAs::Posted, about, *level),
        Report::AlreadyPosted { about, level, .. } => (CountedAs::AlreadyPosted, about, *level),
        Report::AlreadyClosed { about, .. } => {
            (CountedAs::ClosedSince, about, about.severity.level)
        }
        Report::Filtered { finding, .. } => {
            let (account, level) = (&finding.fingerprint.account, finding.severity.level);
            return Some(CountKey::new(CountedAs::BelowThreshold, account, "", Some(level)));
        }
        Report::Quarantined { .. } => return Some(CountKey::only(CountedAs::Quarantined)),
        _ => return None,
    };
    Some(CountKey::new(what, about.account.as_str(), about.kind.as_str(), Some(level)))
}
