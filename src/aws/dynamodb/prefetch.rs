//! What was told of many alerts, in one eventually consistent `BatchGetItem`: half a read unit a row,
//! be it there or not, where a refused write costs a whole write unit, ten times as much.
//! Source: DynamoDB developer guide, "Capacity unit consumption for batch operations".

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue::S;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures_util::FutureExt;

use super::{
    DESTINATION, DUE_AT, DynamoLedger, EXPIRES_AT, FINGERPRINT, Item, LEVEL_SENT, REVISION_SENT,
    STATE, Unreadable, item, level, number, placeholders, required, text,
};
use crate::instants::Wall;
use crate::policy::ledger::{LastPost, RecordKey, State};
use crate::ports::{LedgerError, PREFETCH_MAX};

/// What [`LastPost`] needs, and the key to tell the rows apart by. All are placeholders, as some are
/// reserved words.
const PROJECTION: [(&str, &str); 7] = [
    ("#fingerprint", FINGERPRINT),
    ("#destination", DESTINATION),
    ("#state", STATE),
    ("#level", LEVEL_SENT),
    ("#revision", REVISION_SENT),
    ("#due", DUE_AT),
    ("#expires", EXPIRES_AT),
];

impl DynamoLedger {
    /// Keys that DynamoDB leaves unprocessed are not known, nor is what can't be read; none of them is
    /// asked for again.
    pub(super) async fn look_at(
        &self,
        keys: &[RecordKey],
    ) -> Result<Vec<Option<LastPost>>, LedgerError> {
        // A key that is named twice is refused.
        let distinct: BTreeMap<&RecordKey, ()> =
            keys.iter().take(PREFETCH_MAX).map(|key| (key, ())).collect();
        if distinct.is_empty() {
            return Ok(Vec::new());
        }
        let named = |key: &&RecordKey| {
            item([
                (FINGERPRINT, S(key.fingerprint.clone())),
                (DESTINATION, S(key.destination.clone())),
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
            items.filter_map(|item| told_of(&item)).collect();
        Ok(keys.iter().map(|key| known.get(key).copied()).collect())
    }
}

fn told_of(item: &Item) -> Option<(RecordKey, LastPost)> {
    let key = RecordKey {
        fingerprint: text(item, FINGERPRINT).ok()?.to_owned(),
        destination: text(item, DESTINATION).ok()?.to_owned(),
    };
    Some((key, told(item).ok()??))
}

fn told(item: &Item) -> Result<Option<LastPost>, Unreadable> {
    let state = State::from_name(text(item, STATE)?)
        .ok_or(Unreadable { attribute: STATE, why: "is no state that this version knows" })?;
    Ok(LastPost::of(
        state,
        level(item, LEVEL_SENT)?,
        number(item, REVISION_SENT)?.map(Wall),
        number(item, DUE_AT)?.map(Wall),
        Wall(required::<i64>(item, EXPIRES_AT)?.saturating_mul(1000)),
    ))
}
