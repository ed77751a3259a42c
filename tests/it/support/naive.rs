//! The rules of routes and silences as their documentation reads, evaluated slowly. The tests
//! compare hansho with it, so it calls no code of hansho that decides anything.

use hansho::finding::Finding;
use hansho::ports::AccountEntry;
use serde_json::Value;

/// Patterns by key.
pub type Rule = (String, Vec<String>);

/// What rules can be about.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    pub level: &'a str,
    pub account: &'a str,
    /// The entry of the account in the directory.
    pub entry: Option<&'a AccountEntry>,
    pub region: &'a str,
    pub product: &'a str,
    pub kind: &'a str,
    pub resource_type: Option<&'a str>,
    pub tags: Vec<(&'a str, &'a str)>,
    /// The product's id of the finding.
    pub id: &'a str,
    /// The resource as posts show it.
    pub resource: Option<&'a str>,
}

impl<'a> Facts<'a> {
    pub fn of(finding: &'a Finding, accounts: &'a [AccountEntry]) -> Facts<'a> {
        let account = finding.account.as_str();
        Facts {
            level: finding.severity.level.as_str(),
            account,
            entry: accounts.iter().find(|entry| entry.id == account),
            region: finding.region.as_str(),
            product: &finding.fingerprint.product,
            kind: finding.kind.as_str(),
            resource_type: finding.resource_type.as_ref().map(|text| text.as_str()),
            tags: finding.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
            id: &finding.fingerprint.id,
            resource: finding.resource.as_ref().map(|text| text.as_str()),
        }
    }
}

/// Whether all rules name the finding, and none of those below `not` does.
pub fn matches(all: &[Rule], none: &[Rule], facts: &Facts<'_>) -> bool {
    let any = |(key, patterns): &Rule| patterns.iter().any(|pattern| names(key, pattern, facts));
    all.iter().all(any) && !none.iter().any(any)
}

fn names(key: &str, pattern: &str, facts: &Facts<'_>) -> bool {
    let tagged = |tags: Vec<(&str, &str)>| {
        let (wanted, value) = pattern.split_once('=').unwrap();
        tags.iter().any(|(key, has)| key.eq_ignore_ascii_case(wanted) && fits(value, has))
    };
    match key {
        "level" => facts.level == pattern,
        "account" => facts.account == pattern,
        "account_name" => facts.entry.is_some_and(|entry| fits(pattern, &entry.name)),
        "ou" => facts.entry.is_some_and(|entry| {
            let unit = pattern.strip_suffix("/*").filter(|unit| !unit.is_empty());
            !entry.ou.is_empty()
                && (fits(pattern, &entry.ou) || unit.is_some_and(|unit| fits(unit, &entry.ou)))
        }),
        "account_tag" => facts.entry.is_some_and(|entry| {
            tagged(entry.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect())
        }),
        "region" => fits(pattern, facts.region),
        "product" => fits(pattern, facts.product),
        "type" => fits(pattern, facts.kind),
        "resource_type" => facts.resource_type.is_some_and(|kind| {
            // The colons of CloudFormation's spelling, also if a wildcard took one of a pair.
            let pattern = pattern.replace(':', "");
            fits(&pattern, kind)
        }),
        "resource_tag" => tagged(facts.tags.clone()),
        _ => panic!("no key: {key}"),
    }
}

/// The definition of a pattern, by a table of all pairs of places.
pub fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let same = |a: char, b: char| a.to_lowercase().eq(b.to_lowercase());
    let mut fits = vec![vec![false; text.len() + 1]; pattern.len() + 1];
    fits[0][0] = true;
    for p in 1..=pattern.len() {
        for t in 0..=text.len() {
            fits[p][t] = match pattern[p - 1] {
                '*' => fits[p - 1][t] || (t > 0 && fits[p][t - 1]),
                '?' => t > 0 && fits[p - 1][t - 1],
                c => t > 0 && fits[p - 1][t - 1] && same(c, text[t - 1]),
            };
        }
    }
    fits[pattern.len()][text.len()]
}

/// A silence as the ledger has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Silenced {
    pub id: String,
    pub all: Vec<Rule>,
    pub none: Vec<Rule>,
    pub findings: Vec<String>,
    pub resources: Vec<String>,
    /// The most severe level that it keeps back.
    pub covers: String,
    /// RFC 3339, in seconds of UTC.
    pub from: String,
    pub until: String,
}

/// From the least severe to the most.
pub const LEVELS: [&str; 5] = ["informational", "low", "medium", "high", "critical"];

fn rank(level: &str) -> usize {
    LEVELS.iter().position(|word| *word == level).unwrap()
}

impl Silenced {
    /// Reads the JSON of a silence, which `hansho silence list --json` shows too.
    pub fn read(json: &Value) -> Silenced {
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        let texts = |list: &Value| -> Vec<String> {
            let all = list.as_array().into_iter().flatten();
            all.map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let rules = |object: &Value| -> Vec<Rule> {
            let all = object.as_object().into_iter().flatten().filter(|(key, _)| *key != "not");
            all.map(|(key, patterns)| (key.clone(), texts(patterns))).collect()
        };
        Silenced {
            id: text("id"),
            all: rules(&json["match"]),
            none: rules(&json["match"]["not"]),
            findings: texts(&json["finding"]),
            resources: texts(&json["resource"]),
            covers: text("covers"),
            from: text("from"),
            until: text("until"),
        }
    }

    /// Whether it names the finding, at whatever time.
    pub fn names(&self, facts: &Facts<'_>) -> bool {
        let fits_resource = |pattern: &String| {
            facts.resource.is_some_and(|resource| {
                let is_end = |c: char| c.is_whitespace() || c == '(' || c == ')' || c == ',';
                let words = resource.split(is_end).filter(|word| !word.is_empty());
                words.chain([resource]).any(|text| fits(pattern, text))
            })
        };
        rank(facts.level) <= rank(&self.covers)
            && (self.findings.is_empty() || self.findings.iter().any(|id| id == facts.id))
            && (self.resources.is_empty() || self.resources.iter().any(fits_resource))
            && matches(&self.all, &self.none, facts)
    }
}
