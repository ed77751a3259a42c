//! One pattern of a rule.

use crate::finding::arn::is_account_id;
use crate::finding::{Level, resource_type};
use crate::policy::glob::{Asked, Glob};

use super::MatchKey;

/// The longest pattern: a path of five nested units, with wildcards.
const CHARS_MAX: usize = 700;

/// Why a rule is not taken. The texts follow the name of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    #[error("must be one pattern, or a list of 1 to {max}", max = BadRule::PATTERNS_MAX)]
    Count,
    #[error("must have patterns of 1 to {CHARS_MAX} characters")]
    Length,
    #[error("must be ids of accounts, each in quotes and of 12 digits; account_name takes names")]
    Account,
    #[error("must be paths of units that begin with / or *, such as \"/prod/payments/*\"")]
    Ou,
    #[error("must be tags, a key and a pattern for its value, such as \"Team=payments\"")]
    Tag,
    #[error("must be some of informational, low, medium, high, critical")]
    Level,
}

impl BadRule {
    /// The most patterns of a rule.
    pub const PATTERNS_MAX: usize = 200;
}

/// A pattern for the key of its rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    pub(super) written: Box<str>,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Level(Level),
    Text(Glob),
    /// Also fits the unit itself. For `/prod/payments/*` that is `/prod/payments`, as AWS has it.
    /// Source: IAM user guide, `aws:PrincipalOrgPaths`.
    Below(Glob, Glob),
    /// The key of a tag, and a pattern for its value.
    Tag(Box<str>, Glob),
}

impl Pattern {
    pub fn parse(key: MatchKey, written: &str) -> Result<Pattern, BadRule> {
        let written = written.trim();
        if !(1..=CHARS_MAX).contains(&written.chars().count()) {
            return Err(BadRule::Length);
        }
        let test = match key {
            MatchKey::Level => Test::Level(written.parse().map_err(|_| BadRule::Level)?),
            MatchKey::Account if !is_account_id(written) => return Err(BadRule::Account),
            MatchKey::Ou => ou(written)?,
            MatchKey::AccountTag | MatchKey::ResourceTag => tag(written)?,
            MatchKey::ResourceType => Test::Text(Glob::new(&resource_type::pattern(written))),
            MatchKey::Account
            | MatchKey::Region
            | MatchKey::Product
            | MatchKey::Type
            | MatchKey::AccountName => Test::Text(Glob::new(written)),
        };
        Ok(Pattern { written: written.into(), test })
    }

    pub(super) fn is_level(&self, level: Level) -> bool {
        matches!(self.test, Test::Level(wanted) if wanted == level)
    }

    /// Whether the text that the key looks at fits. False for a level or a tag.
    #[inline]
    pub(super) fn is_text(&self, text: Asked<'_>) -> bool {
        match &self.test {
            Test::Text(glob) => glob.fits(text),
            // Both begin alike.
            Test::Below(unit, below) => {
                unit.may_match(text) && (unit.matches_after_prefix(text) || below.fits(text))
            }
            Test::Level(_) | Test::Tag(..) => false,
        }
    }

    /// Whether this is a pattern for such a tag.
    pub(super) fn is_tag(&self, key: &str, value: Asked<'_>) -> bool {
        match &self.test {
            Test::Tag(name, glob) => key.eq_ignore_ascii_case(name) && glob.fits(value),
            _ => false,
        }
    }

    /// The key of the tag that the pattern is about.
    pub(super) fn tag_key(&self) -> Option<&str> {
        match &self.test {
            Test::Tag(name, _) => Some(name),
            _ => None,
        }
    }

    /// `*` alone.
    pub(super) fn is_anything(&self) -> bool {
        self.written.bytes().all(|byte| byte == b'*')
    }
}

fn ou(written: &str) -> Result<Test, BadRule> {
    if !written.starts_with(['/', '*']) {
        return Err(BadRule::Ou);
    }
    let path = match written.trim_end_matches('/') {
        "" => "/",
        path => path,
    };
    Ok(match path.strip_suffix("/*") {
        Some(unit) if !unit.is_empty() => Test::Below(Glob::new(unit), Glob::new(path)),
        _ => Test::Text(Glob::new(path)),
    })
}

fn tag(written: &str) -> Result<Test, BadRule> {
    let (name, value) = written.split_once('=').ok_or(BadRule::Tag)?;
    match (name.trim(), value.trim()) {
        ("", _) => Err(BadRule::Tag),
        (name, value) => Ok(Test::Tag(name.into(), Glob::new(value))),
    }
}

pub(super) fn all_levels(any: &[Pattern]) -> bool {
    let has = |level: Level| any.iter().any(|pattern| pattern.test == Test::Level(level));
    Level::ALL.into_iter().all(has)
}
