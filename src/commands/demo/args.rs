//! The arguments of `hansho demo`.

use clap::Args;

#[derive(Args, Debug)]
pub struct Demo {
    /// Print the tally as one JSON object on the standard output
    #[arg(long)]
    pub json: bool,
}

pub const ABOUT: &str = "\
Show on this machine, with nothing configured, how hansho works and what it promises.

The findings of two nights go through an embedded queue to a stand-in for Slack on 127.0.0.1. The
first night brings noise, repeats, an escalation, a malformed message, a post that Slack refuses as
too fast, and a crash. The second night brings a storm and critical findings behind all others. Two
workers serve it, one of them is killed, and Slack is unreachable for some seconds.

The demo shows each post as Slack would show it. The tally at the end compares the messages that
came in with the posts that went out: whether a finding was lost or posted twice, and how long the
critical findings waited. The demo takes about 40 seconds. Nothing leaves this machine.";
