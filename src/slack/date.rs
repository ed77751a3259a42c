//! Times in a post.

use time::OffsetDateTime;

use super::escape::escape;
use crate::instants::Wall;

/// The last second that Slack shows: the end of the year 9999.
const UNIX_SECONDS_MAX: i64 = 253_402_300_799;

/// Writes a date token, which Slack shows in the reader's own time zone and language. The text
/// after the bar is for clients that can't. Source: Slack, "Formatting message text", date
/// formatting.
pub fn token(at: Wall) -> String {
    token_of(at, "^{date_short_pretty} {time}|", &utc(at))
}

/// Like [`token`], without the day.
pub fn time_token(at: Wall) -> String {
    let whole = utc(at);
    token_of(at, "^{time}|", whole.split_once(' ').map_or(&whole[..], |(_, time)| time))
}

fn token_of(at: Wall, form: &str, fallback: &str) -> String {
    match at.seconds() {
        seconds @ 1..=UNIX_SECONDS_MAX => {
            ["<!date^", &seconds.to_string(), form, fallback, ">"].concat()
        }
        _ => fallback.to_owned(),
    }
}

/// What Slack shows for a token of [`token`]'s form to a reader in UTC: `Jul 22, 2026 6:47 PM`.
/// None: another form, or a time out of its range.
pub fn shown(at: Wall, form: &str) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp(at.seconds()).ok()?;
    let (month, day) = (at.month().to_string(), at.day());
    let date = format!("{} {day}, {}", month.get(..3)?, at.year());
    let (hour, half) = (at.hour() % 12, if at.hour() < 12 { "AM" } else { "PM" });
    let time = format!("{}:{:02} {half}", if hour == 0 { 12 } else { hour }, at.minute());
    let shown = form.replace("{date_short_pretty}", &date).replace("{time}", &time);
    (!shown.contains('{')).then_some(shown)
}

/// `2026-07-22 18:47 UTC`
pub fn utc(at: Wall) -> String {
    let text = at.to_rfc3339();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) if text.ends_with('Z') => [day, " ", time, " UTC"].concat(),
        _ => escape(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_a_time_in_slacks_form() {
        let form = "{date_short_pretty} {time}";
        for (seconds, form, expected) in [
            (1_784_746_037, form, Some("Jul 22, 2026 6:47 PM")),
            (1_767_225_600, form, Some("Jan 1, 2026 12:00 AM")),
            (1_773_489_540, form, Some("Mar 14, 2026 11:59 AM")),
            (1_785_499_200, "on {date_short_pretty}", Some("on Jul 31, 2026")),
            (0, "", Some("")),
            (0, "{ago}", None),
            (i64::MAX / 1000, form, None),
        ] {
            assert_eq!(shown(Wall(seconds * 1000), form).as_deref(), expected, "{seconds} {form}");
        }
    }
}
