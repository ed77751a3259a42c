//! The numbers of many runs together, for people.

use std::collections::BTreeMap;

use super::checker::Counts;
use super::run::Run;

#[derive(Default)]
pub struct Sum {
    runs: u64,
    counts: Counts,
    faults: BTreeMap<&'static str, u64>,
    charged: BTreeMap<&'static str, u64>,
    busiest: BTreeMap<&'static str, u64>,
    /// How many runs break each invariant.
    broken: BTreeMap<&'static str, u64>,
}

impl Sum {
    pub fn add(&mut self, run: &Run) {
        self.runs += 1;
        let c = run.verdict.counts;
        let all = &mut self.counts;
        all.messages += c.messages;
        all.findings += c.findings;
        all.posts_tried += c.posts_tried;
        all.posts_accepted += c.posts_accepted;
        all.quarantined += c.quarantined;
        all.kept_back += c.kept_back;
        all.lives += c.lives;
        all.most_received = all.most_received.max(c.most_received);
        all.slowest_critical = all.slowest_critical.max(c.slowest_critical);
        all.slowest_lesser = all.slowest_lesser.max(c.slowest_lesser);
        for (name, n) in &run.faults {
            *self.faults.entry(name).or_default() += n;
        }
        for (name, n) in &run.verdict.charged {
            *self.charged.entry(name).or_default() += n;
        }
        for (name, n) in &run.busiest {
            let most = self.busiest.entry(name).or_default();
            *most = u64::from(*n).max(*most);
        }
        let mut broken: Vec<_> = run.verdict.violations.iter().map(|v| v.invariant).collect();
        broken.sort_unstable();
        broken.dedup();
        broken.iter().for_each(|name| *self.broken.entry(name).or_default() += 1);
    }

    pub fn print(&self, seconds: f64) {
        let Counts {
            messages,
            findings,
            posts_tried,
            posts_accepted,
            quarantined,
            kept_back,
            lives,
            ..
        } = self.counts;
        let Counts { most_received, slowest_critical, slowest_lesser, .. } = self.counts;
        let speed = self.runs as f64 / seconds;
        println!("\n{} days in {seconds:.1} s: {speed:.1} seeds/s", self.runs);
        table(
            "messages and posts",
            [
                ("messages", messages),
                ("findings in them", findings),
                ("posts tried", posts_tried),
                ("posts accepted", posts_accepted),
                ("messages quarantined", quarantined),
                ("findings kept back by silences", kept_back),
                ("workers started", lives),
                ("most receives of one message", most_received),
                ("longest wait of a critical without faults, ms", slowest_critical),
                ("longest wait of a lesser one without faults, ms", slowest_lesser),
            ],
        );
        let each = |all: &BTreeMap<&'static str, u64>| all.clone().into_iter().collect::<Vec<_>>();
        table("most calls of a worker within a minute", each(&self.busiest));
        table("faults injected", each(&self.faults));
        table("posts that repeat another, by the fault charged", each(&self.charged));
        if !self.broken.is_empty() {
            table("INVARIANTS BROKEN, by days", each(&self.broken));
        }
    }
}

fn table(title: &str, rows: impl IntoIterator<Item = (&'static str, u64)>) {
    println!("\n{title}");
    for (name, n) in rows {
        println!("  {name:<50} {n:>9}");
    }
}
