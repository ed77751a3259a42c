//! The queue as a worker sees it over a bad network.

use std::sync::Arc;
use std::time::Duration;

use hansho::ports::{
    Delivery, Depth, Lane, QuarantineEntry, Queue, QueueError, Receipt, ReceiveAsk,
};

use super::history::What;
use super::plan::Outage;
use super::process::Process;
use super::world::World;
use crate::support::memory_queue::read_receipt;

pub struct SimQueue {
    world: Arc<World>,
    process: Arc<Process>,
}

type Answers = Vec<Result<(), QueueError>>;

fn unavailable(why: &str) -> QueueError {
    QueueError::Unavailable(why.into())
}

fn number(receipt: &Receipt) -> u32 {
    read_receipt(receipt).map_or(0, |(number, _)| number as u32)
}

fn count(receipt: &Receipt) -> u32 {
    read_receipt(receipt).map_or(0, |(_, count)| count)
}

fn hidden((receipt, by): &(Receipt, Duration), done: bool) -> What {
    let ms = by.as_millis() as u64;
    What::Hide { message: number(receipt), count: count(receipt), ms, done }
}

impl SimQueue {
    pub fn new(world: &Arc<World>, process: &Arc<Process>) -> SimQueue {
        SimQueue { world: Arc::clone(world), process: Arc::clone(process) }
    }

    fn note(&self, what: What) {
        self.world.note(Some(self.process.who), what);
    }

    /// The error of a call that fails before it takes effect.
    fn fails(world: &World) -> Option<QueueError> {
        if world.outage(|what| what == Outage::Queue).is_some() {
            world.counted("queue call in an outage");
            return Some(unavailable("outage"));
        }
        let failing = world.fault("queue call failed", world.plan.queue.failing);
        failing.then(|| unavailable("throttled"))
    }

    fn answer_lost(world: &World) -> bool {
        world.fault("queue answer lost", world.plan.queue.answer_lost)
    }

    fn entry_fails(world: &World) -> bool {
        world.fault("queue entry failed", world.plan.queue.entry_failing)
    }

    /// If the process dies while the answer travels, the received messages stay hidden. No process
    /// crashes at a receive call, because it makes them all day long.
    async fn try_receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        let world = &self.world;
        if let Some(error) = Self::fails(world) {
            travel(world).await;
            return Err(error);
        }
        let batch = world.queue.receive(ask).await?;
        if batch.is_empty() {
            return Ok(batch);
        }
        travel(world).await;
        if Self::answer_lost(world) || world.outage(|what| what == Outage::Queue).is_some() {
            return Err(unavailable("the answer was lost"));
        }
        Ok(Self::spoil(world, batch, ask.visibility))
    }

    /// The faults of messages on their way to a worker.
    fn spoil(world: &Arc<World>, mut batch: Vec<Delivery>, visibility: Duration) -> Vec<Delivery> {
        let faults = &world.plan.queue;
        for delivery in &batch {
            let message = number(&delivery.receipt);
            if world.fault("visible too early", faults.early) {
                let world = Arc::clone(world);
                let late = world.draw(0..visibility.as_millis() as u64);
                tokio::spawn(async move {
                    world.sleep(late).await;
                    if !world.calm() && world.queue.body(u64::from(message)).is_some() {
                        world.note(None, What::Uncovered { message });
                        world.queue.uncover(u64::from(message));
                    }
                });
            }
        }
        if let Some(first) = batch.first().cloned()
            && world.fault("twice in a batch", faults.twice_in_a_batch)
        {
            batch.push(first);
        }
        if batch.len() > 1 && world.fault("shuffled", faults.shuffled) {
            world.shuffle(&mut batch);
        }
        batch
    }

    fn delete_one(world: &Arc<World>, receipt: &Receipt, done: &Result<(), QueueError>) -> bool {
        let message = number(receipt);
        match done {
            Ok(()) => true,
            // An old receipt may still delete its message.
            Err(_) => {
                world.queue.body(u64::from(message)).is_some()
                    && world.fault("stale delete worked", world.plan.queue.stale_deletes)
                    && world.queue.remove(u64::from(message))
            }
        }
    }

    /// A deleted message may be there again later.
    fn haunt(world: &Arc<World>, message: u32) {
        if !world.fault("came back after delete", world.plan.queue.comes_back) {
            return;
        }
        let world = Arc::clone(world);
        let late = world.draw(1_000..4 * 3_600_000);
        tokio::spawn(async move {
            world.sleep(late).await;
            if let Some((lane, body)) = world.remembered(message)
                && !world.calm()
            {
                world.note(None, What::CameBack { message });
                world.queue.restore(lane, u64::from(message), &body);
            }
        });
    }
}

async fn travel(world: &World) {
    world.sleep(world.draw(2..30)).await;
}

impl Queue for SimQueue {
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        self.world.rush(self.process.who, "receive");
        let received = self.try_receive(ask).await;
        for delivery in received.iter().flatten() {
            let (message, count) = (number(&delivery.receipt), delivery.receive_count);
            self.note(What::Received { message, count });
        }
        received
    }

    async fn delete(&self, lane: Lane, receipts: &[Receipt]) -> Answers {
        let world = Arc::clone(&self.world);
        let who = Some(self.process.who);
        let receipts = receipts.to_vec();
        world.rush(self.process.who, "delete");
        let answers = self.world.call(&self.process, async move {
            travel(&world).await;
            let deleted = |receipt: &Receipt, gone| {
                let (message, count) = (number(receipt), count(receipt));
                world.note(who, What::Delete { message, count, gone });
            };
            if let Some(error) = Self::fails(&world) {
                receipts.iter().for_each(|receipt| deleted(receipt, false));
                return vec![Err(error); receipts.len()];
            }
            let mut answers = Vec::new();
            for receipt in &receipts {
                let message = number(receipt);
                if Self::entry_fails(&world) {
                    deleted(receipt, false);
                    answers.push(Err(unavailable("internal error")));
                    continue;
                }
                let one = std::slice::from_ref(receipt);
                let mut done = world.queue.delete(lane, one).await.pop().unwrap_or(Ok(()));
                let gone = Self::delete_one(&world, receipt, &done);
                deleted(receipt, gone);
                if gone {
                    done = Ok(());
                    Self::haunt(&world, message);
                } else if world
                    .fault("stale delete seemed to work", world.plan.queue.stale_accepted)
                {
                    done = Ok(());
                }
                answers.push(done);
            }
            if Self::answer_lost(&world) {
                return vec![Err(unavailable("the answer was lost")); receipts.len()];
            }
            answers
        });
        let answers = answers.await;
        if answers.iter().any(Result::is_err) {
            self.note(What::QueueFailed);
        }
        answers
    }

    async fn hide(&self, lane: Lane, entries: &[(Receipt, Duration)]) -> Answers {
        let world = Arc::clone(&self.world);
        let who = Some(self.process.who);
        let entries = entries.to_vec();
        world.rush(self.process.who, "hide");
        let answers = self.world.call(&self.process, async move {
            travel(&world).await;
            if let Some(error) = Self::fails(&world) {
                entries.iter().for_each(|entry| world.note(who, hidden(entry, false)));
                return vec![Err(error); entries.len()];
            }
            let mut answers = Vec::new();
            for entry in &entries {
                let done = match Self::entry_fails(&world) {
                    true => Err(unavailable("internal error")),
                    false => {
                        let one = std::slice::from_ref(entry);
                        world.queue.hide(lane, one).await.pop().unwrap_or(Ok(()))
                    }
                };
                world.note(who, hidden(entry, done.is_ok()));
                answers.push(done);
            }
            if Self::answer_lost(&world) {
                return vec![Err(unavailable("the answer was lost")); entries.len()];
            }
            answers
        });
        let answers = answers.await;
        if answers.iter().any(Result::is_err) {
            self.note(What::QueueFailed);
        }
        answers
    }

    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<(), QueueError> {
        let world = Arc::clone(&self.world);
        let who = Some(self.process.who);
        let entry = entry.clone();
        world.rush(self.process.who, "quarantine");
        let answer = self.world.call(&self.process, async move {
            travel(&world).await;
            if let Some(error) = Self::fails(&world) {
                return Err(error);
            }
            world.queue.quarantine(&entry).await?;
            let message = entry.message_id.0.strip_prefix('m').and_then(|n| n.parse().ok());
            let (message, reason) = (message.unwrap_or(0), entry.reason.clone());
            let whole = world.remembered(message).is_some_and(|(_, body)| body == entry.body);
            let reason = if whole { reason } else { format!("{reason}, and changed on the way") };
            world.note(who, What::DeadLetter { message, reason });
            match Self::answer_lost(&world) {
                true => Err(unavailable("the answer was lost")),
                false => Ok(()),
            }
        });
        let answer = answer.await;
        if answer.is_err() {
            self.note(What::QueueFailed);
        }
        answer
    }

    async fn depth(&self, lane: Lane) -> Result<Depth, QueueError> {
        travel(&self.world).await;
        self.world.queue.depth(lane).await
    }
}
