//! The ledger in SQLite: a read and a replacement in one transaction.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::finding::Level;
use crate::instants::Wall;
use crate::policy::record::stored::{self, StoredRow, Unreadable, column};
use crate::policy::record::{Expect, Record, RecordKey, State};
use crate::ports::{Consistency, Ledger, LedgerError, Prefetched, Written};

use super::Store;

/// The columns of a [`StoredRow`], as [`to_row`] reads them.
pub(super) const COLUMNS: &str = "state, owner, fence, lease_until, level_claimed, level_sent, \
     revision_sent, sent_at, due_at, attempts, ambiguous, digest, expires_at, incident, \
     finding_type, resource";
const PLACE: &str = "the embedded store";

/// The ledger port on a [`Store`].
#[derive(Clone)]
pub struct EmbeddedLedger {
    pub(super) store: Store,
}

/// A row as it was read, or why it can't be.
pub(super) type Read = Result<StoredRow, Unreadable>;

impl EmbeddedLedger {
    pub fn new(store: Store) -> EmbeddedLedger {
        EmbeddedLedger { store }
    }
}

impl Ledger for EmbeddedLedger {
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        let asked = key.clone();
        let row = self.store.call(move |c| read(c, &asked)).await.map_err(LedgerError)?;
        row.map(|row| record(key, row)).transpose()
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        let (asked, expect, row) = (key.clone(), expect.clone(), stored::encode(record));
        let written = self.store.call(move |c| write(c, &asked, &expect, &row)).await;
        match written.map_err(LedgerError)? {
            Written::Done => Ok(Written::Done),
            Written::Lost(row) => {
                let record = row.map(|row| self::record(key, row)).transpose()?;
                Ok(Written::Lost(record))
            }
        }
    }

    /// One call of the store for all keys. It waits for no transaction.
    async fn prefetch(
        &self,
        keys: &[RecordKey],
        _: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        let keys = keys.to_vec();
        let read_all = move |c: &mut Connection| {
            let prefetched = |key: &RecordKey| match read(c, key) {
                Ok(None) => Prefetched::Absent,
                Ok(Some(Ok(row))) => Prefetched::of(stored::decode(key, row)),
                Ok(Some(Err(_))) | Err(_) => Prefetched::Unknown,
            };
            Ok(keys.iter().map(prefetched).collect())
        };
        self.store.call(read_all).await.map_err(LedgerError)
    }
}

/// The record of a row. A row that can't be read is never taken for none: that would post its alert
/// again.
pub(super) fn record(key: &RecordKey, row: Read) -> Result<Record, LedgerError> {
    let record = row.and_then(|row| stored::decode(key, row));
    record.map_err(|bad| LedgerError(bad.at(key, PLACE).into()))
}

/// Refuses to write over a row that can't be read.
fn write(
    c: &mut Connection,
    key: &RecordKey,
    expect: &Expect,
    row: &StoredRow,
) -> rusqlite::Result<Written<Read>> {
    let t = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let seen = read(&t, key)?;
    let holds = match &seen {
        None => expect.holds::<StoredRow>(None),
        Some(Ok(seen)) => expect.holds(Some(seen)),
        Some(Err(_)) => false,
    };
    if !holds {
        return Ok(Written::Lost(seen));
    }
    t.execute(
        "INSERT OR REPLACE INTO ledger
         (fingerprint, destination, state, owner, fence, lease_until, level_claimed, level_sent,
          revision_sent, sent_at, due_at, attempts, ambiguous, digest, expires_at, incident,
          finding_type, resource)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        params![
            key.fingerprint(),
            key.destination(),
            row.state.as_str(),
            row.owner,
            row.fence.cast_signed(),
            row.lease_until.0,
            row.level_claimed.map(Level::rank),
            row.level_sent.map(Level::rank),
            row.revision_sent.map(|at| at.0),
            row.sent_at.map(|at| at.0),
            row.due_at.map(|at| at.0),
            row.attempts,
            row.ambiguous,
            row.digest,
            row.expires_at.0,
            row.incident,
            row.finding_type,
            row.resource,
        ],
    )?;
    t.commit()?;
    Ok(Written::Done)
}

fn read(c: &Connection, key: &RecordKey) -> rusqlite::Result<Option<Read>> {
    let mut select = c.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM ledger WHERE fingerprint = ?1 AND destination = ?2"
    ))?;
    select.query_row((key.fingerprint(), key.destination()), to_row).optional()
}

/// From the columns of [`COLUMNS`], the first of the statement. The outer error is SQLite's.
pub(super) fn to_row(row: &rusqlite::Row) -> rusqlite::Result<Read> {
    let word: String = row.get(0)?;
    let numbers = [4, 5, 9, 10].map(|column| row.get::<_, Option<i64>>(column));
    let [level_claimed, level_sent, attempts, ambiguous] = numbers;
    let (level_claimed, level_sent) = (level_claimed?, level_sent?);
    let (attempts, ambiguous) = (attempts?, ambiguous?);
    let time = |column| row.get::<_, Option<i64>>(column).map(|ms| ms.map(Wall));
    let (revision_sent, sent_at, due_at) = (time(6)?, time(7)?, time(8)?);
    let (owner, digest, incident) = (row.get(1)?, row.get(11)?, row.get(13)?);
    let (finding_type, resource) = (row.get(14)?, row.get(15)?);
    let fence = row.get::<_, i64>(2)?.cast_unsigned();
    let (lease_until, expires_at) = (Wall(row.get(3)?), Wall(row.get(12)?));
    let unknown = Unreadable::new(column::STATE, "is no state that this version knows");
    let read = || {
        Ok(StoredRow {
            state: State::from_name(&word).ok_or(unknown)?,
            owner,
            fence,
            lease_until,
            level_claimed: level(level_claimed, column::LEVEL_CLAIMED)?,
            level_sent: level(level_sent, column::LEVEL_SENT)?,
            revision_sent,
            sent_at,
            due_at,
            attempts: count(attempts, column::ATTEMPTS)?,
            ambiguous: count(ambiguous, column::AMBIGUOUS)?,
            digest,
            incident,
            finding_type,
            resource,
            expires_at,
        })
    };
    Ok(read())
}

fn level(rank: Option<i64>, attribute: &'static str) -> Result<Option<Level>, Unreadable> {
    let unknown = Unreadable::new(attribute, "is no level that this version knows");
    let level = |rank| u8::try_from(rank).ok().and_then(Level::from_rank).ok_or(unknown);
    rank.map(level).transpose()
}

fn count(number: Option<i64>, attribute: &'static str) -> Result<u32, Unreadable> {
    let number = number.ok_or(Unreadable::missing(attribute))?;
    u32::try_from(number).map_err(|_| Unreadable::new(attribute, "is out of range"))
}
