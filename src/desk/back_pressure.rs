//! Back-pressure: whether the buffer has a place for the messages of one more receive.

use crate::finding;
use crate::mutation::{self, Mutation};
use crate::ports::{Lane, QUEUE_BATCH_MAX};

use super::buffer::Buffer;
use super::destination::Destinations;
use super::destination::select::Select;
use super::lanes::Lanes;
use super::settings::Settings;

/// One part in this number of the buffer belongs to the express lane alone, if that lane exists.
const EXPRESS_SHARE: usize = 8;

pub(super) struct BackPressure<'a> {
    pub settings: &'a Settings,
    pub buffer: &'a Buffer,
    pub destinations: &'a Destinations,
    pub lanes: &'a Lanes,
    pub draining: bool,
}

impl BackPressure<'_> {
    /// Whether anything may be received from this lane. With every breaker open nothing more is
    /// received: a message that waits in the queue is safe there, and its receives are not counted.
    /// But only a post closes a breaker, so the desk needs an alert to try each destination with.
    pub fn may_receive(&self, lane: Lane) -> bool {
        !self.draining && !self.is_holding() && self.has_place(lane)
    }

    fn is_holding(&self) -> bool {
        let all_open = self.destinations.iter().all(|d| d.breaker.is_breaker_open());
        let each_has_alert = || (0..self.destinations.len()).all(|i| self.has_alert_for(i));
        all_open && each_has_alert() && !mutation::is(Mutation::BreakerKeepsReceiving)
    }

    fn has_alert_for(&self, channel: usize) -> bool {
        let (alerts, destinations) = (&self.buffer.alerts, self.destinations);
        let select = Select { alerts, destinations, settings: self.settings };
        select.most_severe_for(channel).is_some()
            || alerts.iter().any(|(_, n)| n.channel == channel && !n.is_record_only())
    }

    /// Whether one more receive may be ordered on the lane with this index. Each receive is
    /// expected to bring as much as the largest of the last batches. A place for one more receive
    /// of every lane stays free, so that no lane keeps another out.
    pub fn may_receive_more(&self, i: usize) -> bool {
        let lane = self.lanes.lane(i);
        if self.lanes.receiving(i) == 0 {
            return self.may_receive(lane);
        }
        if self.lanes.has_all_receives(i) {
            return false;
        }
        if mutation::is(Mutation::ReceivesWithoutPlace) {
            return true;
        }
        let receives = self.lanes.receives_with_one_more();
        let (findings, bytes) = self.lanes.largest_batch();
        let kept = self.kept_for_express(lane);
        let Settings { findings_max, bytes_max, .. } = *self.settings;
        let deliveries = &self.buffer.deliveries;
        self.may_receive(lane)
            && deliveries.findings() + receives * findings + kept(findings_max) <= findings_max
            && deliveries.bytes() + receives * bytes + kept(bytes_max) <= bytes_max
    }

    /// Whether the buffer has a place for one receive from this lane. A part of the buffer is kept
    /// for the express lane, so that a desk full of lesser findings still receives severe ones.
    pub fn has_place(&self, lane: Lane) -> bool {
        let kept = self.kept_for_express(lane);
        let Settings { findings_max, bytes_max, .. } = *self.settings;
        let in_flight = self.lanes.all_receiving() * QUEUE_BATCH_MAX;
        let deliveries = &self.buffer.deliveries;
        deliveries.findings() + in_flight + QUEUE_BATCH_MAX <= findings_max - kept(findings_max)
            && deliveries.bytes() < bytes_max - kept(bytes_max)
    }

    /// How much of the whole this lane must leave to the express lane.
    fn kept_for_express(&self, lane: Lane) -> impl Fn(usize) -> usize + use<> {
        let kept = lane == Lane::Standard && self.lanes.len() > 1;
        move |whole| if kept { whole / EXPRESS_SHARE } else { 0 }
    }
}

/// The buffer holds more than was kept for one batch: giants, or messages with many findings. The
/// excess returns until there is a place.
pub(super) fn is_overfull(buffer: &Buffer, settings: &Settings) -> bool {
    buffer.deliveries.bytes() > settings.bytes_max + finding::MAX_BYTES
        || buffer.deliveries.findings() > settings.findings_max + finding::MAX_FINDINGS
}
