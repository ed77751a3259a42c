//! The findings that a silence keeps back at the desk, and those that are posted all the same.

use std::future::pending;
use std::time::Duration;

use hansho::desk::{Settings, Tally};
use hansho::finding::{Level, Text};
use hansho::instants::Wall;
use hansho::policy::matcher::{MatchKey, Matcher};
use hansho::policy::silence::{CurrentSilences, Silence, Silences};
use hansho::ports::{Lane, Ledger};
use tokio::time::sleep;

use crate::desk::buffer::world;
use crate::support::fakes::{BEGAN, event, settings};

const MINUTE: Duration = Duration::from_secs(60);

/// Keeps back all findings of the tests up to high.
fn silence(until: Wall) -> Silence {
    let mut matcher = Matcher::default();
    matcher.add(false, MatchKey::Region, ["eu-central-1"]).unwrap();
    matcher.add(false, MatchKey::Type, ["?*"]).unwrap();
    Silence {
        id: "weekly-scan".to_owned(),
        matcher,
        findings: Vec::new(),
        resources: Vec::new(),
        covers: Level::High,
        from: BEGAN,
        until,
        because: Text::new("a scan", 100),
        owner: None,
    }
}

fn until(minutes: u32) -> Silences {
    Silences::new(vec![silence(BEGAN.plus(MINUTE * minutes))]).unwrap()
}

fn with(silences: Silences) -> (Settings, CurrentSilences) {
    let settings = settings("w", true);
    settings.routes.silences.set(silences);
    let current = settings.routes.silences.clone();
    (settings, current)
}

fn archived(id: &str) -> String {
    event(id, 5.0)
        .replace(r#""count":1"#, r#""count":1,"archived":true"#)
        .replace("T10:00:00Z", "T11:00:00Z")
}

#[tokio::test(start_paused = true)]
async fn what_a_silence_keeps_back_is_settled_and_leaves_no_trace() {
    let w = world(vec![]);
    for (id, severity) in [("a", 5.0), ("worse", 9.5), ("b", 8.0), ("noise", 2.0)] {
        w.send(id, severity);
    }
    let outcome = w.run(with(until(600)).0, pending(), &w.ledger).await;
    assert_eq!(w.slack.accepted(), ["worse"]);
    let Tally { findings, below_threshold, silenced, posted, deleted, .. } = outcome.tally;
    assert_eq!((findings, below_threshold, silenced, posted, deleted), (4, 1, 2, 1, 4));
    assert_eq!(w.queue.len(), 0);
    for (id, known) in [("a", false), ("b", false), ("worse", true)] {
        assert_eq!(w.ledger.read_any(&w.key(id)).await.unwrap().is_some(), known, "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_update_after_the_end_is_posted() {
    let w = world(vec![]);
    w.send("a", 5.0);
    let feed = async {
        for minute in 0..6 {
            w.queue.send(Lane::Standard, &event(&format!("at-{minute}"), 5.0));
            w.send("a", 5.0);
            sleep(MINUTE).await;
        }
    };
    let outcome = w.run_fed(with(until(3)).0, pending(), feed, &w.ledger).await;
    let mut accepted = w.slack.accepted();
    accepted.sort();
    assert_eq!(accepted, ["a", "at-3", "at-4", "at-5"]);
    assert_eq!((outcome.tally.silenced, outcome.tally.already_posted), (7, 2));
}

#[tokio::test(start_paused = true)]
async fn a_change_holds_from_the_next_finding_on() {
    let w = world(vec![]);
    let (settings, current) = with(Silences::default());
    let feed = async {
        w.send("before", 5.0);
        sleep(MINUTE).await;
        current.set(until(600));
        // A rise is kept back too, and owed when the silence ends.
        w.send("before", 8.0);
        w.send("meanwhile", 5.0);
        sleep(MINUTE).await;
        assert_eq!(w.slack.accepted(), ["before"]);
        current.set(Silences::default());
        w.send("before", 8.0);
        w.send("meanwhile", 5.0);
    };
    let outcome = w.run_fed(settings, pending(), feed, &w.ledger).await;
    let mut accepted = w.slack.accepted();
    accepted.sort();
    assert_eq!(accepted, ["before", "before", "meanwhile"]);
    assert_eq!((outcome.tally.silenced, outcome.tally.escalated), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_closing_is_recorded_and_a_comeback_is_posted_after_the_end() {
    let w = world(vec![]);
    let (settings, current) = with(Silences::default());
    let again = |hour: &str| event("a", 5.0).replace("T10:00:00Z", &format!("T{hour}:00:00Z"));
    let feed = async {
        w.send("a", 5.0);
        sleep(MINUTE).await;
        current.set(until(3));
        w.queue.send(Lane::Standard, &archived("a"));
        w.queue.send(Lane::Standard, &archived("never-posted"));
        sleep(MINUTE).await;
        w.queue.send(Lane::Standard, &again("12"));
        sleep(MINUTE * 2).await;
        w.queue.send(Lane::Standard, &again("13"));
    };
    let outcome = w.run_fed(settings, pending(), feed, &w.ledger).await;
    assert_eq!(w.slack.accepted(), ["a", "a"]);
    let Tally { silenced, closed, ended, came_back, .. } = outcome.tally;
    assert_eq!((silenced, closed, ended, came_back), (1, 2, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_sends_again_is_posted() {
    let w = world(vec![]);
    w.send("a", 5.0);
    w.queue.send_again(Lane::Standard, &event("b", 5.0));
    let outcome = w.run(with(until(600)).0, pending(), &w.ledger).await;
    assert_eq!(w.slack.accepted(), ["b"]);
    assert_eq!(outcome.tally.silenced, 1);
}
