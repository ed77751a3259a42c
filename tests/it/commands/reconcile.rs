//! The comparison of what GuardDuty holds with the ledger: whole runs over a source that a test
//! fills, with a ledger and a queue in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hansho::commands::explain::question::{self, Question, Scope};
use hansho::commands::reconcile::compare::{SETTLE, message};
use hansho::commands::reconcile::lookup::Lookup;
use hansho::commands::reconcile::{
    LIMIT_DEFAULT, ReconcilePorts, ReconcileReport, ReconcileRequest, ReconcileRules,
    RegionOutcome, run, timer,
};
use hansho::finding::{self, Condition, Finding};
use hansho::instants::{Mono, Wall};
use hansho::metrics::Metrics;
use hansho::policy::ledger::{self, Claim, RecordKey, Terms, Want};
use hansho::policy::record::WatermarkRecord;
use hansho::policy::route::{Route, Routes};
use hansho::policy::watermark::{Manner, OVERLAP};
use hansho::ports::findings::{FINDINGS_PAGE_MAX, FindingsSource, ListAsk, Listed, SourceError};
use hansho::ports::inlet::Inlet;
use hansho::ports::{Accounts, Clock, Lane, Ledger, QueueError};
use serde_json::{Value, json};

use crate::support::fakes::{BEGAN, PausedClock};
use crate::support::memory_ledger::MemoryLedger;

const REGION: &str = "eu-west-1";
const OTHER: &str = "us-east-1";

/// A finding as the API has it.
pub fn guardduty_finding(
    id: &str,
    region: &str,
    severity: f64,
    created: Wall,
    updated: Wall,
) -> Value {
    json!({
        "schemaVersion": "2.0", "accountId": "111122223333", "region": region,
        "partition": "aws", "id": id,
        "arn": format!("arn:aws:guardduty:{region}:111122223333:detector/d1/finding/{id}"),
        "type": "Trojan:EC2/DNSDataExfiltration", "title": format!("Finding {id}"),
        "description": "…", "severity": severity,
        "createdAt": created.to_rfc3339(), "updatedAt": updated.to_rfc3339(),
        "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-0abc"}},
        "service": {"serviceName": "guardduty", "archived": false, "count": 1},
    })
}

/// A source in memory: what it holds, and what goes wrong with it.
#[derive(Clone, Default)]
struct Source {
    findings: Arc<Mutex<BTreeMap<String, Vec<Value>>>>,
    without_detector: BTreeSet<String>,
    /// `list` fails from this call on.
    lists_that_work: Arc<Mutex<BTreeMap<String, usize>>>,
    lists: Arc<Mutex<Vec<ListAsk>>>,
    gets: Arc<Mutex<usize>>,
}

impl Source {
    fn add(&self, region: &str, finding: Value) {
        self.findings.lock().unwrap().entry(region.to_owned()).or_default().push(finding);
    }

    fn fail_after(&self, region: &str, lists: usize) {
        self.lists_that_work.lock().unwrap().insert(region.to_owned(), lists);
    }

    fn mend(&self, region: &str) {
        self.lists_that_work.lock().unwrap().remove(region);
    }

    fn lists_of(&self, region: &str) -> Vec<ListAsk> {
        self.lists.lock().unwrap().iter().filter(|ask| ask.region == region).cloned().collect()
    }
}

fn updated(finding: &Value) -> Wall {
    Wall::parse_rfc3339(finding["updatedAt"].as_str().unwrap()).unwrap()
}

impl FindingsSource for Source {
    async fn detector(&self, region: &str) -> Result<Option<String>, SourceError> {
        Ok((!self.without_detector.contains(region)).then(|| "d1".to_owned()))
    }

    async fn list(&self, ask: &ListAsk) -> Result<Listed, SourceError> {
        self.lists.lock().unwrap().push(ask.clone());
        if let Some(left) = self.lists_that_work.lock().unwrap().get_mut(&ask.region) {
            if *left == 0 {
                return Err(SourceError(format!(
                    "guardduty ListFindings in {}: unreachable",
                    ask.region
                )));
            }
            *left -= 1;
        }
        let all = self.findings.lock().unwrap();
        let wanted = |f: &&Value| {
            updated(f) >= ask.since && f["severity"].as_f64().unwrap() >= f64::from(ask.severity)
        };
        let mut matching: Vec<&Value> =
            all.get(&ask.region).into_iter().flatten().filter(wanted).collect();
        matching.sort_by_key(|f| updated(f));
        let from: usize = ask.page.as_deref().map_or(0, |token| token.parse().unwrap());
        let ids = matching.iter().skip(from).take(FINDINGS_PAGE_MAX);
        let ids: Vec<String> = ids.map(|f| f["id"].as_str().unwrap().to_owned()).collect();
        let end = from + ids.len();
        Ok(Listed { ids, next: (end < matching.len()).then(|| end.to_string()) })
    }

    async fn get(&self, region: &str, _: &str, ids: &[String]) -> Result<Vec<String>, SourceError> {
        *self.gets.lock().unwrap() += 1;
        let all = self.findings.lock().unwrap();
        let asked = |f: &&Value| ids.iter().any(|id| *id == f["id"].as_str().unwrap());
        Ok(all.get(region).into_iter().flatten().filter(asked).map(Value::to_string).collect())
    }
}

/// A queue in memory that can refuse, or never answer.
#[derive(Clone, Default)]
struct Entrance {
    bodies: Arc<Mutex<Vec<String>>>,
    lanes: Arc<Mutex<Vec<Lane>>>,
    places: Arc<Mutex<Option<usize>>>,
    hangs: Arc<Mutex<bool>>,
}

impl Entrance {
    fn ids(&self) -> Vec<String> {
        let bodies = self.bodies.lock().unwrap();
        bodies.iter().map(|body| finding::parse(body).findings[0].fingerprint.id.clone()).collect()
    }
}

impl Inlet for Entrance {
    async fn put(&self, lane: Lane, body: &str) -> Result<(), QueueError> {
        let full = match self.places.lock().unwrap().as_mut() {
            Some(0) => true,
            Some(places) => {
                *places -= 1;
                false
            }
            None => false,
        };
        let hangs = *self.hangs.lock().unwrap();
        match (full, hangs) {
            (true, true) => return std::future::pending().await,
            (true, false) => {
                return Err(QueueError::Unavailable("the queue is unreachable".into()));
            }
            _ => {}
        }
        self.bodies.lock().unwrap().push(body.to_owned());
        self.lanes.lock().unwrap().push(lane);
        Ok(())
    }
}

struct Scene {
    source: Source,
    ledger: MemoryLedger,
    inlet: Entrance,
    clock: PausedClock,
    rules: ReconcileRules,
}

impl Scene {
    fn new() -> Scene {
        let route = |name: &str, least: Option<&str>| {
            Route::of_all(name.to_owned(), least.map(|text| text.parse().unwrap()))
        };
        let seconds = Duration::from_secs;
        Scene {
            source: Source::default(),
            ledger: MemoryLedger::default(),
            inlet: Entrance::default(),
            clock: PausedClock::start(),
            rules: ReconcileRules {
                routes: Routes::new(
                    "medium".parse().unwrap(),
                    vec![route("security", None), route("oncall", Some("high"))],
                ),
                terms: Terms {
                    lease: seconds(45),
                    skew: seconds(5),
                    retention: seconds(90 * 86_400),
                    remind_after: None,
                },
                me: "me".to_owned(),
            },
        }
    }

    /// A finding that was made and updated so many minutes before [`BEGAN`].
    fn hold(&self, id: &str, severity: f64, minutes: u64) {
        let at = BEGAN.minus(Duration::from_secs(60 * minutes));
        self.source.add(REGION, guardduty_finding(id, REGION, severity, at, at));
    }

    fn ask(&self, regions: &[&str]) -> ReconcileRequest {
        ReconcileRequest {
            regions: regions.iter().map(|r| (*r).to_owned()).collect(),
            manner: Manner::Asked,
            since: None,
            dry_run: false,
            limit: LIMIT_DEFAULT,
            until: None,
        }
    }

    async fn run(&self, ask: &ReconcileRequest) -> ReconcileReport {
        let Scene { source, ledger, inlet, clock, rules } = self;
        run(&ReconcilePorts { source, ledger, inlet, clock }, rules, ask, |_| {}).await
    }

    async fn compare(&self) -> ReconcileReport {
        self.run(&self.ask(&[REGION])).await
    }

    /// A worker posts the finding.
    async fn post(&self, id: &str, destination: &str) {
        let finding = self.finding(id);
        let key = RecordKey::alert(&finding.fingerprint, destination);
        let want =
            Want { owner: "worker", sighting: hansho::policy::record::Sighting::of(&finding) };
        let (terms, now) = (&self.rules.terms, self.clock.now().wall);
        let seen = self.ledger.read(&key).await.unwrap();
        let Claim::Write { expect, record: row, .. } =
            ledger::claim(seen.as_ref(), &want, terms, now)
        else {
            panic!("it can't be claimed");
        };
        self.ledger.write(&key, &expect, &row).await.unwrap();
        let (expect, row) = ledger::mark(&row, "post", &want.sighting, terms, now);
        self.ledger.write(&key, &expect, &row).await.unwrap();
    }

    fn finding(&self, id: &str) -> Finding {
        let all = self.source.findings.lock().unwrap();
        let found = all[REGION].iter().find(|f| f["id"] == id).unwrap();
        finding::parse(&found.to_string()).findings.remove(0)
    }

    async fn row(&self, region: &str) -> Option<WatermarkRecord> {
        self.ledger.read(&RecordKey::watermark(region)).await.unwrap()
    }

    async fn pass(&self, by: Duration) {
        tokio::time::sleep(by).await;
    }
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

#[tokio::test(start_paused = true)]
async fn only_unposted_findings_are_enqueued() {
    let s = Scene::new();
    for (id, severity, age) in [
        ("posted", 5.0, 60),
        ("posted-by-halves", 8.0, 60),
        ("posted-to-all", 8.0, 60),
        ("missing", 5.0, 50),
        ("noise", 2.0, 50),
        ("young", 9.5, 5),
        ("long-ago", 9.5, 60 * 25),
    ] {
        s.hold(id, severity, age);
    }
    s.post("posted", "security").await;
    s.post("posted-by-halves", "security").await;
    s.post("posted-to-all", "security").await;
    s.post("posted-to-all", "oncall").await;
    let report = s.compare().await;
    assert_eq!(s.inlet.ids(), ["posted-by-halves", "missing"]);
    let region = &report.regions[0];
    assert_eq!(region.outcome, RegionOutcome::Whole);
    assert_eq!((region.listed, region.compared, region.known), (5, 4, 2));
    assert_eq!((region.missing, region.enqueued, region.young), (2, 2, 1));
    let named: Vec<&str> = region.named.iter().map(|m| m.fingerprint.as_str()).collect();
    assert_eq!(named[1], "guardduty/111122223333/eu-west-1/missing");
    assert_eq!(report.failures().count(), 0);
    // What is in the queue is a finding like any other, with the fingerprint of EventBridge's copy.
    let body = s.inlet.bodies.lock().unwrap()[1].clone();
    let read = finding::parse(&body).findings.remove(0);
    assert_eq!(read, s.finding("missing"));
    assert!(read.remarks.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_not_enqueued_again_but_not_for_ever() {
    let s = Scene::new();
    s.hold("missing", 5.0, 30);
    assert_eq!(s.compare().await.regions[0].enqueued, 1);
    s.pass(minutes(15)).await;
    let again = s.compare().await;
    let region = &again.regions[0];
    assert_eq!((region.compared, region.waiting, region.missing), (1, 1, 0));
    // It became more severe meanwhile, which needs another post.
    let now = s.clock.now().wall;
    s.source.add(REGION, guardduty_finding("missing", REGION, 9.5, BEGAN.minus(minutes(30)), now));
    s.source.findings.lock().unwrap().get_mut(REGION).unwrap().remove(0);
    assert_eq!(s.compare().await.regions[0].enqueued, 1);
    s.pass(minutes(60 * 7)).await;
    let mut ask = s.ask(&[REGION]);
    ask.since = Some(BEGAN.minus(minutes(60)));
    assert_eq!(s.run(&ask).await.regions[0].enqueued, 1);
    s.post("missing", "security").await;
    s.post("missing", "oncall").await;
    assert_eq!(s.run(&ask).await.regions[0].known, 1);
    assert_eq!(s.inlet.ids().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_high_or_critical_goes_by_the_express_lane_and_only_by_that() {
    let s = Scene::new();
    for (id, severity) in [("medium", 5.0), ("high", 7.0), ("critical", 9.5)] {
        s.hold(id, severity, 60);
    }
    s.compare().await;
    let lanes: BTreeMap<String, Lane> =
        s.inlet.ids().into_iter().zip(s.inlet.lanes.lock().unwrap().clone()).collect();
    let expected =
        [("critical", Lane::Express), ("high", Lane::Express), ("medium", Lane::Standard)];
    assert_eq!(lanes, expected.map(|(id, lane)| (id.to_owned(), lane)).into());
}

#[tokio::test(start_paused = true)]
async fn a_young_finding_is_compared_by_the_next_run() {
    let s = Scene::new();
    s.hold("young", 5.0, 1);
    assert_eq!(s.compare().await.regions[0].young, 1);
    s.pass(SETTLE).await;
    assert_eq!(s.compare().await.regions[0].enqueued, 1);
    // And after a run that was cut short.
    let s = Scene::new();
    for i in 0..60 {
        s.hold(&format!("old{i}"), 5.0, 120);
    }
    for i in 0..60 {
        s.hold(&format!("young{i}"), 5.0, 1);
    }
    let mut ask = s.ask(&[REGION]);
    ask.limit = 70;
    assert_eq!(s.run(&ask).await.regions[0].outcome, RegionOutcome::Limit);
    s.pass(minutes(300)).await;
    assert_eq!(s.compare().await.regions[0].outcome, RegionOutcome::Whole);
    assert_eq!(s.inlet.ids().len(), 120);
}

#[tokio::test(start_paused = true)]
async fn one_region_that_fails_leaves_the_others() {
    let mut s = Scene::new();
    s.hold("missing", 5.0, 30);
    let at = BEGAN.minus(minutes(30));
    s.source.add(OTHER, guardduty_finding("there", OTHER, 9.5, at, at));
    s.source.fail_after(OTHER, 0);
    s.source.without_detector.insert("ap-south-1".to_owned());
    let report = s.run(&s.ask(&[OTHER, "ap-south-1", REGION])).await;
    let words: Vec<&str> = report.regions.iter().map(|r| r.outcome.as_str()).collect();
    assert_eq!(words, ["failed", "failed", "whole"]);
    let failures: Vec<(&str, &str)> = report.failures().collect();
    assert!(failures[0].1.contains("unreachable"), "{failures:?}");
    assert!(failures[1].1.contains("no detector"), "{failures:?}");
    assert_eq!(s.inlet.ids(), ["missing"]);
    s.source.mend(OTHER);
    s.pass(minutes(60 * 30)).await;
    // The failed run's place is kept: nothing is passed over, however late the next one is.
    assert_eq!(s.run(&s.ask(&[OTHER])).await.regions[0].enqueued, 1);
}

#[tokio::test(start_paused = true)]
async fn pages_are_fifty_and_a_run_that_broke_off_is_gone_on_with() {
    let s = Scene::new();
    for i in 0..120_u64 {
        s.hold(&format!("f{i:03}"), 5.0, 600 - i);
    }
    s.source.fail_after(REGION, 2);
    let report = s.compare().await;
    assert_eq!(report.regions[0].outcome.as_str(), "failed");
    assert_eq!(report.regions[0].enqueued, 100);
    assert_eq!(s.source.lists_of(REGION).len(), 3);
    s.source.mend(REGION);
    s.pass(minutes(1)).await;
    let report = s.compare().await;
    // It begins at the last finding of the last whole page.
    assert_eq!(report.regions[0].since, Some(BEGAN.minus(minutes(600 - 99))));
    assert_eq!((report.regions[0].enqueued, report.regions[0].waiting), (20, 1));
    let ids: BTreeSet<String> = s.inlet.ids().into_iter().collect();
    assert_eq!(ids.len(), 120);
    assert_eq!(*s.source.gets.lock().unwrap(), 3);
    // A whole run is followed with an overlap.
    let began = s.clock.now().wall;
    assert_eq!(s.compare().await.regions[0].since, Some(began.minus(OVERLAP)));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_killed_at_any_moment_loses_nothing() {
    for calls in [0, 1, 49, 50, 51, 77, 100, 109] {
        let s = Scene::new();
        for i in 0..110_u64 {
            s.hold(&format!("f{i:03}"), 5.0, 600 - i);
        }
        *s.inlet.places.lock().unwrap() = Some(calls);
        *s.inlet.hangs.lock().unwrap() = true;
        let ask = s.ask(&[REGION]);
        let killed = tokio::time::timeout(Duration::from_secs(1), s.run(&ask)).await;
        assert!(killed.is_err() && s.inlet.ids().len() == calls);
        *s.inlet.places.lock().unwrap() = None;
        let report = s.compare().await;
        assert_eq!(report.regions[0].outcome, RegionOutcome::Whole);
        let whole_pages = calls / 50 * 50;
        let since = BEGAN.minus(minutes(600 - whole_pages.saturating_sub(1) as u64));
        let expected = if whole_pages == 0 { BEGAN.minus(minutes(24 * 60)) } else { since };
        assert_eq!(report.regions[0].since, Some(expected), "after {calls}");
        let ids: BTreeSet<String> = s.inlet.ids().into_iter().collect();
        assert_eq!((ids.len(), s.inlet.ids().len()), (110, 110), "after {calls}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_stops_a_run_and_the_next_one_gets_on() {
    let s = Scene::new();
    // So many in the same second that a run could begin there for ever.
    for i in 0..180 {
        s.hold(&format!("same{i:03}"), 5.0, 300);
    }
    for i in 0..60 {
        s.hold(&format!("later{i:03}"), 5.0, 200);
    }
    let mut ask = s.ask(&[REGION]);
    ask.limit = 60;
    let mut runs = 0;
    loop {
        runs += 1;
        let report = s.run(&ask).await;
        match report.regions[0].outcome {
            RegionOutcome::Limit => assert!(runs < 10),
            RegionOutcome::Whole => break,
            ref other => panic!("{other:?}"),
        }
    }
    let ids: BTreeSet<String> = s.inlet.ids().into_iter().collect();
    assert_eq!((ids.len(), s.inlet.ids().len()), (240, 240));
    assert!(runs > 1, "it was limited");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_kept_between_pages() {
    let s = Scene::new();
    for i in 0..120_u64 {
        s.hold(&format!("f{i}"), 5.0, 600 - i);
    }
    let mut ask = s.ask(&[REGION, OTHER]);
    ask.until = Some(Mono(0));
    let report = s.run(&ask).await;
    assert_eq!(report.regions[0].outcome, RegionOutcome::Deadline);
    assert_eq!(report.regions.len(), 2);
    assert!(s.inlet.ids().is_empty() && s.row(REGION).await.is_none());
    assert_eq!(report.failures().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_writes_nothing() {
    let s = Scene::new();
    s.hold("missing", 5.0, 30);
    let mut ask = s.ask(&[REGION]);
    ask.dry_run = true;
    let report = s.run(&ask).await;
    let region = &report.regions[0];
    assert_eq!((region.missing, region.enqueued), (1, 0));
    assert!(s.inlet.ids().is_empty() && s.row(REGION).await.is_none());
    assert!(report.text(&Accounts::default()).contains("dry run"));
    assert_eq!(s.compare().await.regions[0].enqueued, 1);
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_queue_skips_no_finding() {
    let s = Scene::new();
    s.hold("a", 5.0, 30);
    s.hold("b", 5.0, 29);
    *s.inlet.places.lock().unwrap() = Some(1);
    let report = s.compare().await;
    let (_, why) = report.failures().next().unwrap();
    assert!(why.contains("could not be enqueued: the queue is unreachable"), "{why}");
    assert_eq!((report.regions[0].missing, report.regions[0].enqueued), (2, 1));
    *s.inlet.places.lock().unwrap() = None;
    s.pass(minutes(60 * 3)).await;
    s.compare().await;
    assert_eq!(s.inlet.ids(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn unreadable_findings_are_reported_and_hold_up_nothing() {
    let s = Scene::new();
    s.hold("a", 5.0, 30);
    let at = BEGAN.minus(minutes(40)).to_rfc3339();
    s.source
        .add(REGION, json!({"id": "", "type": "x\u{1b}[31m", "severity": 5.0, "updatedAt": at}));
    let report = s.compare().await;
    assert_eq!((report.regions[0].unreadable, report.regions[0].enqueued), (1, 1));
    assert_eq!(report.regions[0].outcome, RegionOutcome::Whole);
    let text = report.text(&Accounts::default());
    assert!(text.contains("unreadable: no_identity"), "{text}");
    assert!(!text.contains('\u{1b}'));
}

#[tokio::test(start_paused = true)]
async fn what_is_printed_of_a_finding_has_no_control_characters() {
    let s = Scene::new();
    let at = BEGAN.minus(minutes(40));
    let mut hostile = guardduty_finding("x", REGION, 5.0, at, at);
    for key in ["id", "type", "title", "accountId", "region"] {
        hostile[key] = Value::from("evil\u{1b}[2J\u{202e}\n\u{7}end");
    }
    s.source.add(REGION, hostile);
    let report = s.compare().await;
    assert_eq!(report.regions[0].missing, 1);
    let shown = format!("{}{}", report.text(&Accounts::default()), report.json());
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{shown}");
    assert_eq!(
        report.text(&Accounts::default()).lines().count(),
        4,
        "{}",
        report.text(&Accounts::default())
    );
}

#[tokio::test(start_paused = true)]
async fn timers_of_several_workers_share_the_work() {
    let s = Scene::new();
    let metrics = Metrics::new().unwrap();
    let every = minutes(20);
    let (a, b) = (ReconcileRules { me: "a".to_owned(), ..s.rules.clone() }, s.rules.clone());
    let Scene { source, ledger, inlet, clock, .. } = &s;
    let ports = ReconcilePorts { source, ledger, inlet, clock };
    let regions = [REGION.to_owned()];
    let hour = async {
        s.pass(minutes(5)).await;
        s.hold("missing", 5.0, 30);
        s.pass(minutes(61)).await;
    };
    tokio::select! {
        _ = timer::run_every(&ports, &a, &regions, every, &metrics) => unreachable!(),
        _ = timer::run_every(&ports, &b, &regions, every, &metrics) => unreachable!(),
        () = hour => {}
    }
    // Looked at several times an hour by both, compared once in twenty minutes or little more.
    let runs = source.lists_of(REGION).len();
    assert!((2..=4).contains(&runs), "{runs}");
    assert_eq!(inlet.ids(), ["missing"]);
    let text = metrics.text().unwrap();
    let line = r#"hansho_reconciled_total{outcome="enqueued",region="eu-west-1"} 1"#;
    assert!(text.lines().any(|l| l == line), "{text}");
    let line =
        format!(r#"hansho_reconciliations_total{{outcome="whole",region="eu-west-1"}} {runs}"#);
    assert!(text.lines().any(|l| l == line), "{text}");
}

#[test]
fn the_copy_that_is_enqueued_is_the_copy_that_eventbridge_would_have_brought() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/findings");
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let Ok(event) = serde_json::from_str::<Value>(&text) else { continue };
        if event["detail-type"] != "GuardDuty Finding" || !event["detail"].is_object() {
            continue;
        }
        let by_eventbridge = finding::parse(&text).findings.remove(0);
        let mut by_api = finding::parse(&message(&event["detail"].to_string())).findings;
        assert_eq!(by_api.len(), 1, "{}", path.display());
        let by_api = by_api.remove(0);
        assert_eq!(by_api.fingerprint, by_eventbridge.fingerprint, "{}", path.display());
        // But for the account that sent the envelope, which the API's copy has not.
        assert!(by_api.remarks.len() <= by_eventbridge.remarks.len());
        // The copy has no time of an event.
        let unobserved = |c: Condition| Condition { observed_at: None, ..c };
        let without =
            |f: Finding| Finding { remarks: Vec::new(), condition: unobserved(f.condition), ..f };
        assert_eq!(without(by_api), without(by_eventbridge), "{}", path.display());
        compared += 1;
    }
    assert!(compared > 15, "{compared}");
}

#[test]
fn the_answer_of_the_api_is_the_same_finding_in_capitals_too() {
    let text = include_str!("../../fixtures/findings/guardduty-get-findings.json");
    let answer: Value = serde_json::from_str(text).unwrap();
    let expected = finding::parse(text).findings;
    let all = answer["Findings"].as_array().unwrap();
    let read = |one: &Value| finding::parse(&message(&one.to_string())).findings;
    // One of them has no identity, either way.
    let read: Vec<Finding> = all.iter().flat_map(read).collect();
    assert!(read.len() > 1);
    assert_eq!(read, expected);
}

#[tokio::test]
async fn a_finding_is_looked_up_in_each_region_until_one_has_it() {
    let scene = Scene::new();
    let id = "1ab2c3d4e5f60718293a4b5c6d7e8f90";
    let at = BEGAN.minus(minutes(30));
    scene.source.add(OTHER, guardduty_finding(id, OTHER, 5.0, at, at));
    let look = |name: &str, configured: &[&str]| {
        let Ok(Question::Name(name)) = question::name(name, &Scope::default()) else { panic!() };
        let configured: Vec<String> = configured.iter().map(|r| (*r).to_owned()).collect();
        Lookup::of(&name.fingerprints, &name.words, &configured).unwrap()
    };
    let mut source = scene.source.clone();
    source.without_detector.insert("eu-north-1".to_owned());
    for (name, configured, found) in [
        (id.to_owned(), &[REGION, OTHER][..], 1),
        (id.to_owned(), &[REGION], 0),
        (id.to_owned(), &["eu-north-1", OTHER], 1),
        (format!("guardduty/111122223333/{OTHER}/{id}"), &[], 1),
        (format!("guardduty/111122223333/{REGION}/{id}"), &[OTHER], 0),
        ("0000".to_owned(), &[REGION, OTHER], 0),
    ] {
        let (texts, failed) = look(&name, configured).find(&source).await;
        assert_eq!((texts.len(), failed.len()), (found, 0), "{name} {configured:?}");
        assert!(texts.iter().all(|text| finding::parse(text).findings[0].fingerprint.id == id));
    }
}
