//! A part of HTTP/1.1: one request after the other on a connection, each with its length.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Shared;

struct Request {
    path: String,
    /// `X-Amz-Target`.
    target: String,
    body: String,
}

struct Answer {
    status: u16,
    headers: String,
    body: String,
}

fn json(body: impl Into<String>) -> Answer {
    Answer { status: 200, headers: String::new(), body: body.into() }
}

/// One thread serves all connections.
pub(super) fn serve(listener: std::net::TcpListener, shared: &Arc<Shared>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        while let Ok((stream, _)) = listener.accept().await {
            let shared = Arc::clone(shared);
            // A client that disconnects ends its connection, and nothing else.
            tokio::spawn(async move { converse(stream, &shared).await });
        }
    });
}

async fn converse(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(64 << 10);
    while let Some(request) = read(&mut stream, &mut buffer).await? {
        let answer = answer(shared, &request).await;
        let Answer { status, headers, body } = answer;
        let text = format!(
            "HTTP/1.1 {status} As planned\r\ncontent-type: application/x-amz-json-1.0\r\n\
             x-amzn-requestid: 00000000-0000-4000-8000-000000000000\r\n{headers}\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(text.as_bytes()).await?;
    }
    Ok(())
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let text = String::from_utf8_lossy(&buffer[..head]).into_owned();
    let header = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned())
    };
    let length = header("content-length").and_then(|digits| digits.parse().ok()).unwrap_or(0);
    while buffer.len() < head + length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let body = String::from_utf8_lossy(&buffer[head..head + length]).into_owned();
    buffer.drain(..head + length);
    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
    Ok(Some(Request { path, target: header("x-amz-target").unwrap_or_default(), body }))
}

#[allow(clippy::disallowed_methods, reason = "a stopwatch")]
async fn answer(shared: &Shared, request: &Request) -> Answer {
    let now = Instant::now();
    let (service, operation) = request.target.split_once('.').unwrap_or_default();
    let counted = if operation.is_empty() { request.path.as_str() } else { operation };
    let round_trip = {
        let mut state = shared.lock();
        *state.counts.entry(counted.to_owned()).or_default() += 1;
        state.round_trip
    };
    if service.is_empty() {
        return match request.path.as_str() {
            path if path.starts_with("/services/") => slack(shared, now),
            _ => lambda(shared, request, now).await,
        };
    }
    let answer = match operation {
        "ReceiveMessage" => receive(shared, &request.body, now).await,
        "GetItem" | "PutItem" => json("{}"),
        "BatchGetItem" => json("{\"Responses\":{},\"UnprocessedKeys\":{}}"),
        "GetSecretValue" => json("{\"Name\":\"webhook\",\"SecretString\":\"\"}"),
        "GetQueueAttributes" => {
            let mut state = shared.lock();
            let queue = state.queue(queue_of(&request.body));
            let visible = queue.backlog.saturating_sub(queue.handed_out) + queue.live.len();
            let hidden = queue.handed_out.saturating_sub(queue.deleted);
            json(format!(
                "{{\"Attributes\":{{\"ApproximateNumberOfMessages\":\"{visible}\",\
                 \"ApproximateNumberOfMessagesNotVisible\":\"{hidden}\",\
                 \"ApproximateNumberOfMessagesDelayed\":\"0\"}}}}"
            ))
        }
        "DeleteMessageBatch" => {
            let ids: Vec<&str> = texts(&request.body, "\"Id\":\"").collect();
            shared.lock().deleted(queue_of(&request.body), ids.len(), now);
            done(&ids)
        }
        "ChangeMessageVisibilityBatch" => {
            done(&texts(&request.body, "\"Id\":\"").collect::<Vec<_>>())
        }
        _ => Answer { status: 400, ..json("{\"__type\":\"UnsupportedOperation\"}") },
    };
    if round_trip > Duration::ZERO {
        tokio::time::sleep(round_trip).await;
    }
    answer
}

fn done(ids: &[&str]) -> Answer {
    let entries: Vec<String> = ids.iter().map(|id| format!("{{\"Id\":\"{id}\"}}")).collect();
    json(format!("{{\"Successful\":[{}],\"Failed\":[]}}", entries.join(",")))
}

/// Waits for messages, as SQS does.
#[allow(clippy::disallowed_methods, reason = "SentTimestamp")]
async fn receive(shared: &Shared, body: &str, now: Instant) -> Answer {
    let number = |name: &str| -> Option<u64> {
        texts_until(body, name, &[',', '}']).next()?.trim().parse().ok()
    };
    let max = number("\"MaxNumberOfMessages\":").unwrap_or(1);
    let wait = Duration::from_secs(number("\"WaitTimeSeconds\":").unwrap_or(0));
    let until = tokio::time::Instant::from_std(now) + wait;
    let mut changes = shared.changes.subscribe();
    loop {
        let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let wall_ms = since_1970.map_or(0, |time| time.as_millis());
        if let Some(answer) = shared.lock().receive(queue_of(body), max as usize, now, wall_ms) {
            return json(answer);
        }
        tokio::select! {
            () = tokio::time::sleep_until(until) => return json("{}"),
            _ = changes.changed() => {}
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "a stopwatch")]
fn slack(shared: &Shared, now: Instant) -> Answer {
    let mut state = shared.lock();
    if state.slack_is_down {
        return Answer { status: 503, headers: String::new(), body: "no".to_owned() };
    }
    state.posts.push(now);
    json("ok")
}

async fn lambda(shared: &Shared, request: &Request, now: Instant) -> Answer {
    if !request.path.ends_with("/invocation/next") {
        shared.lock().answers.push(now);
        return Answer { status: 202, ..json("{}") };
    }
    let mut changes = shared.changes.subscribe();
    loop {
        if let Some(event) = shared.lock().invocations.pop_front() {
            let headers = "lambda-runtime-aws-request-id: 00000000-0000-4000-8000-000000000001\r\n\
                           lambda-runtime-deadline-ms: 4102444800000\r\n\
                           lambda-runtime-invoked-function-arn: \
                           arn:aws:lambda:us-east-1:111122223333:function:hansho-worker\r\n";
            return Answer { status: 200, headers: headers.to_owned(), body: event };
        }
        let _ = changes.changed().await;
    }
}

/// The queue's name, from its URL.
fn queue_of(body: &str) -> &str {
    let url = texts(body, "\"QueueUrl\":\"").next().unwrap_or_default();
    url.rsplit('/').next().unwrap_or_default()
}

/// The text after the label, up to a quote. No value here has escapes.
fn texts<'a>(body: &'a str, label: &'a str) -> impl Iterator<Item = &'a str> {
    texts_until(body, label, &['"'])
}

fn texts_until<'a>(
    body: &'a str,
    label: &'a str,
    ends: &'a [char],
) -> impl Iterator<Item = &'a str> {
    body.split(label).skip(1).map(move |rest| rest.split(ends).next().unwrap_or_default())
}
