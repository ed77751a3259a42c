//! A replay that is killed at any of its calls, before or after the call has done its work: every
//! call, one after the other. Each dead letter is still there or in a lane, and after a second run
//! all of them is in a lane; what is there twice is a batch at most.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hansho::commands::replay::discard;
use hansho::commands::replay::holds::{HOLD, Holds, Stop};
use hansho::commands::replay::selection::{Selection, select};
use hansho::commands::replay::send_loop::{self, SendOptions, SendTally};
use hansho::commands::replay::{export, export_line, import};
use hansho::ports::{Lane, QUEUE_BATCH_MAX};
use tokio::sync::watch;

use super::contract::dead_letter;
use super::memory::MemoryDeadLetters;
use crate::support::fakes::PausedClock;
use crate::support::memory_ledger::MemoryLedger;

const MESSAGES: usize = 23;

pub fn never() -> Stop {
    let (sender, stop) = watch::channel(false);
    std::mem::forget(sender);
    stop
}

pub fn finding(number: usize, severity: f64) -> String {
    format!(
        r#"{{"schemaVersion":"2.0","accountId":"111122223333","region":"eu-west-1","partition":"aws",
        "id":"{number:032x}","type":"Recon:EC2/Portscan","service":{{"count":1}},"resource":{{}},
        "severity":{severity},"title":"An instance scans ports","updatedAt":"2026-09-21T10:00:00Z",
        "createdAt":"2026-09-21T10:00:00Z"}}"#
    )
}

fn filled(clock: Arc<PausedClock>) -> MemoryDeadLetters<PausedClock> {
    let queue = MemoryDeadLetters::new(clock);
    for number in 0..MESSAGES {
        let severity = [2.0, 5.0, 8.0, 9.5][number % 4];
        let body =
            if number % 5 == 0 { format!("broken {number}") } else { finding(number, severity) };
        queue.quarantine(dead_letter(number, &body));
    }
    queue
}

async fn send_all(
    queue: &MemoryDeadLetters<PausedClock>,
    clock: &PausedClock,
    keep: bool,
) -> SendTally {
    let mut holds = Holds::new(queue, clock, never());
    let selected = select(&mut holds, &Selection::default(), true).await.unwrap();
    let terms = SendOptions { rate: "20/s".parse().unwrap(), keep };
    let none = None::<&hansho::commands::replay::rewind::Rewinder<'_, MemoryLedger>>;
    send_loop::send(&mut holds, selected.scan.admitted, terms, none, |_| {}).await
}

/// How often each body is in a lane.
fn in_lanes(queue: &MemoryDeadLetters<PausedClock>) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for (_, _, body) in queue.sent() {
        *all.entry(body).or_default() += 1;
    }
    all
}

/// Runs `work` until it ends, or until the process dies in it.
async fn until_death(queue: &MemoryDeadLetters<PausedClock>, work: impl Future<Output = ()>) {
    let death = async {
        while !queue.died() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = death => {}
    }
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_call_a_send_loses_nothing() {
    let mut deaths = 0;
    for call in 0.. {
        let mut died = false;
        for done in [false, true] {
            let clock = Arc::new(PausedClock::start());
            let queue = filled(Arc::clone(&clock));
            let before = queue.bodies();
            queue.die_at(Some((call, done)));
            until_death(&queue, async {
                send_all(&queue, &clock, false).await;
            })
            .await;
            died |= queue.died();
            deaths += usize::from(queue.died());
            let there = in_lanes(&queue);
            let left = queue.bodies();
            for body in &before {
                assert!(there.contains_key(body) || left.contains(body), "{call} {done}: {body}");
            }
            queue.die_at(None);
            // What the dead one held is visible after that, and no later.
            tokio::time::sleep(HOLD).await;
            let tally = send_all(&queue, &clock, false).await;
            assert!(tally.is_complete(), "{call} {done}: {tally:?}");
            assert!(queue.bodies().is_empty(), "{call} {done}");
            let there = in_lanes(&queue);
            assert_eq!(there.len(), MESSAGES);
            let copies: usize = there.values().map(|n| n - 1).sum();
            assert!(copies <= QUEUE_BATCH_MAX, "{call} {done}: {copies} copies");
        }
        if !died {
            break;
        }
    }
    assert!(deaths > 12, "{deaths}");
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_call_a_list_takes_nothing_away() {
    for call in 0.. {
        let clock = Arc::new(PausedClock::start());
        let queue = filled(Arc::clone(&clock));
        queue.die_at(Some((call, true)));
        until_death(&queue, async {
            let mut holds = Holds::new(&queue, &*clock, never());
            select(&mut holds, &Selection::default(), false).await.unwrap();
            holds.release_all().await;
        })
        .await;
        assert_eq!(queue.bodies().len(), MESSAGES);
        tokio::time::sleep(HOLD).await;
        assert_eq!(queue.hidden(), 0, "{call}");
        if !queue.died() {
            break;
        }
    }
}

/// To a file and back, killed anywhere: each message is in the file or in a queue, and in the end
/// it is there once.
#[tokio::test(start_paused = true)]
async fn killed_at_any_call_an_export_and_an_import_lose_nothing() {
    let mut deaths = 0;
    for call in 0.. {
        let mut died = false;
        for done in [false, true] {
            let clock = Arc::new(PausedClock::start());
            let queue = filled(Arc::clone(&clock));
            let mut before = queue.bodies();
            before.sort();
            let mut file = Vec::new();
            queue.die_at(Some((call, done)));
            until_death(&queue, async {
                let mut holds = Holds::new(&queue, &*clock, never());
                let all = select(&mut holds, &Selection::default(), true).await.unwrap();
                export::write(&all.scan.admitted, &mut file).unwrap();
                export::remove(&mut holds, &all.scan.admitted).await;
            })
            .await;
            let killed = queue.died();
            let text = String::from_utf8(file.clone()).unwrap();
            let left = queue.bodies();
            for body in &before {
                let saved = text
                    .lines()
                    .any(|line| export_line::read(line).is_ok_and(|letter| letter.body == *body));
                assert!(saved || left.contains(body), "{call} {done}: {body}");
            }
            tokio::time::sleep(HOLD).await;
            // Killed again, at the same call of the import.
            queue.die_at(Some((call, done)));
            until_death(&queue, async {
                let mut holds = Holds::new(&queue, &*clock, never());
                import::import(&mut holds, &file[..]).await.unwrap();
            })
            .await;
            died |= killed || queue.died();
            deaths += usize::from(killed) + usize::from(queue.died());
            queue.die_at(None);
            tokio::time::sleep(HOLD).await;
            let mut holds = Holds::new(&queue, &*clock, never());
            import::import(&mut holds, &file[..]).await.unwrap();
            let mut after = queue.bodies();
            after.sort();
            assert_eq!(after, before, "{call} {done}");
            assert!(in_lanes(&queue).is_empty());
        }
        if !died {
            break;
        }
    }
    assert!(deaths > 40, "{deaths}");
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_call_a_discard_removes_only_what_was_meant() {
    let only =
        |message: &hansho::commands::replay::parsed::ParsedDeadLetter| message.findings.is_empty();
    for call in 0.. {
        let mut died = false;
        for done in [false, true] {
            let clock = Arc::new(PausedClock::start());
            let queue = filled(Arc::clone(&clock));
            queue.die_at(Some((call, done)));
            until_death(&queue, async {
                let mut holds = Holds::new(&queue, &*clock, never());
                let scan = holds.scan(only, false).await.unwrap();
                discard::discard(&mut holds, &scan.admitted, "a test").await;
            })
            .await;
            died |= queue.died();
            let findings = queue.bodies().iter().filter(|b| b.starts_with('{')).count();
            assert_eq!(findings, MESSAGES - MESSAGES.div_ceil(5), "{call} {done}");
            assert!(queue.sent().is_empty());
        }
        if !died {
            break;
        }
    }
}

/// Sent as well as kept: every run makes copies in the lanes, and none here.
#[tokio::test(start_paused = true)]
async fn what_is_kept_stays_however_often_it_is_sent() {
    let clock = Arc::new(PausedClock::start());
    let queue = filled(Arc::clone(&clock));
    for runs in 1..=2 {
        assert_eq!(send_all(&queue, &clock, true).await.sent, MESSAGES);
        assert_eq!((queue.bodies().len(), queue.hidden()), (MESSAGES, 0));
        assert!(in_lanes(&queue).values().all(|n| *n == runs));
    }
    let express = queue.sent().iter().filter(|(lane, ..)| *lane == Lane::Express).count();
    assert!(express > 0 && express < 2 * MESSAGES);
}
