//! The end of a delivery: delete it, hand it back, or park it; and the heartbeat until then.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::finding::MAX_BYTES;
use crate::finding::text::cut;
use crate::instants::{Mono, Now, Wall};
use crate::mutation::{self, Mutation};
use crate::policy::ledger::RecordKey;
use crate::ports::{
    Delivery, Lane, MessageId, QUEUE_BATCH_MAX, QuarantineEntry, QueueError, Receipt,
};

use super::order::{AlertId, DeliveryId, HidePurpose, Order};
use super::report::{Report, ReturnReason};
use super::timers::Timer;
use super::{Desk, Stage};

/// After so many failed deletes a message is left alone: it is delivered again, and the ledger
/// knows that it is done.
const DELETE_TRIES_MAX: u32 = 5;
/// A quarantine's reason is for people; it need not hold a hundred of them.
const DETAIL_CHARS_MAX: usize = 1000;
/// A message can be hidden until 12 h after its receive; an hour is left for what is late.
/// Source: SQS API reference, ChangeMessageVisibility.
const HIDE_MAX: Duration = Duration::from_secs(11 * 3600);
const HEARTBEAT_RETRY: Duration = Duration::from_secs(5);
/// A heartbeat may come earlier by this part of the time between two.
const EARLY_BEAT: u32 = 4;
/// How long a delete waits for others to fill its call.
const DELETE_HOLD: Duration = Duration::from_millis(150);

/// A delivery that is held.
pub(super) struct Held {
    pub lane: Lane,
    pub message_id: MessageId,
    pub receipt: Receipt,
    body: String,
    pub receive_count: u32,
    pub enqueued_at: Option<Wall>,
    pub again: bool,
    /// The age of what is in it: from when it entered the queue, or was first seen.
    pub since: Wall,
    received_at: Mono,
    /// When the chore of its heartbeat is due.
    pub beat_at: Mono,
    /// What it takes up of the buffer. A message that is too large to be a finding is parked at
    /// once, and must not keep its neighbours out until then.
    pub bytes: usize,
    pub findings: usize,
    /// The receipt that the last order to settle it went out with.
    used: Option<Receipt>,
    /// Alerts that are not resolved.
    pub open: u32,
    /// Part of it is to be delivered again.
    hand_back: Option<(ReturnReason, Duration)>,
    /// What is not finished by now goes back rather than to wait here.
    leaving: Option<ReturnReason>,
    /// Why it, or a part of it, is to be parked: a word, and the sentences.
    condemned: Option<(&'static str, String)>,
    pub phase: HeldPhase,
    failures: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeldPhase {
    /// Something in it is not resolved yet.
    Open,
    Parking,
    Deleting,
    HandingBack,
}

impl Held {
    pub fn new(delivery: Delivery, findings: usize, now: Now) -> Held {
        let bytes = if delivery.body.len() > MAX_BYTES { 0 } else { delivery.body.len() };
        Held {
            lane: delivery.lane,
            message_id: delivery.message_id,
            receipt: delivery.receipt,
            body: delivery.body,
            receive_count: delivery.receive_count,
            enqueued_at: delivery.enqueued_at,
            again: delivery.again,
            since: delivery
                .enqueued_at
                .filter(|_| !mutation::is(Mutation::AgeForgotten))
                .unwrap_or(now.wall),
            received_at: now.mono,
            beat_at: now.mono,
            bytes,
            used: None,
            // What can't be parsed takes up room too.
            findings: findings.max(1),
            open: 0,
            hand_back: None,
            leaving: None,
            condemned: None,
            phase: HeldPhase::Open,
            failures: 0,
        }
    }

    /// Something in it can't be told to anybody. The first word stands for all.
    pub fn condemn(&mut self, word: &'static str, detail: &str) {
        match &mut self.condemned {
            Some((_, all)) => {
                *all = cut(&format!("{all}; {detail}"), DETAIL_CHARS_MAX).into_owned()
            }
            None => self.condemned = Some((word, cut(detail, DETAIL_CHARS_MAX).into_owned())),
        }
    }

    pub fn leaving(&self) -> Option<ReturnReason> {
        self.leaving
    }

    /// It stays for a while, and is kept hidden until it is settled.
    pub fn stays(&self) -> bool {
        matches!(self.phase, HeldPhase::Open | HeldPhase::Parking)
    }
}

/// What became of an alert.
pub(super) enum Resolution {
    /// Posted, or covered by an earlier post.
    Settled,
    Return(ReturnReason, Duration),
    /// Its destination will never take it.
    Condemned {
        detail: String,
    },
}

/// What goes to the queue with the next orders, so that calls are made for ten at a time.
#[derive(Default)]
pub(super) struct Outbox {
    deletes: BTreeMap<Lane, Vec<DeliveryId>>,
    beats: BTreeMap<Lane, Vec<DeliveryId>>,
    hand_backs: BTreeMap<Lane, Vec<DeliveryId>>,
}

impl Desk {
    pub(super) fn do_chores(&mut self, now: Now) {
        let mut beats = false;
        while let Some(timer) = self.timers.pop_due(now.mono) {
            match timer {
                Timer::Heartbeat(id) => {
                    self.beat(id, now);
                    beats = true;
                }
                Timer::Finish(id) => self.finish(id, now),
                Timer::Ready(id) => self.make_ready(id),
                Timer::PrefetchPatience(id) => self.looked_long(id),
                Timer::RetryMark(id) => self.tell(id),
                _ => {}
            }
        }
        if beats {
            self.beat_early(now);
        }
    }

    /// A call that is made for some heartbeats takes along others that are due soon, as many as it has
    /// room for. So what came by many receives shares its heartbeats when most of it is gone.
    fn beat_early(&mut self, now: Now) {
        let until = now.mono.plus(self.heartbeat() / EARLY_BEAT);
        let soon = self.timers.heartbeats_until(until);
        for (at, id) in soon {
            let lane = self.deliveries.get(&id).map(|held| held.lane);
            let with = lane.and_then(|lane| self.outbox.beats.get(&lane));
            if with.is_some_and(|ids| !ids.len().is_multiple_of(QUEUE_BATCH_MAX)) {
                self.timers.cancel(at, Timer::Heartbeat(id));
                self.beat(id, now);
            }
        }
    }

    pub(super) fn resolve(&mut self, alert: AlertId, resolution: Resolution, now: Now) {
        let Some(resolved) = self.alerts.get(&alert) else { return };
        let (id, place) = (resolved.delivery, resolved.destination);
        let is_told = !resolved.is_canarys_row();
        let RecordKey { fingerprint: finding, destination } = resolved.key.clone();
        self.forget_alert(alert);
        let Some(held) = self.deliveries.get_mut(&id) else { return };
        held.open = held.open.saturating_sub(1);
        match resolution {
            Resolution::Settled => {}
            Resolution::Return(reason, delay) => {
                self.hand_back(id, reason, delay);
                if is_told {
                    self.went_back(alert, place);
                }
            }
            Resolution::Condemned { detail } => {
                held.condemn(
                    "slack_refused",
                    &format!("{destination}: finding {finding}: {detail}"),
                );
            }
        }
        self.finish_if_done(id, now);
    }

    /// Notes that the delivery goes back when nothing of it is in hand any more. Of several
    /// delays the shortest counts: coming back early does no harm.
    pub(super) fn hand_back(&mut self, id: DeliveryId, reason: ReturnReason, delay: Duration) {
        if let Some(held) = self.deliveries.get_mut(&id) {
            held.hand_back = match held.hand_back {
                Some((first, shorter)) => Some((first, shorter.min(delay))),
                None => Some((reason, delay)),
            };
        }
    }

    /// Gives a delivery back as soon as can be: what waits goes now, what is in hand is finished.
    pub(super) fn give_back(
        &mut self,
        id: DeliveryId,
        reason: ReturnReason,
        delay: Duration,
        now: Now,
    ) {
        let Some(held) = self.deliveries.get_mut(&id) else { return };
        held.leaving = Some(reason);
        if held.phase != HeldPhase::Open {
            return;
        }
        let waiting: Vec<AlertId> = self
            .alerts
            .iter()
            .filter(|(_, n)| n.delivery == id && matches!(n.stage, Stage::Waiting))
            .map(|(id, _)| *id)
            .collect();
        if self.deliveries.get(&id).is_some_and(|held| held.open == 0) {
            // Nothing of it waits for a destination: it could not be parked yet.
            self.hand_back(id, reason, delay);
            return self.finish(id, now);
        }
        for alert in waiting {
            self.resolve(alert, Resolution::Return(reason, delay), now);
        }
    }

    pub(super) fn finish_if_done(&mut self, id: DeliveryId, now: Now) {
        if self.deliveries.get(&id).is_some_and(|h| h.open == 0 && h.phase == HeldPhase::Open) {
            self.finish(id, now);
        }
    }

    /// Nothing of it is open: what becomes of the message?
    fn finish(&mut self, id: DeliveryId, now: Now) {
        let Some(held) = self.deliveries.get_mut(&id) else { return };
        let lane = held.lane;
        match held.phase {
            HeldPhase::Open if held.open == 0 => {}
            HeldPhase::Deleting => return self.outbox.deletes.entry(lane).or_default().push(id),
            // A chore that was left over.
            HeldPhase::Open | HeldPhase::Parking | HeldPhase::HandingBack => return,
        }
        if held.hand_back.is_some() && mutation::is(Mutation::HandBackForgotten) {
            self.forget(id);
        } else if held.hand_back.is_some() {
            held.phase = HeldPhase::HandingBack;
            self.returning += 1;
            self.outbox.hand_backs.entry(lane).or_default().push(id);
        } else if let Some((reason, detail)) = held.condemned.clone() {
            held.phase = HeldPhase::Parking;
            let entry = Box::new(QuarantineEntry {
                message_id: held.message_id.clone(),
                lane,
                body: held.body.clone(),
                reason: reason.to_owned(),
                detail,
                receive_count: held.receive_count,
                enqueued_at: held.enqueued_at,
                parked_at: now.wall,
            });
            self.output.order(Order::Quarantine { delivery: id, entry });
        } else {
            held.phase = HeldPhase::Deleting;
            self.outbox.deletes.entry(lane).or_default().push(id);
        }
    }

    pub(super) fn parked(&mut self, id: DeliveryId, result: Result<(), QueueError>, now: Now) {
        let Some(held) = self.deliveries.get_mut(&id) else { return };
        match result {
            Ok(()) => {
                let (reason, detail) = held.condemned.take().unwrap_or_default();
                held.failures = 0;
                held.phase = HeldPhase::Deleting;
                self.output.count().quarantined += 1;
                self.output.report(Report::Quarantined {
                    message: held.message_id.0.clone(),
                    lane: held.lane,
                    reason,
                    detail,
                });
                self.outbox.deletes.entry(held.lane).or_default().push(id);
            }
            Err(error) => {
                held.failures += 1;
                let delay = self.timers.retry_delay(held.failures);
                held.phase = HeldPhase::Open;
                self.output.report(Report::QueueFailed {
                    call: "park",
                    lane: None,
                    reason: error.as_str(),
                    detail: error.to_string(),
                    delay,
                });
                if let Some(reason) = held.leaving {
                    self.hand_back(id, reason, Duration::ZERO);
                    return self.finish(id, now);
                }
                self.timers.set(now.mono.plus(delay), Timer::Finish(id));
            }
        }
    }

    pub(super) fn deleted(&mut self, results: Vec<(DeliveryId, Result<(), QueueError>)>, now: Now) {
        for (id, result) in results {
            let Some(held) = self.deliveries.get_mut(&id) else { continue };
            let lane = held.lane;
            let newer = held.used.as_ref() != Some(&held.receipt);
            let Err(error) = result else {
                if newer {
                    // It came again meanwhile, and an old receipt may have deleted nothing.
                    self.outbox.deletes.entry(lane).or_default().push(id);
                    continue;
                }
                self.output.count().deleted += 1;
                self.timers.progressed(now.mono);
                self.forget(id);
                continue;
            };
            held.failures += 1;
            let delay = if newer { Duration::ZERO } else { self.timers.retry_delay(held.failures) };
            let give_up = (matches!(error, QueueError::ReceiptGone(_)) && !newer)
                || held.failures >= DELETE_TRIES_MAX
                || self.draining;
            self.output.report(Report::QueueFailed {
                call: "delete",
                lane: Some(lane),
                reason: error.as_str(),
                detail: error.to_string(),
                delay: if give_up { Duration::ZERO } else { delay },
            });
            if give_up {
                self.forget(id);
            } else {
                self.timers.set(now.mono.plus(delay), Timer::Finish(id));
            }
        }
    }

    pub(super) fn hidden(
        &mut self,
        purpose: HidePurpose,
        results: Vec<(DeliveryId, Result<(), QueueError>)>,
        now: Now,
    ) {
        for (id, result) in results {
            match purpose {
                HidePurpose::Keep => self.beaten(id, result, now),
                HidePurpose::Return => self.returned(id, result),
            }
        }
    }

    /// A hand-back that failed is not tried again: the message comes back by itself when its
    /// visibility ends, only later.
    fn returned(&mut self, id: DeliveryId, result: Result<(), QueueError>) {
        let Some(held) = self.deliveries.get(&id) else { return };
        let lane = held.lane;
        let message = held.message_id.0.clone();
        let (reason, delay) = held.hand_back.unwrap_or((ReturnReason::Draining, Duration::ZERO));
        let report = match result {
            Ok(()) => {
                self.output.count().returned += 1;
                Report::Returned { message, reason, delay }
            }
            Err(error) => Report::QueueFailed {
                call: "hand_back",
                lane: Some(lane),
                reason: error.as_str(),
                detail: error.to_string(),
                delay: Duration::ZERO,
            },
        };
        self.output.report(report);
        self.forget(id);
    }

    /// When what is held is hidden again.
    pub(super) fn heartbeat(&self) -> Duration {
        let late = mutation::is(Mutation::HeartbeatLate);
        self.settings.budget.heartbeat() * if late { 4 } else { 1 }
    }

    pub(super) fn beat_then(&mut self, id: DeliveryId, at: Mono) {
        if let Some(held) = self.deliveries.get_mut(&id) {
            held.beat_at = at;
            self.timers.set(at, Timer::Heartbeat(id));
        }
    }

    fn beat(&mut self, id: DeliveryId, now: Now) {
        let Some(held) = self.deliveries.get(&id) else { return };
        if !held.stays() {
            return;
        }
        let lane = held.lane;
        if now.mono.since(held.received_at) >= self.settings.budget.hand_back_after() {
            self.give_back(id, ReturnReason::TooOld, Duration::ZERO, now);
        }
        // What is in hand is finished first, and stays hidden meanwhile.
        if self.deliveries.get(&id).is_some_and(Held::stays) {
            self.outbox.beats.entry(lane).or_default().push(id);
        }
    }

    fn beaten(&mut self, id: DeliveryId, result: Result<(), QueueError>, now: Now) {
        let Some(held) = self.deliveries.get(&id) else { return };
        let lane = held.lane;
        let next = match result {
            Ok(()) => self.heartbeat(),
            Err(error) => {
                // If the receipt is gone somebody else may have the message: what is claimed here
                // is still ours to post, and the ledger keeps the other one off it. A newer
                // receipt may come with the next delivery.
                self.output.report(Report::QueueFailed {
                    call: "extend",
                    lane: Some(lane),
                    reason: error.as_str(),
                    detail: error.to_string(),
                    delay: HEARTBEAT_RETRY,
                });
                match error {
                    QueueError::ReceiptGone(_) => self.heartbeat(),
                    QueueError::Unavailable(_) => HEARTBEAT_RETRY,
                }
            }
        };
        self.beat_then(id, now.mono.plus(next));
    }

    pub(super) fn flush_outbox(&mut self, now: Now) {
        self.flush_deletes(now);
        let beats = std::mem::take(&mut self.outbox.beats);
        let hand_backs = std::mem::take(&mut self.outbox.hand_backs);
        let keep = |_: &Held| self.settings.budget.visibility();
        // A heartbeat that overtook the settling would keep the message hidden for nothing.
        let settling = |id: &DeliveryId| {
            self.deliveries
                .get(id)
                .is_none_or(|h| matches!(h.phase, HeldPhase::Deleting | HeldPhase::HandingBack))
        };
        let mut beats = beats;
        beats.values_mut().for_each(|ids| ids.retain(|id| !settling(id)));
        let beats = hide_orders(&self.deliveries, beats, HidePurpose::Keep, keep);
        let back = |held: &Held| {
            let age = now.mono.since(held.received_at);
            let delay = held.hand_back.map_or(Duration::ZERO, |(_, delay)| delay);
            delay.min(HIDE_MAX.saturating_sub(age))
        };
        let backs = hide_orders(&self.deliveries, hand_backs, HidePurpose::Return, back);
        beats.into_iter().chain(backs).for_each(|order| self.output.order(order));
    }

    /// Ten at a time; fewer only when they have waited for a moment, or nothing more is to come. What
    /// is lost with this process while it waits comes again, and is covered.
    fn flush_deletes(&mut self, now: Now) {
        let last = self.draining || self.settings.ends_at.is_some();
        let all = last || self.timers.deletes().is_some_and(|at| at <= now.mono);
        let mut waits = false;
        for (lane, mut ids) in std::mem::take(&mut self.outbox.deletes) {
            let full = ids.len() / QUEUE_BATCH_MAX * QUEUE_BATCH_MAX;
            let rest = ids.split_off(if all { ids.len() } else { full });
            for ten in ids.chunks(QUEUE_BATCH_MAX) {
                let entries = self.receipts(ten);
                self.output.order(Order::Delete { lane, entries });
            }
            if !rest.is_empty() {
                waits = true;
                self.outbox.deletes.insert(lane, rest);
            }
        }
        let due = self.timers.deletes().filter(|_| !all);
        self.timers.set_deletes(waits.then(|| due.unwrap_or(now.mono.plus(DELETE_HOLD))));
    }

    fn receipts(&mut self, ids: &[DeliveryId]) -> Vec<(DeliveryId, Receipt)> {
        let mut receipts = Vec::new();
        for id in ids {
            if let Some(held) = self.deliveries.get_mut(id) {
                held.used = Some(held.receipt.clone());
                receipts.push((*id, held.receipt.clone()));
            }
        }
        receipts
    }

    /// Takes a delivery off the desk. What became of the message is known to the queue.
    pub(super) fn forget(&mut self, id: DeliveryId) {
        if let Some(held) = self.deliveries.remove(&id) {
            self.returning -= usize::from(held.phase == HeldPhase::HandingBack);
            // Most are gone long before: left there, they would be more than all that is held.
            self.timers.cancel(held.beat_at, Timer::Heartbeat(id));
            self.by_message.remove(&(held.lane, held.message_id));
            self.bytes_held = self.bytes_held.saturating_sub(held.bytes);
            self.findings_held = self.findings_held.saturating_sub(held.findings);
        }
    }
}

fn hide_orders(
    deliveries: &BTreeMap<DeliveryId, Held>,
    by_lane: BTreeMap<Lane, Vec<DeliveryId>>,
    purpose: HidePurpose,
    how_long: impl Fn(&Held) -> Duration,
) -> Vec<Order> {
    let mut orders = Vec::new();
    for (lane, ids) in by_lane {
        for ten in ids.chunks(QUEUE_BATCH_MAX) {
            let entry = |id: &DeliveryId| {
                let held = deliveries.get(id)?;
                Some((*id, held.receipt.clone(), how_long(held)))
            };
            let entries = ten.iter().filter_map(entry).collect();
            orders.push(Order::Hide { lane, purpose, entries });
        }
    }
    orders
}
