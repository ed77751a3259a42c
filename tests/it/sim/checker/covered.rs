//! I19: an alert that a worker settles without a post is covered by a post that the ledger still
//! holds, and no reminder of that post is due. So neither a worker's memory nor a stale prefetch
//! covers for longer than the record itself.

use std::collections::{BTreeMap, BTreeSet};

use super::desks::{Desks, owes};
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
    parked: BTreeSet<u32>,
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
            What::DeadLetter { message, .. } => {
                self.parked.insert(*message);
            }
            What::Delete { message, gone: true, .. } if !self.parked.contains(message) => {
                // An old receipt may delete what is long forgotten here.
                let since = entry.who.and_then(|who| self.desks.since(who, *message));
                if let Some(since) = since {
                    for (alert, carried) in owes(rules, self.desks.carries(*message)) {
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
        // That the ledger never knew is for others to judge.
        if rows.peek().is_some() && !rows.any(holds) {
            breaks("the ledger has forgotten that it was told");
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
