//! From a delivery to the notices that it owes.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use crate::finding::{self, Finding, Parsed};
use crate::instants::Now;
use crate::policy::ledger::NoticeKey;
use crate::ports::{Delivery, Lane, QueueError};

use super::report::{HandBackReason, Report};
use super::settling::{Chore, Held, HeldPhase};
use super::{DeliveryId, Desk, EMPTY_RECEIVE_REST, Notice, NoticeId, Rank, Stage};

impl Desk {
    pub(super) fn received(
        &mut self,
        lane: Lane,
        result: Result<Vec<Delivery>, QueueError>,
        now: Now,
    ) {
        let Some(state) = self.lanes.iter_mut().find(|l| l.lane == lane) else { return };
        state.receiving = false;
        match result {
            Ok(deliveries) => {
                state.failures = 0;
                state.empty = deliveries.is_empty();
                if deliveries.is_empty() {
                    state.not_before = now.mono.plus(EMPTY_RECEIVE_REST);
                } else {
                    self.drain.empty_looks = 0;
                }
                for delivery in deliveries {
                    self.deliver(delivery, now);
                }
            }
            Err(error) => {
                state.failures += 1;
                state.empty = false;
                let delay = self.retry.delay(state.failures);
                state.not_before = now.mono.plus(delay);
                self.reports.push(Report::QueueFailed {
                    call: "receive",
                    lane: Some(lane),
                    detail: error.to_string(),
                    delay,
                });
            }
        }
    }

    fn deliver(&mut self, delivery: Delivery, now: Now) {
        self.tally.received += 1;
        let message = (delivery.lane, delivery.message_id.clone());
        if let Some(held) = self.by_message.get(&message).and_then(|id| self.deliveries.get_mut(id))
        {
            // It came again while it is here: its visibility ran out, or the queue sent a copy.
            // Only the newest receipt is sure to delete it.
            held.receipt = delivery.receipt;
            held.receive_count = held.receive_count.max(delivery.receive_count);
            return;
        }
        let id = DeliveryId(self.new_id());
        let parsed = finding::parse(&delivery.body);
        let beat_at = now.mono.plus(self.settings.budget.heartbeat());
        self.by_message.insert(message, id);
        self.bytes_held += delivery.body.len();
        self.findings_held += parsed.findings.len().max(1);
        self.chores.insert((beat_at, Chore::Beat(id)));
        let held = Held::new(delivery, parsed.findings.len(), now);
        let over = self.bytes_held > self.settings.bytes_max + crate::finding::MAX_BYTES;
        self.deliveries.insert(id, held);
        if self.draining {
            // The receive was under way when this worker was asked to stop.
            self.hand_back(id, HandBackReason::Draining, Duration::ZERO);
        } else if over {
            // A batch of giants: what no longer fits is taken up when there is room.
            self.hand_back(id, HandBackReason::NoRoom, super::RETRY_FIRST);
        } else {
            self.owe(id, parsed);
        }
        self.finish_if_done(id, now);
    }

    /// Turns what was parsed into what is owed.
    fn owe(&mut self, id: DeliveryId, parsed: Parsed) {
        for rejection in parsed.rejections {
            if let Some(held) = self.deliveries.get_mut(&id) {
                held.condemn(rejection.code.word(), &rejection.to_string());
            }
        }
        for finding in parsed.findings {
            self.tally.findings += 1;
            let owed = self.settings.routes.owed(&finding.severity);
            if owed.is_empty() {
                self.tally.below_threshold += 1;
                self.reports.push(Report::Filtered {
                    finding: finding.fingerprint.to_string(),
                    level: finding.severity.level,
                });
            }
            let finding = Arc::new(finding);
            for destination in owed {
                self.admit(id, destination, Arc::clone(&finding));
            }
        }
    }

    fn admit(&mut self, delivery: DeliveryId, destination: usize, finding: Arc<Finding>) {
        let id = NoticeId(self.new_id());
        let Some(held) = self.deliveries.get_mut(&delivery) else { return };
        debug_assert!(matches!(held.phase, HeldPhase::Open));
        held.open += 1;
        let name = &self.destinations[destination].name;
        let rank = Rank(Reverse(finding.severity.level), id);
        let notice = Notice {
            delivery,
            destination,
            key: NoticeKey::new(&finding.fingerprint, name),
            finding,
            owner: format!("{}/{}", self.settings.worker_id, id.0),
            stage: Stage::Waiting,
            failures: 0,
            share_max: self.settings.capacity.cards_max,
            plain: false,
            escalated: false,
            reminder: false,
        };
        self.notices.insert(id, notice);
        self.destinations[destination].ready.insert(rank);
    }
}
