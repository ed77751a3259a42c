//! The line that says how things are while a storm is told.

use std::time::Duration;

use crate::instants::Mono;

use super::crew::Seen;
use super::stage::Ink;

/// How things are, over all workers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub critical: usize,
    pub high: usize,
    pub medium: usize,
    pub slack: Slack,
    /// How much a killed worker had in its hands, its name, and how long until the queue delivers
    /// that again.
    pub orphans: Option<(usize, &'static str, Duration)>,
    pub told: usize,
    pub posts: usize,
}

/// How Slack looks to the workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slack {
    /// Nothing waits for it.
    #[default]
    Idle,
    Paced(Duration),
    Away {
        failures: u32,
        breaker_open: bool,
        next: Duration,
    },
}

impl Status {
    /// From what is seen of the workers at `now`; what a killed one held comes back after
    /// `visibility`. None until one of them has said something.
    pub fn of(seen: &[Seen], visibility: Duration, now: Mono) -> Option<Status> {
        if seen.iter().all(|worker| worker.at == Mono(0)) {
            return None;
        }
        let mut status = Status::default();
        for worker in seen {
            let glimpse = &worker.glimpse;
            if let Some(killed) = worker.killed {
                let back_in = visibility.saturating_sub(now.since(killed));
                if glimpse.held > 0 && !back_in.is_zero() {
                    status.orphans = Some((glimpse.held, worker.name, back_in));
                }
                continue;
            }
            let waiting = glimpse.critical + glimpse.high + glimpse.medium;
            if worker.ended || waiting == 0 {
                continue;
            }
            status.critical += glimpse.critical;
            status.high += glimpse.high;
            status.medium += glimpse.medium;
            let next =
                Duration::from_millis(glimpse.next_post_ms).saturating_sub(now.since(worker.at));
            let slack = match glimpse.failures {
                0 => Slack::Paced(next),
                failures => Slack::Away { failures, breaker_open: glimpse.breaker_open, next },
            };
            status.slack = status.slack.worse(slack);
        }
        Some(status)
    }

    /// As much of it as fits into so many columns.
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

    /// The more important first.
    fn parts(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        let levels = [(self.critical, "critical"), (self.high, "high"), (self.medium, "medium")];
        let counts: Vec<String> = levels
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, level)| format!("{count} {level}"))
            .collect();
        parts.push(match (counts.is_empty(), self.critical) {
            (true, _) => ("nothing waits".to_owned(), Ink::dim),
            (false, 0) => (format!("waiting: {}", counts.join(", ")), Ink::strong),
            (false, _) => (format!("waiting: {}", counts.join(", ")), Ink::alarm),
        });
        parts.extend(self.slack.part());
        if let Some((count, whose, back_in)) = self.orphans {
            let back_in = back_in.as_secs() + 1;
            parts.push((format!("{count} of {whose}'s back in {back_in} s"), Ink::dim));
        }
        parts.push((format!("{} told, {} posts", self.told, self.posts), Ink::dim));
        parts
    }
}

/// A part of the line, and how it is written.
type Part = (String, fn(Ink, &str) -> String);

impl Slack {
    fn part(self) -> Option<Part> {
        Some(match self {
            Slack::Idle => return None,
            Slack::Paced(Duration::ZERO) => ("posting".to_owned(), Ink::dim),
            Slack::Paced(next) => (format!("next post in {}", tenths(next)), Ink::dim),
            Slack::Away { failures, breaker_open, next } => {
                let state = if breaker_open { "breaker open" } else { "Slack away" };
                let text = match next {
                    Duration::ZERO => format!("{state}: try {}", failures + 1),
                    next => format!("{state}: try {} in {}", failures + 1, tenths(next)),
                };
                (text, Ink::warning)
            }
        })
    }

    /// Of what two workers see, the news; of the same, what comes sooner.
    fn worse(self, other: Slack) -> Slack {
        match (self, other) {
            (Slack::Idle, other) => other,
            (Slack::Paced(a), Slack::Paced(b)) => Slack::Paced(a.min(b)),
            (Slack::Away { failures: a, .. }, Slack::Away { failures: b, .. }) if b > a => other,
            (Slack::Paced(_), Slack::Away { .. }) => other,
            _ => self,
        }
    }
}

fn tenths(d: Duration) -> String {
    format!("{:.1} s", d.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::super::crew::Glimpse;
    use super::*;

    fn worker(critical: usize, medium: usize, failures: u32) -> Seen {
        let glimpse = Glimpse {
            critical,
            medium,
            failures,
            held: critical + medium,
            next_post_ms: 2_000,
            ..Glimpse::default()
        };
        Seen { glimpse, at: Mono(1_000), ..Seen::default() }
    }

    #[test]
    fn adds_up_the_living_and_counts_down() {
        let dead = Seen { name: "B", killed: Some(Mono(1_500)), ..worker(0, 70, 0) };
        let ended = Seen { ended: true, ..worker(0, 9, 0) };
        let seen = [worker(1, 30, 0), worker(0, 12, 3), dead, ended];
        let visibility = Duration::from_secs(10);
        let status = Status::of(&seen, visibility, Mono(2_500)).unwrap();
        assert_eq!((status.critical, status.high, status.medium), (1, 0, 42));
        let next = Duration::from_millis(500);
        assert_eq!(status.slack, Slack::Away { failures: 3, breaker_open: false, next });
        assert_eq!(status.orphans, Some((70, "B", Duration::from_secs(9))));
        // What the dead one held has been delivered again.
        assert_eq!(Status::of(&seen, visibility, Mono(11_500)).unwrap().orphans, None);
        assert_eq!(Status::of(&[Seen::default()], visibility, Mono(9)), None);
    }

    #[test]
    fn the_line_keeps_to_its_columns_and_drops_the_least_first() {
        let status = Status {
            critical: 5,
            high: 112,
            medium: 301,
            slack: Slack::Paced(Duration::from_millis(420)),
            orphans: Some((128, "B", Duration::from_millis(11_300))),
            told: 412,
            posts: 17,
        };
        let ink = Ink { colour: false };
        let whole = "waiting: 5 critical, 112 high, 301 medium · next post in 0.4 s · \
                     128 of B's back in 12 s · 412 told, 17 posts";
        assert_eq!(status.line(200, ink), whole);
        let shorter = "waiting: 5 critical, 112 high, 301 medium · next post in 0.4 s";
        assert_eq!(status.line(80, ink), shorter);
        let next = Duration::ZERO;
        let slack = Slack::Away { failures: 6, breaker_open: true, next };
        let status = Status { critical: 0, high: 0, slack, ..status };
        assert_eq!(status.line(50, ink), "waiting: 301 medium · breaker open: try 7");
        let coloured = status.line(200, Ink { colour: true });
        assert!(coloured.contains("\u{1b}[") && coloured.ends_with("\u{1b}[0m"), "{coloured:?}");
        assert_eq!(Status::default().line(80, ink), "nothing waits · 0 told, 0 posts");
    }
}
