//! `hansho check --live` with the real binary, against stand-ins of SQS, DynamoDB and Slack and on
//! the embedded store: with a good setup, and with each part broken.

use hansho::clock::SystemClock;
use hansho::commands::demo::slack_standin::{Behaviour, SlackStandIn};
use hansho::ports::Clock;
use serde_json::Value;
use tempfile::TempDir;

use crate::adapters::dynamodb;
use crate::commands::run_e2e::{SECRET, finish, hansho, on_aws};
use crate::support::sqs_standin::{Fault, SqsStandIn, StandInClock};

const LANE: [(&str, &str); 4] = [
    ("VisibilityTimeout", "120"),
    ("MessageRetentionPeriod", "1209600"),
    ("MaximumMessageSize", "1048576"),
    (
        "RedrivePolicy",
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1000}"#,
    ),
];
const QUARANTINE: [(&str, &str); 2] =
    [("MessageRetentionPeriod", "1209600"), ("MaximumMessageSize", "1048576")];

struct Scene {
    folder: TempDir,
    slack: SlackStandIn,
    aws: Option<(SqsStandIn, String)>,
}

impl Scene {
    async fn embedded() -> Scene {
        let clock = SystemClock::start();
        let slack = SlackStandIn::start(None, move || clock.now().mono.0).await.unwrap();
        Scene { folder: tempfile::tempdir().unwrap(), slack, aws: None }
    }

    /// Set up as infra/README.md says.
    async fn aws() -> Scene {
        let sqs = SqsStandIn::start(StandInClock::running()).await;
        for lane in ["standard", "express"] {
            sqs.create(lane, &LANE);
        }
        sqs.create("quarantine", &QUARANTINE);
        let endpoint = dynamodb::serve_table("hansho-ledger").await;
        dynamodb::switch_ttl_on(&endpoint, "hansho-ledger").await;
        Scene { aws: Some((sqs, endpoint)), ..Scene::embedded().await }
    }

    fn sqs(&self) -> &SqsStandIn {
        &self.aws.as_ref().unwrap().0
    }

    /// The output, and the exit code.
    async fn check(&self, args: &[&str], variables: &[(&str, &str)]) -> (String, Option<i32>) {
        let mut command = hansho(self.folder.path());
        command.args(["check", "--live"]).args(args);
        command.env("SLACK_WEBHOOK_URL", self.slack.webhook(SECRET));
        if let Some((sqs, dynamodb)) = &self.aws {
            let urls = ["standard", "express", "quarantine"].map(|name| sqs.url(name));
            on_aws(&mut command, &urls, "hansho-ledger", &sqs.endpoint(), dynamodb);
        }
        command.envs(variables.iter().copied());
        let output = finish(command).await;
        let problems = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!problems.contains("panicked"), "{problems}");
        (String::from_utf8(output.stdout).unwrap() + &problems, output.status.code())
    }

    async fn lines(&self, variables: &[(&str, &str)]) -> (Vec<Value>, Option<i32>) {
        let (text, code) = self.check(&["--json"], variables).await;
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        (answer["lines"].as_array().unwrap().clone(), code)
    }
}

fn wrong(lines: &[Value]) -> Vec<String> {
    let wrong = lines.iter().filter(|line| line["state"] == "wrong");
    let shown = |line: &Value| {
        assert!(line["fix"].is_string(), "{line}");
        format!("{}: {}", line["subject"].as_str().unwrap(), line["detail"].as_str().unwrap())
    };
    wrong.map(shown).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_setup_on_aws_has_no_mistake_and_is_not_changed() {
    let scene = Scene::aws().await;
    let (text, code) = scene.check(&[], &[]).await;
    assert_eq!(code, Some(0), "{text}");
    for part in [
        "Nothing is wrong.\n\nLive\n",
        "queue express",
        "queue standard",
        "ReceiveMessage is allowed",
        "DeleteMessage is allowed",
        "ChangeMessageVisibility is allowed",
        "SendMessage is allowed",
        "table hansho-ledger",
        "records expire by expires_at",
        "can be written",
        "many records can be read at once",
        "HTTP 400: no_text to an empty message",
        "\nNothing is wrong.\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(scene.sqs().messages("quarantine").is_empty());
    let posts = scene.slack.received();
    assert!(posts.len() == 1 && !posts[0].accepted, "{posts:?}");
    let client =
        aws_sdk_dynamodb::Client::new(&dynamodb::fake_config(&scene.aws.as_ref().unwrap().1));
    let rows = client.scan().table_name("hansho-ledger").send().await.unwrap();
    assert_eq!(rows.count(), 0, "a check leaves no record");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_message_stays_in_its_queue() {
    let scene = Scene::aws().await;
    let client =
        aws_sdk_sqs::Client::new(&crate::adapters::sqs::sdk_config(&scene.sqs().endpoint()).await);
    let send = client.send_message().queue_url(scene.sqs().url("standard"));
    send.message_body("{}").send().await.unwrap();
    let (lines, code) = scene.lines(&[]).await;
    assert_eq!((wrong(&lines), code), (vec![], Some(0)));
    let left = scene.sqs().messages("standard");
    assert!(left.len() == 1 && left[0].visible && left[0].receive_count == 1, "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_call_is_reported_with_the_missing_right() {
    for (operation, said) in [
        (
            "GetQueueAttributes",
            "queue express: sqs GetQueueAttributes on queue express: access is denied (AccessDenied",
        ),
        (
            "ReceiveMessage",
            "queue express: sqs ReceiveMessage on queue express: access is denied (AccessDenied",
        ),
        ("DeleteMessageBatch", "queue express: sqs DeleteMessageBatch"),
        ("ChangeMessageVisibilityBatch", "queue express: sqs ChangeMessageVisibilityBatch"),
        (
            "SendMessageBatch",
            "quarantine quarantine: sqs SendMessage on queue quarantine: access is denied (AccessDenied",
        ),
    ] {
        let scene = Scene::aws().await;
        scene.sqs().inject(operation, 1, Fault::Refuse { status: 403, code: "AccessDenied" });
        let (lines, code) = scene.lines(&[]).await;
        let wrong = wrong(&lines);
        assert!(code == Some(1) && wrong.len() == 1, "{operation}: {wrong:?}");
        assert!(wrong[0].starts_with(said) && wrong[0].contains("AccessDenied"), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_and_missing_resources_are_reported() {
    let scene = Scene::aws().await;
    let sqs = scene.sqs();
    sqs.create("bare", &[("MaximumMessageSize", "262144")]);
    let url = sqs.url("bare");
    let (lines, code) = scene.lines(&[("HANSHO_QUEUE_STANDARD", &url)]).await;
    let all = wrong(&lines).join("\n");
    assert_eq!(code, Some(1), "{all}");
    for part in ["visibility time-out of 30s", "keeps messages for 4d", "262144 bytes"] {
        assert!(all.contains(part), "{part}: {all}");
    }
    let gone = sqs.url("gone");
    for (variable, value, said) in [
        ("HANSHO_QUEUE_STANDARD", gone.as_str(), "queue gone does not exist"),
        ("HANSHO_QUEUE_QUARANTINE", gone.as_str(), "queue gone does not exist"),
        ("HANSHO_LEDGER_TABLE", "no-such-table", "\"no-such-table\" does not exist"),
        (
            "SLACK_WEBHOOK_URL",
            "http://127.0.0.1:9/services/T/B/S3cretPart",
            "no clear answer: cannot connect",
        ),
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9", "failed"),
    ] {
        let (lines, code) = scene.lines(&[(variable, value)]).await;
        let wrong = wrong(&lines);
        assert!(code == Some(1) && !wrong.is_empty(), "{variable}: {lines:?}");
        assert!(wrong.iter().any(|line| line.contains(said)), "{variable}: {wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_another_key_or_without_expiry_is_reported() {
    let scene = Scene::aws().await;
    let endpoint = &scene.aws.as_ref().unwrap().1;
    let config = dynamodb::fake_config(endpoint);
    dynamodb::create_table(&config, "no-ttl").await;
    dynamodb::create_table_with(&config, "other-key", &["id", "destination"]).await;
    let (lines, code) = scene.lines(&[("HANSHO_LEDGER_TABLE", "no-ttl")]).await;
    let said = wrong(&lines);
    assert!(code == Some(1) && said.len() == 1 && said[0].contains("never expire"), "{said:?}");
    let (lines, code) = scene.lines(&[("HANSHO_LEDGER_TABLE", "other-key")]).await;
    let said = wrong(&lines).join("\n");
    assert!(code == Some(1) && said.contains("its key is id (S), destination (S)"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_or_foreign_webhook_is_reported() {
    for (behaviour, state, said) in [
        (Behaviour::Status(404, "no_service".to_owned()), "wrong", "is dead: HTTP 404: no_service"),
        (Behaviour::Status(403, "invalid_token".to_owned()), "wrong", "is dead"),
        (Behaviour::Status(410, "channel_is_archived".to_owned()), "wrong", "is dead"),
        (Behaviour::Status(500, "rollup_error".to_owned()), "wrong", "no clear answer: HTTP 500"),
        (Behaviour::Status(400, "<html>/services/T000".to_owned()), "wrong", "not Slack's answer"),
        (Behaviour::OkWithOtherBody("<html>sign in".to_owned()), "wrong", "no clear answer"),
        (Behaviour::OkWithOtherBody("ok".to_owned()), "wrong", "an empty message was accepted"),
        (Behaviour::Redirect("http://127.0.0.1:9/".to_owned()), "wrong", "no clear answer"),
        (Behaviour::CloseWithoutAccepting, "wrong", "no clear answer"),
        (Behaviour::RateLimited { retry_after_s: Some(3) }, "not_checked", "too many posts"),
    ] {
        let scene = Scene::embedded().await;
        scene.slack.plan([behaviour.clone()]);
        let (lines, code) = scene.lines(&[]).await;
        let line =
            lines.iter().find(|line| line["subject"].as_str().unwrap().starts_with("webhook"));
        let line = line.unwrap();
        assert_eq!(line["state"], state, "{behaviour:?}: {line}");
        assert!(line["detail"].as_str().unwrap().contains(said), "{behaviour:?}: {line}");
        assert_eq!(code, Some(i32::from(state == "wrong")), "{behaviour:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_store_is_opened_and_written() {
    let scene = Scene::embedded().await;
    let (text, code) = scene.check(&[], &[]).await;
    assert!(
        code == Some(0) && text.contains("does not exist yet; the worker can create it"),
        "{text}"
    );
    assert!(!scene.folder.path().join("hansho.db").exists(), "a check creates no store");
    hansho::embedded::Store::open(&scene.folder.path().join("hansho.db")).unwrap();
    let (text, code) = scene.check(&[], &[]).await;
    assert!(code == Some(0) && text.contains("can be opened and written"), "{text}");
    std::fs::write(scene.folder.path().join("other.db"), "no database, but a long enough text")
        .unwrap();
    let (text, code) = scene.check(&[], &[("HANSHO_EMBEDDED_PATH", "other.db")]).await;
    assert!(code == Some(1) && text.contains("it is no store of hansho"), "{text}");
    // A mistake in the configuration is reported first, and nothing is asked.
    let (text, code) = scene.check(&[], &[("HANSHO_EMBEDDED_PATH", "none/x.db")]).await;
    assert!(code == Some(2) && text.contains("takes no file"), "{text}");
    let (text, code) = scene.check(&["--json"], &[("HANSHO_WORKER_LEASE", "1s")]).await;
    assert!(code == Some(2) && text.contains("lease (1s) must be"), "{text}");
    assert!(scene.slack.received().len() == 3, "nothing more was asked");
}
