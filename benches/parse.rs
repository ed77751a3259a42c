//! The body of a queue message → findings, beside the least that any JSON parser has to do.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hansho::demo::night::{Mix, Night};
use hansho::finding;
use hansho::instants::Wall;
use serde::de::IgnoredAny;

fn parse(c: &mut Criterion) {
    let mix = Mix { noise: 60, alerts: 40, repeats: 0, updates: 0, malformed: 0 };
    let bodies: Vec<String> = Night::new(1, Wall(1_790_000_000_000))
        .events(mix)
        .into_iter()
        .map(|event| event.body)
        .collect();
    let mut group = c.benchmark_group("parse");
    group.throughput(Throughput::Elements(bodies.len() as u64));
    group.bench_function("findings", |b| {
        b.iter(|| bodies.iter().map(|body| finding::parse(body).findings.len()).sum::<usize>());
    });
    group.bench_function("skipped", |b| {
        b.iter(|| bodies.iter().filter(|b| serde_json::from_str::<IgnoredAny>(b).is_ok()).count());
    });
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
