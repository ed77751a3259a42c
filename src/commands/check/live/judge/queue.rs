//! Judges the queues: their setup, and the calls that the worker makes to them.

use std::time::Duration;

use super::fix::{self, CONNECTION, CREATE};
use crate::commands::check::live::line::Line;
use crate::config::duration::format as written;
use crate::ports::probe::{Asked, QueueFacts};
use crate::ports::{FailureKind, QueueError};

/// The longest retention of SQS.
/// Source: SQS API reference, SetQueueAttributes, MessageRetentionPeriod.
pub const RETENTION_MAX: Duration = Duration::from_secs(14 * 86_400);
/// The largest message of SQS, which an event of EventBridge may reach.
/// Source: SQS API reference, SetQueueAttributes, MaximumMessageSize.
pub const MESSAGE_BYTES: u64 = 1_048_576;
/// The messages of an unreachable destination return every half an hour for 14 days: 672 receives.
const RECEIVES_MIN: u64 = 1000;
/// A queue with fewer receives is not received from: the check would use up too many of them.
const RECEIVES_FOR_A_CHECK: u64 = 10;

/// The end of the name of the KMS key that AWS manages for SQS, with or without the ARN before it.
const KEY_OF_AWS: &str = "alias/aws/sqs";

/// The use of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Lane,
    Quarantine,
}

/// Judges the setup of a queue. `visibility` is the worker's own.
pub fn queue(
    subject: &str,
    role: Role,
    asked: &Asked<QueueFacts>,
    visibility: Duration,
) -> Vec<Line> {
    match asked {
        Asked::Answered(facts) => setup(subject, role, facts, visibility),
        Asked::NotAllowed(why) if role == Role::Quarantine => {
            vec![Line::not_checked(subject, fix::setup_unknown(why))]
        }
        Asked::NotAllowed(why) => vec![Line::wrong(
            subject,
            why.as_str(),
            "allow the worker's role sqs:GetQueueAttributes on it, and see that the queue's policy \
             does not deny it",
        )],
        Asked::Missing(why) => vec![Line::wrong(subject, why.as_str(), CREATE)],
        Asked::Failed(why) => vec![Line::wrong(subject, why.as_str(), CONNECTION)],
    }
}

fn setup(subject: &str, role: Role, facts: &QueueFacts, visibility: Duration) -> Vec<Line> {
    let mistakes = [
        short_visibility(subject, role, facts, visibility),
        short_retention(subject, facts),
        small_messages(subject, facts),
        few_receives(subject, role, facts),
        key_of_aws(subject, role, facts),
    ];
    let mut lines: Vec<Line> = mistakes.into_iter().flatten().collect();
    if lines.is_empty() {
        lines.push(Line::ok(subject, summary(role, facts)));
    }
    if facts.key.is_some() {
        lines.push(Line::not_checked(
            subject,
            "its KMS key: the first message shows whether the role may use it (kms:Decrypt, and \
             kms:GenerateDataKey to send)",
        ));
    }
    lines
}

fn set_attribute(subject: &str, detail: String, attribute: &str, value: u64) -> Line {
    Line::wrong(subject, detail, format!("set the queue's {attribute} to {value}"))
}

fn short_visibility(
    subject: &str,
    role: Role,
    facts: &QueueFacts,
    visibility: Duration,
) -> Option<Line> {
    let own = facts.visibility.filter(|own| *own < visibility && role == Role::Lane)?;
    let detail = format!(
        "its visibility time-out of {} is less than worker.visibility, {}: in Lambda, messages are \
         delivered again while they are processed",
        written(own),
        written(visibility)
    );
    Some(set_attribute(subject, detail, "VisibilityTimeout", visibility.as_secs()))
}

fn short_retention(subject: &str, facts: &QueueFacts) -> Option<Line> {
    let kept = facts.retention.filter(|kept| *kept < RETENTION_MAX)?;
    let detail = format!("it keeps messages for {}: a longer outage loses messages", written(kept));
    Some(set_attribute(subject, detail, "MessageRetentionPeriod", RETENTION_MAX.as_secs()))
}

fn small_messages(subject: &str, facts: &QueueFacts) -> Option<Line> {
    let bytes = facts.message_bytes_max.filter(|bytes| *bytes < MESSAGE_BYTES)?;
    let detail = format!("it takes messages of {bytes} bytes at most: larger events are lost");
    Some(set_attribute(subject, detail, "MaximumMessageSize", MESSAGE_BYTES))
}

fn few_receives(subject: &str, role: Role, facts: &QueueFacts) -> Option<Line> {
    let count = facts.receives_max?;
    match role {
        Role::Lane if count < RECEIVES_MIN => {
            let detail = format!(
                "after {count} receives a message goes to the dead-letter queue, but the messages \
                 of an unreachable destination return every half an hour"
            );
            let attribute = "RedrivePolicy's maxReceiveCount";
            Some(set_attribute(subject, detail, attribute, RECEIVES_MIN))
        }
        Role::Quarantine => Some(Line::wrong(
            subject,
            format!("after {count} receives a message leaves the quarantine"),
            "remove its RedrivePolicy",
        )),
        Role::Lane => None,
    }
}

/// EventBridge can't use the key that AWS manages for SQS, and nobody can change that key's policy.
/// Only the lanes have EventBridge as a sender.
/// Sources: SQS developer guide, "Key management", permissions for AWS services; aws-cdk, issue
/// 30549.
fn key_of_aws(subject: &str, role: Role, facts: &QueueFacts) -> Option<Line> {
    let key = facts.key.as_ref().filter(|_| role == Role::Lane)?;
    key.ends_with(KEY_OF_AWS).then(|| {
        Line::wrong(
            subject,
            format!(
                "it is encrypted with AWS's own key {KEY_OF_AWS}: EventBridge can't send to it"
            ),
            "encrypt it with SSE-SQS (SqsManagedSseEnabled), or with a customer managed key whose \
             policy allows events.amazonaws.com kms:GenerateDataKey and kms:Decrypt",
        )
    })
}

fn summary(role: Role, facts: &QueueFacts) -> String {
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

/// Judges a call with a receipt that does not exist. SQS rejects the receipt if the role may make
/// the call.
pub fn receipt_call(subject: &str, call: &str, answer: &[Result<(), QueueError>]) -> Line {
    match answer.first() {
        Some(Ok(()) | Err(QueueError::ReceiptGone(_))) => {
            Line::ok(subject, format!("{call} is allowed"))
        }
        Some(Err(QueueError::Unavailable(why))) => {
            let fix = fix::of(why.kind, format!("allow the worker's role sqs:{call} on it"));
            Line::wrong(subject, why.detail.as_str(), fix)
        }
        None => Line::not_checked(subject, format!("{call}: no answer")),
    }
}

/// Whether the check may receive from a queue.
///
/// # Errors
/// Why not: its messages become dead letters after few receives.
pub fn may_receive(asked: &Asked<QueueFacts>) -> Result<(), String> {
    match asked {
        Asked::Answered(QueueFacts { receives_max: Some(count), .. })
            if *count < RECEIVES_FOR_A_CHECK =>
        {
            Err(format!(
                "ReceiveMessage: each receive counts, and after {count} receives a message is a \
                 dead letter"
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
            Line::wrong(subject, why.to_string(), fix::of(kind, rights.to_owned()))
        }
    }
}

/// Judges the send to the quarantine. `Answered(true)`: SQS took the invalid message.
pub fn quarantine(subject: &str, asked: &Asked<bool>) -> Line {
    match asked {
        Asked::Answered(false) => Line::ok(subject, "SendMessage is allowed"),
        Asked::Answered(true) => Line::ok(
            subject,
            "SendMessage is allowed; the queue took a message that SQS refuses: delete it",
        ),
        Asked::NotAllowed(why) => {
            Line::wrong(subject, why.as_str(), "allow the worker's role sqs:SendMessage on it")
        }
        Asked::Missing(why) => Line::wrong(subject, why.as_str(), CREATE),
        Asked::Failed(why) => Line::wrong(subject, why.as_str(), CONNECTION),
    }
}
