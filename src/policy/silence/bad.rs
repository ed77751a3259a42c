//! What a silence must be.

use super::{DAY, Silence, UNTIL_MAX};
use crate::finding::{Fingerprint, Level};
use crate::instants::Wall;
use crate::policy::matcher::MatchKey;

const ID_CHARS_MAX: usize = 40;
pub(super) const BECAUSE_CHARS_MAX: usize = 300;
pub(super) const OWNER_CHARS_MAX: usize = 100;
/// The most ids of findings, and the most resources.
const LISTED_MAX: usize = 100;
const RESOURCE_CHARS_MAX: usize = 300;
/// The most that a silence takes as JSON.
const BYTES_MAX: usize = 16 << 10;
/// The most that all take as JSON.
pub(super) const ALL_BYTES_MAX: usize = 2 << 20;

/// Why a silence is not taken. The texts follow its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSilence {
    #[error("must have an id of 1 to {ID_CHARS_MAX} characters: a-z, 0-9, - and _")]
    Id,
    #[error("must name a type, a resource or the id of a finding: else it would silence too much")]
    Unnamed,
    #[error("must name types and resources by more than wildcards")]
    Anything,
    #[error("must have at most {LISTED_MAX} ids, each of 1 to {} bytes", Fingerprint::MAX_ID_BYTES)]
    Findings,
    #[error("must have whole ids, without *: patterns are for types and resources")]
    FindingPattern,
    #[error(
        "must have at most {LISTED_MAX} resources, each of 1 to {RESOURCE_CHARS_MAX} characters"
    )]
    Resources,
    #[error("covers critical findings, so it must name types, and none may begin with a wildcard")]
    Critical,
    #[error("names a level that it does not cover")]
    Level,
    #[error("must have a reason of 1 to {BECAUSE_CHARS_MAX} characters")]
    Because,
    #[error("must have an owner of 1 to {OWNER_CHARS_MAX} characters, or none")]
    Owner,
    #[error("must end after it begins, and not in the past")]
    Ended,
    #[error("must end within {} days", UNTIL_MAX.as_secs() / DAY.as_secs())]
    TooLong,
    #[error("is too large: at most {} KiB; name less, or use wildcards", BYTES_MAX >> 10)]
    TooLarge,
    #[error("must not have the id of another silence")]
    Twice,
    #[error("is one too many: at most {} silences are kept; expire some", super::SILENCES_MAX)]
    TooMany,
    #[error("does not fit: all silences take at most {} MiB; expire some", ALL_BYTES_MAX >> 20)]
    Full,
    #[error("has a rule or a field that this version of hansho does not know")]
    Unreadable,
}

impl BadSilence {
    /// The keys of a file that it is about. Empty: all, or other silences.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            BadSilence::Id => &["id"],
            BadSilence::Unnamed => &["match", "finding", "resource"],
            BadSilence::Anything => &["match", "resource"],
            BadSilence::Findings | BadSilence::FindingPattern => &["finding"],
            BadSilence::Resources => &["resource"],
            BadSilence::Critical | BadSilence::Level => &["match", "covers"],
            BadSilence::Because => &["because"],
            BadSilence::Owner => &["owner"],
            BadSilence::Ended => &["from", "until"],
            BadSilence::TooLong => &["until"],
            BadSilence::TooLarge
            | BadSilence::Twice
            | BadSilence::TooMany
            | BadSilence::Full
            | BadSilence::Unreadable => &[],
        }
    }
}

impl Silence {
    /// # Errors
    /// It is not one that may be in force.
    pub fn check(&self) -> Result<(), BadSilence> {
        self.faults().first().map_or(Ok(()), |why| Err(*why))
    }

    /// Why it may not be in force. Empty: it may.
    pub fn faults(&self) -> Vec<BadSilence> {
        let types = self.types();
        let is_wild = |text: &str| text.bytes().all(|byte| b"*?".contains(&byte));
        let resources: Vec<String> = self.resources.iter().map(ToString::to_string).collect();
        let id_length = 1..=Fingerprint::MAX_ID_BYTES;
        let is_long = |text: &String| !(1..=RESOURCE_CHARS_MAX).contains(&text.chars().count());
        let leads_wild = |text: &&str| text.starts_with(['*', '?']);
        let above = |level: &str| level.parse().is_ok_and(|level: Level| level > self.covers);
        let faults = [
            (!is_id(&self.id), BadSilence::Id),
            (
                types.is_empty() && self.findings.is_empty() && self.resources.is_empty(),
                BadSilence::Unnamed,
            ),
            (
                self.findings.len() > LISTED_MAX
                    || self.findings.iter().any(|id| !id_length.contains(&id.len())),
                BadSilence::Findings,
            ),
            (self.findings.iter().any(|id| id.contains('*')), BadSilence::FindingPattern),
            (resources.len() > LISTED_MAX || resources.iter().any(is_long), BadSilence::Resources),
            (
                types.iter().any(|text| is_wild(text)) || resources.iter().any(|r| is_wild(r)),
                BadSilence::Anything,
            ),
            (
                self.covers == Level::Critical
                    && (types.is_empty() || types.iter().any(leads_wild)),
                BadSilence::Critical,
            ),
            (self.patterns(MatchKey::Level).into_iter().any(above), BadSilence::Level),
            (is_out(self.because.as_str(), BECAUSE_CHARS_MAX), BadSilence::Because),
            (
                self.owner.as_ref().is_some_and(|owner| is_out(owner.as_str(), OWNER_CHARS_MAX)),
                BadSilence::Owner,
            ),
            (self.entry().json().len() > BYTES_MAX, BadSilence::TooLarge),
        ];
        faults.into_iter().filter_map(|(is_bad, why)| is_bad.then_some(why)).collect()
    }

    /// # Errors
    /// It has ended, or it lasts too long, by the time at which it is added.
    pub fn check_times(&self, now: Wall) -> Result<(), BadSilence> {
        match self.until {
            // The end of a silence that was given as an age is rounded up to a second.
            until if until <= now.whole_second().max(self.from) => Err(BadSilence::Ended),
            until if until > now.plus(UNTIL_MAX).whole_second() => Err(BadSilence::TooLong),
            _ => Ok(()),
        }
    }
}

fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    (1..=ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(is_plain)
}

fn is_out(text: &str, max: usize) -> bool {
    !(1..=max).contains(&text.chars().count())
}
