//! A state of the model: the ledger, the messages, the workers' memories, and what has happened so
//! far to judge it by.

use hansho::finding::Level;

use super::events::{Events, MESSAGES, Set, set};
use super::records::{Id, Memory, Records, Seen, Write};

/// Where a message is. A message with a worker names it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    Queued,
    /// An answer was lost. The worker asks again under the same name.
    Again(u8),
    /// A prefetch has read this, and the worker will decide by it.
    Prefetched(u8, Option<Seen>),
    /// The worker has read this, and will try the write that follows from it.
    Writing(u8, Option<Id>),
    /// It holds this claim, and posts. The set is what the ledger knew when the claim was made.
    Posting(u8, Seen, Set),
    Marking(u8, Seen),
    /// It was posted without a claim, and the ledger is to know that.
    Unclaimed(u8),
    /// Deleted from the queue.
    Settled,
}

impl At {
    pub fn worker(self) -> Option<u8> {
        match self {
            At::Queued | At::Settled => None,
            At::Again(w) | At::Prefetched(w, _) | At::Writing(w, _) => Some(w),
            At::Posting(w, ..) | At::Marking(w, _) | At::Unclaimed(w) => Some(w),
        }
    }

    fn with(self, w: u8) -> At {
        match self {
            At::Queued | At::Settled => self,
            At::Again(_) => At::Again(w),
            At::Prefetched(_, seen) => At::Prefetched(w, seen),
            At::Writing(_, seen) => At::Writing(w, seen),
            At::Posting(_, held, known) => At::Posting(w, held, known),
            At::Marking(_, held) => At::Marking(w, held),
            At::Unclaimed(_) => At::Unclaimed(w),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct World {
    pub record: Option<Id>,
    pub at: [At; MESSAGES],
    pub memory: [Memory; 2],
    /// The events that the ledger has to know: each open state that was marked, joined or recorded,
    /// and each closing that ended something when it was settled by a record or a trace.
    pub known: Set,
    /// The closings that a worker has settled in any way.
    pub met: Set,
    /// The highest level that was posted at all, and that counts after each closing.
    pub posted: Option<Level>,
    pub after: [Option<Level>; MESSAGES],
    pub faults: u8,
    pub broken: Option<&'static str>,
}

impl World {
    pub fn start(events: &Events) -> World {
        let mut at = [At::Settled; MESSAGES];
        at[events.messages()].fill(At::Queued);
        World {
            record: None,
            at,
            memory: [Memory::default(); 2],
            known: 0,
            met: 0,
            posted: None,
            after: [None; MESSAGES],
            faults: 0,
            broken: None,
        }
    }

    pub fn at(mut self, m: usize, at: At) -> World {
        self.at[m] = at;
        self
    }

    pub fn breaks(mut self, promise: &'static str, broken: bool) -> World {
        if broken && self.broken.is_none() {
            self.broken = Some(promise);
        }
        self
    }

    pub fn is_settled(&self) -> bool {
        self.at == [At::Settled; MESSAGES]
    }

    /// The message leaves its worker. The next one acts under another name.
    pub fn leaves(mut self, m: usize, records: &Records) -> World {
        self.at[m] = At::Queued;
        self.each_record(|id| records.owner_leaves(id, m));
        self
    }

    /// The process ends, and with it all that it knows.
    pub fn crashes(mut self, w: u8, records: &Records) -> World {
        self.memory[usize::from(w)] = Memory::default();
        let held = self.at.map(|at| at.worker() == Some(w));
        records
            .events
            .messages()
            .filter(|m| held[*m])
            .fold(self, |world, m| world.leaves(m, records))
    }

    fn each_record(&mut self, change: impl Fn(Id) -> Id) {
        self.record = self.record.map(&change);
        for at in &mut self.at {
            match at {
                At::Prefetched(_, Some(seen)) => seen.id = change(seen.id),
                At::Writing(_, Some(id)) => *id = change(*id),
                At::Posting(_, held, _) | At::Marking(_, held) => held.id = change(held.id),
                _ => {}
            }
        }
    }

    /// The alert of message `m` replaces the record. A write that expects the record before can
    /// only fail, and then decides again, which is the same as being delivered again. A claim may
    /// be replaced by its owner, and by others once its lease is over.
    pub fn writes(mut self, m: usize, write: &Write, records: &Records) -> World {
        let broken = self.record.is_some_and(|id| records.is_held_by_other(id, m));
        self = self.breaks("claim", broken);
        self.record = Some(write.to);
        if !write.grows {
            return self;
        }
        for other in records.events.messages().filter(|other| *other != m) {
            match &mut self.at[other] {
                At::Writing(..) => self = self.leaves(other, records),
                At::Prefetched(_, Some(seen)) | At::Posting(_, seen, _) | At::Marking(_, seen) => {
                    seen.stale = true;
                }
                _ => {}
            }
        }
        self
    }

    /// Slack accepts a post. It counts after each closing that is older than the posted state, and
    /// after each that the ledger knew when the post was claimed.
    pub fn accepts(mut self, m: usize, known: Set, events: &Events) -> World {
        let level = Some(events.0[m].level);
        self.posted = self.posted.max(level);
        for closing in events.closings(Set::MAX) {
            if known & set(closing) != 0 || !events.is_older(m, closing) {
                self.after[closing] = self.after[closing].max(level);
            }
        }
        self
    }

    /// A closing was settled by the record, or by a trace. It ends nothing if the finding is open
    /// all the same, by a newer state that the ledger knew already.
    pub fn ends(mut self, m: usize, events: &Events) -> World {
        if !events.is_open_by(self.known, m) {
            self.known |= set(m);
        }
        self
    }

    /// The lease of the claim ends. True if the claim's owner is at its post or its mark.
    pub fn lease_ends(mut self, id: Id, records: &Records) -> (World, bool) {
        let zombie = self.at.iter().any(|at| match at {
            At::Posting(_, held, _) | At::Marking(_, held) => held.id == id && !held.stale,
            _ => false,
        });
        self.each_record(|seen| if seen == id { records.lease_ends(id) } else { seen });
        (self, zombie)
    }

    /// The workers are alike: of two states that differ only in who is who, take the lesser.
    pub fn canonical(self) -> World {
        let at = self.at.map(|at| at.worker().map_or(at, |w| at.with(1 - w)));
        self.min(World { at, memory: [self.memory[1], self.memory[0]], ..self })
    }
}
