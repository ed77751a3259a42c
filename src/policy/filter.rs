//! Which findings are severe enough to be posted.

use std::fmt;
use std::str::FromStr;

use crate::finding::{Level, Severity};

/// The least severity that is posted. A finding below it is settled without a post.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// This level and the levels above it, whatever the number is.
    Level(Level),
    /// This number and all above it, 0.0 to [`Threshold::SCORE_MAX`].
    Score(f64),
}

impl Threshold {
    /// GuardDuty's scale ends at 10.0.
    /// Source: GuardDuty user guide, "Severity levels for GuardDuty findings".
    pub const SCORE_MAX: f64 = 10.0;

    /// A number as a threshold. Refuses a number outside of the scale, which would admit nothing or
    /// everything by mistake.
    pub fn of_score(score: f64) -> Result<Threshold, NotAThreshold> {
        if (0.0..=Threshold::SCORE_MAX).contains(&score) {
            Ok(Threshold::Score(score))
        } else {
            Err(NotAThreshold)
        }
    }

    /// Compares numbers with numbers. A number admits a finding that has only a word if its level
    /// is at least the number's band: 5.5 admits every medium finding, because a post too many is
    /// better than a finding too few.
    pub fn admits(&self, severity: &Severity) -> bool {
        match (*self, severity.score) {
            (Threshold::Level(level), _) => severity.level >= level,
            (Threshold::Score(least), Some(score)) => score >= least,
            (Threshold::Score(least), None) => {
                Level::from_score(least).is_none_or(|band| severity.level >= band)
            }
        }
    }

    /// The lowest number that the threshold admits, to compare two thresholds.
    pub fn floor(&self) -> f64 {
        match *self {
            Threshold::Score(score) => score,
            Threshold::Level(Level::Informational) => 0.0,
            Threshold::Level(Level::Low) => 1.0,
            Threshold::Level(Level::Medium) => 4.0,
            Threshold::Level(Level::High) => 7.0,
            Threshold::Level(Level::Critical) => 9.0,
        }
    }
}

impl Threshold {
    /// The severities that the threshold admits, in words: `medium and above`.
    pub fn in_words(self) -> String {
        match self {
            Threshold::Level(Level::Critical) => "critical".to_owned(),
            threshold => format!("{threshold} and above"),
        }
    }
}

/// Writes the threshold as the configuration does: a word or a number.
impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Level(level) => level.fmt(f),
            Threshold::Score(score) => score.fmt(f),
        }
    }
}

/// The text is neither a severity word nor a number of the scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be one of informational, low, medium, high, critical, or a number from 0 to 10 such as 5.5"
)]
pub struct NotAThreshold;

impl FromStr for Threshold {
    type Err = NotAThreshold;

    fn from_str(text: &str) -> Result<Threshold, NotAThreshold> {
        if let Ok(level) = text.parse() {
            return Ok(Threshold::Level(level));
        }
        text.trim().parse().map_err(|_| NotAThreshold).and_then(Threshold::of_score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(level: Level) -> Severity {
        Severity::of_level(level)
    }

    fn score(score: f64) -> Severity {
        Severity::of_score(score).unwrap()
    }

    #[test]
    fn words_and_numbers_are_read() {
        for (text, threshold) in [
            ("medium", Some(Threshold::Level(Level::Medium))),
            (" HIGH ", Some(Threshold::Level(Level::High))),
            ("5.5", Some(Threshold::Score(5.5))),
            ("0", Some(Threshold::Score(0.0))),
            ("10", Some(Threshold::Score(10.0))),
            ("10.1", None),
            ("-1", None),
            ("nan", None),
            ("inf", None),
            ("severe", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), threshold, "{text:?}");
        }
    }

    #[test]
    fn admits_by_level_by_number_and_by_band() {
        for (threshold, severity, admitted) in [
            ("medium", word(Level::Medium), true),
            ("medium", word(Level::Low), false),
            ("medium", score(4.0), true),
            ("medium", score(3.95), false),
            ("high", score(6.95), false),
            ("5.5", score(5.5), true),
            ("5.5", score(5.4), false),
            ("5.5", word(Level::Medium), true),
            ("5.5", word(Level::Low), false),
            ("8.95", word(Level::High), true),
            ("0", word(Level::Informational), true),
            ("10", word(Level::Critical), true),
            ("10", score(9.9), false),
            ("informational", score(0.0), true),
            ("high", Severity::unreadable(), true),
            ("7.5", Severity::unreadable(), true),
        ] {
            let read: Threshold = threshold.parse().unwrap();
            assert_eq!(read.admits(&severity), admitted, "{threshold} {severity:?}");
        }
    }

    #[test]
    fn the_floor_of_a_word_is_the_lowest_number_that_it_admits() {
        for level in Level::ALL {
            let threshold = Threshold::Level(level);
            assert!(threshold.admits(&score(threshold.floor())), "{level}");
            assert!(
                threshold.floor() == 0.0 || !threshold.admits(&score(threshold.floor() - 0.01))
            );
        }
    }

    #[test]
    fn is_written_as_it_is_read() {
        for text in ["medium", "5.5", "7"] {
            assert_eq!(text.parse::<Threshold>().unwrap().to_string(), text);
        }
    }
}
