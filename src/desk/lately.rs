//! What this worker has told lately. The ledger knows better and knows all; but while it is away
//! this keeps a late copy of what was told just before from being told again.

use std::collections::{BTreeMap, VecDeque};

use crate::finding::Level;
use crate::policy::ledger::NoticeKey;

/// Some 300 KB at the most.
const KEPT: usize = 1_000;

#[derive(Default)]
pub(super) struct Lately {
    told: BTreeMap<NoticeKey, Level>,
    /// The oldest first.
    order: VecDeque<NoticeKey>,
}

impl Lately {
    /// It was posted at this level, and the ledger knows.
    pub fn told(&mut self, key: &NoticeKey, level: Level) {
        match self.told.get_mut(key) {
            Some(known) => *known = level.max(*known),
            None => {
                self.told.insert(key.clone(), level);
                self.order.push_back(key.clone());
            }
        }
        while self.order.len() > KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.told.remove(&oldest);
            }
        }
    }

    /// The level at which it was told, as far as this worker knows.
    pub fn level(&self, key: &NoticeKey) -> Option<Level> {
        self.told.get(key).copied()
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
        lately.told(&key(0), Level::Critical);
        lately.told(&key(0), Level::High);
        assert_eq!(lately.level(&key(0)), Some(Level::Critical));
        for i in 1..=KEPT {
            lately.told(&key(i), Level::Medium);
        }
        assert_eq!(lately.level(&key(0)), None);
        assert_eq!(lately.level(&key(1)), Some(Level::Medium));
        assert_eq!((lately.told.len(), lately.order.len()), (KEPT, KEPT));
    }
}
