//! The messages at the desk of each worker, as far as the history shows them.

use std::collections::{BTreeMap, BTreeSet};

use super::Rules;
use crate::sim::history::{Alert, Carried, Entry, What, Who};

/// A message as its sender knows it.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub carries: &'a [Carried],
    pub junk: bool,
    pub bytes: usize,
    /// An operator requests one more post.
    pub again: bool,
}

/// A message that is held.
pub struct Hold {
    /// When it was first received.
    pub since: u64,
    count: u32,
}

#[derive(Default)]
pub struct Desk {
    pub held: BTreeMap<u32, Hold>,
    pub asked_to_stop: Option<u64>,
    pub frozen_until: u64,
}

#[derive(Default)]
pub struct Desks<'a> {
    pub messages: BTreeMap<u32, Message<'a>>,
    pub all: BTreeMap<Who, Desk>,
    /// Deleted messages. An answer in flight may still bring one, which nobody waits for.
    deleted: BTreeSet<u32>,
    /// When all workers were asked to stop.
    over: Option<u64>,
    /// The findings of a message that its worker kept back when it took the message up.
    kept_back: BTreeMap<(Who, u32), Vec<Carried>>,
    /// A worker could not delete these. It does not take them up again.
    deleting: BTreeSet<(Who, u32)>,
}

impl<'a> Desks<'a> {
    /// Records an entry. A worker no longer holds a message that it returned or deleted.
    pub fn see(&mut self, rules: &Rules, entry: &'a Entry) {
        match (&entry.what, entry.who) {
            (What::Enqueued { message, carries, junk, bytes, again }, _) => {
                let (junk, bytes, again) = (*junk, *bytes, *again);
                self.messages.insert(*message, Message { carries, junk, bytes, again });
            }
            (What::Received { message, count }, Some(who)) => {
                let is_held = self.since(who, *message).is_some();
                if !is_held && !self.deleting.contains(&(who, *message)) {
                    self.kept_back.remove(&(who, *message));
                }
                let desk = self.all.entry(who).or_default();
                let hold = desk.held.entry(*message);
                let hold = hold.or_insert(Hold { since: entry.at, count: *count });
                hold.count = hold.count.max(*count);
            }
            (What::Hide { message, count, ms, .. }, Some(who)) if *ms != rules.visibility_ms => {
                self.let_go(who, *message, *count);
            }
            (What::Delete { message, count, gone, .. }, Some(who)) => {
                if *gone {
                    self.deleted.insert(*message);
                    self.deleting.remove(&(who, *message));
                } else {
                    self.deleting.insert((who, *message));
                }
                self.let_go(who, *message, *count);
            }
            (What::CameBack { message }, _) => {
                self.deleted.remove(message);
                // It came back without the mark of the operator.
                self.messages.entry(*message).and_modify(|message| message.again = false);
            }
            (What::KeptBack { carried, .. }, Some(who)) => {
                if let Some(message) = self.taken_up_with(who, carried) {
                    self.kept_back.entry((who, message)).or_default().push(*carried);
                }
            }
            (What::Frozen { ms }, Some(who)) => {
                let desk = self.all.entry(who).or_default();
                desk.frozen_until = desk.frozen_until.max(entry.at + ms);
            }
            (What::StopAsked, Some(who)) => {
                let desk = self.all.entry(who).or_default();
                desk.asked_to_stop.get_or_insert(entry.at.max(desk.frozen_until));
            }
            (What::Crashed | What::Ended, Some(who)) => {
                self.all.remove(&who);
            }
            (What::End, _) => self.over = Some(entry.at),
            _ => {}
        }
    }

    /// Ignores a receipt that is older than the last receive of the message.
    fn let_go(&mut self, who: Who, message: u32, count: u32) {
        let Some(desk) = self.all.get_mut(&who) else { return };
        if desk.held.get(&message).is_some_and(|hold| hold.count <= count) {
            desk.held.remove(&message);
        }
    }

    /// When a worker took a message, if it has it.
    pub fn since(&self, who: Who, message: u32) -> Option<u64> {
        self.all.get(&who)?.held.get(&message).map(|hold| hold.since)
    }

    /// The message from which a worker took up a finding last, and has not kept it back yet. If
    /// there are several, not one that an operator sent again.
    pub fn taken_up_with(&self, who: Who, carried: &Carried) -> Option<u32> {
        let held = self.all.get(&who)?.held.iter();
        let is_new = |message: u32| {
            self.carries(message).contains(carried) && !self.is_kept_back(who, message, carried)
        };
        let again = |message: u32| self.messages.get(&message).is_some_and(|m| m.again);
        let new = held.filter(|(message, _)| is_new(**message));
        new.max_by_key(|(message, hold)| (!again(**message), hold.since))
            .map(|(message, _)| *message)
    }

    /// Whether a worker kept this finding back when it took the message up.
    pub fn is_kept_back(&self, who: Who, message: u32, carried: &Carried) -> bool {
        self.kept_back.get(&(who, message)).is_some_and(|kept| kept.contains(carried))
    }

    /// The alerts that a worker owes since it took a message up.
    pub fn owes(
        &self,
        rules: &Rules,
        who: Who,
        message: u32,
    ) -> impl Iterator<Item = (Alert, &'a Carried)> {
        let kept_back = move |c: &Carried| self.is_kept_back(who, message, c);
        owes(rules, self.carries(message)).filter(move |(_, c)| !kept_back(c))
    }

    pub fn is_deleted(&self, message: u32) -> bool {
        self.deleted.contains(&message)
    }

    pub fn carries(&self, message: u32) -> &'a [Carried] {
        self.messages.get(&message).map(|m| m.carries).unwrap_or_default()
    }

    /// The messages at a worker's desk that carry a finding.
    pub fn carriers(&self, who: Who, finding: u32) -> impl Iterator<Item = (u32, &'a Carried)> {
        let held = self.all.get(&who).into_iter().flat_map(|desk| desk.held.keys());
        held.flat_map(move |message| {
            let carries = self.carries(*message).iter();
            carries.filter(move |c| c.finding == finding).map(|c| (*message, c))
        })
    }

    pub fn asked_to_stop(&self, who: Who) -> Option<u64> {
        self.all.get(&who).and_then(|desk| desk.asked_to_stop).or(self.over)
    }

    pub fn frozen_until(&self, who: Who) -> u64 {
        self.all.get(&who).map_or(0, |desk| desk.frozen_until)
    }

    /// How much of its buffer a worker uses: findings, and bytes without oversized messages.
    pub fn load(&self, who: Who) -> (usize, usize) {
        let held = self.all.get(&who).into_iter().flat_map(|desk| desk.held.keys());
        held.filter_map(|message| self.messages.get(message)).fold((0, 0), |(f, b), m| {
            (f + m.carries.len().max(1), b + if m.bytes > 1 << 20 { 0 } else { m.bytes })
        })
    }
}

/// The alerts whose records a message may change. A closed finding concerns every destination.
pub fn concerns(rules: &Rules, carries: &[Carried]) -> impl Iterator<Item = Alert> {
    carries.iter().flat_map(move |c| {
        let owed: Vec<u8> = match c.closed {
            true => (0..rules.destinations).collect(),
            false => rules.owed(c.finding, c.level).collect(),
        };
        owed.into_iter().map(|destination| Alert { finding: c.finding, destination })
    })
}

/// The alerts that a message owes. A closed finding owes none.
pub fn owes<'a>(
    rules: &Rules,
    carries: &'a [Carried],
) -> impl Iterator<Item = (Alert, &'a Carried)> {
    carries.iter().filter(|c| !c.closed).flat_map(move |c| {
        let owed = rules.owed(c.finding, c.level);
        owed.map(move |destination| (Alert { finding: c.finding, destination }, c))
    })
}
