//! What an object is, by its keys.

use super::draft::Envelope;
use super::lenient::{Kind, Raw, Str, kind, object};
use super::{Finding, Rejection};
use super::{access_analyzer, asff, guardduty, inspector, macie, ocsf};
use crate::instants::Wall;

/// The parsers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    GuardDuty,
    Asff,
    Ocsf,
    Inspector,
    Macie,
    AccessAnalyzer,
}

impl Source {
    /// Source: EventBridge event reference, the detail-types of each service.
    pub fn of_detail_type(detail_type: &str) -> Option<Source> {
        match detail_type.trim() {
            "GuardDuty Finding" => Some(Source::GuardDuty),
            "Inspector2 Finding" => Some(Source::Inspector),
            "Macie Finding" => Some(Source::Macie),
            "Access Analyzer Finding"
            | "Unused Access Finding for IAM entities"
            | "Internal Access Finding" => Some(Source::AccessAnalyzer),
            _ => None,
        }
    }

    pub fn read(self, raw: &str, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
        match self {
            Source::GuardDuty => guardduty::read(raw, envelope),
            Source::Asff => asff::read(raw, envelope),
            Source::Ocsf => ocsf::read(raw, envelope),
            Source::Inspector => inspector::read(raw, envelope),
            Source::Macie => macie::read(raw, envelope),
            Source::AccessAnalyzer => access_analyzer::read(raw, envelope),
        }
    }
}

object! {
    /// The keys by which an object is recognised, whatever it is.
    struct Shape<'a> {
        // SNS, and Lambda's events of SNS and SQS.
        kind: Str<'a> = "Type",
        message: Option<Raw<'a>> = "Message",
        topic: Str<'a> = "TopicArn",
        records: Option<Raw<'a>> = "Records",
        sns: Option<Raw<'a>> = "Sns",
        body: Option<Raw<'a>> = "body",
        // EventBridge.
        detail: Option<Raw<'a>> = "detail",
        detail_type: Str<'a> = "detail-type" | "detailType",
        event_source: Str<'a> = "source",
        event_account: Str<'a> = "account",
        region: Str<'a> = "region",
        time: Option<Wall> = "time",
        // Security Hub's events, and the answers of APIs.
        findings: Option<Raw<'a>> = "findings",
        // GuardDuty.
        arn: Str<'a> = "arn",
        schema: Str<'a> = "schemaVersion",
        service: Option<Raw<'a>> = "service",
        resource: Option<Raw<'a>> = "resource",
        severity: Option<Raw<'a>> = "severity",
        // OCSF.
        class: Option<u64> = "class_uid",
        finding_info: Option<Raw<'a>> = "finding_info",
        // ASFF.
        product_arn: Str<'a> = "ProductArn",
        generator: Str<'a> = "GeneratorId",
        aws_account: Str<'a> = "AwsAccountId",
        resources: Option<Raw<'a>> = "resources",
        // Inspector.
        finding_arn: Str<'a> = "findingArn",
        package_vulnerability: Option<Raw<'a>> = "packageVulnerabilityDetails",
        reachability: Option<Raw<'a>> = "networkReachabilityDetails",
        code_vulnerability: Option<Raw<'a>> = "codeVulnerabilityDetails",
        // Macie.
        affected: Option<Raw<'a>> = "resourcesAffected",
        classification: Option<Raw<'a>> = "classificationDetails",
        policy: Option<Raw<'a>> = "policyDetails",
        // Access Analyzer.
        analyzed_at: Str<'a> = "analyzedAt",
        public: Option<Raw<'a>> = "isPublic",
        finding_type: Str<'a> = "findingType",
        resource_kind: Str<'a> = "resourceType",
    }
}

impl<'a> Shape<'a> {
    /// Which source's finding this looks like.
    pub fn source(&self) -> Option<Source> {
        let is_object = |raw: Option<Raw<'_>>| raw.is_some_and(|raw| kind(raw.0) == Kind::Object);
        let is_text = |raw: Option<Raw<'_>>| raw.is_some_and(|raw| kind(raw.0) == Kind::String);
        let arn_says = |word: &str| self.arn.as_deref().is_some_and(|arn| arn.contains(word));
        if self.finding_info.is_some() || self.class.is_some_and(|n| (2000..3000).contains(&n)) {
            return Some(Source::Ocsf);
        }
        if self.finding_arn.is_some()
            || self.package_vulnerability.is_some()
            || self.reachability.is_some()
            || self.code_vulnerability.is_some()
        {
            return Some(Source::Inspector);
        }
        if self.product_arn.is_some()
            || self.schema.as_deref() == Some("2018-10-08")
            || (self.aws_account.is_some()
                && (self.generator.is_some() || self.resources.is_some()))
        {
            return Some(Source::Asff);
        }
        if self.affected.is_some() || self.classification.is_some() || self.policy.is_some() {
            return Some(Source::Macie);
        }
        let has_parts = is_object(self.service) || is_object(self.resource);
        let graded = self.severity.is_some() || self.schema.is_some() || self.kind.is_some();
        if arn_says(":guardduty:")
            || (has_parts && graded)
            || (self.severity.is_some() && self.has_threat_type())
        {
            return Some(Source::GuardDuty);
        }
        let analysed = self.analyzed_at.is_some() || self.public.is_some();
        if is_text(self.resource)
            && self.resource_kind.is_some()
            && (analysed || self.finding_type.is_some())
        {
            return Some(Source::AccessAnalyzer);
        }
        None
    }

    /// A type of GuardDuty's form, `ThreatPurpose:Resource/Name`.
    fn has_threat_type(&self) -> bool {
        let kind = self.kind.as_deref().and_then(|kind| kind.split_once(':'));
        kind.is_some_and(|(purpose, rest)| !purpose.is_empty() && rest.contains('/'))
    }

    /// The message in an SNS notification.
    pub fn notification(&self) -> Option<Raw<'a>> {
        let is_sns = match self.kind.as_deref() {
            Some(kind) => kind == "Notification",
            None => self.topic.is_some(),
        };
        self.message.filter(|message| is_sns && kind(message.0) == Kind::String)
    }
}
