//! What this worker has told lately. The ledger knows better and knows all; but while it is away
//! this keeps a late copy of what was told just before from being told again.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::finding::Level;
use crate::instants::Mono;
use crate::policy::ledger::NoticeKey;

/// Some 300 KB at the most.
const KEPT: usize = 1_000;

#[derive(Default)]
pub(super) struct Lately {
    /// At which level, and when last.
    told: BTreeMap<NoticeKey, (Level, Mono)>,
    /// The oldest first.
    order: VecDeque<NoticeKey>,
}

impl Lately {
    /// It was posted at this level, and the ledger knows.
    pub fn told(&mut self, key: &NoticeKey, level: Level, now: Mono) {
        match self.told.get_mut(key) {
            Some(known) => *known = (level.max(known.0), now),
            None => {
                self.told.insert(key.clone(), (level, now));
                self.order.push_back(key.clone());
            }
        }
        while self.order.len() > KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.told.remove(&oldest);
            }
        }
    }

    /// The level at which it was told, as far as this worker knows, and no longer ago than that.
    pub fn level(&self, key: &NoticeKey, within: Duration, now: Mono) -> Option<Level> {
        self.told.get(key).filter(|(_, at)| now.since(*at) < within).map(|(level, _)| *level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(i: usize) -> NoticeKey {
        NoticeKey { fingerprint: format!("f{i}"), destination: "d".to_owned() }
    }

    #[test]
    fn remembers_the_highest_level_of_the_latest() {
        let mut lately = Lately::default();
        let level =
            |lately: &Lately, i, at| lately.level(&key(i), Duration::from_secs(1), Mono(at));
        lately.told(&key(0), Level::Critical, Mono(0));
        lately.told(&key(0), Level::High, Mono(500));
        assert_eq!(level(&lately, 0, 1_499), Some(Level::Critical));
        assert_eq!(level(&lately, 0, 1_500), None, "long ago");
        for i in 1..=KEPT {
            lately.told(&key(i), Level::Medium, Mono(500));
        }
        assert_eq!(level(&lately, 0, 500), None);
        assert_eq!(level(&lately, 1, 500), Some(Level::Medium));
        assert_eq!((lately.told.len(), lately.order.len()), (KEPT, KEPT));
    }
}
