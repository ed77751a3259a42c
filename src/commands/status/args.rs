//! The arguments of `hansho status`.

use clap::Args;

use crate::commands::args::ConfigFlag;

#[derive(Args, Debug)]
pub struct StatusCommand {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Show it again every 2 s, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
    /// Print one JSON object instead of lines
    #[arg(long)]
    pub json: bool,
}

pub const ABOUT: &str = "\
Show what waits and what was posted: alerts by level and since when, the next post of each
destination, breakers, lanes, the ledger, and the last posts.

It asks the worker of this machine on the address of metrics.listen. If none answers there, it shows
how many messages are in the queues, from the embedded file or from SQS, and when the ledger allows
the next post to each destination. It changes nothing and needs no webhook.

Exit codes: 0 if the worker is ready, or if none answers and the queues can be read; 1 if the worker
is not ready, or if the queues can't be read; 2 for wrong usage or a wrong configuration.";
