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
use crate::ports::{Account, Accounts, Ledger};
use crate::words::number_of;

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
            let open = match args.action {
                Action::Sync(_) => Store::open,
                Action::List(_) | Action::Show(_) => {
                    setup::store_exists(path)?;
                    Store::open_to_read
                }
            };
            run(&config, &EmbeddedLedger::new(open(path)?), &args.action, &source).await
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
    let known = directory::read(ledger).await?;
    let difference = Difference::of(&known, accounts);
    if difference.removed * 2 > known.len() && !args.yes {
        eprintln!(
            "hansho: {} of the {} are missing, so nothing was written: give --yes if they are \
             gone, or sync all accounts",
            difference.removed,
            number_of(known.len(), "known account")
        );
        return Ok(Exit::Usage);
    }
    let head = directory::write(ledger, accounts, &args.source(), clock::wall()).await?;
    let changed = head.stored_at == head.written_at;
    let Difference { added, removed, changed: differ } = difference;
    let DocumentRecord { entries: accounts, version, written_at, .. } = head;
    let synced_at = written_at.to_rfc3339();
    print(&match args.json {
        true => format!(
            "{}\n",
            json!({
                "accounts": accounts, "changed": changed, "version": version,
                "synced_at": synced_at, "added": added, "removed": removed, "differ": differ,
            })
        ),
        false => {
            let what = match changed {
                true => format!("written: {added} added, {removed} removed, {differ} changed"),
                false => "unchanged".to_owned(),
            };
            let accounts = number_of(accounts, "account");
            format!("The directory of {accounts} is {what}. Workers read it within an hour.\n")
        }
    })
}

/// How many accounts a sync changes.
struct Difference {
    added: usize,
    removed: usize,
    /// Those that stay, with other names, addresses, units, tags or status.
    changed: usize,
}

impl Difference {
    fn of(before: &Accounts, after: &Accounts) -> Difference {
        let is_new = |account: &&Account| before.get(account.id()).is_none();
        let is_gone = |account: &&Account| after.get(account.id()).is_none();
        let differs =
            |account: &&Account| before.get(account.id()).is_some_and(|known| known != *account);
        Difference {
            added: after.iter().filter(is_new).count(),
            removed: before.iter().filter(is_gone).count(),
            changed: after.iter().filter(differs).count(),
        }
    }
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
