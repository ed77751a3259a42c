//! The accounts as texts of bounded length, for a store whose entries are small.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Account, AccountEntry, AccountStatus, Accounts, TAG_GAP};

/// The longest part, in bytes. An item of DynamoDB has at most 400 KB.
/// Source: DynamoDB developer guide, "Quotas in Amazon DynamoDB".
pub(super) const PART_BYTES_MAX: usize = 350_000;
/// More than the names of the members of an [`Entry`] take, and its numbers, without the tags'.
const ENTRY_BYTES: usize = 100;
/// More than the number of a tag takes.
const NUMBER_BYTES: usize = 8;

/// Some accounts. What several of them have in common is written once. What a newer version adds is
/// ignored.
#[derive(Default, Serialize, Deserialize)]
struct Part {
    /// Units and tags.
    texts: Vec<String>,
    accounts: Vec<Entry>,
}

/// The names are short, because there are 10,000.
#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(rename = "i")]
    id: String,
    #[serde(rename = "n", default, skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(rename = "e", default, skip_serializing_if = "String::is_empty")]
    email: String,
    /// The place of the unit among the texts, from 0.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    ou: Option<usize>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// The places of the tags among the texts, from 0.
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<usize>,
}

/// A part can't be read: a newer version of hansho wrote it, or it is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("part {0} of the account directory can't be read: sync it with this version of hansho")]
pub struct BadPart(usize);

/// A part that is being filled.
#[derive(Default)]
struct Filling<'a> {
    part: Part,
    places: BTreeMap<&'a str, usize>,
    /// More than the part takes as JSON.
    bytes: usize,
}

impl<'a> Filling<'a> {
    fn add(&mut self, account: &'a Account) {
        self.bytes += weight(account);
        let ou = account.ou.as_ref().map(|ou| self.place(ou));
        let tags = account.tags.iter().map(|tag| self.place(tag)).collect();
        self.part.accounts.push(Entry {
            id: account.id().to_owned(),
            name: account.name().unwrap_or_default().to_owned(),
            email: account.email().unwrap_or_default().to_owned(),
            ou,
            status: account.status.map(|status| status.as_str().to_owned()),
            tags,
        });
    }

    fn place(&mut self, text: &'a Arc<Box<str>>) -> usize {
        let (part, bytes) = (&mut self.part, &mut self.bytes);
        *self.places.entry(text).or_insert_with(|| {
            *bytes += json_bytes_max(text);
            part.texts.push(text.to_string());
            part.texts.len() - 1
        })
    }
}

/// The most bytes of an account as JSON, without the texts that are written once.
fn weight(account: &Account) -> usize {
    ENTRY_BYTES + json_bytes_max(&account.text) + account.tags.len() * NUMBER_BYTES
}

/// Cleaned text has no control characters, but for the gap in a tag. So JSON at most doubles it.
fn json_bytes_max(text: &str) -> usize {
    2 * text.len() + 3
}

impl Accounts {
    /// The accounts in texts of a bounded length. Equal accounts have equal texts.
    pub fn parts(&self) -> Vec<String> {
        let mut parts = Vec::new();
        let mut filling = Filling::default();
        for account in &self.accounts {
            let shared = account.ou.iter().chain(&account.tags);
            let shared: usize = shared.map(|text| json_bytes_max(text)).sum();
            if filling.bytes + weight(account) + shared > PART_BYTES_MAX - ENTRY_BYTES {
                parts.push(std::mem::take(&mut filling).part);
            }
            filling.add(account);
        }
        parts.push(filling.part);
        // A struct of texts and numbers is always JSON.
        parts.iter().map(|part| serde_json::to_string(part).unwrap_or_default()).collect()
    }

    /// The accounts of all parts.
    ///
    /// # Errors
    /// A part can't be read.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> Result<Accounts, BadPart> {
        let mut accounts = Accounts::default();
        for (number, text) in parts.into_iter().enumerate() {
            let bad = BadPart(number);
            let part: Part = serde_json::from_str(text).map_err(|_| bad)?;
            for entry in part.accounts {
                let entry = read(entry, &part.texts).ok_or(bad)?;
                accounts.insert(&entry).map_err(|_| bad)?;
            }
        }
        Ok(accounts)
    }
}

/// None: a text is missing. A status that this version does not know is none.
fn read(entry: Entry, texts: &[String]) -> Option<AccountEntry> {
    let Entry { id, name, email, ou, status, tags } = entry;
    let tag = |place: &usize| {
        let (key, value) = texts.get(*place)?.split_once(TAG_GAP)?;
        Some((key.to_owned(), value.to_owned()))
    };
    let ou = match ou {
        Some(place) => texts.get(place)?.clone(),
        None => String::new(),
    };
    let status = status.as_deref().and_then(AccountStatus::parse);
    Some(AccountEntry {
        id,
        name,
        email,
        ou,
        status,
        tags: tags.iter().map(tag).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: usize, ou: &str, tags: &[(&str, String)]) -> AccountEntry {
        AccountEntry {
            id: format!("{id:012}"),
            name: format!("\"{id}\\é\""),
            ou: ou.to_owned(),
            status: Some(AccountStatus::PendingClosure),
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
            ..AccountEntry::default()
        }
    }

    #[test]
    fn accounts_are_read_as_they_were_written() {
        let mut accounts = Accounts::default();
        assert_eq!(
            Accounts::of_parts(accounts.parts().iter().map(String::as_str)).unwrap(),
            accounts
        );
        for id in 0..3_000 {
            let tags = [
                ("team", format!("{}", id % 7)),
                ("\"\\", "\"\\".repeat(60)),
                ("own", format!("{id}")),
            ];
            accounts.insert(&entry(id, ["", "/", "/prod/a"][id % 3], &tags)).unwrap();
        }
        let parts = accounts.parts();
        assert!((2..9).contains(&parts.len()), "{}", parts.len());
        assert!(parts.iter().all(|part| part.len() <= PART_BYTES_MAX));
        let again = Accounts::of_parts(parts.iter().map(String::as_str)).unwrap();
        assert_eq!(again, accounts);
        assert_eq!(again.parts(), parts);
    }

    #[test]
    fn the_largest_accounts_fit_into_parts() {
        let mut accounts = Accounts::default();
        for id in 0..20 {
            let tags = (0..50).map(|key| (format!("{key}{}", "\"".repeat(120)), "🚨".repeat(256)));
            accounts.insert(&AccountEntry { tags: tags.collect(), ..entry(id, "/", &[]) }).unwrap();
        }
        assert!(accounts.parts().iter().all(|part| part.len() <= PART_BYTES_MAX));
    }

    #[test]
    fn a_newer_part_is_read_and_a_damaged_one_is_not() {
        let newer =
            r#"{"texts":[],"x":1,"accounts":[{"i":"111122223333","n":"a","s":"NEW","y":{}}]}"#;
        let accounts = Accounts::of_parts([newer]).unwrap();
        assert_eq!((accounts.len(), accounts.name("111122223333")), (1, Some("a")));
        for text in [
            "",
            "{}",
            r#"{"texts":[],"accounts":[{"i":"1","n":"a"}]}"#,
            r#"{"texts":[],"accounts":[{"i":"111122223333","o":0}]}"#,
            r#"{"texts":["/a"],"accounts":[{"i":"111122223333","t":[0]}]}"#,
        ] {
            assert_eq!(Accounts::of_parts([newer, text]), Err(BadPart(1)), "{text}");
        }
    }
}
