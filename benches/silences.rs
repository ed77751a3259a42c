//! A finding → the silence that keeps it back, of 200.

#[path = "common/mod.rs"]
mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use common::{findings, quick};
use criterion::{Criterion, criterion_group, criterion_main};
use hansho::finding::{Finding, Level, Text};
use hansho::instants::Wall;
use hansho::policy::filter::Threshold;
use hansho::policy::glob::Glob;
use hansho::policy::matcher::{MatchKey, Matcher};
use hansho::policy::route::Routes;
use hansho::policy::silence::{Silence, Silences};

const SILENCES: usize = 200;
const NOW: Wall = Wall(1_790_000_000_000);
const ACCOUNTS: usize = 60;

fn account(n: usize) -> String {
    format!("{:012}", 111_122_213_333 + (n % ACCOUNTS) as u64)
}

fn silence(n: usize, types: &[&str], with_account: bool) -> Silence {
    let mut matcher = Matcher::default();
    if !types.is_empty() {
        matcher.add(false, MatchKey::Type, types).expect("a good rule");
    }
    if with_account {
        matcher.add(false, MatchKey::Account, [account(n)]).expect("a good rule");
    }
    Silence {
        id: format!("s{n}"),
        matcher,
        findings: Vec::new(),
        resources: Vec::new(),
        covers: Level::High,
        from: NOW,
        until: NOW.plus(Duration::from_secs(86_400)),
        because: Text::new("a weekly scan", 100),
        owner: None,
    }
}

/// Types in accounts, types everywhere, resources, ids, and a few types that begin with a wildcard.
fn mixed(n: usize) -> Silence {
    match n % 10 {
        0..=4 => silence(n, &["Recon:EC2/*", "UnauthorizedAccess:EC2/SSH*"], true),
        5 => silence(n, &[["Policy:*", "Stealth:*"][n / 10 % 2]], true),
        6 => silence(n, &[&format!("Execution:Runtime/Kind{n}*")], false),
        7 => {
            Silence { resources: vec![Glob::new(&format!("i-{n:08x}*"))], ..silence(n, &[], true) }
        }
        8 => Silence { findings: vec![format!("{n:032x}")], ..silence(n, &[], false) },
        _ if n % 40 == 9 => silence(n, &["*:S3/Anomalous*"], true),
        _ => silence(n, &["Discovery:S3/*"], true),
    }
}

/// All for the same begin of a type, everywhere: each has to be asked.
fn alike(n: usize) -> Silence {
    silence(n, &[&format!("*:Kind{n}")], false)
}

fn bench(c: &mut Criterion) {
    let findings: Vec<Finding> = findings(500)
        .into_iter()
        .enumerate()
        .map(|(n, finding)| Finding {
            account: Text::new(&account(n * 7), 12),
            ..Arc::unwrap_or_clone(finding)
        })
        .collect();
    for (name, make) in [("mixed", mixed as fn(usize) -> Silence), ("leading wildcards", alike)] {
        let routes = Routes::new(Threshold::Level(Level::Informational), Vec::new());
        routes.silences.set(Silences::new((0..SILENCES).map(make).collect()).expect("silences"));
        let mut next = findings.iter().cycle();
        c.bench_function(&format!("silences/200 {name}"), |b| {
            b.iter(|| {
                let finding = black_box(next.next().expect("some findings"));
                routes.silenced_by(finding, NOW).is_some()
            });
        });
    }
}

criterion_group! { name = benches; config = quick(); targets = bench }
criterion_main!(benches);
