//! The ledger in SQLite: a look and a replacement in one transaction.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params, types::Type};

use crate::finding::Level;
use crate::instants::Wall;
use crate::policy::ledger::{Expect, LastPost, RecordKey, Row, State};
use crate::ports::{Ledger, LedgerError, Written};

use super::Store;

/// A row without its key, as [`to_row`] reads it.
pub(super) const COLUMNS: &str = "state, owner, fence, lease_until, level_claimed, level_sent, \
     revision_sent, sent_at, due_at, attempts, ambiguous, digest, expires_at";

/// The ledger port on a [`Store`].
#[derive(Clone)]
pub struct EmbeddedLedger {
    pub(super) store: Store,
}

impl EmbeddedLedger {
    pub fn new(store: Store) -> EmbeddedLedger {
        EmbeddedLedger { store }
    }
}

impl Ledger for EmbeddedLedger {
    async fn read(&self, key: &RecordKey) -> Result<Option<Row>, LedgerError> {
        let key = key.clone();
        self.store.call(move |c| read(c, &key)).await.map_err(LedgerError)
    }

    async fn write(
        &self,
        key: &RecordKey,
        expect: &Expect,
        row: &Row,
    ) -> Result<Written, LedgerError> {
        let (key, expect, row) = (key.clone(), expect.clone(), row.clone());
        self.store.call(move |c| write(c, &key, &expect, &row)).await.map_err(LedgerError)
    }

    /// One call of the store for all of them: it waits for no transaction. A row that can't be read is
    /// one that is not known.
    async fn prefetch(&self, keys: &[RecordKey]) -> Result<Vec<Option<LastPost>>, LedgerError> {
        let keys = keys.to_vec();
        let told = |row: Option<Row>| row.as_ref().and_then(Row::told);
        let look = move |c: &mut Connection| {
            let rows = keys.iter().map(|key| Ok(read(c, key).ok().and_then(told)));
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        self.store.call(look).await.map_err(LedgerError)
    }
}

fn write(
    c: &mut Connection,
    key: &RecordKey,
    expect: &Expect,
    row: &Row,
) -> rusqlite::Result<Written> {
    let t = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let seen = read(&t, key)?;
    if !expect.holds(seen.as_ref()) {
        return Ok(Written::Lost(seen));
    }
    t.execute(
        "INSERT OR REPLACE INTO ledger
         (fingerprint, destination, state, owner, fence, lease_until, level_claimed, level_sent,
          revision_sent, sent_at, due_at, attempts, ambiguous, digest, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            key.fingerprint,
            key.destination,
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
        ],
    )?;
    t.commit()?;
    Ok(Written::Done)
}

fn read(c: &Connection, key: &RecordKey) -> rusqlite::Result<Option<Row>> {
    let mut select = c.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM ledger WHERE fingerprint = ?1 AND destination = ?2"
    ))?;
    select.query_row((&key.fingerprint, &key.destination), to_row).optional()
}

/// From the columns of [`COLUMNS`], the first of the statement.
pub(super) fn to_row(row: &rusqlite::Row) -> rusqlite::Result<Row> {
    let word: String = row.get(0)?;
    let state = State::from_name(&word)
        .ok_or_else(|| unreadable(0, Type::Text, format!("state {word:?} is unknown")))?;
    Ok(Row {
        state,
        owner: row.get(1)?,
        fence: row.get::<_, i64>(2)?.cast_unsigned(),
        lease_until: Wall(row.get(3)?),
        level_claimed: level(row, 4)?,
        level_sent: level(row, 5)?,
        revision_sent: row.get::<_, Option<i64>>(6)?.map(Wall),
        sent_at: row.get::<_, Option<i64>>(7)?.map(Wall),
        due_at: row.get::<_, Option<i64>>(8)?.map(Wall),
        attempts: row.get(9)?,
        ambiguous: row.get(10)?,
        digest: row.get(11)?,
        expires_at: Wall(row.get(12)?),
    })
}

fn level(row: &rusqlite::Row, column: usize) -> rusqlite::Result<Option<Level>> {
    let Some(rank) = row.get::<_, Option<u8>>(column)? else { return Ok(None) };
    match Level::from_rank(rank) {
        Some(level) => Ok(Some(level)),
        None => Err(unreadable(column, Type::Integer, format!("level {rank} is unknown"))),
    }
}

fn unreadable(column: usize, kind: Type, why: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, why.into())
}
