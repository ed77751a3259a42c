//! A ledger in memory that keeps the port's contract. It stores rows, as adapters do, so that tests
//! of the worker also test the codec of records.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use hansho::policy::record::stored::{StoredRow, decode, encode};
use hansho::policy::record::{Expect, Record, RecordKey, State};
use hansho::ports::inquiry::{Clue, Inquiry, SEARCH_RECORDS_MAX, Search};
use hansho::ports::listing::{AlertPage, Listing};
use hansho::ports::{Consistency, Ledger, LedgerError, Prefetched, Written};

use crate::contracts::ledger_contract::{Harness, exercise};

/// Clones share the rows.
#[derive(Clone, Default)]
pub struct MemoryLedger {
    rows: Arc<Mutex<BTreeMap<RecordKey, StoredRow>>>,
}

impl MemoryLedger {
    /// Removes a row, as expiry does. True if there was one and `expired` agreed.
    pub fn expire(&self, key: &RecordKey, expired: impl FnOnce(&StoredRow) -> bool) -> bool {
        let mut rows = self.rows.lock().expect("no test panics under the lock");
        let gone = rows.get(key).is_some_and(expired);
        if gone {
            rows.remove(key);
        }
        gone
    }
}

impl Inquiry for MemoryLedger {
    async fn records_of(&self, fingerprint: &str) -> Result<Vec<(RecordKey, Record)>, LedgerError> {
        let rows = self.rows.lock().expect("no test panics under the lock");
        let own = rows.iter().filter(|(key, _)| key.fingerprint() == fingerprint);
        own.map(|(key, row)| Ok((key.clone(), record(key, row)?))).collect()
    }

    async fn search(&self, clue: &Clue) -> Result<Search, LedgerError> {
        let rows = self.rows.lock().expect("no test panics under the lock");
        let all: Vec<_> = rows.iter().map(|(key, row)| (key.clone(), record(key, row))).collect();
        let unreadable = all.iter().filter(|(_, record)| record.is_err()).count();
        let read = all.into_iter().filter_map(|(key, record)| Some((key, record.ok()?)));
        let mut records: Vec<_> = read.filter(|(key, record)| clue.fits(key, record)).collect();
        let complete = records.len() <= SEARCH_RECORDS_MAX;
        records.truncate(SEARCH_RECORDS_MAX);
        Ok(Search { records, complete, unreadable })
    }
}

impl Listing for MemoryLedger {
    /// Pages are small, so that each test sees several.
    async fn alerts(&self, from: Option<RecordKey>) -> Result<AlertPage, LedgerError> {
        const PAGE_RECORDS: usize = 7;
        let rows = self.rows.lock().expect("no test panics under the lock");
        let mut after = rows.iter().filter(|(key, _)| from.as_ref().is_none_or(|from| *key > from));
        let mut page = AlertPage::default();
        for (key, row) in after.by_ref().take(PAGE_RECORDS) {
            page.push(key.clone(), decode(key, row.clone()));
            page.next = Some(key.clone());
        }
        page.next = page.next.filter(|_| after.next().is_some());
        Ok(page)
    }
}

impl Ledger for MemoryLedger {
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        let rows = self.rows.lock().expect("no test panics under the lock");
        rows.get(key).map(|row| record(key, row)).transpose()
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        let mut rows = self.rows.lock().expect("no test panics under the lock");
        let actual = rows.get(key);
        if !expect.holds(actual) {
            let actual = actual.map(|row| self::record(key, row)).transpose()?;
            return Ok(Written::Lost(actual));
        }
        rows.insert(key.clone(), encode(record));
        Ok(Written::Done)
    }

    async fn prefetch(
        &self,
        keys: &[RecordKey],
        _: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        let rows = self.rows.lock().expect("no test panics under the lock");
        let prefetched = |key: &RecordKey| match rows.get(key) {
            Some(row) => Prefetched::of(self::record(key, row)),
            None => Prefetched::Absent,
        };
        Ok(keys.iter().map(prefetched).collect())
    }
}

fn record(key: &RecordKey, row: &StoredRow) -> Result<Record, LedgerError> {
    decode(key, row.clone()).map_err(|bad| LedgerError(bad.at(key, "the memory ledger").into()))
}

struct InMemory;

impl Harness for InMemory {
    type Ledger = MemoryLedger;

    async fn fresh(&self) -> MemoryLedger {
        MemoryLedger::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_fake_keeps_the_contract() {
    exercise(&InMemory).await;
}

/// A way to break the contract.
#[derive(Clone, Copy, Debug)]
enum Lie {
    ChecksTheFenceAlone,
    IgnoresTheOwner,
    ChecksAndWritesInTwoSteps,
    LosesWithoutTheRow,
    LosesTheReminder,
    KeepsWhatTheNewRowLeavesOut,
    IgnoresTheDestination,
    PrefetchesInItsOwnOrder,
    PrefetchesUnknownAsAbsent,
    ListsOnePageAlone,
    ListsTheLastRecordAgain,
}

struct Lying {
    lie: Lie,
    rows: MemoryLedger,
}

impl Lying {
    fn key(&self, key: &RecordKey) -> RecordKey {
        match self.lie {
            Lie::IgnoresTheDestination => RecordKey::alert(key.fingerprint(), ""),
            _ => key.clone(),
        }
    }

    fn holds(&self, expect: &Expect, actual: Option<&StoredRow>) -> bool {
        match (self.lie, expect, actual) {
            (Lie::ChecksTheFenceAlone, Expect::Seen { fence, .. }, Some(row)) => {
                row.fence == *fence
            }
            (Lie::IgnoresTheOwner, Expect::Held { fence, .. }, Some(row)) => {
                row.state == State::Claimed && row.fence == *fence
            }
            _ => expect.holds(actual),
        }
    }

    fn stored(&self, actual: Option<&StoredRow>, mut row: StoredRow) -> StoredRow {
        match self.lie {
            Lie::LosesTheReminder => row.due_at = None,
            Lie::KeepsWhatTheNewRowLeavesOut => {
                row.level_sent = row.level_sent.or(actual.and_then(|actual| actual.level_sent));
            }
            _ => {}
        }
        row
    }
}

impl Ledger for Lying {
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        self.rows.read_any(&self.key(key)).await
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        let key = self.key(key);
        if let Lie::ChecksAndWritesInTwoSteps = self.lie {
            let actual = self.read_any(&key).await?;
            if !expect.holds(actual.as_ref()) {
                return Ok(Written::Lost(actual));
            }
            tokio::task::yield_now().await;
            self.rows.rows.lock().expect("no panic under the lock").insert(key, encode(record));
            return Ok(Written::Done);
        }
        let mut rows = self.rows.rows.lock().expect("no panic under the lock");
        let actual = rows.get(&key);
        if !self.holds(expect, actual) {
            let found = actual.filter(|_| !matches!(self.lie, Lie::LosesWithoutTheRow));
            return found.map(|row| self::record(&key, row)).transpose().map(Written::Lost);
        }
        let row = self.stored(actual, encode(record));
        rows.insert(key, row);
        Ok(Written::Done)
    }

    async fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        let keys: Vec<RecordKey> = keys.iter().map(|key| self.key(key)).collect();
        let mut answers = self.rows.prefetch(&keys, consistency).await?;
        match self.lie {
            Lie::PrefetchesInItsOwnOrder => answers.reverse(),
            Lie::PrefetchesUnknownAsAbsent => {
                answers.iter_mut().for_each(|answer| *answer = Prefetched::Absent);
            }
            _ => {}
        }
        Ok(answers)
    }
}

impl Listing for Lying {
    async fn alerts(&self, from: Option<RecordKey>) -> Result<AlertPage, LedgerError> {
        let mut page = self.rows.alerts(from.clone()).await?;
        match (self.lie, from) {
            (Lie::ListsOnePageAlone, _) => page.next = None,
            (Lie::ListsTheLastRecordAgain, Some(from)) => {
                if let Some(Record::Alert(last)) = self.rows.read_any(&from).await? {
                    page.alerts.insert(0, (from, last));
                }
            }
            _ => {}
        }
        Ok(page)
    }
}

impl Harness for Lie {
    type Ledger = Lying;

    async fn fresh(&self) -> Lying {
        Lying { lie: *self, rows: MemoryLedger::default() }
    }
}

/// A suite that no ledger fails proves nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_finds_each_lie() {
    for lie in [
        Lie::ChecksTheFenceAlone,
        Lie::IgnoresTheOwner,
        Lie::ChecksAndWritesInTwoSteps,
        Lie::LosesWithoutTheRow,
        Lie::LosesTheReminder,
        Lie::KeepsWhatTheNewRowLeavesOut,
        Lie::IgnoresTheDestination,
        Lie::PrefetchesInItsOwnOrder,
        Lie::PrefetchesUnknownAsAbsent,
        Lie::ListsOnePageAlone,
        Lie::ListsTheLastRecordAgain,
    ] {
        let outcome = tokio::spawn(async move { exercise(&lie).await }).await;
        assert!(outcome.is_err_and(|error| error.is_panic()), "{lie:?} was not found");
    }
}
