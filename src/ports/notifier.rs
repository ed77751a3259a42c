//! The notifier that posts to destinations, and its answers.

use std::future::Future;
use std::time::Duration;

use super::Post;

/// The meaning of a destination's answer: what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Slack accepted the post: HTTP 200 with the body `ok`.
    Accepted,
    /// Retry the same post, not before `after` if it is given.
    Retry {
        reason: RetryReason,
        after: Option<Duration>,
        /// Slack may have accepted the post all the same, so that a retry may duplicate it.
        ambiguous: bool,
        detail: String,
    },
    /// The destination takes no post until a person mends it.
    Dead { status: u16, detail: String },
    /// Slack will never accept this payload.
    Refused { detail: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetryReason {
    /// The connection could not be made, or was lost.
    Connection,
    /// No complete answer came within the time-out.
    TimedOut,
    /// 429.
    RateLimited,
    /// 5xx.
    ServerError,
    /// Slack does not answer like this: 200 without `ok`, a redirect, another 4xx.
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

/// Posts to destinations.
pub trait Notifier: Send + Sync {
    /// Makes one attempt to post, bounded in time by the adapter. The answer never holds a secret.
    fn post(&self, post: &Post) -> impl Future<Output = Verdict> + Send;

    /// Reads the destination's address again from its source. True if it changed.
    fn refresh(&self, destination: &str) -> impl Future<Output = Result<bool, String>> + Send;
}
