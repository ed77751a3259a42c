//! Reads the counts of days.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::policy::day_counts::{Day, DayCounts};
use crate::policy::record::{DayCountsRecord, RecordKey};
use crate::ports::{Ledger, LedgerError};

/// How many days are read at a time.
const READS_AT_ONCE: usize = 10;

/// The counts of each day from `first` to `last`, both included, in order: one read a day. None: no
/// worker counted anything then, or it is too long ago.
///
/// # Errors
/// The ledger does not answer, or a record can't be read.
pub async fn days<L: Ledger>(
    ledger: &L,
    first: Day,
    last: Day,
) -> Result<Vec<(Day, Option<DayCounts>)>, LedgerError> {
    let read = |day: Day| async move {
        let record: Option<DayCountsRecord> = ledger.read(&RecordKey::day_counts(day)).await?;
        Ok::<_, LedgerError>((day, record.map(|record| record.counts)))
    };
    let reads = Day::range(first, last).map(read);
    stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await
}
