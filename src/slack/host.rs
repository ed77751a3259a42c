//! Writes text for the top-level text, so that Slack makes no link of an address in it, notifies no
//! channel, and sees no markup: `evil[.]com`, as in incident reports, and markup in code spans.

use std::borrow::Cow;

use super::escape::literal;
use crate::finding::text::{CUT, has_byte};

/// Words after `@` that notify a whole channel.
const CHANNEL_CALLS: [&str; 4] = ["here", "channel", "everyone", "group"];

/// What Slack may take for the dot of a host.
const DOTS: [char; 4] = ['.', '\u{3002}', '\u{FF0E}', '\u{FF61}'];

/// Breaks hosts, the `://` of addresses, and calls of a channel. Names that only look like a host,
/// such as `org.eclipse.jetty`, IP addresses and instance types stay as they are.
pub fn defang(text: &str) -> String {
    let may_matter = |byte: u8| (byte == b'.') | (byte == b':') | (byte == b'@') | !byte.is_ascii();
    if !has_byte(text, may_matter) {
        return text.to_owned();
    }
    let text = match text.contains("://") {
        true => Cow::Owned(text.replace("://", "[:]//")),
        false => Cow::Borrowed(text),
    };
    let mut defanged = String::with_capacity(text.len() + 16);
    let mut rest: &str = &text;
    while let Some(first) = rest.chars().next() {
        let end = match is_in_name(first) {
            true => rest.find(|c| !is_in_name(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (token, after) = rest.split_at(end);
        match token {
            "@" if is_channel_call(after) => defanged.push_str("[@]"),
            token => push_host(&mut defanged, token),
        }
        rest = after;
    }
    defanged
}

/// Defangs `text` and writes it as [`literal`] does, in at most `max_chars`. A cut never ends in a
/// host that the whole text does not have, such as `evil.com` of `evil.comet`.
pub fn defang_within(text: &str, max_chars: usize) -> String {
    let shown = literal(&defang(text), max_chars);
    let kept = shown.strip_suffix('`').unwrap_or(&shown);
    let Some(kept) = kept.strip_suffix(CUT) else { return shown };
    let end = shown.get(kept.len()..).unwrap_or_default();
    let start = kept.rfind(|c| !is_in_name(c)).map_or(0, |at| kept.ceil_char_boundary(at + 1));
    match kept.split_at_checked(start) {
        Some((before, last)) if is_host(last.trim_matches(is_dot)) => format!("{before}{end}"),
        _ => shown,
    }
}

fn is_in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || is_dot(c)
}

fn is_dot(c: char) -> bool {
    DOTS.contains(&c)
}

/// Writes a name, or a host with its dots broken. Dots around it belong to the sentence.
fn push_host(to: &mut String, token: &str) {
    let host = token.trim_matches(is_dot);
    if !is_host(host) {
        return to.push_str(token);
    }
    let (before, after) = token.split_once(host).unwrap_or_default();
    to.push_str(before);
    to.push_str(&host.replace(is_dot, "[.]"));
    to.push_str(after);
}

/// Returns whether the last label is a top-level domain that exists, or begins with one before a
/// hyphen, where Slack may end the link.
fn is_host(host: &str) -> bool {
    let Some((_, last)) = host.rsplit_once(is_dot) else { return false };
    let last = last.to_lowercase();
    let start = last.split('-').next().unwrap_or(&last);
    [&last, start]
        .into_iter()
        .any(|label| psl::suffix(label.as_bytes()).is_some_and(|suffix| suffix.is_known()))
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
    fn defangs_addresses_and_leaves_the_rest_readable() {
        for (text, defanged) in [
            ("see https://evil.com/x?y=1", "see https[:]//evil[.]com/x?y=1"),
            ("evil.com", "evil[.]com"),
            ("EVIL.CO.UK.", "EVIL[.]CO[.]UK."),
            ("mail bob@evil.com now", "mail bob@evil[.]com now"),
            ("пример.рф", "пример[.]рф"),
            ("a.xn--p1ai", "a[.]xn--p1ai"),
            ("evil。com", "evil[.]com"),
            ("(evil.com.) ..evil.com", "(evil[.]com.) ..evil[.]com"),
            ("PCI.RDS.2 org.eclipse.jetty.util", "PCI.RDS.2 org.eclipse.jetty.util"),
            ("com.google.guava:guava 31.1-jre", "com.google.guava:guava 31.1-jre"),
            ("a.com_x.b.net c.com-x", "a[.]com_x[.]b[.]net c[.]com-x"),
            ("evil.comhttp", "evil.comhttp"),
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

    #[test]
    fn a_cut_makes_no_host() {
        for (text, max, shown) in [
            ("see evil.comet", 13, "see …"),
            ("see evil.comet", 14, "see evil.comet"),
            ("evil.comet", 9, "…"),
            ("日 evil.comet", 11, "日 …"),
            ("evil.com.jetty", 12, "…"),
            ("org.eclipse.jetty", 12, "org.eclipse…"),
            ("see evil.com now", 16, "see evil[.]com…"),
            ("*bold* _it_ a_b", 99, "`*bold*` `_it_` a_b"),
            ("*b* evil.comet", 15, "`*b*` …"),
            ("*evil.comet*", 12, "`*…`"),
        ] {
            assert_eq!(defang_within(text, max), shown, "{text} in {max}");
        }
    }
}
