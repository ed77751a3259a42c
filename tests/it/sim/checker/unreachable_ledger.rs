//! I14 and I4 while the ledger is unreachable: after two minutes critical alerts are posted
//! without a claim, each worker at its share of the pace.

use std::collections::{BTreeMap, BTreeSet};

use super::desks::Desks;
use super::{Rules, Verdict};
use crate::sim::history::{Alert, Answer, Entry, Shown, What, Who};

const CRITICAL: u8 = 4;
/// The longest wait of a critical: two minutes without an answer, and the time to notice that and
/// to retry a destination.
const POSTED_MS: u64 = 5 * 60_000;

#[derive(Default)]
struct State<'a> {
    desks: Desks<'a>,
    /// When a worker's ledger calls began to fail, with no other fault since.
    without: BTreeMap<Who, u64>,
    posts: BTreeMap<u32, (u8, &'a [Shown])>,
    /// When a worker last tried a destination, or until when it has to wait.
    tried: BTreeMap<(Who, u8), u64>,
    /// Alerts that no longer wait at a worker.
    finished: BTreeSet<(Who, Alert)>,
    claims: BTreeSet<(Who, Alert)>,
    /// The level at which the ledger knows an alert as posted. A prefetch settles a copy of it and
    /// leaves no trace.
    level_posted: BTreeMap<Alert, u8>,
    /// The last post that a worker made without a claim.
    unclaimed: BTreeMap<(Who, u8), u64>,
}

pub fn check(rules: &Rules, history: &[Entry], verdict: &mut Verdict) {
    let mut state = State::default();
    for entry in history {
        state.desks.see(rules, entry);
        if let What::Rewound { alert } | What::Expired { alert } = &entry.what {
            state.level_posted.remove(alert);
        }
        if let Some(who) = entry.who {
            state.see(rules, entry, who, verdict);
            state.judge(rules, entry.at, who, verdict);
        }
    }
}

impl<'a> State<'a> {
    fn see(&mut self, rules: &Rules, entry: &'a Entry, who: Who, verdict: &mut Verdict) {
        match &entry.what {
            What::Write { alert, row, done } => {
                self.without.remove(&who);
                let key = (who, *alert);
                if *done && row.state == "sent" {
                    self.level_posted.insert(*alert, row.level_sent.unwrap_or(0));
                }
                if row.state != "claimed" {
                    self.claims.remove(&key);
                } else if *done {
                    self.claims.insert(key);
                    self.finished.remove(&key);
                } else {
                    // The alert may be already posted, so it no longer waits here.
                    self.claims.remove(&key);
                    self.finished.insert(key);
                }
            }
            What::PaceWrite { .. } => {
                self.without.remove(&who);
            }
            What::WriteFailed { alert, .. } => {
                // It may have been a requested repeat of an alert that was posted.
                self.claims.remove(&(who, *alert));
                self.without.entry(who).or_insert(entry.at);
            }
            What::PaceFailed { .. } => {
                self.without.entry(who).or_insert(entry.at);
            }
            What::Frozen { ms } => {
                self.without.entry(who).and_modify(|since| *since = entry.at + ms);
            }
            What::PostCalled { post, destination, cards, .. } => {
                self.posts.insert(*post, (*destination, cards));
                self.tried.insert((who, *destination), entry.at);
                self.pace(rules, entry.at, who, *destination, cards, verdict);
            }
            What::PostAnswered { post, answer } => {
                let Some((destination, cards)) = self.posts.get(post) else { return };
                match answer {
                    Answer::Accepted => {
                        self.finished.extend(cards.iter().map(|card| (who, card.alert())));
                    }
                    Answer::Pause(ms) => {
                        self.tried.insert((who, *destination), entry.at + ms);
                    }
                    _ => {}
                }
            }
            What::Crashed | What::Ended | What::StopAsked => {
                self.without.remove(&who);
            }
            _ => {}
        }
    }

    /// Each worker posts unclaimed alerts at its share of the pace.
    fn pace(
        &mut self,
        rules: &Rules,
        at: u64,
        who: Who,
        destination: u8,
        cards: &[Shown],
        verdict: &mut Verdict,
    ) {
        let claimed = |c: &Shown| self.claims.contains(&(who, c.alert()));
        if cards.iter().any(claimed) {
            self.unclaimed.remove(&(who, destination));
            return;
        }
        let last = self.unclaimed.insert((who, destination), at);
        let share = rules.pace_ms * rules.workers as u64;
        if let Some(last) = last.filter(|last| at < last + share) {
            let what = format!("{who} posts {} ms after another without a claim", at - last);
            verdict.breaks("I4", at, cards.first().map(|c| c.finding), what);
        }
    }

    fn judge(&mut self, rules: &Rules, at: u64, who: Who, verdict: &mut Verdict) {
        let Some(since) = self.without.get(&who).copied() else { return };
        if at < since + POSTED_MS {
            return;
        }
        let Some(desk) = self.desks.all.get(&who) else { return };
        for (message, hold) in &desk.held {
            let carries = self.desks.carries(*message);
            if at < hold.since + POSTED_MS || carries.len() != 1 || self.desks.is_deleted(*message)
            {
                continue;
            }
            for (alert, c) in self.desks.owes(rules, who, *message) {
                let tried = self.tried.get(&(who, alert.destination)).copied().unwrap_or(0);
                // Of a finding that closes only the ledger knows whether it came back.
                let unsure = rules.lives(c.finding) || rules.is_poison(c.finding);
                let known = self.level_posted.get(&alert).is_some_and(|level| *level >= c.level);
                let done = self.finished.contains(&(who, alert)) || unsure || known;
                if c.level == CRITICAL && !done && at > tried + POSTED_MS {
                    let what = format!("{c} waits at {who} for an unreachable ledger");
                    verdict.breaks("I14", at, Some(c.finding), what);
                    self.without.remove(&who);
                    return;
                }
            }
        }
    }
}
