//! What Slack's answer means. Slack says little, and the difference matters: an answer that is
//! taken for a refusal loses a finding, one that is taken for a hiccup is asked for for ever.
//!
//! | answer | verdict |
//! |---|---|
//! | 200, body exactly `ok` | accepted |
//! | 200, any other body | retry, ambiguous: something between us and Slack answered, or Slack did |
//! | 429 | retry after `Retry-After`; surely not accepted |
//! | 5xx | retry, ambiguous: it may have failed after storing the message |
//! | 408 | retry, ambiguous: the request may have been read |
//! | 401, 403, 404, 410, or 400 with a word that speaks of the channel or the webhook | the destination is dead |
//! | 400, 413, 422 | the payload is refused |
//! | anything else, redirects among it | retry; Slack does not answer so, hence not accepted |
//!
//! Sources: Slack, "Handling errors from incoming webhooks" (400, 403, 404, 410, 500) and "Rate
//! limits" (429); the others are general HTTP (RFC 9110).

use std::time::Duration;

use crate::ports::{RetryReason, Verdict};

/// How much of an answer's body is read. Slack's own have a few dozen bytes.
pub const BODY_BYTES_MAX: usize = 4096;

/// What a 429 without a readable `Retry-After` waits. Slack asks for 1 to 60 s in practice.
pub const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(30);

/// The most that any `Retry-After` is obeyed: a garbled one must not silence a channel for a day.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// Slack's longest known error word has about 40 characters.
const WORD_BYTES_MAX: usize = 64;

/// Words that say nothing of the payload: whatever is posted will be refused until somebody mends
/// the channel, the app or the webhook. Slack does not document the status of each.
const OF_THE_DESTINATION: [&str; 11] = [
    "action_prohibited",
    "channel_is_archived",
    "channel_not_found",
    "invalid_token",
    "no_active_hooks",
    "no_service",
    "no_service_id",
    "no_team",
    "posting_to_general_channel_denied",
    "team_disabled",
    "user_not_found",
];

/// Judges one answer. `retry_after` is the header's value, `body` at most [`BODY_BYTES_MAX`].
pub fn verdict(status: u16, retry_after: Option<&str>, body: &[u8]) -> Verdict {
    match status {
        200 if body == b"ok" => Verdict::Accepted,
        200 => Verdict::Retry {
            reason: RetryReason::UnexpectedAnswer,
            after: None,
            ambiguous: true,
            detail: "HTTP 200, but the body is not `ok`".into(),
        },
        429 => Verdict::Retry {
            reason: RetryReason::RateLimited,
            after: Some(retry_after.and_then(parse_retry_after).unwrap_or(RETRY_AFTER_DEFAULT)),
            ambiguous: false,
            detail: describe(status, body),
        },
        408 => Verdict::Retry {
            reason: RetryReason::TimedOut,
            after: None,
            ambiguous: true,
            detail: describe(status, body),
        },
        500..=599 => Verdict::Retry {
            reason: RetryReason::ServerError,
            after: retry_after.and_then(parse_retry_after),
            ambiguous: true,
            detail: describe(status, body),
        },
        401 | 403 | 404 | 410 => Verdict::Dead { status, detail: describe(status, body) },
        400 if error_word(body).is_some_and(|word| OF_THE_DESTINATION.contains(&word)) => {
            Verdict::Dead { status, detail: describe(status, body) }
        }
        400 | 413 | 422 => Verdict::Refused { detail: describe(status, body) },
        _ => Verdict::Retry {
            reason: RetryReason::UnexpectedAnswer,
            after: None,
            ambiguous: false,
            detail: describe(status, body),
        },
    }
}

/// Whole seconds, at least 1 and at most [`RETRY_AFTER_MAX`]. The header's other form, a date, is
/// not Slack's, and reading it would need a clock.
fn parse_retry_after(value: &str) -> Option<Duration> {
    let value = value.trim();
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    // More digits than fit are still a number, only a silly one.
    digits.then(|| {
        let seconds = value.parse().unwrap_or(u64::MAX);
        Duration::from_secs(seconds.max(1)).min(RETRY_AFTER_MAX)
    })
}

/// The status and Slack's error word. Any other body is left out: proxies like to repeat the
/// address in theirs, and the address is the secret.
fn describe(status: u16, body: &[u8]) -> String {
    match error_word(body) {
        Some(word) => format!("HTTP {status}: {word}"),
        None => format!("HTTP {status}"),
    }
}

fn error_word(body: &[u8]) -> Option<&str> {
    let word = std::str::from_utf8(body).ok()?.trim();
    let plain = word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.contains('_')
        && word.len() <= WORD_BYTES_MAX
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    plain.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, body: &str) -> (&'static str, Option<RetryReason>, bool) {
        match verdict(status, None, body.as_bytes()) {
            Verdict::Accepted => ("accepted", None, false),
            Verdict::Retry { reason, ambiguous, .. } => ("retry", Some(reason), ambiguous),
            Verdict::Dead { .. } => ("dead", None, false),
            Verdict::Refused { .. } => ("refused", None, false),
        }
    }

    #[test]
    fn every_answer_has_a_meaning() {
        use RetryReason::*;
        for (status, body, expected) in [
            (200, "ok", ("accepted", None, false)),
            (200, "OK", ("retry", Some(UnexpectedAnswer), true)),
            (200, "ok\n", ("retry", Some(UnexpectedAnswer), true)),
            (200, "", ("retry", Some(UnexpectedAnswer), true)),
            (200, "<html>sign in</html>", ("retry", Some(UnexpectedAnswer), true)),
            (201, "ok", ("retry", Some(UnexpectedAnswer), false)),
            (204, "", ("retry", Some(UnexpectedAnswer), false)),
            (301, "", ("retry", Some(UnexpectedAnswer), false)),
            (302, "", ("retry", Some(UnexpectedAnswer), false)),
            (400, "invalid_payload", ("refused", None, false)),
            (401, "invalid_token", ("dead", None, false)),
            (403, "action_prohibited", ("dead", None, false)),
            (404, "no_service", ("dead", None, false)),
            (405, "", ("retry", Some(UnexpectedAnswer), false)),
            (407, "", ("retry", Some(UnexpectedAnswer), false)),
            (408, "", ("retry", Some(TimedOut), true)),
            (410, "channel_is_archived", ("dead", None, false)),
            (413, "", ("refused", None, false)),
            (422, "", ("refused", None, false)),
            (429, "rate_limited", ("retry", Some(RateLimited), false)),
            (500, "rollup_error", ("retry", Some(ServerError), true)),
            (503, "", ("retry", Some(ServerError), true)),
            (599, "", ("retry", Some(ServerError), true)),
            (0, "", ("retry", Some(UnexpectedAnswer), false)),
            (999, "", ("retry", Some(UnexpectedAnswer), false)),
        ] {
            assert_eq!(kind(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_rate_limit_says_how_long_within_reason() {
        for (header, seconds) in [
            (Some("7"), 7),
            (Some(" 7 "), 7),
            (Some("0"), 1),
            (Some("3600"), 3600),
            (Some("86400"), 3600),
            (Some("99999999999999999999999999"), 3600),
            (Some("-1"), 30),
            (Some("+5"), 30),
            (Some("1.5"), 30),
            (Some("soon"), 30),
            (Some("Wed, 21 Oct 2026 07:28:00 GMT"), 30),
            (Some(""), 30),
            (None, 30),
        ] {
            let Verdict::Retry { after, .. } = verdict(429, header, b"") else {
                panic!("429 is a retry");
            };
            assert_eq!(after, Some(Duration::from_secs(seconds)), "{header:?}");
        }
    }

    #[test]
    fn only_slacks_own_words_are_repeated() {
        for (body, detail) in [
            (&b"invalid_payload"[..], "HTTP 400: invalid_payload"),
            (b"invalid_blocks\n", "HTTP 400: invalid_blocks"),
            (b"POST /services/T000/B000/XXXX is bad", "HTTP 400"),
            (b"XXXX", "HTTP 400"),
            (b"\x1b[31minvalid_payload", "HTTP 400"),
            (b"\xff\xfe", "HTTP 400"),
            (b"", "HTTP 400"),
            (&[b'a'; 4096], "HTTP 400"),
        ] {
            assert_eq!(verdict(400, None, body), Verdict::Refused { detail: detail.into() });
        }
    }
}
