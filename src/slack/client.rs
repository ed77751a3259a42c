//! The client of Slack: one attempt to post, bounded in time and size, gives a verdict.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, redirect, retry};

use super::answer::{BODY_BYTES_MAX, verdict};
use super::guide::Guide;
use super::mention::Mentions;
use super::render::payload_json;
use super::webhook::Webhook;
use crate::finding::Text;
use crate::ports::{Notifier, Post, RetryReason, Verdict};
use crate::secret::Secret;

/// The longest error of a webhook's source that is passed on, in characters.
const SOURCE_ERROR_CHARS_MAX: usize = 300;

/// The place of a webhook's address: the environment, a file, Secrets Manager.
pub trait WebhookSource: Send + Sync {
    /// Reads the address. The error names the place and holds no part of the secret.
    fn read(&self) -> impl Future<Output = Result<Secret, String>> + Send;
}

/// An address that is given directly and never changes.
impl WebhookSource for Secret {
    async fn read(&self) -> Result<Secret, String> {
        Ok(self.clone())
    }
}

/// The time limits of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection, TLS included.
    pub connect: Duration,
    /// For everything from the first packet to the last byte of the answer. Also for reading an
    /// address from its source.
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
/// - It follows no redirect and ignores proxies in the environment. Only the configuration decides
///   where findings go.
/// - It keeps no connection. If Slack closed a kept connection just before a post, nobody would
///   know whether Slack accepted the post. Posts are at least a second apart anyway.
/// - It makes the HTTP client at the first post, or in [`SlackNotifier::prepare`]. Reading the root
///   certificates takes longer than the rest of a start, and a Lambda function with nothing to post
///   does not need them.
pub struct SlackNotifier<S> {
    http: OnceLock<Result<Client, NoClient>>,
    timeouts: Timeouts,
    slots: BTreeMap<String, Slot<S>>,
    guide: Arc<Guide>,
}

struct Slot<S> {
    destination: Destination<S>,
    /// None until the address is read.
    webhook: RwLock<Option<Webhook>>,
}

/// The HTTP client could not be set up: TLS has no usable provider or no root certificates.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot set up the HTTP client for Slack: {0}")]
pub struct NoClient(String);

impl<S: WebhookSource> SlackNotifier<S> {
    /// Takes `destinations` by their names in the configuration. An address is read at the first
    /// post, or by [`Notifier::refresh`].
    pub fn new(
        destinations: impl IntoIterator<Item = (String, Destination<S>)>,
        guide: Arc<Guide>,
        timeouts: Timeouts,
    ) -> SlackNotifier<S> {
        let slots = destinations
            .into_iter()
            .map(|(name, destination)| (name, Slot { destination, webhook: RwLock::new(None) }))
            .collect();
        SlackNotifier { http: OnceLock::new(), timeouts, slots, guide }
    }

    /// Makes the HTTP client now, which takes some milliseconds. So the first post does not wait
    /// for it, and missing root certificates are an error at the start.
    pub fn prepare(&self) -> Result<(), NoClient> {
        self.http().map(|_| ())
    }

    fn http(&self) -> Result<&Client, NoClient> {
        self.http.get_or_init(|| client(self.timeouts)).as_ref().map_err(NoClient::clone)
    }

    /// Returns the known address, or else reads it.
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

    /// Checks a webhook with an empty message. Slack rejects the message with an error word and
    /// shows nothing in the channel. The address is read again from its source.
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
    async fn post(&self, post: &Post) -> Verdict {
        let Some(slot) = self.slots.get(&post.destination) else {
            return no_address("no such destination in the configuration".into());
        };
        match self.webhook(slot).await {
            Ok(webhook) => {
                let body = payload_json(post, &slot.destination.mentions, &self.guide);
                self.attempt(&webhook, body).await
            }
            Err(why) => no_address(why),
        }
    }

    /// If the address can't be read or is not valid, the old one stays in use.
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
    // A panic elsewhere cannot leave half an address behind, so a poisoned lock is usable.
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
        // `Webhook::parse` allows `localhost` as a loopback address, so it must resolve to one.
        .resolve_to_addrs("localhost", &[([127, 0, 0, 1], 0).into()])
        .build()
        .map_err(|error| NoClient(error.without_url().to_string()))
}

/// The verdict without an HTTP client. Nothing was sent.
fn no_client(why: &NoClient) -> Verdict {
    let (reason, detail) = (RetryReason::Connection, why.to_string());
    Verdict::Retry { reason, after: None, ambiguous: false, detail }
}

fn no_address(detail: String) -> Verdict {
    Verdict::Retry { reason: RetryReason::NoAddress, after: None, ambiguous: false, detail }
}

/// Reads the answer. Only for a 200 does the body decide. For any other status, a body that cannot
/// be read counts as empty.
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

/// Reads at most [`BODY_BYTES_MAX`] of the body.
async fn read_body(response: &mut Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let left = BODY_BYTES_MAX - body.len();
        body.extend(chunk.iter().take(left));
        if body.len() >= BODY_BYTES_MAX {
            break;
        }
    }
    Ok(body)
}

/// The verdict without an answer. Slack may have received the request, unless no connection was
/// made.
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

/// The system's word for an error. The texts of reqwest's errors hold the whole address, so they
/// are not repeated.
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
