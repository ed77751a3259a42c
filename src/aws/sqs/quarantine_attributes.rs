//! The form of a message in the quarantine queue: the body as it was, and details about it as
//! message attributes.
//!
//! SQS limits both (API reference, SendMessage and MessageAttributeValue):
//! - Body and attributes together are at most 1 MiB. An attribute counts with name, type and value.
//! - A message has at most 10 attributes.
//! - Bodies and values are not empty. They hold only tab, line feed, carriage return, U+0020 to
//!   U+D7FF, U+E000 to U+FFFD, and U+10000 upwards.
//!
//! The body comes first and is never cut. Attributes that do not fit beside it are left out, the
//! least important first, and logged. A body that SQS would reject is sent as a JSON string, and
//! the attribute `hansho.encoding` says so.

use crate::ports::QuarantineEntry;
pub(super) use crate::ports::inlet::MESSAGE_BYTES_MAX;

pub(super) const REASON_BYTES_MAX: usize = 256;
pub(super) const DETAIL_BYTES_MAX: usize = 1024;
pub(super) const ID_BYTES_MAX: usize = 256;

/// The attribute that names the encoding of a body that SQS would reject.
pub const ENCODING_ATTRIBUTE: &str = "hansho.encoding";
/// Its only value: the body is a JSON string that holds the original.
pub const JSON_STRING: &str = "json-string";

/// Marks a message in a lane that `hansho replay` sent there, whatever the value. A worker then
/// reads the ledger instead of its own memory.
pub const AGAIN_ATTRIBUTE: &str = "hansho.again";
/// SQS rejects an empty value.
pub(super) const AGAIN_VALUE: &str = "1";
/// The size of the attribute, in bytes.
pub(super) const AGAIN_BYTES: usize =
    AGAIN_ATTRIBUTE.len() + Kind::Text.as_str().len() + AGAIN_VALUE.len();

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Kind::Text => "String",
            Kind::Number => "Number",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) value: String,
}

impl Attribute {
    fn bytes(&self) -> usize {
        self.name.len() + self.kind.as_str().len() + self.value.len()
    }
}

#[derive(Debug, PartialEq)]
pub(super) struct Packed {
    pub(super) body: String,
    pub(super) attributes: Vec<Attribute>,
    /// Attributes that do not fit beside the body.
    pub(super) left_out: Vec<Attribute>,
}

/// Packs an entry. Fails if the body alone does not fit a message, which can't be so for a body
/// that came from SQS.
pub(super) fn pack(entry: &QuarantineEntry) -> Result<Packed, String> {
    pack_with(&entry.body, described(entry))
}

/// Packs a body with these attributes, the most important first.
pub(super) fn pack_with(
    body: &str,
    described: impl IntoIterator<Item = Attribute>,
) -> Result<Packed, String> {
    let (body, encoding) = encode(body);
    let needed = body.len() + encoding.as_ref().map_or(0, Attribute::bytes);
    let Some(mut room) = MESSAGE_BYTES_MAX.checked_sub(needed) else {
        return Err(format!(
            "the message has {needed} bytes, and sqs accepts {MESSAGE_BYTES_MAX}; save it by other \
             means and delete it"
        ));
    };
    let mut attributes: Vec<Attribute> = encoding.into_iter().collect();
    let mut left_out = Vec::new();
    for attribute in described {
        match room.checked_sub(attribute.bytes()) {
            Some(rest) => {
                room = rest;
                attributes.push(attribute);
            }
            None => left_out.push(attribute),
        }
    }
    Ok(Packed { body, attributes, left_out })
}

/// Decodes the body of a quarantined message. `encoding` is the value of [`ENCODING_ATTRIBUTE`].
/// Returns None if the encoding is unknown or the body does not have it.
pub fn original_body(body: &str, encoding: Option<&str>) -> Option<String> {
    match encoding {
        None => Some(body.to_owned()),
        Some(JSON_STRING) => serde_json::from_str(body).ok(),
        Some(_) => None,
    }
}

/// The body in a form that SQS accepts: unchanged if possible, else as a JSON string.
pub(super) fn encode(body: &str) -> (String, Option<Attribute>) {
    if !body.is_empty() && body.chars().all(allowed) {
        return (body.to_owned(), None);
    }
    // serde_json escapes all control characters but leaves the two non-characters as they are.
    let quoted = serde_json::Value::from(body)
        .to_string()
        .replace('\u{fffe}', "\\ufffe")
        .replace('\u{ffff}', "\\uffff");
    (quoted, text(ENCODING_ATTRIBUTE, JSON_STRING, JSON_STRING.len()))
}

/// The attributes of an entry, the most important first. Empty ones are left out, because SQS
/// rejects empty values.
fn described(entry: &QuarantineEntry) -> impl Iterator<Item = Attribute> {
    [
        text("hansho.reason", &entry.reason, REASON_BYTES_MAX),
        text("hansho.lane", entry.lane.as_str(), ID_BYTES_MAX),
        text("hansho.message_id", &entry.message_id.0, ID_BYTES_MAX),
        moment("hansho.parked_at", Some(entry.quarantined_at)),
        moment("hansho.enqueued_at", entry.enqueued_at),
        Some(number("hansho.receive_count", entry.receive_count)),
        text("hansho.detail", &entry.detail, DETAIL_BYTES_MAX),
    ]
    .into_iter()
    .flatten()
}

pub(super) fn moment(name: &'static str, at: Option<crate::instants::Wall>) -> Option<Attribute> {
    at.and_then(|at| text(name, &at.to_rfc3339(), ID_BYTES_MAX))
}

pub(super) fn number(name: &'static str, value: u32) -> Attribute {
    Attribute { name, kind: Kind::Number, value: value.to_string() }
}

pub(super) fn text(name: &'static str, value: &str, bytes_max: usize) -> Option<Attribute> {
    let value = acceptable(value, bytes_max);
    (!value.is_empty()).then_some(Attribute { name, kind: Kind::Text, value })
}

/// The text with U+FFFD for characters that SQS rejects, cut at a character with a visible mark.
pub(super) fn acceptable(value: &str, bytes_max: usize) -> String {
    const MARK: char = '…';
    let mut kept = String::new();
    let mut cut_at = 0;
    for c in value.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }) {
        if kept.len() + c.len_utf8() > bytes_max {
            kept.truncate(cut_at);
            kept.push(MARK);
            return kept;
        }
        kept.push(c);
        if kept.len() + MARK.len_utf8() <= bytes_max {
            cut_at = kept.len();
        }
    }
    kept
}

fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instants::Wall;
    use crate::ports::{Lane, MessageId};

    fn entry(body: String) -> QuarantineEntry {
        QuarantineEntry {
            message_id: MessageId("m-1".to_owned()),
            lane: Lane::Standard,
            body,
            reason: "not_json".to_owned(),
            detail: "line 1: expected a value".to_owned(),
            receive_count: 3,
            enqueued_at: Some(Wall(1_700_000_000_000)),
            quarantined_at: Wall(1_700_000_060_000),
        }
    }

    fn value<'a>(packed: &'a Packed, name: &str) -> Option<&'a str> {
        packed.attributes.iter().find(|a| a.name == name).map(|a| a.value.as_str())
    }

    fn bytes(packed: &Packed) -> usize {
        packed.body.len() + packed.attributes.iter().map(Attribute::bytes).sum::<usize>()
    }

    #[test]
    fn the_attributes_hold_the_entry() {
        let packed = pack(&entry("{}".to_owned())).unwrap();
        assert_eq!(packed.body, "{}");
        for (name, expected) in [
            ("hansho.reason", Some("not_json")),
            ("hansho.detail", Some("line 1: expected a value")),
            ("hansho.lane", Some("standard")),
            ("hansho.message_id", Some("m-1")),
            ("hansho.receive_count", Some("3")),
            ("hansho.enqueued_at", Some("2023-11-14T22:13:20Z")),
            ("hansho.parked_at", Some("2023-11-14T22:14:20Z")),
            (ENCODING_ATTRIBUTE, None),
        ] {
            assert_eq!(value(&packed, name), expected, "{name}");
        }
        // SQS accepts ten.
        assert!(packed.attributes.len() < 10);
    }

    #[test]
    fn every_body_comes_back_as_it_was() {
        for body in [
            "plain",
            "{\"a\": \"\\u0000\"}",
            "",
            "tab\tline\nreturn\r",
            "nul \u{0} bell \u{7} escape \u{1b} non-characters \u{fffe}\u{ffff}",
            "半鐘 🔔 \u{7f}\u{80}\u{10ffff}",
            "\"quoted\" \\ back",
        ] {
            let packed = pack(&entry(body.to_owned())).unwrap();
            assert!(!packed.body.is_empty() && packed.body.chars().all(allowed), "{body:?}");
            let encoding = value(&packed, ENCODING_ATTRIBUTE);
            assert_eq!(original_body(&packed.body, encoding).as_deref(), Some(body));
        }
        assert_eq!(original_body("x", Some("rot13")), None);
        assert_eq!(original_body("x", Some(JSON_STRING)), None);
    }

    #[test]
    fn a_large_body_pushes_out_attributes_and_is_never_cut() {
        // (bytes free beside the body, attributes kept)
        for (room, kept) in [(2000, 7), (200, 6), (40, 1), (10, 0), (0, 0)] {
            let packed = pack(&entry("x".repeat(MESSAGE_BYTES_MAX - room))).unwrap();
            assert_eq!(packed.body.len(), MESSAGE_BYTES_MAX - room);
            assert!(bytes(&packed) <= MESSAGE_BYTES_MAX);
            assert_eq!(packed.attributes.len() + packed.left_out.len(), 7, "{room}");
            assert_eq!(packed.attributes.len(), kept, "{room}");
        }
    }

    #[test]
    fn the_reason_is_the_last_to_go() {
        let packed = pack(&entry("x".repeat(MESSAGE_BYTES_MAX - 40))).unwrap();
        assert_eq!(packed.attributes.first().map(|a| a.name), Some("hansho.reason"));
    }

    #[test]
    fn a_body_that_cannot_be_sent_is_refused() {
        assert!(pack(&entry("x".repeat(MESSAGE_BYTES_MAX + 1))).is_err());
        // Encoding makes it longer than a message can be.
        assert!(pack(&entry("\u{0}".repeat(MESSAGE_BYTES_MAX / 2))).is_err());
    }

    #[test]
    fn hostile_values_are_bounded_and_acceptable() {
        let mut hostile = entry("{}".to_owned());
        hostile.reason = String::new();
        hostile.detail = format!("\u{0}{}", "界".repeat(5000));
        let packed = pack(&hostile).unwrap();
        assert_eq!(value(&packed, "hansho.reason"), None);
        let detail = value(&packed, "hansho.detail").unwrap();
        assert!(detail.len() <= DETAIL_BYTES_MAX && detail.starts_with('\u{fffd}'));
        assert!(detail.ends_with('…') && detail.chars().all(allowed));
    }

    #[test]
    fn cutting_keeps_what_fits_whole() {
        for (text, bytes_max, expected) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "…"),
            ("abcdef", 5, "ab…"),
            ("ééé", 5, "é…"),
            ("", 3, ""),
        ] {
            assert_eq!(acceptable(text, bytes_max), expected, "{text} {bytes_max}");
        }
    }
}
