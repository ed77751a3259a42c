//! Care for the file of a store: what it holds, whether it is whole, a copy of it, and its size.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

pub use super::place::free_bytes;
use super::{Store, StoreError, failed, open_read_only};
use crate::ports::{Failure, FailureKind};

/// How many faults of a damaged file are named.
const FAULTS_MAX: usize = 5;
/// A worker gives space back to the disk if so many pages of 4 KiB are free: 4 MiB.
const FREE_PAGES_MAX: i64 = 1024;
/// How many pages one step gives back, so that a step takes no longer than a few writes.
const GIVE_BACK_PAGES: i64 = 256;
/// How many pages one step of a backup copies, and the pause for writers between steps.
const BACKUP_PAGES: i32 = 1000;
const BACKUP_PAUSE: Duration = Duration::from_millis(5);

/// What a store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The size of the file in bytes, and how much of it is free for new rows.
    pub bytes: u64,
    pub free_bytes: u64,
    pub messages: u64,
    pub quarantined: u64,
    pub records: u64,
}

/// Reads the whole file, and says what it holds. Takes seconds for each GiB.
///
/// # Errors
/// It is no store, can't be read, or is damaged. Then the failure names the first faults.
pub fn check(path: &Path) -> Result<Contents, StoreError> {
    let store = Store::open_to_read(path)?;
    let open = |why| StoreError::Open(failed(&why, path));
    let faults = store.with(|c| faults(c)).map_err(open)?;
    if !faults.is_empty() {
        return Err(StoreError::Open(damaged(path, &faults.join("; "))));
    }
    store.with(|c| contents(c)).map_err(open)
}

fn damaged(path: &Path, faults: &str) -> Failure {
    let path = path.display();
    let why = format!(
        "embedded store {path}: it is damaged: restore a backup, or start with a new one ({faults})"
    );
    Failure::new(FailureKind::Damaged, why)
}

fn faults(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare(&format!("PRAGMA integrity_check({FAULTS_MAX})"))?;
    let lines: Vec<String> = select.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(if lines == ["ok"] { Vec::new() } else { lines })
}

fn contents(connection: &Connection) -> rusqlite::Result<Contents> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    let count = |table: &str| {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get(0))
    };
    let page = pragma("page_size")?;
    Ok(Contents {
        bytes: pragma("page_count")? * page,
        free_bytes: pragma("freelist_count")? * page,
        messages: count("message")?,
        quarantined: count("quarantine")?,
        records: count("ledger")?,
    })
}

/// Copies a store to a new file, while workers use it, and checks the copy.
///
/// # Errors
/// It is no store, can't be read, or the copy can't be written or is damaged.
pub fn backup(path: &Path, to: &Path) -> Result<Contents, StoreError> {
    // Its version and id, before anything is copied.
    drop(Store::open_to_read(path)?);
    let from = open_read_only(path).map_err(|why| StoreError::Open(failed(&why, path)))?;
    let copied = |why| StoreError::Open(failed(&why, to));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut copy = Connection::open_with_flags(to, flags).map_err(copied)?;
    let run = Backup::new(&from, &mut copy).map_err(copied)?;
    run.run_to_completion(BACKUP_PAGES, BACKUP_PAUSE, None).map_err(copied)?;
    drop(run);
    // One file, and no log beside it.
    copy.pragma_update(None, "journal_mode", "delete").map_err(copied)?;
    drop(copy);
    check(to)
}

/// Writes the file again without its free pages. `room` are the free bytes of its disk, if they are
/// known. Returns the size before and after, in bytes.
///
/// # Errors
/// A worker uses the store, the disk has too little room, or see [`StoreError`].
pub fn compact(path: &Path, room: Option<u64>) -> Result<[u64; 2], StoreError> {
    let before = check(path)?;
    let store = Store::open(path)?;
    let lock = Store::open_lock(path)?;
    if lock.try_lock().is_err() {
        return Err(StoreError::InUse { path: path.to_owned() });
    }
    // SQLite, VACUUM: "as much as twice the size of the original database file is required".
    let needed = 2 * before.bytes;
    if room.is_some_and(|room| room < needed) {
        return Err(StoreError::NoRoom { path: path.to_owned(), needed });
    }
    let work = |c: &mut Connection| {
        c.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM;")?;
        c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?;
        contents(c)
    };
    let after = store.with(work).map_err(|why| StoreError::Open(failed(&why, path)))?;
    Ok([before.bytes, after.bytes])
}

impl Store {
    /// Gives free pages back to the disk if there are many. A file of before 0.1.0 keeps them until
    /// it is compacted.
    pub(super) fn give_back(&self, all: bool) -> rusqlite::Result<()> {
        self.with(|c| {
            loop {
                let pragma = |name| c.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
                // 2: incremental.
                if pragma("auto_vacuum")? != 2 || pragma("freelist_count")? <= FREE_PAGES_MAX {
                    return Ok(());
                }
                let mut step =
                    c.prepare(&format!("PRAGMA incremental_vacuum({GIVE_BACK_PAGES})"))?;
                let mut pages = step.query(())?;
                while pages.next()?.is_some() {}
                if !all {
                    return Ok(());
                }
            }
        })
    }

    /// Gives back what is free beyond 4 MiB, at the end of a run.
    pub async fn shrink(&self) {
        // What it fails with matters to the next write, not to the size of the file.
        _ = self.run(|store| store.give_back(true)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A store with some messages of 2 KB each.
    fn filled(path: &Path, messages: usize) -> Store {
        let store = Store::open(path).unwrap();
        store
            .with(|c| {
                let t = c.transaction()?;
                for i in 0..messages {
                    t.execute(
                        "INSERT INTO message (lane, message_id, body, enqueued_at, visible_at)
                         VALUES ('standard', ?1, ?2, 1, 1)",
                        (i.to_string(), "x".repeat(2_000)),
                    )?;
                }
                t.commit()
            })
            .unwrap();
        store
    }

    fn delete_all(store: &Store) {
        store.with(|c| c.execute("DELETE FROM message", ())).unwrap();
    }

    fn checkpoint(store: &Store) {
        store.with(|c| c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))).unwrap();
    }

    #[test]
    fn a_store_shrinks_again_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store = filled(&path, 10_000);
        checkpoint(&store);
        let full = fs::metadata(&path).unwrap().len();
        assert!(full > 20_000_000, "{full}");
        delete_all(&store);
        store.give_back(false).unwrap();
        let step = store.with(|c| contents(c)).unwrap();
        // SQLite may free a page of its map of pointers too.
        let pages = (full - step.bytes) / 4096;
        let asked = GIVE_BACK_PAGES as u64;
        assert!((asked..=asked + 1).contains(&pages), "{pages}");
        store.give_back(true).unwrap();
        checkpoint(&store);
        let left = fs::metadata(&path).unwrap().len();
        assert!(left <= FREE_PAGES_MAX as u64 * 4096 + 200_000, "{left}");
    }

    #[test]
    fn a_store_that_is_written_to_is_copied_whole() {
        let folder = tempfile::tempdir().unwrap();
        let [path, copy] = ["a.db", "copy.db"].map(|name| folder.path().join(name));
        let store = filled(&path, 5_000);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for _ in 0..50 {
                    store.with(|c| c.execute("DELETE FROM message WHERE seq % 7 = 0", ())).unwrap();
                }
            });
            let copied = backup(&path, &copy).unwrap();
            writer.join().unwrap();
            assert!(copied.messages >= 4_285, "{copied:?}");
            assert_eq!(check(&copy).unwrap(), copied);
        });
        assert!(!folder.path().join("copy.db-wal").exists());
        assert_eq!(Store::open(&copy).err().map(|why| why.to_string()), None);
    }

    #[test]
    fn a_store_is_compacted_if_nobody_uses_it_and_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store = filled(&path, 1_500);
        delete_all(&store);
        drop(store);
        let worker = Store::open_for_work(&path).unwrap();
        assert!(matches!(compact(&path, None), Err(StoreError::InUse { .. })));
        drop(worker);
        assert!(matches!(compact(&path, Some(5_000_000)), Err(StoreError::NoRoom { .. })));
        let [before, after] = compact(&path, Some(50_000_000)).unwrap();
        assert!(before > 3_000_000 && after < 200_000, "{before} → {after}");
        assert_eq!(fs::metadata(&path).unwrap().len(), after);
    }

    #[test]
    fn damage_and_foreign_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(filled(&path, 500));
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0x5a);
        fs::write(&path, &bytes).unwrap();
        for done in [check(&path).map(drop), compact(&path, None).map(drop)] {
            let why = done.unwrap_err().to_string();
            assert!(why.contains("a.db: it is damaged: restore a backup"), "{why}");
        }
        let other = folder.path().join("b.db");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
        let to = folder.path().join("c.db");
        let all = [
            check(&other).map(drop),
            backup(&other, &to).map(drop),
            compact(&other, None).map(drop),
        ];
        for done in all {
            assert!(matches!(done, Err(StoreError::Foreign { .. })));
        }
        assert!(!to.exists());
    }
}
