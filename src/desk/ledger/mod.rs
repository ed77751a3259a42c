//! The desk's side of the ledger: its health, the known records, and the records to write.

pub(super) mod health;
pub(super) mod mark;
pub(super) mod prefetch;

use crate::finding::Level;
use crate::instants::Mono;
use crate::policy::recent::Recent;
use crate::ports::LedgerError;

use super::alert::Alert;
use super::alerts::Alerts;
use super::context::Context;
use super::ids::AlertId;
use super::output::Subject;
use super::settings::{RETRY_FIRST, RETRY_MAX};
use health::Health;
use prefetch::Prefetch;

/// What this worker knows of the ledger. It outlives the desk in one process.
pub(super) struct LedgerState {
    pub health: Health,
    /// Records that this worker has seen or written lately.
    pub recent: Recent,
    pub prefetch: Prefetch,
}

impl LedgerState {
    pub fn new(seed: u64) -> LedgerState {
        LedgerState {
            health: Health::default(),
            recent: Recent::default(),
            prefetch: Prefetch::new(seed),
        }
    }

    /// The level already posted, according to this worker's memory. Always None for an alert whose
    /// message an operator sent again.
    pub fn remembers(&self, alert: &Alert, cx: &Context<'_>) -> Option<Level> {
        let known =
            self.recent.already_posted(&alert.key, &alert.want(), &cx.settings.terms, cx.now);
        known.filter(|_| !alert.is_asked_again())
    }

    /// The level already posted, according to a memory of any age.
    fn remembers_of_old(&self, alert: &Alert, cx: &Context<'_>) -> Option<Level> {
        if alert.again {
            return None;
        }
        self.recent.already_posted_at_any_age(&alert.key, &alert.want(), &cx.settings.terms, cx.now)
    }

    /// Splits alerts into those that were posted before, with their levels, and the others. For use
    /// while the ledger is unreachable.
    pub fn split_known(
        &self,
        ids: Vec<AlertId>,
        alerts: &Alerts,
        cx: &Context<'_>,
    ) -> (Vec<(AlertId, Level)>, Vec<AlertId>) {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for id in ids {
            match alerts.get(id).and_then(|alert| self.remembers_of_old(alert, cx)) {
                Some(level) => known.push((id, level)),
                None => unknown.push(id),
            }
        }
        (known, unknown)
    }

    /// A claim failed. Answers with the time from which the alert may be claimed again. While the
    /// ledger rests, all alerts wait for it together. Another alert probes it next, because the
    /// record of this one alone may be what fails.
    pub fn claim_failed(
        &mut self,
        id: AlertId,
        error: &LedgerError,
        alerts: &mut Alerts,
        cx: &mut Context<'_>,
    ) -> Option<Mono> {
        let failures = alerts.ledger_failed(id);
        let alert = alerts.get(id)?;
        self.health.failed(error, cx);
        let delay = cx.timers.retry_delay(failures).min(RETRY_MAX / 2);
        cx.output.ledger_failed("claim", Subject::Record(&alert.key), error, delay);
        let rests_until = self.health.rests_until(cx.now.mono);
        Some(rests_until.map_or(cx.now.mono.plus(delay), |at| at.plus(RETRY_FIRST)))
    }

    /// Ends what was under way when the desk ended.
    pub fn end(&mut self) {
        self.health.end();
        self.prefetch.end();
    }
}
