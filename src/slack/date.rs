//! Times in a post.

use super::escape::escape;
use crate::instants::Wall;

/// The last second that Slack shows: the end of the year 9999.
const UNIX_SECONDS_MAX: i64 = 253_402_300_799;

/// Writes a date token, which Slack shows in the reader's own time zone and language. The text
/// after the bar is for clients that can't. Source: Slack, "Formatting message text", date
/// formatting.
pub fn token(at: Wall) -> String {
    token_of(at, "^{date_short_pretty} {time}|")
}

/// Like [`token`], without the day.
pub fn time_token(at: Wall) -> String {
    token_of(at, "^{time}|")
}

fn token_of(at: Wall, form: &str) -> String {
    let fallback = utc(at);
    match at.seconds() {
        seconds @ 1..=UNIX_SECONDS_MAX => {
            let seconds = seconds.to_string();
            ["<!date^", &seconds, form, &fallback, ">"].concat()
        }
        _ => fallback,
    }
}

/// `2026-07-22 18:47 UTC`
pub fn utc(at: Wall) -> String {
    let text = at.to_rfc3339();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) if text.ends_with('Z') => [day, " ", time, " UTC"].concat(),
        _ => escape(&text),
    }
}
