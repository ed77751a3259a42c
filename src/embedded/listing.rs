//! [`Listing`] on the SQLite file: pages in the order of the keys.

use rusqlite::Connection;

use super::EmbeddedLedger;
use super::inquiry::key_of;
use super::ledger::{COLUMNS, to_row};
use crate::policy::record::RecordKey;
use crate::policy::record::stored;
use crate::ports::LedgerError;
use crate::ports::listing::{AlertPage, Listing};

/// The rows of a page. Between pages a worker of this process may use the connection.
const PAGE_ROWS: usize = 500;

impl Listing for EmbeddedLedger {
    async fn alerts(&self, from: Option<RecordKey>) -> Result<AlertPage, LedgerError> {
        self.store.call(move |c| page(c, from.as_ref())).await.map_err(LedgerError)
    }
}

fn page(c: &Connection, from: Option<&RecordKey>) -> rusqlite::Result<AlertPage> {
    let mut select = c.prepare_cached(&format!(
        "SELECT {COLUMNS}, fingerprint, destination FROM ledger
         WHERE (fingerprint, destination) > (?1, ?2) AND instr(fingerprint, '/') > 0
         ORDER BY fingerprint, destination LIMIT ?3"
    ))?;
    let (fingerprint, destination) =
        from.map_or(("", ""), |key| (key.fingerprint(), key.destination()));
    let mut rows = select.query((fingerprint, destination, PAGE_ROWS))?;
    let (mut page, mut count) = (AlertPage::default(), 0);
    while let Some(row) = rows.next()? {
        let key = key_of(row)?;
        let record = to_row(row)?.and_then(|row| stored::decode(&key, row));
        count += 1;
        page.next = Some(key.clone()).filter(|_| count == PAGE_ROWS);
        page.push(key, record);
    }
    Ok(page)
}
