//! Notes: posts that are about no finding. [`post()`] posts one, at the pace of the fleet.
//! [`once()`] posts one once, whatever number of workers want to. [`mod@asked`] posts one that a
//! person asked for.

pub mod asked;
pub mod once;
pub mod post;

use std::time::Duration;

use crate::config::Config;
use crate::policy::ledger::Terms;

pub use once::{Once, once};
pub use post::{NotPosted, post};

/// The ports that a note needs.
pub struct NotePorts<'a, L, N, C> {
    pub ledger: &'a L,
    pub notifier: &'a N,
    pub clock: &'a C,
}

/// Who posts notes, and by which rules.
#[derive(Clone, Debug)]
pub struct NoteSender {
    /// Unique to this process, and another id than that of its desk: the desk would take the slots
    /// of the pace that a note reserves for its own.
    pub id: String,
    pub terms: Terms,
    /// The destinations, each with the least time between two posts.
    pub destinations: Vec<(String, Duration)>,
}

impl NoteSender {
    /// `worker_id` is unique to this process.
    pub fn new(config: &Config, worker_id: &str) -> NoteSender {
        let destinations = config.destinations.iter();
        NoteSender {
            id: format!("{worker_id}n"),
            // A note is posted once.
            terms: Terms { remind_after: None, ..config.terms() },
            destinations: destinations.map(|d| (d.name.to_string(), d.pace)).collect(),
        }
    }

    /// The least time between two posts to a destination.
    fn pace(&self, destination: &str) -> Duration {
        let found = self.destinations.iter().find(|(name, _)| name == destination);
        found.map(|(_, pace)| *pace).unwrap_or_default()
    }
}
