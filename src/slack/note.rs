//! Notes at the end of a post: about hansho itself, and about findings that are closed.

use std::time::Duration;

use super::date::token;
use super::escape::literal_weighing;
use super::guide::Guide;
use super::line::line_after;
use super::message::Block;
use crate::finding::Closing;
use crate::ports::{ClosedLine, Note, OutageCause, RetryReason};
use crate::words::number_of;

const NAME_CHARS_MAX: usize = 60;
/// Such a note stands alone: see `own_note`.
const TITLE_CHARS_MAX: usize = 150;

/// Draws a note, in JSON no longer than [`crate::ports::NOTE_WEIGHT_MAX`], or with lines than
/// [`crate::ports::NOTE_LINE_WEIGHT_MAX`] for each and one more.
pub(super) fn block(note: &Note, guide: &Guide) -> Block {
    Block::context(text(note, guide))
}

fn text(note: &Note, guide: &Guide) -> String {
    match note {
        Note::Own { title, .. } => format!("ℹ️ {}", literal_weighing(title, TITLE_CHARS_MAX)),
        Note::Recovered { lasted, until, why, held, elsewhere, returned } => {
            let mut text = format!(
                "🛠️ hansho could not post here for {}, until {}: {}.",
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
                "🛠️ The webhook of {name} has not worked for {}. Its findings come here until it does.",
                length(*dead_for)
            )
        }
        Note::Closed { lines, more } => {
            let more = (*more > 0).then(|| format!("and {more} more"));
            lines.iter().map(|line| closed(line, guide)).chain(more).collect::<Vec<_>>().join("\n")
        }
    }
}

/// `✅ resolved after 3 h: Title · account · region · id`
fn closed(line: &ClosedLine, guide: &Guide) -> String {
    let mark = match line.why {
        Closing::Resolved => "✅",
        Closing::Suppressed => "🔕",
    };
    let after = match line.after {
        None => String::new(),
        Some(after) if after < Duration::from_secs(60) => " within a minute".to_owned(),
        Some(after) => format!(" after {}", length(after)),
    };
    line_after(format!("{mark} {}{after}: ", line.why.as_str()), &line.finding, guide)
}

/// `7 findings waited`
fn waited(count: usize) -> String {
    format!("{} waited", findings(count))
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

fn findings(count: usize) -> String {
    number_of(count, "finding")
}

pub(super) fn reason(why: OutageCause) -> &'static str {
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
pub(super) fn length(time: Duration) -> String {
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
    use std::sync::Arc;

    use super::*;
    use crate::instants::Wall;
    use crate::ports::{NOTE_LINE_WEIGHT_MAX, NOTE_WEIGHT_MAX};
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
            text(
                &Note::Recovered {
                    lasted: Duration::from_secs(37 * 60),
                    until: Wall(1_784_746_037_000),
                    why: OutageCause::Failing(RetryReason::ServerError),
                    held,
                    elsewhere,
                    returned,
                },
                &Guide::default(),
            )
        };
        let head = "🛠️ hansho could not post here for 37 min, until <!date^1784746037^\
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

    fn closed_line(title: &str, why: Closing, after: Option<u64>) -> ClosedLine {
        let text = format!(
            r#"{{"schemaVersion":"2.0","id":"0123456789abcdef0123456789abcdef","severity":8,
            "accountId":"111122223333","region":"eu-west-1","type":"T","title":{},"resource":{{}},
            "service":{{}}}}"#,
            serde_json::json!(title)
        );
        let finding = crate::finding::parse(&text).findings.remove(0);
        ClosedLine { finding: Arc::new(finding), why, after: after.map(Duration::from_secs) }
    }

    #[test]
    fn a_closing_note_has_a_line_for_each_finding() {
        let line = |why, after| closed_line("An instance talks to Tor.", why, after);
        let lines = vec![
            line(Closing::Resolved, Some(3 * 3600)),
            line(Closing::Suppressed, Some(59)),
            line(Closing::Resolved, None),
        ];
        let end = "An instance talks to Tor · 111122223333 · eu-west-1 · \
                   `0123456789abcdef0123456789abcdef`";
        let expected = format!(
            "✅ resolved after 3 h: {end}\n🔕 suppressed within a minute: {end}\n✅ resolved: {end}\n\
             and 12 more"
        );
        assert_eq!(text(&Note::Closed { lines, more: 12 }, &Guide::default()), expected);
    }

    #[test]
    fn no_closing_note_outgrows_its_bound() {
        for title in ["a", "\"", "<!here>", "&", "日", "🚀", "*\"*"] {
            for count in 1..=10 {
                let line = closed_line(&title.repeat(200), Closing::Suppressed, Some(u64::MAX));
                let note = Note::Closed { lines: vec![line; count], more: usize::MAX };
                let json = serde_json::to_string(&block(&note, &Guide::default())).unwrap();
                assert!(units(&json) < NOTE_LINE_WEIGHT_MAX * (count + 1), "{json}");
                assert!(!json.contains("<!here"), "{json}");
            }
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
            let json = serde_json::to_string(&block(&note, &Guide::default())).unwrap();
            assert!(units(&json) <= NOTE_WEIGHT_MAX, "{json}");
            assert!(!json.contains("<!here"), "{json}");
        }
    }
}
