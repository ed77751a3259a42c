//! What is known of a finding, as rules are asked about it.

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use crate::finding::{Finding, Level, Text};
use crate::policy::current::Current;
use crate::policy::glob::Asked;

use super::MatchKey;

/// The facts about an account that a directory has.
pub trait AccountFacts {
    fn name(&self) -> Option<&str>;
    /// The whole path of its organisational unit, such as `/prod/payments`.
    fn ou(&self) -> Option<&str>;
    /// Key and value of each tag.
    fn tags(&self) -> Vec<(&str, &str)>;
}

/// A directory of accounts.
pub trait Directory: Send + Sync {
    fn account(&self, id: &str) -> Option<&dyn AccountFacts>;
}

/// A directory that may change. Each finding is judged by the one of its moment.
pub trait LiveDirectory: fmt::Debug + Send + Sync {
    fn now(&self) -> Arc<dyn Directory>;
}

impl<D: Directory + fmt::Debug + 'static> LiveDirectory for Current<D> {
    fn now(&self) -> Arc<dyn Directory> {
        self.get()
    }
}

/// What is known of a finding. An empty text is known, and fits `*`.
#[derive(Clone, Copy)]
pub struct Known<'a> {
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

/// What the rules are asked about. Many rules ask for the same few texts, so these are looked up
/// once.
#[derive(Clone)]
pub struct Subject<'a> {
    known: Known<'a>,
    /// By [`MatchKey`]. None: not known, or the key looks at tags.
    texts: [Option<Asked<'a>>; MatchKey::ALL.len()],
    /// Once a rule asks for them.
    account_tags: OnceCell<Vec<(&'a str, Asked<'a>)>>,
    resource_tags: OnceCell<Vec<(&'a str, Asked<'a>)>>,
}

impl<'a> From<Known<'a>> for Subject<'a> {
    fn from(known: Known<'a>) -> Subject<'a> {
        let texts = MatchKey::ALL.map(|key| known.text(key).map(Asked::from));
        let (account_tags, resource_tags) = (OnceCell::new(), OnceCell::new());
        Subject { known, texts, account_tags, resource_tags }
    }
}

impl<'a> Subject<'a> {
    pub fn of(finding: &'a Finding, directory: &'a dyn Directory) -> Subject<'a> {
        Subject::from(Known::of(finding, directory))
    }

    pub fn level(&self) -> Level {
        self.known.level
    }

    /// The one text that a key looks at. None: not known, or the key looks at tags.
    pub(super) fn text(&self, key: MatchKey) -> Option<&'a str> {
        self.asked(key).map(Asked::as_str)
    }

    /// As [`Subject::text`], for a pattern.
    pub(super) fn asked(&self, key: MatchKey) -> Option<Asked<'a>> {
        self.texts.get(key as usize).copied().flatten()
    }

    /// Key and value of each tag of the account or of the resource. Empty: none is known, or the
    /// key looks at no tags.
    pub(super) fn tags(&self, key: MatchKey) -> &[(&'a str, Asked<'a>)] {
        let asked = |(key, value): (&'a str, &'a str)| (key, Asked::from(value));
        match (key, self.known.facts) {
            (MatchKey::AccountTag, Some(account)) => {
                self.account_tags.get_or_init(|| account.tags().into_iter().map(asked).collect())
            }
            (MatchKey::ResourceTag, _) => self.resource_tags.get_or_init(|| {
                let tags = self.known.tags.iter();
                tags.map(|(key, value)| asked((key.as_str(), value.as_str()))).collect()
            }),
            _ => &[],
        }
    }
}

impl<'a> Known<'a> {
    pub fn of(finding: &'a Finding, directory: &'a dyn Directory) -> Known<'a> {
        Known {
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

    /// What is known of all findings of a level in an account.
    pub fn of_account(
        level: Level,
        account: &'a str,
        facts: Option<&'a dyn AccountFacts>,
    ) -> Known<'a> {
        Known {
            level,
            account,
            facts,
            region: "",
            product: "",
            kind: "",
            resource_type: None,
            tags: &[],
        }
    }

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
}
