//! A look over a parked queue: all of it is received, hidden from others meanwhile, and shown to
//! them again when nothing more is to be done with it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tracing::warn;

use crate::instants::Mono;
use crate::ports::{
    Clock, DeadLetter, DeadLetterQueue, Held, MessageId, QUEUE_BATCH_MAX, QueueError, Receipt,
};

use super::message::Message;

/// How long a message is hidden from others, and how long it stays so after a SIGKILL.
pub const HOLD: Duration = Duration::from_secs(60);
/// A message that is hidden for less than that is hidden anew.
const RENEW_BELOW: Duration = Duration::from_secs(30);
/// More are not looked at in one go: the memory for them, and SQS's limit for what may be in flight
/// (120,000), which workers need too.
pub const MESSAGES_MAX: usize = 20_000;
/// The bodies that are kept in memory to be acted on.
pub const BYTES_MAX: usize = 256 << 20;
/// What a replay that was killed held is visible again within [`HOLD`]; SQS's count of it is behind by up
/// to a minute. Source: SQS API reference, GetQueueAttributes.
pub const WAIT_MAX: Duration = Duration::from_secs(60 + HOLD.as_secs());
/// How often it is asked meanwhile.
const WAIT_STEP: Duration = Duration::from_secs(2);
/// A look that takes longer ends.
const LOOK_MAX: Duration = Duration::from_secs(600);
/// So many answers in a row with nothing that is new end a look.
const STALE_MAX: usize = 10;
/// Tries of a call that fails, and the rest before the second; it doubles.
const TRIES: u32 = 4;
const FIRST_REST: Duration = Duration::from_secs(1);

/// Becomes true when the operator wants to stop.
pub type Stop = watch::Receiver<bool>;

/// A message that was looked at.
#[derive(Clone, Debug)]
pub struct Item {
    pub message: Message,
    pub receipt: Receipt,
    /// Its body is empty unless it was to be kept.
    pub parked: DeadLetter,
}

impl Item {
    pub fn id(&self) -> &MessageId {
        &self.parked.id
    }
}

/// Why a look did not reach the end of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    Stopped,
    Messages,
    Bytes,
    Time,
}

/// What a look found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Those that the filter admits, in the order of [`Message::rank`].
    pub items: Vec<Item>,
    /// How many were looked at, the others included.
    pub looked: usize,
    /// How many are hidden by somebody else, as far as the queue knows.
    pub hidden: u64,
    pub cut: Option<Cut>,
}

struct Hold {
    receipt: Receipt,
    until: Mono,
}

/// The operator's hands: what is looked at, and for how long it is still hidden.
pub struct Hands<'a, Q, C> {
    pub queue: &'a Q,
    pub clock: &'a C,
    pub stop: Stop,
    held: BTreeMap<MessageId, Hold>,
}

impl<'a, Q: DeadLetterQueue, C: Clock> Hands<'a, Q, C> {
    pub fn new(queue: &'a Q, clock: &'a C, stop: Stop) -> Hands<'a, Q, C> {
        Hands { queue, clock, stop, held: BTreeMap::new() }
    }

    pub fn stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Sleeps until then, or until the operator wants to stop.
    pub async fn sleep_until(&mut self, at: Mono) {
        let mut stop = self.stop.clone();
        let stopped = async move {
            // An error means that nobody is left who could want to stop.
            if stop.wait_for(|stop| *stop).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = stopped => {}
            () = self.clock.sleep_until(at) => {}
        }
    }

    /// Looks at everything, and holds what `admits` chooses; the rest is shown to others again. The
    /// bodies are kept if `bodies`.
    pub async fn look(
        &mut self,
        admits: impl Fn(&Message) -> bool,
        bodies: bool,
    ) -> Result<Found, QueueError> {
        let looked = self.look_all(admits, bodies).await;
        if looked.is_err() {
            self.release_all().await;
        }
        looked
    }

    async fn look_all(
        &mut self,
        admits: impl Fn(&Message) -> bool,
        bodies: bool,
    ) -> Result<Found, QueueError> {
        let began = self.clock.now().mono;
        let mut found = Found::default();
        let mut chosen: BTreeMap<MessageId, Item> = BTreeMap::new();
        let (mut bytes, mut stale) = (0, 0);
        found.cut = loop {
            if self.stopped() {
                break Some(Cut::Stopped);
            }
            if self.held.len() >= MESSAGES_MAX {
                break Some(Cut::Messages);
            }
            if bytes > BYTES_MAX {
                break Some(Cut::Bytes);
            }
            if self.clock.now().mono.since(began) > LOOK_MAX {
                break Some(Cut::Time);
            }
            let batch = self.look_once().await?;
            if batch.is_empty() || stale > STALE_MAX {
                break None;
            }
            stale += 1;
            for Held { receipt, mut parked } in batch {
                let until = self.clock.now().mono.plus(HOLD);
                let hold = Hold { receipt: receipt.clone(), until };
                // SQS may hand out again what is hidden: it is the same message, with a newer receipt.
                if self.held.insert(parked.id.clone(), hold).is_some() {
                    if let Some(item) = chosen.get_mut(&parked.id) {
                        item.receipt = receipt;
                    }
                    continue;
                }
                stale = 0;
                let message = Message::read(&parked);
                if !admits(&message) {
                    continue;
                }
                if bodies {
                    bytes += parked.body.len();
                } else {
                    parked.body = String::new();
                }
                chosen.insert(parked.id.clone(), Item { message, receipt, parked });
            }
            self.renew().await;
        };
        found.looked = self.held.len();
        if let Ok(depth) = self.queue.depth().await {
            found.hidden = depth.hidden.saturating_sub(self.held.len() as u64);
        }
        let rest: Vec<MessageId> =
            self.held.keys().filter(|id| !chosen.contains_key(*id)).cloned().collect();
        self.release(&rest).await;
        found.items = chosen.into_values().collect();
        found.items.sort_by_cached_key(|item| item.message.rank());
        Ok(found)
    }

    /// Waits until nothing is hidden by others any more, for [`WAIT_MAX`] at most.
    pub async fn wait_for_the_hidden(&mut self) -> Result<(), QueueError> {
        let until = self.clock.now().mono.plus(WAIT_MAX);
        while !self.stopped() && self.clock.now().mono < until {
            if self.queue.depth().await?.hidden == 0 {
                break;
            }
            self.sleep_until(self.clock.now().mono.plus(WAIT_STEP)).await;
        }
        Ok(())
    }

    async fn look_once(&mut self) -> Result<Vec<Held>, QueueError> {
        let mut rest = FIRST_REST;
        for _ in 1..TRIES {
            match self.queue.look(HOLD).await {
                Err(QueueError::Unavailable(why)) if why.kind.may_pass() && !self.stopped() => {
                    warn!(
                        reason = why.kind.as_str(),
                        detail = why.detail,
                        "the parked queue did not answer, will try again"
                    );
                    self.sleep_until(self.clock.now().mono.plus(rest)).await;
                    self.renew().await;
                    rest *= 2;
                }
                answer => return answer,
            }
        }
        self.queue.look(HOLD).await
    }

    /// Hides anew what would be visible soon. What can't be hidden any more is left to whoever has it
    /// now; to act on it may make a copy, which the ledger absorbs.
    pub async fn renew(&mut self) {
        let now = self.clock.now().mono;
        let due: Vec<(MessageId, Receipt)> = self
            .held
            .iter()
            .filter(|(_, hold)| hold.until.since(now) < RENEW_BELOW)
            .map(|(id, hold)| (id.clone(), hold.receipt.clone()))
            .collect();
        for batch in due.chunks(QUEUE_BATCH_MAX) {
            let until = self.clock.now().mono.plus(HOLD);
            let entries: Vec<_> =
                batch.iter().map(|(_, receipt)| (receipt.clone(), HOLD)).collect();
            for ((id, _), answer) in batch.iter().zip(self.queue.hide(&entries).await) {
                match (answer, self.held.get_mut(id)) {
                    (Ok(()), Some(hold)) => hold.until = until,
                    (Err(QueueError::ReceiptGone(_)), _) => {
                        self.held.remove(id);
                    }
                    _ => {}
                }
            }
        }
    }

    pub fn holds(&self, id: &MessageId) -> bool {
        self.held.contains_key(id)
    }

    /// These are settled: there is nothing to show again.
    pub fn let_go(&mut self, id: &MessageId) {
        self.held.remove(id);
    }

    /// Shows these to others again.
    pub async fn release(&mut self, ids: &[MessageId]) {
        for batch in ids.chunks(QUEUE_BATCH_MAX) {
            let entries: Vec<(Receipt, Duration)> = batch
                .iter()
                .filter_map(|id| Some((self.held.remove(id)?.receipt, Duration::ZERO)))
                .collect();
            for answer in self.queue.hide(&entries).await {
                if let Err(QueueError::Unavailable(why)) = answer {
                    warn!(
                        reason = why.kind.as_str(),
                        detail = why.detail,
                        "a message could not be shown again: it will be within 60 s"
                    );
                }
            }
        }
    }

    pub async fn release_all(&mut self) {
        let all: Vec<MessageId> = self.held.keys().cloned().collect();
        self.release(&all).await;
    }
}
