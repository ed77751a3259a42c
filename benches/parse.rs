//! From the body of a message to findings. The comparison is the least that serde_json can do with
//! the same bytes: check that they are JSON, and drop them.

#[path = "common/mod.rs"]
mod common;

use std::hint::black_box;

use common::{bodies, quick};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hansho::finding::{Level, parse, parse_wanted};
use serde::de::IgnoredAny;

fn findings(c: &mut Criterion) {
    let bodies = bodies(200);
    let mut group = c.benchmark_group("parse");
    group.throughput(Throughput::Elements(bodies.len() as u64));
    group.bench_function("ignored", |b| {
        let is_json = |body: &&String| serde_json::from_str::<IgnoredAny>(body).is_ok();
        b.iter(|| bodies.iter().filter(is_json).count());
    });
    group.bench_function("dropped", |b| {
        b.iter(|| {
            bodies.iter().for_each(|body| drop(black_box(parse_wanted(body, &|_| false))));
        });
    });
    group.bench_function("kept", |b| {
        b.iter(|| bodies.iter().for_each(|body| drop(black_box(parse(body)))));
    });
    // The usual mix: three of ten are at or above the threshold.
    group.bench_function("mixed", |b| {
        let wanted = |severity: &hansho::finding::Severity| severity.level >= Level::Medium;
        b.iter(|| {
            bodies.iter().for_each(|body| drop(black_box(parse_wanted(body, &wanted))));
        });
    });
    group.finish();
}

criterion_group!(name = benches; config = quick(); targets = findings);
criterion_main!(benches);
