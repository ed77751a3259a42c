//! What the probes mean: each line is right, wrong and how to mend it, or not checked and why. Pure.

use std::time::Duration;

use serde::Serialize;

use crate::config::duration::format as written;
use crate::policy::record::Record;
use crate::ports::probe::{Asked, QueueFacts, TableFacts, TtlFacts};
use crate::ports::{FailureKind, LedgerError, QueueError, RetryReason, Verdict, Written};

/// SQS's longest. Source: SQS API reference, SetQueueAttributes, MessageRetentionPeriod.
const RETENTION_MAX: Duration = Duration::from_secs(14 * 86_400);
/// The largest event that EventBridge sends.
const MESSAGE_BYTES: u64 = 1_048_576;
/// While a destination is away its messages come and go every half an hour, for as long as they are
/// kept; this many and some more.
const RECEIVES_MIN: u64 = 1000;

/// What is known of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    Wrong,
    NotChecked,
}

impl State {
    pub fn as_str(&self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Wrong => "wrong",
            State::NotChecked => "not checked",
        }
    }
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What it is about, e.g. `queue hansho-standard`.
    pub subject: String,
    pub state: State,
    pub detail: String,
    /// How to mend it, where it is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Line {
    pub fn ok(subject: &str, detail: impl Into<String>) -> Line {
        let (subject, detail) = (subject.to_owned(), detail.into());
        Line { subject, state: State::Ok, detail, mend: None }
    }

    pub fn wrong(subject: &str, detail: impl Into<String>, mend: impl Into<String>) -> Line {
        let (subject, detail) = (subject.to_owned(), detail.into());
        Line { subject, state: State::Wrong, detail, mend: Some(mend.into()) }
    }

    pub fn not_checked(subject: &str, why: impl Into<String>) -> Line {
        let (subject, detail) = (subject.to_owned(), why.into());
        Line { subject, state: State::NotChecked, detail, mend: None }
    }
}

/// What a queue is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Lane,
    Quarantine,
}

/// How a queue is set up. `visibility` is the worker's own.
pub fn queue(
    subject: &str,
    role: Role,
    asked: &Asked<QueueFacts>,
    visibility: Duration,
) -> Vec<Line> {
    let facts = match (asked, role) {
        (Asked::Answered(facts), _) => facts,
        (Asked::NotAllowed(why), Role::Quarantine) => {
            return vec![Line::not_checked(
                subject,
                format!("how it is set up: {why} (the worker does not need to)"),
            )];
        }
        (Asked::NotAllowed(why), Role::Lane) => {
            return vec![Line::wrong(
                subject,
                why.as_str(),
                "allow the worker's role sqs:GetQueueAttributes on it, and see that the queue's \
                 policy does not deny it",
            )];
        }
        (Asked::Missing(why), _) => {
            return vec![Line::wrong(subject, why.as_str(), "create it as infra/README.md says")];
        }
        (Asked::Failed(why), _) => {
            return vec![Line::wrong(
                subject,
                why.as_str(),
                "mend the connection, the region or \
                the credentials",
            )];
        }
    };
    let mut lines = Vec::new();
    let mut wrong = |what: String, name: &str, value: u64| {
        let mend = format!("set the queue's {name} to {value}");
        lines.push(Line::wrong(subject, what, mend));
    };
    if let Some(own) = facts.visibility.filter(|own| *own < visibility && role == Role::Lane) {
        wrong(
            format!(
                "its visibility time-out of {} is less than worker.visibility, {}: as a Lambda \
                 function messages come again while they are at work",
                written(own),
                written(visibility)
            ),
            "VisibilityTimeout",
            visibility.as_secs(),
        );
    }
    if let Some(kept) = facts.retention.filter(|kept| *kept < RETENTION_MAX) {
        wrong(
            format!(
                "it keeps messages for {}: what waits longer in an outage is lost",
                written(kept)
            ),
            "MessageRetentionPeriod",
            RETENTION_MAX.as_secs(),
        );
    }
    if let Some(bytes) = facts.message_bytes_max.filter(|bytes| *bytes < MESSAGE_BYTES) {
        wrong(
            format!("it takes messages of {bytes} bytes at most: larger events are lost"),
            "MaximumMessageSize",
            MESSAGE_BYTES,
        );
    }
    match (role, facts.receives_max) {
        (Role::Lane, Some(count)) if count < RECEIVES_MIN => wrong(
            format!(
                "after {count} receives a message goes to the dead-letter queue: while a \
                 destination is away they come and go every half an hour"
            ),
            "RedrivePolicy's maxReceiveCount",
            RECEIVES_MIN,
        ),
        (Role::Quarantine, Some(count)) => lines.push(Line::wrong(
            subject,
            format!("after {count} looks at it a message in quarantine goes elsewhere"),
            "take its RedrivePolicy away",
        )),
        _ => {}
    }
    if lines.is_empty() {
        lines.push(Line::ok(subject, setup(role, facts)));
    }
    if facts.has_key {
        lines.push(Line::not_checked(
            subject,
            "its KMS key: whether the role may use it shows with the first message (kms:Decrypt, \
             and kms:GenerateDataKey to send)",
        ));
    }
    lines
}

fn setup(role: Role, facts: &QueueFacts) -> String {
    let time = |time: Option<Duration>| time.map_or("unknown".to_owned(), written);
    let mut parts = vec![format!("keeps messages for {}", time(facts.retention))];
    if role == Role::Lane {
        parts.push(format!("visibility {}", time(facts.visibility)));
        parts.push(match facts.receives_max {
            Some(count) => format!("dead letters after {count} receives"),
            None => "no dead-letter queue".to_owned(),
        });
    }
    parts.join(", ")
}

/// A call with a receipt that never was: whoever may make it is told that the receipt is no good.
pub fn receipt_call(subject: &str, call: &str, answer: &[Result<(), QueueError>]) -> Line {
    match answer.first() {
        Some(Ok(()) | Err(QueueError::ReceiptGone(_))) => {
            Line::ok(subject, format!("{call} is allowed"))
        }
        Some(Err(QueueError::Unavailable(why))) => {
            let remedy = remedy(why.kind, format!("allow the worker's role sqs:{call} on it"));
            Line::wrong(subject, why.detail.as_str(), remedy)
        }
        None => Line::not_checked(subject, format!("{call}: no answer")),
    }
}

/// A receive. `receives_max` is that of the queue: where messages are soon given up, none is used up
/// for a check.
pub fn may_receive(asked: &Asked<QueueFacts>) -> Result<(), String> {
    match asked {
        Asked::Answered(QueueFacts { receives_max: Some(count), .. }) if *count < 10 => {
            Err(format!(
                "ReceiveMessage: a receive counts, and after {count} of them a message is a dead letter"
            ))
        }
        _ => Ok(()),
    }
}

pub fn receive(subject: &str, answer: Result<usize, QueueError>) -> Line {
    match answer {
        Ok(_) => Line::ok(subject, "ReceiveMessage is allowed"),
        Err(why) => {
            let rights =
                "allow the worker's role sqs:ReceiveMessage on it, and kms:Decrypt if it has a key";
            let kind = match &why {
                QueueError::Unavailable(failure) => failure.kind,
                QueueError::ReceiptGone(_) => FailureKind::Other,
            };
            Line::wrong(subject, why.to_string(), remedy(kind, rights.to_owned()))
        }
    }
}

/// Whether the quarantine takes messages.
pub fn quarantine(subject: &str, asked: &Asked<bool>) -> Line {
    match asked {
        Asked::Answered(false) => Line::ok(subject, "SendMessage is allowed"),
        Asked::Answered(true) => Line::ok(
            subject,
            "SendMessage is allowed; a message that SQS would have refused was taken: delete it",
        ),
        Asked::NotAllowed(why) => {
            Line::wrong(subject, why.as_str(), "allow the worker's role sqs:SendMessage on it")
        }
        Asked::Missing(why) => Line::wrong(subject, why.as_str(), "create it"),
        Asked::Failed(why) => {
            Line::wrong(subject, why.as_str(), "mend the connection, the region or the credentials")
        }
    }
}

/// What the worker needs of the ledger's table: its key's names, both strings.
const KEY: [&str; 2] = ["fingerprint", "destination"];
const TTL: &str = "expires_at";

pub fn table(subject: &str, asked: &Asked<TableFacts>) -> Line {
    match asked {
        Asked::Answered(facts) => {
            let is = |(part, name): (&(String, String), &&str)| part.0 == **name && part.1 == "S";
            let right = facts.key.len() == KEY.len() && facts.key.iter().zip(&KEY).all(is);
            if !right {
                let has: Vec<String> =
                    facts.key.iter().map(|(name, kind)| format!("{name} ({kind})")).collect();
                return Line::wrong(
                    subject,
                    format!("its key is {}", has.join(", ")),
                    "make a new table with the partition key fingerprint and the sort key \
                     destination, both strings",
                );
            }
            match facts.status.as_str() {
                "ACTIVE" | "UPDATING" => Line::ok(subject, "is there, with the right key"),
                status => {
                    Line::wrong(subject, format!("it is {status}"), "wait until it is ACTIVE")
                }
            }
        }
        Asked::NotAllowed(why) => Line::not_checked(
            subject,
            format!("how it is set up: {why} (the worker does not need to)"),
        ),
        Asked::Missing(why) => {
            Line::wrong(subject, why.as_str(), "create it as infra/README.md says")
        }
        Asked::Failed(why) => {
            Line::wrong(subject, why.as_str(), "mend the connection, the region or the credentials")
        }
    }
}

pub fn ttl(subject: &str, asked: &Asked<TtlFacts>) -> Option<Line> {
    Some(match asked {
        Asked::Answered(facts) => match facts.attribute.as_deref() {
            Some(TTL) => Line::ok(subject, format!("rows expire by {TTL}")),
            Some(_) => Line::wrong(
                subject,
                "rows expire by another attribute than expires_at",
                "switch TTL off and on again with the attribute expires_at",
            ),
            None => Line::wrong(
                subject,
                "rows never expire, so that the table grows for ever",
                "switch TTL on with the attribute expires_at",
            ),
        },
        Asked::NotAllowed(why) => {
            Line::not_checked(subject, format!("TTL: {why} (the worker does not need to)"))
        }
        // Said of the table already.
        Asked::Missing(_) => return None,
        Asked::Failed(why) => Line::not_checked(subject, format!("TTL: {why}")),
    })
}

fn ledger_remedy(kind: FailureKind, call: &str) -> String {
    match kind {
        FailureKind::Throttled => {
            "give the table more capacity, or bill it on demand: while it is throttled \
                                   nothing can be claimed, so nothing is told"
                .to_owned()
        }
        _ => remedy(
            kind,
            format!("see that it is there, and that the worker's role may dynamodb:{call}"),
        ),
    }
}

/// What to do about a failure whose kind says it; `rights` for what is likely otherwise.
fn remedy(kind: FailureKind, rights: String) -> String {
    match kind {
        FailureKind::Throttled => {
            "try again later; if it stays, ask AWS to raise the quota of SQS or of the KMS key"
                .to_owned()
        }
        FailureKind::TimedOut | FailureKind::Connection => {
            "see whether this machine reaches AWS there: the network, a proxy, a VPC endpoint"
                .to_owned()
        }
        FailureKind::ServerError => "try again; see AWS's status page".to_owned(),
        FailureKind::Missing => "create it, or correct its name or the region".to_owned(),
        FailureKind::Busy | FailureKind::Denied | FailureKind::Other => rights,
    }
}

pub fn ledger_read(subject: &str, answer: Result<(), LedgerError>) -> Line {
    match answer {
        Ok(()) => Line::ok(subject, "can be read"),
        Err(why) => Line::wrong(subject, why.to_string(), ledger_remedy(why.0.kind, "GetItem")),
    }
}

/// Without it the worker works as well, and pays a refused write for each finding that it knows.
pub fn ledger_recall(subject: &str, answer: Result<(), LedgerError>) -> Line {
    match answer {
        Ok(()) => Line::ok(subject, "many rows can be read at once"),
        Err(why) => Line::wrong(
            subject,
            why.to_string(),
            "let the worker's role dynamodb:BatchGetItem: without it what was told before costs more",
        ),
    }
}

/// A write whose condition can't hold: whoever may write is told so.
pub fn ledger_write(subject: &str, answer: Result<Written<Record>, LedgerError>) -> Line {
    match answer {
        Ok(Written::Lost(_)) => Line::ok(subject, "can be written"),
        Ok(Written::Done) => Line::wrong(
            subject,
            "a write was done whose condition did not hold: the same finding would be told twice",
            "do not use this table: whatever answers there is no DynamoDB",
        ),
        Err(why) => Line::wrong(subject, why.to_string(), ledger_remedy(why.0.kind, "PutItem")),
    }
}

/// An empty payload, to which Slack answers 400 with a word, and posts nothing.
/// Source: Slack, "Sending messages using incoming webhooks", error handling.
pub fn webhook(subject: &str, verdict: &Verdict) -> Line {
    match verdict {
        Verdict::Refused { detail } if detail.starts_with("HTTP 400: ") => {
            Line::ok(subject, format!("answers ({detail} to an empty message, as it should)"))
        }
        Verdict::Refused { detail } => Line::wrong(
            subject,
            format!("{detail} to an empty message: Slack answers otherwise"),
            "see what stands between here and Slack",
        ),
        Verdict::Accepted => Line::wrong(
            subject,
            "an empty message was accepted: Slack does not do that",
            "see whether the webhook is one of Slack's, and what stands in between",
        ),
        Verdict::Dead { detail, .. } => Line::wrong(
            subject,
            format!("is dead: {detail}"),
            "make a new incoming webhook for a channel that is there, and put it where the \
             configuration says; a worker that runs reads it by itself",
        ),
        Verdict::Retry { reason: RetryReason::NoAddress, detail, .. } => {
            Line::wrong(subject, detail.as_str(), "put the webhook's address there")
        }
        Verdict::Retry { reason: RetryReason::RateLimited, detail, .. } => Line::not_checked(
            subject,
            format!("whether it is alive: {detail}, too much was posted just now; try again"),
        ),
        Verdict::Retry { detail, .. } => Line::wrong(
            subject,
            format!("no clear answer: {detail}"),
            "see whether this machine reaches hooks.slack.com on port 443, and Slack's status page",
        ),
    }
}

#[cfg(test)]
mod tests;
