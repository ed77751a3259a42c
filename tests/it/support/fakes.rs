//! What the tests of the desk and the worker put in place of the outside world: a clock that is
//! tokio's paused one, a notifier that follows a script, and a ledger that can fail.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hansho::desk::{Capacity, DrainTerms, Settings};
use hansho::instants::{Mono, Now, Wall};
use hansho::policy::budget::TimeBudget;
use hansho::policy::ledger::Terms;
use hansho::policy::record::{Expect, Record, RecordKey};
use hansho::policy::route::{Route, Routes};
use hansho::ports::{
    Clock, Consistency, Delivery, Depth, Form, Lane, Ledger, LedgerError, Notifier, Post,
    Prefetched, QuarantineEntry, Queue, QueueError, Receipt, ReceiveAsk, RetryReason, Verdict,
    Written,
};
use tokio::sync::watch;
use tokio::time::Instant;

/// Both clocks go with tokio's, which a test pauses.
#[derive(Clone, Copy)]
pub struct PausedClock(Instant);

/// Some time in 2026.
pub const BEGAN: Wall = Wall(1_790_000_000_000);

impl PausedClock {
    #[allow(clippy::disallowed_methods, reason = "a clock of the tests")]
    pub fn start() -> PausedClock {
        PausedClock(Instant::now())
    }
}

impl Clock for PausedClock {
    #[allow(clippy::disallowed_methods, reason = "a clock of the tests")]
    fn now(&self) -> Now {
        let passed = Instant::now().duration_since(self.0);
        Now { wall: BEGAN.plus(passed), mono: Mono(passed.as_millis() as u64) }
    }

    async fn sleep_until(&self, at: Mono) {
        tokio::time::sleep_until(self.0 + Duration::from_millis(at.0)).await;
    }
}

/// A clock that stands still until it is moved.
pub struct MovedClock(watch::Sender<Duration>);

impl Default for MovedClock {
    fn default() -> MovedClock {
        MovedClock(watch::Sender::new(Duration::ZERO))
    }
}

impl MovedClock {
    pub fn pass(&self, by: Duration) {
        self.0.send_modify(|passed| *passed += by);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Now {
        let passed = *self.0.borrow();
        Now { wall: BEGAN.plus(passed), mono: Mono(passed.as_millis() as u64) }
    }

    async fn sleep_until(&self, at: Mono) {
        let mut passed = self.0.subscribe();
        let _ = passed.wait_for(|passed| passed.as_millis() as u64 >= at.0).await;
    }
}

/// One post as the notifier saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Mono,
    pub post: Post,
    pub accepted: bool,
}

type Judge = dyn Fn(&Post) -> Option<Verdict> + Send + Sync;

/// Answers from a script, one verdict a post, then accepts everything.
#[derive(Clone)]
pub struct ScriptedNotifier {
    clock: PausedClock,
    takes: Duration,
    script: Arc<Mutex<VecDeque<Verdict>>>,
    judge: Arc<Judge>,
    seen: Arc<Mutex<Vec<Seen>>>,
    refreshed: Arc<Mutex<u32>>,
    replaced: bool,
    readable_from: Mono,
}

impl ScriptedNotifier {
    pub fn new(clock: PausedClock, script: Vec<Verdict>) -> ScriptedNotifier {
        ScriptedNotifier {
            clock,
            takes: Duration::from_millis(50),
            script: Arc::new(Mutex::new(script.into())),
            judge: Arc::new(|_| None),
            seen: Arc::default(),
            refreshed: Arc::default(),
            replaced: false,
            readable_from: Mono(0),
        }
    }

    /// Every post takes so long.
    pub fn slow(self, takes: Duration) -> ScriptedNotifier {
        ScriptedNotifier { takes, ..self }
    }

    /// Asked before the script.
    pub fn judging(
        self,
        judge: impl Fn(&Post) -> Option<Verdict> + Send + Sync + 'static,
    ) -> ScriptedNotifier {
        ScriptedNotifier { judge: Arc::new(judge), ..self }
    }

    /// Whenever an address is read again, it is another one.
    pub fn replaced(self) -> ScriptedNotifier {
        ScriptedNotifier { replaced: true, ..self }
    }

    /// No address can be read before.
    pub fn readable_from(self, at: Mono) -> ScriptedNotifier {
        ScriptedNotifier { readable_from: at, ..self }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn refreshes(&self) -> u32 {
        *self.refreshed.lock().unwrap()
    }

    /// The ids of the findings that were accepted, in order.
    pub fn accepted(&self) -> Vec<String> {
        let ids = |s: &Seen| ids(&s.post);
        self.seen().iter().filter(|s| s.accepted).flat_map(ids).collect()
    }
}

pub fn ids(post: &Post) -> Vec<String> {
    post.cards.iter().map(|c| c.finding.fingerprint.id.clone()).collect()
}

impl Notifier for ScriptedNotifier {
    async fn post(&self, post: &Post) -> Verdict {
        let at = self.clock.now().mono;
        let judged = (self.judge)(post);
        let verdict =
            judged.or_else(|| self.script.lock().unwrap().pop_front()).unwrap_or(Verdict::Accepted);
        let accepted = verdict == Verdict::Accepted;
        self.seen.lock().unwrap().push(Seen { at, post: post.clone(), accepted });
        tokio::time::sleep(self.takes).await;
        verdict
    }

    async fn refresh(&self, _: &str) -> Result<bool, String> {
        *self.refreshed.lock().unwrap() += 1;
        match self.clock.now().mono < self.readable_from {
            true => Err("no such file".to_owned()),
            false => Ok(self.replaced),
        }
    }
}

pub fn retry(reason: RetryReason, after: Option<u64>, ambiguous: bool) -> Verdict {
    let after = after.map(Duration::from_secs);
    Verdict::Retry { reason, after, ambiguous, detail: String::new() }
}

pub fn refused() -> Verdict {
    Verdict::Refused { detail: "invalid_blocks".to_owned() }
}

/// A ledger that fails while `fails` says so; the write may take effect all the same.
#[derive(Clone)]
pub struct FailingLedger<L> {
    pub inner: L,
    pub fails: Arc<dyn Fn(&Record) -> Failing + Send + Sync>,
}

/// A ledger that does not answer while `unreachable` returns true.
pub struct UnreachableLedger<L, F> {
    pub inner: L,
    pub unreachable: F,
}

impl<L: Ledger, F: Fn() -> bool + Send + Sync> Ledger for UnreachableLedger<L, F> {
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        if (self.unreachable)() {
            return Err(LedgerError("unreachable".into()));
        }
        self.inner.read_any(key).await
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        if (self.unreachable)() {
            return Err(LedgerError("unreachable".into()));
        }
        self.inner.write_any(key, expect, record).await
    }

    async fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        if (self.unreachable)() {
            return Err(LedgerError("unreachable".into()));
        }
        self.inner.prefetch(keys, consistency).await
    }
}

pub enum Failing {
    No,
    Yes,
    AfterTheWrite,
}

impl<L: Ledger> Ledger for FailingLedger<L> {
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        self.inner.read_any(key).await
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        match (self.fails)(&record) {
            Failing::No => self.inner.write_any(key, expect, record).await,
            Failing::Yes => Err(LedgerError("out of order".into())),
            Failing::AfterTheWrite => {
                self.inner.write_any(key, expect, record).await?;
                Err(LedgerError("the answer was lost".into()))
            }
        }
    }

    async fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        self.inner.prefetch(keys, consistency).await
    }
}

/// Settings as the binary would make them, with one destination, and medium as the threshold.
pub fn settings(worker_id: &str, drain: bool) -> Settings {
    let budget = TimeBudget::default();
    Settings {
        lanes: vec![Lane::Express, Lane::Standard],
        receive_wait: Duration::from_secs(1),
        express_wait: Duration::from_secs(1),
        terms: Terms {
            lease: budget.lease(),
            skew: budget.skew(),
            retention: Duration::from_secs(90 * 86_400),
            remind_after: None,
        },
        budget,
        routes: Routes::new("medium".parse().unwrap(), vec![Route::of_all("security", None)]),
        paces: vec![Duration::from_millis(1100)],
        unread: Vec::new(),
        fallbacks: vec![None],
        tells_closings: Vec::new(),
        fleet: 1,
        capacity: Capacity {
            cards_max: 5,
            weight_max: 10_000,
            lines_max: 50,
            weigh: Arc::new(|_| 1000),
        },
        findings_max: 500,
        bytes_max: 8 << 20,
        worker_id: worker_id.to_owned(),
        seed: 1,
        ends_at: None,
        drain: drain
            .then_some(DrainTerms { measurements: 2, patience: Duration::from_secs(24 * 3600) }),
    }
}

/// A GuardDuty finding in EventBridge's envelope.
pub fn event(id: &str, severity: f64) -> String {
    format!(
        r#"{{"version":"0","id":"e-1","detail-type":"GuardDuty Finding","source":"aws.guardduty",
        "account":"111122223333","region":"eu-central-1","detail":{{"accountId":"111122223333",
        "region":"eu-central-1","partition":"aws","id":"{id}","type":"Recon:EC2/Portscan",
        "severity":{severity},"title":"An instance scans ports","updatedAt":"2026-09-21T10:00:00Z",
        "resource":{{"resourceType":"Instance"}},"service":{{"count":1}}}}}}"#
    )
}

/// Whether a post carries this finding.
pub fn carries(post: &Post, id: &str) -> bool {
    ids(post).iter().any(|i| i == id)
}

pub fn is_plain(post: &Post) -> bool {
    post.form == Form::Plain
}

/// A queue whose quarantine fails while `fails` says so.
pub struct FailingQuarantine<Q, F> {
    pub inner: Q,
    pub fails: F,
}

impl<Q: Queue, F: Fn() -> bool + Send + Sync> Queue for FailingQuarantine<Q, F> {
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        self.inner.receive(ask).await
    }

    async fn delete(&self, lane: Lane, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        self.inner.delete(lane, receipts).await
    }

    async fn hide(
        &self,
        lane: Lane,
        entries: &[(Receipt, Duration)],
    ) -> Vec<Result<(), QueueError>> {
        self.inner.hide(lane, entries).await
    }

    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<(), QueueError> {
        if (self.fails)() {
            return Err(QueueError::Unavailable("access denied".into()));
        }
        self.inner.quarantine(entry).await
    }

    async fn depth(&self, lane: Lane) -> Result<Depth, QueueError> {
        self.inner.depth(lane).await
    }
}
