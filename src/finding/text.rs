//! Text out of a finding. Whoever can name a bucket, tag an instance or answer a DNS query can put
//! words in it, so it is cleaned and bounded before anything else sees it.

use std::borrow::Cow;
use std::fmt;

use unicode_segmentation::UnicodeSegmentation;

/// The mark of a text that was cut.
pub const CUT: char = '…';

/// One line of cleaned, bounded text. It is not escaped: that is for whoever knows the target.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

impl Text {
    /// Cleans `raw` and cuts it to at most `max_chars` characters (Unicode scalar values, the unit
    /// of Slack's limits) at a grapheme boundary, with a visible mark. Control characters,
    /// bidirectional controls and invisible format characters go; runs of white space, line ends
    /// among them, become one space.
    pub fn new(raw: &str, max_chars: usize) -> Text {
        Text::of(Cow::Borrowed(raw), max_chars)
    }

    /// Like [`Text::new`], of what need not be copied if it is owned and there is nothing to clean.
    pub fn of(raw: Cow<'_, str>, max_chars: usize) -> Text {
        if is_clean(&raw, max_chars) {
            return Text(raw.into_owned());
        }
        // Cleaning can only shorten, and a grapheme can be long: look at no more of the raw text
        // than could matter, so that a megabyte of spaces costs little.
        let mut clean = String::with_capacity(raw.len().min(max_chars.saturating_mul(4)));
        let mut kept = 0;
        let mut gap = false;
        for c in raw.chars() {
            if c.is_whitespace() || c.is_control() {
                gap = !clean.is_empty();
            } else if !is_invisible(c) {
                if gap {
                    clean.push(' ');
                    kept += 1;
                    gap = false;
                }
                clean.push(c);
                kept += 1;
                if kept > max_chars.saturating_add(1) {
                    break;
                }
            }
        }
        Text(if kept <= max_chars { clean } else { cut(&clean, max_chars).into_owned() })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same text, cut further if need be.
    pub fn shortened(&self, max_chars: usize) -> Text {
        Text(cut(&self.0, max_chars).into_owned())
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// No more than so many characters of ASCII, words with one space between them: nothing is to be done.
fn is_clean(raw: &str, max_chars: usize) -> bool {
    raw.len() <= max_chars
        && !has_byte(raw, |byte| !matches!(byte, b' '..=b'~'))
        && !raw.contains("  ")
        && trimmed(raw).len() == raw.len()
}

/// Whether a text has such a byte. Sixteen are judged at once, for which `such` must do without branches.
pub fn has_byte(text: &str, such: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let among = |bytes: &[u8; 16]| bytes.iter().fold(false, |any, &byte| any | such(byte));
    match bytes.last_chunk() {
        // Some of the last sixteen are judged twice.
        Some(last) => bytes.as_chunks().0.iter().any(among) || among(last),
        None => bytes.iter().any(|&byte| such(byte)),
    }
}

/// Without white space at its ends, of which most texts have none.
pub(super) fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Cuts `text` to at most `max_chars` characters, at a grapheme boundary, the last one being
/// [`CUT`] if anything went.
pub fn cut(text: &str, max_chars: usize) -> Cow<'_, str> {
    if text.len() <= max_chars || text.chars().take(max_chars + 1).count() <= max_chars {
        return Cow::Borrowed(text);
    }
    let mut kept = String::new();
    let mut chars = 0;
    for grapheme in text.graphemes(true) {
        let more = grapheme.chars().count();
        if chars + more + 1 > max_chars {
            break;
        }
        chars += more;
        kept.push_str(grapheme);
    }
    if max_chars > 0 {
        kept.truncate(kept.trim_end().len());
        kept.push(CUT);
    }
    Cow::Owned(kept)
}

/// Characters that show nothing and change how their neighbours show: bidirectional controls
/// (Unicode TR 9, used to make `exe.gpj` of `jpg.exe`), zero-width spaces, joiners outside emoji,
/// the tag block, variation selectors used as carriers, the soft hyphen and the byte-order mark.
/// U+200D stays, because emoji are built with it, and U+FE0F for the same reason.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{200C}' | '\u{200E}' | '\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0E}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_wherever_it_is() {
        for length in 0..50 {
            let text = "a".repeat(length);
            assert!(!has_byte(&text, |byte| byte == b'b'), "{length}");
            for at in 0..length {
                let text = [&text[..at], "b", &text[at + 1..]].concat();
                assert!(has_byte(&text, |byte| byte == b'b'), "{text}");
            }
        }
    }

    #[test]
    fn cleans_what_could_deceive() {
        for (raw, clean) in [
            ("plain", "plain"),
            ("  two\r\n\tlines  ", "two lines"),
            ("a\u{0}b\u{1b}[31m", "a b [31m"),
            ("exe.\u{202e}gpj", "exe.gpj"),
            ("zero\u{200b}width\u{feff}", "zerowidth"),
            ("日本語 ünïcode 🚨", "日本語 ünïcode 🚨"),
            ("", ""),
            ("\u{202e}", ""),
        ] {
            assert_eq!(Text::new(raw, 100).as_str(), clean, "{raw:?}");
        }
    }

    #[test]
    fn cuts_at_graphemes_with_a_mark() {
        let family = "👨‍👩‍👧‍👦"; // one grapheme of seven characters
        for (raw, max, cut) in [
            ("abcdef", 6, "abcdef".to_owned()),
            ("abcdefg", 6, "abcde…".to_owned()),
            ("e\u{301}e\u{301}e\u{301}", 4, "e\u{301}…".to_owned()),
            (&format!("{family}{family}"), 9, format!("{family}…")),
            (&format!("{family}{family}"), 7, "…".to_owned()),
            ("abc def ghi", 8, "abc def…".to_owned()),
            ("abc", 0, String::new()),
        ] {
            let text = Text::new(raw, max);
            assert_eq!(text.as_str(), cut, "{raw:?} at {max}");
            assert!(text.as_str().chars().count() <= max);
        }
    }

    #[test]
    fn a_megabyte_of_one_grapheme_is_bounded() {
        let zalgo = format!("a{}", "\u{301}".repeat(1 << 20));
        assert_eq!(Text::new(&zalgo, 50).as_str(), "…");
    }
}
