//! The DynamoDB adapter, with the real SDK over real sockets: the ledger's contract against an
//! emulator in this process and against a foreign one, and what no emulator does, against a
//! stand-in with scripted answers.
//!
//! To run the contract elsewhere: `HANSHO_TEST_DYNAMODB_ENDPOINT=http://127.0.0.1:5000 cargo test
//! --test it dynamodb_contract_on_a_foreign_endpoint -- --ignored`. The races run there only if
//! `HANSHO_TEST_DYNAMODB_RACES` is set too, for not every emulator evaluates the condition and
//! writes the item in one step: moto 5.2.5 does not, with its threads, so two claimants may win.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, Region, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::AttributeValue::{N, S};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    TimeToLiveSpecification,
};
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;

use hansho::aws::dynamodb::DynamoLedger;
use hansho::aws::sdk_config;
use hansho::policy::record::{AlertRecord, Expect, RecordKey};
use hansho::ports::{Ledger, Written};

use crate::adapters::sqs::foreign_variable;
use crate::contracts::ledger_contract::{Harness, exercise, exercise_in_turn, exercise_races};

/// The SDK's configuration for a stand-in on loopback.
pub fn fake_config(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials())
        .endpoint_url(endpoint)
        .build()
}

fn credentials() -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test"))
}

/// Serves on a loopback port until the test ends.
pub async fn serve(router: Router) -> String {
    let (listener, endpoint) = listen().await;
    tokio::spawn(async move { axum::serve(listener, router).await });
    endpoint
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
    (listener, endpoint)
}

async fn start_dynoxide() -> String {
    let (listener, endpoint) = listen().await;
    let database = dynoxide::Database::memory().expect("a database in memory");
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    endpoint
}

/// An emulator in this process with the ledger's table in it; answers with its endpoint.
pub async fn serve_table(table: &str) -> String {
    let endpoint = start_dynoxide().await;
    create_table(&fake_config(&endpoint), table).await;
    endpoint
}

pub async fn create_table(config: &SdkConfig, table: &str) {
    create_table_with(config, table, &["fingerprint", "destination"]).await;
}

/// As infra/pipeline.yaml does it.
pub async fn switch_ttl_on(endpoint: &str, table: &str) {
    let ttl = TimeToLiveSpecification::builder().attribute_name("expires_at").enabled(true);
    Client::new(&fake_config(endpoint))
        .update_time_to_live()
        .table_name(table)
        .time_to_live_specification(ttl.build().expect("name and switch are given"))
        .send()
        .await
        .expect("TTL");
}

/// With these attributes as the key: the first is the partition's, the second the sort key.
pub async fn create_table_with(config: &SdkConfig, table: &str, keys: &[&str]) {
    let attribute = |name| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .expect("name and type are given")
    };
    let key = |name, kind| {
        let builder = KeySchemaElement::builder().attribute_name(name).key_type(kind);
        builder.build().expect("name and kind are given")
    };
    let kinds = [KeyType::Hash, KeyType::Range];
    let schema = keys.iter().zip(kinds).map(|(name, kind)| key(*name, kind));
    Client::new(config)
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(keys.iter().map(|name| attribute(*name)).collect()))
        .set_key_schema(Some(schema.collect()))
        .send()
        .await
        .expect("a new table");
}

/// A table of its own for each ledger, all at one endpoint.
struct Tables {
    config: SdkConfig,
}

impl Harness for Tables {
    type Ledger = DynamoLedger;

    async fn fresh(&self) -> DynamoLedger {
        let table = format!("hansho-test-{}", uuid::Uuid::new_v4());
        create_table(&self.config, &table).await;
        DynamoLedger::new(&self.config, &table)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dynamodb_contract_in_process() {
    exercise(&Tables { config: fake_config(&start_dynoxide().await) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs HANSHO_TEST_DYNAMODB_ENDPOINT: run tests/emulators/run"]
async fn dynamodb_contract_on_a_foreign_endpoint() {
    let endpoint = foreign_variable("HANSHO_TEST_DYNAMODB_ENDPOINT");
    let tables = Tables { config: fake_config(&endpoint) };
    exercise_in_turn(&tables).await;
    if std::env::var_os("HANSHO_TEST_DYNAMODB_RACES").is_some() {
        exercise_races(&tables).await;
    }
}

fn key() -> RecordKey {
    RecordKey::alert("guardduty/-/-/1", "security")
}

fn free() -> AlertRecord {
    AlertRecord::unposted(u64::MAX)
}

#[tokio::test]
async fn the_largest_fence_is_kept() {
    let tables = Tables { config: fake_config(&start_dynoxide().await) };
    let ledger = tables.fresh().await;
    assert_eq!(ledger.write(&key(), &Expect::Absent, &free()).await, Ok(Written::Done));
    assert_eq!(ledger.read::<AlertRecord>(&key()).await, Ok(Some(free())));
}

#[tokio::test]
async fn a_missing_table_is_named_and_what_to_do() {
    let ledger = DynamoLedger::new(&fake_config(&start_dynoxide().await), "no-such-table");
    let errors = [
        ledger.read::<AlertRecord>(&key()).await.unwrap_err(),
        ledger.write(&key(), &Expect::Absent, &free()).await.unwrap_err(),
    ];
    for error in errors {
        for part in ["\"no-such-table\"", "does not exist", "ledger.table", "fingerprint"] {
            assert!(error.0.detail.contains(part), "{error}");
        }
    }
}

/// Without the sort key the record of one destination would be taken for that of another, whose
/// alert would never be posted.
#[tokio::test]
async fn a_table_with_another_key_is_an_error_and_never_an_answer() {
    let config = fake_config(&start_dynoxide().await);
    create_table_with(&config, "by-fingerprint", &["fingerprint"]).await;
    create_table_with(&config, "by-id", &["id"]).await;
    let ledger = DynamoLedger::new(&config, "by-fingerprint");
    assert_eq!(ledger.write(&key(), &Expect::Absent, &free()).await, Ok(Written::Done));
    let other = RecordKey::alert(key().fingerprint(), "another");
    let error = ledger.write(&other, &Expect::Absent, &free()).await.unwrap_err();
    assert!(
        error.0.detail.contains("wrong key") && error.0.detail.contains("sort key destination"),
        "{error}"
    );
    let ledger = DynamoLedger::new(&config, "by-id");
    let error = ledger.write(&key(), &Expect::Absent, &free()).await.unwrap_err();
    assert!(error.0.detail.contains("wrong key"), "{error}");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_an_error_and_not_absent() {
    let config = fake_config(&start_dynoxide().await);
    create_table(&config, "ledger").await;
    Client::new(&config)
        .put_item()
        .table_name("ledger")
        .item("fingerprint", S(key().fingerprint().to_owned()))
        .item("destination", S(key().destination().to_owned()))
        .item("state", S("free".into()))
        .item("owner", S(String::new()))
        .item("fence", N("1.5".into()))
        .send()
        .await
        .expect("somebody else's item");
    let ledger = DynamoLedger::new(&config, "ledger");
    let errors = [
        ledger.read::<AlertRecord>(&key()).await.unwrap_err(),
        ledger.write(&key(), &Expect::Absent, &free()).await.unwrap_err(),
    ];
    for error in errors {
        for part in ["attribute fence", "\"ledger\"", "guardduty/-/-/1", "security"] {
            assert!(error.0.detail.contains(part), "{error}");
        }
    }
}

/// A DynamoDB that answers every call with this status and body, and counts the calls.
async fn answering(
    answer: impl Fn(&str) -> (u16, &'static str) + Clone + Send + Sync + 'static,
) -> (DynamoLedger, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let handler = move |headers: HeaderMap| async move {
        counted.fetch_add(1, Ordering::SeqCst);
        let target = headers.get("x-amz-target").and_then(|v| v.to_str().ok()).unwrap_or("");
        let call = target.rsplit('.').next().unwrap_or("");
        let (status, body) = answer(call);
        let status = axum::http::StatusCode::from_u16(status).expect("a status");
        (status, [("content-type", "application/x-amz-json-1.0")], body)
    };
    let endpoint = serve(Router::new().route("/", post(handler))).await;
    (DynamoLedger::new(&fake_config(&endpoint), "ledger"), calls)
}

const CONDITION_FAILED: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed"}"#;
const FREE_ITEM: &str = r#"{"Item":{"fingerprint":{"S":"guardduty/-/-/1"},"destination":{"S":"security"},"state":{"S":"free"},"owner":{"S":""},"fence":{"N":"18446744073709551615"},"lease_until":{"N":"0"},"attempts":{"N":"0"},"ambiguous":{"N":"0"},"digest":{"S":""},"expires_at":{"N":"0"}}}"#;

#[tokio::test]
async fn the_record_is_read_where_the_endpoint_leaves_it_out() {
    let (ledger, calls) = answering(|call| match call {
        "PutItem" => (400, CONDITION_FAILED),
        _ => (200, FREE_ITEM),
    })
    .await;
    let lost = ledger.write(&key(), &Expect::Absent, &free()).await;
    assert_eq!(lost, Ok(Written::Lost(Some(free()))));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn one_call_is_one_attempt() {
    let throttled = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow\ndown"}"#;
    for (status, body, part, reason) in [
        (500, "{}", "a server error (http 500)", "server_error"),
        (400, throttled, "ProvisionedThroughputExceededException: slow", "throttled"),
        (200, "no json", "PutItem on ledger table \"ledger\" failed", "other"),
    ] {
        let (ledger, calls) = answering(move |_| (status, body)).await;
        let error = ledger.write(&key(), &Expect::Absent, &free()).await.unwrap_err();
        assert!(error.0.detail.contains(part), "{error}");
        assert_eq!(error.as_str(), reason, "{error}");
        assert_eq!(calls.load(Ordering::SeqCst), 1, "the desk decides about retries");
    }
}

#[tokio::test]
async fn every_refusal_says_its_kind() {
    for (status, code, reason) in [
        (400, "ProvisionedThroughputExceededException", "throttled"),
        (400, "ThrottlingException", "throttled"),
        (400, "RequestLimitExceeded", "throttled"),
        (400, "AccessDeniedException", "denied"),
        (400, "UnrecognizedClientException", "denied"),
        (400, "ExpiredTokenException", "denied"),
        (400, "ResourceNotFoundException", "missing"),
        (500, "InternalServerError", "server_error"),
        (503, "ServiceUnavailable", "server_error"),
        (400, "ValidationException", "other"),
    ] {
        let body =
            format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"no"}}"#);
        let body: &'static str = body.leak();
        let (ledger, _) = answering(move |_| (status, body)).await;
        let read = ledger.read::<AlertRecord>(&key()).await.unwrap_err();
        let written = ledger.write(&key(), &Expect::Absent, &free()).await.unwrap_err();
        assert_eq!((read.as_str(), written.as_str()), (reason, reason), "{code}: {read}");
    }
}

#[tokio::test]
async fn a_call_without_an_answer_ends() {
    let (listener, endpoint) = listen().await;
    let ledger = DynamoLedger::new(&fake_config(&endpoint), "ledger");
    let error =
        timeout(Duration::from_secs(8), ledger.read::<AlertRecord>(&key())).await.expect("an end");
    let error = error.unwrap_err();
    assert!(error.0.detail.contains("no answer in time"), "{error}");
    assert_eq!(error.as_str(), "timed_out");
    drop(listener);
    let error =
        timeout(Duration::from_secs(4), ledger.read::<AlertRecord>(&key())).await.expect("an end");
    let error = error.unwrap_err();
    assert!(error.0.detail.contains("failed"), "{error}");
    assert_eq!(error.as_str(), "connection", "{error}");
}

#[tokio::test]
async fn a_missing_region_is_named_and_what_to_do() {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(credentials())
        .build();
    let error = DynamoLedger::new(&config, "ledger").read_any(&key()).await.unwrap_err();
    assert!(error.0.detail.contains("set AWS_REGION"), "{error}");
}

/// Runs as a child of the next test, as the environment of a test can't be changed safely.
#[tokio::test]
#[ignore = "part of the_standard_variables_point_elsewhere"]
async fn calls_each_service_once() {
    let config = sdk_config().await;
    let seen = DynamoLedger::new(&config, "ledger").read_any(&key()).await;
    println!("dynamodb: {seen:?}");
    let queues = aws_sdk_sqs::Client::new(&config).list_queues().send().await;
    println!("sqs: {:?}", queues.map(|_| ()));
    let secret = hansho::aws::secrets::read_secret(&config, "name", None).await;
    println!("secretsmanager: {:?}", secret.map(|_| ()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_standard_variables_point_elsewhere() {
    let hosts = ["general", "sqs", "dynamodb"];
    let calls: Arc<[AtomicUsize; 3]> = Arc::default();
    let mut endpoints = Vec::new();
    for host in 0..hosts.len() {
        let calls = Arc::clone(&calls);
        let handler = move || async move {
            calls[host].fetch_add(1, Ordering::SeqCst);
            ([("content-type", "application/x-amz-json-1.0")], "{}")
        };
        endpoints.push(serve(Router::new().fallback(handler)).await);
    }
    let [general, sqs, dynamodb] = endpoints.as_slice() else { panic!("three endpoints") };
    for (variables, expected) in [
        (vec![("AWS_ENDPOINT_URL", general)], [3, 0, 0]),
        (
            vec![
                ("AWS_ENDPOINT_URL", general),
                ("AWS_ENDPOINT_URL_SQS", sqs),
                ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
            ],
            [1, 1, 1],
        ),
    ] {
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args([
                "--exact",
                "adapters::dynamodb::calls_each_service_once",
                "--ignored",
                "--nocapture",
            ])
            .env_clear()
            .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
            .env("AWS_REGION", "us-east-1")
            .envs(variables)
            .output();
        let output = child.await.expect("a child");
        let said = String::from_utf8_lossy(&output.stdout);
        let counted = [0, 1, 2].map(|host: usize| calls[host].swap(0, Ordering::SeqCst));
        assert_eq!(counted, expected, "calls to {hosts:?}; the child said: {said}");
    }
}
