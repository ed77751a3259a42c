//! The unit of Slack's limits.
//!
//! Slack documents its limits in characters, and does not say how it counts them. JavaScript counts
//! UTF-16 code units, of which an emoji has two. A text never has fewer units than characters, so a
//! post within a limit in units keeps it in characters too. All limits in this folder are in units.

use crate::finding::text::has_byte;

/// Returns the length of a text.
pub fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Returns the length of a text inside a JSON string.
pub fn json_units(text: &str) -> usize {
    if !has_byte(text, grows_in_json) {
        return units(text);
    }
    text.chars()
        .map(|c| match c {
            '"' | '\\' | '\n' => 2,
            c if c.is_ascii_control() => 6,
            c => c.len_utf16(),
        })
        .sum()
}

/// Returns whether a byte takes more than one unit inside a JSON string.
pub fn grows_in_json(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < b' ') | (byte == 0x7f)
}

/// Returns the end of a text, of at most `max` units.
pub fn end_within(text: &str, max: usize) -> &str {
    let mut taken = 0;
    let fits = |(_, c): &(usize, char)| {
        taken += c.len_utf16();
        taken <= max
    };
    let start = text.char_indices().rev().take_while(fits).last().map_or(text.len(), |(at, _)| at);
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_long_as_in_utf_16() {
        for (text, length, in_json) in [
            ("", 0, 0),
            ("plain", 5, 5),
            ("é日", 2, 2),
            ("🚀", 2, 2),
            ("👨‍👩‍👧", 8, 8),
            ("\"🚀\\\n", 5, 8),
            ("\u{7f}\u{1}", 2, 12),
        ] {
            assert_eq!(units(text), length, "{text:?}");
            assert_eq!(units(text), text.encode_utf16().count(), "{text:?}");
            assert_eq!(json_units(text), in_json, "{text:?}");
        }
    }

    #[test]
    fn the_end_never_holds_half_a_character() {
        for (text, max, end) in [
            ("abc", 2, "bc"),
            ("abc", 9, "abc"),
            ("abc", 0, ""),
            ("a🚀b", 2, "b"),
            ("a🚀b", 3, "🚀b"),
            ("", 3, ""),
        ] {
            assert_eq!(end_within(text, max), end, "{text} in {max}");
        }
    }
}
