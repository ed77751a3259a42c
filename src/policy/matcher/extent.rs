//! How many findings a matcher names, if not all is known of them.

use std::fmt;

use super::{MatchKey, Matcher, Rule, Subject};

/// How many of some findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    None,
    Some,
    All,
}

impl Matcher {
    /// How many of the findings match that are like `subject` in the known keys.
    pub fn extent(&self, subject: &Subject<'_>, is_known: impl Fn(MatchKey) -> bool) -> Extent {
        let of = |rule: &Rule, not: bool| match rule.names(subject).is_some() != not {
            _ if !is_known(rule.key) && !rule.is_everything() => Extent::Some,
            true => Extent::All,
            false => Extent::None,
        };
        let all = self.all.iter().map(|rule| of(rule, false));
        let none = self.none.iter().map(|rule| of(rule, true));
        all.chain(none).min().unwrap_or(Extent::All)
    }

    /// The rules for the keys that are `such`, in words. None: there are none.
    pub fn in_words(&self, such: impl Fn(MatchKey) -> bool) -> Option<String> {
        let written = |rule: &Rule, not: &str| such(rule.key).then(|| format!("{not}{rule}"));
        let all = self.all.iter().filter_map(|rule| written(rule, ""));
        let none = self.none.iter().filter_map(|rule| written(rule, "not "));
        let rules: Vec<String> = all.chain(none).collect();
        (!rules.is_empty()).then(|| rules.join("; "))
    }
}

/// `type Policy:*, Recon:*`
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns: Vec<&str> = self.any.iter().map(|pattern| &*pattern.written).collect();
        write!(f, "{} {}", self.key.as_str(), patterns.join(", "))
    }
}
