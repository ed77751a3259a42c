//! The result of parsing a message.

use super::event_kind::IgnoredEvent;
use super::fingerprint::Fingerprint;
use super::model::Finding;
use super::reject::Rejection;
use super::severity::Severity;

/// The findings and the rejections of one queue message. A message of Security Hub may carry
/// several findings; each is read on its own.
#[derive(Debug, Default)]
pub struct Parsed {
    pub findings: Vec<Finding>,
    /// Open findings with a severity that no destination wants.
    pub unwanted: Vec<Unwanted>,
    /// Events that are known to be no findings.
    pub ignored: Vec<IgnoredEvent>,
    pub rejections: Vec<Rejection>,
}

impl Parsed {
    /// The number of findings, wanted or not.
    pub fn count(&self) -> usize {
        self.findings.len() + self.unwanted.len()
    }

    /// The number of parts that were read, findings or not.
    pub(super) fn parts(&self) -> usize {
        self.count() + self.ignored.len() + self.rejections.len()
    }
}

/// An unwanted finding. Only these fields are read of it, which saves most of the work.
#[derive(Clone, Debug, PartialEq)]
pub struct Unwanted {
    pub fingerprint: Fingerprint,
    pub severity: Severity,
}

/// Returns whether a finding of this severity is wanted.
pub(super) type Wanted<'a> = &'a dyn Fn(&Severity) -> bool;

/// One finding, read as far as it is wanted.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub(super) enum Outcome {
    Wanted(Finding),
    Unwanted(Unwanted),
    Ignored(IgnoredEvent),
}

impl Outcome {
    /// A closed finding is kept whatever its severity.
    pub fn of(finding: Finding, wanted: Wanted<'_>) -> Outcome {
        if finding.condition.is_closed() || wanted(&finding.severity) {
            return Outcome::Wanted(finding);
        }
        let Finding { fingerprint, severity, .. } = finding;
        Outcome::Unwanted(Unwanted { fingerprint, severity })
    }
}
