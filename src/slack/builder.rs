//! The link that opens a post in Slack's Block Kit Builder, Slack's own preview. The JSON is the
//! fragment of the link. Source: the links "View in Block Kit Builder" of Slack's Block Kit
//! reference.

use serde_json::{Value, json};

use super::console::encode;
use super::outgoing::{list, text_in_channel};

const BUILDER: &str = "https://app.slack.com/block-kit-builder/#";

/// The Builder knows blocks and attachments. A text that the channel shows becomes a block.
pub fn link(payload: &Value) -> String {
    let blocks = match text_in_channel(payload) {
        "" => json!(list(payload, "blocks")),
        text => json!([{"type": "section", "text": {"type": "mrkdwn", "text": text}}]),
    };
    let shown = json!({"blocks": blocks, "attachments": list(payload, "attachments")});
    [BUILDER, &encode(&shown.to_string())].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The JSON in a link.
    fn read(link: &str) -> Value {
        let json = percent_encoding::percent_decode_str(link.strip_prefix(BUILDER).unwrap());
        serde_json::from_str(&json.decode_utf8().unwrap()).unwrap()
    }

    #[test]
    fn the_link_holds_what_the_channel_shows() {
        let attachments = json!([{"color": "#D0021B", "blocks": [{"type": "divider"}]}]);
        let section = |text| json!({"type": "section", "text": {"type": "mrkdwn", "text": text}});
        for (payload, blocks, attachments) in [
            (json!({"text": "a & ü"}), json!([section("a & ü")]), json!([])),
            (
                json!({"text": "a", "attachments": attachments}),
                json!([section("a")]),
                attachments.clone(),
            ),
            (
                json!({"text": "a", "blocks": [section("b")], "attachments": attachments}),
                json!([section("b")]),
                attachments.clone(),
            ),
            (json!(null), json!([]), json!([])),
        ] {
            let link = link(&payload);
            assert_eq!(read(&link), json!({"blocks": blocks, "attachments": attachments}));
        }
    }

    #[test]
    fn no_text_ends_the_link() {
        let link = link(&json!({"text": "\"'<script>` \n#&?%00|\\ü🚨\u{202e}"}));
        let safe = |c: char| c.is_ascii_alphanumeric() || "-._~%".contains(c);
        assert!(link.strip_prefix(BUILDER).unwrap().chars().all(safe), "{link}");
    }
}
