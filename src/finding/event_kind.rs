//! The kinds of EventBridge events: findings, and events that are known to be no findings.
//!
//! A rule on `source` alone lets both through. Source and detail-type give the kind. Of a
//! known source, only an event of an unknown kind is quarantined.
//!
//! Source: EventBridge event reference, the events of GuardDuty, Security Hub, Inspector, Macie and
//! IAM Access Analyzer.

use crate::words::words;

/// The event sources whose events hansho knows. Macie sends its findings as `aws.macie`, and
/// CloudTrail sends the calls of its API as `aws.macie2`. Other products have one name for both.
const SOURCES: [&str; 7] = [
    "aws.guardduty",
    "aws.securityhub",
    "aws.inspector2",
    "aws.inspector",
    "aws.macie",
    "aws.macie2",
    "aws.access-analyzer",
];

words! {
    /// An event that is known to be no finding. It is counted and dropped. The word is the log
    /// field and the metric label.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum IgnoredEvent {
        /// What CloudTrail delivers for a known source: calls of its API such as `ArchiveFindings`.
        /// Source: EventBridge user guide, "AWS service events delivered via AWS CloudTrail".
        CloudTrail = "cloudtrail",
        /// The summary of a scan of Inspector.
        InspectorScan = "inspector_scan",
        /// A resource that Inspector scans from now on, or no longer.
        InspectorCoverage = "inspector_coverage",
        /// Inspector was switched on for a member account, or could not be.
        InspectorAutoEnable = "inspector_auto_enable",
        /// The end of an access preview, which somebody asked Access Analyzer for.
        AccessPreview = "access_preview",
        /// Malware Protection scanned an object and found no threat.
        CleanScan = "clean_scan",
    }
}

impl IgnoredEvent {
    /// Recognises an event of a known source by its detail-type. A clean scan is recognised by its
    /// result, see [`coverage`](super::coverage).
    pub(super) fn of(source: Option<&str>, detail_type: Option<&str>) -> Option<IgnoredEvent> {
        let source = source.map(str::trim).filter(|source| SOURCES.contains(source))?;
        match (source, detail_type?.trim()) {
            (
                _,
                "AWS API Call via CloudTrail"
                | "AWS Service Event via CloudTrail"
                | "AWS Console Action via CloudTrail"
                | "AWS Insight via CloudTrail",
            ) => Some(IgnoredEvent::CloudTrail),
            ("aws.inspector2" | "aws.inspector", "Inspector2 Scan" | "Inspector Scan") => {
                Some(IgnoredEvent::InspectorScan)
            }
            ("aws.inspector2" | "aws.inspector", "Inspector2 Coverage") => {
                Some(IgnoredEvent::InspectorCoverage)
            }
            ("aws.inspector2" | "aws.inspector", "Inspector2 AutoEnable") => {
                Some(IgnoredEvent::InspectorAutoEnable)
            }
            ("aws.access-analyzer", "Access Preview State Change") => {
                Some(IgnoredEvent::AccessPreview)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_events_of_known_sources_are_ignored() {
        use IgnoredEvent::*;
        for (source, detail_type, event) in [
            ("aws.guardduty", "AWS API Call via CloudTrail", Some(CloudTrail)),
            ("aws.securityhub", "AWS API Call via CloudTrail", Some(CloudTrail)),
            ("aws.access-analyzer", "AWS Service Event via CloudTrail", Some(CloudTrail)),
            ("aws.inspector2", "AWS API Call via CloudTrail", Some(CloudTrail)),
            ("aws.macie2", "AWS API Call via CloudTrail", Some(CloudTrail)),
            ("aws.macie", "AWS API Call via CloudTrail", Some(CloudTrail)),
            ("aws.inspector2", "Inspector2 Scan", Some(InspectorScan)),
            ("aws.inspector2", " Inspector2 Coverage ", Some(InspectorCoverage)),
            ("aws.inspector2", "Inspector2 AutoEnable", Some(InspectorAutoEnable)),
            ("aws.access-analyzer", "Access Preview State Change", Some(AccessPreview)),
            // Of another source it is not known what it is.
            ("aws.s3", "AWS API Call via CloudTrail", None),
            ("aws.guardduty", "Inspector2 Scan", None),
            ("custom", "Inspector2 Scan", None),
            // Findings, and what is not known.
            ("aws.inspector2", "Inspector2 Finding", None),
            ("aws.guardduty", "GuardDuty Finding", None),
            ("aws.guardduty", "GuardDuty Something New", None),
            ("aws.guardduty", "", None),
        ] {
            let got = IgnoredEvent::of(Some(source), Some(detail_type));
            assert_eq!(got, event, "{source} {detail_type}");
        }
        assert_eq!(IgnoredEvent::of(None, Some("Inspector2 Scan")), None);
        assert_eq!(IgnoredEvent::of(Some("aws.inspector2"), None), None);
    }
}
