//! Patterns and rules against their definition, evaluated slowly.

use hansho::finding::parse;
use hansho::policy::glob::Glob;
use hansho::policy::matcher::{MatchKey, Matcher, Subject};
use hansho::ports::{AccountEntry, Accounts};

use crate::support::naive::{self, Facts, Rule};

/// The slow definition takes as many steps as pattern and text are long, multiplied.
const CHARS_MAX: usize = 200;

/// Lines of rules such as `not type=Recon:*`, an empty line, and a message. The value of the first
/// rule is also matched with each further line, as a pattern with a text.
pub fn matching(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (rules, message) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = rules.lines();
    let first = lines.next().unwrap_or_default();
    let pattern = first.split_once('=').map_or(first, |(_, value)| value).trim();
    for text in lines.filter(|text| text.chars().count() <= CHARS_MAX) {
        if pattern.chars().count() <= CHARS_MAX && !changes_length(pattern, text) {
            let expected = naive::fits(pattern, text);
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern:?} {text:?}");
        }
    }
    judge(rules, message);
}

/// A few letters have a small form of several characters. No pattern of hansho tells them apart.
fn changes_length(pattern: &str, text: &str) -> bool {
    pattern.chars().chain(text.chars()).any(|c| c.to_lowercase().count() > 1)
}

fn accounts() -> (Accounts, Vec<AccountEntry>) {
    let entry = AccountEntry {
        id: "111122223333".to_owned(),
        name: "prod-shop".to_owned(),
        ou: "/prod/payments".to_owned(),
        tags: [("team".to_owned(), "shop".to_owned())].into(),
        ..AccountEntry::default()
    };
    let mut accounts = Accounts::default();
    accounts.insert(&entry).unwrap();
    (accounts, vec![entry])
}

/// The pattern as the documentation writes it: without the white space, case and slash that do not
/// count.
fn plain(key: MatchKey, pattern: &str) -> String {
    let pattern = pattern.trim();
    match (key, pattern.split_once('=')) {
        (MatchKey::Level, _) => pattern.to_lowercase(),
        (MatchKey::Ou, _) if pattern.len() > 1 => match pattern.trim_end_matches('/') {
            "" => "/".to_owned(),
            path => path.to_owned(),
        },
        (MatchKey::AccountTag | MatchKey::ResourceTag, Some((name, value))) => {
            format!("{}={}", name.trim(), value.trim())
        }
        _ => pattern.to_owned(),
    }
}

fn judge(rules: &str, message: &str) {
    let mut matcher = Matcher::default();
    let (mut all, mut none): (Vec<Rule>, Vec<Rule>) = (Vec::new(), Vec::new());
    for line in rules.lines().take(8) {
        let not = line.starts_with("not ");
        let Some((key, patterns)) = line.trim_start_matches("not ").split_once('=') else {
            continue;
        };
        let Some(known) = MatchKey::parse(key) else { continue };
        let patterns: Vec<String> = patterns.split('|').map(str::to_owned).collect();
        if matcher.add(not, known, &patterns).is_ok() {
            let patterns = patterns.iter().map(|pattern| plain(known, pattern)).collect();
            (if not { &mut none } else { &mut all }).push((key.to_owned(), patterns));
        }
    }
    let (directory, entries) = accounts();
    for finding in parse(message).findings {
        let subject = Subject::of(&finding, &directory);
        let expected = naive::matches(&all, &none, &Facts::of(&finding, &entries));
        assert_eq!(matcher.matches(&subject), expected, "{rules}\n{finding:?}");
        // The explanation of a match says the same.
        let all_true = matcher.explain(&subject).iter().all(|check| check.passes);
        assert_eq!(all_true, expected, "{rules}");
    }
}
