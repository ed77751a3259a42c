//! The fields of an ASFF finding that hansho reads.
//!
//! Source: Security Hub API reference, `AwsSecurityFinding`.

use std::borrow::Cow;

use super::super::contradiction::{Every, One};
use super::super::json::Json;
use super::super::lenient::{List, Pairs, Slot, Str, object};
use super::super::sensitive_data::SensitiveData;
use super::super::vulnerability::Package;
use crate::instants::Wall;

/// The most resources, probes, threats or malware that are shown.
pub(super) const NAMED_MAX: usize = 3;

object! {
    struct Document<'a> {
        id: One<'a, Str<'a>> = "Id",
        account: One<'a, Str<'a>> = "AwsAccountId",
        account_name: Str<'a> = "AwsAccountName",
        region: One<'a, Str<'a>> = "Region",
        product_arn: One<'a, Str<'a>> = "ProductArn",
        product: Str<'a> = "ProductName",
        company: Str<'a> = "CompanyName",
        kinds: One<'a, List<Cow<'a, str>, 1>> = "Types",
        generator: One<'a, Str<'a>> = "GeneratorId",
        title: Str<'a> = "Title",
        description: Str<'a> = "Description",
        severity: Every<'a> = "Severity",
        provider: Provider<'a> = "FindingProviderFields",
        fields: ProductFields<'a> = "ProductFields",
        source_url: Str<'a> = "SourceUrl",
        created_at: Option<Wall> = "CreatedAt",
        updated_at: Option<Wall> = "UpdatedAt",
        processed_at: Option<Wall> = "ProcessedAt",
        first_seen: Option<Wall> = "FirstObservedAt",
        last_seen: Option<Wall> = "LastObservedAt",
        state: One<'a, Str<'a>> = "RecordState",
        /// Not `WorkflowState`, the older field, which is out of date in many findings.
        workflow: One<'a, Str<'a>> = "Workflow" / "Status",
        compliance: Compliance<'a> = "Compliance",
        sample: Option<bool> = "Sample",
        resources: List<Resource<'a>, 10> = "Resources",
        /// Has the fields of GuardDuty's action.
        action: Option<Json<'a>> = "Action",
        network: Network<'a> = "Network",
        process: Process<'a> = "Process",
        malware: List<Malware<'a>, 3> = "Malware",
        threats: List<Indicator<'a>, 3> = "ThreatIntelIndicators",
        vulnerabilities: List<Vulnerability<'a>, 1> = "Vulnerabilities",
    }
    struct Compliance<'a> {
        status: One<'a, Str<'a>> = "Status",
        reasons: List<Reason<'a>, NAMED_MAX> = "StatusReasons",
        control: One<'a, Str<'a>> = "SecurityControlId",
        standards: List<Standard<'a>, 16> = "AssociatedStandards",
    }
    struct Standard<'a> {
        id: Str<'a> = "StandardsId",
    }
    struct Reason<'a> {
        code: Str<'a> = "ReasonCode",
        description: Str<'a> = "Description",
    }
    struct Provider<'a> {
        severity: Every<'a> = "Severity",
        kinds: List<Cow<'a, str>, 1> = "Types",
    }
    struct Measure<'a> {
        label: Every<'a> = "Label",
        normalized: Every<'a> = "Normalized",
        product: Option<f64> = "Product",
    }
    /// Fields that products add, under names of their own.
    struct Fields<'a> {
        /// Access Analyzer's id. Its ASFF Id consists of the names of the analyzer and the
        /// resource.
        finding_id: One<'a, Str<'a>> = "findingId",
        finding_type: Str<'a> = "findingType",
        resource_owner: One<'a, Str<'a>> = "ResourceOwnerAccount",
        /// A field of GuardDuty's `additionalInfo`.
        sample: Option<bool> = "aws/guardduty/service/additionalInfo/sample",
        count: Option<u64> = "aws/guardduty/service/count",
        archived: One<'a, Option<bool>> = "aws/guardduty/service/archived",
        standard: Str<'a> = "StandardsArn",
        /// Of CIS v1.2.0.
        guide: Str<'a> = "StandardsGuideArn",
        /// The standard's own id of a control, such as `PCI.EC2.1` or `2.5`.
        control: Str<'a> = "ControlId" | "RuleId",
        /// The result of a check in words.
        annotation: Str<'a> = "aws/securityhub/annotation",
        inspector_score: Option<f64> = "aws/inspector/inspectorScore",
    }
    struct Vulnerability<'a> {
        packages: List<Package<'a>, NAMED_MAX> = "VulnerablePackages",
        epss: Option<f64> = "EpssScore",
        exploit: Str<'a> = "ExploitAvailable",
        exploited_at: Option<Wall> = "LastKnownExploitAt",
        fix: Str<'a> = "FixAvailable",
    }
}

// The resource.
object! {
    struct Resource<'a> {
        kind: Str<'a> = "Type",
        id: Str<'a> = "Id",
        role: Str<'a> = "ResourceRole",
        tags: Pairs<'a, 50> = "Tags",
        details: Details<'a> = "Details",
        sensitive_data: SensitiveData<'a> = "DataClassification" / "Result",
    }
    struct Details<'a> {
        instance: Instance<'a> = "AwsEc2Instance",
        image: Image<'a> = "AwsEcrContainerImage",
        runtime: Str<'a> = "AwsLambdaFunction" / "Runtime",
        access_key: AccessKey<'a> = "AwsIamAccessKey",
        user: Str<'a> = "AwsIamUser" / "UserName",
        /// A field of Access Analyzer, whose keys are words.
        external_principal: Str<'a> = "Other" / "External Principal",
    }
    struct Instance<'a> {
        kind: Str<'a> = "Type",
        addresses: List<Cow<'a, str>, 2> = "IpV4Addresses",
    }
    struct Image<'a> {
        repository: Str<'a> = "RepositoryName",
        tags: List<Cow<'a, str>, 1> = "ImageTags",
        digest: Str<'a> = "ImageDigest",
    }
    struct AccessKey<'a> {
        user: Str<'a> = "UserName" | "PrincipalName",
        kind: Str<'a> = "PrincipalType",
        principal: Str<'a> = "PrincipalId",
        issuer: Str<'a> = "SessionContext" / "SessionIssuer" / "UserName",
    }
}

// The actor.
object! {
    struct Network<'a> {
        direction: Str<'a> = "Direction",
        protocol: Str<'a> = "Protocol",
        source_v4: Str<'a> = "SourceIpV4",
        source_v6: Str<'a> = "SourceIpV6",
        source_domain: Str<'a> = "SourceDomain",
        destination_v4: Str<'a> = "DestinationIpV4",
        destination_v6: Str<'a> = "DestinationIpV6",
        destination_domain: Str<'a> = "DestinationDomain",
        destination_port: Str<'a> = "DestinationPort",
    }
    struct Process<'a> {
        name: Str<'a> = "Name",
        path: Str<'a> = "Path",
        pid: Str<'a> = "Pid",
    }
    struct Malware<'a> {
        name: Str<'a> = "Name",
        path: Str<'a> = "Path",
    }
    struct Indicator<'a> {
        value: Str<'a> = "Value",
        source: Str<'a> = "Source",
    }
}

/// The fields that products add: those of known names, and all as they are.
#[derive(Debug, Default)]
pub(super) struct ProductFields<'a> {
    pub known: Fields<'a>,
    pub all: Option<Json<'a>>,
}

impl<'a> Slot<'a> for ProductFields<'a> {
    fn fill(&mut self, json: Json<'a>) {
        self.known.fill(json);
        self.all.fill(json);
    }

    fn renew(&mut self) {
        self.known.renew();
        self.all.renew();
    }
}
