//! The account directory in the ledger: writing it, and reading it.

use tracing::warn;

use crate::commands::document::{self, DocumentError};
use crate::commands::wiring;
use crate::config::{Backend, Config};
use crate::embedded::{EmbeddedLedger, Store};
use crate::instants::Wall;
use crate::policy::directory::Source;
use crate::policy::record::{Document, DocumentRecord};
use crate::ports::{Accounts, BadAccount, BadPart, CurrentAccounts, Ledger, LedgerError};

/// The directory could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    #[error("the ledger does not answer: {0}")]
    Ledger(#[from] LedgerError),
    #[error("another sync wrote the directory at the same time: run it again")]
    Raced,
    #[error("a part of the directory is missing: run `hansho accounts sync`")]
    Incomplete,
    #[error(transparent)]
    Part(#[from] BadPart),
    #[error("an account of the configuration can't be added to the directory: it {0}")]
    Full(BadAccount),
}

impl From<DocumentError> for DirectoryError {
    fn from(why: DocumentError) -> DirectoryError {
        match why {
            DocumentError::Ledger(why) => DirectoryError::Ledger(why),
            DocumentError::Raced => DirectoryError::Raced,
            DocumentError::Incomplete => DirectoryError::Incomplete,
        }
    }
}

/// Writes the directory: the parts, unless they are there, and then the head. Returns the head.
///
/// # Errors
/// See [`DirectoryError`]. The directory is then as it was.
pub async fn write<L: Ledger>(
    ledger: &L,
    accounts: &Accounts,
    source: &Source,
    now: Wall,
) -> Result<DocumentRecord, DirectoryError> {
    let seen = head(ledger).await?;
    let parts = accounts.parts();
    let (document, entries) = (Document::Accounts, accounts.len());
    let source = source.to_string();
    Ok(document::write(ledger, document, seen.as_ref(), parts, entries, &source, now).await?)
}

/// What the ledger says of the directory. None: there is none.
///
/// # Errors
/// The ledger does not answer.
pub async fn head<L: Ledger>(ledger: &L) -> Result<Option<DocumentRecord>, LedgerError> {
    document::head(ledger, Document::Accounts).await
}

/// The texts of a directory's parts.
///
/// # Errors
/// The ledger does not answer, or a part is missing.
pub async fn parts<L: Ledger>(
    ledger: &L,
    head: &DocumentRecord,
) -> Result<Vec<String>, DirectoryError> {
    Ok(document::parts(ledger, Document::Accounts, head).await?)
}

/// The accounts of the directory, without those of the configuration. Empty: there is none, or a
/// part of it is missing or can't be read.
///
/// # Errors
/// The ledger does not answer.
pub async fn read<L: Ledger>(ledger: &L) -> Result<Accounts, DirectoryError> {
    match load(ledger, &Accounts::default()).await {
        Err(DirectoryError::Incomplete | DirectoryError::Part(_)) => Ok(Accounts::default()),
        read => Ok(read?.unwrap_or_default()),
    }
}

/// The accounts of the directory, with those of the configuration over them. None: there is no
/// directory.
///
/// # Errors
/// As [`parts`] and [`under`].
pub async fn load<L: Ledger>(
    ledger: &L,
    configured: &Accounts,
) -> Result<Option<Accounts>, DirectoryError> {
    let Some(head) = head(ledger).await? else { return Ok(None) };
    under(configured, &parts(ledger, &head).await?).map(Some)
}

/// The accounts of the parts, with those of the configuration over them.
///
/// # Errors
/// A part can't be read, or there are too many accounts.
pub fn under(configured: &Accounts, parts: &[String]) -> Result<Accounts, DirectoryError> {
    let mut accounts = Accounts::of_parts(parts.iter().map(String::as_str))?;
    accounts.overlay(configured).map_err(DirectoryError::Full)?;
    Ok(accounts)
}

/// Adds the accounts of the directory to those that a command shows. Without an answer it shows
/// what the configuration knows. Returns why there is no directory, in words.
pub async fn show<L: Ledger>(current: &CurrentAccounts, ledger: &L) -> Option<String> {
    match load(ledger, &current.get()).await {
        Ok(Some(accounts)) => {
            current.set(accounts);
            None
        }
        Ok(None) => Some("the ledger has no account directory".to_owned()),
        Err(why) => Some(unread(&why)),
    }
}

fn unread(why: &dyn std::fmt::Display) -> String {
    warn!(detail = %why, "the account directory can't be read");
    "the account directory can't be read".to_owned()
}

/// The same with the ledger of the configuration. An embedded ledger that does not exist yet has no
/// directory.
pub async fn show_configured(config: &Config) -> Option<String> {
    let accounts = &config.guide.accounts;
    match &config.backend {
        Backend::Embedded { path, .. } if !path.exists() => {
            Some(format!("{} does not exist", path.display()))
        }
        Backend::Embedded { path, .. } => match Store::open_to_read(path) {
            Ok(store) => show(accounts, &EmbeddedLedger::new(store)).await,
            Err(why) => Some(unread(&why)),
        },
        Backend::Aws(aws) => show(accounts, &wiring::on_aws(aws).await.1).await,
    }
}
