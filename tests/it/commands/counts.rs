//! The counts of workers on their way into the ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use hansho::commands::counts::counter::Counter;
use hansho::commands::counts::follow::{OfCalls, follow, last};
use hansho::commands::counts::read::days;
use hansho::desk::{KnownFrom, Report};
use hansho::finding::{Level, Text, parse};
use hansho::policy::day_counts::{CountedAs, Day, DayCounts};
use hansho::policy::matcher::Matcher;
use hansho::policy::record::Record;
use hansho::policy::silence::Silence;
use hansho::ports::{Clock, Lane, Ledger};
use tokio::time::sleep;

use crate::support::fakes::{BEGAN, Failing, FailingLedger, PausedClock, UnreachableLedger, event};
use crate::support::memory_ledger::MemoryLedger;

const MINUTE: Duration = Duration::from_secs(60);

/// A finding that a silence kept from two destinations.
pub fn silenced(id: &str) -> Report {
    let finding = Arc::new(parse(&event("f", 5.0)).findings.remove(0));
    let silence = Silence {
        id: id.to_owned(),
        matcher: Matcher::default(),
        findings: Vec::new(),
        resources: Vec::new(),
        covers: Level::High,
        from: BEGAN,
        until: BEGAN.plus(MINUTE * 600),
        because: Text::new("a scan", 100),
        owner: None,
    };
    let destinations = ["security", "shop"].map(str::to_owned).to_vec();
    Report::Silenced { finding, silence: Arc::new(silence), destinations }
}

fn quarantined() -> Report {
    let (message, detail) = ("m".to_owned(), String::new());
    let (lane, hint) = (Lane::Standard, Box::default());
    Report::Quarantined { message, lane, reason: "not_json", detail, hint }
}

/// The counts of a day that the ledger has.
pub async fn counts(ledger: &impl Ledger, day: Day) -> DayCounts {
    let mut read = days(ledger, day, day).await.unwrap();
    read.remove(0).1.unwrap_or_default()
}

fn today() -> Day {
    Day::of(BEGAN)
}

#[tokio::test(start_paused = true)]
async fn what_the_desk_reports_is_counted_by_account_type_and_level() {
    let (ledger, clock) = (MemoryLedger::default(), PausedClock::start());
    let counter = Counter::new("w1");
    counter.record(&silenced("scan"), BEGAN);
    counter.record(&silenced("scan"), BEGAN.plus(MINUTE * 60 * 24));
    counter.record(&quarantined(), BEGAN);
    counter.record(&Report::LedgerRecovered, BEGAN);
    assert!(counter.has_silenced() && !counter.is_written());
    counter.write(&ledger).await.unwrap();
    assert!(counter.is_written() && !counter.has_silenced());
    let of_today = counts(&ledger, today()).await;
    let all: Vec<_> = of_today.iter().collect();
    let [(silenced, 1), (quarantined, 1)] = all[..] else { panic!("{all:?}") };
    assert_eq!((silenced.what, silenced.level), (CountedAs::Silenced, Some(Level::Medium)));
    assert_eq!(silenced.account, "111122223333");
    assert_eq!(silenced.kind, "Recon:EC2/Portscan");
    assert_eq!((quarantined.what, quarantined.level), (CountedAs::Quarantined, None));
    assert_eq!(of_today.silenced_by("scan"), 2, "an alert for each destination");
    assert_eq!(clock.now().wall, BEGAN);
}

#[tokio::test(start_paused = true)]
async fn a_closed_finding_counts_once_however_many_destinations_there_are() {
    let ledger = MemoryLedger::default();
    let counter = Counter::new("w1");
    let closed = event("f", 5.0).replace(r#""service":{"#, r#""service":{"archived":true,"#);
    let about = Arc::new(parse(&closed).findings.remove(0));
    let why = about.condition.closed().unwrap();
    let of = |name: &str| (about.fingerprint.to_string(), Arc::clone(&about), name.to_owned());
    counter.record(&Report::Received { finding: Arc::clone(&about), lane: Lane::Standard }, BEGAN);
    for name in ["security", "shop", "audit"] {
        let (finding, about, destination) = of(name);
        counter.record(&Report::Closed { finding, about, destination, why, ended: false }, BEGAN);
    }
    for name in ["security", "shop"] {
        let (finding, about, destination) = of(name);
        let by = KnownFrom::Claim;
        counter.record(&Report::AlreadyClosed { finding, about, destination, by }, BEGAN);
    }
    counter.write(&ledger).await.unwrap();
    let counts = counts(&ledger, today()).await;
    for (what, number, unit) in [
        (CountedAs::Received, 1, "findings"),
        (CountedAs::Closed, 1, "findings"),
        (CountedAs::ClosedSince, 2, "alerts"),
    ] {
        assert_eq!((counts.total(what), what.unit()), (number, unit), "{what:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_workers_add_and_a_third_after_a_restart_lose_nothing() {
    let (ledger, clock) = (MemoryLedger::default(), PausedClock::start());
    for round in 0..3 {
        let (a, b) = (Counter::new(&format!("a{round}")), Counter::new(&format!("b{round}")));
        let count = async |counter: &Counter| {
            for _ in 0..50 {
                counter.record(&silenced("scan"), clock.now().wall);
                sleep(Duration::from_secs(7)).await;
            }
        };
        tokio::select! {
            ((), ()) = async { tokio::join!(count(&a), count(&b)) } => {}
            never = follow(&a, &ledger, &clock) => match never {},
            never = follow(&b, &ledger, &clock) => match never {},
        }
        last(&a, &ledger, &clock).await;
        last(&b, &ledger, &clock).await;
        assert!(a.is_written() && b.is_written());
    }
    assert_eq!(counts(&ledger, today()).await.total(CountedAs::Silenced), 3 * 2 * 50);
}

#[tokio::test(start_paused = true)]
async fn counts_wait_while_the_ledger_is_unreachable() {
    let clock = PausedClock::start();
    let unreachable = Arc::new(AtomicBool::new(true));
    let is_unreachable = Arc::clone(&unreachable);
    let inner = MemoryLedger::default();
    let ledger = UnreachableLedger {
        inner: inner.clone(),
        unreachable: move || is_unreachable.load(Ordering::Relaxed),
    };
    let counter = Counter::new("w1");
    let work = async {
        counter.record(&silenced("scan"), clock.now().wall);
        sleep(MINUTE * 10).await;
        counter.record(&silenced("scan"), clock.now().wall);
        assert!(!counter.is_written());
        unreachable.store(false, Ordering::Relaxed);
        // The first write brings what waited, the second what was counted since, at most two
        // minutes later. At that very moment it may come after the end.
        sleep(MINUTE * 3).await;
    };
    tokio::select! {
        () = work => {}
        never = follow(&counter, &ledger, &clock) => match never {},
    }
    assert!(counter.is_written());
    assert_eq!(counts(&inner, today()).await.silenced_by("scan"), 4);
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_counts_once() {
    let clock = PausedClock::start();
    let inner = MemoryLedger::default();
    let failures = Arc::new(AtomicU32::new(0));
    let failed = Arc::clone(&failures);
    let fails = move |record: &Record| match record {
        // Every second write.
        Record::DayCounts(_) if failed.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) => {
            Failing::AfterTheWrite
        }
        _ => Failing::No,
    };
    let ledger = FailingLedger { inner: inner.clone(), fails: Arc::new(fails) };
    let (counter, other) = (Counter::new("w1"), Counter::new("w2"));
    for _ in 0..5 {
        counter.record(&silenced("scan"), clock.now().wall);
        assert!(counter.write(&ledger).await.is_err());
        counter.record(&silenced("scan"), clock.now().wall);
        other.record(&silenced("scan"), clock.now().wall);
        other.write(&inner).await.unwrap();
        // Recognises the lost write without another one, and then writes the newer count.
        counter.write(&ledger).await.unwrap();
        assert!(!counter.is_written());
        counter.write(&ledger).await.unwrap();
        assert!(counter.is_written());
        failures.store(0, Ordering::Relaxed);
    }
    assert_eq!(counts(&inner, today()).await.total(CountedAs::Silenced), 5 * 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_of_lambda_writes_silences_at_once_and_the_rest_each_minute() {
    let (ledger, clock) = (MemoryLedger::default(), PausedClock::start());
    let (counter, calls) = (Counter::new("w1"), OfCalls::default());
    let total = async || counts(&ledger, today()).await.total(CountedAs::Quarantined);
    for (after, silences, written) in [(0, false, 1), (20, false, 1), (30, true, 3), (60, false, 4)]
    {
        sleep(Duration::from_secs(after)).await;
        counter.record(&quarantined(), clock.now().wall);
        if silences {
            counter.record(&silenced("scan"), clock.now().wall);
        }
        calls.write(&counter, &ledger, &clock).await;
        assert_eq!(total().await, written, "after {after} s");
    }
}
