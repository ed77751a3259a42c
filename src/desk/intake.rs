//! From a delivery to the alerts that it owes.

use std::sync::Arc;
use std::time::Duration;

use crate::finding::{self, Finding, Parsed};
use crate::instants::Now;
use crate::policy::ledger::RecordKey;
use crate::ports::{Delivery, Lane, QueueError};

use super::report::{KnownFrom, Report, ReturnReason};
use super::settling::{Held, HeldPhase};
use super::{Alert, AlertId, DeliveryId, Desk, EMPTY_RECEIVE_REST, Stage};

impl Desk {
    pub(super) fn received(
        &mut self,
        lane: Lane,
        result: Result<Vec<Delivery>, QueueError>,
        now: Now,
    ) {
        let Some(state) = self.lanes.iter_mut().find(|l| l.lane == lane) else { return };
        state.receiving = state.receiving.saturating_sub(1);
        match result {
            Ok(deliveries) => {
                state.brought(deliveries.len());
                if deliveries.is_empty() {
                    state.not_before = now.mono.plus(EMPTY_RECEIVE_REST);
                } else {
                    // A look at the depth that is under way says nothing any more.
                    self.drain.empty_looks = 0;
                    self.drain.nothing_left = false;
                }
                let before = (self.findings_held, self.bytes_held);
                for delivery in deliveries {
                    self.deliver(delivery, now);
                }
                let (findings, bytes) = (self.findings_held, self.bytes_held);
                if let Some(state) = self.lanes.iter_mut().find(|l| l.lane == lane)
                    && findings > before.0
                {
                    state.took_up = (findings - before.0, bytes.saturating_sub(before.1));
                }
            }
            Err(error) => {
                state.empty = false;
                state.abreast = 1;
                // Those that were under way when one failed say no more than it did.
                if state.not_before <= now.mono {
                    state.failures += 1;
                    state.not_before = now.mono.plus(self.timers.retry_delay(state.failures));
                }
                self.output.report(Report::QueueFailed {
                    call: "receive",
                    lane: Some(lane),
                    reason: error.as_str(),
                    detail: error.to_string(),
                    delay: state.not_before.since(now.mono),
                });
            }
        }
    }

    fn deliver(&mut self, delivery: Delivery, now: Now) {
        self.output.count().received += 1;
        let message = (delivery.lane, delivery.message_id.clone());
        if let Some(&id) = self.by_message.get(&message)
            && self.came_again(id, &delivery)
        {
            return;
        }
        let id = DeliveryId(self.new_id());
        let routes = &self.settings.routes;
        let parsed = finding::parse_wanted(&delivery.body, &|severity| routes.admit(severity));
        let beat_at = now.mono.plus(self.heartbeat());
        let lane = delivery.lane;
        let held = Held::new(delivery, parsed.count(), now);
        self.by_message.insert(message, id);
        self.bytes_held += held.bytes;
        self.findings_held += held.findings;
        self.deliveries.insert(id, held);
        if self.draining {
            // The receive was under way when this worker was asked to stop.
            self.hand_back(id, ReturnReason::Draining, Duration::ZERO);
        } else if self.is_overfull() {
            self.hand_back(id, ReturnReason::NoRoom, super::settings::RETRY_FIRST);
        } else {
            self.owe(id, lane, parsed, now);
        }
        self.finish_if_done(id, now);
        // What owes nothing is settled by now, and needs no heartbeat: of most nights that is most.
        if self.deliveries.get(&id).is_some_and(Held::stays) {
            self.beat_then(id, beat_at);
        }
    }

    /// A message came again while it is here: its visibility ran out, or the queue sent a copy. Only
    /// the newest receipt is sure to delete it. One that was just handed back is taken as new.
    fn came_again(&mut self, id: DeliveryId, delivery: &Delivery) -> bool {
        let Some(held) = self.deliveries.get_mut(&id) else { return false };
        if held.phase == HeldPhase::HandingBack {
            self.forget(id);
            return false;
        }
        held.receipt = delivery.receipt.clone();
        held.receive_count = held.receive_count.max(delivery.receive_count);
        true
    }

    /// Turns what was parsed into what is owed.
    fn owe(&mut self, id: DeliveryId, lane: Lane, parsed: Parsed, now: Now) {
        for rejection in parsed.rejections {
            if let Some(held) = self.deliveries.get_mut(&id) {
                held.condemn(rejection.code.as_str(), &rejection.to_string());
            }
        }
        for finding in parsed.unwanted {
            self.output.count().findings += 1;
            self.output.count().below_threshold += 1;
            self.output.report(Report::Filtered { finding, lane });
        }
        for finding in parsed.findings {
            let finding = Arc::new(finding);
            if let Some(canary) = finding.canary {
                self.take_canary(id, &finding, canary, now);
                continue;
            }
            self.output.count().findings += 1;
            self.output.report(Report::Received { finding: Arc::clone(&finding), lane });
            for destination in self.settings.routes.owed(&finding.severity) {
                self.admit(id, destination, Arc::clone(&finding), now);
            }
        }
    }

    pub(super) fn admit(
        &mut self,
        delivery: DeliveryId,
        destination: usize,
        finding: Arc<Finding>,
        now: Now,
    ) {
        let id = AlertId(self.new_id());
        let Some(held) = self.deliveries.get(&delivery) else { return };
        debug_assert!(matches!(held.phase, HeldPhase::Open));
        let (since, again) = (held.since, held.again);
        let name = &self.destinations[destination].name;
        let alert = Alert {
            delivery,
            destination,
            channel: destination,
            key: RecordKey::new(&finding.fingerprint, name),
            finding,
            since,
            perhaps: false,
            owner: format!("{}/{}", self.settings.worker_id, id.0),
            stage: Stage::Waiting,
            failures: 0,
            share_max: self.settings.capacity.lines_max,
            plain: false,
            escalated: false,
            reminder: false,
            again,
            looked_for: false,
            weight: None,
        };
        if let Some(level) = self.remembers(&alert, now) {
            // It never was an alert: the delivery may owe others, and is not finished with this one.
            return self.report_covered(alert.key, level, KnownFrom::Memory);
        }
        if let Some(held) = self.deliveries.get_mut(&delivery) {
            held.open += 1;
        }
        self.alerts.insert(id, alert);
        self.look_back(id, now);
    }
}
