//! The desk alone: the cost of one more finding while others wait. It covers the delivery, the
//! finding's share of a digest, and the delete of its message.

#![allow(dead_code, unused_imports, unused_macros, clippy::unwrap_used)]

#[path = "common/mod.rs"]
mod common;
#[path = "../tests/it/desk/alone.rs"]
mod desk_alone;
#[macro_use]
#[path = "../tests/it/support/mod.rs"]
mod support;

#[path = "../tests/it/contracts/mod.rs"]
mod contracts;

use common::quick;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use desk_alone::DeskAlone;
use support::fakes::settings;

fn waiting(c: &mut Criterion) {
    let mut group = c.benchmark_group("desk");
    // From 200 on it is a storm, so each post is a digest of fifty.
    for waiting in [250, 500, 1_000, 2_000] {
        let mut settings = settings("bench", false);
        (settings.findings_max, settings.bytes_max) = (4_000, 64 << 20);
        let mut alone = DeskAlone::with_waiting(settings, waiting);
        alone.post_and_fill_up();
        let before = alone.orders;
        alone.post_and_fill_up();
        group.throughput(Throughput::Elements((alone.orders - before) as u64));
        group.bench_function(BenchmarkId::from_parameter(waiting), |b| {
            b.iter(|| alone.post_and_fill_up());
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = quick(); targets = waiting);
criterion_main!(benches);
