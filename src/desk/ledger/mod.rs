//! The desk's side of the ledger: its health, the known records, and the records to write.

pub(super) mod health;
pub(super) mod prefetch;

use crate::instants::Mono;
use crate::policy::recent::{Recent, Settled};
use crate::ports::LedgerError;

use super::alert::Alert;
use super::alerts::Alerts;
use super::context::Context;
use super::ids::AlertId;
use super::output::Subject;
use super::settings::{RETRY_FIRST, RETRY_MAX};
use health::Health;
use prefetch::Prefetch;

/// Alerts by what a memory of any age says of them.
#[derive(Default)]
pub(super) struct KnownOfOld {
    pub settled: Vec<(AlertId, Settled)>,
    /// Posted before. Only the ledger knows whether the finding was closed since, and came back.
    pub unsure: Vec<AlertId>,
    pub unknown: Vec<AlertId>,
}

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

    /// Why nothing is posted, according to this worker's memory. Always None for an alert whose
    /// message an operator sent again.
    pub fn remembers(&self, alert: &Alert, cx: &Context<'_>) -> Option<Settled> {
        let known = self.recent.settles(&alert.key, &alert.want(), &cx.settings.terms, cx.now);
        known.filter(|_| !alert.is_asked_again())
    }

    /// Splits alerts by a memory of any age. For use while the ledger is unreachable.
    pub fn split_known(&self, ids: Vec<AlertId>, alerts: &Alerts, cx: &Context<'_>) -> KnownOfOld {
        let mut split = KnownOfOld::default();
        for id in ids {
            let Some(alert) = alerts.get(id) else { continue };
            let (recent, key, want) = (&self.recent, &alert.key, alert.want());
            let terms = &cx.settings.terms;
            match recent.settles_at_any_age(key, &want, terms, cx.now) {
                _ if alert.again => split.unknown.push(id),
                Some(settled) => split.settled.push((id, settled)),
                None if recent.was_posted(key, &want, terms, cx.now) => split.unsure.push(id),
                None => split.unknown.push(id),
            }
        }
        split
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
