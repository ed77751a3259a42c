//! The fields of an Inspector finding that hansho reads.
//!
//! Source: Inspector v2 API reference, `Finding`, `AwsEc2InstanceDetails`,
//! `AwsEcrContainerImageDetails`, `AwsLambdaFunctionDetails`, `CodeFilePath`.

use std::borrow::Cow;

use super::super::contradiction::{Every, One};
use super::super::lenient::{List, Pairs, Str, object};
use super::super::vulnerability::Package;
use crate::instants::Wall;

/// The most resources or packages that are shown.
pub(super) const NAMED_MAX: usize = 3;

object! {
    struct Document<'a> {
        arn: One<'a, Str<'a>> = "findingArn",
        account: One<'a, Str<'a>> = "awsAccountId",
        kind: One<'a, Str<'a>> = "type",
        title: Str<'a> = "title",
        description: Str<'a> = "description",
        severity: Every<'a> = "severity",
        score: Option<f64> = "inspectorScore",
        epss: Option<f64> = "epss" / "score",
        /// YES or NO.
        exploit: Str<'a> = "exploitAvailable",
        /// YES, NO or PARTIAL.
        fix: Str<'a> = "fixAvailable",
        exploited_at: Option<Wall> = "exploitabilityDetails" / "lastKnownExploitAt",
        status: One<'a, Str<'a>> = "status",
        first_seen: Option<Wall> = "firstObservedAt",
        last_seen: Option<Wall> = "lastObservedAt",
        updated_at: Option<Wall> = "updatedAt",
        vulnerability: Vulnerability<'a> = "packageVulnerabilityDetails",
        reachability: Reachability<'a> = "networkReachabilityDetails",
        code: CodeVulnerability<'a> = "codeVulnerabilityDetails",
        resources: List<Resource<'a>, NAMED_MAX> = "resources",
    }
    struct Vulnerability<'a> {
        id: Str<'a> = "vulnerabilityId",
        packages: List<Package<'a>, NAMED_MAX> = "vulnerablePackages",
    }
    struct Reachability<'a> {
        ports: Ports<'a> = "openPortRange",
        protocol: Str<'a> = "protocol",
    }
    struct Ports<'a> {
        begin: Option<u64> = "begin",
        end: Option<u64> = "end",
    }
    struct CodeVulnerability<'a> {
        detector: Str<'a> = "detectorName",
        file: File<'a> = "filePath",
    }
    struct File<'a> {
        path: Str<'a> = "filePath",
        name: Str<'a> = "fileName",
        start: Option<u64> = "startLine",
    }
    struct Resource<'a> {
        kind: Str<'a> = "type",
        id: Str<'a> = "id",
        partition: Str<'a> = "partition",
        region: Str<'a> = "region",
        tags: Pairs<'a, 50> = "tags",
        details: Details<'a> = "details",
    }
    struct Details<'a> {
        instance: Instance<'a> = "awsEc2Instance",
        image: ContainerImage<'a> = "awsEcrContainerImage",
        function: Function<'a> = "awsLambdaFunction",
    }
    struct Instance<'a> {
        kind: Str<'a> = "type",
        addresses: List<Cow<'a, str>, NAMED_MAX> = "ipV4Addresses",
        vpc: Str<'a> = "vpcId",
        subnet: Str<'a> = "subnetId",
    }
    struct ContainerImage<'a> {
        repository: Str<'a> = "repositoryName",
        tags: List<Cow<'a, str>, 1> = "imageTags",
        digest: Str<'a> = "imageHash",
        /// The number of tasks and pods that use the image.
        in_use: Option<u64> = "inUseCount",
        last_in_use: Option<Wall> = "lastInUseAt",
    }
    struct Function<'a> {
        name: Str<'a> = "functionName",
        runtime: Str<'a> = "runtime",
        vpc: Str<'a> = "vpcConfig" / "vpcId",
    }
}
