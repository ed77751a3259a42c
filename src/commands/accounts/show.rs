//! Accounts as a table, as text and as JSON. Their texts are clean already.

use serde::Serialize;
use serde_json::json;

use crate::commands::table::{TableColumn, age, draw, or_none};
use crate::instants::Wall;
use crate::policy::directory::is_stale;
use crate::policy::record::DocumentRecord;
use crate::ports::{Account, AccountEntry, AccountStatus, Accounts};
use crate::terminal::terminal_columns;
use crate::words::number_of;

const LIST: [TableColumn; 6] = [
    TableColumn::left("ID", 12, 12),
    TableColumn::left("NAME", 50, 12),
    TableColumn::left("STATUS", 18, 6),
    TableColumn::left("OU", 60, 10),
    TableColumn::left("EMAIL", 64, 10),
    TableColumn::left("TAGS", 200, 10),
];

pub fn list(accounts: &Accounts) -> String {
    if accounts.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = accounts.iter().map(|account| cells(account).into()).collect();
    draw(&LIST, &rows, terminal_columns())
}

fn cells(account: &Account) -> [String; 6] {
    let text = |text: Option<&str>| or_none(text.unwrap_or_default());
    let tags: Vec<String> = account.tags().map(|(key, value)| format!("{key}={value}")).collect();
    [
        account.id().to_owned(),
        text(account.name()),
        text(account.status().map(AccountStatus::as_str)),
        text(account.ou()),
        text(account.email()),
        or_none(&tags.join(", ")),
    ]
}

pub fn one(account: &Account) -> String {
    let heads = ["id", "name", "status", "ou", "email", "tags"];
    let lines = heads.iter().zip(cells(account));
    lines.map(|(head, cell)| format!("{head:<7} {cell}\n")).collect()
}

pub fn one_json(account: &Account) -> serde_json::Result<String> {
    line(&account.entry())
}

fn line(value: &impl Serialize) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// This is also a form of `accounts_file`.
pub fn list_json(accounts: &Accounts, head: Option<&DocumentRecord>) -> serde_json::Result<String> {
    let entries: Vec<AccountEntry> = accounts.iter().map(Account::entry).collect();
    let synced_at = head.map(|head| head.written_at.to_rfc3339());
    line(&json!({ "synced_at": synced_at, "accounts": entries }))
}

/// How many accounts are known, and how old the directory is.
pub fn state(known: usize, head: Option<&DocumentRecord>, now: Wall) -> String {
    let directory = match head {
        None => "the ledger has no directory: run `hansho accounts sync`".to_owned(),
        Some(head) => {
            let old = age(now.since(head.written_at));
            let stale =
                if is_stale(head, now) { ", stale: run `hansho accounts sync`" } else { "" };
            format!("the directory was synced {old} ago{stale}")
        }
    };
    format!("{}; {directory}", number_of(known, "account"))
}
