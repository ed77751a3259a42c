//! The records of the model, and the real transitions between them. Each record that differs in
//! what decides has a number, and each transition is asked for once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;
use std::time::Duration;

use hansho::finding::{FindingState, Level};
use hansho::instants::{Mono, Now, Wall};
use hansho::policy::ledger::{self, Claim, ClosingStep, Recording, Terms, UnclaimedPost, Want};
use hansho::policy::recent::Recent;
use hansho::policy::record::{
    AcceptedPost, AlertRecord, AlertRecordState, Earlier, Expect, RecordKey, Sighting, Stamp,
};

use super::events::{Events, Set, set};

const NOW: Wall = Wall(1_000_000_000_000);
const OVER: Wall = Wall(1);
const TERMS: Terms = Terms {
    lease: Duration::from_secs(45),
    skew: Duration::from_secs(5),
    retention: Duration::from_secs(90 * 86_400),
    remind_after: None,
};
/// The fence of the record in the ledger, in every state.
const FENCE: u64 = 10;
const POST: &str = "post";
/// An alert of each message is claimed under its own name, until it leaves its worker.
const OWNERS: [&str; 4] = ["m0", "m1", "m2", "m3"];
const GONE: &str = "gone";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u16);

/// A record as somebody read or wrote it. `stale`: its fence is lower than that of the record in
/// the ledger now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seen {
    pub id: Id,
    pub stale: bool,
}

/// A question about a message, by the record that was seen.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ask {
    Claim(usize, Option<Id>),
    Close(usize, Option<Id>),
    /// The post had no claim. `later`: it was sent after the post that the record knows.
    Record(usize, Option<Id>, bool),
    Mark(usize, Seen),
    Release(usize, Seen),
}

pub enum Answer {
    Write(Write),
    /// Nothing is written, and nothing is posted.
    Settled,
    Busy,
}

pub struct Write {
    pub expect: Expect,
    pub to: Id,
    pub grows: bool,
}

/// What a worker remembers of the record: the messages that it settles, and those whose alert it
/// knows to be posted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory {
    pub settles: Set,
    pub posted: Set,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Change {
    LeaseEnds,
    OwnerLeaves(usize),
}

struct Memo<K, V>(RefCell<HashMap<K, V>>);

impl<K: Copy + Eq + Hash, V: Clone> Memo<K, V> {
    fn new() -> Memo<K, V> {
        Memo(RefCell::new(HashMap::new()))
    }

    fn get(&self, key: K, make: impl FnOnce() -> V) -> V {
        if let Some(known) = self.0.borrow().get(&key) {
            return known.clone();
        }
        let made = make();
        self.0.borrow_mut().insert(key, made.clone());
        made
    }
}

pub struct Records {
    pub events: Events,
    /// The finding is so young that its closing leaves a trace.
    pub trace: bool,
    all: RefCell<Vec<AlertRecord>>,
    answers: Memo<Ask, Rc<Answer>>,
    changes: Memo<(Id, Change), Id>,
    memories: Memo<(usize, Option<Id>), Option<Memory>>,
}

impl Records {
    pub fn new(events: Vec<Sighting>, trace: bool) -> Records {
        Records {
            events: Events(events),
            trace,
            all: RefCell::new(Vec::new()),
            answers: Memo::new(),
            changes: Memo::new(),
            memories: Memo::new(),
        }
    }

    /// The number of a record, without the parts that decide nothing here.
    fn id(&self, mut record: AlertRecord) -> Id {
        record.fence = FENCE;
        (record.attempts, record.ambiguous) = (0, 0);
        (record.incident.comebacks, record.incident.opened_at) = (0, None);
        if !record.is_claimed() {
            record.lease_until = OVER;
        }
        if let AlertRecordState::Posted { post, .. }
        | AlertRecordState::Claimed { earlier: Earlier::Posted(post), .. } = &mut record.state
        {
            (post.sent_at, post.revision) = (NOW, None);
        }
        let mut all = self.all.borrow_mut();
        let known = all.iter().position(|known| *known == record);
        let place = known.unwrap_or_else(|| {
            all.push(record);
            all.len() - 1
        });
        Id(u16::try_from(place).expect("few records"))
    }

    fn get(&self, id: Id) -> AlertRecord {
        self.all.borrow()[usize::from(id.0)].clone()
    }

    fn seen(&self, seen: Seen) -> AlertRecord {
        AlertRecord { fence: FENCE - u64::from(seen.stale), ..self.get(seen.id) }
    }

    fn with<T>(&self, id: Id, ask: impl FnOnce(&AlertRecord) -> T) -> T {
        ask(&self.all.borrow()[usize::from(id.0)])
    }

    pub fn is_claimed(&self, id: Id) -> bool {
        self.with(id, AlertRecord::is_claimed)
    }

    pub fn is_alive(&self, id: Id) -> bool {
        self.with(id, |record| record.is_claimed() && record.lease_until > NOW)
    }

    /// The lease of another alert's claim is not over.
    pub fn is_held_by_other(&self, id: Id, message: usize) -> bool {
        self.is_alive(id) && self.with(id, |record| record.owner() != Some(OWNERS[message]))
    }

    pub fn knows_a_state(&self, id: Id) -> bool {
        self.with(id, |record| !record.incident.members.is_empty())
    }

    pub fn allows(&self, write: &Write, current: Option<Id>) -> bool {
        match current {
            Some(id) => self.with(id, |record| write.expect.holds(Some(record))),
            None => write.expect.holds::<AlertRecord>(None),
        }
    }

    /// The mark of this alert was done.
    pub fn was_marked(&self, message: usize, held: Seen, current: Option<Id>) -> bool {
        let fence = FENCE - u64::from(held.stale);
        let marked = |row: &AlertRecord| ledger::marked_by(row, OWNERS[message], fence, POST);
        current.is_some_and(|id| self.with(id, marked))
    }

    pub fn lease_ends(&self, id: Id) -> Id {
        self.changes.get((id, Change::LeaseEnds), || {
            self.id(AlertRecord { lease_until: OVER, ..self.get(id) })
        })
    }

    /// The record once nobody acts in the name of this message's alert any more.
    pub fn owner_leaves(&self, id: Id, message: usize) -> Id {
        self.changes.get((id, Change::OwnerLeaves(message)), || {
            let mut record = self.get(id);
            match &mut record.state {
                AlertRecordState::Claimed { owner, .. }
                | AlertRecordState::Posted { marked_by: Some(owner), .. }
                    if owner == OWNERS[message] =>
                {
                    *owner = GONE.to_owned();
                }
                _ => {}
            }
            self.id(record)
        })
    }

    pub fn ask(&self, ask: Ask) -> Rc<Answer> {
        self.answers.get(ask, || Rc::new(self.answer(ask)))
    }

    fn answer(&self, ask: Ask) -> Answer {
        match ask {
            Ask::Claim(message, seen) => {
                let want = Want { owner: OWNERS[message], sighting: self.sighting(message) };
                let seen = seen.map(|id| self.get(id));
                match ledger::claim(seen.as_ref(), &want, &TERMS, NOW) {
                    Claim::Write { expect, record, .. } | Claim::Join { expect, record, .. } => {
                        self.write(expect, record)
                    }
                    Claim::AlreadyPosted { .. } | Claim::Closed(_) => Answer::Settled,
                    Claim::Busy { .. } => Answer::Busy,
                }
            }
            Ask::Close(message, seen) => self.close(message, seen),
            Ask::Record(message, seen, later) => {
                let post = UnclaimedPost {
                    post_id: POST.to_owned(),
                    sighting: self.sighting(message),
                    sent_at: NOW.plus(Duration::from_millis(u64::from(later))),
                };
                let seen = seen.map(|id| self.get(id));
                let owner = OWNERS[message];
                self.recording(ledger::record(seen.as_ref(), owner, &post, &TERMS, NOW))
            }
            Ask::Mark(message, held) => {
                let sighting = self.sighting(message);
                let marked = ledger::mark(&self.seen(held), POST, &sighting, &TERMS, NOW);
                self.write(marked.0, marked.1)
            }
            Ask::Release(_, held) => {
                let (expect, record) = ledger::release(&self.seen(held), true, &TERMS, NOW);
                self.write(expect, record)
            }
        }
    }

    fn close(&self, message: usize, seen: Option<Id>) -> Answer {
        let (sighting, seen) = (self.sighting(message), seen.map(|id| self.get(id)));
        match ledger::close(seen.as_ref(), &sighting, self.trace, &TERMS, NOW) {
            ClosingStep::Record(recording) => self.recording(recording),
            ClosingStep::Owed => panic!("no event says closed and more severe at once"),
        }
    }

    fn recording(&self, recording: Recording<AlertRecord>) -> Answer {
        match recording {
            Recording::Write { expect, record } => self.write(expect, record),
            Recording::Known => Answer::Settled,
            Recording::Busy { .. } => Answer::Busy,
        }
    }

    fn write(&self, expect: Expect, record: AlertRecord) -> Answer {
        let grows = record.fence > FENCE || expect == Expect::Absent;
        Answer::Write(Write { expect, to: self.id(record), grows })
    }

    fn sighting(&self, message: usize) -> Sighting {
        self.events.0[message].clone()
    }

    /// What a worker remembers once it has learned this record by a message. Without a record, the
    /// closing itself. None: what it remembered before.
    pub fn learned(&self, message: usize, record: Option<Id>) -> Option<Memory> {
        self.memories.get((message, record), || {
            let sighting = self.sighting(message);
            let record = match record {
                Some(id) => self.get(id),
                None => match ledger::close(None, &sighting, true, &TERMS, NOW) {
                    ClosingStep::Record(Recording::Write { record, .. }) => record,
                    _ => return None,
                },
            };
            self.remembered(&record, &sighting)
        })
    }

    /// Asks the real memory, which held another entry before. That entry alone settles what comes
    /// last of all.
    fn remembered(&self, record: &AlertRecord, sighting: &Sighting) -> Option<Memory> {
        let (key, now) = (RecordKey::alert("f", "d"), Now { wall: NOW, mono: Mono(0) });
        let at = Stamp::new(Some(Wall(i64::MAX)), None);
        let handling = Some(FindingState::Open);
        let last = Sighting { at, handling, ..Sighting::open(Level::Critical, None) };
        let mut recent = Recent::default();
        recent.learn(&key, &before(record), &last, now);
        recent.learn(&key, record, sighting, now);
        let want = |sighting: &Sighting| Want { owner: GONE, sighting: sighting.clone() };
        if recent.settles(&key, &want(&last), &TERMS, now).is_some() {
            return None;
        }
        let among = |is_so: &dyn Fn(&Want<'_>) -> bool| {
            let so = self.events.messages().filter(|m| is_so(&want(&self.events.0[*m])));
            so.fold(0, |all, message| all | set(message))
        };
        Some(Memory {
            settles: among(&|want| recent.settles(&key, want, &TERMS, now).is_some()),
            posted: among(&|want| recent.was_posted(&key, want, &TERMS, now)),
        })
    }
}

/// A record that was posted at the highest level, and is as old as this one.
fn before(record: &AlertRecord) -> AlertRecord {
    let post = AcceptedPost {
        level: Level::Critical,
        revision: None,
        sent_at: NOW,
        due_at: None,
        post_id: POST.to_owned(),
    };
    AlertRecord {
        state: AlertRecordState::Posted { post, marked_by: None },
        expires_at: record.expires_at,
        ..AlertRecord::unposted(FENCE)
    }
}
