//! Counts the calls on the wire: the real SDK and adapters run against the stand-in for SQS and an
//! emulator of DynamoDB behind a tap.
//!
//! Only the worker moves time. Time stands still while a call is under way. When no call is, it
//! jumps to the moment when the worker wants to be woken. So the counts are the same on a machine
//! of any speed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_sqs::Client;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hansho::aws::dynamodb::DynamoLedger;
use hansho::aws::sqs::{QueueUrls, SqsQueue};
use hansho::desk::worker::{Ports, run_desk};
use hansho::desk::{Desk, DrainTerms, Memory, Settings, Tally};
use hansho::instants::{Mono, Now};
use hansho::policy::record::{Expect, Record, RecordKey};
use hansho::ports::{
    Clock, Consistency, Delivery, Depth, Lane, Ledger, LedgerError, Notifier, Post, Prefetched,
    QuarantineEntry, Queue, QueueError, Receipt, ReceiveAsk, Verdict, Written,
};
use serde_json::Value;

use crate::adapters::dynamodb;
use crate::support::fakes::{BEGAN, settings};
use crate::support::sqs_standin::{SqsStandIn, StandInClock};

const TABLE: &str = "hansho-ledger";
/// A request of SQS is so much of payload; more counts as several.
/// Source: Amazon SQS pricing, "how are requests metered".
const CHUNK: usize = 64 << 10;

/// The calls to AWS. The units are DynamoDB's: records are less than a kilobyte.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Messages put into the queue, which EventBridge is billed for: one request each.
    pub sends: u64,
    /// Receives that brought something, as billed.
    pub receives: u64,
    /// Receives that waited for nothing: a worker that is idle makes those, whatever comes.
    pub empty: u64,
    pub deletes: u64,
    /// Messages hidden for longer, or returned.
    pub hides: u64,
    /// What is neither.
    pub others: u64,
    /// Writes of findings' records, refused ones among them: they cost the same.
    pub writes: u64,
    /// Writes of the record by which the fleet keeps its pace.
    pub pace_writes: u64,
    /// Half read units of prefetches: two a record that is read consistently.
    pub prefetched_half_units: u64,
    /// The calls that they took.
    pub prefetches: u64,
    /// Read units of single records.
    pub reads: u64,
    pub posts: u64,
}

/// DynamoDB's side of it.
#[derive(Clone)]
struct Tap {
    inner: String,
    client: reqwest::Client,
    counts: Arc<Mutex<Counts>>,
}

async fn tap(State(tap): State<Tap>, headers: HeaderMap, body: Bytes) -> (StatusCode, Bytes) {
    let target = headers["x-amz-target"].to_str().unwrap().to_owned();
    let asked: Value = serde_json::from_slice(&body).unwrap();
    {
        let mut counts = tap.counts.lock().unwrap();
        match target.rsplit('.').next().unwrap() {
            "PutItem" if asked["Item"]["fingerprint"]["S"] == "pace" => counts.pace_writes += 1,
            "PutItem" => counts.writes += 1,
            "BatchGetItem" => {
                let table = &asked["RequestItems"][TABLE];
                counts.prefetches += 1;
                let half_units = 1 + u64::from(table["ConsistentRead"] == true);
                counts.prefetched_half_units +=
                    half_units * table["Keys"].as_array().unwrap().len() as u64;
            }
            "GetItem" => counts.reads += 1,
            other => panic!("{other} is not counted"),
        }
    }
    let mut request = tap.client.post(&tap.inner).body(body);
    for name in ["x-amz-target", "content-type", "authorization", "x-amz-date"] {
        request = request.header(name, headers[name].to_str().unwrap());
    }
    let answer = request.send().await.unwrap();
    (StatusCode::from_u16(answer.status().as_u16()).unwrap(), answer.bytes().await.unwrap())
}

/// The worker's time; see the module's text.
struct QuietClock {
    now_ms: AtomicU64,
    /// Calls that are under way, those that wait for messages left out.
    busy: AtomicU64,
    begun: AtomicU64,
    /// How many messages the worker has received. The stand-in has returned more while an answer
    /// is on its way, and time must not move then.
    received: AtomicU64,
    sqs: SqsStandIn,
}

/// The number of times in a row that no call may be under way. Each check follows a turn of the
/// runtime, which runs all parts of this test and its servers.
const QUIET: u32 = 5;
const STEP_MS: u64 = 5_000;

impl Clock for QuietClock {
    fn now(&self) -> Now {
        let ms = self.now_ms.load(Ordering::SeqCst);
        Now { wall: BEGAN.plus(Duration::from_millis(ms)), mono: Mono(ms) }
    }

    /// A far jump is too early: the worker checks whether it is time.
    async fn sleep_until(&self, at: Mono) {
        let (mut quiet, mut begun) = (0, u64::MAX);
        while quiet < QUIET {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let now = self.begun.load(Ordering::SeqCst);
            let comes = self.sqs.has_visible("standard");
            let reads = self.sqs.received() != self.received.load(Ordering::SeqCst);
            let still = self.busy.load(Ordering::SeqCst) == 0 && now == begun && !comes && !reads;
            quiet = if still { quiet + 1 } else { 0 };
            begun = now;
        }
        // Step by step: a receive that waits ends before much that the worker waits for.
        let before = self.now_ms.load(Ordering::SeqCst);
        let step = at.0.saturating_sub(before).min(STEP_MS);
        self.now_ms.store(before + step, Ordering::SeqCst);
        self.sqs.advance(Duration::from_millis(step));
    }
}

struct Busy<'a, P> {
    inner: &'a P,
    clock: &'a QuietClock,
    counts: &'a Mutex<Counts>,
}

struct Guard<'a>(&'a QuietClock);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
        self.0.begun.fetch_add(1, Ordering::SeqCst);
    }
}

impl<P> Busy<'_, P> {
    fn busy(&self) -> Guard<'_> {
        self.clock.busy.fetch_add(1, Ordering::SeqCst);
        self.clock.begun.fetch_add(1, Ordering::SeqCst);
        Guard(self.clock)
    }
}

impl<Q: Queue> Queue for Busy<'_, Q> {
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        self.clock.begun.fetch_add(1, Ordering::SeqCst);
        let all = self.inner.receive(ask).await?;
        self.clock.received.fetch_add(all.len() as u64, Ordering::SeqCst);
        self.clock.begun.fetch_add(1, Ordering::SeqCst);
        let mut counts = self.counts.lock().unwrap();
        match all.iter().map(|d| d.body.len()).sum::<usize>() {
            0 => counts.empty += 1,
            bytes => counts.receives += bytes.div_ceil(CHUNK) as u64,
        }
        Ok(all)
    }

    async fn delete(&self, lane: Lane, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        let _busy = self.busy();
        self.inner.delete(lane, receipts).await
    }

    async fn hide(
        &self,
        lane: Lane,
        entries: &[(Receipt, Duration)],
    ) -> Vec<Result<(), QueueError>> {
        let _busy = self.busy();
        self.inner.hide(lane, entries).await
    }

    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<(), QueueError> {
        let _busy = self.busy();
        self.inner.quarantine(entry).await
    }

    async fn depth(&self, lane: Lane) -> Result<Depth, QueueError> {
        let _busy = self.busy();
        self.inner.depth(lane).await
    }
}

impl<L: Ledger> Ledger for Busy<'_, L> {
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        let _busy = self.busy();
        self.inner.read_any(key).await
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        let _busy = self.busy();
        self.inner.write_any(key, expect, record).await
    }

    async fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        let _busy = self.busy();
        self.inner.prefetch(keys, consistency).await
    }
}

struct Accepting;

impl Notifier for Accepting {
    async fn post(&self, _: &Post) -> Verdict {
        Verdict::Accepted
    }

    async fn refresh(&self, _: &str) -> Result<bool, String> {
        Ok(false)
    }
}

/// One queue, one table, and workers one after the other.
pub struct Wire {
    clock: QuietClock,
    client: Client,
    queue: SqsQueue,
    ledger: DynamoLedger,
    counts: Arc<Mutex<Counts>>,
    calls: usize,
    workers: u32,
}

impl Wire {
    pub async fn new() -> Wire {
        let sqs = SqsStandIn::start(StandInClock::moved_only()).await;
        let config = crate::adapters::sqs::sdk_config(&sqs.endpoint()).await;
        let urls = QueueUrls {
            standard: sqs.create("standard", &[]),
            express: None,
            quarantine: sqs.create("quarantine", &[]),
        };
        let (client, queue) = (Client::new(&config), SqsQueue::new(&config, urls));
        let counts = Arc::<Mutex<Counts>>::default();
        let inner = dynamodb::serve_table(TABLE).await;
        let state = Tap { inner, client: reqwest::Client::new(), counts: Arc::clone(&counts) };
        let tapped = dynamodb::serve(Router::new().route("/", post(tap)).with_state(state)).await;
        let ledger = DynamoLedger::new(&dynamodb::fake_config(&tapped), TABLE);
        let (now_ms, busy, begun) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let received = AtomicU64::new(0);
        let clock = QuietClock { now_ms, busy, begun, received, sqs };
        Wire { clock, client, queue, ledger, counts, calls: 0, workers: 0 }
    }

    /// Puts messages in and has a worker work until all are settled. It begins with what `memory`
    /// has, and leaves what it learned.
    pub async fn night(
        &mut self,
        bodies: &[String],
        memory: Option<Memory>,
    ) -> (Counts, Tally, Memory) {
        let url = self.clock.sqs.url("standard");
        for body in bodies {
            self.client.send_message().queue_url(&url).message_body(body).send().await.unwrap();
        }
        self.calls = self.clock.sqs.calls().len();
        *self.counts.lock().unwrap() = Counts::default();
        self.workers += 1;
        let settings = Settings {
            lanes: vec![Lane::Standard],
            receive_wait: Duration::from_secs(20),
            paces: vec![Duration::from_millis(1100)],
            unread: Vec::new(),
            drain: Some(DrainTerms { measurements: 1, patience: Duration::from_secs(24 * 3600) }),
            ..settings(&format!("w{}", self.workers), true)
        };
        let (clock, counts) = (&self.clock, &*self.counts);
        let ports = Ports {
            queue: &Busy { inner: &self.queue, clock, counts },
            ledger: &Busy { inner: &self.ledger, clock, counts },
            notifier: &Accepting,
            clock,
        };
        let mut desk = Desk::new(settings, clock.now());
        if let Some(memory) = memory {
            desk.remember(memory);
        }
        let never = std::future::pending();
        let outcome = run_desk(&mut desk, &ports, never, async {}, |_| {}, |_| {}).await;
        assert!(outcome.complete, "{outcome:?}");
        let mut counts = self.counts.lock().unwrap().clone();
        counts.sends = bodies.len() as u64;
        counts.posts = outcome.tally.posts;
        let mut made: BTreeMap<String, u64> = BTreeMap::new();
        for call in self.clock.sqs.calls().drain(self.calls..) {
            *made.entry(call.operation).or_default() += 1;
        }
        let mut take = |name: &str| made.remove(name).unwrap_or(0);
        let received = take("ReceiveMessage");
        // The last one still waits when the worker ends.
        counts.empty += 1;
        let counted = counts.receives + counts.empty;
        assert!(counted - 1 <= received && received <= counted, "{received}, {counts:?}");
        counts.deletes = take("DeleteMessageBatch");
        counts.hides = take("ChangeMessageVisibilityBatch");
        counts.others = made.values().sum();
        (counts, outcome.tally, desk.into_memory())
    }
}
