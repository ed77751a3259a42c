//! One hostile corpus through every output: what somebody wrote into a finding, a name or a reason
//! stays text. `docs/design/outputs.md` has the table of outputs and of what makes a text harmless.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use hansho::desk::Report;
use hansho::finding::{Finding, parse};
use hansho::instants::Wall;
use hansho::metrics::Metrics;
use hansho::metrics::emf::Emf;
use hansho::ports::Lane;
use serde_json::{Value, json};

use crate::commands::accounts_e2e::Scene;
use crate::support::harmless::{check_html, check_json, check_text, texts};
use crate::support::post_rules::{check_limits, check_preview, check_strings};

/// Each row of the table.
const OUTPUTS: [&str; 8] =
    ["Slack", "HTML", "terminal", "JSON", "shell command", "CSV", "EMF and the log", "Prometheus"];
/// What decides what a finding is, and the numbers and times: these stay as they are.
const KEPT: [&str; 40] = [
    "source",
    "detail-type",
    "account",
    "region",
    "version",
    "time",
    "schemaVersion",
    "SchemaVersion",
    "accountId",
    "AwsAccountId",
    "awsAccountId",
    "Region",
    "arn",
    "Arn",
    "ProductArn",
    "productArn",
    "resourceType",
    "type",
    "Type",
    "TopicArn",
    "Message",
    "Records",
    "body",
    "CreatedAt",
    "UpdatedAt",
    "createdAt",
    "updatedAt",
    "Label",
    "severity",
    "Severity",
    "class_uid",
    "category_uid",
    "status",
    "RecordState",
    "Status",
    "detail_type",
    "uid",
    "eventFirstSeen",
    "eventLastSeen",
    "archived",
];

/// Puts the hostile texts in front of the texts of a value, one after another.
fn spoil(value: &mut Value, texts: &mut impl Iterator<Item = String>) {
    match value {
        Value::String(text) => *text = texts.next().unwrap() + " " + text,
        Value::Array(all) => all.iter_mut().for_each(|one| spoil(one, texts)),
        Value::Object(all) => {
            let spoiled = all.iter_mut().filter(|(key, _)| !KEPT.contains(&key.as_str()));
            spoiled.for_each(|(_, one)| spoil(one, texts));
        }
        _ => {}
    }
}

/// Every fixture, so spoiled, as JSON lines.
fn findings() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut texts = texts().into_iter().cycle();
    let mut all = Vec::new();
    for folder in ["findings", "message"].map(|name| folder.join(name)) {
        let mut files: Vec<_> =
            fs::read_dir(folder).unwrap().map(|one| one.unwrap().path()).collect();
        files.sort();
        for file in files {
            let mut value: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            spoil(&mut value, &mut texts);
            all.push(value.to_string());
        }
    }
    all
}

fn names() -> String {
    let accounts = texts().into_iter().zip(1_u64..).map(|(name, number)| {
        json!({"id": format!("{number:012}"), "name": name.chars().take(60).collect::<String>()})
    });
    let known = [json!({"id": "111122223333", "name": "<b>=prod\u{1b}[31m\u{202e}</b>"})];
    json!({"accounts": accounts.chain(known).collect::<Vec<_>>()}).to_string()
}

fn silences() -> String {
    let silence = |(text, number): (String, usize)| {
        // A text of JSON is one of TOML.
        let text = json!(text.chars().take(200).collect::<String>());
        format!(
            "[[silence]]\nid = \"s-{number}\"\nmatch = {{ type = {text} }}\ncovers = \"high\"\n\
             until = 2099-01-01T00:00:00Z\nbecause = {text}\nowner = \"sre\"\n\n"
        )
    };
    texts().into_iter().filter(|text| !text.starts_with('*')).zip(0..).map(silence).collect()
}

/// A worker that has posted, quarantined and logged it all.
async fn worked() -> (Scene, String) {
    let scene = Scene::start().await;
    let findings = findings();
    let broken = texts().into_iter().map(|text| {
        let text = json!(text);
        format!("{{\"severity\": 8, \"title\": {text}, \"id\": {text}, {text}: }}\n")
    });
    let plain = texts().into_iter().filter(|text| !text.contains(char::is_control));
    scene.write("in.jsonl", &findings.join("\n"));
    scene.write("broken.jsonl", &broken.chain(plain).collect::<Vec<_>>().join("\n"));
    scene.write("accounts.json", &names());
    scene.write("hansho.toml", "min_severity = \"informational\"\n");
    scene.done(&["accounts", "sync", "--file", "accounts.json"], 0).await;
    let run = ["run", "--drain", "--allow-quarantine", "--input", "in.jsonl", "--input"];
    let (out, log) = scene.done(&[&run[..], &["broken.jsonl"]].concat(), 0).await;
    check_text(&out);
    (scene, log)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_leaves_its_place_in_any_output() {
    let (scene, log) = worked().await;
    let entries: Vec<Value> =
        log.lines().filter(|line| line.starts_with('{')).map(check_json).collect();
    assert!(!entries.is_empty() && entries.iter().all(|entry| entry["message"] != "forged"));
    check_text(&log);

    let posts = scene.slack().received();
    assert!(posts.len() > 2, "{}", posts.len());
    for post in &posts {
        check_limits(&post.payload, 0);
        check_strings(&post.payload, true, 0);
        check_preview(&post.payload, 0);
    }
    for (args, codes) in [
        (&["render", "in.jsonl"][..], [0, 1]),
        (&["explain", "in.jsonl"], [0, 1]),
        (&["accounts", "list"], [0, 0]),
        (&["replay", "list"], [0, 0]),
        (&["routes", "test", "in.jsonl"], [0, 1]),
        (&["report"], [0, 0]),
        (&["status"], [0, 0]),
        (&["check"], [0, 0]),
    ] {
        let (out, err) = scene.one_of(args, &codes).await;
        assert!(!out.is_empty(), "{args:?} {err}");
        check_text(&out);
        check_text(&err);
    }
    for args in [
        &["render", "--json", "in.jsonl"][..],
        &["accounts", "list", "--json"],
        &["replay", "list", "--json"],
        &["replay", "export"],
        &["report", "--json"],
        &["status", "--json"],
    ] {
        let (out, err) = scene.one_of(args, &[0, 1]).await;
        let whole = serde_json::from_str::<Value>(&out).is_ok();
        let lines = out.lines().filter(|line| !line.is_empty());
        assert!(!out.is_empty() && (whole || lines.map(check_json).count() > 0), "{args:?} {err}");
    }
    for args in [&["render", "--html", "in.jsonl"][..], &["report", "--html", "-"]] {
        check_html(&scene.one_of(args, &[0, 1]).await.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reasons_of_silences_stay_text() {
    let scene = Scene::start().await;
    scene.write("silences.toml", &silences());
    let (out, err) = scene.one_of(&["silence", "import", "silences.toml"], &[0, 1, 2]).await;
    check_text(&out);
    check_text(&err);
    for args in [&["silence", "list"][..], &["silence", "list", "--json"]] {
        check_text(&scene.one_of(args, &[0]).await.0);
    }
}

fn parsed() -> Vec<Arc<Finding>> {
    findings().iter().flat_map(|body| parse(body).findings).map(Arc::new).collect()
}

/// A label is a word of hansho or of its configuration. Of a finding there is only the product, and
/// that only if AWS makes it.
#[test]
fn no_text_becomes_a_metric() {
    let metrics = Metrics::new().unwrap();
    for finding in parsed() {
        metrics.record(&Report::Received { finding, lane: Lane::Standard });
    }
    let text = metrics.text().unwrap();
    check_text(&text);
    assert!(!text.contains("forged") && !text.contains("evil") && text.contains("hansho_"));
    let line = Emf::default().line(&metrics, true, Wall(0));
    assert!(!line.contains('\n') && !line.contains("evil"), "{line}");
    check_json(&line);
}

#[test]
fn the_table_names_every_output() {
    let table = include_str!("../../../docs/design/outputs.md");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let rows: Vec<&str> = rows.filter(|name| *name != "output").collect();
    assert_eq!(rows, OUTPUTS);
}
