//! The requests that SQS accepts and refuses, before the content of a queue matters.
//!
//! Source: SQS API reference, SendMessage, SendMessageBatch, MessageAttributeValue, CreateQueue.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::refusal::Refusal;

pub(super) const MESSAGE_BYTES_MAX: usize = 1_048_576;
pub(super) const VISIBILITY_S_MAX: i64 = 43_200;
pub(super) const WAIT_S_MAX: i64 = 20;
pub(super) const DELAY_S_MAX: i64 = 900;
pub(super) const BATCH_MAX: usize = 10;

pub(super) fn text<'a>(input: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    input.get(name).and_then(Value::as_str).ok_or_else(|| {
        Refusal::new("MissingParameter", format!("The request must contain the parameter {name}."))
    })
}

pub(super) fn integer(
    input: &Value,
    name: &str,
    min: i64,
    max: i64,
) -> Result<Option<i64>, Refusal> {
    let Some(value) = input.get(name).filter(|v| !v.is_null()) else { return Ok(None) };
    match value.as_i64().filter(|n| (min..=max).contains(n)) {
        Some(n) => Ok(Some(n)),
        None => Err(Refusal::parameter(format!(
            "Value {value} for parameter {name} is invalid. Reason: Must be between {min} and \
             {max}, if provided."
        ))),
    }
}

pub(super) fn queue_name(name: &str) -> Result<(), Refusal> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if (1..=80).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(Refusal::parameter(
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
    ))
}

/// The checks that fail a batch as a whole.
pub(super) fn batch(input: &Value) -> Result<&Vec<Value>, Refusal> {
    let entries = input.get("Entries").and_then(Value::as_array).filter(|e| !e.is_empty());
    let entries = entries.ok_or_else(|| {
        Refusal::new("EmptyBatchRequest", "There should be at least one entry in the request.")
    })?;
    if entries.len() > BATCH_MAX {
        let why = format!(
            "Maximum number of entries per request are {BATCH_MAX}. You have sent {}.",
            entries.len()
        );
        return Err(Refusal::new("TooManyEntriesInBatchRequest", why));
    }
    let mut ids = BTreeSet::new();
    for entry in entries {
        let id = text(entry, "Id")?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !(1..=80).contains(&id.len()) || !id.bytes().all(allowed) {
            let why = "A batch entry id can only contain alphanumeric characters, hyphens and \
                       underscores. It can be at most 80 letters long.";
            return Err(Refusal::new("InvalidBatchEntryId", why));
        }
        if !ids.insert(id) {
            return Err(Refusal::new("BatchEntryIdsNotDistinct", format!("Id {id} repeated.")));
        }
    }
    Ok(entries)
}

/// The size that counts towards the limits: the body, and each attribute's name, type and value.
pub(super) fn message_bytes(input: &Value) -> usize {
    let length = |value: Option<&Value>| value.and_then(Value::as_str).map_or(0, str::len);
    let attributes = input.get("MessageAttributes").and_then(Value::as_object);
    let attributes = attributes.into_iter().flatten().map(|(name, value)| {
        name.len()
            + length(value.get("DataType"))
            + length(value.get("StringValue"))
            // Base64 in the request, bytes in the count.
            + length(value.get("BinaryValue")) * 3 / 4
    });
    length(input.get("MessageBody")) + attributes.sum::<usize>()
}

pub(super) fn body(input: &Value) -> Result<&str, Refusal> {
    let body = text(input, "MessageBody")?;
    if body.is_empty() {
        return Err(Refusal::new(
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ));
    }
    if !body.chars().all(allowed) {
        return Err(Refusal::new(
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to \
             #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        ));
    }
    Ok(body)
}

pub(super) fn attributes(input: &Value) -> Result<Map<String, Value>, Refusal> {
    let none = Map::new();
    let given = input.get("MessageAttributes").and_then(Value::as_object).unwrap_or(&none);
    if given.len() > 10 {
        let why = format!(
            "Number of message attributes [{}] exceeds the allowed maximum [10].",
            given.len()
        );
        return Err(Refusal::parameter(why));
    }
    for (name, value) in given {
        attribute(name, value)?;
    }
    Ok(given.clone())
}

fn attribute(name: &str, value: &Value) -> Result<(), Refusal> {
    let named = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if !(1..=256).contains(&name.len()) || !name.bytes().all(named) {
        return Err(Refusal::parameter(format!("The message attribute name '{name}' is invalid.")));
    }
    let kind = text(value, "DataType")?;
    let content = match kind.split('.').next() {
        Some("String" | "Number") => value.get("StringValue"),
        Some("Binary") => value.get("BinaryValue"),
        _ => None,
    };
    let content = content.and_then(Value::as_str).unwrap_or_default();
    if content.is_empty() {
        return Err(Refusal::parameter(format!(
            "The message attribute '{name}' must contain a non-empty value of type '{kind}'."
        )));
    }
    if kind.starts_with("Number") && content.parse::<f64>().is_err() {
        let why = format!("Can't cast the value of message attribute '{name}' to a number.");
        return Err(Refusal::parameter(why));
    }
    if !content.chars().all(allowed) {
        return Err(Refusal::parameter(format!(
            "Message attribute value '{name}' contains invalid characters."
        )));
    }
    Ok(())
}

/// The numbers among a queue's attributes, with their limits.
pub(super) fn queue_attribute(name: &str, value: &str) -> Result<(), Refusal> {
    let limits = match name {
        "VisibilityTimeout" => 0..=VISIBILITY_S_MAX,
        "DelaySeconds" => 0..=DELAY_S_MAX,
        "ReceiveMessageWaitTimeSeconds" => 0..=WAIT_S_MAX,
        "MessageRetentionPeriod" => 60..=1_209_600,
        "MaximumMessageSize" => 1024..=1_048_576,
        "RedrivePolicy" => {
            return match serde_json::from_str::<Value>(value) {
                Ok(policy) if redrive(&policy).is_some() => Ok(()),
                _ => Err(invalid_attribute(name, value)),
            };
        }
        "Policy" | "RedriveAllowPolicy" | "SqsManagedSseEnabled" | "KmsMasterKeyId" => {
            return Ok(());
        }
        _ => {
            let why = format!("Unknown Attribute {name}.");
            return Err(Refusal::new("InvalidAttributeName", why));
        }
    };
    match value.parse::<i64>() {
        Ok(n) if limits.contains(&n) => Ok(()),
        _ => Err(invalid_attribute(name, value)),
    }
}

/// The name of the dead-letter queue, and after how many receives a message goes there. AWS takes
/// the number as a number or as text.
pub(super) fn redrive(policy: &Value) -> Option<(String, u32)> {
    let count = policy.get("maxReceiveCount")?;
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
    let count = u32::try_from(count).ok().filter(|n| (1..=1000).contains(n))?;
    let target = policy.get("deadLetterTargetArn")?.as_str()?.rsplit(':').next()?;
    Some((target.to_owned(), count))
}

fn invalid_attribute(name: &str, value: &str) -> Refusal {
    let why = format!("Invalid value {value} for the parameter {name}.");
    Refusal::new("InvalidAttributeValue", why)
}

fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
