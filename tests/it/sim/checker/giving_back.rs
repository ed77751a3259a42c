//! I15: a message is returned to the queue only for a reason that the history shows, not when all
//! of it is done, and not for long. A worker that is asked to stop returns all its messages.

use std::collections::{BTreeMap, BTreeSet};

use super::desks::{Desks, owes};
use super::{Rules, Verdict};
use crate::sim::history::{Alert, Answer, Entry, What, Who};

/// Nearly as long as a queue lets it be held.
const OLD_MS: u64 = 11 * 3_600_000 - 1_000;
/// Until another's lease ends: 45 s, 5 s for the clocks, and a little.
const BUSY_MS: u64 = 60_000;
/// While its destinations can't be posted to, or it is outranked.
const AWAY_MS: u64 = 30 * 60_000;
/// How often a message may be returned in a day: every half an hour while a destination is dead or
/// unreachable.
const BACKS_MAX: u32 = 50;

/// For so long a returned message may still be on its way, and does not count as returned.
const MOMENT_MS: u64 = 5_000;
/// Within so long it is one step.
const STEP_MS: u64 = 500;
const CRITICAL: u8 = 4;
/// So many messages make room enough for a while.
const STEP_MAX: usize = 600;

/// The events of a worker's messages since it received them.
#[derive(Default)]
struct Trouble {
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
    troubles: BTreeMap<Who, Trouble>,
    /// Destinations whose last answer to a worker was no good one.
    away: BTreeSet<(Who, u8)>,
    posts: BTreeMap<u32, u8>,
    backs: BTreeMap<u32, u32>,
    /// When a worker returned which findings and bytes to make room.
    rooms: BTreeMap<Who, Vec<(u64, usize, usize)>>,
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
                    Answer::Accepted | Answer::Refused => self.away.remove(&(who, destination)),
                    _ => self.away.insert((who, destination)),
                };
            }
            What::Write { alert, row, done } => {
                let trouble = self.troubles.entry(who).or_default();
                if !done {
                    trouble.refused.insert(*alert);
                } else if row.state == "sent" && row.owned {
                    // Of two messages that carry it, it is not known here which one was marked.
                    if self.desks.carriers(who, alert.finding).count() == 1 {
                        trouble.marked.insert(*alert);
                    }
                }
            }
            What::WriteFailed { alert } => {
                self.troubles.entry(who).or_default().failed.insert(*alert);
            }
            What::QueueFailed => self.troubles.entry(who).or_default().queue_failed = true,
            What::StopAsked => {
                let trouble = self.troubles.entry(who).or_default();
                trouble.failed.clear();
                trouble.queue_failed = false;
            }
            What::Hide { message, ms, .. }
                if *ms != rules.visibility_ms
                    && self.desks.since(who, *message).is_some()
                    // A process that stood still had its reason before.
                    && entry.at > self.desks.frozen_until(who) + MOMENT_MS =>
            {
                self.given_back(rules, entry, who, *message, *ms, verdict);
            }
            What::Ended => {
                self.ended(rules, entry, who, verdict);
                self.troubles.remove(&who);
            }
            What::Crashed => {
                self.troubles.remove(&who);
            }
            _ => {}
        }
    }

    /// Whether much of the room was taken when what was let go a moment ago was here. How much is
    /// under way in other calls is not known here.
    fn is_full(&mut self, rules: &Rules, who: Who, at: u64) -> bool {
        let (mut findings, mut bytes) = self.desks.load(who);
        let rooms = self.rooms.entry(who).or_default();
        rooms.retain(|(then, ..)| then + MOMENT_MS > at);
        for (_, f, b) in rooms {
            (findings, bytes) = (findings + *f, bytes + *b);
        }
        findings + 10 * (rules.lanes + 1) > rules.findings_max / 2 || bytes > rules.bytes_max / 2
    }

    /// A message is received again. Its earlier events are no reason any more.
    fn forgive(&mut self, rules: &Rules, who: Who, message: u32) {
        let Some(trouble) = self.troubles.get_mut(&who) else { return };
        for (alert, c) in owes(rules, self.desks.carries(message)) {
            trouble.marked.remove(&alert);
            // Unless another message at the desk shares it.
            if self.desks.carriers(who, c.finding).next().is_none() {
                trouble.refused.remove(&alert);
            }
        }
    }

    fn given_back(
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
            let what = format!("{who} gives m{message} back for {ms} ms: {what}");
            verdict.breaks("I15", entry.at, finding, what);
        };
        let held_for = entry.at - self.desks.since(who, message).unwrap_or(entry.at);
        let owed: Vec<Alert> = owes(rules, carries).map(|(alert, _)| alert).collect();
        let full = self.is_full(rules, who, entry.at);
        // A return that made room just before the stop may still be on its way.
        let made_room = self.rooms.get(&who).is_some_and(|rooms| !rooms.is_empty());
        let trouble = self.troubles.entry(who).or_default();
        let stops = self.desks.asked_to_stop(who).is_some();
        let busy = owed.iter().any(|alert| trouble.refused.contains(alert));
        let old = held_for >= OLD_MS;
        let away = owed.iter().any(|n| self.away.contains(&(who, n.destination)));
        let makes_room = full;
        // Of one with several findings the critical one may be done.
        let critical = matches!(carries, [c] if c.level == CRITICAL);
        if critical && makes_room && !(stops || busy || old || away) {
            breaks("it is critical, and makes room for others".to_owned());
        }
        if !(stops || busy || old || makes_room) {
            breaks("there is no reason".to_owned());
        } else if stops && ms > 0 && !(busy || old || made_room) {
            breaks("it stops, and others may have it at once".to_owned());
        } else if ms > if makes_room { AWAY_MS } else { BUSY_MS } {
            breaks("that is too long".to_owned());
        }
        if makes_room && !(stops || old) {
            let bytes = self.desks.messages.get(&message).map_or(0, |m| m.bytes);
            let rooms = self.rooms.entry(who).or_default();
            rooms.push((entry.at, carries.len(), bytes));
            let step = rooms.iter().filter(|(then, ..)| then + STEP_MS > entry.at).count();
            if step > STEP_MAX {
                breaks("there is room enough".to_owned());
            }
        }
        let done = !owed.is_empty() && owed.iter().all(|n| trouble.marked.contains(n));
        let junk = self.desks.messages.get(&message).is_some_and(|m| m.junk);
        let parks = junk || carries.iter().any(|c| rules.is_poison(c.finding));
        if done && !busy && !parks {
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
        let trouble = self.troubles.get(&who);
        if trouble.is_some_and(|t| t.queue_failed) || desk.frozen_until > stop {
            return;
        }
        for message in desk.held.keys().filter(|m| !self.desks.is_gone(**m)) {
            let carries = self.desks.carries(*message);
            let excused = |n: Alert| trouble.is_some_and(|t| t.failed.contains(&n));
            if !owes(rules, carries).any(|(alert, _)| excused(alert)) {
                let what = format!("{who} ends and keeps m{message} from others");
                return verdict.breaks("I15", entry.at, carries.first().map(|c| c.finding), what);
            }
        }
    }
}
