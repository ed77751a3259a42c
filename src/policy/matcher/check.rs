//! Why a rule names a finding, or does not.

use std::fmt;

use super::{MatchKey, Rule, Subject};

/// The most patterns and tags that are listed.
const LISTED_MAX: usize = 5;

/// What one rule says of a finding. Its texts are bounded, and not escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub key: MatchKey,
    /// The rule stands below `not`.
    pub not: bool,
    /// Whether the rule lets the finding pass.
    pub passes: bool,
    /// What the finding has there. None: it is not known.
    pub found: Option<String>,
    /// The pattern that the finding fits.
    pub fits: Option<String>,
    /// The patterns of the rule, in words.
    pub patterns: String,
}

impl Check {
    pub(super) fn of(rule: &Rule, not: bool, subject: &Subject<'_>) -> Check {
        let fits = rule.names(subject).map(|pattern| pattern.written.to_string());
        let patterns = rule.any.iter().map(|pattern| pattern.written.to_string());
        Check {
            key: rule.key,
            not,
            passes: fits.is_some() != not,
            found: found(rule, subject),
            fits,
            patterns: listed(patterns.collect()),
        }
    }

    /// The check in words, behind `+` if it lets the finding pass and `-` if not.
    pub fn signed(&self) -> String {
        format!("{} {self}", if self.passes { '+' } else { '-' })
    }
}

/// `not type Recon:EC2/Portscan fits Recon:*`, `ou is not known; wanted is /prod/*`.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.not { "not " } else { "" };
        let key = self.key.as_str();
        match (&self.found, &self.fits) {
            (Some(found), Some(pattern)) if found.eq_ignore_ascii_case(pattern) => {
                write!(f, "{not}{key}: is {found}")
            }
            (Some(found), Some(pattern)) => write!(f, "{not}{key}: {found} fits {pattern}"),
            (Some(found), None) => write!(f, "{not}{key}: {found} does not fit {}", self.patterns),
            (None, _) => {
                write!(f, "{not}{key}: none is known, so it does not fit {}", self.patterns)
            }
        }
    }
}

/// What the finding has where the rule looks: of tags, those with the keys of the rule.
fn found(rule: &Rule, subject: &Subject<'_>) -> Option<String> {
    if !matches!(rule.key, MatchKey::AccountTag | MatchKey::ResourceTag) {
        return subject.text(rule.key).filter(|text| !text.is_empty()).map(str::to_owned);
    }
    let is_asked = |key: &str| {
        let is = |name: &str| name.eq_ignore_ascii_case(key);
        rule.any.iter().any(|pattern| pattern.tag_key().is_some_and(is))
    };
    let tags = subject.tags(rule.key).iter().filter(|(key, _)| is_asked(key));
    let tags: Vec<String> = tags.map(|(key, value)| [key, "=", value.as_str()].concat()).collect();
    (!tags.is_empty()).then(|| listed(tags))
}

/// `a, b or 3 more`
fn listed(mut texts: Vec<String>) -> String {
    let more = texts.len().saturating_sub(LISTED_MAX);
    texts.truncate(LISTED_MAX);
    match more {
        0 => texts.join(", "),
        more => format!("{}, and {more} more", texts.join(", ")),
    }
}
