//! The accounts that the configuration knows: the section `[accounts]`, and the file that
//! `accounts_file` names.

mod file;
mod lists;

pub use lists::{MemberEntry, account_ids_of_file, members_of_file};

use super::mistake::{Gathered, MISTAKES_MAX, Mistake};
use super::raw::Raw;
use super::values;
use crate::ports::{AccountEntry, Accounts};

/// An account as it is written, and its place in the file.
struct Entry {
    place: String,
    account: Result<AccountEntry, String>,
}

/// Reads the file, and lays the section over it.
pub fn accounts(raw: &Raw, gathered: &mut Gathered) -> Accounts {
    let path = gathered.read("accounts_file", &raw.accounts_file, values::path);
    let entries = path.map(|path| file::entries(&path));
    let mut accounts = of_file("accounts_file", entries.unwrap_or(Ok(Vec::new())), gathered);
    // The ids are not repeated in mistakes: one may be a misplaced secret.
    let section = raw.accounts.iter().zip(1..).map(|((id, name), number)| Entry {
        place: format!("entry {number} by id"),
        account: name.text().and_then(|name| named(id, name)),
    });
    if let Err(why) = accounts.overlay(&all("accounts", section, gathered)) {
        gathered.mistake("accounts", format!("an entry {why}"));
    }
    accounts
}

/// The accounts of a file that has one of the forms of `accounts_file`.
///
/// # Errors
/// All that is wrong with it, each with its place. `key` says where the file was named.
pub fn accounts_of_file(key: &str, path: &std::path::Path) -> Result<Accounts, Vec<Mistake>> {
    valid(key, file::entries(path))
}

/// As [`accounts_of_file`], from an open source.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn accounts_of(key: &str, source: impl std::io::Read) -> Result<Accounts, Vec<Mistake>> {
    valid(key, file::text(source).and_then(|text| file::entries_of(&text)))
}

fn valid(key: &str, entries: Result<Vec<Entry>, String>) -> Result<Accounts, Vec<Mistake>> {
    let mut gathered = Gathered::default();
    let accounts = of_file(key, entries, &mut gathered);
    if gathered.mistakes.is_empty() { Ok(accounts) } else { Err(gathered.mistakes) }
}

/// An account of the section, which has nothing but a name.
fn named(id: &str, name: &str) -> Result<AccountEntry, String> {
    Ok(AccountEntry { id: id.to_owned(), name: name.to_owned(), ..AccountEntry::default() })
}

fn of_file(key: &str, entries: Result<Vec<Entry>, String>, gathered: &mut Gathered) -> Accounts {
    let entries = entries.unwrap_or_else(|why| {
        gathered.mistake(key, why);
        Vec::new()
    });
    all(key, entries.into_iter(), gathered)
}

/// Adds the accounts, and reports those that are none, each with its place.
fn all(key: &str, entries: impl Iterator<Item = Entry>, gathered: &mut Gathered) -> Accounts {
    let mut accounts = Accounts::default();
    let add = |Entry { place, account }| {
        let added = account.and_then(|account: AccountEntry| {
            accounts.insert(&account).map_err(|why| why.to_string())
        });
        added.err().map(|why| format!("{place} {why}"))
    };
    let wrong: Vec<String> = entries.filter_map(add).take(MISTAKES_MAX).collect();
    wrong.into_iter().for_each(|what| gathered.mistake(key, what));
    accounts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<AccountEntry>, Vec<String>) {
        let mut gathered = Gathered::default();
        let accounts = of_file("accounts_file", file::entries_of(text), &mut gathered);
        let mistakes = gathered.mistakes.iter().map(ToString::to_string).collect();
        (accounts.iter().map(crate::ports::Account::entry).collect(), mistakes)
    }

    fn entry(id: &str, name: &str) -> AccountEntry {
        named(id, name).unwrap()
    }

    #[test]
    fn csv_and_json_give_the_same_names() {
        let json = r#"{"Accounts":[{"Id":"111122223333","Arn":"arn:x","Name":"prod-shop",
            "JoinedTimestamp":1.5,"Paths":["o-1/r-1/1"]},
            {"Id":"000000000042","Name":"Data, \"raw\"","State":"NEW"}],"NextToken":null}"#;
        for text in [
            json.to_owned(),
            format!("\u{feff}\n {json}\n"),
            "\"111122223333\",prod-shop\n000000000042,\"Data, \"\"raw\"\"\"\n".to_owned(),
            "Id,Name\r\n\r\n 111122223333 , prod-shop \r\n  \n\"000000000042\",\"Data, \"\"raw\"\"\" "
                .to_owned(),
            "\u{feff}\"Account id\",\"Name\"\n111122223333,\"prod-shop\"\n\
             000000000042,\"Data, \"\"raw\"\"\""
                .to_owned(),
            "NAME,team,id\nprod-shop,,111122223333\n,,\n\"Data, \"\"raw\"\"\",,000000000042"
                .replace("team", "tag:team"),
            r#"{"synced_at":null,"accounts":[{"id":"111122223333","name":"prod-shop"},
                {"id":"000000000042","name":"Data, \"raw\""}]}"#
                .to_owned(),
        ] {
            let (accounts, mistakes) = read(&text);
            assert_eq!(mistakes, [""; 0], "{text}");
            let expected = [entry("000000000042", "Data, \"raw\""), entry("111122223333", "prod-shop")];
            assert_eq!(accounts, expected, "{text}");
        }
    }

    #[test]
    fn every_form_can_say_more_than_names() {
        let full = AccountEntry {
            email: "shop@a.example".to_owned(),
            status: Some(crate::ports::AccountStatus::Suspended),
            ..entry("111122223333", "prod-shop")
        };
        let own = AccountEntry {
            ou: "/prod/payments".to_owned(),
            tags: [("team", "shop"), ("a:b", "c")].map(|(k, v)| (k.into(), v.into())).into(),
            ..full.clone()
        };
        let json = serde_json::to_string(&own).unwrap();
        for (text, expected) in [
            (
                r#"{"Accounts":[{"Id":"111122223333","Name":"prod-shop","Email":"shop@a.example",
                    "Status":"ACTIVE","State":"SUSPENDED"}]}"#,
                &full,
            ),
            (
                r#"{"Accounts":[{"Id":"111122223333","Name":"prod-shop","Email":"shop@a.example",
                    "Status":"SUSPENDED"}]}"#,
                &full,
            ),
            (&format!(r#"{{"accounts":[{json}]}}"#), &own),
            (
                "id,name,email,ou,status,tag:team,tag:a:b\n\
                 111122223333,prod-shop,shop@a.example,/prod/payments,suspended,shop,c\n",
                &own,
            ),
        ] {
            assert_eq!(read(text), (vec![expected.clone()], Vec::new()), "{text}");
        }
    }

    #[test]
    fn a_bad_account_is_named_by_its_place_and_never_repeated() {
        for (text, expected) in [
            ("", "accounts_file: is empty"),
            ("id,name\n", "accounts_file: has no accounts"),
            (r#"{"Accounts":[]}"#, "accounts_file: has no accounts"),
            (
                r#"{"Accounts":[{"Id":"111122223333","Name":"a"}],"NextToken":"SECRET"}"#,
                "accounts_file: is cut off: it has a NextToken. List all accounts, without",
            ),
            ("111122223333", "accounts_file: line 1 must be id,name; write a name with a comma"),
            ("111122223333,a\n42,SECRET", "accounts_file: line 2 must have an account id of 12"),
            ("111122223333,a\n111122223333,b", "accounts_file: line 2 must not repeat the id"),
            ("111122223333,Prod, SECRET", "accounts_file: line 1 must be id,name"),
            (
                "111122223333,\"SECRET\n000000000042,b",
                "accounts_file: line 1 must close each quote",
            ),
            ("\n\n111122223333,\n", "accounts_file: line 3 must have a name"),
            ("id,ou\n111122223333,SECRET", "accounts_file: line 2 must have an ou that is a path"),
            ("id,status\n111122223333,SECRET", "accounts_file: line 2 must have a status that is"),
            ("id,name,ou\n111122223333,SECRET", "accounts_file: line 2 must have 3 fields"),
            ("id,SECRET\n", "accounts_file: line 1 has an unknown column, number 2: known are id,"),
            ("id,account tag:x\n", "accounts_file: line 1 has an unknown column, number 2"),
            ("id,name,NAME\n", "accounts_file: line 1 has a column twice, number 3"),
            ("name,ou\n", "accounts_file: line 1 has no column id"),
            (r#"{"Accounts":[{"Name":"SECRET"}]}"#, "accounts_file: Accounts[1] must have an acc"),
            (r#"{"Accounts":[{"Id":1}]}"#, "accounts_file: is not what `aws organizations"),
            (r#"{"Accounts":"SECRET"}"#, "accounts_file: is not what `aws organizations"),
            (r#"{"accounts":[{"id":"1","SECRET":2}]}"#, "accounts_file: is not what `aws organiz"),
            ("{\n\"SECRET", "accounts_file: is not what `aws organizations"),
            ("{}", "accounts_file: is not what `aws organizations"),
        ] {
            let (_, mistakes) = read(text);
            assert_eq!(mistakes.len(), 1, "{text}: {mistakes:?}");
            assert!(mistakes[0].starts_with(expected), "{text}: {mistakes:?}");
            assert!(!mistakes[0].contains("SECRET"), "{mistakes:?}");
        }
        assert_eq!(read(&"x,y\n".repeat(5_000)).1.len(), 1);
        assert_eq!(read(&"1,y\n".repeat(5_000)).1.len(), MISTAKES_MAX);
    }
}
