//! `hansho coverage` with a ledger: the last findings, and the summary in Slack.

use std::time::Duration;

use hansho::clock::SystemClock;
use hansho::commands::demo::slack_standin::{Behaviour, SlackStandIn};
use hansho::embedded::{EmbeddedLedger, Store};
use hansho::finding::Level;
use hansho::instants::Wall;
use hansho::policy::record::{AcceptedPost, AlertRecord, AlertRecordState, Expect, RecordKey};
use hansho::ports::{Clock, Ledger, Written};
use serde_json::{Value, json};

use crate::commands::coverage_e2e::{BOTH, HERE, LAB, SECURITY, SHOP, Scene, THERE, unread};
use crate::commands::run_e2e::SECRET;

/// A complete organisation that is broken in one place, with a ledger and a channel.
async fn scene() -> (Scene, SlackStandIn) {
    let clock = SystemClock::start();
    let slack = SlackStandIn::start(None, move || clock.now().mono.0).await.unwrap();
    let mut scene = Scene::complete().await;
    scene.variables = vec![
        ("SLACK_WEBHOOK_URL", slack.webhook(SECRET)),
        ("HANSHO_DESTINATION_NAME", "security".to_owned()),
        ("HANSHO_DESTINATION_PACE", "10ms".to_owned()),
        ("HANSHO_EMBEDDED_PATH", "hansho.db".to_owned()),
    ];
    (scene, slack)
}

fn ledger(scene: &Scene) -> EmbeddedLedger {
    EmbeddedLedger::new(Store::open(&scene.path().join("hansho.db")).unwrap())
}

async fn put(ledger: &EmbeddedLedger, fingerprint: String, sent_at: Wall) {
    let post = AcceptedPost {
        level: Level::High,
        revision: None,
        sent_at,
        due_at: None,
        post_id: "w1-1".to_owned(),
    };
    let record = AlertRecord {
        state: AlertRecordState::Posted { post, marked_by: None },
        expires_at: sent_at.plus(Duration::from_secs(90 * 24 * 3600)).whole_second(),
        ..AlertRecord::unposted(1)
    };
    let key = RecordKey::alert(fingerprint, "security");
    assert_eq!(ledger.write(&key, &Expect::Absent, &record).await, Ok(Written::Done));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_finding_of_each_place_comes_from_the_ledger() {
    let (scene, _slack) = scene().await;
    {
        let ledger = ledger(&scene);
        let at = |text: &str| Wall::parse_rfc3339(text).unwrap();
        for (fingerprint, text) in [
            (format!("guardduty/{SHOP}/{HERE}/a"), "2026-07-01T10:00:00Z"),
            (format!("guardduty/{SHOP}/{HERE}/b"), "2026-07-03T10:00:00Z"),
            (format!("guardduty/{SHOP}/{HERE}/c"), "2026-07-02T10:00:00Z"),
            (format!("guardduty/{LAB}/{HERE}/d/e"), "2026-06-01T10:00:00Z"),
            // Another product, another region, and a note of hansho's own.
            (format!("securityhub/{LAB}/{THERE}/f"), "2026-07-04T10:00:00Z"),
            (format!("guardduty/{LAB}/ap-east-1/g"), "2026-07-04T10:00:00Z"),
            ("hansho///coverage".to_owned(), "2026-07-04T10:00:00Z"),
        ] {
            put(&ledger, fingerprint, at(text)).await;
        }
    }
    let (code, report) = scene.json(&BOTH).await;
    assert_eq!((code, unread(&report)), (0, vec![]), "{report}");
    let expected = json!({"reads": 1, "records": 7, "unreadable_records": 0, "all_read": true});
    assert_eq!(report["last_findings"], expected);
    let last = |account: &str, region: &str| {
        let mut places = report["places"].as_array().unwrap().iter();
        let place = places.find(|p| p["account"] == account && p["region"] == region);
        place.unwrap()["last_finding"].clone()
    };
    assert_eq!(last(SHOP, HERE), "2026-07-03T10:00:00Z");
    assert_eq!(last(LAB, HERE), "2026-06-01T10:00:00Z");
    assert_eq!((last(LAB, THERE), last(SECURITY, HERE)), (Value::Null, Value::Null));
    let page = ["--html", "page.html", "--csv"];
    let csv = scene.run(&[&BOTH[..], &page].concat()).await;
    let csv = String::from_utf8(csv.stdout).unwrap();
    let row = csv.lines().find(|line| line.starts_with(&format!("{SHOP},account {SHOP},{HERE},")));
    assert!(row.unwrap().ends_with(",2026-07-03T10:00:00Z"), "{csv}");
    let page = std::fs::read_to_string(scene.path().join("page.html")).unwrap();
    assert!(page.contains("<td>2026-07-03T10:00:00Z</td>"), "{page}");
    let text = String::from_utf8(scene.run(&BOTH).await.stdout).unwrap();
    let line = format!("  {HERE}       2026-07-03T10:00:00Z  {SHOP} account {SHOP}\n");
    assert!(text.contains(&line) && text.contains(&format!("  none: {THERE}\n")), "{text}");
    assert!(text.contains("Read: 7 records in 1 call."), "{text}");
    let (_, report) = scene.json(&[&BOTH[..], &["--without", "findings"]].concat()).await;
    assert_eq!(report["last_findings"], Value::Null);
    assert!(!report.to_string().contains("\"last_finding\""), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_does_not_answer_leaves_the_matrix_whole() {
    let (mut scene, _slack) = scene().await;
    let queue = |name: &str| format!("https://sqs.us-east-1.amazonaws.com/111122223333/{name}");
    scene.variables.retain(|(name, _)| *name != "HANSHO_EMBEDDED_PATH");
    scene.variables.extend([
        ("HANSHO_QUEUE_STANDARD", queue("standard")),
        ("HANSHO_QUEUE_QUARANTINE", queue("quarantine")),
        ("HANSHO_LEDGER_TABLE", "ledger".to_owned()),
        // Nothing listens there.
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9".to_owned()),
    ]);
    let (code, report) = scene.json(&BOTH).await;
    assert_eq!((code, unread(&report)), (1, vec!["last findings  ".to_owned()]), "{report}");
    assert_eq!(
        (&report["places_complete"], &report["last_findings"]),
        (&json!(8), &json!("unreadable"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_posted_if_there_are_gaps() {
    let (scene, slack) = scene().await;
    drop(ledger(&scene));
    let post = [&BOTH[..], &["--post"]].concat();
    let output = scene.run(&post).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("there is no gap, so nothing is posted"), "{said}");
    assert!(slack.received().is_empty());
    scene.aws.change(|held| {
        held.accounts.get_mut(SHOP).unwrap().name = "<!channel> *shop*".into();
        held.detector(SHOP, HERE).on = false;
        held.detectors.remove(&(LAB.into(), HERE.into()));
        held.detectors.remove(&(LAB.into(), THERE.into()));
    });
    let output = scene.run(&post).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("the summary is posted to security"), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("3 gaps"), "{text}");
    let posts = slack.received();
    assert_eq!(posts.len(), 1);
    let title = "3 gaps in GuardDuty's coverage of 4 accounts and 2 regions";
    assert_eq!(posts[0].payload["text"], format!("ℹ️ hansho: {title}"));
    let shown = posts[0].payload["blocks"][0]["text"]["text"].as_str().unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[1], format!("no detector: {LAB} account {LAB} in all 2 regions"), "{shown}");
    assert!(lines[2].starts_with(&format!("detector suspended: {SHOP} ")), "{shown}");
    assert!(!posts[0].payload.to_string().contains("<!channel>"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_that_can_not_be_posted_is_a_failure() {
    let (scene, slack) = scene().await;
    let post = [&BOTH[..], &["--post"]].concat();
    scene.aws.change(|held| held.detector(SHOP, HERE).on = false);
    let output = scene.run(&post).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("hansho.db does not exist"), "{said}");
    drop(ledger(&scene));
    slack.otherwise(Behaviour::Status(404, "no_service".to_owned()));
    let output = scene.run(&post).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the summary was not posted to security"), "{said}");
    assert!(!said.contains(SECRET), "{said}");
    // The report itself is there.
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("1 gap"));
    let output = scene.run(&[&BOTH[..], &["--post", "nobody"]].concat()).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no destination nobody: give one of security"), "{said}");
}
