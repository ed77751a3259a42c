//! Telling the ledger: that a notice was posted, or that its claim is given up.

use std::time::Duration;

use crate::instants::{Mono, Now, Wall};
use crate::mutation::{self, Mutation};
use crate::policy::ledger::{self, Told};
use crate::ports::{LedgerError, Written};

use super::destination::Won;
use super::order::{NoticeId, Order, RecordOutcome, WriteOrder};
use super::report::{HandBackReason, Report};
use super::settling::{Chore, Resolution};
use super::{AfterRelease, Desk, Notice, Stage};

/// A mark that fails is tried again soon: once the lease is over somebody else may post.
const MARK_RETRY_MAX: Duration = Duration::from_secs(5);
/// What was posted without a claim waits for the ledger, which has been away for long.
const RECORD_RETRY_MAX: Duration = Duration::from_secs(30);

impl Desk {
    pub(super) fn release(&mut self, won: Won, ambiguous: bool, after: AfterRelease, now: Now) {
        let Some(notice) = self.notices.get_mut(&won.notice) else { return };
        notice.perhaps |= ambiguous && !mutation::is(Mutation::AmbiguityForgotten);
        let Some(claim) = won.claim else { return self.set_free(won.notice, after, now) };
        if mutation::is(Mutation::ReleaseForgotten) {
            return self.set_free(won.notice, after, now);
        }
        let ambiguous = ambiguous && !mutation::is(Mutation::AmbiguityForgotten);
        let (expect, row) = ledger::release(&claim, ambiguous, &self.settings.terms, now.wall);
        notice.stage = Stage::Releasing(after);
        let key = notice.key.clone();
        self.orders.push(Order::Release(WriteOrder { notice: won.notice, key, expect, row }));
    }

    /// Whether the release took effect matters little: if it did not, the row stays ours until the
    /// lease ends, and the next claim finds it so.
    pub(super) fn released(
        &mut self,
        id: NoticeId,
        result: Result<Written, LedgerError>,
        now: Now,
    ) {
        match &result {
            Ok(_) => self.ledger_worked(now),
            Err(error) => self.ledger.failed(now.mono, error.0.kind, &mut self.retry),
        }
        let Some(notice) = self.notices.get_mut(&id) else { return };
        if let Err(error) = result {
            self.reports.push(Report::LedgerFailed {
                call: "release",
                finding: Some(notice.key.fingerprint.clone()),
                destination: Some(notice.key.destination.clone()),
                reason: error.word(),
                detail: error.to_string(),
                delay: Duration::ZERO,
            });
        }
        if let Stage::Releasing(after) = std::mem::replace(&mut notice.stage, Stage::InHand) {
            self.set_free(id, after, now);
        }
    }

    fn set_free(&mut self, id: NoticeId, after: AfterRelease, now: Now) {
        match after {
            AfterRelease::Wait => self.wait_again(id, None, now),
            AfterRelease::Park { detail } => {
                self.resolve(id, Resolution::Condemned { detail }, now);
            }
        }
    }

    /// Back to the others that wait, at once or from a time on; or back to the queue, if the
    /// delivery is to go there.
    pub(super) fn wait_again(&mut self, id: NoticeId, from: Option<Mono>, now: Now) {
        let Some(notice) = self.notices.get_mut(&id) else { return };
        self.keys_in_hand.remove(&notice.key);
        notice.stage = Stage::Waiting;
        let delivery = notice.delivery;
        if let Some(reason) = self.deliveries.get(&delivery).and_then(|h| h.leaving()) {
            let due = self.due_in(delivery, now);
            return self.resolve(id, Resolution::HandBack(reason, due), now);
        }
        match from {
            Some(at) => {
                self.chores.insert((at, Chore::Ready(id)));
            }
            None => self.make_ready(id),
        }
    }

    pub(super) fn make_ready(&mut self, id: NoticeId) {
        let Some(notice) = self.notices.get(&id) else { return };
        if matches!(notice.stage, Stage::Waiting) {
            let rank = notice.rank(id);
            self.destinations[notice.destination].ready.insert(rank);
        }
    }

    pub(super) fn marked(&mut self, id: NoticeId, result: Result<Written, LedgerError>, now: Now) {
        match &result {
            Ok(_) => self.ledger_worked(now),
            Err(error) => self.ledger.failed(now.mono, error.0.kind, &mut self.retry),
        }
        let Some(notice) = self.notices.get_mut(&id) else { return };
        let Stage::Marking(write) = &notice.stage else { return };
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
        self.tally.fenced_out += 1;
        let finding = notice.key.fingerprint.clone();
        let destination = notice.key.destination.clone();
        self.reports.push(Report::FencedOut { finding, destination, digest });
        let again = Duration::from_secs(5);
        self.resolve(id, Resolution::HandBack(HandBackReason::FencedOut, again), now);
    }

    pub(super) fn recorded(&mut self, id: NoticeId, outcome: RecordOutcome, now: Now) {
        match &outcome {
            RecordOutcome::Failed { answered, error } => {
                if *answered {
                    self.ledger_worked(now);
                }
                self.ledger.failed(now.mono, error.0.kind, &mut self.retry);
            }
            RecordOutcome::Done | RecordOutcome::Busy { .. } => self.ledger_worked(now),
        }
        let Some(notice) = self.notices.get(&id) else { return };
        let Stage::Recording(order) = &notice.stage else { return };
        match outcome {
            RecordOutcome::Done if notice.is_canarys_row() => self.canary_noted(id, now),
            RecordOutcome::Done => {
                let (digest, accepted_at) = (order.post.digest.clone(), order.post.sent_at);
                let told = order.post.told(&self.settings.terms);
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
        id: NoticeId,
        call: &'static str,
        error: &LedgerError,
        most: Duration,
        now: Now,
    ) {
        if self.canary_leaves(id, now) {
            return;
        }
        let Some(notice) = self.notices.get_mut(&id) else { return };
        notice.failures += 1;
        // A worker that ends has no time to wait.
        let most = if self.draining { most.min(MARK_RETRY_MAX) } else { most };
        let delay = self.retry.delay(notice.failures).min(most);
        self.chores.insert((now.mono.plus(delay), Chore::Tell(id)));
        self.reports.push(Report::LedgerFailed {
            call,
            finding: Some(notice.key.fingerprint.clone()),
            destination: Some(notice.key.destination.clone()),
            reason: error.word(),
            detail: error.to_string(),
            delay,
        });
    }

    /// Tells the ledger now of all that it does not know of yet.
    pub(super) fn tell_all(&mut self) {
        let untold = |n: &Notice| matches!(n.stage, Stage::Marking(_) | Stage::Recording(_));
        let untold = self.notices.iter().filter(|(_, n)| untold(n)).map(|(id, _)| *id);
        for id in untold.collect::<Vec<_>>() {
            self.tell(id);
        }
    }

    pub(super) fn tell(&mut self, id: NoticeId) {
        match self.notices.get(&id).map(|notice| &notice.stage) {
            Some(Stage::Marking(write)) => self.orders.push(Order::Mark((**write).clone())),
            Some(Stage::Recording(order)) => self.orders.push(Order::Record((**order).clone())),
            _ => {}
        }
    }

    /// It is posted, and the ledger knows: its row says `told`.
    fn told(
        &mut self,
        id: NoticeId,
        told: Option<Told>,
        digest: String,
        accepted_at: Wall,
        now: Now,
    ) {
        let Some(notice) = self.notices.get(&id) else { return };
        self.tally.posted += 1;
        self.tally.escalated += u64::from(notice.escalated);
        self.tally.reminded += u64::from(notice.reminder);
        if let Some(told) = told {
            self.recent.learn(&notice.key, told, now);
        }
        let elsewhere = notice.channel != notice.destination;
        self.tally.by_fallback += u64::from(elsewhere);
        self.reports.push(Report::Posted {
            finding: notice.key.fingerprint.clone(),
            destination: notice.key.destination.clone(),
            channel: elsewhere.then(|| self.destinations[notice.channel].name.clone()),
            level: notice.finding.severity.level,
            digest,
            waited: accepted_at.since(notice.since),
        });
        self.resolve(id, Resolution::Settled, now);
    }

    /// Takes a notice off the desk.
    pub(super) fn forget_notice(&mut self, id: NoticeId) {
        let Some(notice) = self.notices.remove(&id) else { return };
        let rank = notice.rank(id);
        self.destinations[notice.destination].ready.remove(rank);
        if !matches!(notice.stage, Stage::Waiting) {
            self.keys_in_hand.remove(&notice.key);
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
