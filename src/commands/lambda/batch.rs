//! The queue of one call: [`Queue`] over a batch that Lambda has received already. What is deleted
//! here is only noted, because Lambda deletes what the answer does not name; all else goes to the
//! queue itself.

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

/// How many calls return what was never taken up, at a time.
const CALLS_AT_ONCE: usize = 8;

pub struct BatchQueue<'a, Q> {
    inner: &'a Q,
    lane: Lane,
    state: Mutex<State>,
}

struct State {
    /// Not taken up by the desk yet.
    fresh: VecDeque<Delivery>,
    messages: BTreeMap<Receipt, MessageId>,
    /// What owes something still. All of it is named in the answer.
    open: BTreeSet<MessageId>,
}

impl<'a, Q: Queue> BatchQueue<'a, Q> {
    pub fn new(inner: &'a Q, lane: Lane, deliveries: Vec<Delivery>) -> BatchQueue<'a, Q> {
        let messages: BTreeMap<Receipt, MessageId> =
            deliveries.iter().map(|d| (d.receipt.clone(), d.message_id.clone())).collect();
        let open = messages.values().cloned().collect();
        let fresh = worst_first(deliveries).into();
        let state = State { fresh, messages, open };
        BatchQueue { inner, lane, state: Mutex::new(state) }
    }

    /// No code that holds the lock can panic in between; if it did, the numbers would still be true.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is not settled: for Lambda's answer.
    pub fn open(&self) -> BTreeSet<MessageId> {
        self.state().open.clone()
    }

    /// Sends what the desk never took up back to the queue, to come `after` what the desk sent back
    /// itself: `together` can be told in one post, so each so many come an `interval` later. Answers
    /// how many that were.
    pub async fn send_back_the_rest(
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
        // One that failed comes back when its visibility ends, only later.
        answers.iter().flatten().filter(|answer| answer.is_ok()).count()
    }
}

/// Nothing that was not even looked at is kept away for longer: it may be critical.
const TURN_MAX: Duration = Duration::from_secs(120);

/// The desk may not have room for all, and must not find the worst of them last. What can't be read
/// comes first: it is parked at once and takes no room.
fn worst_first(mut deliveries: Vec<Delivery>) -> Vec<Delivery> {
    if deliveries.len() > QUEUE_BATCH_MAX {
        deliveries.sort_by_cached_key(|delivery| {
            let parsed = finding::parse_wanted(&delivery.body, &|_| false);
            let canaries = parsed.findings.iter().map(|f| f.severity.level);
            let worst = parsed.unwanted.iter().map(|f| f.severity.level).chain(canaries).max();
            Reverse(worst.unwrap_or(Level::Critical))
        });
    }
    deliveries
}

impl<Q: Queue> Queue for BatchQueue<'_, Q> {
    /// Never waits: nothing more comes than is there.
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        let mut state = self.state();
        let count = ask.max.min(state.fresh.len());
        Ok(state.fresh.drain(..count).collect())
    }

    async fn delete(&self, _: Lane, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        let mut state = self.state();
        let settle = |receipt: &Receipt| {
            if let Some(id) = state.messages.get(receipt).cloned() {
                state.open.remove(&id);
            }
            Ok(())
        };
        receipts.iter().map(settle).collect()
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
