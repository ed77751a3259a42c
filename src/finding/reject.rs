//! Rejections: why a message, or a part of it, is not a finding that hansho can post.

use std::fmt;

use super::text::Text;
use crate::words::words;

/// The reason why a message goes to quarantine. `Display` writes `place: why`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its word stands in logs, metrics and the attributes of the quarantined message.
    pub code: RejectCode,
    /// Where in the message: a path such as `detail.findings[3].Id`, or `line 1 column 17`.
    pub place: Text,
    pub why: Text,
}

words! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum RejectCode {
        /// The body is not one JSON document.
        NotJson = "not_json",
        /// Larger than [`super::MAX_BYTES`], or more findings than [`super::MAX_FINDINGS`].
        TooLarge = "too_large",
        /// Nested deeper than [`super::MAX_DEPTH`], or wrapped too often.
        TooDeep = "too_deep",
        /// JSON, but not a finding that hansho knows.
        NotAFinding = "not_a_finding",
        /// A finding without an id, or with one too long to be a key.
        NoIdentity = "no_identity",
        /// A key that tells findings apart occurs twice, with different values.
        Contradiction = "contradiction",
    }
}

impl Rejection {
    /// Cuts `place` and `why` to a bounded length, because parts of them come from the message.
    pub fn new(code: RejectCode, place: &str, why: &str) -> Rejection {
        Rejection { code, place: Text::new(place, 200), why: Text::new(why, 300) }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            write!(f, "{}", self.why)
        } else {
            write!(f, "{}: {}", self.place, self.why)
        }
    }
}

impl std::error::Error for Rejection {}
