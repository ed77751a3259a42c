//! What a worker counts, for on-call people and capacity planners. One set of numbers with two ways
//! out: Prometheus' text where somebody can ask for it ([`Metrics::text`]), and CloudWatch's embedded
//! format in the log where nobody can ([`emf`]). The names are the same: `hansho_posted_total` there
//! is `posted` in the namespace `hansho` here.
//!
//! The counts come from what the desk reports, the gauges from the desk at a snapshot, and the calls
//! from the ports ([`calls`]). Labels are bounded: names of destinations, and words of the code. No
//! text of a finding is ever one.

pub mod calls;
pub mod emf;

mod memory;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::proto::MetricFamily;
use prometheus::{
    Encoder, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use crate::desk::{Report, Snapshot};
use crate::finding::{Fingerprint, Level};
use crate::instants::Now;
use crate::ports::Delivery;

/// Seconds from a finding's entry into its queue to Slack's acceptance. A promise is broken in seconds,
/// an outage lasts for hours.
const WAITED: [f64; 13] =
    [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 43_200.0];
/// Seconds of one call. A long poll takes 20 s, a post 10 at most.
const CALL: [f64; 11] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0];

/// CloudWatch takes so many values of a metric in one line.
/// Source: CloudWatch user guide, "Specification: Embedded metric format".
const VALUES_MAX: usize = 100;

/// [`crate::commands::reconcile::Outcome::as_str`] of a comparison that failed.
const RECONCILE_FAILED: &str = "failed";

/// Products whose name is a label. Others come from outside and count together.
const PRODUCTS: [&str; 5] = ["guardduty", "securityhub", "inspector", "macie", "access-analyzer"];

/// All numbers of a process. They only ever grow in count with the destinations configured.
pub struct Metrics {
    registry: Registry,
    findings: IntCounterVec,
    below_threshold: IntCounterVec,
    covered: IntCounterVec,
    covered_by: IntCounterVec,
    posted: IntCounterVec,
    waited: HistogramVec,
    canary: HistogramVec,
    posts: IntCounterVec,
    post_failures: IntCounterVec,
    quarantined: IntCounterVec,
    returned: IntCounterVec,
    fenced_out: IntCounterVec,
    messages: IntCounterVec,
    redelivered: IntCounterVec,
    reconciled: IntCounterVec,
    reconciliations: IntCounterVec,
    reconcile_failed: IntCounterVec,
    calls: IntCounterVec,
    call_failures: IntCounterVec,
    call_seconds: HistogramVec,
    waiting: IntGaugeVec,
    oldest_waiting: GaugeVec,
    held: Gauge,
    held_bytes: Gauge,
    breaker_open: IntGaugeVec,
    dead: IntGaugeVec,
    next_post: GaugeVec,
    ledger_away: Gauge,
    receive_failures: IntGaugeVec,
    memory: Gauge,
    /// What [`emf`] has not told yet of the times that findings waited, and canaries took.
    recent: Mutex<Longest>,
    recent_canaries: Mutex<Longest>,
}

impl Metrics {
    /// # Errors
    /// Two metrics have one name, which would be a mistake here.
    pub fn new() -> Result<Metrics, prometheus::Error> {
        let registry = Registry::new();
        let made = Maker(&registry);
        let version = made.gauges("hansho_build_info", "The version that runs.", &["version"])?;
        set(&version, &[env!("CARGO_PKG_VERSION")], 1);
        Ok(Metrics {
            findings: made.counts(
                "hansho_findings_total",
                "Findings read out of messages, redeliveries included.",
                &["product", "level", "lane"],
            )?,
            below_threshold: made.counts(
                "hansho_below_threshold_total",
                "Findings below every threshold.",
                &["level"],
            )?,
            covered: made.counts(
                "hansho_covered_total",
                "Alerts that an earlier post covers.",
                &["destination", "level"],
            )?,
            covered_by: made.counts(
                "hansho_covered_by_total",
                "The same, by how it was found: this worker's memory, a look, or a refused claim.",
                &["by"],
            )?,
            posted: made.counts(
                "hansho_posted_total",
                "Alerts posted and marked.",
                &["destination", "level"],
            )?,
            waited: made.times(
                "hansho_arrival_to_post_seconds",
                "From a finding's entry into its queue until Slack accepted it.",
                &["level"],
                &WAITED,
            )?,
            canary: made.times(
                "hansho_canary_seconds",
                "From when a canary was put on a bus until its row was in the ledger.",
                &[],
                &WAITED,
            )?,
            posts: made.counts(
                "hansho_posts_total",
                "Tries to post, by what was posted and what the answer means.",
                &["destination", "form", "answer"],
            )?,
            post_failures: made.counts(
                "hansho_post_failures_total",
                "Posts that will be tried again, by reason.",
                &["destination", "reason"],
            )?,
            quarantined: made.counts(
                "hansho_quarantined_total",
                "Messages parked in quarantine.",
                &["lane", "reason"],
            )?,
            returned: made.counts(
                "hansho_handed_back_total",
                "Messages given back to their queue for later.",
                &["reason"],
            )?,
            fenced_out: made.counts(
                "hansho_fenced_out_total",
                "Alerts posted whose claim was lost before the mark: perhaps posted twice.",
                &["destination"],
            )?,
            messages: made.counts(
                "hansho_messages_received_total",
                "Messages received, redeliveries included.",
                &["lane"],
            )?,
            redelivered: made.counts(
                "hansho_messages_redelivered_total",
                "Messages received that had been received before.",
                &["lane"],
            )?,
            reconciled: made.counts(
                "hansho_reconciled_total",
                "Findings that GuardDuty holds, by what the ledger knows of them.",
                &["region", "outcome"],
            )?,
            reconciliations: made.counts(
                "hansho_reconciliations_total",
                "Comparisons of a region's findings with the ledger, by how they ended.",
                &["region", "outcome"],
            )?,
            reconcile_failed: made.counts(
                "hansho_reconcile_failed_total",
                "Regions that could not be compared; 0 where none failed.",
                &["region"],
            )?,
            calls: made.counts(
                "hansho_calls_total",
                "Calls to queue, ledger and Slack.",
                &["port", "call", "result"],
            )?,
            call_failures: made.counts(
                "hansho_call_failures_total",
                "Those that failed, by reason; a batch counts once for each reason among its entries.",
                &["port", "call", "reason"],
            )?,
            call_seconds: made.times(
                "hansho_call_seconds",
                "How long those calls took; a receive waits for messages.",
                &["port", "call"],
                &CALL,
            )?,
            waiting: made.gauges(
                "hansho_waiting",
                "Alerts that wait here to be posted.",
                &["destination", "level"],
            )?,
            oldest_waiting: made.measures(
                "hansho_oldest_waiting_seconds",
                "Since when the oldest of them has been in its queue.",
                &["destination"],
            )?,
            held: made.measure("hansho_held_findings", "Findings in the buffer.")?,
            held_bytes: made.measure("hansho_held_bytes", "Their bytes.")?,
            breaker_open: made.gauges(
                "hansho_breaker_open",
                "1: so many posts failed in a row that it is only tried now and then.",
                &["destination"],
            )?,
            dead: made.gauges(
                "hansho_destination_dead",
                "1: its webhook is gone.",
                &["destination"],
            )?,
            next_post: made.measures(
                "hansho_next_post_seconds",
                "How long until it may be posted to: its pace, a pause that Slack asked for, a breaker.",
                &["destination"],
            )?,
            ledger_away: made.measure(
                "hansho_ledger_away",
                "1: the ledger has failed for two minutes or more.",
            )?,
            receive_failures: made.gauges(
                "hansho_receive_failures",
                "Receives that failed in a row.",
                &["lane"],
            )?,
            memory: made
                .measure("process_resident_memory_bytes", "Memory of this process that is in use.")?,
            recent: Mutex::default(),
            recent_canaries: Mutex::default(),
            registry,
        })
    }

    /// Takes note of what the desk reports.
    pub fn heard(&self, report: &Report) {
        match report {
            Report::Received { finding, lane } => {
                let level = finding.severity.level.as_str();
                count(&self.findings, &[product(&finding.fingerprint), level, lane.as_str()]);
            }
            Report::Filtered { finding, lane } => {
                let level = finding.severity.level.as_str();
                count(&self.findings, &[product(&finding.fingerprint), level, lane.as_str()]);
                count(&self.below_threshold, &[level]);
            }
            Report::AlreadyPosted { destination, level, by, .. } => {
                count(&self.covered, &[destination, level.as_str()]);
                count(&self.covered_by, &[by.as_str()]);
            }
            Report::Posted { destination, level, waited, .. } => {
                count(&self.posted, &[destination, level.as_str()]);
                observe(&self.waited, &[level.as_str()], *waited);
                keep(&self.recent).push(*waited);
            }
            Report::Canary { took, .. } => {
                observe(&self.canary, &[], *took);
                keep(&self.recent_canaries).push(*took);
            }
            Report::Quarantined { lane, reason, .. } => {
                count(&self.quarantined, &[lane.as_str(), reason]);
            }
            Report::Returned { reason, .. } => count(&self.returned, &[reason.as_str()]),
            Report::PostFailed { destination, reason, .. } => {
                count(&self.post_failures, &[destination, reason]);
            }
            Report::PostRefused { destination, .. } => {
                count(&self.post_failures, &[destination, "refused"]);
            }
            Report::DestinationDead { destination, .. } => {
                count(&self.post_failures, &[destination, "dead"]);
            }
            Report::FencedOut { destination, .. } => count(&self.fenced_out, &[destination]),
            // Their calls are counted where they are made.
            Report::QueueFailed { .. } | Report::LedgerFailed { .. } => {}
            Report::DestinationRecovered { .. }
            | Report::AddressReread { .. }
            | Report::LedgerUnreachable
            | Report::LedgerRecovered => {}
        }
    }

    /// These messages came from a queue.
    pub fn received(&self, deliveries: &[Delivery]) {
        for delivery in deliveries {
            count(&self.messages, &[delivery.lane.as_str()]);
            if delivery.receive_count > 1 {
                count(&self.redelivered, &[delivery.lane.as_str()]);
            }
        }
    }

    /// So many findings of a region had this outcome when they were compared with the ledger. Both
    /// labels are words of the configuration and of the code.
    pub fn reconciled(&self, region: &str, outcome: &str, findings: u64) {
        if let Ok(counter) = self.reconciled.get_metric_with_label_values(&[region, outcome]) {
            counter.inc_by(findings);
        }
    }

    /// The comparison of a region ended so.
    pub fn reconcile_ended(&self, region: &str, outcome: &str) {
        count(&self.reconciliations, &[region, outcome]);
        // Also said when all is well, so that the alarm on it ends.
        if let Ok(failed) = self.reconcile_failed.get_metric_with_label_values(&[region]) {
            failed.inc_by(u64::from(outcome == RECONCILE_FAILED));
        }
    }

    /// Takes over what the desk holds now.
    pub fn looked(&self, snapshot: &Snapshot, now: Now) {
        self.held.set(snapshot.held as f64);
        self.held_bytes.set(snapshot.held_bytes as f64);
        self.ledger_away.set(f64::from(u8::from(snapshot.ledger_unreachable.is_some())));
        for (lane, failures) in &snapshot.receive_failures {
            set(&self.receive_failures, &[lane.as_str()], i64::from(*failures));
        }
        for d in &snapshot.destinations {
            for level in Level::ALL {
                let waiting = i64::try_from(d.waiting(level)).unwrap_or(i64::MAX);
                set(&self.waiting, &[&d.name, level.as_str()], waiting);
            }
            let age = d.oldest.map_or(Duration::ZERO, |since| now.wall.since(since));
            measure(&self.oldest_waiting, &[&d.name], age);
            measure(&self.next_post, &[&d.name], d.next_post_in);
            set(&self.breaker_open, &[&d.name], i64::from(d.breaker_open));
            set(&self.dead, &[&d.name], i64::from(d.dead));
        }
    }

    /// All of it, in Prometheus' text format.
    ///
    /// # Errors
    /// None that is known: what the encoder says.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// All families, and with them what is measured only when somebody asks.
    fn gather(&self) -> Vec<MetricFamily> {
        if let Some(bytes) = memory::resident_bytes() {
            self.memory.set(bytes as f64);
        }
        self.registry.gather()
    }
}

/// Seconds: of more than CloudWatch takes in one line, the longest.
#[derive(Default)]
struct Longest(Vec<f64>);

impl Longest {
    fn push(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        if self.0.len() < VALUES_MAX {
            self.0.push(seconds);
        } else if let Some(least) = self.0.iter_mut().min_by(|a, b| a.total_cmp(b)) {
            *least = least.max(seconds);
        }
    }
}

/// Numbers that were pushed one by one: a panic in between spoils none.
fn keep(recent: &Mutex<Longest>) -> MutexGuard<'_, Longest> {
    recent.lock().unwrap_or_else(PoisonError::into_inner)
}

fn product(finding: &Fingerprint) -> &'static str {
    let named = |name: &&&str| **name == finding.product;
    PRODUCTS.iter().find(named).copied().unwrap_or("other")
}

struct Maker<'a>(&'a Registry);

impl Maker<'_> {
    fn keep<C: prometheus::core::Collector + Clone + 'static>(
        &self,
        made: C,
    ) -> Result<C, prometheus::Error> {
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn counts(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, prometheus::Error> {
        self.keep(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn measures(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<GaugeVec, prometheus::Error> {
        self.keep(GaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn measure(&self, name: &str, help: &str) -> Result<Gauge, prometheus::Error> {
        self.keep(Gauge::new(name, help)?)
    }

    fn times(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<HistogramVec, prometheus::Error> {
        let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.keep(HistogramVec::new(opts, labels)?)
    }
}

// A wrong number of labels is a mistake here, which the tests find: every metric is used in them.

fn count(counts: &IntCounterVec, labels: &[&str]) {
    if let Ok(counter) = counts.get_metric_with_label_values(labels) {
        counter.inc();
    }
}

fn set(gauges: &IntGaugeVec, labels: &[&str], value: i64) {
    if let Ok(gauge) = gauges.get_metric_with_label_values(labels) {
        gauge.set(value);
    }
}

fn measure(gauges: &GaugeVec, labels: &[&str], value: Duration) {
    if let Ok(gauge) = gauges.get_metric_with_label_values(labels) {
        gauge.set(value.as_secs_f64());
    }
}

fn observe(times: &HistogramVec, labels: &[&str], value: Duration) {
    if let Ok(time) = times.get_metric_with_label_values(labels) {
        time.observe(value.as_secs_f64());
    }
}

#[cfg(test)]
mod tests;
