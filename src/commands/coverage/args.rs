//! The arguments of `hansho coverage`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::commands::args::ConfigFlag;
use crate::commands::note::asked::FIRST;
use crate::config::RegionName;
use crate::estate::Frequency;

pub const ABOUT: &str = "\
Show where GuardDuty and hansho's forwarder are on, in all accounts and regions, and where not.

Run it in the security account: the delegated administrator of GuardDuty, or the account that
invited the others. It reads, and changes nothing. The accounts come from AWS Organizations. Outside
an organisation they are GuardDuty's members, and those of the account directory.

A gap is a detector that is missing or suspended, an account that is not a member, a protection plan
that is off, a forwarder that is missing, disabled or sends elsewhere, and a region that an account
has enabled and no list names. What can't be read is listed too: it is not the same as off.

With a configuration it also says when GuardDuty's last finding of each place was posted. For that
it scans the ledger: at most 200 reads, of a megabyte each on DynamoDB. --post posts, and so needs a
webhook. The summary mentions nobody.

Exit codes: 0 complete, 3 there are gaps, 1 there is no gap in what could be read, and something
could not be read, or the summary was not posted, 2 for wrong usage or a wrong configuration.";

#[derive(Args, Debug)]
pub struct Coverage {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Read this region, or `all` that an account has enabled. Can be repeated, or have commas
    /// [default: reconcile.regions, else all]
    #[arg(
        long = "region",
        visible_alias = "regions",
        value_name = "REGION",
        value_delimiter = ','
    )]
    pub regions: Vec<RegionChoice>,
    /// Read this account alone. Can be repeated, or have commas [default: all accounts]
    #[arg(long = "account", visible_alias = "accounts", value_name = "ID", value_delimiter = ',',
          value_parser = account_id)]
    pub accounts: Vec<String>,
    /// Demand this protection plan, e.g. S3_DATA_EVENTS. Can be repeated, or have commas [default:
    /// those that the organisation's configuration switches on for all accounts, else those of this
    /// account's detector]
    #[arg(long = "plan", visible_alias = "plans", value_name = "PLAN", value_delimiter = ',',
          value_parser = plan)]
    pub plans: Vec<String>,
    /// Demand this publishing frequency: 15m, 1h or 6h [default: any]
    #[arg(long, value_parser = frequency)]
    pub frequency: Option<Frequency>,
    /// Demand that forwarders send to this bus [default: a hansho bus, the same as most forwarders]
    #[arg(long, value_name = "ARN")]
    pub bus: Option<String>,
    /// Read each account with its own rights too, by this role in it
    #[arg(long, value_name = "NAME")]
    pub member_role: Option<String>,
    /// Leave out a check. Can be repeated, or have commas
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub without: Vec<Check>,
    /// Print everything as one JSON object on the standard output
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print a line for each account and region as CSV
    #[arg(long)]
    pub csv: bool,
    /// Write everything to this file, as a page for a browser
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// If there are gaps, also post a summary of a few lines to this destination [default: the
    /// first one]
    #[arg(long, value_name = "DESTINATION", num_args = 0..=1, default_missing_value = FIRST)]
    pub post: Option<String>,
}

/// A region, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegionChoice {
    All,
    One(RegionName),
}

impl std::str::FromStr for RegionChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<RegionChoice, String> {
        if text == "all" {
            return Ok(RegionChoice::All);
        }
        let name = text.parse().map_err(|_| "must be a region, such as eu-west-1, or `all`")?;
        Ok(RegionChoice::One(name))
    }
}

/// A check that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Check {
    /// Which regions each account has enabled. Needs the right account:ListRegions for all accounts
    Regions,
    /// The forwarder of each region
    Forwarder,
    /// When the last finding of each place was posted. It scans the ledger, and needs dynamodb:Scan
    Findings,
}

fn account_id(text: &str) -> Result<String, String> {
    match crate::finding::arn::is_account_id(text) {
        true => Ok(text.to_owned()),
        false => Err("must be an account id of 12 digits".to_owned()),
    }
}

fn plan(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '/';
    match !text.is_empty() && text.len() <= 100 && text.chars().all(good) {
        true => Ok(text.to_owned()),
        false => Err("must be a name of GuardDuty, such as S3_DATA_EVENTS or \
                      RUNTIME_MONITORING/EC2_AGENT_MANAGEMENT"
            .to_owned()),
    }
}

fn frequency(text: &str) -> Result<Frequency, String> {
    Frequency::parse(text).ok_or_else(|| "must be 15m, 1h or 6h".to_owned())
}
