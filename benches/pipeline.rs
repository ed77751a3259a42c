//! Everything but the network: from the body of a message to the text of a post, through the desk,
//! the worker and a ledger in memory. The clock is tokio's paused one, which jumps over every wait,
//! so only work takes time. One thread does everything, so the rate is that of one core.

#![allow(dead_code, unused_imports, clippy::unwrap_used)]

#[path = "common/mod.rs"]
mod common;
#[macro_use]
#[path = "../tests/it/support/mod.rs"]
mod support;

#[path = "../tests/it/contracts/mod.rs"]
mod contracts;

use std::future::pending;
use std::hint::black_box;
use std::sync::Arc;

use common::{mixed, night, quick};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hansho::commands::demo::night::{Event, Mix};
use hansho::desk::Capacity;
use hansho::desk::worker::{Ports, run};
use hansho::metrics::Metrics;
use hansho::ports::{Lane, Notifier, Post, Verdict};
use hansho::slack::{BUDGET_CHARS, DIGEST_MAX, Guide, MAX_CARDS, Mentions, payload_json, weigh};
use support::fakes::{PausedClock, settings};
use support::memory_ledger::MemoryLedger;
use support::memory_queue::MemoryQueue;

const MESSAGES: usize = 2_000;
const NOTHING: Mix = Mix { noise: 0, alerts: 0, repeats: 0, updates: 0, malformed: 0 };

/// Plays Slack: draws the post, writes it out, and accepts it.
struct Drawn;

impl Notifier for Drawn {
    async fn post(&self, digest: &Post) -> Verdict {
        black_box(payload_json(digest, &Mentions::none(), &Guide::default()));
        Verdict::Accepted
    }

    async fn refresh(&self, _: &str) -> Result<bool, String> {
        Ok(false)
    }
}

/// Runs one worker until the queue is empty.
async fn work(events: &[Event], metrics: &Metrics) -> u64 {
    let clock = PausedClock::start();
    let queue = MemoryQueue::new(clock);
    for event in events {
        queue.send(Lane::Standard, &event.body);
    }
    let mut settings = settings("bench", true);
    settings.capacity = Capacity {
        cards_max: MAX_CARDS,
        weight_max: BUDGET_CHARS,
        lines_max: DIGEST_MAX,
        weigh: Arc::new(|card| weigh(card, &Guide::default())),
    };
    let ledger = MemoryLedger::default();
    let ports = Ports { queue: &queue, ledger: &ledger, notifier: &Drawn, clock: &clock };
    let report = |report: &hansho::desk::Report| {
        report.log();
        metrics.record(report);
    };
    let outcome = run(settings, &ports, pending(), async {}, report, |_| {}).await;
    assert_eq!((outcome.tally.deleted, queue.len()), (events.len() as u64, 0));
    outcome.tally.findings
}

fn nights(c: &mut Criterion) {
    let metrics = Metrics::new().expect("the metrics can be made");
    let tenth = MESSAGES / 10;
    let mut group = c.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(MESSAGES as u64));
    for (name, events) in [
        // Nine of ten are below the threshold.
        ("quiet", mixed(Mix { noise: MESSAGES - tenth, alerts: tenth, ..NOTHING })),
        // Nine of ten are already posted.
        ("repeats", mixed(Mix { alerts: tenth, repeats: MESSAGES - tenth, ..NOTHING })),
        // All are posted, in digests.
        ("storm", night().storm(Mix { alerts: MESSAGES, ..NOTHING })),
    ] {
        group.bench_function(name, |b| {
            let runtime = || {
                let mut builder = tokio::runtime::Builder::new_current_thread();
                builder.enable_time().start_paused(true).build().expect("a runtime can be made")
            };
            let work = |runtime: tokio::runtime::Runtime| runtime.block_on(work(&events, &metrics));
            b.iter_batched(runtime, work, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = quick(); targets = nights);
criterion_main!(benches);
