//! The real binary, over real sockets, on both backends: with a Slack that misbehaves, and killed
//! in the middle. The tests compare the posts that Slack's stand-in accepted with the findings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hansho::clock::SystemClock;
use hansho::commands::demo::night::{Event, Mix, Night, Role};
use hansho::commands::demo::slack_standin::{
    Answered, Behaviour, RateLimit, Received, SlackStandIn,
};
use hansho::embedded::{EmbeddedQueue, Store};
use hansho::instants::Wall;
use hansho::ports::Clock;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::broadcast::Receiver;

use crate::adapters::dynamodb;
use crate::adapters::sqs::foreign_variable;
use crate::support::sqs_standin::{SqsStandIn, StandInClock};

/// The secret part of the webhook, which no output may hold.
pub const SECRET: &str = "S3cretPart";
pub const LONGEST: Duration = Duration::from_secs(120);

/// A stand-in for Slack, a folder, and the findings of a night.
struct Scene {
    slack: SlackStandIn,
    folder: TempDir,
    events: Vec<Event>,
    backend: Backend,
}

enum Backend {
    Embedded,
    Aws {
        sqs: SqsStandIn,
        endpoint_dynamodb: String,
    },
    /// An emulator that somebody else wrote, for both services.
    Foreign(Foreign),
}

struct Foreign {
    endpoint_sqs: String,
    endpoint_dynamodb: String,
    table: String,
    client: aws_sdk_sqs::Client,
    /// The URLs of the queues standard, express and quarantine.
    urls: [String; 3],
}

impl Foreign {
    /// New queues and a new table on the emulator that `tests/emulators/run` has started.
    async fn fresh() -> Foreign {
        let endpoint_sqs = foreign_variable("HANSHO_TEST_SQS_ENDPOINT");
        let endpoint_dynamodb = foreign_variable("HANSHO_TEST_DYNAMODB_ENDPOINT");
        let client =
            aws_sdk_sqs::Client::new(&crate::adapters::sqs::sdk_config(&endpoint_sqs).await);
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let mut urls = Vec::new();
        for name in ["standard", "express", "quarantine"] {
            let made = client.create_queue().queue_name(format!("{name}-{unique}"));
            urls.push(made.send().await.unwrap().queue_url.unwrap());
        }
        let table = format!("ledger-{unique}");
        dynamodb::create_table(&dynamodb::fake_config(&endpoint_dynamodb), &table).await;
        let urls = urls.try_into().unwrap();
        Foreign { endpoint_sqs, endpoint_dynamodb, table, client, urls }
    }

    async fn is_empty(&self, url: &str) -> bool {
        use aws_sdk_sqs::types::QueueAttributeName;
        let asked = self.client.get_queue_attributes().queue_url(url);
        let answer = asked.attribute_names(QueueAttributeName::All).send().await.unwrap();
        let counts = answer.attributes.unwrap_or_default();
        let count = |name| counts.get(&name).map_or("0", String::as_str) == "0";
        count(QueueAttributeName::ApproximateNumberOfMessages)
            && count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
    }

    /// The bodies in quarantine, each with its reason.
    async fn quarantined(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        loop {
            let asked = self.client.receive_message().queue_url(&self.urls[2]);
            let asked = asked.max_number_of_messages(10).message_attribute_names("All");
            let some = asked.send().await.unwrap().messages.unwrap_or_default();
            if some.is_empty() {
                return all;
            }
            for message in some {
                let attributes = message.message_attributes.unwrap_or_default();
                let reason = attributes.get("hansho.reason").and_then(|a| a.string_value());
                all.push((message.body.unwrap(), reason.unwrap().to_owned()));
            }
        }
    }
}

const MIX: Mix = Mix { noise: 20, alerts: 20, repeats: 10, updates: 5, malformed: 2 };

impl Scene {
    async fn embedded(behaviours: Vec<Behaviour>) -> Scene {
        Scene::new(behaviours, Backend::Embedded).await
    }

    async fn aws(behaviours: Vec<Behaviour>) -> Scene {
        let sqs = SqsStandIn::start(StandInClock::running()).await;
        for queue in ["standard", "express", "quarantine"] {
            sqs.create(queue, &[]);
        }
        let endpoint_dynamodb = dynamodb::serve_table("hansho-ledger").await;
        let client =
            aws_sdk_sqs::Client::new(&crate::adapters::sqs::sdk_config(&sqs.endpoint()).await);
        let lanes = [sqs.url("standard"), sqs.url("express")];
        let scene = Scene::new(behaviours, Backend::Aws { sqs, endpoint_dynamodb }).await;
        scene.send_all(&client, &lanes).await;
        scene
    }

    async fn foreign(behaviours: Vec<Behaviour>, foreign: Foreign) -> Scene {
        let (client, urls) = (foreign.client.clone(), foreign.urls.clone());
        let scene = Scene::new(behaviours, Backend::Foreign(foreign)).await;
        scene.send_all(&client, &urls[..2]).await;
        scene
    }

    async fn send_all(&self, client: &aws_sdk_sqs::Client, lanes: &[String]) {
        for (i, event) in self.events.iter().enumerate() {
            let send = client.send_message().queue_url(&lanes[usize::from(i % 4 == 0)]);
            send.message_body(&event.body).send().await.unwrap();
        }
    }

    async fn new(behaviours: Vec<Behaviour>, backend: Backend) -> Scene {
        let clock = SystemClock::start();
        let pace = RateLimit { period: Duration::from_millis(40), burst: 5 };
        let slack = SlackStandIn::start(Some(pace), move || clock.now().mono.0).await.unwrap();
        slack.plan(behaviours);
        let events = Night::new(7, Wall(1_790_000_000_000)).events(MIX);
        let folder = tempfile::tempdir().unwrap();
        let lines: Vec<&str> = events.iter().map(|e| e.body.as_str()).collect();
        std::fs::write(folder.path().join("night.jsonl"), lines.join("\n")).unwrap();
        Scene { slack, folder, events, backend }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `hansho run --drain --json`, with times short enough to wait for.
    fn worker(&self) -> Command {
        let mut command = hansho(self.folder.path());
        command.args(["run", "--drain", "--json", "--allow-quarantine"]).envs([
            ("SLACK_WEBHOOK_URL", self.slack.webhook(SECRET)),
            ("HANSHO_DESTINATION_PACE", "50ms".to_owned()),
            ("HANSHO_WORKER_POST_TIMEOUT", "1s".to_owned()),
            ("HANSHO_WORKER_SKEW", "1s".to_owned()),
            ("HANSHO_WORKER_LEASE", "13s".to_owned()),
            ("HANSHO_WORKER_VISIBILITY", "17s".to_owned()),
            ("HANSHO_WORKER_HEARTBEAT", "2s".to_owned()),
            ("HANSHO_LOG", "debug".to_owned()),
        ]);
        match &self.backend {
            Backend::Embedded => {
                command.arg("--input").arg(self.path("night.jsonl"));
            }
            Backend::Aws { sqs, endpoint_dynamodb } => {
                let urls = ["standard", "express", "quarantine"].map(|name| sqs.url(name));
                on_aws(&mut command, &urls, "hansho-ledger", &sqs.endpoint(), endpoint_dynamodb);
            }
            Backend::Foreign(f) => {
                on_aws(&mut command, &f.urls, &f.table, &f.endpoint_sqs, &f.endpoint_dynamodb);
            }
        }
        command
    }

    /// The findings to post once.
    fn owed(&self) -> BTreeSet<&str> {
        let alerts = self.events.iter().filter(|e| e.role == Role::Alert);
        alerts.map(|e| e.finding.as_str()).collect()
    }

    /// How often Slack accepted each owed finding.
    fn posts_by_finding(&self) -> BTreeMap<&str, usize> {
        let posts = self.slack.received();
        let count = |id: &str| posts.iter().filter(|p| p.accepted && shows(p, id)).count();
        self.owed().into_iter().map(|id| (id, count(id))).collect()
    }

    /// Checks that each owed finding was posted once, and no other. The alerts of `posts_repeated`
    /// posts may be posted again.
    fn assert_posted(&self, posts_repeated: usize) {
        let posted = self.posts_by_finding();
        let lost: Vec<_> = posted.iter().filter(|(_, n)| **n == 0).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        let again: usize = posted.values().map(|n| n - 1).sum();
        let most = posts_repeated * hansho::slack::DIGEST_MAX;
        assert!(again <= most, "posted again {again} times: {posted:?}");
        for event in self.events.iter().filter(|e| e.role == Role::Noise) {
            assert!(!self.slack.received().iter().any(|p| shows(p, &event.finding)));
        }
    }

    async fn assert_nothing_left(&self) {
        let reasons: Vec<(String, String)> = match &self.backend {
            Backend::Embedded => {
                let store = Store::open(&self.path("hansho.db")).unwrap();
                let queue = EmbeddedQueue::new(store, Arc::new(SystemClock::start()));
                let entries = queue.quarantined().await.unwrap();
                entries.into_iter().map(|p| (p.body, p.reason.unwrap_or_default())).collect()
            }
            Backend::Aws { sqs, .. } => {
                assert!(sqs.messages("standard").is_empty() && sqs.messages("express").is_empty());
                let entries = sqs.messages("quarantine");
                entries.into_iter().map(|m| (m.body, "not_json".to_owned())).collect()
            }
            Backend::Foreign(foreign) => {
                assert!(foreign.is_empty(&foreign.urls[0]).await);
                assert!(foreign.is_empty(&foreign.urls[1]).await);
                foreign.quarantined().await
            }
        };
        let malformed: BTreeSet<&str> = self
            .events
            .iter()
            .filter(|e| e.role == Role::Malformed)
            .map(|e| e.body.as_str())
            .collect();
        let bodies: BTreeSet<&str> = reasons.iter().map(|(body, _)| body.as_str()).collect();
        assert_eq!(bodies, malformed);
        assert!(reasons.iter().all(|(_, reason)| reason == "not_json"), "{reasons:?}");
    }
}

pub fn on_aws(command: &mut Command, urls: &[String; 3], table: &str, sqs: &str, dynamodb: &str) {
    command.envs([
        ("HANSHO_QUEUE_STANDARD", urls[0].as_str()),
        ("HANSHO_QUEUE_EXPRESS", urls[1].as_str()),
        ("HANSHO_QUEUE_QUARANTINE", urls[2].as_str()),
        ("HANSHO_LEDGER_TABLE", table),
        ("AWS_ENDPOINT_URL_SQS", sqs),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]);
}

pub fn shows(post: &Received, id: &str) -> bool {
    post.payload["attachments"].to_string().contains(id)
}

/// The next post that reaches Slack's stand-in. A worker that posts nothing fails the test.
async fn next_post(posts: &mut Receiver<Arc<Received>>) -> Arc<Received> {
    tokio::time::timeout(LONGEST, posts.recv()).await.expect("a post").unwrap()
}

/// The program, with an environment of its own.
pub fn hansho(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hansho"));
    command
        .env_clear()
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

pub async fn finish(mut command: Command) -> Output {
    let output = tokio::time::timeout(LONGEST, command.output()).await.expect("it ends").unwrap();
    assert_no_secret(&output);
    output
}

pub fn assert_no_secret(output: &Output) {
    assert_no_secret_in(&output.stdout);
    assert_no_secret_in(&output.stderr);
}

pub fn assert_no_secret_in(said: &[u8]) {
    let text = String::from_utf8_lossy(said);
    assert!(!text.contains(SECRET) && !text.contains("/services/"), "{text}");
}

pub fn summary(output: &Output) -> Value {
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{log}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {:?}", output.stdout))
}

/// Checks the counts that do not depend on Slack's behaviour.
fn assert_counts(scene: &Scene, tally: &Value) {
    let count = |role| scene.events.iter().filter(|e| e.role == role).count();
    let all = scene.events.len();
    for (key, expected) in [
        ("received", all),
        ("findings", all - count(Role::Malformed)),
        ("below_threshold", count(Role::Noise)),
        ("already_posted", count(Role::Repeat) + count(Role::Update)),
        ("posted", count(Role::Alert)),
        ("quarantined", count(Role::Malformed)),
        ("pending", 0),
    ] {
        assert_eq!(tally[key], expected, "{key} in {tally}");
    }
}

fn misbehaviour() -> Vec<Behaviour> {
    vec![
        Behaviour::Ok,
        Behaviour::RateLimited { retry_after_s: Some(1) },
        Behaviour::Status(500, "internal_error".to_owned()),
        Behaviour::OkWithOtherBody("<html>sign in</html>".to_owned()),
        Behaviour::Ok,
        Behaviour::Hang { accepted: false },
        Behaviour::CloseWithoutAccepting,
        Behaviour::Redirect("http://127.0.0.1:9/".to_owned()),
        Behaviour::CloseAfterAccepting,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_a_quiet_night_adds_up() {
    let scene = Scene::embedded(vec![]).await;
    let output = finish(scene.worker()).await;
    assert_counts(&scene, &summary(&output));
    scene.assert_posted(0);
    scene.assert_nothing_left().await;
    // The same file again: every finding is already posted.
    let again = summary(&finish(scene.worker()).await);
    assert_eq!(
        (&again["posted"], &again["posts"], &again["pending"]),
        (&0.into(), &0.into(), &0.into())
    );
    scene.assert_posted(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_a_slack_that_misbehaves() {
    let scene = Scene::embedded(misbehaviour()).await;
    let tally = summary(&finish(scene.worker()).await);
    assert_counts(&scene, &tally);
    assert_eq!(tally["retried"], 7, "{tally}");
    scene.assert_posted(1);
    scene.assert_nothing_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_a_quiet_night_adds_up() {
    let scene = Scene::aws(vec![]).await;
    let output = finish(scene.worker()).await;
    let tally = summary(&output);
    scene.assert_posted(0);
    scene.assert_nothing_left().await;
    assert_eq!((&tally["posted"], &tally["quarantined"]), (&20.into(), &2.into()), "{tally}");
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_a_slack_that_misbehaves() {
    let scene = Scene::aws(misbehaviour()).await;
    let tally = summary(&finish(scene.worker()).await);
    assert_eq!((&tally["retried"], &tally["pending"]), (&7.into(), &0.into()), "{tally}");
    scene.assert_posted(1);
    scene.assert_nothing_left().await;
}

/// Kills the worker several times, at moments from a seed, then lets it finish.
async fn kill_and_restart(scene: &Scene, kills: usize, within_ms: u64) {
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..kills {
        let mut worker = scene.worker().spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(random.u64(20..within_ms))).await;
        worker.start_kill().unwrap();
        assert_no_secret(&worker.wait_with_output().await.unwrap());
    }
    let tally = summary(&finish(scene.worker()).await);
    assert_eq!(tally["pending"], 0);
    // A kill between Slack's answer and the mark repeats at most one post.
    scene.assert_posted(kills);
    scene.assert_nothing_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_killed_at_any_moment_nothing_is_lost() {
    let slow = std::iter::repeat_n(Behaviour::Slow(Duration::from_millis(100)), 30);
    let scene = Scene::embedded(slow.collect()).await;
    kill_and_restart(&scene, 12, 600).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_killed_at_any_moment_nothing_is_lost() {
    let slow = std::iter::repeat_n(Behaviour::Slow(Duration::from_millis(100)), 30);
    let scene = Scene::aws(slow.collect()).await;
    kill_and_restart(&scene, 3, 900).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs HANSHO_TEST_SQS_ENDPOINT and …_DYNAMODB_ENDPOINT: run tests/emulators/run"]
async fn killed_at_any_moment_on_a_foreign_endpoint() {
    let foreign = Foreign::fresh().await;
    let slow = std::iter::repeat_n(Behaviour::Slow(Duration::from_millis(100)), 30);
    let scene = Scene::foreign(slow.collect(), foreign).await;
    kill_and_restart(&scene, 3, 900).await;
}

/// Kills the worker at two steps of a post: while Slack has not answered, and right after Slack
/// accepted the post.
#[tokio::test(flavor = "multi_thread")]
async fn embedded_killed_between_the_steps_of_a_post() {
    for (first, again) in
        [(Behaviour::Hang { accepted: false }, 0), (Behaviour::Hang { accepted: true }, 1)]
    {
        let scene = Scene::embedded(vec![first]).await;
        let mut posts = scene.slack.subscribe();
        let mut worker = scene.worker().spawn().unwrap();
        next_post(&mut posts).await;
        worker.start_kill().unwrap();
        worker.wait().await.unwrap();
        let tally = summary(&finish(scene.worker()).await);
        assert_eq!(tally["pending"], 0);
        scene.assert_posted(again);
        scene.assert_nothing_left().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_a_worker_and_the_rest_stays_in_the_queue() {
    let scene = Scene::embedded(vec![Behaviour::Slow(Duration::from_millis(300))]).await;
    let mut command = hansho(scene.folder.path());
    command.args(["run", "--json", "--input"]).arg(scene.path("night.jsonl")).envs([
        ("SLACK_WEBHOOK_URL", scene.slack.webhook(SECRET).as_str()),
        ("HANSHO_EMBEDDED_LISTEN", "127.0.0.1:0"),
    ]);
    let mut posts = scene.slack.subscribe();
    let worker = command.spawn().unwrap();
    next_post(&mut posts).await;
    let pid = worker.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let output = tokio::time::timeout(Duration::from_secs(25), worker.wait_with_output());
    let tally = summary(&output.await.expect("within 25 s").unwrap());
    assert!(tally["pending"].as_u64() > Some(0), "{tally}");
    assert_eq!(
        scene.slack.received().len(),
        1,
        "the post in flight was finished, and no other begun"
    );
    let rest = summary(&finish(scene.worker()).await);
    assert_eq!(rest["pending"], 0);
    scene.assert_posted(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_a_worker_whose_input_stays_open() {
    use tokio::io::AsyncWriteExt;
    let scene = Scene::embedded(vec![]).await;
    let mut command = hansho(scene.folder.path());
    command.args(["run", "--json", "--input", "-"]).stdin(Stdio::piped()).envs([
        ("SLACK_WEBHOOK_URL", scene.slack.webhook(SECRET).as_str()),
        ("HANSHO_EMBEDDED_LISTEN", "off"),
    ]);
    let mut posts = scene.slack.subscribe();
    let mut worker = command.spawn().unwrap();
    let alert = scene.events.iter().find(|e| e.role == Role::Alert).unwrap();
    let mut pipe = worker.stdin.take().unwrap();
    pipe.write_all(format!("{}\n", alert.body).as_bytes()).await.unwrap();
    assert!(shows(&*next_post(&mut posts).await, &alert.finding), "posted while the pipe is open");
    let pid = worker.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let output = tokio::time::timeout(Duration::from_secs(15), worker.wait_with_output());
    let output = output.await.expect("it ends though the pipe does not").unwrap();
    let tally: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&tally["posted"], &tally["pending"]), (&1.into(), &0.into()));
    assert_eq!(output.status.code(), Some(1), "the pipe may hold more, which nobody read");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("not read to its end") && log.contains("\"messages\":1"), "{log}");
    drop(pipe);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_stays_dead_loses_nothing() {
    let scene = Scene::embedded(vec![]).await;
    scene.slack.otherwise(Behaviour::Status(404, "no_service".to_owned()));
    let mut command = scene.worker();
    let worker = command.spawn().unwrap();
    let mut posts = scene.slack.subscribe();
    let post = next_post(&mut posts).await;
    assert_eq!(post.answered, Answered::Status { status: 404, body: "no_service".to_owned() });
    let pid = worker.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let output = tokio::time::timeout(LONGEST, worker.wait_with_output());
    let output = output.await.expect("it ends").unwrap();
    assert_no_secret(&output);
    assert_eq!(output.status.code(), Some(1), "the run did not drain the queue");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("destination is dead") && log.contains("no_service"), "{log}");
    scene.slack.otherwise(Behaviour::Ok);
    assert_eq!(summary(&finish(scene.worker()).await)["pending"], 0);
    scene.assert_posted(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_named_and_end_with_their_code() {
    let folder = tempfile::tempdir().unwrap();
    let webhook = ("SLACK_WEBHOOK_URL", "http://127.0.0.1:9/services/S3cretPart");
    let elsewhere = ("SLACK_WEBHOOK_URL", "https://example.com/services/S3cretPart");
    let queue = ("HANSHO_QUEUE_STANDARD", "http://127.0.0.1:9/000000000000/q");
    std::fs::write(folder.path().join("empty.json"), "").unwrap();
    for (args, environment, code, said) in [
        (vec![], vec![], 2, "Usage"),
        (vec!["runn"], vec![], 2, "run"),
        (vec!["run"], vec![], 2, "SLACK_WEBHOOK_URL"),
        (vec!["run", "--config", "no.toml"], vec![webhook], 2, "no.toml"),
        (vec!["run"], vec![webhook, queue], 2, "HANSHO_QUEUE_QUARANTINE"),
        (vec!["run", "--drain"], vec![elsewhere], 2, "host"),
        (vec!["run", "--drain", "--input", "no.json"], vec![webhook], 1, "no.json"),
        (vec!["run", "--drain", "--input", "none/*.json"], vec![webhook], 1, "none/*.json"),
        (vec!["render", "no.json"], vec![], 1, "no.json"),
        (vec!["render", "empty.json"], vec![], 1, "empty"),
        (vec!["check"], vec![elsewhere], 2, "host"),
        (vec!["check"], vec![], 2, "SLACK_WEBHOOK_URL"),
    ] {
        let mut command = hansho(folder.path());
        command.args(&args).envs(environment.iter().copied());
        let output = finish(command).await;
        let text = [&output.stdout[..], &output.stderr[..]].concat();
        let text = String::from_utf8_lossy(&text);
        assert_eq!(output.status.code(), Some(code), "{args:?} {environment:?}: {text}");
        assert!(text.contains(said), "{args:?} {environment:?} should name {said}: {text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn render_shows_each_finding_and_names_each_unreadable_message() {
    let scene = Scene::embedded(vec![]).await;
    let mut command = hansho(scene.folder.path());
    command.args(["render", "--json", "night.jsonl"]);
    let output = finish(command).await;
    let payloads: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(payloads.len(), scene.events.len() - 2);
    assert!(payloads.iter().all(|p| hansho::commands::demo::slack_rules::broken(p).is_none()));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.matches("not_json").count(), 2, "{said}");
    assert_eq!(output.status.code(), Some(1), "a message could not be read");
    assert!(scene.slack.received().is_empty());
}

/// A running worker that listens, and its address.
async fn listening(scene: &Scene, more: &[(&str, &str)]) -> (tokio::process::Child, String) {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let mut command = hansho(scene.folder.path());
    command.arg("run").envs([
        ("SLACK_WEBHOOK_URL", scene.slack.webhook(SECRET).as_str()),
        ("HANSHO_EMBEDDED_LISTEN", "127.0.0.1:0"),
        ("HANSHO_DESTINATION_PACE", "50ms"),
    ]);
    command.envs(more.iter().copied());
    let mut worker = command.spawn().unwrap();
    let mut log = BufReader::new(worker.stderr.take().unwrap()).lines();
    let address = loop {
        let line = log.next_line().await.unwrap().expect("it says where it listens");
        let line: Value = serde_json::from_str(&line).unwrap();
        if let Some(address) = line["address"].as_str() {
            break address.to_owned();
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
    (worker, format!("http://{address}/events"))
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_taken_over_http_and_posted() {
    let scene = Scene::embedded(vec![]).await;
    let (_worker, url) = listening(&scene, &[]).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = |body: String| http.post(&url).body(body).send();
    let alerts: Vec<&Event> = scene.events.iter().filter(|e| e.role == Role::Alert).collect();
    let mut accepted = scene.slack.subscribe();
    let one = post(alerts[0].body.clone()).await.unwrap();
    assert_eq!((one.status().as_u16(), one.text().await.unwrap().as_str()), (202, "accepted 1\n"));
    let many = post(format!("[{},{}]", alerts[1].body, alerts[2].body)).await.unwrap();
    assert_eq!(many.status(), 202);
    for (body, why) in [
        ("{\"a\":", "not_json"),
        ("{\"source\":\"aws.ec2\",\"detail-type\":\"x\",\"detail\":{}}", "not_a_finding"),
        ("[]", "no event"),
        ("", "no event"),
    ] {
        let refused = post(body.to_owned()).await.unwrap();
        assert_eq!(refused.status(), 400);
        let said = refused.text().await.unwrap();
        assert!(said.contains(why), "{body}: {said}");
    }
    let from_a_page = http.post(&url).header("origin", "http://evil.example").body("{}");
    assert_eq!(from_a_page.send().await.unwrap().status(), 403);
    let mut posted = BTreeSet::new();
    while posted.len() < 3 {
        let post = tokio::time::timeout(Duration::from_secs(10), accepted.recv()).await;
        let post = post.expect("all three are posted").unwrap();
        posted.extend(alerts[..3].iter().map(|a| &a.finding).filter(|id| shows(&post, id)));
    }
}

/// A finding that was posted is archived. A later post says so, without a mention.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_post_tells_quietly_what_closed() {
    let scene = Scene::embedded(vec![]).await;
    let more = [
        ("HANSHO_DESTINATION_RESOLVED", "quiet"),
        ("HANSHO_DESTINATION_MENTION_CRITICAL", "<!here>"),
    ];
    let (_worker, url) = listening(&scene, &more).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let send = |id: String, severity: u8, archived: bool, minute: u8| {
        let body = json!({ "schemaVersion": "2.0", "id": id, "severity": severity, "type": "T",
            "accountId": "111122223333", "region": "eu-west-1", "title": id, "resource": {},
            "updatedAt": format!("2026-07-22T10:{minute:02}:00Z"),
            "service": { "archived": archived } });
        http.post(&url).body(body.to_string()).send()
    };
    let mut posts = scene.slack.subscribe();
    send("lasting".to_owned(), 9, false, 1).await.unwrap();
    next_post(&mut posts).await;
    send("lasting".to_owned(), 9, true, 2).await.unwrap();
    // The closing may be processed after the first of these is posted.
    for number in 0..50 {
        send(format!("other-{number}"), 5, false, 3).await.unwrap();
        let post = next_post(&mut posts).await.payload.to_string();
        assert!(!post.contains("<!here>"), "{post}");
        if post.contains("🔕 suppressed") {
            return assert!(post.contains("within a minute: lasting · 111122223333"), "{post}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no post tells that it closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_demanded_where_one_is_configured() {
    let scene = Scene::embedded(vec![]).await;
    let token =
        [("HANSHO_EMBEDDED_TOKEN", "env:HANSHO_TEST_TOKEN"), ("HANSHO_TEST_TOKEN", "t0ken")];
    let (_worker, url) = listening(&scene, &token).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = scene.events[0].body.clone();
    for (header, status) in [(None, 401), (Some("Bearer wrong"), 401), (Some("Bearer t0ken"), 202)]
    {
        let mut request = http.post(&url).body(body.clone());
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        assert_eq!(request.send().await.unwrap().status(), status, "{header:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = hansho(folder.path());
    command.args(["demo", "--json"]);
    let output = finish(command).await;
    let tally = summary(&output);
    assert_eq!((&tally["lost"], &tally["pending"]), (&0.into(), &0.into()), "{tally}");
    // A worker that is killed between Slack's answer and the mark repeats a post.
    assert_eq!(tally["posted_twice"], tally["posted_twice_after_crash"], "{tally}");
    assert!(tally["posted"].as_u64() >= Some(530), "{tally}");
    assert!(tally["unavailable"].as_u64() >= Some(1), "{tally}");
}
