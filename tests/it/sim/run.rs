//! One run: a world, its workers, a day, and the messages left when the faults are over.

use std::collections::BTreeMap;
use std::sync::Arc;

use hansho::instants::Mono;
use hansho::policy::ledger::{self, RecordKey, Rewind};
use hansho::ports::{Clock, Ledger, Written};
use tokio::runtime;

use super::checker::{self, Rules, Verdict};
use super::history::{Entry, What};
use super::ledger::alert_of;
use super::load::{Books, DESTINATIONS, Sending, Taste, generate};
use super::mutants::Mutant;
use super::operators::change_silences;
use super::plan::Plan;
use super::process::{PACE_MS, Roster, keep_running, strike};
use super::rules::{self, accounts};
use super::world::World;

pub struct Run {
    pub history: Vec<Entry>,
    pub faults: BTreeMap<&'static str, u64>,
    pub verdict: Verdict,
    /// The test that repeats the day.
    pub test: &'static str,
    /// The most calls of each kind that a worker made within a minute.
    pub busiest: BTreeMap<&'static str, u32>,
}

/// Everything that a seed has, from the first message to the verdict.
pub fn simulate(seed: u64, mutant: Option<Mutant>) -> Run {
    simulate_plan(Plan::of(seed), mutant)
}

pub fn simulate_plan(plan: Plan, mutant: Option<Mutant>) -> Run {
    let books = generate(&plan);
    let test = match (plan.silences.is_empty(), plan.load.lives) {
        (false, _) => "silences",
        (true, 0) => "many",
        (true, _) => "lives",
    };
    let poison: Vec<bool> = books.tastes.iter().map(|t| *t == Taste::Poison).collect();
    let rules = Rules {
        destinations: plan.destinations,
        workers: plan.workers,
        pace_ms: PACE_MS,
        visibility_ms: 120_000,
        findings_max: plan.findings_max,
        bytes_max: plan.bytes_max,
        lanes: plan.lanes.len(),
        poison,
        titles: books.titles.clone(),
        remind_after_ms: plan.remind_after.map(|after| after.as_millis() as u64),
        retention_ms: plan.retention.as_millis() as u64,
        gentle: plan.is_gentle(),
        fallback: plan.fallback,
        lives_from: books.lives_from,
        owed: owed(&plan, &books),
        requested_from: books.requested_from,
        plan: plan.clone(),
        accounts: accounts(),
    };
    let runtime = runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let world = runtime.unwrap().block_on(async {
        let world = Arc::new(World::new(plan, books.tastes, mutant));
        day(&world, books.sendings).await;
        world
    });
    let history = world.take_history().into_entries();
    let verdict = checker::check(&rules, &history);
    Run { history, faults: world.faults(), verdict, test, busiest: world.busiest() }
}

/// The destinations of each finding, by its level.
fn owed(plan: &Plan, books: &Books) -> Vec<[u8; 5]> {
    let (accounts, all) = (accounts(), (1_u8 << plan.destinations) - 1);
    let of = |finding: u32| {
        let is_requested = (books.requested_from..books.lives_from).contains(&finding);
        std::array::from_fn(|level| match is_requested {
            true => all,
            false => rules::owed(plan, &accounts, finding, level as u8),
        })
    };
    (0..books.tastes.len() as u32).map(of).collect()
}

async fn day(world: &Arc<World>, sendings: Vec<Sending>) {
    let roster = Arc::new(Roster::default());
    let workers: Vec<_> = (0..world.plan.workers)
        .map(|slot| tokio::spawn(keep_running(Arc::clone(world), Arc::clone(&roster), slot)))
        .collect();
    tokio::spawn(strike(Arc::clone(world), Arc::clone(&roster)));
    tokio::spawn(note_outages(Arc::clone(world)));
    if !world.plan.silences.is_empty() {
        tokio::spawn(change_silences(Arc::clone(world)));
    }
    tokio::select! {
        biased;
        // A worker in a hot loop ended the day.
        () = world.ended() => {}
        () = feed_and_drain(world, sendings) => world.end(),
    }
    for worker in workers {
        worker.await.unwrap();
    }
}

async fn feed_and_drain(world: &Arc<World>, sendings: Vec<Sending>) {
    feed(world, sendings).await;
    world.clock.sleep_until(Mono(world.plan.length)).await;
    world.calm_down();
    let until = world.now() + checker::drain_bound(world.queue.len()) + 60_000;
    while world.queue.len() > 0 && world.now() < until {
        world.sleep(1_000).await;
    }
}

async fn feed(world: &Arc<World>, sendings: Vec<Sending>) {
    for sending in sendings {
        world.clock.sleep_until(Mono(sending.at)).await;
        let bytes = sending.body.len();
        let Sending { lane, body, carries, junk, again, .. } = sending;
        if again && !rewound(world, &body).await {
            continue;
        }
        let message = match again {
            true => world.queue.send_again(lane, &body),
            false => world.queue.send(lane, &body),
        } as u32;
        world.remember(message, lane, body);
        world.note(None, What::Enqueued { message, carries, junk, again, bytes });
    }
}

/// Frees the record as `hansho replay --force` does. Returns false if a worker holds it, and the
/// operator leaves it alone then.
async fn rewound(world: &World, body: &str) -> bool {
    let ledger = &world.ledger;
    let terms = world.plan.terms();
    for finding in hansho::finding::parse(body).findings {
        for destination in &DESTINATIONS[..usize::from(world.plan.destinations)] {
            let key = RecordKey::alert(&finding.fingerprint, destination);
            let seen = ledger.read(&key).await.unwrap_or_default();
            match ledger::rewind(seen.as_ref(), &terms, world.clock.now().wall) {
                Rewind::Nothing => {}
                Rewind::Busy { .. } => return false,
                Rewind::Write { expect, record: row } => {
                    let written = ledger.write(&key, &expect, &row).await;
                    assert_eq!(written, Ok(Written::Done), "nothing comes between");
                    world.replaced(&key, seen.map(Into::into));
                    world.counted("repeated on request");
                    world.note(None, What::Rewound { alert: alert_of(&key) });
                }
            }
        }
    }
    true
}

async fn note_outages(world: Arc<World>) {
    let edges = |(span, what): &(super::plan::Span, super::plan::Outage)| {
        [(span.from, true, *what), (span.to, false, *what)]
    };
    let mut edges: Vec<_> = world.plan.outages.iter().flat_map(edges).collect();
    edges.sort_by_key(|(at, begins, _)| (*at, *begins));
    for (at, begins, what) in edges {
        world.clock.sleep_until(Mono(at)).await;
        if !world.calm() {
            world.note(None, What::Outage { what: what.as_str(), begins });
        }
    }
}
