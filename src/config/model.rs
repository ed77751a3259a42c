//! The configuration, validated. A [`Config`] has no contradictions.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::reference::Reference;
use super::values::{DestinationName, QueueUrl, TableName};
use crate::finding::region::RegionName;
use crate::policy::budget::TimeBudget;
use crate::policy::filter::Threshold;
use crate::policy::ledger::Terms;
use crate::policy::matcher::Matcher;
use crate::policy::route::{Route, Routes};
use crate::policy::silence::CurrentSilences;
use crate::policy::weekly::Weekly;
use crate::slack::{Guide, Mentions};

/// One worker serves the pace of so many. `benches/routes.rs` measures the routing to them.
pub const DESTINATIONS_MAX: usize = 50;

#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub threshold: Threshold,
    /// Findings that match no destination are dropped. False: there are none.
    pub drops_unmatched: bool,
    pub backend: Backend,
    /// In the order of the file; 1 to [`DESTINATIONS_MAX`], with unique names.
    pub destinations: Vec<Destination>,
    /// How long a record is kept in the ledger after its last write.
    pub retention: Duration,
    pub remind_after: Option<Duration>,
    pub budget: TimeBudget,
    pub buffer: Buffer,
    /// How many workers share the queues, with this one. At least 1.
    pub fleet: u32,
    pub metrics: MetricsOutput,
    pub reconcile: Reconcile,
    /// How often a worker looks at GuardDuty's coverage. None: never.
    pub coverage_every: Option<Duration>,
    /// When the summary of what silences kept back is posted. None: never.
    pub weekly_summary: Option<Weekly>,
    /// Empty until they are read from the ledger.
    pub silences: CurrentSilences,
    /// Shared, because the names of many accounts are large.
    pub guide: Arc<Guide>,
    /// Makes the jitter of retries repeatable. None: a new seed at each start.
    pub seed: Option<u64>,
}

impl Config {
    /// The filter and the routes, in the order of the destinations.
    pub fn routes(&self) -> Routes {
        let mut routes =
            routes(self.threshold, &self.destinations).knowing(self.guide.accounts.clone());
        routes.silences = self.silences.clone();
        routes
    }

    /// The times that the ledger's transitions need.
    pub fn terms(&self) -> Terms {
        Terms {
            lease: self.budget.lease(),
            skew: self.budget.skew(),
            retention: self.retention,
            remind_after: self.remind_after,
        }
    }

    /// The threshold in effect for a destination: its own can only raise that of all.
    pub fn threshold_of(&self, destination: &Destination) -> Threshold {
        destination
            .threshold
            .filter(|own| own.floor() > self.threshold.floor())
            .unwrap_or(self.threshold)
    }
}

/// The routes to some destinations. They know no account.
pub(super) fn routes(threshold: Threshold, destinations: &[Destination]) -> Routes {
    let route = |d: &Destination| Route {
        destination: d.name.to_string(),
        min_severity: d.threshold,
        matcher: d.matcher.clone(),
        ends: d.ends,
    };
    Routes::new(threshold, destinations.iter().map(route).collect())
}

/// Where findings come from, and where the ledger is kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Backend {
    /// Queue and ledger in one SQLite file.
    Embedded {
        /// Relative to the working directory.
        path: PathBuf,
        /// The address that takes findings over HTTP. None: no listener.
        listen: Option<SocketAddr>,
        /// The token that senders must show. Always set if `listen` is not on loopback.
        token: Option<Reference>,
    },
    /// SQS and DynamoDB.
    Aws(OnAws),
}

/// The queues and the table on AWS.
#[derive(Clone, Debug, PartialEq)]
pub struct OnAws {
    pub standard: QueueUrl,
    /// Gets a second copy of high and critical findings. Optional.
    pub express: Option<QueueUrl>,
    pub quarantine: QueueUrl,
    pub table: TableName,
}

impl Backend {
    pub const EMBEDDED_PATH: &str = "hansho.db";
    pub const EMBEDDED_LISTEN: &str = "127.0.0.1:8787";

    pub fn as_str(&self) -> &'static str {
        match self {
            Backend::Embedded { .. } => "embedded",
            Backend::Aws(_) => "aws",
        }
    }
}

/// One line for the start of the log.
impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Backend::Embedded { path, listen, token } => {
                write!(f, "embedded: queue and ledger in {}", path.display())?;
                match (listen, token) {
                    (Some(at), Some(token)) => {
                        write!(f, ", takes findings at http://{at}/events with the token {token}")
                    }
                    (Some(at), None) => write!(f, ", takes findings at http://{at}/events"),
                    (None, _) => f.write_str(", does not listen"),
                }
            }
            Backend::Aws(OnAws { standard, express, quarantine, table }) => {
                write!(f, "aws: queues {}", standard.name())?;
                if let Some(express) = express {
                    write!(f, ", {}", express.name())?;
                }
                write!(f, ", {} (quarantine), table {table}", quarantine.name())
            }
        }
    }
}

/// One Slack channel behind one webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    pub name: DestinationName,
    pub webhook: Reference,
    /// Whom an alert of each level mentions. By default, nobody.
    pub mentions: Mentions,
    /// Raises the threshold for this destination: see [`Config::threshold_of`].
    pub threshold: Option<Threshold>,
    /// The findings that it gets. By default all.
    pub matcher: Matcher,
    /// What it gets, the destinations after it do not.
    pub ends: bool,
    /// The least time between two posts. Slack's own limit is checked when the webhook's host is
    /// known, by [`super::pace_allowed`].
    pub pace: Duration,
    /// The index of the destination that gets its alerts while its webhook is dead. Never its own.
    pub fallback: Option<usize>,
    /// Whether its next post has a line about a finding that was posted and is closed.
    pub tells_closings: bool,
}

/// Where the metrics go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetricsOutput {
    /// The address of `/healthz`, `/readyz` and `/metrics`. None: no listener.
    pub listen: Option<SocketAddr>,
    /// Whether the log has lines in CloudWatch's embedded metric format. None: only in Lambda.
    pub emf: Option<bool>,
}

/// How often which regions of GuardDuty are compared with the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconcile {
    /// None: the worker never compares by itself.
    pub every: Option<Duration>,
    /// Unique, at most [`super::REGIONS_MAX`]. At least one if `every` is set.
    pub regions: Vec<RegionName>,
}

/// How much may wait in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    pub findings: usize,
    pub bytes: usize,
}

impl Default for Buffer {
    fn default() -> Buffer {
        Buffer { findings: 500, bytes: 8 << 20 }
    }
}
