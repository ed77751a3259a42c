//! `hansho explain` with the real binary on the embedded store, after a real run: what was posted,
//! quarantined, left out, waits, and was never seen; and whatever may be given to it by mistake.

use std::process::Stdio;
use std::sync::Arc;

use hansho::clock::SystemClock;
use hansho::commands::demo::slack_standin::{Behaviour, SlackStandIn};
use hansho::embedded::{EmbeddedQueue, Incoming, Store};
use hansho::ports::{Clock, Lane};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

use crate::commands::run_e2e::{SECRET, finish, hansho};

struct Scene {
    folder: TempDir,
    slack: SlackStandIn,
}

fn event(id: &str, severity: f64) -> String {
    json!({
        "source": "aws.guardduty", "detail-type": "GuardDuty Finding", "account": "111122223333",
        "region": "eu-west-1", "detail": {
            "schemaVersion": "2.0", "id": id, "accountId": "111122223333", "region": "eu-west-1",
            "type": "Backdoor:EC2/C&CActivity.B!DNS", "severity": severity,
            "title": "C&C \u{1b}]0;owned\u{7}\u{1b}[31mactivity\u{202e}", "resource": {}, "service": {},
        },
    })
    .to_string()
}

impl Scene {
    async fn start() -> Scene {
        let clock = SystemClock::start();
        let slack = SlackStandIn::start(None, move || clock.now().mono.0).await.unwrap();
        Scene { folder: tempfile::tempdir().unwrap(), slack }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn command(&self, args: &[&str]) -> tokio::process::Command {
        let mut command = hansho(self.folder.path());
        command.args(args).envs([
            ("SLACK_WEBHOOK_URL", self.slack.webhook(SECRET)),
            ("HANSHO_DESTINATION_PACE", "10ms".to_owned()),
            ("HANSHO_DESTINATION_NAME", "security".to_owned()),
        ]);
        command
    }

    /// The output, and the exit code.
    async fn explain(&self, args: &[&str]) -> (String, Option<i32>) {
        let output = finish(self.command(&[&["explain"], args].concat())).await;
        let text = String::from_utf8(output.stdout).unwrap();
        let problems = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
        assert!(!problems.contains('\u{1b}') && !problems.contains("panicked"), "{problems:?}");
        (text + &problems, output.status.code())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_binary_names_the_account() {
    let scene = Scene::start().await;
    scene.write("accounts.csv", "id,name\n111122223333,prod-\u{202e}shop\n");
    scene.write("in.jsonl", &event("16afba5c5c43e07c9e3e5e2e544e95df", 8.0));
    let names = ("HANSHO_ACCOUNTS_FILE", "accounts.csv");
    let mut run = scene.command(&["run", "--input", "in.jsonl", "--drain"]);
    run.env(names.0, names.1);
    let run = finish(run).await;
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let push = scene.slack.received()[0].payload["text"].as_str().unwrap().to_owned();
    assert!(push.ends_with(" · prod-shop 111122223333 · eu-west-1"), "{push}");

    let mut explain = scene.command(&["explain", "16afba5c…"]);
    explain.env(names.0, names.1);
    let text = String::from_utf8(finish(explain).await.stdout).unwrap();
    let first = "guardduty/111122223333/eu-west-1/16afba5c5c43e07c9e3e5e2e544e95df (prod-shop)\n";
    assert!(text.starts_with(first), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_binary_tells_what_became_of_each_finding() {
    let scene = Scene::start().await;
    let (high, low) = (event("16afba5c5c43e07c9e3e5e2e544e95df", 8.0), event("10afba", 2.0));
    scene.write("in.jsonl", &format!("{high}\n{low}\n{{\"detail\": {{\"id\": \"20afba\"\n"));
    // The first post is refused, the second may have been taken.
    scene.slack.plan([Behaviour::Status(500, "rollup_error".to_owned())]);
    let drain = ["run", "--input", "in.jsonl", "--drain", "--allow-quarantine"];
    let run = finish(scene.command(&drain)).await;
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));

    let exact = "guardduty/111122223333/eu-west-1/16afba5c5c43e07c9e3e5e2e544e95df";
    let arn = "arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/16afba5c5c43e07c9e3e5e2e544e95df";
    let place = ["--account", "111122223333", "--region", "eu-west-1", "--product", "guardduty"];
    let id = "16afba5c5c43e07c9e3e5e2e544e95df";
    for args in [&[id][..], &["16afba5c5c…"], &[exact], &[arn], &[&[id], &place[..]].concat()] {
        let (text, code) = scene.explain(args).await;
        assert_eq!(code, Some(0), "{args:?}: {text}");
        for part in [exact, "security", "posted", "as high, in post", "one attempt failed"] {
            assert!(text.contains(part), "{args:?}: {part}: {text}");
        }
    }
    // The log's and Slack's words lead there: what was posted says an id that is taken.
    let posts = scene.slack.received();
    let footer = posts.last().unwrap().payload["attachments"][0]["blocks"]
        .as_array()
        .and_then(|blocks| blocks.last())
        .and_then(|block| block["elements"][0]["text"].as_str())
        .unwrap()
        .to_owned();
    let (text, code) = scene.explain(&[&footer]).await;
    assert_eq!(code, Some(0), "{footer}: {text}");
    let post = footer.rsplit('`').nth(1).unwrap();
    let (text, code) = scene.explain(&[post]).await;
    assert!(code == Some(0) && text.contains(exact), "{post}: {text}");

    scene.write("high.json", &high);
    let (text, code) = scene.explain(&["high.json"]).await;
    assert!(code == Some(0) && text.contains("as high; nothing more is posted unless"), "{text}");
    scene.write("worse.json", &high.replace("8.0", "9.5"));
    let (text, code) = scene.explain(&["worse.json"]).await;
    assert!(code == Some(0) && text.contains("critical is more severe than high"), "{text}");
    scene.write("low.json", &low);
    let (text, code) = scene.explain(&["low.json"]).await;
    assert!(code == Some(1) && text.contains("low (2) is below"), "{text}");
    assert!(text.contains("leaves no trace"), "{text}");

    let (text, code) = scene.explain(&["20afba", "--json"]).await;
    let quarantined: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &quarantined["known"]), (Some(0), &true.into()), "{text}");
    assert_eq!(quarantined["findings"][0]["events"][0]["reason"], "not_json", "{text}");
    scene.write("broken.json", "{\"detail\":\n  {\"id\": \"20afba\"\n");
    let (text, code) = scene.explain(&["broken.json"]).await;
    assert!(code == Some(0) && text.contains("not a finding: not_json"), "{text}");
    assert!(text.contains("reason: not_json"), "{text}");
    let (text, code) = scene.explain(&["broken.json", "--no-queues"]).await;
    assert!(code == Some(1) && !text.contains("reason: not_json"), "{text}");

    let (text, code) = scene.explain(&["deadbeef"]).await;
    assert!(code == Some(1) && text.contains("NO TRACE"), "{text}");

    // A waiting message is explained as waiting.
    let store = Store::open(&scene.folder.path().join("hansho.db")).unwrap();
    let queue = EmbeddedQueue::new(store, Arc::new(SystemClock::start()));
    let message =
        Incoming { message_id: "w-1".to_owned(), body: event("30afba", 5.0), place: None };
    queue.put(Lane::Standard, vec![message]).await.unwrap();
    let (text, code) = scene.explain(&["30afba"]).await;
    assert_eq!(code, Some(0), "{text}");
    for part in ["queued", "message w-1; not received yet", "owed", "medium (5)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_question_is_refused_and_says_why() {
    let scene = Scene::start().await;
    let (text, code) = scene.explain(&["16afba"]).await;
    assert!(code == Some(1) && text.contains("hansho.db does not exist"), "{text}");
    assert!(!scene.folder.path().join("hansho.db").exists(), "a question makes no store");
    Store::open(&scene.folder.path().join("hansho.db")).unwrap();
    scene.write("empty.json", " \n");
    scene.write("text.txt", "hello \u{1b}[2J there");
    scene.write("binary.json", "\u{0}\u{1}");
    scene.write("foreign.json", "{\"source\":\"aws.ec2\",\"detail-type\":\"x\",\"detail\":{}}");
    scene.write("odd id.json", &event("od\u{1b}[31md\u{202e}", 8.0));
    let deep = "[".repeat(100_000);
    scene.write("deep.json", &deep);
    let json = event("x", 8.0);
    for (args, expected, said) in [
        (&[""][..], 2, "the name is empty"),
        (&["missing.json"], 1, "missing.json does not exist"),
        (&["./missing"], 1, "does not exist"),
        (&["empty.json"], 1, "is empty"),
        (&["text.txt"], 1, "not a finding: not_json"),
        (&["binary.json"], 1, "is binary"),
        (&["foreign.json"], 1, "not a finding: not_a_finding"),
        (&["deep.json"], 1, "not a finding: too_deep"),
        (&["odd id.json"], 1, "od%1B[31md%E2%80%AE"),
        (&["od\u{1b}[31md"], 1, "NO TRACE"),
        (&[&json], 2, "the name is JSON"),
        (&["16afba", "--account", "12"], 2, "twelve digits"),
        (&["foreign.json", "--region", "eu-west-1"], 2, "a file contains them"),
        (&["a…"], 2, "matches too many"),
        (&["16afba", "--config", "none.toml"], 2, "none.toml"),
        (&["-"], 1, "is empty"),
    ] {
        let (text, code) = scene.explain(args).await;
        assert_eq!(code, Some(expected), "{args:?}: {text}");
        assert!(text.contains(said), "{args:?}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_taken_from_the_standard_input() {
    let scene = Scene::start().await;
    Store::open(&scene.folder.path().join("hansho.db")).unwrap();
    let mut command = scene.command(&["explain", "-", "--json"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(event("40afba", 8.0).as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(result["known"], false);
    assert_eq!(result["findings"][0]["about"]["level"], "high");
    assert_eq!(result["findings"][0]["destinations"][0]["owed"], true);
    assert_eq!(result["findings"][0]["destinations"][0]["state"], "none");
}
