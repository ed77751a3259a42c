//! When GuardDuty's last finding of each place was posted, from the records of the ledger.
//!
//! The ledger knows posts, not findings. It can't say when a finding came that was below every
//! threshold, kept back by a silence or owed to nobody, and it forgets what is older than
//! `ledger.retention`. So a place without a time is quiet, or one of these.

use std::collections::BTreeMap;

use crate::estate::matrix::{Matrix, Place};
use crate::finding::Fingerprint;
use crate::instants::Wall;
use crate::policy::record::{AlertRecord, RecordKey};
use crate::ports::LedgerError;
use crate::ports::listing::{AlertPage, Listing};
use crate::words::number_of;

/// The most pages and records that are read. 200 pages of DynamoDB are 200 MiB.
pub const PAGES_MAX: usize = 200;
pub const RECORDS_MAX: u64 = 200_000;

/// What the ledger can't say, for people.
pub const KNOWS: &str = "The ledger knows posts, for the time of ledger.retention. A place without \
                         one is quiet, or its findings are below the threshold, silenced, or owed to \
                         nobody.";

/// What was read, for people.
pub fn read_for(last: &LastFindings) -> String {
    let unreadable = match last.unreadable {
        0 => String::new(),
        bad => format!(", {bad} of another version of hansho"),
    };
    let all = if last.cut { "; the ledger has more" } else { "" };
    let records = number_of(last.records, "record");
    format!("Read: {records} in {}{unreadable}{all}.", number_of(last.pages as u64, "call"))
}

/// The last findings of the places of a matrix, and what was read for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastFindings {
    /// When the last post about a finding there was accepted, by region, then by account.
    at: BTreeMap<(String, String), Wall>,
    /// Calls of the ledger.
    pub pages: usize,
    pub records: u64,
    /// Records that this version can't read.
    pub unreadable: u64,
    /// The ledger has more records than are read.
    pub cut: bool,
}

impl LastFindings {
    pub fn of(&self, region: &str, account: &str) -> Option<Wall> {
        self.at.get(&(region.to_owned(), account.to_owned())).copied()
    }

    /// The latest of a region, with its account.
    pub fn of_region(&self, region: &str) -> Option<(Wall, &str)> {
        let of_it = self.at.iter().filter(|((name, _), _)| name == region);
        of_it.map(|((_, account), at)| (*at, account.as_str())).max()
    }

    /// How many places have one.
    pub fn places(&self) -> usize {
        self.at.len()
    }

    /// Takes a record. `now` bounds times of clocks that are ahead.
    fn take(&mut self, key: &RecordKey, record: &AlertRecord, matrix: &Matrix, now: Wall) {
        let mut parts = key.fingerprint().splitn(4, '/');
        let (product, account, region) = (parts.next(), parts.next(), parts.next());
        let (Some(product), Some(account), Some(region)) = (product, account, region) else {
            return;
        };
        let Some(post) = record.accepted().filter(|_| product == Fingerprint::GUARDDUTY) else {
            return;
        };
        let place = (region.to_owned(), account.to_owned());
        if !matches!(matrix.places.get(&place), Some(Place::Enabled(_))) {
            return;
        }
        let at = post.sent_at.min(now);
        let known = self.at.entry(place).or_insert(at);
        *known = (*known).max(at);
    }
}

/// Reads the records of all alerts, at most [`PAGES_MAX`] pages.
///
/// # Errors
/// The ledger does not answer.
pub async fn read<L: Listing>(
    ledger: &L,
    matrix: &Matrix,
    now: Wall,
) -> Result<LastFindings, LedgerError> {
    let mut last = LastFindings::default();
    let mut from = None;
    loop {
        let AlertPage { alerts, unreadable, next, .. } = ledger.alerts(from).await?;
        last.pages += 1;
        last.records += alerts.len() as u64;
        last.unreadable += unreadable as u64;
        alerts.iter().for_each(|(key, record)| last.take(key, record, matrix, now));
        from = next;
        if from.is_none() {
            return Ok(last);
        }
        if last.pages >= PAGES_MAX || last.records >= RECORDS_MAX {
            last.cut = true;
            return Ok(last);
        }
    }
}
