//! The arguments of `hansho health`.

use clap::Args;

use crate::commands::args::ConfigFlag;

#[derive(Args, Debug)]
pub struct Health {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Ask /readyz, whether findings reach Slack, instead of /healthz, whether the worker runs
    #[arg(long)]
    pub ready: bool,
}

pub const ABOUT: &str = "\
Ask the worker of this machine, or of this container, whether it is healthy. The worker answers
/healthz, and with --ready /readyz, on the address of metrics.listen. Ends with 0 if the answer is
good. Ends with 1 and the reasons if it is not, or if nothing answers.

It serves as the health check of a container, whose image holds no other program.";
