//! Patterns as shells have them, without regard to case. Also used on text that an attacker wrote,
//! so a match takes at most as many steps as pattern and text are long, multiplied.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use wildmatch::WildMatch;

/// A pattern for a whole text: `*` matches any text, `?` one character.
#[derive(Clone, Debug, PartialEq)]
pub struct Glob {
    /// The letters, digits and signs before the first `*`, `?` or other character, in small
    /// letters. Most patterns are decided by them, at a fraction of the cost.
    prefix: Box<[u8]>,
    /// The end of the prefix, if it is long enough.
    word: Option<Word>,
    then: Then,
    /// Apart, so that the many patterns of routes are close together in memory.
    rest: Box<Rest>,
}

/// A text that patterns are asked about. Of many patterns, each needs to know whether it is ASCII.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    text: &'a str,
    is_ascii: bool,
}

impl<'a> Asked<'a> {
    pub fn as_str(self) -> &'a str {
        self.text
    }
}

impl<'a> From<&'a str> for Asked<'a> {
    fn from(text: &'a str) -> Asked<'a> {
        Asked { text, is_ascii: text.is_ascii() }
    }
}

/// Eight characters, compared at once and without regard to case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    small: u64,
    /// The bit that makes a letter a small one, for each that is a letter. No other character
    /// becomes a letter by it.
    letters: u64,
}

impl Word {
    const LEN: usize = 8;

    /// None: the text is shorter.
    fn ending(text: &[u8]) -> Option<Word> {
        let bytes = text.last_chunk::<{ Word::LEN }>()?;
        let bit = |byte: u8| if byte.is_ascii_alphabetic() { 0x20 } else { 0 };
        let letters = u64::from_le_bytes(bytes.map(bit));
        Some(Word { small: u64::from_le_bytes(*bytes) | letters, letters })
    }

    fn is(self, text: &[u8; Word::LEN]) -> bool {
        u64::from_le_bytes(*text) | self.letters == self.small
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Rest {
    written: Box<str>,
    /// What stands after the last `*` or `?`, as the prefix. Empty without one.
    suffix: Box<[u8]>,
    /// In small letters, if it is ASCII.
    ascii: Option<Box<[u8]>>,
    /// For text beyond ASCII.
    whole: WildMatch,
}

/// What follows the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The text ends.
    End,
    /// Any text.
    Anything,
    /// Any text, and then the suffix.
    Suffix,
    /// Any text that contains what stands between two `*`. The prefix is empty.
    Contains,
    /// A pattern.
    More,
}

impl FromStr for Glob {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Glob, Infallible> {
        Ok(Glob::new(text))
    }
}

impl Glob {
    pub fn new(text: &str) -> Glob {
        let text = text.trim();
        let is_plain = |byte: &u8| byte.is_ascii() && !b"*?".contains(byte);
        let prefix: Box<[u8]> =
            text.bytes().take_while(is_plain).map(|byte| byte.to_ascii_lowercase()).collect();
        let rest = text.as_bytes().get(prefix.len()..).unwrap_or_default();
        let after = rest.iter().rposition(|byte| !is_plain(byte)).map_or(rest.len(), |at| at + 1);
        let suffix = rest.get(after..).unwrap_or_default().to_ascii_lowercase().into();
        let then = match rest {
            [] => Then::End,
            rest if rest.iter().all(|byte| *byte == b'*') => Then::Anything,
            [b'*', after @ ..] if after.iter().all(is_plain) => Then::Suffix,
            [b'*', within @ .., b'*'] if prefix.is_empty() && within.iter().all(is_plain) => {
                Then::Contains
            }
            _ => Then::More,
        };
        let ascii = text.is_ascii().then(|| text.to_ascii_lowercase().into_bytes().into());
        let whole = WildMatch::new_case_insensitive(text);
        let rest = Box::new(Rest { written: text.into(), suffix, ascii, whole });
        Glob { word: Word::ending(&prefix), prefix, then, rest }
    }

    /// How each text in ASCII begins that matches, in small letters.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// How each text in ASCII ends that matches, in small letters, if it may begin in any way.
    pub fn tail(&self) -> Option<&[u8]> {
        Some(&*self.rest.suffix).filter(|tail| self.prefix.is_empty() && !tail.is_empty())
    }

    pub fn matches(&self, text: &str) -> bool {
        self.fits(Asked::from(text))
    }

    /// As [`Glob::matches`].
    #[inline]
    pub fn fits(&self, text: Asked<'_>) -> bool {
        self.may_match(text) && self.matches_after_prefix(text)
    }

    /// For a text that [`Glob::may_match`].
    pub fn matches_after_prefix(&self, Asked { text, is_ascii }: Asked<'_>) -> bool {
        let bytes = text.as_bytes();
        match (self.then, &self.rest.ascii) {
            _ if !is_ascii => self.rest.whole.matches(text),
            (Then::Anything, _) => true,
            (Then::End, _) => bytes.len() == self.prefix.len(),
            (Then::Suffix, _) => self.ends(bytes),
            (Then::Contains, Some(pattern)) => {
                contains(pattern.get(1..pattern.len() - 1).unwrap_or_default(), bytes)
            }
            (Then::More, Some(pattern)) => self.ends(bytes) && matches(pattern, bytes),
            // A pattern with a character beyond ASCII, which no such text has but for a wildcard.
            (_, None) => self.rest.whole.matches(text),
        }
    }

    /// Whether the text ends with the suffix, after the prefix.
    fn ends(&self, text: &[u8]) -> bool {
        let after = text.get(self.prefix.len()..).unwrap_or_default();
        let end = after.len().checked_sub(self.rest.suffix.len()).and_then(|at| after.get(at..));
        end.is_some_and(|end| is_alike(end, &self.rest.suffix))
    }

    /// False if the text begins in another way, so that no pattern with this beginning matches.
    #[inline]
    pub fn may_match(&self, Asked { text, is_ascii }: Asked<'_>) -> bool {
        let begins = text.as_bytes().get(..self.prefix.len()).is_some_and(|begin| {
            // Patterns begin alike, such as `/prod/`, so most texts differ at the prefix's end.
            let start = self.prefix.len().saturating_sub(Word::LEN);
            match (self.word, begin.split_last_chunk()) {
                (Some(word), Some((begin, end))) => {
                    word.is(end) && is_alike(begin, &self.prefix[..start])
                }
                _ => is_alike(begin, &self.prefix),
            }
        });
        // The small letter of a character beyond ASCII may be in ASCII: the sign of kelvin.
        begins || !is_ascii
    }
}

/// Whether two texts of one length are the same but for the case of letters. The second has small
/// letters.
#[inline]
fn is_alike(text: &[u8], small: &[u8]) -> bool {
    match (text.last(), small.last()) {
        (Some(byte), Some(wanted)) => may_be(*byte, *wanted) && text.eq_ignore_ascii_case(small),
        _ => true,
    }
}

/// False for characters that differ by more than their case.
#[inline]
fn may_be(byte: u8, small: u8) -> bool {
    (byte ^ small) & !0x20 == 0
}

/// Whether the text contains another, which is in small letters.
fn contains(wanted: &[u8], text: &[u8]) -> bool {
    let Some(first) = wanted.first() else { return true };
    let begins = |at: usize| {
        text.get(at..at + wanted.len()).is_some_and(|part| part.eq_ignore_ascii_case(wanted))
    };
    text.iter().enumerate().any(|(at, byte)| may_be(*byte, *first) && begins(at))
}

/// After a `*` the match goes on at the first place that fits, and returns to no earlier `*`.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut in_pattern, mut in_text) = (0, 0);
    let mut star = None;
    while let Some(byte) = text.get(in_text) {
        match (pattern.get(in_pattern), star) {
            (Some(b'*'), _) => {
                in_pattern += 1;
                star = Some((in_pattern, in_text));
            }
            (Some(wanted), _) if *wanted == b'?' || *wanted == byte.to_ascii_lowercase() => {
                in_pattern += 1;
                in_text += 1;
            }
            (_, Some((after, from))) => {
                in_pattern = after;
                in_text = from + 1;
                star = Some((after, in_text));
            }
            (_, None) => return false,
        }
    }
    pattern.iter().skip(in_pattern).all(|byte| *byte == b'*')
}

/// As it was written.
impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rest.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        text.parse().unwrap()
    }

    #[test]
    fn matches_whole_texts() {
        for (pattern, text, matched) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("UnauthorizedAccess:*", "UnauthorizedAccess:EC2/SSHBruteForce", true),
            ("*EC2*", "UnauthorizedAccess:EC2/SSHBruteForce", true),
            ("*ec2/ssh*", "UnauthorizedAccess:EC2/SSHBruteForce", true),
            ("UnauthorizedAccess", "UnauthorizedAccess:EC2/SSHBruteForce", false),
            ("not_?son", "not_json", true),
            ("a?c", "ac", false),
            ("a**b", "ab", true),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaa", false),
            ("eu-*-1", "eu-central-1", true),
            ("eu-*-1", "eu-1", false),
            ("eu*1", "EU1", true),
            ("*:kind7", "Recon:EC2/Kind7", false),
            ("*kind7", "Recon:EC2/Kind7", true),
            ("kind*7", "kind", false),
            ("a*a", "a", false),
            ("*半", "半", true),
            ("*k", "\u{212a}", true),
            ("半*", "半鐘", true),
        ] {
            assert_eq!(glob(pattern).matches(text), matched, "{pattern} {text}");
        }
    }

    /// The definition, which takes exponential time.
    fn slowly(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => {
                slowly(rest, text) || (!text.is_empty() && slowly(pattern, &text[1..]))
            }
            (['?', rest @ ..], [_, more @ ..]) => slowly(rest, more),
            ([c, rest @ ..], [d, more @ ..]) if c == d => slowly(rest, more),
            _ => false,
        }
    }

    #[test]
    fn agrees_with_the_definition() {
        let mut random = fastrand::Rng::with_seed(5);
        let mut matched = 0;
        for _ in 0..20_000 {
            let mut some = |alphabet: &[char], most: usize| -> Vec<char> {
                let length = random.usize(..=most);
                (0..length).map(|_| *random.choice(alphabet).unwrap()).collect()
            };
            let pattern = some(&['a', 'b', '*', '?'], 6);
            let text = some(&['a', 'b'], 8);
            let read = glob(&pattern.iter().collect::<String>());
            let is = read.matches(&text.iter().collect::<String>());
            assert_eq!(is, slowly(&pattern, &text), "{pattern:?} {text:?}");
            matched += usize::from(is);
        }
        assert!((1_000..19_000).contains(&matched), "{matched}");
    }

    /// Takes milliseconds. Backtracking to more than the last star would take years.
    #[test]
    fn a_hostile_text_costs_little() {
        let text = "a".repeat(100_000);
        assert!(!glob("*a*a*a*a*a*a*a*a*b").matches(&text));
    }
}
