//! Patterns as shells have them, without regard to case. Also used on text that an attacker wrote,
//! so a match takes at most as many steps as pattern and text are long, multiplied.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use wildmatch::WildMatch;

/// A pattern for a whole text: `*` matches any text, `?` one character.
#[derive(Clone, Debug, PartialEq)]
pub struct Glob {
    written: Box<str>,
    /// The letters, digits and signs before the first `*`, `?` or other character, in small
    /// letters. Most patterns are decided by them, at a fraction of the cost.
    prefix: Box<[u8]>,
    then: Then,
    whole: WildMatch,
}

/// What follows the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The text ends.
    End,
    /// Any text.
    Anything,
    /// A pattern that [`WildMatch`] has to decide.
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
        let then = match text.as_bytes().get(prefix.len()..).unwrap_or_default() {
            [] => Then::End,
            rest if rest.iter().all(|byte| *byte == b'*') => Then::Anything,
            _ => Then::More,
        };
        Glob { written: text.into(), prefix, then, whole: WildMatch::new_case_insensitive(text) }
    }

    /// How each text in ASCII begins that matches, in small letters.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    pub fn matches(&self, text: &str) -> bool {
        let text_bytes = text.as_bytes();
        for (at, wanted) in self.prefix.iter().enumerate() {
            match text_bytes.get(at) {
                Some(byte) if byte.to_ascii_lowercase() == *wanted => {}
                // The small letter of a character beyond ASCII may be in ASCII: the sign of kelvin.
                Some(byte) if !byte.is_ascii() => return self.whole.matches(text),
                _ => return false,
            }
        }
        match self.then {
            Then::End => text.len() == self.prefix.len(),
            Then::Anything => true,
            Then::More => self.whole.matches(text),
        }
    }
}

/// As it was written.
impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
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
