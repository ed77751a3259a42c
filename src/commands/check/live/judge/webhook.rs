//! Judges the answer of a webhook to an empty message.

use crate::commands::check::live::line::Line;
use crate::ports::{RetryReason, Verdict};

/// Slack answers an empty message with 400 and a word, and posts nothing.
/// Source: Slack, "Sending messages using incoming webhooks", error handling.
pub fn webhook(subject: &str, verdict: &Verdict) -> Line {
    match verdict {
        Verdict::Refused { detail } if detail.starts_with("HTTP 400: ") => {
            Line::ok(subject, format!("answers as expected ({detail} to an empty message)"))
        }
        Verdict::Refused { detail } => Line::wrong(
            subject,
            format!("{detail} to an empty message, which is not Slack's answer"),
            "check what stands between this machine and Slack",
        ),
        Verdict::Accepted => Line::wrong(
            subject,
            "an empty message was accepted, which Slack never does",
            "check that the webhook is one of Slack's, and what stands between here and Slack",
        ),
        Verdict::Dead { detail, .. } => Line::wrong(
            subject,
            format!("is dead: {detail}"),
            "create another incoming webhook for a channel that exists, and put it where the \
             configuration says; a running worker reads it without a restart",
        ),
        Verdict::Retry { reason: RetryReason::NoAddress, detail, .. } => {
            Line::wrong(subject, detail.as_str(), "put the webhook's address there")
        }
        Verdict::Retry { reason: RetryReason::RateLimited, detail, .. } => Line::not_checked(
            subject,
            format!("whether it is alive: {detail}, because it got too many posts; try again"),
        ),
        Verdict::Retry { detail, .. } => Line::wrong(
            subject,
            format!("no clear answer: {detail}"),
            "check that this machine reaches hooks.slack.com on port 443; see Slack's status page",
        ),
    }
}
