//! Severities: five levels, and the number that a level was derived from.

use std::fmt;
use std::str::FromStr;

/// The level of a severity, ordered from least to most severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Informational = 0,
    Low = 1,
    Medium = 2,
    High = 3,
    Critical = 4,
}

impl Level {
    pub const ALL: [Level; 5] =
        [Level::Informational, Level::Low, Level::Medium, Level::High, Level::Critical];

    /// Reads GuardDuty's number by the lower bounds of its bands (1.0, 4.0, 7.0, 9.0). A number
    /// between two published bands, such as 6.95, belongs to the lower one. Negative numbers, NaN
    /// and infinity give None.
    /// Source: GuardDuty user guide, "Severity levels for GuardDuty findings".
    pub fn from_score(score: f64) -> Option<Level> {
        match score {
            s if !s.is_finite() || s < 0.0 => None,
            s if s >= 9.0 => Some(Level::Critical),
            s if s >= 7.0 => Some(Level::High),
            s if s >= 4.0 => Some(Level::Medium),
            s if s >= 1.0 => Some(Level::Low),
            _ => Some(Level::Informational),
        }
    }

    /// Reads ASFF's `Severity.Normalized`, 0 to 100, by the lower bounds 1, 40, 70, 90.
    /// Source: Security Hub user guide, "AWS Security Finding Format: Severity".
    pub fn from_normalized(normalized: f64) -> Option<Level> {
        match normalized {
            n if !n.is_finite() || n < 0.0 => None,
            n if n >= 90.0 => Some(Level::Critical),
            n if n >= 70.0 => Some(Level::High),
            n if n >= 40.0 => Some(Level::Medium),
            n if n >= 1.0 => Some(Level::Low),
            _ => Some(Level::Informational),
        }
    }

    /// The word in lower case, as logs, metrics and the configuration write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Informational => "informational",
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
            Level::Critical => "critical",
        }
    }

    /// The number in a ledger record.
    pub fn rank(self) -> u8 {
        self as u8
    }

    pub fn from_rank(rank: u8) -> Option<Level> {
        Level::ALL.get(usize::from(rank)).copied()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a severity word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of informational, low, medium, high, critical")]
pub struct NotALevel;

impl FromStr for Level {
    type Err = NotALevel;

    fn from_str(word: &str) -> Result<Level, NotALevel> {
        match word.trim().to_ascii_lowercase().as_str() {
            "informational" | "info" => Ok(Level::Informational),
            "low" => Ok(Level::Low),
            "medium" | "moderate" => Ok(Level::Medium),
            "high" => Ok(Level::High),
            "critical" | "fatal" => Ok(Level::Critical),
            _ => Err(NotALevel),
        }
    }
}

/// A finding's severity: its level, and the source's number if it gave one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Severity {
    pub level: Level,
    /// GuardDuty's 0.0 to 10.0. None for sources that only have words.
    pub score: Option<f64>,
}

impl Severity {
    pub fn of_level(level: Level) -> Severity {
        Severity { level, score: None }
    }

    pub fn of_score(score: f64) -> Option<Severity> {
        Level::from_score(score).map(|level| Severity { level, score: Some(score) })
    }

    /// The severity of a finding whose own can't be read: high, because a needless alert is better
    /// than a missed one.
    pub fn unreadable() -> Severity {
        Severity::of_level(Level::High)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_go_by_their_lower_bounds() {
        for (score, level) in [
            (0.0, Some(Level::Informational)),
            (0.99, Some(Level::Informational)),
            (1.0, Some(Level::Low)),
            (3.95, Some(Level::Low)),
            (4.0, Some(Level::Medium)),
            (6.95, Some(Level::Medium)),
            (7.0, Some(Level::High)),
            (8.95, Some(Level::High)),
            (9.0, Some(Level::Critical)),
            (10.0, Some(Level::Critical)),
            (-0.1, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(Level::from_score(score), level, "{score}");
        }
    }

    #[test]
    fn ranks_and_words_are_read_back() {
        for level in Level::ALL {
            assert_eq!(Level::from_rank(level.rank()), Some(level));
            assert_eq!(level.as_str().parse(), Ok(level));
            assert_eq!(level.as_str().to_uppercase().parse(), Ok(level));
        }
        assert_eq!(Level::from_rank(5), None);
        assert_eq!("severe".parse::<Level>(), Err(NotALevel));
    }
}
