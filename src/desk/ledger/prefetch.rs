//! Prefetch: reads the records of new alerts before they are claimed.
//!
//! An alert that was posted before costs a refused write if its claim finds that out, and it waits
//! for a slot until then. One call that reads many records finds it out at once, at a fifth of the
//! price.
//!
//! A prefetch either settles an open alert or changes nothing, so nothing depends on it. An alert
//! waits for it a moment at most. A critical alert that could be claimed now does not wait at all.
//! After a prefetch that fails the next ones rest, and nothing else follows from it.
//!
//! Records of open findings are read consistently: another worker may have closed the incident a
//! moment ago, and the finding may be back. Closed findings are read at half the price. Most were
//! never posted, and are settled by that. Where there is a record, the exact one decides.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::finding::{Finding, Level, Product};
use crate::instants::Mono;
use crate::mutation::{self, Mutation};
use crate::policy::ledger::{self, Claim, ClosingStep, RecordKey, Recording};
use crate::policy::recent::Settled;
use crate::policy::record::{AlertRecord, Sighting};
use crate::policy::retry::Retry;
use crate::ports::{Consistency, LedgerError, PREFETCH_MAX, Prefetched};

use crate::desk::alert::Alert;
use crate::desk::alerts::Alerts;
use crate::desk::context::Context;
use crate::desk::ids::AlertId;
use crate::desk::order::{Order, WriteOrder};
use crate::desk::output::Subject;
use crate::desk::settings::RETRY_FIRST;
use crate::desk::timers::Timer;

use super::health::Health;

/// The longest wait of an alert for a prefetch, which takes some milliseconds.
const PATIENCE: Duration = Duration::from_millis(100);
/// The longest rest after prefetches that failed. The worker's role may lack the right for good.
const REST_MAX: Duration = Duration::from_secs(5 * 60);

/// A finding that closes sooner after it began may close before its open state is posted.
const YOUNG: Duration = Duration::from_secs(24 * 3600);

/// The prefetch that is under way, and the alerts that go with the next one.
pub(in crate::desk) struct Prefetch {
    waiting: Vec<AlertId>,
    /// When the prefetch that is under way was ordered. There is one at a time: alerts that come
    /// meanwhile go with the next.
    asked_at: Option<Mono>,
    /// The alerts of each key that was asked for.
    asked: Vec<Vec<AlertId>>,
    not_before: Mono,
    failures: u32,
    retry: Retry,
}

/// How a new alert stands when it comes.
pub(in crate::desk) struct NewAlert {
    pub id: AlertId,
    /// How often its message was received.
    pub receive_count: u32,
    /// A critical alert for its destination could be claimed at once.
    pub free_for_critical: bool,
}

impl Prefetch {
    pub fn new(seed: u64) -> Prefetch {
        Prefetch {
            waiting: Vec::new(),
            asked_at: None,
            asked: Vec::new(),
            not_before: Mono(0),
            failures: 0,
            retry: Retry::new(RETRY_FIRST, REST_MAX, seed),
        }
    }

    pub fn is_under_way(&self) -> bool {
        self.asked_at.is_some()
    }

    /// The desk that asked has ended.
    pub fn end(&mut self) {
        self.waiting.clear();
        self.asked.clear();
        self.asked_at = None;
    }

    /// Takes a new alert, which is prefetched first if that is worth it. Answers with false if it
    /// goes on without.
    pub fn admit(
        &mut self,
        new: NewAlert,
        alerts: &mut Alerts,
        health: &Health,
        cx: &mut Context<'_>,
    ) -> bool {
        let NewAlert { id, receive_count, free_for_critical } = new;
        let Some(alert) = alerts.get(id) else { return true };
        let closing = alert.closing;
        let critical = alert.level() == Level::Critical && !closing;
        let goes_now = critical && free_for_critical;
        // A message that comes again was prefetched when it came first.
        let known = alert.is_asked_again() || receive_count > 1;
        if known || goes_now || !self.may_ask(health, cx) {
            return false;
        }
        self.waiting.push(id);
        if (critical || self.hangs(cx.now.mono)) && !closing {
            return false;
        }
        alerts.prefetch(id);
        if !closing {
            cx.timers.set(cx.now.mono.plus(PATIENCE), Timer::PrefetchPatience(id));
        }
        true
    }

    fn hangs(&self, now: Mono) -> bool {
        self.asked_at.is_some_and(|at| now.since(at) >= PATIENCE)
    }

    /// False while the desk drains, while the ledger fails, and during the rest after a failure.
    fn may_ask(&self, health: &Health, cx: &Context<'_>) -> bool {
        !cx.draining && !health.is_failing() && self.not_before <= cx.now.mono
    }

    /// Orders the next prefetch. Answers with the alerts that go on without.
    pub fn order(
        &mut self,
        alerts: &Alerts,
        health: &Health,
        cx: &mut Context<'_>,
    ) -> Vec<AlertId> {
        if self.is_under_way() || self.waiting.is_empty() {
            return Vec::new();
        }
        if !self.may_ask(health, cx) {
            return std::mem::take(&mut self.waiting);
        }
        let (keys, closing) = self.take_keys(alerts);
        if keys.is_empty() {
            return Vec::new();
        }
        let consistency = match closing {
            true => Consistency::Eventual,
            false => Consistency::Strong,
        };
        let (keys, asked): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
        self.asked = asked;
        self.asked_at = Some(cx.now.mono);
        cx.output.order(Order::Prefetch { keys, consistency });
        Vec::new()
    }

    /// The keys of the next prefetch with their alerts, all closed or all open. The rest stays for
    /// the one after.
    fn take_keys(&mut self, alerts: &Alerts) -> (BTreeMap<RecordKey, Vec<AlertId>>, bool) {
        let mut keys: BTreeMap<RecordKey, Vec<AlertId>> = BTreeMap::new();
        let (mut left, mut closing) = (Vec::new(), None);
        for id in std::mem::take(&mut self.waiting) {
            let Some(alert) = alerts.get(id).filter(|alert| alert.is_waiting()) else { continue };
            if *closing.get_or_insert(alert.closing) != alert.closing {
                left.push(id);
                continue;
            }
            let has_place = keys.len() < PREFETCH_MAX;
            match keys.get_mut(&alert.key) {
                Some(ids) => ids.push(id),
                None if has_place => {
                    keys.insert(alert.key.clone(), vec![id]);
                }
                None => left.push(id),
            }
        }
        self.waiting = left;
        (keys, closing.unwrap_or(false))
    }

    /// The ledger has answered: the record of each alert that was asked for, as far as known.
    pub fn answered(
        &mut self,
        result: Result<Vec<Prefetched>, LedgerError>,
        cx: &mut Context<'_>,
    ) -> Vec<(AlertId, Prefetched)> {
        self.asked_at = None;
        let asked = std::mem::take(&mut self.asked);
        let answers = match result {
            Ok(answers) => {
                self.failures = 0;
                answers
            }
            Err(error) => {
                self.failed(&error, cx);
                Vec::new()
            }
        };
        // An alert without an answer is not known.
        let answers = answers.into_iter().chain(std::iter::repeat(Prefetched::Unknown));
        let each = |(ids, answer): (Vec<AlertId>, Prefetched)| {
            ids.into_iter().map(move |id| (id, answer.clone()))
        };
        asked.into_iter().zip(answers).flat_map(each).collect()
    }

    /// A failure says nothing about the ledger's health, which claims and marks find out.
    fn failed(&mut self, error: &LedgerError, cx: &mut Context<'_>) {
        self.failures = self.failures.saturating_add(1);
        let delay = self.retry.delay(self.failures);
        self.not_before = cx.now.mono.plus(delay);
        cx.output.ledger_failed("prefetch", Subject::Many, error, delay);
    }
}

/// What follows from a prefetch for an alert.
pub(in crate::desk) enum Next {
    Settle(Settled, Option<Box<AlertRecord>>),
    /// It was posted, and its record does not know this state yet.
    Join(Box<WriteOrder>),
    /// It goes on: an open alert waits for its post, a closed one for its record.
    GoOn,
}

/// Decides by a prefetch. It settles an open alert only as a claim of the same moment would.
pub(in crate::desk) fn decide(
    id: AlertId,
    answer: Prefetched,
    alert: &Alert,
    cx: &Context<'_>,
) -> Next {
    if !alert.is_waiting() {
        return Next::GoOn;
    }
    let (terms, now) = (&cx.settings.terms, cx.now.wall);
    let posted = |by: Mutation| match mutation::is(by) {
        true => Next::Settle(Settled::Posted(alert.level()), None),
        false => Next::GoOn,
    };
    match answer {
        Prefetched::Absent if alert.closing && !leaves_trace(alert, cx) => {
            Next::Settle(Settled::Closed, closed_record(&alert.sighting, cx))
        }
        Prefetched::Absent | Prefetched::Unknown => posted(Mutation::UnknownTakenForPosted),
        Prefetched::Record(record) if alert.closing => {
            let trace = leaves_trace(alert, cx);
            let step = ledger::close(Some(&record), &alert.sighting, trace, terms, now);
            // What the record knows of this finding is a fact, however old the record.
            let is_member = record.incident.member(&alert.sighting.member).is_some();
            match step {
                ClosingStep::Record(Recording::Known) if is_member => {
                    Next::Settle(Settled::Closed, Some(record))
                }
                _ => Next::GoOn,
            }
        }
        Prefetched::Record(record) => match ledger::claim(Some(&record), &alert.want(), terms, now)
        {
            Claim::AlreadyPosted { level } => Next::Settle(Settled::Posted(level), Some(record)),
            Claim::Closed(_) => Next::Settle(Settled::Closed, Some(record)),
            Claim::Busy { .. } => posted(Mutation::ClaimedTakenForPosted),
            Claim::Join { expect, record, .. } => {
                let key = alert.key.clone();
                Next::Join(Box::new(WriteOrder { alert: id, key, expect, record }))
            }
            Claim::Write { .. } => Next::GoOn,
        },
    }
}

/// Whether the closing of a finding that has no record is written all the same: its open state may
/// still wait in a queue, or be posted this moment, and it would be owed. A patched vulnerability
/// leaves a trace only if it is young. There may be thousands, and they seldom come back. A control
/// that passes is always informational, so its severity says nothing of its failure.
pub(in crate::desk) fn leaves_trace(alert: &Alert, cx: &Context<'_>) -> bool {
    let Finding { fingerprint, created_at, first_seen, .. } = &*alert.finding;
    let is_control = alert.finding.member.is_some();
    let is_patched = fingerprint.product == Product::Inspector.as_str();
    let began = created_at.or(*first_seen);
    let young = match (began, alert.sighting.at.updated_at) {
        (Some(began), Some(closed)) => closed.since(began) < YOUNG,
        _ => true,
    };
    is_control
        || (young || !is_patched) && cx.settings.routes.owes(alert.destination, &alert.finding)
}

/// The record that a closing would have, if it left a trace.
pub(in crate::desk) fn closed_record(
    sighting: &Sighting,
    cx: &Context<'_>,
) -> Option<Box<AlertRecord>> {
    match ledger::close(None, sighting, true, &cx.settings.terms, cx.now.wall) {
        ClosingStep::Record(Recording::Write { record, .. }) => Some(Box::new(record)),
        ClosingStep::Record(Recording::Known | Recording::Busy { .. }) | ClosingStep::Owed => None,
    }
}
