//! The alerts of a destination that may be posted now, the most severe first and the oldest first.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::finding::Level;
use crate::instants::Wall;

use super::ids::AlertId;

/// The order of the ready: the most severe first, the older first within a level.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank(pub Reverse<Level>, pub Age);

/// When the message entered the queue. An alert whose message was returned keeps its place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Age(pub Wall, pub AlertId);

/// The same alerts in both orders, so that neither the most severe nor the oldest is searched for.
#[derive(Default)]
pub(super) struct Ready {
    by_rank: BTreeSet<Rank>,
    by_age: BTreeSet<(Age, Reverse<Level>)>,
}

impl Ready {
    pub fn insert(&mut self, rank: Rank) {
        let Rank(level, age) = rank;
        self.by_rank.insert(rank);
        self.by_age.insert((age, level));
    }

    pub fn remove(&mut self, rank: Rank) {
        let Rank(level, age) = rank;
        self.by_rank.remove(&rank);
        self.by_age.remove(&(age, level));
    }

    pub fn most_severe_first(&self) -> impl Iterator<Item = Rank> {
        self.by_rank.iter().copied()
    }

    pub fn oldest_first(&self) -> impl Iterator<Item = Rank> {
        self.by_age.iter().map(|&(age, level)| Rank(level, age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(level: Level, since: i64, id: u64) -> Rank {
        Rank(Reverse(level), Age(Wall(since), AlertId(id)))
    }

    #[test]
    fn both_orders_hold_the_same() {
        let (low, high) = (rank(Level::Low, 10, 1), rank(Level::High, 30, 2));
        let (older, newer) = (rank(Level::High, 20, 3), rank(Level::High, 30, 4));
        let mut ready = Ready::default();
        [newer, low, high, older].into_iter().for_each(|each| ready.insert(each));
        assert!(ready.most_severe_first().eq([older, high, newer, low]));
        assert!(ready.oldest_first().eq([low, older, high, newer]));
        ready.remove(older);
        ready.remove(older);
        assert!(ready.most_severe_first().eq([high, newer, low]));
        assert!(ready.oldest_first().eq([low, high, newer]));
    }
}
