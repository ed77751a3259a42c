//! Recognises an object by its keys.

use super::contradiction::{Field, One};
use super::json::{Json, Kind};
use super::lenient::{Str, object};
use super::source::Source;
use crate::instants::Wall;

object! {
    /// All keys by which an object is recognised.
    struct Shape<'a> {
        // SNS, and Lambda's events of SNS and SQS.
        kind: Str<'a> = "Type",
        message: One<'a, Option<Json<'a>>> = "Message",
        topic: Str<'a> = "TopicArn",
        records: One<'a, Option<Json<'a>>> = "Records",
        sns: One<'a, Option<Json<'a>>> = "Sns",
        body: One<'a, Option<Json<'a>>> = "body",
        // EventBridge.
        detail: One<'a, Option<Json<'a>>> = "detail",
        detail_type: One<'a, Str<'a>> = "detail-type" | "detailType",
        event_id: Str<'a> = "id",
        event_source: One<'a, Str<'a>> = "source",
        event_account: One<'a, Str<'a>> = "account",
        region: One<'a, Str<'a>> = "region",
        time: Option<Wall> = "time",
        // Security Hub's events, and the answers of APIs.
        action: Str<'a> = "actionName",
        findings: One<'a, Option<Json<'a>>> = "findings",
        // GuardDuty.
        arn: Str<'a> = "arn",
        schema: Str<'a> = "schemaVersion",
        service: Option<Json<'a>> = "service",
        resource: Option<Json<'a>> = "resource",
        severity: Option<Json<'a>> = "severity",
        // OCSF.
        class: Option<u64> = "class_uid",
        finding_info: Option<Json<'a>> = "finding_info",
        // ASFF.
        product_arn: Str<'a> = "ProductArn",
        generator: Str<'a> = "GeneratorId",
        aws_account: Str<'a> = "AwsAccountId",
        resources: Option<Json<'a>> = "resources",
        // Inspector.
        finding_arn: Str<'a> = "findingArn",
        package_vulnerability: Option<Json<'a>> = "packageVulnerabilityDetails",
        reachability: Option<Json<'a>> = "networkReachabilityDetails",
        code_vulnerability: Option<Json<'a>> = "codeVulnerabilityDetails",
        // Macie.
        affected: Option<Json<'a>> = "resourcesAffected",
        classification: Option<Json<'a>> = "classificationDetails",
        policy: Option<Json<'a>> = "policyDetails",
        // Access Analyzer.
        analyzed_at: Str<'a> = "analyzedAt",
        public: Option<Json<'a>> = "isPublic",
        finding_type: Str<'a> = "findingType",
        resource_kind: Str<'a> = "resourceType",
    }
}

impl<'a> Shape<'a> {
    /// Returns the source that such a finding comes from.
    pub fn source(&self) -> Option<Source> {
        let is_object =
            |json: Option<Json<'_>>| json.is_some_and(|json| json.kind() == Kind::Object);
        let is_text = |json: Option<Json<'_>>| json.is_some_and(|json| json.kind() == Kind::String);
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

    /// The fields around a finding: of two values of one of them, only one would be read.
    pub fn keys(&self) -> [Field<'_>; 10] {
        [
            Field::of("detail", &self.detail),
            Field::of("detail-type", &self.detail_type),
            Field::of("source", &self.event_source),
            Field::of("account", &self.event_account),
            Field::of("region", &self.region),
            Field::of("Message", &self.message),
            Field::of("Records", &self.records),
            Field::of("Sns", &self.sns),
            Field::of("body", &self.body),
            Field::of("findings", &self.findings),
        ]
    }

    /// The first of an event's resources.
    pub fn first_resource(&self) -> Str<'a> {
        self.resources?.items().next().and_then(Json::text)
    }

    /// Returns whether the type has GuardDuty's form, `ThreatPurpose:Resource/Name`.
    fn has_threat_type(&self) -> bool {
        let kind = self.kind.as_deref().and_then(|kind| kind.split_once(':'));
        kind.is_some_and(|(purpose, rest)| !purpose.is_empty() && rest.contains('/'))
    }

    /// Returns the message in an SNS notification.
    pub fn notification(&self) -> Option<Json<'a>> {
        let is_sns = match self.kind.as_deref() {
            Some(kind) => kind == "Notification",
            None => self.topic.is_some(),
        };
        self.message.filter(|message| is_sns && message.kind() == Kind::String)
    }
}
