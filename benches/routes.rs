//! A finding → the destinations that it is owed to, of 50 with the rules of an organisation.

#[path = "common/mod.rs"]
mod common;

use std::hint::black_box;
use std::sync::Arc;

use common::{findings, quick};
use criterion::{Criterion, criterion_group, criterion_main};
use hansho::finding::{Finding, Level};
use hansho::policy::filter::Threshold;
use hansho::policy::matcher::{MatchKey, Matcher};
use hansho::policy::route::{Route, Routes};
use hansho::ports::{AccountEntry, Accounts, CurrentAccounts};

const DESTINATIONS: usize = 50;
const TEAMS: [&str; 10] = [
    "payments", "search", "data", "mobile", "identity", "billing", "growth", "support", "network",
    "platform",
];

/// As many accounts as the directory holds.
fn accounts() -> Accounts {
    let mut accounts = Accounts::default();
    for n in 0..10_000 {
        let team = TEAMS[n % TEAMS.len()];
        let entry = AccountEntry {
            id: format!("{:012}", 111_122_213_333 + n as u64),
            name: format!("prod-{team}-{n}"),
            ou: format!("/prod/{team}"),
            tags: [("Team".to_owned(), team.to_owned())].into(),
            ..AccountEntry::default()
        };
        if accounts.insert(&entry).is_err() {
            break;
        }
    }
    accounts
}

/// Each team by its unit, by the names of its accounts, by their tags; some for a service, some for
/// a region, some for what is critical; and one that gets everything.
fn route(n: usize) -> Route {
    let team = TEAMS[n % TEAMS.len()];
    let mut matcher = Matcher::default();
    let mut rule = |not: bool, key: MatchKey, patterns: &[&str]| {
        matcher.add(not, key, patterns).expect("a good rule");
    };
    let (unit, name, tag) =
        (format!("/prod/{team}/*"), format!("*-{team}-*"), format!("Team={team}"));
    match n % 10 {
        _ if n + 1 == DESTINATIONS => {}
        0..=3 => rule(false, MatchKey::Ou, &[&unit]),
        4 => {
            rule(false, MatchKey::Ou, &[&unit]);
            rule(true, MatchKey::Type, &["Policy:*", "Recon:EC2/Port*"]);
        }
        5 => rule(false, MatchKey::AccountName, &[&name]),
        6 => rule(false, MatchKey::AccountTag, &[&tag]),
        7 => rule(false, MatchKey::ResourceType, &["AwsS3*", "AWS::RDS::*"]),
        8 => {
            rule(false, MatchKey::Region, &["us-*", "ca-central-1"]);
            rule(false, MatchKey::Level, &["high", "critical"]);
        }
        _ => {
            rule(false, MatchKey::ResourceTag, &["Team=payments", "Team=search"]);
            rule(true, MatchKey::Account, &["999999999999", "888888888888"]);
        }
    }
    Route { matcher, ..Route::of_all(format!("d{n}"), None) }
}

fn route_findings(c: &mut Criterion) {
    let accounts = CurrentAccounts::from(accounts());
    let known: Vec<String> = accounts.get().iter().map(|a| a.id().to_owned()).collect();
    let all = (0..DESTINATIONS).map(route).collect();
    let routes = Routes::new(Threshold::Level(Level::Informational), all).knowing(accounts);
    let findings: Vec<Finding> = findings(500)
        .into_iter()
        .enumerate()
        .map(|(n, finding)| {
            let finding = Arc::unwrap_or_clone(finding);
            let id = &known[n * 7919 % known.len()];
            Finding { account: hansho::finding::Text::new(id, 12), ..finding }
        })
        .collect();
    let mut next = findings.iter().cycle();
    c.bench_function("routes/50 destinations", |b| {
        b.iter(|| routes.owed(black_box(next.next().expect("some findings"))).len());
    });
}

criterion_group! { name = benches; config = quick(); targets = route_findings }
criterion_main!(benches);
