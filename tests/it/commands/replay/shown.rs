//! Everything that `hansho replay` prints, against files in `tests/fixtures/replay/`. A change that
//! is meant is taken over by `HANSHO_BLESS=1 cargo test --test it replay::shown`, and read in the
//! diff.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::CommandFactory;
use hansho::commands::cli::Cli;
use hansho::commands::exit::Exit;
use hansho::commands::replay::console::{CommandOutput, View};
use hansho::commands::replay::discard::{self, DiscardTally};
use hansho::commands::replay::dry_run::{self, DryRun};
use hansho::commands::replay::holds::{Cut, Holds, Scan};
use hansho::commands::replay::import::ImportTally;
use hansho::commands::replay::rewind::Rewinder;
use hansho::commands::replay::selection::{Selected, Selection, select};
use hansho::commands::replay::send_loop::SendTally;
use hansho::commands::replay::{export, list as list_command, send, show};
use hansho::config::{self, Config, Environment};
use hansho::finding::Level;
use hansho::instants::Wall;
use hansho::policy::ledger::{Claim, RecordKey, Want, claim, mark};
use hansho::ports::{DeadLetter, Lane, Ledger, MessageId, Origin, Written};

use super::crashes::never;
use super::memory::MemoryDeadLetters;
use crate::support::fakes::{BEGAN, PausedClock};
use crate::support::memory_ledger::MemoryLedger;

fn snapshot(name: &str, actual: &str) {
    // What hostile text did must be seen in the file, and nothing else may hold such characters.
    let hostile = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!actual.contains(hostile), "{name} holds control characters: {actual:?}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/replay").join(name);
    if std::env::var_os("HANSHO_BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        actual == expected,
        "{name} differs; it is now:\n{actual}\n(HANSHO_BLESS=1 takes it over)"
    );
}

fn ago(text: &str) -> Wall {
    BEGAN.minus(config::duration::parse(text).unwrap())
}

const HOSTILE: &str = "\u{1b}[31mred\u{1b}[0m \u{202e}gpj.exe\u{202c} <!channel> | rm -rf \u{7}半鐘🔔\n\n and a title that goes on for as long as its author could make it";

fn finding(number: usize, severity: f64, title: &str) -> String {
    serde_json::json!({
        "version": "0", "id": "e", "detail-type": "GuardDuty Finding", "source": "aws.guardduty",
        "account": "111122223333", "region": "eu-central-1", "time": "2026-09-21T10:00:00Z",
        "detail": {
            "schemaVersion": "2.0", "accountId": "444455556666", "region": "eu-central-1",
            "partition": "aws", "id": format!("{number:032x}"),
            "type": "UnauthorizedAccess:EC2/SSHBruteForce", "severity": severity, "title": title,
            "service": {}, "resource": {}, "updatedAt": "2026-09-21T10:00:00Z",
        },
    })
    .to_string()
}

/// One of each kind.
fn all_kinds() -> Vec<DeadLetter> {
    let mut number = 0;
    let mut of = |body: String, reason: &str, detail: &str, since: &str| {
        number += 1;
        DeadLetter {
            id: MessageId(format!("{number:08x}-0000-4000-8000-000000000000")),
            body,
            origin: Origin::Quarantine,
            reason: Some(reason.to_owned()),
            detail: Some(detail.to_owned()),
            attempts: Some(number),
            lane: Some(if number % 4 == 0 { Lane::Express } else { Lane::Standard }),
            original_id: Some(MessageId(format!("original-{number}"))),
            enqueued_at: Some(ago("9h")),
            quarantined_at: Some(ago(since)),
        }
    };
    let some = |text: &str| Some(text.to_owned());
    let title = "198.51.100.7 is guessing SSH passwords of EC2 instance i-0a1b2c3d4e5f60718";
    vec![
        of(finding(1, 8.0, title), "refused", "400 invalid_blocks", "2h10m"),
        of(finding(2, 9.5, "An attack sequence"), "refused", "400 invalid_blocks", "2h5m"),
        of(finding(3, 5.0, HOSTILE), "refused", HOSTILE, "30m"),
        of(finding(4, 2.0, "A port was probed"), "refused", "400 invalid_blocks", "45s"),
        of(finding(1, 8.0, title), "refused", "400 invalid_blocks", "1h"),
        of(finding(6, 8.0, "Posted before"), "refused", "400 invalid_blocks", "1h30m"),
        of(finding(7, 8.0, "Posted before, at a lower level"), "refused", "400 invalid_blocks", "1h"),
        of(
            format!("[{},{},{{}}]", finding(8, 5.0, "One of two"), finding(9, 7.5, "Two of two")),
            "not_a_finding",
            "[2]: an object without anything that is known of a finding",
            "3h",
        ),
        of("{\"a\":".to_owned(), "not_json", "line 1 column 5: EOF while parsing", "2d4h"),
        of(String::new(), "not_json", "line 1 column 0: EOF while parsing", "2d5h"),
        of("[".repeat(80), "too_deep", "line 1 column 65: nested deeper", "2d6h"),
        of(
            r#"{"source":"aws.guardduty","detail-type":"GuardDuty Finding","account":"444455556666","region":"eu-west-1","detail":{"severity":8,"type":"x"}}"#.to_owned(),
            "no_identity",
            "detail.id: the finding has no id",
            "13h",
        ),
        DeadLetter {
            origin: Origin::EventBridge {
                rule: some("arn:aws:events:eu-central-1:111122223333:rule/hansho/hansho-express"),
                target: some("arn:aws:sqs:eu-central-1:111122223333:hansho-express"),
                exhausted: some("MaximumRetryAttempts"),
            },
            attempts: Some(185),
            lane: None,
            original_id: None,
            enqueued_at: None,
            ..of(finding(13, 9.0, "EC2 instance i-1 is mining"), "THROTTLING", "Rate exceeded", "11h")
        },
        DeadLetter {
            origin: Origin::DeadLetter {
                source: some("arn:aws:sqs:eu-central-1:111122223333:hansho-standard"),
            },
            reason: None,
            detail: None,
            attempts: None,
            lane: None,
            original_id: None,
            quarantined_at: None,
            ..of(finding(14, 4.0, "Received too often"), "", "", "0")
        },
        DeadLetter {
            origin: Origin::DeadLetter { source: None },
            reason: None,
            detail: None,
            attempts: None,
            lane: None,
            original_id: None,
            enqueued_at: None,
            quarantined_at: None,
            ..of(finding(15, 7.0, "Nobody knows why this is here"), "", "", "0")
        },
    ]
}

fn filled(all: Vec<DeadLetter>) -> (Arc<PausedClock>, MemoryDeadLetters<PausedClock>) {
    let clock = Arc::new(PausedClock::start());
    let queue = MemoryDeadLetters::new(Arc::clone(&clock));
    all.into_iter().for_each(|letter| queue.quarantine(letter));
    (clock, queue)
}

fn view(json: bool, width: Option<usize>) -> View {
    View {
        queue: "quarantine (hansho.db)".to_owned(),
        json,
        width,
        colour: false,
        guide: Arc::default(),
    }
}

fn configured() -> Config {
    let environment: Environment = [
        ("SLACK_WEBHOOK_URL", "http://127.0.0.1:9/services/none"),
        ("SLACK_MENTION_ID", "S0123ABC"),
        ("SLACK_MENTION_NAME", "sre-oncall"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    config::load(None, &environment).outcome.unwrap()
}

/// One object a line would be one line: laid out it can be read in a diff.
fn laid_out(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    serde_json::to_string_pretty(&value).unwrap() + "\n"
}

async fn list(all: Vec<DeadLetter>, selection: &Selection, view: &View) -> String {
    let (clock, queue) = filled(all);
    let mut holds = Holds::new(&queue, &*clock, never());
    let said = list_command::list(&mut holds, selection, view).await.unwrap();
    assert_eq!(said.exit, Exit::Done);
    assert_eq!(queue.hidden(), 0);
    assert_eq!(said.notes, [""; 0]);
    said.text
}

#[tokio::test(start_paused = true)]
async fn lists() {
    let all = Selection::default();
    snapshot("list.txt", &list(all_kinds(), &all, &view(false, None)).await);
    snapshot("list-narrow.txt", &list(all_kinds(), &all, &view(false, Some(120))).await);
    snapshot("list-json.txt", &laid_out(&list(all_kinds(), &all, &view(true, None)).await));
    snapshot("list-empty.txt", &list(vec![], &all, &view(false, None)).await);
    snapshot("list-empty-json.txt", &laid_out(&list(vec![], &all, &view(true, None)).await));
    let mut some = Selection { limit: Some(2), ..Selection::default() };
    some.filter.severities = vec!["high+".parse().unwrap()];
    snapshot("list-limited.txt", &list(all_kinds(), &some, &view(false, None)).await);
    some.filter.reasons = vec!["nothing_of_the_kind".parse().unwrap()];
    snapshot("list-none.txt", &list(all_kinds(), &some, &view(false, None)).await);
}

async fn shown(id: &str, json: bool) -> CommandOutput {
    let (clock, queue) = filled(all_kinds());
    let mut holds = Holds::new(&queue, &*clock, never());
    let said = show::show(&mut holds, id, &view(json, None)).await.unwrap();
    assert_eq!(queue.hidden(), 0);
    said
}

/// Its words are bounded, and what a hostile body did is seen.
#[tokio::test(start_paused = true)]
async fn one_message() {
    let ids =
        ["00000003", "00000008", "00000009-0000-4000-8000-000000000000", "0000000b", "0000000c"];
    let mut text = String::new();
    for id in ids {
        let said = shown(id, false).await;
        assert_eq!((said.exit, said.notes), (Exit::Done, vec![]));
        text.push_str(&said.text);
    }
    snapshot("show.txt", &text);
    // JSON has the body as it is.
    let json = shown("00000003", true).await.text;
    snapshot("show-json.txt", &json);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value[0]["body"], finding(3, 5.0, HOSTILE));
    // A finding may be in several messages.
    let said = shown(&format!("{:032x}", 1), false).await;
    assert_eq!(said.text.matches("quarantined").count(), 2, "{}", said.text);
    let said = shown("ffffffff", false).await;
    assert_eq!((said.text.as_str(), said.exit), ("", Exit::Failure));
    assert!(said.notes[0].contains("no message has this id, of "), "{:?}", said.notes);
}

async fn posted(ledger: &MemoryLedger, number: usize, level: Level) {
    let terms = configured().terms();
    let fingerprint = format!("guardduty/444455556666/eu-central-1/{number:032x}");
    let key = RecordKey::alert(fingerprint, "slack");
    let now = ago("1d2h");
    let want =
        Want { owner: "worker", sighting: hansho::policy::record::Sighting::open(level, None) };
    let Claim::Write { expect, record: row, .. } = claim(None, &want, &terms, now) else {
        panic!()
    };
    assert_eq!(ledger.write(&key, &expect, &row).await, Ok(Written::Done));
    let (expect, row) = mark(&row, "post-1", &want.sighting, &terms, now);
    assert_eq!(ledger.write(&key, &expect, &row).await, Ok(Written::Done));
}

async fn dry_run(force: bool, previews: usize, view: &View) -> String {
    let (clock, queue) = filled(all_kinds());
    let ledger = MemoryLedger::default();
    posted(&ledger, 6, Level::High).await;
    posted(&ledger, 7, Level::Medium).await;
    let config = configured();
    let mut holds = Holds::new(&queue, &*clock, never());
    let dry = DryRun {
        rewinder: Rewinder::new(&config, &ledger),
        config: &config,
        force,
        keep: false,
        previews,
    };
    let said = dry_run::dry_run(&mut holds, &Selection::default(), view, &dry).await.unwrap();
    assert_eq!((queue.hidden(), queue.bodies().len()), (0, 15));
    assert!(queue.sent().is_empty());
    assert_eq!(said.notes, [""; 0]);
    said.text
}

#[tokio::test(start_paused = true)]
async fn dry_runs() {
    snapshot("dry-run.txt", &dry_run(false, 3, &view(false, None)).await);
    snapshot("dry-run-force.txt", &dry_run(true, 0, &view(false, Some(140))).await);
    snapshot("dry-run-json.txt", &laid_out(&dry_run(false, 1, &view(true, None)).await));
    let (clock, queue) = filled(all_kinds());
    let mut holds = Holds::new(&queue, &*clock, never());
    let selected = select(&mut holds, &Selection::default(), false).await.unwrap();
    snapshot("discard-dry-run.txt", &discard::plan(&selected, &view(false, None), BEGAN));
}

#[test]
fn results() {
    let mut text = String::new();
    let mut case = |name: &str, said: &str| text.push_str(&format!("--- {name}\n{said}"));
    let well =
        SendTally { selected: 300, sent: 300, express: 40, standard: 260, ..SendTally::default() };
    case("send", &send::text(&well, false));
    case("send --keep", &send::text(&well, true));
    case("send --force", &send::text(&SendTally { rewound: 12, ..well.clone() }, false));
    case("send, nothing to do", &send::text(&SendTally::default(), false));
    let badly = SendTally {
        sent: 100,
        not_removed: 1,
        gone: 2,
        failed: 3,
        busy: 4,
        left: 190,
        interrupted: true,
        why: Some(format!("sqs SendMessageBatch on queue hansho-standard: {HOSTILE}")),
        ..well
    };
    case("send, badly", &send::text(&badly, false));
    let kept =
        SendTally { selected: 2, sent: 2, standard: 2, unreadable: 3, ..SendTally::default() };
    case("send --keep, unreadable ones", &send::text(&kept, true));
    case("send, hidden ones", &send::text(&SendTally { hidden: 30, ..kept }, false));
    case("discard", &DiscardTally { discarded: 7, ..DiscardTally::default() }.text());
    let badly = DiscardTally {
        discarded: 7,
        gone: 1,
        failed: 2,
        left: 3,
        why: Some("sqs DeleteMessageBatch: InternalError".to_owned()),
    };
    case("discard, badly", &badly.text());
    case("import", &ImportTally { imported: 7, ..ImportTally::default() }.text());
    let badly = ImportTally {
        known: 2,
        mistakes: vec!["line 3 is no JSON".to_owned()],
        more_mistakes: 8,
        imported: 7,
    };
    case("import, badly", &badly.text());
    for cut in [Cut::Stopped, Cut::Messages, Cut::Bytes, Cut::Time] {
        let scan = Scan { scanned: 12, hidden: 0, cut: Some(cut), admitted: vec![] };
        let notes = Selected { scan, matched: 0, visible_by: BEGAN }.notes().join("\n");
        case(&format!("{cut:?}"), &format!("{notes}\n"));
    }
    for (scanned, hidden) in [(12, 1), (12, 30), (0, 30)] {
        let scan = Scan { scanned, hidden, cut: None, admitted: vec![] };
        let selected = Selected { scan, matched: scanned, visible_by: BEGAN };
        let head = selected.head("quarantine (hansho.db)");
        case("hidden", &format!("{head}\n{}\n", selected.notes().join("\n")));
    }
    snapshot("results.txt", &text);
}

#[tokio::test(start_paused = true)]
async fn exported_lines() {
    let (clock, queue) = filled(all_kinds());
    let mut holds = Holds::new(&queue, &*clock, never());
    let selected = select(&mut holds, &Selection::default(), true).await.unwrap();
    let mut lines = Vec::new();
    export::write(&selected.scan.admitted, &mut lines).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    // In a file the text stays as it was, escaped by JSON; bidirectional controls are none to JSON.
    snapshot("export.txt", &lines.replace('\u{202e}', "(U+202E)").replace('\u{202c}', "(U+202C)"));
}

#[test]
fn helps() {
    let mut text = String::new();
    let mut cli = Cli::command();
    cli.build();
    let replay = cli.find_subcommand("replay").unwrap().clone();
    let names: Vec<&str> = replay.get_subcommands().map(|c| c.get_name()).collect();
    assert_eq!(names, ["list", "show", "send", "discard", "export", "import", "help"]);
    for command in std::iter::once(replay.clone()).chain(replay.get_subcommands().cloned()) {
        let name = command.get_name().to_owned();
        let help = command.term_width(100).render_long_help();
        text.push_str(&format!("--- {name}\n{help}\n"));
    }
    snapshot("help.txt", &text);
}

/// A paused clock is needed by none of it to go on: it is what makes ages the same at each run.
#[tokio::test(start_paused = true)]
async fn ages_are_measured_with_the_given_clock() {
    let (clock, queue) = filled(all_kinds());
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let mut holds = Holds::new(&queue, &*clock, never());
    let said =
        list_command::list(&mut holds, &Selection::default(), &view(false, None)).await.unwrap();
    assert!(said.text.contains("  3h10m") && !said.text.contains("  2h10m"), "{}", said.text);
}
