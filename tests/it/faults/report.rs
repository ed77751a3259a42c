//! What a run says to people.

use std::collections::BTreeMap;

use super::run::Run;
use crate::sim::history::{What, excerpt};

/// How many lines of the history of a finding are printed.
const LINES: usize = 200;
/// How many violations are named.
const VIOLATIONS_MAX: usize = 20;

fn table<K: std::fmt::Display + Ord>(title: &str, rows: BTreeMap<K, usize>) {
    println!("\n{title}");
    for (name, count) in rows {
        println!("  {name:<60} {count:>8}");
    }
}

fn count<K: Ord>(all: impl Iterator<Item = K>) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    all.for_each(|key| *counts.entry(key).or_default() += 1);
    counts
}

fn tally(run: &Run) {
    let counts = run.verdict.counts;
    let history = || run.seen.history.iter();
    let frozen = history().filter(|entry| matches!(entry.what, What::Frozen { .. })).count();
    let killed = history().filter(|entry| matches!(entry.what, What::Crashed)).count();
    println!(
        "\nseed {}: {} findings in {} messages, {} posts tried, {} accepted, {} quarantined; {killed} \
         SIGKILLs, {frozen} SIGSTOPs, {} faults of the network; {:.1} s",
        run.plan.seed,
        run.plan.findings,
        counts.messages,
        counts.posts_tried,
        counts.posts_accepted,
        counts.quarantined,
        run.done.len(),
        run.took.as_secs_f64()
    );
    let faults = run.done.iter().map(|done| format!("{}, {}", done.operation, done.fault));
    table("faults of the network", count(faults));
    let charged = run.verdict.charged.iter().map(|(name, count)| (*name, *count as usize));
    table("posts that repeat another, by the fault charged", charged.collect());
}

/// Prints what happened, and fails if an invariant broke.
pub fn conclude(run: &Run) {
    tally(run);
    let violations = &run.verdict.violations;
    let Some(first) = violations.first() else { return };
    for violation in violations.iter().take(VIOLATIONS_MAX) {
        println!("{} at {} ms: {}", violation.invariant, violation.at, violation.what);
    }
    let until = run.seen.history.last().map_or(0, |entry| entry.at);
    println!("\n{}", excerpt(&run.seen.history, first.finding, until, LINES));
    let near = |at: u64| at + 5_000 > first.at && at < first.at + 1_000;
    for done in run.done.iter().filter(|done| near(done.at)) {
        println!("{} ms {} {}: {}", done.at, done.who, done.operation, done.fault);
    }
    panic!(
        "seed {} breaks {}: {}\nto repeat it: {}",
        run.plan.seed,
        first.invariant,
        first.what,
        run.plan.command()
    );
}
