//! [`Queue`] on Amazon SQS: two lanes, and a third queue, the quarantine.
//!
//! Every method makes one attempt, bounded in time. The SDK's own retries are off, because the desk
//! decides when to retry, and a second schedule would break its time budget. A list longer than a
//! batch takes several calls.

mod dead_letter_attributes;
mod dead_letters;
mod delivery;
mod inlet;
mod inquiry;
mod probe;
mod quarantine_attributes;
mod quarantine_send;
mod refusal;
mod region;
mod remote;
mod scan;

use std::time::Duration;

use aws_config::SdkConfig;

use crate::ports::{
    Delivery, Depth, Lane, QUEUE_BATCH_MAX, QuarantineEntry, Queue, QueueError, Receipt, ReceiveAsk,
};

pub use dead_letters::SqsDeadLetters;
pub use quarantine_attributes::{AGAIN_ATTRIBUTE, ENCODING_ATTRIBUTE, JSON_STRING, original_body};

use delivery::{deliveries, stand_in_id};
use remote::{Remote, VISIBILITY_S_MAX, depth_of, seconds, tally, unbuilt};

/// The URLs of the queues, as SQS gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueUrls {
    pub standard: String,
    /// None for a worker with one lane.
    pub express: Option<String>,
    pub quarantine: String,
}

/// The queue port on SQS. Clones are cheap and share their connections.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    standard: Remote,
    express: Option<Remote>,
    quarantine: Remote,
}

impl SqsQueue {
    /// Takes credentials, endpoint, HTTP client and region from the configuration. If a queue's URL
    /// is one of AWS's, the region in the URL wins. Makes no call.
    pub fn new(config: &SdkConfig, urls: QueueUrls) -> SqsQueue {
        SqsQueue {
            standard: Remote::new(config, urls.standard),
            express: urls.express.map(|url| Remote::new(config, url)),
            quarantine: Remote::new(config, urls.quarantine),
        }
    }

    /// The lanes that have a queue, the more urgent first. A lane without a queue is always empty,
    /// and a receive from it is an error.
    pub fn lanes(&self) -> impl Iterator<Item = Lane> {
        Lane::ALL.into_iter().filter(|lane| self.remote(*lane).is_ok())
    }

    fn remote(&self, lane: Lane) -> Result<&Remote, QueueError> {
        match lane {
            Lane::Standard => Ok(&self.standard),
            Lane::Express => self.express.as_ref().ok_or_else(|| {
                QueueError::Unavailable("no express queue is configured: set queue.express".into())
            }),
        }
    }
}

impl Queue for SqsQueue {
    /// Makes one long poll. Dropping the future may lose the answer. The messages in a lost answer
    /// stay hidden for `visibility`, then return, and SQS has counted the receive.
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        let remote = self.remote(ask.lane)?;
        let max = ask.max.clamp(1, QUEUE_BATCH_MAX);
        let answer = remote.receive(max, &ask).await?;
        deliveries(ask.lane, max, answer.messages.unwrap_or_default())
    }

    async fn delete(&self, lane: Lane, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        match self.remote(lane) {
            Ok(remote) => remote.delete(receipts).await,
            Err(all) => vec![Err(all); receipts.len()],
        }
    }

    /// SQS counts in whole seconds, so a delay is rounded up. A delay above 43,195 s is cut to
    /// that. SQS refuses a delay that ends later than 12 h after the receive. The answer is then
    /// [`QueueError::Unavailable`], because the receipt is still good for a shorter delay.
    async fn hide(
        &self,
        lane: Lane,
        entries: &[(Receipt, Duration)],
    ) -> Vec<Result<(), QueueError>> {
        match self.remote(lane) {
            Ok(remote) => remote.hide(entries).await,
            Err(all) => vec![Err(all); entries.len()],
        }
    }

    /// Sends the body unchanged, and describes it in message attributes. [`original_body`] has the
    /// one exception. Attributes that do not fit beside a very large body are logged instead.
    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<(), QueueError> {
        let packed = quarantine_attributes::pack(entry);
        quarantine_send::send(&self.quarantine, packed, &entry.message_id).await
    }

    /// SQS's numbers are approximate and up to a minute old. A lane without a queue is empty.
    async fn depth(&self, lane: Lane) -> Result<Depth, QueueError> {
        match self.remote(lane) {
            Ok(remote) => depth_of(remote).await,
            Err(_) => Ok(Depth::default()),
        }
    }
}
