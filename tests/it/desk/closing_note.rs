//! The next post of a destination says which of its findings are closed, if it wants to know.

use std::future::pending;
use std::time::Duration;

use hansho::desk::Settings;
use hansho::finding::Closing;
use hansho::ports::{Lane, Note};

use crate::desk::buffer::world;
use crate::support::fakes::{Seen, event, refused, settings};

/// GuardDuty archived the finding an hour after its last update.
fn archived(id: &str) -> String {
    let event = event(id, 5.0).replace(r#""count":1"#, r#""count":1,"archived":true"#);
    event.replace("T10:00:00Z", "T11:00:00Z")
}

/// The findings in the closing note of each accepted post, and how many more are counted.
fn named(seen: &[Seen]) -> Vec<(Vec<String>, usize)> {
    let notes = seen.iter().filter(|s| s.accepted).flat_map(|s| &s.post.notes);
    let closed = notes.filter_map(|note| match note {
        Note::Closed { lines, more } => Some((lines, *more)),
        _ => None,
    });
    closed
        .map(|(lines, more)| {
            assert!(lines.iter().all(|line| line.why == Closing::Suppressed));
            (lines.iter().map(|line| line.finding.fingerprint.id.clone()).collect(), more)
        })
        .collect()
}

/// Posts these findings, closes them, and posts two more, one after the other.
async fn life(closed: usize, wanted: bool, note_refused: bool) -> Vec<(Vec<String>, usize)> {
    let mut w = world(vec![]);
    if note_refused {
        w.slack = w.slack.clone().judging(|post| (!post.notes.is_empty()).then(refused));
    }
    let ids: Vec<String> = (0..closed).map(|n| format!("f{n:02}")).collect();
    ids.iter().for_each(|id| w.send(id, 5.0));
    let feed = async {
        let minute = Duration::from_secs(60);
        tokio::time::sleep(minute).await;
        for id in &ids {
            w.queue.send(Lane::Standard, &archived(id));
        }
        w.queue.send(Lane::Standard, &archived("never-posted"));
        for id in ["next", "last"] {
            tokio::time::sleep(minute).await;
            w.send(id, 5.0);
        }
    };
    let settings = Settings { tells_closings: vec![wanted], ..settings("w", true) };
    let outcome = w.run_fed(settings, pending(), feed, &w.ledger).await;
    assert_eq!((outcome.tally.ended, w.queue.len()), (closed as u64, 0));
    assert_eq!(w.slack.accepted().len(), closed + 2);
    named(&w.slack.seen())
}

#[tokio::test(start_paused = true)]
async fn what_came_back_is_not_called_closed() {
    let w = world(vec![]);
    w.send("back", 5.0);
    let feed = async {
        let minute = Duration::from_secs(60);
        tokio::time::sleep(minute).await;
        w.queue.send(Lane::Standard, &archived("back"));
        tokio::time::sleep(minute).await;
        let open_again = event("back", 5.0).replace("T10:00:00Z", "T12:00:00Z");
        w.queue.send(Lane::Standard, &open_again);
        tokio::time::sleep(minute).await;
        w.send("last", 5.0);
    };
    let settings = Settings { tells_closings: vec![true], ..settings("w", true) };
    let outcome = w.run_fed(settings, pending(), feed, &w.ledger).await;
    assert_eq!((outcome.tally.ended, outcome.tally.came_back), (1, 1));
    assert_eq!(named(&w.slack.seen()), []);
}

#[tokio::test(start_paused = true)]
async fn the_next_post_tells_what_closed_once() {
    let ids = |count: usize| (0..count).map(|n| format!("f{n:02}")).collect::<Vec<_>>();
    assert_eq!(life(1, true, false).await, [(ids(1), 0)]);
    assert_eq!(life(1, false, false).await, []);
    let [(lines, more)] = &life(13, true, false).await[..] else { panic!("one note") };
    assert_eq!((lines.len(), *more), (10, 3));
    assert_eq!(life(2, true, true).await, [], "the findings are posted without the refused note");
}
