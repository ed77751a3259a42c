//! Times as values. Wall time and monotonic time are different types, because a lease that other
//! machines read must not be computed from a clock that only this process has. Only
//! [`crate::clock`] reads clocks.

use std::time::Duration;

use serde::{Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime};

/// Wall time: milliseconds since 1970-01-01T00:00:00Z. It may jump, and differs between machines by
/// the skew that [`crate::policy::budget::TimeBudget`] allows for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(pub i64);

/// Monotonic time: milliseconds since this process started. It is never stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(pub u64);

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    pub wall: Wall,
    pub mono: Mono,
}

impl Wall {
    /// Reads an RFC 3339 timestamp, the form of EventBridge, GuardDuty and Security Hub.
    pub fn parse_rfc3339(text: &str) -> Option<Wall> {
        Wall::from_usual(text).or_else(|| {
            let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
            Wall::from_nanos(at.unix_timestamp_nanos())
        })
    }

    /// Reads the usual form, `2026-07-22T18:47:17.000Z` from 1970 on, with or without a fraction. A
    /// finding has five times, and the general parser would take more time for them than all its
    /// names take. None means that the general parser has to decide.
    fn from_usual(text: &str) -> Option<Wall> {
        let (head, rest) = text.as_bytes().split_first_chunk::<19>()?;
        let number = |from: usize, to: usize| {
            head.get(from..to)?.iter().try_fold(0_u16, |number, byte| {
                byte.is_ascii_digit().then(|| number * 10 + u16::from(byte - b'0'))
            })
        };
        let marks = [head[4], head[7], head[10], head[13], head[16]];
        let fraction = rest.strip_suffix(b"Z")?;
        let millis = match fraction {
            [] => 0,
            [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
                let three = digits.iter().chain(b"00").take(3);
                if !digits.iter().all(u8::is_ascii_digit) {
                    return None;
                }
                three.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
            }
            _ => return None,
        };
        if marks != *b"--T::" || number(0, 4)? < 1970 {
            return None;
        }
        let small = |from: usize, to: usize| u8::try_from(number(from, to)?).ok();
        let month = Month::try_from(small(5, 7)?).ok()?;
        let date = Date::from_calendar_date(i32::from(number(0, 4)?), month, small(8, 10)?).ok()?;
        let at = date.with_hms(small(11, 13)?, small(14, 16)?, small(17, 19)?).ok()?;
        Some(Wall(at.assume_utc().unix_timestamp() * 1000 + millis))
    }

    pub fn from_unix_seconds(seconds: f64) -> Option<Wall> {
        // A number beyond the year 9999 is not a timestamp, and might overflow as milliseconds.
        (seconds.is_finite() && (0.0..253_402_300_800.0).contains(&seconds))
            .then_some(Wall((seconds * 1000.0) as i64))
    }

    fn from_nanos(nanos: i128) -> Option<Wall> {
        i64::try_from(nanos / 1_000_000).ok().map(Wall)
    }

    /// Whole seconds since 1970, the unit of Slack's date tokens and of DynamoDB's TTL.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The next whole second, or this moment if it is one.
    pub fn whole_second(self) -> Wall {
        Wall(self.0.saturating_add(999).div_euclid(1000).saturating_mul(1000))
    }

    pub fn plus(self, by: Duration) -> Wall {
        Wall(self.0.saturating_add(millis_i64(by)))
    }

    pub fn minus(self, by: Duration) -> Wall {
        Wall(self.0.saturating_sub(millis_i64(by)))
    }

    /// The time since `earlier`, or zero if that is later.
    pub fn since(self, earlier: Wall) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0) as u64)
    }

    /// Writes RFC 3339 in UTC to the second, for people and logs.
    pub fn to_rfc3339(self) -> String {
        OffsetDateTime::from_unix_timestamp(self.seconds())
            .ok()
            .and_then(|at| at.format(&Rfc3339).ok())
            .unwrap_or_else(|| format!("{} ms", self.0))
    }
}

/// Writes RFC 3339, as [`Wall::to_rfc3339`] does.
impl Serialize for Wall {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.to_rfc3339())
    }
}

impl Mono {
    pub fn plus(self, by: Duration) -> Mono {
        Mono(self.0.saturating_add(millis(by)))
    }

    /// The time since `earlier`, or zero if that is later.
    pub fn since(self, earlier: Mono) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Whole milliseconds.
pub fn millis(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}

fn millis_i64(d: Duration) -> i64 {
    i64::try_from(d.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_timestamps_that_aws_sends() {
        for (text, ms) in [
            ("1970-01-01T00:00:01Z", Some(1000)),
            ("2026-07-22T18:47:17.000Z", Some(1_784_746_037_000)),
            ("2026-07-22T20:47:17.5+02:00", Some(1_784_746_037_500)),
            ("2026-07-22T18:47:17.5Z", Some(1_784_746_037_500)),
            ("2026-07-22T18:47:17.05Z", Some(1_784_746_037_050)),
            ("2026-07-22T18:47:17.123456789Z", Some(1_784_746_037_123)),
            ("2026-07-22T18:47:17.Z", None),
            ("2026-07-22T18:47:17.1x3Z", None),
            ("2026-02-29T00:00:00Z", None),
            ("2028-02-29T00:00:00Z", Some(1_835_395_200_000)),
            ("2026-13-01T00:00:00Z", None),
            ("2026-07-22T24:00:00Z", None),
            ("2026-07-22T18:60:00Z", None),
            ("2026-07-22t18:47:17z", Some(1_784_746_037_000)),
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(Wall::parse_rfc3339(text), ms.map(Wall), "{text}");
        }
    }

    /// The parser of the usual form agrees with the general one.
    #[test]
    fn the_usual_form_is_read_as_any_other() {
        let general = |text: &str| {
            let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
            Wall::from_nanos(at.unix_timestamp_nanos())
        };
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..5_000 {
            let mut between = |least: u16, most: u16| random.u16(least..=most);
            let (year, month, day) = (between(1968, 9999), between(0, 13), between(0, 32));
            let (hour, minute, second) = (between(0, 24), between(0, 60), between(0, 60));
            let fraction = ["", ".", ".7", ".07", ".123456789", ".1234567890", "x"];
            let fraction = fraction[usize::from(between(0, 6))];
            let text = format!(
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"
            );
            assert_eq!(Wall::parse_rfc3339(&text), general(&text), "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Wall(5).since(Wall(9)), Duration::ZERO);
        assert_eq!(Wall(i64::MAX).plus(Duration::MAX), Wall(i64::MAX));
        assert_eq!(Mono(1).plus(Duration::MAX), Mono(u64::MAX));
    }
}
