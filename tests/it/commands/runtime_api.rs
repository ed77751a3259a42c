//! The real binary as a Lambda function, with stand-ins for Lambda's Runtime API, SQS, DynamoDB and
//! Slack. Like Lambda, the stand-in deletes from the queue the messages that the answer does not
//! name.
//! Source: Lambda developer guide, "Using the Lambda runtime API for custom runtimes".

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use hansho::clock::{SystemClock, wall};
use hansho::commands::demo::slack_standin::{Behaviour, SlackStandIn};
use hansho::commands::lambda::{Function, QueueNames, answer_calls};
use hansho::desk::Settings;
use hansho::ports::{Clock, Lane, Notifier, Post, Verdict};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::adapters::dynamodb;
use crate::commands::run_e2e::{SECRET, hansho, on_aws};
use crate::support::fakes::{event, settings};
use crate::support::memory_ledger::MemoryLedger;
use crate::support::memory_queue::MemoryQueue;
use crate::support::sqs_standin::{SqsStandIn, StandInClock};

/// The function's answer to one invocation.
#[derive(Debug)]
enum Answer {
    Response(Value),
    Error(Value),
}

impl Answer {
    /// The messages that the answer names, which are delivered again.
    fn failures(&self) -> BTreeSet<String> {
        let Answer::Response(response) = self else { panic!("{self:?}") };
        let named = response["batchItemFailures"].as_array().expect("the list is always there");
        named.iter().map(|f| f["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    }

    fn error(&self) -> &str {
        match self {
            Answer::Error(error) => error["errorMessage"].as_str().unwrap(),
            Answer::Response(response) => panic!("{response}"),
        }
    }
}

struct Invocation {
    id: String,
    body: String,
    deadline: i64,
    answer: oneshot::Sender<Answer>,
}

#[derive(Clone)]
struct Api {
    waiting: Arc<tokio::sync::Mutex<mpsc::Receiver<Invocation>>>,
    under_way: Arc<Mutex<BTreeMap<String, oneshot::Sender<Answer>>>>,
}

/// A stand-in for the Runtime API, and one execution environment.
struct Lambda {
    address: String,
    invocations: mpsc::Sender<Invocation>,
}

/// Lambda's limit for an event and for an answer.
/// Source: Lambda developer guide, "Lambda quotas".
const PAYLOAD_BYTES_MAX: usize = 6 << 20;

impl Lambda {
    async fn start() -> Lambda {
        let (invocations, waiting) = mpsc::channel(1);
        let api =
            Api { waiting: Arc::new(tokio::sync::Mutex::new(waiting)), under_way: Arc::default() };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .layer(DefaultBodyLimit::max(PAYLOAD_BYTES_MAX))
            .with_state(api);
        let address = dynamodb::serve(router).await;
        Lambda { address: address.trim_start_matches("http://").to_owned(), invocations }
    }

    /// The environment variables that Lambda sets.
    fn environment(&self) -> [(&str, String); 6] {
        [
            ("AWS_LAMBDA_RUNTIME_API", self.address.clone()),
            ("AWS_LAMBDA_FUNCTION_NAME", "hansho-worker".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/hansho/worker".to_owned()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "1".to_owned()),
        ]
    }

    async fn invoke(&self, event: &Value, timeout: Duration) -> Answer {
        let body = event.to_string();
        assert!(
            body.len() <= PAYLOAD_BYTES_MAX,
            "the event is too large for Lambda: {}",
            body.len()
        );
        let (answer, answered) = oneshot::channel();
        let id = uuid::Uuid::new_v4().to_string();
        let deadline = wall().plus(timeout).0;
        let invocation = Invocation { id, body, deadline, answer };
        self.invocations.send(invocation).await.expect("the stand-in runs");
        // Lambda ends the environment at the deadline.
        match tokio::time::timeout(timeout, answered).await {
            Ok(answer) => answer.expect("the stand-in runs"),
            Err(_) => panic!("no answer within {timeout:?}"),
        }
    }
}

async fn next(State(api): State<Api>) -> (HeaderMap, String) {
    let Some(invocation) = api.waiting.lock().await.recv().await else {
        return std::future::pending().await;
    };
    let mut headers = HeaderMap::new();
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:hansho-worker";
    for (name, value) in [
        ("lambda-runtime-aws-request-id", invocation.id.as_str()),
        ("lambda-runtime-deadline-ms", &invocation.deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", arn),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    api.under_way.lock().unwrap().insert(invocation.id, invocation.answer);
    (headers, invocation.body)
}

async fn response(State(api): State<Api>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    answered(&api, &id, Answer::Response(serde_json::from_slice(&body).unwrap()))
}

async fn error(State(api): State<Api>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    answered(&api, &id, Answer::Error(serde_json::from_slice(&body).unwrap()))
}

fn answered(api: &Api, id: &str, answer: Answer) -> StatusCode {
    let waits = api.under_way.lock().unwrap().remove(id);
    waits.expect("a known invocation").send(answer).expect("somebody waits");
    StatusCode::ACCEPTED
}

/// The function, and its stand-ins.
struct Scene {
    lambda: Lambda,
    sqs: SqsStandIn,
    slack: SlackStandIn,
    client: aws_sdk_sqs::Client,
    function: Child,
    /// Its log, read all the time, because a full pipe would block it.
    log: JoinHandle<String>,
    _folder: TempDir,
}

impl Scene {
    async fn start(more: &[(&str, &str)]) -> Scene {
        let sqs = SqsStandIn::start(StandInClock::running()).await;
        for queue in ["standard", "express", "quarantine"] {
            sqs.create(queue, &[]);
        }
        let client =
            aws_sdk_sqs::Client::new(&crate::adapters::sqs::sdk_config(&sqs.endpoint()).await);
        let clock = SystemClock::start();
        let slack = SlackStandIn::start(None, move || clock.now().mono.0).await.unwrap();
        let lambda = Lambda::start().await;
        let folder = tempfile::tempdir().unwrap();
        let mut command = hansho(folder.path());
        let urls = ["standard", "express", "quarantine"].map(|name| sqs.url(name));
        let dynamodb = dynamodb::serve_table("hansho-ledger").await;
        on_aws(&mut command, &urls, "hansho-ledger", &sqs.endpoint(), &dynamodb);
        command.envs(lambda.environment()).envs([
            ("SLACK_WEBHOOK_URL", slack.webhook(SECRET).as_str()),
            ("HANSHO_DESTINATION_PACE", "50ms"),
            ("HANSHO_WORKER_POST_TIMEOUT", "1s"),
        ]);
        let mut function = command.envs(more.iter().copied()).spawn().unwrap();
        let mut stderr = function.stderr.take().unwrap();
        let log = tokio::spawn(async move {
            let mut log = String::new();
            stderr.read_to_string(&mut log).await.unwrap();
            log
        });
        Scene { lambda, sqs, slack, client, function, log, _folder: folder }
    }

    async fn send(&self, queue: &str, bodies: impl IntoIterator<Item = String>) {
        for body in bodies {
            let send = self.client.send_message().queue_url(self.sqs.url(queue));
            send.message_body(body).send().await.unwrap();
        }
    }

    /// Receives all visible messages, as an event source mapping does.
    async fn receive(&self, queue: &str) -> Vec<Message> {
        let mut all = Vec::new();
        loop {
            let ask = self.client.receive_message().queue_url(self.sqs.url(queue));
            let ask = ask.max_number_of_messages(10).visibility_timeout(120);
            let ask = ask.message_system_attribute_names(MessageSystemAttributeName::All);
            let some = ask.send().await.unwrap().messages.unwrap_or_default();
            if some.is_empty() {
                return all;
            }
            all.extend(some);
        }
    }

    /// One call with all messages of a queue, and the deletes of the event source mapping after it.
    async fn call(&self, queue: &str, timeout: Duration) -> (Vec<Message>, BTreeSet<String>) {
        let batch = self.receive(queue).await;
        let records: Vec<Value> = batch.iter().map(|m| record(queue, m)).collect();
        let answer = self.lambda.invoke(&json!({ "Records": records }), timeout).await;
        let failures = answer.failures();
        for message in &batch {
            if !failures.contains(message.message_id.as_deref().unwrap()) {
                let delete = self.client.delete_message().queue_url(self.sqs.url(queue));
                let receipt = message.receipt_handle.clone().unwrap();
                delete.receipt_handle(receipt).send().await.unwrap();
            }
        }
        (batch, failures)
    }

    /// How often Slack accepted a finding.
    fn posts_of(&self, id: &str) -> usize {
        let shows = |p: &&Arc<hansho::commands::demo::slack_standin::Received>| {
            p.accepted && p.payload["attachments"].to_string().contains(id)
        };
        self.slack.received().iter().filter(shows).count()
    }

    /// Ends the environment, as Lambda does. Returns its log, and checks that it holds no secret.
    async fn log(mut self) -> String {
        self.function.kill().await.unwrap();
        let log = self.log.await.unwrap();
        crate::commands::run_e2e::assert_no_secret_in(log.as_bytes());
        log
    }
}

fn record(queue: &str, message: &Message) -> Value {
    let attributes: BTreeMap<&str, &String> =
        message.attributes.iter().flatten().map(|(name, value)| (name.as_str(), value)).collect();
    json!({
        "messageId": message.message_id, "receiptHandle": message.receipt_handle,
        "body": message.body, "attributes": attributes, "messageAttributes": {},
        "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:111122223333:{queue}"),
    })
}

/// The metrics lines of a log.
fn metrics(log: &str) -> Vec<Value> {
    let lines = log.lines().filter(|line| line.contains("\"_aws\""));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_names_exactly_the_unfinished_messages() {
    let scene = Scene::start(&[]).await;
    // The critical finding has a post of its own. Then Slack asks for a pause.
    scene.slack.plan([Behaviour::Ok]);
    scene.slack.otherwise(Behaviour::RateLimited { retry_after_s: Some(30) });
    let bodies = [("crit", 9.5), ("mid-a", 5.0), ("noise", 2.0), ("mid-b", 5.0), ("crit", 9.5)];
    let bodies = bodies.map(|(id, severity)| event(id, severity));
    scene.send("standard", bodies.into_iter().chain(["{\"half\":".to_owned()])).await;
    let (batch, failures) = scene.call("standard", MINUTE).await;
    let named: BTreeSet<&str> = batch
        .iter()
        .filter(|m| failures.contains(m.message_id.as_deref().unwrap()))
        .map(|m| if m.body.as_deref().unwrap().contains("mid-a") { "mid-a" } else { "mid-b" })
        .collect();
    assert_eq!((failures.len(), named), (2, BTreeSet::from(["mid-a", "mid-b"])));
    assert_eq!(scene.posts_of("crit"), 1);
    let quarantined = scene.sqs.messages("quarantine");
    assert!(quarantined.len() == 1 && quarantined[0].body == "{\"half\":", "{quarantined:?}");
    // They are delivered again after the pause, not after their visibility time-out.
    assert!(scene.receive("standard").await.is_empty());
    scene.sqs.advance(Duration::from_secs(45));
    assert_eq!(scene.receive("standard").await.len(), 2);
    let log = scene.log().await;
    let line = metrics(&log).pop().expect("a line for CloudWatch");
    for (name, value) in [
        ("heartbeat", 1),
        ("findings", 5),
        ("below_threshold", 1),
        ("posted", 1),
        ("already_posted", 1),
        ("quarantined", 1),
    ] {
        assert_eq!(line[name], value, "{name}: {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_comes_before_the_deadline_whatever_slack_does() {
    let scene = Scene::start(&[]).await;
    scene.slack.otherwise(Behaviour::Slow(Duration::from_millis(700)));
    scene.send("standard", (0..400).map(|i| event(&format!("m-{i:03}."), 5.0))).await;
    // Posts stop 7 s before the deadline.
    let (batch, failures) = scene.call("standard", Duration::from_secs(9)).await;
    assert_eq!(batch.len(), 400);
    let ids: Vec<String> = (0..400).map(|i| format!("m-{i:03}.")).collect();
    let posted = ids.iter().filter(|id| scene.posts_of(id) == 1).count();
    assert!(posted > 0 && !failures.is_empty(), "{posted} posted, {} named", failures.len());
    // What is posted so late that the answer is written already is delivered again, too.
    assert_eq!(scene.sqs.messages("standard").len(), failures.len());
    let left: Vec<&str> = batch
        .iter()
        .filter(|message| failures.contains(message.message_id.as_deref().unwrap()))
        .map(|message| message.body.as_deref().unwrap())
        .collect();
    let is_lost = |id: &&String| {
        scene.posts_of(id) == 0 && !left.iter().any(|body| body.contains(id.as_str()))
    };
    assert_eq!(ids.iter().find(is_lost), None, "each is posted or delivered again");
    // The next call posts the rest, and nothing twice.
    scene.slack.otherwise(Behaviour::Ok);
    scene.sqs.advance(Duration::from_secs(150));
    let (_, failures) = scene.call("standard", MINUTE).await;
    assert_eq!(failures.len(), 0);
    assert!((0..400).all(|i| scene.posts_of(&format!("m-{i:03}.")) == 1));
    scene.log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_messages_in_six_megabytes() {
    let scene = Scene::start(&[]).await;
    let body = |i: usize| match i % 2_500 {
        0 => event(&format!("crit-{i:05}."), 9.5),
        1 => "poison".to_owned(),
        // Without indentation, so that the event fits.
        _ => event(&format!("noise-{i:05}"), 2.0).replace("  ", ""),
    };
    let record = |i: usize| {
        json!({"messageId": format!("m-{i}"), "receiptHandle": format!("r-{i}"), "body": body(i),
            "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:standard"})
    };
    let event = json!({"Records": (0..10_000).map(record).collect::<Vec<_>>()});
    let bytes = event.to_string().len();
    assert!(bytes > 5 << 20, "the event is smaller than intended: {bytes}");
    let answer = scene.lambda.invoke(&event, MINUTE).await;
    assert_eq!(answer.failures(), BTreeSet::new());
    assert_eq!(scene.sqs.messages("quarantine").len(), 4);
    assert!([0, 2_500, 5_000, 7_500].iter().all(|i| scene.posts_of(&format!("crit-{i:05}.")) == 1));
    scene.log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_while_slack_is_unreachable() {
    let scene = Scene::start(&[]).await;
    scene.slack.otherwise(Behaviour::CloseWithoutAccepting);
    scene.send("express", (0..30).map(|i| event(&format!("c-{i:02}."), 9.5))).await;
    let (batch, failures) = scene.call("express", Duration::from_secs(20)).await;
    assert_eq!((batch.len(), failures.len()), (30, 30));
    assert_eq!(scene.sqs.messages("express").len(), 30);
    // Each message is due at the next retry, which is within two minutes.
    scene.sqs.advance(Duration::from_secs(121));
    assert_eq!(scene.receive("express").await.len(), 30);
    scene.log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heartbeat_is_answered_and_a_foreign_event_is_refused() {
    let scene = Scene::start(&[]).await;
    let heartbeat = json!({"hansho": "heartbeat"});
    let answer = scene.lambda.invoke(&heartbeat, MINUTE).await;
    assert!(matches!(&answer, Answer::Response(said) if said["hansho"] == "healthy"), "{answer:?}");
    let answer = scene.lambda.invoke(&json!({"detail-type": "GuardDuty Finding"}), MINUTE).await;
    assert!(answer.error().contains("event source mappings"), "{answer:?}");
    let foreign = json!({"Records": [{"messageId": "m", "receiptHandle": "r", "body": "x",
        "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:other"}]});
    let answer = scene.lambda.invoke(&foreign, MINUTE).await;
    assert!(answer.error().contains("queue.standard"), "{answer:?}");
    let answer = scene.lambda.invoke(&json!({"Records": []}), MINUTE).await;
    assert_eq!(answer.failures(), BTreeSet::new());
    let log = scene.log().await;
    let beats: Vec<bool> =
        metrics(&log).iter().map(|line| line.get("heartbeat").is_some()).collect();
    assert_eq!(beats, [true, false, false, true], "only a successful call has a heartbeat");
}

#[cfg(feature = "reconcile")]
#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_enqueues_missing_findings() {
    let guardduty = crate::support::guardduty_standin::GuardDutyStandIn::start().await;
    let made = |id: &str, region: &str| {
        // Within the hour that two runs overlap.
        let at = wall().minus(Duration::from_secs(1800));
        crate::commands::reconcile::guardduty_finding(id, region, 8.0, at, at)
    };
    guardduty.hold("eu-west-1", [made("f-missing", "eu-west-1")]);
    guardduty.hold("us-east-1", [made("f-there", "us-east-1")]);
    let endpoint = guardduty.endpoint();
    let scene = Scene::start(&[
        ("AWS_ENDPOINT_URL_GUARDDUTY", endpoint.as_str()),
        ("HANSHO_RECONCILE_REGIONS", "eu-west-1,us-east-1"),
    ])
    .await;
    guardduty.fail("us-east-1", 1, 403, "AccessDeniedException");
    let compare = json!({"hansho": "reconcile"});
    let answer = scene.lambda.invoke(&compare, MINUTE).await;
    assert!(answer.error().contains("us-east-1: guardduty ListDetectors"), "{answer:?}");
    assert!(!answer.error().contains("eu-west-1:"), "{answer:?}");
    let answer = scene.lambda.invoke(&compare, MINUTE).await;
    let Answer::Response(said) = &answer else { panic!("{answer:?}") };
    let expected =
        json!({"hansho": "reconciled", "regions": 2, "compared": 2, "missing": 1, "enqueued": 1});
    assert_eq!(said, &expected);
    let (batch, failures) = scene.call("express", MINUTE).await;
    assert_eq!((batch.len(), failures.len()), (2, 0));
    assert_eq!((scene.posts_of("f-missing"), scene.posts_of("f-there")), (1, 1));
    let log = scene.log().await;
    let line = metrics(&log).pop().expect("a line for CloudWatch");
    assert_eq!(line["posted"], 2, "{line}");
    let enqueued: f64 = metrics(&log).iter().filter_map(|line| line["reconciled"].as_f64()).sum();
    assert_eq!(enqueued, 3.0, "enqueued twice, waiting once: {log}");
}

#[cfg(feature = "rollout")]
#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_the_coverage_posts_the_gaps_once_a_day() {
    use crate::commands::coverage_e2e::{HERE, LAB, MANAGEMENT, SECURITY, SHOP, THERE};
    use crate::commands::estate_standin::{EstateStandIn, Held, credentials};

    let mut held = Held::complete(MANAGEMENT, SECURITY, &[SHOP, LAB], &[HERE, THERE]);
    held.detector(LAB, THERE).on = false;
    let aws = EstateStandIn::start(held).await;
    let (endpoint, login) = (aws.endpoint(), credentials(SECURITY));
    let mut more = vec![
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("HANSHO_RECONCILE_REGIONS", "eu-west-1,us-east-1"),
    ];
    more.extend(login.iter().map(|(name, value)| (*name, value.as_str())));
    let scene = Scene::start(&more).await;
    let look = json!({"hansho": "coverage"});
    let says = |gaps: u32| json!({"hansho": "looked", "gaps": gaps, "unreadable": 0});
    // The same gap is posted once a day. Lambda may send an event twice.
    for _ in 0..2 {
        let answer = scene.lambda.invoke(&look, MINUTE).await;
        assert!(matches!(&answer, Answer::Response(said) if *said == says(1)), "{answer:?}");
        let posts = scene.slack.received();
        assert_eq!(posts.len(), 1, "{posts:?}");
        let post = posts[0].payload.to_string();
        assert!(posts[0].accepted && post.contains(LAB) && post.contains(THERE), "{post}");
    }
    aws.change(|held| held.detector(LAB, THERE).on = true);
    let answer = scene.lambda.invoke(&look, MINUTE).await;
    assert!(matches!(&answer, Answer::Response(said) if *said == says(0)), "{answer:?}");
    // Nobody can be asked who the account is: the call fails, and an alarm sees it.
    let any = || "*".to_owned();
    aws.change(|held| held.faults.denied.push(("GetCallerIdentity".to_owned(), any(), any())));
    let answer = scene.lambda.invoke(&look, MINUTE).await;
    assert!(answer.error().contains("sts:GetCallerIdentity"), "{answer:?}");
    assert_eq!(scene.slack.received().len(), 1);
    let log = scene.log().await;
    let incomplete: Vec<Value> =
        metrics(&log).iter().map(|line| line["coverage_incomplete"].clone()).collect();
    assert_eq!(incomplete, [1, 1, 0, 1].map(|look| json!([f64::from(look)])), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_ledger_ends_the_heartbeat() {
    let nowhere = "http://127.0.0.1:9";
    let scene = Scene::start(&[("AWS_ENDPOINT_URL_DYNAMODB", nowhere)]).await;
    let answer = scene.lambda.invoke(&json!({"hansho": "heartbeat"}), MINUTE).await;
    assert!(answer.error().contains("ledger"), "{answer:?}");
    let log = scene.log().await;
    assert!(metrics(&log).iter().all(|line| line.get("heartbeat").is_none()), "{log}");
}

/// Panics at its first post.
struct PanicsOnce(Mutex<bool>);

impl Notifier for PanicsOnce {
    async fn post(&self, _: &Post) -> Verdict {
        let first = !std::mem::replace(&mut *self.0.lock().unwrap(), true);
        assert!(!first, "a fault of the program's own");
        Verdict::Accepted
    }

    async fn refresh(&self, _: &str) -> Result<bool, String> {
        Ok(false)
    }
}

/// Runs as a child of the next test, because only environment variables name the Runtime API.
#[tokio::test]
#[ignore = "part of a_panic_in_one_call_is_told_and_the_next_is_served"]
async fn serves_with_a_notifier_that_panics() {
    let clock = SystemClock::start();
    let names = QueueNames::new([(Lane::Standard, "standard")]);
    let settings = Settings { lanes: vec![Lane::Standard], ..settings("w", false) };
    let (queue, ledger) = (MemoryQueue::new(clock), MemoryLedger::default());
    let notifier = PanicsOnce(Mutex::new(false));
    let function = Function::new(settings, names, queue, ledger, notifier, clock);
    answer_calls(function.unwrap(), false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_one_call_is_reported_and_the_next_call_is_served() {
    let lambda = Lambda::start().await;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "commands::runtime_api::serves_with_a_notifier_that_panics", "--ignored"])
        .env_clear()
        .envs(lambda.environment())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let batch = |id: &str| {
        json!({"Records": [{"messageId": id, "receiptHandle": id, "body": event(id, 9.5),
            "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:standard"}]})
    };
    // After an error, the whole batch is delivered again.
    let answer = lambda.invoke(&batch("first"), MINUTE).await;
    assert!(answer.error().contains("a fault of the program's own"), "{answer:?}");
    let answer = lambda.invoke(&batch("second"), MINUTE).await;
    assert_eq!(answer.failures(), BTreeSet::new());
    child.kill().await.unwrap();
}
