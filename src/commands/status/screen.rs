//! The state as lines for a person. Each fits the width. No text of a finding, or of whatever
//! answered, controls the terminal.

use std::time::Duration;

use super::queues::Queues;
use crate::commands::table::age;
use crate::finding::{Level, Text};
use crate::health::status::{AlertStatus, DestinationStatus, Status};
use crate::instants::Wall;
use crate::terminal::cut;
use crate::words::number_of;

/// The longest text that is cleaned. No terminal is wider.
const CHARS_MAX: usize = 500;
/// The narrowest screen.
const WIDTH_MIN: usize = 20;

/// Lines of bounded width.
struct Lines {
    width: usize,
    text: String,
}

impl Lines {
    fn new(width: usize) -> Lines {
        Lines { width: width.max(WIDTH_MIN), text: String::new() }
    }

    /// Adds a line. Its indent is kept.
    fn add(&mut self, line: &str) {
        let words = line.trim_start_matches(' ');
        let indent = &line[..line.len() - words.len()];
        // The gaps between columns stay.
        let parts = words.split("  ").map(|part| Text::new(part, CHARS_MAX).into_string());
        let clean = format!("{indent}{}", parts.collect::<Vec<String>>().join("  "));
        self.text.push_str(&cut(&clean, self.width));
        self.text.push('\n');
    }
}

/// The state of a worker.
pub fn worker(status: &Status, now: Wall, width: usize) -> String {
    let mut lines = Lines::new(width);
    let ready = if status.problems.is_empty() { "ready" } else { "NOT READY" };
    lines.add(&format!("hansho worker {}  {ready}", status.worker));
    status.problems.iter().for_each(|problem| lines.add(&format!("  ! {problem}")));
    let (posts, posted, minute) = (status.posts, status.posted, status.posted_last_minute);
    let (posted, posts) = (number_of(posted, "alert"), number_of(posts, "post"));
    lines.add(&format!("posted    {posted} in {posts}, {minute} in the last minute"));
    let kib = status.held_bytes.div_ceil(1024);
    lines.add(&format!("in hand   {}, {kib} KiB", number_of(status.held, "finding")));
    let ledger = status.ledger_unreachable.as_deref();
    let ledger = ledger.map_or("reachable".to_owned(), |why| format!("UNREACHABLE: {why}"));
    lines.add(&format!("ledger    {ledger}"));
    for (lane, failures) in &status.lanes {
        let state = match failures {
            0 => "receives".to_owned(),
            failures => format!("{} FAILED in a row", number_of(*failures, "receive")),
        };
        lines.add(&format!("lane      {lane}: {state}"));
    }
    status.destinations.iter().for_each(|d| destination(&mut lines, d, now));
    if !status.last_posts.is_empty() {
        lines.add("");
        lines.add("Last posted");
    }
    for post in &status.last_posts {
        let ago = since(&post.at, now);
        lines.add(&format!("  {ago:>6} ago  {}  {}", alert(&post.alert), post.destination));
    }
    lines.text
}

fn destination(lines: &mut Lines, d: &DestinationStatus, now: Wall) {
    lines.add("");
    let breaker = match d.breaker.as_str() {
        "closed" => String::new(),
        other => {
            format!("  breaker {}, {} failed", other.to_uppercase(), number_of(d.failures, "post"))
        }
    };
    let digests = if d.digests { "  posts digests" } else { "" };
    lines.add(&format!("{}{breaker}{digests}", d.name));
    let levels = Level::ALL.iter().rev().filter_map(|level| {
        let count = d.waiting.get(&level.to_string())?;
        Some(format!("{count} {level}"))
    });
    let levels: Vec<String> = levels.collect();
    if levels.is_empty() {
        return lines.add("  nothing waits");
    }
    lines.add(&format!("  wait: {}", levels.join(", ")));
    if let Some(oldest) = &d.oldest {
        lines.add(&format!("  the oldest for {}", since(oldest, now)));
    }
    if let Some(next) = &d.next {
        let when = match d.next_post_in_s {
            0 => "now".to_owned(),
            seconds => format!("in {}", age(Duration::from_secs(seconds))),
        };
        lines.add(&format!("  next {when}: {}", alert(next)));
    }
}

fn alert(alert: &AlertStatus) -> String {
    format!("{}  {}  {}", alert.level, alert.account, alert.title)
}

fn since(time: &str, now: Wall) -> String {
    Wall::parse_rfc3339(time).map_or("?".to_owned(), |at| age(now.since(at)))
}

/// What is known without a worker.
pub fn queues(why: &str, queues: &Queues, now: Wall, width: usize) -> String {
    let mut lines = Lines::new(width);
    lines.add("no worker answers on this machine");
    lines.add(&format!("  {why}"));
    lines.add(&format!("From {}:", queues.place));
    for lane in &queues.lanes {
        let (waiting, hidden) = (lane.waiting, lane.hidden);
        lines.add(&format!("lane      {}: {waiting} wait, {hidden} in work or delayed", lane.lane));
    }
    for pause in &queues.destinations {
        let state = match pause.closed_until {
            None => "no post yet".to_owned(),
            Some(until) if until > now => format!("next post in {}", age(until.since(now))),
            Some(until) => format!("the last post was {} ago or more", age(now.since(until))),
        };
        lines.add(&format!("{}: {state}", pause.destination));
    }
    lines.text
}

#[cfg(test)]
mod tests {
    use super::super::queues::{LaneDepth, Pause};
    use super::*;
    use crate::health::status::PostedStatus;
    use crate::terminal::columns;

    const NOW: Wall = Wall(1_790_000_100_000);

    fn ago(seconds: u64) -> String {
        NOW.minus(Duration::from_secs(seconds)).to_rfc3339()
    }

    fn hostile() -> AlertStatus {
        AlertStatus {
            level: "critical".to_owned(),
            account: "111122223333".to_owned(),
            title: format!("\u{1b}[2J\u{202e}日本\r\n{}", "x".repeat(90)),
        }
    }

    fn status() -> Status {
        Status {
            worker: "w1".to_owned(),
            posts: 3,
            posted: 12,
            posted_last_minute: 4,
            lanes: [("standard".to_owned(), 0), ("express".to_owned(), 4)].into(),
            destinations: vec![DestinationStatus {
                name: "security".to_owned(),
                waiting: [("critical".to_owned(), 1), ("high".to_owned(), 20)].into(),
                oldest: Some(ago(75)),
                next: Some(hostile()),
                next_post_in_s: 30,
                breaker: "open".to_owned(),
                failures: 5,
                digests: true,
            }],
            last_posts: vec![PostedStatus {
                at: ago(5),
                destination: "security".to_owned(),
                waited_s: 1,
                alert: hostile(),
            }],
            ..Status::default()
        }
    }

    #[test]
    fn every_line_fits_and_no_text_controls_the_terminal() {
        for width in [20, 40, 60, 80, 200] {
            let text = worker(&status(), NOW, width);
            for line in text.lines() {
                assert!(columns(line) <= width, "{width}: {line}");
                assert!(!line.contains(['\u{1b}', '\u{202e}', '\r']), "{line:?}");
            }
        }
    }

    #[test]
    fn at_60_columns_it_says_what_waits_what_is_next_and_what_was_posted() {
        let text = worker(&status(), NOW, 60);
        for line in [
            "hansho worker w1  ready",
            "posted    12 alerts in 3 posts, 4 in the last minute",
            "lane      express: 4 receives FAILED in a row",
            "lane      standard: receives",
            "security  breaker OPEN, 5 posts failed  posts digests",
            "  wait: 1 critical, 20 high",
            "  the oldest for 1m15s",
            "  next in 30s: critical  111122223333  [2J日本 xxxxxxxxxxxx…",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
        }
    }

    #[test]
    fn without_a_worker_the_queues_are_shown() {
        let known = Queues {
            place: "hansho.db".to_owned(),
            lanes: vec![LaneDepth { lane: "standard", waiting: 7, hidden: 2 }],
            destinations: vec![
                Pause { destination: "a".to_owned(), closed_until: None },
                Pause {
                    destination: "b".to_owned(),
                    closed_until: Some(NOW.plus(Duration::from_secs(30))),
                },
            ],
        };
        let text = queues("nothing listens", &known, NOW, 60);
        assert!(
            text.contains("standard: 7 wait, 2 in work or delayed\na: no post yet\n"),
            "{text}"
        );
        assert!(text.contains("b: next post in 30s\n"), "{text}");
    }
}
