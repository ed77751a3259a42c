//! The deliveries that the desk holds, and the calls that settle them: delete, return, quarantine.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::instants::Mono;
use crate::mutation::{self, Mutation};
use crate::ports::{Delivery, Lane, MessageId, QueueError, Receipt};

use super::context::Context;
use super::delivery::{HeldDelivery, Phase};
use super::ids::DeliveryId;
use super::order::{HidePurpose, Order};
use super::outbox::Outbox;
use super::report::{Report, ReturnReason};
use super::timers::{Timer, Timers};

/// The desk gives up a message after this number of failed deletes. The queue delivers it again,
/// and the ledger then knows that it is posted.
const DELETE_TRIES_MAX: u32 = 5;
/// The longest time from the receive of a message to the end of its delay. SQS allows 12 h, and one
/// hour is left for calls that are late.
/// Source: SQS API reference, ChangeMessageVisibility.
const HIDE_MAX: Duration = Duration::from_secs(11 * 3600);
/// How long a delete waits for others to fill its call.
const DELETE_HOLD: Duration = Duration::from_millis(150);

#[derive(Default)]
pub(super) struct Deliveries {
    held: BTreeMap<DeliveryId, HeldDelivery>,
    by_message: BTreeMap<(Lane, MessageId), DeliveryId>,
    outbox: Outbox,
    /// Deliveries whose return is under way.
    returning: usize,
    findings: usize,
    bytes: usize,
}

impl Deliveries {
    pub fn get(&self, id: DeliveryId) -> Option<&HeldDelivery> {
        self.held.get(&id)
    }

    pub fn ids(&self) -> Vec<DeliveryId> {
        self.held.keys().copied().collect()
    }

    pub fn len(&self) -> usize {
        self.held.len()
    }

    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The findings that take up a place in the buffer.
    pub fn findings(&self) -> usize {
        self.findings
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// True while messages are on their way back to the queue.
    pub fn is_returning(&self) -> bool {
        self.returning > 0
    }

    pub fn insert(&mut self, id: DeliveryId, held: HeldDelivery) {
        self.by_message.insert((held.lane, held.message_id.clone()), id);
        self.bytes += held.bytes;
        self.findings += held.findings;
        self.held.insert(id, held);
    }

    /// Takes note of a message that is received while the desk holds it, because its visibility ran
    /// out or the queue sent a copy. Only the newest receipt is sure to delete it. A message that
    /// was just returned counts as new. True if the delivery needs nothing more.
    pub fn is_known(&mut self, delivery: &Delivery, timers: &mut Timers) -> bool {
        let message = (delivery.lane, delivery.message_id.clone());
        let Some(&id) = self.by_message.get(&message) else { return false };
        let Some(held) = self.held.get_mut(&id) else { return false };
        if held.phase == Phase::Returning {
            self.forget(id, timers);
            return false;
        }
        held.receipt = delivery.receipt.clone();
        held.receive_count = held.receive_count.max(delivery.receive_count);
        true
    }

    /// One more alert of it is not settled.
    pub fn open(&mut self, id: DeliveryId) {
        if let Some(held) = self.held.get_mut(&id) {
            held.open += 1;
        }
    }

    /// One alert less of it is not settled. False if the delivery is not held any more.
    pub fn close(&mut self, id: DeliveryId) -> bool {
        let Some(held) = self.held.get_mut(&id) else { return false };
        held.open = held.open.saturating_sub(1);
        true
    }

    /// A part of it can't be processed, and goes to the quarantine.
    pub fn quarantine_for(&mut self, id: DeliveryId, word: &'static str, detail: &str) {
        if let Some(held) = self.held.get_mut(&id) {
            held.quarantine_for(word, detail);
        }
    }

    /// It returns to the queue when nothing of it is in hand any more.
    pub fn return_after(&mut self, id: DeliveryId, reason: ReturnReason, delay: Duration) {
        if let Some(held) = self.held.get_mut(&id) {
            held.return_after(reason, delay);
        }
    }

    /// It returns as soon as possible. Returns its phase.
    pub fn leave(&mut self, id: DeliveryId, reason: ReturnReason) -> Option<Phase> {
        let held = self.held.get_mut(&id)?;
        held.leaving = Some(reason);
        Some(held.phase)
    }

    pub fn leaving(&self, id: DeliveryId) -> Option<ReturnReason> {
        self.get(id)?.leaving
    }

    pub fn set_heartbeat(&mut self, id: DeliveryId, at: Mono, timers: &mut Timers) {
        if let Some(held) = self.held.get_mut(&id) {
            held.heartbeat_at = at;
            timers.set(at, Timer::Heartbeat(id));
        }
    }

    /// Sends a heartbeat with the next calls.
    pub fn extend(&mut self, id: DeliveryId) {
        if let Some(held) = self.held.get(&id)
            && held.needs_heartbeat()
        {
            self.outbox.extend(held.lane, id);
        }
    }

    /// Its heartbeat can go with a call that goes out anyway.
    pub fn has_place_for_heartbeat(&self, id: DeliveryId) -> bool {
        self.get(id).is_some_and(|held| self.outbox.has_place_for_heartbeat(held.lane))
    }

    pub fn finish_if_done(&mut self, id: DeliveryId, cx: &mut Context<'_>) {
        if self.get(id).is_some_and(HeldDelivery::is_done) {
            self.finish(id, cx);
        }
    }

    /// Every alert of it is settled: deletes, returns or quarantines the message.
    pub fn finish(&mut self, id: DeliveryId, cx: &mut Context<'_>) {
        let Some(held) = self.held.get_mut(&id) else { return };
        let lane = held.lane;
        match held.phase {
            Phase::Open if held.open == 0 => {}
            Phase::Deleting => return self.outbox.delete(lane, id),
            // A timer that was left over.
            Phase::Open | Phase::Quarantining | Phase::Returning => return,
        }
        if held.returns.is_some() {
            self.start_return(id, cx.timers);
        } else if let Some((reason, detail)) = held.quarantine.clone() {
            held.phase = Phase::Quarantining;
            let entry = Box::new(held.quarantine_entry(reason, detail, cx.now.wall));
            cx.output.order(Order::Quarantine { delivery: id, entry });
        } else {
            held.phase = Phase::Deleting;
            self.outbox.delete(lane, id);
        }
    }

    fn start_return(&mut self, id: DeliveryId, timers: &mut Timers) {
        if mutation::is(Mutation::ReturnForgotten) {
            return self.forget(id, timers);
        }
        let Some(held) = self.held.get_mut(&id) else { return };
        held.phase = Phase::Returning;
        self.returning += 1;
        self.outbox.return_message(held.lane, id);
    }

    pub fn quarantined(
        &mut self,
        id: DeliveryId,
        result: Result<(), QueueError>,
        cx: &mut Context<'_>,
    ) {
        let Some(held) = self.held.get_mut(&id) else { return };
        let Err(error) = result else {
            let (reason, detail) = held.quarantine.take().unwrap_or_default();
            held.failures = 0;
            held.phase = Phase::Deleting;
            cx.output.count().quarantined += 1;
            let message = held.message_id.0.clone();
            let (lane, hint) = (held.lane, Box::new(held.hint()));
            cx.output.report(Report::Quarantined { message, lane, reason, detail, hint });
            return self.outbox.delete(held.lane, id);
        };
        held.failures += 1;
        let delay = cx.timers.retry_delay(held.failures);
        held.phase = Phase::Open;
        cx.output.queue_failed("quarantine", None, &error, delay);
        if let Some(reason) = held.leaving {
            held.return_after(reason, Duration::ZERO);
            return self.finish(id, cx);
        }
        cx.timers.set(cx.now.mono.plus(delay), Timer::Finish(id));
    }

    pub fn deleted(
        &mut self,
        id: DeliveryId,
        result: Result<(), QueueError>,
        cx: &mut Context<'_>,
    ) {
        let Some(held) = self.held.get_mut(&id) else { return };
        let newer = held.has_newer_receipt();
        let Err(error) = result else {
            if newer {
                // The message was received again meanwhile, and an old receipt may delete nothing.
                return self.outbox.delete(held.lane, id);
            }
            cx.output.count().deleted += 1;
            cx.timers.progressed(cx.now.mono);
            return self.forget(id, cx.timers);
        };
        held.failures += 1;
        let delay = if newer { Duration::ZERO } else { cx.timers.retry_delay(held.failures) };
        let give_up = (matches!(error, QueueError::ReceiptGone(_)) && !newer)
            || held.failures >= DELETE_TRIES_MAX
            || cx.draining;
        let retried_in = if give_up { Duration::ZERO } else { delay };
        cx.output.queue_failed("delete", Some(held.lane), &error, retried_in);
        if give_up {
            self.forget(id, cx.timers);
        } else {
            cx.timers.set(cx.now.mono.plus(delay), Timer::Finish(id));
        }
    }

    /// A return that failed is not retried: the message becomes visible when its visibility ends,
    /// only later.
    pub fn returned(
        &mut self,
        id: DeliveryId,
        result: Result<(), QueueError>,
        cx: &mut Context<'_>,
    ) {
        let Some(held) = self.held.get(&id) else { return };
        let (reason, delay) = held.returns.unwrap_or((ReturnReason::Draining, Duration::ZERO));
        match result {
            Ok(()) => {
                cx.output.count().returned += 1;
                let message = held.message_id.0.clone();
                cx.output.report(Report::Returned { message, reason, delay });
            }
            Err(error) => {
                cx.output.queue_failed("return", Some(held.lane), &error, Duration::ZERO);
            }
        }
        self.forget(id, cx.timers);
    }

    /// Orders the queue calls that wait in the outbox.
    pub fn flush(&mut self, cx: &mut Context<'_>) {
        self.flush_deletes(cx);
        // A heartbeat that is sent after the message is settled would hide it for nothing.
        let still = |id| self.held.get(&id).is_some_and(HeldDelivery::needs_heartbeat);
        for (lane, ids) in self.outbox.take_heartbeats(still) {
            let visibility = cx.settings.budget.visibility();
            let entries = self.hide_entries(&ids, |_| visibility);
            cx.output.order(Order::Hide { lane, purpose: HidePurpose::Keep, entries });
        }
        for (lane, ids) in self.outbox.take_returns() {
            let entries = self.hide_entries(&ids, |held| {
                let age = cx.now.mono.since(held.received_at);
                let delay = held.returns.map_or(Duration::ZERO, |(_, delay)| delay);
                delay.min(HIDE_MAX.saturating_sub(age))
            });
            cx.output.order(Order::Hide { lane, purpose: HidePurpose::Return, entries });
        }
    }

    fn hide_entries(
        &self,
        ids: &[DeliveryId],
        how_long: impl Fn(&HeldDelivery) -> Duration,
    ) -> Vec<(DeliveryId, Receipt, Duration)> {
        let entry = |id: &DeliveryId| {
            let held = self.held.get(id)?;
            Some((*id, held.receipt.clone(), how_long(held)))
        };
        ids.iter().filter_map(entry).collect()
    }

    /// Deletes go out ten at a time. Fewer go only when they have waited for a moment, or nothing
    /// more is to come. A delete that is lost with this process is harmless: the message is
    /// delivered again, and the ledger knows that it was posted.
    fn flush_deletes(&mut self, cx: &mut Context<'_>) {
        let now = cx.now.mono;
        let last = cx.draining || cx.settings.ends_at.is_some();
        let all = last || cx.timers.deletes().is_some_and(|at| at <= now);
        for (lane, ids) in self.outbox.take_deletes(all) {
            let entries = self.delete_entries(&ids);
            cx.output.order(Order::Delete { lane, entries });
        }
        let due = cx.timers.deletes().filter(|_| !all);
        let waits = self.outbox.has_deletes();
        cx.timers.set_deletes(waits.then(|| due.unwrap_or(now.plus(DELETE_HOLD))));
    }

    fn delete_entries(&mut self, ids: &[DeliveryId]) -> Vec<(DeliveryId, Receipt)> {
        let mut entries = Vec::new();
        for id in ids {
            if let Some(held) = self.held.get_mut(id) {
                held.used_receipt = Some(held.receipt.clone());
                entries.push((*id, held.receipt.clone()));
            }
        }
        entries
    }

    /// Takes a delivery off the desk.
    fn forget(&mut self, id: DeliveryId, timers: &mut Timers) {
        if let Some(held) = self.held.remove(&id) {
            self.returning -= usize::from(held.phase == Phase::Returning);
            // Most deliveries end long before their next heartbeat. Left-over timers would be more
            // than all that is held.
            timers.cancel(held.heartbeat_at, Timer::Heartbeat(id));
            self.by_message.remove(&(held.lane, held.message_id));
            self.bytes = self.bytes.saturating_sub(held.bytes);
            self.findings = self.findings.saturating_sub(held.findings);
        }
    }
}
