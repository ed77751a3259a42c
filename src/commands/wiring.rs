//! Makes the worker's parts of the configuration: the desk's settings, queues, ledger and notifier.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tracing::error;

use crate::aws;
use crate::aws::dynamodb::DynamoLedger;
use crate::aws::sqs::{QueueUrls, SqsQueue};
use crate::config::{Config, OnAws, Reference, pace_allowed};
use crate::desk::{Capacity, Settings};
use crate::ports::{Lane, Notifier};
use crate::secret::Secret;
use crate::slack::{self, Destination, SlackNotifier, Timeouts, Webhook, WebhookSource};

/// The longest wait that SQS allows. Source: SQS API reference, ReceiveMessage.
const LONG_POLL: Duration = Duration::from_secs(20);
/// The wait on the express lane, also while it is idle: 2.6 million calls a month, about 1 USD.
pub const SHORT_POLL: Duration = Duration::from_secs(1);

/// The desk's settings for a worker that runs until it is stopped.
pub fn settings(config: &Config, lanes: Vec<Lane>) -> Settings {
    let mut random = match config.seed {
        Some(seed) => fastrand::Rng::with_seed(seed),
        None => fastrand::Rng::new(),
    };
    let guide = Arc::clone(&config.guide);
    Settings {
        lanes,
        receive_wait: LONG_POLL,
        express_wait: SHORT_POLL,
        budget: config.budget,
        terms: config.terms(),
        routes: config.routes(),
        paces: config.destinations.iter().map(|d| d.pace).collect(),
        unread: Vec::new(),
        fallbacks: config.destinations.iter().map(|d| d.fallback).collect(),
        tells_closings: config.destinations.iter().map(|d| d.tells_closings).collect(),
        fleet: config.fleet,
        capacity: Capacity {
            cards_max: slack::MAX_CARDS,
            weight_max: slack::BUDGET_CHARS,
            lines_max: slack::DIGEST_MAX,
            weigh: Arc::new(move |card| slack::weigh(card, &guide)),
        },
        findings_max: config.buffer.findings,
        bytes_max: config.buffer.bytes,
        // Unique to this process, whatever the seed: it is the owner in the ledger.
        worker_id: uuid::Uuid::new_v4().simple().to_string()[..12].to_owned(),
        seed: random.u64(..),
        drain: None,
        ends_at: None,
    }
}

/// Loaded once, because the whole program shares credentials, connections and root certificates.
async fn sdk() -> &'static aws::SdkConfig {
    static SDK: OnceCell<aws::SdkConfig> = OnceCell::const_new();
    SDK.get_or_init(aws::sdk_config).await
}

/// The queues and the ledger on AWS. Makes no call.
pub async fn on_aws(backend: &OnAws) -> (SqsQueue, DynamoLedger) {
    let sdk = sdk().await;
    let urls = QueueUrls {
        standard: backend.standard.to_string(),
        express: backend.express.as_ref().map(ToString::to_string),
        quarantine: backend.quarantine.to_string(),
    };
    (SqsQueue::new(sdk, urls), DynamoLedger::new(sdk, backend.table.as_str()))
}

/// A webhook, by the place where the configuration says that it is kept.
#[derive(Debug)]
pub struct ConfiguredWebhook {
    reference: Reference,
    /// Checked when the webhook's host is known: Slack's hosts need a least pace.
    pace: Duration,
}

impl WebhookSource for ConfiguredWebhook {
    async fn read(&self) -> Result<Secret, String> {
        let secret = read(&self.reference).await?;
        let webhook = Webhook::parse(secret.expose())
            .map_err(|why| format!("{} holds no usable webhook: {why}", self.reference))?;
        pace_allowed(self.pace, webhook.host())
            .map_err(|why| format!("destination.pace: {why}"))?;
        Ok(secret)
    }
}

/// Reads a secret. The error names the place and never holds a part of the secret.
pub async fn read(reference: &Reference) -> Result<Secret, String> {
    match reference {
        Reference::Env(_) | Reference::File(_) => reference.read_local().map(Secret::new),
        Reference::SecretsManager { id, json_key } => {
            let sdk = sdk().await;
            aws::secrets::read_secret(sdk, id, json_key.as_deref()).await.map(Secret::new)
        }
        #[cfg(feature = "ssm")]
        Reference::Ssm(name) => {
            let sdk = sdk().await;
            aws::secrets::read_parameter(sdk, name).await.map(Secret::new)
        }
    }
}

/// The notifier for all destinations, after it read their webhooks, and the indices of those that
/// could not be read ([`Settings::unread`]). Each counts as dead until it can, and the other
/// destinations are served.
///
/// # Errors
/// No webhook can be read.
pub async fn notifier(
    config: &Config,
) -> anyhow::Result<(SlackNotifier<ConfiguredWebhook>, Vec<usize>)> {
    let notifier = unread_notifier(config);
    let mut unread = Vec::new();
    let mut last_error = String::new();
    for (i, destination) in config.destinations.iter().enumerate() {
        if let Err(detail) = notifier.refresh(destination.name.as_str()).await {
            let fallback = destination.fallback.and_then(|other| config.destinations.get(other));
            let text = "webhook can't be read: put it where the configuration says; until then the \
                        destination's alerts are held, or posted to its fallback";
            error!(
                destination = %destination.name,
                detail,
                fallback = fallback.map(|other| other.name.as_str()),
                "{text}"
            );
            unread.push(i);
            last_error = detail;
        }
    }
    let readable = unread.len() < config.destinations.len();
    anyhow::ensure!(readable, "no destination's webhook can be read: {last_error}");
    Ok((notifier, unread))
}

/// The notifier for all destinations, before it read a webhook.
pub fn unread_notifier(config: &Config) -> SlackNotifier<ConfiguredWebhook> {
    let destination = |d: &crate::config::Destination| {
        let source = ConfiguredWebhook { reference: d.webhook.clone(), pace: d.pace };
        (d.name.to_string(), Destination { source, mentions: d.mentions.clone() })
    };
    let timeouts =
        Timeouts { connect: config.budget.connect_timeout(), total: config.budget.post_timeout() };
    let destinations = config.destinations.iter().map(destination);
    SlackNotifier::new(destinations, Arc::clone(&config.guide), timeouts)
}

/// Resolves at SIGTERM or Ctrl-C.
pub async fn stop_signal() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
