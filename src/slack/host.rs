//! Writes text for the top-level text, so that Slack makes no link of an address in it and notifies
//! no channel: `evil[.]com`, as in incident reports.

use std::borrow::Cow;

use crate::finding::text::has_byte;

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
        let is_in_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_') || is_dot(c);
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

/// Returns whether the last label is a top-level domain that exists.
fn is_host(host: &str) -> bool {
    let Some((_, last)) = host.rsplit_once(is_dot) else { return false };
    psl::suffix(last.to_lowercase().as_bytes()).is_some_and(|suffix| suffix.is_known())
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
            ("a.com_x.b.net", "a[.]com_x[.]b[.]net"),
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
