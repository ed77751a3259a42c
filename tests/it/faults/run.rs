//! One run: the stand-ins, the proxies, the workers, the messages, and the verdict.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use hansho::clock::SystemClock;
use hansho::commands::demo::slack_standin::SlackStandIn;
use hansho::ports::{Clock, Lane};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use super::fate::Service;
use super::judge::{judge, rules};
use super::load::{Books, generate, id};
use super::observe::{Done, Observer, Row, Seen, ledger};
use super::plan::Plan;
use super::proxy::Route;
use super::workers::{Ground, POST_TIMEOUT, Place, SECRET, TABLE};
use crate::adapters::dynamodb::{fake_config, serve_table};
use crate::adapters::sqs::sdk_config;
use crate::sim::checker::Verdict;
use crate::sim::history::{Alert, Entry, What};
use crate::support::sqs_standin::{SqsStandIn, StandInClock};

pub struct Run {
    pub plan: Plan,
    pub seen: Seen,
    pub done: Vec<Done>,
    pub verdict: Verdict,
    pub took: Duration,
}

struct World {
    sqs: Arc<SqsStandIn>,
    dynamodb: String,
    /// It ends with the world.
    _slack: SlackStandIn,
    observer: Arc<Observer>,
    ground: Arc<Ground>,
    folder: TempDir,
}

fn address(endpoint: &str) -> SocketAddr {
    endpoint.trim_start_matches("http://").parse().unwrap()
}

impl World {
    async fn new(plan: &Plan, books: &Books) -> World {
        let sqs = Arc::new(SqsStandIn::start(StandInClock::running()).await);
        for queue in ["standard", "express", "quarantine"] {
            sqs.create(queue, &[]);
        }
        let dynamodb = serve_table(TABLE).await;
        let clock = SystemClock::start();
        let slack = SlackStandIn::start(None, move || clock.now().mono.0).await.unwrap();
        let observer = Arc::new(Observer::start(Arc::clone(&sqs), POST_TIMEOUT));
        let poison = (0..).zip(&books.poison).filter(|(_, poison)| **poison);
        let refused: Vec<String> = poison.map(|(finding, _)| id(finding)).collect();
        let servers = [address(&sqs.endpoint()), address(&dynamodb), slack.address()];
        let services = [Service::Sqs, Service::DynamoDb, Service::Slack];
        let routes = [0, 1, 2].map(|i| {
            let refused = if i == 2 { refused.clone() } else { Vec::new() };
            let route =
                Route::new(services[i], servers[i], &observer, plan.seed, plan.share, refused);
            Arc::new(route)
        });
        let folder = tempfile::tempdir().unwrap();
        let (path, pace_ms) = (folder.path().to_owned(), plan.pace_ms);
        let ground = Ground { routes, observer: Arc::clone(&observer), folder: path, pace_ms };
        std::fs::write(folder.path().join("hansho.toml"), ground.configuration()).unwrap();
        World { sqs, dynamodb, _slack: slack, observer, ground: Arc::new(ground), folder }
    }

    async fn send(&self, books: &Books) {
        let client = aws_sdk_sqs::Client::new(&sdk_config(&self.sqs.endpoint()).await);
        for (number, sending) in (0..).zip(&books.sendings) {
            let wait = sending.at.saturating_sub(self.observer.now());
            sleep(Duration::from_millis(wait)).await;
            let queue = if sending.lane == Lane::Express { "express" } else { "standard" };
            self.observer.sends(number, &sending.body, sending.carries.clone(), sending.junk);
            let send = client.send_message().queue_url(self.sqs.url(queue));
            send.message_body(&sending.body).send().await.unwrap();
        }
    }

    async fn drain(&self, within: Duration) {
        let until = self.observer.now() + within.as_millis() as u64;
        let left = || ["standard", "express"].iter().any(|queue| self.sqs.depth(queue) > 0);
        while left() && self.observer.now() < until {
            sleep(Duration::from_millis(250)).await;
        }
    }

    /// The alerts in the table, and how they stand.
    async fn rows(&self) -> BTreeMap<Alert, Row> {
        let client = aws_sdk_dynamodb::Client::new(&fake_config(&self.dynamodb));
        let mut pages = client.scan().table_name(TABLE).into_paginator().items().send();
        let mut rows = BTreeMap::new();
        while let Some(item) = pages.next().await {
            let plain = |value: AttributeValue| match value {
                AttributeValue::S(text) => json!({ "S": text }),
                AttributeValue::N(digits) => json!({ "N": digits }),
                _ => Value::Null,
            };
            let item = item.unwrap().into_iter().map(|(name, value)| (name, plain(value)));
            rows.extend(ledger::row(&Value::Object(item.collect())));
        }
        rows
    }
}

pub async fn run(plan: Plan) -> Run {
    let books = generate(plan.seed, plan.findings, plan.span.as_millis() as u64);
    let world = World::new(&plan, &books).await;
    let mut places = Vec::new();
    for (slot, strikes) in (0..).zip(plan.strikes()) {
        let place = Place::start(&world.ground, slot).await;
        places.push(tokio::spawn(place.live(strikes)));
    }
    world.send(&books).await;
    let mut living = Vec::new();
    for place in places {
        living.push(place.await.unwrap());
    }
    world.ground.routes.iter().for_each(|route| route.calm());
    world.observer.note(None, What::Calm);
    world.drain(plan.drained_within()).await;
    // The marks and the counts of the last posts.
    for place in living {
        place.stop().await;
    }
    let rows = world.rows().await;
    world.observer.note(None, What::End);
    let took = Duration::from_millis(world.observer.now());
    let (mut seen, done) = world.observer.take();
    seen.rows = rows;
    seen.oddities.extend(secrets_in(world.folder.path()));
    let rules = rules(&books);
    let verdict = judge(&rules, &books.owed(), &seen);
    keep(&world, &plan, &seen.history);
    Run { plan, seen, done, verdict, took }
}

/// The logs that have a part of a webhook.
fn secrets_in(folder: &Path) -> Vec<String> {
    let logs = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let leaks = |path: &std::path::PathBuf| {
        let said = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        said.contains(SECRET) || said.contains("/services/") || said.contains("panicked")
    };
    let logs = logs.filter(|path| path.extension().is_some_and(|end| end == "log"));
    logs.filter(leaks).map(|path| format!("a secret or a panic in {}", path.display())).collect()
}

/// Leaves the history and the logs of the workers for people.
fn keep(world: &World, plan: &Plan, history: &[Entry]) {
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults");
    // Two tests may run at once.
    let to = to.join(format!("{}-{}-{}", plan.seed, plan.findings, plan.pace_ms));
    let _ = std::fs::remove_dir_all(&to);
    std::fs::create_dir_all(&to).unwrap();
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let from = entry.unwrap().path();
        std::fs::copy(&from, to.join(from.file_name().unwrap())).unwrap();
    }
    let mut file = BufWriter::new(File::create(to.join("history.txt")).unwrap());
    history.iter().for_each(|entry| writeln!(file, "{entry}").unwrap());
    println!("the history and the workers' logs are in {}", to.display());
}
