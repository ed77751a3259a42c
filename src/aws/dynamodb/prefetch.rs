//! The records of many alerts, by one `BatchGetItem`. A record costs half a read unit, whether it
//! exists or not, and a whole one if the read is consistent. A refused write costs a whole write
//! unit, which is five times the price of a read unit.
//! Source: DynamoDB developer guide, "Capacity unit consumption for batch operations".

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue::S;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures_util::FutureExt;

use super::DynamoLedger;
use super::item::{self, item};
use crate::policy::record::RecordKey;
use crate::policy::record::stored::{self, column};
use crate::ports::{Consistency, LedgerError, PREFETCH_MAX, Prefetched};

impl DynamoLedger {
    /// A key that DynamoDB leaves unprocessed is unknown, as is an item that can't be read. Neither
    /// is requested again.
    pub(super) async fn batch_get(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        // DynamoDB refuses a key that is named twice.
        let distinct: BTreeMap<&RecordKey, ()> =
            keys.iter().take(PREFETCH_MAX).map(|key| (key, ())).collect();
        if distinct.is_empty() {
            return Ok(Vec::new());
        }
        let named = |key: &&RecordKey| {
            item([
                (column::FINGERPRINT, S(key.fingerprint().to_owned())),
                (column::DESTINATION, S(key.destination().to_owned())),
            ])
        };
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(distinct.keys().map(named).collect()))
            .consistent_read(consistency == Consistency::Strong)
            .build()
            .map_err(|why| LedgerError(format!("BatchGetItem could not be built: {why}").into()))?;
        let answer = self
            .client
            .batch_get_item()
            .request_items(&self.table, wanted)
            .send()
            .boxed()
            .await
            .map_err(|error| self.failed("BatchGetItem", &error))?;
        let left = answer.unprocessed_keys.unwrap_or_default().into_values();
        let left: BTreeSet<RecordKey> =
            left.flat_map(|left| left.keys).filter_map(|key| item::key_of(&key)).collect();
        let items = answer.responses.unwrap_or_default().into_values().flatten();
        let found: BTreeMap<RecordKey, Prefetched> = items
            .filter_map(|item| {
                let key = item::key_of(&item)?;
                let record = item::decode(&item).and_then(|row| stored::decode(&key, row));
                Some((key, Prefetched::of(record)))
            })
            .collect();
        let answer = |key: &RecordKey| match found.get(key) {
            Some(prefetched) => prefetched.clone(),
            None if left.contains(key) => Prefetched::Unknown,
            None => Prefetched::Absent,
        };
        Ok(keys.iter().map(answer).collect())
    }
}
