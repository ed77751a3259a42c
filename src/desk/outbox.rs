//! The outbox: queue calls that wait until they can be made for ten messages at a time.

use std::collections::BTreeMap;

use crate::ports::{Lane, QUEUE_BATCH_MAX};

use super::ids::DeliveryId;

type ByLane = BTreeMap<Lane, Vec<DeliveryId>>;

#[derive(Default)]
pub(super) struct Outbox {
    deletes: ByLane,
    heartbeats: ByLane,
    returns: ByLane,
}

impl Outbox {
    pub fn delete(&mut self, lane: Lane, id: DeliveryId) {
        self.deletes.entry(lane).or_default().push(id);
    }

    pub fn extend(&mut self, lane: Lane, id: DeliveryId) {
        self.heartbeats.entry(lane).or_default().push(id);
    }

    pub fn return_message(&mut self, lane: Lane, id: DeliveryId) {
        self.returns.entry(lane).or_default().push(id);
    }

    /// Whether a call with heartbeats of this lane goes out and still has space.
    pub fn has_place_for_heartbeat(&self, lane: Lane) -> bool {
        let ids = self.heartbeats.get(&lane);
        ids.is_some_and(|ids| !ids.len().is_multiple_of(QUEUE_BATCH_MAX))
    }

    /// Takes the deletes in calls of ten, with `all` also those that don't fill a call.
    pub fn take_deletes(&mut self, all: bool) -> Vec<(Lane, Vec<DeliveryId>)> {
        let mut calls = Vec::new();
        for (lane, mut ids) in std::mem::take(&mut self.deletes) {
            let full = ids.len() / QUEUE_BATCH_MAX * QUEUE_BATCH_MAX;
            let rest = ids.split_off(if all { ids.len() } else { full });
            calls.extend(ids.chunks(QUEUE_BATCH_MAX).map(|ten| (lane, ten.to_vec())));
            if !rest.is_empty() {
                self.deletes.insert(lane, rest);
            }
        }
        calls
    }

    pub fn has_deletes(&self) -> bool {
        !self.deletes.is_empty()
    }

    /// Takes the heartbeats of the deliveries that still need one, in calls of ten.
    pub fn take_heartbeats(
        &mut self,
        still: impl Fn(DeliveryId) -> bool,
    ) -> Vec<(Lane, Vec<DeliveryId>)> {
        let mut heartbeats = std::mem::take(&mut self.heartbeats);
        heartbeats.values_mut().for_each(|ids| ids.retain(|id| still(*id)));
        in_tens(heartbeats)
    }

    /// Takes the returns in calls of ten.
    pub fn take_returns(&mut self) -> Vec<(Lane, Vec<DeliveryId>)> {
        in_tens(std::mem::take(&mut self.returns))
    }
}

fn in_tens(by_lane: ByLane) -> Vec<(Lane, Vec<DeliveryId>)> {
    let tens = |(lane, ids): (Lane, Vec<DeliveryId>)| {
        ids.chunks(QUEUE_BATCH_MAX).map(|ten| (lane, ten.to_vec())).collect::<Vec<_>>()
    };
    by_lane.into_iter().flat_map(tens).collect()
}
