//! The queue of one call: [`Queue`] over a batch that Lambda has received. A delete is only noted,
//! because Lambda deletes the messages that the answer does not name. Other calls go to SQS.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};

use crate::finding::{self, Level};
use crate::ports::{
    Delivery, Depth, Lane, MessageId, QUEUE_BATCH_MAX, QuarantineEntry, Queue, QueueError, Receipt,
    ReceiveAsk,
};

/// How many calls at a time return untouched messages.
const CALLS_AT_ONCE: usize = 8;

pub struct BatchQueue<'a, Q> {
    inner: &'a Q,
    lane: Lane,
    state: Mutex<State>,
}

struct State {
    /// Messages that the desk has not received yet.
    fresh: VecDeque<Delivery>,
    messages: BTreeMap<Receipt, MessageId>,
    /// Messages that are not deleted. The answer names them.
    unfinished: BTreeSet<MessageId>,
}

impl<'a, Q: Queue> BatchQueue<'a, Q> {
    pub fn new(inner: &'a Q, lane: Lane, deliveries: Vec<Delivery>) -> BatchQueue<'a, Q> {
        let messages: BTreeMap<Receipt, MessageId> =
            deliveries.iter().map(|d| (d.receipt.clone(), d.message_id.clone())).collect();
        let unfinished = messages.values().cloned().collect();
        let fresh = most_severe_first(deliveries).into();
        let state = State { fresh, messages, unfinished };
        BatchQueue { inner, lane, state: Mutex::new(state) }
    }

    /// A panic while the lock is held would leave a valid state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The messages that Lambda's answer must name, so that they are delivered again.
    pub fn unfinished(&self) -> BTreeSet<MessageId> {
        self.state().unfinished.clone()
    }

    /// Returns the messages that the desk never received to the queue, with a delay of at least
    /// `after`, the longest delay of the desk's own returns. One post holds `together` alerts, so
    /// each `together` messages come an `interval` later. Returns how many messages SQS took back.
    pub async fn return_untouched(
        &self,
        after: Duration,
        together: usize,
        interval: Duration,
    ) -> usize {
        let rest = std::mem::take(&mut self.state().fresh);
        let turn = |index: usize| {
            let posts = u32::try_from(index / together.max(1)).unwrap_or(u32::MAX);
            after.saturating_add(interval.saturating_mul(posts)).min(TURN_MAX)
        };
        let entries: Vec<(Receipt, Duration)> =
            rest.into_iter().enumerate().map(|(i, d)| (d.receipt, turn(i))).collect();
        let calls = entries.chunks(QUEUE_BATCH_MAX).map(|ten| self.inner.hide(self.lane, ten));
        let answers: Vec<_> = stream::iter(calls).buffer_unordered(CALLS_AT_ONCE).collect().await;
        // A message whose call failed is delivered again when its visibility time-out ends.
        answers.iter().flatten().filter(|answer| answer.is_ok()).count()
    }
}

/// The longest delay of a message that nobody parsed, because it may be critical.
const TURN_MAX: Duration = Duration::from_secs(120);

/// Sorts by severity, because the buffer may not have room for the whole batch. Messages that can't
/// be read come first: they are quarantined at once and need no room.
fn most_severe_first(mut deliveries: Vec<Delivery>) -> Vec<Delivery> {
    if deliveries.len() > QUEUE_BATCH_MAX {
        deliveries.sort_by_cached_key(|delivery| {
            let parsed = finding::parse_wanted(&delivery.body, &|_| false);
            let canaries = parsed.findings.iter().map(|f| f.severity.level);
            let highest = parsed.unwanted.iter().map(|f| f.severity.level).chain(canaries).max();
            Reverse(highest.unwrap_or(Level::Critical))
        });
    }
    deliveries
}

impl<Q: Queue> Queue for BatchQueue<'_, Q> {
    /// Never waits, because no further message comes.
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        let mut state = self.state();
        let count = ask.max.min(state.fresh.len());
        Ok(state.fresh.drain(..count).collect())
    }

    async fn delete(&self, _: Lane, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        let mut state = self.state();
        let delete = |receipt: &Receipt| {
            if let Some(id) = state.messages.get(receipt).cloned() {
                state.unfinished.remove(&id);
            }
            Ok(())
        };
        receipts.iter().map(delete).collect()
    }

    async fn hide(
        &self,
        lane: Lane,
        entries: &[(Receipt, Duration)],
    ) -> Vec<Result<(), QueueError>> {
        self.inner.hide(lane, entries).await
    }

    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<(), QueueError> {
        self.inner.quarantine(entry).await
    }

    async fn depth(&self, _: Lane) -> Result<Depth, QueueError> {
        let visible = self.state().fresh.len() as u64;
        Ok(Depth { visible, hidden: 0 })
    }
}
