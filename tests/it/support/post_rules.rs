//! What every post of hansho keeps, whatever texts are in it: Slack's limits, no mention and no
//! link that hansho did not make, no escape sequence in a terminal, no element in a page.

use hansho::commands::demo::slack_rules;
use hansho::finding::Level;
use hansho::ports::{Card, Form, Post};
use hansho::slack::{BUDGET_CHARS, Mention, Mentions, preview};
use serde_json::Value;

pub const MENTION: &str = "<!subteam^S0123|sre>";

pub fn mentions() -> Mentions {
    Mentions::from_level_up(Level::High, MENTION.parse::<Mention>().unwrap())
}

/// The push and the first block mention somebody or not; the attachments never do.
pub fn check_mentions(post: &Post, payload: &Value, seed: u64) {
    let called = usize::from(post.cards.iter().any(calls));
    let count = |part: &str| payload[part].to_string().matches(MENTION).count();
    let in_blocks = if post.form == Form::Plain { 0 } else { called };
    let counts = (count("text"), count("blocks"), count("attachments"));
    assert_eq!(counts, (called, in_blocks, 0), "seed {seed}");
}

/// The length in UTF-16 code units: no text has more characters.
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Whether a card's finding mentions somebody.
pub fn calls(card: &Card) -> bool {
    let finding = &card.finding;
    finding.severity.level >= Level::High && !finding.sample && !finding.condition.is_closed()
}

pub fn check_limits(payload: &Value, seed: u64) {
    assert_eq!(slack_rules::broken(payload), None, "seed {seed}");
    assert!(length(payload["text"].as_str().unwrap()) <= 4000, "seed {seed}");
    let attachments = payload["attachments"].as_array().map_or(&[][..], Vec::as_slice);
    assert!(attachments.len() <= 20, "seed {seed}");
    let chars: usize = attachments.iter().map(|a| length(&a.to_string())).sum();
    assert!(chars <= BUDGET_CHARS, "seed {seed}: {chars}");
}

/// Checks every text in the payload: `<…>` holds only tokens of hansho, there are only the three
/// entities, and the top-level text has no address and no bare markup.
pub fn check_strings(value: &Value, top_level: bool, seed: u64) {
    match value {
        Value::String(text) => check_string(text, seed),
        Value::Array(items) => items.iter().for_each(|item| check_strings(item, false, seed)),
        Value::Object(object) => {
            if object.get("type").is_some_and(|kind| kind == "mrkdwn") {
                assert_eq!(object.get("verbatim"), Some(&Value::Bool(true)), "seed {seed}");
            }
            if top_level {
                let text = object["text"].as_str().unwrap().replace(MENTION, "");
                for bad in ["://", "@here", "@channel", "@everyone", "<"] {
                    assert!(!text.contains(bad), "seed {seed}: {bad} in {text}");
                }
                // Further letters make it no host.
                for (at, host) in text.match_indices("evil.com") {
                    let rest = &text[at + host.len()..];
                    assert!(rest.starts_with(char::is_alphanumeric), "seed {seed}: {rest}");
                }
                // Markup stands in code spans alone.
                for bare in text.split('`').step_by(2) {
                    assert!(!bare.contains(['*', '~']), "seed {seed}: {bare} in {text}");
                }
                assert_eq!(object["unfurl_links"], false);
                assert_eq!(object["unfurl_media"], false);
            }
            object.values().for_each(|value| check_strings(value, false, seed));
        }
        _ => {}
    }
}

/// Those of AWS, and those that the tests configure.
const PLACES: [&str; 7] = [
    "https://acme.awsapps.com/start/#/console?account_id=111122223333&amp;role_name=Audit&amp;",
    "https://wiki.example.com/?a&amp;b",
    "https://docs.aws.amazon.com/guardduty/latest/ug/",
    "https://docs.aws.amazon.com/console/securityhub/",
    "https://console.aws.amazon.com/",
    "https://console.amazonaws-us-gov.com/",
    "https://console.amazonaws.cn/",
];

fn check_string(text: &str, seed: u64) {
    let hidden = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}')
    };
    assert!(!text.contains(hidden), "seed {seed}: {text:?}");
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        assert!(!before.contains('>'), "seed {seed}: {text}");
        let (token, after) = after.split_once('>').expect("a token ends");
        let ours = format!("<{token}>") == MENTION
            || token.starts_with("!date^")
            || PLACES.iter().any(|place| token.starts_with(place));
        assert!(ours, "seed {seed}: <{token}>");
        assert!(token.matches('|').count() <= 1, "seed {seed}: <{token}>");
        rest = after;
    }
    assert!(!rest.contains('>'), "seed {seed}: {text}");
    let bare = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
    assert!(!bare.contains('&'), "seed {seed}: {text}");
}

pub fn check_preview(payload: &Value, seed: u64) {
    let plain = preview(payload, 80, false);
    assert!(!plain.contains(|c: char| c.is_control() && c != '\n'), "seed {seed}");
    let coloured = preview(payload, 80, true);
    for (index, piece) in coloured.split('\x1b').enumerate().filter(|(index, _)| *index > 0) {
        let colour = piece.split_once('m').map(|(colour, _)| colour).unwrap_or("none");
        assert!(
            colour.starts_with('[') && colour[1..].bytes().all(|b| b.is_ascii_digit() || b == b';'),
            "seed {seed}, escape {index}: {colour:?}"
        );
    }
}

/// The opening tags without a varying part.
const TAGS: [&str; 27] = [
    "article",
    "div class=\"desktop\"",
    "div class=\"phone\"",
    "div class=\"lock-screen\"",
    "div class=\"notification\"",
    "div class=\"source\"",
    "div class=\"post\"",
    "div class=\"avatar\"",
    "div class=\"content\"",
    "div class=\"sender\"",
    "div class=\"text\"",
    "div class=\"attachment\"",
    "div class=\"body\"",
    "div class=\"section\"",
    "div class=\"fields\"",
    "div class=\"context\"",
    "svg class=\"strip\"",
    "span class=\"rest\"",
    "span class=\"app\"",
    "span class=\"mention\"",
    "div",
    "span",
    "p",
    "b",
    "code",
    "i",
    "s",
];
const WITHOUT_END: [&str; 2] = ["br", "hr"];

fn is_ours(tag: &str) -> bool {
    let one_value = |start: &str, end: &str| {
        let value = tag.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        value.is_some_and(|value| !value.contains('"'))
    };
    TAGS.contains(&tag)
        || one_value("a href=\"https://", "\" rel=\"noopener\"")
        || one_value("rect width=\"100%\" height=\"100%\" fill=\"#", "\"")
}

/// Checks each tag, and that each element ends. Text has no `<` and no `>`.
pub fn check_page(page: &str, seed: u64) {
    let mut open = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "seed {seed}: {text}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "seed {seed}"),
            None if WITHOUT_END.contains(&tag) => {}
            None => {
                assert!(is_ours(tag), "seed {seed}: <{tag}>");
                open.extend(tag.split(' ').next());
            }
        }
    }
    assert_eq!(open, Vec::<&str>::new(), "seed {seed}");
}
