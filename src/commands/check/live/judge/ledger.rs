//! Judges the ledger's table: its setup, and the calls that the worker makes to it.

use super::fix::{self, CONNECTION, CREATE};
use crate::commands::check::live::line::Line;
use crate::policy::record::Record;
use crate::ports::probe::{Asked, TableFacts, TtlFacts};
use crate::ports::{FailureKind, LedgerError, Written};

/// The names of the table's key, both strings.
const KEY: [&str; 2] = ["fingerprint", "destination"];
const TTL: &str = "expires_at";

pub fn table(subject: &str, asked: &Asked<TableFacts>) -> Line {
    match asked {
        Asked::Answered(facts) => table_setup(subject, facts),
        Asked::NotAllowed(why) => Line::not_checked(subject, fix::setup_unknown(why)),
        Asked::Missing(why) => Line::wrong(subject, why.as_str(), CREATE),
        Asked::Failed(why) => Line::wrong(subject, why.as_str(), CONNECTION),
    }
}

fn table_setup(subject: &str, facts: &TableFacts) -> Line {
    let is = |(part, name): (&(String, String), &&str)| part.0 == **name && part.1 == "S";
    let right = facts.key.len() == KEY.len() && facts.key.iter().zip(&KEY).all(is);
    if !right {
        let has: Vec<String> =
            facts.key.iter().map(|(name, kind)| format!("{name} ({kind})")).collect();
        return Line::wrong(
            subject,
            format!("its key is {}", has.join(", ")),
            "create another table with the partition key fingerprint and the sort key destination, \
             both strings",
        );
    }
    match facts.status.as_str() {
        "ACTIVE" | "UPDATING" => Line::ok(subject, "exists, with the right key"),
        status => Line::wrong(subject, format!("it is {status}"), "wait until it is ACTIVE"),
    }
}

/// Judges the expiry of records. None for a table that is missing: [`table`] says so.
pub fn ttl(subject: &str, asked: &Asked<TtlFacts>) -> Option<Line> {
    Some(match asked {
        Asked::Answered(facts) => match facts.attribute.as_deref() {
            Some(TTL) => Line::ok(subject, format!("records expire by {TTL}")),
            Some(_) => Line::wrong(
                subject,
                "records expire by another attribute than expires_at",
                "disable TTL, then enable it with the attribute expires_at",
            ),
            None => Line::wrong(
                subject,
                "records never expire, so the table grows for ever",
                "enable TTL with the attribute expires_at",
            ),
        },
        Asked::NotAllowed(why) => {
            Line::not_checked(subject, format!("TTL: {why} (the worker does not need this right)"))
        }
        Asked::Missing(_) => return None,
        Asked::Failed(why) => Line::not_checked(subject, format!("TTL: {why}")),
    })
}

pub fn ledger_read(subject: &str, answer: Result<(), LedgerError>) -> Line {
    match answer {
        Ok(()) => Line::ok(subject, "can be read"),
        Err(why) => Line::wrong(subject, why.to_string(), fix_of_call(why.0.kind, "GetItem")),
    }
}

/// Judges the prefetch. Without it the worker works too, but pays a refused write for each alert
/// that is already posted.
pub fn ledger_prefetch(subject: &str, answer: Result<(), LedgerError>) -> Line {
    match answer {
        Ok(()) => Line::ok(subject, "many records can be read at once"),
        Err(why) => Line::wrong(
            subject,
            why.to_string(),
            "allow the worker's role dynamodb:BatchGetItem: without it, alerts that are already \
             posted cost more",
        ),
    }
}

/// Judges a write whose condition can't hold. The table refuses it as `Lost` if the role may write.
pub fn ledger_write(subject: &str, answer: Result<Written<Record>, LedgerError>) -> Line {
    match answer {
        Ok(Written::Lost(_)) => Line::ok(subject, "can be written"),
        Ok(Written::Done) => Line::wrong(
            subject,
            "a write was done although its condition did not hold: findings would be posted twice",
            "use another table: the service that answers is not DynamoDB",
        ),
        Err(why) => Line::wrong(subject, why.to_string(), fix_of_call(why.0.kind, "PutItem")),
    }
}

fn fix_of_call(kind: FailureKind, call: &str) -> String {
    match kind {
        FailureKind::Throttled => {
            "give the table more capacity, or bill it on demand: while it is throttled nothing can \
             be claimed, so nothing is posted"
                .to_owned()
        }
        _ => fix::of(
            kind,
            format!("check that it exists, and that the worker's role may dynamodb:{call}"),
        ),
    }
}
