//! The desk at a glance: what waits and how its destinations are, for whoever watches a worker.
//! It only looks: nothing of the desk changes by it.

use std::time::Duration;

use tracing::debug;

use crate::finding::Level;
use crate::instants::Now;

use super::{Desk, Stage};

/// What a desk holds now, and what it has told so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    pub worker: String,
    /// Findings that take up room in the buffer.
    pub held: usize,
    /// Posts that were accepted, and the notices in them that are marked.
    pub posts: u64,
    pub posted: u64,
    pub destinations: Vec<DestinationGlance>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationGlance {
    pub name: String,
    /// Notices that were not accepted yet, by the rank of their level.
    waiting: [usize; Level::ALL.len()],
    /// So many wait that they are told in digests.
    pub storm: bool,
    /// Posts that failed in a row.
    pub failures: u32,
    pub breaker_open: bool,
    /// How long until it may be posted to.
    pub next_post_in: Duration,
}

impl DestinationGlance {
    pub fn waiting(&self, level: Level) -> usize {
        self.waiting[usize::from(level.rank())]
    }
}

impl Desk {
    /// Its cost grows with what is held, so not for every event of a full desk.
    pub fn glance(&self, now: Now) -> Glance {
        let mut destinations: Vec<DestinationGlance> = self
            .destinations
            .iter()
            .map(|d| DestinationGlance {
                name: d.name.clone(),
                waiting: [0; Level::ALL.len()],
                storm: d.storm,
                failures: d.failures,
                breaker_open: d.is_open(),
                next_post_in: d.ready_at().since(now.mono),
            })
            .collect();
        for notice in self.notices.values() {
            // What is being marked was accepted.
            if !matches!(notice.stage, Stage::Marking(_)) {
                let rank = notice.finding.severity.level.rank();
                destinations[notice.destination].waiting[usize::from(rank)] += 1;
            }
        }
        Glance {
            worker: self.settings.worker_id.clone(),
            held: self.findings_held,
            posts: self.tally.posts,
            posted: self.tally.posted,
            destinations,
        }
    }
}

impl Glance {
    /// A line in the log for each destination, under a target of its own: a glance is shown where
    /// it was asked for, with `HANSHO_LOG=hansho::glance=debug`.
    pub fn log(&self) {
        for d in &self.destinations {
            debug!(
                target: "hansho::glance",
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
                next_post_ms = u64::try_from(d.next_post_in.as_millis()).unwrap_or(u64::MAX),
                held = self.held,
                posts = self.posts,
                posted = self.posted,
                "at a glance"
            );
        }
    }
}
