//! The arguments of `hansho replay`.

use std::str::FromStr;

use clap::{Args, Subcommand};

use crate::commands::args::{ConfigFlag, Input};
use crate::commands::replay::filter::{self, Moment, SeverityIs};
use crate::commands::replay::rate::Rate;
use crate::config::QueueUrl;
use crate::policy::glob::Glob;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Replay {
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// List dead letters, and leave them in place
    List(List),
    /// Show one dead letter: why it is here, what can be read of it, and its body
    Show(Show),
    /// Send dead letters to the worker's queues again
    #[command(long_about = SEND_ABOUT)]
    Send(Send),
    /// Remove dead letters for good, and log the reason
    Discard(Discard),
    /// Save dead letters to a file, as JSON lines
    Export(Export),
    /// Put dead letters back that `export` saved
    Import(Import),
}

/// A queue of dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeadLetterSource {
    /// The quarantine of the configuration.
    Quarantine,
    /// An SQS queue: a dead-letter queue of SQS or of EventBridge.
    Queue(QueueUrl),
}

impl FromStr for DeadLetterSource {
    type Err = String;

    fn from_str(text: &str) -> Result<DeadLetterSource, String> {
        match text.trim() {
            "quarantine" => Ok(DeadLetterSource::Quarantine),
            url => url
                .parse()
                .map(DeadLetterSource::Queue)
                .map_err(|why: String| format!("{why}; or the word quarantine")),
        }
    }
}

#[derive(Args, Debug)]
pub struct Source {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// The queue: `quarantine`, or the URL of an SQS queue, such as the dead-letter queue of
    /// another queue or of an EventBridge rule
    #[arg(long, value_name = "QUEUE", default_value = "quarantine")]
    pub from: DeadLetterSource,
}

#[derive(Args, Debug, Default)]
#[command(
    next_help_heading = "Filters (a message must match all; several values of one are alternatives)"
)]
pub struct Filters {
    /// Severity: critical, high, medium, low, informational; `high+` includes more severe ones
    #[arg(long, value_name = "LEVEL[+]", value_delimiter = ',')]
    pub severity: Vec<SeverityIs>,
    /// The account of the finding
    #[arg(long, value_name = "GLOB", value_delimiter = ',', value_parser = filter::account)]
    pub account: Vec<Glob>,
    /// The region of the finding, e.g. eu-*
    #[arg(long, value_name = "GLOB", value_delimiter = ',', value_parser = filter::region)]
    pub region: Vec<Glob>,
    /// The type of the finding, e.g. '*:EC2/*'
    #[arg(long = "type", value_name = "GLOB", value_delimiter = ',')]
    pub kind: Vec<Glob>,
    /// The word for the reason, e.g. not_json, THROTTLING
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    pub reason: Vec<Glob>,
    /// Quarantined at this time or later: an age (2h), or a time in UTC (2026-11-26T03:15)
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Moment>,
    /// Quarantined before this time
    #[arg(long, value_name = "WHEN")]
    pub until: Option<Moment>,
    /// The id of a message or of a finding in it, or at least its first 8 characters
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = filter::id)]
    pub id: Vec<String>,
    /// At most N messages: the most severe first, then the oldest, in the order of `list`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    pub source: Source,
    #[command(flatten)]
    pub filters: Filters,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Show {
    #[command(flatten)]
    pub source: Source,
    /// The id of the message or of a finding in it, or at least its first 8 characters
    #[arg(value_parser = filter::id)]
    pub id: String,
    /// Print one JSON array, with the whole body
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Send {
    #[command(flatten)]
    pub source: Source,
    #[command(flatten)]
    pub filters: Filters,
    /// Show the lane of each message, whether it is already posted, and previews; change nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// The most messages to send in a time: 20/s, 100/m, 500/h
    #[arg(long, value_name = "RATE", default_value = Rate::DEFAULT)]
    pub rate: Rate,
    /// Keep sent messages in this queue too. Unreadable messages are left out, because the worker
    /// would quarantine a copy of each
    #[arg(long)]
    pub keep: bool,
    /// First wait for hidden messages, such as those of a replay that was killed: at most two
    /// minutes
    #[arg(long)]
    pub wait: bool,
    /// Also post findings again that are already posted: resets their ledger records. Asks first
    #[arg(long)]
    pub force: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// With --dry-run: show at most N previews
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub previews: usize,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Discard {
    #[command(flatten)]
    pub source: Source,
    #[command(flatten)]
    pub filters: Filters,
    /// Discard all messages, without a filter
    #[arg(long)]
    pub all: bool,
    /// The reason, which is logged with each message
    #[arg(long, value_name = "TEXT")]
    pub because: String,
    /// Show which messages would be discarded; discard nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

#[derive(Args, Debug)]
pub struct Export {
    #[command(flatten)]
    pub source: Source,
    #[command(flatten)]
    pub filters: Filters,
    /// The file to create, which must not exist; `-` is the standard output
    #[arg(long, short, value_name = "FILE|-", default_value = "-")]
    pub output: Input,
    /// Remove the saved messages from the queue, once the file is on the disk
    #[arg(long)]
    pub remove: bool,
}

#[derive(Args, Debug)]
pub struct Import {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// The queue to put them in: `quarantine`, or the URL of an SQS queue
    #[arg(long, value_name = "QUEUE", default_value = "quarantine")]
    pub into: DeadLetterSource,
    /// A file that `export` wrote; `-` is the standard input
    #[arg(value_name = "FILE|-")]
    pub input: Input,
}

impl Action {
    /// Which dead letters a command is about. None: all, or one by its id.
    pub fn filters(&self) -> Option<&Filters> {
        match self {
            Action::List(List { filters, .. })
            | Action::Send(Send { filters, .. })
            | Action::Discard(Discard { filters, .. })
            | Action::Export(Export { filters, .. }) => Some(filters),
            Action::Show(_) | Action::Import(_) => None,
        }
    }

    /// The configuration file and the queue of a command.
    pub fn source(&self) -> (&ConfigFlag, &DeadLetterSource) {
        match self {
            Action::List(List { source, .. })
            | Action::Show(Show { source, .. })
            | Action::Send(Send { source, .. })
            | Action::Discard(Discard { source, .. })
            | Action::Export(Export { source, .. }) => (&source.config, &source.from),
            Action::Import(import) => (&import.config, &import.into),
        }
    }
}

pub const ABOUT: &str = "\
List dead letters, and send them to the worker again: all or some, slowly or fast.

Dead letters are messages that a worker quarantined, that were received too often (a dead-letter
queue), or that EventBridge could not deliver. Sending them again is safe:
- A message is in the worker's queue before it is removed here.
- The ledger knows what is already posted, and the worker does not post it again.
- A replay can be stopped at any moment, and run again.

The configuration is that of the worker. Replay reads no webhook and posts nothing.";

const SEND_ABOUT: &str = "\
Send dead letters to the worker's queues again. High and critical findings go to the express
queue, if there is one, and all others to the standard queue. Each message is removed here once
it is there. The worker does not post again what is already posted, unless --force is given.
Ctrl-C stops the replay. Run it again for the rest.";

const EXAMPLES: &str = "\
Examples:
  hansho replay list                              all dead letters, with their reasons
  hansho replay list --reason not_json --since 2h
  hansho replay show 0a1b2c3d                     one message, with its body
  hansho replay send --severity high+ --dry-run   what the worker would do
  hansho replay send --severity high+ --rate 5/s  the most severe ones, slowly
  hansho replay send --from https://sqs.eu-west-1.amazonaws.com/111122223333/hansho-undelivered
  hansho replay export --reason not_json --output dead-letters.jsonl --remove
  hansho replay discard --id 0a1b2c3d --because 'a test of the SIEM team'";
