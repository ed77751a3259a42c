//! A moment of each week in a time zone: `mon 09:00 Europe/Berlin`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::hours::time_of_day;
use crate::instants::Wall;

/// A day of the week and a time of that day. The zone's own rules decide what the clocks there
/// show, also when they change.
#[derive(Clone, Debug, PartialEq)]
pub struct Weekly {
    day: Weekday,
    time: Time,
    zone: TimeZone,
    written: Box<str>,
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// The text is none of a weekly moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWeekly {
    #[error(
        "must be a day, a time and a time zone, such as \"mon 09:00 Europe/Berlin\", or off; the \
         days are mon, tue, wed, thu, fri, sat, sun"
    )]
    Form,
    #[error("must end with a time zone of the IANA database, such as Europe/Berlin or UTC")]
    Zone,
}

impl Weekly {
    /// The last such moment until `now`. None: `now` is no time that a calendar has.
    pub fn last(&self, now: Wall) -> Option<Wall> {
        let now = Timestamp::from_millisecond(now.0).ok()?;
        let today = self.zone.to_datetime(now).date();
        let days = i64::from(self.day.until(today.weekday()));
        // This week's moment may be later today.
        for weeks in 0..2 {
            let date = today.checked_sub((days + 7 * weeks).days()).ok()?;
            let at = self.zone.to_timestamp(date.to_datetime(self.time)).ok()?;
            if at <= now {
                return Some(Wall(at.as_millisecond()));
            }
        }
        None
    }
}

impl FromStr for Weekly {
    type Err = NotWeekly;

    fn from_str(text: &str) -> Result<Weekly, NotWeekly> {
        let text = text.trim();
        let mut parts = text.split_whitespace();
        let (Some(day), Some(time), Some(zone), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotWeekly::Form);
        };
        let known = |(name, _): &&(&str, Weekday)| name.eq_ignore_ascii_case(day);
        let day = DAYS.iter().find(known).ok_or(NotWeekly::Form)?.1;
        let time = time_of_day(time).ok_or(NotWeekly::Form)?;
        let zone = TimeZone::get(zone).map_err(|_| NotWeekly::Zone)?;
        Ok(Weekly { day, time, zone, written: text.into() })
    }
}

/// As it was written.
impl fmt::Display for Weekly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_moment_is_that_of_the_clocks_there() {
        for (weekly, now, last) in [
            // 2026-11-30 is a Monday. Berlin is one hour ahead in winter, two in summer.
            ("mon 09:00 Europe/Berlin", "2026-11-30T08:00:00Z", "2026-11-30T08:00:00Z"),
            ("mon 09:00 Europe/Berlin", "2026-11-30T07:59:59.999Z", "2026-11-23T08:00:00Z"),
            ("Mon 09:00 Europe/Berlin", "2026-12-06T23:00:00Z", "2026-11-30T08:00:00Z"),
            ("sun 00:00 Asia/Tokyo", "2026-11-28T15:00:00Z", "2026-11-28T15:00:00Z"),
            ("sun 00:00 Asia/Tokyo", "2026-11-28T14:59:59Z", "2026-11-21T15:00:00Z"),
            ("tue 09:00 Europe/Berlin", "2026-07-15T00:00:00Z", "2026-07-14T07:00:00Z"),
            // The hour that is left out on 2026-03-29, and the one that comes twice on 2026-10-25.
            ("sun 02:30 Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29T01:30:00Z"),
            ("sun 02:30 Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-25T00:30:00Z"),
        ] {
            let read: Weekly = weekly.parse().unwrap();
            let at = |text| Wall::parse_rfc3339(text).unwrap();
            assert_eq!(read.last(at(now)), Some(at(last)), "{weekly} {now}");
            assert_eq!(read.to_string(), weekly);
        }
        let weekly: Weekly = "mon 09:00 UTC".parse().unwrap();
        assert_eq!((weekly.last(Wall(i64::MAX)), weekly.last(Wall(i64::MIN))), (None, None));
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, why) in [
            ("", NotWeekly::Form),
            ("mon", NotWeekly::Form),
            ("mon 09:00", NotWeekly::Form),
            ("monday 09:00 UTC", NotWeekly::Form),
            ("mon 9:00 UTC", NotWeekly::Form),
            ("mon 24:30 UTC", NotWeekly::Form),
            ("mon 09:00 UTC x", NotWeekly::Form),
            ("mon 09:00 Asia/Edo", NotWeekly::Zone),
            ("mon 09:00 ../../etc/passwd", NotWeekly::Zone),
        ] {
            assert_eq!(text.parse::<Weekly>(), Err(why), "{text}");
        }
    }
}
