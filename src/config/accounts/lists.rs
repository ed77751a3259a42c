//! Lists of accounts that a rollout takes: ids alone, and ids with addresses.
//!
//! - `stacksets_accounts.csv`: ids, on one line or on several.
//! - `guardduty_member_accounts.csv`: `account,email` on each line.
//!
//! Every mistake is reported with its line, and all at once. No value is repeated in a mistake.

use std::collections::BTreeMap;
use std::path::Path;

use super::file::{fields, is_blank, text_of};
use super::{MISTAKES_MAX, Mistake, accounts_of_file};
use crate::finding::arn::is_account_id;
use crate::ports::{ACCOUNTS_MAX, Account};

/// Source: GuardDuty API reference, `AccountDetail`; Organizations API reference, CreateAccount.
const EMAIL_CHARS: std::ops::RangeInclusive<usize> = 6..=64;
/// Source: Organizations API reference, CreateAccount, `Email`.
const NOT_IN_LOCAL_NAME: &str = "\"'()<>[]:;,\\|%&";
const BYTE_ORDER_MARK: char = '\u{feff}';

/// An account that is invited, with the address of its owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberEntry {
    pub account: String,
    pub email: String,
}

/// The ids of a file: a list of ids, or one of the forms of `accounts_file`. Ordered by id.
///
/// # Errors
/// All that is wrong with it, each with its line. `key` says where the file was named.
pub fn account_ids_of_file(key: &str, path: &Path) -> Result<Vec<String>, Vec<Mistake>> {
    let text = text_of(path).map_err(|why| vec![Mistake::of(key, why)])?;
    if is_id_list(&text) {
        return all(key, ids_of(&text));
    }
    Ok(accounts_of_file(key, path)?
        .iter()
        .map(|account: &Account| account.id().to_owned())
        .collect())
}

/// The members of a file with `account,email` on each line. Ordered by account.
///
/// # Errors
/// All that is wrong with it, each with its line. `key` says where the file was named.
pub fn members_of_file(key: &str, path: &Path) -> Result<Vec<MemberEntry>, Vec<Mistake>> {
    let text = text_of(path).map_err(|why| vec![Mistake::of(key, why)])?;
    all(key, members_of(&text))
}

fn all<T>(key: &str, read: Result<Vec<T>, Vec<String>>) -> Result<Vec<T>, Vec<Mistake>> {
    let mistakes = |all: Vec<String>| {
        all.into_iter().take(MISTAKES_MAX).map(|what| Mistake::of(key, what)).collect()
    };
    read.map_err(mistakes)
}

/// A file whose first line has no letters holds nothing but ids.
fn is_id_list(text: &str) -> bool {
    let first = text.trim_start_matches(BYTE_ORDER_MARK).lines().find(|line| !is_blank(line));
    first.is_none_or(|line| !line.contains(|c: char| c.is_alphabetic() || c == '{'))
}

/// The lines that are not blank, each with its number from 1. One byte order mark before all is
/// what a spreadsheet writes.
fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    (1..).zip(text.lines()).filter(|(_, line)| !is_blank(line))
}

/// The fields of a line.
fn fields_of(line: &str) -> Result<csv::StringRecord, String> {
    if line.contains('\r') {
        return Err("must not have a carriage return inside: end lines with LF or CRLF".to_owned());
    }
    if line.contains(BYTE_ORDER_MARK) {
        return Err("must not have a byte order mark inside: files were joined".to_owned());
    }
    fields(line)
}

/// Gathers values and mistakes, and finds what is written twice.
#[derive(Default)]
struct Lists {
    mistakes: Vec<String>,
    lines_of: BTreeMap<String, u32>,
}

impl Lists {
    fn wrong(&mut self, line: u32, why: &str) {
        self.mistakes.push(format!("line {line} {why}"));
    }

    /// Returns whether the text is new.
    fn once(&mut self, line: u32, what: &str, text: &str) -> bool {
        // The case of an address does not count.
        let first = *self.lines_of.entry(text.to_ascii_lowercase()).or_insert(line);
        let count = self.lines_of.len();
        if first != line || count > 2 * ACCOUNTS_MAX {
            self.wrong(line, &format!("must not repeat the {what} of line {first}"));
            return false;
        }
        true
    }

    fn end<T: Ord>(mut self, mut values: Vec<T>) -> Result<Vec<T>, Vec<String>> {
        if values.is_empty() && self.mistakes.is_empty() {
            self.mistakes.push("has no accounts: write an id of 12 digits on each line".to_owned());
        }
        if values.len() > ACCOUNTS_MAX {
            self.mistakes.push(format!("has more than {ACCOUNTS_MAX} accounts"));
        }
        values.sort();
        if self.mistakes.is_empty() { Ok(values) } else { Err(self.mistakes) }
    }
}

fn ids_of(text: &str) -> Result<Vec<String>, Vec<String>> {
    let mut lists = Lists::default();
    let mut ids = Vec::new();
    for (line, text) in lines(text) {
        match fields_of(text) {
            Err(why) => lists.wrong(line, &why),
            Ok(fields) => {
                // A list may end with a comma.
                for id in fields.iter().filter(|id| !id.is_empty()) {
                    match account_id(id) {
                        Err(why) => lists.wrong(line, &why),
                        Ok(()) if !once_in_list(&mut lists, line, id, &ids) => {}
                        Ok(()) => ids.push(id.to_owned()),
                    }
                }
            }
        }
    }
    lists.end(ids)
}

/// An id can be repeated on its own line too.
fn once_in_list(lists: &mut Lists, line: u32, id: &str, ids: &[String]) -> bool {
    if lists.lines_of.get(id) == Some(&line) && ids.iter().any(|known| known == id) {
        lists.wrong(line, "must not repeat an id");
        return false;
    }
    lists.once(line, "id", id)
}

fn members_of(text: &str) -> Result<Vec<MemberEntry>, Vec<String>> {
    let mut lists = Lists::default();
    let mut members = Vec::new();
    let mut swapped = false;
    for (number, (line, text)) in lines(text).enumerate() {
        let fields = match fields_of(text) {
            Ok(fields) => fields,
            Err(why) => {
                lists.wrong(line, &why);
                continue;
            }
        };
        if number == 0 && is_head(&fields) {
            match order_of(&fields) {
                Some(order) => swapped = order,
                None => lists.wrong(line, "must be account,email, or an account"),
            }
            continue;
        }
        if fields.len() != 2 {
            lists.wrong(line, "must have two fields, account,email");
            continue;
        }
        let (account, email) =
            if swapped { (&fields[1], &fields[0]) } else { (&fields[0], &fields[1]) };
        let wrong = [account_id(account), address(email)].map(Result::err);
        wrong.iter().flatten().for_each(|why| lists.wrong(line, why));
        let new = wrong[0].is_none() && lists.once(line, "id", account);
        if wrong[1].is_none() && lists.once(line, "address", email) && new {
            members.push(MemberEntry { account: account.to_owned(), email: email.to_owned() });
        }
    }
    lists.end(members)
}

/// A first line of words, without digits and addresses, names the columns.
fn is_head(fields: &csv::StringRecord) -> bool {
    let is_word =
        |field: &str| field.contains(char::is_alphabetic) && !field.contains(['@', '+', '.']);
    fields.iter().all(is_word)
}

/// Whether the address is the first column. None: the columns are others.
fn order_of(head: &csv::StringRecord) -> Option<bool> {
    let plain = |field: &str| {
        let letters = field.chars().filter(|c| c.is_ascii_alphabetic());
        letters.collect::<String>().to_ascii_lowercase()
    };
    let columns: Vec<String> = head.iter().map(plain).collect();
    let is_id = |text: &str| matches!(text, "account" | "accountid" | "id");
    let is_email = |text: &str| matches!(text, "email" | "emailaddress" | "mail");
    match columns.as_slice() {
        [id, email] if is_id(id) && is_email(email) => Some(false),
        [email, id] if is_id(id) && is_email(email) => Some(true),
        _ => None,
    }
}

/// Says what a spreadsheet or an editor did to an id.
fn account_id(id: &str) -> Result<(), String> {
    if is_account_id(id) {
        return Ok(());
    }
    let why = if id.is_empty() {
        "there is none"
    } else if id.chars().any(|c| c.is_numeric() && !c.is_ascii()) {
        "these digits are not ASCII, such as full-width ones: type them again"
    } else if id.chars().any(is_hidden) {
        "there is an invisible character: type the id again"
    } else if id.contains(['E', 'e']) && id.starts_with(|c: char| c.is_ascii_digit()) {
        "a spreadsheet wrote it as a number: format the column as text"
    } else if id.contains('-') && id.chars().all(|c| c.is_ascii_digit() || c == '-') {
        "leave out the hyphens"
    } else if id.chars().all(|c| c.is_ascii_digit()) && id.len() < 12 {
        "there are fewer: a spreadsheet may have removed leading zeros"
    } else {
        "this is none"
    };
    Err(format!("must have an account id of 12 digits; {why}"))
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// Source: Organizations API reference, CreateAccount, `Email`.
fn address(email: &str) -> Result<(), String> {
    let why = match email.split_once('@') {
        _ if email.is_empty() => "there is none",
        _ if !email.is_ascii() => "it has characters that are not ASCII",
        _ if email.contains(|c: char| c.is_ascii_whitespace() || c.is_ascii_control()) => {
            "it has a space inside"
        }
        _ if !EMAIL_CHARS.contains(&email.len()) => "it must have 6 to 64 characters",
        None => "it has no @",
        Some((_, domain)) if domain.contains('@') => "it has more than one @",
        Some((local, _))
            if local.is_empty()
                || local.starts_with('.')
                || local.contains(|c| NOT_IN_LOCAL_NAME.contains(c)) =>
        {
            "the part before the @ is not one that AWS takes"
        }
        Some((_, domain)) if !is_domain(domain) => "the part after the @ is no domain",
        Some(_) => return Ok(()),
    };
    Err(format!("must have the e-mail address of the account; {why}"))
}

fn is_domain(domain: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    domain.contains('.') && domain.split('.').all(is_part)
}

#[cfg(test)]
mod tests;
