//! A canary at the desk. Its own row in the ledger is what it is for: the message goes only when that
//! row is written. If it asks for a post it is owed to every destination besides, whatever their
//! thresholds, and waits behind all findings.

use std::sync::Arc;
use std::time::Duration;

use crate::finding::{Canary, Finding};
use crate::instants::{Mono, Now};
use crate::policy::canary::{self, Passed, Post};
use crate::policy::ledger::Unclaimed;

use super::order::{AlertId, DeliveryId, Order, RecordOrder};
use super::report::{Report, ReturnReason};
use super::settling::Resolution;
use super::{Alert, Desk, Stage};

/// Canaries are posted only so often, however many ask for it: nobody is to flood a channel with
/// tests. There are some thirty regions.
const POSTS_MAX: u32 = 60;
const POSTS_EVERY: Duration = Duration::from_secs(3600);

/// How many canaries were posted lately.
#[derive(Default)]
pub(super) struct Allowance {
    since: Option<Mono>,
    used: u32,
}

impl Allowance {
    fn take(&mut self, now: Mono) -> bool {
        if self.since.is_none_or(|since| now.since(since) >= POSTS_EVERY) {
            *self = Allowance { since: Some(now), used: 0 };
        }
        let left = self.used < POSTS_MAX;
        self.used += u32::from(left);
        left
    }
}

impl Alert {
    /// It stands for a canary's own row, and is posted to nobody.
    pub(super) fn is_canarys_row(&self) -> bool {
        self.key.destination == canary::ROW
    }
}

impl Desk {
    pub(super) fn take_canary(
        &mut self,
        delivery: DeliveryId,
        finding: &Arc<Finding>,
        asked: Canary,
        now: Now,
    ) {
        self.output.count().canaries += 1;
        let post = match asked.post {
            false => Post::No,
            true if self.canaries.take(now.mono) => Post::Yes,
            true => Post::TooMany,
        };
        self.note_canary(delivery, finding, asked, post, now);
        if post == Post::Yes {
            for destination in 0..self.destinations.len() {
                self.admit(delivery, destination, Arc::clone(finding), now);
            }
        }
    }

    /// The ledger is told that it came, as it is told of a post that was made without a claim.
    fn note_canary(
        &mut self,
        delivery: DeliveryId,
        finding: &Arc<Finding>,
        asked: Canary,
        post: Post,
        now: Now,
    ) {
        let id = AlertId(self.new_id());
        let Some(held) = self.deliveries.get_mut(&delivery) else { return };
        held.open += 1;
        let (queued_at, since) = (held.enqueued_at, held.since);
        let put_at = asked.put_at.or(queued_at).unwrap_or(now.wall);
        let passed = Passed { put_at, queued_at, received_at: now.wall, post };
        let key = canary::key(&finding.fingerprint);
        let owner = format!("{}/{}", self.settings.worker_id, id.0);
        // Its time is when it was put, so that of two copies the first one's row stays.
        let told = Unclaimed {
            level: finding.severity.level,
            digest: passed.to_string(),
            revision: Some(put_at),
            sent_at: put_at,
        };
        let order = RecordOrder { alert: id, key: key.clone(), owner: owner.clone(), post: told };
        let alert = Alert {
            delivery,
            // It is for none of them, and never among what waits for one.
            destination: 0,
            channel: 0,
            key,
            finding: Arc::clone(finding),
            since,
            perhaps: false,
            owner,
            stage: Stage::Recording(Box::new(order.clone())),
            failures: 0,
            share_max: 1,
            plain: false,
            escalated: false,
            reminder: false,
            again: false,
            looked_for: false,
            weight: None,
        };
        self.alerts.insert(id, alert);
        self.output.order(Order::Record(order));
    }

    /// Its row is written.
    pub(super) fn canary_noted(&mut self, id: AlertId, now: Now) {
        let Some(alert) = self.alerts.get(&id) else { return };
        let put_at = alert.finding.canary.and_then(|canary| canary.put_at);
        self.output.report(Report::Canary {
            finding: alert.key.fingerprint.clone(),
            took: now.wall.since(put_at.unwrap_or(alert.since)),
        });
        self.resolve(id, Resolution::Settled, now);
    }

    /// Its row could not be written. Where its message is to leave, it is told by whoever gets it
    /// next: nothing was posted that the ledger would have to know of. True if it goes.
    pub(super) fn canary_leaves(&mut self, id: AlertId, now: Now) -> bool {
        let Some(alert) = self.alerts.get(&id).filter(|n| n.is_canarys_row()) else {
            return false;
        };
        let delivery = alert.delivery;
        let Some(reason) = self.deliveries.get(&delivery).and_then(|held| held.leaving()) else {
            return false;
        };
        let due = match reason {
            ReturnReason::Draining => self.due_in(delivery, now),
            _ => Duration::ZERO,
        };
        self.resolve(id, Resolution::Return(reason, due), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_are_posted_in_an_hour() {
        let mut allowance = Allowance::default();
        let at = |s: u64| Mono(s * 1000);
        let took = (0..100).filter(|s| allowance.take(at(*s))).count();
        assert_eq!(took, POSTS_MAX as usize);
        assert!(!allowance.take(at(3599)));
        assert!(allowance.take(at(3600)));
    }
}
