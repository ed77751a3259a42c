//! Where `hansho accounts sync` reads accounts: AWS Organizations, or a file.

use crate::commands::args::Input;
use crate::config::{self, Mistake};
use crate::ports::{Account, AccountEntry, Accounts};

use super::args::Sync;

/// All accounts of the source. The inner error is wrong usage.
///
/// # Errors
/// AWS Organizations does not answer, or its accounts do not fit.
pub async fn accounts(args: &Sync) -> anyhow::Result<Result<Accounts, Vec<String>>> {
    let said = |mistakes: Vec<Mistake>| mistakes.iter().map(ToString::to_string).collect();
    let entries: Vec<AccountEntry> = match &args.file {
        Some(input) => match of_input(input) {
            Ok(accounts) => accounts.iter().map(Account::entry).collect(),
            Err(mistakes) => return Ok(Err(said(mistakes))),
        },
        None => match of_organization(args).await {
            Some(entries) => entries?,
            None => {
                let why = "this build can't read AWS Organizations: give --file, or build with the \
                           Cargo feature `organizations`";
                return Ok(Err(vec![why.to_owned()]));
            }
        },
    };
    // Nobody has an organisation without an account, and an empty directory would remove all names.
    anyhow::ensure!(!entries.is_empty(), "AWS Organizations shows no account to these credentials");
    let mut accounts = Accounts::default();
    let kept = args.kept();
    for mut entry in entries {
        entry.tags.retain(|key, _| kept.has(key));
        accounts.insert(&entry).map_err(|why| anyhow::anyhow!("account {} {why}", entry.id))?;
    }
    Ok(Ok(accounts))
}

fn of_input(input: &Input) -> Result<Accounts, Vec<Mistake>> {
    match input {
        Input::Stdin => config::accounts_of("-", std::io::stdin()),
        Input::File(path) => config::accounts_of_file(&path.display().to_string(), path),
    }
}

/// None: this build can't read it.
#[cfg(not(feature = "organizations"))]
async fn of_organization(_: &Sync) -> Option<anyhow::Result<Vec<AccountEntry>>> {
    None
}

/// None: this build can't read it.
#[cfg(feature = "organizations")]
async fn of_organization(args: &Sync) -> Option<anyhow::Result<Vec<AccountEntry>>> {
    use crate::aws::{self, organizations::Organizations};
    let organizations = Organizations::new(&aws::sdk_config().await);
    Some(organizations.accounts(!args.no_tags).await.map_err(Into::into))
}
