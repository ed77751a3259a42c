//! Writes the history of a run from what passes through the proxies. An effect is noted while no
//! other call of its service is at the server, and before its answer goes back. So the order of the
//! entries is the order of the causes.

pub mod ledger;
mod queue;
pub mod slack;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hansho::clock::SystemClock;
use hansho::instants::{Now, Wall};
use hansho::ports::Clock;

use self::ledger::Put;
use super::fate::Service;
use super::wire::Message;
use crate::sim::history::{Alert, Carried, Entry, What, Who};
use crate::support::sqs_standin::SqsStandIn;

/// A write that closes a destination: a slot that is taken, or a pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub who: Who,
    pub destination: u8,
    /// The post that takes it. A pause has the post of the slot before.
    pub post: Option<u32>,
    /// The write took effect between these times.
    pub before: u64,
    pub after: u64,
    /// When it was closed, by the writer's clock, and for how long.
    pub from: i64,
    pub length: u64,
}

/// The end of a row in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub state: String,
    pub level_sent: Option<u8>,
}

/// All that the judge reads.
#[derive(Default)]
pub struct Seen {
    pub history: Vec<Entry>,
    pub slots: Vec<Slot>,
    /// The alerts in the ledger, at the end.
    pub rows: BTreeMap<Alert, Row>,
    /// What else went wrong: a worker that ended by itself, a secret in a log.
    pub oddities: Vec<String>,
}

/// What a proxy did, for people.
pub struct Done {
    pub at: u64,
    pub who: Who,
    pub operation: String,
    pub fault: &'static str,
}

#[derive(Default)]
struct State {
    seen: Seen,
    done: Vec<Done>,
    /// The numbers of the posts, by their ids.
    posts: HashMap<String, u32>,
    called: BTreeSet<u32>,
    posts_ever: u32,
    /// The numbers of the messages, by their texts and by their ids in the queue.
    by_body: HashMap<String, u32>,
    by_id: HashMap<String, u32>,
}

pub struct Observer {
    clock: SystemClock,
    began: Now,
    sqs: Arc<SqsStandIn>,
    /// The longest time for which a worker certainly waits for an answer.
    patience: [Duration; 2],
    state: Mutex<State>,
}

/// A request that arrived at a proxy.
pub struct Call {
    pub who: Who,
    pub operation: String,
    service: Service,
    arrived: u64,
    detail: Detail,
}

enum Detail {
    Queue(serde_json::Value),
    Put(Put),
    Post { number: u32 },
    Other,
}

/// How things were before an effect.
pub struct Before {
    at: u64,
    there: Vec<bool>,
}

impl Observer {
    /// `post_timeout`: how long a worker waits for Slack.
    pub fn start(sqs: Arc<SqsStandIn>, post_timeout: Duration) -> Observer {
        let clock = SystemClock::start();
        let began = clock.now();
        // The ledger's calls end after 5 s.
        let patience = [post_timeout / 2, Duration::from_millis(2_500)];
        Observer { clock, began, sqs, patience, state: Mutex::default() }
    }

    /// Milliseconds since the start.
    pub fn now(&self) -> u64 {
        self.clock.now().mono.0 - self.began.mono.0
    }

    fn wall(&self, wall_ms: i64) -> i64 {
        wall_ms - self.began.wall.0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    /// The time is read under the lock, so that times only grow.
    pub fn note(&self, who: Option<Who>, what: What) -> usize {
        let mut state = self.state();
        self.note_in(&mut state, who, what)
    }

    fn note_in(&self, state: &mut State, who: Option<Who>, what: What) -> usize {
        state.seen.history.push(Entry { at: self.now(), who, what });
        state.seen.history.len() - 1
    }

    /// A frozen worker runs again. `entry` is where its freezing is noted.
    pub fn thawed(&self, entry: usize) {
        let now = self.now();
        if let Entry { at, what: What::Frozen { ms }, .. } = &mut self.state().seen.history[entry] {
            *ms = now - *at;
        }
    }

    pub fn odd(&self, what: String) {
        self.state().seen.oddities.push(what);
    }

    pub fn did(&self, call: &Call, fault: &'static str) {
        let (who, operation) = (call.who, call.operation.clone());
        self.state().done.push(Done { at: self.now(), who, operation, fault });
    }

    /// A message is about to be sent.
    pub fn sends(&self, number: u32, body: &str, carries: Vec<Carried>, junk: bool) {
        let mut state = self.state();
        state.by_body.insert(body.to_owned(), number);
        let (message, bytes) = (number, body.len());
        let what = What::Enqueued { message, carries, junk, again: false, bytes };
        self.note_in(&mut state, None, what);
    }

    /// What was seen and done, at the end.
    pub fn take(&self) -> (Seen, Vec<Done>) {
        let mut state = self.state();
        (std::mem::take(&mut state.seen), std::mem::take(&mut state.done))
    }

    pub fn arrived(&self, service: Service, who: Who, request: &Message) -> Call {
        let target = request.header("x-amz-target").unwrap_or("Webhook.Post");
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let detail = match service {
            Service::Slack => self.post_arrived(who, request),
            Service::Sqs => {
                serde_json::from_slice(&request.body).map_or(Detail::Other, Detail::Queue)
            }
            Service::DynamoDb if operation == "PutItem" => self.put_arrived(request),
            Service::DynamoDb => Detail::Other,
        };
        Call { who, operation, service, arrived: self.now(), detail }
    }

    /// To be called right before the request goes to the server.
    pub fn before(&self, call: &Call) -> Before {
        let there = match &call.detail {
            Detail::Queue(input) => self.deletable(&call.operation, input),
            _ => Vec::new(),
        };
        Before { at: self.now(), there }
    }

    /// To be called when the server has answered, before anything else goes to it.
    pub fn effect(&self, call: &Call, before: &Before, answer: &Message) {
        match &call.detail {
            Detail::Queue(input) => self.queue_effect(call, input, before, answer),
            Detail::Put(put) => self.put_effect(call.who, put, before, answer),
            Detail::Post { number } => self.post_effect(*number, answer),
            Detail::Other => {}
        }
    }

    /// To be called right before the answer goes back. None: the worker does not get it whole.
    pub fn answered(&self, call: &Call, answer: Option<&Message>) {
        let [slack, ledger] = self.patience.map(|patience| patience.as_millis() as u64);
        let took = self.now() - call.arrived;
        match &call.detail {
            Detail::Queue(_) => self.queue_answered(call, answer),
            Detail::Put(put) => self.put_answered(call.who, put, answer.filter(|_| took <= ledger)),
            Detail::Post { number } => {
                self.post_answered(call.who, *number, answer.filter(|_| took <= slack));
            }
            Detail::Other => {}
        }
    }

    /// Whether the answer comes only when the queue has a message.
    pub fn may_wait(&self, call: &Call) -> bool {
        call.service == Service::Sqs && call.operation == "ReceiveMessage"
    }
}

impl State {
    /// The number of a post that is named.
    fn post_number(&mut self, id: &str) -> u32 {
        let next = self.posts_ever;
        let number = *self.posts.entry(id.to_owned()).or_insert(next);
        self.posts_ever += u32::from(number == next);
        number
    }
}

/// Milliseconds since the epoch, from the seconds that the ledger keeps.
fn of_seconds(seconds: i64) -> Wall {
    Wall(seconds.saturating_mul(1000))
}
