//! How a worker and a function of Lambda follow the silences, changes that meet, and files.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hansho::clock::SystemClock;
use hansho::commands::silence::follow::{OfCalls, first, follow};
use hansho::commands::silence::import::{Change, apply};
use hansho::commands::silence::store::{self, ChangeError, Reader};
use hansho::config::silences_of_file;
use hansho::finding::{Level, Text};
use hansho::health::{SilenceState, Vitals};
use hansho::instants::Wall;
use hansho::metrics::Metrics;
use hansho::policy::matcher::{MatchKey, Matcher};
use hansho::policy::record::{Document, RecordKey};
use hansho::policy::silence::{CurrentSilences, SILENCES_MAX, Silence};
use hansho::ports::{Clock, Ledger};
use tokio::time::sleep;

use crate::commands::accounts::Watched;
use crate::support::memory_ledger::MemoryLedger;

const NOW: Wall = Wall(1_790_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn silence(id: &str, now: Wall) -> Silence {
    let mut matcher = Matcher::default();
    matcher.add(false, MatchKey::Type, ["Recon:*"]).unwrap();
    Silence {
        id: id.to_owned(),
        matcher,
        findings: Vec::new(),
        resources: Vec::new(),
        covers: Level::High,
        from: Wall(now.seconds() * 1000),
        until: now.plus(DAY).whole_second(),
        because: Text::new("a scan", 100),
        owner: None,
    }
}

async fn add(ledger: &impl Ledger, silence: Silence, now: Wall) {
    let add = |all: &mut Vec<Silence>| {
        all.push(silence.clone());
        Ok(())
    };
    store::change(ledger, now, add).await.unwrap();
}

async fn ids(ledger: &impl Ledger) -> Vec<String> {
    let silences = store::read(ledger).await.unwrap().silences;
    silences.iter().map(|silence| silence.id.clone()).collect()
}

fn known(current: &CurrentSilences) -> usize {
    current.get().iter().len()
}

#[tokio::test(start_paused = true)]
async fn a_worker_sees_a_change_within_30_s_and_reads_the_parts_only_then() {
    let (ledger, clock) = (Watched::default(), SystemClock::start());
    let current = CurrentSilences::default();
    let vitals = Arc::new(Vitals::new(Metrics::new().unwrap(), clock));
    let reader = Reader::new(current.clone());
    tokio::spawn({
        let (ledger, vitals) = (ledger.clone(), Arc::clone(&vitals));
        async move { follow(reader, &ledger, &clock, |state| vitals.silences(state)).await }
    });
    sleep(Duration::from_secs(301)).await;
    assert_eq!((known(&current), ledger.take_reads()), (0, 16));
    add(&ledger.ledger, silence("a", clock.now().wall), clock.now().wall).await;
    sleep(Duration::from_secs(25)).await;
    assert_eq!((known(&current), ledger.take_reads()), (1, 2), "the head and its part");
    let gauge = |n: usize| format!("hansho_silences {n}");
    assert!(vitals.text().unwrap().lines().any(|line| line == gauge(1)));

    ledger.set_unreachable(true);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(known(&current), 1, "it stays in force until its own end");
    let note = vitals.notes().unwrap();
    let expected = "silences: they can't be read, 1 that are known stay in force: the ledger does";
    assert!(note.starts_with(expected), "{note}");
    ledger.set_unreachable(false);
    let expire = |all: &mut Vec<Silence>| {
        all.clear();
        Ok(())
    };
    store::change(&ledger.ledger, clock.now().wall, expire).await.unwrap();
    sleep(Duration::from_secs(25)).await;
    assert_eq!((known(&current), vitals.notes()), (0, None));
}

/// A worker that starts must not work for 20 s without silences because one read failed.
#[tokio::test(start_paused = true)]
async fn a_read_that_failed_is_made_up_for_soon() {
    let (ledger, clock) = (Watched::default(), SystemClock::start());
    let current = CurrentSilences::default();
    let mut reader = Reader::new(current.clone());
    add(&ledger.ledger, silence("a", clock.now().wall), clock.now().wall).await;
    ledger.set_unreachable(true);
    let read = first(&mut reader, &ledger, &clock).await;
    assert!(read.in_force == 0 && read.failed.is_some(), "{read:?}");
    let following = ledger.clone();
    tokio::spawn(async move { follow(reader, &following, &clock, |_| {}).await });
    sleep(Duration::from_secs(61)).await;
    assert_eq!((known(&current), ledger.take_reads()), (0, 14), "the first, at once, every 5 s");
    ledger.set_unreachable(false);
    sleep(Duration::from_secs(5)).await;
    assert_eq!((known(&current), ledger.take_reads()), (1, 2));
    sleep(Duration::from_secs(30)).await;
    assert_eq!(ledger.take_reads(), 1, "every 20 s again");
}

#[tokio::test(start_paused = true)]
async fn a_document_without_a_part_changes_nothing() {
    let (ledger, current) = (MemoryLedger::default(), CurrentSilences::default());
    let mut reader = Reader::new(current.clone());
    add(&ledger, silence("a", NOW), NOW).await;
    reader.refresh(&ledger).await.unwrap();
    add(&ledger, silence("b", NOW), NOW).await;
    let head: hansho::policy::record::DocumentRecord =
        ledger.read(&RecordKey::document(Document::Silences)).await.unwrap().unwrap();
    let part = RecordKey::document_part(Document::Silences, &head.version, 0);
    assert!(ledger.expire(&part, |_| true));
    assert!(reader.refresh(&ledger).await.is_err());
    assert_eq!(known(&current), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_of_lambda_reads_unless_one_did_lately() {
    let (ledger, clock) = (Watched::default(), SystemClock::start());
    let current = CurrentSilences::default();
    let mut of_calls = OfCalls::new(current.clone());
    add(&ledger.ledger, silence("a", clock.now().wall), clock.now().wall).await;
    let read = of_calls.refresh(&ledger, &clock).await;
    assert_eq!(read, Some(SilenceState { in_force: 1, failed: None }));
    sleep(Duration::from_secs(10)).await;
    assert_eq!(of_calls.refresh(&ledger, &clock).await, None);
    sleep(Duration::from_secs(11)).await;
    ledger.set_unreachable(true);
    let read = of_calls.refresh(&ledger, &clock).await.unwrap();
    assert!(read.in_force == 1 && read.failed.is_some(), "{read:?}");
    assert_eq!(known(&current), 1);
    ledger.set_unreachable(false);
    assert_eq!(of_calls.refresh(&ledger, &clock).await, None);
    sleep(Duration::from_secs(5)).await;
    let read = of_calls.refresh(&ledger, &clock).await;
    assert_eq!(read, Some(SilenceState { in_force: 1, failed: None }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_that_meet_lose_nothing() {
    let ledger = MemoryLedger::default();
    let raced = Arc::new(Mutex::new(0));
    let operators = (0..8).map(|n| {
        let (ledger, raced) = (ledger.clone(), Arc::clone(&raced));
        tokio::spawn(async move {
            for m in 0..5 {
                let silence = silence(&format!("{n}-{m}"), NOW);
                let add = |all: &mut Vec<Silence>| {
                    all.push(silence.clone());
                    Ok(())
                };
                while let Err(why) = store::change(&ledger, NOW, add).await {
                    assert!(why.to_string().contains("run this one again"), "{why}");
                    *raced.lock().unwrap() += 1;
                }
            }
        })
    });
    for operator in operators.collect::<Vec<_>>() {
        operator.await.unwrap();
    }
    assert_eq!(ids(&ledger).await.len(), 40);
}

#[tokio::test]
async fn ended_silences_are_left_out_in_time_and_the_number_is_limited() {
    let ledger = MemoryLedger::default();
    add(&ledger, silence("old", NOW), NOW).await;
    let later = |days: u32| NOW.plus(DAY * days);
    add(&ledger, silence("b", later(7)), later(7)).await;
    assert_eq!(ids(&ledger).await, ["b", "old"]);
    add(&ledger, silence("c", later(9)), later(9)).await;
    assert_eq!(ids(&ledger).await, ["b", "c"]);
    let fill = |all: &mut Vec<Silence>| {
        all.extend((0..SILENCES_MAX - 1).map(|n| silence(&format!("s{n}"), later(9))));
        Ok(())
    };
    store::change(&ledger, later(9), fill).await.unwrap();
    let all = ids(&ledger).await;
    assert!(
        all.len() == SILENCES_MAX && !all.contains(&"b".to_owned()),
        "the ended one made place"
    );
    let one_more = |all: &mut Vec<Silence>| {
        all.push(silence("more", later(9)));
        Ok(())
    };
    let why = store::change(&ledger, later(9), one_more).await.unwrap_err();
    assert_eq!(
        why.to_string(),
        "a silence is one too many: at most 1000 silences are kept; expire some"
    );
    assert_eq!(ids(&ledger).await, all);
}

fn file(text: &str) -> Result<Vec<Silence>, Vec<String>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let read = silences_of_file(file.path(), NOW);
    read.map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

const FILE: &str = r#"
[[silence]]
id = "weekly-scan"
match = { type = ["Recon:*"], account_name = "prod-scanner", not = { region = ["us-*"] } }
finding = "guardduty/111122223333/eu-west-1/0a1b"
resource = ["i-0abc*"]
covers = "medium"
from = "2026-09-21T00:00:00+02:00"
until = 2026-10-24T18:00:00Z
because = "weekly scan by team X"
owner = "team\u202e X"

[[silence]]
id = "b"
finding = ["0a1b"]
until = 2026-10-24T18:00:00Z
because = "known"
"#;

#[test]
fn a_file_says_all_of_a_silence() {
    let read = file(FILE).unwrap();
    let words =
        "id 0a1b; resource i-0abc*; type Recon:*; account_name prod-scanner; not region us-*";
    assert_eq!(read[0].in_words(), words);
    let json = read[0].entry().json();
    for part in [
        r#""from":"2026-09-20T22:00:00Z","until":"2026-10-24T18:00:00Z""#,
        r#""covers":"medium""#,
        r#""owner":"team X""#,
        r#""not":{"region":["us-*"]}"#,
    ] {
        assert!(json.contains(part), "{json}");
    }
    assert_eq!((read[1].from, read[1].covers), (NOW, Level::High));
}

#[test]
fn mistakes_in_a_file_name_their_place_and_never_a_value() {
    let one = |lines: &str| {
        format!(
            "[[silence]]\nid = 'a'\nfinding = 'f'\nuntil = 2026-10-24T18:00:00Z\nbecause = 'x'\n{lines}"
        )
    };
    for (text, mistake) in [
        ("".to_owned(), "silence: must be a list: begin each silence with [[silence]]"),
        ("silence = 'SWORDFISH'".to_owned(), "silence: must be a list"),
        ("silences = []\nsilence = []".to_owned(), "silences: unknown key; did you mean silence?"),
        ("[[silence]]\nSWORDFISH".to_owned(), "line 2 is not TOML"),
        (one("match = { typ = 'x' }"), "silence[1].match.typ: unknown key; did you mean"),
        (one("match = { type = [] }"), "silence[1].match.type: must be one pattern"),
        (one("untl = 'x'"), "silence[1].untl: unknown key; did you mean silence[1].until?"),
        (one("covers = 'SWORDFISH'"), "silence[1].covers: must be one of informational, low,"),
        (one("covers = 'critical'"), "silence[1]: covers critical findings, so it must name types"),
        (one("owner = 7"), "silence[1].owner: must be text, in quotes"),
        (one("resource = '*'"), "silence[1]: must name types and resources by more than wildcards"),
        (one("from = 2026-10-24"), "silence[1].from: must be a time with its zone"),
        (one("").replace("id = 'a'", "id = 'A B'"), "silence[1]: must have an id of 1 to 40"),
        (
            one("").replace("finding = 'f'", ""),
            "silence[1]: must name a type, a resource or the id",
        ),
        (one("").replace("until =", "# until ="), "silence[1].until: must be a time with its zone"),
        (one("").replace("2026-10-24T18:00:00Z", "'14d'"), "silence[1].until: must be a time with"),
        (one("").replace("because = 'x'", ""), "silence[1].because: must be the reason, in quotes"),
        (one("").replace("'x'", "''"), "silence[1]: must have a reason of 1 to 300 characters"),
    ] {
        let found = file(&text).unwrap_err();
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].contains(mistake) && !found[0].contains("SWORDFISH"), "{text}: {found:?}");
    }
}

#[test]
fn all_mistakes_of_a_file_are_named_with_their_lines() {
    let good =
        "[[silence]]\nid = 'a'\nfinding = 'f'\nuntil = 2026-10-24T18:00:00Z\nbecause = 'x'\n";
    let text = format!(
        "# a comment\n{good}\n{}\n{}\n{good}",
        good.replace("'a'", "'B C'").replace("'x'", "''").replace("2026-10", "2027-10"),
        good.replace("'a'", "'c'").replace("finding = 'f'", "finding = 'f*'\nowner = 7"),
    );
    assert_eq!(
        file(&text).unwrap_err(),
        [
            "line 8: silence[2]: must have an id of 1 to 40 characters: a-z, 0-9, - and _",
            "line 8: silence[2]: must have a reason of 1 to 300 characters",
            "line 8: silence[2]: must end within 90 days",
            "line 14: silence[3].owner: must be text, in quotes",
            "line 14: silence[3]: must have whole ids, without *: patterns are for types and \
             resources",
            "line 21: silence[4]: must not have the id of silence[1] in line 2",
        ]
    );
    let broken = "[[silence]]\nid = \nfinding = 'f'\nuntil = \nbecause = 'x'\n";
    let found = file(broken).unwrap_err();
    assert!(found[0].contains("line 2 is not TOML") && found[1].contains("line 4 is not TOML"));
    assert_eq!(found.len(), 2, "{found:?}");
    // One that has ended may be as old as it likes.
    assert!(file(&good.replace("2026", "2020")).is_ok());
}

/// The signs and ids of the changes.
fn signs(changes: &[Change]) -> String {
    let signs = changes.iter().map(|change| format!("{}{}", change.sign, change.silence.id));
    signs.collect::<Vec<_>>().join(" ")
}

#[test]
fn an_import_adds_and_changes_by_id_and_ends_what_is_pruned() {
    let later = NOW.plus(Duration::from_secs(3600));
    let now = |id: &str| silence(id, NOW);
    let ended = |id: &str| Silence { until: NOW, from: NOW.minus(DAY), ..silence(id, NOW) };
    let longer = |id: &str| Silence { until: NOW.plus(DAY * 3), ..silence(id, NOW) };
    let newer = |id: &str| Silence { from: later, ..silence(id, NOW) };
    for (before, of_file, prune, expected) in [
        (vec![], vec![now("a"), now("b")], false, "+a +b"),
        (vec![now("a")], vec![newer("a")], false, ""),
        (vec![now("a")], vec![longer("a")], false, "~a"),
        (vec![now("a")], vec![now("b")], false, "+b"),
        (vec![now("a"), ended("c")], vec![now("b")], true, "-a +b"),
        (vec![], vec![ended("a")], false, ""),
        (vec![now("a")], vec![ended("a")], false, "-a"),
        (vec![ended("a")], vec![ended("a")], true, ""),
        (vec![ended("a")], vec![now("a")], false, "+a"),
    ] {
        let mut all = before.clone();
        let changes = apply(&mut all, &of_file, prune, later).unwrap();
        assert_eq!(signs(&changes), expected, "{before:?} {of_file:?}");
        let again = apply(&mut all, &of_file, prune, later).unwrap();
        assert_eq!(signs(&again), "", "a second import changes nothing");
    }
    let long = Silence { until: NOW.plus(DAY * 91), ..silence("a", NOW) };
    let why = apply(&mut Vec::new(), &[long], false, NOW).unwrap_err();
    assert!(
        matches!(&why, ChangeError::Refused(text) if text.ends_with("within 90 days")),
        "{why}"
    );
}
