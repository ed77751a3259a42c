//! A worker's process: it starts, freezes, is asked to stop, is killed, and is started again as
//! somebody else.

use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use hansho::commands::silence::follow;
use hansho::commands::silence::store::Reader;
use hansho::desk::worker::{Outcome, Ports, run};
use hansho::desk::{Capacity, Report, Settings};
use hansho::finding::Finding;
use hansho::health::SilenceState;
use hansho::instants::{Mono, Now, Wall};
use hansho::policy::matcher::{MatchKey, Matcher};
use hansho::policy::route::{Route, Routes};
use hansho::policy::silence::Silences;
use hansho::ports::{Accounts, Clock, CurrentAccounts, Ledger, Notifier, Queue};
use hansho::slack::{self, Guide};
use tokio::sync::Notify;
use tokio::time::Sleep;

use super::history::{Carried, What, Who};
use super::ledger::SimLedger;
use super::load::{DESTINATIONS, finding_number, revision_number};
use super::mutants::{Mutant, Mutated, adjust, take_for_posted};
use super::plan::Blow;
use super::queue::SimQueue;
use super::rules::{RoutePlan, accounts};
use super::slack::SimSlack;
use super::world::World;
use crate::support::fakes::settings;

/// The least time between two posts, in milliseconds.
pub const PACE_MS: u64 = 1100;
/// Two clocks are at most 5 s apart.
const SKEW_MS: u64 = 2500;

pub struct Process {
    pub who: Who,
    pub skew_ms: i64,
    /// Simulated time until which nothing of it runs.
    frozen_until: AtomicU64,
    /// By how much its monotonic clock is behind, because it stood still with it.
    lost_ms: AtomicU64,
    /// The time that it will have lost when it goes on.
    losing_ms: AtomicU64,
    killed: Notify,
    stopped: Notify,
}

impl Process {
    fn new(who: Who, skew_ms: i64) -> Process {
        Process {
            who,
            skew_ms,
            frozen_until: AtomicU64::new(0),
            lost_ms: AtomicU64::new(0),
            losing_ms: AtomicU64::new(0),
            killed: Notify::new(),
            stopped: Notify::new(),
        }
    }

    pub fn kill(&self) {
        self.killed.notify_one();
    }

    pub fn stop(&self, world: &World) {
        world.note(Some(self.who), What::StopAsked);
        self.stopped.notify_one();
    }

    /// Nothing of it runs for so long. Its monotonic clock stands still too where a whole machine
    /// is suspended, and goes on where a process is.
    pub fn freeze(&self, world: &World, ms: u64) {
        let now = world.now();
        let before = self.frozen_until.load(Ordering::Relaxed).max(now);
        // Nobody is frozen any more when the faults are over.
        let until = (now + ms).min(world.plan.length);
        if until <= before {
            return;
        }
        world.note(Some(self.who), What::Frozen { ms: until - now });
        self.frozen_until.store(until, Ordering::Relaxed);
        if ms.is_multiple_of(20_000) {
            self.losing_ms.fetch_add(until - before, Ordering::Relaxed);
        }
    }

    fn thaw(&self) {
        self.lost_ms.fetch_add(self.losing_ms.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Before a call is sent: the last read of the clock is behind, the call is ahead.
    pub async fn gate(&self, world: &World) {
        if world.fault("crash before a call", world.plan.process.crash_at_a_call) {
            self.kill();
            return pending().await;
        }
        if world.fault("freeze before a call", world.plan.process.freeze_at_a_call) {
            self.freeze(world, [3_000, 45_000, 61_000, 100_000][world.draw(0..4) as usize]);
            world.clock.sleep_until(Mono(self.frozen_until.load(Ordering::Relaxed))).await;
        }
    }
}

/// A process's own clocks.
struct ProcessClock {
    world: Arc<World>,
    process: Arc<Process>,
}

impl Clock for ProcessClock {
    fn now(&self) -> Now {
        let true_time = self.world.clock.now();
        let lost = self.process.lost_ms.load(Ordering::Relaxed);
        Now {
            wall: Wall(true_time.wall.0 + self.process.skew_ms),
            mono: Mono(true_time.mono.0.saturating_sub(lost)),
        }
    }

    async fn sleep_until(&self, at: Mono) {
        loop {
            let lost = self.process.lost_ms.load(Ordering::Relaxed);
            self.world.clock.sleep_until(Mono(at.0.saturating_add(lost))).await;
            if self.now().mono >= at {
                return;
            }
        }
    }
}

/// A future that is not polled while its process is frozen.
struct Freezing<'a, F> {
    world: &'a World,
    process: &'a Process,
    thaw: Option<Pin<Box<Sleep>>>,
    inner: Pin<&'a mut F>,
}

impl<F: Future> Future for Freezing<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        loop {
            let now = self.world.now();
            let until = self.process.frozen_until.load(Ordering::Relaxed);
            if now >= until {
                self.thaw = None;
                self.process.thaw();
                return self.inner.as_mut().poll(cx);
            }
            let left = Duration::from_millis(until - now);
            let thaw = self.thaw.get_or_insert_with(|| Box::pin(tokio::time::sleep(left)));
            if thaw.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.thaw = None;
        }
    }
}

/// Who runs in each place at the moment.
#[derive(Default)]
pub struct Roster(Mutex<Vec<Option<Arc<Process>>>>);

impl Roster {
    fn set(&self, slot: usize, process: Option<Arc<Process>>) {
        let mut all = self.0.lock().unwrap();
        if all.len() <= slot {
            all.resize(slot + 1, None);
        }
        all[slot] = process;
    }

    fn at(&self, slot: usize) -> Option<Arc<Process>> {
        self.0.lock().unwrap().get(slot).cloned().flatten()
    }
}

/// Strikes at the times of the plan.
pub async fn strike(world: Arc<World>, roster: Arc<Roster>) {
    let mut timed = world.plan.process.timed.clone();
    timed.sort_by_key(|(at, slot, _)| (*at, *slot));
    for (at, slot, blow) in timed {
        world.clock.sleep_until(Mono(at)).await;
        let Some(process) = roster.at(slot) else { continue };
        match blow {
            Blow::Kill => {
                world.counted("killed");
                process.kill();
            }
            Blow::Stop => {
                world.counted("asked to stop");
                process.stop(&world);
            }
            Blow::Freeze(ms) => {
                world.counted("frozen");
                process.freeze(&world, ms);
            }
        }
    }
}

/// Runs a worker in its place until the world is over: whenever it ends, another is started.
pub async fn keep_running(world: Arc<World>, roster: Arc<Roster>, slot: usize) {
    for life in 0.. {
        let skew_ms = match world.plan.process.skew {
            true => world.draw(0..2 * SKEW_MS) as i64 - SKEW_MS as i64,
            false => 0,
        };
        let who = Who { slot: slot as u8, life };
        let process = Arc::new(Process::new(who, skew_ms));
        roster.set(slot, Some(Arc::clone(&process)));
        world.note(Some(who), What::Started { skew_ms });
        let over = live(&world, &process).await;
        roster.set(slot, None);
        if over {
            return;
        }
        let rest = world.draw(500..90_000);
        let over = tokio::select! {
            biased;
            () = world.ended() => true,
            () = world.sleep(rest) => false,
        };
        if over {
            return;
        }
    }
}

/// One life. True if it ended because the world does.
async fn live(world: &Arc<World>, process: &Arc<Process>) -> bool {
    let who = Some(process.who);
    let clock = ProcessClock { world: Arc::clone(world), process: Arc::clone(process) };
    let queue = Mutated::new(world, SimQueue::new(world, process));
    let ledger = Mutated::new(world, SimLedger::new(world, process));
    let notifier = Mutated::new(world, SimSlack::new(world, process));
    let ports = Ports { queue: &queue, ledger: &ledger, notifier: &notifier, clock: &clock };
    let stop = async {
        tokio::select! {
            biased;
            () = process.stopped.notified() => {}
            () = world.ended() => {}
        }
    };
    let settings = adjust(world.mutant, worker_settings(world, process.who));
    let work = pin!(run_following(world, process.who, settings, &ports, stop));
    let work = Freezing { world, process, thaw: None, inner: work };
    tokio::select! {
        biased;
        () = process.killed.notified() => world.note(who, What::Crashed),
        _ = work => world.note(who, What::Ended),
    }
    world.is_over()
}

/// Works, and keeps the silences up to date as `hansho run` does.
async fn run_following<Q: Queue, L: Ledger, N: Notifier, C: Clock>(
    world: &Arc<World>,
    who: Who,
    settings: Settings,
    ports: &Ports<'_, Q, L, N, C>,
    stop: impl Future<Output = ()>,
) -> Outcome {
    let mut reader = Reader::new(settings.routes.silences.clone());
    let report = |report: &Report| {
        if let Report::Silenced { finding, silence, .. } = report {
            let (carried, silence) = (carried(finding), silence.id.clone());
            world.note(Some(who), What::KeptBack { carried, silence });
            take_for_posted(world, finding);
        }
    };
    if world.plan.silences.is_empty() {
        return run(settings, ports, stop, pending(), report, |_| {}).await;
    }
    let current = settings.routes.silences.clone();
    let tell = |state: SilenceState| {
        if state.failed.is_some() && world.mutant == Some(Mutant::SilencesForgotten) {
            current.set(Silences::default());
        }
    };
    follow::first(&mut reader, ports.ledger, ports.clock).await;
    tokio::select! {
        biased;
        outcome = run(settings, ports, stop, pending(), report, |_| {}) => outcome,
        never = follow::follow(reader, ports.ledger, ports.clock, tell) => match never {},
    }
}

/// The finding of a report, as its sender knows it.
fn carried(finding: &Finding) -> Carried {
    Carried {
        finding: finding_number(&finding.fingerprint.id),
        level: finding.severity.level.rank(),
        revision: revision_number(finding.updated_at),
        closed: finding.condition.closed().is_some(),
    }
}

fn routes(world: &World) -> Routes {
    let route = |(d, plan): (usize, &RoutePlan)| {
        let mut matcher = Matcher::default();
        for (not, rules) in [(false, &plan.all), (true, &plan.none)] {
            for (key, patterns) in rules {
                matcher.add(not, MatchKey::parse(key).unwrap(), patterns).unwrap();
            }
        }
        let least = plan.high.then(|| "high".parse().unwrap());
        Route { matcher, ends: plan.ends, ..Route::of_all(DESTINATIONS[d], least) }
    };
    let all = world.plan.routes.iter().enumerate().map(route).collect();
    let routes = Routes::new("medium".parse().unwrap(), all);
    if !world.plan.subjects.varied {
        return routes;
    }
    let mut directory = Accounts::default();
    accounts().iter().for_each(|account| directory.insert(account).unwrap());
    routes.knowing(CurrentAccounts::from(directory))
}

fn worker_settings(world: &World, who: Who) -> Settings {
    let plan = &world.plan;
    let base = settings(&format!("{who}"), false);
    Settings {
        lanes: plan.lanes.clone(),
        receive_wait: plan.receive_wait,
        express_wait: plan.receive_wait,
        terms: plan.terms(),
        routes: routes(world),
        paces: vec![Duration::from_millis(PACE_MS); usize::from(plan.destinations)],
        fallbacks: vec![plan.fallback.map(usize::from), None, None],
        fleet: plan.workers as u32,
        capacity: Capacity {
            cards_max: slack::MAX_CARDS,
            weight_max: slack::BUDGET_CHARS,
            lines_max: slack::DIGEST_MAX,
            weigh: Arc::new(|card| slack::weigh(card, &Guide::default())),
        },
        findings_max: plan.findings_max,
        bytes_max: plan.bytes_max,
        seed: plan.seed ^ (u64::from(who.slot) << 32) ^ u64::from(who.life),
        ..base
    }
}
