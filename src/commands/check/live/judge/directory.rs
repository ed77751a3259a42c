//! Judges the account directory in the ledger.

use crate::commands::check::live::line::Line;
use crate::instants::Wall;
use crate::policy::directory::is_stale;
use crate::policy::record::DocumentRecord;
use crate::ports::LedgerError;
use crate::words::number_of;

/// A ledger without a directory is good: accounts are shown by their ids, or as configured.
pub fn directory(
    subject: &str,
    head: Result<Option<DocumentRecord>, LedgerError>,
    now: Wall,
) -> Line {
    let head = match head {
        Ok(Some(head)) => head,
        Ok(None) => {
            let none = "the ledger has none; `hansho accounts sync` writes one";
            return Line::ok(subject, none);
        }
        Err(why) => return Line::not_checked(subject, why.to_string()),
    };
    let accounts = number_of(head.entries, "account");
    let detail = format!("{accounts}, synced at {}", head.written_at.to_rfc3339());
    match is_stale(&head, now) {
        true => Line::wrong(
            subject,
            format!("{detail}: it is stale"),
            "run `hansho accounts sync` once a day",
        ),
        false => Line::ok(subject, detail),
    }
}
