//! A finding's severity, as far as it could be read.

use std::borrow::Cow;

use super::json::{Json, Kind};
use super::lenient::Read as _;
use super::severity::{Level, Severity};

/// A severity as far as it could be read.
#[derive(Clone, Debug)]
pub(super) enum Gauge {
    Read(Severity),
    /// Holds the text in its place, which may be empty.
    Unreadable(String),
    /// The worst of several, and what another one says.
    Disputed(Severity, String),
}

impl Default for Gauge {
    fn default() -> Gauge {
        Gauge::Unreadable(String::new())
    }
}

impl Gauge {
    pub fn level(level: Level) -> Gauge {
        Gauge::Read(Severity::of_level(level))
    }

    /// Reads a word such as `HIGH`. Source: the enumerations of Security Hub, Inspector and Macie.
    pub fn from_word(word: &str) -> Gauge {
        word.parse().map_or_else(|_| Gauge::Unreadable(word.to_owned()), Gauge::level)
    }

    /// Reads such a word, which is absent if it is no text.
    pub fn word(json: Json<'_>) -> Gauge {
        Cow::<str>::read(json).map(|word| Gauge::from_word(&word)).unwrap_or_default()
    }

    /// Reads GuardDuty's number (also as text), or a word.
    pub fn score_or_word(json: Json<'_>) -> Gauge {
        if let Some(severity) = f64::read(json).and_then(Severity::of_score) {
            return Gauge::Read(severity);
        }
        match (json.kind(), Cow::<str>::read(json)) {
            (Kind::String, Some(word)) => Gauge::from_word(&word),
            (_, Some(text)) => Gauge::Unreadable(text.into_owned()),
            (_, None) => Gauge::Unreadable(json.raw().to_owned()),
        }
    }

    /// The severity that the finding counts as.
    pub fn severity(&self) -> Severity {
        match self {
            Gauge::Read(severity) | Gauge::Disputed(severity, _) => *severity,
            Gauge::Unreadable(_) => Severity::unreadable(),
        }
    }

    /// The worse of two severities that one finding has, with what the other one says.
    pub fn or_worse(self, other: Gauge) -> Gauge {
        let weight = |gauge: &Gauge| {
            let severity = gauge.severity();
            (severity.level, severity.score.unwrap_or_default())
        };
        let (worse, better) = match weight(&other) > weight(&self) {
            true => (other, self),
            false => (self, other),
        };
        let said = match better {
            Gauge::Read(Severity { score: Some(score), .. }) => score.to_string(),
            Gauge::Read(severity) => severity.level.to_string(),
            Gauge::Unreadable(said) | Gauge::Disputed(_, said) => said,
        };
        Gauge::Disputed(worse.severity(), said)
    }

    /// Returns this gauge, or `other` if this one is unreadable. If both are unreadable, the first
    /// text that is not empty is kept.
    pub fn or(self, other: impl FnOnce() -> Gauge) -> Gauge {
        match self {
            Gauge::Read(_) | Gauge::Disputed(..) => self,
            Gauge::Unreadable(first) => match other() {
                Gauge::Unreadable(second) if !first.is_empty() || second.is_empty() => {
                    Gauge::Unreadable(first)
                }
                other => other,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::json;
    use super::*;

    #[test]
    fn severities_in_any_form() {
        for (raw, level, score) in [
            ("8.7", Some(Level::High), Some(8.7)),
            (r#""5.0""#, Some(Level::Medium), Some(5.0)),
            (r#""CRITICAL""#, Some(Level::Critical), None),
            (r#"" low ""#, Some(Level::Low), None),
            ("0", Some(Level::Informational), Some(0.0)),
            ("-1", None, None),
            ("1e999", None, None),
            (r#""severe""#, None, None),
            ("true", None, None),
            (r#"{"x":1}"#, None, None),
            ("[8]", None, None),
        ] {
            match (Gauge::score_or_word(json(raw)), level) {
                (Gauge::Read(severity), Some(level)) => {
                    assert_eq!((severity.level, severity.score), (level, score), "{raw}");
                }
                (Gauge::Unreadable(found), None) => {
                    assert_eq!(found, raw.trim_matches('"'), "{raw}");
                }
                (gauge, _) => panic!("{raw}: {gauge:?}"),
            }
        }
    }
}
