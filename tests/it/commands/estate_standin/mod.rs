//! A stand-in for GuardDuty, Organizations, Account Management, EventBridge's rules and STS, in
//! this process and on a real socket, for tests with the real SDK: many accounts and regions, with
//! state that a test may break by hand.
//!
//! The access key says which account asks, and the scope of the signature says which service and
//! region is meant, as on AWS. With `HANSHO_RECORD_CALLS=FILE` each request and its answer is
//! written there, as a JSON line; `tests/models/run` holds them to AWS's API models.
//! Source: the API references of these services, and their models in botocore.

mod events;
mod faults;
mod guardduty;
mod ledger;
mod members;
mod objects;
mod organisation;
mod record;
mod request;
mod secrets;
mod stacks;
mod state;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::request::Parts;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use ledger::LedgerBeside;
pub use objects::program_for_lambda;
pub use request::{Answer, Call};
pub use stacks::parameter;
pub use state::{Held, Member, Rule, place};

/// A call that is to be the last one: the stand-in takes it and never answers.
#[derive(Default)]
struct KillPoint {
    reached: Notify,
}

struct Shared {
    held: Mutex<Held>,
    ledger: Arc<LedgerBeside>,
    kill: KillPoint,
}

/// The running stand-in. It stops when it is dropped.
pub struct EstateStandIn {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: JoinHandle<()>,
    ledger: Arc<LedgerBeside>,
}

impl Drop for EstateStandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl EstateStandIn {
    pub async fn start(held: Held) -> EstateStandIn {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
        let address = listener.local_addr().expect("a bound address");
        let ledger = Arc::new(LedgerBeside::start().await);
        let (held, kill) = (Mutex::new(held), KillPoint::default());
        let shared = Arc::new(Shared { held, ledger: Arc::clone(&ledger), kill });
        let app = Router::new().fallback(arrived).with_state(Arc::clone(&shared));
        // The worker's code is larger than axum takes by itself.
        let app = app.layer(DefaultBodyLimit::disable());
        let server = tokio::spawn(async move {
            // It ends with the task, when the stand-in is dropped.
            let _ = axum::serve(listener, app).await;
        });
        EstateStandIn { shared, address, server, ledger }
    }

    /// For `AWS_ENDPOINT_URL`: all services answer here.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For `AWS_ENDPOINT_URL_DYNAMODB`: a table `hansho-ledger` is there.
    pub fn ledger(&self) -> &str {
        &self.ledger.endpoint
    }

    /// Changes the state by hand.
    pub fn change<R>(&self, change: impl FnOnce(&mut Held) -> R) -> R {
        change(&mut self.shared.held.lock().unwrap())
    }

    /// The calls of an operation so far.
    pub fn calls(&self, operation: &str) -> Vec<Call> {
        self.change(|held| {
            held.calls.iter().filter(|call| call.operation == operation).cloned().collect()
        })
    }

    /// Waits until the call of `Faults::kill_at` has arrived. It gets no answer.
    pub async fn killed(&self) {
        self.shared.kill.reached.notified().await;
    }
}

/// The credentials of an account, for the environment of a command.
pub fn credentials(account: &str) -> [(&'static str, String); 2] {
    [("AWS_ACCESS_KEY_ID", format!("AKIA{account}")), ("AWS_SECRET_ACCESS_KEY", "test".to_owned())]
}

async fn arrived(State(shared): State<Arc<Shared>>, parts: Parts, body: Bytes) -> Response {
    let call = Call::of(&parts, &body);
    let (answer, hangs) = {
        let mut held = shared.held.lock().unwrap();
        held.calls.push(call.clone());
        let number = held.calls.len();
        let hangs = held.faults.kill_at == Some(number);
        let answer = match held.faults.answer(number, &call) {
            Some(fault) => fault,
            // A process may die before its call has an effect, or after.
            None if hangs && !held.faults.kill_after_effect => Answer::default(),
            None => answer(&mut held, &call),
        };
        (answer, hangs)
    };
    if call.operation == "PutEvents" && answer.code.is_none() {
        shared.ledger.arrives(&call).await;
    }
    if hangs {
        shared.kill.reached.notify_one();
        std::future::pending::<()>().await;
    }
    record::keep(&call, &answer);
    answer.into_response(&call)
}

fn answer(held: &mut Held, call: &Call) -> Answer {
    if let Some(refused) = held.refuses_login(call) {
        return refused;
    }
    match call.service.as_str() {
        "guardduty" => guardduty::answer(held, call),
        "organizations" => organisation::organizations(held, call),
        "account" => organisation::account(held, call),
        "cloudformation" => stacks::answer(held, call),
        "events" => events::answer(held, call),
        "s3" => objects::answer(held, call),
        "secretsmanager" => secrets::answer(held, call),
        "sts" => organisation::sts(held, call),
        other => panic!("the stand-in has no service {other}"),
    }
}
