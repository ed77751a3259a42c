//! The in-memory queue of the tests: stateful, with SQS's manners, on whatever clock it is given.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hansho::instants::Wall;
use hansho::ports::{
    Clock, Delivery, Depth, Lane, MessageId, Parcel, Queue, QueueError, Receipt, ReceiveAsk,
};
use tokio::sync::Notify;

use crate::fakes::MovedClock;
use crate::queue_contract::{self, Parked, QueueHarness};

#[derive(Clone)]
struct Message {
    lane: Lane,
    id: String,
    body: String,
    enqueued_at: Wall,
    visible_at: Wall,
    count: u32,
    receipt: Option<String>,
}

#[derive(Default)]
struct Inner {
    messages: Vec<Message>,
    parked: Vec<Parcel>,
    next: u64,
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

    pub fn send(&self, lane: Lane, body: &str) {
        let now = self.clock.now().wall;
        let mut inner = self.inner.lock().unwrap();
        inner.next += 1;
        let id = format!("m{}", inner.next);
        inner.messages.push(Message {
            lane,
            id,
            body: body.to_owned(),
            enqueued_at: now,
            visible_at: now,
            count: 0,
            receipt: None,
        });
        self.arrivals.notify_waiters();
    }

    pub fn parked(&self) -> Vec<Parcel> {
        self.inner.lock().unwrap().parked.clone()
    }

    /// How many messages there are, hidden ones included.
    pub fn len(&self) -> usize {
        self.inner.lock().unwrap().messages.len()
    }

    fn take(&self, ask: ReceiveAsk) -> Vec<Delivery> {
        let now = self.clock.now().wall;
        let mut inner = self.inner.lock().unwrap();
        let due = |m: &&mut Message| m.lane == ask.lane && m.visible_at <= now;
        let receive = |m: &mut Message| {
            m.count += 1;
            m.visible_at = now.plus(ask.visibility);
            let receipt = format!("{}.{}", m.id, m.count);
            m.receipt = Some(receipt.clone());
            Delivery {
                lane: m.lane,
                message_id: MessageId(m.id.clone()),
                receipt: Receipt(receipt),
                body: m.body.clone(),
                receive_count: m.count,
                enqueued_at: Some(m.enqueued_at),
            }
        };
        inner.messages.iter_mut().filter(due).take(ask.max).map(receive).collect()
    }

    fn find(&self, lane: Lane, receipt: &Receipt) -> Result<usize, QueueError> {
        let gone = || QueueError::ReceiptGone(receipt.0.clone());
        let inner = self.inner.lock().unwrap();
        inner
            .messages
            .iter()
            .position(|m| m.lane == lane && m.receipt.as_ref() == Some(&receipt.0))
            .ok_or_else(gone)
    }
}

impl<C: Clock> Queue for MemoryQueue<C> {
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        let until = self.clock.now().mono.plus(ask.wait);
        loop {
            let arrival = self.arrivals.notified();
            let taken = self.take(ask);
            let now = self.clock.now().mono;
            if !taken.is_empty() || now >= until {
                return Ok(taken);
            }
            let look = until.min(now.plus(Duration::from_millis(250)));
            tokio::select! {
                biased;
                () = arrival => {}
                () = self.clock.sleep_until(look) => {}
            }
        }
    }

    async fn delete(&self, lane: Lane, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        let delete = |receipt| {
            let at = self.find(lane, receipt)?;
            self.inner.lock().unwrap().messages.remove(at);
            Ok(())
        };
        receipts.iter().map(delete).collect()
    }

    async fn hide(
        &self,
        lane: Lane,
        entries: &[(Receipt, Duration)],
    ) -> Vec<Result<(), QueueError>> {
        let now = self.clock.now().wall;
        let hide = |(receipt, by): &(Receipt, Duration)| {
            let at = self.find(lane, receipt)?;
            self.inner.lock().unwrap().messages[at].visible_at = now.plus(*by);
            self.arrivals.notify_waiters();
            Ok(())
        };
        entries.iter().map(hide).collect()
    }

    async fn park(&self, parcel: &Parcel) -> Result<(), QueueError> {
        self.inner.lock().unwrap().parked.push(parcel.clone());
        Ok(())
    }

    async fn depth(&self, lane: Lane) -> Result<Depth, QueueError> {
        let now = self.clock.now().wall;
        let inner = self.inner.lock().unwrap();
        let of_lane = inner.messages.iter().filter(|m| m.lane == lane);
        let visible = of_lane.clone().filter(|m| m.visible_at <= now).count() as u64;
        Ok(Depth { visible, hidden: of_lane.count() as u64 - visible })
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

    async fn parked(&self) -> Vec<Parked> {
        let same = |p: Parcel| Parked {
            body: p.body,
            reason: Some(p.reason),
            detail: Some(p.detail),
            lane: Some(p.lane.word().to_owned()),
            message_id: Some(p.message_id.0),
            receive_count: Some(p.receive_count),
            enqueued_at: p.enqueued_at,
            parked_at: Some(p.parked_at),
        };
        self.queue.parked().into_iter().map(same).collect()
    }
}

#[tokio::test]
async fn the_fake_queue_keeps_the_contract() {
    queue_contract::exercise("in memory", &[], InMemory::fresh).await;
}
