//! The command line: what can be asked of hansho, and the help that explains it.

use std::convert::Infallible;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::config::keys;

pub use crate::commands::reconcile::args::{Reconcile, Since};
use crate::commands::{canary, explain, reconcile, replay};

/// How a run ended, as the caller's shell sees it. clap itself ends with 2 on wrong usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All was done.
    Done,
    /// It could not be done.
    Failure,
    /// The command line or the configuration is wrong.
    Usage,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[derive(Debug, Parser)]
#[command(
    name = "hansho",
    version,
    about = "Carries AWS security findings to Slack: each one once, the worst first, none lost.",
    long_about = LONG_ABOUT,
    after_help = EXAMPLES,
    after_long_help = after_long_help(),
    arg_required_else_help = true,
    max_term_width = 100,
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take findings from the queue and post them to Slack
    #[command(long_about = RUN_ABOUT)]
    Run(Run),
    /// Show on this machine, with nothing configured, what hansho does and what it promises
    #[command(long_about = DEMO_ABOUT)]
    Demo(Demo),
    /// Show what Slack would get for these findings, without posting anything
    Render(Render),
    /// Explain the configuration: what is read from where, and what is wrong
    #[command(long_about = CHECK_ABOUT)]
    Check(Check),
    /// Ask the worker of this machine whether it is well
    #[command(long_about = HEALTH_ABOUT)]
    Health(Health),
    /// Tell what became of a finding: posted when, in which post, or why not
    #[command(long_about = explain::args::ABOUT)]
    Explain(explain::args::Explain),
    /// Look at what is parked, and send it again
    #[command(long_about = replay::args::ABOUT)]
    Replay(Box<replay::args::Replay>),
    /// Try the way that findings take, and say how long it is
    #[command(long_about = canary::args::ABOUT)]
    Canary(canary::args::Canary),
    /// Compare what GuardDuty holds with the ledger, and enqueue what is missing
    #[command(long_about = reconcile::args::ABOUT)]
    Reconcile(Reconcile),
    /// Print the completions for a shell
    Completions { shell: Shell },
}

#[derive(Args, Debug)]
pub struct ConfigFlag {
    /// The configuration file [default: $HANSHO_CONFIG, else ./hansho.toml if it exists]
    #[arg(long = "config", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Run {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Put the findings of this file into the embedded queue first: JSON lines, one JSON document,
    /// or an array. `-` is the standard input. May be given more than once
    #[arg(long, value_name = "FILE|-")]
    pub input: Vec<Input>,
    /// End when the queues are empty and everything is settled, and print a summary
    #[arg(long)]
    pub drain: bool,
    /// Print the summary as one JSON object on the standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Demo {
    /// Print the tally as one JSON object on the standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Render {
    /// The findings: JSON lines, one JSON document, or an array. `-` is the standard input
    #[arg(value_name = "FILE|-")]
    pub input: Input,
    /// Print the exact payloads, one a line, instead of a preview
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Check {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Ask AWS and Slack too: are queues, table, secrets and webhooks there, set up well, and open to
    /// these credentials? Posts nothing
    #[arg(long)]
    pub live: bool,
    /// Print what --live found as one JSON object
    #[arg(long, requires = "live")]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Health {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Ask whether findings get through, not only whether the worker lives
    #[arg(long)]
    pub ready: bool,
}

/// Where findings are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Stdin,
    File(PathBuf),
}

impl FromStr for Input {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Input, Infallible> {
        Ok(if text == "-" { Input::Stdin } else { Input::File(PathBuf::from(text)) })
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Stdin => f.write_str("-"),
            Input::File(path) => path.display().fmt(f),
        }
    }
}

/// Writes the completions of a shell.
pub fn completions(shell: Shell, out: &mut impl Write) {
    clap_complete::generate(shell, &mut Cli::command(), "hansho", out);
}

const LONG_ABOUT: &str = "\
hansho (半鐘, the bell on a fire-watch tower) carries AWS security findings, from GuardDuty and
others, to the people on call in Slack: each one once, the worst first, none lost.

Findings come from SQS queues, with a DynamoDB table as the ledger of what was posted; or, with
nothing of AWS, from files and over HTTP into an embedded queue. A finding leaves its queue only
after Slack has accepted it, or because it is below the threshold, was posted before, or can't be
read and is parked in quarantine with the reason.";

const RUN_ABOUT: &str = "\
Take findings from the queue and post them to Slack, until it is told to stop (SIGTERM, Ctrl-C).

With [queue] configured they come from SQS. Otherwise the embedded queue serves: it is filled by
--input, and by POST /events on the address of [embedded] listen.";

const DEMO_ABOUT: &str = "\
Show on this machine, with nothing configured, what hansho does and what it promises.

Two nights' worth of findings go through an embedded queue to a stand-in for Slack on loopback. In
the first: noise, repeats, an escalation, a malformed message, a refusal for being too fast, and a
crash. In the second: a storm, two workers, one of them killed, critical findings behind all others,
and a Slack that is away. Messages are shown as Slack would show them, and the tally at the end says
what came in, what went out, how long the critical ones waited, and that nothing was lost and
nothing told twice. It takes some 40 seconds. Nothing leaves the machine.";

const CHECK_ABOUT: &str = "\
Explain the configuration: which file and which variables are read, what is in effect, where the
secrets are kept and whether they can be read (they are never shown), and everything that is wrong,
each mistake with its key. Ends with 2 if anything is wrong. Posts nothing, and asks nothing of AWS.

With --live it also asks, with the credentials at hand (run it with the worker's role): whether the
queues and the table are there and set up as infra/README.md says; whether the role may do what the
worker does, by calls that change nothing (a receipt that never was, a write whose condition can't
hold, a message that SQS refuses, and one receive for each lane, which gives a message back at once
and counts as a receive of it); whether each webhook can be read, and whether Slack answers to an
empty message, which it refuses, so that nobody sees anything. Each line is ok, wrong with how to
mend it, or not checked with the reason. Ends with 1 if anything is wrong there.";

const HEALTH_ABOUT: &str = "\
Ask the worker of this machine, or of this container, whether it is well: with metrics.listen it answers
/healthz, and with --ready /readyz. Ends with 0 if it is, and with 1, saying why, if it is not or does
not answer. Made for the health check of a container, which has no other program to ask with.";

const EXAMPLES: &str = "\
Examples:
  hansho demo                                  see it work, with nothing configured
  hansho render finding.json                   see what Slack would get
  SLACK_WEBHOOK_URL=… hansho run --input findings.jsonl --drain
                                               post the findings of a file, and end
  hansho check                                 what is configured, and what is wrong with it
  hansho explain 0ab1c2…                       what became of that finding
  hansho reconcile --region eu-west-1 --since 24h --dry-run
                                               what GuardDuty holds and nobody was told of
  hansho run --config /etc/hansho.toml         the worker

`hansho --help` says more: all environment variables, and the exit codes.";

fn after_long_help() -> String {
    let mut text = EXAMPLES
        .lines()
        .take_while(|line| !line.starts_with('`'))
        .collect::<Vec<&str>>()
        .join("\n");
    text.push_str(
        "\nEnvironment (each wins over its key in the file; an empty one counts as not set):\n",
    );
    for (name, about) in keys::variables() {
        text.push_str(&format!("  {name}\n      {about}\n"));
    }
    text.push_str(
        "\nThe variables of a destination speak of the first one. AWS_REGION, AWS_PROFILE,\n\
         AWS_ENDPOINT_URL and the like mean what they mean to every AWS SDK.\n\n\
         Exit codes:\n  \
         0  done\n  \
         1  failure\n  \
         2  wrong usage, or a wrong configuration\n\n\
         Logs go to the standard error: for people on a terminal, as JSON otherwise.",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn run_takes_several_inputs() {
        let line = "hansho run --config a.toml --input x.json --input - --drain --json";
        let Command::Run(run) = parse(line).unwrap().command else { panic!("not run") };
        assert_eq!(run.config.config, Some("a.toml".into()));
        assert_eq!(run.input, [Input::File("x.json".into()), Input::Stdin]);
        assert!(run.drain && run.json);
    }

    #[test]
    fn every_command_is_understood() {
        for line in [
            "hansho run",
            "hansho demo --json",
            "hansho render -",
            "hansho render f.json --json",
            "hansho check --config f",
            "hansho health --ready",
            "hansho check --live --json",
            "hansho explain 0a1b --account 111122223333 --region us-east-1 --product macie --json",
            "hansho explain - --no-queues --config f",
            "hansho canary --post",
            "hansho reconcile --region eu-west-1 --region us-east-1 --since 7d --dry-run --json",
            "hansho reconcile --since 2026-11-20T00:00:00Z --limit 100 --config f",
            "hansho completions bash",
            "hansho replay list --json --severity high+,critical --account 1111* --limit 5",
            "hansho replay send --dry-run --rate 5/s --since 2h --until 2026-11-26T03:15",
            "hansho replay send --from http://127.0.0.1:9/000000000000/dead --keep --force -y",
            "hansho replay discard --all --because noise",
            "hansho replay export -o f.jsonl --remove --type *:EC2/*",
            "hansho replay import f.jsonl --into quarantine",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn wrong_usage_ends_with_2_and_help_with_0() {
        for (line, code) in [
            ("hansho", 2),
            ("hansho render", 2),
            ("hansho check --json", 2),
            ("hansho explain", 2),
            ("hansho explain a b", 2),
            ("hansho runn", 2),
            ("hansho run --colour", 2),
            ("hansho completions dash", 2),
            ("hansho replay", 2),
            ("hansho replay list --severity severe", 2),
            ("hansho replay list --from q", 2),
            ("hansho replay list --limit 0", 2),
            ("hansho replay send --rate fast", 2),
            ("hansho replay send --since 03:15", 2),
            ("hansho replay discard --all", 2),
            ("hansho replay import", 2),
            ("hansho replay list --help", 0),
            ("hansho reconcile --region EU", 2),
            ("hansho reconcile --since yesterday", 2),
            ("hansho reconcile --limit 0", 2),
            ("hansho --help", 0),
            ("hansho -h", 0),
            ("hansho run --help", 0),
            ("hansho --version", 0),
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), code, "{line}");
        }
        assert!(parse("hansho").unwrap_err().to_string().contains("Usage: hansho"));
    }

    #[test]
    fn the_help_names_all_variables_and_the_exit_codes() {
        let help = Cli::command().render_long_help().to_string();
        for (name, _) in keys::variables() {
            assert!(help.contains(name), "{name}");
        }
        assert!(help.contains("Exit codes:") && help.contains("Examples:"));
    }

    #[test]
    fn completions_are_written() {
        let mut out = Vec::new();
        completions(Shell::Bash, &mut out);
        assert!(String::from_utf8(out).unwrap().contains("_hansho()"));
    }
}
