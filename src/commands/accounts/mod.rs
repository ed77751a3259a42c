//! `hansho accounts`: the account directory in the ledger.
//!
//! [`directory`] writes and reads it, and [`follow`] keeps the accounts of a worker up to date.

pub mod args;
pub mod directory;
pub mod follow;
mod show;
mod source;

use serde_json::json;

use crate::clock;
use crate::commands::exit::Exit;
use crate::commands::{setup, wiring};
use crate::config::{Backend, Config};
use crate::embedded::{EmbeddedLedger, Store};
use crate::policy::record::DocumentRecord;
use crate::ports::{Accounts, Ledger};

use args::{AccountsCommand, Action, List, Show, Sync};
use directory::DirectoryError;

/// Runs the command. Prints wrong usage to stderr.
///
/// # Errors
/// The source or the ledger does not answer, or the directory can't be read.
pub async fn start(args: &AccountsCommand) -> anyhow::Result<Exit> {
    let flag = match &args.action {
        Action::Sync(Sync { config, .. })
        | Action::List(List { config, .. })
        | Action::Show(Show { config, .. }) => config,
    };
    let Some(config) = setup::config(Some(flag)) else {
        return Ok(Exit::Usage);
    };
    match &config.backend {
        Backend::Embedded { path, .. } => {
            run(&config, &EmbeddedLedger::new(Store::open(path)?), &args.action).await
        }
        Backend::Aws(aws) => run(&config, &wiring::on_aws(aws).await.1, &args.action).await,
    }
}

async fn run<L: Ledger>(config: &Config, ledger: &L, action: &Action) -> anyhow::Result<Exit> {
    match action {
        Action::Sync(args) => sync(ledger, args).await,
        Action::List(args) => {
            let (accounts, head) = known(config, ledger).await?;
            match args.json {
                true => println!("{}", show::list_json(&accounts, head.as_ref())?),
                false => print!("{}", show::list(&accounts)),
            }
            eprintln!("hansho: {}", show::state(accounts.len(), head.as_ref(), clock::wall()));
            Ok(Exit::Done)
        }
        Action::Show(args) => {
            let (accounts, _) = known(config, ledger).await?;
            let Some(account) = accounts.get(args.id.trim()) else {
                eprintln!("hansho: no account of this id is known: see `hansho accounts list`");
                return Ok(Exit::Failure);
            };
            match args.json {
                true => println!("{}", serde_json::to_string_pretty(&account.entry())?),
                false => print!("{}", show::one(account)),
            }
            Ok(Exit::Done)
        }
    }
}

async fn sync<L: Ledger>(ledger: &L, args: &Sync) -> anyhow::Result<Exit> {
    let accounts = match source::accounts(args).await? {
        Ok(accounts) => accounts,
        Err(mistakes) => {
            mistakes.iter().for_each(|mistake| eprintln!("hansho: {mistake}"));
            return Ok(Exit::Usage);
        }
    };
    let head = directory::write(ledger, &accounts, clock::wall()).await?;
    let changed = head.stored_at == head.written_at;
    match args.json {
        true => println!(
            "{}",
            json!({
                "accounts": head.entries, "changed": changed, "version": head.version,
                "synced_at": head.written_at.to_rfc3339(),
            })
        ),
        false => {
            let what = if changed { "written" } else { "unchanged" };
            println!(
                "The directory of {} accounts is {what}. Workers read it within an hour.",
                head.entries
            );
        }
    }
    Ok(Exit::Done)
}

/// The directory with the accounts of the configuration over it.
async fn known<L: Ledger>(
    config: &Config,
    ledger: &L,
) -> Result<(Accounts, Option<DocumentRecord>), DirectoryError> {
    let head = directory::head(ledger).await?;
    let parts = match &head {
        Some(head) => directory::parts(ledger, head).await?,
        None => Vec::new(),
    };
    Ok((directory::under(&config.guide.accounts.get(), &parts)?, head))
}
