//! The command line: all commands, and the help of the program as a whole.

use std::io::Write;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

#[cfg(feature = "rollout")]
use crate::commands::coverage;
#[cfg(feature = "demo")]
use crate::commands::demo;
#[cfg(feature = "rollout")]
use crate::commands::rollout;
use crate::commands::{
    accounts, canary, check, explain, health, init, reconcile, render, replay, report, routes, run,
    silence, status, store,
};
use crate::config::keys;

#[derive(Debug, Parser)]
#[command(
    name = "hansho",
    version,
    about = "Posts AWS security findings to Slack: each one once, the most severe first, none lost.",
    long_about = LONG_ABOUT,
    after_help = after_help(),
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
    #[command(long_about = run::args::ABOUT)]
    Run(run::args::Run),
    /// Show on this machine, with nothing configured, how hansho works and what it promises
    #[cfg(feature = "demo")]
    #[command(long_about = demo::args::ABOUT)]
    Demo(demo::args::Demo),
    /// Show how Slack would show these findings, without posting them
    Render(render::args::Render),
    /// Explain the configuration: what is read from where, and what is wrong
    #[command(long_about = check::args::ABOUT)]
    Check(check::args::Check),
    /// Write a configuration file to start with
    #[command(long_about = init::args::ABOUT)]
    Init(init::args::Init),
    /// Ask the worker of this machine whether it is healthy
    #[command(long_about = health::args::ABOUT)]
    Health(health::args::Health),
    /// Show what waits, what is posted next and what was posted
    #[command(long_about = status::args::ABOUT)]
    Status(status::args::StatusCommand),
    /// Explain what happened to a finding: when and in which post it was posted, or why not
    #[command(long_about = explain::args::ABOUT)]
    Explain(explain::args::Explain),
    /// Show what happened lately: findings, posts, delays, what is noisy and what is open
    #[command(long_about = report::args::ABOUT)]
    Report(report::args::Report),
    /// Show where findings go, by the rules of the configuration, and why
    #[command(long_about = routes::args::ABOUT)]
    Routes(routes::args::Routes),
    /// List dead letters and messages in quarantine, and send them again
    #[command(long_about = replay::args::ABOUT)]
    Replay(Box<replay::args::Replay>),
    /// Send a test event through the pipeline, and measure how long it takes
    #[command(long_about = canary::args::ABOUT)]
    Canary(canary::args::Canary),
    /// Compare what GuardDuty holds with the ledger, and enqueue what is missing
    #[command(long_about = reconcile::args::ABOUT)]
    Reconcile(reconcile::args::Reconcile),
    /// Show where GuardDuty is on, in all accounts and regions, and where not
    #[cfg(feature = "rollout")]
    #[command(long_about = coverage::args::ABOUT)]
    Coverage(Box<coverage::args::Coverage>),
    /// Switch GuardDuty on in all accounts and regions, and connect it to hansho
    #[cfg(feature = "rollout")]
    #[command(long_about = rollout::args::ABOUT)]
    Rollout(Box<rollout::args::RolloutCommand>),
    /// Show and sync the account directory: names, units and tags of accounts
    #[command(long_about = accounts::args::ABOUT)]
    Accounts(accounts::args::AccountsCommand),
    /// Keep expected findings from being posted for a time
    #[command(long_about = silence::args::ABOUT)]
    Silence(silence::args::SilenceCommand),
    /// Check, copy or compact the file of the embedded store
    #[command(long_about = store::args::ABOUT)]
    Store(store::args::StoreCommand),
    /// Print the completions for a shell
    Completions { shell: Shell },
}

/// Writes the completions for a shell.
pub fn completions(shell: Shell, out: &mut impl Write) {
    clap_complete::generate(shell, &mut Cli::command(), "hansho", out);
}

const LONG_ABOUT: &str = "\
hansho (半鐘, the bell on a fire-watch tower) posts AWS security findings, from GuardDuty and other
products, to the people on call in Slack. It posts each finding once, posts the most severe first,
and loses none.

Findings come from SQS queues, and a DynamoDB table is the ledger of what was posted. Without AWS,
findings come from files and over HTTP into an embedded queue. A message leaves its queue in three
cases only: Slack accepted its findings, now or before; they are below the threshold; or the message
can't be read, and hansho moved it to the quarantine with the reason.";

const EXAMPLES_HEADING: &str = "Examples:";
#[cfg(feature = "demo")]
const EXAMPLE_OF_THE_DEMO: &str = "
  hansho demo                                  see how it works, with nothing configured";
#[cfg(not(feature = "demo"))]
const EXAMPLE_OF_THE_DEMO: &str = "";
const EXAMPLES: &str = "
  hansho render finding.json                   see what Slack would show
  SLACK_WEBHOOK_URL=… hansho run --input findings.jsonl --drain
                                               post the findings of a file, then end
  hansho check                                 see what is configured, and what is wrong with it
  hansho explain 0ab1c2…                       see what happened to that finding
  hansho reconcile --region eu-west-1 --since 24h --dry-run
                                               list findings of GuardDuty that were never posted
  hansho run --config /etc/hansho.toml         start the worker";

fn after_help() -> String {
    format!(
        "{EXAMPLES_HEADING}{EXAMPLE_OF_THE_DEMO}{EXAMPLES}\n\n\
         `hansho --help` also lists all environment variables and the exit codes."
    )
}

fn after_long_help() -> String {
    let mut text = format!("{EXAMPLES_HEADING}{EXAMPLE_OF_THE_DEMO}{EXAMPLES}\n");
    text.push_str(
        "\nEnvironment (each variable wins over its key in the file; an empty one is not set):\n",
    );
    for (name, about) in keys::variables() {
        text.push_str(&format!("  {name}\n      {about}\n"));
    }
    text.push_str(
        "\nThe HANSHO_DESTINATION_… variables set the first destination. AWS_REGION, AWS_PROFILE,\n\
         AWS_ENDPOINT_URL and so on work as in every AWS SDK.\n\n\
         Exit codes:\n  \
         0  done\n  \
         1  failure\n  \
         2  wrong usage, or a wrong configuration\n  \
         3  coverage: there are gaps; rollout plan: there are steps\n\n\
         The log goes to the standard error: as text on a terminal, as JSON otherwise.",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::args::Input;

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
            "hansho render -",
            "hansho render f.json --json",
            "hansho check --config f",
            "hansho health --ready",
            "hansho status",
            "hansho status --watch --json --config f",
            "hansho run --dry-run --input f --min-severity 5.5 --cards",
            "hansho run --drain --give-up 90s",
            "hansho check --live --json",
            "hansho check --json",
            "hansho init",
            "hansho init /etc/hansho.toml",
            "hansho explain 0a1b --account 111122223333 --region us-east-1 --product macie --json",
            "hansho explain - --no-queues --config f",
            "hansho report",
            "hansho report --since 30d --html r.html --json --config f",
            "hansho report --since 2026-11-01T00:00:00Z --html -",
            "hansho canary --post",
            "hansho reconcile --region eu-west-1 --region us-east-1 --since 7d --dry-run --json",
            "hansho reconcile --since 2026-11-20T00:00:00Z --limit 100 --config f",
            "hansho accounts sync --file a.csv --tag team --tag env --json --config f",
            "hansho accounts sync --no-tags",
            "hansho accounts list --json",
            "hansho accounts show 111122223333",
            "hansho silence add --type Recon:* --account scanner --until 14d --because scan",
            "hansho silence add --id 0a --until 2026-12-24T18:00:00Z --because x --critical --json",
            "hansho silence add --resource i-0a --not region=us-* --until 1d --because x --dry-run -",
            "hansho silence list --all --json",
            "hansho silence show weekly",
            "hansho silence expire weekly",
            "hansho silence import s.toml --dry-run --prune",
            "hansho store check",
            "hansho store backup b.db --store a.db",
            "hansho store compact --config f",
            "hansho completions bash",
            "hansho routes test - --json",
            "hansho routes test --id 0a1b --config f",
            "hansho routes matrix --diff old.toml --json",
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
    fn the_demo_is_a_command_where_it_is_built_in() {
        assert_eq!(parse("hansho demo --json").is_ok(), cfg!(feature = "demo"));
    }

    #[cfg(feature = "rollout")]
    #[test]
    fn coverage_takes_lists() {
        for (line, good) in [
            ("hansho coverage --regions eu-west-1,us-east-1 --plans S3_DATA_EVENTS --json", true),
            (
                "hansho coverage --region all --account 111122223333 --without regions,forwarder",
                true,
            ),
            (
                "hansho coverage --frequency 15m --member-role hansho-reader --csv --html a.html",
                true,
            ),
            ("hansho coverage --region everywhere", false),
            ("hansho coverage --account 1111", false),
            ("hansho coverage --account １１１１22223333", false),
            ("hansho coverage --plan s3", false),
            ("hansho coverage --frequency 20m", false),
            ("hansho coverage --json --csv", false),
            ("hansho coverage --without members", false),
        ] {
            assert_eq!(parse(line).is_ok(), good, "{line}");
        }
    }

    #[test]
    fn wrong_usage_ends_with_2_and_help_with_0() {
        for (line, code) in [
            ("hansho", 2),
            ("hansho render", 2),
            ("hansho run --give-up 90s", 2),
            ("hansho run --drain --give-up soon", 2),
            ("hansho run --drain --dry-run", 2),
            ("hansho run --min-severity low", 2),
            ("hansho run --dry-run --min-severity severe", 2),
            ("hansho explain", 2),
            ("hansho explain a b", 2),
            ("hansho runn", 2),
            ("hansho run --colour", 2),
            ("hansho completions dash", 2),
            ("hansho routes", 2),
            ("hansho routes test", 2),
            ("hansho routes test f.json --id 0a1b", 2),
            ("hansho routes matrix f.json", 2),
            ("hansho replay", 2),
            ("hansho replay list --severity severe", 2),
            ("hansho replay list --from q", 2),
            ("hansho replay list --limit 0", 2),
            ("hansho replay send --rate fast", 2),
            ("hansho replay send --since 03:15", 2),
            ("hansho replay discard --all", 2),
            ("hansho replay import", 2),
            ("hansho replay list --help", 0),
            ("hansho report --since yesterday", 2),
            ("hansho report --html", 2),
            ("hansho reconcile --region EU", 2),
            ("hansho reconcile --since yesterday", 2),
            ("hansho reconcile --limit 0", 2),
            ("hansho accounts", 2),
            ("hansho silence", 2),
            ("hansho silence add --type Recon:* --because x", 2),
            ("hansho silence add --type Recon:* --until 14d", 2),
            ("hansho silence add --type Recon:* --until soon --because x", 2),
            ("hansho silence add --type a --until 1d --because x --covers low --critical", 2),
            ("hansho silence expire", 2),
            ("hansho accounts show", 2),
            ("hansho accounts sync --no-tags --tag a", 2),
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
