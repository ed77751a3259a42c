//! Everything that leaves the desk: orders for the worker, reports for the log, and counts.

use std::sync::Arc;
use std::time::Duration;

use crate::finding::Closing;
use crate::policy::ledger::RecordKey;
use crate::policy::recent::Settled;
use crate::ports::{Lane, LedgerError, QueueError};

use super::alert::Alert;
use super::order::Order;
use super::report::{KnownFrom, Report};
use super::tally::Tally;

/// Orders and reports that the caller has not taken yet, and the counts since the start.
#[derive(Default)]
pub(super) struct Output {
    orders: Vec<Order>,
    reports: Vec<Report>,
    tally: Tally,
}

/// The subject of a ledger call that failed.
pub(super) enum Subject<'a> {
    Record(&'a RecordKey),
    Destination(&'a str),
    /// The call was for many records.
    Many,
}

impl Output {
    pub fn order(&mut self, order: Order) {
        self.orders.push(order);
    }

    pub fn report(&mut self, report: Report) {
        self.reports.push(report);
    }

    /// The counts, to add to them.
    pub fn count(&mut self) -> &mut Tally {
        &mut self.tally
    }

    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    pub fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    pub fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    /// Counts and reports an alert for which nothing is posted, and how that is known.
    pub fn settled(&mut self, alert: &Alert, settled: Settled, by: KnownFrom) {
        if let Some(why) = alert.finding.condition.closed().filter(|_| alert.closing) {
            return self.closed(alert, why, false);
        }
        let (finding, destination) = alert.key.clone().into_parts();
        let about = Arc::clone(&alert.finding);
        self.reports.push(match settled {
            Settled::Posted(level) => {
                self.tally.already_posted += 1;
                Report::AlreadyPosted { finding, about, destination, level, by }
            }
            Settled::Closed => {
                self.tally.already_closed += 1;
                Report::AlreadyClosed { finding, about, destination, by }
            }
        });
    }

    /// Counts and reports a finding that was closed when it came. `ended`: it had been posted.
    pub fn closed(&mut self, alert: &Alert, why: Closing, ended: bool) {
        let (finding, destination) = alert.key.clone().into_parts();
        self.tally.closed += 1;
        self.tally.ended += u64::from(ended);
        let about = Arc::clone(&alert.finding);
        self.reports.push(Report::Closed { finding, about, destination, why, ended });
    }

    /// Reports a ledger call that failed. `delay` is the time until its retry.
    pub fn ledger_failed(
        &mut self,
        call: &'static str,
        subject: Subject<'_>,
        error: &LedgerError,
        delay: Duration,
    ) {
        let (finding, destination) = match subject {
            Subject::Record(key) => {
                (Some(key.fingerprint().to_owned()), Some(key.destination().to_owned()))
            }
            Subject::Destination(name) => (None, Some(name.to_owned())),
            Subject::Many => (None, None),
        };
        self.reports.push(Report::LedgerFailed {
            call,
            finding,
            destination,
            reason: error.as_str(),
            detail: error.to_string(),
            delay,
        });
    }

    /// Reports a queue call that failed. `delay` is the time until its retry; zero if there is
    /// none.
    pub fn queue_failed(
        &mut self,
        call: &'static str,
        lane: Option<Lane>,
        error: &QueueError,
        delay: Duration,
    ) {
        self.reports.push(Report::QueueFailed {
            call,
            lane,
            reason: error.as_str(),
            detail: error.to_string(),
            delay,
        });
    }
}
