//! Reads times in every form that the sources write.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::json::{Json, Kind};
use super::lenient::Read;
use crate::instants::Wall;

/// Inspector's events: `Jan 19, 2023, 10:46:15 PM`, in UTC.
/// Source: Inspector user guide, "Amazon EventBridge event schema for Amazon Inspector events".
const INSPECTOR: &[BorrowedFormatItem<'_>] = format_description!(
    "[month repr:short] [day padding:none], [year], \
     [hour repr:12 padding:none]:[minute]:[second] [period]"
);

/// `Sep 04 16:59:44.356 UTC 2024`, which follows the weekday in Java's form of a time. Inspector's
/// events have it with and without milliseconds.
const JAVA: &[BorrowedFormatItem<'_>] = format_description!(
    version = 2,
    "[month repr:short] [day padding:none] [hour]:[minute]:[second][optional [.[subsecond]]] \
     UTC [year]"
);

/// Seconds since the epoch stay below this until the year 5138; milliseconds passed it in 1973.
const LEAST_MILLISECONDS: f64 = 1e11;

/// Reads RFC 3339, RFC 3339 with a space for the `T` or without a zone (then UTC), Inspector's
/// form, Java's form, and seconds or milliseconds since the epoch.
impl<'a> Read<'a> for Wall {
    fn read(json: Json<'a>) -> Option<Wall> {
        match json.kind() {
            Kind::Number => from_epoch(f64::read(json)?),
            Kind::String => from_text(&json.text()?),
            _ => None,
        }
    }
}

fn from_epoch(number: f64) -> Option<Wall> {
    let seconds = if number >= LEAST_MILLISECONDS { number / 1000.0 } else { number };
    Wall::from_unix_seconds(seconds)
}

fn from_text(text: &str) -> Option<Wall> {
    /// No form is longer.
    const LONGEST: usize = 64;
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    Wall::parse_rfc3339(text)
        .or_else(|| Wall::parse_rfc3339(&as_rfc3339(text)?))
        .or_else(|| from_inspector(text))
        .or_else(|| from_java(text))
        .or_else(|| from_epoch(text.parse().ok()?))
}

/// Turns `2025-02-25 20:40:06.721` into `2025-02-25T20:40:06.721Z`.
fn as_rfc3339(text: &str) -> Option<String> {
    let (date, time) = (text.get(..10)?, text.get(11..)?);
    let zone = if time.ends_with(['Z', 'z']) || time.contains(['+', '-']) { "" } else { "Z" };
    Some(format!("{date}T{}{zone}", time.trim_end_matches(" UTC")))
}

fn from_inspector(text: &str) -> Option<Wall> {
    // Newer Java writes a narrow no-break space before AM and PM.
    let at = PrimitiveDateTime::parse(&text.replace('\u{202f}', " "), INSPECTOR).ok()?;
    Some(millis(at.assume_utc()))
}

/// Reads Java's form in UTC. The weekday is not compared with the date.
fn from_java(text: &str) -> Option<Wall> {
    let (_weekday, date) = text.split_once(' ')?;
    let at = PrimitiveDateTime::parse(&date.replacen(" GMT ", " UTC ", 1), JAVA).ok()?;
    Some(millis(at.assume_utc()))
}

fn millis(at: OffsetDateTime) -> Wall {
    Wall(at.unix_timestamp().saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::super::json::json;
    use super::*;

    #[test]
    fn reads_every_form_that_the_sources_use() {
        for (raw, rfc3339) in [
            (r#""2026-07-22T18:47:17.000Z""#, Some("2026-07-22T18:47:17Z")),
            (r#""2026-07-22T18:47:17+02:00""#, Some("2026-07-22T16:47:17Z")),
            (r#""2025-04-08T03:18:43.509465073Z""#, Some("2025-04-08T03:18:43Z")),
            (r#""2025-02-25 20:40:06.721""#, Some("2025-02-25T20:40:06Z")),
            (r#""2025-02-25 20:40:06.000000000""#, Some("2025-02-25T20:40:06Z")),
            (r#""2025-02-25 20:40:06+00:00""#, Some("2025-02-25T20:40:06Z")),
            (r#""2025-02-25T20:40:06""#, Some("2025-02-25T20:40:06Z")),
            (r#""Jan 19, 2023, 10:46:15 PM""#, Some("2023-01-19T22:46:15Z")),
            (r#""Jan 9, 2023, 1:46:15 AM""#, Some("2023-01-09T01:46:15Z")),
            ("\"Jan 9, 2023, 1:46:15\u{202f}AM\"", Some("2023-01-09T01:46:15Z")),
            (r#""Wed Sep 04 16:59:44.356 UTC 2024""#, Some("2024-09-04T16:59:44Z")),
            (r#""Wed Sep 04 16:59:44 GMT 2024""#, Some("2024-09-04T16:59:44Z")),
            (r#""Mon Sep 4 16:59:44.3 UTC 2024""#, Some("2024-09-04T16:59:44Z")),
            (r#""Wed Sep 04 16:59:44.356 PDT 2024""#, None),
            (r#""Wed Sep 31 16:59:44.356 UTC 2024""#, None),
            (r#""Wed Sep 04 16:59:44. UTC 2024""#, None),
            (r#""Sep 04 16:59:44 UTC 2024""#, None),
            ("1759524561464", Some("2025-10-03T20:49:21Z")),
            ("1759524561.464", Some("2025-10-03T20:49:21Z")),
            ("1.759524561464E9", Some("2025-10-03T20:49:21Z")),
            (r#""1759524561464""#, Some("2025-10-03T20:49:21Z")),
            (r#""yesterday""#, None),
            (r#""""#, None),
            (r#""日本語日本語""#, None),
            ("-1", None),
            ("1e300", None),
            ("true", None),
            ("null", None),
            ("{}", None),
        ] {
            let got = Wall::read(json(raw)).map(Wall::to_rfc3339);
            assert_eq!(got.as_deref(), rfc3339, "{raw}");
        }
    }
}
