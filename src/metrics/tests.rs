//! Uses every metric, and reads both outputs as Prometheus and CloudWatch read them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::emf::Emf;
use super::waits::VALUES_MAX;
use super::{Counted, Metrics, memory};
use crate::clock::SystemClock;
use crate::desk::{DestinationSnapshot, KnownFrom, Report, ReturnReason, Snapshot};
use crate::finding::{self, Finding, IgnoredEvent, Level};
use crate::instants::{Mono, Now, Wall};
use crate::policy::matcher::Matcher;
use crate::policy::record::{Expect, Record, RecordKey};
use crate::policy::silence::Silence;
use crate::ports::{
    Consistency, Delivery, Depth, Failure, FailureKind, Form, Lane, Ledger, LedgerError, MessageId,
    Notifier, Post, Prefetched, QuarantineEntry, Queue, QueueError, Receipt, ReceiveAsk, Verdict,
    Written,
};

const NOW: Now = Now { wall: Wall(1_790_000_000_000), mono: Mono(5_000) };

/// A finding of a product, whose name may come from an attacker.
fn a_finding(product: &str) -> Arc<Finding> {
    let text = include_str!("../../tests/fixtures/findings/guardduty-instance.json");
    let mut finding = finding::parse(text).findings.remove(0);
    finding.fingerprint.product = product.to_owned();
    Arc::new(finding)
}

fn unwanted() -> finding::Unwanted {
    let Finding { mut fingerprint, .. } = Arc::unwrap_or_clone(a_finding("guardduty"));
    fingerprint.id = "low".to_owned();
    finding::Unwanted { fingerprint, severity: finding::Severity::of_level(Level::Low) }
}

fn a_silence(id: &str) -> Arc<Silence> {
    let (from, until) = (NOW.wall, NOW.wall.plus(Duration::from_secs(60)));
    Arc::new(Silence {
        id: id.to_owned(),
        matcher: Matcher::default(),
        findings: Vec::new(),
        resources: Vec::new(),
        covers: Level::High,
        from,
        until,
        because: finding::Text::new("x", 9),
        owner: None,
    })
}

#[test]
fn silences_have_a_limited_number_of_labels() {
    let metrics = Metrics::new().unwrap();
    for n in 0..1_003 {
        let silence = a_silence(&format!("s{n}"));
        metrics.record(&silenced(a_finding("guardduty"), silence));
    }
    metrics.record(&silenced(a_finding("x"), a_silence("s0")));
    let text = metrics.text().unwrap();
    for line in ["{silence=\"(other)\"} 3", "{silence=\"s0\"} 2", "{silence=\"s999\"} 1"] {
        assert!(text.contains(&format!("hansho_silenced_total{line}")), "{line}");
    }
}

fn silenced(finding: Arc<Finding>, silence: Arc<Silence>) -> Report {
    Report::Silenced { finding, silence, destinations: vec!["security".to_owned()] }
}

fn posted(waited_ms: u64) -> Report {
    Report::Posted {
        finding: "f".to_owned(),
        about: a_finding("guardduty"),
        destination: "security".to_owned(),
        channel: None,
        level: Level::High,
        post_id: "d".to_owned(),
        waited: Duration::from_millis(waited_ms),
    }
}

fn reports() -> Vec<Report> {
    let destination = || "security".to_owned();
    let (lane, level, delay) = (Lane::Standard, Level::High, Duration::from_secs(1));
    vec![
        Report::Received { finding: a_finding("guardduty"), lane },
        Report::Received { finding: a_finding("evil\"} 1\n:corp"), lane },
        Report::Filtered { finding: unwanted(), lane },
        Report::Unmatched { finding: a_finding("guardduty") },
        silenced(a_finding("guardduty"), a_silence("scan")),
        Report::Ignored { event: IgnoredEvent::CloudTrail, lane },
        Report::AlreadyPosted {
            finding: "f".to_owned(),
            about: a_finding("guardduty"),
            destination: destination(),
            level,
            by: KnownFrom::Prefetch,
        },
        Report::Closed {
            finding: "f".to_owned(),
            about: a_finding("guardduty"),
            destination: destination(),
            why: crate::finding::Closing::Resolved,
            ended: true,
        },
        posted(1_500),
        Report::Canary { finding: "c".to_owned(), took: Duration::from_millis(2_500) },
        Report::Quarantined {
            message: "m".to_owned(),
            lane,
            reason: "not_json",
            detail: "no".to_owned(),
            hint: Box::default(),
        },
        Report::Returned { message: "m".to_owned(), reason: ReturnReason::Busy, delay },
        Report::PostFailed {
            destination: destination(),
            post_id: "d".to_owned(),
            reason: "rate_limited",
            ambiguous: false,
            delay,
            detail: String::new(),
        },
        Report::DestinationDead {
            destination: destination(),
            ambiguous: false,
            detail: String::new(),
            delay,
            fallback: None,
        },
        Report::FencedOut {
            finding: "f".to_owned(),
            destination: destination(),
            post_id: "d".to_owned(),
        },
    ]
}

/// A port of each kind, of which every second call fails.
struct Half(Mutex<bool>);

impl Half {
    fn works(&self) -> bool {
        let mut last = self.0.lock().unwrap();
        *last = !*last;
        *last
    }
}

impl Queue for Half {
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        let delivery = Delivery {
            lane: ask.lane,
            message_id: MessageId("m".to_owned()),
            receipt: Receipt("r".to_owned()),
            body: String::new(),
            receive_count: 2,
            enqueued_at: None,
            again: false,
            place: None,
        };
        Ok(vec![delivery])
    }

    async fn delete(&self, _: Lane, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        let gone = |_: &Receipt| Err(QueueError::ReceiptGone(String::new()));
        receipts.iter().map(gone).collect()
    }

    async fn hide(&self, _: Lane, all: &[(Receipt, Duration)]) -> Vec<Result<(), QueueError>> {
        // Each entry of a batch may fail in its own way.
        let kinds = [FailureKind::Throttled, FailureKind::Denied, FailureKind::Throttled];
        let fails = |(i, _)| Err(QueueError::Unavailable(Failure::new(kinds[i % 3], "")));
        all.iter().enumerate().map(fails).collect()
    }

    async fn quarantine(&self, _: &QuarantineEntry) -> Result<(), QueueError> {
        Err(QueueError::Unavailable(Failure::new(FailureKind::TimedOut, "")))
    }

    async fn depth(&self, _: Lane) -> Result<Depth, QueueError> {
        Ok(Depth::default())
    }
}

impl Ledger for Half {
    async fn read_any(&self, _: &RecordKey) -> Result<Option<Record>, LedgerError> {
        if self.works() {
            Ok(None)
        } else {
            Err(LedgerError(Failure::new(FailureKind::Throttled, "")))
        }
    }

    async fn write_any(
        &self,
        _: &RecordKey,
        _: &Expect,
        _: Record,
    ) -> Result<Written<Record>, LedgerError> {
        Ok(Written::Lost(None))
    }

    async fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        let _ = consistency;
        Ok(vec![Prefetched::Absent; keys.len()])
    }
}

impl Notifier for Half {
    async fn post(&self, _: &Post) -> Verdict {
        if self.works() { Verdict::Accepted } else { Verdict::Refused { detail: String::new() } }
    }

    async fn refresh(&self, _: &str) -> Result<bool, String> {
        Ok(true)
    }
}

async fn calls(metrics: &Metrics) {
    let (half, clock) = (Half(Mutex::new(false)), SystemClock::start());
    let counted = Counted::new(&half, metrics, &clock);
    let lane = Lane::Express;
    let (wait, visibility) = (Duration::ZERO, Duration::from_secs(1));
    counted.receive(ReceiveAsk { lane, max: 1, wait, visibility }).await.unwrap();
    counted.delete(lane, &[Receipt("r".to_owned())]).await;
    let entry = (Receipt("r".to_owned()), wait);
    counted.hide(lane, &[entry.clone(), entry.clone(), entry]).await;
    let key = RecordKey::alert("f", "d");
    assert!(counted.read_any(&key).await.is_ok() && counted.read_any(&key).await.is_err());
    let post = Post {
        at: Wall(0),
        id: "d".to_owned(),
        destination: "security".to_owned(),
        form: Form::Cards,
        cards: Vec::new(),
        notes: Vec::new(),
    };
    counted.post(&post).await;
    counted.post(&post).await;
}

fn snapshot() -> Snapshot {
    let mut desk = DestinationSnapshot::example("security");
    desk.oldest = Some(NOW.wall.minus(Duration::from_secs(90)));
    desk.dead = Some(crate::ports::OutageCause::Dead);
    Snapshot {
        worker: "w".to_owned(),
        held: 3,
        held_bytes: 4096,
        posts: 0,
        posted: 0,
        receive_failures: vec![(Lane::Standard, 2)],
        ledger_unreachable: None,
        draining: false,
        destinations: vec![desk],
    }
}

async fn all() -> Metrics {
    let metrics = Metrics::new().unwrap();
    reports().iter().for_each(|report| metrics.record(report));
    metrics.update(&snapshot(), NOW);
    calls(&metrics).await;
    metrics.reconciled("eu-west-1", "enqueued", 3);
    metrics.reconcile_ended("eu-west-1", "whole");
    metrics.accounts(60, Some(NOW.wall));
    metrics.silences(3);
    metrics.store(Some(FailureKind::DiskFull));
    metrics.reconcile_ended("us-east-1", "failed");
    metrics.coverage_looked(&[("plan_off", 2), ("frequency", 0)], 1, false, NOW.wall);
    metrics.coverage_failed();
    metrics
}

#[tokio::test]
async fn every_metric_can_be_scraped() {
    let text = all().await.text().unwrap();
    let about: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|rest| rest.split(' ').next().unwrap())
        .collect();
    let mut expected = BTreeSet::from([
        "hansho_arrival_to_post_seconds",
        "hansho_events_ignored_total",
        "hansho_below_threshold_total",
        "hansho_breaker_open",
        "hansho_build_info",
        "hansho_call_seconds",
        "hansho_closed_total",
        "hansho_canary_seconds",
        "hansho_call_failures_total",
        "hansho_calls_total",
        "hansho_already_posted_total",
        "hansho_coverage_gaps",
        "hansho_coverage_looked_timestamp_seconds",
        "hansho_coverage_looks_total",
        "hansho_coverage_unreadable",
        "hansho_destination_dead",
        "hansho_fenced_out_total",
        "hansho_findings_total",
        "hansho_returned_total",
        "hansho_held_bytes",
        "hansho_accounts_known",
        "hansho_accounts_synced_timestamp_seconds",
        "hansho_held_findings",
        "hansho_ledger_unreachable",
        "hansho_already_posted_by_total",
        "hansho_messages_received_total",
        "hansho_messages_redelivered_total",
        "hansho_next_post_seconds",
        "hansho_oldest_waiting_seconds",
        "hansho_post_failures_total",
        "hansho_posted_total",
        "hansho_posts_total",
        "hansho_quarantined_total",
        "hansho_receive_failures",
        "hansho_reconciled_total",
        "hansho_reconcile_failed_total",
        "hansho_reconciliations_total",
        "hansho_silenced_total",
        "hansho_silences",
        "hansho_store_failing",
        "hansho_unmatched_total",
        "hansho_waiting",
    ]);
    expected.insert("process_resident_memory_bytes");
    assert_eq!(about, expected);
    for line in [
        "hansho_findings_total{lane=\"standard\",level=\"high\",product=\"guardduty\"} 1",
        "hansho_findings_total{lane=\"standard\",level=\"high\",product=\"other\"} 1",
        "hansho_findings_total{lane=\"standard\",level=\"low\",product=\"guardduty\"} 1",
        "hansho_below_threshold_total{level=\"low\"} 1",
        "hansho_unmatched_total{level=\"high\"} 1",
        "hansho_silenced_total{silence=\"scan\"} 1",
        "hansho_silences 3",
        "hansho_store_failing{reason=\"disk_full\"} 1",
        "hansho_store_failing{reason=\"removed\"} 0",
        "hansho_events_ignored_total{event=\"cloudtrail\"} 1",
        "hansho_post_failures_total{destination=\"security\",reason=\"dead\"} 1",
        "hansho_destination_dead{destination=\"security\"} 1",
        "hansho_oldest_waiting_seconds{destination=\"security\"} 90",
        "hansho_arrival_to_post_seconds_bucket{level=\"high\",le=\"1\"} 0",
        "hansho_arrival_to_post_seconds_bucket{level=\"high\",le=\"2\"} 1",
        "hansho_calls_total{call=\"read\",port=\"ledger\",result=\"failed\"} 1",
        "hansho_calls_total{call=\"delete\",port=\"queue\",result=\"receipt_gone\"} 1",
        "hansho_call_failures_total{call=\"read\",port=\"ledger\",reason=\"throttled\"} 1",
        "hansho_call_failures_total{call=\"hide\",port=\"queue\",reason=\"throttled\"} 1",
        "hansho_call_failures_total{call=\"hide\",port=\"queue\",reason=\"denied\"} 1",
        "hansho_call_failures_total{call=\"delete\",port=\"queue\",reason=\"receipt_gone\"} 1",
        "hansho_call_failures_total{call=\"post\",port=\"slack\",reason=\"refused\"} 1",
        "hansho_messages_redelivered_total{lane=\"express\"} 1",
        "hansho_reconciled_total{outcome=\"enqueued\",region=\"eu-west-1\"} 3",
        "hansho_reconciliations_total{outcome=\"whole\",region=\"eu-west-1\"} 1",
        "hansho_reconcile_failed_total{region=\"eu-west-1\"} 0",
        "hansho_reconcile_failed_total{region=\"us-east-1\"} 1",
        "hansho_coverage_gaps{kind=\"plan_off\"} 2",
        "hansho_coverage_looks_total{outcome=\"failed\"} 1",
        "hansho_posts_total{answer=\"refused\",destination=\"security\",form=\"cards\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\nin\n{text}");
    }
    assert!(!text.contains("evil"), "a finding's text is not a label");
}

#[tokio::test]
async fn a_line_for_cloudwatch_has_what_was_added() {
    let (metrics, emf) = (all().await, Emf::default());
    let line: Value = serde_json::from_str(&emf.line(&metrics, true, NOW.wall)).unwrap();
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(line["_aws"]["Timestamp"], NOW.wall.0);
    assert_eq!(directive["Namespace"], "hansho");
    assert_eq!(directive["Dimensions"], serde_json::json!([[]]));
    let declared = directive["Metrics"].as_array().unwrap();
    assert_eq!(declared.len(), 13, "{directive}");
    for metric in declared {
        let value = &line[metric["Name"].as_str().unwrap()];
        assert!(value.is_number() || value.is_array(), "{metric}: {value}");
    }
    for (name, value) in [("findings", 3), ("posted", 1), ("destination_dead", 1), ("heartbeat", 1)]
    {
        assert_eq!(line[name], value, "{name}");
    }
    assert_eq!(line["arrival_to_post_seconds"], serde_json::json!([1.5]));
    assert_eq!(line["canary_seconds"], serde_json::json!([2.5]));
    assert_eq!(line["oldest_waiting_seconds"], 90);
    assert_eq!(line["reconcile_failed"], 1);
    assert_eq!(line["coverage_incomplete"], serde_json::json!([1.0, 1.0]));
    assert_eq!(line["coverage_gaps"], 2);
    // Only on Linux.
    let resident = line["process_resident_memory_bytes"].as_f64().unwrap();
    assert_eq!(resident > 0.0, memory::resident_bytes().is_some());
    // The read of the ledger, and the batch in which two entries were.
    assert_eq!((&line["call_failures"], &line["throttled"]), (&Value::from(5), &Value::from(2)));
    metrics.record(&posted(250));
    let line: Value = serde_json::from_str(&emf.line(&metrics, false, NOW.wall)).unwrap();
    assert_eq!((&line["posted"], &line["findings"]), (&Value::from(1), &Value::from(0)));
    assert!(line.get("heartbeat").is_none() && line.get("canary_seconds").is_none());
    assert!(line.get("coverage_incomplete").is_none(), "each look counts once");
    metrics.coverage_elsewhere();
    assert!(!metrics.text().unwrap().contains("hansho_coverage_gaps{"));
}

#[test]
fn the_longest_times_are_kept() {
    let metrics = Metrics::new().unwrap();
    (0..500).for_each(|i| metrics.record(&posted(i * 10)));
    let line = Emf::default().line(&metrics, true, NOW.wall);
    let line: Value = serde_json::from_str(&line).unwrap();
    let times = line["arrival_to_post_seconds"].as_array().unwrap();
    assert_eq!(times.len(), VALUES_MAX);
    assert!(times.iter().all(|t| t.as_f64().unwrap() >= 4.0), "{times:?}");
    assert!(!line.to_string().contains('\n') && line.to_string().len() < 4096);
}
