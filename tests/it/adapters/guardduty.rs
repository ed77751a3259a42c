//! The adapter to GuardDuty with the real SDK, and `hansho reconcile` as a program, against a
//! stand-in on loopback.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use hansho::aws::guardduty::GuardDuty;
use hansho::clock::{SystemClock, wall};
use hansho::commands::demo::slack_standin::SlackStandIn;
use hansho::embedded::{EmbeddedQueue, Store};
use hansho::finding;
use hansho::instants::Wall;
use hansho::ports::findings::{FindingsSource, ListAsk};
use hansho::ports::{Clock, Depth, Lane, Queue};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::adapters::dynamodb;
use crate::commands::reconcile::guardduty_finding;
use crate::commands::run_e2e::{SECRET, assert_no_secret_in, hansho, on_aws};
use crate::support::guardduty_standin::GuardDutyStandIn;
use crate::support::sqs_standin::{SqsStandIn, StandInClock};

const HERE: &str = "eu-west-1";
const THERE: &str = "us-east-1";

fn ago(minutes: u64) -> Wall {
    wall().minus(Duration::from_secs(60 * minutes))
}

fn made(id: &str, region: &str, severity: f64, minutes: u64) -> Value {
    guardduty_finding(id, region, severity, ago(minutes), ago(minutes))
}

async fn adapter(standin: &GuardDutyStandIn) -> GuardDuty {
    let sdk = crate::adapters::sqs::sdk_config(&standin.endpoint()).await;
    GuardDuty::new(&sdk, [HERE, THERE])
}

fn list_of(detector: &str, page: Option<String>) -> ListAsk {
    let (region, detector) = (HERE.to_owned(), detector.to_owned());
    ListAsk { region, detector, since: ago(600), severity: 4, page }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_adapter_pages_filters_and_keeps_the_text() {
    let standin = GuardDutyStandIn::start().await;
    let mut all: Vec<Value> =
        (0..120).map(|i| made(&format!("f{i:03}"), HERE, 5.0, 500 - i)).collect();
    all.push(made("noise", HERE, 3.9, 100));
    all.push(made("old", HERE, 9.0, 700));
    let mut archived = made("archived", HERE, 9.0, 100);
    archived["service"]["archived"] = Value::Bool(true);
    all.push(archived);
    standin.hold(HERE, all);
    // Numbers keep their form, and what the SDK does not know is there too.
    standin.add_to_findings(r#""severityAsWritten": 5.00, "newInNextYear": {"a": [1]}"#);
    let source = adapter(&standin).await;
    assert_eq!(source.detector(THERE).await.unwrap(), None);
    let detector = source.detector(HERE).await.unwrap().unwrap();
    let mut ids = Vec::new();
    let mut page = None;
    loop {
        let listed = source.list(&list_of(&detector, page)).await.unwrap();
        assert!(listed.ids.len() <= 50);
        ids.extend(listed.ids);
        page = listed.next;
        if page.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..120).map(|i| format!("f{i:03}")).collect();
    assert_eq!(ids, expected);
    assert_eq!(standin.calls("ListFindings").len(), 3);
    assert!(standin.calls("ListFindings").iter().all(|call| call.region == HERE));
    let asked = &standin.calls("ListFindings")[0].body;
    let criteria = &asked["findingCriteria"]["criterion"];
    assert_eq!(criteria["severity"], json!({"greaterThanOrEqual": 4}), "{asked}");
    assert_eq!(criteria["service.archived"], json!({"equals": ["false"]}), "{asked}");
    assert_eq!(asked["maxResults"], 50);
    let wanted = [&ids[..2], &["gone".to_owned()]].concat();
    let got = source.get(HERE, &detector, &wanted).await.unwrap();
    assert_eq!(got.len(), 2, "one that is gone is left out");
    assert!(got[0].contains(r#""severityAsWritten": 5.00"#), "{}", got[0]);
    assert_eq!(finding::parse(&got[0]).findings[0].fingerprint.id, "f000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_of_a_type_that_the_sdk_does_not_expect_is_handed_on_all_the_same() {
    let standin = GuardDutyStandIn::start().await;
    standin.hold(HERE, [made("f", HERE, 5.0, 100)]);
    standin.add_to_findings(r#""confidence": "a text where a number was""#);
    let source = adapter(&standin).await;
    let got = source.get(HERE, &format!("detector-of-{HERE}"), &["f".to_owned()]).await.unwrap();
    assert_eq!(finding::parse(&got[0]).findings[0].fingerprint.id, "f");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_is_retried_and_then_reported_with_a_remedy() {
    let standin = GuardDutyStandIn::start().await;
    standin.hold(HERE, [made("f", HERE, 5.0, 100)]);
    let source = adapter(&standin).await;
    standin.fail(HERE, 2, 500, "InternalServerErrorException");
    assert!(source.detector(HERE).await.unwrap().is_some());
    for (status, code, expected) in [
        (403, "AccessDeniedException", "allow guardduty:ListDetectors"),
        (403, "UnrecognizedClientException", "enable the region in the account"),
        (400, "BadRequestException", "as ordered by the test"),
    ] {
        standin.fail(HERE, 1, status, code);
        let why = source.detector(HERE).await.unwrap_err().to_string();
        assert!(why.starts_with("guardduty ListDetectors in eu-west-1: "), "{why}");
        assert!(why.contains(expected) && why.contains(code), "{why}");
    }
    assert!(source.detector("ap-south-1").await.is_err());
    let nobody = crate::adapters::sqs::sdk_config("http://127.0.0.1:9").await;
    let why = GuardDuty::new(&nobody, [HERE]).detector(HERE).await.unwrap_err().to_string();
    assert!(why.contains("guardduty ListDetectors in eu-west-1"), "{why}");
}

/// A folder with an embedded store, a Slack and a GuardDuty.
struct Scene {
    folder: TempDir,
    slack: SlackStandIn,
    guardduty: GuardDutyStandIn,
}

impl Scene {
    async fn new() -> Scene {
        let clock = SystemClock::start();
        Scene {
            folder: tempfile::tempdir().unwrap(),
            slack: SlackStandIn::start(None, move || clock.now().mono.0).await.unwrap(),
            guardduty: GuardDutyStandIn::start().await,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = hansho(self.path());
        command.args(arguments).envs([
            ("SLACK_WEBHOOK_URL", self.slack.webhook(SECRET)),
            ("HANSHO_DESTINATION_PACE", "50ms".to_owned()),
            ("AWS_ENDPOINT_URL_GUARDDUTY", self.guardduty.endpoint()),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ]);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        finish(self.command(arguments)).await
    }

    /// Receives a finding, posts it, and ends.
    async fn post(&self, finding: &Value) {
        std::fs::write(self.path().join("in.json"), finding.to_string()).unwrap();
        let output = self.run(&["run", "--drain", "--input", "in.json"]).await;
        assert!(output.status.success(), "{output:?}");
    }

    async fn depth(&self) -> Depth {
        let store = Store::open(&self.path().join("hansho.db")).unwrap();
        let queue = EmbeddedQueue::new(store, Arc::new(SystemClock::start()));
        queue.depth(Lane::Standard).await.unwrap()
    }

    fn posted(&self, id: &str) -> usize {
        let posts = self.slack.received();
        let shows = |payload: &Value| payload["attachments"].to_string().contains(id);
        posts.iter().filter(|p| p.accepted && shows(&p.payload)).count()
    }
}

async fn finish(mut command: Command) -> Output {
    let within = Duration::from_secs(120);
    let output = tokio::time::timeout(within, command.output()).await.expect("it ends").unwrap();
    assert_no_secret_in(&output.stdout);
    assert_no_secret_in(&output.stderr);
    output
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn undelivered_findings_are_found_and_posted_once() {
    let scene = Scene::new().await;
    // All within the hour by which a run overlaps the one before it.
    let known = made("f-known", HERE, 8.0, 40);
    scene.post(&known).await;
    scene
        .guardduty
        .hold(HERE, [known, made("f-missing", HERE, 8.0, 30), made("f-low", HERE, 2.0, 30)]);
    scene.guardduty.hold(THERE, [made("f-elsewhere", THERE, 9.5, 30)]);
    let ask = ["reconcile", "--region", HERE, "--region", THERE, "--json"];

    let looked = json_of(&scene.run(&[&ask[..], &["--dry-run"]].concat()).await);
    assert_eq!((&looked["dry_run"], &looked["regions"][0]["missing"]), (&true.into(), &1.into()));
    assert!(scene.depth().await.is_empty());

    let output = scene.run(&ask).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let found = json_of(&output);
    for (i, key, expected) in [
        (0, "compared", 2),
        (0, "known", 1),
        (0, "missing", 1),
        (0, "enqueued", 1),
        (1, "compared", 1),
        (1, "enqueued", 1),
    ] {
        assert_eq!(found["regions"][i][key], expected, "{key} of {i} in {found}");
    }
    let named = &found["regions"][0]["findings"][0]["fingerprint"];
    assert_eq!(named, "guardduty/111122223333/eu-west-1/f-missing");
    assert_eq!(scene.depth().await.visible, 2);

    // A second time before a worker came to it.
    let again = json_of(&scene.run(&ask).await);
    assert_eq!(
        (&again["regions"][0]["waiting"], &again["regions"][0]["enqueued"]),
        (&1.into(), &0.into())
    );
    assert_eq!(scene.depth().await.visible, 2);

    let worker = scene.run(&["run", "--drain"]).await;
    assert!(worker.status.success(), "{worker:?}");
    let times = ["f-known", "f-missing", "f-elsewhere", "f-low"].map(|id| scene.posted(id));
    assert_eq!(times, [1, 1, 1, 0]);
    let last = json_of(&scene.run(&ask).await);
    assert_eq!(
        (&last["regions"][0]["known"], &last["regions"][0]["missing"]),
        (&2.into(), &0.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_fails_is_reported_and_ends_with_1() {
    let scene = Scene::new().await;
    scene.guardduty.hold(HERE, [made("f-missing", HERE, 8.0, 60)]);
    scene.guardduty.fail(THERE, 1, 403, "AccessDeniedException");
    let output = scene.run(&["reconcile", "--region", THERE, "--region", HERE]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    let first = lines.next().unwrap();
    assert!(first.starts_with("us-east-1: FAILED: guardduty ListDetectors in us-east-1"), "{text}");
    assert!(first.contains("allow guardduty:ListDetectors"), "{text}");
    assert!(
        lines.next().unwrap().ends_with(": 1 compared, 0 known, 1 missing, 1 enqueued"),
        "{text}"
    );
    assert!(text.contains("LEVEL") && text.contains("f-missing"), "{text}");
    assert_eq!(scene.depth().await.visible, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_ends_with_2_and_says_what_to_do() {
    let scene = Scene::new().await;
    for (arguments, expected) in [
        (&["reconcile"][..], "no region is given: give --region"),
        (&["reconcile", "--region", "everywhere"], "such as eu-west-1"),
        (
            &["reconcile", "--region", HERE, "--since", "2999-01-01T00:00:00Z"],
            "must be in the past",
        ),
        (&["reconcile", "--region", HERE, "--since", "later"], "such as 24h"),
        (&["reconcile", "--region", HERE, "--limit", "0"], "--limit"),
        (&["reconcile", "--region", HERE, "--config", "none.toml"], "none.toml"),
    ] {
        let output = scene.run(arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    assert!(scene.guardduty.calls("ListDetectors").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqs_and_dynamodb_each_goes_by_its_lane() {
    let scene = Scene::new().await;
    let sqs = SqsStandIn::start(StandInClock::running()).await;
    let urls = ["standard", "express", "quarantine"].map(|name| {
        sqs.create(name, &[]);
        sqs.url(name)
    });
    let dynamodb = dynamodb::serve_table("hansho-ledger").await;
    scene.guardduty.hold(HERE, [made("f-missing", HERE, 9.5, 60), made("f-lesser", HERE, 5.0, 50)]);
    let mut command = scene.command(&["reconcile", "--json"]);
    on_aws(&mut command, &urls, "hansho-ledger", &sqs.endpoint(), &dynamodb);
    command.env("HANSHO_RECONCILE_REGIONS", HERE);
    let output = finish(command).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for (lane, id) in [("express", "f-missing"), ("standard", "f-lesser")] {
        let bodies: Vec<String> = sqs.messages(lane).into_iter().map(|m| m.body).collect();
        assert_eq!(bodies.len(), 1, "{lane}");
        assert_eq!(finding::parse(&bodies[0]).findings[0].fingerprint.id, id);
    }
    assert!(sqs.messages("quarantine").is_empty());
    let mut worker = scene.command(&["run", "--drain"]);
    on_aws(&mut worker, &urls, "hansho-ledger", &sqs.endpoint(), &dynamodb);
    assert!(finish(worker).await.status.success());
    assert_eq!((scene.posted("f-missing"), scene.posted("f-lesser")), (1, 1));
    // Without an express queue there is one way.
    scene.guardduty.hold(HERE, [made("f-again", HERE, 9.5, 40)]);
    let mut command = scene.command(&["reconcile", "--json"]);
    on_aws(&mut command, &urls, "hansho-ledger", &sqs.endpoint(), &dynamodb);
    command.env("HANSHO_RECONCILE_REGIONS", HERE).env_remove("HANSHO_QUEUE_EXPRESS");
    assert_eq!(finish(command).await.status.code(), Some(0));
    assert_eq!((sqs.messages("standard").len(), sqs.messages("express").len()), (1, 0));
}

/// The timer beside a running worker: found, posted, counted; a region that fails is counted too,
/// and harms nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_compares_by_its_timer() {
    let scene = Scene::new().await;
    scene.guardduty.hold(HERE, [made("f-missing", HERE, 8.0, 60)]);
    scene.guardduty.fail(THERE, 9, 403, "AccessDeniedException");
    let address = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().to_string()
    };
    let mut worker = scene.command(&["run"]);
    worker.envs([
        ("HANSHO_RECONCILE_EVERY", "1m"),
        ("HANSHO_RECONCILE_REGIONS", &format!("{THERE},{HERE}")),
        ("HANSHO_METRICS_LISTEN", &address),
        ("HANSHO_EMBEDDED_LISTEN", "off"),
    ]);
    let worker = worker.spawn().unwrap();
    let metrics = async || {
        let asked = reqwest::get(format!("http://{address}/metrics")).await;
        match asked {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    };
    let mut text = String::new();
    // A timer of a minute compares after 11 to 19 s.
    for _ in 0..400 {
        text = metrics().await;
        if scene.posted("f-missing") > 0 && text.contains("outcome=\"whole\"") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(scene.posted("f-missing"), 1, "{text}");
    for line in [
        r#"hansho_reconciled_total{outcome="enqueued",region="eu-west-1"} 1"#,
        r#"hansho_reconciliations_total{outcome="whole",region="eu-west-1"} 1"#,
        r#"hansho_reconcile_failed_total{region="eu-west-1"} 0"#,
        r#"hansho_reconcile_failed_total{region="us-east-1"} 1"#,
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\nin\n{text}");
    }
    let pid = worker.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let output = tokio::time::timeout(Duration::from_secs(30), worker.wait_with_output()).await;
    let output = output.expect("it ends").unwrap();
    assert_no_secret_in(&output.stdout);
    assert_no_secret_in(&output.stderr);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    assert!(log.contains("a region could not be compared") && log.contains("us-east-1"), "{log}");
}
