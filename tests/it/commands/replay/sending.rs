//! Sending, on the fake under a paused clock: the order, the rate, what is held meanwhile, faults,
//! and what `--force` does to the ledger.

use std::sync::Arc;
use std::time::Duration;

use hansho::commands::replay::holds::Holds;
use hansho::commands::replay::rate::Rate;
use hansho::commands::replay::rewind::Rewinder;
use hansho::commands::replay::selection::{Selected, Selection, select, select_all};
use hansho::commands::replay::send_loop::{self, SendOptions, SendTally};
use hansho::commands::replay::{dry_run, send};
use hansho::finding::Level;
use hansho::instants::Wall;
use hansho::policy::filter::Threshold;
use hansho::policy::ledger::{AlertRecord, Claim, RecordKey, Terms, Want, claim, mark};
use hansho::policy::record::Sighting;
use hansho::policy::route::{Route, Routes};
use hansho::ports::{Clock, Lane, Ledger, Written};
use tokio::sync::watch;

use super::contract::dead_letter;
use super::crashes::{finding, never};
use super::memory::{Call, Fault, MemoryDeadLetters};
use crate::support::fakes::{BEGAN, PausedClock};
use crate::support::memory_ledger::MemoryLedger;

type Queue = MemoryDeadLetters<PausedClock>;

fn fresh() -> (Arc<PausedClock>, Queue) {
    let clock = Arc::new(PausedClock::start());
    let queue = MemoryDeadLetters::new(Arc::clone(&clock));
    (clock, queue)
}

fn options(rate: &str) -> SendOptions {
    SendOptions { rate: rate.parse().unwrap(), keep: false }
}

async fn send_all(queue: &Queue, clock: &PausedClock, options: SendOptions) -> SendTally {
    let mut holds = Holds::new(queue, clock, never());
    let selected = select(&mut holds, &Selection::default(), true).await.unwrap();
    let none = None::<&Rewinder<'_, MemoryLedger>>;
    send_loop::send(&mut holds, selected.scan.admitted, options, none, |_| {}).await
}

fn passed(at: Wall) -> u64 {
    at.since(BEGAN).as_millis() as u64
}

#[tokio::test(start_paused = true)]
async fn the_most_severe_goes_first_and_each_to_its_lane() {
    let (clock, queue) = fresh();
    for (number, severity) in [2.0, 9.5, 5.0, 8.0, 9.1].into_iter().enumerate() {
        queue.quarantine(dead_letter(number, &finding(number, severity)));
    }
    queue.quarantine(dead_letter(9, "broken"));
    let tally = send_all(&queue, &clock, options("1/s")).await;
    assert_eq!((tally.sent, tally.express, tally.standard), (6, 3, 3));
    let sent = queue.sent();
    let order: Vec<(Lane, bool)> =
        sent.iter().map(|(lane, _, body)| (*lane, body.starts_with('{'))).collect();
    use Lane::{Express, Standard};
    assert_eq!(
        order,
        [
            (Express, true),
            (Express, true),
            (Express, true),
            (Standard, true),
            (Standard, true),
            (Standard, false)
        ]
    );
    let ids: Vec<usize> = [1, 4, 3, 2, 0].into();
    for (id, (_, _, body)) in ids.iter().zip(&sent) {
        assert!(body.contains(&format!("{id:032x}")), "{id}: {body}");
    }
    // One a second.
    let times: Vec<u64> = sent.iter().map(|(_, at, _)| passed(*at)).collect();
    assert!(times.windows(2).all(|w| (1000..1100).contains(&(w[1] - w[0]))), "{times:?}");
}

/// Another replay is killed after its scan.
#[tokio::test(start_paused = true)]
async fn messages_of_a_killed_replay_are_reported_and_waited_for() {
    let (clock, queue) = fresh();
    for number in 0..30 {
        queue.quarantine(dead_letter(number, &finding(number, 5.0)));
    }
    let all = Selection::default();
    let mut killed = Holds::new(&queue, &*clock, never());
    select(&mut killed, &all, true).await.unwrap();
    let mut holds = Holds::new(&queue, &*clock, never());
    let nothing = select(&mut holds, &all, true).await.unwrap();
    assert_eq!((nothing.scan.admitted.len(), nothing.unseen(&all)), (0, 30));
    let note = nothing.notes().join(" ");
    assert!(note.contains(&BEGAN.plus(Duration::from_secs(60)).to_rfc3339()), "{note}");
    let mut waited = Vec::new();
    let waits = |hidden, until| waited.push((hidden, until));
    let selected = select_all(&mut holds, &all, waits).await.unwrap();
    assert_eq!((selected.scan.admitted.len(), selected.unseen(&all)), (30, 0));
    assert_eq!(waited, [(30, BEGAN.plus(Duration::from_secs(120)))]);
    assert!((60_000..64_000).contains(&passed(clock.now().wall)), "{}", passed(clock.now().wall));
    // Whoever asked for so many and has them does not care for more.
    let ten = Selection { limit: Some(10), ..Selection::default() };
    holds.release_all().await;
    let mut other = Holds::new(&queue, &*clock, never());
    select(&mut other, &ten, true).await.unwrap();
    let selected = select(&mut holds, &ten, true).await.unwrap();
    assert_eq!((selected.scan.hidden, selected.unseen(&ten)), (10, 0));
    // What somebody else keeps is waited for no longer than was said.
    let began = clock.now().mono;
    let keeps = async {
        loop {
            other.renew().await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    };
    let waited = tokio::select! {
        never = keeps => never,
        selected = select_all(&mut holds, &all, |_, _| {}) => selected.unwrap(),
    };
    assert_eq!((waited.scan.admitted.len(), waited.unseen(&all)), (20, 10));
    assert!(clock.now().mono.since(began) < Duration::from_secs(125));
}

#[tokio::test(start_paused = true)]
async fn without_an_express_queue_everything_goes_to_standard() {
    let (clock, queue) = fresh();
    let queue = queue.with_lanes(&[Lane::Standard]);
    queue.quarantine(dead_letter(1, &finding(1, 9.5)));
    let express =
        hansho::ports::DeadLetter { lane: Some(Lane::Express), ..dead_letter(2, "broken") };
    queue.quarantine(express);
    assert_eq!(send_all(&queue, &clock, options("20/s")).await.standard, 2);
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_kept_over_any_stretch() {
    for rate in ["20/s", "7/s", "3/s", "90/m"] {
        let (clock, queue) = fresh();
        for number in 0..60 {
            queue.quarantine(dead_letter(number, &format!("broken {number}")));
        }
        assert_eq!(send_all(&queue, &clock, options(rate)).await.sent, 60);
        let times: Vec<u64> = queue.sent().iter().map(|(_, at, _)| passed(*at)).collect();
        let read: Rate = rate.parse().unwrap();
        let batch = read.batch(10);
        for (i, at) in times.iter().enumerate() {
            for (j, later) in times.iter().enumerate().skip(i + 1) {
                // Over any stretch at most what the rate allows, and one batch.
                let allowed = read.time_for((j - i).saturating_sub(batch)).as_millis() as u64;
                assert!(later - at + 1 >= allowed, "{rate}: {i}..{j} in {} ms", later - at);
            }
        }
        let whole = read.time_for(60 - batch).as_millis() as u64;
        let took = times[59] - times[0];
        assert!(took >= whole && took <= whole + 1500, "{rate}: {took} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_turn_stays_hidden_and_the_rest_does_not() {
    let (clock, queue) = fresh();
    for number in 0..90 {
        queue.quarantine(dead_letter(
            number,
            &finding(number, if number % 2 == 0 { 8.0 } else { 2.0 }),
        ));
    }
    let mut selection = Selection::default();
    selection.filter.severities = vec!["high".parse().unwrap()];
    let mut holds = Holds::new(&queue, &*clock, never());
    let selected = select(&mut holds, &selection, true).await.unwrap();
    assert_eq!((selected.scan.scanned, selected.matched), (90, 45));
    assert_eq!(queue.hidden(), 45, "what is not meant is shown to others again at once");
    // Six minutes, in which the first hold would run out five times.
    let none = None::<&Rewinder<'_, MemoryLedger>>;
    let watched = queue.clone();
    let mut waited = 0;
    let tally =
        send_loop::send(&mut holds, selected.scan.admitted, options("8/m"), none, |tally| {
            let waiting = tally.selected - tally.done();
            assert_eq!(watched.hidden(), waiting, "{tally:?}");
            waited += 1;
        })
        .await;
    assert!(waited > 40, "{waited}");
    assert_eq!(tally.sent, 45);
    assert_eq!((queue.bodies().len(), queue.hidden()), (45, 0));
}

#[tokio::test(start_paused = true)]
async fn stopped_it_gives_back_what_is_left() {
    let (clock, queue) = fresh();
    for number in 0..40 {
        queue.quarantine(dead_letter(number, &format!("broken {number}")));
    }
    let (stop, stopped) = watch::channel(false);
    let mut holds = Holds::new(&queue, &*clock, stopped);
    let selected = select(&mut holds, &Selection::default(), true).await.unwrap();
    let none = None::<&Rewinder<'_, MemoryLedger>>;
    let tally =
        send_loop::send(&mut holds, selected.scan.admitted, options("2/s"), none, |tally| {
            if tally.sent == 5 {
                stop.send(true).unwrap();
            }
        })
        .await;
    assert!(tally.interrupted && !tally.is_complete());
    assert_eq!((tally.sent, tally.left), (5, 35));
    assert_eq!((queue.bodies().len(), queue.hidden()), (35, 0), "at once, not after a time");
    let text = send::text(&tally, false);
    assert!(text.contains("35 not reached") && text.contains("again for the rest"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn faults_are_retried_and_then_reported() {
    for (fault, times, sent, copies) in [
        (Fault::Refuse, 2, 12, false),
        (Fault::LoseAnswer, 1, 12, true),
        (Fault::Leave, 1, 12, false),
        (Fault::Refuse, 1000, 0, false),
    ] {
        let (clock, queue) = fresh();
        for number in 0..12 {
            queue.quarantine(dead_letter(number, &format!("broken {number}")));
        }
        queue.inject(Call::Send, times, fault);
        let tally = send_all(&queue, &clock, options("20/s")).await;
        assert_eq!(tally.sent, sent, "{fault:?} {tally:?}");
        assert_eq!(tally.is_complete(), sent == 12, "{fault:?} {tally:?}");
        assert_eq!(queue.sent().len() > 12, copies, "{fault:?}");
        assert_eq!(queue.bodies().len(), 12 - sent, "{fault:?}");
        assert_eq!(queue.hidden(), 0, "{fault:?}");
        assert_eq!(tally.failed + tally.left, 12 - sent, "{fault:?} {tally:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_removed_is_tried_once_more() {
    let (clock, queue) = fresh();
    queue.quarantine(dead_letter(1, "broken"));
    queue.inject(Call::Send, 1, Fault::Leave);
    queue.inject(Call::Remove, 1, Fault::Refuse);
    let tally = send_all(&queue, &clock, options("20/s")).await;
    assert_eq!((tally.sent, tally.not_removed), (1, 1));
    assert!(!tally.is_complete());
    assert!(send::text(&tally, false).contains("1 sent, but still in this queue"));
}

#[tokio::test(start_paused = true)]
async fn a_scan_survives_faults_and_early_redelivery() {
    let (clock, queue) = fresh();
    for number in 0..25 {
        queue.quarantine(dead_letter(number, &format!("broken {number}")));
    }
    queue.inject(Call::Scan, 2, Fault::LoseAnswer);
    let mut holds = Holds::new(&queue, &*clock, never());
    let scan = holds.scan(|_| true, false).await.unwrap();
    // What two lost answers had is hidden, and said to be.
    assert_eq!((scan.scanned, scan.hidden), (5, 20));
    let selected = Selected { scan, matched: 5, visible_by: clock.now().wall };
    assert!(selected.notes().concat().contains("20 messages are hidden"), "{:?}", selected.notes());
    queue.reveal();
    let mut holds = Holds::new(&queue, &*clock, never());
    let scan = holds.scan(|_| true, false).await.unwrap();
    assert_eq!(scan.scanned, 25);
    // A queue that does not answer at all is an error, and nothing stays hidden.
    holds.release_all().await;
    queue.inject(Call::Scan, 100, Fault::Refuse);
    let mut holds = Holds::new(&queue, &*clock, never());
    assert!(holds.scan(|_| true, false).await.is_err());
    assert_eq!(queue.hidden(), 0);
}

/// SQS may hand out again what is hidden: it is counted once, and the newest receipt is used.
#[tokio::test(start_paused = true)]
async fn the_same_message_twice_in_one_scan_is_one() {
    let (clock, queue) = fresh();
    for number in 0..15 {
        queue.quarantine(dead_letter(number, &format!("broken {number}")));
    }
    let revealing = queue.clone();
    let once = std::cell::Cell::new(true);
    let mut holds = Holds::new(&queue, &*clock, never());
    let scan = holds
        .scan(
            |message| {
                if message.id == "letter-12" && once.replace(false) {
                    revealing.reveal();
                }
                true
            },
            true,
        )
        .await
        .unwrap();
    assert_eq!(scan.scanned, 15);
    let none = None::<&Rewinder<'_, MemoryLedger>>;
    let tally = send_loop::send(&mut holds, scan.admitted, options("20/s"), none, |_| {}).await;
    assert_eq!((tally.sent, tally.gone, tally.not_removed), (15, 0, 0), "{tally:?}");
    assert!(queue.bodies().is_empty());
}

const TERMS: Terms = Terms {
    lease: Duration::from_secs(45),
    skew: Duration::from_secs(5),
    retention: Duration::from_secs(90 * 86_400),
    remind_after: None,
};

fn again(ledger: &MemoryLedger) -> Rewinder<'_, MemoryLedger> {
    let route = |name: &str| Route::of_all(name.to_owned(), None);
    let routes = Routes::new(Threshold::Level(Level::Medium), vec![route("a"), route("b")]);
    Rewinder { ledger, routes, terms: TERMS }
}

fn key(number: usize, destination: &str) -> RecordKey {
    let fingerprint = format!("guardduty/111122223333/eu-west-1/{number:032x}");
    RecordKey::alert(fingerprint, destination)
}

/// The finding as [`finding`] writes it.
fn sighting(level: Level) -> Sighting {
    Sighting::open(level, Wall::parse_rfc3339("2026-09-21T10:00:00Z"))
}

async fn claimed(ledger: &MemoryLedger, key: &RecordKey, level: Level, now: Wall) -> AlertRecord {
    let seen = ledger.read(key).await.unwrap();
    let want = Want { owner: "worker", sighting: sighting(level) };
    let Claim::Write { expect, record: row, .. } = claim(seen.as_ref(), &want, &TERMS, now) else {
        panic!("it can't be claimed")
    };
    assert_eq!(ledger.write(key, &expect, &row).await, Ok(Written::Done));
    row
}

async fn posted(ledger: &MemoryLedger, key: &RecordKey, level: Level, now: Wall) {
    let held = claimed(ledger, key, level, now).await;
    let (expect, row) = mark(&held, "post-1", &sighting(level), &TERMS, now);
    assert_eq!(ledger.write(key, &expect, &row).await, Ok(Written::Done));
}

#[tokio::test(start_paused = true)]
async fn force_makes_the_ledger_forget_once_and_leaves_a_live_claim_alone() {
    let (clock, queue) = fresh();
    let ledger = MemoryLedger::default();
    let now = clock.now().wall;
    posted(&ledger, &key(1, "a"), Level::High, now).await;
    posted(&ledger, &key(1, "b"), Level::High, now).await;
    posted(&ledger, &key(2, "a"), Level::High, now).await;
    // Raised by somebody at this very moment.
    claimed(&ledger, &key(2, "a"), Level::Critical, now).await;
    posted(&ledger, &key(6, "a"), Level::Medium, now).await;
    // Two copies of the first, as the two lanes have them.
    queue.quarantine(dead_letter(1, &finding(1, 8.0)));
    queue.quarantine(dead_letter(2, &finding(2, 8.0)));
    queue.quarantine(dead_letter(3, &finding(1, 8.0)));
    queue.quarantine(dead_letter(4, &finding(4, 8.0)));
    queue.quarantine(dead_letter(5, "broken"));
    queue.quarantine(dead_letter(6, &finding(6, 8.0)));

    let again = again(&ledger);
    let mut holds = Holds::new(&queue, &*clock, never());
    let selected = select(&mut holds, &Selection::default(), true).await.unwrap();
    let items = selected.scan.admitted;
    assert_eq!(dry_run::count_posted(&items, &again, &Lane::ALL, now).await.unwrap(), 2);
    let tally = send_loop::send(&mut holds, items, options("20/s"), Some(&again), |_| {}).await;
    assert_eq!((tally.sent, tally.rewound, tally.busy), (5, 2, 1), "{tally:?}");
    assert!(tally.why.as_ref().unwrap().contains("run the command again then"), "{tally:?}");
    assert_eq!(queue.bodies().len(), 1, "a message in use stays");
    assert_eq!(queue.hidden(), 0);
    for destination in ["a", "b"] {
        let row: AlertRecord = ledger.read(&key(1, destination)).await.unwrap().unwrap();
        assert_eq!((row.level_posted(), row.fence), (None, 2));
        assert!(row.perhaps_repeats(), "the card says that it may repeat an earlier post");
        // A worker can claim it, and posts it.
        claimed(&ledger, &key(1, destination), Level::High, clock.now().wall).await;
    }
    assert!(ledger.read_any(&key(4, "a")).await.unwrap().is_none(), "nothing to forget");
    let raised: AlertRecord = ledger.read(&key(6, "a")).await.unwrap().unwrap();
    assert_eq!(
        raised.level_posted(),
        Some(Level::Medium),
        "it is posted as what it is, an escalation"
    );
}
