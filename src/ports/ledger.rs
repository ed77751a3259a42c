//! The ledger that remembers what was posted.

use std::future::Future;

use super::Failure;
use crate::policy::record::{AlertRecord, Expect, Record, RecordKey, RecordType};

/// The ledger did not answer, or its answer can't be relied on. A write may or may not have taken
/// effect. Trying again is safe, because every write states what it expects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LedgerError(pub Failure);

impl LedgerError {
    /// As [`super::QueueError::as_str`].
    pub fn as_str(&self) -> &'static str {
        self.0.kind.as_str()
    }
}

/// The outcome of a conditional write.
#[derive(Clone, Debug, PartialEq)]
pub enum Written<R> {
    Done,
    /// The record was not as expected: this is how it is. None: there is no record.
    Lost(Option<R>),
}

/// How exact a [`Ledger::prefetch`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Every write that was answered before is seen. DynamoDB charges one read unit.
    Strong,
    /// A record may be seen as it was some time ago, or not at all. Half a read unit.
    /// Source: DynamoDB developer guide, "Read consistency".
    Eventual,
}

/// What a prefetch says of one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prefetched {
    /// Nothing: neither that there is a record nor that there is none.
    Unknown,
    Absent,
    Record(Box<AlertRecord>),
}

impl Prefetched {
    /// A record as an adapter read it. One that can't be read is never taken for none.
    pub fn of<E>(record: Result<Record, E>) -> Prefetched {
        match record {
            Ok(Record::Alert(record)) => Prefetched::Record(Box::new(record)),
            Ok(_) | Err(_) => Prefetched::Unknown,
        }
    }
}

/// How many keys one [`Ledger::prefetch`] may name: DynamoDB's limit.
/// Source: DynamoDB API reference, BatchGetItem.
pub const PREFETCH_MAX: usize = 100;

/// A store of records, one for each key.
///
/// A write replaces a record whole, under a condition, atomically. Nothing deletes a record but its
/// expiry, which may lag behind, so an expired record is a record like any other.
///
/// Adapters implement [`Ledger::read_any`], [`Ledger::write_any`] and [`Ledger::prefetch`]. Callers
/// use [`Ledger::read`] and [`Ledger::write`], which know the type of the record.
pub trait Ledger: Send + Sync {
    /// Reads a record, strongly consistent. A record that can't be decoded is an error.
    fn read_any(
        &self,
        key: &RecordKey,
    ) -> impl Future<Output = Result<Option<Record>, LedgerError>> + Send;

    /// Replaces the record if it is as expected. Answers with the actual record if it is not.
    fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> impl Future<Output = Result<Written<Record>, LedgerError>> + Send;

    /// Reads the records of at most [`PREFETCH_MAX`] alerts by one call. One answer for each key,
    /// in order.
    fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> impl Future<Output = Result<Vec<Prefetched>, LedgerError>> + Send;

    /// [`Ledger::read_any`] for a key whose kind is known.
    fn read<R: RecordType>(
        &self,
        key: &RecordKey,
    ) -> impl Future<Output = Result<Option<R>, LedgerError>> + Send {
        async move { of_type(key, self.read_any(key).await?) }
    }

    /// [`Ledger::write_any`] for a key whose kind is known.
    fn write<R: RecordType>(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: &R,
    ) -> impl Future<Output = Result<Written<R>, LedgerError>> + Send {
        async move {
            match self.write_any(key, expect, record.clone().into()).await? {
                Written::Done => Ok(Written::Done),
                Written::Lost(record) => of_type(key, record).map(Written::Lost),
            }
        }
    }
}

fn of_type<R: RecordType>(
    key: &RecordKey,
    record: Option<Record>,
) -> Result<Option<R>, LedgerError> {
    record.map(R::try_from).transpose().map_err(|other| {
        let (wanted, found) = (R::KIND.as_str(), other.kind().as_str());
        let detail = format!("the ledger has a record of kind {found}, not {wanted}, at {key:?}");
        LedgerError(detail.into())
    })
}
