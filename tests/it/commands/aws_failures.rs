//! Every command that calls AWS, with the real binary: without credentials, and where nothing
//! listens. Each says what is wrong and what to do in plain words.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use clap::CommandFactory;
use hansho::commands::cli::Cli;

const CONFIG: &str = r#"
[queue]
standard = "https://sqs.eu-west-1.amazonaws.com/000000000000/findings"
quarantine = "https://sqs.eu-west-1.amazonaws.com/000000000000/quarantine"
[ledger]
table = "ledger"
[[destination]]
name = "security"
webhook = "env:WEBHOOK"
"#;

/// The commands that call AWS and end by themselves.
const COMMANDS: &[&str] = &[
    "check --live",
    "status",
    "explain 0123456789abcdef",
    "report",
    "routes test --id 0123456789abcdef",
    "replay list",
    "replay discard --all --yes --because x",
    "replay export",
    #[cfg(feature = "canary")]
    "canary",
    #[cfg(feature = "reconcile")]
    "reconcile --region eu-west-1 --since 1h",
    #[cfg(feature = "rollout")]
    "coverage --region eu-west-1",
    #[cfg(feature = "rollout")]
    "rollout plan --regions eu-west-1",
    #[cfg(feature = "organizations")]
    "accounts sync",
    "accounts list",
    "accounts show 111122223333",
    "silence list",
    "silence add --type Recon:* --until 1d --because x",
    "silence expire 0a1b",
];

/// They call no AWS API.
const WITHOUT_AWS: &[&str] = &["demo", "render", "health", "init", "store", "completions", "help"];

const NO_CREDENTIALS: &str =
    "no AWS credentials are found: set AWS_PROFILE and log in, or give the process a role";
const REFUSED: &str =
    "the connection is refused: check AWS_ENDPOINT_URL, the proxy and the network";

fn hansho(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hansho"));
    command.args(line.split_whitespace()).current_dir(folder).env_clear();
    command
        .env("HOME", folder)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_REGION", "eu-west-1")
        .env("HANSHO_METRICS_LISTEN", "off")
        .env("WEBHOOK", "https://hooks.slack.com/services/T/B/S3cret")
        .stdin(Stdio::null());
    command
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hansho.toml"), CONFIG).unwrap();
    folder
}

/// All that it prints. The log is JSON, so its quotes are escaped.
fn said(mut command: Command, line: &str) -> String {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(output.status.code(), Some(1), "{line}: {text}");
    text
}

fn is_plain(text: &str, line: &str) {
    // What Rust's debug format and the SDK's own errors look like.
    for sign in ["Error {", "Failure {", "Some(", "dispatch failure", "Attempted", "panicked"] {
        assert!(!text.contains(sign), "{line}: {sign}: {text}");
    }
    assert!(!text.contains("S3cret"), "{line}: {text}");
}

#[test]
fn without_credentials_every_command_says_so() {
    let folder = folder();
    for line in COMMANDS {
        let text = said(hansho(folder.path(), line), line);
        assert!(text.contains(NO_CREDENTIALS), "{line}: {text}");
        is_plain(&text, line);
    }
}

#[test]
fn where_nothing_listens_every_command_says_so() {
    let folder = folder();
    // Nobody listens on the port of a listener that is gone.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for line in COMMANDS {
        let mut command = hansho(folder.path(), line);
        command.env("AWS_ENDPOINT_URL", format!("http://{gone}"));
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        let text = said(command, line);
        assert!(text.contains(REFUSED), "{line}: {text}");
        is_plain(&text, line);
    }
}

#[test]
fn a_worker_without_credentials_says_so_in_its_log() {
    let folder = folder();
    let mut worker = hansho(folder.path(), "run").stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(worker.stderr.take().unwrap()).lines();
    let found = log.by_ref().map_while(Result::ok).take(50).find(|l| l.contains(NO_CREDENTIALS));
    worker.kill().unwrap();
    worker.wait().unwrap();
    is_plain(&found.expect("the log ended without a word on credentials"), "run");
}

#[test]
fn no_command_is_left_out() {
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let tried = COMMANDS.iter().any(|line| line.split(' ').next() == Some(name));
        let left_out = match name {
            "run" => true,
            "canary" => cfg!(not(feature = "canary")),
            "reconcile" => cfg!(not(feature = "reconcile")),
            name => WITHOUT_AWS.contains(&name),
        };
        assert!(tried || left_out, "{name}: put it on one of the two lists");
    }
}
