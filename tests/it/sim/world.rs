//! The parts that all workers of a run share: the queue, the ledger, Slack, the network between,
//! chance, and the history that records everything.

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use hansho::policy::record::{Record, RecordKey};
use hansho::ports::{Clock, Lane};
use tokio::sync::{Notify, oneshot};

use super::history::{History, What, Who};
use super::load::Taste;
use super::mutants::Mutant;
use super::plan::{Outage, Plan};
use super::process::Process;
use crate::support::fakes::PausedClock;
use crate::support::memory_ledger::MemoryLedger;
use crate::support::memory_queue::MemoryQueue;

pub struct World {
    pub clock: PausedClock,
    pub plan: Plan,
    pub mutant: Option<Mutant>,
    pub queue: MemoryQueue<PausedClock>,
    pub ledger: MemoryLedger,
    pub tastes: Vec<Taste>,
    over: AtomicBool,
    /// Wakes waiters in their order. A watch channel wakes them in a random order.
    ending: Notify,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    history: History,
    chance: Option<Rng>,
    calm: bool,
    faults: BTreeMap<&'static str, u64>,
    posts: u32,
    /// The number of a post, by its id.
    numbers: BTreeMap<String, u32>,
    bodies: BTreeMap<u32, (Lane, String)>,
    /// The minute, and how many calls of this kind there were in it.
    calls: BTreeMap<(Who, &'static str), (u64, u32)>,
    busiest: BTreeMap<&'static str, u32>,
    /// Rows as they were, and until when.
    earlier: BTreeMap<RecordKey, Vec<(u64, Option<Record>)>>,
}

/// A prefetch may be behind by so much. Mostly it is behind by less than a second.
/// Source: DynamoDB developer guide, "DynamoDB read consistency".
const STALE_MS: u64 = 5_000;

/// How many posts a day may see, and five more for each message. In an outage each worker tries
/// each destination once in half a minute.
const POSTS_MAX: u32 = 10_000;

/// The most calls of each kind that a worker makes within a minute under any load: about three
/// times the highest number seen. Two destinations take 55 posts a minute each.
const CALLS_A_MINUTE: [(&str, u32); 8] = [
    ("receive", 2_000),
    ("delete", 2_000),
    ("hide", 1_500),
    ("quarantine", 100),
    ("ledger", 8_000),
    ("prefetch", 2_000),
    ("post", 120),
    ("refresh", 12),
];

impl World {
    pub fn new(plan: Plan, tastes: Vec<Taste>, mutant: Option<Mutant>) -> World {
        let clock = PausedClock::start();
        let chance = Some(Rng::with_seed(plan.seed ^ 0xfa17));
        World {
            clock,
            plan,
            mutant,
            queue: MemoryQueue::new(clock),
            ledger: MemoryLedger::default(),
            tastes,
            over: AtomicBool::new(false),
            ending: Notify::new(),
            inner: Mutex::new(Inner { chance, ..Inner::default() }),
        }
    }

    fn inner<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.inner.lock().unwrap())
    }

    /// Simulated milliseconds since the start.
    pub fn now(&self) -> u64 {
        self.clock.now().mono.0
    }

    pub fn note(&self, who: Option<Who>, what: What) {
        let at = self.now();
        self.inner(|i| i.history.note(at, who, what));
    }

    pub fn take_history(&self) -> History {
        self.inner(|i| std::mem::take(&mut i.history))
    }

    pub fn faults(&self) -> BTreeMap<&'static str, u64> {
        self.inner(|i| i.faults.clone())
    }

    pub fn calm_down(&self) {
        self.inner(|i| i.calm = true);
        self.note(None, What::Calm);
    }

    pub fn calm(&self) -> bool {
        self.inner(|i| i.calm)
    }

    /// All that runs is to end.
    pub fn end(&self) {
        if !self.over.swap(true, Ordering::Relaxed) {
            self.note(None, What::End);
            self.ending.notify_waiters();
        }
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub async fn ended(&self) {
        let ending = self.ending.notified();
        if !self.is_over() {
            ending.await;
        }
    }

    /// Whether a fault of this chance happens now; one that does is counted by its name.
    pub fn fault(&self, name: &'static str, chance: f64) -> bool {
        self.inner(|i| {
            let hit = chance > 0.0
                && !i.calm
                && i.chance.as_mut().is_some_and(|random| random.f64() < chance);
            if hit {
                *i.faults.entry(name).or_default() += 1;
            }
            hit
        })
    }

    pub fn counted(&self, name: &'static str) {
        self.inner(|i| *i.faults.entry(name).or_default() += 1);
    }

    /// A worker makes a call. Too many calls in a minute end the day, because the worker is in a
    /// hot loop. The checker judges the history so far.
    pub fn rush(&self, who: Who, kind: &'static str) {
        let minute = self.now() / 60_000;
        let calls = self.inner(|i| {
            let calls = i.calls.entry((who, kind)).or_insert((minute, 0));
            *calls = if calls.0 == minute { (minute, calls.1 + 1) } else { (minute, 1) };
            let busiest = i.busiest.entry(kind).or_default();
            *busiest = calls.1.max(*busiest);
            calls.1
        });
        if CALLS_A_MINUTE.iter().any(|(k, most)| *k == kind && calls == most + 1) {
            self.note(Some(who), What::Rush { kind, calls });
            self.end();
        }
    }

    /// A record was replaced: it was this one until now.
    pub fn replaced(&self, key: &RecordKey, before: Option<Record>) {
        let now = self.now();
        self.inner(|i| {
            let all = i.earlier.entry(key.clone()).or_default();
            all.retain(|(until, _)| until + STALE_MS >= now);
            all.push((now, before));
        });
    }

    /// A record as a prefetch that is behind may see it: as it was before one of its last writes.
    /// None if there was no write lately.
    pub fn earlier(&self, key: &RecordKey) -> Option<Option<Record>> {
        let (now, which) = (self.now(), self.draw(0..4) as usize);
        self.inner(|i| {
            let all = i.earlier.get(key)?.iter().rev();
            let mut recent = all.filter(|(until, _)| until + STALE_MS >= now);
            Some(recent.nth(which)?.1.clone())
        })
    }

    pub fn busiest(&self) -> BTreeMap<&'static str, u32> {
        self.inner(|i| i.busiest.clone())
    }

    pub fn draw(&self, range: std::ops::Range<u64>) -> u64 {
        self.inner(|i| i.chance.as_mut().map_or(range.start, |random| random.u64(range)))
    }

    pub fn shuffle<T>(&self, items: &mut [T]) {
        self.inner(|i| i.chance.as_mut().map(|random| random.shuffle(items)));
    }

    pub async fn sleep(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// Whether an outage is on.
    pub fn outage(&self, test: impl Fn(Outage) -> bool) -> Option<Outage> {
        if self.calm() {
            return None;
        }
        let now = self.now();
        let on = self.plan.outages.iter().find(|(span, what)| span.holds(now) && test(*what));
        on.map(|(_, what)| *what)
    }

    /// A number for a post that is tried.
    pub fn new_post(&self, id: &str) -> u32 {
        let (post, messages) = self.inner(|i| {
            i.posts += 1;
            i.numbers.insert(id.to_owned(), i.posts);
            (i.posts, i.bodies.len() as u32)
        });
        // The day would not end. The checker judges the history so far.
        if post > POSTS_MAX + 5 * messages && !self.is_over() {
            self.note(None, What::TooMuch { posts: post });
            self.end();
        }
        post
    }

    pub fn post_of(&self, id: &str) -> Option<u32> {
        self.inner(|i| i.numbers.get(id).copied())
    }

    pub fn remember(&self, message: u32, lane: Lane, body: String) {
        self.inner(|i| i.bodies.insert(message, (lane, body)));
    }

    pub fn remembered(&self, message: u32) -> Option<(Lane, String)> {
        self.inner(|i| i.bodies.get(&message).cloned())
    }

    /// A call over the network: once sent it takes effect, whatever becomes of the caller. The
    /// caller may be frozen or killed before it is sent, and killed when it is done and not yet
    /// answered.
    pub async fn call<T: Send + 'static>(
        self: &Arc<Self>,
        process: &Arc<Process>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        process.gate(self).await;
        let (sender, answer) = oneshot::channel();
        let (world, caller) = (Arc::clone(self), Arc::clone(process));
        tokio::spawn(async move {
            let done = work.await;
            if world.fault("crash before the answer", world.plan.process.crash_at_a_call) {
                return caller.kill();
            }
            // The caller may have ended.
            let _ = sender.send(done);
        });
        match answer.await {
            Ok(done) => done,
            Err(_) => pending().await,
        }
    }
}
