//! Heartbeats: a message that is held is hidden again before its visibility ends.

use std::time::Duration;

use crate::mutation::{self, Mutation};
use crate::ports::QueueError;

use super::buffer::Buffer;
use super::context::Context;
use super::deliveries::Deliveries;
use super::delivery::HeldDelivery;
use super::destination::notes::Notes;
use super::ids::DeliveryId;
use super::report::ReturnReason;
use super::settings::Settings;
use super::timers::Timer;

const RETRY: Duration = Duration::from_secs(5);
/// A heartbeat may go out earlier by this part of the time between two.
const EARLY: u32 = 4;

/// The time between two heartbeats of a message.
pub(super) fn interval(settings: &Settings) -> Duration {
    let late = mutation::is(Mutation::HeartbeatLate);
    settings.budget.heartbeat() * if late { 4 } else { 1 }
}

/// The heartbeat of a delivery is due. A delivery that is nearly too old for the queue leaves the
/// desk. Alerts in hand are finished first, and the message stays hidden meanwhile.
pub(super) fn send(id: DeliveryId, buffer: &mut Buffer, notes: &mut Notes, cx: &mut Context<'_>) {
    let Some(held) = buffer.deliveries.get(id).filter(|held| held.needs_heartbeat()) else {
        return;
    };
    if cx.now.mono.since(held.received_at) >= cx.settings.budget.return_after() {
        buffer.return_delivery(id, ReturnReason::TooOld, Duration::ZERO, notes, cx);
    }
    buffer.deliveries.extend(id);
}

/// Adds heartbeats that are due soon to calls that go out anyway and have a place left. Messages
/// that came by many receives so share their calls when most of them are gone.
pub(super) fn send_early(buffer: &mut Buffer, notes: &mut Notes, cx: &mut Context<'_>) {
    let until = cx.now.mono.plus(interval(cx.settings) / EARLY);
    for (at, id) in cx.timers.heartbeats_until(until) {
        if buffer.deliveries.has_place_for_heartbeat(id) {
            cx.timers.cancel(at, Timer::Heartbeat(id));
            send(id, buffer, notes, cx);
        }
    }
}

/// The queue has answered a heartbeat.
pub(super) fn answered(
    id: DeliveryId,
    result: Result<(), QueueError>,
    deliveries: &mut Deliveries,
    cx: &mut Context<'_>,
) {
    let Some(lane) = deliveries.get(id).map(|held| held.lane) else { return };
    let next = match result {
        Ok(()) => interval(cx.settings),
        Err(error) => {
            cx.output.queue_failed("extend", Some(lane), &error, RETRY);
            match error {
                // Another worker may have the message. A claim that is held here stays valid, and
                // the ledger keeps the other worker off. The next delivery may bring a new receipt.
                QueueError::ReceiptGone(_) => interval(cx.settings),
                QueueError::Unavailable(_) => RETRY,
            }
        }
    };
    deliveries.set_heartbeat(id, cx.now.mono.plus(next), cx.timers);
}

/// Starts the heartbeats of a new delivery, which was received so that the first is due then.
/// Messages with nothing to post are already deleted, so they need none.
pub(super) fn start(
    id: DeliveryId,
    at: crate::instants::Mono,
    deliveries: &mut Deliveries,
    cx: &mut Context<'_>,
) {
    if deliveries.get(id).is_some_and(HeldDelivery::needs_heartbeat) {
        deliveries.set_heartbeat(id, at, cx.timers);
    }
}
