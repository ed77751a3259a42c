//! The simulator: whole days of the real desk and worker on ports that fail in every known way,
//! under a clock that jumps. One seed decides all chance. See `README.md` beside this file.

pub mod checker;
pub mod drawn;
pub mod history;
mod ledger;
mod load;
mod mutants;
mod operators;
pub mod plan;
mod process;
mod queue;
mod rules;
mod run;
pub mod slack;
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

use crate::support::lane::ByLane;

/// How many seeds run in each lane. `HANSHO_SIM_SEEDS` sets another number.
const SEEDS: ByLane = ByLane { all: 16, deep: 200 };
/// How many days of lives run in each lane.
const SEEDS_OF_LIVES: ByLane = ByLane { all: 8, deep: 200 };
/// How many days of silences run in each lane.
const SEEDS_OF_SILENCES: ByLane = ByLane { all: 12, deep: 60 };
/// How many findings the storm has in each lane. `HANSHO_SIM_STORM` sets another number.
const STORM: ByLane = ByLane { all: 2_000, deep: 50_000 };
/// How many seeds run twice in each lane.
const SEEDS_TWICE: ByLane = ByLane { all: 2, deep: 4 };
/// One of so many days that once failed runs in each lane.
const ONE_OLD_DAY_OF: ByLane = ByLane { all: 3, deep: 1 };
/// One mutant of so many runs in each lane. `HANSHO_SIM_MUTANT` runs those with that name instead.
#[cfg(debug_assertions)]
const ONE_MUTANT_OF: ByLane = ByLane { all: 6, deep: 1 };

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

/// The report of a failing seed, with the command that repeats it.
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
         cargo test --test it sim::{} -- --nocapture",
        first.invariant,
        all.join("\n"),
        excerpt(run, first),
        run.test,
    ))
}

/// Returns the whole history with `HANSHO_SIM_WHOLE=1`. Otherwise returns the events of the finding
/// until one minute after the violation.
fn excerpt(run: &Run, broken: &Violation) -> String {
    match setting("HANSHO_SIM_WHOLE") {
        Some(_) => history::excerpt(&run.history, None, u64::MAX, usize::MAX),
        None => history::excerpt(&run.history, broken.finding, broken.at + 60_000, 200),
    }
}

/// What a seed plans.
type Day = fn(u64) -> Plan;

/// Runs the seeds on all cores. Returns the report of the lowest failing seed, if any.
fn run_many(from: u64, seeds: u64, day: Day) -> (Sum, Option<String>) {
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
            let run = simulate_plan(day(seed), None);
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
        println!("\nfailing seeds, with the first broken invariant of each");
        for (seed, accusation) in &failed {
            println!("  {seed:<8} {}", accusation.lines().nth(1).unwrap_or_default());
        }
    }
    (sum.into_inner().unwrap(), failed.into_values().next())
}

#[test]
fn many() {
    pass(SEEDS, Plan::of);
}

/// Days of findings that close and come back.
#[test]
fn lives() {
    pass(SEEDS_OF_LIVES, Plan::lives);
}

/// Short days of routes with rules, and of silences that come, change and end.
#[test]
fn silences() {
    pass(SEEDS_OF_SILENCES, Plan::silenced);
}

#[allow(clippy::disallowed_methods, reason = "it measures itself")]
fn pass(seeds: ByLane, day: Day) {
    let from = setting("HANSHO_SIM_FROM").unwrap_or(0);
    let seeds = setting("HANSHO_SIM_SEEDS").unwrap_or_else(|| seeds.get());
    let began = Instant::now();
    let (sum, failed) = run_many(from, seeds, day);
    sum.print(began.elapsed().as_secs_f64());
    if let Some(accusation) = failed {
        panic!("{accusation}");
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for (seed, day) in (1..=SEEDS_TWICE.get()).zip([Plan::of, Plan::silenced].into_iter().cycle()) {
        let (one, two) = (simulate_plan(day(seed), None), simulate_plan(day(seed), None));
        let difference = one.history.iter().zip(&two.history).find(|(a, b)| a != b);
        assert_eq!(difference, None, "seed {seed}");
        assert_eq!(history::hash(&one.history), history::hash(&two.history), "seed {seed}");
    }
}

/// Days that once failed, and the cause.
const ONCE_FAILED: [(u64, &str); 16] = [
    (1023, "found before causes were recorded here"),
    (1038, "found before causes were recorded here"),
    (1297, "found before causes were recorded here"),
    (1409, "found before causes were recorded here"),
    (90, "a process froze between slot and post, and posted after its lease had ended"),
    (131, "while the ledger was unreachable, a copy of a fresh post was posted again"),
    (794, "a worker with a series of critical findings kept all slots from the other worker"),
    (1130, "a worker that was asked to stop did not try to record its unclaimed posts"),
    (252, "messages being returned did not count as free space, so too many were returned"),
    (100255, "a ledger that refused one claim and failed the next counted as unreachable"),
    (202509, "a post without a claim did not postpone the next reminder"),
    (203839, "a short pause returned messages for half an hour"),
    (203073, "alerts of a dead destination may wait for their turn at the fallback"),
    (901490, "the checker took a record that an operator had made free for what the ledger knew"),
    (7000074, "the checker expected one receive in flight on a lane, and four are allowed"),
    (181, "the checker took posts without an address for failures of Slack"),
];

/// Days of lives that once failed, and the cause.
const LIVES_ONCE_FAILED: [(u64, &str); 8] = [
    (0, "a finding that closed again was not known to be closed later"),
    (1, "a late closing closed an incident whose finding was seen open since"),
    (37, "memory of a closing without a record settled the closing of a later post"),
    (45, "an expired record kept the closing of a young finding from leaving a trace"),
    (62, "a late state of an earlier incident counted as more severe"),
    (369, "a destination stayed dead for want of an address after a post was sent"),
    (891, "a worker did not remember its own posts without a claim"),
    (1187, "a post without a claim, of an earlier incident, settled the one after"),
];

/// Days of silences that once failed, and the cause.
const SILENCES_ONCE_FAILED: [(u64, &str); 14] = [
    (67, "a worker that could not read the silences at its start knew none for 20 s"),
    (7100024, "a post without a claim was recorded after an operator had its record made free"),
    (20000517, "the same, and a less severe copy was sent again"),
    (20000275, "the checker did not know that a post without a claim may not be answered yet"),
    (20000341, "the simulator did not replace a webhook before the end of the day"),
    (20000585, "the checker did not know that a prefetch may settle an alert"),
    (20000776, "the checker did not know that a copy waits for the record of this worker's post"),
    (20001151, "the checker took a refused post for one without an address"),
    (20001171, "the checker counted a post of the fallback for the fallback"),
    (20000508, "a worker that could not read the silences at its start knew none for 20 s"),
    (20000638, "a worker that could not read the silences at its start knew none for 20 s"),
    (20001052, "the checker asked for an update of what the ledger knew as posted"),
    (7000000, "the checker did not count messages that a silence kept back as taking place"),
    (7000103, "the checker did not know that a pause of one worker is a pause of all"),
];

#[test]
fn days_that_once_failed_pass() {
    let step = usize::try_from(ONE_OLD_DAY_OF.get()).unwrap();
    for (seed, what) in ONCE_FAILED.into_iter().step_by(step) {
        let run = simulate(seed, None);
        assert_eq!(accuse(seed, &run), None, "{what}");
    }
    for (seed, what) in LIVES_ONCE_FAILED.into_iter().step_by(step) {
        let run = simulate_plan(Plan::lives(seed), None);
        assert_eq!(accuse(seed, &run), None, "{what}");
    }
    for (seed, what) in SILENCES_ONCE_FAILED.into_iter().step_by(step) {
        let run = simulate_plan(Plan::silenced(seed), None);
        assert_eq!(accuse(seed, &run), None, "{what}");
    }
}

/// Twenty critical findings among thousands of lesser ones, two workers, and a queue with a few
/// faults. Each critical finding is posted within 3 s of its arrival, and all others in their turn.
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

/// The seed and the invariant that find a mistake.
#[cfg(debug_assertions)]
fn find(mistake: Mistake, seeds: u64) -> Option<(u64, &'static str)> {
    (0..seeds).find_map(|seed| {
        let run = match mistake {
            Mistake::Around(mutant) => simulate(seed, Some(mutant)),
            Mistake::Within(mutation) => mutation::with(mutation, || simulate(seed, None)),
            Mistake::WithinLives(mutation) => {
                mutation::with(mutation, || simulate_plan(Plan::lives(seed), None))
            }
            Mistake::AroundSilences(mutant) => simulate_plan(Plan::silenced(seed), Some(mutant)),
            Mistake::WithinSilences(mutation) => {
                mutation::with(mutation, || simulate_plan(Plan::silenced(seed), None))
            }
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
            if step > 1 {
                // A mutant that needs a rare day takes many days to find.
                mistakes.retain(|(.., seeds)| *seeds <= mutants::USUAL_SEEDS);
            }
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
