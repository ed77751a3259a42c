//! Destinations that are dead though Slack does not say so: the same 5xx to every post, and an
//! address that can't be read.

use std::future::pending;
use std::time::Duration;

use hansho::desk::{Desk, Event, Order, Settings};
use hansho::instants::{Mono, Now};
use hansho::ports::{Clock, OutageCause, Post, RetryReason, Verdict};

use super::buffer::{World, world};
use super::fleet::with_fallback;
use crate::support::fakes::{BEGAN, Seen, ids, retry};

const MINUTE: u64 = 60_000;

/// What Slack answers to a post at a time.
fn judged(judge: impl Fn(u64, &Post) -> Option<Verdict> + Send + Sync + 'static) -> World {
    let w = world(vec![]);
    let clock = w.clock;
    let slack = w.slack.clone().judging(move |post| judge(clock.now().mono.0, post));
    World { slack, ..w }
}

fn server_error(detail: &str) -> Option<Verdict> {
    let (reason, detail) = (RetryReason::ServerError, detail.to_owned());
    Some(Verdict::Retry { reason, after: None, ambiguous: true, detail })
}

/// When a destination accepted a post with this finding.
fn accepted(seen: &[Seen], destination: &str, id: &str) -> Vec<u64> {
    let carried = |s: &&Seen| s.accepted && ids(&s.post).iter().any(|i| i == id);
    let there = seen.iter().filter(carried).filter(|s| s.post.destination == destination);
    there.map(|s| s.at.0).collect()
}

#[tokio::test(start_paused = true)]
async fn the_same_5xx_to_every_post_for_ten_minutes_lets_the_fallback_take_over() {
    let w = judged(|at, post| {
        let fails = post.destination == "security" && at < 40 * MINUTE;
        fails.then(|| server_error("HTTP 500: some_word")).flatten()
    });
    w.send("high", 8.0);
    let feed = async {
        w.clock.sleep_until(Mono(60 * MINUTE)).await;
        w.send("later", 8.0);
    };
    let outcome = w.run_fed(with_fallback(), pending(), feed, &w.ledger).await;
    let seen = w.slack.seen();
    let [at] = accepted(&seen, "oncall", "high")[..] else { panic!("{seen:?}") };
    assert!((10 * MINUTE..13 * MINUTE).contains(&at), "{at}");
    let card = &seen.iter().find(|s| s.accepted).unwrap().post.cards[0];
    assert_eq!(card.meant_for.as_deref(), Some("security"));
    assert!(card.perhaps_repeated, "security may have accepted it");
    assert!(accepted(&seen, "security", "high").is_empty());
    assert_eq!(accepted(&seen, "security", "later").len(), 1, "it works again");
    assert_eq!((outcome.tally.by_fallback, w.queue.len()), (1, 0));
    assert!(w.slack.refreshes() > 0, "another webhook would have been used");
}

#[tokio::test(start_paused = true)]
async fn answers_that_change_are_a_passing_failure() {
    let w = judged(|at, post| {
        let fails = post.destination == "security" && at < 40 * MINUTE;
        let answers = ["HTTP 500: some_word", "HTTP 503"];
        fails.then(|| server_error(answers[(at / (9 * MINUTE)) as usize % 2])).flatten()
    });
    w.send("high", 8.0);
    let outcome = w.run_fed(with_fallback(), pending(), async {}, &w.ledger).await;
    let seen = w.slack.seen();
    assert!(accepted(&seen, "oncall", "high").is_empty());
    assert_eq!(accepted(&seen, "security", "high").len(), 1);
    assert_eq!((outcome.tally.by_fallback, w.queue.len()), (0, 0));
}

/// Slack is down for everyone, so the fallback fails as well.
#[tokio::test(start_paused = true)]
async fn with_slack_down_nothing_is_lost_and_criticals_come_first() {
    let w = judged(|at, _| (at < 40 * MINUTE).then(|| server_error("HTTP 503")).flatten());
    let names = |kind: &str, n: usize| (0..n).map(|i| format!("{kind}-{i:02}")).collect::<Vec<_>>();
    let (mediums, criticals) = (names("medium", 12), names("critical", 3));
    mediums.iter().for_each(|id| w.send(id, 5.0));
    let feed = async {
        w.clock.sleep_until(Mono(20 * MINUTE)).await;
        for id in &criticals {
            w.send(id, 9.5);
            w.clock.sleep_until(w.clock.now().mono.plus(Duration::from_secs(1))).await;
        }
    };
    w.run_fed(with_fallback(), pending(), feed, &w.ledger).await;
    assert_eq!(w.queue.len(), 0);
    let seen = w.slack.seen();
    for id in &mediums {
        let (own, fallback) = (accepted(&seen, "security", id), accepted(&seen, "oncall", id));
        assert_eq!(own.len() + fallback.len(), 1, "{id}: {own:?} {fallback:?}");
    }
    for channel in ["security", "oncall"] {
        let all: Vec<String> = seen
            .iter()
            .filter(|s| s.accepted && s.post.destination == channel)
            .flat_map(|s| ids(&s.post))
            .collect();
        // The first post is of an alert from before: with Slack down nothing is received.
        let first = all.iter().position(|id| *id == criticals[0]).unwrap();
        assert!(first <= 1, "{channel}: {all:?}");
        assert_eq!(all.get(first..first + 3), Some(&criticals[..]), "{channel}: {all:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_without_an_address_holds_only_itself() {
    let until = 3 * MINUTE;
    for fallback in [true, false] {
        let w = judged(move |at, post| {
            let unread = post.destination == "security" && at < until;
            unread.then(|| retry(RetryReason::NoAddress, None, false))
        });
        let w = World { slack: w.slack.clone().readable_from(Mono(until)), ..w };
        w.send("critical", 9.5);
        w.send("high", 8.0);
        let base = with_fallback();
        let fallbacks = if fallback { base.fallbacks.clone() } else { vec![None, None] };
        let settings = Settings { unread: vec![0], fallbacks, ..base };
        w.run_fed(settings, pending(), async {}, &w.ledger).await;
        let seen = w.slack.seen();
        assert!(accepted(&seen, "oncall", "critical")[0] < 5_000, "its own, at once");
        let held = accepted(&seen, "security", "critical");
        assert!(held.len() == 1 && held[0] >= until, "{held:?}");
        let (own, other) = (accepted(&seen, "security", "high"), accepted(&seen, "oncall", "high"));
        match fallback {
            true => assert!(own.is_empty() && other.len() == 1 && other[0] < 5_000, "{other:?}"),
            false => assert!(other.is_empty() && own.len() == 1, "{own:?}"),
        }
        assert_eq!(w.queue.len(), 0);
    }
}

/// With nothing to post, no post finds out that the address is there.
#[test]
fn an_address_is_read_again_while_nothing_waits() {
    let at = |ms: u64| Now { wall: BEGAN.plus(Duration::from_millis(ms)), mono: Mono(ms) };
    let mut desk = Desk::new(Settings { unread: vec![0], ..with_fallback() }, at(0));
    let refreshes = |desk: &mut Desk, now| {
        let orders = desk.orders(now);
        orders.iter().filter(|o| matches!(o, Order::Refresh { destination: 0, .. })).count()
    };
    let dead = |desk: &Desk, now| desk.snapshot(now).destinations[0].dead;
    let no_address = Some(OutageCause::Failing(RetryReason::NoAddress));
    assert_eq!(dead(&desk, at(0)), no_address);
    let mut ms = 0;
    while ms < 5 * MINUTE {
        assert_eq!(refreshes(&mut desk, at(ms)), 1, "{ms}");
        assert_eq!(refreshes(&mut desk, at(ms + 1)), 0);
        desk.on(Event::Refreshed { destination: 0, result: Err("no file".into()) }, at(ms + 2));
        assert_eq!(refreshes(&mut desk, at(ms + 3)), 0);
        assert_eq!(dead(&desk, at(ms + 3)), no_address);
        let wake = desk.wake_at().unwrap();
        assert!((400..=MINUTE).contains(&(wake.0 - ms)), "{wake:?} after {ms}");
        ms = wake.0;
    }
    assert_eq!(refreshes(&mut desk, at(ms)), 1);
    desk.on(Event::Refreshed { destination: 0, result: Ok(true) }, at(ms));
    assert_eq!(dead(&desk, at(ms)), None);
    assert!(!desk.snapshot(at(ms)).destinations[0].breaker_open);
    assert_eq!(refreshes(&mut desk, at(ms + 9 * MINUTE)), 0);
}
