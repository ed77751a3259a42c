//! The only code that talks to Slack: one attempt, bounded in time and size, and a verdict.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, redirect, retry};

use super::answer::{BODY_BYTES_MAX, verdict};
use super::mention::Mentions;
use super::render::body;
use super::webhook::Webhook;
use crate::finding::Text;
use crate::ports::{Notifier, Post, RetryReason, Verdict};
use crate::secret::Secret;

/// Of what a webhook's source says about a failure.
const SOURCE_ERROR_CHARS_MAX: usize = 300;

/// Where a webhook's address is kept: the environment, a file, Secrets Manager.
pub trait WebhookSource: Send + Sync {
    /// Reads it anew. The error names the place and never holds any of the secret.
    fn read(&self) -> impl Future<Output = Result<Secret, String>> + Send;
}

/// An address that is given outright and never changes.
impl WebhookSource for Secret {
    async fn read(&self) -> Result<Secret, String> {
        Ok(self.clone())
    }
}

/// How long an attempt may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection, TLS included.
    pub connect: Duration,
    /// For everything: from the first packet to the answer's last byte. Also for reading an address
    /// from where it is kept.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts { connect: Duration::from_secs(3), total: Duration::from_secs(10) }
    }
}

/// One Slack channel.
#[derive(Debug)]
pub struct Destination<S> {
    pub source: S,
    pub mentions: Mentions,
}

/// Posts to Slack's incoming webhooks.
///
/// It follows no redirect and heeds no proxy from the environment, so that nothing but the
/// configuration decides where findings go. Connections are not kept: one that the other side just
/// closed would make it uncertain whether a post got through, and posts are a second apart anyway.
///
/// The HTTP client is made when it is first needed, or by [`SlackNotifier::prepare`]: to read the root
/// certificates takes longer than all else that a start has to do, and a Lambda function that has nothing
/// to post does not need them.
pub struct SlackNotifier<S> {
    http: OnceLock<Result<Client, NoClient>>,
    timeouts: Timeouts,
    slots: BTreeMap<String, Slot<S>>,
}

struct Slot<S> {
    destination: Destination<S>,
    /// None until it was read.
    webhook: RwLock<Option<Webhook>>,
}

/// The HTTP client could not be set up: TLS has no usable provider or no root certificates.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot set up the HTTP client for Slack: {0}")]
pub struct NoClient(String);

impl<S: WebhookSource> SlackNotifier<S> {
    /// `destinations` by their names in the configuration. Addresses are read when they are first
    /// needed, or by [`Notifier::refresh`].
    pub fn new(
        destinations: impl IntoIterator<Item = (String, Destination<S>)>,
        timeouts: Timeouts,
    ) -> SlackNotifier<S> {
        let slots = destinations
            .into_iter()
            .map(|(name, destination)| (name, Slot { destination, webhook: RwLock::new(None) }))
            .collect();
        SlackNotifier { http: OnceLock::new(), timeouts, slots }
    }

    /// Makes the HTTP client now, which takes some milliseconds, so that the first post does not wait for
    /// it and a machine without root certificates is found out.
    pub fn prepare(&self) -> Result<(), NoClient> {
        self.http().map(|_| ())
    }

    fn http(&self) -> Result<&Client, NoClient> {
        self.http.get_or_init(|| client(self.timeouts)).as_ref().map_err(NoClient::clone)
    }

    /// The address that is known, else the one that is read now.
    async fn webhook(&self, slot: &Slot<S>) -> Result<Webhook, String> {
        match slot.known() {
            Some(webhook) => Ok(webhook),
            None => {
                let webhook = self.read(slot).await?;
                slot.remember(webhook.clone());
                Ok(webhook)
            }
        }
    }

    async fn read(&self, slot: &Slot<S>) -> Result<Webhook, String> {
        let read = tokio::time::timeout(self.timeouts.total, slot.destination.source.read());
        let secret = match read.await {
            Ok(Ok(secret)) => secret,
            Ok(Err(why)) => return Err(Text::new(&why, SOURCE_ERROR_CHARS_MAX).to_string()),
            Err(_) => return Err("the webhook's address was not read in time".into()),
        };
        Webhook::parse(secret.expose()).map_err(|why| why.to_string())
    }

    /// Asks whether the webhook is alive, by an empty message: Slack refuses it with a word, and
    /// shows nobody anything. Reads the address anew.
    pub async fn probe(&self, destination: &str) -> Verdict {
        let Some(slot) = self.slots.get(destination) else {
            return no_address("no such destination in the configuration".into());
        };
        match self.read(slot).await {
            Ok(webhook) => self.attempt(&webhook, "{}".to_owned()).await,
            Err(why) => no_address(why),
        }
    }

    async fn attempt(&self, webhook: &Webhook, body: String) -> Verdict {
        let http = match self.http() {
            Ok(http) => http,
            Err(why) => return no_client(&why),
        };
        let request = http.post(webhook.expose()).header(CONTENT_TYPE, "application/json");
        match request.body(body).send().await {
            Ok(response) => judge(response).await,
            Err(error) => lost(&error),
        }
    }
}

impl<S: WebhookSource> Notifier for SlackNotifier<S> {
    async fn post(&self, digest: &Post) -> Verdict {
        let Some(slot) = self.slots.get(&digest.destination) else {
            return no_address("no such destination in the configuration".into());
        };
        match self.webhook(slot).await {
            Ok(webhook) => {
                let body = body(digest, &slot.destination.mentions);
                self.attempt(&webhook, body).await
            }
            Err(why) => no_address(why),
        }
    }

    /// An address that can't be read, or is no good, leaves the old one in use.
    async fn refresh(&self, destination: &str) -> Result<bool, String> {
        let slot = self
            .slots
            .get(destination)
            .ok_or_else(|| "no such destination in the configuration".to_owned())?;
        let webhook = self.read(slot).await?;
        let changed = slot.known().as_ref() != Some(&webhook);
        slot.remember(webhook);
        Ok(changed)
    }
}

impl<S> Slot<S> {
    // A panic elsewhere can't leave half an address behind, so a poisoned lock is as good as any.
    fn known(&self) -> Option<Webhook> {
        self.webhook.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, webhook: Webhook) {
        *self.webhook.write().unwrap_or_else(PoisonError::into_inner) = Some(webhook);
    }
}

fn client(timeouts: Timeouts) -> Result<Client, NoClient> {
    Client::builder()
        .user_agent(concat!("hansho/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeouts.connect)
        .timeout(timeouts.total)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .referer(false)
        .pool_max_idle_per_host(0)
        // `localhost` was let through as loopback, so it has to be just that.
        .resolve_to_addrs("localhost", &[([127, 0, 0, 1], 0).into()])
        .build()
        .map_err(|error| NoClient(error.without_url().to_string()))
}

/// Nothing was sent.
fn no_client(why: &NoClient) -> Verdict {
    let (reason, detail) = (RetryReason::Connection, why.to_string());
    Verdict::Retry { reason, after: None, ambiguous: false, detail }
}

fn no_address(detail: String) -> Verdict {
    Verdict::Retry { reason: RetryReason::NoAddress, after: None, ambiguous: false, detail }
}

/// Reads the answer. Only a 200 depends on its body; for all else the status says enough, so that
/// a body that never ends changes nothing.
async fn judge(mut response: Response) -> Verdict {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    match read_body(&mut response).await {
        Ok(body) => verdict(status, retry_after.as_deref(), &body),
        Err(error) if status == 200 => lost(&error),
        Err(_) => verdict(status, retry_after.as_deref(), b""),
    }
}

/// At most [`BODY_BYTES_MAX`]; what comes after is not read.
async fn read_body(response: &mut Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = BODY_BYTES_MAX - body.len();
        body.extend(chunk.iter().take(room));
        if body.len() >= BODY_BYTES_MAX {
            break;
        }
    }
    Ok(body)
}

/// There is no answer. What matters is whether Slack can have seen the request: not if there was
/// no connection to send it over, and maybe in every other case.
fn lost(error: &reqwest::Error) -> Verdict {
    let never_sent = error.is_connect() || error.is_builder();
    let (reason, what) = match (never_sent, error.is_timeout()) {
        (true, true) => (RetryReason::Connection, "no connection in time"),
        (true, false) => (RetryReason::Connection, "cannot connect"),
        (false, true) => (RetryReason::TimedOut, "no complete answer in time"),
        (false, false) => (RetryReason::Connection, "the connection was lost before the answer"),
    };
    let detail = match io_kind(error) {
        Some(kind) if !error.is_timeout() => format!("{what}: {kind}"),
        _ => what.to_owned(),
    };
    Verdict::Retry { reason, after: None, ambiguous: !never_sent, detail }
}

/// The system's word for what went wrong. The errors' own texts are not repeated: reqwest's hold
/// the whole address.
fn io_kind(error: &reqwest::Error) -> Option<std::io::ErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}
