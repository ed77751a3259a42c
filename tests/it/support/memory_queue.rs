//! The in-memory queue of the tests: stateful, with SQS's manners, on whatever clock it is given.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hansho::instants::Wall;
use hansho::policy::budget::TimeBudget;
use hansho::ports::{
    Clock, Delivery, Depth, Lane, MessageId, QuarantineEntry, Queue, QueueError, Receipt,
    ReceiveAsk,
};
use tokio::sync::Notify;

use crate::contracts::queue_contract::{self, DeadLetter, QueueHarness};
use crate::support::fakes::MovedClock;

struct Message {
    lane: Lane,
    body: String,
    enqueued_at: Wall,
    received_at: Wall,
    /// None: it is visible.
    hidden_until: Option<Wall>,
    count: u32,
    again: bool,
}

const COUNT_WHEN_BACK: u32 = 1000;

#[derive(Default)]
struct Shelf {
    /// By the order in which they were sent.
    visible: BTreeSet<u64>,
    hidden: BTreeSet<(Wall, u64)>,
}

/// Indexed, because a simulated night puts tens of thousands of messages through it.
#[derive(Default)]
struct Inner {
    messages: BTreeMap<u64, Message>,
    shelves: BTreeMap<Lane, Shelf>,
    quarantined: Vec<QuarantineEntry>,
    next: u64,
}

impl Inner {
    fn put(&mut self, number: u64, lane: Lane, body: &str, enqueued_at: Wall) {
        let body = body.to_owned();
        let (received_at, hidden_until, count) = (enqueued_at, None, 0);
        let again = false;
        let message = Message { lane, body, enqueued_at, received_at, hidden_until, count, again };
        self.messages.insert(number, message);
        self.shelves.entry(lane).or_default().visible.insert(number);
    }

    /// What was hidden until now is visible.
    fn uncover(&mut self, lane: Lane, now: Wall) {
        let Some(shelf) = self.shelves.get_mut(&lane) else { return };
        while let Some(&(until, number)) = shelf.hidden.first().filter(|(until, _)| *until <= now) {
            shelf.hidden.remove(&(until, number));
            shelf.visible.insert(number);
            self.messages.get_mut(&number).unwrap().hidden_until = None;
        }
    }

    fn unshelve(&mut self, number: u64) {
        let Some(message) = self.messages.get(&number) else { return };
        let shelf = self.shelves.entry(message.lane).or_default();
        match message.hidden_until {
            Some(until) => shelf.hidden.remove(&(until, number)),
            None => shelf.visible.remove(&number),
        };
    }

    fn hide(&mut self, number: u64, until: Wall) {
        self.unshelve(number);
        let Some(message) = self.messages.get_mut(&number) else { return };
        message.hidden_until = Some(until);
        self.shelves.entry(message.lane).or_default().hidden.insert((until, number));
    }

    /// The message of the newest receipt; an older receipt is good for nothing.
    fn find(&self, lane: Lane, receipt: &Receipt) -> Result<u64, QueueError> {
        let newest = |(number, count): (u64, u32)| {
            let message = self.messages.get(&number)?;
            (message.lane == lane && message.count == count).then_some(number)
        };
        let number = read_receipt(receipt).and_then(newest);
        number.ok_or_else(|| QueueError::ReceiptGone(receipt.0.clone()))
    }

    fn remove(&mut self, number: u64) -> bool {
        self.unshelve(number);
        self.messages.remove(&number).is_some()
    }
}

/// `m12.3` is the third receive of message 12.
pub fn read_receipt(receipt: &Receipt) -> Option<(u64, u32)> {
    let (number, count) = receipt.0.strip_prefix('m')?.split_once('.')?;
    Some((number.parse().ok()?, count.parse().ok()?))
}

#[derive(Clone)]
pub struct MemoryQueue<C> {
    inner: Arc<Mutex<Inner>>,
    arrivals: Arc<Notify>,
    clock: C,
}

impl<C: Clock> MemoryQueue<C> {
    pub fn new(clock: C) -> MemoryQueue<C> {
        let inner = Arc::default();
        MemoryQueue { inner, arrivals: Arc::new(Notify::new()), clock }
    }

    /// Answers with the number of the message: its id is `m` and the number.
    pub fn send(&self, lane: Lane, body: &str) -> u64 {
        let now = self.clock.now().wall;
        let mut inner = self.inner.lock().unwrap();
        inner.next += 1;
        let number = inner.next;
        inner.put(number, lane, body, now);
        self.arrivals.notify_waiters();
        number
    }

    /// Sends a message again, as an operator does.
    pub fn send_again(&self, lane: Lane, body: &str) -> u64 {
        let number = self.send(lane, body);
        self.inner.lock().unwrap().messages.entry(number).and_modify(|m| m.again = true);
        number
    }

    pub fn quarantined(&self) -> Vec<QuarantineEntry> {
        self.inner.lock().unwrap().quarantined.clone()
    }

    /// How many messages there are, hidden ones included.
    pub fn len(&self) -> usize {
        self.inner.lock().unwrap().messages.len()
    }

    /// Makes a message visible too early, as SQS may.
    pub fn uncover(&self, number: u64) {
        let now = self.clock.now().wall;
        self.inner.lock().unwrap().hide(number, now);
        self.arrivals.notify_waiters();
    }

    /// Deletes by any receipt, as SQS may. False if the message is gone already.
    pub fn remove(&self, number: u64) -> bool {
        self.inner.lock().unwrap().remove(number)
    }

    /// The text of a message that is not deleted.
    pub fn body(&self, number: u64) -> Option<String> {
        self.inner.lock().unwrap().messages.get(&number).map(|m| m.body.clone())
    }

    /// A deleted message is there again, as may happen with SQS; its old receipts are not.
    pub fn restore(&self, lane: Lane, number: u64, body: &str) {
        let now = self.clock.now().wall;
        let mut inner = self.inner.lock().unwrap();
        if !inner.messages.contains_key(&number) {
            inner.put(number, lane, body, now);
            inner.messages.entry(number).and_modify(|m| m.count = COUNT_WHEN_BACK);
        }
        self.arrivals.notify_waiters();
    }

    fn take(&self, ask: ReceiveAsk) -> Vec<Delivery> {
        let now = self.clock.now().wall;
        let mut inner = self.inner.lock().unwrap();
        inner.uncover(ask.lane, now);
        let visible = inner.shelves.get(&ask.lane).into_iter().flat_map(|s| &s.visible);
        let due: Vec<u64> = visible.copied().take(ask.max).collect();
        let receive = |number| {
            inner.hide(number, now.plus(ask.visibility));
            let m = inner.messages.get_mut(&number)?;
            m.count += 1;
            m.received_at = now;
            Some(Delivery {
                lane: m.lane,
                message_id: MessageId(format!("m{number}")),
                receipt: Receipt(format!("m{number}.{}", m.count)),
                body: m.body.clone(),
                receive_count: m.count,
                enqueued_at: Some(m.enqueued_at),
                again: m.again,
                place: None,
            })
        };
        due.into_iter().filter_map(receive).collect()
    }

    /// When the next hidden message of the lane is visible again.
    fn next_uncovered(&self, lane: Lane) -> Option<Wall> {
        let inner = self.inner.lock().unwrap();
        inner.shelves.get(&lane)?.hidden.first().map(|(until, _)| *until)
    }
}

impl<C: Clock> Queue for MemoryQueue<C> {
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        let until = self.clock.now().mono.plus(ask.wait);
        loop {
            let arrival = self.arrivals.notified();
            let taken = self.take(ask);
            let now = self.clock.now();
            if !taken.is_empty() || now.mono >= until {
                return Ok(taken);
            }
            let next = self.next_uncovered(ask.lane).map(|at| now.mono.plus(at.since(now.wall)));
            let wake_at = next.map_or(until, |next| next.min(until));
            tokio::select! {
                biased;
                () = arrival => {}
                () = self.clock.sleep_until(wake_at) => {}
            }
        }
    }

    async fn delete(&self, lane: Lane, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        let mut inner = self.inner.lock().unwrap();
        let mut delete = |receipt| {
            let number = inner.find(lane, receipt)?;
            inner.remove(number);
            Ok(())
        };
        receipts.iter().map(&mut delete).collect()
    }

    async fn hide(
        &self,
        lane: Lane,
        entries: &[(Receipt, Duration)],
    ) -> Vec<Result<(), QueueError>> {
        let now = self.clock.now().wall;
        let mut inner = self.inner.lock().unwrap();
        let mut hide = |(receipt, by): &(Receipt, Duration)| {
            let number = inner.find(lane, receipt)?;
            let received_at = inner.messages.get(&number).map_or(now, |m| m.received_at);
            if now.plus(*by) > received_at.plus(TimeBudget::RECEIVE_MAX) {
                let why = "more than 12 hours after the receive";
                return Err(QueueError::Unavailable(why.into()));
            }
            inner.hide(number, now.plus(*by));
            self.arrivals.notify_waiters();
            Ok(())
        };
        entries.iter().map(&mut hide).collect()
    }

    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<(), QueueError> {
        self.inner.lock().unwrap().quarantined.push(entry.clone());
        Ok(())
    }

    async fn depth(&self, lane: Lane) -> Result<Depth, QueueError> {
        let now = self.clock.now().wall;
        let mut inner = self.inner.lock().unwrap();
        inner.uncover(lane, now);
        let count = |shelf: &Shelf| (shelf.visible.len() as u64, shelf.hidden.len() as u64);
        let (visible, hidden) = inner.shelves.get(&lane).map_or((0, 0), count);
        Ok(Depth { visible, hidden })
    }
}

/// The fake on a clock that the suite moves.
struct InMemory {
    queue: MemoryQueue<Arc<MovedClock>>,
    clock: Arc<MovedClock>,
}

impl InMemory {
    async fn fresh() -> InMemory {
        let clock = Arc::new(MovedClock::default());
        InMemory { queue: MemoryQueue::new(Arc::clone(&clock)), clock }
    }
}

impl QueueHarness for InMemory {
    type Queue = MemoryQueue<Arc<MovedClock>>;

    fn queue(&self) -> &Self::Queue {
        &self.queue
    }

    fn unit(&self) -> Duration {
        Duration::from_secs(30)
    }

    async fn send(&self, lane: Lane, body: &str) {
        self.queue.send(lane, body);
    }

    async fn pass_time(&self, by: Duration) {
        self.clock.pass(by);
    }

    async fn quarantined(&self) -> Vec<DeadLetter> {
        let same = |p: QuarantineEntry| DeadLetter {
            body: p.body,
            reason: Some(p.reason),
            detail: Some(p.detail),
            lane: Some(p.lane.as_str().to_owned()),
            message_id: Some(p.message_id.0),
            receive_count: Some(p.receive_count),
            enqueued_at: p.enqueued_at,
            quarantined_at: Some(p.quarantined_at),
        };
        self.queue.quarantined().into_iter().map(same).collect()
    }
}

#[tokio::test]
async fn the_fake_queue_keeps_the_contract() {
    queue_contract::exercise("in memory", &[], InMemory::fresh).await;
}
