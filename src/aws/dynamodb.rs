//! The ledger in a DynamoDB table: partition key `fingerprint`, sort key `destination`, one item a
//! alert, `expires_at` as the TTL attribute.
//!
//! Every transition is one conditional PutItem of the whole item. A failed condition brings the
//! item along (`ALL_OLD`), at no cost and strongly consistent.
//! Source: DynamoDB API reference, PutItem, `ReturnValuesOnConditionCheckFailure`.

mod prefetch;
mod probe;
mod search;

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use futures_util::FutureExt;

use super::{cause, failure};
use crate::finding::Level;
use crate::instants::Wall;
use crate::policy::ledger::{Expect, LastPost, RecordKey, Row, State};
use crate::ports::{Failure, Ledger, LedgerError, Written};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// For a whole call, of which there is one attempt: the desk decides about the next.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

type Item = HashMap<String, AttributeValue>;

/// See the module's text. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DynamoLedger {
    client: Client,
    table: String,
}

impl DynamoLedger {
    /// The table has to exist; nothing is asked of it here.
    pub fn new(config: &SdkConfig, table: &str) -> DynamoLedger {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let config = Builder::from(config)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            // An answer has a few KB, and the time-out bounds every call.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        DynamoLedger { client: Client::from_conf(config), table: table.to_owned() }
    }

    /// The row of an item, where there is one. An item that can't be read is never taken for none:
    /// that would post its alert again.
    fn row(&self, key: &RecordKey, item: Option<&Item>) -> Result<Option<Row>, LedgerError> {
        if item.is_some_and(|item| !is_of(item, key)) {
            return Err(LedgerError(self.wrong_key("it answered with another row").into()));
        }
        item.map(decode).transpose().map_err(|bad| {
            // A fingerprint holds text from a finding, so it is quoted and cut.
            let fingerprint: String = key.fingerprint.chars().take(200).collect();
            let detail = format!(
                "the row {fingerprint:?}, {:?} of ledger table {:?} can't be read: {bad}",
                key.destination, self.table
            );
            LedgerError(detail.into())
        })
    }

    /// A table with another key would take the row of one alert for that of another.
    fn wrong_key(&self, why: &str) -> String {
        format!(
            "ledger table {:?} has the wrong key: it needs the partition key {FINGERPRINT} and the \
             sort key {DESTINATION}, both strings ({why})",
            self.table
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
                     (partition key {FINGERPRINT}, sort key {DESTINATION}, both strings, TTL \
                     attribute {EXPIRES_AT}), or correct ledger.table or the region"
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
    async fn read(&self, key: &RecordKey) -> Result<Option<Row>, LedgerError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(FINGERPRINT, S(key.fingerprint.clone()))
            .key(DESTINATION, S(key.destination.clone()))
            .consistent_read(true)
            .send()
            .boxed()
            .await
            .map_err(|error| self.failed("GetItem", &error))?;
        self.row(key, answer.item())
    }

    async fn write(
        &self,
        key: &RecordKey,
        expect: &Expect,
        row: &Row,
    ) -> Result<Written, LedgerError> {
        let condition = Condition::of(expect);
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(encode(key, row)))
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
            Some(item) => self.row(key, Some(item)).map(Written::Lost),
            // Either there is no item, or the endpoint is an emulator that does not send it along.
            None => self.read(key).await.map(Written::Lost),
        }
    }

    async fn prefetch(&self, keys: &[RecordKey]) -> Result<Vec<Option<LastPost>>, LedgerError> {
        self.look_at(keys).await
    }
}

fn is_of(item: &Item, key: &RecordKey) -> bool {
    let is = |name, value: &str| matches!(item.get(name), Some(S(text)) if text == value);
    is(FINGERPRINT, &key.fingerprint) && is(DESTINATION, &key.destination)
}

/// An [`Expect`] in DynamoDB's words. Every name is a placeholder, as `state` and `owner` are
/// reserved words.
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
                names: placeholders([("#fingerprint", FINGERPRINT)]),
                values: None,
            },
            Expect::Seen { state, fence, lease_until } => Condition {
                expression: "#state = :state AND #fence = :fence AND #lease = :lease",
                names: placeholders([
                    ("#state", STATE),
                    ("#fence", FENCE),
                    ("#lease", LEASE_UNTIL),
                ]),
                values: Some(item([
                    (":state", S(state.as_str().to_owned())),
                    (":fence", N(fence.to_string())),
                    (":lease", N(lease_until.0.to_string())),
                ])),
            },
            Expect::Held { owner, fence } => Condition {
                expression: "#state = :claimed AND #owner = :owner AND #fence = :fence",
                names: placeholders([("#state", STATE), ("#owner", OWNER), ("#fence", FENCE)]),
                values: Some(item([
                    (":claimed", S(State::Claimed.as_str().to_owned())),
                    (":owner", S(owner.clone())),
                    (":fence", N(fence.to_string())),
                ])),
            },
        }
    }
}

const FINGERPRINT: &str = "fingerprint";
const DESTINATION: &str = "destination";
const STATE: &str = "state";
const OWNER: &str = "owner";
const FENCE: &str = "fence";
/// Milliseconds, as are the other times but `expires_at`.
const LEASE_UNTIL: &str = "lease_until";
const LEVEL_CLAIMED: &str = "level_claimed";
const LEVEL_SENT: &str = "level_sent";
const REVISION_SENT: &str = "revision_sent";
const SENT_AT: &str = "sent_at";
const DUE_AT: &str = "due_at";
const ATTEMPTS: &str = "attempts";
const AMBIGUOUS: &str = "ambiguous";
const DIGEST: &str = "digest";
/// Seconds, as TTL demands. A row's expiry is in whole seconds anyway; a part of one would be lost.
/// Source: DynamoDB developer guide, "Using time to live".
const EXPIRES_AT: &str = "expires_at";

/// What is None in the row has no attribute. An empty owner or digest is an empty string, which
/// DynamoDB allows in what is no key.
fn encode(key: &RecordKey, row: &Row) -> Item {
    let level = |level: Level| N(level.rank().to_string());
    let time = |at: Wall| N(at.0.to_string());
    let mut item = item([
        (FINGERPRINT, S(key.fingerprint.clone())),
        (DESTINATION, S(key.destination.clone())),
        (STATE, S(row.state.as_str().to_owned())),
        (OWNER, S(row.owner.clone())),
        (FENCE, N(row.fence.to_string())),
        (LEASE_UNTIL, time(row.lease_until)),
        (ATTEMPTS, N(row.attempts.to_string())),
        (AMBIGUOUS, N(row.ambiguous.to_string())),
        (DIGEST, S(row.digest.clone())),
        (EXPIRES_AT, N(row.expires_at.seconds().to_string())),
    ]);
    let known = [
        (LEVEL_CLAIMED, row.level_claimed.map(level)),
        (LEVEL_SENT, row.level_sent.map(level)),
        (REVISION_SENT, row.revision_sent.map(time)),
        (SENT_AT, row.sent_at.map(time)),
        (DUE_AT, row.due_at.map(time)),
    ];
    item.extend(known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    item
}

fn decode(item: &Item) -> Result<Row, Unreadable> {
    Ok(Row {
        state: State::from_name(text(item, STATE)?)
            .ok_or(Unreadable { attribute: STATE, why: "is no state that this version knows" })?,
        owner: text(item, OWNER)?.to_owned(),
        fence: required(item, FENCE)?,
        lease_until: Wall(required(item, LEASE_UNTIL)?),
        level_claimed: level(item, LEVEL_CLAIMED)?,
        level_sent: level(item, LEVEL_SENT)?,
        revision_sent: number(item, REVISION_SENT)?.map(Wall),
        sent_at: number(item, SENT_AT)?.map(Wall),
        due_at: number(item, DUE_AT)?.map(Wall),
        attempts: required(item, ATTEMPTS)?,
        ambiguous: required(item, AMBIGUOUS)?,
        digest: text(item, DIGEST)?.to_owned(),
        expires_at: Wall(required::<i64>(item, EXPIRES_AT)?.saturating_mul(1000)),
    })
}

/// An attribute that is not as this program writes it. Its value is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unreadable {
    attribute: &'static str,
    why: &'static str,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attribute {} {}", self.attribute, self.why)
    }
}

fn text<'a>(item: &'a Item, attribute: &'static str) -> Result<&'a str, Unreadable> {
    match item.get(attribute) {
        Some(S(text)) => Ok(text),
        Some(_) => Err(Unreadable { attribute, why: "is no string" }),
        None => Err(Unreadable { attribute, why: "is missing" }),
    }
}

fn number<T: std::str::FromStr>(
    item: &Item,
    attribute: &'static str,
) -> Result<Option<T>, Unreadable> {
    match item.get(attribute) {
        None => Ok(None),
        Some(N(digits)) => digits
            .parse()
            .map(Some)
            .map_err(|_| Unreadable { attribute, why: "is out of range or no whole number" }),
        Some(_) => Err(Unreadable { attribute, why: "is no number" }),
    }
}

fn required<T: std::str::FromStr>(item: &Item, attribute: &'static str) -> Result<T, Unreadable> {
    number(item, attribute)?.ok_or(Unreadable { attribute, why: "is missing" })
}

fn level(item: &Item, attribute: &'static str) -> Result<Option<Level>, Unreadable> {
    let read = |rank| {
        Level::from_rank(rank)
            .ok_or(Unreadable { attribute, why: "is no level that this version knows" })
    };
    number(item, attribute)?.map(read).transpose()
}

fn item<const COUNT: usize>(attributes: [(&str, AttributeValue); COUNT]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn placeholders<const COUNT: usize>(names: [(&str, &str); COUNT]) -> HashMap<String, String> {
    names.into_iter().map(|(short, name)| (short.to_owned(), name.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Fingerprint;

    fn longest_key() -> RecordKey {
        let fingerprint = Fingerprint {
            // A third party chooses it; the products that AWS makes take 16 bytes at most.
            product: "p".repeat(64),
            account: "123456789012".into(),
            region: "ap-southeast-10".into(),
            id: "i".repeat(Fingerprint::MAX_ID_BYTES),
        };
        RecordKey::new(&fingerprint, &"d".repeat(80))
    }

    fn fullest_row() -> Row {
        Row {
            state: State::Claimed,
            owner: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
            fence: u64::MAX,
            lease_until: Wall(253_402_300_799_999),
            level_claimed: Some(Level::Critical),
            level_sent: Some(Level::High),
            revision_sent: Some(Wall(253_402_300_799_999)),
            sent_at: Some(Wall(253_402_300_799_999)),
            due_at: Some(Wall(253_402_300_799_999)),
            attempts: u32::MAX,
            ambiguous: u32::MAX,
            digest: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
            expires_at: Wall(253_402_300_799_000),
        }
    }

    /// As DynamoDB counts: names and strings in UTF-8 bytes, numbers at a byte for two digits and
    /// one more. Source: DynamoDB developer guide, "DynamoDB item sizes and formats".
    fn size(item: &Item) -> usize {
        let value = |value: &AttributeValue| match value {
            S(text) => text.len(),
            N(digits) => digits.len().div_ceil(2) + 1,
            other => panic!("{other:?} is in no row"),
        };
        item.iter().map(|(name, v)| name.len() + value(v)).sum()
    }

    #[test]
    fn the_largest_row_costs_one_write_unit() {
        let size = size(&encode(&longest_key(), &fullest_row()));
        assert!(size < 1024, "{size} bytes");
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let full = fullest_row();
        let bare = Row {
            state: State::Free,
            owner: String::new(),
            level_claimed: None,
            level_sent: None,
            revision_sent: None,
            sent_at: None,
            due_at: None,
            digest: String::new(),
            ..full.clone()
        };
        for row in [full, bare] {
            assert_eq!(decode(&encode(&longest_key(), &row)), Ok(row));
        }
        let part = Row { expires_at: Wall(1_999), ..fullest_row() };
        let read = decode(&encode(&longest_key(), &part)).unwrap();
        assert_eq!(read.expires_at, Wall(1_000), "a part of a second is lost, and does no harm");
    }

    #[test]
    fn what_is_not_as_written_is_refused_by_name() {
        let missing = "is missing";
        for (attribute, value, why) in [
            (STATE, None, missing),
            (STATE, Some(S("parked".into())), "is no state that this version knows"),
            (STATE, Some(N("1".into())), "is no string"),
            (OWNER, None, missing),
            (FENCE, None, missing),
            (FENCE, Some(S("7".into())), "is no number"),
            (FENCE, Some(N("-1".into())), "is out of range or no whole number"),
            (FENCE, Some(N("1.5".into())), "is out of range or no whole number"),
            (LEASE_UNTIL, None, missing),
            (
                LEASE_UNTIL,
                Some(N("9223372036854775808".into())),
                "is out of range or no whole number",
            ),
            (LEVEL_SENT, Some(N("5".into())), "is no level that this version knows"),
            (LEVEL_CLAIMED, Some(AttributeValue::Null(true)), "is no number"),
            (DUE_AT, Some(S(String::new())), "is no number"),
            (ATTEMPTS, None, missing),
            (AMBIGUOUS, None, missing),
            (DIGEST, None, missing),
            (EXPIRES_AT, None, missing),
        ] {
            let mut item = encode(&longest_key(), &fullest_row());
            item.remove(attribute);
            item.extend(value.clone().map(|value| (attribute.to_owned(), value)));
            assert_eq!(decode(&item), Err(Unreadable { attribute, why }), "{value:?}");
        }
        assert!(decode(&Item::new()).is_err());
    }
}
