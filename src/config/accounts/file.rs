//! The forms of a file of accounts: the JSON that `aws organizations list-accounts` prints, the
//! JSON that `hansho accounts list --json` prints, and CSV.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use serde::Deserialize;

use super::Entry;
use crate::ports::{AccountEntry, AccountStatus};

/// AWS prints about 400 bytes for an account.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// The start of the head of a column with a tag. The rest is the tag's key.
const TAG: &str = "tag:";

/// Reads the accounts of a file.
pub fn entries(path: &Path) -> Result<Vec<Entry>, String> {
    entries_of(&text_of(path)?)
}

/// The whole text of a file.
pub fn text_of(path: &Path) -> Result<String, String> {
    text(File::open(path).map_err(|e| format!("can't be opened: {e}"))?)
}

/// The whole text of a source.
pub fn text(source: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = source.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|e| format!("can't be read: {e}"))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("must have at most {} MiB", FILE_BYTES_MAX >> 20));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8: save it as CSV in UTF-8".to_owned())
}

pub fn entries_of(text: &str) -> Result<Vec<Entry>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let entries = match text.trim_start() {
        "" => return Err("is empty: write a line for each account, or remove the key".to_owned()),
        json if json.starts_with('{') => of_json(text)?,
        _ => of_csv(text)?,
    };
    if entries.is_empty() { Err("has no accounts".to_owned()) } else { Ok(entries) }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Listed {
    Aws(ListAccounts),
    Own { accounts: Vec<AccountEntry> },
}

/// Source: AWS CLI reference, `organizations list-accounts`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListAccounts {
    accounts: Vec<ListedAccount>,
    next_token: Option<String>,
}

/// `State` takes the place of `Status`, which AWS retired in 2026.
/// Source: Organizations API reference, `Account`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct ListedAccount {
    id: String,
    name: String,
    email: String,
    state: Option<String>,
    status: Option<String>,
}

impl From<ListedAccount> for AccountEntry {
    fn from(listed: ListedAccount) -> AccountEntry {
        let ListedAccount { id, name, email, state, status } = listed;
        // One that AWS adds in future is none.
        let status = state.or(status).and_then(|status| AccountStatus::parse(&status));
        AccountEntry { id, name, email, status, ..AccountEntry::default() }
    }
}

fn of_json(text: &str) -> Result<Vec<Entry>, String> {
    // The parser's own message may repeat a value.
    let unreadable = |_| {
        "is not what `aws organizations list-accounts` prints, {\"Accounts\": [{\"Id\": …, \
         \"Name\": …}]}, nor what `hansho accounts list --json` prints, {\"accounts\": [{\"id\": …, \
         \"name\": …, \"email\": …, \"ou\": …, \"status\": …, \"tags\": {…}}]}"
            .to_owned()
    };
    let (list, accounts): (_, Vec<AccountEntry>) = match serde_json::from_str(text)
        .map_err(unreadable)?
    {
        Listed::Aws(ListAccounts { next_token: Some(_), .. }) => {
            return Err(
                "is cut off: it has a NextToken. List all accounts, without --max-items".to_owned()
            );
        }
        Listed::Aws(list) => ("Accounts", list.accounts.into_iter().map(Into::into).collect()),
        Listed::Own { accounts } => ("accounts", accounts),
    };
    let entry = |(account, number): (AccountEntry, usize)| Entry {
        place: format!("{list}[{number}]"),
        account: Ok(account),
    };
    Ok(accounts.into_iter().zip(1..).map(entry).collect())
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Id,
    Name,
    Email,
    Ou,
    Status,
    Tag(String),
}

impl Column {
    /// `Account id` is an id too.
    fn of(head: &str) -> Option<Column> {
        let lower = head.to_ascii_lowercase();
        if lower.starts_with(TAG) && lower.len() > TAG.len() {
            // The case of a key counts.
            return Some(Column::Tag(head[TAG.len()..].trim().to_owned()));
        }
        Some(match lower.strip_prefix("account ").unwrap_or(&lower) {
            "id" | "account" | "accountid" => Column::Id,
            "name" => Column::Name,
            "email" => Column::Email,
            "ou" => Column::Ou,
            "status" => Column::Status,
            _ => return None,
        })
    }
}

/// The first line names the columns. Without it they are id and name.
fn of_csv(text: &str) -> Result<Vec<Entry>, String> {
    let lines = text.lines().zip(1..).filter(|(line, _)| !is_blank(line));
    let mut lines = lines.map(|(line, number)| (fields(line), number)).peekable();
    let is_head = |(line, _): &(Result<StringRecord, String>, u32)| {
        line.as_ref().is_ok_and(|line| line[0].starts_with(char::is_alphabetic))
    };
    let columns = match lines.next_if(is_head) {
        Some((head, _)) => Some(columns(&head?)?),
        None => None,
    };
    let entry = |(line, number): (Result<StringRecord, String>, u32)| Entry {
        place: format!("line {number}"),
        account: line.and_then(|line| account(columns.as_deref(), &line)),
    };
    Ok(lines.map(entry).collect())
}

/// A spreadsheet writes an empty row as commas.
pub fn is_blank(line: &str) -> bool {
    line.chars().all(|c| c == ',' || c.is_whitespace())
}

/// The fields of a line that is not blank. Line by line, a quote that is not closed costs one
/// account and not all that follow.
pub fn fields(line: &str) -> Result<StringRecord, String> {
    if line.matches('"').count() % 2 == 1 {
        return Err("must close each quote that it opens".to_owned());
    }
    let reader =
        ReaderBuilder::new().has_headers(false).trim(Trim::All).from_reader(line.as_bytes());
    let record = reader.into_records().next().and_then(Result::ok);
    record.ok_or_else(|| "can't be read".to_owned())
}

fn columns(head: &StringRecord) -> Result<Vec<Column>, String> {
    let mut columns = Vec::new();
    let mut seen = BTreeSet::new();
    for (head, number) in head.iter().zip(1..) {
        let column = Column::of(head).ok_or_else(|| {
            format!(
                "line 1 has an unknown column, number {number}: known are id, name, email, ou, \
                 status and {TAG}KEY"
            )
        })?;
        if !seen.insert(column.clone()) {
            return Err(format!("line 1 has a column twice, number {number}"));
        }
        columns.push(column);
    }
    if seen.contains(&Column::Id) { Ok(columns) } else { Err("line 1 has no column id".to_owned()) }
}

fn account(columns: Option<&[Column]>, line: &StringRecord) -> Result<AccountEntry, String> {
    let known = columns.unwrap_or(&[Column::Id, Column::Name]);
    if line.len() != known.len() {
        return Err(match columns {
            None => "must be id,name; write a name with a comma in quotes".to_owned(),
            Some(known) => format!(
                "must have {} fields, as the first line; write a text with a comma in quotes",
                known.len()
            ),
        });
    }
    let mut account = AccountEntry::default();
    for (column, field) in known.iter().zip(line) {
        let text = field.to_owned();
        match column {
            Column::Id => account.id = text,
            Column::Name => account.name = text,
            Column::Email => account.email = text,
            Column::Ou => account.ou = text,
            Column::Status => account.status = status(field)?,
            Column::Tag(_) if field.is_empty() => {}
            Column::Tag(key) => {
                account.tags.insert(key.clone(), text);
            }
        }
    }
    Ok(account)
}

fn status(field: &str) -> Result<Option<AccountStatus>, String> {
    if field.is_empty() {
        return Ok(None);
    }
    let status = AccountStatus::parse(&field.to_ascii_uppercase());
    status.map(Some).ok_or_else(|| {
        let known = AccountStatus::ALL.map(AccountStatus::as_str).join(", ");
        format!("must have a status that is one of {known}")
    })
}
