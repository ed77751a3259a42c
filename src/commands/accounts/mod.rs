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
use crate::commands::{output, setup, wiring};
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
    let (source, flag) = match &args.action {
        Action::Sync(args) => match source::accounts(args).await? {
            // Where the organisation can be read, there may be neither ledger nor configuration.
            Ok(accounts) if args.print => return print(&show::list_json(&accounts, None)?),
            Ok(accounts) => (accounts, &args.config),
            Err(mistakes) => {
                mistakes.iter().for_each(|mistake| eprintln!("hansho: {mistake}"));
                return Ok(Exit::Usage);
            }
        },
        Action::List(List { config, .. }) | Action::Show(Show { config, .. }) => {
            (Accounts::default(), config)
        }
    };
    let Some(config) = setup::config(Some(flag)) else {
        return Ok(Exit::Usage);
    };
    match &config.backend {
        Backend::Embedded { path, .. } => {
            if !matches!(args.action, Action::Sync(_)) {
                setup::store_exists(path)?;
            }
            run(&config, &EmbeddedLedger::new(Store::open(path)?), &args.action, &source).await
        }
        Backend::Aws(aws) => {
            run(&config, &wiring::on_aws(aws).await.1, &args.action, &source).await
        }
    }
}

async fn run<L: Ledger>(
    config: &Config,
    ledger: &L,
    action: &Action,
    source: &Accounts,
) -> anyhow::Result<Exit> {
    match action {
        Action::Sync(args) => sync(ledger, args, source).await,
        Action::List(args) => {
            let (accounts, head) = known(config, ledger).await?;
            eprintln!("hansho: {}", show::state(accounts.len(), head.as_ref(), clock::wall()));
            print(&match args.json {
                true => show::list_json(&accounts, head.as_ref())?,
                false => show::list(&accounts),
            })
        }
        Action::Show(args) => {
            let (accounts, _) = known(config, ledger).await?;
            let Some(account) = accounts.get(args.id.trim()) else {
                eprintln!("hansho: no account of this id is known: see `hansho accounts list`");
                return Ok(Exit::Failure);
            };
            print(&match args.json {
                true => show::one_json(account)?,
                false => show::one(account),
            })
        }
    }
}

async fn sync<L: Ledger>(ledger: &L, args: &Sync, accounts: &Accounts) -> anyhow::Result<Exit> {
    let head = directory::write(ledger, accounts, clock::wall()).await?;
    let changed = head.stored_at == head.written_at;
    let DocumentRecord { entries: accounts, version, written_at, .. } = head;
    let synced_at = written_at.to_rfc3339();
    print(&match args.json {
        true => format!(
            "{}\n",
            json!({
                "accounts": accounts, "changed": changed, "version": version,
                "synced_at": synced_at,
            })
        ),
        false => {
            let what = if changed { "written" } else { "unchanged" };
            format!(
                "The directory of {accounts} accounts is {what}. Workers read it within an hour.\n"
            )
        }
    })
}

fn print(text: &str) -> anyhow::Result<Exit> {
    output::print(text)?;
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
