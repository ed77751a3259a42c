//! The account directory in the ledger: writing it, and reading it.

use sha2::{Digest as _, Sha256};
use tracing::warn;

use crate::commands::wiring;
use crate::config::{Backend, Config};
use crate::embedded::{EmbeddedLedger, Store};
use crate::instants::Wall;
use crate::policy::directory::{self, Content};
use crate::policy::record::{DirectoryPartRecord, DirectoryRecord, RecordKey};
use crate::ports::{Accounts, BadAccount, BadPart, CurrentAccounts, Ledger, LedgerError, Written};

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

/// Writes the directory: the parts, unless they are there, and then the head. Returns the head.
///
/// # Errors
/// See [`DirectoryError`]. The directory is then as it was.
pub async fn write<L: Ledger>(
    ledger: &L,
    accounts: &Accounts,
    now: Wall,
) -> Result<DirectoryRecord, DirectoryError> {
    let parts = accounts.parts();
    let version = version(&parts);
    let key = RecordKey::directory();
    let seen: Option<DirectoryRecord> = ledger.read(&key).await?;
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (parts_count, accounts) = (number(parts.len()), number(accounts.len()));
    let content = Content { version: &version, parts: parts_count, accounts };
    let (expect, head) = directory::put(seen.as_ref(), content, now);
    if head.stored_at == now {
        for (number, text) in (0..).zip(parts) {
            write_part(ledger, &RecordKey::directory_part(&version, number), text, now).await?;
        }
    }
    match ledger.write(&key, &expect, &head).await? {
        Written::Done => Ok(head),
        Written::Lost(_) => Err(DirectoryError::Raced),
    }
}

async fn write_part<L: Ledger>(
    ledger: &L,
    key: &RecordKey,
    text: String,
    now: Wall,
) -> Result<(), DirectoryError> {
    let seen: Option<DirectoryPartRecord> = ledger.read(key).await?;
    let (expect, part) = directory::put_part(seen.as_ref(), text, now);
    match ledger.write(key, &expect, &part).await? {
        Written::Done => Ok(()),
        Written::Lost(_) => Err(DirectoryError::Raced),
    }
}

/// What the ledger says of the directory. None: there is none.
///
/// # Errors
/// The ledger does not answer.
pub async fn head<L: Ledger>(ledger: &L) -> Result<Option<DirectoryRecord>, LedgerError> {
    ledger.read(&RecordKey::directory()).await
}

/// The texts of a directory's parts.
///
/// # Errors
/// The ledger does not answer, or a part is missing.
pub async fn parts<L: Ledger>(
    ledger: &L,
    head: &DirectoryRecord,
) -> Result<Vec<String>, DirectoryError> {
    let mut texts = Vec::new();
    for number in 0..head.parts {
        let key = RecordKey::directory_part(&head.version, number);
        let part: Option<DirectoryPartRecord> = ledger.read(&key).await?;
        texts.push(part.ok_or(DirectoryError::Incomplete)?.text);
    }
    Ok(texts)
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
/// what the configuration knows.
pub async fn show<L: Ledger>(current: &CurrentAccounts, ledger: &L) {
    let read = async {
        match head(ledger).await? {
            Some(head) => under(&current.get(), &parts(ledger, &head).await?).map(Some),
            None => Ok(None),
        }
    };
    match read.await {
        Ok(Some(accounts)) => current.set(accounts),
        Ok(None) => {}
        Err(why) => warn!(detail = %why, "the account directory can't be read"),
    }
}

/// The same with the ledger of the configuration. An embedded ledger that does not exist yet has no
/// directory.
pub async fn show_configured(config: &Config) {
    let accounts = &config.guide.accounts;
    match &config.backend {
        Backend::Embedded { path, .. } if !path.exists() => {}
        Backend::Embedded { path, .. } => match Store::open(path) {
            Ok(store) => show(accounts, &EmbeddedLedger::new(store)).await,
            Err(why) => warn!(detail = %why, "the account directory can't be read"),
        },
        Backend::Aws(aws) => show(accounts, &wiring::on_aws(aws).await.1).await,
    }
}

/// The name of the content: 16 hexadecimal digits.
fn version(parts: &[String]) -> String {
    let digest = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
