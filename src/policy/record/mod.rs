//! The records of the ledger: one type for each kind.
//!
//! | kind | key: `fingerprint`, `destination` | type | transitions |
//! |---|---|---|---|
//! | an alert's state | the finding, the destination | [`AlertRecord`] | `ledger` |
//! | the pace of the fleet | `pace`, the destination | [`PaceRecord`] | `pace_slots` |
//! | a canary that arrived | the canary, `(canary)` | [`CanaryRecord`] | `canary` |
//! | how far a region is reconciled | `reconcile`, the region | [`WatermarkRecord`] | `watermark` |
//! | the last look at the coverage | `coverage`, `head` | [`WatermarkRecord`] | `watermark` |
//! | a finding that was enqueued | the finding, `~reconcile` | [`EnqueuedRecord`] | `enqueued` |
//! | a document: accounts, silences | `accounts`, `head` | [`DocumentRecord`] | `document` |
//! | a part of it | `accounts`, version and number | [`DocumentPartRecord`] | `document` |
//! | the counts of a day | `counts`, the day | [`DayCountsRecord`] | `counting` |
//!
//! All kinds share one table and one set of columns. [`stored`] translates between a record and its
//! flat row; only adapters of the ledger use it.

mod about;
mod accepted_post;
mod alert;
mod canary;
mod day_counts;
mod document;
mod enqueued;
mod expect;
mod incident;
mod key;
mod pace;
pub mod stored;
mod watermark;

pub use about::About;
pub use accepted_post::AcceptedPost;
pub use alert::{AlertRecord, AlertRecordState, Earlier};
pub use canary::{CanaryPost, CanaryRecord, NotPassed, Passed};
pub use day_counts::{DayCountsRecord, Writer};
pub use document::{DocumentPartRecord, DocumentRecord};
pub use enqueued::EnqueuedRecord;
pub use expect::{Expect, State, Version, Versioned};
pub use incident::{Closed, ClosedBy, Effect, Incident, Member, Sighting, Stamp};
pub use key::{Document, RecordKey, RecordKind};
pub use pace::{NextSlot, PaceRecord};
pub use watermark::{Ended, Progress, Run, WatermarkRecord};

/// A record of any kind, for code that passes records on without acting on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    Alert(AlertRecord),
    Pace(PaceRecord),
    Canary(CanaryRecord),
    Watermark(WatermarkRecord),
    Enqueued(EnqueuedRecord),
    Document(DocumentRecord),
    DocumentPart(DocumentPartRecord),
    DayCounts(DayCountsRecord),
}

/// One of the eight types of records. A record of another kind is given back unchanged as the
/// error.
pub trait RecordType:
    Clone + Versioned + Into<Record> + TryFrom<Record, Error = Record> + Send + Sync
{
    const KIND: RecordKind;
}

macro_rules! record_types {
    ($($kind:ident: $record:ident),+ $(,)?) => {
        impl Record {
            pub fn kind(&self) -> RecordKind {
                match self { $(Record::$kind(_) => RecordKind::$kind,)+ }
            }
        }

        impl Versioned for Record {
            fn version(&self) -> Version<'_> {
                match self { $(Record::$kind(record) => record.version(),)+ }
            }
        }

        $(
            impl RecordType for $record {
                const KIND: RecordKind = RecordKind::$kind;
            }

            impl From<$record> for Record {
                fn from(record: $record) -> Record {
                    Record::$kind(record)
                }
            }

            impl TryFrom<Record> for $record {
                type Error = Record;

                fn try_from(record: Record) -> Result<$record, Record> {
                    match record {
                        Record::$kind(record) => Ok(record),
                        other => Err(other),
                    }
                }
            }
        )+
    };
}

record_types! {
    Alert: AlertRecord,
    Pace: PaceRecord,
    Canary: CanaryRecord,
    Watermark: WatermarkRecord,
    Enqueued: EnqueuedRecord,
    Document: DocumentRecord,
    DocumentPart: DocumentPartRecord,
    DayCounts: DayCountsRecord,
}
