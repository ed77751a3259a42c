//! What an alert is about.

use crate::policy::record::{AlertRecord, RecordKey};

/// The longest id of a finding that is kept, in characters.
const ID_CHARS_MAX: usize = 100;

/// What an alert is about, from its record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    pub product: String,
    pub account: String,
    pub region: String,
    /// The id of the finding, cut to 100 characters.
    pub id: String,
    pub destination: String,
    /// Empty: unknown. As [`About::kind`](crate::policy::record::About::kind).
    pub kind: String,
    pub resource: String,
}

impl Subject {
    pub(super) fn of(key: &RecordKey, record: &AlertRecord) -> Subject {
        let mut parts = key.fingerprint().splitn(4, '/');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let (product, account, region) = (part(), part(), part());
        Subject {
            product,
            account,
            region,
            id: part().chars().take(ID_CHARS_MAX).collect(),
            destination: key.destination().to_owned(),
            kind: record.about.kind.clone(),
            resource: record.about.resource.clone(),
        }
    }
}
