//! GuardDuty in one place: the detector, its protection plans, and the relationship of the account
//! to its administrator.
//! Source: GuardDuty API reference, GetDetector, ListMembers, GetMemberDetectors.

use std::collections::BTreeMap;

use crate::finding::Text;
use crate::words::words;

words! {
    /// The state of a place's detector.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum DetectorState {
        On = "on",
        /// The detector exists and does nothing.
        Suspended = "suspended",
        Missing = "missing",
    }
}

words! {
    /// How often GuardDuty publishes updates of a finding. The administrator's holds for members.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Frequency {
        FifteenMinutes = "15m",
        OneHour = "1h",
        SixHours = "6h",
    }
}

impl Frequency {
    pub const ALL: [Frequency; 3] = [Self::FifteenMinutes, Self::OneHour, Self::SixHours];

    /// The word of GuardDuty.
    pub fn api_name(self) -> &'static str {
        match self {
            Frequency::FifteenMinutes => "FIFTEEN_MINUTES",
            Frequency::OneHour => "ONE_HOUR",
            Frequency::SixHours => "SIX_HOURS",
        }
    }

    pub fn of_api(name: &str) -> Option<Frequency> {
        Frequency::ALL.into_iter().find(|one| one.api_name() == name)
    }

    /// Reads the word of hansho.
    pub fn parse(word: &str) -> Option<Frequency> {
        Frequency::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// A protection plan of a detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub on: bool,
    /// An Organizations policy manages the plan, so GuardDuty's own API can't change it.
    /// Source: GuardDuty API reference, `ManagedBy`: `GUARDDUTY_POLICY`.
    pub by_policy: bool,
}

/// Plans by the name of GuardDuty, such as `S3_DATA_EVENTS`. An additional configuration of a plan
/// has the name `RUNTIME_MONITORING/EC2_AGENT_MANAGEMENT`. The foundational sources, which are
/// always on, are left out ([`is_foundational`]).
pub type Plans = BTreeMap<String, Plan>;

/// Between the name of a plan and that of its additional configuration.
pub const PLAN_PART: char = '/';

/// The sources that GuardDuty always reads. No one can switch them off or on.
/// Source: GuardDuty user guide, "Foundational data sources".
pub fn is_foundational(name: &str) -> bool {
    matches!(name, "FLOW_LOGS" | "CLOUD_TRAIL" | "DNS_LOGS")
}

/// A detector, as its own account sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detector {
    pub id: String,
    pub on: bool,
    pub frequency: Option<Frequency>,
    pub plans: Plans,
}

impl Detector {
    pub fn state(&self) -> DetectorState {
        if self.on { DetectorState::On } else { DetectorState::Suspended }
    }
}

/// The relationship of an account to its GuardDuty administrator. GuardDuty has no list of its
/// words, so others are kept as they are.
/// Source: GuardDuty API reference, `Member`; Macie's reference lists the same words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relationship {
    Enabled,
    /// The administrator suspended the member: `Disabled` or `Paused`.
    Suspended,
    /// Listed by the administrator, and not invited yet.
    Created,
    /// The invitation is on its way or waits for an answer.
    Invited,
    Removed,
    Resigned,
    Other(Text),
}

/// AWS writes at most thirty.
const WORD_CHARS_MAX: usize = 40;

impl Relationship {
    pub fn of_api(word: &str) -> Relationship {
        match word.to_ascii_lowercase().as_str() {
            "enabled" => Relationship::Enabled,
            "disabled" | "paused" => Relationship::Suspended,
            "created" => Relationship::Created,
            "invited" | "emailverificationinprogress" => Relationship::Invited,
            "removed" => Relationship::Removed,
            "resigned" => Relationship::Resigned,
            _ => Relationship::Other(Text::new(word, WORD_CHARS_MAX)),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Relationship::Enabled => "enabled",
            Relationship::Suspended => "suspended",
            Relationship::Created => "created",
            Relationship::Invited => "invited",
            Relationship::Removed => "removed",
            Relationship::Resigned => "resigned",
            Relationship::Other(word) => word.as_str(),
        }
    }
}

/// A member, as its administrator lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub account: String,
    /// None: GuardDuty knows no detector of the account there.
    pub detector: Option<String>,
    pub relationship: Relationship,
    pub email: String,
}

/// What an administrator sees of a member's detector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDetector {
    /// Whether the foundational sources are read. A suspended detector reads none.
    pub on: bool,
    pub plans: Plans,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_relationship_is_kept() {
        for (word, shown) in [
            ("Enabled", "enabled"),
            ("ENABLED", "enabled"),
            ("Disabled", "suspended"),
            ("Paused", "suspended"),
            ("EmailVerificationInProgress", "invited"),
            ("EmailVerificationFailed", "EmailVerificationFailed"),
            ("Removed", "removed"),
            ("new\u{202e}\nword", "new word"),
        ] {
            assert_eq!(Relationship::of_api(word).as_str(), shown, "{word}");
        }
    }

    #[test]
    fn a_frequency_has_two_words() {
        for one in Frequency::ALL {
            assert_eq!(Frequency::of_api(one.api_name()), Some(one));
            assert_eq!(Frequency::parse(one.as_str()), Some(one));
        }
        assert_eq!(Frequency::of_api("15m"), None);
    }
}
