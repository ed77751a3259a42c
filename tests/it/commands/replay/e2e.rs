//! The real binary, on both backends, over real sockets: with hundreds of messages of all kinds,
//! and killed in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use hansho::aws::sqs::SqsDeadLetters;
use hansho::clock::SystemClock;
use hansho::commands::demo::slack_standin::SlackStandIn;
use hansho::embedded::{EmbeddedDeadLetters, EmbeddedQueue, Store};
use hansho::ports::{Clock, DeadLetter, DeadLetterQueue, Lane, QUEUE_BATCH_MAX, Queue, ReceiveAsk};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::contract::{dead_letter, scan_all};
use crate::adapters::dynamodb;
use crate::commands::run_e2e::{SECRET, assert_no_secret, finish, hansho, on_aws, shows, summary};
use crate::support::sqs_standin::{Fault, SqsStandIn, StandInClock};

struct Scene {
    folder: TempDir,
    slack: SlackStandIn,
    /// The SQS stand-in, and DynamoDB's endpoint. None: the embedded store.
    aws: Option<(SqsStandIn, String)>,
}

impl Scene {
    async fn new(aws: Option<(SqsStandIn, String)>) -> Scene {
        let clock = SystemClock::start();
        let slack = SlackStandIn::start(None, move || clock.now().mono.0).await.unwrap();
        let scene = Scene { folder: tempfile::tempdir().unwrap(), slack, aws };
        if scene.aws.is_none() {
            drop(Store::open(&scene.path("hansho.db")).unwrap());
        }
        scene
    }

    async fn embedded() -> Scene {
        Scene::new(None).await
    }

    async fn aws() -> Scene {
        let sqs = SqsStandIn::start(StandInClock::running()).await;
        for queue in ["standard", "express", "quarantine", "undelivered"] {
            sqs.create(queue, &[]);
        }
        let endpoint = dynamodb::serve_table("hansho-ledger").await;
        Scene::new(Some((sqs, endpoint))).await
    }

    async fn both() -> [Scene; 2] {
        [Scene::embedded().await, Scene::aws().await]
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sqs(&self) -> &SqsStandIn {
        &self.aws.as_ref().expect("a scene on aws").0
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = hansho(self.folder.path());
        command.args(args).env("SLACK_WEBHOOK_URL", self.slack.webhook(SECRET));
        if let Some((sqs, dynamodb)) = &self.aws {
            let urls = ["standard", "express", "quarantine"].map(|name| sqs.url(name));
            on_aws(&mut command, &urls, "hansho-ledger", &sqs.endpoint(), dynamodb);
        }
        command
    }

    async fn replay(&self, args: &[&str]) -> Output {
        let mut all = vec!["replay"];
        all.extend(args);
        finish(self.command(&all)).await
    }

    /// The standard output of a replay that went well.
    async fn said(&self, args: &[&str]) -> String {
        let output = self.replay(args).await;
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {} {log}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    async fn put(&self, all: &[DeadLetter]) {
        match &self.aws {
            None => {
                let store = Store::open(&self.path("hansho.db")).unwrap();
                let queue = EmbeddedDeadLetters::new(store, Arc::new(SystemClock::start()));
                for letter in all {
                    queue.put(letter).await.unwrap();
                }
            }
            Some((sqs, _)) => {
                let config = crate::adapters::sqs::sdk_config(&sqs.endpoint()).await;
                let queue = SqsDeadLetters::new(&config, sqs.url("quarantine"), None, None);
                for letter in all {
                    queue.put(letter).await.unwrap();
                }
            }
        }
    }

    /// The bodies of all dead letters, hidden or not.
    async fn dead_letters(&self) -> Vec<String> {
        match &self.aws {
            None => {
                let store = Store::open(&self.path("hansho.db")).unwrap();
                let queue = EmbeddedDeadLetters::new(store, Arc::new(SystemClock::start()));
                let all = scan_all(&queue, Duration::ZERO).await;
                all.into_iter().map(|held| held.dead_letter.body).collect()
            }
            // What SQS does not take is there as a JSON string.
            Some((sqs, _)) => sqs
                .messages("quarantine")
                .into_iter()
                .map(|m| serde_json::from_str::<String>(&m.body).unwrap_or(m.body))
                .collect(),
        }
    }

    /// How often each body is in a lane. Called once a scene: it takes them out of the embedded
    /// one.
    async fn in_lanes(&self) -> BTreeMap<String, usize> {
        let mut all = BTreeMap::new();
        match &self.aws {
            None => {
                let store = Store::open(&self.path("hansho.db")).unwrap();
                let queue = EmbeddedQueue::new(store, Arc::new(SystemClock::start()));
                loop {
                    let (wait, visibility) = (Duration::ZERO, Duration::from_secs(600));
                    let ask = ReceiveAsk { lane: Lane::Standard, max: 10, wait, visibility };
                    let some = queue.receive(ask).await.unwrap();
                    if some.is_empty() {
                        break;
                    }
                    some.into_iter().for_each(|d| *all.entry(d.body).or_default() += 1);
                }
            }
            Some((sqs, _)) => {
                for lane in ["standard", "express"] {
                    for message in sqs.messages(lane) {
                        *all.entry(message.body).or_default() += 1;
                    }
                }
            }
        }
        all
    }

    async fn work(&self) -> Value {
        let mut worker = self.command(&["run", "--drain", "--json"]);
        worker.envs([("HANSHO_DESTINATION_PACE", "20ms")]);
        summary(&finish(worker).await)
    }

    fn posts_of(&self, number: usize) -> usize {
        let id = format!("{number:032x}");
        self.slack.received().iter().filter(|post| post.accepted && shows(post, &id)).count()
    }
}

fn finding(number: usize, severity: f64) -> String {
    super::crashes::finding(number, severity)
}

/// So many of all kinds: each third is a finding at the levels in turn, others are broken, empty,
/// hostile, of another service, or real findings of the fixtures.
fn many(count: usize) -> Vec<DeadLetter> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/findings");
    let mut fixtures: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    fixtures.sort();
    let of = |number: usize| match number % 6 {
        0 | 3 => (finding(number, [2.0, 5.0, 8.0, 9.5][number / 3 % 4]), "refused"),
        1 => (format!("{{\"broken\": {number}"), "not_json"),
        2 => (format!("\u{1b}[31m{number}\u{7}\u{202e} \u{0}"), "not_json"),
        4 => (format!("{} ", fixtures[number % fixtures.len()]) + &" ".repeat(number), "refused"),
        _ => (format!(r#"{{"source":"aws.ec2","n":{number}}}"#), "not_a_finding"),
    };
    (0..count)
        .map(|number| {
            let (body, reason) = of(number);
            let detail = Some(format!("\u{1b}]0;owned\u{7} {number}"));
            DeadLetter { reason: Some(reason.to_owned()), detail, ..dead_letter(number, &body) }
        })
        .collect()
}

fn bodies(all: &[DeadLetter]) -> BTreeSet<String> {
    all.iter().map(|letter| letter.body.clone()).collect()
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_are_listed_and_left_in_place() {
    for scene in Scene::both().await {
        let all = many(340);
        scene.put(&all).await;
        for _ in 0..2 {
            let list: Value = serde_json::from_str(&scene.said(&["list", "--json"]).await).unwrap();
            assert_eq!((&list["dead_letters"], &list["matched"]), (&340.into(), &340.into()));
            assert_eq!((&list["complete"], &list["hidden"]), (&true.into(), &0.into()));
            let reasons: usize = list["by_reason"]
                .as_array()
                .unwrap()
                .iter()
                .map(|sum| sum["messages"].as_u64().unwrap() as usize)
                .sum();
            assert_eq!(reasons, 340);
        }
        let text = scene.said(&["list"]).await;
        assert_eq!(
            text.lines()
                .filter(|line| line.contains("  letter-")
                    || line.contains("original-")
                    || line.contains("00000000-0000-4000"))
                .count(),
            340
        );
        assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'));
        let broken = scene.said(&["list", "--reason", "not_j*", "--json"]).await;
        let broken: Value = serde_json::from_str(&broken).unwrap();
        assert_eq!(broken["matched"], 114);
        assert_eq!(
            sorted(scene.dead_letters().await),
            sorted(all.into_iter().map(|p| p.body).collect())
        );
        assert!(scene.in_lanes().await.is_empty());
    }
}

/// The way of an operator: a dry run, a part at a rate, the rest; then a worker posts each once,
/// and again what was forced.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_then_the_rest_then_each_is_posted_once() {
    for scene in Scene::both().await {
        let findings: Vec<DeadLetter> = (0..40)
            .map(|n| dead_letter(n, &finding(n, [5.0, 8.0, 9.5, 2.0][n % 4])))
            .chain([dead_letter(50, "broken")])
            .collect();
        scene.put(&findings).await;
        let plan = scene.said(&["send", "-n", "--json", "--severity", "critical"]).await;
        let plan: Value = serde_json::from_str(&plan).unwrap();
        assert_eq!((&plan["matched"], &plan["totals"]["posted"]), (&10.into(), &10.into()));
        assert_eq!(plan["previews"].as_array().unwrap().len(), 3);
        assert_eq!(scene.dead_letters().await.len(), 41);

        let sent =
            scene.said(&["send", "--json", "--severity", "critical", "--rate", "100/s"]).await;
        let sent: Value = serde_json::from_str(&sent).unwrap();
        assert_eq!(sent["sent"], 10);
        let lane = if scene.aws.is_some() { "express" } else { "standard" };
        assert_eq!(sent[lane], 10);
        let left = scene.dead_letters().await;
        assert!(left.len() == 31 && !left.iter().any(|body| body.contains("\"severity\":9.5")));
        assert_eq!(scene.work().await["posted"], 10);

        scene.said(&["send", "--rate", "100/s"]).await;
        assert!(scene.dead_letters().await.is_empty());
        let tally = scene.work().await;
        assert_eq!((&tally["posted"], &tally["quarantined"]), (&20.into(), &1.into()), "{tally}");
        for number in 0..40 {
            assert_eq!(scene.posts_of(number), usize::from(number % 4 != 3), "{number}");
        }

        // The same once more: the ledger covers it, unless it is made to forget.
        let again = [dead_letter(101, &finding(1, 8.0)), dead_letter(102, &finding(2, 9.5))];
        scene.put(&again).await;
        let plan = scene.said(&["send", "-n", "--json", "--severity", "high+"]).await;
        let plan: Value = serde_json::from_str(&plan).unwrap();
        assert_eq!(plan["totals"]["already_posted"], 2, "{plan}");
        let refused = scene.replay(&["send", "--force", "--severity", "high+"]).await;
        assert_eq!(refused.status.code(), Some(2));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("2 of 2 messages") && said.contains("--yes"), "{said}");
        assert_eq!(scene.dead_letters().await.len(), 3);
        scene.said(&["send", "--severity", "high"]).await;
        assert_eq!(scene.work().await["already_posted"], 1);
        let forced = scene.said(&["send", "--force", "--yes", "--severity", "critical"]).await;
        assert!(forced.contains("1 ledger records reset"), "{forced}");
        assert_eq!(scene.work().await["posted"], 1);
        assert_eq!((scene.posts_of(1), scene.posts_of(2)), (1, 2));
    }
}

/// Kills the replay when its call has arrived at the queue, before or after it is carried out.
#[tokio::test(flavor = "multi_thread")]
async fn aws_killed_at_each_kind_of_call_nothing_is_lost() {
    for operation in
        ["ReceiveMessage", "ChangeMessageVisibilityBatch", "SendMessageBatch", "DeleteMessageBatch"]
    {
        for fault in [Fault::Hang, Fault::HangAfter] {
            let scene = Scene::aws().await;
            let all = many(48);
            scene.put(&all).await;
            scene.sqs().inject(operation, 1, fault.clone());
            let mut replay =
                scene.command(&["replay", "send", "--reason", "refused,not_json"]).spawn().unwrap();
            let arrived = || scene.sqs().calls().iter().any(|call| call.operation == operation);
            for _ in 0..600 {
                if arrived() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert!(arrived(), "{operation}");
            tokio::time::sleep(Duration::from_millis(100)).await;
            replay.start_kill().unwrap();
            assert_no_secret(&replay.wait_with_output().await.unwrap());

            // What it held is hidden for a minute at most.
            let hidden: Vec<_> = scene.sqs().messages("quarantine");
            scene.sqs().advance(Duration::from_secs(60));
            assert!(scene.sqs().messages("quarantine").iter().all(|m| m.visible), "{hidden:?}");
            let sent: Value = serde_json::from_str(&scene.said(&["send", "--json"]).await).unwrap();
            assert_eq!(sent["left"], 0);
            assert!(scene.dead_letters().await.is_empty(), "{operation} {fault:?}");
            let there = scene.in_lanes().await;
            let carried: BTreeSet<String> = there
                .keys()
                .map(|t| serde_json::from_str::<String>(t).unwrap_or_else(|_| t.clone()))
                .collect();
            assert_eq!(carried, bodies(&all), "{operation} {fault:?}");
            let copies: usize = there.values().map(|n| n - 1).sum();
            assert!(copies <= QUEUE_BATCH_MAX, "{operation} {fault:?}: {copies} copies");
        }
    }
}

/// What was held at the kill is no reason to believe that all is done.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_next_replay_says_what_is_hidden_or_waits_for_it() {
    let scene = Scene::aws().await;
    let all = many(36);
    scene.put(&all).await;
    let mut replay = scene.command(&["replay", "send", "--rate", "5/s"]).spawn().unwrap();
    for _ in 0..600 {
        if scene.dead_letters().await.len() < 36 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    replay.start_kill().unwrap();
    assert_no_secret(&replay.wait_with_output().await.unwrap());
    let left = scene.dead_letters().await.len();
    assert!(left > 0 && left < 36, "{left}");

    let soon = scene.replay(&["send"]).await;
    let (said, notes) = (
        String::from_utf8_lossy(&soon.stdout).into_owned(),
        String::from_utf8_lossy(&soon.stderr).into_owned(),
    );
    assert_eq!(soon.status.code(), Some(1), "{said} {notes}");
    assert!(said.contains(&format!("{left} hidden from this scan")), "{said}");
    assert!(notes.contains("visible by"), "{notes}");
    assert_eq!(scene.dead_letters().await.len(), left);
    for args in [["discard", "--all", "--because=x", "--yes"], ["export", "--output=-", "", ""]] {
        let args: Vec<&str> = args.into_iter().filter(|arg| !arg.is_empty()).collect();
        assert_eq!(scene.replay(&args).await.status.code(), Some(1), "{args:?}");
    }
    assert_eq!(scene.dead_letters().await.len(), left);

    let waiting = scene.command(&["replay", "send", "--wait", "--rate", "100/s"]).spawn().unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(scene.dead_letters().await.len(), left);
    scene.sqs().advance(Duration::from_secs(60));
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting.wait_with_output()).await;
    let waited = waited.expect("it ends").unwrap();
    let notes = String::from_utf8_lossy(&waited.stderr).into_owned();
    assert!(waited.status.success(), "{notes}");
    assert!(notes.contains(&format!("waiting for {left} hidden messages until")), "{notes}");
    assert!(scene.dead_letters().await.is_empty());
}

/// With `--keep` what can't be read would come back from the worker as a second copy, at each run.
#[tokio::test(flavor = "multi_thread")]
async fn kept_messages_are_not_quarantined_again_by_the_worker() {
    for scene in Scene::both().await {
        let both = [finding(3, 8.0), r#"{"detail":{}}"#.to_owned()];
        scene
            .put(&[
                dead_letter(1, &finding(1, 8.0)),
                dead_letter(2, &finding(2, 5.0)),
                dead_letter(3, &format!("[{}]", both.join(","))),
                dead_letter(4, "broken"),
                dead_letter(5, r#"{"source":"aws.ec2"}"#),
            ])
            .await;
        let count = scene.dead_letters().await.len();
        let dry = scene.replay(&["send", "--keep", "-n", "--json"]).await;
        let notes = String::from_utf8_lossy(&dry.stderr).into_owned();
        assert!(notes.contains("3 unreadable messages are left out"), "{notes}");
        let plan: Value = serde_json::from_slice(&dry.stdout).unwrap();
        assert_eq!(plan["messages"].as_array().unwrap().len(), 2, "{plan}");
        for _ in 0..2 {
            let kept = scene.replay(&["send", "--keep"]).await;
            let notes = String::from_utf8_lossy(&kept.stderr).into_owned();
            let said = String::from_utf8_lossy(&kept.stdout).into_owned();
            assert!(kept.status.success(), "{said} {notes}");
            assert!(notes.contains("3 unreadable messages are left out"), "{notes}");
            assert!(said.contains("2 sent") && said.contains("3 unreadable, left out"), "{said}");
            assert_eq!(scene.work().await["quarantined"], 0);
            assert_eq!(scene.dead_letters().await.len(), count);
        }
    }
}

/// A move is one transaction in the embedded store: however often it is killed, there is no copy.
#[tokio::test(flavor = "multi_thread")]
async fn embedded_killed_at_any_moment_each_is_sent_once() {
    let scene = Scene::embedded().await;
    let all = many(240);
    scene.put(&all).await;
    let mut random = fastrand::Rng::with_seed(11);
    let (mut kills, mut midway) = (0_u64, 0);
    for _ in 0..40 {
        let mut replay = scene.command(&["replay", "send", "--rate", "200/s"]).spawn().unwrap();
        // Longer from kill to kill, as a busy machine starts a program late.
        tokio::time::sleep(Duration::from_millis(random.u64(5..160 + 20 * kills))).await;
        replay.start_kill().unwrap();
        assert_no_secret(&replay.wait_with_output().await.unwrap());
        kills += 1;
        let left = scene.dead_letters().await.len();
        midway += usize::from(left > 0 && left < 240);
        if left < 60 {
            break;
        }
    }
    assert!(kills > 2 && midway > 1, "{kills} kills, {midway} of them midway");
    scene.said(&["send", "--rate", "1000/s"]).await;
    assert!(scene.dead_letters().await.is_empty());
    let there = scene.in_lanes().await;
    assert_eq!(there.keys().cloned().collect::<BTreeSet<_>>(), bodies(&all));
    assert!(there.values().all(|n| *n == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_a_replay_well_and_shows_the_rest_again() {
    for scene in Scene::both().await {
        scene.put(&many(60)).await;
        let replay = scene.command(&["replay", "send", "--json", "--rate", "5/s"]).spawn().unwrap();
        for _ in 0..600 {
            if scene.dead_letters().await.len() < 60 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let pid = replay.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        let output = tokio::time::timeout(Duration::from_secs(20), replay.wait_with_output());
        let output = output.await.expect("within 20 s").unwrap();
        assert_no_secret(&output);
        assert_eq!(output.status.code(), Some(1));
        let tally: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(tally["interrupted"], true);
        assert!(tally["left"].as_u64() > Some(0));
        let left = scene.dead_letters().await.len() as u64;
        assert_eq!(tally["left"].as_u64(), Some(left));
        if let Some((sqs, _)) = &scene.aws {
            assert!(sqs.messages("quarantine").iter().all(|m| m.visible), "shown again at once");
        }
        scene.said(&["send", "--rate", "1000/s"]).await;
        assert!(scene.dead_letters().await.is_empty());
    }
}

/// From SQS to a file, from there to an embedded store, and back.
#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_go_to_a_file_and_back_and_to_another_backend() {
    let (there, here) = (Scene::aws().await, Scene::embedded().await);
    let all = many(60);
    there.put(&all).await;
    let file = there.path("letter.jsonl");
    let file = file.to_str().unwrap();
    there.said(&["export", "--output", file, "--remove"]).await;
    assert!(there.dead_letters().await.is_empty());
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "others may not read it");
    let again = there.replay(&["export", "--output", file]).await;
    assert_eq!(again.status.code(), Some(1), "a file that is there is not written over");

    assert!(here.said(&["import", file]).await.contains("60 imported"));
    assert!(here.said(&["import", file]).await.contains("60 already in this queue"));
    assert_eq!(bodies(&all), here.dead_letters().await.into_iter().collect());
    let lines = here.said(&["export"]).await;
    std::fs::write(here.path("back.jsonl"), &lines).unwrap();
    let back = here.path("back.jsonl");
    assert!(there.said(&["import", back.to_str().unwrap()]).await.contains("60 imported"));
    assert!(
        there.said(&["import", back.to_str().unwrap()]).await.contains("60 already in this queue")
    );
    assert_eq!(bodies(&all), there.dead_letters().await.into_iter().collect());
    let list: Value = serde_json::from_str(&there.said(&["list", "--json"]).await).unwrap();
    let reasons: BTreeSet<&str> = list["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, BTreeSet::from(["not_a_finding", "not_json", "refused"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discard_is_meant_and_logged() {
    for scene in Scene::both().await {
        scene.put(&many(30)).await;
        for (args, said) in [
            (vec!["discard", "--because", "noise"], "at least one filter, or --all"),
            (vec!["discard", "--all", "--because", " "], "--because"),
            (vec!["discard", "--all", "--reason", "x", "--because", "y"], "not both"),
            (vec!["discard", "--reason", "not_json", "--because", "noise"], "--yes"),
        ] {
            let output = scene.replay(&args).await;
            assert_eq!(output.status.code(), Some(2), "{args:?}");
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(text.contains(said), "{args:?}: {text}");
            assert_eq!(scene.dead_letters().await.len(), 30);
        }
        let because = ["discard", "--reason", "not_json", "--because", "fuzzing by team X", "-n"];
        assert!(scene.said(&because).await.contains("nothing was discarded"));
        assert_eq!(scene.dead_letters().await.len(), 30);
        let because = ["discard", "--reason", "not_json", "--because", "fuzzing by team X", "-y"];
        let output = scene.replay(&because).await;
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("10 discarded"));
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(log.matches("\"because\":\"fuzzing by team X\"").count(), 10, "{log}");
        assert!(!log.contains('\u{1b}'));
        assert_eq!(scene.dead_letters().await.len(), 20);
    }
}

/// What EventBridge could not deliver, with a configuration for sending, and without any for
/// looking.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_queue_is_named_by_its_url() {
    let scene = Scene::aws().await;
    let url = scene.sqs().url("undelivered");
    let client =
        aws_sdk_sqs::Client::new(&crate::adapters::sqs::sdk_config(&scene.sqs().endpoint()).await);
    for number in 0..25 {
        let text = |value: &str| {
            aws_sdk_sqs::types::MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()
                .unwrap()
        };
        let send = client.send_message().queue_url(&url);
        let code = if number < 5 { "NO_PERMISSIONS" } else { "THROTTLING" };
        send.message_body(finding(number, 8.0))
            .message_attributes("ERROR_CODE", text(code))
            .message_attributes("RULE_ARN", text("arn:aws:events:us-east-1:1:rule/hansho/std"))
            .message_attributes("RETRY_ATTEMPTS", text("185"))
            .send()
            .await
            .unwrap();
    }
    let mut bare = hansho(scene.folder.path());
    bare.args(["replay", "list", "--from", &url]).envs([
        ("AWS_ENDPOINT_URL_SQS", scene.sqs().endpoint().as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]);
    let output = finish(bare).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("25 dead letters") && text.contains("rule std"), "{text}");
    let sum = text.lines().rev().find(|line| line.starts_with("THROTTLING")).unwrap();
    assert_eq!(sum.split_whitespace().nth(1), Some("20"), "{text}");
    scene.said(&["send", "--from", &url, "--reason", "throttling"]).await;
    assert_eq!(scene.sqs().messages("undelivered").len(), 5);
    assert_eq!(scene.sqs().messages("express").len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let scene = Scene::aws().await;
    let (lane, missing) = (scene.sqs().url("standard"), scene.sqs().url("no-such-queue"));
    for (args, code, said) in [
        (vec!["list", "--from", lane.as_str()], 2, "one of the worker's own queues"),
        (vec!["list", "--from", missing.as_str()], 1, "does not exist"),
        (vec!["import", "--into", missing.as_str(), "/dev/null"], 1, "does not exist"),
        (vec!["list", "--severity", "severe"], 2, "critical"),
        (vec!["send", "--rate", "fast"], 2, "20/s"),
        (vec!["export", "--remove"], 2, "--output"),
        (vec!["list", "--id", "abc"], 2, "'--id <ID>': must be an id, or at least its first 8"),
        (vec!["show", "abc"], 2, "'<ID>': must be an id, or at least its first 8"),
        (vec!["send", "-n", "--account", "prod-*"], 2, "'--account <GLOB>': matches no account"),
        (vec!["export", "--region", "europe"], 2, "'--region <GLOB>': matches no region"),
        (vec!["list", "--severity", "severe"], 2, "'--severity <LEVEL[+]>'"),
        (vec!["list", "--since", "1h", "--until", "2h"], 2, "--since is not before --until"),
        (
            vec!["discard", "--since", "2999-01-01", "--because", "x"],
            2,
            "--since is in the future, so no dead letter",
        ),
        (vec!["import", "no.jsonl"], 1, "no.jsonl"),
        (vec!["list", "--config", "no.toml"], 2, "no.toml"),
    ] {
        let output = scene.replay(&args).await;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        assert!(text.contains(said), "{args:?}: {text}");
        assert!(!text.contains("panicked"), "{text}");
    }
    scene.put(&many(30)).await;
    let slow = scene.replay(&["send", "--rate", "1/h"]).await;
    assert_eq!(slow.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&slow.stderr).contains("higher --rate"));
    assert!(scene.sqs().messages("quarantine").iter().all(|m| m.visible), "given back");

    let folder = tempfile::tempdir().unwrap();
    let mut elsewhere = hansho(folder.path());
    elsewhere.args(["replay", "list"]);
    let output = finish(elsewhere).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("hansho.db does not exist"));
    assert!(!folder.path().join("hansho.db").exists(), "and is not made by looking for it");
}

/// An operator's machine knows no webhook. What is asked of the ledger is said to be a guess then.
#[tokio::test(flavor = "multi_thread")]
async fn no_webhook_is_needed() {
    let scene = Scene::embedded().await;
    scene.put(&many(12)).await;
    let run = async |args: &[&str]| {
        let mut command = hansho(scene.folder.path());
        command.arg("replay").args(args);
        finish(command).await
    };
    assert!(run(&["list"]).await.status.success());
    let dry = run(&["send", "-n"]).await;
    assert!(dry.status.success());
    let note = String::from_utf8_lossy(&dry.stderr).into_owned();
    assert!(note.contains("no destination is configured here"), "{note}");
    assert_eq!(run(&["send", "--force", "-y"]).await.status.code(), Some(2));
    assert!(run(&["send"]).await.status.success());
    assert!(scene.dead_letters().await.is_empty());
}
