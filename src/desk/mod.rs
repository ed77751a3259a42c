//! The desk: the bounded buffer in the middle, and what to do next.
//!
//! It is a state machine without I/O. It is told what happened and when ([`Event`]), and answers
//! with orders ([`Order`]), which the [`worker`] carries out against the ports. So the same code
//! runs on SQS and on SQLite, and in a simulation where a day takes milliseconds.
//!
//! ```text
//!            ┌ refused ──────────────────────────────▶ park ─▶ delete
//! delivery ──┼ below every threshold ────────────────▶ delete
//!            └ owed ─▶ alerts: waiting ─▶ claim ─▶ post ─▶ mark ─▶ delete, when all are done
//!                        ▲                   │        │
//!                        └── release ◀───────┴────────┘   busy, too old, draining ─▶ hand back
//! ```

mod answer;
mod back_pressure;
mod canary;
mod destination;
mod event;
mod health;
mod intake;
mod lambda_lifetime;
mod marking;
mod order;
mod output;
mod pace_slot;
mod picking;
mod prefetch;
mod ready;
mod recovery_note;
mod report;
mod settings;
mod settling;
mod snapshot;
mod tally;
mod timers;
pub mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::finding::Finding;
use crate::instants::{Mono, Now, Wall};
use crate::mutation::{self, Mutation};
use crate::policy::cell::Cell;
use crate::policy::ledger::RecordKey;
use crate::policy::recent::Recent;
use crate::policy::route::Route;
use crate::ports::{Lane, MessageId, QUEUE_BATCH_MAX, ReceiveAsk};

pub use event::Event;
pub use lambda_lifetime::Memory;
pub use order::{
    AlertId, CellOrder, ClaimOrder, ClaimOutcome, DeliveryId, HidePurpose, Order, RecordOrder,
    RecordOutcome, WriteOrder,
};
pub use report::{KnownFrom, Report, ReturnReason};
pub use settings::{Capacity, DrainTerms, Settings};
pub use snapshot::{DestinationSnapshot, Snapshot};
pub use tally::Tally;

use back_pressure::Outranked;
use destination::Destination;
use health::LedgerHealth;
use output::Output;
use prefetch::Looks;
use ready::{Age, Rank};
use settings::{RETRY_FIRST, RETRY_MAX};
use settling::Held;
use timers::Timers;

/// A destination that can't be posted to for so long counts as one that can't now.
const SOON: Duration = Duration::from_secs(20);
/// A queue that answers "nothing" at once, although it was asked to wait, is not asked in a loop.
const EMPTY_RECEIVE_REST: Duration = Duration::from_millis(200);
/// So many receives of a lane are under way at a time at most, while they come back full. One
/// round trip to SQS takes some milliseconds, and brings ten messages.
const RECEIVES_MAX: usize = 4;
/// How long those beside the first one wait. They are there for a queue that is deep, so that an idle
/// worker polls each lane once; above zero, because a short poll asks only some of SQS's servers.
/// Source: SQS developer guide, "Amazon SQS short and long polling".
const BESIDE_WAIT: Duration = Duration::from_secs(1);

/// Where an alert is on its way.
enum Stage {
    /// At the desk, among the ready or the delayed.
    Waiting,
    /// Part of the digest in hand of its destination.
    InHand,
    /// Its claim is being given up; then this.
    Releasing(AfterRelease),
    /// Posted; the ledger is being told.
    Marking(Box<WriteOrder>),
    /// Posted without a claim; the ledger is told when it is back.
    Recording(Box<RecordOrder>),
}

enum AfterRelease {
    Wait,
    Quarantine { detail: String },
}

/// A finding that is owed to a destination.
struct Alert {
    delivery: DeliveryId,
    destination: usize,
    /// Where it is posted: its destination, or that one's fallback.
    channel: usize,
    key: RecordKey,
    finding: Arc<Finding>,
    /// When its message entered the queue.
    since: Wall,
    /// An earlier post of it may have been accepted, and the ledger does not know of that yet.
    perhaps: bool,
    /// Unique to this residence of the alert at this desk.
    owner: String,
    stage: Stage,
    /// Failures of the ledger in a row, for this alert.
    failures: u32,
    /// With how many others, itself included, it may share a post: halved when a post that it was
    /// part of was refused for its content, until the guilty one stands alone.
    share_max: usize,
    /// Its card was refused: text alone is tried next.
    plain: bool,
    escalated: bool,
    reminder: bool,
    /// Its message was asked for again: see [`crate::ports::Delivery::again`].
    again: bool,
    /// It waits for a look at its row, and not among the ready.
    looked_for: bool,
    /// What its card takes of a post, at most. None: nobody has asked yet.
    weight: Option<usize>,
}

impl Alert {
    fn rank(&self, id: AlertId) -> Rank {
        Rank(std::cmp::Reverse(self.finding.severity.level), Age(self.since, id))
    }
}

struct LaneState {
    lane: Lane,
    /// How many receives are under way.
    receiving: usize,
    /// How many may be at a time: one, and more while they come back full. 1 to [`RECEIVES_MAX`].
    abreast: usize,
    /// What the last one that was not empty took up of the buffer: findings and bytes.
    took_up: (usize, usize),
    not_before: Mono,
    failures: u32,
    /// The last receive brought nothing, and no other was under way then.
    empty: bool,
}

impl LaneState {
    /// A receive came back, with so many messages.
    fn brought(&mut self, messages: usize) {
        self.failures = 0;
        self.empty = messages == 0 && self.receiving == 0;
        self.abreast = match messages {
            0 => 1,
            1..QUEUE_BATCH_MAX => (self.abreast - 1).max(1),
            _ => (self.abreast + 1).min(RECEIVES_MAX),
        };
    }
}

pub struct Desk {
    settings: Settings,
    deliveries: BTreeMap<DeliveryId, Held>,
    by_message: BTreeMap<(Lane, MessageId), DeliveryId>,
    alerts: BTreeMap<AlertId, Alert>,
    /// Keys that are claimed here or about to be: a second alert of the same key waits.
    keys_in_hand: BTreeSet<RecordKey>,
    destinations: Vec<Destination>,
    lanes: Vec<LaneState>,
    timers: Timers,
    outbox: settling::Outbox,
    output: Output,
    ledger: LedgerHealth,
    ledger_away_reported: bool,
    recent: Recent,
    looks: Looks,
    outranked: Outranked,
    canaries: canary::Allowance,
    /// Deliveries whose hand-back is under way.
    returning: usize,
    findings_held: usize,
    bytes_held: usize,
    next_id: u64,
    input_open: bool,
    draining: bool,
    drain: DrainState,
}

#[derive(Default)]
struct DrainState {
    /// Looks in a row that found every queue empty.
    empty_looks: u32,
    /// Lanes whose depth was asked for and not yet told.
    asked: usize,
    nothing_left: bool,
    finished: bool,
    gave_up: bool,
}

impl Desk {
    pub fn new(settings: Settings, now: Now) -> Desk {
        let destination = |((i, route), interval): ((usize, &Route), &Duration)| {
            let name = &route.destination;
            let cell = Cell::new(name, &settings.worker_id, *interval, settings.terms);
            let fallback = settings.fallbacks.get(i).copied().flatten();
            Destination::new(name, *interval, fallback, cell)
        };
        let routes = settings.routes.routes.iter().enumerate();
        let destinations = routes.zip(&settings.paces).map(destination).collect();
        let lanes = settings
            .lanes
            .iter()
            .map(|&lane| LaneState {
                lane,
                receiving: 0,
                abreast: 1,
                took_up: (0, 0),
                not_before: now.mono,
                failures: 0,
                empty: false,
            })
            .collect();
        let timers = Timers::new(&settings, now.mono);
        let looks = Looks::new(settings.seed);
        Desk {
            settings,
            deliveries: BTreeMap::new(),
            by_message: BTreeMap::new(),
            alerts: BTreeMap::new(),
            keys_in_hand: BTreeSet::new(),
            destinations,
            lanes,
            timers,
            outbox: settling::Outbox::default(),
            output: Output::default(),
            ledger: LedgerHealth::default(),
            ledger_away_reported: false,
            recent: Recent::default(),
            looks,
            outranked: Outranked::default(),
            canaries: canary::Allowance::default(),
            returning: 0,
            findings_held: 0,
            bytes_held: 0,
            next_id: 0,
            input_open: true,
            draining: false,
            drain: DrainState::default(),
        }
    }

    /// Takes note of what happened.
    pub fn on(&mut self, event: Event, now: Now) {
        match event {
            Event::Received { lane, result } => self.received(lane, result, now),
            Event::Measured { result, .. } => self.measured(result.as_ref().ok()),
            Event::Claimed { alert, outcome } => self.claimed(alert, outcome, now),
            Event::Prefetched { result } => self.prefetched(result, now),
            Event::Looked { destination, result } => self.looked(destination, result, now),
            Event::Reserved { destination, result } => self.reserved(destination, result, now),
            Event::Posted { destination, verdict } => self.posted(destination, verdict, now),
            Event::Marked { alert, result } => self.marked(alert, result, now),
            Event::Recorded { alert, outcome } => self.recorded(alert, outcome, now),
            Event::Released { alert, result } => self.released(alert, result, now),
            Event::Deleted { results } => self.deleted(results, now),
            Event::Hidden { purpose, results } => self.hidden(purpose, results, now),
            Event::Quarantined { delivery, result } => self.parked(delivery, result, now),
            Event::Refreshed { destination, result } => self.refreshed(destination, result, now),
            Event::InputClosed => self.input_open = false,
            Event::Stop => self.stop(now),
        }
    }

    /// What is to be done now. Call it until it answers with nothing, then wait for an event or
    /// for [`Desk::wake_at`].
    pub fn orders(&mut self, now: Now) -> Vec<Order> {
        self.do_chores(now);
        self.order_look(now);
        // A dead one first: when its next try is due it needs an alert, before its fallback has them all.
        for dead in [true, false] {
            for destination in 0..self.destinations.len() {
                if self.destinations[destination].dead == dead {
                    self.drive(destination, now);
                }
            }
        }
        self.make_room(now);
        if !self.draining && self.is_at_its_end(now) {
            self.stop(now);
        }
        self.look_whether_done(now);
        self.flush_outbox(now);
        self.receive(now);
        self.output.take_orders()
    }

    /// When to ask for orders again if nothing happens before.
    pub fn wake_at(&self) -> Option<Mono> {
        let receives = self.lanes.iter().filter(|l| self.may_receive_more(l)).map(|l| l.not_before);
        self.timers.next(receives.min()).map(|(at, _)| at)
    }

    /// Nothing is left to do: end. After [`Event::Stop`] when nothing is held any more, or, where
    /// the run ends by itself, when the queues are empty or nothing moves any more.
    pub fn finished(&self) -> bool {
        let untold = self.destinations.iter().any(Destination::has_a_pause_to_tell);
        self.drain.finished || (self.draining && self.deliveries.is_empty() && !untold)
    }

    /// It has been asked to stop, or has given up: it is finishing what is in hand.
    pub fn is_draining(&self) -> bool {
        self.draining
    }

    /// The run was to end with the queues empty, but nothing moved for too long.
    pub fn gave_up(&self) -> bool {
        self.drain.gave_up
    }

    /// How many deliveries are held.
    pub fn held(&self) -> usize {
        self.deliveries.len()
    }

    pub fn tally(&self) -> &Tally {
        self.output.tally()
    }

    pub fn take_reports(&mut self) -> Vec<Report> {
        self.output.take_reports()
    }

    fn receive(&mut self, now: Now) {
        for i in 0..self.lanes.len() {
            while self.lanes[i].not_before <= now.mono && self.may_receive_more(&self.lanes[i]) {
                let lane = &mut self.lanes[i];
                let wait = match lane.lane {
                    Lane::Express => self.settings.express_wait,
                    Lane::Standard => self.settings.receive_wait,
                };
                self.output.order(Order::Receive(ReceiveAsk {
                    lane: lane.lane,
                    max: QUEUE_BATCH_MAX,
                    wait: if lane.receiving == 0 { wait } else { wait.min(BESIDE_WAIT) },
                    visibility: self.settings.budget.visibility(),
                }));
                lane.receiving += 1;
            }
        }
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn stop(&mut self, now: Now) {
        self.draining = true;
        self.timers.stop();
        if mutation::is(Mutation::DrainForgotten) {
            return;
        }
        self.tell_all();
        let held: Vec<DeliveryId> = self.deliveries.keys().copied().collect();
        for id in held {
            let due = match mutation::is(Mutation::DrainDelays) {
                true => Duration::from_secs(30),
                false => self.due_in(id, now),
            };
            self.give_back(id, ReturnReason::Draining, due, now);
        }
    }

    /// Where the run is to end by itself: is everything done?
    fn look_whether_done(&mut self, now: Now) {
        let Some(terms) = self.settings.drain else { return };
        if self.input_open {
            self.timers.progressed(now.mono);
        }
        if self.timers.is_patience_over(now.mono) && !self.draining {
            self.drain.gave_up = true;
            self.stop(now);
        }
        let quiet = !self.input_open
            && !self.draining
            && self.deliveries.is_empty()
            && self.lanes.iter().all(|l| l.empty);
        if !quiet || self.drain.asked > 0 || self.drain.finished {
            return;
        }
        if self.drain.empty_looks >= terms.looks {
            self.drain.finished = true;
            return;
        }
        self.drain.asked = self.lanes.len();
        self.drain.nothing_left = true;
        for lane in &mut self.lanes {
            // The next look comes after another receive that brings nothing.
            lane.empty = false;
            self.output.order(Order::Measure(lane.lane));
        }
    }

    fn measured(&mut self, depth: Option<&crate::ports::Depth>) {
        self.drain.asked = self.drain.asked.saturating_sub(1);
        self.drain.nothing_left &= depth.is_some_and(|d| d.is_empty());
        if self.drain.asked == 0 {
            self.drain.empty_looks =
                if self.drain.nothing_left { self.drain.empty_looks + 1 } else { 0 };
        }
    }
}
