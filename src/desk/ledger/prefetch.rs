//! Prefetch: reads the records of new alerts before they are claimed.
//!
//! An alert that was posted before costs a refused write if its claim finds that out, and it waits
//! for a slot until then. One call that reads many records finds it out at once, at a tenth of the
//! price.
//!
//! A prefetch either settles an alert as already posted or changes nothing, so nothing depends on
//! it. An alert waits for it a moment at most. A critical alert that could be claimed now does not
//! wait at all. After a prefetch that fails the next ones rest, and nothing else follows from it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::finding::Level;
use crate::instants::Mono;
use crate::mutation::{self, Mutation};
use crate::policy::ledger::{LastPost, RecordKey};
use crate::policy::retry::Retry;
use crate::ports::{LedgerError, PREFETCH_MAX};

use crate::desk::alert::Alert;
use crate::desk::alerts::Alerts;
use crate::desk::context::Context;
use crate::desk::ids::AlertId;
use crate::desk::order::Order;
use crate::desk::output::Subject;
use crate::desk::settings::RETRY_FIRST;
use crate::desk::timers::Timer;

use super::health::Health;

/// The longest wait of an alert for a prefetch, which takes some milliseconds.
const PATIENCE: Duration = Duration::from_millis(100);
/// The longest rest after prefetches that failed. The worker's role may lack the right for good.
const REST_MAX: Duration = Duration::from_secs(5 * 60);

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

    /// Takes a new alert, which is prefetched first if that is worth it.
    pub fn admit(
        &mut self,
        new: NewAlert,
        alerts: &mut Alerts,
        health: &Health,
        cx: &mut Context<'_>,
    ) {
        let NewAlert { id, receive_count, free_for_critical } = new;
        let Some(alert) = alerts.get(id) else { return };
        let critical = alert.level() == Level::Critical;
        let goes_now = critical && free_for_critical;
        // A message that comes again was prefetched when it came first.
        let known = alert.is_asked_again() || receive_count > 1;
        if known || goes_now || !self.may_ask(health, cx) {
            return alerts.make_ready(id);
        }
        self.waiting.push(id);
        if critical || self.hangs(cx.now.mono) {
            return alerts.make_ready(id);
        }
        alerts.prefetch(id);
        cx.timers.set(cx.now.mono.plus(PATIENCE), Timer::PrefetchPatience(id));
    }

    fn hangs(&self, now: Mono) -> bool {
        self.asked_at.is_some_and(|at| now.since(at) >= PATIENCE)
    }

    /// False while the desk drains, while the ledger fails, and during the rest after a failure.
    fn may_ask(&self, health: &Health, cx: &Context<'_>) -> bool {
        !cx.draining && !health.is_failing() && self.not_before <= cx.now.mono
    }

    /// Orders the next prefetch.
    pub fn order(&mut self, alerts: &mut Alerts, health: &Health, cx: &mut Context<'_>) {
        if self.is_under_way() || self.waiting.is_empty() {
            return;
        }
        if !self.may_ask(health, cx) {
            std::mem::take(&mut self.waiting).into_iter().for_each(|id| alerts.end_prefetch(id));
            return;
        }
        let keys = self.take_keys(alerts);
        if keys.is_empty() {
            return;
        }
        let (keys, asked): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
        self.asked = asked;
        self.asked_at = Some(cx.now.mono);
        cx.output.order(Order::Prefetch { keys });
    }

    /// The keys of the next prefetch with their alerts. The rest stays for the one after.
    fn take_keys(&mut self, alerts: &Alerts) -> BTreeMap<RecordKey, Vec<AlertId>> {
        let mut keys: BTreeMap<RecordKey, Vec<AlertId>> = BTreeMap::new();
        let mut left = Vec::new();
        for id in std::mem::take(&mut self.waiting) {
            let Some(alert) = alerts.get(id).filter(|alert| alert.is_waiting()) else { continue };
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
        keys
    }

    /// The ledger has answered: the last post of each alert that was asked for, as far as known.
    pub fn answered(
        &mut self,
        result: Result<Vec<Option<LastPost>>, LedgerError>,
        cx: &mut Context<'_>,
    ) -> Vec<(AlertId, Option<LastPost>)> {
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
        let answers = answers.into_iter().chain(std::iter::repeat(None));
        let each = |(ids, last_post): (Vec<AlertId>, Option<LastPost>)| {
            ids.into_iter().map(move |id| (id, last_post))
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

/// The last post that settles an alert, if the prefetch found one.
pub(in crate::desk) fn settles(
    last_post: Option<LastPost>,
    alert: &Alert,
    cx: &Context<'_>,
) -> Option<LastPost> {
    let (terms, now) = (&cx.settings.terms, cx.now.wall);
    last_post.filter(|last| last.already_posted(&alert.want(), terms, now) && alert.is_waiting())
}

/// A mutant takes an alert that the prefetch did not find for one that was posted.
pub(in crate::desk) fn is_unknown_taken_for_posted(alert: &Alert) -> bool {
    mutation::is(Mutation::UnknownTakenForPosted) && alert.is_waiting()
}
