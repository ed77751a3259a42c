//! The intake: from a message to the alerts that it owes.

use std::sync::Arc;
use std::time::Duration;

use crate::finding::{self, Canary, Finding, Parsed};
use crate::mutation::{self, Mutation};
use crate::policy::canary::{Arrival, CanaryPost, Passed};
use crate::policy::record::RecordKey;
use crate::policy::silence::Silence;
use crate::ports::{Delivery, Lane};

use super::alert::{Alert, Origin};
use super::back_pressure::is_overfull;
use super::buffer::Buffer;
use super::canary::Allowance;
use super::context::Context;
use super::delivery::HeldDelivery;
use super::destination::Destinations;
use super::heartbeat;
use super::ids::{AlertId, DeliveryId};
use super::ledger::LedgerState;
use super::ledger::prefetch::NewAlert;
use super::marking::record_closing;
use super::order::{Order, RecordOrder, ToRecord};
use super::report::{KnownFrom, Report, ReturnReason};
use super::settings::RETRY_FIRST;

/// The parts that a new message meets.
pub(super) struct Intake<'a> {
    pub buffer: &'a mut Buffer,
    pub destinations: &'a Destinations,
    pub ledger: &'a mut LedgerState,
    pub canaries: &'a mut Allowance,
    pub cx: Context<'a>,
}

impl Intake<'_> {
    /// Takes a batch of messages. Answers with the findings and bytes that it added to the buffer.
    pub fn receive(&mut self, batch: Vec<Delivery>) -> (usize, usize) {
        let held = |buffer: &Buffer| (buffer.deliveries.findings(), buffer.deliveries.bytes());
        let before = held(self.buffer);
        batch.into_iter().for_each(|delivery| self.deliver(delivery));
        let after = held(self.buffer);
        (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1))
    }

    fn deliver(&mut self, delivery: Delivery) {
        self.cx.output.count().received += 1;
        if self.buffer.deliveries.is_known(&delivery, self.cx.timers) {
            return;
        }
        let id = DeliveryId(self.cx.ids.next());
        let routes = &self.cx.settings.routes;
        let parsed = finding::parse_wanted(&delivery.body, &|severity| routes.admit(severity));
        let heartbeat_at = self.cx.now.mono.plus(heartbeat::interval(self.cx.settings));
        let lane = delivery.lane;
        let held = HeldDelivery::new(delivery, parsed.count(), self.cx.now);
        self.buffer.deliveries.insert(id, held);
        if self.cx.draining {
            // The receive was in flight when this worker was asked to stop.
            self.return_at_once(id, ReturnReason::Draining, Duration::ZERO);
        } else if is_overfull(self.buffer, self.cx.settings) {
            self.return_at_once(id, ReturnReason::BufferFull, RETRY_FIRST);
        } else {
            self.owe(id, lane, parsed);
        }
        self.buffer.deliveries.finish_if_done(id, &mut self.cx);
        heartbeat::start(id, heartbeat_at, &mut self.buffer.deliveries, &mut self.cx);
    }

    fn return_at_once(&mut self, id: DeliveryId, reason: ReturnReason, delay: Duration) {
        self.buffer.deliveries.return_after(id, reason, delay);
    }

    /// Turns the findings of a message into alerts.
    fn owe(&mut self, id: DeliveryId, lane: Lane, parsed: Parsed) {
        let place = self.buffer.deliveries.get(id).and_then(|held| held.place.clone());
        for rejection in parsed.rejections {
            let word = rejection.code.as_str();
            let detail = match &place {
                Some(place) => place.locate(&rejection),
                None => rejection.to_string(),
            };
            self.buffer.deliveries.quarantine_for(id, word, &detail);
        }
        for event in parsed.ignored {
            self.cx.output.count().ignored += 1;
            self.cx.output.report(Report::Ignored { event, lane });
        }
        for finding in parsed.unwanted {
            self.cx.output.count().findings += 1;
            self.cx.output.count().below_threshold += 1;
            self.cx.output.report(Report::Filtered { finding, lane });
        }
        for finding in parsed.findings {
            let finding = Arc::new(finding);
            if let Some(canary) = finding.canary {
                self.take_canary(id, &finding, canary);
                continue;
            }
            self.cx.output.count().findings += 1;
            self.cx.output.report(Report::Received { finding: Arc::clone(&finding), lane });
            // A closed finding may have been posted anywhere, at another severity.
            let destinations = match finding.condition.is_closed() {
                true => (0..self.destinations.len()).collect(),
                false => self.cx.settings.routes.owed(&finding),
            };
            if destinations.is_empty() {
                self.cx.output.count().unmatched += 1;
                self.cx.output.report(Report::Unmatched { finding: Arc::clone(&finding) });
            } else if let Some(silence) = self.silenced_by(id, &finding) {
                // It leaves no trace, so that its next update after the silence is posted.
                self.cx.output.count().silenced += 1;
                let name = |at: usize| self.destinations[at].name().to_owned();
                let destinations = destinations.into_iter().map(name).collect();
                self.cx.output.report(Report::Silenced { finding, silence, destinations });
                continue;
            }
            for destination in destinations {
                self.admit(id, destination, Arc::clone(&finding));
            }
        }
    }

    /// The silence that keeps a finding back. None for what an operator sent again.
    fn silenced_by(&self, delivery: DeliveryId, finding: &Finding) -> Option<Arc<Silence>> {
        let held = self.buffer.deliveries.get(delivery)?;
        let routes = &self.cx.settings.routes;
        routes
            .silenced_by(finding, self.cx.now.wall)
            .filter(|_| !held.again || mutation::is(Mutation::AgainSilenced))
    }

    /// Takes up an alert, unless this worker knows that it was posted.
    fn admit(&mut self, delivery: DeliveryId, destination: usize, finding: Arc<Finding>) {
        let id = AlertId(self.cx.ids.next());
        let Some(held) = self.buffer.deliveries.get(delivery) else { return };
        let receive_count = held.receive_count;
        let origin = Origin { delivery, destination, since: held.since, again: held.again };
        let d = &self.destinations[destination];
        let key = RecordKey::alert(&finding.fingerprint, d.name());
        let settings = self.cx.settings;
        let (worker_id, lines_max) = (&settings.worker_id, settings.capacity.lines_max);
        let alert = Alert::new(id, origin, key, finding, worker_id, lines_max);
        if let Some(settled) = self.ledger.remembers(&alert, &self.cx) {
            return self.cx.output.settled(&alert, settled, KnownFrom::Memory);
        }
        self.buffer.admit(id, alert);
        let free_for_critical = d.is_free_for_critical(self.cx.now);
        let new = NewAlert { id, receive_count, free_for_critical };
        let LedgerState { prefetch, health, .. } = &mut *self.ledger;
        let (alerts, cx) = (&mut self.buffer.alerts, &mut self.cx);
        if prefetch.admit(new, alerts, health, cx) {
            return;
        }
        if alerts.get(id).is_some_and(|alert| alert.closing) {
            return record_closing(id, alerts, cx);
        }
        alerts.make_ready(id);
    }

    /// Takes a canary. Its message is deleted only when the canary's own record is written, which
    /// is its purpose. A canary that asks for a post is owed to every destination besides, whatever
    /// the thresholds, and waits behind all findings.
    fn take_canary(&mut self, delivery: DeliveryId, finding: &Arc<Finding>, asked: Canary) {
        self.cx.output.count().canaries += 1;
        let post = match asked.post {
            false => CanaryPost::No,
            true if self.canaries.take(self.cx.now.mono) => CanaryPost::Yes,
            true => CanaryPost::TooMany,
        };
        self.record_canary(delivery, finding, asked, post);
        if post == CanaryPost::Yes {
            for destination in 0..self.destinations.len() {
                self.admit(delivery, destination, Arc::clone(finding));
            }
        }
    }

    /// Orders the record of a canary, as that of a post without a claim.
    fn record_canary(
        &mut self,
        delivery: DeliveryId,
        finding: &Arc<Finding>,
        asked: Canary,
        post: CanaryPost,
    ) {
        let id = AlertId(self.cx.ids.next());
        let Some(held) = self.buffer.deliveries.get(delivery) else { return };
        let (queued_at, since) = (held.enqueued_at, held.since);
        let put_at = asked.put_at.or(queued_at).unwrap_or(self.cx.now.wall);
        let passed = Passed { put_at, queued_at, received_at: self.cx.now.wall, post };
        // The alert of the record belongs to no destination, and never waits for one.
        let origin = Origin { delivery, destination: 0, since, again: false };
        let key = RecordKey::canary(&finding.fingerprint);
        let (finding, worker_id) = (Arc::clone(finding), &self.cx.settings.worker_id);
        let alert = Alert::new(id, origin, key.clone(), finding, worker_id, 1);
        let fact = ToRecord::Canary(Arrival { level: alert.level(), passed });
        let order = RecordOrder { alert: id, key, owner: alert.owner.clone(), fact };
        self.buffer.admit(id, alert);
        self.buffer.alerts.record(id, order.clone());
        self.cx.output.order(Order::Record(order));
    }
}
