//! The records of a document: a head, and the parts that it names.

use super::expect::{State, Version, Versioned};
use crate::instants::Wall;

/// The head: which content the document has, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRecord {
    /// Names the content. Equal content has the same version.
    pub version: String,
    /// How many parts the content has.
    pub parts: u32,
    /// How many things the content has, such as accounts.
    pub entries: u32,
    /// Where the content came from, in the words of the document. Empty, also in records of a
    /// version that did not keep it: unknown.
    pub source: String,
    /// When the document was written, also with unchanged content.
    pub written_at: Wall,
    /// When the parts were written.
    pub stored_at: Wall,
    /// Grows by one with every write.
    pub fence: u64,
    pub expires_at: Wall,
}

/// A part of a document. Its key has the version and the number of the part, so a new version
/// replaces no part that somebody reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentPartRecord {
    pub text: String,
    /// Grows by one with every write.
    pub fence: u64,
    pub expires_at: Wall,
}

impl Versioned for DocumentRecord {
    fn version(&self) -> Version<'_> {
        Version { state: State::Free, owner: "", fence: self.fence, lease_until: Wall(0) }
    }
}

impl Versioned for DocumentPartRecord {
    fn version(&self) -> Version<'_> {
        Version { state: State::Free, owner: "", fence: self.fence, lease_until: Wall(0) }
    }
}
