//! The arguments of `hansho run`.

use std::time::Duration;

use clap::Args;

use crate::commands::args::{ConfigFlag, Input};
use crate::config::duration;
use crate::policy::filter::Threshold;

/// A shorter time would end a run between two posts.
const GIVE_UP_MIN: Duration = Duration::from_secs(1);

#[derive(Args, Debug)]
pub struct Run {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Put the findings of this file into the embedded queue first: JSON lines, one JSON document,
    /// or an array, plain or packed by gzip or zstd. A folder, or a pattern such as
    /// `'night/**/*.gz'`, gives its files in the order of their names, at most 10,000. `-` is the
    /// standard input. May be given more than once
    #[arg(long, value_name = "FILE|FOLDER|-")]
    pub input: Vec<Input>,
    /// End when the queues are empty and every alert is posted, and print a summary
    #[arg(long)]
    pub drain: bool,
    /// With --drain: end after this time without a post or a deleted message, with what is left in
    /// the queue. The default is 5m, or longer where locks or the pace last longer
    #[arg(long, value_name = "TIME", value_parser = give_up, requires = "drain")]
    pub give_up: Option<Duration>,
    /// Show what would be posted of the findings of --input, or of the standard input. Posts and
    /// writes nothing, does not ask the ledger what was posted before, and needs no webhook
    #[arg(long, conflicts_with = "drain")]
    pub dry_run: bool,
    /// With --dry-run: try this threshold for all destinations, a level or a number such as 5.5
    #[arg(long, value_name = "SEVERITY", requires = "dry_run")]
    pub min_severity: Option<Threshold>,
    /// With --dry-run: draw the first 1,000 alerts too, as full cards
    #[arg(long, requires = "dry_run", conflicts_with = "json")]
    pub cards: bool,
    /// End with 0 even if messages of an input were quarantined
    #[arg(long)]
    pub allow_quarantine: bool,
    /// Print the summary, or what --dry-run counts, as one JSON object on the standard output
    #[arg(long)]
    pub json: bool,
}

fn give_up(text: &str) -> Result<Duration, String> {
    let time = duration::parse(text)?;
    if time < GIVE_UP_MIN { Err("must be at least 1s".to_owned()) } else { Ok(time) }
}

pub const ABOUT: &str = "\
Take findings from the queue and post them to Slack, until SIGTERM or Ctrl-C.

With [queue] configured, the findings come from SQS. Otherwise they come from the embedded queue,
which two things fill: --input, and POST /events on the address of [embedded] listen.

With --drain it gives up after --give-up (5m) without a post or a deleted message, for example while
Slack rejects the webhook. Nothing is lost then: what is left stays in the queue.

With --drain the exit code is 1 if work is left, if an input could not be read to its end, or if a
message of an input was quarantined. `hansho replay list` shows what was quarantined, and why.";
