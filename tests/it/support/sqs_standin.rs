//! A stand-in for Amazon SQS, in this process and on a real socket, for tests with the real SDK.
//!
//! It speaks AWS JSON 1.0 as far as this project uses SQS. It follows AWS's documents where
//! emulators often deviate: stale receipts, the end of a receive after 12 hours, answers for each
//! entry. The test moves its time ([`StandInClock`]), and injects faults one by one
//! ([`SqsStandIn::inject`]). It leaves out MD5 sums, because the SDK for Rust does not check them.
//!
//! `sqs.rs` runs the queue's contract against it, and against foreign emulators, which keeps it
//! honest.

mod clock;
mod faults;
mod message;
mod refusal;
mod rules;
mod store;
mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use clock::StandInClock;
pub use faults::Fault;
use faults::Faults;
use store::Store;

/// A message as a test sees it, without a receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub id: String,
    pub body: String,
    pub receive_count: u32,
    pub visible: bool,
}

/// One request that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// For example `ReceiveMessage`.
    pub operation: String,
    /// The region that the request was signed for.
    pub region: String,
}

struct Shared {
    address: SocketAddr,
    clock: StandInClock,
    store: Mutex<Store>,
    faults: Mutex<Faults>,
    calls: Mutex<Vec<Call>>,
    /// Changes when a message may have become visible, so that long polls check again.
    changes: watch::Sender<u64>,
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().expect("no handler panics while it holds the lock")
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

/// The running stand-in. It stops when it is dropped.
pub struct SqsStandIn {
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Drop for SqsStandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl SqsStandIn {
    pub async fn start(clock: StandInClock) -> SqsStandIn {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared {
            address,
            clock,
            store: Mutex::default(),
            faults: Mutex::default(),
            calls: Mutex::default(),
            changes: watch::Sender::new(0),
        });
        let app = wire::app(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // The thread ends with the task, when the stand-in is dropped.
            let _ = axum::serve(listener, app).await;
        });
        SqsStandIn { shared, server }
    }

    /// The value for `AWS_ENDPOINT_URL` or the SDK's `endpoint_url`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// Creates a queue without a request, and returns its URL.
    pub fn create(&self, name: &str, attributes: &[(&str, &str)]) -> String {
        let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        self.shared.store().create(name, attributes.collect()).expect("attributes that SQS takes");
        self.url(name)
    }

    pub fn url(&self, name: &str) -> String {
        wire::queue_url(self.shared.address, name)
    }

    pub fn clock(&self) -> &StandInClock {
        &self.shared.clock
    }

    /// Moves the stand-in's time forward. Long polls notice.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
        self.shared.changed();
    }

    /// Injects a fault into the next `times` calls of `operation`. Each call takes the oldest fault
    /// left.
    pub fn inject(&self, operation: &str, times: usize, fault: Fault) {
        self.shared.faults.lock().expect("unpoisoned").order(operation, times, fault);
    }

    /// Early redelivery: makes all messages in flight of the queue visible now.
    pub fn reveal(&self, queue: &str) {
        let now = self.shared.clock.now_ms();
        self.shared.store().reveal(queue, now);
        self.shared.changed();
    }

    /// All messages of a queue, in flight or not, oldest first.
    pub fn messages(&self, queue: &str) -> Vec<Seen> {
        let now = self.shared.clock.now_ms();
        self.shared.store().seen(queue, now)
    }

    /// How many messages a queue has, in flight or not.
    pub fn depth(&self, queue: &str) -> usize {
        self.shared.store().depth(queue)
    }

    /// Whether the message is in the queue, in flight or not.
    pub fn holds(&self, queue: &str, id: &str) -> bool {
        self.shared.store().holds(queue, id)
    }

    /// Whether a receive would return a message of this queue.
    pub fn has_visible(&self, queue: &str) -> bool {
        let now = self.shared.clock.now_ms();
        self.shared.store().has_visible(queue, now)
    }

    /// How many messages all receives have returned, of all queues.
    pub fn received(&self) -> u64 {
        self.shared.store().received_ever
    }

    /// Every request so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().expect("unpoisoned").clone()
    }
}
