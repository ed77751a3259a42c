//! Plays SQS, DynamoDB, Secrets Manager, Slack and Lambda's Runtime API on one loopback port, in a
//! thread of its own. Its answers are canned and cost almost nothing, so a measurement shows the
//! client. They have the right form and no more. `tests/it/support/sqs_standin` behaves as SQS
//! does.
//!
//! The name of a queue says what is in it. `backlog-N-…` holds N messages of the corpus, again and
//! again. Any other queue is empty until [`StandIn::put`] fills it.

#![allow(dead_code, reason = "each bench uses a part of it")]

mod http;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hansho::commands::demo::night::{Mix, Night};
use hansho::instants::Wall;
use tokio::sync::watch;

/// As long as the receipts of SQS.
const RECEIPT_BYTES: usize = 370;

/// Shuffled messages. So many in a hundred are new and at or above the default threshold.
pub fn corpus(messages: usize, alerts_in_100: usize) -> Vec<String> {
    let alerts = messages * alerts_in_100 / 100;
    let mix = Mix { noise: messages - alerts, alerts, repeats: 0, updates: 0, malformed: 0 };
    let events = Night::new(11, Wall(1_790_000_000_000)).events(mix);
    events.into_iter().map(|event| event.body).collect()
}

#[derive(Default)]
pub struct Queue {
    /// How many messages it held at first, and how many were received.
    backlog: usize,
    handed_out: usize,
    pub live: VecDeque<String>,
    pub deleted: usize,
    pub first_receive: Option<Instant>,
    /// When the last of the backlog was deleted.
    pub emptied: Option<Instant>,
}

/// What has arrived, and how to answer.
#[derive(Default)]
pub struct State {
    pub queues: BTreeMap<String, Queue>,
    pub counts: BTreeMap<String, u64>,
    /// When each post to Slack had arrived completely.
    pub posts: Vec<Instant>,
    /// When each answer of the Lambda function had arrived.
    pub answers: Vec<Instant>,
    /// Events for the next calls of the function.
    pub invocations: VecDeque<String>,
    /// Whether Slack answers 503.
    pub slack_is_down: bool,
    /// How long SQS and DynamoDB take to answer.
    pub round_trip: Duration,
    corpus: Vec<String>,
}

pub struct StandIn {
    pub address: SocketAddr,
    state: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StandIn {
    /// Serves until the process ends.
    pub fn start(corpus: Vec<String>) -> StandIn {
        // Quoted, as in an answer.
        let corpus: Vec<String> =
            corpus.iter().map(|body| serde_json::Value::from(body.as_str()).to_string()).collect();
        let state = Mutex::new(State { corpus, ..State::default() });
        let state = Arc::new(Shared { state, changes: watch::Sender::new(0) });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::clone(&state);
        std::thread::spawn(move || http::serve(listener, &shared));
        StandIn { address, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Puts a message into the queue, and returns the time.
    #[allow(clippy::disallowed_methods, reason = "a stopwatch")]
    pub fn put(&self, queue: &str, body: &str) -> Instant {
        let body = serde_json::Value::from(body).to_string();
        let at = Instant::now();
        self.state().queues.entry(queue.to_owned()).or_default().live.push_back(body);
        self.state.changes.send_modify(|count| *count += 1);
        at
    }

    pub fn url(&self, queue: &str) -> String {
        format!("http://{}/000000000000/{queue}", self.address)
    }

    /// The environment of hansho.
    pub fn environment(
        &self,
        standard: &str,
        express: Option<&str>,
    ) -> Vec<(&'static str, String)> {
        let endpoint = format!("http://{}", self.address);
        let mut all = vec![
            ("AWS_ENDPOINT_URL", endpoint.clone()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
            ("HANSHO_QUEUE_STANDARD", self.url(standard)),
            ("HANSHO_QUEUE_QUARANTINE", self.url("quarantine")),
            ("HANSHO_LEDGER_TABLE", "hansho-ledger".to_owned()),
            ("SLACK_WEBHOOK_URL", format!("{endpoint}/services/T0/B0/S3cretPart")),
        ];
        all.extend(express.map(|name| ("HANSHO_QUEUE_EXPRESS", self.url(name))));
        all
    }

    /// The further environment of a Lambda function.
    pub fn lambda_environment(&self) -> [(&'static str, String); 6] {
        [
            ("AWS_LAMBDA_RUNTIME_API", self.address.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", "hansho-worker".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/hansho/worker".to_owned()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "1".to_owned()),
        ]
    }

    /// Waits for a condition, or ends the process with an error.
    #[allow(clippy::disallowed_methods, reason = "a driver in a thread of its own")]
    pub fn wait(&self, what: &str, limit: Duration, is: impl Fn(&State) -> bool) {
        let until = Instant::now() + limit;
        while !is(&self.state()) {
            if Instant::now() > until {
                eprintln!("not within {limit:?}: {what}; calls so far: {:?}", self.state().counts);
                std::process::exit(1);
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}

impl State {
    fn queue(&mut self, name: &str) -> &mut Queue {
        self.queues.entry(name.to_owned()).or_insert_with(|| {
            let backlog = name.strip_prefix("backlog-").and_then(|rest| rest.split('-').next());
            let backlog = backlog.and_then(|digits| digits.parse().ok()).unwrap_or(0);
            Queue { backlog, ..Queue::default() }
        })
    }

    /// An answer of ReceiveMessage. None if the queue is empty.
    fn receive(&mut self, name: &str, max: usize, now: Instant, wall_ms: u128) -> Option<String> {
        let corpus = std::mem::take(&mut self.corpus);
        let queue = self.queue(name);
        queue.first_receive.get_or_insert(now);
        let mut answer = String::with_capacity(64 << 10);
        answer.push_str("{\"Messages\":[");
        let mut count = 0;
        while count < max {
            let live;
            let body = if queue.handed_out < queue.backlog && !corpus.is_empty() {
                &corpus[queue.handed_out % corpus.len()]
            } else if let Some(body) = queue.live.pop_front() {
                live = body;
                &live
            } else {
                break;
            };
            queue.handed_out += 1;
            let number = queue.handed_out;
            let id = format!("00000000-0000-4000-8000-{number:012x}");
            let receipt = format!("{number:0RECEIPT_BYTES$}");
            if count > 0 {
                answer.push(',');
            }
            answer.push_str(&format!(
                "{{\"MessageId\":\"{id}\",\"ReceiptHandle\":\"{receipt}\",\
                 \"MD5OfBody\":\"d41d8cd98f00b204e9800998ecf8427e\",\"Attributes\":\
                 {{\"ApproximateReceiveCount\":\"1\",\"SentTimestamp\":\"{wall_ms}\"}},\"Body\":"
            ));
            answer.push_str(body);
            answer.push('}');
            count += 1;
        }
        self.corpus = corpus;
        answer.push_str("]}");
        (count > 0).then_some(answer)
    }

    fn deleted(&mut self, name: &str, count: usize, now: Instant) {
        let queue = self.queue(name);
        queue.deleted += count;
        if queue.backlog > 0 && queue.deleted >= queue.backlog {
            queue.emptied.get_or_insert(now);
        }
    }
}

/// The processor time of a process so far. Source: the kernel's
/// Documentation/scheduler/sched-stats.rst, `/proc/PID/schedstat`.
pub fn processor_time(pid: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("a process that runs");
    let of = |task: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(tasks.filter_map(of).sum())
}
