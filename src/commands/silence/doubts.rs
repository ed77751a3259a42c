//! What the rules of a silence name that nobody knows, so that it may keep nothing back. Pure.

use crate::finding::region::RegionName;
use crate::finding::{Fingerprint, Level, Text, may_be_type};
use crate::policy::glob::Glob;
use crate::policy::matcher::{Known, MatchKey, Matcher, Subject};
use crate::policy::silence::Silence;
use crate::ports::{Account, Accounts};

/// The longest pattern that is repeated, in characters.
const PATTERN_CHARS_MAX: usize = 100;

/// A sentence for each pattern that fits nothing that is known. What is below `not` is left out.
pub fn of(silence: &Silence, accounts: &Accounts) -> Vec<String> {
    let rules = silence.matcher.rules().filter(|(not, ..)| !not);
    let patterns = rules.flat_map(|(_, key, patterns)| patterns.into_iter().map(move |p| (key, p)));
    patterns.filter_map(|(key, pattern)| doubt(key, pattern, accounts)).collect()
}

fn doubt(key: MatchKey, pattern: &str, accounts: &Accounts) -> Option<String> {
    let shown = Text::new(pattern, PATTERN_CHARS_MAX);
    match key {
        MatchKey::AccountName | MatchKey::Ou | MatchKey::AccountTag if accounts.is_empty() => {
            let name = key.as_str();
            Some(format!(
                "no account is known, so {name} {shown} fits none: run `hansho accounts sync`"
            ))
        }
        MatchKey::Account | MatchKey::AccountName | MatchKey::Ou | MatchKey::AccountTag => {
            let is_unknown =
                !accounts.is_empty() && !accounts.iter().any(|account| fits(key, pattern, account));
            let name = key.as_str();
            is_unknown.then(|| {
                format!("no known account fits {name} {shown}: `hansho accounts list` lists them")
            })
        }
        MatchKey::Region if !may_be_region(pattern) => {
            Some(format!("AWS has no region {shown}: they are written as eu-west-1"))
        }
        MatchKey::Product if !may_be_product(pattern) => {
            let known = Fingerprint::PRODUCTS.join(", ");
            Some(format!(
                "no product fits {shown}: known are {known}, and others as company:product"
            ))
        }
        MatchKey::Type if !may_be_type(pattern) => {
            Some(format!("no product of AWS has types that begin as {shown}"))
        }
        _ => None,
    }
}

fn fits(key: MatchKey, pattern: &str, account: &Account) -> bool {
    let mut matcher = Matcher::default();
    let subject = Subject::from(Known::of_account(Level::High, account.id(), Some(account)));
    matcher.add(false, key, [pattern]).is_ok() && matcher.matches(&subject)
}

fn is_wild(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

/// Of a pattern, only its signs are judged.
fn may_be_region(pattern: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"-*?".contains(&byte);
    match is_wild(pattern) {
        true => pattern.bytes().all(is_sign),
        false => {
            let name = pattern.to_ascii_lowercase().parse::<RegionName>();
            name.is_ok_and(|name| name.may_exist())
        }
    }
}

/// Products that Security Hub imports from have a company, a colon and a name.
fn may_be_product(pattern: &str) -> bool {
    let glob = Glob::new(pattern);
    pattern.contains(':') || Fingerprint::PRODUCTS.iter().any(|name| glob.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instants::Wall;
    use crate::ports::AccountEntry;

    fn accounts() -> Accounts {
        let mut accounts = Accounts::default();
        let entry = AccountEntry {
            id: "111122223333".to_owned(),
            name: "prod-scanner".to_owned(),
            ou: "/prod/tools".to_owned(),
            tags: [("Team".to_owned(), "x".to_owned())].into(),
            ..AccountEntry::default()
        };
        accounts.insert(&entry).unwrap();
        accounts
    }

    fn silence(not: bool, key: MatchKey, pattern: &str) -> Silence {
        let mut matcher = Matcher::default();
        matcher.add(not, key, [pattern]).unwrap();
        Silence {
            id: "a".to_owned(),
            matcher,
            findings: Vec::new(),
            resources: Vec::new(),
            covers: Level::High,
            from: Wall(0),
            until: Wall(1),
            because: Text::new("x", 10),
            owner: None,
        }
    }

    #[test]
    fn what_nobody_knows_is_said() {
        use MatchKey::{Account, AccountName, AccountTag, Ou, Product, Region, Type};
        let (known, none) = (accounts(), Accounts::default());
        for (key, pattern, accounts, said) in [
            (Account, "111122223333", &known, None),
            (Account, "999988887777", &known, Some("no known account fits account 999988887777")),
            (Account, "999988887777", &none, None),
            (AccountName, "PROD-*", &known, None),
            (AccountName, "prod-scaner", &known, Some("no known account fits account_name prod-s")),
            (
                AccountName,
                "prod-*",
                &none,
                Some("no account is known, so account_name prod-* fits"),
            ),
            (Ou, "/prod/*", &known, None),
            (Ou, "/dev/*", &known, Some("no known account fits ou /dev/*")),
            (AccountTag, "team=x", &known, None),
            (AccountTag, "team=y", &known, Some("no known account fits account_tag team=y")),
            (Region, "EU-west-1", &known, None),
            (Region, "us-gov-*", &known, None),
            (Region, "eu-wst-1", &known, Some("AWS has no region eu-wst-1")),
            (Region, "eu_*", &known, Some("AWS has no region eu_*")),
            (Region, "Frankfurt", &known, Some("AWS has no region Frankfurt")),
            (Product, "Guard*", &known, None),
            (Product, "crowdstrike:falcon", &known, None),
            (
                Product,
                "guard-duty",
                &known,
                Some("no product fits guard-duty: known are guardduty,"),
            ),
            (Type, "Recon:EC2/*", &known, None),
            (Type, "*", &known, None),
            (Type, "Software and Configuration Checks/*", &known, None),
            (
                Type,
                "Reconn:EC2/*",
                &known,
                Some("no product of AWS has types that begin as Reconn:"),
            ),
            (Type, "Reconn:\u{202e}*", &known, Some("begin as Reconn:*")),
        ] {
            let doubts = of(&silence(false, key, pattern), accounts);
            assert_eq!(doubts.len(), usize::from(said.is_some()), "{pattern}: {doubts:?}");
            assert!(doubts.concat().contains(said.unwrap_or_default()), "{doubts:?}");
            assert!(!doubts.concat().contains('\u{202e}'));
            assert!(of(&silence(true, key, pattern), accounts).is_empty());
        }
    }
}
