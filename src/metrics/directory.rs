//! Metrics of the account directory.

use super::register::{metrics, set};
use crate::instants::Wall;

metrics! {
    pub struct DirectoryMetrics {
        known: gauges("hansho_accounts_known",
            "Accounts that are known, from the directory and the configuration.", &[]),
        synced: gauges("hansho_accounts_synced_timestamp_seconds",
            "When the account directory was synced, in seconds since 1970. Absent without one.",
            &[]),
    }
}

impl DirectoryMetrics {
    pub fn record(&self, known: usize, synced_at: Option<Wall>) {
        set(&self.known, &[], i64::try_from(known).unwrap_or(i64::MAX));
        if let Some(at) = synced_at {
            set(&self.synced, &[], at.seconds());
        }
    }
}
