//! The desk's side of the ledger: its health, the known records, and the records to write.

pub(super) mod health;
pub(super) mod mark;
pub(super) mod prefetch;

use crate::finding::Level;
use crate::policy::recent::Recent;

use super::alert::Alert;
use super::context::Context;
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
        let known = self.recent.covers(&alert.key, &alert.want(), &cx.settings.terms, cx.now);
        known.filter(|_| !alert.is_asked_again())
    }

    /// The level already posted, according to a memory of any age. For use while the ledger is
    /// unreachable.
    pub fn remembers_of_old(&self, alert: &Alert, cx: &Context<'_>) -> Option<Level> {
        if alert.again {
            return None;
        }
        self.recent.covered(&alert.key, &alert.want(), &cx.settings.terms, cx.now)
    }

    /// Ends what was under way when the desk ended.
    pub fn end(&mut self) {
        self.health.end();
        self.prefetch.end();
    }
}
