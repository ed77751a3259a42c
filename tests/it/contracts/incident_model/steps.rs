//! The steps of workers and of the world around them.

use super::events::{MESSAGES, Set, set};
use super::records::{Answer, Ask, Id, Records, Seen, Write};
use super::world::{At, World};
use crate::contracts::explore;

/// What happens, and to which message.
pub type Label = (&'static str, usize);
type Steps = Vec<explore::Step<Label, World>>;

pub struct Model {
    pub records: Records,
    /// Crashes, lost answers, messages that are not deleted, posts without a claim, and leases that
    /// end on a live worker: so many together.
    pub faults: u8,
}

impl explore::Model for Model {
    type World = World;
    type Label = Label;

    fn start(&self) -> World {
        World::start(&self.records.events)
    }

    fn steps(&self, world: &World) -> Steps {
        let mut steps = Vec::new();
        for m in self.records.events.messages() {
            match world.at[m] {
                At::Queued => (0..2).for_each(|w| self.received(world, m, w, &mut steps)),
                At::Again(w) => self.asked(world, m, w, &mut steps),
                At::Prefetched(w, seen) => self.prefetched(world, m, w, seen, &mut steps),
                At::Writing(w, seen) => self.writing(world, m, w, seen, &mut steps),
                At::Posting(w, held, known) => self.posting(world, m, w, held, known, &mut steps),
                At::Marking(w, held) => self.marking(world, m, w, held, &mut steps),
                At::Unclaimed(w) => self.unclaimed(world, m, w, &mut steps),
                At::Settled => {}
            }
        }
        for w in 0..2 {
            if world.at.iter().any(|at| at.worker() == Some(w)) {
                fault(&mut steps, ("crash", w.into()), world.crashes(w, &self.records));
            }
        }
        if let Some(id) = world.record.filter(|id| self.records.is_alive(*id)) {
            match world.lease_ends(id, &self.records) {
                (next, true) => fault(&mut steps, ("lease ends on its owner", MESSAGES), next),
                (next, false) => steps.push((("lease ends", MESSAGES), false, next)),
            }
        }
        steps.retain(|(_, _, next)| next.faults <= self.faults);
        steps.iter_mut().for_each(|(_, _, next)| *next = next.canonical());
        steps
    }

    fn broken(&self, world: &World) -> Option<&'static str> {
        world.broken
    }

    fn is_settled(&self, world: &World) -> bool {
        world.is_settled()
    }
}

fn fault(steps: &mut Steps, label: Label, next: World) {
    steps.push((label, true, World { faults: next.faults + 1, ..next }));
}

impl Model {
    fn is_closing(&self, m: usize) -> bool {
        self.records.events.is_closing(m)
    }

    fn decision(&self, m: usize, seen: Option<Id>) -> std::rc::Rc<Answer> {
        match self.is_closing(m) {
            true => self.records.ask(Ask::Close(m, seen)),
            false => self.records.ask(Ask::Claim(m, seen)),
        }
    }

    /// A worker receives the message, and does the first thing that anybody could notice.
    fn received(&self, world: &World, m: usize, w: u8, steps: &mut Steps) {
        if self.is_closing(m) || world.record.is_some() {
            let seen = world.record.map(|id| Seen { id, stale: false });
            steps.push((("prefetch", m), false, world.at(m, At::Prefetched(w, seen))));
        }
        self.asked(world, m, w, steps);
    }

    fn asked(&self, world: &World, m: usize, w: u8, steps: &mut Steps) {
        let memory = world.memory[usize::from(w)];
        if memory.settles & set(m) != 0 {
            self.settled(("remember", m), self.shortcut(world, m), m, steps);
        } else if !self.is_closing(m) && memory.posted & set(m) == 0 {
            let posted = world.accepts(m, 0, &self.records.events);
            fault(steps, ("post without a claim", m), posted.at(m, At::Unclaimed(w)));
        }
        match (&*self.decision(m, world.record), world.record) {
            (Answer::Busy, _) => {}
            (Answer::Settled, seen) => {
                let next = self.learn(world, m, w, seen);
                let is_kept = seen.is_some() || self.records.trace;
                self.settled(("read", m), self.meets(&next, m, is_kept), m, steps);
            }
            (Answer::Write(write), None) if !self.is_closing(m) => {
                self.written(world, m, w, write, steps);
            }
            (Answer::Write(_), seen) => {
                steps.push((("read", m), false, world.at(m, At::Writing(w, seen))));
            }
        }
    }

    /// The worker decides by a prefetch, whatever has happened since.
    fn prefetched(&self, world: &World, m: usize, w: u8, seen: Option<Seen>, steps: &mut Steps) {
        let Some(seen) = seen else {
            if self.records.trace {
                steps.push((("find nothing", m), false, world.leaves(m, &self.records)));
            } else {
                self.settled(("find nothing", m), self.meets(world, m, false), m, steps);
            }
            return;
        };
        match &*self.decision(m, Some(seen.id)) {
            Answer::Settled if !self.is_closing(m) || self.records.knows_a_state(seen.id) => {
                let next = self.meets(&self.shortcut(world, m), m, true);
                // The memory keeps the entry of a later record.
                if seen.stale {
                    self.settled(("find it settled, as known", m), next, m, steps);
                }
                let next = self.learn(&next, m, w, Some(seen.id));
                self.settled(("find it settled", m), next, m, steps);
            }
            Answer::Write(write)
                if !self.is_closing(m) && !seen.stale && !self.records.is_claimed(write.to) =>
            {
                steps.push((("join", m), false, world.at(m, At::Writing(w, Some(seen.id)))));
            }
            _ => steps.push((("find nothing", m), false, world.leaves(m, &self.records))),
        }
    }

    fn writing(&self, world: &World, m: usize, w: u8, seen: Option<Id>, steps: &mut Steps) {
        match &*self.decision(m, seen) {
            Answer::Write(write) if self.records.allows(write, world.record) => {
                self.written(world, m, w, write, steps);
            }
            _ => steps.push((("lose", m), false, world.leaves(m, &self.records))),
        }
    }

    /// A claim, a join or a closing is written.
    fn written(&self, world: &World, m: usize, w: u8, write: &Write, steps: &mut Steps) {
        let (events, known) = (&self.records.events, world.known);
        let mut next = world.writes(m, write, &self.records);
        let again = At::Again(w);
        if self.is_closing(m) {
            next = self.meets(&next, m, true);
            fault(steps, ("close, answer lost", m), next.at(m, again));
            let next = self.learn(&next, m, w, Some(write.to));
            self.settled(("close", m), next, m, steps);
        } else if self.records.is_claimed(write.to) {
            next = next.breaks("closed", !events.is_open_by(known, m));
            fault(steps, ("claim, answer lost", m), next.at(m, again));
            next.memory[usize::from(w)] = Default::default();
            let held = Seen { id: write.to, stale: false };
            steps.push((("claim", m), false, next.at(m, At::Posting(w, held, known))));
        } else {
            next.known |= set(m);
            fault(steps, ("join, answer lost", m), next.at(m, again));
            let next = self.learn(&next, m, w, Some(write.to));
            self.settled(("join", m), next, m, steps);
        }
    }

    fn posting(&self, world: &World, m: usize, w: u8, held: Seen, known: Set, steps: &mut Steps) {
        let answer = self.records.ask(Ask::Release(m, held));
        let Answer::Write(release) = &*answer else { panic!("a release is a write") };
        let released = |world: &World| match self.records.allows(release, world.record) {
            true => world.writes(m, release, &self.records).leaves(m, &self.records),
            false => world.leaves(m, &self.records),
        };
        let accepted = world.accepts(m, known, &self.records.events);
        steps.push((("post", m), false, accepted.at(m, At::Marking(w, held))));
        steps.push((("post refused", m), false, released(world)));
        fault(steps, ("post, answer lost", m), released(&accepted));
    }

    fn marking(&self, world: &World, m: usize, w: u8, held: Seen, steps: &mut Steps) {
        let answer = self.records.ask(Ask::Mark(m, held));
        let Answer::Write(mark) = &*answer else { panic!("a mark is a write") };
        if self.records.allows(mark, world.record) {
            let mut next = world.writes(m, mark, &self.records);
            next.known |= set(m);
            fault(steps, ("mark, answer lost", m), next);
            self.settled(("mark", m), self.learn(&next, m, w, Some(mark.to)), m, steps);
        } else if self.records.was_marked(m, held, world.record) {
            self.settled(("mark was done", m), self.learn(world, m, w, Some(mark.to)), m, steps);
        } else {
            // Its redelivery finds what happened.
            steps.push((("fenced out", m), false, world.leaves(m, &self.records)));
        }
    }

    fn unclaimed(&self, world: &World, m: usize, w: u8, steps: &mut Steps) {
        for later in [false, true] {
            match &*self.records.ask(Ask::Record(m, world.record, later)) {
                Answer::Busy => {}
                Answer::Settled => self.settled(("known", m), *world, m, steps),
                Answer::Write(write) => {
                    let mut next = world.writes(m, write, &self.records);
                    next.known |= set(m);
                    fault(steps, ("record, answer lost", m), next.at(m, At::Unclaimed(w)));
                    self.settled(("record", m), next, m, steps);
                }
            }
        }
    }

    /// A closing was settled. `is_kept`: by a record, or by a trace.
    fn meets(&self, world: &World, m: usize, is_kept: bool) -> World {
        if !self.is_closing(m) {
            return *world;
        }
        let met = World { met: world.met | set(m), ..*world };
        if is_kept { met.ends(m, &self.records.events) } else { met }
    }

    fn learn(&self, world: &World, m: usize, w: u8, record: Option<Id>) -> World {
        let mut next = *world;
        if let Some(memory) = self.records.learned(m, record) {
            next.memory[usize::from(w)] = memory;
        }
        next
    }

    /// A memory or a prefetch settles the message. By the record as it is now, a claim would post
    /// nothing either, and a closing would write nothing. Only a closing that left no trace, or
    /// that came after a newer state, is remembered without being known to the record.
    fn shortcut(&self, world: &World, m: usize) -> World {
        let events = &self.records.events;
        let unknown = world.met & !world.known;
        let excused = || events.closings(unknown).any(|closing| events.is_older(m, closing));
        let acts = match &*self.decision(m, world.record) {
            Answer::Settled => false,
            Answer::Busy => true,
            Answer::Write(write) => self.is_closing(m) || self.records.is_claimed(write.to),
        };
        world.breaks("shortcut", acts && (self.is_closing(m) || !excused()))
    }

    /// Deletes the message. Or fails to, and it is delivered again.
    fn settled(&self, label: Label, world: World, m: usize, steps: &mut Steps) {
        let left = world.leaves(m, &self.records);
        fault(steps, (label.0, m), left);
        let next = self.judged(left.at(m, At::Settled), m);
        let next = match next.is_settled() {
            true => self.records.events.messages().fold(next, |next, m| self.judged(next, m)),
            false => next,
        };
        steps.push((label, false, next));
    }

    /// The promises *lost* and *used up*.
    fn judged(&self, world: World, m: usize) -> World {
        let events = &self.records.events;
        let known = world.known | world.met;
        let is_over = events.closings(known).any(|closing| events.is_older(m, closing));
        if self.is_closing(m) || is_over || !events.is_open_by(known, m) {
            return world;
        }
        let ended = events.closings(world.known).max_by_key(|closing| events.0[*closing].at);
        let posted = ended.map_or(world.posted, |closing| world.after[closing]);
        let enough = posted >= Some(events.0[m].level);
        world.breaks(if world.posted.is_none() { "used up" } else { "lost" }, !enough)
    }
}
