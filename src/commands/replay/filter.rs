//! Filters for dead letters. A message must pass each kind of filter that is given. Of several
//! values of one kind, one is enough.

use std::str::FromStr;
use std::time::Duration;

use crate::config::{RegionName, duration};
use crate::finding::{Finding, Level, Severity};
use crate::instants::Wall;

use super::parsed::ParsedDeadLetter;
use crate::policy::glob::Glob;

/// The fewest characters that select an id by its beginning.
pub const ID_CHARS_MIN: usize = 8;

/// One value of `--severity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeverityIs {
    Exactly(Level),
    AtLeast(Level),
}

impl FromStr for SeverityIs {
    type Err = String;

    fn from_str(text: &str) -> Result<SeverityIs, String> {
        let (word, at_least) = match text.trim().strip_suffix('+') {
            Some(word) => (word, true),
            None => (text, false),
        };
        let level: Level =
            word.parse().map_err(|e| format!("{e}; add a + to include more severe ones"))?;
        Ok(if at_least { SeverityIs::AtLeast(level) } else { SeverityIs::Exactly(level) })
    }
}

impl SeverityIs {
    fn admits(self, severity: &Severity) -> bool {
        match self {
            SeverityIs::Exactly(level) => severity.level == level,
            SeverityIs::AtLeast(level) => severity.level >= level,
        }
    }
}

/// A moment on the command line: a time before now, or a date with or without a time, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Ago(Duration),
    At(Wall),
}

impl Moment {
    pub fn wall(self, now: Wall) -> Wall {
        match self {
            Moment::Ago(ago) => now.minus(ago),
            Moment::At(at) => at,
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Moment, String> {
        let text = text.trim();
        if let Ok(ago) = duration::parse(text) {
            return Ok(Moment::Ago(ago));
        }
        let text = text.replacen(' ', "T", 1).to_ascii_uppercase();
        let forms =
            [text.clone(), format!("{text}Z"), format!("{text}:00Z"), format!("{text}T00:00:00Z")];
        forms.iter().find_map(|form| Wall::parse_rfc3339(form)).map(Moment::At).ok_or_else(|| {
            "must be an age such as 2h or 1d12h, or a time in UTC such as \
             2026-11-26T03:15:00Z, 2026-11-26T03:15 or 2026-11-26"
                .to_owned()
        })
    }
}

/// An id, or its beginning.
///
/// # Errors
/// It is too short to be an id.
pub fn id(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() >= ID_CHARS_MIN {
        true => Ok(text.to_owned()),
        false => Err(format!("must be an id, or at least its first {ID_CHARS_MIN} characters")),
    }
}

/// # Errors
/// No id of an account matches it.
pub fn account(text: &str) -> Result<Glob, String> {
    const DIGITS: usize = 12;
    let is_wild = text.contains('*');
    let known = text.chars().filter(|c| *c != '*').count();
    let fits = if is_wild { known <= DIGITS } else { known == DIGITS };
    match fits && text.chars().all(|c| c.is_ascii_digit() || "*?".contains(c)) {
        true => Ok(Glob::new(text)),
        false => Err(format!("matches no account: ids have {DIGITS} digits, as in 1111*")),
    }
}

/// # Errors
/// No name of a region matches it.
pub fn region(text: &str) -> Result<Glob, String> {
    let lower = text.to_ascii_lowercase();
    let is_wild = lower.contains(['*', '?']);
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-*?".contains(c);
    match lower.parse::<RegionName>().is_ok() || (is_wild && lower.chars().all(is_part)) {
        true => Ok(Glob::new(text)),
        false => Err("matches no region: names are as in eu-west-1 or eu-*".to_owned()),
    }
}

/// # Errors
/// No dead letter can be in this time.
pub fn time(since: Option<Wall>, until: Option<Wall>, now: Wall) -> Result<(), &'static str> {
    match (since, until) {
        (Some(since), Some(until)) if since >= until => {
            Err("--since is not before --until, so no dead letter is in that time")
        }
        // The clock of the queue may be ahead of this one.
        (Some(since), _) if since > now.plus(Duration::from_secs(3600)) => {
            Err("--since is in the future, so no dead letter is in that time")
        }
        _ => Ok(()),
    }
}

/// An empty filter admits every letter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub severities: Vec<SeverityIs>,
    pub accounts: Vec<Glob>,
    pub regions: Vec<Glob>,
    pub kinds: Vec<Glob>,
    pub reasons: Vec<Glob>,
    /// At this time or later.
    pub since: Option<Wall>,
    /// Before this time.
    pub until: Option<Wall>,
    /// Ids of the dead letter, of the original message, or of a finding in it. The first
    /// [`ID_CHARS_MIN`] or more characters are enough.
    pub ids: Vec<String>,
}

impl Filter {
    /// All filters for findings must match the same finding. A message without a finding has no
    /// severity. Its envelope gives its account, region and type.
    pub fn admits(&self, letter: &ParsedDeadLetter) -> bool {
        let at = letter.at();
        let in_time = self.since.is_none_or(|since| at.is_some_and(|at| at >= since))
            && self.until.is_none_or(|until| at.is_some_and(|at| at < until));
        in_time
            && any(&self.reasons, letter.reason.as_str())
            && (self.ids.is_empty() || self.ids.iter().any(|id| is_called(letter, id)))
            && self.admits_content(letter)
    }

    fn admits_content(&self, letter: &ParsedDeadLetter) -> bool {
        if letter.findings.is_empty() {
            let hint = &letter.hint;
            let said = |text: &Option<crate::finding::Text>, globs: &[Glob]| {
                any(globs, text.as_ref().map_or("", |text| text.as_str()))
            };
            return self.severities.is_empty()
                && said(&hint.account, &self.accounts)
                && said(&hint.region, &self.regions)
                && said(&hint.kind, &self.kinds);
        }
        letter.findings.iter().any(|finding| self.admits_finding(finding))
    }

    fn admits_finding(&self, finding: &Finding) -> bool {
        (self.severities.is_empty() || self.severities.iter().any(|s| s.admits(&finding.severity)))
            && any(&self.accounts, finding.account.as_str())
            && any(&self.regions, finding.region.as_str())
            && any(&self.kinds, finding.kind.as_str())
    }
}

fn any(globs: &[Glob], text: &str) -> bool {
    globs.is_empty() || globs.iter().any(|glob| glob.matches(text))
}

fn is_called(letter: &ParsedDeadLetter, id: &str) -> bool {
    let is =
        |whole: &str| whole == id || (id.chars().count() >= ID_CHARS_MIN && whole.starts_with(id));
    is(&letter.id)
        || letter.original_id.as_deref().is_some_and(is)
        || letter.findings.iter().any(|f| is(&f.fingerprint.id) || f.fingerprint.to_string() == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_read() {
        use SeverityIs::{AtLeast, Exactly};
        for (text, read) in [
            ("high", Some(Exactly(Level::High))),
            (" High+ ", Some(AtLeast(Level::High))),
            ("info", Some(Exactly(Level::Informational))),
            ("+", None),
            ("", None),
            ("7", None),
        ] {
            assert_eq!(text.parse().ok(), read, "{text:?}");
        }
        let why = "severe".parse::<SeverityIs>().unwrap_err();
        assert!(why.contains("critical") && why.contains('+'), "{why}");
    }

    #[test]
    fn filters_that_never_match_are_refused() {
        for (text, is_one) in [("0a1b2c3d", true), ("0a1b2c3", false), (" 0a1b2c ", false)] {
            assert_eq!(id(text).is_ok(), is_one, "{text:?}");
        }
        for (text, is_one) in [
            ("111122223333", true),
            ("1111*", true),
            ("*", true),
            ("11112222333?", true),
            ("1111", false),
            ("1111222233334", false),
            ("1111222233334*", false),
            ("prod-*", false),
            ("", false),
        ] {
            assert_eq!(account(text).is_ok(), is_one, "{text:?}");
        }
        for (text, is_one) in [
            ("eu-west-1", true),
            ("EU-West-1", true),
            ("eu-*", true),
            ("*-gov-*-?", true),
            ("europe", false),
            ("eu_*", false),
            ("", false),
        ] {
            assert_eq!(region(text).is_ok(), is_one, "{text:?}");
        }
        let (now, hour) = (Wall(10_000_000), |n: i64| Some(Wall(10_000_000 + n * 3_600_000)));
        for (since, until, is_one) in [
            (None, None, true),
            (hour(-2), hour(-1), true),
            (hour(-2), hour(5), true),
            (hour(-1), hour(-1), false),
            (hour(-1), hour(-2), false),
            (hour(1), None, true),
            (hour(2), None, false),
        ] {
            assert_eq!(time(since, until, now).is_ok(), is_one, "{since:?} {until:?}");
        }
    }

    #[test]
    fn moments_are_read() {
        let at = |text| Wall::parse_rfc3339(text).map(Moment::At);
        for (text, read) in [
            ("2h", Some(Moment::Ago(Duration::from_secs(7200)))),
            ("1d12h", Some(Moment::Ago(Duration::from_secs(129_600)))),
            ("2026-11-26T03:15:10Z", at("2026-11-26T03:15:10Z")),
            ("2026-11-26T03:15:10+01:00", at("2026-11-26T02:15:10Z")),
            ("2026-11-26T03:15:10", at("2026-11-26T03:15:10Z")),
            ("2026-11-26 03:15", at("2026-11-26T03:15:00Z")),
            ("2026-11-26", at("2026-11-26T00:00:00Z")),
            ("03:15", None),
            ("yesterday", None),
            ("2026-13-26", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), read, "{text:?}");
        }
        let now = Wall(10_000_000);
        assert_eq!(Moment::Ago(Duration::from_secs(10)).wall(now), Wall(9_990_000));
    }
}
