//! The life of a finding through the real binary: each event of a case is run by itself, so that
//! only the store remembers the one before.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hansho::clock::SystemClock;
use hansho::commands::demo::slack_standin::{RateLimit, SlackStandIn};
use hansho::ports::Clock;
use serde_json::{Value, json};

use super::run_e2e::{SECRET, finish, hansho, summary};

const MENTION: &str = "<!subteam^S012AB3CD>";

struct Scene {
    slack: SlackStandIn,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Scene {
        let clock = SystemClock::start();
        let pace = RateLimit { period: Duration::from_millis(10), burst: 50 };
        let slack = SlackStandIn::start(Some(pace), move || clock.now().mono.0).await.unwrap();
        Scene { slack, folder: tempfile::tempdir().unwrap() }
    }

    /// Runs a worker on these events, and answers with its counts and the texts that Slack got.
    async fn run(&self, events: &[&str]) -> (Value, Vec<String>) {
        let before = self.slack.received().len();
        let input = self.folder.path().join("events.jsonl");
        std::fs::write(&input, events.join("\n")).unwrap();
        let mut command = self.command();
        command.args(["run", "--drain", "--json"]).arg("--input").arg(&input);
        let tally = summary(&finish(command).await);
        let posts = self.slack.received();
        let texts = posts[before..].iter().map(|post| post.payload.to_string()).collect();
        (tally, texts)
    }

    fn command(&self) -> tokio::process::Command {
        let mut command = hansho(self.folder.path());
        command.envs([
            ("SLACK_WEBHOOK_URL", self.slack.webhook(SECRET)),
            ("HANSHO_DESTINATION_PACE", "50ms".to_owned()),
            ("HANSHO_DESTINATION_MENTION_HIGH", MENTION.to_owned()),
            ("HANSHO_MIN_SEVERITY", "medium".to_owned()),
        ]);
        command
    }

    /// What `hansho explain` says.
    async fn explain(&self, args: &[&str]) -> (String, Option<i32>) {
        let mut command = self.command();
        command.arg("explain").args(args);
        let output = finish(command).await;
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    }

    /// What `hansho explain` says of these events in a file.
    async fn explain_events(&self, events: &str, args: &[&str]) -> String {
        let file = self.folder.path().join("asked.jsonl");
        std::fs::write(&file, events).unwrap();
        self.explain(&[&[file.to_str().unwrap()], args].concat()).await.0
    }
}

fn case(name: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/life").join(name);
    let text = std::fs::read_to_string::<&Path>(&path).unwrap();
    text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_case_posts_what_is_open_and_no_more() {
    for (name, posts, mentions) in [
        ("control-fails-passes-fails.jsonl", &[1, 0, 1][..], 2),
        ("control-passed-high.json", &[0], 0),
        ("workflow-suppressed.json", &[0], 0),
        ("access-analyzer-resolved.json", &[0], 0),
        ("inspector-closed.json", &[0], 0),
        ("guardduty-archived-then-active.jsonl", &[0, 1], 1),
        ("ocsf-suppressed.json", &[0], 0),
        ("one-control-four-standards.jsonl", &[1, 0, 0, 0], 1),
        ("suppressed-without-a-new-updatedat.jsonl", &[1, 0, 0], 1),
        ("cloudtrail-archive-click.json", &[0], 0),
        ("custom-action-after-posted.jsonl", &[1, 1], 2),
        ("s3-object-threat-found.json", &[1], 1),
    ] {
        let scene = Scene::new().await;
        let (mut got, mut texts) = (Vec::new(), Vec::new());
        for event in case(name) {
            let (tally, posted) = scene.run(&[&event]).await;
            assert_eq!(tally["quarantined"], 0, "{name}: {tally}");
            got.push(posted.len());
            texts.extend(posted);
        }
        assert_eq!(got, posts, "{name}: {texts:?}");
        let mentioned: usize = texts.iter().filter(|text| text.contains("S012AB3CD")).count();
        assert_eq!(mentioned, mentions, "{name}: {texts:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comeback_says_since_when_it_was_closed() {
    let scene = Scene::new().await;
    let events = case("control-fails-passes-fails.jsonl");
    let (first, _) = scene.run(&[&events[0]]).await;
    let (second, _) = scene.run(&[&events[1]]).await;
    let (third, texts) = scene.run(&[&events[2]]).await;
    assert_eq!((&first["posted"], &first["came_back"]), (&json!(1), &json!(0)));
    assert_eq!((&second["closed"], &second["ended"]), (&json!(1), &json!(1)));
    assert_eq!((&third["posted"], &third["came_back"]), (&json!(1), &json!(1)));
    assert!(texts[0].contains("came back") && texts[0].contains("resolved since"), "{texts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_post_names_the_standards_that_joined() {
    let scene = Scene::new().await;
    let events = case("one-control-four-standards.jsonl");
    for event in &events {
        scene.run(&[event]).await;
    }
    let mut worse: Value = serde_json::from_str(&events[0]).unwrap();
    let finding = &mut worse["detail"]["findings"][0];
    finding["Severity"] = json!({ "Label": "CRITICAL", "Normalized": 90 });
    finding["UpdatedAt"] = json!("2026-12-24T00:00:00.000Z");
    finding["ProcessedAt"] = finding["UpdatedAt"].clone();
    let (tally, texts) = scene.run(&[&worse.to_string()]).await;
    assert_eq!(tally["escalated"], 1, "{tally}");
    let standards = texts[0].split("Standards: ").nth(1).unwrap().split("\\n").next().unwrap();
    assert_eq!(standards.matches(", ").count(), 3, "{standards}");
}

/// The standards' findings that wait together, in one event or in several, are one card that names
/// each standard once. One that passed is not named.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_names_the_standards_that_wait_with_it() {
    let events = case("one-control-four-standards.jsonl");
    let mut all: Value = serde_json::from_str(&events[0]).unwrap();
    let mut findings: Vec<Value> = Vec::new();
    for event in &events {
        let event: Value = serde_json::from_str(event).unwrap();
        findings.extend(event["detail"]["findings"].as_array().unwrap().iter().cloned());
    }
    all["detail"]["findings"] = json!(findings);
    let mut passed = all.clone();
    passed["detail"]["findings"][3]["Compliance"]["Status"] = json!("PASSED");
    let lines: Vec<&str> = events.iter().map(String::as_str).collect();
    for (events, count) in [
        (&lines[..], 4),
        (&[all.to_string().as_str()][..], 4),
        (&[passed.to_string().as_str()][..], 3),
    ] {
        let scene = Scene::new().await;
        let (tally, texts) = scene.run(events).await;
        assert_eq!(texts.len(), 1, "{tally}");
        let standards = texts[0].split("Standards: ").nth(1).unwrap_or(&texts[0]);
        let standards = standards.split("\\n").next().unwrap();
        assert_eq!(standards.split(", ").count(), count, "{standards}");
    }
}

/// `hansho explain` says of each event what it is, in the words of the card.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_tells_what_an_event_is() {
    let scene = Scene::new().await;
    let lines = case("custom-action-after-posted.jsonl");
    scene.run(&[&lines[1]]).await;
    let mut clean: Value = serde_json::from_str(&case("s3-object-threat-found.json")[0]).unwrap();
    clean["detail"]["scanResultDetails"] = json!({ "scanResultStatus": "NO_THREATS_FOUND" });
    let api_call = case("cloudtrail-archive-click.json").remove(0);
    for (event, said) in [
        (&api_call, "no finding (cloudtrail): 1 event,"),
        (&clean.to_string(), "no finding (clean_scan): 1 event,"),
        (&format!("{api_call}\n{api_call}"), "no finding (cloudtrail): 2 events,"),
        (&case("control-passed-high.json")[0], "resolved by its product since"),
        (&case("workflow-suppressed.json")[0], "suppressed by a person in Security Hub since"),
        (&case("guardduty-archived-then-active.jsonl")[0], "suppressed by its product since"),
        (&lines[1], "requested by action Send to Slack"),
    ] {
        let text = scene.explain_events(event, &[]).await;
        assert!(text.contains(said), "{said}: {text}");
        assert!(!text.contains("archived"), "{text}");
    }
    let text = scene.explain_events(&api_call, &["--json"]).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["ignored"], json!({ "cloudtrail": 1 }));
    let text = scene.explain_events(&case("workflow-suppressed.json")[0], &["--json"]).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    let closed = &answer["findings"][0]["about"]["closed"];
    assert_eq!((&closed["why"], &closed["by"]), (&json!("suppressed"), &json!("person")));
}

/// The id of a custom action's event leads to all that was sent with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_finds_what_a_person_sent_by_its_event() {
    let scene = Scene::new().await;
    let mut event: Value =
        serde_json::from_str(&case("custom-action-after-posted.jsonl")[1]).unwrap();
    let id = "8f1b2c3d-0000-4000-8000-123456789abc";
    event["id"] = json!(id);
    scene.run(&[&event.to_string()]).await;
    let (text, code) = scene.explain(&[id]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(&format!("event/{id}/")) && text.contains("posted"), "{text}");
}

/// A blind agent that is healthy again and then blind again is posted twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_blind_again_is_posted_again() {
    let scene = Scene::new().await;
    let event = |status: &str, at: &str| {
        json!({
            "version": "0", "id": at, "detail-type": format!("GuardDuty Runtime Protection {status}"),
            "source": "aws.guardduty", "account": "444455556666", "time": at, "region": "eu-west-1",
            "detail": {
                "schemaVersion": "1.0", "resourceAccountId": "444455556666", "lastUpdatedAt": at,
                "resourceDetails": {
                    "resourceType": "EC2", "ec2InstanceDetails": {"instanceId": "i-0abc"},
                },
            },
        })
        .to_string()
    };
    for (status, at, posts) in [
        ("Unhealthy", "2026-11-20T10:00:00Z", 1),
        ("Unhealthy", "2026-11-20T10:01:00Z", 0),
        ("Healthy", "2026-11-21T10:00:00Z", 0),
        ("Healthy", "2026-11-21T10:00:00Z", 0),
        ("Unhealthy", "2026-11-22T10:00:00Z", 1),
    ] {
        let (tally, texts) = scene.run(&[&event(status, at)]).await;
        assert_eq!((texts.len(), &tally["quarantined"]), (posts, &json!(0)), "{status} {at}");
    }
}

/// Two presses of the button are two posts, for a finding that is closed and below the threshold
/// too. Copies of one event are one post, in one run or in two, and mention nobody when closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_sends_is_posted_once_for_each_event() {
    let scene = Scene::new().await;
    let press = |id: &str| {
        let event = case("custom-action-after-posted.jsonl").remove(1);
        let mut event: Value = serde_json::from_str(&event).unwrap();
        event["id"] = json!(id);
        for finding in event["detail"]["findings"].as_array_mut().unwrap() {
            finding["Compliance"]["Status"] = json!("PASSED");
            finding["Severity"] = json!({"Label": "LOW"});
        }
        event.to_string()
    };
    let (first, second) = (press("press-1"), press("press-2"));
    let (tally, texts) = scene.run(&[&first, &first]).await;
    assert_eq!((texts.len(), &tally["posted"]), (1, &json!(1)), "{tally}");
    assert!(texts[0].contains("Send to Slack") && texts[0].contains("closed: resolved"));
    assert!(!texts[0].contains("S012AB3CD"), "{texts:?}");
    assert_eq!(scene.run(&[&first]).await.1.len(), 0);
    assert_eq!(scene.run(&[&second, &first]).await.1.len(), 1);
}

/// The copies of each state come in any order, doubled, within one run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_copies_change_nothing() {
    let scene = Scene::new().await;
    let events = case("control-fails-passes-fails.jsonl");
    let [fails, passes, again] = &events[..] else { panic!("three events") };
    scene.run(&[fails, fails]).await;
    scene.run(&[passes, fails, passes, fails]).await;
    let (tally, texts) = scene.run(&[again, passes, fails, again, passes]).await;
    assert_eq!(texts.len(), 1, "{tally}");
    assert_eq!(scene.slack.received().len(), 2, "{tally}");
    let (tally, texts) = scene.run(&[fails, passes, again]).await;
    assert_eq!(texts.len(), 0, "{tally}");
}

/// A control of Security Hub as it is so many minutes after ten.
fn control(product: &str, workflow: &str, label: &str, minutes: u32) -> String {
    let first = case("control-fails-passes-fails.jsonl").remove(0);
    let mut event: Value = serde_json::from_str(&first).unwrap();
    let at = format!("2026-11-20T10:{minutes:02}:00Z");
    event["time"] = at.clone().into();
    let finding = &mut event["detail"]["findings"][0];
    finding["UpdatedAt"] = at.clone().into();
    finding["ProcessedAt"] = at.into();
    finding["Severity"] = json!({ "Label": label });
    finding["Workflow"] = json!({ "Status": workflow });
    finding["Compliance"]["Status"] = product.into();
    event.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_counts_is_the_time_of_a_state_and_not_its_arrival() {
    for (what, events, posts) in [
        (
            "worse than what a person suppressed, as Security Hub itself says",
            vec![
                control("FAILED", "NEW", "HIGH", 1),
                control("FAILED", "SUPPRESSED", "HIGH", 2),
                control("FAILED", "SUPPRESSED", "CRITICAL", 3),
            ],
            &[1, 0, 1][..],
        ),
        (
            "passed before its failure arrives, and fails again",
            vec![
                control("PASSED", "NEW", "INFORMATIONAL", 2),
                control("FAILED", "NEW", "HIGH", 1),
                control("FAILED", "NEW", "HIGH", 3),
            ],
            &[0, 0, 1],
        ),
        (
            "suppressed before anybody knew of it",
            vec![
                control("FAILED", "SUPPRESSED", "HIGH", 1),
                control("FAILED", "SUPPRESSED", "HIGH", 2),
                control("FAILED", "NEW", "HIGH", 3),
            ],
            &[0, 0, 1],
        ),
    ] {
        let scene = Scene::new().await;
        let mut got = Vec::new();
        for event in &events {
            got.push(scene.run(&[event]).await.1.len());
        }
        assert_eq!(got, posts, "{what}");
    }
}
