//! When the account directory is stale, and what a sync writes.
//!
//! The directory has a head and parts. A part is never changed, because its key has the version of
//! the content. So a sync of unchanged content writes the head alone, a worker that reads while a
//! sync writes sees one version, and the parts of an old version expire.

use std::time::Duration;

use super::record::{DirectoryPartRecord, DirectoryRecord, Expect, Versioned};
use crate::instants::Wall;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// A directory is synced once a day. One sync may fail.
pub const STALE_AFTER: Duration = DAY.saturating_mul(2);
/// How long parts are kept after they were written.
const KEPT: Duration = DAY.saturating_mul(90);
/// Unchanged parts are written again after this time, because else they would expire.
const WRITTEN_AGAIN_AFTER: Duration = DAY.saturating_mul(30);

/// The content of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    pub version: &'a str,
    pub parts: u32,
    pub accounts: u32,
}

/// Whether nobody has synced the directory lately.
pub fn is_stale(head: &DirectoryRecord, now: Wall) -> bool {
    now.since(head.synced_at) > STALE_AFTER
}

/// The head that a sync writes. The parts have to be written before it, unless
/// [`DirectoryRecord::stored_at`] is still that of `seen`.
pub fn put(
    seen: Option<&DirectoryRecord>,
    content: Content<'_>,
    now: Wall,
) -> (Expect, DirectoryRecord) {
    let is_there = |seen: &&DirectoryRecord| {
        seen.version == content.version && now.since(seen.stored_at) < WRITTEN_AGAIN_AFTER
    };
    let stored_at = seen.filter(is_there).map_or(now, |seen| seen.stored_at);
    let record = DirectoryRecord {
        version: content.version.to_owned(),
        parts: content.parts,
        accounts: content.accounts,
        synced_at: now,
        stored_at,
        fence: seen.map_or(0, |seen| seen.fence).saturating_add(1),
        expires_at: stored_at.plus(KEPT).whole_second(),
    };
    (seen.map_or(Expect::Absent, DirectoryRecord::as_seen), record)
}

/// The part that a sync writes.
pub fn put_part(
    seen: Option<&DirectoryPartRecord>,
    text: String,
    now: Wall,
) -> (Expect, DirectoryPartRecord) {
    let fence = seen.map_or(0, |seen| seen.fence).saturating_add(1);
    let record = DirectoryPartRecord { text, fence, expires_at: now.plus(KEPT).whole_second() };
    (seen.map_or(Expect::Absent, DirectoryPartRecord::as_seen), record)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Wall = Wall(1_790_000_000_000);
    const CONTENT: Content<'_> = Content { version: "0a", parts: 2, accounts: 60 };

    #[test]
    fn unchanged_content_is_written_again_before_it_expires() {
        let (expect, first) = put(None, CONTENT, NOW);
        assert_eq!((expect, first.stored_at, first.fence), (Expect::Absent, NOW, 1));
        let other = Content { version: "0b", ..CONTENT };
        for (content, days, stored_again) in
            [(CONTENT, 1, false), (CONTENT, 29, false), (CONTENT, 30, true), (other, 1, true)]
        {
            let now = NOW.plus(DAY * days);
            let (expect, next) = put(Some(&first), content, now);
            assert!(expect.holds(Some(&first)) && next.fence == 2);
            assert_eq!(next.stored_at == now, stored_again, "{content:?} {days}");
            assert_eq!(next.synced_at, now);
            assert!(next.expires_at > now.plus(DAY * 60));
            let (_, part) = put_part(None, String::new(), next.stored_at);
            assert_eq!(part.expires_at, next.expires_at);
        }
    }

    #[test]
    fn a_directory_is_stale_after_two_days() {
        let (_, head) = put(None, CONTENT, NOW);
        for (hours, stale) in [(0, false), (48, false), (49, true)] {
            let now = NOW.plus(Duration::from_secs(3600 * hours));
            assert_eq!(is_stale(&head, now), stale, "{hours}");
        }
    }
}
