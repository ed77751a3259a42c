//! The JSON of an incoming webhook, as far as hansho uses it: texts, blocks, and attachments of
//! blocks.
//! Source: Slack, Block Kit reference, and "Reference: Secondary message attachments".

use serde::Serialize;

/// Enough for most posts of one card, so that the text is not moved while it is written.
const WRITTEN_BYTES: usize = 4_096;

/// One post. Its switches keep Slack from making links or mentions by itself.
#[derive(Debug, Serialize)]
pub struct Message {
    /// The push on a phone. The channel shows it only if there are no blocks.
    text: String,
    parse: &'static str,
    link_names: bool,
    unfurl_links: bool,
    unfurl_media: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blocks: Vec<Block>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment>,
}

impl Message {
    pub(super) fn new(text: String, blocks: Vec<Block>, attachments: Vec<Attachment>) -> Message {
        Message {
            text,
            parse: "none",
            link_names: false,
            unfurl_links: false,
            unfurl_media: false,
            blocks,
            attachments,
        }
    }
}

/// Blocks with a strip in a colour (`#RRGGBB`) beside them.
#[derive(Debug, Serialize)]
pub(super) struct Attachment {
    pub color: &'static str,
    pub blocks: Vec<Block>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block {
    Section { text: TextObject },
    Context { elements: [TextObject; 1] },
}

impl Block {
    pub fn section(text: TextObject) -> Block {
        Block::Section { text }
    }

    pub fn context(text: String) -> Block {
        Block::Context { elements: [TextObject::mrkdwn(text)] }
    }
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum TextObject {
    Mrkdwn { text: String, verbatim: bool },
    PlainText { text: String, emoji: bool },
}

impl TextObject {
    /// Text in Slack's markup. `verbatim` keeps Slack from making links of addresses.
    pub fn mrkdwn(text: String) -> TextObject {
        TextObject::Mrkdwn { text, verbatim: true }
    }

    /// Plain text. `text` must be escaped, because Slack decodes entities in plain text too.
    pub fn plain(text: String) -> TextObject {
        TextObject::PlainText { text, emoji: false }
    }
}

/// Writes a part as JSON. These types always can be written.
pub(super) fn written(part: &impl Serialize) -> String {
    let mut json = Vec::with_capacity(WRITTEN_BYTES);
    let text =
        serde_json::to_writer(&mut json, part).ok().and_then(|()| String::from_utf8(json).ok());
    text.unwrap_or_default()
}
