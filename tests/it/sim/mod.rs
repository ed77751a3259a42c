//! The simulator: whole nights of the real desk and worker on ports that fail in every way known,
//! under a clock that jumps, all chance from one seed. See `README.md` beside this file's folder.

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
mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use checker::Counts;
use mutants::{MUTANTS, Mutant};
use run::{Run, simulate};

/// How many seeds `cargo test` runs.
const SEEDS: u64 = 200;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// The numbers of many runs together.
#[derive(Default)]
struct Sum {
    runs: u64,
    counts: Counts,
    faults: BTreeMap<&'static str, u64>,
    charged: BTreeMap<&'static str, u64>,
}

impl Sum {
    fn add(&mut self, run: &Run) {
        self.runs += 1;
        let c = run.verdict.counts;
        let all = &mut self.counts;
        all.messages += c.messages;
        all.findings += c.findings;
        all.posts_tried += c.posts_tried;
        all.posts_accepted += c.posts_accepted;
        all.parked += c.parked;
        all.lives += c.lives;
        for (name, n) in &run.faults {
            *self.faults.entry(name).or_default() += n;
        }
        for (name, n) in &run.verdict.charged {
            *self.charged.entry(name).or_default() += n;
        }
    }

    fn print(&self, seconds: f64) {
        let Sum { runs, counts, faults, charged } = self;
        println!("{runs} seeds in {seconds:.1} s: {:.1} seeds per second", *runs as f64 / seconds);
        println!("{counts:?}");
        println!("faults injected: {faults:#?}");
        println!("duplicates charged: {charged:#?}");
    }
}

/// What a failing seed says for itself, and how to see it again.
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
        excerpt(run, first.finding),
    ))
}

/// With `HANSHO_SIM_WHOLE=1` everything, else what led to the first violation.
fn excerpt(run: &Run, finding: Option<u32>) -> String {
    match setting("HANSHO_SIM_WHOLE") {
        Some(_) => history::excerpt(&run.history, None, usize::MAX),
        None => history::excerpt(&run.history, finding, 200),
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
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap();
    if failed.len() > 1 {
        println!("failing seeds: {:?}", failed.keys().collect::<Vec<_>>());
    }
    (sum.into_inner().unwrap(), failed.into_values().next())
}

#[test]
#[allow(clippy::disallowed_methods, reason = "it measures itself")]
fn many() {
    let from = setting("HANSHO_SIM_FROM").unwrap_or(0);
    let seeds = setting("HANSHO_SIM_SEEDS").unwrap_or(SEEDS);
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

/// The invariant by which a mutant is found, and the seed.
fn find(mutant: Mutant, seeds: u64) -> Option<(u64, &'static str)> {
    (0..seeds).find_map(|seed| {
        let run = simulate(seed, Some(mutant));
        run.verdict.violations.first().map(|v| (seed, v.invariant))
    })
}

#[test]
fn every_mutant_is_found() {
    let next = AtomicU64::new(0);
    let missed = Mutex::new(Vec::new());
    let work = || {
        while let Some((mutant, by, seeds)) =
            MUTANTS.get(next.fetch_add(1, Ordering::Relaxed) as usize)
        {
            let found = find(*mutant, *seeds);
            println!("{mutant:?}: {found:?}");
            if found.is_none_or(|(_, invariant)| !by.contains(&invariant)) {
                missed.lock().unwrap().push(format!("{mutant:?}: {found:?}"));
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let missed = missed.into_inner().unwrap();
    assert!(missed.is_empty(), "not found, or by another invariant: {missed:?}");
}
