//! I14 for dead destinations: the fallback posts the alerts that wait for a dead destination,
//! unless it owes them anyway.

use std::collections::BTreeMap;

use super::desks::Desks;
use super::{Rules, Verdict};
use crate::sim::history::{Answer, Entry, What, Who};

/// A fallback that works takes over within so long.
const TAKES_OVER_MS: u64 = 4 * 60_000;
/// The destination that may have a fallback.
const FIRST: u8 = 0;

#[derive(Default)]
struct State<'a> {
    desks: Desks<'a>,
    posts: BTreeMap<u32, u8>,
    /// Since when the first destination is dead for a worker, and nothing else is wrong.
    since: BTreeMap<Who, u64>,
    dead: BTreeMap<Who, bool>,
}

pub fn check(rules: &Rules, history: &[Entry], verdict: &mut Verdict) {
    let Some(fallback) = rules.fallback else { return };
    let mut state = State::default();
    for entry in history {
        state.desks.see(rules, entry);
        if let Some(who) = entry.who {
            state.see(rules, fallback, entry, who);
            state.judge(fallback, entry.at, who, rules, verdict);
        }
    }
}

impl State<'_> {
    fn see(&mut self, rules: &Rules, fallback: u8, entry: &Entry, who: Who) {
        match &entry.what {
            What::PostCalled { post, destination, cards, .. } => {
                self.posts.insert(*post, *destination);
                // It stands in, and what still waits may wait for its turn.
                let strays =
                    cards.iter().any(|c| !rules.owed(c.finding, c.level).any(|d| d == fallback));
                // With rules of its own it may owe many alerts that go first.
                let busy = strays || rules.plan.subjects.varied;
                if *destination == fallback && busy {
                    self.later(who, entry.at);
                }
            }
            What::PostAnswered { post, answer } => {
                let first = self.posts.get(post) == Some(&FIRST);
                match answer {
                    Answer::Dead if first => {
                        self.dead.insert(who, true);
                        self.since.entry(who).or_insert(entry.at);
                    }
                    Answer::Accepted if first => self.well(who, false),
                    Answer::Accepted => {}
                    // Whatever it is, it takes time.
                    // All workers keep the pause.
                    Answer::Pause(ms) if self.posts.get(post) == Some(&fallback) => {
                        for who in self.dead.keys().copied().collect::<Vec<_>>() {
                            self.later(who, entry.at + ms);
                        }
                    }
                    _ if self.posts.get(post) == Some(&fallback) => self.later(who, entry.at),
                    _ => self.well(who, false),
                }
            }
            What::Frozen { ms } => self.later(who, entry.at + ms),
            What::WriteFailed { .. } | What::PaceFailed { .. } | What::LedgerSlow => {
                self.later(who, entry.at);
            }
            What::StopAsked | What::Crashed | What::Ended => self.well(who, false),
            _ => {}
        }
    }

    fn well(&mut self, who: Who, dead: bool) {
        self.dead.insert(who, dead);
        self.since.remove(&who);
    }

    fn later(&mut self, who: Who, at: u64) {
        if self.dead.get(&who) == Some(&true) {
            let since = self.since.entry(who).or_insert(at);
            *since = at.max(*since);
        }
    }

    fn judge(&mut self, fallback: u8, at: u64, who: Who, rules: &Rules, verdict: &mut Verdict) {
        let Some(since) = self.since.get(&who).copied() else { return };
        if at < since + TAKES_OVER_MS {
            return;
        }
        let Some(desk) = self.desks.all.get(&who) else { return };
        for (message, hold) in &desk.held {
            if at < hold.since + TAKES_OVER_MS {
                continue;
            }
            // Of one with several findings this one may be done.
            let [c] = self.desks.carries(*message) else { continue };
            if c.closed || self.desks.is_kept_back(who, *message, c) {
                continue;
            }
            let owed: Vec<u8> = rules.owed(c.finding, c.level).collect();
            if owed.contains(&FIRST) && !owed.contains(&fallback) && !rules.is_poison(c.finding) {
                let what = format!("{c} waits at {who}, and nobody stands in for {FIRST}");
                verdict.breaks("I14", at, Some(c.finding), what);
                self.since.remove(&who);
                return;
            }
        }
    }
}
