//! Claims and marks of the embedded store. Each is on the disk before it is answered.

#[path = "common/mod.rs"]
mod common;

use std::time::Duration;

use common::quick;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hansho::embedded::{EmbeddedLedger, Store};
use hansho::finding::Level;
use hansho::instants::Wall;
use hansho::policy::ledger::{AlertRecord, Claim, RecordKey, Terms, Want, claim, mark};
use hansho::policy::record::Sighting;
use hansho::ports::{Ledger, Written};

const NOW: Wall = Wall(1_790_000_000_000);
const TERMS: Terms = Terms {
    lease: Duration::from_secs(45),
    skew: Duration::from_secs(5),
    retention: Duration::from_secs(90 * 86_400),
    remind_after: None,
};

/// Claims a new finding, and returns its record.
async fn claimed(ledger: &EmbeddedLedger, key: &RecordKey) -> AlertRecord {
    let want = Want { owner: "worker/1", sighting: Sighting::open(Level::High, Some(NOW)) };
    let Claim::Write { expect, record: row, .. } = claim(None, &want, &TERMS, NOW) else {
        panic!("a finding that was never seen can be claimed");
    };
    let written = ledger.write(key, &expect, &row).await.expect("the store works");
    assert_eq!(written, Written::Done, "{key:?}");
    row
}

fn ledger(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = Store::open_for_work(&folder.path().join("bench.db")).expect("a store can be made");
    let ledger = EmbeddedLedger::new(store);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    let mut next = 0_u64;
    let mut key = || {
        next += 1;
        RecordKey::alert(format!("guardduty/111122223333/eu-central-1/{next:032x}"), "security")
    };
    let mut group = c.benchmark_group("ledger");
    group.throughput(Throughput::Elements(1));
    group.bench_function("claim", |b| {
        b.iter(|| runtime.block_on(claimed(&ledger, &key())));
    });
    group.bench_function("claim and mark", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let key = key();
                let row = claimed(&ledger, &key).await;
                let (expect, sent) =
                    mark(&row, "post-1", &Sighting::open(Level::High, Some(NOW)), &TERMS, NOW);
                ledger.write(&key, &expect, &sent).await.expect("the store works")
            })
        });
    });
    group.bench_function("read", |b| {
        let key = key();
        runtime.block_on(claimed(&ledger, &key));
        b.iter(|| runtime.block_on(ledger.read_any(&key)).expect("the store works"));
    });
    group.finish();
}

criterion_group!(name = benches; config = quick(); targets = ledger);
criterion_main!(benches);
