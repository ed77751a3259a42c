//! What can be read of a message that is no finding, such as a broken one.
//!
//! A person who reads that a message was quarantined wants to know how bad it may be. Nothing else
//! is decided by it.

use super::arn::is_account_id;
use super::text::Text;

/// How many bytes are searched.
const SEARCHED_BYTES_MAX: usize = 256 << 10;
const SEVERITY_CHARS_MAX: usize = 20;
const TITLE_CHARS_MAX: usize = 120;
const ACCOUNT_CHARS: usize = 12;

/// The first severity, account and title in a text, as they are written there. They are not
/// verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    pub severity: Option<Text>,
    pub account: Option<Text>,
    pub title: Option<Text>,
}

impl Hint {
    /// Searches a text, which need not be JSON. Strings that hold JSON are not opened.
    pub fn of(text: &str) -> Hint {
        let mut hint = Hint::default();
        let mut envelope_account = None;
        let mut rest = start(text, SEARCHED_BYTES_MAX);
        while let Some((_, after)) = rest.split_once('"') {
            let Some((key, behind)) = string(after) else { break };
            rest = behind;
            let Some(value) = behind.trim_start().strip_prefix(':') else { continue };
            let Some(value) = scalar(value.trim_start()) else { continue };
            let account = || is_account_id(value).then(|| Text::new(value, ACCOUNT_CHARS));
            match key.to_ascii_lowercase().as_str() {
                "severity" | "label" => keep(&mut hint.severity, value, SEVERITY_CHARS_MAX),
                "title" => keep(&mut hint.title, value, TITLE_CHARS_MAX),
                "accountid" | "awsaccountid" => hint.account = hint.account.or_else(account),
                "account" => envelope_account = envelope_account.or_else(account),
                _ => {}
            }
        }
        hint.account = hint.account.or(envelope_account);
        hint
    }

    /// Severity, account and title.
    pub fn texts(&self) -> [Option<&str>; 3] {
        [&self.severity, &self.account, &self.title].map(|text| text.as_ref().map(Text::as_str))
    }
}

fn keep(slot: &mut Option<Text>, value: &str, max_chars: usize) {
    let text = Text::new(value, max_chars);
    if slot.is_none() && !text.is_empty() {
        *slot = Some(text);
    }
}

/// The contents of a string without its first quote, and the text behind it.
fn string(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// A string or a number at the beginning of a text.
fn scalar(text: &str) -> Option<&str> {
    if let Some(inside) = text.strip_prefix('"') {
        return string(inside).map(|(value, _)| value);
    }
    let end =
        text.bytes().position(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e'));
    let number = text.get(..end?)?;
    number.starts_with(|c: char| c.is_ascii_digit() || c == '-').then_some(number)
}

/// The first bytes of a text, no more than `max`, cut between characters.
fn start(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_whole_in_a_broken_message_is_read() {
        let broken = r#"{"account":"999988887777","detail":{"accountId":"111122223333","severity": 8.5,
            "count": NaN, "Title":"a \"b\"\u202e", "title":"other", "x":{"severity":2"#;
        let cut = r#"{"AwsAccountId":"111122223333","Severity":{"Label":"HIGH"},"Title":"cut o"#;
        for (text, expected) in [
            (broken, [Some("8.5"), Some("111122223333"), Some("a \\\"b\\\"\\u202e")]),
            (cut, [Some("HIGH"), Some("111122223333"), None]),
            (r#"{"account":"111122223333"}"#, [None, Some("111122223333"), None]),
            (r#"{"accountId":"<!channel>","severity":{},"title":"  "}"#, [None, None, None]),
            ("not json", [None, None, None]),
            ("\"", [None, None, None]),
            ("\"severity\":", [None, None, None]),
            ("\"severity\":9", [None, None, None]),
            ("\"severity\":9}", [Some("9"), None, None]),
        ] {
            assert_eq!(Hint::of(text).texts(), expected, "{text}");
        }
    }

    #[test]
    fn texts_are_bounded_and_clean() {
        let long = format!(
            "{{\"title\":\"\u{1b}[31m{}\",\"severity\":\"{}\"}}",
            "x".repeat(999),
            "9".repeat(999)
        );
        let hint = Hint::of(&long);
        let [severity, _, title] = hint.texts();
        assert!(
            title.unwrap().chars().count() <= TITLE_CHARS_MAX && !title.unwrap().contains('\u{1b}')
        );
        assert!(severity.unwrap().chars().count() <= SEVERITY_CHARS_MAX);
        Hint::of(&"é\"".repeat(SEARCHED_BYTES_MAX));
    }
}
