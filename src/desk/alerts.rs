//! The alerts that the desk holds, the order in which they wait, and the legal changes of state.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Text;
use crate::instants::Wall;
use crate::policy::record::{AlertRecord, RecordKey};

use super::alert::{AfterRelease, Alert, AlertState};
use super::ids::{AlertId, DeliveryId};
use super::order::{RecordOrder, WriteOrder};
use super::ready::Ready;

pub(super) struct Alerts {
    all: BTreeMap<AlertId, Alert>,
    /// For each destination the alerts that may be posted now.
    ready: Vec<Ready>,
    /// Keys that are claimed here or about to be. A second alert of the same key waits.
    keys_in_hand: BTreeSet<RecordKey>,
}

impl Alerts {
    pub fn new(destinations: usize) -> Alerts {
        Alerts {
            all: BTreeMap::new(),
            ready: (0..destinations).map(|_| Ready::default()).collect(),
            keys_in_hand: BTreeSet::new(),
        }
    }

    pub fn get(&self, id: AlertId) -> Option<&Alert> {
        self.all.get(&id)
    }

    pub fn iter(&self) -> impl Iterator<Item = (AlertId, &Alert)> {
        self.all.iter().map(|(id, alert)| (*id, alert))
    }

    /// The alerts of a delivery.
    pub fn of(&self, delivery: DeliveryId) -> impl Iterator<Item = (AlertId, &Alert)> {
        self.iter().filter(move |(_, alert)| alert.delivery == delivery)
    }

    /// The standards of the open alerts that share a key with one of these, by key. They may wait,
    /// and then the ledger does not know of them yet.
    pub fn standards_beside(&self, ids: &[AlertId]) -> BTreeMap<&RecordKey, Vec<&Text>> {
        let shares = |alert: &&Alert| alert.finding.member.is_some();
        let posted = ids.iter().filter_map(|id| self.get(*id)).filter(shares);
        let mut standards: BTreeMap<_, _> = posted.map(|alert| (&alert.key, Vec::new())).collect();
        if standards.is_empty() {
            return standards;
        }
        for alert in self.all.values().filter(shares).filter(|alert| !alert.closing) {
            if let Some(names) = standards.get_mut(&alert.key) {
                names.extend(&alert.finding.standards);
            }
        }
        standards
    }

    pub fn ready(&self, destination: usize) -> &Ready {
        &self.ready[destination]
    }

    pub fn is_key_in_hand(&self, key: &RecordKey) -> bool {
        self.keys_in_hand.contains(key)
    }

    pub fn insert(&mut self, id: AlertId, alert: Alert) {
        self.all.insert(id, alert);
    }

    /// Takes an alert off the desk, whatever its state.
    pub fn remove(&mut self, id: AlertId) -> Option<Alert> {
        let alert = self.all.remove(&id)?;
        self.ready[alert.destination].remove(alert.rank(id));
        // The key of a record to be written may be in hand for another alert.
        if !alert.is_waiting() && !alert.is_record_only() {
            self.keys_in_hand.remove(&alert.key);
        }
        Some(alert)
    }

    /// An alert that waits may be posted from now on.
    pub fn make_ready(&mut self, id: AlertId) {
        if let Some(alert) = self.all.get(&id)
            && alert.is_waiting()
        {
            self.ready[alert.destination].insert(alert.rank(id));
        }
    }

    /// A new alert waits for its prefetch.
    pub fn prefetch(&mut self, id: AlertId) {
        if let Some(alert) = self.all.get_mut(&id) {
            alert.state = AlertState::Prefetching;
        }
    }

    /// The prefetch of an alert is over or takes too long. The alert goes on without a result.
    pub fn end_prefetch(&mut self, id: AlertId) {
        if let Some(alert) = self.all.get_mut(&id)
            && matches!(alert.state, AlertState::Prefetching)
        {
            alert.state = AlertState::Waiting;
            self.make_ready(id);
        }
    }

    /// An alert that is ready becomes part of the post in hand of this channel.
    pub fn take_up(&mut self, id: AlertId, channel: usize) {
        let Some(alert) = self.all.get_mut(&id) else { return };
        alert.state = AlertState::Claiming;
        alert.channel = channel;
        self.ready[alert.destination].remove(alert.rank(id));
        self.keys_in_hand.insert(alert.key.clone());
    }

    /// The claim is won.
    pub fn won(&mut self, id: AlertId, claim: AlertRecord) {
        let Some(alert) = self.all.get_mut(&id) else { return };
        alert.failures = 0;
        alert.earlier.reminder = claim.is_reminder();
        alert.earlier.escalated = claim.escalated_from().is_some();
        alert.earlier.came_back = claim.came_back().is_some();
        alert.state = AlertState::Claimed(Some(Box::new(claim)));
    }

    /// It is posted without a claim.
    pub fn go_unclaimed(&mut self, id: AlertId) {
        if let Some(alert) = self.all.get_mut(&id) {
            alert.state = AlertState::Claimed(None);
        }
    }

    /// Its post goes out.
    pub fn post(&mut self, id: AlertId) {
        let Some(alert) = self.all.get_mut(&id) else { return };
        alert.state = match std::mem::replace(&mut alert.state, AlertState::Claiming) {
            AlertState::Claimed(claim) => AlertState::Posting(claim),
            other => other,
        };
    }

    /// Slack accepted its post, and the record is written under the claim.
    pub fn mark(&mut self, id: AlertId, order: WriteOrder) {
        self.accepted(id, AlertState::Marking(Box::new(order)));
    }

    /// A closed finding is owed all the same, and waits as others do.
    pub fn reopen(&mut self, id: AlertId) {
        let Some(alert) = self.all.get_mut(&id) else { return };
        alert.closing = false;
        alert.state = AlertState::Waiting;
        self.make_ready(id);
    }

    /// Slack accepted its post, its canary came, or it is closed: the record is written without a
    /// claim.
    pub fn record(&mut self, id: AlertId, order: RecordOrder) {
        self.accepted(id, AlertState::Recording(Box::new(order)));
    }

    fn accepted(&mut self, id: AlertId, state: AlertState) {
        if let Some(alert) = self.all.get_mut(&id) {
            alert.failures = 0;
            alert.state = state;
        }
    }

    /// Gives up the claim of an alert, if it has one.
    pub fn release(&mut self, id: AlertId, after: AfterRelease) {
        if let Some(alert) = self.all.get_mut(&id) {
            alert.state = AlertState::Releasing(after);
        }
    }

    /// The ledger has answered a release. None if the alert is in another state.
    pub fn released(&mut self, id: AlertId) -> Option<AfterRelease> {
        let alert = self.all.get_mut(&id)?;
        if !matches!(alert.state, AlertState::Releasing(_)) {
            return None;
        }
        match std::mem::replace(&mut alert.state, AlertState::Claiming) {
            AlertState::Releasing(after) => Some(after),
            _ => None,
        }
    }

    /// The alert waits again, but is not ready yet. Returns its delivery.
    pub fn wait_again(&mut self, id: AlertId) -> Option<DeliveryId> {
        let alert = self.all.get_mut(&id)?;
        self.keys_in_hand.remove(&alert.key);
        alert.state = AlertState::Waiting;
        Some(alert.delivery)
    }

    /// A ledger call for this alert failed. Returns the number of failures in a row.
    pub fn ledger_failed(&mut self, id: AlertId) -> u32 {
        self.all.get_mut(&id).map_or(1, |alert| {
            alert.failures += 1;
            alert.failures
        })
    }

    /// Its post failed, and Slack may have accepted it.
    pub fn perhaps_posted(&mut self, id: AlertId) {
        if let Some(alert) = self.all.get_mut(&id) {
            alert.earlier.perhaps_posted = true;
        }
    }

    /// The next post of it is text alone.
    pub fn make_plain(&mut self, id: AlertId) {
        if let Some(alert) = self.all.get_mut(&id) {
            alert.constraints.plain = true;
        }
    }

    /// Limits the number of alerts in its next post.
    pub fn limit_share(&mut self, id: AlertId, share_max: usize) {
        if let Some(alert) = self.all.get_mut(&id) {
            alert.constraints.share_max = share_max;
        }
    }

    /// When the lease of its claim ends. None without a claim.
    pub fn lease_until(&self, id: AlertId) -> Option<Wall> {
        self.get(id)?.claim().map(|claim| claim.lease_until)
    }
}
