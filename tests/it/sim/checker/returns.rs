//! I15: a worker returns a message only for a reason that the history shows, only while the message
//! still owes something, and for a limited time. A worker that is asked to stop returns all its
//! messages.

use std::collections::{BTreeMap, BTreeSet};

use super::desks::{Desks, concerns};
use super::{Rules, Verdict};
use crate::sim::history::{Alert, Answer, Entry, What, Who};

/// The age at which a worker returns a message: 11 h, less a second of tolerance.
const OLD_MS: u64 = 11 * 3_600_000 - 1_000;
/// The longest return while another worker has the lease: 45 s, 5 s for the clocks, and 10 s more.
const BUSY_MS: u64 = 60_000;
/// The longest return while the destinations are unreachable, or to free space.
const UNREACHABLE_MS: u64 = 30 * 60_000;
/// How often a message may be returned in a day: every half an hour while a destination is dead or
/// unreachable, and as often because another worker holds the claim.
const BACKS_MAX: u32 = 100;

/// The time that a return may take to reach the queue.
const MOMENT_MS: u64 = 5_000;
/// Returns within this time count as one step.
const STEP_MS: u64 = 500;
const CRITICAL: u8 = 4;
/// The most messages that one step returns: a storm, each of them once.
const STEP_MAX: usize = 1_200;

/// The events of a worker's messages since it received them.
#[derive(Default)]
struct Events {
    /// The ledger refused a write for one of these, or did not answer.
    refused: BTreeSet<Alert>,
    failed: BTreeSet<Alert>,
    marked: BTreeSet<Alert>,
    /// The queue failed since it was asked to stop.
    queue_failed: bool,
}

#[derive(Default)]
struct State<'a> {
    desks: Desks<'a>,
    events: BTreeMap<Who, Events>,
    /// Destinations whose last answer to a worker was an error.
    failing: BTreeSet<(Who, u8)>,
    posts: BTreeMap<u32, u8>,
    /// The posts that the ledger knows.
    marked: BTreeSet<(Alert, Option<u32>)>,
    backs: BTreeMap<u32, u32>,
    /// When a worker returned which findings and bytes to free space in the buffer.
    freed: BTreeMap<Who, Vec<(u64, usize, usize)>>,
    received: BTreeMap<u32, u64>,
}

pub fn check(rules: &Rules, history: &[Entry], verdict: &mut Verdict) {
    let mut state = State::default();
    for entry in history {
        if let (What::Received { message, .. }, Some(who)) = (&entry.what, entry.who)
            && state.desks.since(who, *message).is_none()
        {
            state.forgive(rules, who, *message);
        }
        state.see(rules, entry, verdict);
        state.desks.see(rules, entry);
    }
    verdict.counts.most_received = state.received.values().copied().max().unwrap_or(0);
}

impl State<'_> {
    fn see(&mut self, rules: &Rules, entry: &Entry, verdict: &mut Verdict) {
        let Some(who) = entry.who else { return };
        match &entry.what {
            What::Received { message, .. } => *self.received.entry(*message).or_default() += 1,
            What::PostCalled { post, destination, .. } => {
                self.posts.insert(*post, *destination);
            }
            What::PostAnswered { post, answer } => {
                let destination = self.posts.get(post).copied().unwrap_or(u8::MAX);
                match answer {
                    Answer::Accepted | Answer::Refused => self.failing.remove(&(who, destination)),
                    _ => self.failing.insert((who, destination)),
                };
            }
            What::Write { alert, row, done } => {
                // A new fact about the incident names a post that the ledger knows.
                let marks = *done && row.state == "sent" && row.owned;
                let marks = marks && self.marked.insert((*alert, row.post));
                let seen = self.events.entry(who).or_default();
                if !done {
                    seen.refused.insert(*alert);
                } else if marks {
                    // If two messages carry the alert, the history does not show which one was
                    // marked.
                    if self.desks.carriers(who, alert.finding).count() == 1 {
                        seen.marked.insert(*alert);
                    }
                }
            }
            What::WriteFailed { alert, .. } => {
                self.events.entry(who).or_default().failed.insert(*alert);
            }
            What::QueueFailed => self.events.entry(who).or_default().queue_failed = true,
            What::StopAsked => {
                let seen = self.events.entry(who).or_default();
                seen.failed.clear();
                seen.queue_failed = false;
            }
            What::Hide { message, ms, .. }
                if *ms != rules.visibility_ms
                    && self.desks.since(who, *message).is_some()
                    // A process that was frozen had its reason before.
                    && entry.at > self.desks.frozen_until(who) + MOMENT_MS =>
            {
                self.returned(rules, entry, who, *message, *ms, verdict);
            }
            What::Delete { message, .. } if self.desks.since(who, *message).is_some() => {
                let carries = self.desks.carries(*message);
                // It took place until now, which the history does not show after a burst of those.
                if carries.iter().any(|c| self.desks.is_kept_back(who, *message, c)) {
                    let bytes = self.desks.messages.get(message).map_or(0, |m| m.bytes);
                    self.freed.entry(who).or_default().push((entry.at, carries.len(), bytes));
                }
            }
            What::Ended => {
                self.ended(rules, entry, who, verdict);
                self.events.remove(&who);
            }
            What::Crashed => {
                self.events.remove(&who);
            }
            _ => {}
        }
    }

    /// Whether half of the buffer was in use, with the messages that were just returned. The
    /// history does not show how much other calls are about to bring.
    fn is_full(&mut self, rules: &Rules, who: Who, at: u64) -> bool {
        let (mut findings, mut bytes) = self.desks.load(who);
        let freed = self.freed.entry(who).or_default();
        freed.retain(|(then, ..)| then + MOMENT_MS > at);
        for (_, f, b) in freed {
            (findings, bytes) = (findings + *f, bytes + *b);
        }
        findings + 10 * (rules.lanes + 1) > rules.findings_max / 2 || bytes > rules.bytes_max / 2
    }

    /// A message is received again. Its earlier events are no reason any more.
    fn forgive(&mut self, rules: &Rules, who: Who, message: u32) {
        let Some(seen) = self.events.get_mut(&who) else { return };
        for alert in concerns(rules, self.desks.carries(message)) {
            seen.marked.remove(&alert);
            // Unless another message at the desk shares it.
            if self.desks.carriers(who, alert.finding).next().is_none() {
                seen.refused.remove(&alert);
            }
        }
    }

    fn returned(
        &mut self,
        rules: &Rules,
        entry: &Entry,
        who: Who,
        message: u32,
        ms: u64,
        verdict: &mut Verdict,
    ) {
        let carries = self.desks.carries(message);
        let finding = carries.first().map(|c| c.finding);
        let mut breaks = |what: String| {
            let what = format!("{who} returns m{message} for {ms} ms: {what}");
            verdict.breaks("I15", entry.at, finding, what);
        };
        let held_for = entry.at - self.desks.since(who, message).unwrap_or(entry.at);
        let owed: Vec<Alert> = concerns(rules, carries).collect();
        let full = self.is_full(rules, who, entry.at);
        // A return that freed space just before the stop may still be on its way.
        let freed_space = self.freed.get(&who).is_some_and(|freed| !freed.is_empty());
        let seen = self.events.entry(who).or_default();
        let stops = self.desks.asked_to_stop(who).is_some();
        let busy = owed.iter().any(|alert| seen.refused.contains(alert));
        let old = held_for >= OLD_MS;
        let fails = owed.iter().any(|n| self.failing.contains(&(who, n.destination)));
        let frees_space = full;
        // In a message with several findings the critical one may be done.
        let critical = matches!(carries, [c] if c.level == CRITICAL);
        if critical && frees_space && !(stops || busy || old || fails) {
            breaks("it is critical, and frees space for others".to_owned());
        }
        if !(stops || busy || old || frees_space) {
            breaks("there is no reason".to_owned());
        } else if stops && ms > 0 && !(busy || old || freed_space) {
            breaks("the worker stops, so the return needs no delay".to_owned());
        } else if ms > if frees_space { UNREACHABLE_MS } else { BUSY_MS } {
            breaks("that is too long".to_owned());
        }
        if frees_space && !(stops || old) {
            let bytes = self.desks.messages.get(&message).map_or(0, |m| m.bytes);
            let freed = self.freed.entry(who).or_default();
            freed.push((entry.at, carries.len(), bytes));
            let step = freed.iter().filter(|(then, ..)| then + STEP_MS > entry.at).count();
            if step > STEP_MAX {
                breaks("the buffer has enough free space".to_owned());
            }
        }
        let done = !owed.is_empty() && owed.iter().all(|n| seen.marked.contains(n));
        let junk = self.desks.messages.get(&message).is_some_and(|m| m.junk);
        let belongs_in_quarantine = junk || carries.iter().any(|c| rules.is_poison(c.finding));
        if done && !busy && !belongs_in_quarantine {
            breaks("all of it is done".to_owned());
        }
        let backs = self.backs.entry(message).or_default();
        *backs += 1;
        if *backs == BACKS_MAX {
            breaks(format!("for the {BACKS_MAX}th time"));
        }
    }

    /// A worker that is asked to stop returns all messages, unless the ledger or the queue prevents
    /// it.
    fn ended(&self, rules: &Rules, entry: &Entry, who: Who, verdict: &mut Verdict) {
        let Some(desk) = self.desks.all.get(&who) else { return };
        let Some(stop) = desk.asked_to_stop else { return };
        let seen = self.events.get(&who);
        if seen.is_some_and(|t| t.queue_failed) || desk.frozen_until > stop {
            return;
        }
        for message in desk.held.keys().filter(|m| !self.desks.is_deleted(**m)) {
            let carries = self.desks.carries(*message);
            let excused = |n: Alert| seen.is_some_and(|t| t.failed.contains(&n));
            if !concerns(rules, carries).any(excused) {
                let what = format!("{who} ends and keeps m{message} from others");
                return verdict.breaks("I15", entry.at, carries.first().map(|c| c.finding), what);
            }
        }
    }
}
