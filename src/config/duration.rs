//! Durations as the configuration writes them: `90d`, `1.1s`, `500ms`, `11h30m`.

use std::time::Duration;

/// Ten years. A longer duration is a mistake, and could overflow a timestamp.
pub const DURATION_MAX: Duration = Duration::from_secs(3_650 * 24 * 60 * 60);

/// The milliseconds of each unit. `ms` comes before `m`, its first letter.
const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

const EXPECTED: &str = "must be a time with its unit (ms, s, m, h, d), such as 90d, 1.1s or 11h30m";

/// Parses one or more numbers with their units, to the millisecond. The sum is at most
/// [`DURATION_MAX`], and `0` alone needs no unit. The error never repeats the text.
pub fn parse(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(EXPECTED.to_owned());
    }
    let mut total_ms = 0.0;
    while !rest.is_empty() {
        let (part_ms, after) = part(rest).ok_or(EXPECTED)?;
        total_ms += part_ms;
        rest = after.trim_start();
    }
    // Compared first, so that the conversion is exact.
    if total_ms > DURATION_MAX.as_millis() as f64 {
        return Err("must be at most 3650d".to_owned());
    }
    Ok(Duration::from_millis(total_ms as u64))
}

/// The first number with its unit, in milliseconds, and the rest of the text.
fn part(text: &str) -> Option<(f64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at_checked(digits)?;
    let rest = rest.trim_start();
    let (unit, ms) = UNITS.into_iter().find(|(unit, _)| rest.starts_with(unit))?;
    let number: f64 = number.parse().ok()?;
    Some(((number * ms as f64).round(), rest.strip_prefix(unit)?))
}

/// The shortest text that [`parse`] reads as this duration, to the millisecond.
pub fn format(duration: Duration) -> String {
    let mut ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if ms == 0 {
        return "0s".to_owned();
    }
    if (1_000..60_000).contains(&ms) {
        return format!("{}s", ms as f64 / 1_000.0);
    }
    let mut text = String::new();
    for (unit, unit_ms) in [UNITS[1], UNITS[2], UNITS[3], UNITS[4], UNITS[0]] {
        if ms >= unit_ms {
            text.push_str(&format!("{}{unit}", ms / unit_ms));
            ms %= unit_ms;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, ms) in [
            ("90d", Some(7_776_000_000)),
            ("1.1s", Some(1_100)),
            ("500ms", Some(500)),
            ("11h30m", Some(41_400_000)),
            (" 1 h 2 m ", Some(3_720_000)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("3650d", Some(315_360_000_000)),
            ("3651d", None),
            ("99999999999999999999999d", None),
            ("", None),
            ("10", None),
            ("s", None),
            ("1.2.3s", None),
            ("-1s", None),
            ("1w", None),
            ("1 fortnight", None),
            ("1d x", None),
            ("½s", None),
        ] {
            assert_eq!(parse(text).ok(), ms.map(Duration::from_millis), "{text:?}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["90d", "1.1s", "500ms", "11h30m", "45s", "2m", "1m5s", "1d1ms", "0s"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
    }
}
