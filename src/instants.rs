//! Moments as values. Wall time and monotonic time are different types, so that a lease that other
//! machines read can never be computed from a clock that only this process knows, nor the reverse.
//! Nothing here reads a clock: that is the one job of [`crate::clock`].

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Wall time: milliseconds since 1970-01-01T00:00:00Z. It may step, and it differs between machines
/// by the skew that [`crate::policy::budget::TimeBudget`] allows for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(pub i64);

/// Monotonic time of this process: milliseconds since it started. Never written anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(pub u64);

/// One reading of both clocks, passed to whatever needs to know the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    pub wall: Wall,
    pub mono: Mono,
}

impl Wall {
    /// Reads an RFC 3339 timestamp, the form that EventBridge, GuardDuty and Security Hub use.
    pub fn parse_rfc3339(text: &str) -> Option<Wall> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        Wall::from_nanos(at.unix_timestamp_nanos())
    }

    pub fn from_unix_seconds(seconds: f64) -> Option<Wall> {
        // Beyond the year 9999 it is no timestamp, and multiplying it would lose its meaning.
        (seconds.is_finite() && (0.0..253_402_300_800.0).contains(&seconds))
            .then_some(Wall((seconds * 1000.0) as i64))
    }

    fn from_nanos(nanos: i128) -> Option<Wall> {
        i64::try_from(nanos / 1_000_000).ok().map(Wall)
    }

    /// Whole seconds since the epoch, the unit of Slack's date tokens and of DynamoDB's TTL.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub fn plus(self, by: Duration) -> Wall {
        Wall(self.0.saturating_add(millis_i64(by)))
    }

    pub fn minus(self, by: Duration) -> Wall {
        Wall(self.0.saturating_sub(millis_i64(by)))
    }

    /// How long after `earlier` this is; zero if it is before.
    pub fn since(self, earlier: Wall) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0) as u64)
    }

    /// RFC 3339 in UTC to the second, for people and logs.
    pub fn to_rfc3339(self) -> String {
        OffsetDateTime::from_unix_timestamp(self.seconds())
            .ok()
            .and_then(|at| at.format(&Rfc3339).ok())
            .unwrap_or_else(|| format!("{} ms", self.0))
    }
}

impl Mono {
    pub fn plus(self, by: Duration) -> Mono {
        Mono(self.0.saturating_add(millis_u64(by)))
    }

    /// How long after `earlier` this is; zero if it is before.
    pub fn since(self, earlier: Mono) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

fn millis_u64(d: Duration) -> u64 {
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
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(Wall::parse_rfc3339(text), ms.map(Wall), "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Wall(5).since(Wall(9)), Duration::ZERO);
        assert_eq!(Wall(i64::MAX).plus(Duration::MAX), Wall(i64::MAX));
        assert_eq!(Mono(1).plus(Duration::MAX), Mono(u64::MAX));
    }
}
