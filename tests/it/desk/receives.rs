//! Several receives of a lane under way: when there is more than one, how long they wait, and what
//! bounds them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hansho::desk::worker::{Ports, run};
use hansho::desk::{Desk, DrainTerms, Event, Order, Settings};
use hansho::instants::{Mono, Now};
use hansho::ports::{
    Clock, Delivery, Depth, Lane, MessageId, QuarantineEntry, Queue, QueueError, Receipt,
    ReceiveAsk,
};

use crate::support::fakes::{BEGAN, PausedClock, ScriptedNotifier, event, settings};
use crate::support::memory_ledger::MemoryLedger;
use crate::support::memory_queue::MemoryQueue;

/// A desk that the test drives event by event.
struct Hand {
    desk: Desk,
    now: Now,
    sent: usize,
    /// What the receives wait for that are under way, by lane.
    under_way: Vec<(Lane, Duration)>,
}

impl Hand {
    fn new(settings: Settings) -> Hand {
        let now = Now { wall: BEGAN, mono: Mono(0) };
        let mut hand = Hand { desk: Desk::new(settings, now), now, sent: 0, under_way: Vec::new() };
        hand.orders();
        hand
    }

    /// All but receives are left undone, so that what is taken stays here.
    fn orders(&mut self) {
        for order in self.desk.orders(self.now) {
            if let Order::Receive(ask) = order {
                self.under_way.push((ask.lane, ask.wait));
            }
        }
    }

    fn count(&self, lane: Lane) -> usize {
        self.under_way.iter().filter(|(l, _)| *l == lane).count()
    }

    fn answer(&mut self, lane: Lane, result: Result<Vec<Delivery>, QueueError>) {
        let at = self.under_way.iter().position(|(l, _)| *l == lane).expect("one is under way");
        self.under_way.remove(at);
        self.desk.on(Event::Received { lane, result }, self.now);
        self.orders();
    }

    /// A receive of the lane brings so many messages, of findings that are to be posted.
    fn brings(&mut self, lane: Lane, messages: usize) {
        let delivery = |number: usize| Delivery {
            lane,
            message_id: MessageId(format!("m{number}")),
            receipt: Receipt(format!("m{number}.1")),
            body: event(&format!("f{number}"), 5.0),
            receive_count: 1,
            enqueued_at: Some(BEGAN),
            again: false,
            place: None,
        };
        let batch = (self.sent..self.sent + messages).map(delivery).collect();
        self.sent += messages;
        self.answer(lane, Ok(batch));
    }

    fn pass(&mut self, ms: u64) {
        let by = Duration::from_millis(ms);
        self.now = Now { wall: self.now.wall.plus(by), mono: self.now.mono.plus(by) };
        self.orders();
    }
}

fn long_poll() -> Settings {
    Settings { receive_wait: Duration::from_secs(20), ..settings("w", false) }
}

#[test]
fn a_quiet_lane_is_polled_once() {
    let mut hand = Hand::new(long_poll());
    for _ in 0..5 {
        assert_eq!((hand.count(Lane::Express), hand.count(Lane::Standard)), (1, 1));
        hand.brings(Lane::Standard, 0);
        assert_eq!(hand.count(Lane::Standard), 0, "a rest after nothing");
        hand.pass(250);
        hand.brings(Lane::Standard, 3);
    }
    assert!(hand.under_way.iter().all(|(lane, wait)| {
        *wait == Duration::from_secs(if *lane == Lane::Standard { 20 } else { 1 })
    }));
}

#[test]
fn a_deep_lane_is_received_from_several_times_at_once() {
    let mut hand = Hand::new(long_poll());
    let mut most = Vec::new();
    for _ in 0..6 {
        hand.brings(Lane::Standard, 10);
        most.push(hand.count(Lane::Standard));
    }
    assert_eq!(most, [2, 3, 4, 4, 4, 4]);
    assert_eq!(hand.count(Lane::Express), 1, "each lane for itself");
    let long = hand.under_way.iter().filter(|(_, wait)| *wait > Duration::from_secs(1)).count();
    assert!(long <= 1, "{:?}", hand.under_way);
    // It empties.
    let mut most = Vec::new();
    for _ in 0..3 {
        hand.brings(Lane::Standard, 4);
        most.push(hand.count(Lane::Standard));
    }
    assert_eq!(most, [3, 2, 1]);
    hand.brings(Lane::Standard, 0);
    hand.pass(250);
    assert_eq!(
        hand.under_way,
        [(Lane::Express, Duration::from_secs(1)), (Lane::Standard, Duration::from_secs(20))]
    );
}

#[test]
fn further_receives_leave_space_for_every_lane() {
    let mut hand = Hand::new(Settings { findings_max: 120, ..long_poll() });
    while hand.count(Lane::Standard) > 0 && hand.sent < 1000 {
        let (held, under_way) = (hand.sent, hand.under_way.len());
        assert!(held + 10 * under_way <= 120, "{held} are held and {under_way} receives under way");
        if hand.count(Lane::Standard) > 1 {
            assert!(held + 10 * (under_way + 2) <= 120, "{held}, {under_way}");
        }
        assert_eq!(hand.count(Lane::Express), 1);
        hand.brings(Lane::Standard, 10);
    }
    // An eighth is the express lane's alone, so a batch of that lane always fits.
    assert!((90..=105).contains(&hand.sent), "{}", hand.sent);
}

#[test]
fn what_a_batch_brought_is_what_the_next_is_taken_to_bring() {
    let mut hand = Hand::new(Settings { bytes_max: 64 << 10, ..long_poll() });
    let giant = |number: usize| Delivery {
        lane: Lane::Standard,
        message_id: MessageId(format!("g{number}")),
        receipt: Receipt(format!("g{number}.1")),
        body: event(&format!("g{number}"), 5.0) + &" ".repeat(2 << 10),
        receive_count: 1,
        enqueued_at: Some(BEGAN),
        again: false,
        place: None,
    };
    hand.answer(Lane::Standard, Ok((0..10).map(giant).collect()));
    // 25 KiB are held, and two of the lane would bring 50 more.
    assert_eq!(hand.count(Lane::Standard), 1);
}

#[test]
fn those_that_fail_together_are_one_failure() {
    let mut hand = Hand::new(long_poll());
    for _ in 0..4 {
        hand.brings(Lane::Standard, 10);
    }
    assert_eq!(hand.count(Lane::Standard), 4);
    for _ in 0..4 {
        hand.answer(Lane::Standard, Err(QueueError::Unavailable("throttled".into())));
    }
    let snapshot = hand.desk.snapshot(hand.now);
    let failures = |lane| snapshot.receive_failures.iter().find(|(l, _)| *l == lane).unwrap().1;
    assert_eq!((failures(Lane::Standard), failures(Lane::Express)), (1, 0));
    assert_eq!(hand.count(Lane::Standard), 0);
    hand.pass(2_000);
    assert_eq!(hand.count(Lane::Standard), 1, "it starts again with one");
}

#[test]
fn a_lane_is_not_empty_while_a_receive_may_still_bring_something() {
    let drain = Some(DrainTerms { measurements: 0, patience: Duration::from_secs(3600) });
    let mut hand = Hand::new(Settings { lanes: vec![Lane::Standard], drain, ..long_poll() });
    hand.desk.on(Event::InputClosed, hand.now);
    let noise = |number: usize| Delivery {
        lane: Lane::Standard,
        message_id: MessageId(format!("n{number}")),
        receipt: Receipt(format!("n{number}.1")),
        body: event(&format!("n{number}"), 1.0),
        receive_count: 1,
        enqueued_at: Some(BEGAN),
        again: false,
        place: None,
    };
    hand.under_way.clear();
    hand.desk.on(
        Event::Received { lane: Lane::Standard, result: Ok((0..10).map(noise).collect()) },
        hand.now,
    );
    let mut under_way = 0;
    for order in hand.desk.orders(hand.now) {
        match order {
            Order::Receive(_) => under_way += 1,
            Order::Delete { entries, .. } => {
                let results = entries.into_iter().map(|(id, _)| (id, Ok(()))).collect();
                hand.desk.on(Event::Deleted { results }, hand.now);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(under_way, 2);
    hand.desk.on(Event::Received { lane: Lane::Standard, result: Ok(vec![]) }, hand.now);
    hand.desk.orders(hand.now);
    assert!(!hand.desk.finished(), "the other may bring something");
    hand.desk.on(Event::Received { lane: Lane::Standard, result: Ok(vec![]) }, hand.now);
    hand.desk.orders(hand.now);
    assert!(hand.desk.finished());
}

/// A queue whose calls take a while, and which counts how many are under way.
struct Far {
    inner: MemoryQueue<PausedClock>,
    receives: AtomicUsize,
    most: AtomicUsize,
}

const ROUND_TRIP: Duration = Duration::from_millis(10);

impl Queue for Far {
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        let under_way = self.receives.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(under_way, Ordering::SeqCst);
        tokio::time::sleep(ROUND_TRIP).await;
        let answer = self.inner.receive(ask).await;
        self.receives.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    /// Deletes are slow, and no receive waits for them.
    async fn delete(&self, lane: Lane, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        tokio::time::sleep(ROUND_TRIP * 5).await;
        self.inner.delete(lane, receipts).await
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

    async fn depth(&self, lane: Lane) -> Result<Depth, QueueError> {
        self.inner.depth(lane).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_backlog_with_slow_calls_is_drained_four_receives_at_a_time() {
    let clock = PausedClock::start();
    let queue = Far { inner: MemoryQueue::new(clock), receives: 0.into(), most: 0.into() };
    for number in 0..2000 {
        queue.inner.send(Lane::Standard, &event(&format!("n{number}"), 1.0));
    }
    let (ledger, slack) = (MemoryLedger::default(), ScriptedNotifier::new(clock, vec![]));
    let ports = Ports { queue: &queue, ledger: &ledger, notifier: &slack, clock: &clock };
    let settings = Settings { lanes: vec![Lane::Standard], ..settings("w", true) };
    let mut emptied = None;
    let watch = |desk: &Desk| {
        if desk.tally().deleted == 2000 && emptied.is_none() {
            emptied = Some(clock.now().mono);
        }
    };
    let outcome = run(settings, &ports, std::future::pending(), async {}, |_| {}, watch).await;
    assert!(outcome.complete && queue.inner.len() == 0);
    assert_eq!(queue.most.load(Ordering::SeqCst), 4);
    // One at a time would take 2 s.
    let took = emptied.unwrap().since(Mono(0));
    assert!(took <= Duration::from_millis(600), "{took:?}");
}
