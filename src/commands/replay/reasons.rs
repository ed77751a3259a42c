//! Sums of dead letters by reason.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::finding::Level;
use crate::instants::Wall;

use super::parsed::ParsedDeadLetter;
use super::table::{NONE, TableColumn, age, draw, or_none};

/// The sum of one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonSum {
    reason: String,
    messages: usize,
    oldest: Option<Wall>,
    most_severe: Option<Level>,
}

/// The sums of all reasons, the most frequent first.
pub fn sums<'a>(letters: impl Iterator<Item = &'a ParsedDeadLetter>) -> Vec<ReasonSum> {
    let mut sums: BTreeMap<String, ReasonSum> = BTreeMap::new();
    for letter in letters {
        let reason = or_none(letter.reason.as_str());
        let sum = sums.entry(reason.clone()).or_insert(ReasonSum {
            reason,
            messages: 0,
            oldest: None,
            most_severe: None,
        });
        sum.messages += 1;
        sum.oldest = match (sum.oldest, letter.at()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        sum.most_severe = sum.most_severe.max(letter.level());
    }
    let mut all: Vec<ReasonSum> = sums.into_values().collect();
    all.sort_by(|a, b| (b.messages, &a.reason).cmp(&(a.messages, &b.reason)));
    all
}

const COLUMNS: [TableColumn; 4] = [
    TableColumn::left("REASON", 64, 64),
    TableColumn::right("MESSAGES", 10),
    TableColumn::right("OLDEST", 8),
    TableColumn::left("MOST SEVERE", 13, 13),
];

pub fn table(sums: &[ReasonSum], now: Wall) -> String {
    let row = |sum: &ReasonSum| {
        vec![
            sum.reason.clone(),
            sum.messages.to_string(),
            sum.oldest.map_or(NONE.to_owned(), |at| age(now.since(at))),
            sum.most_severe.map_or(NONE.to_owned(), |level| level.as_str().to_owned()),
        ]
    };
    draw(&COLUMNS, &sums.iter().map(row).collect::<Vec<_>>(), None)
}

impl ReasonSum {
    pub fn json(&self, now: Wall) -> Value {
        json!({
            "reason": self.reason,
            "messages": self.messages,
            "oldest_age_s": self.oldest.map(|at| now.since(at).as_secs()),
            "most_severe": self.most_severe.map(Level::as_str),
        })
    }
}
