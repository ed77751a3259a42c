//! Makes text from a finding harmless in Slack. Such text never becomes a mention, a link, a date
//! or markup, and is shown as it was written.
//!
//! - Slack parses `<…>` in every text, so `& < >` are escaped everywhere.
//! - Text objects are `verbatim`, which keeps bare addresses from becoming links.
//! - The top-level text has no such switch: see [`defang`](super::host::defang).
//!
//! Source: Slack, "Formatting message text", escaping text.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::length::{grows_in_json, json_units, units};
use crate::finding::text::{CUT, has_byte};

/// Writes `& < >` as entities, the only ones that Slack decodes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        push_escaped(&mut escaped, c);
    }
    escaped
}

fn push_escaped(to: &mut String, c: char) {
    match c {
        '&' => to.push_str("&amp;"),
        '<' => to.push_str("&lt;"),
        '>' => to.push_str("&gt;"),
        c => to.push(c),
    }
}

fn escaped_units(text: &str) -> usize {
    text.chars()
        .map(|c| match c {
            '&' => 5,
            '<' | '>' => 4,
            c => c.len_utf16(),
        })
        .sum()
}

/// Like [`json_units`], for the escaped text. No character is escaped both for Slack and for JSON.
fn escaped_json_units(text: &str) -> usize {
    escaped_units(text) + json_units(text) - units(text)
}

/// Escapes `text` into at most `max_chars`, in [`units`]. It is cut at a grapheme, with a mark, and
/// never inside an entity.
pub fn escape_within(text: &str, max_chars: usize) -> String {
    escape_measured(text, max_chars, escaped_units)
}

/// Like [`escape_within`], in at most `max_chars` of JSON.
pub fn escape_weighing(text: &str, max_chars: usize) -> String {
    escape_measured(text, max_chars, escaped_json_units)
}

fn escape_measured(text: &str, max_chars: usize, measure: Measure) -> String {
    // Most texts: nothing to escape, and in no measure longer than in bytes.
    if text.len() <= max_chars && !has_byte(text, grows) {
        return text.to_owned();
    }
    if measure(text) <= max_chars {
        return escape(text);
    }
    let mut taken = 0;
    let mut kept = String::new();
    for grapheme in text.graphemes(true) {
        taken += measure(grapheme);
        if taken + 1 > max_chars {
            break;
        }
        kept.push_str(grapheme);
    }
    let mut escaped = escape(kept.trim_end());
    if max_chars > 0 {
        escaped.push(CUT);
    }
    escaped
}

/// Returns whether a byte takes more than one unit when it is escaped, for Slack or for JSON.
fn grows(byte: u8) -> bool {
    let for_slack = (byte == b'&') | (byte == b'<') | (byte == b'>');
    for_slack | grows_in_json(byte)
}

/// Escapes text for mrkdwn, in at most `max_chars`. Words with markup go into code spans, where
/// `*`, `_`, `~` and `:name:` are plain characters.
pub fn literal(text: &str, max_chars: usize) -> String {
    literal_measured(text, max_chars, (escaped_units, units))
}

type Measure = fn(&str) -> usize;

/// Draws a text within a limit. `raw` measures a text that is not escaped yet, `drawn` one that is.
fn literal_measured(text: &str, max_chars: usize, (raw, drawn): (Measure, Measure)) -> String {
    if !is_markup(text) {
        return escape_measured(text, max_chars, raw);
    }
    let mut written = String::new();
    let mut left = max_chars;
    for run in runs(text) {
        let needed = raw(run.text) + if run.is_code { 2 } else { 0 };
        let piece = match run.is_code {
            // Too little for a character between the backticks.
            true if left < 3 => escape_measured("…", left, raw),
            true => code_measured(run.text, left, raw),
            false => escape_measured(run.text, left, raw),
        };
        written.push_str(&piece);
        if needed > left {
            break;
        }
        left -= drawn(&piece).min(left);
    }
    written
}

/// A part of a text: in a code span or not.
struct Run<'t> {
    text: &'t str,
    is_code: bool,
}

/// Splits a text with markup. Brackets and commas around a word stay outside its code span.
fn runs(text: &str) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    let mut start = 0;
    let mut push = |from: usize, to: usize, is_code: bool| {
        let Some(part) = text.get(from..to).filter(|part| !part.is_empty()) else { return };
        match runs.last_mut() {
            Some(last) if last.is_code == is_code => {
                last.text = text.get(from - last.text.len()..to).unwrap_or(part);
            }
            _ => runs.push(Run { text: part, is_code }),
        }
    };
    for word in text.split_inclusive(' ') {
        let end = start + word.len();
        let bare = word.trim_matches([' ', '(', ')', '[', ']', ',', ';']);
        let from = start + word.find(bare).unwrap_or_default();
        push(start, from, false);
        push(from, from + bare.len(), is_markup(bare));
        push(from + bare.len(), end, false);
        start = end;
    }
    runs
}

/// Writes a code span, for text that people copy. A code span cannot hold a backtick, so it becomes
/// `'`.
pub fn code(text: &str, max_chars: usize) -> String {
    code_measured(text, max_chars, escaped_units)
}

fn code_measured(text: &str, max_chars: usize, measure: Measure) -> String {
    // Too little for the backticks.
    if max_chars < 2 {
        return String::new();
    }
    let text = replaced(text, "`", "'");
    ["`", &escape_measured(&text, max_chars.saturating_sub(2), measure), "`"].concat()
}

/// Like [`literal`], in at most `max_chars` of JSON.
pub fn literal_weighing(text: &str, max_chars: usize) -> String {
    literal_measured(text, max_chars, (escaped_json_units, json_units))
}

/// Like [`code`], in at most `max_chars` of JSON.
pub fn code_weighing(text: &str, max_chars: usize) -> String {
    code_measured(text, max_chars, escaped_json_units)
}

/// Returns whether mrkdwn has a meaning for the text: emphasis, code, a quotation, an emoji. An
/// underscore inside a word, as in `web_role`, has none.
pub fn is_markup(text: &str) -> bool {
    let is_sign =
        |byte| (byte == b'*') | (byte == b'~') | (byte == b'`') | (byte == b'_') | (byte == b':');
    text.starts_with('>')
        || (has_byte(text, is_sign)
            && (text.contains(['*', '~', '`'])
                || has_loose_underscore(text)
                || has_emoji_name(text)))
}

fn has_loose_underscore(text: &str) -> bool {
    let mut parts = text.split('_').peekable();
    let mut first = true;
    while let Some(part) = parts.next() {
        let starts_in_word = first || part.starts_with(char::is_alphanumeric);
        let ends_in_word = parts.peek().is_none() || part.ends_with(char::is_alphanumeric);
        if !starts_in_word || !ends_in_word {
            return true;
        }
        first = false;
    }
    false
}

/// Returns whether `:name:` is anywhere in the text.
fn has_emoji_name(text: &str) -> bool {
    let in_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '+' | '\'');
    text.split(':').skip(1).any(|part| !part.is_empty() && part.chars().all(in_name))
        && text.matches(':').count() > 1
}

/// Escapes the label of a link, between `<address|` and `>`.
pub fn link_label(text: &str, max_chars: usize) -> String {
    escape_within(&replaced(text, "|", "¦"), max_chars)
}

/// Replaces, and borrows if there is nothing to replace.
fn replaced<'a>(text: &'a str, from: &str, to: &str) -> Cow<'a, str> {
    match text.contains(from) {
        true => Cow::Owned(text.replace(from, to)),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_three_characters_and_cuts_between_entities() {
        for (text, max, escaped) in [
            ("a & b", 100, "a &amp; b"),
            ("<!here>", 100, "&lt;!here&gt;"),
            ("&lt;", 100, "&amp;lt;"),
            ("\"quoted\" 'too'", 100, "\"quoted\" 'too'"),
            ("<<<<", 16, "&lt;&lt;&lt;&lt;"),
            ("<<<<", 15, "&lt;&lt;&lt;…"),
            ("<<<<", 12, "&lt;&lt;…"),
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("&&", 3, "…"),
            ("abc", 0, ""),
            ("🚀🚀", 4, "🚀🚀"),
            ("🚀🚀", 3, "🚀…"),
            ("🚀", 1, "…"),
        ] {
            let got = escape_within(text, max);
            assert_eq!(got, escaped, "{text} in {max}");
            assert!(units(&got) <= max);
        }
    }

    #[test]
    fn shows_markup_as_it_was_written() {
        for (text, shown) in [
            ("EC2 instance i-0abc (t3.micro, web-1)", "EC2 instance i-0abc (t3.micro, web-1)"),
            ("*bold*", "`*bold*`"),
            ("_admin_", "`_admin_`"),
            ("the _admin role", "the `_admin` role"),
            ("IAM *a* (_b_, c), `d`.", "IAM `*a*` (`_b_`, c), `'d'.`"),
            ("user system:serviceaccount:a:b from x", "user `system:serviceaccount:a:b` from x"),
            ("IAM role web_role_2", "IAM role web_role_2"),
            ("~gone~", "`~gone~`"),
            ("tick ` tock", "tick `'` tock"),
            (":fire:", "`:fire:`"),
            ("arn:aws:s3:::bucket", "`arn:aws:s3:::bucket`"),
            ("Recon:EC2/Portscan", "Recon:EC2/Portscan"),
            ("2001:db8::1", "`2001:db8::1`"),
            ("> quoted", "`&gt;` quoted"),
            ("<!here>", "&lt;!here&gt;"),
        ] {
            assert_eq!(literal(text, 100), shown);
        }
        assert_eq!(code("abcdef", 5), "`ab…`");
        assert_eq!(link_label("a|b>c", 100), "a¦b&gt;c");
    }

    #[test]
    fn weighs_what_json_makes_of_it() {
        for (text, max, shown) in [
            ("plain", 5, "plain"),
            ("\"\"\"\"", 8, "\"\"\"\""),
            ("\"\"\"\"", 7, "\"\"\"…"),
            ("\\\\&x", 9, "\\\\…"),
            ("\\\\&xy", 10, "\\\\&amp;…"),
            ("\\\\&x", 10, "\\\\&amp;x"),
            ("*\"*", 6, "`*\"*`"),
            ("*\"*", 5, "`*…`"),
            ("*", 2, "…"),
            ("*🚀\"*", 8, "`*🚀\"*`"),
            ("*🚀\"*", 7, "`*🚀…`"),
        ] {
            let got = literal_weighing(text, max);
            assert_eq!(got, shown, "{text} in {max}");
            assert_eq!(json_units(&got), units(&serde_json::json!(got).to_string()) - 2);
            assert!(json_units(&got) <= max);
        }
    }
}
