//! The names of accounts: the section `[accounts]`, and the file that `accounts_file` names. The
//! file is a CSV (`id,name`), or the JSON that `aws organizations list-accounts` prints.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::mistake::{Gathered, MISTAKES_MAX};
use super::raw::Raw;
use super::values;
use crate::ports::Accounts;

/// AWS prints about 400 bytes for an account.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// An account as it is written, and its place in the file.
struct Entry {
    place: String,
    account: Result<(String, String), String>,
}

/// Reads the file, and lays the section over it.
pub fn accounts(raw: &Raw, gathered: &mut Gathered) -> Accounts {
    let path = gathered.read("accounts_file", &raw.accounts_file, values::path);
    let entries = path.map(|path| read_bounded(&path).and_then(|text| entries(&text)));
    let mut accounts = match entries.transpose() {
        Ok(entries) => named("accounts_file", entries.into_iter().flatten(), gathered),
        Err(why) => {
            gathered.mistake("accounts_file", why);
            Accounts::default()
        }
    };
    // The ids are not repeated in mistakes: one may be a misplaced secret.
    let section = raw.accounts.iter().zip(1..).map(|((id, name), number)| Entry {
        place: format!("entry {number} by id"),
        account: name.text().map(|name| (id.clone(), name.to_owned())),
    });
    if let Err(why) = accounts.overlay(&named("accounts", section, gathered)) {
        gathered.mistake("accounts", format!("an entry {why}"));
    }
    accounts
}

/// Adds the accounts, and reports those that are none, each with its place.
fn named(key: &str, entries: impl Iterator<Item = Entry>, gathered: &mut Gathered) -> Accounts {
    let mut accounts = Accounts::default();
    let add = |Entry { place, account }| {
        let added = account.and_then(|(id, name): (String, String)| {
            accounts.add(&id, &name).map_err(|why| why.to_string())
        });
        added.err().map(|why| format!("{place} {why}"))
    };
    let wrong: Vec<String> = entries.filter_map(add).take(MISTAKES_MAX).collect();
    wrong.into_iter().for_each(|what| gathered.mistake(key, what));
    accounts
}

fn read_bounded(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|e| format!("can't be opened: {e}"))?;
    let mut text = String::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(|e| format!("can't be read: {e}"))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("must have at most {} MiB", FILE_BYTES_MAX >> 20));
    }
    Ok(text)
}

fn entries(text: &str) -> Result<Vec<Entry>, String> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') { of_json(text) } else { Ok(of_csv(text)) }
}

/// Source: AWS CLI reference, `organizations list-accounts`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListAccounts {
    accounts: Vec<ListedAccount>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedAccount {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
}

fn of_json(text: &str) -> Result<Vec<Entry>, String> {
    // The parser's own message may repeat a value.
    let list: ListAccounts = serde_json::from_str(text).map_err(|e| {
        let (line, column) = (e.line(), e.column());
        format!(
            "is not what `aws organizations list-accounts` prints, {{\"Accounts\": [{{\"Id\": …, \
             \"Name\": …}}]}}: line {line}, column {column}"
        )
    })?;
    let entry = |(account, number): (ListedAccount, usize)| Entry {
        place: format!("Accounts[{number}]"),
        account: Ok((account.id, account.name)),
    };
    Ok(list.accounts.into_iter().zip(1..).map(entry).collect())
}

/// Lines of `id,name`. The first may have the heads of the columns.
fn of_csv(text: &str) -> Vec<Entry> {
    let is_head = |line: &str| line.trim_start_matches('"').starts_with(char::is_alphabetic);
    text.lines()
        .map(str::trim)
        .zip(1..)
        .filter(|(line, number)| !line.is_empty() && (*number > 1 || !is_head(line)))
        .map(|(line, number)| Entry { place: format!("line {number}"), account: row(line) })
        .collect()
}

/// Two fields with a comma between them. A field in quotes may hold commas, and quotes doubled.
/// Source: RFC 4180.
fn row(line: &str) -> Result<(String, String), String> {
    let fields = field(line).and_then(|(id, rest)| {
        let (name, end) = field(rest.strip_prefix(',')?)?;
        end.is_empty().then_some((id, name))
    });
    fields.ok_or_else(|| "must be id,name; write a name with a comma in quotes".to_owned())
}

/// The first field of a line, and what follows it.
fn field(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        let (field, rest) = text.split_at(end);
        return Some((field.trim_end().to_owned(), rest));
    };
    let mut field = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('"')?;
        field.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => return Some((field, after.trim_start())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<(String, String)>, Vec<String>) {
        let mut gathered = Gathered::default();
        let accounts = match entries(text) {
            Ok(entries) => named("accounts_file", entries.into_iter(), &mut gathered),
            Err(why) => {
                gathered.mistake("accounts_file", why);
                Accounts::default()
            }
        };
        let known = ["111122223333", "000000000042"];
        let named = |id: &str| Some((id.to_owned(), accounts.name(id)?.to_owned()));
        let mistakes = gathered.mistakes.iter().map(ToString::to_string).collect();
        (known.into_iter().filter_map(named).collect(), mistakes)
    }

    #[test]
    fn csv_and_json_give_the_same_names() {
        let json = r#"{"Accounts":[{"Id":"111122223333","Arn":"arn:x","Email":"a@b.example",
            "Name":"prod-shop","Status":"ACTIVE","JoinedTimestamp":1.5},
            {"Id":"000000000042","Name":"Data, \"raw\""}]}"#;
        for text in [
            json.to_owned(),
            format!("\u{feff}\n {json}\n"),
            "\"111122223333\",prod-shop\n000000000042,\"Data, \"\"raw\"\"\"\n".to_owned(),
            "Id,Name\r\n\r\n 111122223333 , prod-shop \r\n\"000000000042\" , \"Data, \"\"raw\"\"\" "
                .to_owned(),
            "\u{feff}\"Account id\",\"Name\"\n111122223333,\"prod-shop\"\n\
             000000000042,\"Data, \"\"raw\"\"\""
                .to_owned(),
        ] {
            let (names, mistakes) = read(&text);
            let expected = [("111122223333", "prod-shop"), ("000000000042", "Data, \"raw\"")];
            assert_eq!(mistakes, [""; 0], "{text}");
            assert_eq!(names, expected.map(|(id, name)| (id.to_owned(), name.to_owned())));
        }
    }

    #[test]
    fn a_bad_account_is_named_by_its_place_and_never_repeated() {
        for (text, expected) in [
            ("111122223333", "accounts_file: line 1 must be id,name; write a name with a comma"),
            ("111122223333,a\n42,SECRET", "accounts_file: line 2 must have an account id of 12"),
            ("111122223333,a\n111122223333,b", "accounts_file: line 2 must not repeat the id"),
            ("111122223333,Prod, SECRET", "accounts_file: line 1 must be id,name"),
            ("111122223333,\"SECRET", "accounts_file: line 1 must be id,name"),
            ("111122223333,\"a\"SECRET", "accounts_file: line 1 must be id,name"),
            ("\n\n111122223333,\n", "accounts_file: line 3 must have a name"),
            (r#"{"Accounts":[{"Name":"SECRET"}]}"#, "accounts_file: Accounts[1] must have an acc"),
            (r#"{"Accounts":[{"Id":1}]}"#, "accounts_file: is not what `aws organizations"),
            (r#"{"Accounts":"SECRET"}"#, "accounts_file: is not what `aws organizations"),
            ("{\n\"SECRET", "accounts_file: is not what `aws organizations"),
        ] {
            let (_, mistakes) = read(text);
            assert_eq!(mistakes.len(), 1, "{text}: {mistakes:?}");
            assert!(mistakes[0].starts_with(expected), "{text}: {mistakes:?}");
            assert!(!mistakes[0].contains("SECRET"), "{mistakes:?}");
        }
        assert_eq!(read(&"x,y\n".repeat(5_000)).1.len(), MISTAKES_MAX);
    }
}
