//! `hansho accounts` with the real binary on the embedded store, and what a worker makes of the
//! directory.

use std::process::Output;

use hansho::clock::SystemClock;
use hansho::commands::accounts::directory;
use hansho::commands::demo::slack_standin::SlackStandIn;
use hansho::embedded::{EmbeddedLedger, Store};
use hansho::instants::Wall;
use hansho::policy::directory::Source;
use hansho::ports::{AccountEntry, Accounts, Clock};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::commands::run_e2e::{SECRET, finish, hansho};

pub struct Scene {
    folder: TempDir,
    slack: SlackStandIn,
}

impl Scene {
    pub async fn start() -> Scene {
        let clock = SystemClock::start();
        let slack = SlackStandIn::start(None, move || clock.now().mono.0).await.unwrap();
        Scene { folder: tempfile::tempdir().unwrap(), slack }
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> tokio::process::Command {
        let mut command = hansho(self.folder.path());
        command.args(args).envs([
            ("SLACK_WEBHOOK_URL", self.slack.webhook(SECRET)),
            ("HANSHO_DESTINATION_PACE", "10ms".to_owned()),
            ("HANSHO_EMBEDDED_PATH", "hansho.db".to_owned()),
        ]);
        command
    }

    pub async fn done(&self, args: &[&str], code: i32) -> (String, String) {
        said(&finish(self.command(args)).await, code)
    }

    /// As [`Scene::done`], with a standard input.
    pub async fn done_with(&self, args: &[&str], input: &str, code: i32) -> (String, String) {
        let path = self.folder.path().join("stdin");
        std::fs::write(&path, input).unwrap();
        let mut command = self.command(args);
        command.stdin(std::fs::File::open(path).unwrap());
        said(&finish(command).await, code)
    }

    /// As [`Scene::done`], where the command may end in more than one way.
    pub async fn one_of(&self, args: &[&str], codes: &[i32]) -> (String, String) {
        let output = finish(self.command(args)).await;
        let code = output.status.code().unwrap();
        assert!(codes.contains(&code), "{args:?}: {output:?}");
        said(&output, code)
    }

    pub fn slack(&self) -> &SlackStandIn {
        &self.slack
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    fn ledger(&self) -> EmbeddedLedger {
        EmbeddedLedger::new(Store::open(&self.folder.path().join("hansho.db")).unwrap())
    }
}

/// The standard output and the standard error.
fn said(output: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    assert!(!out.contains('\u{202e}') && !err.contains("panicked"), "{out}{err}");
    (out, err)
}

const CSV: &str = "id,name,email,ou,status,tag:team,tag:env\n\
    111122223333,prod-\u{202e}shop,shop@corp.example,/prod/payments,ACTIVE,shop,prod\n\
    444455556666,data,,/,SUSPENDED,,\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_synced_listed_and_given_back() {
    let scene = Scene::start().await;
    scene.write("a.csv", CSV);
    let (_, err) = scene.done(&["accounts", "list"], 1).await;
    assert!(err.contains("hansho.db does not exist: no worker has run in this folder"), "{err}");
    drop(scene.ledger());
    let (out, err) = scene.done(&["accounts", "list"], 0).await;
    assert!(out.is_empty() && err.contains("0 accounts; the ledger has no directory"), "{err}");
    let sync = ["accounts", "sync", "--file", "a.csv"];
    let (out, _) = scene.done(&sync, 0).await;
    assert!(out.starts_with("The directory of 2 accounts is written: 2 added, 0 rem"), "{out}");
    let (out, _) = scene.done(&sync, 0).await;
    assert!(out.starts_with("The directory of 2 accounts is unchanged."), "{out}");

    let (out, err) = scene.done(&["accounts", "list"], 0).await;
    let expected = [
        "ID            NAME       STATUS     OU              EMAIL              TAGS\n",
        "111122223333  prod-shop  ACTIVE     /prod/payments  shop@corp.example  env=prod, team=shop\n",
        "444455556666  data       SUSPENDED  /               -                  -\n",
    ];
    assert_eq!(out, expected.concat());
    assert!(err.contains("2 accounts; the directory was synced 0s ago"), "{err}");
    let (out, _) = scene.done(&["accounts", "show", "111122223333"], 0).await;
    assert!(
        out.contains("ou      /prod/payments\n") && out.contains("name    prod-shop\n"),
        "{out}"
    );
    let (_, err) = scene.done(&["accounts", "show", "999999999999"], 1).await;
    assert!(err.contains("no account of this id is known"), "{err}");

    // What list prints is a file of accounts.
    let (json, _) = scene.done(&["accounts", "list", "--json"], 0).await;
    scene.write("b.json", &json);
    let again = ["accounts", "sync", "--file", "b.json", "--json"];
    let (out, _) = scene.done(&again, 0).await;
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&out["accounts"], &out["changed"]), (&json!(2), &json!(false)));
    let (out, _) = scene.done(&["accounts", "sync", "--file", "b.json", "--tag", "env"], 0).await;
    assert!(out.contains("is written"), "{out}");
    let (out, _) = scene.done(&["accounts", "show", "111122223333", "--json"], 0).await;
    let out: AccountEntry = serde_json::from_str(&out).unwrap();
    assert_eq!(out.tags, [("env".to_owned(), "prod".to_owned())].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_file_is_said_and_nothing_is_written() {
    let scene = Scene::start().await;
    for (text, expected) in [
        ("", "a.csv: is empty"),
        ("id,nam\n", "a.csv: line 1 has an unknown column"),
        (r#"{"Accounts":[],"NextToken":"x"}"#, "a.csv: is cut off"),
        ("id,name\n1,a\n", "a.csv: line 2 must have an account id"),
    ] {
        scene.write("a.csv", text);
        let (out, err) = scene.done(&["accounts", "sync", "--file", "a.csv"], 2).await;
        assert!(out.is_empty() && err.contains(expected), "{err}");
    }
    let (_, err) = scene.done(&["accounts", "sync", "--file", "b.csv"], 2).await;
    assert!(err.contains("b.csv: can't be opened"), "{err}");
    assert!(!scene.folder.path().join("hansho.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_says_what_it_changes_and_is_refused_if_most_accounts_are_missing() {
    let scene = Scene::start().await;
    let csv = |from: u32, to: u32, name: &str| {
        let lines = (from..to).map(|n| format!("{n:012},{name}{n}\n"));
        lines.collect::<String>()
    };
    let sync = ["accounts", "sync", "--file", "-"];
    for (file, expected) in [
        (csv(0, 4, "a"), "4 accounts is written: 4 added, 0 removed, 0 changed."),
        (csv(2, 5, "a"), "3 accounts is written: 1 added, 2 removed, 0 changed."),
        (csv(2, 4, "b"), "2 accounts is written: 0 added, 1 removed, 2 changed."),
        (csv(2, 4, "b"), "2 accounts is unchanged."),
    ] {
        let (out, _) = scene.done_with(&sync, &file, 0).await;
        assert!(out.contains(expected), "{out}");
    }
    let (out, err) = scene.done_with(&sync, &csv(7, 8, "c"), 2).await;
    let expected = "2 of the 2 known accounts are missing, so nothing was written: give --yes if";
    assert!(out.is_empty() && err.contains(expected), "{err}");
    let (out, _) = scene.done(&["accounts", "list"], 0).await;
    assert!(out.contains("b2") && !out.contains("c7"), "{out}");
    let all = [&sync[..], &["--yes", "--json"]].concat();
    let (out, _) = scene.done_with(&all, &csv(7, 8, "c"), 0).await;
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&out["added"], &out["removed"], &out["differ"]), (&1.into(), &2.into(), &0.into()));
    let (_, err) = scene.done_with(&sync, "1,a\n", 2).await;
    assert!(err.contains("-: line 1 must have an account id"), "{err}");
}

#[cfg(feature = "organizations")]
#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_synced() {
    let standin = crate::support::organizations_standin::OrganizationsStandIn::start().await;
    crate::adapters::organizations::fill(&standin);
    let scene = Scene::start().await;
    let sync = async |more: &[&str], code| {
        let mut command = scene.command(&[&["accounts", "sync"], more].concat());
        command.envs([
            ("AWS_ENDPOINT_URL_ORGANIZATIONS", standin.endpoint.as_str()),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]);
        said(&finish(command).await, code)
    };
    let (out, _) = sync(&["--tag", "team"], 0).await;
    assert!(out.starts_with("The directory of 7 accounts is written: 7 added"), "{out}");
    let (out, _) = scene.done(&["accounts", "list"], 0).await;
    assert!(out.contains("/prod/payments") && out.contains("team=payments"), "{out}");
    assert!(!out.contains("owner"), "{out}");
    let (print, _) = sync(&["--print"], 0).await;
    scene.write("c.json", &print);
    let (out, _) = scene.done(&["accounts", "sync", "--file", "c.json", "--tag", "team"], 0).await;
    assert!(out.starts_with("The directory of 7 accounts is unchanged."), "{out}");
    standin.fail(1, 400, "AccessDeniedException");
    let (_, err) = sync(&[], 1).await;
    assert!(err.contains("organizations ListRoots") && err.contains("operator.yaml"), "{err}");
    let (out, _) = scene.done(&["accounts", "list"], 0).await;
    assert!(out.contains("team=payments"), "the directory is as it was: {out}");
}

fn event(id: &str) -> String {
    json!({
        "source": "aws.guardduty", "detail-type": "GuardDuty Finding", "account": "111122223333",
        "region": "eu-west-1", "detail": {
            "schemaVersion": "2.0", "id": id, "accountId": "111122223333", "region": "eu-west-1",
            "type": "Backdoor:EC2/C&CActivity.B!DNS", "severity": 8.0, "title": "C&C activity",
            "resource": {}, "service": {},
        },
    })
    .to_string()
}

/// A worker reads the directory in the background, so its first posts may lack a name.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_names_the_accounts_of_the_directory() {
    let scene = Scene::start().await;
    scene.write("a.csv", CSV);
    scene.done(&["accounts", "sync", "--file", "a.csv"], 0).await;
    let mut named = false;
    for n in 0..20 {
        scene.write("in.jsonl", &event(&format!("{n}6afba5c5c43e07c9e3e5e2e544e95df")));
        scene.done(&["run", "--input", "in.jsonl", "--drain"], 0).await;
        let posts = scene.slack.received();
        let push = posts.last().unwrap().payload["text"].as_str().unwrap();
        named = push.ends_with(" · prod-shop 111122223333 · eu-west-1");
        if named {
            break;
        }
    }
    assert!(named);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_directory_is_reported() {
    let scene = Scene::start().await;
    let mut accounts = Accounts::default();
    accounts.add("111122223333", "prod-shop").unwrap();
    let now = SystemClock::start().now().wall;
    let then = Wall(now.0 - 50 * 3_600_000);
    directory::write(&scene.ledger(), &accounts, &Source::File, then).await.unwrap();
    let (_, err) = scene.done(&["accounts", "list"], 0).await;
    assert!(err.contains("synced 2d2h ago, stale: run `hansho accounts sync`"), "{err}");
    let (out, _) = scene.done(&["check", "--live"], 1).await;
    assert!(out.contains("1 account, synced at") && out.contains("it is stale"), "{out}");
}
