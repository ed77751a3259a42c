//! `hansho report`: its outputs with hostile text, its commands in a shell, its reads, its memory,
//! and the real binary on the embedded store and on DynamoDB.

use std::process::Command;
use std::time::Duration;

use allocation_counter::measure;
use clap::Parser;
use fastrand::Rng;
use hansho::commands::cli::{self, Cli};
use hansho::commands::report::gather::{Gathered, gather};
use hansho::commands::report::{Names, html, json, text};
use hansho::commands::silence::args::Action;
use hansho::finding::Level;
use hansho::instants::Wall;
use hansho::policy::glob::Glob;
use hansho::policy::record::{
    About, AcceptedPost, AlertRecord, AlertRecordState, Expect, Incident, RecordKey,
};
use hansho::policy::report::{Period, Tally};
use hansho::ports::listing::Listing;
use hansho::ports::{Accounts, Ledger, Written};
use hansho::terminal::columns;
use serde_json::Value;

use crate::adapters::dynamodb::{fake_config, serve_table};
use crate::adapters::slack_hostile::hostile_text;
use crate::support::memory_ledger::MemoryLedger;

const NOW: Wall = Wall(1_790_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);
const RETENTION: Duration = Duration::from_secs(90 * 24 * 3600);

fn week() -> Period {
    Period::new(NOW.minus(DAY * 7), NOW)
}

fn posted(about: About, level: Level, ago: Duration, post_id: String) -> AlertRecord {
    let sent_at = NOW.minus(ago);
    let revision = Some(sent_at.minus(Duration::from_secs(3)));
    let post = AcceptedPost { level, revision, sent_at, due_at: None, post_id };
    AlertRecord {
        state: AlertRecordState::Posted { post, marked_by: Some("0123456789ab/12".into()) },
        incident: Incident { opened_at: Some(sent_at), ..Incident::default() },
        about,
        expires_at: NOW.plus(DAY).whole_second(),
        ..AlertRecord::unposted(1)
    }
}

/// A usual record of GuardDuty.
fn usual(n: usize) -> (RecordKey, AlertRecord) {
    let id = format!("{n:032x}");
    let kind =
        ["Recon:EC2/PortProbeUnprotectedPort", "UnauthorizedAccess:EC2/SSHBruteForce"][n % 2];
    let resource = format!("EC2 instance i-{:017x} (t3.micro, web-{n})", n % 5_000);
    let about = About { kind: kind.to_owned(), resource };
    let key = RecordKey::alert(format!("guardduty/{:012}/eu-west-1/{id}", n % 60), "security");
    let post_id = format!("01890a5d-ac96-774b-bcce-{:012x}", n / 3);
    (key, posted(about, Level::ALL[n % 5], Duration::from_secs(n as u64 % 600_000), post_id))
}

async fn put(ledger: &impl Ledger, key: &RecordKey, record: &AlertRecord) {
    assert_eq!(ledger.write(key, &Expect::Absent, record).await, Ok(Written::Done));
}

async fn gathered(ledger: &impl Listing) -> Gathered {
    gather(ledger, week(), RETENTION).await.expect("the ledger answers")
}

/// Records whose every text is hostile.
async fn hostile(seed: u64) -> (Gathered, Accounts) {
    let mut rng = Rng::with_seed(seed);
    let ledger = MemoryLedger::default();
    let mut accounts = Accounts::default();
    for n in 0..30 {
        let about =
            About { kind: hostile_text(&mut rng, 90), resource: hostile_text(&mut rng, 90) };
        let account = format!("{:012}", n % 7);
        // A name that no directory would take is left out.
        _ = accounts.add(&account, &hostile_text(&mut rng, 60));
        let key = RecordKey::alert(
            format!("guardduty/{account}/eu-west-1/{n}{}", hostile_text(&mut rng, 60)),
            "security",
        );
        let post_id = hostile_text(&mut rng, 30);
        put(&ledger, &key, &posted(about, Level::High, DAY * (n % 9), post_id)).await;
    }
    (gathered(&ledger).await, accounts)
}

#[tokio::test]
async fn hostile_text_stays_text_in_every_output() {
    for seed in 0..40 {
        let (gathered, accounts) = hostile(seed).await;
        let names = Names::new(&accounts);
        let shown = text::of(&gathered, &names, Some(80));
        let bad = |c: char| c.is_control() && c != '\n' || "\u{202e}\u{200b}".contains(c);
        assert!(!shown.contains(bad), "seed {seed}: {shown:?}");
        for line in shown.lines().filter(|line| !line.contains("hansho ")) {
            assert!(columns(line) <= 80, "seed {seed}: {line}");
        }
        let value = json::of(&gathered, &names);
        assert!(!value.to_string().contains("\\u001b"), "seed {seed}");
        let page = html::page(&gathered, &names);
        assert!(!page.contains(bad), "seed {seed}");
        check_tags(&page, seed);
    }
}

/// Every element and attribute is one of the page's own. Text has no `<` and no `>`.
fn check_tags(page: &str, seed: u64) {
    const ELEMENTS: [&str; 35] = [
        "!DOCTYPE", "html", "meta", "title", "style", "body", "h1", "h2", "p", "section", "div",
        "b", "span", "svg", "g", "rect", "line", "text", "table", "thead", "tbody", "tr", "th",
        "td", "ul", "li", "pre", "footer", "/html", "/body", "/style", "/title", "/svg", "/g",
        "/text",
    ];
    const ATTRIBUTES: [&str; 20] = [
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "viewBox",
        "role",
        "aria-label",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "width",
        "height",
        "text-anchor",
        "preserveAspectRatio",
        "html",
    ];
    let (head, rest) = page.split_once("<style>").expect("a style");
    let (_, body) = rest.split_once("</style>").expect("its end");
    for piece in [head, body].into_iter().flat_map(|part| part.split('<').skip(1)) {
        let (tag, after) = piece.split_once('>').expect("a tag ends");
        assert!(!after.contains('>'), "seed {seed}: {after}");
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let known = ELEMENTS.contains(&name) || ELEMENTS.contains(&name.trim_start_matches('/'));
        assert!(known, "seed {seed}: <{tag}>");
        // Values are in double quotes, which are escaped in them: every second piece is a name.
        for name in attributes.split('"').step_by(2) {
            let name = name.trim().trim_end_matches('=');
            assert!(
                name.is_empty() || ATTRIBUTES.contains(&name),
                "seed {seed}: {name} in <{tag}>"
            );
        }
    }
    for word in ["url(", "@import", "<script", "href=", "src=", "style=", "onload"] {
        assert!(![head, body].concat().contains(word) || word == "onload", "{word}");
    }
}

/// The words of a command, as a shell sees them.
fn words(command: &str) -> Vec<String> {
    let script = format!(
        "show() {{ for word; do printf '%s\\n' \"$word\"; done; }}\n\
         hansho() {{ show hansho \"$@\"; }}\n\
         aws() {{ case \"$2\" in list-detectors) echo d1 ;; *) show aws \"$@\" ;; esac; }}\n{command}"
    );
    let output = Command::new("sh").args(["-c", &script]).env_clear().output().expect("a shell");
    assert!(output.status.success() && output.stderr.is_empty(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_shell_runs_the_commands_as_they_are_meant() {
    let mut rules = 0;
    for seed in 0..12 {
        let (gathered, _) = hostile(seed).await;
        let own = [usual(1), usual(2)].map(|(key, record)| {
            let mut tally = Tally::new(week(), RETENTION);
            tally.alert(&key, &record);
            tally.finish().noisiest
        });
        for noisy in gathered.report.noisiest.iter().chain(own.iter().flatten()) {
            let words = words(&noisy.silence_command());
            let parsed =
                Cli::try_parse_from(&words).unwrap_or_else(|why| panic!("{words:?}: {why}"));
            let cli::Command::Silence(silence) = parsed.command else { panic!("{words:?}") };
            let Action::Add(add) = silence.action else { panic!("{words:?}") };
            assert_eq!(add.rules.account, [noisy.subject.account.as_str()]);
            let clean = |text: &str| hansho::finding::Text::new(text, 200).into_string();
            let kind = clean(&noisy.subject.kind);
            assert!(Glob::new(&add.rules.types[0]).matches(&kind), "{words:?} for {kind}");
            for (pattern, text) in add.resources.iter().zip([clean(&noisy.subject.resource)]) {
                assert!(Glob::new(pattern).matches(&text), "{pattern} for {text}");
            }
            if let Some(rule) = noisy.suppression_rule() {
                let words = self::words(&rule);
                let criteria =
                    words.iter().find_map(|word| word.strip_prefix("--finding-criteria="));
                let criteria: Value = serde_json::from_str(criteria.unwrap()).unwrap();
                assert_eq!(criteria["Criterion"]["type"]["Eq"][0], noisy.subject.kind.as_str());
                assert!(words.contains(&"--detector-id=d1".to_owned()), "{words:?}");
                rules += 1;
            }
        }
    }
    assert!(rules >= 24);
}

/// `docs/design/report.md` says so.
#[test]
fn a_hundred_thousand_records_take_bounded_memory() {
    let mut tally = Tally::new(week(), RETENTION);
    let taken = measure(|| {
        for n in 0..100_000 {
            let (key, record) = usual(n);
            tally.alert(&key, &record);
        }
    });
    let report = tally.finish();
    assert_eq!((report.records, report.totals.alerts), (100_000, 100_000));
    assert!(taken.bytes_max < 24 << 20, "{} bytes", taken.bytes_max);
}

/// The number of reads that the docs state, from what the emulator counts for 3,000 records.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_thousand_records_take_less_than_a_hundred_reads() {
    const RECORDS: usize = 3_000;
    let endpoint = serve_table("ledger").await;
    let ledger = hansho::aws::dynamodb::DynamoLedger::new(&fake_config(&endpoint), "ledger");
    for n in 0..RECORDS {
        let (key, record) = usual(n);
        put(&ledger, &key, &record).await;
    }
    let Gathered { report, reads } = gathered(&ledger).await;
    assert_eq!((report.records, report.totals.alerts), (RECORDS as u64, RECORDS as u64));
    assert_eq!(reads.days, 8, "a read for each day");
    let units = reads.units.expect("DynamoDB says what a page costs");
    // Half a unit is 4 KiB, eventually consistent, and a page is 1 MiB.
    let bytes = units * 8192.0;
    let pages = (bytes / f64::from(1 << 20)).ceil() as usize;
    assert!((pages..=pages + 1).contains(&reads.pages), "{reads:?}");
    let of_all = bytes / RECORDS as f64 * 100_000.0 / f64::from(1 << 20);
    assert!((30.0..100.0).contains(&of_all), "{of_all} pages for 100,000 records");
}

#[cfg(feature = "demo")]
mod e2e {
    use std::process::Stdio;

    use serde_json::json;

    use super::*;
    use crate::commands::accounts_e2e::Scene;
    use crate::commands::run_e2e::hansho;

    fn event(n: u32, severity: f64) -> String {
        json!({
            "source": "aws.guardduty", "detail-type": "GuardDuty Finding", "account": "111122223333",
            "region": "eu-west-1", "detail": {
                "schemaVersion": "2.0", "id": format!("{n:032x}"), "accountId": "111122223333",
                "region": "eu-west-1", "type": "Recon:EC2/PortProbe\u{1b}[31m\u{202e}日本語",
                "severity": severity, "title": "probe",
                "updatedAt": "2026-11-20T10:00:00Z",
                "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-0abc"}},
                "service": {},
            },
        })
        .to_string()
    }

    async fn worked() -> Scene {
        let scene = Scene::start().await;
        scene.write("a.csv", "id,name\n111122223333,prod-shop\n");
        let events: Vec<String> = (0..12).map(|n| event(n, 8.0)).collect();
        scene.write("in.jsonl", &events.join("\n"));
        scene.done(&["accounts", "sync", "--file", "a.csv"], 0).await;
        scene.done(&["run", "--input", "in.jsonl", "--drain"], 0).await;
        scene
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_real_binary_reports_what_a_worker_posted() {
        let scene = worked().await;
        let (out, _) = scene.done(&["report"], 0).await;
        assert!(out.contains("12 findings, 12 alerts in "), "{out}");
        assert!(out.contains("111122223333 prod-shop") && !out.contains('\u{1b}'), "{out}");
        assert!(
            out.contains("--type='Recon:EC2/PortProbe [31m日本語' --account=111122223333"),
            "{out}"
        );
        let (out, _) = scene.done(&["report", "--json", "--since", "2d"], 0).await;
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["version"], 1);
        assert_eq!(report["totals"]["alerts"], 12);
        let counted = (&report["totals"]["received"], &report["totals"]["posted"]);
        assert_eq!(counted, (&json!(12), &json!(12)), "the worker counted when it ended");
        assert_eq!(report["accounts"]["rows"][0]["name"], "prod-shop");
        assert_eq!(report["types"]["rows"][0]["type"], "Recon:EC2/PortProbe [31m日本語");
        assert_eq!(report["noisiest"][0]["number"], 12);
        assert_eq!(report["open"]["total"], 12);
        assert_eq!(report["days"].as_array().unwrap().len(), 3);
        let (out, err) = scene.done(&["report", "--html", "page.html"], 0).await;
        assert!(out.is_empty() && err.contains("page.html"), "{out}{err}");
        let (page, _) = scene.done(&["report", "--html", "-"], 0).await;
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</body></html>\n"));
        assert!(page.contains("prod-shop") && page.contains("Recon:EC2/PortProbe [31m日本語"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_summary_is_posted_as_a_note() {
        let scene = worked().await;
        let before = scene.slack().received().len();
        let (out, err) = scene.done(&["report", "--post"], 0).await;
        assert!(out.is_empty() && err.contains("the summary is posted to slack"), "{out}{err}");
        let posts = scene.slack().received();
        assert_eq!(posts.len(), before + 1);
        let payload = &posts[before].payload;
        let shown = payload["blocks"].to_string();
        assert!(
            payload["text"].as_str().unwrap().contains("12 findings, 12 alerts in "),
            "{payload}"
        );
        for part in ["12 high", "prod-shop", "12 × ", "12 open incidents", "median "] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let (out, _) = scene.done(&["report"], 0).await;
        assert!(out.contains("12 findings, 12 alerts in "), "a note is no alert: {out}");
        let (_, err) = scene.done(&["report", "--post", "nobody\u{1b}[31m"], 2).await;
        assert!(err.contains("no destination nobody [31m: give one of slack"), "{err}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_wrong_is_named() {
        let scene = Scene::start().await;
        let (_, err) = scene.done(&["report"], 1).await;
        assert!(
            err.contains("hansho.db does not exist: no worker has run in this folder"),
            "{err}"
        );
        let (_, err) = scene.done(&["report", "--since", "400d"], 2).await;
        assert!(err.contains("--since must be at most 365 days ago"), "{err}");
        let (_, err) = scene.done(&["report", "--since", "2100-01-01T00:00:00Z"], 2).await;
        assert!(err.contains("--since must be in the past"), "{err}");
        scene.write("a.csv", "id,name\n111122223333,prod-shop\n");
        scene.done(&["accounts", "sync", "--file", "a.csv"], 0).await;
        let (_, err) = scene.done(&["report", "--html", "no/such/folder/page.html"], 1).await;
        assert!(err.contains("no/such/folder/page.html can't be written"), "{err}");
        let (out, _) = scene.done(&["report"], 0).await;
        assert!(out.contains("0 findings, 0 alerts in 0 posts"), "{out}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_closed_pipe_is_no_error_and_no_webhook_is_needed() {
        let scene = worked().await;
        for args in [&["report"][..], &["report", "--json"], &["report", "--html", "-"]] {
            let mut report = hansho(scene.folder());
            report.args(args).env("HANSHO_EMBEDDED_PATH", "hansho.db").stdin(Stdio::null());
            let mut child = report.spawn().unwrap();
            drop(child.stdout.take());
            let output = child.wait_with_output().await.unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!((output.status.code(), said.trim()), (Some(0), ""), "{args:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_real_binary_reads_dynamodb() {
        let scene = Scene::start().await;
        let endpoint = serve_table("ledger").await;
        let ledger = hansho::aws::dynamodb::DynamoLedger::new(&fake_config(&endpoint), "ledger");
        let now = hansho::clock::wall();
        for n in 0..5 {
            let (key, record) = usual(n);
            let AlertRecordState::Posted { post, marked_by } = record.state else { continue };
            let post = AcceptedPost { sent_at: now, revision: Some(now), ..post };
            let state = AlertRecordState::Posted { post, marked_by };
            let expires_at = now.plus(DAY).whole_second();
            put(&ledger, &key, &AlertRecord { state, expires_at, ..record }).await;
        }
        let mut report = hansho(scene.folder());
        let queue = |name: &str| format!("https://sqs.us-east-1.amazonaws.com/111122223333/{name}");
        report.args(["report", "--json"]).envs([
            ("HANSHO_QUEUE_STANDARD", queue("standard")),
            ("HANSHO_QUEUE_QUARANTINE", queue("quarantine")),
            ("HANSHO_LEDGER_TABLE", "ledger".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", endpoint),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ]);
        let output = crate::commands::run_e2e::finish(report).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["totals"]["alerts"], 5, "{report}");
        assert!(
            report["reads"]["read_units"].as_f64().is_some_and(|units| units > 0.0),
            "{report}"
        );
    }
}
