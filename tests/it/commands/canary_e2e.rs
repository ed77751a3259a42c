//! `hansho canary` with the real binary: on the embedded backend, and on AWS with a stand-in for
//! EventBridge whose rule puts what it gets into the stand-in for SQS.

use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_sqs::Client;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hansho::aws::eventbridge::EventBus;
use hansho::clock::SystemClock;
use hansho::commands::demo::slack_standin::SlackStandIn;
use hansho::finding::canary::{DETAIL_TYPE, SOURCE};
use hansho::ports::{Bus, BusEvent, Clock};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::adapters::dynamodb;
use crate::commands::run_e2e::{SECRET, assert_no_secret_in, hansho, on_aws};
use crate::support::sqs_standin::{SqsStandIn, StandInClock};

const LONGEST: Duration = Duration::from_secs(60);

/// What the stand-in for EventBridge answers.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Takes,
    /// The call works, the event is refused.
    RefusesTheEntry,
    DeniesAccess,
    Nonsense,
}

#[derive(Clone)]
struct EventBridge {
    answer: Answer,
    /// What was put, with the region that it was signed for.
    put: Arc<Mutex<Vec<(String, Value)>>>,
    /// Where its rule sends what it takes: a queue's client and URL.
    rule: Option<(Client, String)>,
}

impl EventBridge {
    fn new(answer: Answer, rule: Option<(Client, String)>) -> EventBridge {
        EventBridge { answer, put: Arc::default(), rule }
    }

    async fn serve(&self) -> String {
        let router = Router::new().route("/", post(put_events)).with_state(self.clone());
        dynamodb::serve(router).await
    }
}

/// Source: EventBridge API reference, PutEvents.
async fn put_events(State(bus): State<EventBridge>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    assert_eq!(text("x-amz-target"), "AWSEvents.PutEvents");
    // Credential=test/20260101/us-east-1/events/aws4_request
    let region = text("authorization").split('/').nth(2).unwrap_or_default().to_owned();
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let entries = asked["Entries"].as_array().unwrap().clone();
    assert_eq!(entries.len(), 1);
    let entry = entries[0].clone();
    bus.put.lock().unwrap().push((region.clone(), entry.clone()));
    let answer = |status: StatusCode, body: String| {
        (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body).into_response()
    };
    let refused = json!({ "FailedEntryCount": 1, "Entries": [
        { "ErrorCode": "InternalFailure", "ErrorMessage": "try\u{1b} again" }] });
    let denied = json!({ "__type": "AccessDeniedException", "Message": "not for you" });
    match bus.answer {
        Answer::Takes => {}
        Answer::RefusesTheEntry => return answer(StatusCode::OK, refused.to_string()),
        Answer::DeniesAccess => return answer(StatusCode::BAD_REQUEST, denied.to_string()),
        Answer::Nonsense => return answer(StatusCode::OK, r#"{"Entries":[]}"#.to_owned()),
    }
    if let Some((client, url)) = &bus.rule {
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        let event = json!({ "version": "0", "id": "e", "detail-type": entry["DetailType"],
            "source": entry["Source"], "account": "111122223333", "time": "2026-09-21T13:33:20Z",
            "region": region, "resources": [], "detail": detail });
        let send = client.send_message().queue_url(url).message_body(event.to_string());
        send.send().await.unwrap();
    }
    let taken = json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "e" }] });
    answer(StatusCode::OK, taken.to_string())
}

#[tokio::test]
async fn an_event_is_put_as_eventbridge_wants_it() {
    let standin = EventBridge::new(Answer::Takes, None);
    let sdk = dynamodb::fake_config(&standin.serve().await);
    let event = BusEvent { source: SOURCE, detail_type: DETAIL_TYPE, detail: "{\"a\":1}".into() };
    EventBus::new(&sdk, None, "hansho").unwrap().put(&event).await.unwrap();
    EventBus::new(&sdk, Some("eu-west-1"), "default").unwrap().put(&event).await.unwrap();
    let put = standin.put.lock().unwrap().clone();
    let entry = |bus: &str| {
        json!({ "Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": "{\"a\":1}",
            "EventBusName": bus })
    };
    assert_eq!(
        put,
        [("us-east-1".to_owned(), entry("hansho")), ("eu-west-1".to_owned(), entry("default"))]
    );
}

#[tokio::test]
async fn what_eventbridge_refuses_is_said() {
    let event = BusEvent { source: SOURCE, detail_type: DETAIL_TYPE, detail: "{}".into() };
    for (answer, words) in [
        (Answer::RefusesTheEntry, &["InternalFailure: try again"][..]),
        (Answer::DeniesAccess, &["AccessDeniedException", "events:PutEvents", "operator.yaml"]),
        (Answer::Nonsense, &["has no result for the event"]),
    ] {
        let endpoint = EventBridge::new(answer, None).serve().await;
        let bus = EventBus::new(&dynamodb::fake_config(&endpoint), None, "hansho").unwrap();
        let why = bus.put(&event).await.unwrap_err().to_string();
        assert!(why.contains("bus \"hansho\" in us-east-1"), "{why}");
        assert!(words.iter().all(|word| why.contains(word)), "{why}");
    }
    let nobody = dynamodb::fake_config("http://127.0.0.1:9");
    let bus = EventBus::new(&nobody, None, "hansho").unwrap();
    assert!(bus.put(&event).await.is_err());
}

struct Scene {
    slack: SlackStandIn,
    folder: TempDir,
    aws: Option<Aws>,
}

struct Aws {
    sqs: SqsStandIn,
    dynamodb: String,
    eventbridge: String,
    standin: EventBridge,
}

impl Scene {
    async fn embedded() -> Scene {
        let clock = SystemClock::start();
        let slack = SlackStandIn::start(None, move || clock.now().mono.0).await.unwrap();
        Scene { slack, folder: tempfile::tempdir().unwrap(), aws: None }
    }

    async fn aws(answer: Answer) -> Scene {
        let sqs = SqsStandIn::start(StandInClock::running()).await;
        for queue in ["standard", "express", "quarantine"] {
            sqs.create(queue, &[]);
        }
        let client = Client::new(&crate::adapters::sqs::sdk_config(&sqs.endpoint()).await);
        let standin = EventBridge::new(answer, Some((client, sqs.url("standard"))));
        let eventbridge = standin.serve().await;
        let dynamodb = dynamodb::serve_table("hansho-ledger").await;
        Scene { aws: Some(Aws { sqs, dynamodb, eventbridge, standin }), ..Scene::embedded().await }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = hansho(self.folder.path());
        command.args(args).envs([
            ("SLACK_WEBHOOK_URL", self.slack.webhook(SECRET).as_str()),
            ("HANSHO_DESTINATION_PACE", "50ms"),
            ("SLACK_MENTION_ID", "S0123ABC"),
            ("HANSHO_MIN_SEVERITY", "high"),
        ]);
        if let Some(Aws { sqs, dynamodb, eventbridge, .. }) = &self.aws {
            let urls = ["standard", "express", "quarantine"].map(|name| sqs.url(name));
            on_aws(&mut command, &urls, "hansho-ledger", &sqs.endpoint(), dynamodb);
            command.env("AWS_ENDPOINT_URL_EVENTBRIDGE", eventbridge);
        } else {
            command.env("HANSHO_EMBEDDED_LISTEN", "127.0.0.1:0");
        }
        command
    }

    async fn worker(&self) -> Child {
        let worker = self.command(&["run"]).stderr(std::process::Stdio::null()).spawn().unwrap();
        while self.aws.is_none() && !self.folder.path().join("hansho.db").exists() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        worker
    }

    async fn canary(&self, more: &[&str]) -> Output {
        let mut command = self.command(&["canary"]);
        let output = tokio::time::timeout(LONGEST, command.args(more).output());
        let output = output.await.expect("it ends").unwrap();
        assert_no_secret_in(&output.stdout);
        assert_no_secret_in(&output.stderr);
        output
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_it_arrives_and_is_posted_only_if_asked() {
    let scene = Scene::embedded().await;
    let _worker = scene.worker().await;
    let quiet = scene.canary(&["--within", "30s"]).await;
    assert_eq!(quiet.status.code(), Some(0), "{}{}", out(&quiet), err(&quiet));
    let line = out(&quiet);
    assert!(line.starts_with("local  arrived after ") && line.contains("bus to queue"), "{line}");
    assert!(scene.slack.received().is_empty());
    let loud = scene.canary(&["--post", "--json", "--within", "30s"]).await;
    assert_eq!(loud.status.code(), Some(0), "{}{}", out(&loud), err(&loud));
    let result: Value = serde_json::from_slice(&loud.stdout).unwrap();
    let one = &result["canaries"][0];
    assert_eq!((&result["arrived"], &one["post"]), (&true.into(), &"yes".into()), "{result}");
    assert!(one["posts"][0]["seconds"].is_number(), "{result}");
    let posts = scene.slack.received();
    assert_eq!(posts.len(), 1, "though it is below the threshold");
    let text = posts[0].payload.to_string();
    assert!(text.contains("a test of the way from local") && text.contains("*TEST*"), "{text}");
    assert!(!text.contains("S0123ABC"), "it mentions nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_without_a_worker_it_says_so() {
    let scene = Scene::embedded().await;
    let nothing = scene.canary(&["--within", "1s"]).await;
    assert_eq!(nothing.status.code(), Some(1));
    assert!(err(&nothing).contains("hansho.db does not exist"), "{}", err(&nothing));
    assert!(!scene.folder.path().join("hansho.db").exists(), "nothing was made");
    scene.worker().await.kill().await.unwrap();
    let lost = scene.canary(&["--within", "1s"]).await;
    assert_eq!(lost.status.code(), Some(1), "{}", err(&lost));
    assert!(out(&lost).contains("did not arrive within 1.0 s"), "{}", out(&lost));
    assert!(out(&lost).contains("does a worker run on hansho.db"), "{}", out(&lost));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_refused() {
    let scene = Scene::embedded().await;
    drop(scene.worker().await);
    let region = scene.canary(&["--region", "eu-west-1"]).await;
    assert_eq!(region.status.code(), Some(1));
    assert!(err(&region).contains("--region and --bus are for AWS"), "{}", err(&region));
    for args in [&["--within", "never"][..], &["--region", "../x"], &["--post=yes"]] {
        assert_eq!(scene.canary(args).await.status.code(), Some(2), "{args:?}");
    }
    let mut command = scene.command(&["canary"]);
    let output = command.env("HANSHO_MIN_SEVERITY", "loud").output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("HANSHO_MIN_SEVERITY"), "{}", err(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_aws_it_goes_over_the_buses_named() {
    let scene = Scene::aws(Answer::Takes).await;
    let _worker = scene.worker().await;
    let home = scene.canary(&["--within", "30s"]).await;
    assert_eq!(home.status.code(), Some(0), "{}{}", out(&home), err(&home));
    assert!(out(&home).starts_with("us-east-1  arrived after "), "{}", out(&home));
    let args = ["--region", "eu-west-1", "--region", "us-west-2", "--post", "--within", "30s"];
    let two = scene.canary(&args).await;
    assert_eq!(two.status.code(), Some(0), "{}{}", out(&two), err(&two));
    assert_eq!(out(&two).matches("arrived after").count(), 2, "{}", out(&two));
    assert_eq!(out(&two).matches("Slack accepted it").count(), 2, "{}", out(&two));
    let aws = scene.aws.as_ref().unwrap();
    let mut put: Vec<(String, String)> = aws
        .standin
        .put
        .lock()
        .unwrap()
        .iter()
        .map(|(region, entry)| (region.clone(), entry["EventBusName"].as_str().unwrap().to_owned()))
        .collect();
    put.sort();
    let pair = |region: &str, bus: &str| (region.to_owned(), bus.to_owned());
    let expected =
        [pair("eu-west-1", "default"), pair("us-east-1", "hansho"), pair("us-west-2", "default")];
    assert_eq!(put, expected);
    // The message goes after the row.
    let empty = async {
        while !aws.sqs.messages("standard").is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONGEST, empty).await.expect("all is settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_aws_what_is_missing_is_named() {
    let scene = Scene::aws(Answer::Takes).await;
    let lost = scene.canary(&["--region", "eu-west-1", "--within", "1s"]).await;
    assert_eq!(lost.status.code(), Some(1));
    let said = out(&lost);
    for word in ["did not arrive", "hansho-forwarder", "about 1 message:", "hansho-heartbeat"] {
        assert!(said.contains(word), "{word} in {said}");
    }
    let scene = Scene::aws(Answer::DeniesAccess).await;
    let denied = scene.canary(&["--json", "--within", "5s"]).await;
    assert_eq!(denied.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&denied.stdout).unwrap();
    let error = result["canaries"][0]["error"].as_str().unwrap();
    assert!(error.contains("events:PutEvents") && result["arrived"] == false, "{result}");
}
