//! Metrics of silences.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::register::{Register, count, metrics, set};
use crate::desk::Report;

/// The most silences with a label of their own since the start of a process. Silences come and go
/// while it runs.
const LABELS_MAX: usize = 1_000;
/// The label of all others. No silence has it, as its first character is not allowed.
const OTHER: &str = "(other)";

metrics! {
    pub struct Registered {
        silenced: counters("hansho_silenced_total",
            "Findings that a silence kept back. Beyond 1,000 silences since the start: (other).",
            &["silence"]),
        in_force: gauges("hansho_silences", "Silences in force, as this worker knows them.", &[]),
    }
}

pub struct SilenceMetrics {
    registered: Registered,
    labels: Mutex<BTreeSet<String>>,
}

impl SilenceMetrics {
    pub fn register(register: &Register<'_>) -> Result<SilenceMetrics, prometheus::Error> {
        let registered = Registered::register(register)?;
        Ok(SilenceMetrics { registered, labels: Mutex::default() })
    }

    pub fn record(&self, report: &Report) {
        let Report::Silenced { silence, .. } = report else { return };
        let mut labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        if labels.len() < LABELS_MAX {
            labels.insert(silence.id.clone());
        }
        let label = if labels.contains(&silence.id) { &silence.id } else { OTHER };
        count(&self.registered.silenced, &[label]);
    }

    pub fn known(&self, in_force: usize) {
        set(&self.registered.in_force, &[], i64::try_from(in_force).unwrap_or(i64::MAX));
    }
}
