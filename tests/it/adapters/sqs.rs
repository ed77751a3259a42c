//! The SQS adapter, with the real SDK over real sockets: the queue's contract, and SQS's own rules,
//! on the stand-in and on a foreign endpoint.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Credentials;
use aws_sdk_sqs::types::Message;
use hansho::aws::sqs::{ENCODING_ATTRIBUTE, QueueUrls, SqsQueue, original_body};
use hansho::instants::Wall;
use hansho::ports::Lane;

use crate::adapters::sqs_rules::{self, Ground};
use crate::contracts::queue_contract::{DeadLetter, QueueHarness, exercise};
use crate::support::sqs_standin::{SqsStandIn, StandInClock};

/// Credentials that open nothing, a region, and one endpoint for all.
pub async fn sdk_config(endpoint: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .load()
        .await
}

/// Receives all messages of the quarantine, as an operator does.
async fn quarantined(client: &Client, url: &str) -> Vec<DeadLetter> {
    let mut all = Vec::new();
    loop {
        let some = client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .visibility_timeout(600)
            .message_attribute_names("All")
            .send()
            .await
            .expect("a receive from quarantine");
        let some = some.messages.unwrap_or_default();
        if some.is_empty() {
            return all;
        }
        all.extend(some.iter().map(as_dead_letter));
    }
}

fn as_dead_letter(message: &Message) -> DeadLetter {
    let none = HashMap::new();
    let attributes = message.message_attributes().unwrap_or(&none);
    let text = |name: &str| Some(attributes.get(name)?.string_value()?.to_owned());
    let moment = |name: &str| Wall::parse_rfc3339(&text(name)?);
    let body = message.body().unwrap_or_default();
    DeadLetter {
        body: original_body(body, text(ENCODING_ATTRIBUTE).as_deref()).expect("a known encoding"),
        reason: text("hansho.reason"),
        detail: text("hansho.detail"),
        lane: text("hansho.lane"),
        message_id: text("hansho.message_id"),
        receive_count: text("hansho.receive_count").and_then(|n| n.parse().ok()),
        enqueued_at: moment("hansho.enqueued_at"),
        quarantined_at: moment("hansho.parked_at"),
    }
}

async fn send(client: &Client, url: &str, body: &str) {
    client.send_message().queue_url(url).message_body(body).send().await.expect("a send");
}

/// The adapter on its own stand-in. The time stands still until the test moves it.
pub struct OnStandIn {
    pub stand_in: SqsStandIn,
    pub client: Client,
    pub queue: SqsQueue,
}

impl OnStandIn {
    pub async fn fresh() -> OnStandIn {
        let stand_in = SqsStandIn::start(StandInClock::frozen()).await;
        let config = sdk_config(&stand_in.endpoint()).await;
        let urls = QueueUrls {
            standard: stand_in.create("standard", &[]),
            express: Some(stand_in.create("express", &[])),
            quarantine: stand_in.create("quarantine", &[]),
        };
        let queue = SqsQueue::new(&config, urls);
        OnStandIn { stand_in, client: Client::new(&config), queue }
    }
}

impl QueueHarness for OnStandIn {
    type Queue = SqsQueue;

    fn queue(&self) -> &SqsQueue {
        &self.queue
    }

    fn unit(&self) -> Duration {
        Duration::from_secs(30)
    }

    async fn send(&self, lane: Lane, body: &str) {
        send(&self.client, &self.stand_in.url(lane.as_str()), body).await;
    }

    async fn pass_time(&self, by: Duration) {
        self.stand_in.advance(by);
    }

    async fn quarantined(&self) -> Vec<DeadLetter> {
        quarantined(&self.client, &self.stand_in.url("quarantine")).await
    }
}

#[tokio::test]
async fn sqs_contract_on_the_stand_in() {
    exercise("stand-in", &[], OnStandIn::fresh).await;
}

#[tokio::test]
async fn sqs_rules_on_the_stand_in() {
    sqs_rules::exercise("stand-in", &[], OnStandIn::fresh).await;
}

impl Ground for OnStandIn {
    fn client(&self) -> &Client {
        &self.client
    }
}

/// The adapter on a foreign server, with its own queues, in real time.
struct OnForeign {
    client: Client,
    urls: QueueUrls,
    queue: SqsQueue,
}

impl OnForeign {
    async fn fresh(endpoint: &str) -> OnForeign {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let run = format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
        let config = sdk_config(endpoint).await;
        let client = Client::new(&config);
        let create = async |name: &str| {
            let name = format!("hansho-{name}-{run}");
            let made = client.create_queue().queue_name(name).send().await;
            made.expect("a queue is made").queue_url.expect("a queue's url")
        };
        let urls = QueueUrls {
            standard: create("standard").await,
            express: Some(create("express").await),
            quarantine: create("quarantine").await,
        };
        let queue = SqsQueue::new(&config, urls.clone());
        OnForeign { client, urls, queue }
    }
}

impl QueueHarness for OnForeign {
    type Queue = SqsQueue;

    fn queue(&self) -> &SqsQueue {
        &self.queue
    }

    fn unit(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn send(&self, lane: Lane, body: &str) {
        let url = match lane {
            Lane::Standard => &self.urls.standard,
            Lane::Express => self.urls.express.as_ref().expect("an express queue"),
        };
        send(&self.client, url, body).await;
    }

    async fn pass_time(&self, by: Duration) {
        tokio::time::sleep(by + Duration::from_millis(200)).await;
    }

    async fn quarantined(&self) -> Vec<DeadLetter> {
        quarantined(&self.client, &self.urls.quarantine).await
    }
}

impl Ground for OnForeign {
    fn client(&self) -> &Client {
        &self.client
    }
}

/// Rules that an emulator is known to break. `tests/emulators/README.md` describes them. Both
/// emulators pass the whole contract.
fn deviations(kind: &str) -> &'static [&'static str] {
    match kind {
        "ministack" => &[
            "attributes_count_towards_the_bound",
            "attribute_values_are_not_empty",
            "a_receive_s_times_are_bounded",
            "no_receive_lasts_longer_than_12_hours",
        ],
        "moto" => &[
            "attributes_count_towards_the_bound",
            "bodies_hold_only_xml_characters",
            "bodies_are_not_empty",
            "attribute_values_are_not_empty",
        ],
        _ => &[],
    }
}

/// The endpoint and the name of the emulator that `tests/emulators/run` has started.
pub fn foreign_endpoint() -> (String, String) {
    let kind = std::env::var("HANSHO_TEST_SQS_KIND").unwrap_or_else(|_| "foreign".to_owned());
    (foreign_variable("HANSHO_TEST_SQS_ENDPOINT"), kind)
}

pub fn foreign_variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run tests/emulators/run"))
}

#[tokio::test]
#[ignore = "needs HANSHO_TEST_SQS_ENDPOINT: run tests/emulators/run"]
async fn sqs_contract_on_a_foreign_endpoint() {
    let (endpoint, kind) = foreign_endpoint();
    exercise(&kind, &[], async || OnForeign::fresh(&endpoint).await).await;
}

#[tokio::test]
#[ignore = "needs HANSHO_TEST_SQS_ENDPOINT: run tests/emulators/run"]
async fn sqs_rules_on_a_foreign_endpoint() {
    let (endpoint, kind) = foreign_endpoint();
    let fresh = async || OnForeign::fresh(&endpoint).await;
    sqs_rules::exercise(&kind, deviations(&kind), fresh).await;
}
