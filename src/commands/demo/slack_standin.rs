//! A stand-in for Slack's incoming webhooks, on loopback. It has Slack's limits and rate, answers
//! with Slack's words, and misbehaves on request. The demo and the tests post to it.
//!
//! It is an HTTP server on a socket, so that the tests run the same client that talks to Slack.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use super::plug::{Plug, PluggedListener};
use super::slack_rules;
use crate::instants::millis;

/// The limit of a request's body. Slack's own limit is undocumented. hansho's payloads are far
/// smaller.
const BODY_BYTES_MAX: usize = 1 << 20;

/// How many requests are recorded. The stand-in answers 503 to further requests.
const RECORDS_MAX: usize = 100_000;

/// How many requests a subscriber may lag behind before it misses some.
const SUBSCRIBER_LAG_MAX: usize = 1024;

/// The stand-in's behaviour for one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Slack's behaviour: the rate limit, then the payload's rules, then `ok`.
    #[default]
    Ok,
    /// Slack's behaviour, after a delay.
    Slow(Duration),
    /// 429, not accepted. `Retry-After` is in whole seconds. None: no such header.
    RateLimited { retry_after_s: Option<u64> },
    /// This status and body, not accepted.
    Status(u16, String),
    /// A redirect (302) to this address, not accepted.
    Redirect(String),
    /// Accepts the post, and closes the connection without an answer.
    CloseAfterAccepting,
    /// Closes the connection without an answer, and does not accept the post.
    CloseWithoutAccepting,
    /// Never answers.
    Hang { accepted: bool },
    /// 200 with this body instead of `ok`, as from a captive portal. Not accepted.
    OkWithOtherBody(String),
}

/// The stand-in's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    Status {
        status: u16,
        body: String,
    },
    /// The connection was closed.
    Closed,
    /// There was no answer.
    Hung,
}

/// One request and its answer. Recorded before the answer is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// 0 for the first.
    pub number: usize,
    /// Milliseconds by the stand-in's clock.
    pub at_ms: u64,
    pub path: String,
    pub user_agent: String,
    /// Null if the body is not JSON.
    pub payload: Value,
    pub answered: Answered,
    /// Whether Slack would show the post in the channel.
    pub accepted: bool,
}

/// The rate limit of one webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The average time between two posts.
    pub period: Duration,
    /// How many posts may come at once. At least 1.
    pub burst: u32,
}

impl RateLimit {
    /// Slack's limit: one post a second, with short bursts. Source: Slack, "Rate limits".
    pub const SLACK: RateLimit = RateLimit { period: Duration::from_secs(1), burst: 3 };
}

/// The running stand-in. It stops when this is dropped.
pub struct SlackStandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    clock: Box<dyn Fn() -> u64 + Send + Sync>,
    rate_limit: Option<RateLimit>,
    state: Mutex<StandInState>,
    seen: broadcast::Sender<Arc<Received>>,
}

#[derive(Default)]
struct StandInState {
    script: VecDeque<Behaviour>,
    otherwise: Behaviour,
    /// For each webhook's path, when its next post is due, in ms. This is a GCRA rate limiter.
    due_ms: BTreeMap<String, u64>,
    records: Vec<Arc<Received>>,
}

impl SlackStandIn {
    /// Listens on a free port of 127.0.0.1. `clock` returns monotonic milliseconds. Without a rate
    /// limit, the stand-in accepts any pace.
    ///
    /// # Errors
    /// No port can be listened on.
    pub async fn start(
        rate_limit: Option<RateLimit>,
        clock: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> io::Result<SlackStandIn> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            clock: Box::new(clock),
            rate_limit,
            state: Mutex::default(),
            seen: broadcast::channel(SUBSCRIBER_LAG_MAX).0,
        });
        let app = Router::new()
            .fallback(receive)
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(Arc::clone(&shared))
            .into_make_service_with_connect_info::<Plug>();
        let server = tokio::spawn(async move {
            // Ends when the task is aborted.
            let _ = axum::serve(PluggedListener(listener), app).await;
        });
        Ok(SlackStandIn { address, shared, server })
    }

    /// The URL of a webhook. Each name is a webhook with its own rate limit.
    pub fn webhook(&self, name: &str) -> String {
        format!("http://{}/services/T000/B000/{name}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Appends behaviours for the next requests, one for each.
    pub fn plan(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.state().script.extend(behaviours);
    }

    /// Sets the behaviour for requests without a planned one. At first, it is [`Behaviour::Ok`].
    pub fn otherwise(&self, behaviour: Behaviour) {
        self.shared.state().otherwise = behaviour;
    }

    /// All requests so far, in the order of arrival.
    pub fn received(&self) -> Vec<Arc<Received>> {
        self.shared.state().records.clone()
    }

    /// All requests from now on. A receiver that lags more than 1,024 requests behind misses some.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Received>> {
        self.shared.seen.subscribe()
    }
}

impl Drop for SlackStandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The reply to a request that is recorded already.
struct Decision {
    reply: Reply,
    wait: Duration,
}

enum Reply {
    Answer { status: u16, body: String, header: Option<(header::HeaderName, String)> },
    Close,
    Hang,
}

impl Reply {
    fn plain(status: u16, body: &str) -> Reply {
        Reply::Answer { status, body: body.to_owned(), header: None }
    }

    fn with(status: u16, body: &str, name: header::HeaderName, value: String) -> Reply {
        Reply::Answer { status, body: body.to_owned(), header: Some((name, value)) }
    }

    fn answered(&self) -> Answered {
        match self {
            Reply::Answer { status, body, .. } => {
                Answered::Status { status: *status, body: body.clone() }
            }
            Reply::Close => Answered::Closed,
            Reply::Hang => Answered::Hung,
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, StandInState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decide(&self, path: &str, user_agent: &str, body: &[u8]) -> Decision {
        let payload: Option<Value> = serde_json::from_slice(body).ok();
        let at_ms = (self.clock)();
        let mut state = self.state();
        if state.records.len() >= RECORDS_MAX {
            return Decision { reply: Reply::plain(503, "standin_full"), wait: Duration::ZERO };
        }
        let behaviour = state.script.pop_front().unwrap_or_else(|| state.otherwise.clone());
        let wait = if let Behaviour::Slow(wait) = behaviour { wait } else { Duration::ZERO };
        let (reply, accepted) = match behaviour {
            Behaviour::Ok | Behaviour::Slow(_) => {
                self.like_slack(&mut state, path, payload.as_ref(), at_ms)
            }
            Behaviour::CloseAfterAccepting => (Reply::Close, true),
            Behaviour::Hang { accepted } => (Reply::Hang, accepted),
            other => (refusal(other), false),
        };
        let received = Arc::new(Received {
            number: state.records.len(),
            at_ms,
            path: path.to_owned(),
            user_agent: user_agent.to_owned(),
            payload: payload.unwrap_or_default(),
            answered: reply.answered(),
            accepted,
        });
        state.records.push(Arc::clone(&received));
        // There may be no subscriber. Sent under the lock, so that subscribers see the same order.
        let _ = self.seen.send(received);
        Decision { reply, wait }
    }

    fn like_slack(
        &self,
        state: &mut StandInState,
        path: &str,
        payload: Option<&Value>,
        at_ms: u64,
    ) -> (Reply, bool) {
        if let Some(wait_s) = self.rate_limit.and_then(|limit| state.over(limit, path, at_ms)) {
            return (too_many(Some(wait_s)), false);
        }
        match payload.map_or(Some("invalid_payload"), slack_rules::broken) {
            Some(word) => (Reply::plain(400, word), false),
            None => (Reply::plain(200, "ok"), true),
        }
    }
}

impl StandInState {
    /// Counts a post, and returns None. Or returns the seconds to wait, if the post is too early.
    fn over(&mut self, limit: RateLimit, path: &str, now_ms: u64) -> Option<u64> {
        let period_ms = millis(limit.period);
        let due_ms = self.due_ms.get(path).copied().unwrap_or_default().max(now_ms);
        let ahead_ms = period_ms.saturating_mul(u64::from(limit.burst.saturating_sub(1)));
        let early_ms = due_ms.saturating_sub(ahead_ms).saturating_sub(now_ms);
        if early_ms > 0 {
            return Some(early_ms.div_ceil(1000).max(1));
        }
        self.due_ms.insert(path.to_owned(), due_ms.saturating_add(period_ms));
        None
    }
}

/// The replies of behaviours that accept nothing.
fn refusal(behaviour: Behaviour) -> Reply {
    match behaviour {
        Behaviour::RateLimited { retry_after_s } => too_many(retry_after_s),
        Behaviour::Status(status, body) => Reply::plain(status, &body),
        Behaviour::Redirect(to) => Reply::with(302, "", header::LOCATION, to),
        Behaviour::OkWithOtherBody(body) => Reply::plain(200, &body),
        _ => Reply::Close,
    }
}

fn too_many(retry_after_s: Option<u64>) -> Reply {
    match retry_after_s {
        Some(s) => Reply::with(429, "rate_limited", header::RETRY_AFTER, s.to_string()),
        None => Reply::plain(429, "rate_limited"),
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(plug): ConnectInfo<Plug>,
    method: Method,
    uri: Uri,
    headers: axum::http::HeaderMap,
    body: Bytes,
) -> Response {
    if method != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed").into_response();
    }
    let user_agent =
        headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let Decision { reply, wait } = shared.decide(uri.path(), user_agent, &body);
    // A timer of zero would still cost a tick.
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    match reply {
        Reply::Answer { status, body, header } => respond(status, body, header),
        Reply::Close => {
            plug.pull();
            StatusCode::OK.into_response()
        }
        // The server drops this future when the client closes the connection.
        Reply::Hang => std::future::pending().await,
    }
}

fn respond(status: u16, body: String, header: Option<(header::HeaderName, String)>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match header {
        Some(header) => (status, [header], body).into_response(),
        None => (status, body).into_response(),
    }
}
