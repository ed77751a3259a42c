//! Text from a finding. Anybody who can name a bucket, tag an instance or answer a DNS query can
//! write it, so it is cleaned and cut before other code sees it.

use std::borrow::Cow;
use std::fmt;

use unicode_segmentation::UnicodeSegmentation;

/// Marks a text that was cut.
pub const CUT: char = '…';

/// The longest type or resource of a finding that the ledger keeps, in bytes.
pub const KEPT_BYTES_MAX: usize = 100;

/// Cleaned text of bounded length. It is not escaped; each target escapes it its own
/// way. Only [`Text::lines`] makes more than one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

impl Text {
    /// Cleans `raw` and cuts it to at most `max_chars` characters (Unicode scalar values, the unit
    /// of Slack's limits) at a grapheme boundary, with a visible mark. Control characters,
    /// bidirectional controls and invisible format characters are removed. A run of white space,
    /// line ends included, becomes one space.
    pub fn new(raw: &str, max_chars: usize) -> Text {
        Text::of(Cow::Borrowed(raw), max_chars)
    }

    /// Like [`Text::new`], but does not copy owned text that is clean already.
    pub fn of(raw: Cow<'_, str>, max_chars: usize) -> Text {
        if is_clean(&raw, max_chars) {
            return Text(raw.into_owned());
        }
        // Cleaning only shortens. So the loop ends after `max_chars + 2` kept characters, and a
        // megabyte of text costs little.
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

    /// Like [`Text::new`], but keeps line ends. Empty lines are left out.
    pub fn lines(raw: &str, max_chars: usize) -> Text {
        let mut text = String::new();
        let mut left = max_chars;
        for line in raw.lines() {
            // The limit counts the line end.
            if left <= 1 {
                break;
            }
            let line = Text::new(line, left - 1);
            if line.is_empty() {
                continue;
            }
            if !text.is_empty() {
                text.push('\n');
            }
            left = left.saturating_sub(line.0.chars().count() + 1);
            text.push_str(&line.0);
        }
        Text(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Cuts the text further if necessary.
    pub fn shortened(&self, max_chars: usize) -> Text {
        Text(cut(&self.0, max_chars).into_owned())
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// Returns whether there is nothing to clean or cut: at most `max_chars` printable ASCII
/// characters, with single spaces between words.
fn is_clean(raw: &str, max_chars: usize) -> bool {
    raw.len() <= max_chars
        && !has_byte(raw, |byte| !matches!(byte, b' '..=b'~'))
        && !raw.contains("  ")
        && trimmed(raw).len() == raw.len()
}

/// Returns whether a byte of `text` is `such`. Sixteen bytes are judged at once, so `such` must
/// have no branches.
pub fn has_byte(text: &str, such: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let among = |bytes: &[u8; 16]| bytes.iter().fold(false, |any, &byte| any | such(byte));
    match bytes.last_chunk() {
        // Some of the last sixteen bytes are judged twice.
        Some(last) => bytes.as_chunks().0.iter().any(among) || among(last),
        None => bytes.iter().any(|&byte| such(byte)),
    }
}

/// Trims white space. Most texts have none, and pass by the first comparison.
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

/// Cuts `text` to at most `max_chars` characters, at a grapheme boundary. The last one is [`CUT`]
/// if anything was removed.
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

/// Cuts `text` to at most `max_bytes` bytes, of which there are three or more, at a character. The
/// last one is [`CUT`] if anything was removed. All that the ledger keeps of a text is cut by this
/// rule, so that equal texts stay equal.
pub fn kept_bytes(text: &str, max_bytes: usize) -> Cow<'_, str> {
    if text.len() <= max_bytes {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(max_bytes.saturating_sub(CUT.len_utf8()));
    let kept = text.get(..end).unwrap_or_default();
    Cow::Owned([kept, CUT.encode_utf8(&mut [0; 4])].concat())
}

/// Returns whether a character is invisible and changes how its neighbours are shown: bidirectional
/// controls (Unicode TR 9; they can show `jpg.exe` as `exe.gpj`), zero-width spaces, joiners
/// outside emoji, the tag block, variation selectors, the soft hyphen and the byte-order mark.
/// U+200D and U+FE0F stay, because emoji need them.
pub(crate) fn is_invisible(c: char) -> bool {
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
    fn what_the_ledger_keeps_is_cut_at_a_character() {
        for (text, kept) in [
            (String::new(), String::new()),
            ("é".repeat(50), "é".repeat(50)),
            ("x".repeat(100), "x".repeat(100)),
            ("x".repeat(101), ["x".repeat(97), CUT.to_string()].concat()),
            ("é".repeat(51), ["é".repeat(48), CUT.to_string()].concat()),
            ("日".repeat(900), ["日".repeat(32), CUT.to_string()].concat()),
        ] {
            assert_eq!(kept_bytes(&text, KEPT_BYTES_MAX), kept);
            assert!(kept.len() <= KEPT_BYTES_MAX);
        }
    }

    #[test]
    fn line_ends_are_kept_where_they_are_wanted() {
        for (raw, max, lines) in [
            ("a  b\r\n\n - c\u{202e}\n\t\nd", 100, "a b\n- c\nd"),
            ("abc\ndefgh", 9, "abc\ndef…"),
            ("abcdef\ng", 5, "abc…"),
            ("\n \n", 5, ""),
        ] {
            assert_eq!(Text::lines(raw, max).as_str(), lines, "{raw:?}");
        }
        assert!(Text::lines(&"x\n".repeat(1 << 19), 1_500).as_str().len() <= 1_500);
    }

    #[test]
    fn a_megabyte_of_one_grapheme_is_bounded() {
        let zalgo = format!("a{}", "\u{301}".repeat(1 << 20));
        assert_eq!(Text::new(&zalgo, 50).as_str(), "…");
    }
}
