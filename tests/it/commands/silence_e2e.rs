//! `hansho silence` with the real binary on the embedded store, and what a worker makes of it.

use serde_json::{Value, json};

use crate::commands::accounts_e2e::Scene;

const ADD: [&str; 11] = [
    "silence",
    "add",
    "--type",
    "Backdoor:EC2/*",
    "--account",
    "111122223333",
    "--until",
    "14d",
    "--because",
    "weekly \u{202e}scan\n\u{1b}[31m",
    "--name",
];

fn event(id: &str, severity: f64, hour: u32) -> String {
    json!({
        "source": "aws.guardduty", "detail-type": "GuardDuty Finding", "account": "111122223333",
        "region": "eu-west-1", "detail": {
            "schemaVersion": "2.0", "id": id, "accountId": "111122223333", "region": "eu-west-1",
            "type": "Backdoor:EC2/C&CActivity.B!DNS", "severity": severity, "title": "C&C",
            "updatedAt": format!("2026-11-20T{hour:02}:00:00Z"), "resource": {}, "service": {},
        },
    })
    .to_string()
}

const ID: &str = "06afba5c5c43e07c9e3e5e2e544e95df";

/// Runs a worker on one event, and answers with its counts.
async fn run(scene: &Scene, event: &str) -> Value {
    scene.write("in.jsonl", event);
    let (out, err) = scene.done(&["run", "--input", "in.jsonl", "--drain", "--json"], 0).await;
    let mut tally: Value = serde_json::from_str(&out).unwrap();
    tally["log"] = err.into();
    tally
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_is_kept_back_until_the_silence_ends() {
    let scene = Scene::start().await;
    let (out, _) = scene.done(&[&ADD[..], &["scan"]].concat(), 0).await;
    assert!(out.starts_with("The silence scan is added, until 20"), "{out}");
    assert!(out.contains("up to high: account 111122223333; type Backdoor:EC2/*."), "{out}");
    let tally = run(&scene, &event(ID, 8.0, 10)).await;
    assert_eq!(
        (&tally["silenced"], &tally["posted"], &tally["deleted"]),
        (&json!(1), &json!(0), &json!(1))
    );
    let (out, _) = scene.done(&["silence", "show", "scan"], 0).await;
    assert!(out.contains("kept back  1 alert, 1 in the last 7 days\n"), "{out}");
    let log = tally["log"].as_str().unwrap();
    assert!(log.contains("silenced") && log.contains("weekly scan [31m"), "{log}");

    scene.write("asked.json", &event(ID, 8.0, 10));
    let (out, _) = scene.done(&["explain", "asked.json"], 1).await;
    assert!(out.contains("silenced"), "{out}");
    assert!(out.contains("by the silence scan, because: weekly scan [31m; posted if an"), "{out}");
    assert!(out.contains(", or critical"), "{out}");
    let (out, _) = scene.done(&["explain", ID], 1).await;
    assert!(out.contains("the silence in force kept it back, which leaves no trace"), "{out}");

    // Worse than the silence covers.
    let tally = run(&scene, &event(&ID.replace('0', "1"), 9.5, 10)).await;
    assert_eq!((&tally["silenced"], &tally["posted"]), (&json!(0), &json!(1)));
    let (out, _) = scene.done(&["silence", "expire", "scan"], 0).await;
    assert_eq!(out, "The silence scan has ended. Workers see it within 30 s.\n");
    let tally = run(&scene, &event(ID, 8.0, 11)).await;
    assert_eq!((&tally["silenced"], &tally["posted"]), (&json!(0), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn silences_are_listed_shown_and_imported() {
    let scene = Scene::start().await;
    let (out, err) = scene.done(&["silence", "list"], 1).await;
    assert!(out.is_empty() && err.contains("no worker has run in this folder"), "{out}{err}");
    scene.done(&[&ADD[..], &["scan", "--owner", "team X"]].concat(), 0).await;
    let (out, err) = scene.done(&["silence", "list"], 0).await;
    let expected = [
        "ID    STATE     ENDS       COVERS  KEPT BACK  KEEPS BACK   OWNER   BECAUSE\n",
        "scan  in force  in 13d23h  high-   none counted  account 111122223333; type Backdoor:EC2/*  team X  weekly scan [31m\n",
    ];
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeezed(&out).replace("14d0h", "13d23h"), squeezed(&expected.concat()));
    assert!(err.contains("1 in force"), "{err}");
    let (out, _) = scene.done(&["silence", "show", "scan"], 0).await;
    assert!(out.contains("covers     high and less severe\n"), "{out}");
    let (out, _) = scene.done(&["silence", "show", "scan", "--json"], 0).await;
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["match"], json!({"type": ["Backdoor:EC2/*"], "account": ["111122223333"]}));
    assert_eq!((&shown["state"], &shown["owner"]), (&json!("in force"), &json!("team X")));

    let until = shown["until"].as_str().unwrap();
    scene.write(
        "s.toml",
        &format!("[[silence]]\nid = 'new'\nresource = ['web-*']\nuntil = {until}\nbecause = 'x'\n"),
    );
    let import = ["silence", "import", "s.toml", "--prune"];
    let (dry, err) = scene.done(&[&import[..], &["--dry-run"]].concat(), 0).await;
    assert!(dry.starts_with("+ new: resource web-*; covers high; until "), "{dry}");
    assert!(
        dry.contains("- scan: ") && dry.contains("\n  before: account 111122223333; type"),
        "{dry}"
    );
    assert!(err.contains("1 silence in the file, 2 would be changed"), "{err}");
    let (out, _) = scene.done(&["silence", "list"], 0).await;
    assert!(out.contains("scan") && !out.contains("new"), "{out}");
    scene.done(&import, 0).await;
    let (out, err) = scene.done(&import, 0).await;
    assert!(out.is_empty() && err.contains("1 silence in the file, 0 changed"), "{out}{err}");
    let (out, _) = scene.done(&["silence", "list"], 0).await;
    assert!(!out.contains("scan") && out.contains("new"), "{out}");
    let (out, _) = scene.done(&["silence", "list", "--all", "--json"], 0).await;
    let listed: Value = serde_json::from_str(&out).unwrap();
    let states = listed["silences"].as_array().unwrap().iter().map(|s| s["state"].as_str());
    assert_eq!(states.collect::<Vec<_>>(), [Some("in force"), Some("ended")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_be_kept_back_and_adds_nothing() {
    let scene = Scene::start().await;
    let other = event(ID, 8.0, 10).replace("Backdoor", "Recon");
    let (high, critical, low) = (event("a", 8.0, 10), event("b", 9.5, 10), event("c", 2.0, 10));
    scene.write("f.jsonl", &[high, critical, low, other].join("\n"));
    let dry = [&ADD[..], &["scan", "--dry-run", "f.jsonl"]].concat();
    let (out, _) = scene.done(&dry, 0).await;
    let expected =
        "Of 4 findings, 3 are owed to a destination. The silence would keep back 1 of them.";
    assert!(out.contains(expected) && out.contains("111122223333"), "{out}");
    let (out, _) = scene.done(&[&dry[..], &["--critical", "--json"]].concat(), 0).await;
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(out["kept_back"].as_array().unwrap().len(), 2);
    // Nor is a store made.
    scene.done(&[&ADD[..], &["scan", "--dry-run"]].concat(), 0).await;
    let (_, err) = scene.done(&["silence", "list"], 1).await;
    assert!(err.contains("does not exist"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_over_the_last_days_asks_the_ledger() {
    let scene = Scene::start().await;
    let other = event(ID, 8.0, 10).replace("Backdoor", "Recon");
    let all = [event("a", 8.0, 10), event("b", 9.5, 10), event("c", 2.0, 10), other].join("\n");
    assert_eq!(run(&scene, &all).await["posted"], 3);
    let dry = [&ADD[..], &["scan", "--dry-run"]].concat();
    let (out, _) = scene.done(&dry, 0).await;
    let expected = "Of 3 findings posted in the last 7 days, the silence would have kept back 1. \
                    Nothing was added.";
    assert!(out.contains(expected) && out.contains("Backdoor:EC2/C&CActivity.B!DNS"), "{out}");
    let (out, _) = scene.done(&[&dry[..], &["--critical", "--json"]].concat(), 0).await;
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&out["posted"], &out["kept_back"], &out["unclear"]),
        (&3.into(), &2.into(), &0.into())
    );
    let refused = [&dry[..], &["--resource-tag", "Env=prod"]].concat();
    let (_, err) = scene.done(&refused, 2).await;
    assert!(err.contains("the ledger does not keep resource_tag: give --dry-run a file"), "{err}");
    let (out, _) = scene.done(&["silence", "list"], 0).await;
    assert!(out.is_empty(), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_says_what_to_do() {
    let scene = Scene::start().await;
    scene.done(&[&ADD[..], &["scan"]].concat(), 0).await;
    let add = |more: &[&'static str]| {
        [&["silence", "add", "--until", "1d", "--because", "x"][..], more].concat()
    };
    for (args, expected) in [
        ([&ADD[..], &["scan"]].concat(), "there is a silence scan already: give another --name"),
        (
            add(&["--account", "111122223333"]),
            "must name a type, a resource or the id of a finding",
        ),
        (add(&["--type", "*"]), "must name types and resources by more than wildcards"),
        (add(&["--type", "*:EC2/*", "--critical"]), "none may begin with a wildcard"),
        (add(&["--type", "a", "--covers", "critical"]), "must be written as --critical"),
        (add(&["--type", "a", "--account", "x", "--account", "111122223333"]), "--account must be"),
        (add(&["--type", "a", "--ou", "prod"]), "--ou must be paths of units"),
        (add(&["--type", "a", "--not", "colour=x"]), "--not must be a key and a pattern"),
        (add(&["--type", "a", "--name", "A B"]), "must have an id of 1 to 40 characters"),
        (add(&["--type", "a", "--from", "2d"]), "must end after it begins"),
        (add(&["--id", "*"]), "must have whole ids, without *"),
        (vec!["silence", "expire", "none\u{1b}[31m"], "no silence none [31m is known"),
        (vec!["silence", "import", "absent.toml"], "absent.toml: can't be opened"),
        (
            vec!["silence", "add", "--type", "a", "--until", "91d", "--because", "x"],
            "within 90 days",
        ),
    ] {
        let (out, err) = scene.done(&args, 2).await;
        assert!(out.is_empty() && err.contains(expected), "{args:?} {err}");
    }
    let (_, err) = scene.done(&["silence", "show", "none"], 1).await;
    assert!(err.contains("no silence none is known: `hansho silence list --all`"), "{err}");
    scene.done(&add(&["--type", "a", "--account", "prod-*", "--not", "ou=/prod/*"]), 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_knows_is_warned_of_and_added() {
    let scene = Scene::start().await;
    scene.write("a.csv", "id,name\n111122223333,prod-shop\n");
    scene.done(&["accounts", "sync", "--file", "a.csv"], 0).await;
    let (_, err) = scene.done(&[&ADD[..], &["scan"]].concat(), 0).await;
    assert!(!err.contains("warning"), "{err}");
    let (out, err) = scene
        .done(&[&ADD[..], &["b", "--account", "999988887777", "--region", "eu-wst-1"]].concat(), 0)
        .await;
    assert!(out.starts_with("The silence b is added"), "{out}");
    assert!(err.contains("warning: no known account fits account 999988887777"), "{err}");
    assert!(err.contains("warning: AWS has no region eu-wst-1"), "{err}");
    let file = "[[silence]]\nid = 'x'\nmatch = { type = 'Reconn:*' }\nuntil = 2020-01-01T00:00:00Z\n\
                because = 'x'\n";
    let (_, err) = scene.done_with(&["silence", "import", "-"], file, 0).await;
    let said = "warning: the silence x: no product of AWS has types that begin as Reconn:*";
    assert!(err.contains(said) && err.contains("1 silence in the file, 0 changed"), "{err}");
}
