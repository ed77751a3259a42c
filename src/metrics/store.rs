//! Metrics of the embedded store.

use super::register::{metrics, set};
use crate::ports::FailureKind;

metrics! {
    pub struct StoreMetrics {
        failing: gauges("hansho_store_failing",
            "1 while the embedded store accepts nothing new, by the reason.", &["reason"]),
    }
}

impl StoreMetrics {
    pub fn record(&self, failing: Option<FailureKind>) {
        for reason in FailureKind::OF_THE_STORE {
            set(&self.failing, &[reason.as_str()], (failing == Some(reason)).into());
        }
    }
}
