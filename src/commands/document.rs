//! Documents in the ledger: a head, and the parts that it names.

use sha2::{Digest as _, Sha256};

use crate::instants::Wall;
use crate::policy::document::{Content, put, put_part};
use crate::policy::record::{Document, DocumentPartRecord, DocumentRecord, RecordKey};
use crate::ports::{Ledger, LedgerError, Written};

/// A document could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    #[error("the ledger does not answer: {0}")]
    Ledger(#[from] LedgerError),
    #[error("another command wrote at the same time: run this one again")]
    Raced,
    #[error("a part is missing from the ledger")]
    Incomplete,
}

/// Writes the parts, unless they are there, and then the head. Returns the head. `seen` is the head
/// on which the content is based: a newer one is not replaced.
///
/// # Errors
/// See [`DocumentError`]. Unless the ledger did not answer, the document is as it was.
pub async fn write<L: Ledger>(
    ledger: &L,
    document: Document,
    seen: Option<&DocumentRecord>,
    parts: Vec<String>,
    entries: usize,
    source: &str,
    now: Wall,
) -> Result<DocumentRecord, DocumentError> {
    let version = version(&parts);
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (count, entries) = (number(parts.len()), number(entries));
    let content = Content { version: &version, parts: count, entries, source };
    let (expect, head) = put(seen, content, now);
    if head.stored_at == now {
        for (number, text) in (0..).zip(parts) {
            let key = RecordKey::document_part(document, &version, number);
            write_part(ledger, &key, text, now).await?;
        }
    }
    match ledger.write(&RecordKey::document(document), &expect, &head).await? {
        Written::Done => Ok(head),
        Written::Lost(_) => Err(DocumentError::Raced),
    }
}

async fn write_part<L: Ledger>(
    ledger: &L,
    key: &RecordKey,
    text: String,
    now: Wall,
) -> Result<(), DocumentError> {
    let seen: Option<DocumentPartRecord> = ledger.read(key).await?;
    let (expect, part) = put_part(seen.as_ref(), text, now);
    match ledger.write(key, &expect, &part).await? {
        Written::Done => Ok(()),
        Written::Lost(_) => Err(DocumentError::Raced),
    }
}

/// The head of a document. None: there is none.
///
/// # Errors
/// The ledger does not answer.
pub async fn head<L: Ledger>(
    ledger: &L,
    document: Document,
) -> Result<Option<DocumentRecord>, LedgerError> {
    ledger.read(&RecordKey::document(document)).await
}

/// The texts of a document's parts.
///
/// # Errors
/// The ledger does not answer, or a part is missing.
pub async fn parts<L: Ledger>(
    ledger: &L,
    document: Document,
    head: &DocumentRecord,
) -> Result<Vec<String>, DocumentError> {
    let mut texts = Vec::new();
    for number in 0..head.parts {
        let key = RecordKey::document_part(document, &head.version, number);
        let part: Option<DocumentPartRecord> = ledger.read(&key).await?;
        texts.push(part.ok_or(DocumentError::Incomplete)?.text);
    }
    Ok(texts)
}

/// The name of the content: 16 hexadecimal digits.
fn version(parts: &[String]) -> String {
    let digest = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
