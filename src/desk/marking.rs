//! Telling the ledger: that an alert was posted, or that its claim is given up.

use std::time::Duration;

use crate::instants::{Mono, Now, Wall};
use crate::mutation::{self, Mutation};
use crate::policy::ledger::{self, LastPost};
use crate::ports::{LedgerError, Written};

use super::destination::Won;
use super::order::{AlertId, Order, RecordOutcome, WriteOrder};
use super::report::{Report, ReturnReason};
use super::settling::Resolution;
use super::timers::Timer;
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
        let (expect, row) = ledger::release(&claim, ambiguous, &self.settings.terms, now.wall);
        alert.stage = Stage::Releasing(after);
        let key = alert.key.clone();
        self.output.order(Order::Release(WriteOrder { alert: won.alert, key, expect, row }));
    }

    /// Whether the release took effect matters little: if it did not, the row stays ours until the
    /// lease ends, and the next claim finds it so.
    pub(super) fn released(&mut self, id: AlertId, result: Result<Written, LedgerError>, now: Now) {
        match &result {
            Ok(_) => self.ledger_worked(now),
            Err(error) => self.ledger.failed(now.mono, error.0.kind, self.timers.retry()),
        }
        let Some(alert) = self.alerts.get_mut(&id) else { return };
        if let Err(error) = result {
            self.output.report(Report::LedgerFailed {
                call: "release",
                finding: Some(alert.key.fingerprint.clone()),
                destination: Some(alert.key.destination.clone()),
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
                self.timers.set(at, Timer::Ready(id));
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

    pub(super) fn marked(&mut self, id: AlertId, result: Result<Written, LedgerError>, now: Now) {
        match &result {
            Ok(_) => self.ledger_worked(now),
            Err(error) => self.ledger.failed(now.mono, error.0.kind, self.timers.retry()),
        }
        let Some(alert) = self.alerts.get_mut(&id) else { return };
        let Stage::Marking(write) = &alert.stage else { return };
        let digest = write.row.digest.clone();
        let accepted_at = write.row.sent_at.unwrap_or(now.wall);
        let told = write.row.told();
        let done = match &result {
            Ok(Written::Done) => true,
            Ok(Written::Lost(Some(row))) => {
                // An earlier try took effect and its answer was lost.
                ledger::marked_by(row, &write.row.owner, write.row.fence, &digest)
            }
            Ok(Written::Lost(None)) => false,
            Err(error) => return self.tell_again(id, "mark", error, MARK_RETRY_MAX, now),
        };
        if done {
            return self.told(id, told, digest, accepted_at, now);
        }
        self.output.count().fenced_out += 1;
        let finding = alert.key.fingerprint.clone();
        let destination = alert.key.destination.clone();
        self.output.report(Report::FencedOut { finding, destination, digest });
        let again = Duration::from_secs(5);
        self.resolve(id, Resolution::Return(ReturnReason::FencedOut, again), now);
    }

    pub(super) fn recorded(&mut self, id: AlertId, outcome: RecordOutcome, now: Now) {
        match &outcome {
            RecordOutcome::Failed { answered, error } => {
                if *answered {
                    self.ledger_worked(now);
                }
                self.ledger.failed(now.mono, error.0.kind, self.timers.retry());
            }
            RecordOutcome::Done | RecordOutcome::Busy { .. } => self.ledger_worked(now),
        }
        let Some(alert) = self.alerts.get(&id) else { return };
        let Stage::Recording(order) = &alert.stage else { return };
        match outcome {
            RecordOutcome::Done if alert.is_canarys_row() => self.canary_noted(id, now),
            RecordOutcome::Done => {
                let (digest, accepted_at) = (order.post.digest.clone(), order.post.sent_at);
                let told = order.post.told(&self.settings.terms);
                self.told(id, Some(told), digest, accepted_at, now);
            }
            RecordOutcome::Busy { until } => {
                let at = now.mono.plus(until.since(now.wall) + Duration::from_secs(1));
                self.timers.set(at, Timer::RetryMark(id));
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
        let delay = self.timers.retry_delay(alert.failures).min(most);
        self.timers.set(now.mono.plus(delay), Timer::RetryMark(id));
        self.output.report(Report::LedgerFailed {
            call,
            finding: Some(alert.key.fingerprint.clone()),
            destination: Some(alert.key.destination.clone()),
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
            Some(Stage::Marking(write)) => self.output.order(Order::Mark((**write).clone())),
            Some(Stage::Recording(order)) => self.output.order(Order::Record((**order).clone())),
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
        self.output.count().posted += 1;
        self.output.count().escalated += u64::from(alert.escalated);
        self.output.count().reminded += u64::from(alert.reminder);
        if let Some(told) = told {
            self.recent.learn(&alert.key, told, now);
        }
        let elsewhere = alert.channel != alert.destination;
        self.output.count().by_fallback += u64::from(elsewhere);
        self.output.report(Report::Posted {
            finding: alert.key.fingerprint.clone(),
            destination: alert.key.destination.clone(),
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
            self.output.report(Report::LedgerBack);
            self.ledger_away_reported = false;
        }
    }

    pub(super) fn report_ledger_away(&mut self) {
        if !std::mem::replace(&mut self.ledger_away_reported, true) {
            self.output.report(Report::LedgerAway);
        }
    }
}
