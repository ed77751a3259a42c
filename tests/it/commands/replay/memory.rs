//! A queue of dead letters in memory that acts like SQS: scanned messages are hidden for a time,
//! receipts go stale. It counts its calls, can fail them, and can stop for ever at any of them,
//! before or after doing what it was asked, as a process does that is killed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hansho::instants::Wall;
use hansho::ports::{
    Clock, DeadLetter, DeadLetterQueue, Depth, Lane, MessageId, Outgoing, Put, QUEUE_BATCH_MAX,
    QueueError, Receipt, ScannedDeadLetter, Sent,
};

use super::contract::{self, DeadLetterHarness};
use crate::support::fakes::MovedClock;

struct Kept {
    number: u64,
    dead_letter: DeadLetter,
    visible_at: Wall,
    receives: u32,
}

#[derive(Default)]
struct Inner {
    messages: Vec<Kept>,
    sent: Vec<(Lane, Wall, String)>,
    next: u64,
    calls: usize,
    /// The call at which the process dies, and whether what it asked for is done.
    dies_at: Option<(usize, bool)>,
    faults: Vec<(Call, usize, Fault)>,
}

/// The calls of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Scan,
    Hide,
    Send,
    Remove,
    Put,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done.
    Refuse,
    /// All is done, but the answer says that nothing was.
    LoseAnswer,
    /// A send is done, but what was sent is not removed.
    Leave,
}

pub struct MemoryDeadLetters<C> {
    inner: Arc<Mutex<Inner>>,
    clock: Arc<C>,
    lanes: Vec<Lane>,
}

impl<C> Clone for MemoryDeadLetters<C> {
    fn clone(&self) -> MemoryDeadLetters<C> {
        let (inner, clock) = (Arc::clone(&self.inner), Arc::clone(&self.clock));
        MemoryDeadLetters { inner, clock, lanes: self.lanes.clone() }
    }
}

fn broken() -> QueueError {
    QueueError::Unavailable("a fault that the test ordered".into())
}

impl<C: Clock> MemoryDeadLetters<C> {
    pub fn new(clock: Arc<C>) -> MemoryDeadLetters<C> {
        MemoryDeadLetters { inner: Arc::default(), clock, lanes: Lane::ALL.to_vec() }
    }

    pub fn with_lanes(self, lanes: &[Lane]) -> MemoryDeadLetters<C> {
        MemoryDeadLetters { lanes: lanes.to_vec(), ..self }
    }

    /// Quarantines a message under its own id.
    pub fn quarantine(&self, dead_letter: DeadLetter) {
        let mut inner = self.inner.lock().unwrap();
        inner.next += 1;
        let number = inner.next;
        inner.messages.push(Kept { number, dead_letter, visible_at: Wall(0), receives: 0 });
    }

    /// The next `times` calls of this kind suffer the fault.
    pub fn inject(&self, call: Call, times: usize, fault: Fault) {
        self.inner.lock().unwrap().faults.push((call, times, fault));
    }

    pub fn die_at(&self, call: Option<(usize, bool)>) {
        let mut inner = self.inner.lock().unwrap();
        inner.dies_at = call;
        inner.calls = 0;
    }

    /// True if the call at which the process was to die was made.
    pub fn died(&self) -> bool {
        let inner = self.inner.lock().unwrap();
        inner.dies_at.is_some_and(|(at, _)| inner.calls > at)
    }

    pub fn bodies(&self) -> Vec<String> {
        self.inner.lock().unwrap().messages.iter().map(|m| m.dead_letter.body.clone()).collect()
    }

    /// How many are hidden now.
    pub fn hidden(&self) -> usize {
        let now = self.clock.now().wall;
        self.inner.lock().unwrap().messages.iter().filter(|m| m.visible_at > now).count()
    }

    /// What was sent, in order: the lane, when, and the body.
    pub fn sent(&self) -> Vec<(Lane, Wall, String)> {
        self.inner.lock().unwrap().sent.clone()
    }

    /// Makes what is hidden visible, as SQS may too early.
    pub fn reveal(&self) {
        self.inner.lock().unwrap().messages.iter_mut().for_each(|m| m.visible_at = Wall(0));
    }

    /// Does `work`, unless the process dies before it; does not come back if it dies after it.
    async fn call<T>(&self, call: Call, work: impl FnOnce(&mut Inner, Option<Fault>) -> T) -> T {
        let (dies, done) = {
            let mut inner = self.inner.lock().unwrap();
            let number = inner.calls;
            inner.calls += 1;
            let dies = inner.dies_at.filter(|(at, _)| *at == number);
            let due = |(of, times, _): &&mut (Call, usize, Fault)| *of == call && *times > 0;
            let fault = inner.faults.iter_mut().find(due).map(|(_, times, fault)| {
                *times -= 1;
                *fault
            });
            match dies {
                Some((_, false)) => (true, None),
                dies => (dies.is_some(), Some(work(&mut inner, fault))),
            }
        };
        match done {
            Some(done) if !dies => done,
            _ => std::future::pending().await,
        }
    }
}

fn newest<'a>(inner: &'a mut Inner, receipt: &Receipt) -> Option<&'a mut Kept> {
    let (number, receives) = receipt.0.strip_prefix('p')?.split_once('.')?;
    let (number, receives): (u64, u32) = (number.parse().ok()?, receives.parse().ok()?);
    inner.messages.iter_mut().find(|m| m.number == number && m.receives == receives)
}

fn remove(inner: &mut Inner, receipt: &Receipt) -> Result<(), QueueError> {
    let number = newest(inner, receipt).map(|m| m.number);
    let number = number.ok_or_else(|| QueueError::ReceiptGone("stale".to_owned()))?;
    inner.messages.retain(|m| m.number != number);
    Ok(())
}

impl<C: Clock> DeadLetterQueue for MemoryDeadLetters<C> {
    fn lanes(&self) -> Vec<Lane> {
        self.lanes.clone()
    }

    async fn scan(&self, hidden: Duration) -> Result<Vec<ScannedDeadLetter>, QueueError> {
        let now = self.clock.now().wall;
        self.call(Call::Scan, |inner, fault| {
            if fault == Some(Fault::Refuse) {
                return Err(broken());
            }
            let visible = inner.messages.iter_mut().filter(|m| m.visible_at <= now);
            let held = visible.take(QUEUE_BATCH_MAX).map(|m| {
                m.receives += 1;
                m.visible_at = now.plus(hidden);
                let receipt = Receipt(format!("p{}.{}", m.number, m.receives));
                ScannedDeadLetter { receipt, dead_letter: m.dead_letter.clone() }
            });
            let held = held.collect();
            if fault == Some(Fault::LoseAnswer) { Err(broken()) } else { Ok(held) }
        })
        .await
    }

    async fn hide(&self, entries: &[(Receipt, Duration)]) -> Vec<Result<(), QueueError>> {
        let now = self.clock.now().wall;
        self.call(Call::Hide, |inner, fault| {
            if fault == Some(Fault::Refuse) {
                return vec![Err(broken()); entries.len()];
            }
            let one = |(receipt, by): &(Receipt, Duration)| match newest(inner, receipt) {
                Some(m) if m.visible_at > now => {
                    m.visible_at = now.plus(*by);
                    Ok(())
                }
                _ => Err(QueueError::ReceiptGone("stale".to_owned())),
            };
            entries.iter().map(one).collect()
        })
        .await
    }

    async fn send(&self, lane: Lane, messages: &[Outgoing], keep: bool) -> Vec<Sent> {
        let now = self.clock.now().wall;
        self.call(Call::Send, |inner, fault| {
            if fault == Some(Fault::Refuse) {
                return vec![Sent::NotSent(broken()); messages.len()];
            }
            let each = messages.iter().map(|m| {
                inner.sent.push((lane, now, m.body.clone()));
                match fault {
                    Some(Fault::LoseAnswer) => Sent::NotSent(broken()),
                    Some(Fault::Leave) => Sent::NotRemoved(broken()),
                    _ if keep => Sent::Copied,
                    _ => remove(inner, &m.receipt).map_or_else(Sent::NotRemoved, |()| Sent::Moved),
                }
            });
            each.collect()
        })
        .await
    }

    async fn remove(&self, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        self.call(Call::Remove, |inner, fault| match fault {
            Some(Fault::Refuse) => vec![Err(broken()); receipts.len()],
            _ => receipts.iter().map(|receipt| remove(inner, receipt)).collect(),
        })
        .await
    }

    async fn put(&self, message: &DeadLetter) -> Result<Put, QueueError> {
        self.call(Call::Put, |inner, fault| {
            if fault == Some(Fault::Refuse) {
                return Err(broken());
            }
            inner.next += 1;
            let number = inner.next;
            let original_id = message.original_id.clone().or_else(|| Some(message.id.clone()));
            let id = MessageId(format!("memory-{number}"));
            let dead_letter = DeadLetter { id, original_id, ..message.clone() };
            inner.messages.push(Kept { number, dead_letter, visible_at: Wall(0), receives: 0 });
            if fault == Some(Fault::LoseAnswer) { Err(broken()) } else { Ok(Put::New) }
        })
        .await
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        let hidden = self.hidden() as u64;
        let all = self.inner.lock().unwrap().messages.len() as u64;
        Ok(Depth { visible: all - hidden, hidden })
    }
}

/// The fake on a clock that the suite moves.
struct InMemory {
    queue: MemoryDeadLetters<MovedClock>,
    clock: Arc<MovedClock>,
}

impl InMemory {
    async fn fresh() -> InMemory {
        let clock = Arc::new(MovedClock::default());
        InMemory { queue: MemoryDeadLetters::new(Arc::clone(&clock)), clock }
    }
}

impl DeadLetterHarness for InMemory {
    type Queue = MemoryDeadLetters<MovedClock>;

    fn queue(&self) -> Self::Queue {
        self.queue.clone()
    }

    fn unit(&self) -> Duration {
        Duration::from_secs(30)
    }

    async fn pass_time(&self, by: Duration) {
        self.clock.pass(by);
    }

    async fn in_lane(&self, lane: Lane) -> Vec<String> {
        let sent = self.queue.sent().into_iter();
        sent.filter(|(of, ..)| *of == lane).map(|(.., body)| body).collect()
    }
}

#[tokio::test]
async fn the_fake_dead_letter_queue_keeps_the_contract() {
    contract::exercise("in memory", &[], InMemory::fresh).await;
}
