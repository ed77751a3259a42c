//! Metrics of findings and alerts: how many arrive, and how many of them are posted.

use prometheus::{Error, IntCounterVec};

use super::register::{Register, count};
use crate::desk::Report;
use crate::finding::{Fingerprint, Level};
use crate::ports::Lane;

pub struct FindingMetrics {
    findings: IntCounterVec,
    below_threshold: IntCounterVec,
    ignored: IntCounterVec,
    already_posted: IntCounterVec,
    already_posted_by: IntCounterVec,
    closed: IntCounterVec,
    posted: IntCounterVec,
    fenced_out: IntCounterVec,
}

impl FindingMetrics {
    pub fn register(register: &Register<'_>) -> Result<FindingMetrics, Error> {
        Ok(FindingMetrics {
            findings: register.counters(
                "hansho_findings_total",
                "Findings parsed from messages. Redeliveries count again.",
                &["product", "level", "lane"],
            )?,
            below_threshold: register.counters(
                "hansho_below_threshold_total",
                "Findings below the thresholds of all destinations.",
                &["level"],
            )?,
            ignored: register.counters(
                "hansho_events_ignored_total",
                "Events that are known to be no findings, such as API calls and scan summaries.",
                &["event"],
            )?,
            already_posted: register.counters(
                "hansho_already_posted_total",
                "Alerts that an earlier post contains, so that nothing was posted.",
                &["destination", "level"],
            )?,
            already_posted_by: register.counters(
                "hansho_already_posted_by_total",
                "Alerts that an earlier post contains, by how the worker knew: from its memory, \
                 from a prefetched record, or from a refused claim.",
                &["by"],
            )?,
            closed: register.counters(
                "hansho_closed_total",
                "Alerts for which nothing was posted because the finding is closed: resolved or \
                 suppressed when it came, or closed since according to the ledger. `ended`: the \
                 finding had been posted.",
                &["destination", "why", "ended"],
            )?,
            posted: register.counters(
                "hansho_posted_total",
                "Alerts that Slack accepted and the ledger recorded.",
                &["destination", "level"],
            )?,
            fenced_out: register.counters(
                "hansho_fenced_out_total",
                "Alerts that were posted but marked too late. They may be posted twice.",
                &["destination"],
            )?,
        })
    }

    pub fn record(&self, report: &Report) {
        match report {
            Report::Received { finding, lane } => {
                self.parsed(&finding.fingerprint, finding.severity.level, *lane);
            }
            Report::Filtered { finding, lane } => {
                let level = finding.severity.level;
                self.parsed(&finding.fingerprint, level, *lane);
                count(&self.below_threshold, &[level.as_str()]);
            }
            Report::Ignored { event, .. } => count(&self.ignored, &[event.as_str()]),
            Report::AlreadyPosted { destination, level, by, .. } => {
                count(&self.already_posted, &[destination, level.as_str()]);
                count(&self.already_posted_by, &[by.as_str()]);
            }
            Report::Closed { destination, why, ended, .. } => {
                let ended = if *ended { "true" } else { "false" };
                count(&self.closed, &[destination, why.as_str(), ended]);
            }
            Report::AlreadyClosed { destination, .. } => {
                count(&self.closed, &[destination, "closed_since", "false"]);
            }
            Report::Posted { destination, level, .. } => {
                count(&self.posted, &[destination, level.as_str()]);
            }
            Report::FencedOut { destination, .. } => count(&self.fenced_out, &[destination]),
            _ => {}
        }
    }

    fn parsed(&self, fingerprint: &Fingerprint, level: Level, lane: Lane) {
        count(&self.findings, &[product(fingerprint), level.as_str(), lane.as_str()]);
    }
}

/// The label of a product. Products that AWS does not make count as `other`, because their names
/// come from outside.
fn product(fingerprint: &Fingerprint) -> &'static str {
    let named = |name: &&str| *name == fingerprint.product;
    Fingerprint::PRODUCTS.into_iter().find(named).unwrap_or("other")
}
