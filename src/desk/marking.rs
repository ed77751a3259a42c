//! Telling the ledger: that an alert was posted, or that its claim is given up.

use std::time::Duration;

use crate::instants::{Mono, Now, Wall};
use crate::mutation::{self, Mutation};
use crate::policy::ledger::{self, LastPost};
use crate::policy::record::AlertRecord;
use crate::ports::{LedgerError, Written};

use super::destination::Won;
use super::order::{AlertId, Order, RecordOutcome, ToRecord, WriteOrder};
use super::report::{Report, ReturnReason};
use super::settling::{Chore, Resolution};
use super::{AfterRelease, Alert, Desk, Stage};

/// A mark that fails is tried again soon: once the lease is over somebody else may post.
const MARK_RETRY_MAX: Duration = Duration::from_secs(5);
/// What was posted without a claim waits for the ledger, which has been away for long.
const RECORD_RETRY_MAX: Duration = Duration::from_secs(30);

impl Desk {
    pub(super) fn release(&mut self, won: Won, ambiguous: bool, after: AfterRelease, now: Now) {
        let Some(alert) = self.alerts.get_mut(&won.alert) else { return };
        alert.perhaps |= ambiguous && !mutation::is(Mutation::AmbiguityForgotten);
        let Some(claim) = won.claim else { return self.set_free(won.alert, after, now) };
        if mutation::is(Mutation::ReleaseForgotten) {
            return self.set_free(won.alert, after, now);
        }
        let ambiguous = ambiguous && !mutation::is(Mutation::AmbiguityForgotten);
        let (expect, record) = ledger::release(&claim, ambiguous, &self.settings.terms, now.wall);
        alert.stage = Stage::Releasing(after);
        let key = alert.key.clone();
        self.orders.push(Order::Release(WriteOrder { alert: won.alert, key, expect, record }));
    }

    /// Whether the release took effect matters little: if it did not, the row stays ours until the
    /// lease ends, and the next claim finds it so.
    pub(super) fn released(
        &mut self,
        id: AlertId,
        result: Result<Written<AlertRecord>, LedgerError>,
        now: Now,
    ) {
        match &result {
            Ok(_) => self.ledger_worked(now),
            Err(error) => self.ledger.failed(now.mono, error.0.kind, &mut self.retry),
        }
        let Some(alert) = self.alerts.get_mut(&id) else { return };
        if let Err(error) = result {
            self.reports.push(Report::LedgerFailed {
                call: "release",
                finding: Some(alert.key.fingerprint().to_owned()),
                destination: Some(alert.key.destination().to_owned()),
                reason: error.as_str(),
                detail: error.to_string(),
                delay: Duration::ZERO,
            });
        }
        if let Stage::Releasing(after) = std::mem::replace(&mut alert.stage, Stage::InHand) {
            self.set_free(id, after, now);
        }
    }

    fn set_free(&mut self, id: AlertId, after: AfterRelease, now: Now) {
        match after {
            AfterRelease::Wait => self.wait_again(id, None, now),
            AfterRelease::Quarantine { detail } => {
                self.resolve(id, Resolution::Condemned { detail }, now);
            }
        }
    }

    /// Back to the others that wait, at once or from a time on; or back to the queue, if the
    /// delivery is to go there.
    pub(super) fn wait_again(&mut self, id: AlertId, from: Option<Mono>, now: Now) {
        let Some(alert) = self.alerts.get_mut(&id) else { return };
        self.keys_in_hand.remove(&alert.key);
        alert.stage = Stage::Waiting;
        let delivery = alert.delivery;
        if let Some(reason) = self.deliveries.get(&delivery).and_then(|h| h.leaving()) {
            let due = self.due_in(delivery, now);
            return self.resolve(id, Resolution::Return(reason, due), now);
        }
        match from {
            Some(at) => {
                self.chores.insert((at, Chore::Ready(id)));
            }
            None => self.make_ready(id),
        }
    }

    pub(super) fn make_ready(&mut self, id: AlertId) {
        let Some(alert) = self.alerts.get(&id) else { return };
        if matches!(alert.stage, Stage::Waiting) {
            let rank = alert.rank(id);
            self.destinations[alert.destination].ready.insert(rank);
        }
    }

    pub(super) fn marked(
        &mut self,
        id: AlertId,
        result: Result<Written<AlertRecord>, LedgerError>,
        now: Now,
    ) {
        match &result {
            Ok(_) => self.ledger_worked(now),
            Err(error) => self.ledger.failed(now.mono, error.0.kind, &mut self.retry),
        }
        let Some(alert) = self.alerts.get_mut(&id) else { return };
        let Stage::Marking(write) = &alert.stage else { return };
        let digest = write.record.post_id().unwrap_or_default().to_owned();
        let accepted_at = write.record.accepted().map_or(now.wall, |post| post.sent_at);
        let told = write.record.last_post();
        let done = match &result {
            Ok(Written::Done) => true,
            Ok(Written::Lost(Some(row))) => {
                // An earlier try took effect and its answer was lost.
                let owner = write.record.owner().unwrap_or_default();
                ledger::marked_by(row, owner, write.record.fence, &digest)
            }
            Ok(Written::Lost(None)) => false,
            Err(error) => return self.tell_again(id, "mark", error, MARK_RETRY_MAX, now),
        };
        if done {
            return self.told(id, told, digest, accepted_at, now);
        }
        self.tally.fenced_out += 1;
        let finding = alert.key.fingerprint().to_owned();
        let destination = alert.key.destination().to_owned();
        self.reports.push(Report::FencedOut { finding, destination, digest });
        let again = Duration::from_secs(5);
        self.resolve(id, Resolution::Return(ReturnReason::FencedOut, again), now);
    }

    pub(super) fn recorded(&mut self, id: AlertId, outcome: RecordOutcome, now: Now) {
        match &outcome {
            RecordOutcome::Failed { answered, error } => {
                if *answered {
                    self.ledger_worked(now);
                }
                self.ledger.failed(now.mono, error.0.kind, &mut self.retry);
            }
            RecordOutcome::Done | RecordOutcome::Busy { .. } => self.ledger_worked(now),
        }
        let Some(alert) = self.alerts.get(&id) else { return };
        let Stage::Recording(order) = &alert.stage else { return };
        match outcome {
            RecordOutcome::Done if alert.is_canarys_row() => self.canary_noted(id, now),
            RecordOutcome::Done => {
                let ToRecord::Post(post) = &order.fact else { return };
                let (digest, accepted_at) = (post.post_id.clone(), post.sent_at);
                let told = post.last_post(&self.settings.terms);
                self.told(id, Some(told), digest, accepted_at, now);
            }
            RecordOutcome::Busy { until } => {
                let at = now.mono.plus(until.since(now.wall) + Duration::from_secs(1));
                self.chores.insert((at, Chore::Tell(id)));
            }
            RecordOutcome::Failed { error, .. } => {
                self.tell_again(id, "record", &error, RECORD_RETRY_MAX, now);
            }
        }
    }

    /// The ledger could not be told of a post.
    fn tell_again(
        &mut self,
        id: AlertId,
        call: &'static str,
        error: &LedgerError,
        most: Duration,
        now: Now,
    ) {
        if self.canary_leaves(id, now) {
            return;
        }
        let Some(alert) = self.alerts.get_mut(&id) else { return };
        alert.failures += 1;
        // A worker that ends has no time to wait.
        let most = if self.draining { most.min(MARK_RETRY_MAX) } else { most };
        let delay = self.retry.delay(alert.failures).min(most);
        self.chores.insert((now.mono.plus(delay), Chore::Tell(id)));
        self.reports.push(Report::LedgerFailed {
            call,
            finding: Some(alert.key.fingerprint().to_owned()),
            destination: Some(alert.key.destination().to_owned()),
            reason: error.as_str(),
            detail: error.to_string(),
            delay,
        });
    }

    /// Tells the ledger now of all that it does not know of yet.
    pub(super) fn tell_all(&mut self) {
        let untold = |n: &Alert| matches!(n.stage, Stage::Marking(_) | Stage::Recording(_));
        let untold = self.alerts.iter().filter(|(_, n)| untold(n)).map(|(id, _)| *id);
        for id in untold.collect::<Vec<_>>() {
            self.tell(id);
        }
    }

    pub(super) fn tell(&mut self, id: AlertId) {
        match self.alerts.get(&id).map(|alert| &alert.stage) {
            Some(Stage::Marking(write)) => self.orders.push(Order::Mark((**write).clone())),
            Some(Stage::Recording(order)) => self.orders.push(Order::Record((**order).clone())),
            _ => {}
        }
    }

    /// It is posted, and the ledger knows: its row says `told`.
    fn told(
        &mut self,
        id: AlertId,
        told: Option<LastPost>,
        digest: String,
        accepted_at: Wall,
        now: Now,
    ) {
        let Some(alert) = self.alerts.get(&id) else { return };
        self.tally.posted += 1;
        self.tally.escalated += u64::from(alert.escalated);
        self.tally.reminded += u64::from(alert.reminder);
        if let Some(told) = told {
            self.recent.learn(&alert.key, told, now);
        }
        let elsewhere = alert.channel != alert.destination;
        self.tally.by_fallback += u64::from(elsewhere);
        self.reports.push(Report::Posted {
            finding: alert.key.fingerprint().to_owned(),
            destination: alert.key.destination().to_owned(),
            channel: elsewhere.then(|| self.destinations[alert.channel].name.clone()),
            level: alert.finding.severity.level,
            digest,
            waited: accepted_at.since(alert.since),
        });
        self.resolve(id, Resolution::Settled, now);
    }

    /// Takes an alert off the desk.
    pub(super) fn forget_alert(&mut self, id: AlertId) {
        let Some(alert) = self.alerts.remove(&id) else { return };
        let rank = alert.rank(id);
        self.destinations[alert.destination].ready.remove(rank);
        if !matches!(alert.stage, Stage::Waiting) {
            self.keys_in_hand.remove(&alert.key);
        }
    }

    pub(super) fn ledger_worked(&mut self, now: Now) {
        if self.ledger.worked(now.mono) || std::mem::take(&mut self.ledger_away_reported) {
            self.reports.push(Report::LedgerBack);
            self.ledger_away_reported = false;
        }
    }

    pub(super) fn report_ledger_away(&mut self) {
        if !std::mem::replace(&mut self.ledger_away_reported, true) {
            self.reports.push(Report::LedgerAway);
        }
    }
}
