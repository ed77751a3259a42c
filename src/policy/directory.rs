//! Where the account directory came from, and when it is stale.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::record::DocumentRecord;
use crate::instants::Wall;

/// A directory is synced once a day. One sync may fail.
pub const STALE_AFTER: Duration = Duration::from_secs(48 * 3600);

/// Where the accounts of a directory came from, as its head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A person's file.
    File,
    /// AWS Organizations.
    Organization(KeptTags),
}

/// Which tags of accounts a directory keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptTags {
    All,
    /// None at all, if it is empty.
    These(BTreeSet<String>),
}

impl KeptTags {
    pub fn has(&self, key: &str) -> bool {
        match self {
            KeptTags::All => true,
            KeptTags::These(keys) => keys.contains(key),
        }
    }

    /// Whether any tag is kept.
    pub fn any(&self) -> bool {
        *self != KeptTags::These(BTreeSet::new())
    }
}

const FILE: &str = "file";
const ORGANIZATION: &str = "organization";

/// `file`, `organization`, or `organization ["env","team"]` where only these tags are kept.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File => f.write_str(FILE),
            Source::Organization(KeptTags::All) => f.write_str(ORGANIZATION),
            Source::Organization(KeptTags::These(keys)) => {
                let keys = serde_json::to_string(keys).map_err(|_| fmt::Error)?;
                write!(f, "{ORGANIZATION} {keys}")
            }
        }
    }
}

impl Source {
    /// None: it is not known.
    pub fn parse(text: &str) -> Option<Source> {
        match text {
            FILE => Some(Source::File),
            ORGANIZATION => Some(Source::Organization(KeptTags::All)),
            text => {
                let keys = text.strip_prefix(ORGANIZATION)?.strip_prefix(' ')?;
                let keys = serde_json::from_str(keys).ok()?;
                Some(Source::Organization(KeptTags::These(keys)))
            }
        }
    }
}

/// Whether nobody has synced the directory lately.
pub fn is_stale(head: &DocumentRecord, now: Wall) -> bool {
    now.since(head.written_at) > STALE_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::document::{Content, put};

    #[test]
    fn a_source_is_read_as_it_was_written() {
        let these = |keys: &[&str]| KeptTags::These(keys.iter().map(|&k| k.to_owned()).collect());
        for (source, text) in [
            (Source::File, "file"),
            (Source::Organization(KeptTags::All), "organization"),
            (Source::Organization(these(&[])), "organization []"),
            (
                Source::Organization(these(&["team", "a \"b\""])),
                r#"organization ["a \"b\"","team"]"#,
            ),
        ] {
            assert_eq!(source.to_string(), text);
            assert_eq!(Source::parse(text), Some(source));
        }
        for unknown in ["", "files", "organization x", "organization[]"] {
            assert_eq!(Source::parse(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_directory_is_stale_after_two_days() {
        let now = Wall(1_790_000_000_000);
        let (_, head) =
            put(None, Content { version: "0a", parts: 2, entries: 60, source: "" }, now);
        for (hours, stale) in [(0, false), (48, false), (49, true)] {
            let now = now.plus(Duration::from_secs(3600 * hours));
            assert_eq!(is_stale(&head, now), stale, "{hours}");
        }
    }
}
