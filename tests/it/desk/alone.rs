//! A desk by itself, for counting and measuring only the work of the desk. Every order is answered
//! at once and successfully.

use std::collections::VecDeque;

use hansho::commands::demo::night::Night;
use hansho::desk::{ClaimOutcome, Desk, Event, Order, Settings};
use hansho::instants::{Mono, Now, Wall};
use hansho::policy::ledger::{Claim, Terms, Want, claim};
use hansho::policy::record::PaceRecord;
use hansho::ports::{Delivery, Lane, MessageId, Prefetched, Receipt, Verdict, Written};

const BEGAN: Wall = Wall(1_790_000_000_000);

pub struct DeskAlone {
    desk: Desk,
    terms: Terms,
    now: Now,
    /// The pace record of the destination.
    cell: Option<PaceRecord>,
    /// Bodies that are not at the desk: medium and high findings, all different.
    bodies: VecDeque<String>,
    sent: u64,
    /// How many orders were carried out.
    pub orders: usize,
    pub posts: usize,
}

impl DeskAlone {
    /// With so many findings waiting.
    pub fn with_waiting(settings: Settings, waiting: usize) -> DeskAlone {
        let now = Now { wall: BEGAN, mono: Mono(0) };
        let mut night = Night::new(1, BEGAN);
        let alerts = std::iter::repeat_with(|| night.alert()).filter(|event| !event.is_critical());
        let bodies = alerts.map(|event| event.body).take(waiting + 200).collect();
        let terms = settings.terms;
        let desk = Desk::new(settings, now);
        let mut alone =
            DeskAlone { desk, terms, now, cell: None, bodies, sent: 0, orders: 0, posts: 0 };
        alone.deliver(waiting);
        alone
    }

    /// So many more arrive.
    pub fn deliver(&mut self, count: usize) {
        for _ in 0..count {
            let Some(body) = self.bodies.pop_front() else { return };
            self.sent += 1;
            self.bodies.push_back(body.clone());
            let delivery = Delivery {
                lane: Lane::Standard,
                message_id: MessageId(format!("m{}", self.sent)),
                receipt: Receipt(format!("m{}.1", self.sent)),
                body,
                receive_count: 1,
                enqueued_at: Some(self.now.wall),
                // The same bodies come round, and each has to be posted each time.
                again: true,
                place: None,
            };
            let received = Event::Received { lane: Lane::Standard, result: Ok(vec![delivery]) };
            self.desk.on(received, self.now);
        }
    }

    /// Runs until one more post is accepted and its alerts are settled. Then as many findings
    /// arrive as were posted.
    pub fn post_and_fill_up(&mut self) {
        let (posts, settled) = (self.posts, self.desk.tally().deleted);
        while self.posts == posts || !self.step() {
            self.step();
        }
        let settled = self.desk.tally().deleted - settled;
        self.deliver(usize::try_from(settled).unwrap_or(0));
        self.desk.take_reports();
    }

    /// Carries out the current orders. Without orders, moves time on to the next event and returns
    /// true.
    fn step(&mut self) -> bool {
        let orders = self.desk.orders(self.now);
        let answers: Vec<Event> = orders.into_iter().filter_map(|o| self.answer(o)).collect();
        if answers.is_empty() {
            if let Some(at) = self.desk.wake_at() {
                let passed = at.since(self.now.mono);
                self.now = Now { wall: self.now.wall.plus(passed), mono: at.max(self.now.mono) };
            }
            return true;
        }
        for answer in answers {
            self.desk.on(answer, self.now);
        }
        false
    }

    /// The event that answers an order. A receive gets no answer, because it waits.
    fn answer(&mut self, order: Order) -> Option<Event> {
        self.orders += 1;
        Some(match order {
            Order::Receive(_) => return None,
            Order::Claim(order) => {
                let want = Want { owner: &order.owner, sighting: order.sighting };
                let Claim::Write { record: row, .. } =
                    claim(None, &want, &self.terms, self.now.wall)
                else {
                    panic!("what was never claimed can be claimed");
                };
                Event::Claimed { alert: order.alert, outcome: ClaimOutcome::Won(row) }
            }
            Order::Prefetch { keys, .. } => {
                Event::Prefetched { result: Ok(vec![Prefetched::Absent; keys.len()]) }
            }
            Order::ReadPace { destination, .. } => {
                Event::PaceRead { destination, result: Ok(self.cell.clone()) }
            }
            Order::Reserve(order) => {
                self.cell = Some(order.record);
                Event::Reserved { destination: order.destination, result: Ok(Written::Done) }
            }
            Order::Post { destination, .. } => {
                self.posts += 1;
                Event::Posted { destination, verdict: Verdict::Accepted }
            }
            Order::Mark(order) => Event::Marked { alert: order.alert, result: Ok(Written::Done) },
            Order::Delete { entries, .. } => {
                let results = entries.into_iter().map(|(id, _)| (id, Ok(()))).collect();
                Event::Deleted { results }
            }
            Order::Hide { purpose, entries, .. } => {
                let results = entries.into_iter().map(|(id, ..)| (id, Ok(()))).collect();
                Event::Hidden { purpose, results }
            }
            other => panic!("not ordered where all goes well: {other:?}"),
        })
    }
}
