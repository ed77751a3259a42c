//! Rules about findings: which team a finding belongs to, and whom it calls at which hour.
//!
//! A [`Matcher`] has rules for some keys. A finding matches if every rule names it, and no rule
//! below `not` does. Each rule has one or more patterns, and names a finding that fits any of them.
//! The case of letters does not count. What is not known, such as the unit of an account that no
//! directory has, fits no pattern.

mod check;
mod extent;
mod pattern;
mod subject;

use crate::mutation::{self, Mutation};
use crate::words::words;

use pattern::Pattern;

pub use check::Check;
pub use extent::Extent;
pub use pattern::BadRule;
pub use subject::{AccountFacts, Directory, Known, LiveDirectory, Subject};

words! {
    /// What a rule looks at, the cheapest first. The word is the key of the configuration.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum MatchKey {
        Level = "level",
        Account = "account",
        Region = "region",
        Product = "product",
        ResourceType = "resource_type",
        Type = "type",
        /// The path of the account's organisational unit.
        Ou = "ou",
        AccountName = "account_name",
        AccountTag = "account_tag",
        ResourceTag = "resource_tag",
    }
}

impl MatchKey {
    pub const ALL: [MatchKey; 10] = [
        MatchKey::Level,
        MatchKey::Account,
        MatchKey::Region,
        MatchKey::Product,
        MatchKey::ResourceType,
        MatchKey::Type,
        MatchKey::Ou,
        MatchKey::AccountName,
        MatchKey::AccountTag,
        MatchKey::ResourceTag,
    ];

    pub fn parse(word: &str) -> Option<MatchKey> {
        MatchKey::ALL.into_iter().find(|key| key.as_str() == word)
    }

    /// Whether only a directory of accounts knows what the rule looks at.
    pub fn is_of_directory(self) -> bool {
        matches!(self, MatchKey::Ou | MatchKey::AccountName | MatchKey::AccountTag)
    }

    /// Whether the rule gives the same answer for each finding of an account.
    pub fn is_of_account(self) -> bool {
        self == MatchKey::Account || self.is_of_directory()
    }
}

/// The patterns for one key. There is at least one.
#[derive(Clone, Debug, PartialEq)]
struct Rule {
    key: MatchKey,
    any: Vec<Pattern>,
}

impl Rule {
    #[inline(never)]
    fn names_tag(&self, subject: &Subject<'_>) -> Option<&Pattern> {
        let tags = subject.tags(self.key);
        self.any.iter().find(|pattern| tags.iter().any(|(key, value)| pattern.is_tag(key, *value)))
    }

    /// The pattern that names the finding.
    #[inline]
    fn names(&self, subject: &Subject<'_>) -> Option<&Pattern> {
        match self.key {
            MatchKey::Level => self.any.iter().find(|pattern| pattern.is_level(subject.level())),
            MatchKey::AccountTag | MatchKey::ResourceTag => self.names_tag(subject),
            _ => {
                let text = subject.asked(self.key)?;
                self.any.iter().find(|pattern| pattern.is_text(text))
            }
        }
    }
}

/// Rules for findings. Without a rule it matches every finding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matcher {
    /// All of these name the finding.
    all: Vec<Rule>,
    /// None of these does.
    none: Vec<Rule>,
}

impl Matcher {
    /// Adds a rule: the finding must fit one of the patterns, or none of them if `not`.
    ///
    /// # Errors
    /// The patterns are none for this key, or not one to [`BadRule::PATTERNS_MAX`] of them.
    pub fn add<S: AsRef<str>>(
        &mut self,
        not: bool,
        key: MatchKey,
        patterns: impl IntoIterator<Item = S>,
    ) -> Result<(), BadRule> {
        let any: Vec<Pattern> = patterns
            .into_iter()
            .take(BadRule::PATTERNS_MAX + 1)
            .map(|written| Pattern::parse(key, written.as_ref()))
            .collect::<Result<_, _>>()?;
        if !(1..=BadRule::PATTERNS_MAX).contains(&any.len()) {
            return Err(BadRule::Count);
        }
        let rules = if not { &mut self.none } else { &mut self.all };
        rules.push(Rule { key, any });
        rules.sort_by_key(|rule| rule.key);
        Ok(())
    }

    /// Each rule: whether it stands below `not`, its key, and its patterns as they were written.
    pub fn rules(&self) -> impl Iterator<Item = (bool, MatchKey, Vec<&str>)> {
        let all = self.all.iter().map(|rule| (false, rule));
        all.chain(self.none.iter().map(|rule| (true, rule))).map(|(not, rule)| {
            (not, rule.key, rule.any.iter().map(|pattern| &*pattern.written).collect())
        })
    }

    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.agrees(|_| true, subject)
    }

    /// Whether a finding matches, as far as the rules for some keys tell.
    pub fn agrees(&self, about: impl Fn(MatchKey) -> bool, subject: &Subject<'_>) -> bool {
        let asked = |rule: &&Rule| about(rule.key);
        self.all.iter().filter(asked).all(|rule| rule.names(subject).is_some())
            && (self.none.iter().filter(asked).all(|rule| rule.names(subject).is_none())
                || mutation::is(Mutation::RulesBelowNotIgnored))
    }

    /// Each rule, and what it says of the finding.
    pub fn explain(&self, subject: &Subject<'_>) -> Vec<Check> {
        let all = self.all.iter().map(|rule| Check::of(rule, false, subject));
        all.chain(self.none.iter().map(|rule| Check::of(rule, true, subject))).collect()
    }

    /// Whether every finding matches, whatever is known of it. False if that is not plain to see.
    pub fn is_everything(&self) -> bool {
        self.none.is_empty() && self.all.iter().all(Rule::is_everything)
    }
}

impl Rule {
    fn is_everything(&self) -> bool {
        match self.key {
            MatchKey::Level => pattern::all_levels(&self.any),
            MatchKey::Region | MatchKey::Product | MatchKey::Type => {
                self.any.iter().any(Pattern::is_anything)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
