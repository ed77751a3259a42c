//! The checker reads only the history and calls no code of hansho to learn what is right.
//! `README.md` beside this file lists the invariants, I1 to I27.
//! I10 (the same seed gives the same history) is a test of its own in `mod.rs`.

mod breaker;
mod covered;
mod desks;
mod drawn;
mod duplicates;
mod fallback;
mod fleet;
mod holding;
mod ledger;
mod lives;
mod loss;
mod notes;
mod order;
mod protocol;
mod refusals;
mod returns;
mod silences;
mod unreachable_ledger;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};

use hansho::ports::AccountEntry;

use super::history::{Entry, What};
use super::plan::Plan;
use super::rules;
use crate::support::naive::Silenced;

/// The facts that the checker needs from the configuration and the generator's books.
pub struct Rules {
    pub destinations: u8,
    pub workers: usize,
    pub pace_ms: u64,
    pub visibility_ms: u64,
    pub findings_max: usize,
    pub bytes_max: usize,
    pub lanes: usize,
    /// By the number of the finding: Slack refuses it in any form.
    pub poison: Vec<bool>,
    pub titles: Vec<BTreeSet<String>>,
    /// The time after which a changed finding is posted again.
    pub remind_after_ms: Option<u64>,
    pub retention_ms: u64,
    /// No fault is injected.
    pub gentle: bool,
    /// The destination that stands in for the first one while that is dead.
    pub fallback: Option<u8>,
    /// The first finding that closes and may come back. All after it do so too.
    pub lives_from: u32,
    /// The first of the findings that a person sent on purpose. They come before those.
    pub requested_from: u32,
    /// For each finding and level the destinations that it is owed to, as bits.
    pub owed: Vec<[u8; 5]>,
    pub plan: Plan,
    pub accounts: Vec<AccountEntry>,
}

impl Rules {
    /// The destinations that an open finding is owed to.
    pub fn owed(&self, finding: u32, level: u8) -> impl Iterator<Item = u8> + use<> {
        let levels = self.owed.get(finding as usize).copied().unwrap_or_default();
        let owed = levels.get(usize::from(level)).copied().unwrap_or_default();
        (0..self.destinations).filter(move |d| owed >> d & 1 == 1)
    }

    /// Whether a person sent the finding on purpose.
    pub fn is_requested(&self, finding: u32) -> bool {
        (self.requested_from..self.lives_from).contains(&finding)
    }

    /// Whether a silence names the finding, at whatever time.
    pub fn names(&self, silence: &Silenced, finding: u32, level: u8) -> bool {
        rules::about(&self.plan, &self.accounts, finding, level, |facts| silence.names(facts))
    }

    /// The finding closes, and may come back.
    pub fn lives(&self, finding: u32) -> bool {
        finding >= self.lives_from
    }

    pub fn is_poison(&self, finding: u32) -> bool {
        self.poison.get(finding as usize).copied().unwrap_or(false)
    }
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub invariant: &'static str,
    pub at: u64,
    pub finding: Option<u32>,
    pub what: String,
}

#[derive(Debug, Default)]
pub struct Verdict {
    pub violations: Vec<Violation>,
    /// Posts that repeat another, by the fault that is charged for it.
    pub charged: BTreeMap<&'static str, u64>,
    pub counts: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub messages: u64,
    pub findings: u64,
    pub posts_tried: u64,
    pub posts_accepted: u64,
    pub quarantined: u64,
    pub kept_back: u64,
    pub lives: u64,
    /// How often one message was received at most.
    pub most_received: u64,
    /// The longest wait for a post on days without faults, in milliseconds.
    pub slowest_critical: u64,
    pub slowest_lesser: u64,
}

impl Verdict {
    pub fn breaks(&mut self, invariant: &'static str, at: u64, finding: Option<u32>, what: String) {
        self.violations.push(Violation { invariant, at, finding, what });
    }
}

pub fn check(rules: &Rules, history: &[Entry]) -> Verdict {
    let mut verdict = Verdict { counts: count(history), ..Verdict::default() };
    loss::check(rules, history, &mut verdict);
    lives::check(rules, history, &mut verdict);
    duplicates::check(rules, history, &mut verdict);
    drained(history, &mut verdict);
    order::check(rules, history, &mut verdict);
    holding::check(rules, history, &mut verdict);
    ledger::check(history, &mut verdict);
    protocol::check(rules, history, &mut verdict);
    breaker::check(rules, history, &mut verdict);
    waiting::check(rules, history, &mut verdict);
    returns::check(rules, history, &mut verdict);
    refusals::check(rules, history, &mut verdict);
    notes::check(history, &mut verdict);
    fallback::check(rules, history, &mut verdict);
    fleet::check(rules, history, &mut verdict);
    unreachable_ledger::check(rules, history, &mut verdict);
    covered::check(rules, history, &mut verdict);
    silences::check(rules, history, &mut verdict);
    drawn::check(rules, history, &mut verdict);
    rushes(history, &mut verdict);
    payloads(history, &mut verdict);
    verdict.violations.sort_by_key(|v| v.at);
    verdict
}

/// Judges what a history over real sockets shows: the invariants that need neither the simulated
/// times nor the inside of a worker. `tests/it/faults/` says which, and judges more.
pub fn check_observed(rules: &Rules, history: &[Entry]) -> Verdict {
    let mut verdict = Verdict { counts: count(history), ..Verdict::default() };
    loss::check(rules, history, &mut verdict);
    duplicates::check(rules, history, &mut verdict);
    drained(history, &mut verdict);
    ledger::check(history, &mut verdict);
    payloads(history, &mut verdict);
    verdict
}

/// I3: the time within which the queue is empty after the last fault, in milliseconds. Messages may
/// be hidden, leased, delayed or paused for half an hour, and each takes up to 3 s.
pub fn drain_bound(messages: usize) -> u64 {
    1_800_000 + 3_000 * messages as u64
}

fn drained(history: &[Entry], verdict: &mut Verdict) {
    let mut there: BTreeSet<u32> = BTreeSet::new();
    let mut bound = u64::MAX;
    let mut last = None;
    for entry in history {
        match &entry.what {
            What::Enqueued { message, .. } | What::CameBack { message } => {
                there.insert(*message);
            }
            What::Delete { message, gone: true, .. } => {
                there.remove(message);
            }
            What::Calm => bound = entry.at + drain_bound(there.len()),
            _ => {}
        }
        if !there.is_empty() && entry.at > bound && last.is_none() {
            last = there.first().copied();
        }
    }
    let end = history.last().map_or(0, |e| e.at);
    if let Some(message) = there.first().copied().or(last) {
        let finding = carried(history, message);
        let what = format!("{} messages are left, m{message} among them", there.len().max(1));
        verdict.breaks("I3", end, finding, what);
    }
}

/// The first finding that a message carries.
fn carried(history: &[Entry], message: u32) -> Option<u32> {
    history.iter().find_map(|e| match &e.what {
        What::Enqueued { message: m, carries, .. } if *m == message => {
            carries.first().map(|c| c.finding)
        }
        _ => None,
    })
}

fn payloads(history: &[Entry], verdict: &mut Verdict) {
    for entry in history {
        if let What::PostCalled { post, cards, flaw: Some(flaw), .. } = &entry.what {
            let finding = cards.first().map(|c| c.finding);
            verdict.breaks("I9", entry.at, finding, format!("post {post}: {flaw}"));
        }
    }
}

/// I17: nothing is done in a hot loop.
fn rushes(history: &[Entry], verdict: &mut Verdict) {
    for entry in history {
        if let (What::Rush { kind, calls }, Some(who)) = (&entry.what, entry.who) {
            let what = format!("{who} makes {calls} calls of {kind} within a minute");
            verdict.breaks("I17", entry.at, None, what);
        }
        if let What::TooMuch { posts } = &entry.what {
            verdict.breaks("I17", entry.at, None, format!("{posts} posts were tried"));
        }
    }
}

fn count(history: &[Entry]) -> Counts {
    let mut counts = Counts::default();
    for entry in history {
        match &entry.what {
            What::Enqueued { carries, .. } => {
                counts.messages += 1;
                counts.findings += carries.len() as u64;
            }
            What::PostCalled { .. } => counts.posts_tried += 1,
            What::PostTaken { .. } => counts.posts_accepted += 1,
            What::DeadLetter { .. } => counts.quarantined += 1,
            What::KeptBack { .. } => counts.kept_back += 1,
            What::Started { .. } => counts.lives += 1,
            _ => {}
        }
    }
    counts
}
