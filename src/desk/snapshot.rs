//! Snapshots of the desk for people and metrics. Taking one changes nothing.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use tracing::debug;

use crate::finding::{Finding, Level};
use crate::instants::{Now, Wall, millis};
use crate::ports::{FailureKind, Lane, OutageCause};

use super::buffer::Buffer;
use super::context::Shared;
use super::destination::Destinations;
use super::lanes::Lanes;
use super::ledger::health::Health;

/// The state of a desk at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub worker: String,
    /// Findings that take up a place in the buffer, and their bytes.
    pub held: usize,
    pub held_bytes: usize,
    /// Posts that Slack accepted, and the alerts in them that are marked.
    pub posts: u64,
    pub posted: u64,
    /// For each lane the receives that failed in a row.
    pub receive_failures: Vec<(Lane, u32)>,
    /// The kind of the last failure, while the ledger is unreachable.
    pub ledger_unreachable: Option<FailureKind>,
    /// The desk was asked to stop, or gave up.
    pub draining: bool,
    pub destinations: Vec<DestinationSnapshot>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DestinationSnapshot {
    pub name: String,
    /// Alerts for this channel that Slack has not accepted yet, by the rank of their level.
    waiting: [usize; Level::ALL.len()],
    /// When the oldest of them entered the queue.
    pub oldest: Option<Wall>,
    /// The most severe of them, the oldest of its level.
    pub next: Option<Arc<Finding>>,
    /// It is in a storm, so its posts are digests.
    pub storm: bool,
    /// Posts that failed in a row.
    pub failures: u32,
    pub breaker_open: bool,
    /// Why it is dead: nothing is posted until a person mends it.
    pub dead: Option<OutageCause>,
    /// The time until it may be posted to.
    pub next_post_in: Duration,
}

impl DestinationSnapshot {
    pub fn waiting(&self, level: Level) -> usize {
        self.waiting[usize::from(level.rank())]
    }

    /// A destination that is well, with no alert waiting.
    #[cfg(test)]
    pub(crate) fn example(name: &str) -> DestinationSnapshot {
        DestinationSnapshot { name: name.to_owned(), ..DestinationSnapshot::default() }
    }
}

/// The parts that a snapshot shows.
pub(super) struct View<'a> {
    pub shared: &'a Shared,
    pub buffer: &'a Buffer,
    pub destinations: &'a Destinations,
    pub health: &'a Health,
    pub lanes: &'a Lanes,
}

impl View<'_> {
    fn destination(&self, i: usize, now: Now) -> DestinationSnapshot {
        let d = &self.destinations[i];
        // The worker's own pace or the fleet's, whichever is later.
        let next_post_at = self.shared.timers.pace_slot(i).max(Some(d.ready_at()));
        DestinationSnapshot {
            name: d.name().to_owned(),
            storm: d.is_storm(),
            failures: d.breaker.failures(),
            breaker_open: d.breaker.is_breaker_open(),
            dead: d.breaker.cause_of_death(),
            next_post_in: next_post_at.map_or(Duration::ZERO, |at| at.since(now.mono)),
            ..DestinationSnapshot::default()
        }
    }
}

impl Snapshot {
    pub(super) fn of(view: &View<'_>, now: Now) -> Snapshot {
        let each = (0..view.destinations.len()).map(|i| view.destination(i, now));
        let mut destinations: Vec<DestinationSnapshot> = each.collect();
        let mut firsts: Vec<Option<(Reverse<Level>, Wall)>> = vec![None; destinations.len()];
        for (_, alert) in view.buffer.alerts.iter().filter(|(_, alert)| !alert.is_accepted()) {
            let channel = &mut destinations[alert.channel];
            channel.waiting[usize::from(alert.level().rank())] += 1;
            let oldest = channel.oldest.get_or_insert(alert.since);
            *oldest = alert.since.min(*oldest);
            let (first, rank) = (&mut firsts[alert.channel], (Reverse(alert.level()), alert.since));
            if first.is_none_or(|first| rank < first) {
                *first = Some(rank);
                channel.next = Some(Arc::clone(&alert.finding));
            }
        }
        let (deliveries, tally) = (&view.buffer.deliveries, view.shared.output.tally());
        Snapshot {
            worker: view.shared.settings.worker_id.clone(),
            held: deliveries.findings(),
            held_bytes: deliveries.bytes(),
            posts: tally.posts,
            posted: tally.posted,
            receive_failures: view.lanes.failures(),
            ledger_unreachable: view.health.unreachable_kind(now.mono),
            draining: view.shared.draining,
            destinations,
        }
    }

    /// Logs a line for each destination, under a target of its own. Show the lines with
    /// `HANSHO_LOG=hansho::snapshot=debug`.
    pub fn log(&self) {
        for d in &self.destinations {
            debug!(
                target: "hansho::snapshot",
                worker = self.worker,
                destination = d.name,
                critical = d.waiting(Level::Critical),
                high = d.waiting(Level::High),
                medium = d.waiting(Level::Medium),
                low = d.waiting(Level::Low),
                informational = d.waiting(Level::Informational),
                storm = d.storm,
                failures = d.failures,
                breaker_open = d.breaker_open,
                next_post_ms = millis(d.next_post_in),
                held = self.held,
                posts = self.posts,
                posted = self.posted,
                "snapshot"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Capacity, ClaimOutcome, Desk, Event, Order, Settings};
    use super::*;
    use crate::instants::{Mono, Wall};
    use crate::policy::budget::TimeBudget;
    use crate::policy::ledger::{Claim, Terms, Want, claim};
    use crate::policy::route::{Route, Routes};
    use crate::ports::{Delivery, Lane, MessageId, Receipt, RetryReason, Verdict, Written};

    const NOW: Now = Now { wall: Wall(1_790_000_000_000), mono: Mono(1_000) };

    fn desk() -> Desk {
        let budget = TimeBudget::default();
        let route = |name: &str| Route::of_all(name.to_owned(), None);
        let settings = Settings {
            lanes: vec![Lane::Standard],
            receive_wait: Duration::ZERO,
            express_wait: Duration::ZERO,
            terms: Terms {
                lease: budget.lease(),
                skew: budget.skew(),
                retention: Duration::from_secs(86_400),
                remind_after: None,
            },
            budget,
            routes: Routes::new(
                "medium".parse().unwrap(),
                vec![route("security"), route("archive")],
            ),
            paces: vec![Duration::from_secs(1); 2],
            unread: Vec::new(),
            fallbacks: Vec::new(),
            tells_closings: Vec::new(),
            fleet: 1,
            capacity: Capacity {
                cards_max: 5,
                weight_max: 5,
                lines_max: 50,
                weigh: Arc::new(|_| 1),
            },
            findings_max: 500,
            bytes_max: 1 << 20,
            worker_id: "w".to_owned(),
            seed: 1,
            drain: None,
            ends_at: None,
        };
        Desk::new(settings, NOW)
    }

    fn delivery(n: usize, severity: f64) -> Delivery {
        let body = format!(
            r#"{{"accountId":"111122223333","region":"eu-central-1","partition":"aws",
            "schemaVersion":"2.0","id":"f{n}","type":"Recon:EC2/Portscan","severity":{severity},
            "title":"scan","resource":{{"resourceType":"Instance"}},"service":{{"count":1}}}}"#
        );
        Delivery {
            lane: Lane::Standard,
            message_id: MessageId(n.to_string()),
            receipt: Receipt(n.to_string()),
            body,
            receive_count: 1,
            enqueued_at: None,
            again: false,
            place: None,
        }
    }

    #[test]
    fn counts_what_was_not_accepted_and_looks_without_touching() {
        let mut desk = desk();
        let deliveries = [9.5, 8.0, 8.0, 5.0, 1.0];
        let deliveries =
            deliveries.into_iter().enumerate().map(|(n, severity)| delivery(n, severity)).collect();
        desk.on(Event::Received { lane: Lane::Standard, result: Ok(deliveries) }, NOW);
        let before = desk.snapshot(NOW);
        assert_eq!((before.worker.as_str(), before.held, before.posted), ("w", 5, 0));
        for d in &before.destinations {
            let waiting = Level::ALL.map(|level| d.waiting(level));
            assert_eq!(waiting, [0, 0, 1, 2, 1], "{}", d.name);
            let next = d.next.as_ref().map(|finding| finding.severity.level);
            assert_eq!(next, Some(Level::Critical), "{}", d.name);
            assert_eq!((d.failures, d.breaker_open, d.storm), (0, false, false));
            assert_eq!(d.next_post_in, Duration::ZERO);
        }
        // Alerts in hand still count as waiting, and a snapshot changes nothing.
        let posts = until_it_posts(&mut desk);
        assert_eq!(posts, [0, 1], "the critical one, to each destination");
        assert_eq!(desk.snapshot(NOW).destinations[0].waiting, before.destinations[0].waiting);
        assert_eq!(desk.snapshot(NOW), desk.snapshot(NOW));
    }

    /// Answers all ledger orders. Returns the destinations of the posts.
    fn until_it_posts(desk: &mut Desk) -> Vec<usize> {
        let mut posts = Vec::new();
        loop {
            let orders = desk.orders(NOW);
            if orders.is_empty() {
                return posts;
            }
            for order in orders {
                let event = match order {
                    Order::ReadPace { destination, .. } => {
                        Event::PaceRead { destination, result: Ok(None) }
                    }
                    Order::Reserve(w) => {
                        Event::Reserved { destination: w.destination, result: Ok(Written::Done) }
                    }
                    Order::Claim(c) => {
                        let want = Want { owner: &c.owner, sighting: c.sighting.clone() };
                        let terms = desk.settings().terms;
                        let Claim::Write { record, .. } = claim(None, &want, &terms, NOW.wall)
                        else {
                            continue;
                        };
                        Event::Claimed { alert: c.alert, outcome: ClaimOutcome::Won(record) }
                    }
                    Order::Post { destination, .. } => {
                        posts.push(destination);
                        continue;
                    }
                    _ => continue,
                };
                desk.on(event, NOW);
            }
        }
    }

    #[test]
    fn shows_a_destination_that_fails() {
        let mut desk = desk();
        let received = vec![delivery(1, 9.5)];
        desk.on(Event::Received { lane: Lane::Standard, result: Ok(received) }, NOW);
        assert_eq!(until_it_posts(&mut desk), [0, 1]);
        let verdict = Verdict::Retry {
            reason: RetryReason::RateLimited,
            after: Some(Duration::from_secs(30)),
            ambiguous: false,
            detail: String::new(),
        };
        desk.on(Event::Posted { destination: 0, verdict }, NOW);
        let snapshot = desk.snapshot(NOW);
        assert_eq!(snapshot.destinations[0].next_post_in, Duration::from_secs(30));
        assert!(snapshot.destinations[1].next_post_in <= Duration::from_secs(1));
        desk.on(
            Event::Posted {
                destination: 1,
                verdict: Verdict::Dead { status: 410, detail: String::new() },
            },
            NOW,
        );
        let snapshot = desk.snapshot(NOW);
        assert!(snapshot.destinations[1].breaker_open && !snapshot.destinations[0].breaker_open);
        assert_eq!(snapshot.destinations[0].waiting(Level::Critical), 1);
    }
}
