//! Metrics of findings and alerts: how many arrive, and how many of them are posted.

use super::register::{count, metrics};
use crate::desk::Report;
use crate::finding::{Fingerprint, Level};
use crate::ports::Lane;

metrics! {
    pub struct FindingMetrics {
        findings: counters("hansho_findings_total",
            "Findings parsed from messages. Redeliveries count again.",
            &["product", "level", "lane"]),
        below_threshold: counters("hansho_below_threshold_total",
            "Findings below the thresholds of all destinations.", &["level"]),
        unmatched: counters("hansho_unmatched_total",
            "Findings that match no destination, and were dropped.", &["level"]),
        ignored: counters("hansho_events_ignored_total",
            "Events that are known to be no findings, such as API calls and scan summaries.",
            &["event"]),
        already_posted: counters("hansho_already_posted_total",
            "Alerts that an earlier post contains, so that nothing was posted.",
            &["destination", "level"]),
        already_posted_by: counters("hansho_already_posted_by_total",
            "Alerts that an earlier post contains, by how the worker knew: from its memory, \
            from a prefetched record, or from a refused claim.",
            &["by"]),
        closed: counters("hansho_closed_total",
            "Alerts for which nothing was posted because the finding is closed: resolved or \
            suppressed when it came, or closed since according to the ledger. `ended`: the \
            finding had been posted.",
            &["destination", "why", "ended"]),
        posted: counters("hansho_posted_total",
            "Alerts that Slack accepted and the ledger recorded.", &["destination", "level"]),
        fenced_out: counters("hansho_fenced_out_total",
            "Alerts that were posted but marked too late. They may be posted twice.",
            &["destination"]),
    }
}

impl FindingMetrics {
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
            Report::Unmatched { finding } => {
                count(&self.unmatched, &[finding.severity.level.as_str()]);
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
