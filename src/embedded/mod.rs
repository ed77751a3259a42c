//! The embedded backend: a durable queue with a quarantine, and a ledger, in one SQLite file. It
//! needs no AWS. Several processes may use the file at once.

mod bus;
mod dead_letters;
mod incoming;
pub mod input;
mod inquiry;
mod ledger;
pub mod listen;
mod listing;
mod quarantine;
mod queue;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::Notify;

use crate::ports::{Failure, FailureKind};

pub use bus::EmbeddedBus;
pub use dead_letters::EmbeddedDeadLetters;
pub use incoming::Incoming;
pub use ledger::EmbeddedLedger;
pub use queue::EmbeddedQueue;

/// The version of the tables, in SQLite's `user_version`.
const SCHEMA_VERSION: i64 = 4;
/// How long a call waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
CREATE TABLE message (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    lane          TEXT NOT NULL,
    message_id    TEXT NOT NULL,
    body          TEXT NOT NULL,
    enqueued_at   INTEGER NOT NULL,   -- ms
    visible_at    INTEGER NOT NULL,   -- ms
    receive_count INTEGER NOT NULL DEFAULT 0,
    receipt       TEXT,
    again         INTEGER NOT NULL DEFAULT 0,  -- 1: an operator sent it again
    UNIQUE (lane, message_id)
) STRICT;
CREATE INDEX message_age ON message (lane, seq, visible_at);
CREATE INDEX message_receipt ON message (receipt);
CREATE TABLE quarantine (
    message_id    TEXT NOT NULL,
    lane          TEXT NOT NULL,
    body          TEXT NOT NULL,
    reason        TEXT NOT NULL,
    detail        TEXT NOT NULL,
    receive_count INTEGER NOT NULL,
    enqueued_at   INTEGER,            -- ms
    parked_at     INTEGER NOT NULL,   -- ms
    PRIMARY KEY (lane, message_id)
) STRICT;
CREATE TABLE ledger (
    fingerprint   TEXT NOT NULL,
    destination   TEXT NOT NULL,
    state         TEXT NOT NULL,
    owner         TEXT NOT NULL,
    fence         INTEGER NOT NULL,
    lease_until   INTEGER NOT NULL,   -- ms
    level_claimed INTEGER,
    level_sent    INTEGER,
    revision_sent INTEGER,            -- ms
    sent_at       INTEGER,            -- ms
    due_at        INTEGER,            -- ms
    attempts      INTEGER NOT NULL,
    ambiguous     INTEGER NOT NULL,
    digest        TEXT NOT NULL,
    expires_at    INTEGER NOT NULL,   -- ms
    incident      TEXT NOT NULL DEFAULT '',
    finding_type  TEXT NOT NULL DEFAULT '',
    resource      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (fingerprint, destination)
) STRICT, WITHOUT ROWID;
";

/// The changes from version 1 to 2, from 2 to 3, and so on. A program of an earlier version that
/// has the file open keeps working with it.
const CHANGES: [&str; 3] = [
    "ALTER TABLE message ADD COLUMN again INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE ledger ADD COLUMN incident TEXT NOT NULL DEFAULT '';",
    "ALTER TABLE ledger ADD COLUMN finding_type TEXT NOT NULL DEFAULT '';
     ALTER TABLE ledger ADD COLUMN resource TEXT NOT NULL DEFAULT '';",
];

/// The file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path} can't be used: is the folder there and writable, and is it hansho's file?")]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("{path} can't be locked: is the folder there and writable?")]
    Lock { path: PathBuf, source: std::io::Error },
    #[error(
        "{path}: its tables have version {found}, this program knows {SCHEMA_VERSION}: use the \
         program that made it, or another path"
    )]
    Version { path: PathBuf, found: i64 },
}

/// An open store. Clones share it.
#[derive(Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    /// Notified when this process has put a message in.
    arrivals: Arc<Notify>,
    /// The shared lock of a worker, as long as it uses the store: see [`Store::open_for_work`].
    _lock: Option<Arc<File>>,
}

impl Store {
    /// Opens the file to read it or to put a message in. Makes the file if it does not exist.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        let mut connection = Connection::open(path).map_err(open)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(open)?;
        // A write that was answered has to survive a power cut: FULL, not NORMAL.
        switch_to_wal(&connection).map_err(open)?;
        connection.pragma_update(None, "synchronous", "full").map_err(open)?;
        let found = create_tables(&mut connection).map_err(open)?;
        if found != SCHEMA_VERSION {
            return Err(StoreError::Version { path: path.to_owned(), found });
        }
        Ok(Store {
            connection: Arc::new(Mutex::new(connection)),
            arrivals: Arc::new(Notify::new()),
            _lock: None,
        })
    }

    /// Opens the file for a worker.
    ///
    /// Workers share a lock on a file beside it, which the system drops with the process. A worker
    /// that gets the lock alone knows that no other worker runs. It then makes all messages visible
    /// and ends all claims, so that a restart after a crash waits for no time-out.
    pub fn open_for_work(path: &Path) -> Result<Store, StoreError> {
        let store = Store::open(path)?;
        let lock_path = path.with_added_extension("lock");
        let fail = |source| StoreError::Lock { path: lock_path.clone(), source };
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(fail)?;
        if lock.try_lock().is_ok() {
            store
                .with(recover)
                .map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        }
        lock.lock_shared().map_err(fail)?;
        Ok(Store { _lock: Some(Arc::new(lock)), ..store })
    }

    /// Tries a write: sets the version of the tables to the same version.
    pub async fn try_write(&self) -> Result<(), String> {
        let written = self.call(|c| c.pragma_update(None, "user_version", SCHEMA_VERSION)).await;
        written.map_err(|why| why.detail)
    }

    /// Runs `work` with the connection. This blocks: async code uses [`Store::call`].
    fn with<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        // A panic elsewhere leaves no transaction open: a dropped transaction rolls back.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut connection)
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.with(work))
            .await
            .map_err(|e| Failure::from(format!("embedded store: {e}")))?
            .map_err(failed)
    }
}

/// Only one process can switch a new file, and SQLite lets the others fail at once instead of
/// waiting for the busy timeout. Source: SQLite, "Write-Ahead Logging", SQLITE_BUSY.
fn switch_to_wal(connection: &Connection) -> rusqlite::Result<()> {
    const PAUSE: Duration = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(why) if is_busy(&why) && waited < BUSY_TIMEOUT => waited += PAUSE,
            done => return done,
        }
        #[expect(clippy::disallowed_methods, reason = "opening a file blocks anyway")]
        std::thread::sleep(PAUSE);
    }
}

fn is_busy(why: &rusqlite::Error) -> bool {
    matches!(
        why.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
    )
}

/// The kind is [`FailureKind::Busy`] if another process writes for longer than [`BUSY_TIMEOUT`].
fn failed(why: rusqlite::Error) -> Failure {
    let kind = if is_busy(&why) { FailureKind::Busy } else { FailureKind::Other };
    Failure::new(kind, format!("embedded store: {why}"))
}

/// Checks that a store can be made there: makes a file in the folder that is deleted at once.
pub fn can_be_made(path: &Path) -> Result<(), String> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    tempfile::tempfile_in(folder)
        .map(drop)
        .map_err(|e| format!("the folder {} takes no file: {}", folder.display(), e.kind()))
}

fn create_tables(connection: &mut Connection) -> rusqlite::Result<i64> {
    let version =
        |c: &Connection| c.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    if !(0..SCHEMA_VERSION).contains(&version(connection)?) {
        return version(connection);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have made them since the version was read.
    let changes = match usize::try_from(version(&transaction)?) {
        Ok(0) => SCHEMA.to_owned(),
        Ok(version) => CHANGES.get(version - 1..).unwrap_or_default().concat(),
        Err(_) => String::new(),
    };
    if !changes.is_empty() {
        transaction.execute_batch(&changes)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    transaction.commit()?;
    version(connection)
}

fn recover(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("UPDATE message SET visible_at = 0", ())?;
    transaction.execute("UPDATE ledger SET lease_until = 0 WHERE state = 'claimed'", ())?;
    // On DynamoDB, TTL does this.
    let now = crate::clock::wall().0;
    transaction.execute("DELETE FROM ledger WHERE expires_at < ?1", (now,))?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_workers_can_start_on_a_new_file() {
        for round in 0..60 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store.db");
            let open = || Store::open_for_work(&path).map(drop).map_err(|e| format!("{e:?}"));
            std::thread::scope(|scope| {
                let all: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
                for opened in all {
                    assert_eq!(opened.join().unwrap(), Ok(()), "round {round}");
                }
            });
        }
    }

    #[test]
    fn another_process_that_writes_makes_a_failure_of_its_own_kind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hansho.db");
        let (one, other) = (Store::open(&path).unwrap(), Store::open(&path).unwrap());
        other.with(|c| c.busy_timeout(Duration::ZERO)).unwrap();
        let writes = |c: &mut Connection| c.pragma_update(None, "user_version", SCHEMA_VERSION);
        one.with(|c| {
            let transaction = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let refused = failed(other.with(writes).unwrap_err());
            assert_eq!(refused.kind, FailureKind::Busy, "{refused}");
            transaction.commit()
        })
        .unwrap();
        assert!(other.with(writes).is_ok());
        let wrong = other.with(|c| c.execute("nonsense", ())).unwrap_err();
        assert_eq!(failed(wrong).kind, FailureKind::Other);
    }
}
