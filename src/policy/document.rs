//! What a write of a document writes.
//!
//! A document has a head and parts. A part is never changed, because its key has the version of the
//! content. So a write of unchanged content writes the head alone, a worker that reads meanwhile
//! sees one version, and the parts of an old version expire.

use std::time::Duration;

use super::record::{DocumentPartRecord, DocumentRecord, Expect, Versioned};
use crate::instants::Wall;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long parts are kept after they were written.
const KEPT: Duration = DAY.saturating_mul(120);
/// Unchanged parts are written again after this time, because else they would expire.
const WRITTEN_AGAIN_AFTER: Duration = DAY.saturating_mul(30);

/// The content of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    pub version: &'a str,
    pub parts: u32,
    pub entries: u32,
    pub source: &'a str,
}

/// The head to write. The parts have to be written before it, unless
/// [`DocumentRecord::stored_at`] is still that of `seen`.
pub fn put(
    seen: Option<&DocumentRecord>,
    content: Content<'_>,
    now: Wall,
) -> (Expect, DocumentRecord) {
    let is_there = |seen: &&DocumentRecord| {
        seen.version == content.version && now.since(seen.stored_at) < WRITTEN_AGAIN_AFTER
    };
    let stored_at = seen.filter(is_there).map_or(now, |seen| seen.stored_at);
    let record = DocumentRecord {
        version: content.version.to_owned(),
        parts: content.parts,
        entries: content.entries,
        source: content.source.to_owned(),
        written_at: now,
        stored_at,
        fence: seen.map_or(0, |seen| seen.fence).saturating_add(1),
        expires_at: stored_at.plus(KEPT).whole_second(),
    };
    (seen.map_or(Expect::Absent, DocumentRecord::as_seen), record)
}

/// The part to write.
pub fn put_part(
    seen: Option<&DocumentPartRecord>,
    text: String,
    now: Wall,
) -> (Expect, DocumentPartRecord) {
    let fence = seen.map_or(0, |seen| seen.fence).saturating_add(1);
    let record = DocumentPartRecord { text, fence, expires_at: now.plus(KEPT).whole_second() };
    (seen.map_or(Expect::Absent, DocumentPartRecord::as_seen), record)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Wall = Wall(1_790_000_000_000);
    const CONTENT: Content<'_> = Content { version: "0a", parts: 2, entries: 60, source: "" };

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
            assert_eq!(next.written_at, now);
            assert!(next.expires_at > now.plus(DAY * 90));
            let (_, part) = put_part(None, String::new(), next.stored_at);
            assert_eq!(part.expires_at, next.expires_at);
        }
    }
}
