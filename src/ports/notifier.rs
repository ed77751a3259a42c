//! The notifier that posts to destinations, and its answers.

use std::future::Future;
use std::time::Duration;

use super::Post;

/// What a destination's answer means for what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was accepted: HTTP 200 with the body `ok`.
    Accepted,
    /// Try the same again, not before `after` if there is one.
    Retry {
        reason: RetryReason,
        after: Option<Duration>,
        /// The destination may have accepted it all the same, so that trying again may duplicate.
        ambiguous: bool,
        detail: String,
    },
    /// The destination will take nothing until somebody mends it.
    Dead { status: u16, detail: String },
    /// This payload will never be accepted.
    Refused { detail: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetryReason {
    /// The connection could not be made, or was lost.
    Connection,
    /// No complete answer within the time-out.
    TimedOut,
    /// 429.
    RateLimited,
    /// 5xx.
    ServerError,
    /// An answer that Slack does not give: 200 without `ok`, a redirect, another 4xx.
    UnexpectedAnswer,
    /// The webhook's address could not be read from where it is kept.
    NoAddress,
}

impl RetryReason {
    pub fn as_str(self) -> &'static str {
        match self {
            RetryReason::Connection => "connection",
            RetryReason::TimedOut => "timed_out",
            RetryReason::RateLimited => "rate_limited",
            RetryReason::ServerError => "server_error",
            RetryReason::UnexpectedAnswer => "unexpected_answer",
            RetryReason::NoAddress => "no_address",
        }
    }
}

/// Whoever tells people.
pub trait Notifier: Send + Sync {
    /// One attempt to post. Bounded in time by the adapter. The answer never holds a secret.
    fn post(&self, digest: &Post) -> impl Future<Output = Verdict> + Send;

    /// Reads the destination's address again from where it is kept. True if it changed.
    fn refresh(&self, destination: &str) -> impl Future<Output = Result<bool, String>> + Send;
}
