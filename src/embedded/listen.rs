//! `POST /events`: puts findings into the embedded queue by HTTP.
//!
//! The answer is 202 after all events of the request that may be owed to a destination are durable.
//! If one event is no finding, the answer is 400 with the reason, and no event is taken.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use subtle::ConstantTimeEq;

use crate::finding::{self, Parsed};
use crate::ports::{Clock, InputPlace, Lane, QueueError};
use crate::secret::Secret;

use super::{EmbeddedQueue, Incoming, Sieve, input};

/// The longest request, in bytes: ten events of SQS's largest size, as in one batch.
const REQUEST_BYTES_MAX: usize = 10 * finding::MAX_BYTES;
const EVENTS_MAX: usize = 1000;
/// A request that takes longer ends with 408, so that slow requests don't accumulate.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

struct Endpoint<C> {
    queue: EmbeddedQueue<C>,
    sieve: Arc<Sieve>,
    token: Option<Secret>,
}

/// The routes. With a token, every request needs it as `Authorization: Bearer …`.
pub fn router<C: Clock + 'static>(
    queue: EmbeddedQueue<C>,
    sieve: Arc<Sieve>,
    token: Option<Secret>,
) -> Router {
    Router::new().route("/events", post(events::<C>)).with_state(Arc::new(Endpoint {
        queue,
        sieve,
        token,
    }))
}

type Answer = (StatusCode, String);

async fn events<C: Clock + 'static>(
    State(endpoint): State<Arc<Endpoint<C>>>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let taken = async {
        // Before the body, so that a client without the right makes no work.
        authorize(&parts.headers, endpoint.token.as_ref())?;
        take_in(&endpoint, &read(body).await?).await
    };
    match taken.await {
        Ok(accepted) => (StatusCode::ACCEPTED, format!("accepted {accepted}\n")),
        Err((status, why)) => (status, format!("{why}\n")),
    }
}

async fn take_in<C: Clock + 'static>(endpoint: &Endpoint<C>, body: &[u8]) -> Result<usize, Answer> {
    let refuse = |why: String| (StatusCode::BAD_REQUEST, why);
    let text = std::str::from_utf8(body)
        .map_err(|e| refuse(format!("not UTF-8 after {} bytes", e.valid_up_to())))?;
    let events = messages(text, &endpoint.sieve).map_err(refuse)?;
    let count = events.len();
    let incoming: Vec<Incoming> = events
        .into_iter()
        .filter_map(|(body, parsed)| endpoint.sieve.keeps_parsed(parsed).then_some(body))
        .map(|body| Incoming { message_id: uuid::Uuid::new_v4().to_string(), body, place: None })
        .collect();
    let unavailable = |e: QueueError| (StatusCode::SERVICE_UNAVAILABLE, e.to_string());
    endpoint.queue.put(Lane::Standard, incoming).await.map_err(unavailable)?;
    Ok(count)
}

/// Reads the whole body, within a size and a time.
async fn read(body: Body) -> Result<Bytes, Answer> {
    let slow = format!("the body did not arrive within {} s", READ_TIMEOUT.as_secs());
    let long = format!("the body was cut off, or is longer than {REQUEST_BYTES_MAX} bytes");
    match tokio::time::timeout(READ_TIMEOUT, to_bytes(body, REQUEST_BYTES_MAX)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err((StatusCode::PAYLOAD_TOO_LARGE, long)),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, slow)),
    }
}

/// Refuses requests of web pages, and requests without the token. A browser sends `Origin` with
/// every POST across sites. Without this check an open page could put findings into the user's
/// queue.
fn authorize(headers: &HeaderMap, token: Option<&Secret>) -> Result<(), Answer> {
    if headers.contains_key(header::ORIGIN) {
        return Err((StatusCode::FORBIDDEN, "requests from web pages are refused".to_owned()));
    }
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match token {
        Some(token) if !given.is_some_and(|given| is_token(given, token)) => Err((
            StatusCode::UNAUTHORIZED,
            "the header `Authorization: Bearer TOKEN` is missing or wrong".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Compares in constant time, so that the time of an answer does not reveal a part of the token.
fn is_token(given: &str, token: &Secret) -> bool {
    given.as_bytes().ct_eq(token.expose().as_bytes()).into()
}

/// The events of the request: JSON lines, one JSON document, or an array. Each becomes a message of
/// the queue.
fn messages(text: &str, sieve: &Sieve) -> Result<Vec<(String, Parsed)>, String> {
    let mut raw = Vec::new();
    let split = input::split(text.as_bytes(), |event, at| {
        raw.push((event, InputPlace::new("the body", at.line, at.column)));
        if raw.len() > EVENTS_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    split.map_err(|why| why.to_string())?;
    if raw.is_empty() || raw.len() > EVENTS_MAX {
        let found = if raw.is_empty() { "no event" } else { "too many events" };
        return Err(format!("{found}: send 1 to {EVENTS_MAX}"));
    }
    let read = |(index, (event, place)): (usize, (String, InputPlace))| {
        let parsed = sieve.parse(&event);
        match parsed.rejections.first() {
            Some(why) => {
                let (code, why) = (why.code.as_str(), place.locate(why));
                Err(format!("event {}: {code} ({why})", index + 1))
            }
            None => Ok((event, parsed)),
        }
    };
    raw.into_iter().enumerate().map(read).collect()
}
