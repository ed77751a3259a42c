//! The directory of AWS accounts: names, addresses, organisational units, tags and status.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

mod parts;

pub use parts::BadPart;

use crate::finding::Text;
use crate::finding::arn::is_account_id;
use crate::policy::current::Current;
use crate::policy::matcher::{AccountFacts, Directory};

/// The most accounts that are known.
pub const ACCOUNTS_MAX: usize = 10_000;
/// The most memory that they take.
pub const ACCOUNTS_BYTES_MAX: usize = 2 << 20;

/// The longest texts that are kept whole. Source: Organizations API reference, `Account`, `Tag`.
pub const ACCOUNT_NAME_CHARS_MAX: usize = 50;
const EMAIL_CHARS_MAX: usize = 64;
const TAG_KEY_CHARS_MAX: usize = 128;
const TAG_VALUE_CHARS_MAX: usize = 256;
/// Five units, nested, each with a name of at most 128 characters.
/// Source: Organizations user guide, "Quotas for AWS Organizations"; API reference,
/// `OrganizationalUnit`.
const OU_CHARS_MAX: usize = 5 * 129;
/// Source: Organizations user guide, "Tagging AWS Organizations resources".
const TAGS_MAX: usize = 50;

const ID_LEN: usize = 12;
/// What a shared text takes beside itself: a pointer with two counts, and an entry of a set that is
/// half full.
const SHARED_BYTES: usize = 32 + 24;
/// Stands between key and value of a tag. No cleaned text has it.
const TAG_GAP: char = '\n';

/// An account as it is written down, by a person or by AWS. This is also how hansho prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountEntry {
    pub id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// The whole path, such as `/prod/payments`. `/` is the root.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ou: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<AccountStatus>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// Source: Organizations API reference, `Account`, `State` and `Status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountStatus {
    Active,
    Suspended,
    PendingActivation,
    PendingClosure,
    Closed,
}

impl AccountStatus {
    pub const ALL: [AccountStatus; 5] = [
        Self::Active,
        Self::Suspended,
        Self::PendingActivation,
        Self::PendingClosure,
        Self::Closed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            AccountStatus::Active => "ACTIVE",
            AccountStatus::Suspended => "SUSPENDED",
            AccountStatus::PendingActivation => "PENDING_ACTIVATION",
            AccountStatus::PendingClosure => "PENDING_CLOSURE",
            AccountStatus::Closed => "CLOSED",
        }
    }

    pub fn parse(text: &str) -> Option<AccountStatus> {
        AccountStatus::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// One account. All but the id may be unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Id, name and e-mail address, in one allocation.
    text: Box<str>,
    name_len: u8,
    status: Option<AccountStatus>,
    /// Text that many accounts have in common is kept once. A thin pointer saves memory.
    ou: Option<Arc<Box<str>>>,
    /// Key and value, with [`TAG_GAP`] between them, ordered by key.
    tags: Box<[Arc<Box<str>>]>,
}

impl Account {
    pub fn id(&self) -> &str {
        &self.text[..ID_LEN]
    }

    pub fn name(&self) -> Option<&str> {
        non_empty(&self.text[ID_LEN..self.name_end()])
    }

    pub fn email(&self) -> Option<&str> {
        non_empty(&self.text[self.name_end()..])
    }

    /// The whole path of the organisational unit, such as `/prod/payments`. `/` is the root.
    pub fn ou(&self) -> Option<&str> {
        self.ou.as_ref().map(|ou| &***ou)
    }

    pub fn status(&self) -> Option<AccountStatus> {
        self.status
    }

    /// Keys and values, ordered by key.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags.iter().map(|tag| tag.split_once(TAG_GAP).unwrap_or((tag, "")))
    }

    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags().find_map(|(known, value)| (known == key).then_some(value))
    }

    pub fn entry(&self) -> AccountEntry {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        AccountEntry {
            id: self.id().to_owned(),
            name: text(self.name()),
            email: text(self.email()),
            ou: text(self.ou()),
            status: self.status,
            tags: self.tags().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        }
    }

    fn name_end(&self) -> usize {
        ID_LEN + usize::from(self.name_len)
    }

    /// The memory that it takes. An eighth of the list of accounts may be unused.
    fn bytes(&self) -> usize {
        (size_of::<Account>() + size_of::<u64>()) * 9 / 8
            + self.text.len()
            + size_of_val(&*self.tags)
    }
}

fn non_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// The accounts by id. Their texts are somebody's, so they are cleaned and cut here, and escaped
/// where they are shown.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    /// The ids as numbers, in order, so that a search stays in few places of the memory.
    ids: Vec<u64>,
    /// In the same order.
    accounts: Vec<Account>,
    /// Units and tags.
    shared: BTreeSet<Arc<Box<str>>>,
    bytes: usize,
}

/// Why an account is not taken. The texts follow the place of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAccount {
    #[error("must have an account id of 12 digits; a spreadsheet may have removed leading zeros")]
    Id,
    #[error("must have a name")]
    Name,
    #[error("must have an ou that is a path, such as /prod/payments")]
    Ou,
    #[error("must have at most {TAGS_MAX} tags, each with a key")]
    Tags,
    #[error("must not repeat the id of another account")]
    Twice,
    #[error("is one too many: at most {ACCOUNTS_MAX} accounts can be known")]
    TooMany,
    #[error(
        "does not fit: all accounts take at most {} MiB; leave out tags that no route names",
        ACCOUNTS_BYTES_MAX >> 20
    )]
    TooLarge,
}

impl Accounts {
    /// Adds an account of which the name is known.
    ///
    /// # Errors
    /// As [`Accounts::insert`].
    pub fn add(&mut self, id: &str, name: &str) -> Result<(), BadAccount> {
        let (id, name) = (id.to_owned(), name.to_owned());
        self.insert(&AccountEntry { id, name, ..AccountEntry::default() })
    }

    /// Adds an account.
    ///
    /// # Errors
    /// The id is not one or is known already, nothing but the id is there, a path or the tags are
    /// none, or there are too many accounts.
    pub fn insert(&mut self, entry: &AccountEntry) -> Result<(), BadAccount> {
        let id = entry.id.trim();
        if !is_account_id(id) {
            return Err(BadAccount::Id);
        }
        let number = id.parse().map_err(|_| BadAccount::Id)?;
        let at = self.ids.binary_search(&number).err().ok_or(BadAccount::Twice)?;
        let name = Text::new(&entry.name, ACCOUNT_NAME_CHARS_MAX);
        let email = Text::new(&entry.email, EMAIL_CHARS_MAX);
        let ou = ou(&entry.ou)?;
        let tags = tags(&entry.tags)?;
        if name.is_empty() && email.is_empty() && ou.is_none() && tags.is_empty() {
            return Err(BadAccount::Name);
        }
        let account = Account {
            text: [id, name.as_str(), email.as_str()].concat().into(),
            // At most 50 characters of four bytes.
            name_len: u8::try_from(name.as_str().len()).map_err(|_| BadAccount::Name)?,
            status: entry.status,
            ou: ou.map(|ou| self.share(ou)),
            tags: tags.into_iter().map(|tag| self.share(tag)).collect(),
        };
        self.put(at, number, account)
    }

    /// Takes over what `other` knows. It wins.
    ///
    /// # Errors
    /// There are too many accounts.
    pub fn overlay(&mut self, other: &Accounts) -> Result<(), BadAccount> {
        for account in &other.accounts {
            let mut entry = account.entry();
            if let Ok(at) = self.position(account.id()) {
                let known = self.accounts.remove(at);
                self.ids.remove(at);
                self.bytes -= known.bytes();
                entry = over(known.entry(), entry);
            }
            self.insert(&entry)?;
        }
        Ok(())
    }

    pub fn get(&self, id: &str) -> Option<&Account> {
        self.position(id).ok().map(|at| &self.accounts[at])
    }

    /// All accounts, ordered by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.accounts.iter()
    }

    /// The name of an account.
    pub fn name(&self, id: &str) -> Option<&str> {
        self.get(id)?.name()
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
        self.accounts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    fn position(&self, id: &str) -> Result<usize, usize> {
        // Of a text of another length or with a sign the number may be that of an account.
        let number = id.parse().map_err(|_| 0_usize)?;
        let at = self.ids.binary_search(&number)?;
        if self.accounts[at].id() == id { Ok(at) } else { Err(at) }
    }

    fn put(&mut self, at: usize, number: u64, account: Account) -> Result<(), BadAccount> {
        if self.accounts.len() >= ACCOUNTS_MAX {
            return Err(BadAccount::TooMany);
        }
        if self.bytes + account.bytes() > ACCOUNTS_BYTES_MAX {
            return Err(BadAccount::TooLarge);
        }
        self.bytes += account.bytes();
        if self.accounts.len() == self.accounts.capacity() {
            // Doubling would take up to twice the memory.
            self.accounts.reserve_exact(self.accounts.len() / 8 + 1);
            self.ids.reserve_exact(self.accounts.len() / 8 + 1);
        }
        self.ids.insert(at, number);
        self.accounts.insert(at, account);
        Ok(())
    }

    fn share(&mut self, text: String) -> Arc<Box<str>> {
        let text = text.into_boxed_str();
        if let Some(known) = self.shared.get(&text) {
            return Arc::clone(known);
        }
        self.bytes += text.len() + SHARED_BYTES;
        let text = Arc::new(text);
        self.shared.insert(Arc::clone(&text));
        text
    }
}

impl PartialEq for Accounts {
    fn eq(&self, other: &Accounts) -> bool {
        self.accounts == other.accounts
    }
}

impl Directory for Accounts {
    fn account(&self, id: &str) -> Option<&dyn AccountFacts> {
        self.get(id).map(|account| account as &dyn AccountFacts)
    }
}

impl AccountFacts for Account {
    fn name(&self) -> Option<&str> {
        self.name()
    }

    fn ou(&self) -> Option<&str> {
        self.ou()
    }

    fn tags(&self) -> Vec<(&str, &str)> {
        self.tags().collect()
    }
}

/// The accounts that a process knows now.
pub type CurrentAccounts = Current<Accounts>;

/// Merges the entries of an account from two sources. The second wins.
fn over(known: AccountEntry, wins: AccountEntry) -> AccountEntry {
    let text = |wins: String, known| if wins.is_empty() { known } else { wins };
    AccountEntry {
        id: wins.id,
        name: text(wins.name, known.name),
        email: text(wins.email, known.email),
        ou: text(wins.ou, known.ou),
        status: wins.status.or(known.status),
        tags: if wins.tags.is_empty() { known.tags } else { wins.tags },
    }
}

fn ou(raw: &str) -> Result<Option<String>, BadAccount> {
    let path = Text::new(raw, OU_CHARS_MAX).into_string();
    match path.trim_end_matches('/') {
        "" if path.is_empty() => Ok(None),
        "" => Ok(Some("/".to_owned())),
        path if path.starts_with('/') && !path.contains("//") => Ok(Some(path.to_owned())),
        _ => Err(BadAccount::Ou),
    }
}

fn tags(raw: &BTreeMap<String, String>) -> Result<Vec<String>, BadAccount> {
    let clean = |(key, value): (&String, &String)| {
        (Text::new(key, TAG_KEY_CHARS_MAX), Text::new(value, TAG_VALUE_CHARS_MAX))
    };
    let tags: BTreeMap<Text, Text> = raw.iter().take(TAGS_MAX + 1).map(clean).collect();
    if raw.len() > TAGS_MAX || tags.keys().any(Text::is_empty) {
        return Err(BadAccount::Tags);
    }
    Ok(tags.iter().map(|(key, value)| format!("{key}{TAG_GAP}{value}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str) -> AccountEntry {
        AccountEntry { id: id.to_owned(), ..AccountEntry::default() }
    }

    fn tagged(id: &str, tags: &[(&str, &str)]) -> AccountEntry {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        AccountEntry { tags: tags.collect(), ..entry(id) }
    }

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
    fn all_but_the_id_is_optional_and_cleaned() {
        let mut accounts = Accounts::default();
        accounts
            .insert(&AccountEntry {
                name: "prod\u{202e}-shop".to_owned(),
                email: " shop@a.example ".to_owned(),
                ou: "/prod/pay\u{200b}ments/".to_owned(),
                status: Some(AccountStatus::Suspended),
                ..tagged("111122223333", &[("team", "pay\nments"), (" env ", ""), ("a:b", "x=y")])
            })
            .unwrap();
        let full = accounts.get("111122223333").unwrap();
        assert_eq!((full.id(), full.name()), ("111122223333", Some("prod-shop")));
        assert_eq!((full.email(), full.ou()), (Some("shop@a.example"), Some("/prod/payments")));
        assert_eq!(full.status().map(AccountStatus::as_str), Some("SUSPENDED"));
        assert_eq!(
            full.tags().collect::<Vec<_>>(),
            [("a:b", "x=y"), ("env", ""), ("team", "pay ments")]
        );
        assert_eq!((full.tag("env"), full.tag("Env")), (Some(""), None));
        let again = full.entry();
        for (ou, kept) in [
            ("/", Ok(Some("/"))),
            ("/a b/c", Ok(Some("/a b/c"))),
            ("prod", Err(BadAccount::Ou)),
            ("/a//b", Err(BadAccount::Ou)),
            ("", Err(BadAccount::Name)),
        ] {
            let mut accounts = Accounts::default();
            let added =
                accounts.insert(&AccountEntry { ou: ou.to_owned(), ..entry("000000000001") });
            let kept_ou = accounts.get("000000000001").and_then(Account::ou);
            assert_eq!(added.map(|()| kept_ou), kept, "{ou}");
        }
        let mut copy = Accounts::default();
        copy.insert(&again).unwrap();
        assert_eq!(copy.get("111122223333"), Some(full));
        let many: Vec<_> = (0..51).map(|n| n.to_string()).collect();
        let many: Vec<_> = many.iter().map(|key| (key.as_str(), "")).collect();
        assert_eq!(copy.insert(&tagged("000000000001", &many)), Err(BadAccount::Tags));
        assert_eq!(copy.insert(&tagged("000000000001", &[(" ", "x")])), Err(BadAccount::Tags));
        assert_eq!(copy.len(), 1);
    }

    #[test]
    fn what_is_laid_over_wins_field_by_field() {
        let mut accounts = Accounts::default();
        let known = AccountEntry {
            name: "old".to_owned(),
            ou: "/prod".to_owned(),
            ..tagged("111122223333", &[("team", "a")])
        };
        accounts.insert(&known).unwrap();
        let mut over = Accounts::default();
        over.add("111122223333", "new").unwrap();
        over.add("000000000001", "other").unwrap();
        accounts.overlay(&over).unwrap();
        let names: Vec<_> = accounts.iter().map(|a| (a.id(), a.name().unwrap())).collect();
        assert_eq!(names, [("000000000001", "other"), ("111122223333", "new")]);
        let both = accounts.get("111122223333").unwrap();
        assert_eq!((both.ou(), both.tag("team")), (Some("/prod"), Some("a")));
    }
}
