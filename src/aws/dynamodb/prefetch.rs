//! The last posts of many alerts, by one eventually consistent `BatchGetItem`. A record costs half
//! a read unit, be it there or not. A refused write costs a whole write unit: ten times as much.
//! Source: DynamoDB developer guide, "Capacity unit consumption for batch operations".

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue::S;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures_util::FutureExt;

use super::item::{self, item, placeholders};
use super::{DynamoLedger, Item};
use crate::policy::record::stored::{Unreadable, column};
use crate::policy::record::{LastPost, RecordKey};
use crate::ports::{LedgerError, PREFETCH_MAX};

/// The attributes of a [`LastPost`], and the key to tell the items apart by. All are placeholders,
/// as some are reserved words.
const PROJECTION: [(&str, &str); 7] = [
    ("#fingerprint", column::FINGERPRINT),
    ("#destination", column::DESTINATION),
    ("#state", column::STATE),
    ("#level", column::LEVEL_SENT),
    ("#revision", column::REVISION_SENT),
    ("#due", column::DUE_AT),
    ("#expires", column::EXPIRES_AT),
];

impl DynamoLedger {
    /// None for a key that DynamoDB leaves unprocessed, and for an item that can't be read. Neither
    /// is requested again.
    pub(super) async fn last_posts(
        &self,
        keys: &[RecordKey],
    ) -> Result<Vec<Option<LastPost>>, LedgerError> {
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
            .consistent_read(false)
            .projection_expression(PROJECTION.map(|(name, _)| name).join(", "))
            .set_expression_attribute_names(Some(placeholders(PROJECTION)))
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
        let items = answer.responses.unwrap_or_default().into_values().flatten();
        let known: BTreeMap<RecordKey, LastPost> =
            items.filter_map(|item| last_post_of(&item)).collect();
        Ok(keys.iter().map(|key| known.get(key).copied()).collect())
    }
}

fn last_post_of(item: &Item) -> Option<(RecordKey, LastPost)> {
    Some((item::key_of(item)?, last_post(item).ok()??))
}

fn last_post(item: &Item) -> Result<Option<LastPost>, Unreadable> {
    Ok(LastPost::of(
        item::state(item)?,
        item::level(item, column::LEVEL_SENT)?,
        item::time(item, column::REVISION_SENT)?,
        item::time(item, column::DUE_AT)?,
        item::expires_at(item)?,
    ))
}
