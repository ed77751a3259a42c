//! The arguments of `hansho accounts`.

use clap::{Args, Subcommand};

use crate::commands::args::{ConfigFlag, Input};
use crate::policy::directory::{KeptTags, Source};

pub const ABOUT: &str = "\
Show and sync the account directory: names, e-mail addresses, organisational units, tags and status.

`sync` reads all accounts from AWS Organizations, or from a file, and writes them into the ledger.
Workers read them from there, at their start and every hour, so no worker needs a right in the
management account. Sync once a day: after 48 h the directory counts as stale, and workers say so.

Names in the configuration ([accounts] and accounts_file) win over the directory.";

#[derive(Args, Debug)]
pub struct AccountsCommand {
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Read all accounts from AWS Organizations or a file, and write them into the ledger
    Sync(Sync),
    /// List the accounts that the ledger and the configuration know
    List(List),
    /// Show one account
    Show(Show),
}

#[derive(Args, Debug)]
pub struct Sync {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Read this file instead of AWS Organizations. It has one of the forms of accounts_file. `-`
    /// is the standard input
    #[arg(long, value_name = "FILE|-")]
    pub file: Option<Input>,
    /// Keep this tag, and no other that is not named. Can be repeated [default: keep all tags]
    #[arg(long = "tag", value_name = "KEY")]
    pub tags: Vec<String>,
    /// Keep no tags. That saves a call of AWS for each account
    #[arg(long, conflicts_with = "tags")]
    pub no_tags: bool,
    /// Write the directory even if more than half of the known accounts are missing in it
    #[arg(long)]
    pub yes: bool,
    /// Print the accounts as a file that --file and accounts_file accept, and write nothing. Needs
    /// neither a ledger nor a configuration
    #[arg(long, conflicts_with = "json")]
    pub print: bool,
    /// Print the result as one JSON object on the standard output
    #[arg(long)]
    pub json: bool,
}

impl Sync {
    /// Which tags are kept.
    pub fn kept(&self) -> KeptTags {
        match self.tags.is_empty() && !self.no_tags {
            true => KeptTags::All,
            false => KeptTags::These(self.tags.iter().cloned().collect()),
        }
    }

    /// Where the directory comes from, as its record says.
    pub fn source(&self) -> Source {
        match &self.file {
            Some(_) => Source::File,
            None => Source::Organization(self.kept()),
        }
    }
}

#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Print the accounts as one JSON object, which accounts_file accepts
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Show {
    /// The id of the account
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Print the account as one JSON object
    #[arg(long)]
    pub json: bool,
}
