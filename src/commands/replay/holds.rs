//! The dead letters that a replay holds. A scan receives the whole queue and hides it from others.
//! What the command does not need is released, that is, shown to others again.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tracing::warn;

use crate::instants::Mono;
use crate::ports::{
    Clock, DeadLetter, DeadLetterQueue, MessageId, QUEUE_BATCH_MAX, QueueError, Receipt,
    ScannedDeadLetter,
};

use super::parsed::ParsedDeadLetter;

/// How long a message is hidden from others, also after a SIGKILL.
pub const HOLD: Duration = Duration::from_secs(60);
/// A message that is hidden for less time than this is hidden again.
const RENEW_BELOW: Duration = Duration::from_secs(30);
/// The most messages of one scan. It bounds memory, and leaves workers most of the 120,000 messages
/// that SQS allows in flight.
pub const MESSAGES_MAX: usize = 20_000;
/// The most bytes of bodies that are kept in memory.
pub const BYTES_MAX: usize = 256 << 20;
/// A killed replay's messages are visible again within [`HOLD`]. SQS's count of hidden messages is
/// late by up to a minute. Source: SQS API reference, GetQueueAttributes.
pub const WAIT_MAX: Duration = Duration::from_secs(60 + HOLD.as_secs());
/// The time between two reads of that count.
const WAIT_STEP: Duration = Duration::from_secs(2);
const SCAN_TIME_MAX: Duration = Duration::from_secs(600);
/// Answers in a row without a new message that end a scan.
const STALE_MAX: usize = 10;

/// Becomes true when a person stops the replay.
pub type Stop = watch::Receiver<bool>;

/// A dead letter that the replay holds.
#[derive(Clone, Debug)]
pub struct HeldDeadLetter {
    pub parsed: ParsedDeadLetter,
    pub receipt: Receipt,
    /// The body is empty unless the scan kept bodies.
    pub dead_letter: DeadLetter,
}

impl HeldDeadLetter {
    pub fn id(&self) -> &MessageId {
        &self.dead_letter.id
    }
}

/// Why a scan ended before the end of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    Stopped,
    Messages,
    Bytes,
    Time,
}

/// Result of a scan.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// The messages that the filter admits, in the order of [`ParsedDeadLetter::rank`].
    pub admitted: Vec<HeldDeadLetter>,
    /// How many messages were read.
    pub scanned: usize,
    /// How many messages somebody else hides, as far as the queue knows.
    pub hidden: u64,
    pub cut: Option<Cut>,
}

struct Hold {
    receipt: Receipt,
    until: Mono,
}

/// The messages that a replay holds, and how long each is still hidden.
pub struct Holds<'a, Q, C> {
    pub queue: &'a Q,
    pub clock: &'a C,
    pub stop: Stop,
    held: BTreeMap<MessageId, Hold>,
}

/// The messages that a scan has admitted so far.
#[derive(Default)]
struct Admitted {
    by_id: BTreeMap<MessageId, HeldDeadLetter>,
    bytes: usize,
    /// Answers in a row without a new message.
    stale: usize,
}

impl<'a, Q: DeadLetterQueue, C: Clock> Holds<'a, Q, C> {
    pub fn new(queue: &'a Q, clock: &'a C, stop: Stop) -> Holds<'a, Q, C> {
        Holds { queue, clock, stop, held: BTreeMap::new() }
    }

    pub fn stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Sleeps until then, or until a person stops the replay.
    pub async fn sleep_until(&mut self, at: Mono) {
        let mut stop = self.stop.clone();
        let stopped = async move {
            // An error means that nobody is left to stop the replay.
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

    /// Scans the queue, holds the messages that `admits` chooses and releases the others. Keeps the
    /// bodies if `bodies`.
    pub async fn scan(
        &mut self,
        admits: impl Fn(&ParsedDeadLetter) -> bool,
        bodies: bool,
    ) -> Result<Scan, QueueError> {
        let mut admitted = Admitted::default();
        let cut = match self.scan_to_the_end(admits, bodies, &mut admitted).await {
            Ok(cut) => cut,
            Err(why) => {
                self.release_all().await;
                return Err(why);
            }
        };
        let scanned = self.held.len();
        let depth = self.queue.depth().await;
        let hidden = depth.map_or(0, |depth| depth.hidden.saturating_sub(scanned as u64));
        let by_id = admitted.by_id;
        let rest: Vec<MessageId> =
            self.held.keys().filter(|id| !by_id.contains_key(*id)).cloned().collect();
        self.release(&rest).await;
        let mut admitted: Vec<HeldDeadLetter> = by_id.into_values().collect();
        admitted.sort_by_cached_key(|held| held.parsed.rank());
        Ok(Scan { admitted, scanned, hidden, cut })
    }

    async fn scan_to_the_end(
        &mut self,
        admits: impl Fn(&ParsedDeadLetter) -> bool,
        bodies: bool,
        admitted: &mut Admitted,
    ) -> Result<Option<Cut>, QueueError> {
        let began = self.clock.now().mono;
        loop {
            let cut = self.cut(began, admitted.bytes);
            if cut.is_some() {
                return Ok(cut);
            }
            let batch = self.retried("scan", async |queue| queue.scan(HOLD).await).await?;
            if batch.is_empty() || admitted.stale > STALE_MAX {
                return Ok(None);
            }
            admitted.stale += 1;
            for scanned in batch {
                self.hold(scanned, &admits, bodies, admitted);
            }
            self.renew().await;
        }
    }

    fn cut(&self, began: Mono, bytes: usize) -> Option<Cut> {
        if self.stopped() {
            Some(Cut::Stopped)
        } else if self.held.len() >= MESSAGES_MAX {
            Some(Cut::Messages)
        } else if bytes > BYTES_MAX {
            Some(Cut::Bytes)
        } else if self.clock.now().mono.since(began) > SCAN_TIME_MAX {
            Some(Cut::Time)
        } else {
            None
        }
    }

    /// Holds a message, and adds it to the admitted ones if `admits` chooses it.
    fn hold(
        &mut self,
        scanned: ScannedDeadLetter,
        admits: impl Fn(&ParsedDeadLetter) -> bool,
        bodies: bool,
        admitted: &mut Admitted,
    ) {
        let ScannedDeadLetter { receipt, mut dead_letter } = scanned;
        let until = self.clock.now().mono.plus(HOLD);
        let hold = Hold { receipt: receipt.clone(), until };
        // SQS may deliver a hidden message again. It has the same id, and a newer receipt.
        if self.held.insert(dead_letter.id.clone(), hold).is_some() {
            if let Some(known) = admitted.by_id.get_mut(&dead_letter.id) {
                known.receipt = receipt;
            }
            return;
        }
        admitted.stale = 0;
        let parsed = ParsedDeadLetter::parse(&dead_letter);
        if !admits(&parsed) {
            return;
        }
        if bodies {
            admitted.bytes += dead_letter.body.len();
        } else {
            dead_letter.body = String::new();
        }
        let id = dead_letter.id.clone();
        admitted.by_id.insert(id, HeldDeadLetter { parsed, receipt, dead_letter });
    }

    /// Waits until others hide no messages, at most [`WAIT_MAX`].
    pub async fn wait_for_hidden(&mut self) -> Result<(), QueueError> {
        let until = self.clock.now().mono.plus(WAIT_MAX);
        while !self.stopped() && self.clock.now().mono < until {
            if self.queue.depth().await?.hidden == 0 {
                break;
            }
            self.sleep_until(self.clock.now().mono.plus(WAIT_STEP)).await;
        }
        Ok(())
    }

    /// Hides messages again that would be visible soon. Stops holding those that somebody else may
    /// have received. Acting on those could make a copy, which the ledger would recognise.
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

    pub fn contains(&self, id: &MessageId) -> bool {
        self.held.contains_key(id)
    }

    /// Stops holding a message that is no longer in the queue.
    pub fn forget(&mut self, id: &MessageId) {
        self.held.remove(id);
    }

    /// Removes at most [`QUEUE_BATCH_MAX`] messages from the queue, and stops holding those that
    /// are gone. Returns one answer for each, in order.
    pub async fn remove_batch(&mut self, batch: &[&HeldDeadLetter]) -> Vec<Result<(), QueueError>> {
        let receipts: Vec<Receipt> = batch.iter().map(|one| one.receipt.clone()).collect();
        let answers = self.queue.remove(&receipts).await;
        for (one, answer) in batch.iter().zip(&answers) {
            if matches!(answer, Ok(()) | Err(QueueError::ReceiptGone(_))) {
                self.forget(one.id());
            }
        }
        answers
    }

    /// Shows these messages to others again.
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
                        "a message could not be released, it is visible again within 60 s"
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
