//! The simulator: whole nights of the real desk and worker on ports that fail in every way known,
//! under a clock that jumps. All chance comes from one seed. See `README.md` beside this file.

mod checker;
mod history;
mod ledger;
mod load;
mod mutants;
mod plan;
mod process;
mod queue;
mod run;
mod slack;
mod tables;
mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use checker::Violation;
#[cfg(debug_assertions)]
use hansho::mutation;
#[cfg(debug_assertions)]
use mutants::Mistake;
use plan::Plan;
use run::{Run, simulate, simulate_plan};
use tables::Sum;

/// How many seeds run in each lane. `HANSHO_SIM_SEEDS` sets another number.
const SEEDS: ByLane = ByLane { all: 40, deep: 200 };
/// How many findings the storm has in each lane. `HANSHO_SIM_STORM` sets another number.
const STORM: ByLane = ByLane { all: 5_000, deep: 50_000 };
/// One mutant of so many runs in each lane. `HANSHO_SIM_MUTANT` runs those with that name instead.
#[cfg(debug_assertions)]
const ONE_MUTANT_OF: ByLane = ByLane { all: 6, deep: 1 };

/// A number for each lane of testing. CONTRIBUTING.md describes the lanes.
struct ByLane {
    all: u64,
    deep: u64,
}

impl ByLane {
    fn get(&self) -> u64 {
        match std::env::var("HANSHO_TEST_LANE").as_deref() {
            Err(_) | Ok("all") => self.all,
            Ok("deep") => self.deep,
            Ok(other) => panic!("HANSHO_TEST_LANE is {other:?}: set it to all or deep"),
        }
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Does the work on as many threads as the machine has cores.
fn on_all_cores(work: impl Fn() + Sync) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(&work);
        }
    });
}

/// The report of a failing seed, and how to repeat it.
fn accuse(seed: u64, run: &Run) -> Option<String> {
    let first = run.verdict.violations.first()?;
    let all: Vec<String> = run
        .verdict
        .violations
        .iter()
        .take(10)
        .map(|v| format!("{} at {} ms: {}", v.invariant, v.at, v.what))
        .collect();
    Some(format!(
        "seed {seed} breaks {}:\n{}\n\n{}\n\nreplay: HANSHO_SIM_FROM={seed} HANSHO_SIM_SEEDS=1 \
         cargo test --test it sim::many -- --nocapture",
        first.invariant,
        all.join("\n"),
        excerpt(run, first),
    ))
}

/// With `HANSHO_SIM_WHOLE=1` everything, else what led to a violation, and a minute more.
fn excerpt(run: &Run, broken: &Violation) -> String {
    match setting("HANSHO_SIM_WHOLE") {
        Some(_) => history::excerpt(&run.history, None, u64::MAX, usize::MAX),
        None => history::excerpt(&run.history, broken.finding, broken.at + 60_000, 200),
    }
}

/// Runs the seeds on all cores; the accusation of the lowest failing seed, if any.
fn run_many(from: u64, seeds: u64) -> (Sum, Option<String>) {
    let next = AtomicU64::new(from);
    let stop = AtomicBool::new(false);
    let sum = Mutex::new(Sum::default());
    let failed: Mutex<BTreeMap<u64, String>> = Mutex::default();
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + seeds {
                return;
            }
            let run = simulate(seed, None);
            sum.lock().unwrap().add(&run);
            if let Some(accusation) = accuse(seed, &run) {
                failed.lock().unwrap().insert(seed, accusation);
                stop.store(setting("HANSHO_SIM_GO_ON").is_none(), Ordering::Relaxed);
            }
        }
    };
    on_all_cores(work);
    let failed = failed.into_inner().unwrap();
    if failed.len() > 1 {
        println!("\nfailing seeds, and what each breaks first");
        for (seed, accusation) in &failed {
            println!("  {seed:<8} {}", accusation.lines().nth(1).unwrap_or_default());
        }
    }
    (sum.into_inner().unwrap(), failed.into_values().next())
}

#[test]
#[allow(clippy::disallowed_methods, reason = "it measures itself")]
fn many() {
    let from = setting("HANSHO_SIM_FROM").unwrap_or(0);
    let seeds = setting("HANSHO_SIM_SEEDS").unwrap_or_else(|| SEEDS.get());
    let began = Instant::now();
    let (sum, failed) = run_many(from, seeds);
    sum.print(began.elapsed().as_secs_f64());
    if let Some(accusation) = failed {
        panic!("{accusation}");
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in [1, 2, 3, 4] {
        let (one, two) = (simulate(seed, None), simulate(seed, None));
        let difference = one.history.iter().zip(&two.history).find(|(a, b)| a != b);
        assert_eq!(difference, None, "seed {seed}");
        assert_eq!(history::hash(&one.history), history::hash(&two.history), "seed {seed}");
    }
}

/// Days that once failed, and what was wrong then.
const ONCE_FAILED: [(u64, &str); 15] = [
    (1023, "found before there was a name for it"),
    (1038, "found before there was a name for it"),
    (1297, "found before there was a name for it"),
    (1409, "found before there was a name for it"),
    (90, "a process stood still between slot and post, and posted under a lease that was over"),
    (131, "with the ledger away a copy of what was told just before was told again"),
    (794, "a worker with one critical finding after another kept the slots from the other worker"),
    (1130, "a worker that was asked to stop did not try to record what it had told unclaimed"),
    (252, "what was on its way back did not count as room, and more was given back"),
    (100255, "a ledger that refused one write of a claim and failed the next was taken for away"),
    (202509, "what was told without a claim did not put off the next reminder"),
    (203839, "with a short pause messages went back for half an hour"),
    (901490, "the checker held a record that an operator had made free for what the ledger knew"),
    (7000074, "the checker expected one receive in flight on a lane, and four are allowed"),
    (203073, "what waits for a dead destination waits for its turn at the fallback"),
];

#[test]
fn days_that_once_failed_pass() {
    for (seed, what) in ONCE_FAILED {
        let run = simulate(seed, None);
        assert_eq!(accuse(seed, &run), None, "{what}");
    }
}

/// Twenty critical findings among thousands of lesser ones, two workers, a queue that errs a
/// little. Each critical finding is posted within 3 s of its coming, and all others in their turn.
#[test]
fn a_storm_with_twenty_criticals_in_it() {
    let findings = setting("HANSHO_SIM_STORM").unwrap_or_else(|| STORM.get());
    let run = simulate_plan(Plan::storm(findings as u32), None);
    assert_eq!(accuse(0, &run), None);
    let waits = history::waits(&run.history, 4);
    println!("{findings} findings; the criticals waited {waits:?} ms");
    assert_eq!(waits.len(), 20);
    assert!(waits.iter().all(|ms| *ms <= 3_000), "{waits:?}");
}

/// The invariant by which a mistake is found, and the seed.
#[cfg(debug_assertions)]
fn find(mistake: Mistake, seeds: u64) -> Option<(u64, &'static str)> {
    (0..seeds).find_map(|seed| {
        let run = match mistake {
            Mistake::Around(mutant) => simulate(seed, Some(mutant)),
            Mistake::Within(mutation) => mutation::with(mutation, || simulate(seed, None)),
        };
        run.verdict.violations.first().map(|v| (seed, v.invariant))
    })
}

/// Without debug assertions the program has no place for mistakes, so there is no such test.
#[cfg(debug_assertions)]
#[test]
fn every_mutant_is_found() {
    let mut mistakes = mutants::all();
    match std::env::var("HANSHO_SIM_MUTANT") {
        Ok(name) => mistakes.retain(|(mistake, ..)| format!("{mistake:?}").contains(&name)),
        Err(_) => {
            let step = usize::try_from(ONE_MUTANT_OF.get()).unwrap();
            mistakes = mistakes.into_iter().step_by(step).collect();
        }
    }
    let next = AtomicU64::new(0);
    let missed = Mutex::new(Vec::new());
    let work = || {
        while let Some((mistake, by, seeds)) =
            mistakes.get(next.fetch_add(1, Ordering::Relaxed) as usize)
        {
            let found = find(*mistake, *seeds);
            println!("{mistake:?}: {found:?}");
            if found.is_none_or(|(_, invariant)| !by.contains(&invariant)) {
                missed.lock().unwrap().push(format!("{mistake:?}: {found:?}"));
            }
        }
    };
    on_all_cores(work);
    let missed = missed.into_inner().unwrap();
    assert!(missed.is_empty(), "not found, or by another invariant: {missed:?}");
}
