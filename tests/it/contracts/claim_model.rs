//! Every state that the ledger protocol can reach, within bounds: two workers, two messages about
//! one finding, at-least-once delivery, crashes, ambiguous posts, lost answers, and workers that
//! pause past their lease. The transitions are the real ones of `policy::ledger`. The model adds
//! the worker around them and the world around the worker.
//!
//! Promises checked in every state:
//!
//! - *lost*: a message is deleted only after an accepted post at its level or above;
//! - *duplicate*: accepted posts are at most one a level, and one more for each crash between post
//!   and mark, each ambiguous post tried again, and each lease that ran out on a live worker;
//! - *claimed twice*: a level that was marked is never claimed again;
//! - *fence*: the fence never shrinks;
//! - *stuck*: once faults stop, both messages can still be settled.
//!
//! The check must also be able to fail: it finds each mutant, a protocol with one step left out.
//!
//! Time is abstract. The clock stands still, and a lease ends by a step of its own that puts it
//! into the past. Fences are numbered from the record's own, so that equal situations are one
//! state. Not in the model: reminders, expiry, clocks that differ by more than the skew, several
//! cards a post.

use std::time::Duration;

use hansho::finding::Level;
use hansho::instants::Wall;
use hansho::policy::ledger::{Claim, Terms, Want, claim, held_by, mark, marked_by, release};
use hansho::policy::record::{
    About, AcceptedPost, AlertRecord, AlertRecordState, Earlier, Incident, Sighting,
};
use hansho::policy::record::{Expect, State, Versioned};

use super::explore::{self, Outcome};

const NOW: Wall = Wall(1_000_000_000_000);
const TERMS: Terms = Terms {
    lease: Duration::from_secs(45),
    skew: Duration::from_secs(5),
    retention: Duration::from_secs(90 * 86_400),
    remind_after: None,
};
/// The fence of the record in the ledger, in every state.
const FENCE: u64 = 10;

/// A protocol with a step left out or done in the wrong order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    MarkBeforePost,
    SettleWhileBusy,
    UnfencedMark,
    UnfencedRelease,
    ClaimByFenceAlone,
    /// An alert that a crashed worker has claimed stays claimed for ever.
    NeverTakeOver,
}

#[derive(Clone, Copy, Debug)]
struct Bounds {
    deliveries: u8,
    crashes: u8,
    ambiguous: u8,
    zombies: u8,
    lost_answers: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Owner {
    Nobody,
    Worker(u8),
    /// A worker that has left the message, so that nobody will ever act in its name.
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Lease {
    Alive,
    Over,
}

/// The parts of a record that matter to the protocol. In the ledger it is never stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Slim {
    state: State,
    owner: Owner,
    claimed: Option<Level>,
    sent: Option<Level>,
    lease: Lease,
    /// Its fence is lower than that of the record in the ledger.
    stale: bool,
}

/// The progress of a worker with its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum At {
    Idle,
    /// It has read this, and will try to write the claim that follows from it.
    Claiming(Option<Slim>),
    /// It holds this, and is about to post or posting.
    Posting(Slim),
    /// Its post was accepted.
    Marking(Slim),
    Settling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Worker {
    at: At,
    message: u8,
}

const IDLE: Worker = Worker { at: At::Idle, message: 0 };

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct World {
    ledger: Option<Slim>,
    workers: [Worker; 2],
    /// Not yet deleted from the queue.
    waiting: [bool; 2],
    deliveries: [u8; 2],
    /// The highest level that was accepted, and that was marked.
    posted: Option<Level>,
    marked: Option<Level>,
    accepted: u8,
    crashes: u8,
    crashes_after_post: u8,
    ambiguous: u8,
    zombies: u8,
    lost_answers: u8,
    broken: Option<&'static str>,
}

type Step = explore::Step<&'static str, World>;

struct Model {
    levels: [Level; 2],
    bounds: Bounds,
    mutant: Option<Mutant>,
}

fn name(owner: Owner) -> String {
    match owner {
        Owner::Nobody => String::new(),
        Owner::Worker(w) => format!("w{w}"),
        Owner::Gone => "gone".to_owned(),
    }
}

impl Slim {
    fn record(&self) -> AlertRecord {
        AlertRecord {
            state: self.alert_state(),
            fence: FENCE - u64::from(self.stale),
            lease_until: match self.lease {
                Lease::Alive => NOW.plus(TERMS.lease),
                Lease::Over => Wall(1),
            },
            attempts: 0,
            ambiguous: 0,
            incident: Incident::default(),
            about: About::default(),
            expires_at: NOW.plus(TERMS.retention),
        }
    }

    fn alert_state(&self) -> AlertRecordState {
        let owner = name(self.owner);
        let post_id = if self.state == State::Sent { owner.clone() } else { String::new() };
        let post =
            |level| AcceptedPost { level, revision: None, sent_at: Wall(1), due_at: None, post_id };
        match (self.state, self.sent) {
            (State::Free, _) => AlertRecordState::Free { rewound: None },
            (State::Claimed, sent) => AlertRecordState::Claimed {
                owner,
                // An outdated record may have none, and then nobody asks for it.
                level: self.claimed.unwrap_or(Level::Informational),
                earlier: sent.map_or(Earlier::None, |level| Earlier::Posted(post(level))),
            },
            (State::Sent, level) => AlertRecordState::Posted {
                post: post(level.expect("a posted record has a level")),
                marked_by: (!owner.is_empty()).then_some(owner),
            },
        }
    }

    /// The record as it is in the ledger after worker `by` wrote it.
    fn written(record: &AlertRecord, by: usize) -> Slim {
        let owner = record.owner().map_or(Owner::Nobody, |_| Owner::Worker(by as u8));
        // The lease of a record that is not claimed says only which write it was, and the fence
        // says that already.
        let alive = record.is_claimed() && record.lease_until > NOW;
        Slim {
            state: record.version().state,
            owner,
            claimed: record.level_claimed(),
            sent: record.level_posted(),
            lease: if alive { Lease::Alive } else { Lease::Over },
            stale: false,
        }
    }

    /// A record that was replaced under a higher fence. Only its owner still matters, and the level
    /// that the owner believes to be posting.
    fn outdated(self) -> Slim {
        Slim { state: State::Claimed, sent: None, lease: Lease::Over, stale: true, ..self }
    }
}

impl World {
    fn start() -> World {
        World {
            ledger: None,
            workers: [IDLE; 2],
            waiting: [true; 2],
            deliveries: [0; 2],
            posted: None,
            marked: None,
            accepted: 0,
            crashes: 0,
            crashes_after_post: 0,
            ambiguous: 0,
            zombies: 0,
            lost_answers: 0,
            broken: None,
        }
    }

    fn at(mut self, w: usize, at: At) -> World {
        self.workers[w].at = at;
        self
    }

    fn breaks(mut self, promise: &'static str, broken: bool) -> World {
        if broken && self.broken.is_none() {
            self.broken = Some(promise);
        }
        self
    }

    /// The worker leaves its message, which the queue will deliver again if it still exists.
    fn leaves(mut self, w: usize) -> World {
        let message = usize::from(self.workers[w].message);
        self.deliveries[message] = self.deliveries[message].saturating_sub(1);
        self.forgets(w)
    }

    /// The next message that this worker takes will be claimed under a new owner.
    fn forgets(mut self, w: usize) -> World {
        self.workers[w] = IDLE;
        self.each_row(|row| {
            if row.owner == Owner::Worker(w as u8) {
                row.owner = Owner::Gone;
            }
        });
        self
    }

    /// Changes the record in the ledger and those in the workers' memories.
    fn each_row(&mut self, change: impl Fn(&mut Slim)) {
        self.ledger.iter_mut().for_each(&change);
        for worker in &mut self.workers {
            match &mut worker.at {
                At::Claiming(Some(row)) | At::Posting(row) | At::Marking(row) => change(row),
                At::Claiming(None) | At::Idle | At::Settling => {}
            }
        }
    }

    /// Worker `w` replaces the record. The caller has checked that it may.
    fn writes(mut self, w: usize, row: &AlertRecord) -> World {
        let before = self.ledger.map_or(0, |slim| slim.record().fence);
        if row.fence != before {
            self.each_row(|slim| *slim = slim.outdated());
        }
        if row.is_posted() {
            self.marked = self.marked.max(row.level_posted());
        }
        self.ledger = Some(Slim::written(row, w));
        self.breaks("fence", row.fence < before)
    }

    fn accepts(mut self, level: Level) -> World {
        self.accepted += 1;
        self.posted = self.posted.max(Some(level));
        self
    }

    /// The workers are alike: of two states that differ only in who is who, take the lesser.
    fn canonical(self) -> World {
        let mut other = self;
        other.each_row(|row| {
            if let Owner::Worker(w) = row.owner {
                row.owner = Owner::Worker(1 - w);
            }
        });
        other.workers.swap(0, 1);
        self.min(other)
    }
}

impl Model {
    fn steps(&self, world: &World) -> Vec<Step> {
        let mut steps = Vec::new();
        for w in 0..world.workers.len() {
            match world.workers[w].at {
                At::Idle => self.receive(world, w, &mut steps),
                At::Claiming(seen) => self.claiming(world, w, seen, &mut steps),
                At::Posting(held) => self.posting(world, w, held, &mut steps),
                At::Marking(held) => self.marking(world, w, held, &mut steps),
                At::Settling => self.settling(world, w, &mut steps),
            }
            self.crash(world, w, &mut steps);
        }
        self.lease_ends(world, &mut steps);
        for (_, _, next) in &mut steps {
            let charged = next.crashes_after_post + next.ambiguous + next.zombies;
            let levels = if self.levels[0] == self.levels[1] { 1 } else { 2 };
            *next = next.breaks("duplicate", next.accepted > levels + charged).canonical();
        }
        steps
    }

    fn level(&self, world: &World, w: usize) -> Level {
        self.levels[usize::from(world.workers[w].message)]
    }

    fn decided(&self, row: Option<&AlertRecord>, world: &World, w: usize) -> Claim {
        let owner = name(Owner::Worker(w as u8));
        let want = Want { owner: &owner, sighting: Sighting::open(self.level(world, w), None) };
        claim(row, &want, &TERMS, NOW)
    }

    /// Reads the record and decides. The write is another step, so that anything can come in
    /// between.
    fn decide(&self, world: World, w: usize) -> World {
        let row = world.ledger.map(|slim| slim.record());
        match self.decided(row.as_ref(), &world, w) {
            Claim::AlreadyPosted { .. } => world.at(w, At::Settling),
            Claim::Join { .. } | Claim::Closed(_) => panic!("no finding closes in this model"),
            Claim::Busy { .. } if self.mutant == Some(Mutant::SettleWhileBusy) => {
                world.at(w, At::Settling)
            }
            Claim::Busy { .. } => world.leaves(w),
            Claim::Write { expect: Expect::Seen { state: State::Claimed, .. }, .. }
                if self.mutant == Some(Mutant::NeverTakeOver) =>
            {
                world.leaves(w)
            }
            Claim::Write { .. } => world.at(w, At::Claiming(world.ledger)),
        }
    }

    /// Redelivery is always possible, even of a message in flight.
    fn receive(&self, world: &World, w: usize, steps: &mut Vec<Step>) {
        for message in 0..world.waiting.len() {
            if world.waiting[message] && world.deliveries[message] < self.bounds.deliveries {
                let mut next = *world;
                next.deliveries[message] += 1;
                next.workers[w].message = message as u8;
                steps.push(("receive", false, self.decide(next, w)));
            }
        }
    }

    fn claiming(&self, world: &World, w: usize, seen: Option<Slim>, steps: &mut Vec<Step>) {
        let saw = seen.map(|slim| slim.record());
        let Claim::Write { expect, record: row, .. } = self.decided(saw.as_ref(), world, w) else {
            panic!("the decision on {saw:?} is another one now");
        };
        let actual = world.ledger.map(|slim| slim.record());
        let wins = match self.mutant {
            Some(Mutant::ClaimByFenceAlone) => {
                saw.as_ref().map(|row| row.fence) == actual.as_ref().map(|row| row.fence)
            }
            _ => expect.holds(actual.as_ref()),
        };
        if !wins {
            steps.push(("lose the claim", false, self.decide(*world, w)));
            return;
        }
        let again = world.marked >= row.level_claimed();
        if self.mutant == Some(Mutant::MarkBeforePost) {
            let (_, marked) = mark(
                &row,
                &name(Owner::Worker(w as u8)),
                &Sighting::open(Level::Low, None),
                &TERMS,
                NOW,
            );
            let next = world.writes(w, &marked).at(w, At::Posting(Slim::written(&row, w)));
            steps.push(("mark", false, next));
            return;
        }
        let next = world.writes(w, &row).breaks("claimed twice", again);
        steps.push(("claim", false, next.at(w, At::Posting(Slim::written(&row, w)))));
        if world.lost_answers < self.bounds.lost_answers {
            let unsure = World { lost_answers: world.lost_answers + 1, ..next };
            steps.push(("claim, answer lost", true, self.decide(unsure, w)));
        }
    }

    fn posting(&self, world: &World, w: usize, held: Slim, steps: &mut Vec<Step>) {
        let level = self.level(world, w);
        if held.lease != Lease::Alive {
            steps.push(("see the lease over", false, world.leaves(w)));
        }
        // A worker that was paused after it checked its lease still posts.
        let then = match self.mutant {
            Some(Mutant::MarkBeforePost) => At::Settling,
            _ => At::Marking(held),
        };
        steps.push(("post", false, world.accepts(level).at(w, then)));
        steps.push(("post refused", false, self.released(world, w, held).leaves(w)));
        if world.ambiguous < self.bounds.ambiguous {
            let ambiguous = World { ambiguous: world.ambiguous + 1, ..world.accepts(level) };
            steps.push(("post, answer lost", true, ambiguous));
        }
    }

    fn released(&self, world: &World, w: usize, held: Slim) -> World {
        let (expect, row) = release(&held.record(), false, &TERMS, NOW);
        let actual = world.ledger.map(|slim| slim.record());
        match self.mutant {
            Some(Mutant::MarkBeforePost) => *world,
            Some(Mutant::UnfencedRelease) => world.writes(w, &row),
            _ if expect.holds(actual.as_ref()) => world.writes(w, &row),
            _ => *world,
        }
    }

    fn marking(&self, world: &World, w: usize, held: Slim, steps: &mut Vec<Step>) {
        let held_row = held.record();
        let (owner, fence) = (name(held.owner), held_row.fence);
        let (expect, row) = mark(&held_row, &owner, &Sighting::open(Level::Low, None), &TERMS, NOW);
        let actual = world.ledger.map(|slim| slim.record());
        let unfenced = self.mutant == Some(Mutant::UnfencedMark);
        if unfenced || expect.holds(actual.as_ref()) {
            assert!(unfenced || actual.is_some_and(|row| held_by(&row, &owner, fence)));
            let next = world.writes(w, &row);
            steps.push(("mark", false, next.at(w, At::Settling)));
            if world.lost_answers < self.bounds.lost_answers {
                let unsure = World { lost_answers: world.lost_answers + 1, ..next };
                steps.push(("mark, answer lost", true, unsure));
            }
        } else if actual.is_some_and(|row| marked_by(&row, &owner, fence, &owner)) {
            steps.push(("mark was done", false, world.at(w, At::Settling)));
        } else {
            // Its redelivery finds what happened.
            steps.push(("fenced out", false, world.leaves(w)));
        }
    }

    fn settling(&self, world: &World, w: usize, steps: &mut Vec<Step>) {
        let mut next = *world;
        next.waiting[usize::from(world.workers[w].message)] = false;
        let lost = world.posted < Some(self.level(world, w));
        steps.push(("delete", false, next.breaks("lost", lost).forgets(w)));
        steps.push(("delete, not done", true, world.leaves(w)));
    }

    fn crash(&self, world: &World, w: usize, steps: &mut Vec<Step>) {
        let at = world.workers[w].at;
        if at == At::Idle || world.crashes == self.bounds.crashes {
            return;
        }
        let mut next = *world;
        next.crashes += 1;
        next.crashes_after_post += u8::from(matches!(at, At::Marking(_)));
        steps.push(("crash", true, next.leaves(w)));
    }

    /// A lease that ends on a worker which is at its post or its mark is a fault of that worker:
    /// it paused for longer than the times allow.
    fn lease_ends(&self, world: &World, steps: &mut Vec<Step>) {
        let Some(row) = world.ledger.filter(|row| row.state == State::Claimed) else { return };
        if row.lease != Lease::Alive {
            return;
        }
        let zombie = world.workers.iter().any(
            |worker| matches!(worker.at, At::Posting(held) | At::Marking(held) if held.owner == row.owner && !held.stale),
        );
        if zombie && world.zombies == self.bounds.zombies {
            return;
        }
        let mut next = World { zombies: world.zombies + u8::from(zombie), ..*world };
        next.each_row(|held| {
            if held.state == State::Claimed && held.owner == row.owner && !held.stale {
                held.lease = Lease::Over;
            }
        });
        steps.push(("lease ends", zombie, next));
    }
}

impl explore::Model for Model {
    type World = World;
    type Label = &'static str;

    fn start(&self) -> World {
        World::start()
    }

    fn steps(&self, world: &World) -> Vec<Step> {
        Model::steps(self, world)
    }

    fn broken(&self, world: &World) -> Option<&'static str> {
        world.broken
    }

    fn is_settled(&self, world: &World) -> bool {
        world.waiting == [false; 2]
    }
}

const RAISED: [Level; 2] = [Level::Medium, Level::High];
/// The same finding twice, as the express lane makes it.
const COPIED: [Level; 2] = [Level::High, Level::High];

fn check(levels: [Level; 2], bounds: Bounds, mutant: Option<Mutant>) -> Outcome<&'static str> {
    let outcome = explore::explore(&Model { levels, bounds, mutant });
    println!(
        "{mutant:?} {levels:?} {bounds:?}: {} states, broken: {:?}",
        outcome.states, outcome.broken
    );
    outcome
}

fn bounds(deliveries: u8, crashes: u8, ambiguous: u8, zombies: u8, lost_answers: u8) -> Bounds {
    Bounds { deliveries, crashes, ambiguous, zombies, lost_answers }
}

#[test]
fn the_protocol_loses_nothing_and_repeats_nothing_without_a_reason() {
    for (levels, bounds) in [
        (RAISED, bounds(2, 0, 0, 0, 0)),
        (RAISED, bounds(2, 2, 1, 1, 1)),
        (COPIED, bounds(2, 2, 1, 1, 1)),
    ] {
        let outcome = check(levels, bounds, None);
        assert!(outcome.broken.is_empty(), "{:?} after {:?}", outcome.broken, outcome.trace);
    }
}

#[test]
fn each_mutant_is_found() {
    for (mutant, promise, bounds) in [
        (Mutant::MarkBeforePost, "lost", bounds(2, 1, 0, 0, 0)),
        (Mutant::SettleWhileBusy, "lost", bounds(2, 1, 0, 0, 0)),
        (Mutant::UnfencedMark, "fence", bounds(2, 0, 0, 1, 0)),
        (Mutant::UnfencedRelease, "fence", bounds(2, 0, 0, 1, 0)),
        (Mutant::NeverTakeOver, "stuck", bounds(2, 1, 0, 0, 0)),
        (Mutant::ClaimByFenceAlone, "claimed twice", bounds(2, 0, 0, 1, 0)),
    ] {
        let outcome = check(RAISED, bounds, Some(mutant));
        assert!(outcome.broken.contains_key(promise), "{mutant:?} was not found: {outcome:?}");
    }
}

/// The largest bounds that a test of every day can afford.
#[test]
fn the_protocol_holds_within_larger_bounds() {
    for levels in [RAISED, COPIED] {
        let outcome = check(levels, bounds(3, 2, 2, 1, 1), None);
        assert!(outcome.broken.is_empty(), "{:?} after {:?}", outcome.broken, outcome.trace);
    }
}
