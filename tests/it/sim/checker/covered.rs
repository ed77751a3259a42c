//! I19: a worker settles an alert without a post only while the ledger holds an earlier post of it,
//! and no reminder of that post is due. A worker's cache and a stale prefetch count no longer than
//! the record itself.

use std::collections::{BTreeMap, BTreeSet};

use super::desks::Desks;
use super::{Rules, Verdict};
use crate::sim::history::{Alert, Answer, Carried, Entry, What};

/// Two clocks are at most so far apart.
const SKEW_MS: u64 = 5_000;

/// A record that was written as sent.
struct Held {
    level: u8,
    expires_at: i64,
}

/// A post that its worker knows to be accepted.
struct Post {
    level: u8,
    revision: u8,
    answered: u64,
}

#[derive(Default)]
struct State<'a> {
    desks: Desks<'a>,
    rows: BTreeMap<Alert, Vec<Held>>,
    posts: BTreeMap<Alert, Vec<Post>>,
    cards: BTreeMap<u32, &'a [crate::sim::history::Shown]>,
    quarantined: BTreeSet<u32>,
    /// When an operator had an alert made free last.
    rewound: BTreeMap<Alert, u64>,
}

pub fn check(rules: &Rules, history: &[Entry], verdict: &mut Verdict) {
    let mut state = State::default();
    for entry in history {
        state.see(rules, entry, verdict);
        state.desks.see(rules, entry);
    }
}

impl<'a> State<'a> {
    fn see(&mut self, rules: &Rules, entry: &'a Entry, verdict: &mut Verdict) {
        match &entry.what {
            What::Write { alert, row, done: true } if row.state == "sent" => {
                let held = row.level_sent.map(|level| Held { level, expires_at: row.expires_at });
                self.rows.entry(*alert).or_default().extend(held);
            }
            What::PostCalled { post, cards, .. } => {
                self.cards.insert(*post, cards);
            }
            What::PostAnswered { post, answer: Answer::Accepted } => {
                for card in self.cards.get(post).copied().unwrap_or_default() {
                    let (level, revision, answered) = (card.level, card.revision, entry.at);
                    let post = Post { level, revision, answered };
                    self.posts.entry(card.alert()).or_default().push(post);
                }
            }
            What::Rewound { alert } => {
                self.rewound.insert(*alert, entry.at);
            }
            What::DeadLetter { message, .. } => {
                self.quarantined.insert(*message);
            }
            What::Delete { message, gone: true, .. } if !self.quarantined.contains(message) => {
                // An old receipt may delete a message that this worker no longer holds.
                if let Some(who) = entry.who
                    && let Some(since) = self.desks.since(who, *message)
                {
                    for (alert, carried) in self.desks.owes(rules, who, *message) {
                        // I21 judges findings that close.
                        if rules.lives(alert.finding) {
                            continue;
                        }
                        self.deleted(rules, entry.at, since, alert, carried, verdict);
                    }
                }
            }
            _ => {}
        }
    }

    fn deleted(
        &self,
        rules: &Rules,
        at: u64,
        since: u64,
        alert: Alert,
        carried: &Carried,
        verdict: &mut Verdict,
    ) {
        let rows = self.rows.get(&alert).into_iter().flatten();
        let holds = |row: &Held| {
            row.level >= carried.level && row.expires_at + SKEW_MS as i64 >= since as i64
        };
        let mut breaks = |why: &str| {
            let what = format!("{carried} was settled for {}: {why}", alert.destination);
            verdict.breaks("I19", at, Some(alert.finding), what);
        };
        let mut rows = rows.peekable();
        // A post without a claim, of before an operator had the record made free, is not recorded.
        let rewound = self.rewound.get(&alert).map(|at| at + 2 * SKEW_MS);
        let mut posts = self.posts.get(&alert).into_iter().flatten();
        let is_past = posts.any(|p| p.level >= carried.level && Some(p.answered) <= rewound);
        // Other invariants judge alerts that the ledger never knew.
        if rows.peek().is_some() && !rows.any(holds) && !is_past {
            breaks("the ledger has forgotten its post");
        }
        let Some(after) = rules.remind_after_ms else { return };
        let posts = self.posts.get(&alert).into_iter().flatten();
        let current = |post: &&Post| {
            let due = post.answered + after + SKEW_MS;
            post.level >= carried.level && (post.revision >= carried.revision || due >= since)
        };
        let mut posts = posts.peekable();
        if posts.peek().is_some() && !posts.any(|post| current(&post)) {
            breaks("a reminder is due");
        }
    }
}
