//! The arguments of `hansho check`.

use clap::Args;

use crate::commands::args::ConfigFlag;

#[derive(Args, Debug)]
pub struct Check {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Ask AWS and Slack too: do the queues, the table, the secrets and the webhooks exist, are
    /// they set up well, and may these credentials use them? Posts nothing
    #[arg(long)]
    pub live: bool,
    /// Print one JSON object: the mistakes and warnings, or the results of --live
    #[arg(long)]
    pub json: bool,
}

pub const ABOUT: &str = "\
Explain the configuration: the file and the variables that are read, the values in effect, where
each secret is kept and whether it can be read, and every mistake with its key. Secrets are never
shown. A path that can't be written, and a port that is used twice or taken, are mistakes too. Ends
with 2 if there is a mistake. Posts nothing and calls no AWS API.

With --live it also asks AWS and Slack. Run it with the credentials of the worker's role. It checks:
  - whether the queues and the table exist and are set up as infra/README.md says
  - whether the role may make the worker's calls
  - whether each webhook can be read and Slack answers there

The calls change nothing: they use a receipt that does not exist, a write whose condition can't
hold, and a message that SQS refuses. Each lane also gets one receive, which returns its message at
once but counts as a receive of it. Slack refuses the empty message that it gets, so nobody sees a
post.

Each line is `ok`, `wrong` with what to do, or `not checked` with the reason. Ends with 1 if a line
is wrong.";
