//! The names of AWS accounts. The configuration fills them; a directory of AWS could as well.

use std::collections::BTreeMap;

use crate::finding::Text;
use crate::finding::arn::is_account_id;

/// The most accounts that have names. So many take about a megabyte.
pub const ACCOUNTS_MAX: usize = 10_000;
/// The longest name that is kept whole. Source: Organizations API reference, `Account`.
pub const ACCOUNT_NAME_CHARS_MAX: usize = 50;

/// Names by account id. A name is somebody's text, so it is cleaned and cut here, and escaped where
/// it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts(BTreeMap<String, Text>);

/// Why an account is not taken. The texts follow the place of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAccount {
    #[error("must have an account id of 12 digits; a spreadsheet may have removed leading zeros")]
    Id,
    #[error("must have a name")]
    Name,
    #[error("must not repeat the id of another account")]
    Twice,
    #[error("is one too many: at most {ACCOUNTS_MAX} accounts can have names")]
    TooMany,
}

impl Accounts {
    /// Adds an account.
    ///
    /// # Errors
    /// The id or the name is not one, the id is known already, or there are too many accounts.
    pub fn add(&mut self, id: &str, name: &str) -> Result<(), BadAccount> {
        let (id, name) = (id.trim(), Text::new(name, ACCOUNT_NAME_CHARS_MAX));
        if !is_account_id(id) {
            return Err(BadAccount::Id);
        }
        if name.is_empty() {
            return Err(BadAccount::Name);
        }
        if self.0.contains_key(id) {
            return Err(BadAccount::Twice);
        }
        if self.0.len() >= ACCOUNTS_MAX {
            return Err(BadAccount::TooMany);
        }
        self.0.insert(id.to_owned(), name);
        Ok(())
    }

    /// Takes over the names of `other`, which win.
    pub fn overlay(&mut self, other: Accounts) {
        self.0.extend(other.0);
    }

    /// The name of an account.
    pub fn name(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(Text::as_str)
    }

    /// Id and name for a table, whose columns are cut at their end: `111122223333 prod-shop`.
    /// Without a name the id alone.
    pub fn label(&self, id: &str) -> String {
        match self.name(id) {
            Some(name) => [id, " ", name].concat(),
            None => id.to_owned(),
        }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_checked_and_names_are_cleaned() {
        let mut accounts = Accounts::default();
        let long = "é".repeat(60);
        for (id, name, added) in [
            ("111122223333", "prod-shop", Ok(())),
            (" 000000000001 ", " a\u{202e}b\n\tc ", Ok(())),
            ("444455556666", long.as_str(), Ok(())),
            ("111122223333", "again", Err(BadAccount::Twice)),
            ("11112222333", "short", Err(BadAccount::Id)),
            ("1111222233334", "long", Err(BadAccount::Id)),
            ("１１１１22223333", "wide", Err(BadAccount::Id)),
            ("", "none", Err(BadAccount::Id)),
            ("777788889999", "\u{200b} ", Err(BadAccount::Name)),
        ] {
            assert_eq!(accounts.add(id, name), added, "{id} {name}");
        }
        assert_eq!(accounts.len(), 3);
        assert_eq!(accounts.name("111122223333"), Some("prod-shop"));
        assert_eq!(accounts.name("000000000001"), Some("ab c"));
        assert_eq!(accounts.name("444455556666").unwrap().chars().count(), 50);
        assert_eq!(accounts.name("777788889999"), None);
        assert_eq!(accounts.label("111122223333"), "111122223333 prod-shop");
        assert_eq!(accounts.label("999999999999"), "999999999999");
    }

    #[test]
    fn accounts_are_bounded() {
        let mut accounts = Accounts::default();
        for id in 0..ACCOUNTS_MAX {
            accounts.add(&format!("{id:012}"), "n").unwrap();
        }
        assert_eq!(accounts.add("999999999999", "n"), Err(BadAccount::TooMany));
    }
}
