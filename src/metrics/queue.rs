//! Metrics of messages and queues.

use super::register::{count, metrics, set};
use crate::desk::{Report, Snapshot};
use crate::ports::Delivery;

metrics! {
    pub struct QueueMetrics {
        received: counters("hansho_messages_received_total",
            "Messages received. Redeliveries count again.", &["lane"]),
        redelivered: counters("hansho_messages_redelivered_total",
            "Messages received that had been received before.", &["lane"]),
        quarantined: counters("hansho_quarantined_total",
            "Messages moved to the quarantine, by reason.", &["lane", "reason"]),
        returned: counters("hansho_returned_total",
            "Messages returned to their queue with a delay, by reason.", &["reason"]),
        receive_failures: gauges("hansho_receive_failures",
            "Receives that failed in a row until now.", &["lane"]),
    }
}

impl QueueMetrics {
    pub fn record(&self, report: &Report) {
        match report {
            Report::Quarantined { lane, reason, .. } => {
                count(&self.quarantined, &[lane.as_str(), reason]);
            }
            Report::Returned { reason, .. } => count(&self.returned, &[reason.as_str()]),
            _ => {}
        }
    }

    pub fn received(&self, deliveries: &[Delivery]) {
        for delivery in deliveries {
            count(&self.received, &[delivery.lane.as_str()]);
            if delivery.receive_count > 1 {
                count(&self.redelivered, &[delivery.lane.as_str()]);
            }
        }
    }

    pub fn update(&self, snapshot: &Snapshot) {
        for (lane, failures) in &snapshot.receive_failures {
            set(&self.receive_failures, &[lane.as_str()], i64::from(*failures));
        }
    }
}
