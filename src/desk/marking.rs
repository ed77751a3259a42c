//! Marks: the ledger learns that an alert was posted, or that a canary came.

use std::sync::Arc;
use std::time::Duration;

use crate::finding::Closing;
use crate::instants::Wall;
use crate::mutation::{self, Mutation};
use crate::policy::ledger::{self, UnclaimedPost};
use crate::policy::record::{AlertRecord, Closed};
use crate::ports::{LedgerError, Written};

use super::alert::AlertState;
use super::alerts::Alerts;
use super::buffer::{Buffer, Resolution};
use super::context::Context;
use super::destination::Destinations;
use super::destination::notes::Notes;
use super::ids::AlertId;
use super::lambda_lifetime::Outlook;
use super::ledger::{LedgerState, prefetch};
use super::order::{Order, RecordOrder, RecordOutcome, ToRecord, WriteOrder};
use super::output::Subject;
use super::report::{Report, ReturnReason};
use super::timers::Timer;

/// A mark that fails is retried soon, because another worker may post when the lease is over.
const MARK_RETRY_MAX: Duration = Duration::from_secs(5);
/// The record of a post without a claim waits for a ledger that was unreachable for long.
const RECORD_RETRY_MAX: Duration = Duration::from_secs(30);
/// A closing waits for the post of its alert, which takes some seconds.
const CLOSING_RETRY: Duration = Duration::from_secs(2);
/// The delay of a message whose mark came too late.
const FENCED_OUT_RETURN: Duration = Duration::from_secs(5);

/// The parts of the desk that record a post.
pub(super) struct Marking<'a> {
    pub buffer: &'a mut Buffer,
    pub destinations: &'a Destinations,
    pub notes: &'a mut Notes,
    pub ledger: &'a mut LedgerState,
    pub cx: Context<'a>,
}

impl Marking<'_> {
    /// Slack accepted a post: writes the records of its alerts.
    pub fn record_post(&mut self, post_id: &str, alerts: &[AlertId]) {
        for &id in alerts {
            let Some(alert) = self.buffer.alerts.get(id) else { continue };
            let (key, sighting) = (alert.key.clone(), alert.sighting.clone());
            let now = self.cx.now.wall;
            let Some(claim) = alert.claim() else {
                let owner = alert.owner.clone();
                let post_id = post_id.to_owned();
                let post = UnclaimedPost { post_id, sighting, sent_at: now };
                let fact = ToRecord::Post(post);
                self.record_unclaimed(RecordOrder { alert: id, key, owner, fact });
                continue;
            };
            let (expect, record) =
                ledger::mark(claim, post_id, &sighting, &self.cx.settings.terms, now);
            let write = WriteOrder { alert: id, key, expect, record };
            self.buffer.alerts.mark(id, write.clone());
            self.cx.output.order(Order::Mark(write));
            if mutation::is(Mutation::DeleteBeforeMark) {
                self.resolve(id, Resolution::Settled);
            }
        }
    }

    fn record_unclaimed(&mut self, order: RecordOrder) {
        let id = order.alert;
        self.buffer.alerts.record(id, order.clone());
        self.cx.output.count().unclaimed += 1;
        if mutation::is(Mutation::UnclaimedNotRecorded) {
            return self.resolve(id, Resolution::Settled);
        }
        self.cx.output.order(Order::Record(order));
    }

    /// The ledger has answered a mark.
    pub fn marked(&mut self, id: AlertId, result: Result<Written<AlertRecord>, LedgerError>) {
        self.ledger.health.note(&result, &mut self.cx);
        let Some(alert) = self.buffer.alerts.get(id) else { return };
        let AlertState::Marking(write) = &alert.state else { return };
        let post_id = write.record.post_id().unwrap_or_default().to_owned();
        let accepted_at = write.record.accepted().map_or(self.cx.now.wall, |post| post.sent_at);
        let record = write.record.clone();
        let done = match &result {
            Ok(Written::Done) => true,
            // An earlier try may have taken effect, and its answer was lost.
            Ok(Written::Lost(Some(record))) => {
                let owner = write.record.owner().unwrap_or_default();
                ledger::marked_by(record, owner, write.record.fence, &post_id)
            }
            Ok(Written::Lost(None)) => false,
            Err(error) => return self.retry_later(id, "mark", error, MARK_RETRY_MAX),
        };
        if done {
            return self.posted(id, Some(&record), post_id, accepted_at);
        }
        self.cx.output.count().fenced_out += 1;
        let (finding, destination) =
            (alert.key.fingerprint().to_owned(), alert.key.destination().to_owned());
        self.cx.output.report(Report::FencedOut { finding, destination, post_id });
        self.resolve(id, Resolution::Return(ReturnReason::FencedOut, FENCED_OUT_RETURN));
    }

    /// The ledger has answered the record of a post without a claim, or of a canary.
    pub fn recorded(&mut self, id: AlertId, outcome: RecordOutcome) {
        match &outcome {
            RecordOutcome::Failed { answered, error } => {
                if *answered {
                    self.ledger.health.worked(&mut self.cx);
                }
                self.ledger.health.failed(error, &mut self.cx);
            }
            RecordOutcome::Done(_)
            | RecordOutcome::Closed { .. }
            | RecordOutcome::Owed
            | RecordOutcome::Busy { .. } => self.ledger.health.worked(&mut self.cx),
        }
        let Some(alert) = self.buffer.alerts.get(id) else { return };
        let AlertState::Recording(order) = &alert.state else { return };
        match outcome {
            RecordOutcome::Done(_) if alert.is_canary_record() => self.canary_recorded(id),
            RecordOutcome::Done(record) => {
                let ToRecord::Post(post) = &order.fact else { return };
                let (post_id, accepted_at) = (post.post_id.clone(), post.sent_at);
                self.posted(id, record.as_deref(), post_id, accepted_at);
            }
            RecordOutcome::Closed { record, ended } => self.closed(id, record, ended),
            RecordOutcome::Owed => self.owed(id),
            RecordOutcome::Busy { .. } if alert.closing => {
                if !self.leaves(id) {
                    let at = self.cx.now.mono.plus(CLOSING_RETRY);
                    self.cx.timers.set(at, Timer::RetryMark(id));
                }
            }
            RecordOutcome::Busy { until } => {
                let delay = until.since(self.cx.now.wall) + Duration::from_secs(1);
                self.cx.timers.set(self.cx.now.mono.plus(delay), Timer::RetryMark(id));
            }
            RecordOutcome::Failed { error, .. } => {
                self.retry_later(id, "record", &error, RECORD_RETRY_MAX);
            }
        }
    }

    /// The write of a record failed.
    fn retry_later(
        &mut self,
        id: AlertId,
        call: &'static str,
        error: &LedgerError,
        delay_max: Duration,
    ) {
        if self.leaves(id) {
            return;
        }
        let failures = self.buffer.alerts.ledger_failed(id);
        let Some(alert) = self.buffer.alerts.get(id) else { return };
        // A worker that drains has no time to wait.
        let draining = self.cx.draining;
        let delay_max = if draining { delay_max.min(MARK_RETRY_MAX) } else { delay_max };
        let delay = self.cx.timers.retry_delay(failures).min(delay_max);
        self.cx.timers.set(self.cx.now.mono.plus(delay), Timer::RetryMark(id));
        self.cx.output.ledger_failed(call, Subject::Record(&alert.key), error, delay);
    }

    /// Writes a record again.
    pub fn retry(&mut self, id: AlertId) {
        match self.buffer.alerts.get(id).map(|alert| &alert.state) {
            Some(AlertState::Marking(write)) => {
                self.cx.output.order(Order::Mark((**write).clone()));
            }
            Some(AlertState::Recording(order)) => {
                self.cx.output.order(Order::Record((**order).clone()));
            }
            _ => {}
        }
    }

    /// Writes every record again whose write was not confirmed.
    pub fn retry_all(&mut self) {
        let accepted = self.buffer.alerts.iter().filter(|(_, alert)| alert.is_accepted());
        for id in accepted.map(|(id, _)| id).collect::<Vec<_>>() {
            self.retry(id);
        }
    }

    /// The alert is posted and marked.
    fn posted(
        &mut self,
        id: AlertId,
        record: Option<&AlertRecord>,
        post_id: String,
        accepted_at: Wall,
    ) {
        let Some(alert) = self.buffer.alerts.get(id) else { return };
        let by_fallback = alert.is_posted_by_fallback();
        let tally = self.cx.output.count();
        tally.posted += 1;
        tally.escalated += u64::from(alert.earlier.escalated);
        tally.reminded += u64::from(alert.earlier.reminder);
        tally.came_back += u64::from(alert.earlier.came_back);
        tally.by_fallback += u64::from(by_fallback);
        if let Some(record) = record {
            self.ledger.recent.learn(&alert.key, record, &alert.sighting, self.cx.now);
        }
        let channel = &self.destinations[alert.channel];
        self.cx.output.report(Report::Posted {
            finding: alert.key.fingerprint().to_owned(),
            about: Arc::clone(&alert.finding),
            destination: alert.key.destination().to_owned(),
            channel: by_fallback.then(|| channel.name().to_owned()),
            level: alert.level(),
            post_id,
            waited: accepted_at.since(alert.since),
        });
        self.resolve(id, Resolution::Settled);
    }

    fn canary_recorded(&mut self, id: AlertId) {
        let Some(alert) = self.buffer.alerts.get(id) else { return };
        let put_at = alert.finding.canary.and_then(|canary| canary.put_at);
        self.cx.output.report(Report::Canary {
            finding: alert.key.fingerprint().to_owned(),
            took: self.cx.now.wall.since(put_at.unwrap_or(alert.since)),
        });
        self.resolve(id, Resolution::Settled);
    }

    /// The ledger knows that the finding is closed. `ended`: its alert had been posted.
    fn closed(&mut self, id: AlertId, record: Option<Box<AlertRecord>>, ended: Option<Closed>) {
        let Some(alert) = self.buffer.alerts.get(id) else { return };
        // Without a record, this worker remembers the closing for an open state that comes late.
        let now = self.cx.now;
        let record = record.or_else(|| prefetch::closed_record(&alert.sighting, &self.cx));
        if let Some(record) = &record {
            self.ledger.recent.learn(&alert.key, record, &alert.sighting, now);
        }
        if let Some(ended) = ended {
            let incident = record.as_ref().map(|record| &record.incident);
            let (destination, wall) = (alert.destination, now.wall);
            self.notes.closings.closed(destination, &alert.finding, ended, incident, wall);
        }
        let why = alert.finding.condition.closed().unwrap_or(Closing::Resolved);
        self.cx.output.closed(alert, why, ended.is_some());
        self.resolve(id, Resolution::Settled);
    }

    /// A closed finding is more severe than what a person handled, so its alert is posted if its
    /// destination wants it.
    fn owed(&mut self, id: AlertId) {
        let Some(alert) = self.buffer.alerts.get(id) else { return };
        if self.cx.settings.routes.owes(alert.destination, &alert.finding) {
            self.buffer.alerts.reopen(id);
        } else {
            self.closed(id, None, None);
        }
    }

    /// A record that stands for no post could not be written. If its message is to leave, the next
    /// worker writes the record: nothing was posted that the ledger would have to know. True if it
    /// left.
    fn leaves(&mut self, id: AlertId) -> bool {
        let Some(alert) = self.buffer.alerts.get(id).filter(|n| n.is_record_only()) else {
            return false;
        };
        let delivery = alert.delivery;
        let Some(reason) = self.buffer.deliveries.leaving(delivery) else { return false };
        let due = match reason {
            ReturnReason::Draining => {
                let alerts = &self.buffer.alerts;
                let (destinations, health) = (self.destinations, &self.ledger.health);
                Outlook { alerts, destinations, health }.due_in(delivery, &self.cx)
            }
            _ => Duration::ZERO,
        };
        self.resolve(id, Resolution::Return(reason, due));
        true
    }

    fn resolve(&mut self, id: AlertId, resolution: Resolution) {
        self.buffer.resolve(id, resolution, self.notes, &mut self.cx);
    }
}

/// Orders the record of a finding that is closed.
pub(super) fn record_closing(id: AlertId, alerts: &mut Alerts, cx: &mut Context<'_>) {
    let Some(alert) = alerts.get(id) else { return };
    let leaves_trace = prefetch::leaves_trace(alert, cx);
    let (key, owner) = (alert.key.clone(), alert.owner.clone());
    let fact = ToRecord::Closing { sighting: alert.sighting.clone(), leaves_trace };
    let order = RecordOrder { alert: id, key, owner, fact };
    alerts.record(id, order.clone());
    cx.output.order(Order::Record(order));
}
