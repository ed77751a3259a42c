//! Metrics of the embedded store.

use super::register::{metrics, set};
use crate::ports::FailureKind;

/// The reasons why a store is not sound.
const REASONS: [FailureKind; 5] = [
    FailureKind::DiskFull,
    FailureKind::ReadOnly,
    FailureKind::DiskFailure,
    FailureKind::Damaged,
    FailureKind::Removed,
];

metrics! {
    pub struct StoreMetrics {
        failing: gauges("hansho_store_failing",
            "1 while the embedded store accepts nothing new, by the reason.", &["reason"]),
    }
}

impl StoreMetrics {
    pub fn record(&self, failing: Option<FailureKind>) {
        for reason in REASONS {
            set(&self.failing, &[reason.as_str()], (failing == Some(reason)).into());
        }
    }
}
