//! Notes about hansho itself, at the end of a post.

use std::time::Duration;

use super::date::token;
use super::escape::literal_weighing;
use super::message::Block;
use crate::ports::{Note, OutageCause, RetryReason};

const NAME_CHARS_MAX: usize = 60;

/// Draws a note in at most [`crate::ports::NOTE_WEIGHT_MAX`] characters of JSON.
pub(super) fn block(note: &Note) -> Block {
    Block::context(format!("🛠️ {}", text(note)))
}

fn text(note: &Note) -> String {
    match note {
        Note::Recovered { lasted, until, why, held, elsewhere, returned } => {
            let mut text = format!(
                "hansho could not post here for {}, until {}: {}.",
                length(*lasted),
                token(*until),
                reason(*why)
            );
            text.push_str(&match (held, returned) {
                (0, _) => String::new(),
                (held, 0) => format!(" {} and {} posted now.", waited(*held), are(*held)),
                (held, returned) => format!(
                    " {}. {returned} of them went back to the queue and may follow later. The \
                     others are posted now.",
                    waited(*held)
                ),
            });
            if *elsewhere > 0 {
                text.push_str(&format!(" The fallback posted {}.", findings(*elsewhere)));
            }
            text
        }
        Note::StandsIn { destination, dead_for } => {
            let name = literal_weighing(destination, NAME_CHARS_MAX);
            format!(
                "The webhook of {name} has not worked for {}. Its findings come here until it does.",
                length(*dead_for)
            )
        }
    }
}

/// `7 findings waited`
fn waited(count: usize) -> String {
    format!("{} waited", findings(count))
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

fn findings(count: usize) -> String {
    if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") }
}

fn reason(why: OutageCause) -> &'static str {
    match why {
        OutageCause::Dead => "the webhook or its channel did not exist",
        OutageCause::Failing(reason) => match reason {
            RetryReason::Connection => "Slack could not be reached",
            RetryReason::TimedOut => "Slack did not answer in time",
            RetryReason::RateLimited => "Slack asked for a pause",
            RetryReason::ServerError => "Slack answered with server errors (5xx)",
            RetryReason::UnexpectedAnswer => "the answers did not come from Slack",
            RetryReason::NoAddress => "the webhook could not be read",
        },
    }
}

/// Writes a time in minutes, hours and minutes, or days.
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
    use crate::slack::length::units;

    #[test]
    fn times_are_written_for_people() {
        for (seconds, text) in [
            (300, "5 min"),
            (37 * 60 + 20, "37 min"),
            (3600, "1 h"),
            (2 * 3600 + 300, "2 h 5 min"),
            (47 * 3600 + 59 * 60, "47 h 59 min"),
            (49 * 3600, "2 days"),
        ] {
            assert_eq!(length(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn the_note_counts_the_findings_that_waited() {
        let said = |held, elsewhere, returned| {
            text(&Note::Recovered {
                lasted: Duration::from_secs(37 * 60),
                until: Wall(1_784_746_037_000),
                why: OutageCause::Failing(RetryReason::ServerError),
                held,
                elsewhere,
                returned,
            })
        };
        let head = "hansho could not post here for 37 min, until <!date^1784746037^\
                    {date_short_pretty} {time}|2026-07-22 18:47 UTC>: Slack answered with server \
                    errors (5xx).";
        for (held, elsewhere, returned, tail) in [
            (0, 0, 0, ""),
            (1, 0, 0, " 1 finding waited and is posted now."),
            (214, 0, 0, " 214 findings waited and are posted now."),
            (
                214,
                0,
                3,
                " 214 findings waited. 3 of them went back to the queue and may follow later. The \
                 others are posted now.",
            ),
            (1, 12, 0, " 1 finding waited and is posted now. The fallback posted 12 findings."),
        ] {
            assert_eq!(said(held, elsewhere, returned), format!("{head}{tail}"));
        }
    }

    #[test]
    fn no_note_outgrows_its_bound() {
        let whys = [
            OutageCause::Dead,
            OutageCause::Failing(RetryReason::Connection),
            OutageCause::Failing(RetryReason::TimedOut),
            OutageCause::Failing(RetryReason::RateLimited),
            OutageCause::Failing(RetryReason::ServerError),
            OutageCause::Failing(RetryReason::UnexpectedAnswer),
            OutageCause::Failing(RetryReason::NoAddress),
        ];
        let recovered = |why| Note::Recovered {
            lasted: Duration::MAX,
            until: Wall(253_402_300_799_000),
            why,
            held: usize::MAX,
            elsewhere: usize::MAX,
            returned: usize::MAX,
        };
        let stands_in =
            |name: &str| Note::StandsIn { destination: name.repeat(200), dead_for: Duration::MAX };
        let names = ["a", "\"", "<!here>", "&", "日"].map(stands_in);
        for note in whys.into_iter().map(recovered).chain(names) {
            let json = serde_json::to_string(&block(&note)).unwrap();
            assert!(units(&json) <= NOTE_WEIGHT_MAX, "{json}");
            assert!(!json.contains("<!here"), "{json}");
        }
    }
}
