//! [`Inquiry`] and [`QueueInquiry`] on the SQLite file. Only reads.

use rusqlite::Connection;

use crate::instants::Wall;
use crate::policy::record::stored;
use crate::policy::record::{Record, RecordKey};
use crate::ports::inquiry::{
    BodyFilter, Clue, Inquiry, LaneSearch, QuarantineSearch, QueueInquiry, SEARCH_MESSAGES_MAX,
    SEARCH_RECORDS_MAX, Search, WaitingMessage,
};
use crate::ports::{Clock, LedgerError, QueueError};

use super::ledger::{COLUMNS, Read, record, to_row};
use super::quarantine::{COLUMNS as QUARANTINE, dead_letter, lossy};
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

impl<C: Clock + 'static> QueueInquiry for EmbeddedQueue<C> {
    async fn search_quarantine(&self, filter: &BodyFilter) -> Result<QuarantineSearch, QueueError> {
        let filter = BodyFilter::clone(filter);
        let call = self.store.call(move |c| search_quarantine(c, &filter));
        call.await.map_err(QueueError::Unavailable)
    }

    async fn search_lanes(&self, filter: &BodyFilter) -> Result<LaneSearch, QueueError> {
        let filter = BodyFilter::clone(filter);
        self.store.call(move |c| search_lanes(c, &filter)).await.map_err(QueueError::Unavailable)
    }
}

/// The columns of the key, after those of the record.
pub(super) const KEY_COLUMNS: [usize; 2] = [16, 17];

pub(super) fn key_of(row: &rusqlite::Row) -> rusqlite::Result<RecordKey> {
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
    for id in clue.texts() {
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

fn search_quarantine(c: &Connection, filter: &BodyFilter) -> rusqlite::Result<QuarantineSearch> {
    let mut found = QuarantineSearch { complete: true, ..QuarantineSearch::default() };
    let mut select =
        c.prepare(&format!("SELECT {QUARANTINE} FROM quarantine ORDER BY parked_at, message_id"))?;
    for message in select.query_map((), dead_letter)? {
        let message = message?;
        found.scanned += 1;
        if !filter(&message.body) {
            continue;
        }
        if found.messages.len() >= SEARCH_MESSAGES_MAX {
            found.complete = false;
            break;
        }
        found.messages.push(message);
    }
    Ok(found)
}

fn search_lanes(c: &Connection, filter: &BodyFilter) -> rusqlite::Result<LaneSearch> {
    let mut select = c.prepare(
        "SELECT body, lane, message_id, receive_count, enqueued_at, visible_at
         FROM message ORDER BY seq",
    )?;
    let mut found = Vec::new();
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let body = lossy(row, 0)?;
        if !filter(&body) {
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
        if found.len() >= SEARCH_MESSAGES_MAX {
            break;
        }
    }
    Ok(LaneSearch::Found(found))
}
