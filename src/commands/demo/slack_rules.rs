//! The payloads that Slack refuses, and the word of each refusal. The rules come from Slack's
//! reference and not from hansho's rendering, so that each checks the other.
//!
//! Sources: Slack, Block Kit reference (blocks and text objects), "Handling errors from incoming
//! webhooks". The limit of all blocks together is undocumented; its source is slackapi/bolt-js,
//! thread 2509. Slack does not say how it counts characters, so this counts UTF-16 code units, of
//! which a text has at least as many as characters.

use serde_json::Value;

const TEXT_CHARS_MAX: usize = 40_000;
const ATTACHMENTS_MAX: usize = 100;
const BLOCKS_MAX: usize = 50;
const SECTION_CHARS_MAX: usize = 3000;
const FIELDS_MAX: usize = 10;
const FIELD_CHARS_MAX: usize = 2000;
const HEADER_CHARS_MAX: usize = 150;
const CONTEXT_ELEMENTS_MAX: usize = 10;
const BLOCK_ID_CHARS_MAX: usize = 255;
const ALL_BLOCKS_CHARS_MAX: usize = 13_200;

/// The word of Slack's refusal, or None if Slack accepts the payload.
pub fn broken(payload: &Value) -> Option<&'static str> {
    let Some(object) = payload.as_object() else { return Some("invalid_payload") };
    let text = match object.get("text") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text,
        Some(_) => return Some("invalid_payload"),
    };
    let blocks = match list(payload, "blocks") {
        Ok(blocks) => blocks,
        Err(()) => return Some("invalid_blocks"),
    };
    let Ok(attachments) = list(payload, "attachments") else { return Some("invalid_attachments") };
    if text.is_empty() && blocks.is_empty() && attachments.is_empty() {
        return Some("no_text");
    }
    if length(text) > TEXT_CHARS_MAX {
        return Some("msg_too_long");
    }
    if attachments.len() > ATTACHMENTS_MAX {
        return Some("too_many_attachments");
    }
    broken_blocks(blocks, attachments)
}

fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

fn broken_blocks(blocks: &[Value], attachments: &[Value]) -> Option<&'static str> {
    let mut all: Vec<&Value> = blocks.iter().collect();
    for attachment in attachments {
        match list(attachment, "blocks") {
            Ok(blocks) if attachment.is_object() => all.extend(blocks),
            _ => return Some("invalid_attachments"),
        }
    }
    if all.len() > BLOCKS_MAX || !all.iter().all(|block| is_good_block(block)) {
        return Some("invalid_blocks");
    }
    let chars: usize = all.iter().map(|block| length(&block.to_string())).sum();
    (chars > ALL_BLOCKS_CHARS_MAX).then_some("msg_blocks_too_long")
}

/// A missing list is empty. Any other type is an error.
fn list<'a>(value: &'a Value, key: &str) -> Result<&'a [Value], ()> {
    match value.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(()),
    }
}

fn is_good_block(block: &Value) -> bool {
    let id_fits = block.get("block_id").is_none_or(|id| {
        id.as_str().is_some_and(|id| (1..=BLOCK_ID_CHARS_MAX).contains(&length(id)))
    });
    id_fits
        && match block.get("type").and_then(Value::as_str) {
            Some("section") => is_good_section(block),
            Some("header") => {
                block.get("text").is_some_and(|text| is_text(text, HEADER_CHARS_MAX, false))
            }
            Some("context") => list(block, "elements").is_ok_and(|elements| {
                (1..=CONTEXT_ELEMENTS_MAX).contains(&elements.len())
                    && elements.iter().all(|element| is_text(element, SECTION_CHARS_MAX, true))
            }),
            Some("divider") => true,
            _ => false,
        }
}

fn is_good_section(block: &Value) -> bool {
    let text_fits = block.get("text").map(|text| is_text(text, SECTION_CHARS_MAX, true));
    let fields_fit = block.get("fields").map(|_| {
        list(block, "fields").is_ok_and(|fields| {
            (1..=FIELDS_MAX).contains(&fields.len())
                && fields.iter().all(|field| is_text(field, FIELD_CHARS_MAX, true))
        })
    });
    match (text_fits, fields_fit) {
        (None, None) => false,
        (text, fields) => text.unwrap_or(true) && fields.unwrap_or(true),
    }
}

/// A text object of 1 to `chars_max` characters. Only plain text has `emoji`, and only mrkdwn has
/// `verbatim`.
fn is_text(text: &Value, chars_max: usize, mrkdwn_allowed: bool) -> bool {
    let fits = text
        .get("text")
        .and_then(Value::as_str)
        .is_some_and(|text| (1..=chars_max).contains(&length(text)));
    let is_bool = |key: &str| text.get(key).is_none_or(Value::is_boolean);
    fits && match text.get("type").and_then(Value::as_str) {
        Some("plain_text") => is_bool("emoji") && text.get("verbatim").is_none(),
        Some("mrkdwn") => mrkdwn_allowed && is_bool("verbatim") && text.get("emoji").is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn section(text: &str) -> Value {
        json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
    }

    #[test]
    fn refuses_what_slack_refuses_in_its_words() {
        let field = json!({ "type": "mrkdwn", "text": "x" });
        let long = "x".repeat(3000);
        for (payload, word) in [
            (json!({ "text": "hello" }), None),
            (json!({ "text": "", "blocks": [section("x")] }), None),
            (json!({ "attachments": [{ "color": "#fff", "blocks": [section("x")] }] }), None),
            (json!([]), Some("invalid_payload")),
            (json!({ "text": 1 }), Some("invalid_payload")),
            (json!({}), Some("no_text")),
            (json!({ "text": "" }), Some("no_text")),
            (json!({ "text": "x".repeat(40_001) }), Some("msg_too_long")),
            (json!({ "text": "🚀".repeat(20_000) }), None),
            (json!({ "text": "🚀".repeat(20_001) }), Some("msg_too_long")),
            (json!({ "text": "x", "blocks": {} }), Some("invalid_blocks")),
            (json!({ "text": "x", "blocks": [section("")] }), Some("invalid_blocks")),
            (
                json!({ "text": "x", "blocks": [section(&format!("{long}x"))] }),
                Some("invalid_blocks"),
            ),
            (json!({ "blocks": [{ "type": "section" }] }), Some("invalid_blocks")),
            (json!({ "blocks": [{ "type": "section", "fields": [] }] }), Some("invalid_blocks")),
            (json!({ "blocks": [{ "type": "section", "fields": vec![field.clone(); 10] }] }), None),
            (
                json!({ "blocks": [{ "type": "section", "fields": vec![field.clone(); 11] }] }),
                Some("invalid_blocks"),
            ),
            (
                json!({ "blocks": [{ "type": "header", "text": field.clone() }] }),
                Some("invalid_blocks"),
            ),
            (json!({ "blocks": [{ "type": "context", "elements": [] }] }), Some("invalid_blocks")),
            (json!({ "blocks": [{ "type": "spaceship" }] }), Some("invalid_blocks")),
            (json!({ "blocks": vec![section("x"); 51] }), Some("invalid_blocks")),
            (json!({ "blocks": vec![section(&long); 5] }), Some("msg_blocks_too_long")),
            (json!({ "attachments": "x" }), Some("invalid_attachments")),
            (json!({ "attachments": ["x"] }), Some("invalid_attachments")),
            (
                json!({ "attachments": vec![json!({ "text": "x" }); 101] }),
                Some("too_many_attachments"),
            ),
        ] {
            assert_eq!(broken(&payload), word, "{payload:.80}");
        }
    }
}
