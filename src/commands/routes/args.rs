//! The arguments of `hansho routes`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::commands::args::{ConfigFlag, Input};

#[derive(Args, Debug)]
pub struct Routes {
    #[command(subcommand)]
    pub command: RoutesCommand,
}

#[derive(Debug, Subcommand)]
pub enum RoutesCommand {
    /// Say for each destination why it gets a finding or not, rule by rule
    #[command(long_about = TEST)]
    Test(Test),
    /// Show which destinations get the findings of each account and level
    #[command(long_about = MATRIX)]
    Matrix(Matrix),
}

#[derive(Args, Debug)]
pub struct Test {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// The findings: JSON lines, one JSON document, or an array. `-` is the standard input
    #[arg(value_name = "FILE|-", required_unless_present = "id")]
    pub input: Option<Input>,
    /// A finding of GuardDuty, or one whose message waits in a queue that can be read or in the
    /// quarantine: its id, ARN or fingerprint
    #[arg(long, value_name = "ID", conflicts_with = "input")]
    pub id: Option<String>,
    /// Print one JSON object a finding, one a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Matrix {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Show only what changes from this configuration file to the present one
    #[arg(long, value_name = "OLD.toml")]
    pub diff: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub const ABOUT: &str = "\
Show where findings go, by the rules of the configuration: `match`, `continue` and `min_severity` of
each [[destination]]. Posts nothing and changes nothing.";

const TEST: &str = "\
Say for each destination why it gets a finding or not, rule by rule. The first lines are what the
rules look at. Then each destination has its rules, + for one that lets the finding pass and - for
one that leaves it out.

The ledger does not keep the text of findings. With --id the text comes from a message that waits:
in the quarantine, or in the embedded queue. If none waits, GuardDuty is asked, on AWS or if
reconcile.regions is set: in the region of the ARN or fingerprint, or in these regions. That needs
hansho with the feature `reconcile`, and the rights of `hansho reconcile`. Give any other finding as
a file.

Exit codes: 0 if the findings were read, 1 if one could not be read or found, 2 for wrong usage or a
wrong configuration.";

const MATRIX: &str = "\
Show which destinations get the findings of each account, by level. The accounts are those of the
directory. The last row is any other account.

A destination with ~ gets some of these findings. Its rules also ask for the region, product, type,
resource_type or resource_tag, or its threshold is a number within the level.

--diff compares two configurations, both with the accounts of the present one. So one sees what a
change does before it is live.";
