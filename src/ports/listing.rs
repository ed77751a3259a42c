//! The port to read all alerts of the ledger, a page at a time. Only `hansho report` uses it.

use std::future::Future;

use super::{Ledger, LedgerError};
use crate::policy::record::{AlertRecord, Record, RecordKey, RecordKind};

/// Some records of alerts, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertPage {
    /// The records of one fingerprint follow one another, also from page to page.
    pub alerts: Vec<(RecordKey, AlertRecord)>,
    /// How many records of alerts this version can't read.
    pub unreadable: usize,
    /// The read units that the page cost. None: the ledger has none.
    pub read_units: Option<f64>,
    /// Where the next page begins. None: this is the last one.
    pub next: Option<RecordKey>,
}

impl AlertPage {
    /// Adds a row as an adapter read it. Records of other kinds are left out.
    pub fn push<E>(&mut self, key: RecordKey, record: Result<Record, E>) {
        match record {
            Ok(Record::Alert(alert)) => self.alerts.push((key, alert)),
            Err(_) if key.kind() == RecordKind::Alert => self.unreadable += 1,
            Ok(_) | Err(_) => {}
        }
    }
}

/// A ledger whose alerts can be listed.
pub trait Listing: Ledger {
    /// The page that begins after the key `from`, or the first. A page may be empty though others
    /// follow. Eventually consistent: each record that is written to while its page is read may be
    /// as it was before. A record that stays is on exactly one page.
    fn alerts(
        &self,
        from: Option<RecordKey>,
    ) -> impl Future<Output = Result<AlertPage, LedgerError>> + Send;
}
