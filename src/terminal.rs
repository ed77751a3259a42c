//! The columns of a terminal: how wide it is, how wide a text is, and how a text is cut and padded.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::finding::text::{CUT, is_invisible};

/// Returns how many columns the terminal has. None if the process has no terminal.
pub fn terminal_columns() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size()?;
    Some(usize::from(width.0)).filter(|columns| *columns > 0)
}

/// Returns how many columns `text` takes: two for a wide grapheme (East Asian, emoji), one for most
/// others, none for a colour sequence (`ESC [ … m`). Terminals differ about rare characters, so a
/// line may be one column off.
/// Source: Unicode Standard Annex 11, "East Asian Width".
pub fn columns(text: &str) -> usize {
    let mut columns = 0;
    let mut in_colour = false;
    for grapheme in text.graphemes(true) {
        match grapheme {
            "\x1b" => in_colour = true,
            "m" if in_colour => in_colour = false,
            _ if in_colour => {}
            shown => columns += shown.width(),
        }
    }
    columns
}

/// Cuts `text` to at most `width` columns, at a grapheme. The last column holds [`CUT`] if anything
/// was removed. `text` must hold no colour sequence.
pub fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        used += grapheme.width();
        if used + 1 > width {
            break;
        }
        kept.push_str(grapheme);
    }
    if width > 0 {
        kept.push(CUT);
    }
    kept
}

/// Whether a terminal may obey a character instead of showing it, or show its neighbours otherwise.
pub fn is_obeyed(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Whether the environment says that the terminal can't remove what it shows.
pub fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// The same JSON, in which a terminal obeys nothing. JSON escapes only the first 32 controls.
/// `json` must have no line end outside of its strings.
pub fn harmless_json(json: String) -> String {
    if !json.contains(is_obeyed) {
        return json;
    }
    let mut shown = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        match is_obeyed(c) {
            // JSON has a pair of numbers for a character beyond 16 bits.
            true => shown.extend(c.encode_utf16(&mut [0; 2]).iter().map(|n| format!("\\u{n:04x}"))),
            false => shown.push(c),
        }
    }
    shown
}

/// The spaces that fill `text` up to `width` columns; none if it is wider.
pub fn padding(text: &str, width: usize) -> String {
    " ".repeat(width.saturating_sub(columns(text)))
}

/// The words of a text in lines of at most `width` columns. `mark` stands before the first one,
/// and the others begin under its first word.
pub fn wrapped(mark: &str, text: &str, width: usize) -> String {
    let indent = padding("", columns(mark));
    let mut all = String::new();
    let mut line = mark.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && columns(&line) + 1 + columns(word) > width {
            all.push_str(&line);
            all.push('\n');
            line.clone_from(&indent);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    all.push_str(&line);
    all.push('\n');
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_in_json() {
        for (text, shown) in [
            ("plain \u{e9} \u{1f514}", "\"plain \u{e9} \u{1f514}\""),
            ("\u{1b}[31m\n", r#""\u001b[31m\n""#),
            ("\u{9b}31m\u{7f}", r#""\u009b31m\u007f""#),
            ("exe.\u{202e}gpj\u{e0041}", r#""exe.\u202egpj\udb40\udc41""#),
        ] {
            let json = harmless_json(serde_json::to_string(text).unwrap());
            assert_eq!(json, shown);
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    #[test]
    fn wide_graphemes_take_two_columns() {
        for (text, width) in [
            ("", 0),
            ("abc", 3),
            ("日本語", 6),
            ("한글", 4),
            ("🚨🟠🟡🔵⚪", 10),
            ("👨‍👩‍👧‍👦", 2),
            ("e\u{301}", 1),
            ("…·×▌─", 5),
            ("\x1b[1;33mcall\x1b[0m m", 6),
        ] {
            assert_eq!(columns(text), width, "{text:?}");
        }
    }

    #[test]
    fn a_cut_text_fits_whatever_it_holds() {
        let alphabet = ["a", "日", "🚨", "e\u{301}", "👨‍👩‍👧", " ", "\u{200d}", "ا", "ل", "⚠\u{fe0f}"];
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2_000 {
            let length = random.usize(0..12);
            let text: String =
                (0..length).map(|_| alphabet[random.usize(..alphabet.len())]).collect();
            let width = random.usize(0..14);
            let kept = cut(&text, width);
            assert!(columns(&kept) <= width, "{text:?} in {width}: {kept:?}");
            assert!(kept == text || kept.ends_with(CUT) || width == 0, "{text:?}: {kept:?}");
            let filled = [kept.as_str(), &padding(&kept, width)].concat();
            assert!(columns(&filled) <= width, "{text:?} in {width}: {filled:?}");
        }
    }

    #[test]
    fn texts_are_cut_with_a_mark_and_padded() {
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(padding("日本", 6), "  ");
        assert_eq!(padding("abcdef", 3), "");
    }
}
