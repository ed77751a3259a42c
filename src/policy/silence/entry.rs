//! Silences as they are written down: in the ledger, and as hansho prints them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bad::ALL_BYTES_MAX;
use super::{BadSilence, Silence, Silences};
use crate::finding::Text;
use crate::instants::Wall;
use crate::policy::glob::Glob;
use crate::policy::matcher::{MatchKey, Matcher};

/// The longest part, in bytes. An item of DynamoDB has at most 400 KB.
/// Source: DynamoDB developer guide, "Quotas in Amazon DynamoDB".
const PART_BYTES_MAX: usize = 350_000;

/// A silence as it is written down. One with a member that this version does not know is not read,
/// because it might keep back less than what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SilenceEntry {
    pub id: String,
    #[serde(rename = "match", default, skip_serializing_if = "Rules::is_empty")]
    pub rules: Rules,
    /// The product's ids of findings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finding: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<String>,
    pub covers: String,
    pub from: String,
    pub until: String,
    pub because: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// Patterns by key.
type Patterns = BTreeMap<String, Vec<String>>;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    #[serde(flatten)]
    all: Patterns,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    not: Patterns,
}

impl Rules {
    fn is_empty(&self) -> bool {
        self.all.is_empty() && self.not.is_empty()
    }

    fn of(matcher: &Matcher) -> Rules {
        let mut rules = Rules::default();
        for (not, key, patterns) in matcher.rules() {
            let rules = if not { &mut rules.not } else { &mut rules.all };
            let patterns = patterns.into_iter().map(str::to_owned);
            rules.entry(key.as_str().to_owned()).or_default().extend(patterns);
        }
        rules
    }

    fn matcher(&self) -> Option<Matcher> {
        let mut matcher = Matcher::default();
        for (not, rules) in [(false, &self.all), (true, &self.not)] {
            for (key, patterns) in rules {
                matcher.add(not, MatchKey::parse(key)?, patterns).ok()?;
            }
        }
        Some(matcher)
    }
}

impl SilenceEntry {
    pub fn json(&self) -> String {
        // A struct of texts is always JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn silence(self) -> Result<Silence, BadSilence> {
        let unreadable = BadSilence::Unreadable;
        let time = |text: &str| Wall::parse_rfc3339(text).ok_or(unreadable);
        let silence = Silence {
            matcher: self.rules.matcher().ok_or(unreadable)?,
            findings: self.finding,
            resources: self.resource.iter().map(|text| Glob::new(text)).collect(),
            covers: self.covers.parse().map_err(|_| unreadable)?,
            from: time(&self.from)?,
            until: time(&self.until)?,
            because: Text::new(&self.because, usize::MAX),
            owner: self.owner.map(|owner| Text::new(&owner, usize::MAX)),
            id: self.id,
        };
        silence.check()?;
        Ok(silence)
    }
}

impl Silence {
    pub fn entry(&self) -> SilenceEntry {
        SilenceEntry {
            id: self.id.clone(),
            rules: Rules::of(&self.matcher),
            finding: self.findings.clone(),
            resource: self.resources.iter().map(ToString::to_string).collect(),
            covers: self.covers.to_string(),
            from: self.from.to_rfc3339(),
            until: self.until.to_rfc3339(),
            because: self.because.to_string(),
            owner: self.owner.as_ref().map(ToString::to_string),
        }
    }
}

impl Silences {
    /// The silences in texts of a bounded length: in each a JSON array. Equal silences have equal
    /// texts.
    ///
    /// # Errors
    /// All together are too large.
    pub fn parts(&self) -> Result<Vec<String>, BadSilence> {
        let mut parts = vec![String::new()];
        for entry in self.iter().map(|silence| silence.entry().json()) {
            let last = parts.last_mut().filter(|last| last.len() + entry.len() < PART_BYTES_MAX);
            match last {
                Some(last) if last.is_empty() => last.push_str(&entry),
                Some(last) => last.extend([",", &entry]),
                None => parts.push(entry),
            }
        }
        match parts.iter().map(String::len).sum::<usize>() > ALL_BYTES_MAX {
            true => Err(BadSilence::Full),
            false => Ok(parts.into_iter().map(|part| ["[", &part, "]"].concat()).collect()),
        }
    }

    /// The silences of all parts, and how many can't be read. Those are not in force.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> (Silences, usize) {
        let (mut read, mut unreadable) = (Vec::new(), 0);
        for part in parts {
            let Ok(entries) = serde_json::from_str::<Vec<serde_json::Value>>(part) else {
                unreadable += 1;
                continue;
            };
            for entry in entries {
                let entry = serde_json::from_value::<SilenceEntry>(entry).ok();
                match entry.map(SilenceEntry::silence) {
                    Some(Ok(silence)) => read.push(silence),
                    _ => unreadable += 1,
                }
            }
        }
        match Silences::new(read) {
            Ok(silences) => (silences, unreadable),
            Err(_) => (Silences::default(), unreadable + 1),
        }
    }
}
