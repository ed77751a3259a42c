//! The short way of infra/README.md with the real binary, which becomes the worker itself: from
//! nothing to a plan that is empty, in the commands that the guide has.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::commands::estate_standin::{EstateStandIn, Held, credentials, place};
use crate::commands::rollout::{HOME, MANAGEMENT, SECURITY, WEBHOOK, program};

/// Packing takes longer without optimisation.
const LONGEST: Duration = Duration::from_secs(600);
const MEMBERS: [&str; 2] = ["444455556666", "777788889999"];
const OPTIONS: [&str; 6] = [
    "--management-role",
    "arn:aws:iam::000000000001:role/hansho-reader",
    "--regions",
    "eu-central-1,us-east-1",
    "--alarm-email",
    "oncall@corp.example",
];

/// A copy of the binary, as somebody has it after a download.
fn downloaded(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("hansho");
    std::fs::copy(env!("CARGO_BIN_EXE_hansho"), &path).unwrap();
    // A release has no symbols. Where there is no strip, the test takes longer.
    _ = std::process::Command::new("strip").arg(&path).status();
    path
}

/// Types a command of the guide, with the webhook on the standard input.
async fn typed(hansho: &Path, standin: &EstateStandIn, args: &[&str]) -> Output {
    let mut child = Command::new(hansho)
        .env_clear()
        .args(args)
        .args(OPTIONS)
        .envs(credentials(SECURITY))
        .env("AWS_ENDPOINT_URL", standin.endpoint())
        .env("AWS_ENDPOINT_URL_DYNAMODB", standin.ledger())
        .env("AWS_REGION", HOME)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    _ = input.write_all(format!("{WEBHOOK}\n").as_bytes()).await;
    drop(input);
    let output = tokio::time::timeout(LONGEST, child.wait_with_output());
    output.await.expect("it ends").unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_makes_everything_and_the_program_becomes_the_worker() {
    let folder = tempfile::tempdir().unwrap();
    let hansho = downloaded(&folder);
    let ids: Vec<&str> = [&[MANAGEMENT, SECURITY][..], &MEMBERS].concat();
    let held = Held { quick_stacks: true, ..Held::organisation(MANAGEMENT, &ids) };
    let standin = EstateStandIn::start(held).await;
    let planned = typed(&hansho, &standin, &["rollout", "plan", "--json"]).await;
    assert_eq!(planned.status.code(), Some(3), "{}", text(&planned));
    let steps: Value = serde_json::from_slice(&planned.stdout).unwrap();
    let steps = steps["steps"].as_array().unwrap();
    let worker = steps.iter().find(|step| step["step"] == "worker").unwrap();
    // A binary of this machine may need a newer glibc than Lambda has. Then it says what to do.
    let own = worker["status"] == "planned";
    let given = program(&folder);
    let mut more = vec!["--yes"];
    if !own {
        let why = worker["reason"].as_str().unwrap();
        assert!(why.contains("this program can't be it") && why.contains("build it"), "{why}");
        more.extend(["--worker", &given]);
    }
    let apply = [&["rollout", "apply"], more.as_slice()].concat();
    let applied = typed(&hansho, &standin, &apply).await;
    assert_eq!(applied.status.code(), Some(0), "{}", text(&applied));
    let again = [&["rollout", "plan"], &more[1..]].concat();
    let again = typed(&hansho, &standin, &again).await;
    assert_eq!(again.status.code(), Some(0), "{}", text(&again));
    assert!(text(&again).contains("Nothing is left to do."), "{}", text(&again));

    let (_, object) = standin.change(|held| held.objects.pop_first().unwrap());
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(object.bytes)).unwrap();
    let mut sent = Vec::new();
    std::io::copy(&mut zip.by_name("bootstrap").unwrap(), &mut sent).unwrap();
    let expected = if own { hansho } else { given.into() };
    assert!(sent == std::fs::read(&expected).unwrap(), "it is another program");
    standin.change(|held| {
        assert_eq!(held.secrets[&place(SECURITY, HOME)].as_deref(), Some(WEBHOOK));
        let members = &held.members[&place(SECURITY, "us-east-1")];
        assert!(MEMBERS.iter().all(|id| members[*id].relationship == "Enabled"));
    });
    if own {
        let bootstrap = folder.path().join("bootstrap");
        std::fs::write(&bootstrap, sent).unwrap();
        std::fs::set_permissions(&bootstrap, PermissionsExt::from_mode(0o755)).unwrap();
        let output = Command::new(&bootstrap).arg("--version").output().await.unwrap();
        let version = format!("hansho {}", env!("CARGO_PKG_VERSION"));
        assert!(text(&output).starts_with(&version), "{}", text(&output));
    }
}
