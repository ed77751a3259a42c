//! Hours of the day in a time zone: `22:00-07:00 Asia/Tokyo`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::instants::Wall;

/// From a time of the day, included, to another, excluded. If that one is earlier, it is on the
/// next day. The zone's own rules decide what the clocks there show, also when they change.
#[derive(Clone, Debug, PartialEq)]
pub struct Hours {
    from: Time,
    until: Time,
    zone: TimeZone,
    written: Box<str>,
}

/// The text is none of hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotHours {
    #[error(
        "must be two times of a day and a time zone, such as \"22:00-07:00 Asia/Tokyo\"; leave it \
         out for all hours"
    )]
    Form,
    #[error("must end with a time zone of the IANA database, such as Europe/Berlin or UTC")]
    Zone,
}

impl Hours {
    pub fn contain(&self, at: Wall) -> bool {
        let Ok(at) = Timestamp::from_millisecond(at.0) else { return false };
        let now = self.zone.to_datetime(at).time();
        match self.from < self.until {
            true => (self.from..self.until).contains(&now),
            false => now >= self.from || now < self.until,
        }
    }
}

impl FromStr for Hours {
    type Err = NotHours;

    fn from_str(text: &str) -> Result<Hours, NotHours> {
        let text = text.trim();
        let (times, zone) = text.split_once(char::is_whitespace).ok_or(NotHours::Form)?;
        let (from, until) = times.split_once('-').ok_or(NotHours::Form)?;
        let (from, until) = (time(from)?, time(until)?);
        if from == until {
            return Err(NotHours::Form);
        }
        let zone = TimeZone::get(zone.trim()).map_err(|_| NotHours::Zone)?;
        Ok(Hours { from, until, zone, written: text.into() })
    }
}

/// As it was written.
impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// `07:00`. `24:00` is midnight too.
pub(super) fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| match text.as_bytes() {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok()
        }
        _ => None,
    };
    match (number(hour)?, number(minute)?) {
        (24, 0) => Some(Time::midnight()),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}

fn time(text: &str) -> Result<Time, NotHours> {
    time_of_day(text).ok_or(NotHours::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contain_what_the_clocks_there_show() {
        for (hours, at, contained) in [
            // Tokyo is nine hours ahead, all year.
            ("22:00-07:00 Asia/Tokyo", "2026-11-26T12:59:59Z", false),
            ("22:00-07:00 Asia/Tokyo", "2026-11-26T13:00:00Z", true),
            ("22:00-07:00 Asia/Tokyo", "2026-11-26T21:59:59.999Z", true),
            ("22:00-07:00 Asia/Tokyo", "2026-11-26T22:00:00Z", false),
            ("09:00-17:30 UTC", "2026-11-26T09:00:00Z", true),
            ("09:00-17:30 UTC", "2026-11-26T17:30:00Z", false),
            ("18:00-24:00 UTC", "2026-11-26T23:59:59Z", true),
            ("18:00-24:00 UTC", "2026-11-26T00:00:00Z", false),
            // Berlin is one hour ahead in winter, two in summer.
            ("08:00-09:00 Europe/Berlin", "2026-01-15T07:30:00Z", true),
            ("08:00-09:00 Europe/Berlin", "2026-07-15T07:30:00Z", false),
            ("08:00-09:00 Europe/Berlin", "2026-07-15T06:30:00Z", true),
            // The hour that is left out on 2026-03-29, and the one that comes twice on 2026-10-25.
            ("02:00-03:00 Europe/Berlin", "2026-03-29T00:59:59Z", false),
            ("02:00-03:00 Europe/Berlin", "2026-03-29T01:00:00Z", false),
            ("02:00-03:00 Europe/Berlin", "2026-10-25T00:30:00Z", true),
            ("02:00-03:00 Europe/Berlin", "2026-10-25T01:30:00Z", true),
        ] {
            let read: Hours = hours.parse().unwrap();
            let at = Wall::parse_rfc3339(at).unwrap();
            assert_eq!(read.contain(at), contained, "{hours} at {at:?}");
            assert_eq!(read.to_string(), hours);
        }
        let day: Hours = "00:00-23:59 UTC".parse().unwrap();
        assert!(!day.contain(Wall(i64::MAX)) && !day.contain(Wall(i64::MIN)));
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, why) in [
            ("", NotHours::Form),
            ("22:00-07:00", NotHours::Form),
            ("22-7 UTC", NotHours::Form),
            ("9:00-17:00 UTC", NotHours::Form),
            ("25:00-07:00 UTC", NotHours::Form),
            ("24:01-07:00 UTC", NotHours::Form),
            ("22:60-07:00 UTC", NotHours::Form),
            ("22:00-22:00 UTC", NotHours::Form),
            ("00:00-24:00 UTC", NotHours::Form),
            ("２２:00-07:00 UTC", NotHours::Form),
            ("22:00–07:00 UTC", NotHours::Form),
            ("22:00-07:00 Asia/Edo", NotHours::Zone),
            ("22:00-07:00 Asia/Tokyo x", NotHours::Zone),
            ("22:00-07:00 ../../etc/passwd", NotHours::Zone),
        ] {
            assert_eq!(text.parse::<Hours>(), Err(why), "{text}");
        }
    }
}
