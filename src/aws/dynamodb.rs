//! The ledger in a DynamoDB table: partition key `fingerprint`, sort key `destination`, one item
//! for each record, `expires_at` as the TTL attribute.
//!
//! Every transition is one conditional PutItem of the whole item. When the condition fails, the
//! answer holds the item (`ALL_OLD`), at no cost and strongly consistent.
//! Source: DynamoDB API reference, PutItem, `ReturnValuesOnConditionCheckFailure`.

mod item;
mod listing;
mod prefetch;
mod probe;
mod search;

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use futures_util::FutureExt;

use self::item::{decode, encode, item, placeholders};
use super::{cause, failure, time_limit};
use crate::policy::record::stored::{self, Unreadable, column};
use crate::policy::record::{Expect, Record, RecordKey, State};
use crate::ports::{Consistency, Failure, Ledger, LedgerError, Prefetched, Written};

/// For a whole call. Each call is one attempt: the desk decides about the next.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

type Item = HashMap<String, AttributeValue>;

/// For calls for which no alert waits: the SDK makes a throttled one again. It waits up to 1, 2,
/// 4, … s between attempts, so the limit is for all of them.
fn patient(attempts_max: u32, limit: Duration) -> Builder {
    Builder::new()
        .retry_config(RetryConfig::standard().with_max_attempts(attempts_max))
        .timeout_config(time_limit(limit).build())
}

/// See the module's text. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DynamoLedger {
    client: Client,
    table: String,
}

impl DynamoLedger {
    /// The table has to exist. No call is made here.
    pub fn new(config: &SdkConfig, table: &str) -> DynamoLedger {
        let config = Builder::from(config)
            .retry_config(RetryConfig::disabled())
            .timeout_config(time_limit(CALL_TIMEOUT).build())
            // An answer has a few KB, and the time-out bounds every call.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        DynamoLedger { client: Client::from_conf(config), table: table.to_owned() }
    }

    /// The record of an item, where there is one. An item that can't be read is never taken for
    /// none: that would post its alert again.
    fn record(&self, key: &RecordKey, item: Option<&Item>) -> Result<Option<Record>, LedgerError> {
        if item.is_some_and(|item| item::key_of(item).as_ref() != Some(key)) {
            return Err(LedgerError(self.wrong_key("it answered with another item").into()));
        }
        let place = format!("ledger table {:?}", self.table);
        let unreadable = |bad: Unreadable| LedgerError(bad.at(key, &place).into());
        item.map(|item| stored::decode(key, decode(item)?)).transpose().map_err(unreadable)
    }

    /// A table with another key would take the record of one alert for that of another.
    fn wrong_key(&self, why: &str) -> String {
        format!(
            "ledger table {:?} has the wrong key: it needs the partition key {} and the sort key {}, \
             both strings ({why})",
            self.table,
            column::FINGERPRINT,
            column::DESTINATION
        )
    }

    fn failed<E>(&self, call: &str, error: &SdkError<E, HttpResponse>) -> LedgerError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let table = &self.table;
        let detail = match error {
            SdkError::ServiceError(answer)
                if answer.err().code() == Some("ResourceNotFoundException") =>
            {
                format!(
                    "ledger table {table:?} does not exist in this account and region: create it \
                     (partition key {}, sort key {}, both strings, TTL attribute {}), or correct \
                     ledger.table or the region",
                    column::FINGERPRINT,
                    column::DESTINATION,
                    column::EXPIRES_AT
                )
            }
            SdkError::ServiceError(answer)
                if answer.err().code() == Some("ValidationException")
                    && answer.err().message().is_some_and(|why| why.contains("key")) =>
            {
                self.wrong_key(&cause(error))
            }
            _ => format!("{call} on ledger table {table:?} failed: {}", cause(error)),
        };
        LedgerError(Failure::new(failure::kind_of(error), detail))
    }
}

impl Ledger for DynamoLedger {
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(column::FINGERPRINT, S(key.fingerprint().to_owned()))
            .key(column::DESTINATION, S(key.destination().to_owned()))
            .consistent_read(true)
            .send()
            .boxed()
            .await
            .map_err(|error| self.failed("GetItem", &error))?;
        self.record(key, answer.item())
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        let condition = Condition::of(expect);
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(encode(key, &stored::encode(record))))
            .condition_expression(condition.expression)
            .set_expression_attribute_names(Some(condition.names))
            .set_expression_attribute_values(condition.values)
            .return_values_on_condition_check_failure(AllOld)
            .send()
            .boxed()
            .await;
        let error = match answer {
            Ok(_) => return Ok(Written::Done),
            Err(error) => error,
        };
        let Some(PutItemError::ConditionalCheckFailedException(lost)) = error.as_service_error()
        else {
            return Err(self.failed("PutItem", &error));
        };
        match lost.item() {
            Some(item) => self.record(key, Some(item)).map(Written::Lost),
            // Either there is no item, or the endpoint is an emulator that leaves it out.
            None => self.read_any(key).await.map(Written::Lost),
        }
    }

    async fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        self.batch_get(keys, consistency).await
    }
}

/// An [`Expect`] as DynamoDB's condition expression. Every name is a placeholder, as `state` and
/// `owner` are reserved words.
struct Condition {
    expression: &'static str,
    names: HashMap<String, String>,
    values: Option<Item>,
}

impl Condition {
    fn of(expect: &Expect) -> Condition {
        match expect {
            Expect::Absent => Condition {
                expression: "attribute_not_exists(#fingerprint)",
                names: placeholders([("#fingerprint", column::FINGERPRINT)]),
                values: None,
            },
            Expect::Seen { state, fence, lease_until } => Condition {
                expression: "#state = :state AND #fence = :fence AND #lease = :lease",
                names: placeholders([
                    ("#state", column::STATE),
                    ("#fence", column::FENCE),
                    ("#lease", column::LEASE_UNTIL),
                ]),
                values: Some(item([
                    (":state", S(state.as_str().to_owned())),
                    (":fence", N(fence.to_string())),
                    (":lease", N(lease_until.0.to_string())),
                ])),
            },
            Expect::Held { owner, fence } => Condition {
                expression: "#state = :claimed AND #owner = :owner AND #fence = :fence",
                names: placeholders([
                    ("#state", column::STATE),
                    ("#owner", column::OWNER),
                    ("#fence", column::FENCE),
                ]),
                values: Some(item([
                    (":claimed", S(State::Claimed.as_str().to_owned())),
                    (":owner", S(owner.clone())),
                    (":fence", N(fence.to_string())),
                ])),
            },
        }
    }
}
