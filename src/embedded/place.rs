//! The files of a store on the disk: whether they are still there, and the space that is kept back.
//!
//! SQLite keeps working with a file that was removed or replaced, because it stays open. What it
//! then writes is lost with the process.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The space that is kept back for posting and deleting, in bytes. SQLite starts its log again from
/// the beginning after 1,000 pages of 4 KiB.
/// Source: SQLite, "Write-Ahead Logging", Automatic Checkpoint.
pub const RESERVE_BYTES: usize = 4 << 20;

/// Which file a path names: the device and the number of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    /// None: there is no file, or it can't be asked.
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Identity> {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).ok().map(|file| Identity(file.dev(), file.ino()))
    }

    #[cfg(not(unix))]
    fn of(path: &Path) -> Option<Identity> {
        fs::metadata(path).ok().map(|_| Identity(0, 0))
    }
}

/// The files of an open store.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    /// The database, and its log of writes, as they were when the store was opened.
    files: Vec<(PathBuf, Identity)>,
    reserve: PathBuf,
}

impl Place {
    /// The files as they are now. The database must be open, so that SQLite keeps its log.
    pub fn of(path: &Path) -> Place {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let files = [path.to_owned(), PathBuf::from(log)];
        let known = |path: PathBuf| Identity::of(&path).map(|identity| (path, identity));
        let files = files.into_iter().filter_map(known).collect();
        Place { path: path.to_owned(), files, reserve: path.with_added_extension("reserve") }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file that was removed, or replaced by another one.
    pub fn missing(&self) -> Option<&Path> {
        let gone = |(path, identity): &&(PathBuf, Identity)| Identity::of(path) != Some(*identity);
        self.files.iter().find(gone).map(|(path, _)| path.as_path())
    }

    /// Whether the reserve is whole.
    pub fn has_reserve(&self) -> bool {
        fs::metadata(&self.reserve).is_ok_and(|file| file.len() >= RESERVE_BYTES as u64)
    }

    /// Makes the reserve, unless it is there.
    ///
    /// # Errors
    /// The disk has no room for it, or takes no file.
    pub fn keep_reserve(&self) -> io::Result<()> {
        if self.has_reserve() {
            return Ok(());
        }
        // To find out by writing would take the space that is left, for a moment, from the store.
        let folder = self.reserve.parent().filter(|folder| *folder != Path::new(""));
        let free = free_bytes(folder.unwrap_or(Path::new(".")));
        if free.is_some_and(|free| free < RESERVE_BYTES as u64) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let made = self.make_reserve();
        if made.is_err() {
            // A part of it would only take space.
            _ = fs::remove_file(&self.reserve);
        }
        made
    }

    fn make_reserve(&self) -> io::Result<()> {
        // Zeros would take no space on a disk that compresses.
        let mut random = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(1 << 16).collect();
        let mut file = File::create(&self.reserve)?;
        for _ in 0..RESERVE_BYTES / noise.len() {
            file.write_all(&noise)?;
        }
        file.sync_all()
    }

    /// Gives the space back to the store. False: there was none.
    pub fn release_reserve(&self) -> bool {
        fs::remove_file(&self.reserve).is_ok()
    }
}

/// The free bytes of the disk of a file or folder. None: they can't be asked for.
#[cfg(unix)]
pub fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
pub fn free_bytes(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_removed_or_replaced_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let [db, log] = ["a.db", "a.db-wal"].map(|name| folder.path().join(name));
        for (moved, restored) in [(&db, true), (&log, true), (&db, false)] {
            fs::write(&db, "db").unwrap();
            fs::write(&log, "log").unwrap();
            let place = Place::of(&db);
            assert_eq!(place.missing(), None);
            let aside = folder.path().join("aside");
            fs::rename(moved, &aside).unwrap();
            assert_eq!(place.missing(), Some(moved.as_path()));
            if restored {
                fs::rename(&aside, moved).unwrap();
                assert_eq!(place.missing(), None);
            } else {
                fs::write(moved, "another").unwrap();
                assert_eq!(place.missing(), Some(moved.as_path()));
            }
        }
    }

    #[test]
    fn the_reserve_is_whole_or_absent() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(&folder.path().join("a.db"));
        assert!(!place.has_reserve() && !place.release_reserve());
        place.keep_reserve().unwrap();
        assert!(place.has_reserve());
        place.keep_reserve().unwrap();
        assert!(place.release_reserve() && !place.has_reserve());
        fs::write(&place.reserve, "cut off").unwrap();
        assert!(!place.has_reserve());
        place.keep_reserve().unwrap();
        assert!(place.has_reserve());
        let nowhere = Place::of(&folder.path().join("none/a.db"));
        assert!(nowhere.keep_reserve().is_err());
    }
}
