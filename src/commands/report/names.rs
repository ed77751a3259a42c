//! Texts of findings and of the account directory, cleaned for every output.

use crate::finding::{Level, Text};
use crate::policy::report::Subject;
use crate::ports::Accounts;

/// The longest text that is shown, in characters.
const CHARS_MAX: usize = 200;
/// In place of a text that is not known.
pub const UNKNOWN: &str = "(unknown)";

/// The names of accounts.
pub struct Names<'a> {
    accounts: &'a Accounts,
}

impl Names<'_> {
    pub fn new(accounts: &Accounts) -> Names<'_> {
        Names { accounts }
    }

    pub fn name(&self, account: &str) -> Option<String> {
        self.accounts.name(account).map(clean)
    }

    /// `111122223333 prod-shop`.
    pub fn account(&self, account: &str) -> String {
        known(&self.accounts.label(account))
    }

    /// The type, and the resource if it is known.
    pub fn subject(subject: &Subject) -> String {
        match subject.resource.as_str() {
            "" => known(&subject.kind),
            resource => format!("{} · {}", known(&subject.kind), clean(resource)),
        }
    }
}

pub fn clean(text: &str) -> String {
    Text::new(text, CHARS_MAX).into_string()
}

/// The text, or [`UNKNOWN`] if it is empty.
pub fn known(text: &str) -> String {
    match clean(text) {
        text if text.is_empty() => UNKNOWN.to_owned(),
        text => text,
    }
}

pub fn level(level: &Option<Level>) -> String {
    level.map_or(UNKNOWN.to_owned(), |level| level.to_string())
}
