//! The arguments of `hansho replay`.

use std::str::FromStr;

use clap::{Args, Subcommand};

use crate::commands::args::{ConfigFlag, Input};
use crate::commands::replay::filter::{Moment, SeverityIs};
use crate::commands::replay::glob::Glob;
use crate::commands::replay::rate::Rate;
use crate::config::QueueUrl;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Replay {
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Show what is parked, and leave it there
    List(List),
    /// Send it to the worker's queues again
    #[command(long_about = SEND_ABOUT)]
    Send(Send),
    /// Remove it for good, with a reason that is logged
    Discard(Discard),
    /// Save it to a file, as JSON lines
    Export(Export),
    /// Park again what `export` saved
    Import(Import),
}

/// Where parked messages are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// The quarantine of the configuration.
    Quarantine,
    /// An SQS queue: a dead-letter queue, or what EventBridge could not deliver.
    Queue(QueueUrl),
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<From, String> {
        match text.trim() {
            "quarantine" => Ok(From::Quarantine),
            url => url
                .parse()
                .map(From::Queue)
                .map_err(|why: String| format!("{why}; or the word quarantine")),
        }
    }
}

#[derive(Args, Debug)]
pub struct Source {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// The queue: `quarantine`, or the URL of an SQS queue, such as a dead-letter queue of a queue or
    /// of an EventBridge rule
    #[arg(long, value_name = "QUEUE", default_value = "quarantine")]
    pub from: From,
}

#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Filters (they combine; values of one filter are alternatives)")]
pub struct Filters {
    /// Severity: critical, high, medium, low, informational; `high+` for it and what is worse
    #[arg(long, value_name = "LEVEL[+]", value_delimiter = ',')]
    pub severity: Vec<SeverityIs>,
    /// The account that the finding is about
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    pub account: Vec<Glob>,
    /// The region that it is about, e.g. eu-*
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    pub region: Vec<Glob>,
    /// The finding's type, e.g. '*:EC2/*'
    #[arg(long = "type", value_name = "GLOB", value_delimiter = ',')]
    pub kind: Vec<Glob>,
    /// The word for why it is parked, e.g. not_json, THROTTLING
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    pub reason: Vec<Glob>,
    /// DeadLetter at that time or after it: so long ago (2h), or a time in UTC (2026-11-26T03:15)
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Moment>,
    /// DeadLetter before that time
    #[arg(long, value_name = "WHEN")]
    pub until: Option<Moment>,
    /// The id of a message or of a finding in it, or the first 8 or more characters of one
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub id: Vec<String>,
    /// At most so many: the worst first, then the oldest, as `list` shows them
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
pub struct Send {
    #[command(flatten)]
    pub source: Source,
    #[command(flatten)]
    pub filters: Filters,
    /// Show what would be sent where, what the ledger covers, and how it would look; change nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// At most so many messages in so long: 20/s, 100/m, 500/h
    #[arg(long, value_name = "RATE", default_value = Rate::DEFAULT)]
    pub rate: Rate,
    /// Leave what is sent parked as well. What can't be read is left out: the worker would only park it
    /// once more
    #[arg(long)]
    pub keep: bool,
    /// Wait for what is hidden at first, such as what a replay held that was killed: two minutes at most
    #[arg(long)]
    pub wait: bool,
    /// Post again also what was posted: the ledger is made to forget it first. Asks before it does
    #[arg(long)]
    pub force: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// With --dry-run: show at most so many messages as they would look
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
    /// Discard all that is parked, without a filter
    #[arg(long)]
    pub all: bool,
    /// Why: it is logged with each message
    #[arg(long, value_name = "TEXT")]
    pub because: String,
    /// Show what would be discarded, and discard nothing
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
    /// The file to write, which must not exist yet; `-` is the standard output
    #[arg(long, short, value_name = "FILE|-", default_value = "-")]
    pub output: Input,
    /// Remove from the queue what was saved, once it is on the disk
    #[arg(long)]
    pub remove: bool,
}

#[derive(Args, Debug)]
pub struct Import {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// The queue to park it in: `quarantine`, or the URL of an SQS queue
    #[arg(long, value_name = "QUEUE", default_value = "quarantine")]
    pub into: From,
    /// What `export` wrote; `-` is the standard input
    #[arg(value_name = "FILE|-")]
    pub input: Input,
}

pub const ABOUT: &str = "\
Look at what is parked, and send it again: all of it or a part, slowly or fast.

DeadLetter are messages that a worker could not process (quarantine), that were received too often (a
dead-letter queue), or that EventBridge could not deliver. To send one again is safe: it is in the
worker's queue before it is removed here, and what was posted already is not posted again, because
the ledger knows it. It can be stopped at any moment and run again.

The configuration is the worker's. No webhook is read, and nothing is posted from here.";

const SEND_ABOUT: &str = "\
Send it to the worker's queues again: high and critical findings to the express queue if there is
one, all others to the standard queue. Each message is removed here once it is there. What was
posted already is not posted again, unless --force says so. Ctrl-C stops it; run it again for the
rest.";

const EXAMPLES: &str = "\
Examples:
  hansho replay list                              what is parked, and why
  hansho replay list --reason not_json --since 2h
  hansho replay send --severity high+ --dry-run   what would happen
  hansho replay send --severity high+ --rate 5/s  the worst of it, slowly
  hansho replay send --from https://sqs.eu-west-1.amazonaws.com/111122223333/hansho-undelivered
  hansho replay export --reason not_json --output parked.jsonl --remove
  hansho replay discard --id 0a1b2c3d --because 'a test of the SIEM team'";
