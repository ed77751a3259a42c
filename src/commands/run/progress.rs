//! The state of a worker that runs on a terminal, in one line below its log.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use crate::clock::SystemClock;
use crate::commands::progress_line::ProgressLine;
use crate::finding::{Level, Text};
use crate::health::Vitals;
use crate::health::status::Status;
use crate::ports::Clock;
use crate::words::number_of;

const EVERY: Duration = Duration::from_secs(1);
/// No terminal is wider.
const CHARS_MAX: usize = 500;

/// Draws the line each second. Never ends. The line is removed when this is dropped.
pub async fn draw(vitals: &Vitals, clock: &SystemClock) -> Infallible {
    let mut shown = ProgressLine::on_stderr();
    if !shown.is_shown() {
        return std::future::pending().await;
    }
    loop {
        if let Some(status) = vitals.status() {
            shown.draw(&line(&status));
        }
        clock.sleep_until(clock.now().mono.plus(EVERY)).await;
    }
}

/// `ready · 1 critical, 4 high wait, the next post in 3 s · 530 alerts in 22 posts, …`. What
/// matters most is first, because a terminal may be narrow.
fn line(status: &Status) -> String {
    let mut parts = Vec::new();
    parts.push(match status.problems.as_slice() {
        [] => "ready".to_owned(),
        [problem] => format!("NOT READY: {problem}"),
        [first, others @ ..] => format!("NOT READY: {first}, and {} more", others.len()),
    });
    let mut waiting: BTreeMap<Level, usize> = BTreeMap::new();
    for (level, count) in status.destinations.iter().flat_map(|d| &d.waiting) {
        if let Ok(level) = level.parse() {
            *waiting.entry(level).or_default() += count;
        }
    }
    // One with nothing to post is not waited for.
    let busy = status.destinations.iter().filter(|d| d.next.is_some());
    let next = busy.map(|d| d.next_post_in_s).min();
    let counts = waiting.iter().rev().map(|(level, count)| format!("{count} {level}"));
    let counts: Vec<String> = counts.collect();
    parts.push(match (counts.as_slice(), next) {
        ([], _) => "nothing waits".to_owned(),
        (counts, None | Some(0)) => format!("{} wait", counts.join(", ")),
        (counts, Some(s)) => format!("{} wait, the next post in {s} s", counts.join(", ")),
    });
    parts.push(format!(
        "{} in {}, {} in the last minute",
        number_of(status.posted, "alert"),
        number_of(status.posts, "post"),
        status.posted_last_minute
    ));
    // A problem may quote what somebody answered.
    Text::new(&parts.join(" · "), CHARS_MAX).into_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::status::{AlertStatus, DestinationStatus};

    fn destination(waiting: &[(&str, usize)], next_post_in_s: u64) -> DestinationStatus {
        let waiting = waiting.iter().map(|(level, n)| ((*level).to_owned(), *n)).collect();
        let next = Some(AlertStatus::default());
        DestinationStatus { waiting, next, next_post_in_s, ..DestinationStatus::default() }
    }

    #[test]
    fn the_most_severe_stands_first() {
        let idle = DestinationStatus::default();
        let status = |destinations, problems: &[&str]| Status {
            posted: 530,
            posts: 1,
            posted_last_minute: 12,
            destinations,
            problems: problems.iter().map(|problem| (*problem).to_owned()).collect(),
            ..Status::default()
        };
        let sums = "530 alerts in 1 post, 12 in the last minute";
        let two = vec![
            destination(&[("low", 3), ("critical", 1)], 9),
            destination(&[("low", 4), ("high", 2)], 3),
            idle.clone(),
        ];
        for (status, expected) in [
            (status(vec![idle], &[]), "ready · nothing waits · "),
            (
                status(two, &["the\u{1b}ledger is unreachable", "slack is dead"]),
                "NOT READY: the ledger is unreachable, and 1 more · \
                 1 critical, 2 high, 7 low wait, the next post in 3 s · ",
            ),
            (status(vec![destination(&[("high", 1)], 0)], &[]), "ready · 1 high wait · "),
        ] {
            assert_eq!(line(&status), format!("{expected}{sums}"));
        }
    }
}
