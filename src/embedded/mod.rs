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
mod place;
mod quarantine;
mod queue;
mod sieve;
pub mod upkeep;
pub mod watch;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, ffi};
use tokio::sync::Notify;

use crate::ports::{Failure, FailureKind};

pub use bus::EmbeddedBus;
pub use dead_letters::EmbeddedDeadLetters;
pub use incoming::Incoming;
pub use ledger::EmbeddedLedger;
pub use queue::EmbeddedQueue;
pub use sieve::{LeftOut, Sieve};

use place::Place;

/// The version of the tables, in SQLite's `user_version`.
const SCHEMA_VERSION: i64 = 5;
/// How long a call waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How large the log of writes stays when it begins again.
const LOG_BYTES_KEPT: i64 = 4 << 20;

const SCHEMA: &str = "
CREATE TABLE message (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    lane          TEXT NOT NULL,
    message_id    TEXT NOT NULL,
    body          TEXT NOT NULL,
    enqueued_at   INTEGER NOT NULL,   -- ms
    visible_at    INTEGER NOT NULL,   -- ms
    receive_count INTEGER NOT NULL DEFAULT 0,
    receipt       TEXT,               -- of a program of before 0.1.0
    again         INTEGER NOT NULL DEFAULT 0,  -- 1: an operator sent it again
    place         TEXT NOT NULL DEFAULT '',    -- where it began in an input
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
const CHANGES: [&str; 4] = [
    "ALTER TABLE message ADD COLUMN again INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE ledger ADD COLUMN incident TEXT NOT NULL DEFAULT '';",
    "ALTER TABLE ledger ADD COLUMN finding_type TEXT NOT NULL DEFAULT '';
     ALTER TABLE ledger ADD COLUMN resource TEXT NOT NULL DEFAULT '';",
    "ALTER TABLE message ADD COLUMN place TEXT NOT NULL DEFAULT '';",
];

/// "hans" in SQLite's `application_id`, so that no other program's file is taken for a store.
const APPLICATION_ID: i64 = 0x6861_6e73;

/// The file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{0}")]
    Open(Failure),
    #[error("{path} can't be locked: is the folder there and writable?")]
    Lock { path: PathBuf, source: std::io::Error },
    #[error("{path}: a worker uses it: stop the worker first")]
    InUse { path: PathBuf },
    #[error("{path}: its disk needs {needed} free bytes for this: free space")]
    NoRoom { path: PathBuf, needed: u64 },
    #[error(
        "{path} is empty, and no store: start a worker, which makes it one, or restore a backup"
    )]
    Empty { path: PathBuf },
    #[error("{path} belongs to another program: set embedded.path to another file")]
    Foreign { path: PathBuf },
    #[error(
        "{path}: its tables have version {found}, this program knows {SCHEMA_VERSION}: use the \
         program that made it, or another path"
    )]
    Version { path: PathBuf, found: i64 },
    #[error(
        "{path}: its tables have the older version {found}: start a worker once, or any command \
         that may write to it"
    )]
    Older { path: PathBuf, found: i64 },
}

/// An open store. Clones share it.
#[derive(Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    /// Notified when this process has put a message in.
    arrivals: Arc<Notify>,
    place: Arc<Place>,
    /// The last failed write, until another one works.
    failing: Arc<Mutex<Option<Failure>>>,
    /// The shared lock of a worker, as long as it uses the store: see [`Store::open_for_work`].
    lock: Option<Arc<File>>,
}

impl Store {
    /// Opens the file to read it or to put a message in. Makes the file if it does not exist.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let open = |source| StoreError::Open(failed(&source, path));
        let mut connection = Connection::open(path).map_err(open)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(open)?;
        // Before anything is changed in it.
        if is_foreign(&connection).map_err(open)? {
            return Err(StoreError::Foreign { path: path.to_owned() });
        }
        // It is without effect once the file has pages: see [`upkeep`].
        connection.pragma_update(None, "auto_vacuum", "incremental").map_err(open)?;
        // A write that was answered has to survive a power cut: FULL, not NORMAL.
        switch_to_wal(&connection).map_err(open)?;
        // A large input makes the log of writes large. It is cut when it begins again.
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT).map_err(open)?;
        connection.pragma_update(None, "synchronous", "full").map_err(open)?;
        let found = create_tables(&mut connection).map_err(open)?;
        if found != SCHEMA_VERSION {
            return Err(StoreError::Version { path: path.to_owned(), found });
        }
        Ok(Store::of(connection, path))
    }

    /// Opens the file to read it, with no right to write to it or to its folder.
    ///
    /// # Errors
    /// See [`StoreError`]. A file of an older version can't be upgraded.
    pub fn open_to_read(path: &Path) -> Result<Store, StoreError> {
        let open = |source| StoreError::Open(failed(&source, path));
        let connection = open_read_only(path).map_err(open)?;
        if is_foreign(&connection).map_err(open)? {
            return Err(StoreError::Foreign { path: path.to_owned() });
        }
        let found = version(&connection).map_err(open)?;
        let path = path.to_owned();
        match found {
            SCHEMA_VERSION => Ok(Store::of(connection, &path)),
            0 => Err(StoreError::Empty { path }),
            found if (1..SCHEMA_VERSION).contains(&found) => Err(StoreError::Older { path, found }),
            found => Err(StoreError::Version { path, found }),
        }
    }

    /// Opens the file for a dry run, which changes nothing. Without a file, an empty store in
    /// memory stands for it.
    ///
    /// # Errors
    /// See [`Store::open_to_read`].
    pub fn open_for_dry_run(path: &Path) -> Result<Store, StoreError> {
        if path.exists() {
            return Store::open_to_read(path);
        }
        let open = |source| StoreError::Open(failed(&source, path));
        let mut connection = Connection::open_in_memory().map_err(open)?;
        create_tables(&mut connection).map_err(open)?;
        Ok(Store::of(connection, path))
    }

    fn of(connection: Connection, path: &Path) -> Store {
        Store {
            connection: Arc::new(Mutex::new(connection)),
            arrivals: Arc::new(Notify::new()),
            place: Arc::new(Place::of(path)),
            failing: Arc::default(),
            lock: None,
        }
    }

    /// Opens the file for a worker.
    ///
    /// Workers share a lock on a file beside it, which the system drops with the process. A worker
    /// that gets the lock alone knows that no other worker runs. It then makes all messages visible
    /// and ends all claims, so that a restart after a crash waits for no time-out.
    pub fn open_for_work(path: &Path) -> Result<Store, StoreError> {
        let store = match Store::open(path) {
            // SQLite's files beside it need space too.
            Err(StoreError::Open(why))
                if why.kind == FailureKind::DiskFull && Place::of(path).release_reserve() =>
            {
                Store::open(path)?
            }
            opened => opened?,
        };
        let lock = Store::open_lock(path)?;
        if lock.try_lock().is_ok() {
            let recovered = store.with_all_space(recover);
            recovered.map_err(|source| StoreError::Open(failed(&source, path)))?;
        }
        let fail = |source| StoreError::Lock { path: lock_path(path), source };
        lock.lock_shared().map_err(fail)?;
        // Without room for it the worker starts all the same, to post what waits.
        _ = store.place.keep_reserve();
        Ok(Store { lock: Some(Arc::new(lock)), ..store })
    }

    /// The file that workers lock.
    fn open_lock(path: &Path) -> Result<File, StoreError> {
        let lock = lock_path(path);
        let opened = File::options().create(true).truncate(false).write(true).open(&lock);
        opened.map_err(|source| StoreError::Lock { path: lock, source })
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

    /// Runs `work`, which may be posting or deleting. If the disk is full, `work` gets the reserve
    /// and the space of SQLite's log, and runs again.
    fn with_all_space<T>(
        &self,
        work: impl Fn(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        match self.with(&work) {
            Err(why) if is_full(&why) => {
                self.place.release_reserve();
                self.with(|c| {
                    start_log_again(c);
                    work(c)
                })
            }
            done => done,
        }
    }

    /// As [`Store::with_all_space`], beside the async code.
    async fn call<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        self.run(move |store| store.with_all_space(work)).await
    }

    /// As [`Store::call`], for something new. Fails if the files are not those that were opened, or
    /// if no space is kept back.
    async fn accept<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        self.is_sound()?;
        let done = self.run(move |store| store.with(work)).await?;
        // They may have been removed while the write went on.
        self.is_removed().map_or(Ok(done), Err)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&store))
            .await
            .map_err(|e| Failure::from(format!("embedded store: {e}")))?;
        done.map_err(|why| self.note(&why))
    }

    /// What is wrong with the store, as a failure, and keeps it for [`watch`].
    fn note(&self, why: &rusqlite::Error) -> Failure {
        let failure = failed(why, self.place.path());
        if FailureKind::OF_THE_STORE.contains(&failure.kind) {
            *self.failing() = Some(failure.clone());
        }
        failure
    }

    fn failing(&self) -> MutexGuard<'_, Option<Failure>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock_path(path: &Path) -> PathBuf {
    path.with_added_extension("lock")
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
    matches!(why.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// SQLite has a code of its own for its index of the log.
fn is_full(why: &rusqlite::Error) -> bool {
    why.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || why.sqlite_error().is_some_and(|e| e.extended_code == ffi::SQLITE_IOERR_SHMSIZE)
}

/// Moves SQLite's log of writes into the database, so that the next write begins at its start and
/// needs no space. It can't while somebody reads, and the write may find enough space all the same.
fn start_log_again(connection: &Connection) {
    _ = connection.query_row("PRAGMA wal_checkpoint(RESTART)", (), |_| Ok(()));
}

/// The kind is [`FailureKind::Busy`] if another process writes for longer than [`BUSY_TIMEOUT`].
fn failed(why: &rusqlite::Error, path: &Path) -> Failure {
    let path = path.display();
    let (kind, what) = match why.sqlite_error_code() {
        _ if is_busy(why) => (FailureKind::Busy, "another process has locked it"),
        _ if is_full(why) => (FailureKind::DiskFull, "its disk is full: free space"),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            (FailureKind::ReadOnly, "it can't be written: check its rights and the mount")
        }
        Some(ErrorCode::CannotOpen) => {
            (FailureKind::DiskFailure, "it can't be opened: is the folder there and writable?")
        }
        Some(ErrorCode::SystemIoFailure) => {
            (FailureKind::DiskFailure, "its disk fails: see the log of the system")
        }
        Some(ErrorCode::NotADatabase) => (
            FailureKind::Damaged,
            "it is no store of hansho: use another embedded.path, or restore it",
        ),
        Some(ErrorCode::DatabaseCorrupt) => {
            (FailureKind::Damaged, "it is damaged: restore a backup, or start with a new one")
        }
        _ => return Failure::from(format!("embedded store {path}: {why}")),
    };
    Failure::new(kind, format!("embedded store {path}: {what} ({why})"))
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

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Whether the file is another program's. Stores of before 0.1.0 have no id, but the tables.
fn is_foreign(connection: &Connection) -> rusqlite::Result<bool> {
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if id != 0 {
        return Ok(id != APPLICATION_ID);
    }
    let tables = "SELECT count(*), count(*) FILTER (WHERE name IN ('message', 'ledger'))
                  FROM sqlite_master WHERE type = 'table'";
    let (all, ours): (i64, i64) =
        connection.query_row(tables, (), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(all > 0 && ours < 2)
}

/// Without the right to write, SQLite can read a file whose log is there, or one that nobody writes
/// to. Source: SQLite, "Write-Ahead Logging", Read-Only Databases.
fn open_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let is_refused = |why: &rusqlite::Error| {
        matches!(why.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
    };
    match version(&connection) {
        Err(why) if is_refused(&why) && !has_log(path) => {
            let uri = format!("file:{}?immutable=1", uri_path(path));
            Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
        }
        Err(why) => Err(why),
        Ok(_) => Ok(connection),
    }
}

/// Whether writes stand in SQLite's log beside the file.
fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// A path in a URI of SQLite, in which `%`, `?` and `#` have a meaning.
fn uri_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

fn create_tables(connection: &mut Connection) -> rusqlite::Result<i64> {
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
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    transaction.commit()?;
    version(connection)
}

fn recover(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let now = crate::clock::wall().0;
    // A time as long as the one before: else SQLite writes the row again, with its body.
    transaction.execute("UPDATE message SET visible_at = ?1 WHERE visible_at > ?1", (now,))?;
    transaction.execute("UPDATE ledger SET lease_until = 0 WHERE state = 'claimed'", ())?;
    // On DynamoDB, TTL does this.
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
    fn a_file_of_another_program_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.db");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE contact (name TEXT)").unwrap();
        drop(other);
        let before = std::fs::read(&path).unwrap();
        for opened in [Store::open(&path), Store::open_for_work(&path), Store::open_to_read(&path)]
        {
            assert!(matches!(opened.err().unwrap(), StoreError::Foreign { .. }));
        }
        assert_eq!(std::fs::read(&path).unwrap(), before);
        std::fs::write(&path, "no database, but longer than the header of one".repeat(9)).unwrap();
        let why = Store::open(&path).err().unwrap().to_string();
        assert!(why.contains("other.db: it is no store of hansho"), "{why}");
    }

    #[test]
    fn a_store_is_read_without_the_right_to_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a%b?c#.db");
        assert!(matches!(Store::open_to_read(&path).err().unwrap(), StoreError::Open(_)));
        std::fs::write(&path, "").unwrap();
        let why = Store::open_to_read(&path).err().unwrap().to_string();
        assert!(
            why.ends_with(
                "is empty, and no store: start a worker, which makes it one, or restore a backup"
            ),
            "{why}"
        );
        drop(Store::open(&path).unwrap());
        let read = |store: &Store| {
            store.with(|c| {
                c.query_row("SELECT count(*) FROM ledger", (), |row| row.get::<_, i64>(0))
            })
        };
        let store = Store::open_to_read(&path).unwrap();
        assert_eq!(read(&store), Ok(0));
        let refused = store.with(|c| c.execute("DELETE FROM ledger", ())).unwrap_err();
        assert_eq!(failed(&refused, &path).kind, FailureKind::ReadOnly);
        // As in a folder that can't be written, where SQLite makes no index of its log.
        let uri = format!("file:{}?immutable=1", uri_path(&path));
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri, flags).unwrap();
        assert_eq!(version(&connection), Ok(SCHEMA_VERSION));
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
            let refused = failed(&other.with(writes).unwrap_err(), &path);
            assert_eq!(refused.kind, FailureKind::Busy, "{refused}");
            transaction.commit()
        })
        .unwrap();
        assert!(other.with(writes).is_ok());
        let wrong = other.with(|c| c.execute("nonsense", ())).unwrap_err();
        assert_eq!(failed(&wrong, &path).kind, FailureKind::Other);
    }
}
