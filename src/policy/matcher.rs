//! Rules about findings: which team a finding belongs to, and whom it calls at which hour.
//!
//! A [`Matcher`] has rules for some keys. A finding matches if every rule names it, and no rule
//! below `not` does. Each rule has one or more patterns, and names a finding that fits any of them.
//! The case of letters does not count. What is not known, such as the unit of an account that no
//! directory has, fits no pattern.

mod check;
mod extent;
mod pattern;

use std::sync::Arc;

use crate::finding::{Finding, Level, Text};
use crate::mutation::{self, Mutation};
use crate::words::words;

use pattern::Pattern;

pub use check::Check;
pub use extent::Extent;
pub use pattern::BadRule;

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
}

/// The facts about an account that a directory has.
pub trait AccountFacts {
    fn name(&self) -> Option<&str>;
    /// The whole path of its organisational unit, such as `/prod/payments`.
    fn ou(&self) -> Option<&str>;
    /// Whether a tag, key and value, is `such`.
    fn any_tag(&self, such: &dyn Fn(&str, &str) -> bool) -> bool;
}

/// A directory of accounts.
pub trait Directory {
    fn account(&self, id: &str) -> Option<&dyn AccountFacts>;
}

/// A directory that may change. Each finding is judged by the one of its moment.
pub trait LiveDirectory: std::fmt::Debug + Send + Sync {
    fn now(&self) -> Arc<dyn Directory>;
}

/// What the rules are asked about.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub level: Level,
    pub account: &'a str,
    /// The entry of the account in the directory.
    pub facts: Option<&'a dyn AccountFacts>,
    pub region: &'a str,
    pub product: &'a str,
    pub kind: &'a str,
    pub resource_type: Option<&'a str>,
    /// The tags of the resource.
    pub tags: &'a [(Text, Text)],
}

impl<'a> Subject<'a> {
    pub fn of(finding: &'a Finding, directory: &'a dyn Directory) -> Subject<'a> {
        Subject {
            level: finding.severity.level,
            account: finding.account.as_str(),
            facts: directory.account(finding.account.as_str()),
            region: finding.region.as_str(),
            product: &finding.fingerprint.product,
            kind: finding.kind.as_str(),
            resource_type: finding.resource_type.as_ref().map(Text::as_str),
            tags: &finding.tags,
        }
    }

    /// The one text that a key looks at. None: not known, or the key looks at tags.
    fn text(&self, key: MatchKey) -> Option<&'a str> {
        match key {
            MatchKey::Level => Some(self.level.as_str()),
            MatchKey::Account => Some(self.account),
            MatchKey::Region => Some(self.region),
            MatchKey::Product => Some(self.product),
            MatchKey::ResourceType => self.resource_type,
            MatchKey::Type => Some(self.kind),
            MatchKey::Ou => self.facts?.ou(),
            MatchKey::AccountName => self.facts?.name(),
            MatchKey::AccountTag | MatchKey::ResourceTag => None,
        }
    }

    /// Whether a tag of the account or of the resource is `such`.
    fn any_tag(&self, key: MatchKey, such: &dyn Fn(&str, &str) -> bool) -> bool {
        match key {
            MatchKey::AccountTag => self.facts.is_some_and(|account| account.any_tag(such)),
            MatchKey::ResourceTag => {
                self.tags.iter().any(|(key, value)| such(key.as_str(), value.as_str()))
            }
            _ => false,
        }
    }
}

/// The patterns for one key. There is at least one.
#[derive(Clone, Debug, PartialEq)]
struct Rule {
    key: MatchKey,
    any: Vec<Pattern>,
}

impl Rule {
    /// The pattern that names the finding.
    fn names(&self, subject: &Subject<'_>) -> Option<&Pattern> {
        match self.key {
            MatchKey::Level => self.any.iter().find(|pattern| pattern.is_level(subject.level)),
            MatchKey::AccountTag | MatchKey::ResourceTag => {
                let any_tag = |such: &dyn Fn(&str, &str) -> bool| subject.any_tag(self.key, such);
                self.any.iter().find(|pattern| any_tag(&|key, value| pattern.is_tag(key, value)))
            }
            _ => {
                let text = subject.text(self.key)?;
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
        self.all.iter().all(|rule| rule.names(subject).is_some())
            && (self.none.iter().all(|rule| rule.names(subject).is_none())
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
