//! Reads the ledger for a report.

use std::time::Duration;

use crate::commands::counts::read::days;
use crate::policy::report::{Gap, Period, Report, Tally};
use crate::ports::LedgerError;
use crate::ports::listing::{AlertPage, Listing};

/// The most pages and records that are read. 2,000 pages of DynamoDB are 2 GiB.
pub const PAGES_MAX: usize = 2_000;
pub const RECORDS_MAX: u64 = 1_000_000;

/// The report, and what it cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Gathered {
    pub report: Report,
    pub reads: Reads,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reads {
    /// Calls of the ledger for pages of records.
    pub pages: usize,
    /// Calls for day counts, one for each day.
    pub days: usize,
    /// The read units of the pages, on DynamoDB.
    pub units: Option<f64>,
}

/// Reads all alerts, and the day counts of the period. `retention`: see [`Tally::new`].
///
/// # Errors
/// The ledger does not answer.
pub async fn gather<L: Listing>(
    ledger: &L,
    period: Period,
    retention: Duration,
) -> Result<Gathered, LedgerError> {
    let mut tally = Tally::new(period, retention);
    let mut reads = Reads::default();
    let (mut records, mut unreadable, mut from) = (0, 0, None);
    loop {
        let AlertPage { alerts, unreadable: bad, read_units, next } = ledger.alerts(from).await?;
        reads.pages += 1;
        reads.units = match (reads.units, read_units) {
            (units, None) => units,
            (units, Some(more)) => Some(units.unwrap_or_default() + more),
        };
        unreadable += bad as u64;
        records += alerts.len() as u64;
        alerts.iter().for_each(|(key, record)| tally.alert(key, record));
        from = next;
        if from.is_none() {
            break;
        }
        if reads.pages >= PAGES_MAX || records >= RECORDS_MAX {
            tally.gap(Gap::Incomplete);
            break;
        }
    }
    if unreadable > 0 {
        tally.gap(Gap::Unreadable(unreadable));
    }
    let (first, last) = period.first_and_last();
    for (day, counts) in days(ledger, first, last).await? {
        reads.days += 1;
        if let Some(counts) = counts {
            tally.day(day, &counts);
        }
    }
    Ok(Gathered { report: tally.finish(), reads })
}
