//! Metrics of calls to the queue, the ledger and Slack.

use std::collections::BTreeSet;
use std::time::Duration;

use super::register::{count, metrics, observe};
use crate::desk::Snapshot;

/// Seconds of one call. A long poll takes up to 20 s, a post up to 10 s.
const CALL: [f64; 11] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0];

metrics! {
    pub struct CallMetrics {
        calls: counters("hansho_calls_total",
            "Calls to the queue, the ledger and Slack.", &["port", "call", "result"]),
        failures: counters("hansho_call_failures_total",
            "Calls that failed, by reason. A batch counts once for each reason of its entries.",
            &["port", "call", "reason"]),
        seconds: histograms_of_seconds("hansho_call_seconds",
            "Time that calls took. A receive waits for messages.", &["port", "call"], &CALL),
        ledger_unreachable: gauge("hansho_ledger_unreachable",
            "1 if every call to the ledger has failed for two minutes or more."),
    }
}

impl CallMetrics {
    pub fn ended(&self, port: &str, call: &str, result: &str, took: Duration) {
        count(&self.calls, &[port, call, result]);
        observe(&self.seconds, &[port, call], took);
    }

    /// Counts each reason once, however many entries of a batch have it.
    pub fn failed(&self, port: &str, call: &str, reasons: impl IntoIterator<Item = &'static str>) {
        let reasons: BTreeSet<&str> = reasons.into_iter().collect();
        for reason in reasons {
            count(&self.failures, &[port, call, reason]);
        }
    }

    pub fn update(&self, snapshot: &Snapshot) {
        self.ledger_unreachable.set(f64::from(u8::from(snapshot.ledger_unreachable.is_some())));
    }
}
