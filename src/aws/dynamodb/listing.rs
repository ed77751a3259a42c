//! Listing the alerts of the table by `Scan`, one page a call, one after the other.
//!
//! A page reads 1 MiB at most, and costs half a read unit for each 4 KiB of it: 128 units. A
//! projection would not change that, and a filter does not: both apply to what has been read.
//! Source: DynamoDB developer guide, "Scanning tables".
//!
//! There are no parallel segments. One scan reads some ten pages a second, which is about half of
//! what a partition gives (3,000 units a second), and the workers use the same table.
//! Source: DynamoDB developer guide, "Best practices for designing and using partition keys".

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue::S;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use super::item::{self, decode, key_of};
use super::{DynamoLedger, Item, patient};
use crate::policy::record::RecordKey;
use crate::policy::record::stored::{self, column};
use crate::ports::LedgerError;
use crate::ports::listing::{AlertPage, Listing};

/// Nothing is written and nobody waits at a desk, so a throttled page is requested again.
const ATTEMPTS_MAX: u32 = 6;
/// For a page, with all attempts.
const PAGE_TIMEOUT: Duration = Duration::from_secs(60);

impl Listing for DynamoLedger {
    /// Items of one partition key follow one another.
    /// Source: DynamoDB developer guide, "Partitions and data distribution".
    async fn alerts(&self, from: Option<RecordKey>) -> Result<AlertPage, LedgerError> {
        let answer = self
            .client
            .scan()
            .table_name(&self.table)
            .set_exclusive_start_key(from.map(start))
            // A fingerprint has slashes. The words in its place, such as those of the parts of the
            // account directory, have none, and need not be sent.
            .filter_expression("contains(#fingerprint, :slash)")
            .expression_attribute_names("#fingerprint", column::FINGERPRINT)
            .expression_attribute_values(":slash", S("/".to_owned()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .config_override(patient(ATTEMPTS_MAX, PAGE_TIMEOUT))
            .send()
            .await
            .map_err(|error| self.failed("Scan", &error))?;
        let next = match answer.last_evaluated_key.as_ref().filter(|key| !key.is_empty()) {
            Some(key) => Some(key_of(key).ok_or_else(|| self.keyless())?),
            None => None,
        };
        let read_units = answer.consumed_capacity.as_ref().and_then(|used| used.capacity_units());
        let mut page = AlertPage { next, read_units, ..AlertPage::default() };
        for item in answer.items.unwrap_or_default() {
            let key = key_of(&item).ok_or_else(|| self.keyless())?;
            let record = decode(&item).and_then(|row| stored::decode(&key, row));
            page.push(key, record);
        }
        Ok(page)
    }
}

impl DynamoLedger {
    pub(super) fn keyless(&self) -> LedgerError {
        LedgerError(self.wrong_key("it answered with an item without it").into())
    }
}

fn start(key: RecordKey) -> Item {
    let (fingerprint, destination) = key.into_parts();
    item::item([(column::FINGERPRINT, S(fingerprint)), (column::DESTINATION, S(destination))])
}
