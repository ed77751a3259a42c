//! Metrics of `reconcile`.

use super::register::{add, count, metrics};

/// The outcome of a comparison that failed: `commands::reconcile::Outcome::as_str`.
const FAILED: &str = "failed";

metrics! {
    pub struct ReconcileMetrics {
        findings: counters("hansho_reconciled_total",
            "GuardDuty findings that were compared with the ledger, by the result.",
            &["region", "outcome"]),
        comparisons: counters("hansho_reconciliations_total",
            "Comparisons of a region with the ledger, by how they ended.", &["region", "outcome"]),
        failed: counters("hansho_reconcile_failed_total",
            "Comparisons of a region that failed. It is 0 for a region without a failure.",
            &["region"]),
    }
}

impl ReconcileMetrics {
    pub fn compared(&self, region: &str, outcome: &str, findings: u64) {
        add(&self.findings, &[region, outcome], findings);
    }

    pub fn ended(&self, region: &str, outcome: &str) {
        count(&self.comparisons, &[region, outcome]);
        // The 0 of a success ends the alarm.
        add(&self.failed, &[region], u64::from(outcome == FAILED));
    }
}
