//! What a report can't know.

use std::fmt;
use std::time::Duration;

use crate::policy::day_counts::{Day, KEYS_MAX};
use crate::words::number_of;

/// Something that the numbers leave out, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// The scan stopped before the end.
    Incomplete,
    Unreadable(u64),
    /// The records of so many alerts of the period are of a version that kept no types.
    WithoutType(u64),
    /// So many days of the period have no counts.
    WithoutCounts {
        days: usize,
        first: Day,
        last: Day,
    },
    /// So many counts of full days, without account, type and level.
    Rest(u64),
    /// A limit on memory was reached.
    TooManyPosts,
    TooManyPairs,
    TooManyDelays,
    /// The period begins before the records that expired.
    Expired(Duration),
    LastPostOnly,
    Killed,
    NeverClosed,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gap::Unreadable(number) => {
                let records = number_of(*number, "record");
                write!(f, "{records} can't be read: another version of hansho wrote them")
            }
            Gap::WithoutType(number) => write!(
                f,
                "the records of {} have no type and no resource: an earlier version of hansho wrote \
                 them",
                number_of(*number, "alert")
            ),
            Gap::WithoutCounts { days, first, last } => {
                match days {
                    1 => write!(f, "there are no day counts of {first}: ")?,
                    _ => write!(f, "there are no day counts of {days} days, {first} to {last}: ")?,
                }
                f.write_str("nothing happened, or no worker of a version that counts was running")
            }
            Gap::Rest(number) => write!(
                f,
                "{} without account, type and level: a day has at most {KEYS_MAX} combinations",
                number_of(*number, "count")
            ),
            Gap::Expired(retention) => write!(
                f,
                "records expire {} after the last write (ledger.retention), so findings of before \
                 may be missing",
                number_of(retention.as_secs() / (24 * 3600), "day")
            ),
            gap => f.write_str(gap.without_numbers()),
        }
    }
}

impl Gap {
    fn without_numbers(&self) -> &'static str {
        match self {
            Gap::Incomplete => {
                "not all records were read: the ledger has more than a report reads, so the \
                 numbers from records are too low"
            }
            Gap::TooManyPosts => {
                "there were more posts than a report tells apart: their number is a lower bound"
            }
            Gap::TooManyPairs => {
                "there were more pairs of type and resource than a report tells apart: a noisy one \
                 may be missing"
            }
            Gap::TooManyDelays => "the median is that of the first million alerts",
            Gap::LastPostOnly => {
                "a record keeps the last post of its alert: findings, alerts and posts count it on \
                 the day of that post, and earlier posts of the alert are only in the day counts"
            }
            Gap::Killed => {
                "a worker that is killed loses the counts of its last minute; a message that is \
                 delivered again is counted again"
            }
            Gap::NeverClosed => {
                "a finding counts as open until an event says that it is closed; GuardDuty says so \
                 only when somebody archives it"
            }
            Gap::Unreadable(_)
            | Gap::WithoutType(_)
            | Gap::WithoutCounts { .. }
            | Gap::Rest(_)
            | Gap::Expired(_) => "",
        }
    }
}
