//! The buffer: the deliveries that the desk holds, with the alerts that they owe.

use std::time::Duration;

use crate::policy::recent::Settled;

use super::alert::Alert;
use super::alerts::Alerts;
use super::context::Context;
use super::deliveries::Deliveries;
use super::delivery::{HeldDelivery, Phase};
use super::destination::notes::Notes;
use super::ids::{AlertId, DeliveryId};
use super::report::{KnownFrom, ReturnReason};

pub(super) struct Buffer {
    pub alerts: Alerts,
    pub deliveries: Deliveries,
}

/// The end of an alert at this desk.
pub(super) enum Resolution {
    /// It was posted, now or before, or its finding is closed.
    Settled,
    Return(ReturnReason, Duration),
    /// Slack will never accept it.
    Quarantine {
        detail: String,
    },
}

impl Buffer {
    pub fn new(destinations: usize) -> Buffer {
        Buffer { alerts: Alerts::new(destinations), deliveries: Deliveries::default() }
    }

    /// Takes up an alert that its delivery owes.
    pub fn admit(&mut self, id: AlertId, alert: Alert) {
        self.deliveries.open(alert.delivery);
        self.alerts.insert(id, alert);
    }

    /// Takes an alert off the desk, and its delivery too if this was the last of it.
    pub fn resolve(
        &mut self,
        id: AlertId,
        resolution: Resolution,
        notes: &mut Notes,
        cx: &mut Context<'_>,
    ) {
        let Some(alert) = self.alerts.remove(id) else { return };
        let delivery = alert.delivery;
        if !self.deliveries.close(delivery) {
            return;
        }
        match resolution {
            Resolution::Settled => {}
            Resolution::Return(reason, delay) => {
                self.deliveries.return_after(delivery, reason, delay);
                if !alert.is_record_only() {
                    notes.recovery.returned(id, alert.destination);
                }
            }
            Resolution::Quarantine { detail } => {
                let (fingerprint, destination) = (alert.key.fingerprint(), alert.key.destination());
                let detail = format!("{destination}: finding {fingerprint}: {detail}");
                self.deliveries.quarantine_for(delivery, "slack_refused", &detail);
            }
        }
        self.deliveries.finish_if_done(delivery, cx);
    }

    /// Nothing is posted for the alert: it was posted before, or its finding is closed.
    pub fn settle(
        &mut self,
        id: AlertId,
        settled: Settled,
        by: KnownFrom,
        notes: &mut Notes,
        cx: &mut Context<'_>,
    ) {
        let Some(alert) = self.alerts.get(id) else { return };
        cx.output.settled(alert, settled, by);
        self.resolve(id, Resolution::Settled, notes, cx);
    }

    /// Returns a delivery as soon as possible: alerts that wait return now, alerts in hand are
    /// finished first.
    pub fn return_delivery(
        &mut self,
        id: DeliveryId,
        reason: ReturnReason,
        delay: Duration,
        notes: &mut Notes,
        cx: &mut Context<'_>,
    ) {
        if self.deliveries.leave(id, reason) != Some(Phase::Open) {
            return;
        }
        if self.deliveries.get(id).is_some_and(HeldDelivery::is_done) {
            // No alert of it waits: it could not be quarantined yet.
            self.deliveries.return_after(id, reason, delay);
            return self.deliveries.finish(id, cx);
        }
        let waiting = self.alerts.of(id).filter(|(_, alert)| alert.is_waiting());
        let waiting: Vec<AlertId> = waiting.map(|(id, _)| id).collect();
        for alert in waiting {
            self.resolve(alert, Resolution::Return(reason, delay), notes, cx);
        }
    }
}
