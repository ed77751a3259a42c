//! Rows by key, as many as fit.

use std::collections::BTreeMap;

use super::{Numbers, ROWS_MAX};

/// The most keys that are counted apart. An organisation has at most 10,000 accounts by default,
/// and AWS some hundred types of findings, but a third party may make up any number of types.
/// Source: AWS Organizations user guide, "Quotas".
const KEYS_MAX: usize = 20_000;

/// The rows of a table, and the rest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table<K> {
    pub rows: Vec<(K, Numbers)>,
    /// None: all rows are there.
    pub others: Option<Others>,
}

/// What the rows leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Others {
    /// At least so many keys.
    pub keys: usize,
    /// The sum. A post with alerts of several keys counts several times.
    pub numbers: Numbers,
}

/// Counts by key, in bounded memory.
#[derive(Debug)]
pub(super) struct Groups<K> {
    rows: BTreeMap<K, Numbers>,
    others: Numbers,
}

impl<K: Ord + Clone> Groups<K> {
    pub fn new() -> Groups<K> {
        Groups { rows: BTreeMap::new(), others: Numbers::default() }
    }

    /// The numbers of a key, or those of the others if there are too many keys.
    pub fn of(&mut self, key: &K) -> &mut Numbers {
        if self.rows.len() >= KEYS_MAX && !self.rows.contains_key(key) {
            return &mut self.others;
        }
        self.rows.entry(key.clone()).or_default()
    }

    /// All rows, in the order of their keys.
    pub fn in_order(self) -> impl DoubleEndedIterator<Item = (K, Numbers)> {
        self.rows.into_iter()
    }

    /// The rows with the highest numbers, and the sum of the others.
    pub fn into_table(self) -> Table<K> {
        let mut rows: Vec<(K, Numbers)> = self.rows.into_iter().collect();
        // The sort is stable, so equal rows stay in the order of their keys.
        rows.sort_by_key(|(_, numbers)| std::cmp::Reverse(numbers.weight()));
        let rest = rows.split_off(rows.len().min(ROWS_MAX));
        let beyond = usize::from(!self.others.is_zero());
        let mut others = Others { keys: rest.len() + beyond, numbers: self.others };
        rest.iter().for_each(|(_, numbers)| others.numbers += numbers);
        Table { rows, others: Some(others).filter(|others| others.keys > 0) }
    }
}
