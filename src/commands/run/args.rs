//! The arguments of `hansho run`.

use clap::Args;

use crate::commands::args::{ConfigFlag, Input};

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
    /// End with 0 even if messages of an input were quarantined
    #[arg(long, requires = "drain")]
    pub allow_quarantine: bool,
    /// Print the summary as one JSON object on the standard output
    #[arg(long)]
    pub json: bool,
}

pub const ABOUT: &str = "\
Take findings from the queue and post them to Slack, until SIGTERM or Ctrl-C.

With [queue] configured, the findings come from SQS. Otherwise they come from the embedded queue,
which two things fill: --input, and POST /events on the address of [embedded] listen.

With --drain the exit code is 1 if work is left, if an input could not be read to its end, or if a
message of an input was quarantined. `hansho replay list` shows what was quarantined, and why.";
