//! A look at the rows of what has just come. A finding that was told before costs a refused write if
//! that is found out by a claim, and keeps a place among what waits until there is a slot. A look at
//! many rows in one call finds it out at once, at a tenth of the price.
//!
//! What a look says can settle an alert as covered, or change nothing. So nothing depends on it: a
//! alert waits for it a moment at most, a critical one that could be claimed now does not wait at all,
//! and a look that fails is followed by a rest and counts for nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::finding::Level;
use crate::instants::{Mono, Now};
use crate::mutation::{self, Mutation};
use crate::policy::cell::Step;
use crate::policy::ledger::{LastPost, RecordKey, Want};
use crate::policy::retry::Retry;
use crate::ports::{LedgerError, PREFETCH_MAX};

use super::order::{AlertId, Order};
use super::report::{KnownFrom, Report};
use super::timers::Timer;
use super::{Alert, Desk, RETRY_FIRST, Stage};

/// An alert waits no longer for a look. It takes some milliseconds.
const PATIENCE: Duration = Duration::from_millis(100);
/// The longest rest after looks that failed: a role may lack the right to it, for good.
const REST_MAX: Duration = Duration::from_secs(5 * 60);

/// The look that is under way, and what is to be looked for next.
pub(super) struct Looks {
    waiting: Vec<AlertId>,
    /// When the one under way was asked for. There is one at a time: what comes meanwhile goes with
    /// the next, all of it.
    asked_at: Option<Mono>,
    /// Who wants to know, for each key that was asked for.
    asked: Vec<Vec<AlertId>>,
    not_before: Mono,
    failures: u32,
    retry: Retry,
}

impl Looks {
    pub fn new(seed: u64) -> Looks {
        Looks {
            waiting: Vec::new(),
            asked_at: None,
            asked: Vec::new(),
            not_before: Mono(0),
            failures: 0,
            retry: Retry::new(RETRY_FIRST, REST_MAX, seed),
        }
    }

    pub fn under_way(&self) -> bool {
        self.asked_at.is_some()
    }

    /// The desk that asked is no more.
    pub fn end(&mut self) {
        self.waiting.clear();
        self.asked.clear();
        self.asked_at = None;
    }
}

impl Alert {
    /// What is wanted of the ledger.
    pub(super) fn want(&self) -> Want<'_> {
        Want {
            owner: &self.owner,
            level: self.finding.severity.level,
            revision: self.finding.updated_at,
        }
    }
}

impl Desk {
    /// What this worker knows covers the alert. Not for what was asked for again.
    pub(super) fn remembers(&self, alert: &Alert, now: Now) -> Option<Level> {
        let asked_again = alert.again && !mutation::is(Mutation::AgainForgotten);
        let terms = &self.settings.terms;
        self.recent.covers(&alert.key, &alert.want(), terms, now).filter(|_| !asked_again)
    }

    /// An alert is new here: it is looked for first, if that is worth it.
    pub(super) fn look_back(&mut self, id: AlertId, now: Now) {
        let Some(alert) = self.alerts.get(&id) else { return };
        let again = alert.again && !mutation::is(Mutation::AgainForgotten);
        let critical = alert.finding.severity.level == Level::Critical;
        let goes_now = critical && self.has_a_slot(alert.destination, now);
        // What went back and comes again was looked for when it came first.
        let count = self.deliveries.get(&alert.delivery).map_or(1, |held| held.receive_count);
        if again || goes_now || count > 1 || !self.may_look(now) {
            return self.make_ready(id);
        }
        self.looks.waiting.push(id);
        let hangs = self.looks.asked_at.is_some_and(|at| now.mono.since(at) >= PATIENCE);
        if critical || hangs {
            return self.make_ready(id);
        }
        if let Some(alert) = self.alerts.get_mut(&id) {
            alert.looked_for = true;
        }
        self.timers.set(now.mono.plus(PATIENCE), Timer::PrefetchPatience(id));
    }

    /// Neither does the ledger fail, nor did the last looks.
    fn may_look(&self, now: Now) -> bool {
        !self.draining && !self.ledger.is_failing() && self.looks.not_before <= now.mono
    }

    /// It could be claimed at once.
    fn has_a_slot(&self, destination: usize, now: Now) -> bool {
        let d = &self.destinations[destination];
        let due = || matches!(d.slots.cell.step(Level::Critical, now), Step::Due);
        d.in_hand.is_none() && d.slots.call.is_none() && d.ready_at() <= now.mono && due()
    }

    /// It has waited for long enough: it goes the usual way.
    pub(super) fn looked_long(&mut self, id: AlertId) {
        let waits = self.alerts.get_mut(&id).map(|n| std::mem::take(&mut n.looked_for));
        if waits == Some(true) {
            self.make_ready(id);
        }
    }

    /// Orders the next look.
    pub(super) fn order_look(&mut self, now: Now) {
        if self.looks.under_way() || self.looks.waiting.is_empty() {
            return;
        }
        if !self.may_look(now) {
            for id in std::mem::take(&mut self.looks.waiting) {
                self.looked_long(id);
            }
            return;
        }
        let mut keys: BTreeMap<RecordKey, Vec<AlertId>> = BTreeMap::new();
        let mut left = Vec::new();
        for id in std::mem::take(&mut self.looks.waiting) {
            let Some(alert) = self.alerts.get(&id) else { continue };
            if !matches!(alert.stage, Stage::Waiting) {
                continue;
            }
            let room = keys.len() < PREFETCH_MAX;
            match keys.get_mut(&alert.key) {
                Some(ids) => ids.push(id),
                None if room => {
                    keys.insert(alert.key.clone(), vec![id]);
                }
                None => left.push(id),
            }
        }
        self.looks.waiting = left;
        if keys.is_empty() {
            return;
        }
        let (keys, asked): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
        self.looks.asked = asked;
        self.looks.asked_at = Some(now.mono);
        self.output.order(Order::Prefetch { keys });
    }

    pub(super) fn prefetched(
        &mut self,
        result: Result<Vec<Option<LastPost>>, LedgerError>,
        now: Now,
    ) {
        self.looks.asked_at = None;
        let asked = std::mem::take(&mut self.looks.asked);
        let answers = match result {
            Ok(answers) => {
                self.looks.failures = 0;
                answers
            }
            Err(error) => {
                self.look_failed(&error, now);
                Vec::new()
            }
        };
        // What was not answered is not known.
        let answers = answers.into_iter().chain(std::iter::repeat(None));
        for (ids, told) in asked.into_iter().zip(answers) {
            for id in ids {
                self.recognise(id, told, now);
            }
        }
    }

    /// A look has this to say of an alert.
    fn recognise(&mut self, id: AlertId, told: Option<LastPost>, now: Now) {
        let Some(alert) = self.alerts.get(&id) else { return };
        let level = alert.finding.severity.level;
        let told = told.filter(|told| {
            told.covers(&alert.want(), &self.settings.terms, now.wall)
                && matches!(alert.stage, Stage::Waiting)
        });
        match told {
            Some(told) => {
                self.recent.learn(&alert.key, told, now);
                self.covered(id, told.level, KnownFrom::Look, now);
            }
            None if mutation::is(Mutation::NotKnownTakenForTold)
                && matches!(alert.stage, Stage::Waiting) =>
            {
                self.covered(id, level, KnownFrom::Look, now);
            }
            None => self.looked_long(id),
        }
    }

    /// Whether the ledger can be written to is for claims and marks to find out.
    fn look_failed(&mut self, error: &LedgerError, now: Now) {
        self.looks.failures = self.looks.failures.saturating_add(1);
        let delay = self.looks.retry.delay(self.looks.failures);
        self.looks.not_before = now.mono.plus(delay);
        self.output.report(Report::LedgerFailed {
            call: "prefetch",
            finding: None,
            destination: None,
            reason: error.as_str(),
            detail: error.to_string(),
            delay,
        });
    }
}
