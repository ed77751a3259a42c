//! Reads the outgoing JSON of a post, for those that draw it as Slack would. They read the JSON and
//! not the [`Post`](crate::ports::Post), so that they cannot draw it better than Slack.

use serde_json::Value;

/// The list under a key, such as the blocks of a message or of an attachment.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn string<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The text of the message in the channel. Blocks replace it there, and it is the notification
/// alone. Source: Slack, `chat.postMessage`, argument `text`.
pub(super) fn text_in_channel(payload: &Value) -> &str {
    match list(payload, "blocks") {
        [] => string(payload, "text"),
        _ => "",
    }
}
