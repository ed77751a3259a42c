//! A ledger in memory: the port's contract without any adapter. Stateful, so that tests of the
//! worker can rely on what it answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use hansho::policy::ledger::{Expect, LastPost, RecordKey, Row, State};
use hansho::ports::inquiry::{Clue, Inquiry, SEARCH_ROWS_MAX, Search};
use hansho::ports::{Ledger, LedgerError, Written};

use crate::contracts::ledger_contract::{Harness, exercise};

/// Clones share the rows.
#[derive(Clone, Default)]
pub struct MemoryLedger {
    rows: Arc<Mutex<BTreeMap<RecordKey, Row>>>,
}

impl MemoryLedger {
    /// Removes a row, as expiry does. True if `expired` agreed and there was one.
    pub fn expire(&self, key: &RecordKey, expired: impl FnOnce(&Row) -> bool) -> bool {
        let mut rows = self.rows.lock().expect("no test panics under the lock");
        let gone = rows.get(key).is_some_and(expired);
        if gone {
            rows.remove(key);
        }
        gone
    }
}

impl Inquiry for MemoryLedger {
    async fn rows_of(&self, fingerprint: &str) -> Result<Vec<(RecordKey, Row)>, LedgerError> {
        let rows = self.rows.lock().expect("no test panics under the lock");
        let own = rows.iter().filter(|(key, _)| key.fingerprint == fingerprint);
        Ok(own.map(|(key, row)| (key.clone(), row.clone())).collect())
    }

    async fn search(&self, clue: &Clue) -> Result<Search, LedgerError> {
        let rows = self.rows.lock().expect("no test panics under the lock");
        let fit = rows.iter().filter(|(key, row)| clue.fits(key, row));
        let mut rows: Vec<_> = fit.map(|(key, row)| (key.clone(), row.clone())).collect();
        let complete = rows.len() <= SEARCH_ROWS_MAX;
        rows.truncate(SEARCH_ROWS_MAX);
        Ok(Search { rows, complete, unreadable: 0 })
    }
}

impl Ledger for MemoryLedger {
    async fn read(&self, key: &RecordKey) -> Result<Option<Row>, LedgerError> {
        Ok(self.rows.lock().expect("no test panics under the lock").get(key).cloned())
    }

    async fn write(
        &self,
        key: &RecordKey,
        expect: &Expect,
        row: &Row,
    ) -> Result<Written, LedgerError> {
        let mut rows = self.rows.lock().expect("no test panics under the lock");
        let actual = rows.get(key);
        if !expect.holds(actual) {
            return Ok(Written::Lost(actual.cloned()));
        }
        rows.insert(key.clone(), row.clone());
        Ok(Written::Done)
    }

    async fn prefetch(&self, keys: &[RecordKey]) -> Result<Vec<Option<LastPost>>, LedgerError> {
        let rows = self.rows.lock().expect("no test panics under the lock");
        Ok(keys.iter().map(|key| rows.get(key).and_then(Row::told)).collect())
    }
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
    RecallsInItsOwnOrder,
    RecallsTheClaimed,
}

struct Lying {
    lie: Lie,
    rows: MemoryLedger,
}

impl Lying {
    fn key(&self, key: &RecordKey) -> RecordKey {
        let mut key = key.clone();
        if let Lie::IgnoresTheDestination = self.lie {
            key.destination.clear();
        }
        key
    }

    fn holds(&self, expect: &Expect, actual: Option<&Row>) -> bool {
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

    fn stored(&self, actual: Option<&Row>, row: &Row) -> Row {
        let mut row = row.clone();
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
    async fn read(&self, key: &RecordKey) -> Result<Option<Row>, LedgerError> {
        self.rows.read(&self.key(key)).await
    }

    async fn write(
        &self,
        key: &RecordKey,
        expect: &Expect,
        row: &Row,
    ) -> Result<Written, LedgerError> {
        let key = self.key(key);
        if let Lie::ChecksAndWritesInTwoSteps = self.lie {
            let actual = self.read(&key).await?;
            if !expect.holds(actual.as_ref()) {
                return Ok(Written::Lost(actual));
            }
            tokio::task::yield_now().await;
            self.rows.rows.lock().expect("no panic under the lock").insert(key, row.clone());
            return Ok(Written::Done);
        }
        let mut rows = self.rows.rows.lock().expect("no panic under the lock");
        let actual = rows.get(&key);
        if !self.holds(expect, actual) {
            let told = actual.filter(|_| !matches!(self.lie, Lie::LosesWithoutTheRow));
            return Ok(Written::Lost(told.cloned()));
        }
        let row = self.stored(actual, row);
        rows.insert(key, row);
        Ok(Written::Done)
    }

    async fn prefetch(&self, keys: &[RecordKey]) -> Result<Vec<Option<LastPost>>, LedgerError> {
        let keys: Vec<RecordKey> = keys.iter().map(|key| self.key(key)).collect();
        let mut told = self.rows.prefetch(&keys).await?;
        match self.lie {
            Lie::RecallsInItsOwnOrder => told.sort_by_key(|told| told.map(|told| told.expires_at)),
            Lie::RecallsTheClaimed => {
                let rows = self.rows.rows.lock().expect("no panic under the lock");
                for (told, key) in told.iter_mut().zip(&keys) {
                    let claimed =
                        rows.get(key).map(|row| Row { state: State::Sent, ..row.clone() });
                    *told = told.or(claimed.as_ref().and_then(Row::told));
                }
            }
            _ => {}
        }
        Ok(told)
    }
}

impl Harness for Lie {
    type Ledger = Lying;

    async fn fresh(&self) -> Lying {
        Lying { lie: *self, rows: MemoryLedger::default() }
    }
}

/// A suite that nothing can fail proves nothing.
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
        Lie::RecallsInItsOwnOrder,
        Lie::RecallsTheClaimed,
    ] {
        let outcome = tokio::spawn(async move { exercise(&lie).await }).await;
        assert!(outcome.is_err_and(|error| error.is_panic()), "{lie:?} was not found");
    }
}
