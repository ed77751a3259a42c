//! The status line of the bad night.

use std::time::Duration;

use crate::instants::Mono;

use super::screen::Ink;
use super::workers::WorkerState;

/// The status of all workers together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub critical: usize,
    pub high: usize,
    pub medium: usize,
    pub slack: Slack,
    /// How many findings a killed worker held, its name, and the time until they are delivered
    /// again.
    pub orphans: Option<(usize, &'static str, Duration)>,
    pub posted: usize,
    pub posts: usize,
}

/// Slack's state, as the workers know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slack {
    /// No alert waits.
    #[default]
    Idle,
    Paced(Duration),
    Failing {
        failures: u32,
        breaker_open: bool,
        next: Duration,
    },
}

impl Status {
    /// The status at `now`. The findings of a killed worker are delivered again after `visibility`.
    /// None until a worker has logged a snapshot.
    pub fn of(workers: &[WorkerState], visibility: Duration, now: Mono) -> Option<Status> {
        if workers.iter().all(|worker| worker.at == Mono(0)) {
            return None;
        }
        let mut status = Status::default();
        for worker in workers {
            let snapshot = &worker.snapshot;
            if let Some(killed) = worker.killed {
                let back_in = visibility.saturating_sub(now.since(killed));
                if snapshot.held > 0 && !back_in.is_zero() {
                    status.orphans = Some((snapshot.held, worker.name, back_in));
                }
                continue;
            }
            let waiting = snapshot.critical + snapshot.high + snapshot.medium;
            if worker.ended || waiting == 0 {
                continue;
            }
            status.critical += snapshot.critical;
            status.high += snapshot.high;
            status.medium += snapshot.medium;
            let next =
                Duration::from_millis(snapshot.next_post_ms).saturating_sub(now.since(worker.at));
            let slack = match snapshot.failures {
                0 => Slack::Paced(next),
                failures => Slack::Failing { failures, breaker_open: snapshot.breaker_open, next },
            };
            status.slack = status.slack.or(slack);
        }
        Some(status)
    }

    /// The first parts of the status that fit into the columns.
    pub fn line(&self, columns: usize, ink: Ink) -> String {
        let mut line = String::new();
        let mut used = 0;
        for (text, style) in self.parts() {
            let separator = if line.is_empty() { "" } else { " · " };
            let wide = separator.chars().count() + text.chars().count();
            if used + wide > columns {
                break;
            }
            used += wide;
            line.push_str(&ink.dim(separator));
            line.push_str(&style(ink, &text));
        }
        line
    }

    /// The most important part first.
    fn parts(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        let levels = [(self.critical, "critical"), (self.high, "high"), (self.medium, "medium")];
        let counts: Vec<String> = levels
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, level)| format!("{count} {level}"))
            .collect();
        parts.push(match (counts.is_empty(), self.critical) {
            (true, _) => ("no alert waits".to_owned(), Ink::dim),
            (false, 0) => (format!("waiting: {}", counts.join(", ")), Ink::strong),
            (false, _) => (format!("waiting: {}", counts.join(", ")), Ink::alarm),
        });
        parts.extend(self.slack.part());
        if let Some((count, whose, back_in)) = self.orphans {
            let back_in = back_in.as_secs() + 1;
            parts.push((format!("{count} of {whose}'s findings return in {back_in} s"), Ink::dim));
        }
        parts.push((format!("{} posted in {} posts", self.posted, self.posts), Ink::dim));
        parts
    }
}

/// A part of the line, and its style.
type Part = (String, fn(Ink, &str) -> String);

impl Slack {
    fn part(self) -> Option<Part> {
        Some(match self {
            Slack::Idle => return None,
            Slack::Paced(Duration::ZERO) => ("posting".to_owned(), Ink::dim),
            Slack::Paced(next) => (format!("next post in {}", tenths(next)), Ink::dim),
            Slack::Failing { failures, breaker_open, next } => {
                let state = if breaker_open { "breaker open" } else { "Slack fails" };
                let text = match next {
                    Duration::ZERO => format!("{state}: retry {failures}"),
                    next => format!("{state}: retry {failures} in {}", tenths(next)),
                };
                (text, Ink::warning)
            }
        })
    }

    /// Combines the states of two workers: failures win over a pace, and the earlier post wins.
    fn or(self, other: Slack) -> Slack {
        match (self, other) {
            (Slack::Idle, other) => other,
            (Slack::Paced(a), Slack::Paced(b)) => Slack::Paced(a.min(b)),
            (Slack::Failing { failures: a, .. }, Slack::Failing { failures: b, .. }) if b > a => {
                other
            }
            (Slack::Paced(_), Slack::Failing { .. }) => other,
            _ => self,
        }
    }
}

fn tenths(d: Duration) -> String {
    format!("{:.1} s", d.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::super::workers::LoggedSnapshot;
    use super::*;

    fn worker(critical: usize, medium: usize, failures: u32) -> WorkerState {
        let snapshot = LoggedSnapshot {
            critical,
            medium,
            failures,
            held: critical + medium,
            next_post_ms: 2_000,
            ..LoggedSnapshot::default()
        };
        WorkerState { snapshot, at: Mono(1_000), ..WorkerState::default() }
    }

    #[test]
    fn adds_up_the_running_workers_and_counts_down() {
        let dead = WorkerState { name: "B", killed: Some(Mono(1_500)), ..worker(0, 70, 0) };
        let ended = WorkerState { ended: true, ..worker(0, 9, 0) };
        let workers = [worker(1, 30, 0), worker(0, 12, 3), dead, ended];
        let visibility = Duration::from_secs(10);
        let status = Status::of(&workers, visibility, Mono(2_500)).unwrap();
        assert_eq!((status.critical, status.high, status.medium), (1, 0, 42));
        let next = Duration::from_millis(500);
        assert_eq!(status.slack, Slack::Failing { failures: 3, breaker_open: false, next });
        assert_eq!(status.orphans, Some((70, "B", Duration::from_secs(9))));
        // The findings of the killed worker have been delivered again.
        assert_eq!(Status::of(&workers, visibility, Mono(11_500)).unwrap().orphans, None);
        assert_eq!(Status::of(&[WorkerState::default()], visibility, Mono(9)), None);
    }

    #[test]
    fn the_line_keeps_to_its_columns_and_drops_the_least_first() {
        let status = Status {
            critical: 5,
            high: 112,
            medium: 301,
            slack: Slack::Paced(Duration::from_millis(420)),
            orphans: Some((128, "B", Duration::from_millis(11_300))),
            posted: 412,
            posts: 17,
        };
        let ink = Ink { colour: false };
        let whole = "waiting: 5 critical, 112 high, 301 medium · next post in 0.4 s · \
                     128 of B's findings return in 12 s · 412 posted in 17 posts";
        assert_eq!(status.line(200, ink), whole);
        let shorter = "waiting: 5 critical, 112 high, 301 medium · next post in 0.4 s";
        assert_eq!(status.line(80, ink), shorter);
        let next = Duration::ZERO;
        let slack = Slack::Failing { failures: 6, breaker_open: true, next };
        let status = Status { critical: 0, high: 0, slack, ..status };
        assert_eq!(status.line(50, ink), "waiting: 301 medium · breaker open: retry 6");
        let coloured = status.line(200, Ink { colour: true });
        assert!(coloured.contains("\u{1b}[") && coloured.ends_with("\u{1b}[0m"), "{coloured:?}");
        assert_eq!(Status::default().line(80, ink), "no alert waits · 0 posted in 0 posts");
    }
}
