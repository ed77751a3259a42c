//! Patterns as shells have them: `*` for any text, `?` for one character. Letters of either case are
//! the same.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A pattern for a whole text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Vec<char>);

impl FromStr for Glob {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Glob, Infallible> {
        let mut pattern: Vec<char> = Vec::new();
        for c in text.trim().chars().flat_map(char::to_lowercase) {
            // Several stars mean what one does, and would only cost time.
            if c != '*' || pattern.last() != Some(&'*') {
                pattern.push(c);
            }
        }
        Ok(Glob(pattern))
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|c| write!(f, "{c}"))
    }
}

impl Glob {
    /// Goes back to the last star alone, so the work is at most the product of both lengths.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
        let (mut p, mut t) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while t < text.len() {
            match self.0.get(p) {
                Some('*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(c) if *c == '?' || *c == text[t] => {
                    p += 1;
                    t += 1;
                }
                _ => match star {
                    Some((at, taken)) => {
                        star = Some((at, taken + 1));
                        p = at + 1;
                        t = taken + 1;
                    }
                    None => return false,
                },
            }
        }
        self.0[p..].iter().all(|c| *c == '*')
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

    /// The definition, without any care for time.
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

    #[test]
    fn a_hostile_pair_costs_little() {
        let text = "a".repeat(100_000);
        assert!(!glob("*a*a*a*a*a*a*a*a*b").matches(&text));
    }
}
