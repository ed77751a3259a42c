//! What a worker tells `hansho status`: its state at one moment, as JSON at [`STATUS`].

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::desk::{DestinationSnapshot, Report, Snapshot};
use crate::finding::Level;
use crate::instants::Wall;

/// The path of the answer.
pub const STATUS: &str = "/status";
/// How many of the last alerts that were posted are kept.
pub(super) const LAST_MAX: usize = 10;

/// The state of a worker. Times are RFC 3339. Text of findings is cleaned, and not escaped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub worker: String,
    pub at: String,
    /// Why findings do not reach their destinations. Empty: the worker is ready.
    pub problems: Vec<String>,
    /// Findings in the buffer, and the bytes of their messages.
    pub held: usize,
    pub held_bytes: usize,
    /// Since the start of the worker: posts that Slack accepted, and alerts in them.
    pub posts: u64,
    pub posted: u64,
    /// Alerts posted in the last minute.
    pub posted_last_minute: usize,
    /// The reason, while the ledger is unreachable.
    pub ledger_unreachable: Option<String>,
    /// For each lane the receives that failed in a row.
    pub lanes: BTreeMap<String, u32>,
    pub destinations: Vec<DestinationStatus>,
    /// The last alerts that were posted, the newest first.
    pub last_posts: Vec<PostedStatus>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DestinationStatus {
    pub name: String,
    /// Alerts that wait, by level. Levels without one are left out.
    pub waiting: BTreeMap<String, usize>,
    /// When the oldest of them entered the queue.
    pub oldest: Option<String>,
    /// The most severe of them, which is posted next.
    pub next: Option<AlertStatus>,
    /// The least time until the next post.
    pub next_post_in_s: u64,
    /// Posts are digests.
    pub digests: bool,
    /// `closed`, `open` or `dead`.
    pub breaker: String,
    /// Posts that failed in a row.
    pub failures: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlertStatus {
    pub level: String,
    pub account: String,
    pub title: String,
}

/// An alert that was posted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PostedStatus {
    pub at: String,
    pub destination: String,
    pub waited_s: u64,
    #[serde(flatten)]
    pub alert: AlertStatus,
}

impl Status {
    /// Without problems and last posts, which the snapshot does not know.
    pub(super) fn of(snapshot: &Snapshot, at: Wall) -> Status {
        let lanes = snapshot.receive_failures.iter();
        Status {
            worker: snapshot.worker.clone(),
            at: at.to_rfc3339(),
            held: snapshot.held,
            held_bytes: snapshot.held_bytes,
            posts: snapshot.posts,
            posted: snapshot.posted,
            ledger_unreachable: snapshot.ledger_unreachable.map(|kind| kind.as_str().to_owned()),
            lanes: lanes.map(|(lane, failures)| (lane.as_str().to_owned(), *failures)).collect(),
            destinations: snapshot.destinations.iter().map(DestinationStatus::of).collect(),
            ..Status::default()
        }
    }
}

impl DestinationStatus {
    fn of(d: &DestinationSnapshot) -> DestinationStatus {
        let waiting = Level::ALL.iter().map(|level| (level.to_string(), d.waiting(*level)));
        let breaker = match (d.dead, d.breaker_open) {
            (Some(_), _) => "dead",
            (None, true) => "open",
            (None, false) => "closed",
        };
        DestinationStatus {
            name: d.name.clone(),
            waiting: waiting.filter(|(_, count)| *count > 0).collect(),
            oldest: d.oldest.map(Wall::to_rfc3339),
            next: d.next.as_ref().map(|next| AlertStatus {
                level: next.severity.level.to_string(),
                account: next.account.to_string(),
                title: next.title.to_string(),
            }),
            next_post_in_s: whole_seconds(d.next_post_in),
            digests: d.storm,
            breaker: breaker.to_owned(),
            failures: d.failures,
        }
    }
}

impl PostedStatus {
    /// None: the report is not about a post.
    pub(super) fn of(report: &Report, at: Wall) -> Option<PostedStatus> {
        let Report::Posted { about, destination, channel, level, waited, .. } = report else {
            return None;
        };
        Some(PostedStatus {
            at: at.to_rfc3339(),
            destination: channel.as_ref().unwrap_or(destination).clone(),
            waited_s: waited.as_secs(),
            alert: AlertStatus {
                level: level.to_string(),
                account: about.account.to_string(),
                title: about.title.to_string(),
            },
        })
    }
}

/// Rounded up, so that what is shown as 0 is due.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
