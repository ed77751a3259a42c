//! Answers of Slack, SQS and DynamoDB. Those of AWS pass the whole SDK: its HTTP client answers
//! with the bytes instead of a call.

use std::cell::RefCell;
use std::future::Future;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use hansho::aws::dynamodb::DynamoLedger;
use hansho::aws::sqs::{QueueUrls, SqsQueue};
use hansho::policy::record::RecordKey;
use hansho::ports::{Consistency, Lane, Ledger, Queue, QueueError, Receipt, ReceiveAsk, Verdict};
use hansho::slack::answer::{self, RETRY_AFTER_MAX};

/// The statuses that the first byte of an answer of AWS chooses from.
const STATUSES: [u16; 8] = [200, 200, 200, 200, 400, 403, 500, 503];
const MAX: usize = 3;

thread_local! {
    static ANSWER: RefCell<(u16, Vec<u8>)> = const { RefCell::new((200, Vec::new())) };
}

/// Answers every call with [`ANSWER`].
#[derive(Debug)]
struct Canned;

impl HttpConnector for Canned {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = ANSWER.with_borrow(Clone::clone);
        let status = StatusCode::try_from(status).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body.into())))
    }
}

fn config() -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client_fn(|_, _| SharedHttpConnector::new(Canned)))
        .build()
}

/// Runs calls whose answers are the bytes: the first one chooses the status.
fn answered<T>(bytes: &[u8], calls: impl Future<Output = T>) -> Option<T> {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    }
    let (status, body) = bytes.split_first()?;
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    ANSWER.set((status, body.to_vec()));
    Some(RUNTIME.with(|runtime| runtime.block_on(calls)))
}

fn check_line(line: &str) {
    assert!(line.len() < 4_000 && !line.contains(char::is_control), "{line:?}");
}

fn check_each(answers: &[Result<(), QueueError>], count: usize) {
    assert_eq!(answers.len(), count);
    answers.iter().flat_map(Result::as_ref).for_each(|()| {});
    answers.iter().filter_map(|answer| answer.as_ref().err()).for_each(|why| {
        check_line(&why.to_string());
    });
}

/// One answer to a receive, a delete, a hide and a question for the depth.
pub fn sqs(bytes: &[u8]) {
    thread_local! {
        static QUEUE: SqsQueue = SqsQueue::new(&config(), QueueUrls {
            standard: "https://sqs.us-east-1.amazonaws.com/111122223333/standard".to_owned(),
            express: None,
            quarantine: "https://sqs.us-east-1.amazonaws.com/111122223333/quarantine".to_owned(),
        });
    }
    let queue = QUEUE.with(Clone::clone);
    let lane = Lane::Standard;
    let receipts = ["a", "b", "c"].map(|receipt| Receipt(receipt.to_owned()));
    let hidden = receipts.clone().map(|receipt| (receipt, Duration::from_secs(30)));
    let visibility = Duration::from_secs(30);
    let ask = ReceiveAsk { lane, max: MAX, wait: Duration::ZERO, visibility };
    let answers = answered(bytes, async {
        check_each(&queue.delete(lane, &receipts).await, receipts.len());
        check_each(&queue.hide(lane, &hidden).await, hidden.len());
        let _ = queue.depth(lane).await.map_err(|why| check_line(&why.to_string()));
        queue.receive(ask).await
    });
    match answers {
        None => {}
        Some(Err(why)) => check_line(&why.to_string()),
        Some(Ok(deliveries)) => {
            assert!(deliveries.len() <= MAX);
            for delivery in deliveries {
                assert!(!delivery.receipt.0.is_empty() && delivery.receive_count > 0);
            }
        }
    }
}

/// The keys of the records that the answers are about, one of each kind.
fn keys() -> Vec<RecordKey> {
    let stored = |of: &str, at: &str| RecordKey::stored(of.to_owned(), at.to_owned());
    let alert = "guardduty/111122223333/eu-west-1/f";
    vec![
        stored(alert, "security"),
        stored(alert, "(canary)"),
        stored(alert, "~reconcile"),
        RecordKey::pace("security"),
        RecordKey::watermark("eu-west-1"),
        RecordKey::document(hansho::policy::record::Document::Silences),
    ]
}

/// One answer to a read of each kind of record, and to a prefetch.
pub fn dynamodb(bytes: &[u8]) {
    thread_local! {
        static LEDGER: DynamoLedger = DynamoLedger::new(&config(), "hansho");
    }
    let ledger = LEDGER.with(Clone::clone);
    let keys = keys();
    answered(bytes, async {
        for key in &keys {
            match ledger.read_any(key).await {
                Ok(record) => assert!(record.is_none_or(|record| record.kind() == key.kind())),
                Err(why) => check_line(&why.to_string()),
            }
        }
        match ledger.prefetch(&keys[..1], Consistency::Strong).await {
            Ok(answers) => assert_eq!(answers.len(), 1),
            Err(why) => check_line(&why.to_string()),
        }
    });
}

/// Two bytes of a status, a line of the header `Retry-After`, and a body.
pub fn slack(bytes: &[u8]) {
    let [high, low, rest @ ..] = bytes else { return };
    let status = u16::from_be_bytes([*high, *low]);
    let line = rest.iter().position(|byte| *byte == b'\n');
    let (header, body) = rest.split_at(line.unwrap_or(0));
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    let header = std::str::from_utf8(header).ok().filter(|_| line.is_some());
    let verdict = answer::verdict(status, header, body);
    match &verdict {
        // Only this is a post.
        Verdict::Accepted => assert_eq!((status, body), (200, &b"ok"[..])),
        Verdict::Retry { after, detail, ambiguous, .. } => {
            assert!(after.is_none_or(|after| !after.is_zero() && after <= RETRY_AFTER_MAX));
            // A person may see the post twice only where Slack may have taken it.
            assert_eq!(*ambiguous, matches!(status, 200 | 408 | 500..=599), "{status}");
            check_line(detail);
        }
        Verdict::Dead { status: said, detail } => {
            assert_eq!(*said, status);
            check_line(detail);
        }
        Verdict::Refused { detail } => check_line(detail),
    }
    let detail = format!("{verdict:?}");
    assert!(!detail.contains("services/"), "a proxy's page may repeat the webhook: {detail}");
}
