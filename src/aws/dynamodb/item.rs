//! The item of a record: a [`StoredRow`] with its key, as DynamoDB's attributes.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};

use super::Item;
use crate::finding::Level;
use crate::instants::Wall;
use crate::policy::record::stored::{StoredRow, Unreadable, column};
use crate::policy::record::{RecordKey, State};

/// An absent value has no attribute. An empty owner or digest is an empty string, which DynamoDB
/// allows outside of keys.
///
/// `expires_at` is in seconds, as TTL demands. A record's expiry is in whole seconds anyway; a part
/// of one would be lost. The other times are in milliseconds.
/// Source: DynamoDB developer guide, "Using time to live".
pub(super) fn encode(key: &RecordKey, row: &StoredRow) -> Item {
    let level = |level: Level| N(level.rank().to_string());
    let time = |at: Wall| N(at.0.to_string());
    let mut item = item([
        (column::FINGERPRINT, S(key.fingerprint().to_owned())),
        (column::DESTINATION, S(key.destination().to_owned())),
        (column::STATE, S(row.state.as_str().to_owned())),
        (column::OWNER, S(row.owner.clone())),
        (column::FENCE, N(row.fence.to_string())),
        (column::LEASE_UNTIL, time(row.lease_until)),
        (column::ATTEMPTS, N(row.attempts.to_string())),
        (column::AMBIGUOUS, N(row.ambiguous.to_string())),
        (column::DIGEST, S(row.digest.clone())),
        (column::EXPIRES_AT, N(row.expires_at.seconds().to_string())),
    ]);
    let text = |text: &str| (!text.is_empty()).then(|| S(text.to_owned()));
    let present = [
        (column::LEVEL_CLAIMED, row.level_claimed.map(level)),
        (column::LEVEL_SENT, row.level_sent.map(level)),
        (column::REVISION_SENT, row.revision_sent.map(time)),
        (column::SENT_AT, row.sent_at.map(time)),
        (column::DUE_AT, row.due_at.map(time)),
        (column::INCIDENT, text(&row.incident)),
        (column::FINDING_TYPE, text(&row.finding_type)),
        (column::RESOURCE, text(&row.resource)),
    ];
    item.extend(present.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    item
}

pub(super) fn decode(item: &Item) -> Result<StoredRow, Unreadable> {
    Ok(StoredRow {
        state: state(item)?,
        owner: text(item, column::OWNER)?.to_owned(),
        fence: required(item, column::FENCE)?,
        lease_until: Wall(required(item, column::LEASE_UNTIL)?),
        level_claimed: level(item, column::LEVEL_CLAIMED)?,
        level_sent: level(item, column::LEVEL_SENT)?,
        revision_sent: time(item, column::REVISION_SENT)?,
        sent_at: time(item, column::SENT_AT)?,
        due_at: time(item, column::DUE_AT)?,
        attempts: required(item, column::ATTEMPTS)?,
        ambiguous: required(item, column::AMBIGUOUS)?,
        digest: text(item, column::DIGEST)?.to_owned(),
        incident: optional_text(item, column::INCIDENT)?,
        finding_type: optional_text(item, column::FINDING_TYPE)?,
        resource: optional_text(item, column::RESOURCE)?,
        expires_at: expires_at(item)?,
    })
}

/// The key of an item. None: the table has another key.
pub(super) fn key_of(item: &Item) -> Option<RecordKey> {
    let part = |name| text(item, name).ok().map(str::to_owned);
    Some(RecordKey::stored(part(column::FINGERPRINT)?, part(column::DESTINATION)?))
}

pub(super) fn state(item: &Item) -> Result<State, Unreadable> {
    let unknown = Unreadable::new(column::STATE, "is no state that this version knows");
    State::from_name(text(item, column::STATE)?).ok_or(unknown)
}

pub(super) fn level(item: &Item, attribute: &'static str) -> Result<Option<Level>, Unreadable> {
    let unknown = Unreadable::new(attribute, "is no level that this version knows");
    number(item, attribute)?.map(|rank| Level::from_rank(rank).ok_or(unknown)).transpose()
}

pub(super) fn time(item: &Item, attribute: &'static str) -> Result<Option<Wall>, Unreadable> {
    Ok(number(item, attribute)?.map(Wall))
}

pub(super) fn expires_at(item: &Item) -> Result<Wall, Unreadable> {
    Ok(Wall(required::<i64>(item, column::EXPIRES_AT)?.saturating_mul(1000)))
}

fn text<'a>(item: &'a Item, attribute: &'static str) -> Result<&'a str, Unreadable> {
    match item.get(attribute) {
        Some(S(text)) => Ok(text),
        Some(_) => Err(Unreadable::new(attribute, "is no string")),
        None => Err(Unreadable::missing(attribute)),
    }
}

fn optional_text(item: &Item, attribute: &'static str) -> Result<String, Unreadable> {
    match item.contains_key(attribute) {
        true => text(item, attribute).map(str::to_owned),
        false => Ok(String::new()),
    }
}

fn number<T: FromStr>(item: &Item, attribute: &'static str) -> Result<Option<T>, Unreadable> {
    let wrong = Unreadable::new(attribute, "is out of range or no whole number");
    match item.get(attribute) {
        None => Ok(None),
        Some(N(digits)) => digits.parse().map(Some).map_err(|_| wrong),
        Some(_) => Err(Unreadable::new(attribute, "is no number")),
    }
}

fn required<T: FromStr>(item: &Item, attribute: &'static str) -> Result<T, Unreadable> {
    number(item, attribute)?.ok_or(Unreadable::missing(attribute))
}

pub(super) fn item<const COUNT: usize>(attributes: [(&str, AttributeValue); COUNT]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) fn placeholders<const COUNT: usize>(
    names: [(&str, &str); COUNT],
) -> HashMap<String, String> {
    names.into_iter().map(|(short, name)| (short.to_owned(), name.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Fingerprint;
    use crate::policy::record::About;

    fn longest_key() -> RecordKey {
        let fingerprint = Fingerprint {
            // A third party chooses it; the products that AWS makes take 16 bytes at most.
            product: "p".repeat(64),
            account: "123456789012".into(),
            region: "ap-southeast-10".into(),
            id: "i".repeat(Fingerprint::MAX_ID_BYTES),
        };
        RecordKey::alert(&fingerprint, &"d".repeat(80))
    }

    fn fullest_row() -> StoredRow {
        StoredRow {
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
            incident: "i".repeat(200),
            finding_type: "t".repeat(About::BYTES_MAX),
            resource: "r".repeat(About::BYTES_MAX),
            expires_at: Wall(253_402_300_799_000),
        }
    }

    /// As DynamoDB counts: names and strings in UTF-8 bytes, numbers at a byte for two digits and
    /// one more. Source: DynamoDB developer guide, "DynamoDB item sizes and formats".
    fn size(item: &Item) -> usize {
        let value = |value: &AttributeValue| match value {
            S(text) => text.len(),
            N(digits) => digits.len().div_ceil(2) + 1,
            other => panic!("{other:?} is in no item"),
        };
        item.iter().map(|(name, v)| name.len() + value(v)).sum()
    }

    /// A write unit is 1 KB. Source: DynamoDB developer guide, "DynamoDB throughput capacity".
    #[test]
    fn a_row_of_an_aws_product_costs_one_write_unit_and_the_largest_two() {
        let largest = size(&encode(&longest_key(), &fullest_row()));
        assert!(largest < 2048, "{largest} bytes");
        let arn = "arn:aws:securityhub:ap-southeast-10:123456789012:security-control/".to_owned();
        let id = arn + &"i".repeat(100);
        let key =
            RecordKey::alert(format!("securityhub/123456789012/ap-southeast-10/{id}"), "security");
        let usual = size(&encode(&key, &fullest_row()));
        assert!(usual < 1024, "{usual} bytes");
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let full = fullest_row();
        let bare = StoredRow {
            state: State::Free,
            owner: String::new(),
            level_claimed: None,
            level_sent: None,
            revision_sent: None,
            sent_at: None,
            due_at: None,
            digest: String::new(),
            incident: String::new(),
            finding_type: String::new(),
            resource: String::new(),
            ..full.clone()
        };
        for row in [full, bare] {
            assert_eq!(decode(&encode(&longest_key(), &row)), Ok(row));
        }
        let part = StoredRow { expires_at: Wall(1_999), ..fullest_row() };
        let read = decode(&encode(&longest_key(), &part)).unwrap();
        assert_eq!(read.expires_at, Wall(1_000), "a part of a second is lost, and does no harm");
    }

    #[test]
    fn an_attribute_that_is_not_as_written_is_refused_by_name() {
        let missing = "is missing";
        for (attribute, value, why) in [
            (column::STATE, None, missing),
            (column::STATE, Some(S("archived".into())), "is no state that this version knows"),
            (column::STATE, Some(N("1".into())), "is no string"),
            (column::OWNER, None, missing),
            (column::FENCE, None, missing),
            (column::FENCE, Some(S("7".into())), "is no number"),
            (column::FENCE, Some(N("-1".into())), "is out of range or no whole number"),
            (column::FENCE, Some(N("1.5".into())), "is out of range or no whole number"),
            (column::LEASE_UNTIL, None, missing),
            (
                column::LEASE_UNTIL,
                Some(N("9223372036854775808".into())),
                "is out of range or no whole number",
            ),
            (column::LEVEL_SENT, Some(N("5".into())), "is no level that this version knows"),
            (column::LEVEL_CLAIMED, Some(AttributeValue::Null(true)), "is no number"),
            (column::DUE_AT, Some(S(String::new())), "is no number"),
            (column::ATTEMPTS, None, missing),
            (column::AMBIGUOUS, None, missing),
            (column::DIGEST, None, missing),
            (column::EXPIRES_AT, None, missing),
        ] {
            let mut item = encode(&longest_key(), &fullest_row());
            item.remove(attribute);
            item.extend(value.clone().map(|value| (attribute.to_owned(), value)));
            assert_eq!(decode(&item), Err(Unreadable { attribute, why }), "{value:?}");
        }
        assert!(decode(&Item::new()).is_err());
    }
}
