//! The configuration: one TOML file, and an environment variable for each key, which wins over the
//! file. It is read once, into values that can't be wrong, and all mistakes are told at once.
//!
//! Loading goes in steps: [`file`] finds the text and sifts unknown keys from it, [`env`] lays the
//! variables over it, and [`validate`] turns what was written ([`raw`]) into a [`Config`].
//! [`load`] itself reads nothing: file and environment are passed in as values.
//!
//! Secrets are never part of it: a webhook or a token is a [`Reference`] to where it is kept. No
//! message repeats a value that was refused, because it may be a secret in the wrong place.

pub mod duration;
pub mod keys;
pub mod reference;

mod env;
mod file;
mod raw;
mod regions;
mod validate;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::policy::budget::TimeBudget;
use crate::policy::filter::Threshold;
use crate::policy::ledger::Terms;
use crate::policy::route::{Route, Routes};
use crate::slack::Mentions;

pub use crate::finding::region::RegionName;
pub use env::{Environment, environment};
pub use file::{ConfigFile, FILE_BYTES_MAX, find};
pub use raw::Origin;
pub use reference::Reference;
pub use regions::REGIONS_MAX;
pub use values::{DestinationName, QueueUrl, TableName, pace_allowed};

/// More would not fit the pace of one worker, nor anybody's attention.
pub const DESTINATIONS_MAX: usize = 20;

/// More are not told: the file is not a configuration.
const MISTAKES_MAX: usize = 100;

/// What the worker is to do, validated: a value of this type has no contradictions.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub threshold: Threshold,
    pub backend: Backend,
    /// In the order of the file; at least one, at most [`DESTINATIONS_MAX`], names unique.
    pub destinations: Vec<Destination>,
    /// How long a ledger row is kept after its last write.
    pub retention: Duration,
    pub remind_after: Option<Duration>,
    pub budget: TimeBudget,
    pub buffer: Buffer,
    /// How many workers share the queues, this one included. 1 or more.
    pub fleet: u32,
    pub metrics: MetricsOutput,
    pub reconcile: Reconcile,
    /// Makes the jitter of retries repeatable. None: a new one at each start.
    pub seed: Option<u64>,
}

impl Config {
    /// The filter and the routes, in the order of the destinations.
    pub fn routes(&self) -> Routes {
        let route =
            |d: &Destination| Route { destination: d.name.to_string(), min_severity: d.threshold };
        Routes {
            min_severity: self.threshold,
            routes: self.destinations.iter().map(route).collect(),
        }
    }

    /// What the ledger's transitions need to know.
    pub fn terms(&self) -> Terms {
        Terms {
            lease: self.budget.lease(),
            skew: self.budget.skew(),
            retention: self.retention,
            remind_after: self.remind_after,
        }
    }
}

/// Where findings come from and where the ledger is kept. One of the two, never a mixture.
#[derive(Clone, Debug, PartialEq)]
pub enum Backend {
    /// Queue and ledger in one SQLite file.
    Embedded {
        /// Relative to the working directory.
        path: PathBuf,
        /// Where findings are taken over HTTP. None: nowhere.
        listen: Option<SocketAddr>,
        /// What senders must show; there always is one if `listen` is not on loopback.
        token: Option<Reference>,
    },
    /// SQS and DynamoDB.
    Aws {
        standard: QueueUrl,
        /// A second copy of what is high or critical. The standard queue alone works too.
        express: Option<QueueUrl>,
        quarantine: QueueUrl,
        table: TableName,
    },
}

impl Backend {
    pub const EMBEDDED_PATH: &str = "hansho.db";
    pub const EMBEDDED_LISTEN: &str = "127.0.0.1:8787";

    pub fn as_str(&self) -> &'static str {
        match self {
            Backend::Embedded { .. } => "embedded",
            Backend::Aws { .. } => "aws",
        }
    }
}

/// In one line, for the first line of the log.
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
            Backend::Aws { standard, express, quarantine, table } => {
                write!(f, "aws: queues {}", standard.name())?;
                if let Some(express) = express {
                    write!(f, ", {}", express.name())?;
                }
                write!(f, ", {} (quarantine), table {table}", quarantine.name())
            }
        }
    }
}

/// One Slack channel, reached by one webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    pub name: DestinationName,
    pub webhook: Reference,
    /// Whom a finding of each level mentions. By default, nobody.
    pub mentions: Mentions,
    /// Raises the threshold for this destination; [`Config::owes`] applies both.
    pub threshold: Option<Threshold>,
    /// The least time between two posts. Whether Slack allows it is known when the webhook's host
    /// is: see [`pace_allowed`].
    pub pace: Duration,
    /// The index of the destination that gets its findings while its webhook is dead. Never its own.
    pub fallback: Option<usize>,
}

/// Where the metrics go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetricsOutput {
    /// Where `/healthz`, `/readyz` and `/metrics` are answered. None: nowhere.
    pub listen: Option<SocketAddr>,
    /// Whether lines in CloudWatch's embedded format are written among the log. None: in Lambda.
    pub emf: Option<bool>,
}

/// What is compared with the ledger, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconcile {
    /// None: the worker does not do it by itself.
    pub every: Option<Duration>,
    /// Each once, at most [`REGIONS_MAX`]. At least one if there is a time.
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

/// Something that is wrong with the configuration, and what to do about it. Never holds a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key, e.g. `queue.standard` or `destination[2].pace` (counted from 1), or the name of a
    /// variable without a key.
    pub key: String,
    /// The variable that the value came from, if it did.
    pub variable: Option<&'static str>,
    /// What is wrong and what to do: a fragment in lower case.
    pub what: String,
}

impl Mistake {
    fn of(key: impl Into<String>, what: impl Into<String>) -> Mistake {
        Mistake { key: key.into(), variable: None, what: what.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.variable {
            Some(variable) => write!(f, "{} (from {variable}): {}", self.key, self.what),
            None => write!(f, "{}: {}", self.key, self.what),
        }
    }
}

/// The outcome of loading, with what it was made from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The file that was read, or that should have been.
    pub file: Option<PathBuf>,
    /// The variables that were read, by name, in the order of the keys.
    pub variables: Vec<&'static str>,
    /// Which keys were given, and where; those of the first destination as `destination.…`.
    pub origins: BTreeMap<&'static str, Origin>,
    /// What is allowed, but hardly meant.
    pub warnings: Vec<Mistake>,
    pub outcome: Result<Config, Vec<Mistake>>,
}

/// Makes the configuration of a file's text and an environment. Pure: reads neither.
pub fn load(file: Option<&ConfigFile>, environment: &Environment) -> Loaded {
    let mut mistakes = Vec::new();
    let from_file = match file.map(file::read) {
        None => Some(raw::Raw::default()),
        Some(Ok((raw, unknown))) => {
            mistakes.extend(unknown);
            Some(raw)
        }
        Some(Err(mistake)) => {
            mistakes.push(mistake);
            None
        }
    };
    // A file that can't be read at all says nothing of what is missing from it.
    let readable = from_file.is_some();
    let mut raw = from_file.unwrap_or_default();
    let laid = env::lay_over(&mut raw, environment);
    mistakes.extend(laid.mistakes);
    let mut warnings = laid.warnings;
    let validated = validate::validate(&raw);
    warnings.extend(validated.warnings);
    let outcome = match validated.outcome {
        Ok(config) if mistakes.is_empty() => Ok(config),
        Ok(_) => Err(mistakes),
        Err(more) => {
            mistakes.extend(more.into_iter().filter(|m| readable || m.variable.is_some()));
            mistakes.truncate(MISTAKES_MAX);
            Err(mistakes)
        }
    };
    Loaded {
        file: file.map(|file| file.path.clone()),
        variables: laid.read,
        origins: env::origins(&mut raw),
        warnings,
        outcome,
    }
}
