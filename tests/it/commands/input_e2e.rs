//! Inputs that are damaged, packed or binary, through the real binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hansho::clock::SystemClock;
use hansho::commands::demo::slack_standin::{RateLimit, SlackStandIn};
use hansho::ports::Clock;
use serde_json::Value;

use super::run_e2e::{SECRET, finish, hansho};

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

    /// Runs a worker on a file. Answers with its counts, its exit code and what it wrote to stderr.
    async fn run(&self, input: &Path, more: &[&str]) -> (Value, Option<i32>, String) {
        let mut command = hansho(self.folder.path());
        command
            .args(["run", "--drain", "--json"])
            .args(more)
            .arg("--input")
            .arg(input)
            .env("SLACK_WEBHOOK_URL", self.slack.webhook(SECRET))
            .env("HANSHO_DESTINATION_PACE", "50ms");
        let output = finish(command).await;
        let counts = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        (counts, output.status.code(), log)
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/input")
}

/// Each line of `EXPECT.tsv`: file, alerts posted, messages quarantined, exit code, why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_whole_in_a_damaged_or_packed_input_is_posted() {
    let expected = fs::read_to_string(fixtures().join("EXPECT.tsv")).unwrap();
    let mut lines = 0;
    for line in expected.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        lines += 1;
        let columns: Vec<&str> = line.split('\t').collect();
        let scene = Scene::new().await;
        let file = fixtures().join(columns[0]);
        let (counts, code, log) = scene.run(&file, &[]).await;
        let got = [
            counts["posted"].to_string(),
            counts["quarantined"].to_string(),
            code.unwrap().to_string(),
        ];
        assert_eq!(got[..], columns[1..4], "{line}: {counts}\n{log}");
        let (counts, code, _) = scene.run(&file, &["--allow-quarantine"]).await;
        assert_eq!((&counts["posted"], code), (&0.into(), Some(0)), "again: {line}");
    }
    assert!(lines >= 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_binary_input_is_refused_before_anything_is_stored() {
    let scene = Scene::new().await;
    let file = scene.folder.path().join("program");
    fs::write(&file, b"\x7fELF\x02\x01\0\0").unwrap();
    let (_, code, log) = scene.run(&file, &[]).await;
    assert_eq!(code, Some(1));
    assert!(log.contains("program: is binary"), "{log}");
    assert!(scene.slack.received().is_empty());
}

/// What is below every threshold costs no row: the store does not grow with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_owed_to_nobody_is_counted_and_not_stored() {
    let scene = Scene::new().await;
    let noise = |i: usize| {
        let body = format!(
            r#"{{"schemaVersion":"2.0","id":"n{i}","accountId":"111122223333","region":"eu-west-1","type":"Recon:EC2/Portscan","severity":2,"title":"{}","service":{{}},"resource":{{}}}}"#,
            "t".repeat(2_000)
        );
        body
    };
    let mut lines: Vec<String> = (0..2_000).map(noise).collect();
    lines.insert(1_000, noise(9_999).replace(r#""severity":2"#, r#""severity":8"#));
    let file = scene.folder.path().join("night.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    let (counts, code, log) = scene.run(&file, &[]).await;
    assert_eq!(code, Some(0), "{log}");
    let count = |key: &str| counts[key].as_u64().unwrap();
    assert_eq!((count("received"), count("findings")), (2_001, 2_001));
    assert_eq!((count("below_threshold"), count("posted"), count("deleted")), (2_000, 1, 1));
    let store = fs::metadata(scene.folder.path().join("hansho.db")).unwrap().len();
    assert!(store < 200_000, "the input has 4 MB, the store {store} bytes");
}

/// The log and `replay list` name the place in the file, and what can be read of the message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_quarantined_says_where_it_stood_and_what_it_was() {
    let scene = Scene::new().await;
    // However long the path is, the list has room for the place in the file.
    let deep = scene.folder.path().join("workspace/".repeat(15));
    fs::create_dir_all(&deep).unwrap();
    fs::copy(fixtures().join("line_numbers.jsonl"), deep.join("line_numbers.jsonl")).unwrap();
    let (_, code, log) = scene.run(&deep.join("line_numbers.jsonl"), &[]).await;
    assert_eq!(code, Some(1), "{log}");
    let place = "line_numbers.jsonl line 3 column 2: not valid JSON";
    assert!(log.contains(place), "{log}");
    let (_, _, log) = scene.run(&fixtures().join("pretty_array_one_bad_NaN.json"), &[]).await;
    let line = log.lines().find(|line| line.contains(r#""message":"quarantined""#)).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    assert!(text("detail").contains("pretty_array_one_bad_NaN.json line "), "{line}");
    assert_eq!(text("account"), "111122223333", "{line}");
    assert!(text("title").contains("brute force"), "{line}");
    let mut command = hansho(scene.folder.path());
    command.args(["replay", "list"]).env("SLACK_WEBHOOK_URL", scene.slack.webhook(SECRET));
    let listed = String::from_utf8(finish(command).await.stdout).unwrap();
    assert!(listed.contains(place) && listed.contains("198.51.100.7 is perf"), "{listed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folders_and_patterns_are_inputs() {
    let scene = Scene::new().await;
    let folder = scene.folder.path().join("night");
    fs::create_dir_all(folder.join("a")).unwrap();
    let (counts, code, log) = scene.run(&folder, &[]).await;
    assert_eq!((counts, code), (Value::Null, Some(1)));
    assert!(log.contains("night: there is no file"), "{log}");
    fs::copy(fixtures().join("jsonl.gz"), folder.join("a/one.gz")).unwrap();
    let (counts, code, log) = scene.run(&folder, &[]).await;
    assert_eq!((&counts["posted"], code), (&5.into(), Some(0)), "{log}");
    let (counts, code, _) = scene.run(&folder.join("*/*.gz"), &[]).await;
    assert_eq!((&counts["already_posted"], code), (&5.into(), Some(0)), "{counts}");
}

/// Whoever reads the output may have seen enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_pipe_is_no_error_in_any_command() {
    let scene = Scene::new().await;
    let file = fixtures().join("three.jsonl");
    // Posted, quarantined, and already posted.
    scene.run(&fixtures().join("line_numbers.jsonl"), &[]).await;
    let file = file.to_str().unwrap();
    for line in [
        "run --drain",
        "run --drain --json",
        "render FILE",
        "render FILE --json",
        "check",
        "check --live",
        "check --live --json",
        "explain FILE",
        "explain FILE --json",
        "report",
        "report --json",
        "report --html -",
        "routes test FILE",
        "routes test FILE --json",
        "routes matrix",
        "replay list",
        "replay list --json",
        "replay export",
        "replay send --dry-run",
        "accounts list --json",
        "silence list --json",
        "store check",
        "completions bash",
        "--help",
        "--version",
    ] {
        let run = |stdout: Option<std::io::PipeWriter>| {
            let mut command = hansho(scene.folder.path());
            let args = line.split(' ').map(|word| if word == "FILE" { file } else { word });
            command.args(args).env("SLACK_WEBHOOK_URL", scene.slack.webhook(SECRET));
            command.stdout(stdout.map_or_else(std::process::Stdio::piped, Into::into));
            command.stderr(std::process::Stdio::piped()).stdin(std::process::Stdio::null());
            command.output()
        };
        let open = run(None).await.unwrap();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let closed = run(Some(writer)).await.unwrap();
        let said = String::from_utf8_lossy(&closed.stderr);
        assert!(!open.stdout.is_empty(), "{line} prints nothing: it proves nothing: {said}");
        assert_eq!(closed.status.code(), open.status.code(), "{line}: {said}");
        assert!(!said.contains("panicked") && !said.contains("roken pipe"), "{line}: {said}");
    }
}
