//! Settings of a desk: lanes, routes, pace, buffer and the end of its run.

use std::sync::Arc;
use std::time::Duration;

use crate::instants::Mono;
use crate::policy::budget::TimeBudget;
use crate::policy::ledger::Terms;
use crate::policy::route::Routes;
use crate::ports::{Card, Lane};

/// The longest delay before a retry of a dead destination, or of a ledger or queue that fails.
pub(super) const RETRY_MAX: Duration = Duration::from_secs(60);
/// The delay before the first retry.
pub(super) const RETRY_FIRST: Duration = Duration::from_secs(1);

/// The number of alerts that share a post: as many as fit the notifier's limits.
#[derive(Clone)]
pub struct Capacity {
    pub cards_max: usize,
    pub weight_max: usize,
    /// The largest number of alerts in a digest, where each alert has one line.
    pub lines_max: usize,
    /// The weight of one card. It must not be less than the card takes in the post.
    pub weigh: Arc<dyn Fn(&Card) -> usize + Send + Sync>,
}

/// When a run ends by itself.
#[derive(Clone, Copy, Debug)]
pub struct DrainTerms {
    /// How many measurements in a row must find the queues empty. More than one is needed where
    /// the queue's numbers are approximate.
    pub measurements: u32,
    /// The worker gives up after this time without a settled message and without a post.
    pub patience: Duration,
}

#[derive(Clone)]
pub struct Settings {
    /// The lanes that exist, the more urgent first.
    pub lanes: Vec<Lane>,
    pub receive_wait: Duration,
    /// The wait of a receive on the express lane. A worker that is killed during a receive may
    /// take a message with it. That message stays hidden for one visibility time-out, so a
    /// shorter wait loses less.
    pub express_wait: Duration,
    pub budget: TimeBudget,
    pub terms: Terms,
    pub routes: Routes,
    /// The least time between two posts, for each destination in the order of the routes.
    pub paces: Vec<Duration>,
    /// For each destination the index of its fallback, which takes its alerts while it is dead.
    pub fallbacks: Vec<Option<usize>>,
    /// For each destination whether a post says which of its findings are closed.
    pub tells_closings: Vec<bool>,
    /// The indices of the destinations whose address could not be read at the start. They count as
    /// dead until it can.
    pub unread: Vec<usize>,
    /// The number of workers that share the queues, at least 1. While the ledger is unreachable
    /// each worker uses its share of the pace.
    pub fleet: u32,
    pub capacity: Capacity,
    pub findings_max: usize,
    pub bytes_max: usize,
    /// Unique to this worker: the first part of owners and post ids.
    pub worker_id: String,
    pub seed: u64,
    pub drain: Option<DrainTerms>,
    /// The end of this desk's lifetime, if it lasts for one Lambda call. From then on nothing is
    /// posted, and every message that is left returns to the queue for when it is due.
    pub ends_at: Option<Mono>,
}
