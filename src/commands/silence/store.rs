//! The silences in the ledger: reading them, and changing them without losing another change.

use tracing::warn;

use crate::commands::document::{self, DocumentError};
use crate::instants::Wall;
use crate::mutation::{self, Mutation};
use crate::policy::record::{Document, DocumentRecord};
use crate::policy::silence::{
    BadSilence, CurrentSilences, LISTED_AFTER_END, SILENCES_MAX, Silence, Silences,
};
use crate::ports::{Ledger, LedgerError};
use crate::words::number_of;

/// A change is lost to another operator's, and made again, at most so often.
const ROUNDS_MAX: u32 = 5;

/// The silences of the ledger.
#[derive(Debug, Default)]
pub struct Stored {
    pub silences: Silences,
    /// How many this version of hansho can't read. They are not in force.
    pub unreadable: usize,
    head: Option<DocumentRecord>,
}

/// A change could not be made. The silences are as they were.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("{0}")]
    Refused(String),
    #[error("a silence {0}")]
    Bad(#[from] BadSilence),
    #[error(
        "{} can't be read, and would be lost: use the newer version of hansho that wrote them",
        number_of(*.0, "silence")
    )]
    Newer(usize),
}

impl From<LedgerError> for ChangeError {
    fn from(why: LedgerError) -> ChangeError {
        ChangeError::Document(why.into())
    }
}

/// Reads all silences.
///
/// # Errors
/// The ledger does not answer, or a part is missing.
pub async fn read<L: Ledger>(ledger: &L) -> Result<Stored, DocumentError> {
    match document::head(ledger, Document::Silences).await? {
        Some(head) => read_parts(ledger, head).await,
        None => Ok(Stored::default()),
    }
}

async fn read_parts<L: Ledger>(ledger: &L, head: DocumentRecord) -> Result<Stored, DocumentError> {
    let parts = document::parts(ledger, Document::Silences, &head).await?;
    let (silences, unreadable) = Silences::of_parts(parts.iter().map(String::as_str));
    Ok(Stored { silences, unreadable, head: Some(head) })
}

/// Writes what `change` makes of the silences. It is made again if another change came between.
/// Silences that ended long ago are left out.
///
/// # Errors
/// See [`ChangeError`].
pub async fn change<L: Ledger, T>(
    ledger: &L,
    now: Wall,
    change: impl Fn(&mut Vec<Silence>) -> Result<T, ChangeError>,
) -> Result<T, ChangeError> {
    for _ in 0..ROUNDS_MAX {
        let Stored { silences, unreadable, head } = read(ledger).await?;
        if unreadable > 0 {
            return Err(ChangeError::Newer(unreadable));
        }
        let mut all: Vec<Silence> = silences.iter().cloned().collect();
        let changed = change(&mut all)?;
        all.retain(|silence| !silence.has_ended(now.minus(LISTED_AFTER_END)));
        if all.len() > SILENCES_MAX {
            all.retain(|silence| !silence.has_ended(now));
        }
        let all = Silences::new(all)?;
        if head.is_some() && all == silences {
            return Ok(changed);
        }
        let parts = all.parts()?;
        let (document, entries) = (Document::Silences, all.iter().len());
        let head = match mutation::is(Mutation::SilenceChangeLost) {
            true => document::head(ledger, document).await?,
            false => head,
        };
        match document::write(ledger, document, head.as_ref(), parts, entries, "", now).await {
            Ok(_) => return Ok(changed),
            Err(DocumentError::Raced) => {}
            Err(why) => return Err(why.into()),
        }
    }
    Err(DocumentError::Raced.into())
}

/// Keeps the silences of a process as those of the ledger.
#[derive(Debug)]
pub struct Reader {
    current: CurrentSilences,
    /// The version that was read. None: there was none.
    version: Option<String>,
    /// The ledger answered at least once.
    has_read: bool,
}

impl Reader {
    pub fn new(current: CurrentSilences) -> Reader {
        Reader { current, version: None, has_read: false }
    }

    pub fn has_read(&self) -> bool {
        self.has_read
    }

    /// Reads the head, and the parts if they are of another version than the last ones. After an
    /// error the silences are as they were.
    ///
    /// # Errors
    /// The ledger does not answer, or a part is missing.
    pub async fn refresh<L: Ledger>(&mut self, ledger: &L) -> Result<(), DocumentError> {
        let head = document::head(ledger, Document::Silences).await?;
        let version = head.as_ref().map(|head| head.version.clone());
        if version == self.version {
            self.has_read = true;
            return Ok(());
        }
        let stored = match head {
            Some(head) => read_parts(ledger, head).await?,
            None => Stored::default(),
        };
        if stored.unreadable > 0 {
            let unreadable = stored.unreadable;
            warn!(unreadable, "silences of a newer version of hansho are not in force here");
        }
        self.current.set(stored.silences);
        self.version = version;
        self.has_read = true;
        Ok(())
    }

    pub fn in_force(&self, now: Wall) -> usize {
        self.current.get().in_force(now)
    }
}

/// Reads the silences for a command that shows what they keep back. Without an answer it knows
/// none.
pub async fn show<L: Ledger>(current: &CurrentSilences, ledger: &L) {
    if let Err(why) = Reader::new(current.clone()).refresh(ledger).await {
        warn!(detail = %why, "the silences can't be read");
    }
}
