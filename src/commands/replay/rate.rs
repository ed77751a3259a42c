//! The rate at which messages are sent.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::instants::Mono;

/// A number of messages in a second, a minute or an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    messages: u32,
    per: Duration,
}

/// One process can't send more in a second.
const MESSAGES_MAX: u32 = 10_000;

impl Rate {
    pub const DEFAULT: &str = "20/s";

    /// The size of a batch: the messages of half a second, at least one and at most `most`.
    pub fn batch(self, most: usize) -> usize {
        let half_second = u128::from(self.messages) * 500 / self.per.as_millis().max(1);
        usize::try_from(half_second).unwrap_or(most).clamp(1, most.max(1))
    }

    /// When message `number` may be sent, if message 0 was sent at `began`.
    pub fn due(self, began: Mono, number: usize) -> Mono {
        began.plus(self.time_for(number))
    }

    /// The time that so many messages take.
    pub fn time_for(self, messages: usize) -> Duration {
        let ms = (messages as u128) * self.per.as_millis() / u128::from(self.messages.max(1));
        Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per.as_secs() {
            1 => "s",
            60 => "m",
            _ => "h",
        };
        write!(f, "{}/{unit}", self.messages)
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Rate, String> {
        let wrong = || "must be a rate such as 20/s, 100/m or 500/h".to_owned();
        let (number, unit) = text.trim().split_once('/').unwrap_or((text.trim(), "s"));
        let seconds = match unit.trim() {
            "s" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            "h" | "hour" => 3600,
            _ => return Err(wrong()),
        };
        let messages: u32 = number.trim().parse().map_err(|_| wrong())?;
        if messages == 0 || messages > MESSAGES_MAX {
            return Err(format!("{}, from 1 to {MESSAGES_MAX}", wrong()));
        }
        Ok(Rate { messages, per: Duration::from_secs(seconds) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_written() {
        for (text, written) in [
            ("20/s", Some("20/s")),
            (" 100 / m ", Some("100/m")),
            ("1/h", Some("1/h")),
            ("5", Some("5/s")),
            ("0/s", None),
            ("-1/s", None),
            ("1.5/s", None),
            ("20/d", None),
            ("99999/s", None),
            ("", None),
        ] {
            assert_eq!(
                text.parse::<Rate>().ok().map(|r| r.to_string()).as_deref(),
                written,
                "{text}"
            );
        }
    }

    #[test]
    fn batches_keep_to_the_rate() {
        for (text, batch) in [("20/s", 10), ("10/s", 5), ("1/s", 1), ("1/h", 1), ("10000/s", 10)] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.batch(10), batch, "{text}");
        }
        let rate: Rate = "20/s".parse().unwrap();
        assert_eq!(rate.due(Mono(1000), 0), Mono(1000));
        assert_eq!(rate.due(Mono(1000), 30), Mono(2500));
        assert_eq!("30/h".parse::<Rate>().unwrap().time_for(60), Duration::from_secs(7200));
    }
}
