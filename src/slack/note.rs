//! A word about hansho itself at the end of a post.

use std::time::Duration;

use super::card::date;
use super::escape::literal_weighing;
use super::message::Block;
use crate::ports::{Note, RetryReason, Trouble};

const NAME_CHARS_MAX: usize = 60;

/// The block of a note: at most [`crate::ports::NOTE_WEIGHT_MAX`] characters of JSON.
pub(super) fn block(note: &Note) -> Block {
    Block::context(format!("🛠️ {}", text(note)))
}

fn text(note: &Note) -> String {
    match note {
        Note::WasAway { lasted, until, why, held, elsewhere, returned } => {
            let mut text = format!(
                "hansho could not post here for {}, until {}: {}.",
                length(*lasted),
                date(*until),
                reason(*why)
            );
            text.push_str(&match (held, returned) {
                (0, _) => String::new(),
                (1, 0) => " The finding that was held is told.".to_owned(),
                (held, 0) => format!(" {held} findings were held, and all of them are told."),
                (held, returned) => format!(
                    " {} held; {returned} went back to the queue and may still follow, the others \
                     are told.",
                    findings(*held, "was", "were")
                ),
            });
            if *elsewhere > 0 {
                let told = findings(*elsewhere, "was", "were");
                text.push_str(&format!(" {told} told by the fallback."));
            }
            text
        }
        Note::StandsIn { destination, gone_for } => {
            let name = literal_weighing(destination, NAME_CHARS_MAX);
            format!(
                "The webhook of {name} is gone, for {} now. Its findings come here until it has \
                 another one.",
                length(*gone_for)
            )
        }
    }
}

/// `1 finding was`, `7 findings were`
fn findings(count: usize, was: &str, were: &str) -> String {
    match count {
        1 => format!("1 finding {was}"),
        count => format!("{count} findings {were}"),
    }
}

fn reason(why: Trouble) -> &'static str {
    match why {
        Trouble::Dead => "the webhook or its channel was gone",
        Trouble::Failing(reason) => match reason {
            RetryReason::Connection => "Slack could not be reached",
            RetryReason::TimedOut => "Slack did not answer in time",
            RetryReason::RateLimited => "Slack asked for a pause",
            RetryReason::ServerError => "Slack answered with errors of its own (5xx)",
            RetryReason::UnexpectedAnswer => "something answered that was not Slack",
            RetryReason::NoAddress => "the webhook could not be read",
        },
    }
}

/// To the minute, or in hours where they are many.
fn length(time: Duration) -> String {
    let minutes = time.as_secs().saturating_add(30) / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours @ 1..48, 0) => format!("{hours} h"),
        (hours @ 1..48, minutes) => format!("{hours} h {minutes} min"),
        (hours, _) => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instants::Wall;
    use crate::ports::NOTE_WEIGHT_MAX;

    #[test]
    fn times_are_told_as_people_do() {
        for (seconds, told) in [
            (300, "5 min"),
            (37 * 60 + 20, "37 min"),
            (3600, "1 h"),
            (2 * 3600 + 300, "2 h 5 min"),
            (47 * 3600 + 59 * 60, "47 h 59 min"),
            (49 * 3600, "2 days"),
        ] {
            assert_eq!(length(Duration::from_secs(seconds)), told);
        }
    }

    #[test]
    fn what_was_held_is_told_as_it_is() {
        let said = |held, elsewhere, returned| {
            text(&Note::WasAway {
                lasted: Duration::from_secs(37 * 60),
                until: Wall(1_784_746_037_000),
                why: Trouble::Failing(RetryReason::ServerError),
                held,
                elsewhere,
                returned,
            })
        };
        let head = "hansho could not post here for 37 min, until <!date^1784746037^\
                    {date_short_pretty} {time}|2026-07-22 18:47 UTC>: Slack answered with errors of \
                    its own (5xx).";
        for (held, elsewhere, returned, tail) in [
            (0, 0, 0, ""),
            (1, 0, 0, " The finding that was held is told."),
            (214, 0, 0, " 214 findings were held, and all of them are told."),
            (
                214,
                0,
                3,
                " 214 findings were held; 3 went back to the queue and may still follow, the others \
                 are told.",
            ),
            (
                1,
                12,
                0,
                " The finding that was held is told. 12 findings were told by the fallback.",
            ),
        ] {
            assert_eq!(said(held, elsewhere, returned), format!("{head}{tail}"));
        }
    }

    #[test]
    fn no_note_outgrows_its_bound() {
        let whys = [
            Trouble::Dead,
            Trouble::Failing(RetryReason::Connection),
            Trouble::Failing(RetryReason::TimedOut),
            Trouble::Failing(RetryReason::RateLimited),
            Trouble::Failing(RetryReason::ServerError),
            Trouble::Failing(RetryReason::UnexpectedAnswer),
            Trouble::Failing(RetryReason::NoAddress),
        ];
        let away = |why| Note::WasAway {
            lasted: Duration::MAX,
            until: Wall(253_402_300_799_000),
            why,
            held: usize::MAX,
            elsewhere: usize::MAX,
            returned: usize::MAX,
        };
        let gone =
            |name: &str| Note::StandsIn { destination: name.repeat(200), gone_for: Duration::MAX };
        let names = ["a", "\"", "<!here>", "&", "日"].map(gone);
        for note in whys.into_iter().map(away).chain(names) {
            let json = serde_json::to_string(&block(&note)).unwrap();
            assert!(json.chars().count() <= NOTE_WEIGHT_MAX, "{json}");
            assert!(!json.contains("<!here"), "{json}");
        }
    }
}
