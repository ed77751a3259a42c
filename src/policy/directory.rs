//! When the account directory is stale.

use std::time::Duration;

use super::record::DocumentRecord;
use crate::instants::Wall;

/// A directory is synced once a day. One sync may fail.
pub const STALE_AFTER: Duration = Duration::from_secs(48 * 3600);

/// Whether nobody has synced the directory lately.
pub fn is_stale(head: &DocumentRecord, now: Wall) -> bool {
    now.since(head.written_at) > STALE_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::document::{Content, put};

    #[test]
    fn a_directory_is_stale_after_two_days() {
        let now = Wall(1_790_000_000_000);
        let (_, head) = put(None, Content { version: "0a", parts: 2, entries: 60 }, now);
        for (hours, stale) in [(0, false), (48, false), (49, true)] {
            let now = now.plus(Duration::from_secs(3600 * hours));
            assert_eq!(is_stale(&head, now), stale, "{hours}");
        }
    }
}
