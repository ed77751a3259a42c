//! The sources of findings, and their parsers.

use super::coverage::{self, CoverageEvent};
use super::envelope::Envelope;
use super::event_kind::IgnoredEvent;
use super::json::Json;
use super::outcome::{Outcome, Wanted};
use super::reject::Rejection;
use super::request::INSIGHT_RESULTS;
use super::severity::Severity;
use super::{access_analyzer, asff, guardduty, insight, inspector, macie, ocsf};

/// A product or format with a parser of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    GuardDuty,
    Asff,
    Ocsf,
    Inspector,
    Macie,
    AccessAnalyzer,
    Insight,
    /// GuardDuty's events beside its findings.
    Coverage(CoverageEvent),
}

impl Source {
    /// Recognises the source by the detail-type of an EventBridge event. Events of Security Hub
    /// hold a list of findings, each of which is recognised by its keys.
    /// Source: EventBridge event reference, the detail-types of each service.
    pub fn of_detail_type(detail_type: &str) -> Option<Source> {
        match detail_type.trim() {
            "GuardDuty Finding" => Some(Source::GuardDuty),
            "Inspector2 Finding" => Some(Source::Inspector),
            "Macie Finding" => Some(Source::Macie),
            "Access Analyzer Finding"
            | "Unused Access Finding for IAM entities"
            | "Internal Access Finding" => Some(Source::AccessAnalyzer),
            INSIGHT_RESULTS => Some(Source::Insight),
            other => CoverageEvent::of_detail_type(other).map(Source::Coverage),
        }
    }

    /// Reads a finding. Of an unwanted and open GuardDuty finding only the identity, the severity
    /// and the state are read. What a person sent on purpose is always wanted.
    pub fn read(
        self,
        json: Json<'_>,
        envelope: &Envelope<'_>,
        wanted: Wanted<'_>,
    ) -> Result<Outcome, Rejection> {
        let wanted = if envelope.request.is_some() { &|_: &Severity| true } else { wanted };
        let read = match self {
            Source::GuardDuty => return guardduty::read(json, envelope, wanted),
            Source::Asff => asff::read,
            Source::Ocsf => ocsf::read,
            Source::Inspector => inspector::read,
            Source::Macie => macie::read,
            Source::AccessAnalyzer => access_analyzer::read,
            Source::Insight => insight::read,
            Source::Coverage(event) => {
                return Ok(match coverage::read(event, json, envelope)? {
                    Some(finding) => Outcome::of(finding, wanted),
                    None => Outcome::Ignored(IgnoredEvent::CleanScan),
                });
            }
        };
        Ok(Outcome::of(read(json, envelope)?, wanted))
    }
}
