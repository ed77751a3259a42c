//! Looking up in the SQLite file what became of a finding. Reads alone.

use rusqlite::Connection;

use crate::instants::Wall;
use crate::policy::record::stored;
use crate::policy::record::{Record, RecordKey};
use crate::ports::inquiry::{
    Clue, Concerns, Inquiry, PEEK_MESSAGES_MAX, Peek, Peeked, QuarantinedMessage,
    SEARCH_RECORDS_MAX, Search, Waiting, WaitingMessage,
};
use crate::ports::{Clock, LedgerError, QueueError};

use super::ledger::{COLUMNS, Read, record, to_row};
use super::{EmbeddedLedger, EmbeddedQueue};

impl Inquiry for EmbeddedLedger {
    async fn records_of(&self, fingerprint: &str) -> Result<Vec<(RecordKey, Record)>, LedgerError> {
        let fingerprint = fingerprint.to_owned();
        let rows = self.store.call(move |c| rows_of(c, &fingerprint)).await.map_err(LedgerError)?;
        rows.into_iter().map(|(key, row)| Ok((key.clone(), record(&key, row)?))).collect()
    }

    async fn search(&self, clue: &Clue) -> Result<Search, LedgerError> {
        let clue = clue.clone();
        self.store.call(move |c| search(c, &clue)).await.map_err(LedgerError)
    }
}

impl<C: Clock + 'static> Peek for EmbeddedQueue<C> {
    async fn parked(&self, concerns: &Concerns) -> Result<Peeked, QueueError> {
        let concerns = Concerns::clone(concerns);
        self.store.call(move |c| parked(c, &concerns)).await.map_err(QueueError::Unavailable)
    }

    async fn waiting(&self, concerns: &Concerns) -> Result<Waiting, QueueError> {
        let concerns = Concerns::clone(concerns);
        self.store.call(move |c| waiting(c, &concerns)).await.map_err(QueueError::Unavailable)
    }
}

/// The key's columns follow those of the row.
const KEY_COLUMNS: [usize; 2] = [13, 14];

fn key_of(row: &rusqlite::Row) -> rusqlite::Result<RecordKey> {
    let [fingerprint, destination] = KEY_COLUMNS;
    Ok(RecordKey::stored(row.get(fingerprint)?, row.get(destination)?))
}

fn rows_of(c: &Connection, fingerprint: &str) -> rusqlite::Result<Vec<(RecordKey, Read)>> {
    let mut select = c.prepare(&format!(
        "SELECT {COLUMNS}, fingerprint, destination FROM ledger
         WHERE fingerprint = ?1 ORDER BY destination"
    ))?;
    select.query_map((fingerprint,), |row| Ok((key_of(row)?, to_row(row)?)))?.collect()
}

fn search(c: &Connection, clue: &Clue) -> rusqlite::Result<Search> {
    let mut select = c.prepare(&format!(
        "SELECT {COLUMNS}, fingerprint, destination FROM ledger
         WHERE instr(fingerprint, ?1) > 0 OR instr(digest, ?1) > 0
         ORDER BY fingerprint, destination"
    ))?;
    let mut found = Search { complete: true, ..Search::default() };
    for id in &clue.ids {
        let mut rows = select.query((id,))?;
        while let Some(row) = rows.next()? {
            let key = key_of(row)?;
            let Ok(read) = to_row(row)?.and_then(|row| stored::decode(&key, row)) else {
                found.unreadable += 1;
                continue;
            };
            if !clue.fits(&key, &read) || found.records.iter().any(|(known, _)| *known == key) {
                continue;
            }
            if found.records.len() >= SEARCH_RECORDS_MAX {
                found.complete = false;
                return Ok(found);
            }
            found.records.push((key, read));
        }
    }
    found.records.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// Another program may have put in what is no UTF-8.
fn lossy(row: &rusqlite::Row, column: usize) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(row.get_ref(column)?.as_bytes()?).into_owned())
}

fn parked(c: &Connection, concerns: &Concerns) -> rusqlite::Result<Peeked> {
    let mut select = c.prepare(
        "SELECT body, message_id, lane, reason, detail, receive_count, enqueued_at, parked_at
         FROM quarantine ORDER BY parked_at, message_id",
    )?;
    let mut peeked = Peeked { complete: true, ..Peeked::default() };
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        peeked.looked_at += 1;
        let body = lossy(row, 0)?;
        if !concerns(&body) {
            continue;
        }
        if peeked.messages.len() >= PEEK_MESSAGES_MAX {
            peeked.complete = false;
            break;
        }
        peeked.messages.push(QuarantinedMessage {
            body,
            message_id: Some(row.get(1)?),
            lane: Some(row.get(2)?),
            reason: Some(row.get(3)?),
            detail: Some(row.get(4)?),
            receive_count: Some(row.get(5)?),
            enqueued_at: row.get::<_, Option<i64>>(6)?.map(Wall),
            parked_at: Some(Wall(row.get(7)?)),
        });
    }
    Ok(peeked)
}

fn waiting(c: &Connection, concerns: &Concerns) -> rusqlite::Result<Waiting> {
    let mut select = c.prepare(
        "SELECT body, lane, message_id, receive_count, enqueued_at, visible_at
         FROM message ORDER BY seq",
    )?;
    let mut found = Vec::new();
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let body = lossy(row, 0)?;
        if !concerns(&body) {
            continue;
        }
        found.push(WaitingMessage {
            body,
            lane: row.get(1)?,
            message_id: row.get(2)?,
            receive_count: row.get(3)?,
            enqueued_at: Wall(row.get(4)?),
            visible_at: Wall(row.get(5)?),
        });
        if found.len() >= PEEK_MESSAGES_MAX {
            break;
        }
    }
    Ok(Waiting::Seen(found))
}
