//! After an outage of hansho itself, a post says so once at its end, and never in the place of a
//! finding.

use std::future::pending;
use std::time::Duration;

use hansho::commands::demo::slack_rules;
use hansho::desk::Settings;
use hansho::finding::Level;
use hansho::instants::{Mono, Wall};
use hansho::policy::route::Route;
use hansho::ports::{
    Clock, Form, Late, NOTE_WEIGHT_MAX, Note, OutageCause, Post, RetryReason, Verdict,
};
use hansho::slack::{BUDGET_CHARS, Guide, payload, weigh};
use serde_json::json;

use crate::adapters::slack_render::{a_post, calm, card, sre};
use crate::desk::buffer::{World, world};
use crate::support::fakes::{Seen, is_plain, refused, retry, settings};

const MINUTE: Duration = Duration::from_secs(60);

/// A world whose Slack judges each post by the time since the start.
fn judged(judge: impl Fn(Duration, &Post) -> Option<Verdict> + Send + Sync + 'static) -> World {
    let w = world(vec![]);
    let (clock, began) = (w.clock, w.clock.now().mono);
    let since = move || clock.now().mono.since(began);
    let slack = w.slack.clone().judging(move |post| judge(since(), post));
    World { slack, ..w }
}

fn failing() -> Option<Verdict> {
    Some(retry(RetryReason::ServerError, None, false))
}

fn notes(seen: &[Seen]) -> Vec<(usize, Note)> {
    let accepted = seen.iter().enumerate().filter(|(_, s)| s.accepted);
    accepted.flat_map(|(i, s)| s.post.notes.iter().map(move |n| (i, n.clone()))).collect()
}

fn send(w: &World, count: usize) {
    (0..count).for_each(|i| w.send(&format!("held-{i:02}"), 5.0));
}

#[tokio::test(start_paused = true)]
async fn a_long_outage_is_noted_once_in_the_last_post_of_held_alerts() {
    let w = judged(|since, _| if since < 37 * MINUTE { failing() } else { None });
    send(&w, 12);
    let outcome = w.drain().await;
    assert_eq!((outcome.tally.posted, w.queue.len()), (12, 0));
    let seen = w.slack.seen();
    let notes = notes(&seen);
    assert_eq!(notes.len(), 1, "{notes:?}");
    let (place, note) = &notes[0];
    assert_eq!(*place, seen.len() - 1, "when nothing waits any more");
    let Note::Recovered { lasted, until, why, held, elsewhere, returned } = note else {
        panic!("{note:?}")
    };
    assert!((37 * MINUTE..39 * MINUTE).contains(lasted), "{lasted:?}");
    assert!(until.since(crate::support::fakes::BEGAN) >= *lasted);
    assert_eq!(*why, OutageCause::Failing(RetryReason::ServerError));
    assert_eq!((*held, *elsewhere, *returned), (12, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_short_one_is_nobodys_concern() {
    let w = judged(|since, _| if since < 4 * MINUTE { failing() } else { None });
    send(&w, 12);
    w.drain().await;
    assert_eq!(w.slack.accepted().len(), 12);
    assert!(notes(&w.slack.seen()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_slack_asked_for_is_no_outage() {
    let w = judged(|since, _| {
        (since < 30 * MINUTE).then(|| retry(RetryReason::RateLimited, Some(600), false))
    });
    send(&w, 12);
    w.drain().await;
    assert_eq!(w.slack.accepted().len(), 12);
    assert!(notes(&w.slack.seen()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn where_nothing_else_waits_the_next_post_says_it() {
    let w = judged(|since, _| if since < 10 * MINUTE { failing() } else { None });
    w.send("a", 5.0);
    let feed = async {
        for (minute, id) in [(30, "b"), (31, "c")] {
            tokio::time::sleep(minute * MINUTE).await;
            w.send(id, 5.0);
        }
    };
    w.run_fed(settings("w", true), pending(), feed, &w.ledger).await;
    assert_eq!(w.slack.accepted(), ["a", "b", "c"]);
    let seen = w.slack.seen();
    let notes = notes(&seen);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0].0, seen.len() - 2, "with b, and not again with c");
    assert!(matches!(notes[0].1, Note::Recovered { held: 1, .. }), "{notes:?}");
}

/// The lateness of each accepted alert, in the order of the posts.
fn lateness(seen: &[Seen]) -> Vec<(String, Option<Late>)> {
    let cards = seen.iter().filter(|s| s.accepted).flat_map(|s| &s.post.cards);
    cards.map(|card| (card.finding.fingerprint.id.clone(), card.late)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_card_that_waited_for_slack_says_how_late_it_is() {
    for (outage, late) in [(10 * MINUTE, true), (3 * MINUTE, true), (MINUTE / 2, false)] {
        let w = judged(move |since, _| if since < outage { failing() } else { None });
        send(&w, 12);
        let feed = async {
            tokio::time::sleep(30 * MINUTE).await;
            w.send("after", 5.0);
        };
        w.run_fed(settings("w", true), pending(), feed, &w.ledger).await;
        let found = lateness(&w.slack.seen());
        assert_eq!(found.len(), 13);
        for (id, found) in found {
            let expected = late && id != "after";
            assert_eq!(found.is_some(), expected, "{id} after {outage:?}: {found:?}");
            let Some(Late { by, why }) = found else { continue };
            assert!((outage..outage + 2 * MINUTE).contains(&by), "{id} after {outage:?}: {by:?}");
            assert_eq!(why, OutageCause::Failing(RetryReason::ServerError));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_a_day_old_is_no_news() {
    let w = judged(|since, _| if since < 10 * MINUTE { failing() } else { None });
    w.send("a", 5.0);
    let feed = async {
        tokio::time::sleep(25 * 60 * MINUTE).await;
        w.send("b", 5.0);
    };
    let patient = Settings {
        drain: Some(hansho::desk::DrainTerms { measurements: 2, patience: 48 * 60 * MINUTE }),
        ..settings("w", true)
    };
    w.run_fed(patient, pending(), feed, &w.ledger).await;
    assert_eq!(w.slack.accepted(), ["a", "b"]);
    assert!(notes(&w.slack.seen()).is_empty());
}

/// Slack refuses the post for its note. The findings in it are posted as if there had been no note.
#[tokio::test(start_paused = true)]
async fn no_finding_suffers_for_a_note() {
    for count in [2, 6, 12] {
        let w = judged(|since, post| match since < 10 * MINUTE {
            true => failing(),
            false => (!post.notes.is_empty()).then(refused),
        });
        send(&w, count);
        let outcome = w.drain().await;
        assert_eq!((outcome.tally.quarantined, w.queue.len()), (0, 0), "{count}");
        assert_eq!(w.slack.accepted().len(), count);
        let seen = w.slack.seen();
        let with_note = seen.iter().filter(|s| !s.post.notes.is_empty()).count();
        assert_eq!(with_note, 1, "it is not tried again");
        assert!(!seen.iter().any(|s| is_plain(&s.post)));
    }
}

/// A post with a note whose answer is lost is tried again, note and all.
#[tokio::test(start_paused = true)]
async fn a_note_is_tried_until_it_is_posted() {
    let w = judged(|_, _| None);
    let (clock, began) = (w.clock, w.clock.now().mono);
    let failed = std::sync::atomic::AtomicU32::new(0);
    let slack = w.slack.clone().judging(move |post| {
        let early = clock.now().mono.since(began) < 10 * MINUTE;
        let first =
            !post.notes.is_empty() && failed.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2;
        if early || first { failing() } else { None }
    });
    let w = World { slack, ..w };
    send(&w, 3);
    w.drain().await;
    assert_eq!(w.slack.accepted().len(), 3);
    assert_eq!(notes(&w.slack.seen()).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fallback_post_says_for_whom_it_stands_in_and_since_when() {
    let dead = || Verdict::Dead { status: 404, detail: "no_service".to_owned() };
    let w = judged(move |since, post| {
        (post.destination == "security" && since < 40 * MINUTE).then(dead)
    });
    let critical = Some("critical".parse().unwrap());
    let base = settings("w", true);
    let mut two = Settings { fallbacks: vec![Some(1), None], ..base };
    two.routes.all_mut().push(Route::of_all("oncall", critical));
    two.paces.push(two.paces[0]);
    let feed = async {
        for minute in [0, 2, 10, 10, 10, 20, 1] {
            tokio::time::sleep(minute * MINUTE).await;
            w.send(&format!("at-{}", w.clock.now().mono.since(Mono(0)).as_secs()), 5.0);
        }
    };
    let outcome = w.run_fed(two, pending(), feed, &w.ledger).await;
    assert_eq!((outcome.tally.posted, w.queue.len()), (7, 0));
    let seen = w.slack.seen();
    let notes = notes(&seen);
    let at = |i: usize| seen[i].post.destination.as_str();
    let labelled: Vec<(&str, &Note)> = notes.iter().map(|(i, note)| (at(*i), note)).collect();
    let [("oncall", Note::StandsIn { destination, dead_for }), ("security", back)] = &labelled[..]
    else {
        panic!("{labelled:?}")
    };
    assert_eq!(destination, "security");
    assert!((5 * MINUTE..14 * MINUTE).contains(dead_for), "{dead_for:?}");
    let Note::Recovered { why: OutageCause::Dead, elsewhere, .. } = back else {
        panic!("{back:?}")
    };
    assert!(*elsewhere >= 2, "{back:?}");
}

// --- The payload ---

fn recovered() -> Note {
    Note::Recovered {
        lasted: 37 * MINUTE,
        until: Wall(1_784_746_037_000),
        why: OutageCause::Failing(RetryReason::ServerError),
        held: 214,
        elsewhere: 0,
        returned: 0,
    }
}

fn with(notes: Vec<Note>, cards: usize) -> Post {
    let cards = (0..cards).map(|_| card(calm(Level::High))).collect();
    Post { notes, ..a_post(Form::Cards, cards) }
}

#[test]
fn a_note_stands_below_the_cards() {
    let stands_in = Note::StandsIn { destination: "security".into(), dead_for: 37 * MINUTE };
    let whole = payload(&with(vec![recovered(), stands_in], 2), &sre(), &Guide::default());
    let without = payload(&with(vec![], 2), &sre(), &Guide::default());
    assert_eq!(
        (&whole["text"], &whole["attachments"][0]),
        (&without["text"], &without["attachments"][0])
    );
    let blocks = whole["attachments"][1]["blocks"].as_array().unwrap();
    let before = without["attachments"][1]["blocks"].as_array().unwrap();
    assert_eq!(&blocks[..before.len()], &before[..]);
    let block = |text: &str| {
        json!({ "type": "context",
            "elements": [{ "type": "mrkdwn", "text": text, "verbatim": true }] })
    };
    assert_eq!(
        blocks[before.len()..],
        [
            block(
                "🛠️ hansho could not post here for 37 min, until <!date^1784746037^\
                 {date_short_pretty} {time}|2026-07-22 18:47 UTC>: Slack answered with server \
                 errors (5xx). 214 findings waited and are posted now."
            ),
            block(
                "🛠️ The webhook of security has not worked for 37 min. Its findings come here until \
                 it does."
            ),
        ]
    );
    assert_eq!(slack_rules::broken(&whole), None);
}

/// As many as the desk lets through: they keep to what a post may weigh.
#[test]
fn with_its_notes_a_post_keeps_slacks_limits() {
    for cards in 1..=10 {
        for notes in 0..=3 {
            let post = with(vec![recovered(); notes], cards);
            let weight: usize = post.cards.iter().map(|card| weigh(card, &Guide::default())).sum();
            if weight + notes * NOTE_WEIGHT_MAX > BUDGET_CHARS {
                continue;
            }
            let payload = payload(&post, &sre(), &Guide::default());
            assert_eq!(slack_rules::broken(&payload), None);
            let attachments = payload["attachments"].as_array().unwrap();
            let chars: usize =
                attachments.iter().map(|a| a.to_string().encode_utf16().count()).sum();
            assert!(chars <= BUDGET_CHARS, "{cards} cards, {notes} notes: {chars}");
        }
    }
}
