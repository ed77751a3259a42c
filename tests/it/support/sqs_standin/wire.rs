//! The protocol: one POST a call, the operation in a header, JSON in both directions.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

use super::faults::Fault;
use super::refusal::Refusal;
use super::store::ACCOUNT;
use super::{Call, Shared, rules};

/// A batch of 1 MiB can be six times as long in JSON.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(super) fn app(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", post(handle))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(shared)
}

pub(super) fn queue_url(address: SocketAddr, name: &str) -> String {
    format!("http://{address}/{ACCOUNT}/{name}")
}

async fn handle(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let target = header("x-amz-target");
    let operation = target.strip_prefix("AmazonSQS.").unwrap_or(target).to_owned();
    let region = signed_region(header("authorization")).unwrap_or_default().to_owned();
    if let Ok(mut calls) = shared.calls.lock() {
        calls.push(Call { operation: operation.clone(), region });
    }
    let fault = shared.faults.lock().ok().and_then(|mut faults| faults.take(&operation));
    match fault {
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Refuse { status, code }) => {
            let message = "a fault that the test ordered".to_owned();
            return Refusal { status, code: code.to_owned(), message }.into_response();
        }
        _ => {}
    }
    let Ok(input) = serde_json::from_slice::<Value>(&body) else {
        return Refusal::new("SerializationException", "the request is no JSON").into_response();
    };
    let answer = perform(&shared, &operation, &input, fault.as_ref()).await;
    match fault {
        Some(Fault::LoseAnswer) => return broken(),
        Some(Fault::HangAfter) => {
            shared.changed();
            std::future::pending().await
        }
        _ => {}
    }
    match answer {
        Ok(answer) => answered(&answer),
        Err(refusal) => refusal.into_response(),
    }
}

fn answered(answer: &Value) -> Response {
    let mut response = answer.to_string().into_response();
    let kind = HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert("content-type", kind);
    response
}

/// A body that ends in an error, upon which the connection is closed.
fn broken() -> Response {
    let pieces = [
        Ok(Bytes::from_static(b"{\"Mess")),
        Err(std::io::Error::other("the connection breaks here")),
    ];
    let mut response = Body::from_stream(futures_util::stream::iter(pieces)).into_response();
    *response.status_mut() = StatusCode::OK;
    response
}

/// The third part of the scope in `Credential=KEY/DATE/REGION/sqs/aws4_request`.
fn signed_region(authorization: &str) -> Option<&str> {
    authorization.split_once("Credential=")?.1.split('/').nth(2)
}

async fn perform(
    shared: &Shared,
    operation: &str,
    input: &Value,
    fault: Option<&Fault>,
) -> Result<Value, Refusal> {
    let now_ms = shared.clock.now_ms();
    let answer = match operation {
        "CreateQueue" => {
            let name = rules::text(input, "QueueName")?;
            let attributes = input.get("Attributes").cloned().unwrap_or_else(|| json!({}));
            let attributes = serde_json::from_value(attributes)
                .map_err(|e| Refusal::new("InvalidAttributeValue", e.to_string()))?;
            shared.store().create(name, attributes)?;
            Ok(json!({ "QueueUrl": queue_url(shared.address, name) }))
        }
        "GetQueueUrl" => {
            let name = rules::text(input, "QueueName")?;
            shared.store().exists(name)?;
            Ok(json!({ "QueueUrl": queue_url(shared.address, name) }))
        }
        _ => {
            let url = rules::text(input, "QueueUrl")?;
            let queue = url.rsplit('/').next().unwrap_or_default();
            shared.store().exists(queue)?;
            match operation {
                "ReceiveMessage" => return receive(shared, queue, input, fault).await,
                "GetQueueAttributes" => shared.store().attributes(queue, input, now_ms),
                "SetQueueAttributes" => shared.store().set_attributes(queue, input),
                "PurgeQueue" => shared.store().purge(queue),
                _ => change(shared, operation, queue, input, fault),
            }
        }
    };
    shared.changed();
    answer
}

/// The operations on messages, each of which has a batch form.
fn change(
    shared: &Shared,
    operation: &str,
    queue: &str,
    input: &Value,
    fault: Option<&Fault>,
) -> Result<Value, Refusal> {
    let now_ms = shared.clock.now_ms();
    let single = operation.strip_suffix("Batch").unwrap_or(operation);
    let mut store = shared.store();
    let mut one = |input: &Value| {
        if fault == Some(&Fault::Pretend) {
            return Ok(json!({ "MessageId": "00000000-0000-4000-8000-000000000000" }));
        }
        match single {
            "SendMessage" => store.send(queue, input, now_ms),
            "DeleteMessage" => store.delete(queue, input),
            "ChangeMessageVisibility" => store.hide(queue, input, now_ms),
            _ => Err(Refusal::new("UnsupportedOperation", format!("not here: {operation}"))),
        }
    };
    if operation == single {
        return one(input);
    }
    let entries = rules::batch(input)?;
    if entries.iter().map(rules::message_bytes).sum::<usize>() > rules::MESSAGE_BYTES_MAX {
        let why = "Batch requests cannot be longer than 1048576 bytes.";
        return Err(Refusal::new("BatchRequestTooLong", why));
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        let id = entry.get("Id").cloned().unwrap_or_default();
        let ordered = match fault {
            Some(Fault::FailEntries { indexes, code }) if indexes.contains(&index) => {
                Err(Refusal::new(code, "a fault that the test ordered"))
            }
            _ => one(entry),
        };
        match (ordered, fault) {
            (_, Some(Fault::SkipEntries { indexes })) if indexes.contains(&index) => {}
            (Ok(mut done), _) => {
                if let Some(done) = done.as_object_mut() {
                    done.insert("Id".to_owned(), id);
                }
                successful.push(done);
            }
            (Err(refusal), _) => failed.push(refusal.entry(&id)),
        }
    }
    Ok(json!({ "Successful": successful, "Failed": failed }))
}

/// Waits until a message is visible, or until the time is up by the stand-in's clock or by the real
/// one. A test whose clock stands still must not wait for ever.
async fn receive(
    shared: &Shared,
    queue: &str,
    input: &Value,
    fault: Option<&Fault>,
) -> Result<Value, Refusal> {
    let wait_s = rules::integer(input, "WaitTimeSeconds", 0, rules::WAIT_S_MAX)?;
    let wait_s = wait_s.unwrap_or_else(|| shared.store().wait_s(queue));
    let until_ms = shared.clock.now_ms() + wait_s * 1000;
    let time_is_up = shared.clock.wait_ends(Duration::from_secs(wait_s.unsigned_abs()));
    tokio::pin!(time_is_up);
    // Subscribes before the first check, so that no change between check and wait is missed.
    let mut changes = shared.changes.subscribe();
    loop {
        let now_ms = shared.clock.now_ms();
        let (found, next_ms) = {
            let mut store = shared.store();
            let found = store.receive(queue, input, now_ms, fault)?;
            (found, store.next_visible_ms(queue, now_ms))
        };
        if !found.is_empty() {
            return Ok(json!({ "Messages": found }));
        }
        if now_ms >= until_ms {
            return Ok(json!({}));
        }
        tokio::select! {
            biased;
            () = &mut time_is_up => return Ok(json!({})),
            _ = changes.changed() => {}
            () = shared.clock.reaches(next_ms) => {}
        }
    }
}
