//! The meaning of a destination's answer.

use std::time::Duration;

use crate::words::words;

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

words! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum RetryReason {
        /// The connection could not be made, or was lost.
        Connection = "connection",
        /// No complete answer came within the time-out.
        TimedOut = "timed_out",
        /// 429.
        RateLimited = "rate_limited",
        /// 5xx.
        ServerError = "server_error",
        /// Slack does not answer like this: 200 without `ok`, a redirect, another 4xx.
        UnexpectedAnswer = "unexpected_answer",
        /// The webhook's address could not be read from where it is kept.
        NoAddress = "no_address",
    }
}
