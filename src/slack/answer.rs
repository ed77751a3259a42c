//! The meaning of Slack's HTTP answers.
//!
//! Mistakes are costly: a passing failure taken for a rejection loses a finding, and a rejection
//! taken for a passing failure is retried for ever.
//!
//! | answer | verdict |
//! |---|---|
//! | any, with a word about channel or webhook | the destination is dead |
//! | 200, body exactly `ok` | accepted |
//! | 200, any other body | retry, ambiguous: Slack or a proxy answered |
//! | 429 | retry after `Retry-After`; not accepted |
//! | 5xx | retry, ambiguous: Slack may have failed after storing the message |
//! | 408 | retry, ambiguous: Slack may have read the request |
//! | 401, 403, 404, 410 | the destination is dead |
//! | other 400, 413, 422 | the payload is rejected |
//! | anything else, redirects included | retry; not accepted, because Slack does not answer so |
//!
//! Sources: Slack, "Handling errors from incoming webhooks" (400, 403, 404, 410, 500) and "Rate
//! limits" (429); the others are general HTTP (RFC 9110). Slack does not document the status of
//! each word, so the word decides before the status.

use std::time::Duration;

use crate::ports::{RetryReason, Verdict};

/// The most bytes of an answer's body that are read. Slack's bodies have a few dozen bytes.
pub const BODY_BYTES_MAX: usize = 4096;

/// The wait after a 429 without a readable `Retry-After`. In practice Slack asks for 1 to 60 s.
pub const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(30);

/// The longest wait that a `Retry-After` can cause. A garbled header must not silence a channel for
/// a day.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// Slack's longest known error word has about 40 characters.
const WORD_BYTES_MAX: usize = 64;

/// Error words about the destination. Slack rejects every post until somebody repairs the channel,
/// the app or the webhook.
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

/// Judges an answer by the table above. `retry_after` is the header's value, `body` has at most
/// [`BODY_BYTES_MAX`].
pub fn verdict(status: u16, retry_after: Option<&str>, body: &[u8]) -> Verdict {
    use RetryReason::{RateLimited, ServerError, TimedOut, UnexpectedAnswer};
    let asked_for = retry_after.and_then(parse_retry_after);
    let detail = describe(status, body);
    let (reason, after, ambiguous) = match status {
        _ if error_word(body).is_some_and(|word| OF_THE_DESTINATION.contains(&word)) => {
            return Verdict::Dead { status, detail };
        }
        200 if body == b"ok" => return Verdict::Accepted,
        401 | 403 | 404 | 410 => return Verdict::Dead { status, detail },
        400 | 413 | 422 => return Verdict::Refused { detail },
        429 => (RateLimited, asked_for.or(Some(RETRY_AFTER_DEFAULT)), false),
        408 => (TimedOut, None, true),
        500..=599 => (ServerError, asked_for, true),
        200 => (UnexpectedAnswer, None, true),
        _ => (UnexpectedAnswer, None, false),
    };
    let detail = match status {
        200 => "HTTP 200, but the body is not `ok`".to_owned(),
        _ => detail,
    };
    Verdict::Retry { reason, after, ambiguous, detail }
}

/// Reads whole seconds, at least 1 and at most [`RETRY_AFTER_MAX`]. Slack does not use the header's
/// other form, a date.
fn parse_retry_after(value: &str) -> Option<Duration> {
    let value = value.trim();
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    // A number that does not fit counts as the longest wait.
    digits.then(|| {
        let seconds = value.parse().unwrap_or(u64::MAX);
        Duration::from_secs(seconds.max(1)).min(RETRY_AFTER_MAX)
    })
}

/// The status and Slack's error word. Any other body is left out: a proxy may repeat the address in
/// it, and the address is a secret.
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
    fn a_word_about_the_destination_decides_whatever_the_status_is() {
        for word in OF_THE_DESTINATION {
            for status in [200, 302, 400, 403, 404, 408, 410, 413, 429, 500, 503] {
                for body in [word.to_owned(), format!("{word}\n")] {
                    let detail = format!("HTTP {status}: {word}");
                    let dead = Verdict::Dead { status, detail };
                    assert_eq!(verdict(status, Some("30"), body.as_bytes()), dead);
                }
            }
        }
        // Words about the payload, and pages that only contain a word.
        for (status, body, expected) in [
            (400, "invalid_blocks", "refused"),
            (400, "no_text", "refused"),
            (500, "rollup_error", "retry"),
            (500, "<p>no_service</p>", "retry"),
            (200, "no_services_here", "retry"),
        ] {
            assert_eq!(kind(status, body).0, expected, "{status} {body}");
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
