//! Several workers, an unreachable ledger, dead destinations and full buffers: the rules that hold
//! for all of them together.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hansho::desk::Settings;
use hansho::instants::Mono;
use hansho::policy::record::{AlertRecord, RecordKey};
use hansho::policy::route::Route;
use hansho::ports::{Clock, Form, Lane, Ledger, RetryReason, Verdict};

use crate::desk::buffer::{World, world};
use crate::support::fakes::{
    PausedClock, ScriptedNotifier, Seen, UnreachableLedger, carries, event, ids, retry, settings,
};
use crate::support::memory_ledger::MemoryLedger;

/// The first post that was accepted and carries this finding.
fn posted_at(seen: &[Seen], id: &str) -> Option<Mono> {
    seen.iter().find(|s| s.accepted && carries(&s.post, id)).map(|s| s.at)
}

fn gaps(seen: &[Seen]) -> Vec<u64> {
    seen.windows(2).map(|pair| pair[1].at.0 - pair[0].at.0).collect()
}

fn fleet(workers: usize) -> Vec<Settings> {
    let of = |i: usize| Settings { seed: i as u64, ..settings(&format!("worker-{i}"), true) };
    (0..workers).map(of).collect()
}

/// Runs the workers until the queues are empty, and something else beside them.
async fn run_all(w: &World, fleet: Vec<Settings>, beside: impl Future<Output = ()>) {
    let runs = fleet.into_iter().map(|settings| w.run(settings, pending(), &w.ledger));
    tokio::join!(futures_util::future::join_all(runs), beside);
}

async fn at(w: &World, ms: u64) {
    w.clock.sleep_until(Mono(ms)).await;
}

#[tokio::test(start_paused = true)]
async fn a_fleet_keeps_one_pace_and_lesser_posts_leave_a_share() {
    let w = world(vec![]);
    for i in 0..90 {
        w.send(&format!("medium-{i:02}"), 5.0);
    }
    run_all(&w, fleet(3), async {
        at(&w, 5_000).await;
        w.queue.send(Lane::Express, &event("critical", 9.5));
    })
    .await;
    let seen = w.slack.seen();
    assert_eq!(w.slack.accepted().len(), 91);
    let before = seen.iter().filter(|s| s.at < Mono(5_000));
    assert!(before.clone().count() >= 3);
    for (pair, gap) in seen.windows(2).zip(gaps(&seen)) {
        let critical = carries(&pair[1].post, "critical");
        assert!(gap >= if critical { 1100 } else { 1375 }, "{:?}: {gap}", pair[1]);
    }
    let waited = posted_at(&seen, "critical").unwrap().0 - 5_000;
    assert!(waited <= 1_400, "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_stops_the_whole_fleet() {
    for reason in [RetryReason::RateLimited, RetryReason::ServerError] {
        let w = world(vec![Verdict::Accepted, retry(reason, Some(30), false)]);
        for i in 0..40 {
            w.send(&format!("m-{i:02}"), 9.5);
        }
        run_all(&w, fleet(3), async {}).await;
        let seen = w.slack.seen();
        let refused = seen.iter().position(|s| !s.accepted).unwrap();
        let pause = seen[refused + 1].at.since(seen[refused].at);
        assert!(pause >= Duration::from_secs(30), "{reason:?}: {pause:?}");
        assert!(pause <= Duration::from_secs(32), "{reason:?}: {pause:?}");
        assert_eq!(seen.iter().filter(|s| !s.accepted).count(), 1, "{reason:?}");
        assert_eq!(w.slack.accepted().len(), 40, "{reason:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn workers_share_the_slots_of_a_long_backlog() {
    let w = world(vec![]);
    let of_one_lane = |(s, lane)| Settings { lanes: vec![lane], ..s };
    let fleet = fleet(2).into_iter().zip(Lane::ALL).map(of_one_lane).collect();
    for i in 0..100 {
        w.queue.send(Lane::ALL[i % 2], &event(&format!("m-{i:03}"), 5.0));
    }
    run_all(&w, fleet, async {}).await;
    assert_eq!(w.slack.accepted().len(), 100);
    let of = |worker: &str| w.slack.seen().iter().filter(|s| s.post.id.starts_with(worker)).count();
    let (one, two) = (of("worker-0"), of("worker-1"));
    assert!(one >= 6 && two >= 6, "{one} and {two} posts");
}

/// The world's ledger, unreachable from 10 s on, until `back`.
fn unreachable_until(
    w: &World,
    back: u64,
) -> UnreachableLedger<MemoryLedger, impl Fn() -> bool + Send + Sync> {
    let clock: PausedClock = w.clock;
    let unreachable = move || (10_000..back).contains(&clock.now().mono.0);
    UnreachableLedger { inner: w.ledger.clone(), unreachable }
}

#[tokio::test(start_paused = true)]
async fn with_the_ledger_unreachable_for_long_criticals_are_posted_and_recorded_later() {
    let back = 600_000;
    let w = world(vec![]);
    let ledger = unreachable_until(&w, back);
    let settings = Settings { fleet: 3, ..settings("w", true) };
    let feed = async {
        at(&w, 1_000).await;
        w.send("posted-before", 9.5);
        at(&w, 11_000).await;
        for (id, severity) in [("medium", 5.0), ("critical-1", 9.5), ("high", 8.0)] {
            w.send(id, severity);
        }
        at(&w, 300_000).await;
        w.send("critical-2", 9.5);
        at(&w, 300_500).await;
        w.send("critical-3", 9.5);
        w.send("posted-before", 9.5);
    };
    let outcome = w.run_fed(settings, pending(), feed, &ledger).await;
    let seen = w.slack.seen();
    let first = posted_at(&seen, "critical-1").unwrap().0;
    // Two minutes after it first failed, and failed again since.
    assert!((131_000..=165_000).contains(&first), "{first}");
    assert!(!seen[0].post.cards[0].perhaps_repeated);
    assert!(seen[1].post.cards[0].perhaps_repeated);
    let (second, third) =
        (posted_at(&seen, "critical-2").unwrap(), posted_at(&seen, "critical-3").unwrap());
    assert!(second.0 < 301_100, "{second:?}");
    assert!(third.since(second) >= Duration::from_millis(3300), "a third of the pace");
    for lesser in ["medium", "high"] {
        assert!(posted_at(&seen, lesser).unwrap().0 >= back, "{lesser} waits for the ledger");
    }
    assert_eq!(w.slack.accepted().len(), 6);
    assert_eq!((outcome.tally.unclaimed, outcome.tally.posted), (3, 6));
    assert_eq!(outcome.tally.already_posted, 1, "this worker remembers what it has posted");
    assert_eq!(w.queue.len(), 0);
    let row: AlertRecord = w.ledger.read(&w.key("critical-2")).await.unwrap().unwrap();
    assert!(row.is_posted());
    // The ledger knows the alert now, so a copy is not posted again.
    w.send("critical-2", 9.5);
    w.drain().await;
    assert_eq!(w.slack.accepted().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_short_absence_of_the_ledger_is_waited_out() {
    let w = world(vec![]);
    let ledger = unreachable_until(&w, 100_000);
    let feed = async {
        at(&w, 11_000).await;
        for i in 0..40 {
            w.send(&format!("critical-{i}"), 9.5);
        }
    };
    let outcome = w.run_fed(settings("w", true), pending(), feed, &ledger).await;
    let seen = w.slack.seen();
    assert!(seen[0].at >= Mono(100_000), "{:?}", seen[0].at);
    assert!(seen[0].at <= Mono(131_000), "{:?}", seen[0].at);
    assert_eq!((outcome.tally.unclaimed, outcome.tally.posted), (0, 40));
}

/// The first destination gets all from medium up, the second what is critical, and takes over.
pub fn with_fallback() -> Settings {
    let mut s = settings("w", true);
    s.routes.all_mut().push(Route::of_all("oncall", Some("critical".parse().unwrap())));
    s.paces.push(Duration::from_millis(1100));
    s.fallbacks = vec![Some(1), None];
    s
}

fn dead() -> Verdict {
    Verdict::Dead { status: 404, detail: "no_service".to_owned() }
}

/// `security` is dead until then.
fn dead_until(w: &mut World, until: u64) {
    let clock = w.clock;
    w.slack = ScriptedNotifier::new(clock, vec![]).judging(move |post| {
        (post.destination == "security" && clock.now().mono.0 < until).then(dead)
    });
}

#[tokio::test(start_paused = true)]
async fn a_dead_destination_is_stood_in_for_until_it_works_again() {
    let mut w = world(vec![]);
    dead_until(&mut w, 300_000);
    for (id, severity) in [("medium", 5.0), ("critical", 9.5), ("high", 8.0)] {
        w.send(id, severity);
    }
    let feed = async {
        at(&w, 400_000).await;
        w.send("later", 5.0);
    };
    let outcome = w.run_fed(with_fallback(), pending(), feed, &w.ledger).await;
    let seen = w.slack.seen();
    let accepted: Vec<(&str, Vec<String>, u64)> = seen
        .iter()
        .filter(|s| s.accepted)
        .map(|s| (s.post.destination.as_str(), ids(&s.post), s.at.0))
        .collect();
    let to = |channel: &str, id: &str| {
        accepted.iter().filter(|(c, all, _)| *c == channel && all.iter().any(|i| i == id)).count()
    };
    // Oncall receives alerts that it would not have received. The post says for whom it stands in.
    for id in ["medium", "high"] {
        assert_eq!((to("oncall", id), to("security", id)), (1, 0), "{id}: {accepted:?}");
        let card = seen
            .iter()
            .flat_map(|s| s.post.cards.iter().map(move |c| (s, c)))
            .find(|(s, c)| s.post.destination == "oncall" && c.finding.fingerprint.id == id);
        assert_eq!(card.unwrap().1.meant_for.as_deref(), Some("security"));
    }
    // Oncall receives its own alerts once. The other destination waits until it is back.
    assert_eq!((to("oncall", "critical"), to("security", "critical")), (1, 1), "{accepted:?}");
    assert_eq!((to("oncall", "later"), to("security", "later")), (0, 1), "{accepted:?}");
    assert!(accepted.iter().filter(|(c, ..)| *c == "oncall").all(|(_, _, at)| *at < 10_000));
    assert_eq!(outcome.tally.by_fallback, 2);
    assert_eq!(w.queue.len(), 0);
    let key = RecordKey::alert(w.key("medium").fingerprint(), "security");
    assert!(w.ledger.read::<AlertRecord>(&key).await.unwrap().unwrap().is_posted());
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_was_replaced_is_used_at_once() {
    let mut w = world(vec![]);
    let tries = Arc::new(AtomicU64::new(0));
    w.slack = ScriptedNotifier::new(w.clock, vec![]).replaced().judging({
        let tries = Arc::clone(&tries);
        move |_| (tries.fetch_add(1, Ordering::Relaxed) == 0).then(dead)
    });
    w.send("a", 8.0);
    w.run(with_fallback(), pending(), &w.ledger).await;
    let seen = w.slack.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|s| s.post.destination == "security"), "no fallback is needed");
    assert!(seen[1].at.since(seen[0].at) < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_buffer_full_of_highs_hears_of_a_critical_behind_them() {
    for lanes in [vec![Lane::Express, Lane::Standard], vec![Lane::Standard]] {
        let w = world(vec![]);
        let lane = lanes[0];
        for i in 0..1_500 {
            w.queue.send(lane, &event(&format!("high-{i:04}"), 8.0));
        }
        w.queue.send(lane, &event("critical", 9.5));
        let settings = Settings { lanes, findings_max: 100, ..settings("w", true) };
        let outcome = w.run(settings, pending(), &w.ledger).await;
        let seen = w.slack.seen();
        let place = seen.iter().position(|s| carries(&s.post, "critical")).unwrap();
        assert!(place <= 2, "{lane:?}: the critical one went out as post {place}");
        assert_eq!(w.slack.accepted().len(), 1_501, "{lane:?}");
        assert_eq!(w.queue.len(), 0);
        // Each message is returned a few times, not all the time.
        assert!(outcome.tally.returned < 4_500, "{lane:?}: {}", outcome.tally.returned);
    }
}

#[tokio::test(start_paused = true)]
async fn a_critical_overtakes_a_post_that_waits_for_its_slot() {
    let w = world(vec![]);
    for i in 0..20 {
        w.send(&format!("medium-{i:02}"), 5.0);
    }
    // Another worker takes a slot just before this one wants it.
    let mut other = hansho::policy::pace_slots::PaceSlots::new(
        "security",
        "other",
        Duration::from_millis(1100),
        settings("other", true).terms,
    );
    let feed = async {
        at(&w, 1_350).await;
        let row = w.ledger.read(other.key()).await.unwrap();
        other.saw(row, w.clock.now().mono);
        let (expect, row) = other.take("another-1", w.clock.now().wall);
        w.ledger.write(other.key(), &expect, &row).await.unwrap();
        at(&w, 1_500).await;
        w.queue.send(Lane::Express, &event("critical", 9.5));
    };
    w.run_fed(settings("w", true), pending(), feed, &w.ledger).await;
    let seen = w.slack.seen();
    assert_eq!(ids(&seen[1].post), ["critical"], "{:?}", seen[1]);
    assert!(seen[1].at >= Mono(1_350 + 1_100) && seen[1].at <= Mono(2_600), "{:?}", seen[1].at);
    assert!(seen.iter().all(|s| s.post.form == Form::Cards));
    assert_eq!(w.slack.accepted().len(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_dead_destination_is_tried_though_its_fallback_comes_first() {
    let mut w = world(vec![]);
    dead_until(&mut w, 300_000);
    let mut settings = with_fallback();
    settings.routes.all_mut().reverse();
    settings.fallbacks = vec![None, Some(0)];
    let feed = async {
        for i in 0..60 {
            at(&w, i * 10_000).await;
            w.send(&format!("m-{i:02}"), 5.0);
        }
    };
    w.run_fed(settings, pending(), feed, &w.ledger).await;
    let seen = w.slack.seen();
    let back = seen.iter().find(|s| s.accepted && s.post.destination == "security");
    let back = back.expect("it is tried, and works again").at;
    assert!(back < Mono(370_000), "{back:?}");
    let late = seen.iter().filter(|s| s.at > back.plus(Duration::from_secs(5)));
    assert!(late.clone().count() > 10 && late.clone().all(|s| s.post.destination == "security"));
}

#[tokio::test(start_paused = true)]
async fn while_the_ledger_is_unreachable_a_pause_that_is_known_is_kept() {
    let w = world(vec![]);
    let ledger = unreachable_until(&w, 900_000);
    let terms = settings("other", true).terms;
    let interval = Duration::from_millis(1100);
    let mut other =
        hansho::policy::pace_slots::PaceSlots::new("security", "other", interval, terms);
    let feed = async {
        at(&w, 5_000).await;
        // Another worker has to pause for ten minutes, and this one sees it.
        other.saw(None, w.clock.now().mono);
        let now = w.clock.now();
        let hansho::policy::pace_slots::Step::Write { expect, record: row } =
            other.pause(Duration::from_secs(600), now)
        else {
            panic!("nobody has paused yet")
        };
        w.ledger.write(other.key(), &expect, &row).await.unwrap();
        at(&w, 8_000).await;
        w.send("high", 8.0);
        at(&w, 11_000).await;
        w.send("critical", 9.5);
    };
    let settings = Settings { fallbacks: vec![None, None], ..with_fallback() };
    w.run_fed(settings, pending(), feed, &ledger).await;
    let seen = w.slack.seen();
    let first = |channel: &str| seen.iter().find(|s| s.post.destination == channel).unwrap().at;
    let (paused, other) = (first("security"), first("oncall"));
    assert!((131_000..200_000).contains(&other.0), "{other:?}");
    assert!((605_000..630_000).contains(&paused.0), "{paused:?}");
}
