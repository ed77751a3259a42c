//! The noisiest pairs of type and resource.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::finding::Level;

use super::subject::Subject;

/// How many are named.
const NOISIEST_MAX: usize = 10;
/// The most pairs that are counted, of 16 bytes each.
const PAIRS_MAX: usize = 500_000;

/// A type and a resource in an account that made many alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noisy {
    /// Of the last of its records.
    pub subject: Subject,
    /// Its alerts, and how often they came back.
    pub number: u64,
    /// The most severe that was posted since it became one of the noisiest.
    pub level: Level,
}

/// Counts pairs by their hash, and keeps the texts of the noisiest alone. A count only grows, so a
/// pair that belongs to the noisiest joins them with its last record at the latest.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    hasher: RandomState,
    counts: HashMap<u64, u64>,
    /// With the hash. At most [`NOISIEST_MAX`].
    top: Vec<(u64, Noisy)>,
    /// Alerts whose pair was not counted.
    pub left_out: u64,
}

impl Pairs {
    /// `number`: the alert, and how often it came back.
    pub fn take(&mut self, subject: &Subject, level: Level, number: u64) {
        let hash = self.hasher.hash_one((&subject.account, &subject.kind, &subject.resource));
        if self.counts.len() >= PAIRS_MAX && !self.counts.contains_key(&hash) {
            self.left_out += 1;
            return;
        }
        let count = self.counts.entry(hash).or_default();
        *count = count.saturating_add(number);
        let number = *count;
        if let Some((_, noisy)) = self.top.iter_mut().find(|(other, _)| *other == hash) {
            let level = level.max(noisy.level);
            *noisy = Noisy { subject: subject.clone(), number, level };
            return;
        }
        if self.top.len() >= NOISIEST_MAX {
            let quietest = self.top.iter().enumerate().min_by_key(|(_, (_, noisy))| noisy.number);
            match quietest {
                Some((at, (_, noisy))) if noisy.number < number => self.top.swap_remove(at),
                _ => return,
            };
        }
        self.top.push((hash, Noisy { subject: subject.clone(), number, level }));
    }

    /// The noisiest first.
    pub fn finish(self) -> Vec<Noisy> {
        let mut top: Vec<Noisy> = self.top.into_iter().map(|(_, noisy)| noisy).collect();
        let order = |noisy: &Noisy| {
            let Subject { account, kind, resource, .. } = noisy.subject.clone();
            (std::cmp::Reverse(noisy.number), account, kind, resource)
        };
        top.sort_by_cached_key(order);
        top
    }
}
