//! Alerts → the text of a post to Slack.

#[path = "common/mod.rs"]
mod common;

use std::sync::Arc;

use common::{findings, quick};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hansho::finding::Finding;
use hansho::instants::Wall;
use hansho::ports::{Card, Form, Post};
use hansho::slack::{DIGEST_MAX, Guide, MAX_CARDS, Mentions, payload_json, weigh};

fn card(finding: &Arc<Finding>) -> Card {
    Card::of(Arc::clone(finding))
}

fn posts(c: &mut Criterion) {
    let mut group = c.benchmark_group("render");
    for (name, form, count) in [
        ("one card", Form::Cards, 1),
        ("full cards", Form::Cards, MAX_CARDS),
        ("full digest", Form::Digest, DIGEST_MAX),
    ] {
        let cards = findings(count).iter().map(card).collect();
        let (id, destination) = ("worker-17".to_owned(), "security".to_owned());
        let digest = Post { at: Wall(0), id, destination, form, cards, notes: Vec::new() };
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(name, |b| {
            b.iter(|| payload_json(&digest, &Mentions::none(), &Guide::default()).len());
        });
    }
    let cards: Vec<Card> = findings(20).iter().map(card).collect();
    group.throughput(Throughput::Elements(cards.len() as u64));
    group.bench_function("weigh", |b| {
        b.iter(|| cards.iter().map(|card| weigh(card, &Guide::default())).sum::<usize>())
    });
    group.finish();
}

criterion_group!(name = benches; config = quick(); targets = posts);
criterion_main!(benches);
