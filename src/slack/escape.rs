//! Makes text from a finding harmless in Slack. Such text never becomes a mention, a link, a date
//! or markup, and is shown as it was written.
//!
//! - Slack parses `<…>` in every text, so `& < >` are escaped everywhere.
//! - Text objects are `verbatim`, which keeps bare addresses from becoming links.
//! - The top-level text has no such switch, so addresses are written `evil[.]com`, as in incident
//!   reports.
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

fn escape_measured(text: &str, max_chars: usize, measure: fn(&str) -> usize) -> String {
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

/// Escapes text for mrkdwn, in at most `max_chars`. Text with markup goes into a code span, where
/// `*`, `_`, `~` and `:name:` are plain characters.
pub fn literal(text: &str, max_chars: usize) -> String {
    if is_markup(text) { code(text, max_chars) } else { escape_within(text, max_chars) }
}

/// Writes a code span, for text that people copy. A code span cannot hold a backtick, so it becomes
/// `'`.
pub fn code(text: &str, max_chars: usize) -> String {
    code_measured(text, max_chars, escaped_units)
}

fn code_measured(text: &str, max_chars: usize, measure: fn(&str) -> usize) -> String {
    // Too little for the backticks.
    if max_chars < 2 {
        return String::new();
    }
    let text = replaced(text, "`", "'");
    ["`", &escape_measured(&text, max_chars.saturating_sub(2), measure), "`"].concat()
}

/// Like [`literal`], in at most `max_chars` of JSON.
pub fn literal_weighing(text: &str, max_chars: usize) -> String {
    match is_markup(text) {
        true => code_weighing(text, max_chars),
        false => escape_measured(text, max_chars, escaped_json_units),
    }
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

/// Endings of instance types such as `t3.micro`. None is a top-level domain.
const INSTANCE_SIZES: [&str; 7] = ["nano", "micro", "small", "medium", "large", "xlarge", "metal"];

/// Words after `@` that notify a whole channel.
const CHANNEL_CALLS: [&str; 4] = ["here", "channel", "everyone", "group"];

/// Writes text for the top-level text, so that Slack makes no link of an address in it and notifies
/// no channel. Numbers, IP addresses and instance types stay as they are.
pub fn defang(text: &str) -> String {
    let may_matter = |byte: u8| (byte == b'.') | (byte == b':') | (byte == b'@') | !byte.is_ascii();
    if !has_byte(text, may_matter) {
        return text.to_owned();
    }
    let text = replaced(text, "://", "[:]//");
    let mut defanged = String::with_capacity(text.len() + 16);
    let mut rest: &str = &text;
    let mut before = None;
    let matters = |c| matches!(c, '@' | '.' | '\u{3002}' | '\u{FF0E}' | '\u{FF61}');
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| matters(*c)) {
        let (plain, after) = rest.split_at(at);
        rest = after.get(c.len_utf8()..).unwrap_or_default();
        before = plain.chars().next_back().or(before);
        defanged.push_str(plain);
        match c {
            '@' if is_channel_call(rest) => defanged.push_str("[@]"),
            '@' => defanged.push('@'),
            _ if before.is_some_and(continues_a_name) && is_domain_end(rest) => {
                defanged.push_str("[.]");
            }
            dot => defanged.push(dot),
        }
        before = Some(c);
    }
    defanged.push_str(rest);
    defanged
}

fn continues_a_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_')
}

/// Returns whether the text after a dot can end a domain name: at least two letters. `xn--` has two
/// letters too.
fn is_domain_end(rest: &str) -> bool {
    let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let label = rest.get(..end).unwrap_or_default();
    label.chars().take(2).count() == 2 && !INSTANCE_SIZES.contains(&label)
}

fn is_channel_call(rest: &str) -> bool {
    CHANNEL_CALLS
        .iter()
        .any(|word| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
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
            ("the _admin role", "`the _admin role`"),
            ("IAM role web_role_2", "IAM role web_role_2"),
            ("~gone~", "`~gone~`"),
            ("tick ` tock", "`tick ' tock`"),
            (":fire:", "`:fire:`"),
            ("arn:aws:s3:::bucket", "`arn:aws:s3:::bucket`"),
            ("Recon:EC2/Portscan", "Recon:EC2/Portscan"),
            ("2001:db8::1", "`2001:db8::1`"),
            ("> quoted", "`&gt; quoted`"),
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
            ("*", 2, "``"),
            ("*🚀\"*", 8, "`*🚀\"*`"),
            ("*🚀\"*", 7, "`*🚀…`"),
        ] {
            let got = literal_weighing(text, max);
            assert_eq!(got, shown, "{text} in {max}");
            assert_eq!(json_units(&got), units(&serde_json::json!(got).to_string()) - 2);
            assert!(json_units(&got) <= max);
        }
    }

    #[test]
    fn defangs_addresses_and_leaves_the_rest_readable() {
        for (text, defanged) in [
            ("see https://evil.com/x?y=1", "see https[:]//evil[.]com/x?y=1"),
            ("evil.com", "evil[.]com"),
            ("EVIL.CO.UK.", "EVIL[.]CO[.]UK."),
            ("mail bob@evil.com now", "mail bob@evil[.]com now"),
            ("пример.рф", "пример[.]рф"),
            ("a.xn--p1ai", "a[.]xn--p1ai"),
            ("evil。com", "evil[.]com"),
            ("198.51.100.7", "198.51.100.7"),
            ("198.51.100.7:22 and 2001:db8::1", "198.51.100.7:22 and 2001:db8::1"),
            ("i-0abc t3.micro m5.2xlarge db.r5.large", "i-0abc t3.micro m5.2xlarge db.r5.large"),
            ("e.g. v1.2.3, 6.95 of 10.", "e.g. v1.2.3, 6.95 of 10."),
            ("Ends. Starts", "Ends. Starts"),
            ("…and more...", "…and more..."),
            (
                "@here @Channel a@everyone @bob @GROUP",
                "[@]here [@]Channel a[@]everyone @bob [@]GROUP",
            ),
            ("user@hérе", "user@hérе"),
        ] {
            assert_eq!(defang(text), defanged);
        }
    }
}
