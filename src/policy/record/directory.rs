//! The records of the account directory: a head, and the parts that it names.

use super::expect::{State, Version, Versioned};
use crate::instants::Wall;

/// What the directory is, and when it was read from its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryRecord {
    /// Names the content. Equal content has the same version.
    pub version: String,
    /// How many parts the content has.
    pub parts: u32,
    pub accounts: u32,
    pub synced_at: Wall,
    /// When the parts were written.
    pub stored_at: Wall,
    /// Grows by one with every write.
    pub fence: u64,
    pub expires_at: Wall,
}

/// A part of the directory. Its key has the version and the number of the part, so a new version
/// replaces no part that somebody reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryPartRecord {
    pub text: String,
    /// Grows by one with every write.
    pub fence: u64,
    pub expires_at: Wall,
}

impl Versioned for DirectoryRecord {
    fn version(&self) -> Version<'_> {
        Version { state: State::Free, owner: "", fence: self.fence, lease_until: Wall(0) }
    }
}

impl Versioned for DirectoryPartRecord {
    fn version(&self) -> Version<'_> {
        Version { state: State::Free, owner: "", fence: self.fence, lease_until: Wall(0) }
    }
}
