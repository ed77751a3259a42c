//! Patterns as shells have them, without regard to case.

use std::convert::Infallible;
use std::str::FromStr;

use wildmatch::WildMatch;

/// A pattern for a whole text: `*` matches any text, `?` one character.
#[derive(Clone, Debug, PartialEq)]
pub struct Glob(WildMatch);

impl FromStr for Glob {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Glob, Infallible> {
        Ok(Glob(WildMatch::new_case_insensitive(text.trim())))
    }
}

impl Glob {
    pub fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
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
