//! The fields of a GuardDuty finding that hansho reads. EventBridge and the API differ only in the
//! case of the keys.
//!
//! Source: GuardDuty API reference, `Finding`.

mod malware;
mod runtime;

use std::borrow::Cow;

use super::super::contradiction::{Every, One};
use super::super::json::Json;
use super::super::lenient::{List, Pairs, Str, object};
use super::super::remote::{Port, Remote};
use super::super::tags::Tags;
use super::sequence::Sequence;
use crate::instants::Wall;

pub(super) use malware::{InfectedFile, Malware, MalwareScan, VolumeScan};
pub(super) use runtime::{Process, Runtime, RuntimeContext};

/// The most resources, probes or names that are shown.
pub(super) const NAMED_MAX: usize = 3;
/// The most probes that are read for their ports.
const PROBES_MAX: usize = 50;
/// The most resources of a call that are counted.
const AFFECTED_MAX: usize = 50;
/// The most interfaces, groups, containers and volumes that are read. Any of them may be the one
/// that matters.
const READ_MAX: usize = 50;

object! {
    /// The fields that are read of every finding, wanted or not.
    struct Identity<'a> {
        account: One<'a, Str<'a>> = "accountId",
        arn: One<'a, Str<'a>> = "arn",
        id: One<'a, Str<'a>> = "id",
        partition: Str<'a> = "partition",
        region: One<'a, Str<'a>> = "region",
        severity: Every<'a> = "severity",
        archived: One<'a, Option<bool>> = "archived",
        service_archived: One<'a, Option<bool>> = "service" / "archived",
    }
    struct Details<'a> {
        kind: One<'a, Str<'a>> = "type",
        title: Str<'a> = "title",
        description: Str<'a> = "description",
        created_at: Option<Wall> = "createdAt",
        updated_at: Option<Wall> = "updatedAt",
        resource: Resource<'a> = "resource",
        service: Service<'a> = "service",
    }
    struct Service<'a> {
        count: Option<u64> = "count",
        first_seen: Option<Wall> = "eventFirstSeen",
        last_seen: Option<Wall> = "eventLastSeen",
        /// `TARGET` or `ACTOR`: what the resource was to the activity.
        role: Str<'a> = "resourceRole",
        additional_info: Option<Json<'a>> = "additionalInfo",
        activity: Activity<'a> = "action",
        runtime: Runtime<'a> = "runtimeDetails",
        evidence: Evidence<'a> = "evidence",
        volume_scan: VolumeScan<'a> = "ebsVolumeScanDetails",
        malware_scan: MalwareScan<'a> = "malwareScanDetails",
        detection: Detection<'a> = "detection",
    }
    struct Detection<'a> {
        sequence: Option<Sequence<'a>> = "sequence",
        /// What was unusual, by areas and features.
        unusual: Option<Json<'a>> = "anomaly" / "unusual" / "behavior",
    }
}

// The resource.
object! {
    struct Resource<'a> {
        kind: Str<'a> = "resourceType",
        instance: Instance<'a> = "instanceDetails",
        access_key: AccessKey<'a> = "accessKeyDetails",
        buckets: List<Bucket<'a>, READ_MAX> = "s3BucketDetails",
        eks: Cluster<'a> = "eksClusterDetails",
        kubernetes: Kubernetes<'a> = "kubernetesDetails",
        ecs: Ecs<'a> = "ecsClusterDetails",
        container: Container<'a> = "containerDetails",
        lambda: Lambda<'a> = "lambdaDetails",
        database: Database<'a> = "rdsDbInstanceDetails",
        limitless: Limitless<'a> = "rdsLimitlessDbDetails",
        database_user: DatabaseUser<'a> = "rdsDbUserDetails",
        volumes: Volumes<'a> = "ebsVolumeDetails",
        snapshot: Str<'a> = "ebsSnapshotDetails" / "snapshotArn",
        image: Str<'a> = "ec2ImageDetails" / "imageArn",
        recovery_point: RecoveryPoint<'a> = "recoveryPointDetails",
        guardrail: Guardrail<'a> = "bedrockGuardrailDetails",
        models: List<Model<'a>, NAMED_MAX> = "modelDetails",
    }
    struct Instance<'a> {
        id: Str<'a> = "instanceId",
        kind: Str<'a> = "instanceType",
        tags: Tags<'a> = "tags",
        profile: Str<'a> = "iamInstanceProfile" / "arn",
        image: Str<'a> = "imageId",
        interfaces: List<Interface<'a>, READ_MAX> = "networkInterfaces",
    }
    struct Interface<'a> {
        private: Str<'a> = "privateIpAddress",
        public: Str<'a> = "publicIp",
        v6: List<Cow<'a, str>, 1> = "ipv6Addresses",
        vpc: Str<'a> = "vpcId",
        subnet: Str<'a> = "subnetId",
        groups: List<SecurityGroup<'a>, READ_MAX> = "securityGroups",
    }
    struct SecurityGroup<'a> {
        id: Str<'a> = "groupId",
        name: Str<'a> = "groupName",
    }
    struct AccessKey<'a> {
        id: Str<'a> = "accessKeyId",
        principal: Str<'a> = "principalId",
        user: Str<'a> = "userName",
        kind: Str<'a> = "userType",
    }
    struct Bucket<'a> {
        name: Str<'a> = "name",
        arn: Str<'a> = "arn",
        access: PublicAccess<'a> = "publicAccess",
        objects: List<BucketObject<'a>, NAMED_MAX> = "s3ObjectDetails",
        tags: Tags<'a> = "tags",
    }
    struct PublicAccess<'a> {
        effective: Str<'a> = "effectivePermission",
        bucket: BucketPermissions<'a> = "permissionConfiguration" / "bucketLevelPermissions",
    }
    struct BucketPermissions<'a> {
        policy: PublicGrant<'a> = "bucketPolicy",
        acl: PublicGrant<'a> = "accessControlList",
    }
    struct PublicGrant<'a> {
        read: Option<bool> = "allowsPublicReadAccess",
        write: Option<bool> = "allowsPublicWriteAccess",
    }
    struct BucketObject<'a> {
        key: Str<'a> = "key",
        arn: Str<'a> = "objectArn",
        hash: Str<'a> = "hash",
        version: Str<'a> = "versionId",
    }
    struct Cluster<'a> {
        name: Str<'a> = "name",
        arn: Str<'a> = "arn",
        tags: Tags<'a> = "tags",
    }
    struct Kubernetes<'a> {
        user: KubernetesUser<'a> = "kubernetesUserDetails",
        workload: Workload<'a> = "kubernetesWorkloadDetails",
    }
    struct KubernetesUser<'a> {
        name: Str<'a> = "username",
        groups: List<Cow<'a, str>, READ_MAX> = "groups",
        sessions: List<Cow<'a, str>, NAMED_MAX> = "sessionName",
        impersonated: ImpersonatedUser<'a> = "impersonatedUser",
    }
    struct ImpersonatedUser<'a> {
        name: Str<'a> = "username",
        groups: List<Cow<'a, str>, READ_MAX> = "groups",
    }
    struct Workload<'a> {
        name: Str<'a> = "name",
        kind: Str<'a> = "type",
        namespace: Str<'a> = "namespace",
        service_account: Str<'a> = "serviceAccountName",
        host_network: Option<bool> = "hostNetwork",
        host_pid: Option<bool> = "hostPID",
        host_ipc: Option<bool> = "hostIPC",
        containers: List<Container<'a>, READ_MAX> = "containers",
        volumes: List<HostVolume<'a>, READ_MAX> = "volumes",
    }
    struct Container<'a> {
        id: Str<'a> = "id",
        name: Str<'a> = "name",
        image: Str<'a> = "image",
        privileged: Option<bool> = "securityContext" / "privileged",
    }
    struct HostVolume<'a> {
        path: Str<'a> = "hostPath" / "path",
    }
    struct Ecs<'a> {
        name: Str<'a> = "name",
        arn: Str<'a> = "arn",
        task: Task<'a> = "taskDetails",
        tags: Tags<'a> = "tags",
    }
    struct Task<'a> {
        arn: Str<'a> = "arn",
        definition: Str<'a> = "definitionArn",
        group: Str<'a> = "group",
        launch_type: Str<'a> = "launchType",
        containers: List<Container<'a>, READ_MAX> = "containers",
        volumes: List<HostVolume<'a>, READ_MAX> = "volumes",
    }
    struct Lambda<'a> {
        name: Str<'a> = "functionName",
        arn: Str<'a> = "functionArn",
        version: Str<'a> = "functionVersion",
        role: Str<'a> = "role",
        tags: Tags<'a> = "tags",
    }
    struct Database<'a> {
        id: Str<'a> = "dbInstanceIdentifier",
        arn: Str<'a> = "dbInstanceArn",
        cluster: Str<'a> = "dbClusterIdentifier",
        engine: Str<'a> = "engine",
        version: Str<'a> = "engineVersion",
        tags: Tags<'a> = "tags",
    }
    struct Limitless<'a> {
        id: Str<'a> = "dbShardGroupIdentifier",
        cluster: Str<'a> = "dbClusterIdentifier",
        engine: Str<'a> = "engine",
    }
    struct DatabaseUser<'a> {
        name: Str<'a> = "user",
        database: Str<'a> = "database",
        application: Str<'a> = "application",
        auth_method: Str<'a> = "authMethod",
        encryption: Str<'a> = "ssl",
    }
    struct Volumes<'a> {
        scanned: List<Volume<'a>, NAMED_MAX> = "scannedVolumeDetails",
        skipped: List<Volume<'a>, NAMED_MAX> = "skippedVolumeDetails",
    }
    struct Volume<'a> {
        arn: Str<'a> = "volumeArn",
        device: Str<'a> = "deviceName",
    }
    struct RecoveryPoint<'a> {
        arn: Str<'a> = "recoveryPointArn",
        vault: Str<'a> = "backupVaultName",
    }
    struct Guardrail<'a> {
        arn: Str<'a> = "guardrailArn",
        version: Str<'a> = "guardrailVersion",
    }
    struct Model<'a> {
        id: Str<'a> = "modelId",
    }
}

// The actor.
object! {
    struct Activity<'a> {
        kind: Str<'a> = "actionType",
        api_call: ApiCall<'a> = "awsApiCallAction",
        connection: Connection<'a> = "networkConnectionAction",
        port_probe: PortProbe<'a> = "portProbeAction",
        dns: DnsRequest<'a> = "dnsRequestAction",
        kubernetes: KubernetesCall<'a> = "kubernetesApiCallAction",
        permission: Permission<'a> = "kubernetesPermissionCheckedDetails",
        role: Role<'a> = "kubernetesRoleDetails",
        binding: RoleBinding<'a> = "kubernetesRoleBindingDetails",
        login: LoginAttempt<'a> = "rdsLoginAttemptAction",
    }
    struct ApiCall<'a> {
        api: Str<'a> = "api",
        service: Str<'a> = "serviceName",
        domain: Str<'a> = "domainDetails" / "domain",
        remote: Remote<'a> = "remoteIpDetails",
        account: RemoteAccount<'a> = "remoteAccountDetails",
        error: Str<'a> = "errorCode",
        user_agent: Str<'a> = "userAgent",
        /// Names of resources by their types, such as `AWS::S3::Bucket`.
        affected: Pairs<'a, AFFECTED_MAX> = "affectedResources",
    }
    struct RemoteAccount<'a> {
        id: Str<'a> = "accountId",
        service: Str<'a> = "awsServiceName",
        affiliated: Option<bool> = "affiliated",
    }
    struct Connection<'a> {
        direction: Str<'a> = "connectionDirection",
        protocol: Str<'a> = "protocol",
        blocked: Option<bool> = "blocked",
        local_port: Port<'a> = "localPortDetails",
        remote_port: Port<'a> = "remotePortDetails",
        remote: Remote<'a> = "remoteIpDetails",
    }
    struct PortProbe<'a> {
        probes: List<Probe<'a>, PROBES_MAX> = "portProbeDetails",
        blocked: Option<bool> = "blocked",
    }
    struct Probe<'a> {
        local_port: Port<'a> = "localPortDetails",
        remote: Remote<'a> = "remoteIpDetails",
    }
    struct DnsRequest<'a> {
        domain: Str<'a> = "domain",
        with_suffix: Str<'a> = "domainWithSuffix",
        protocol: Str<'a> = "protocol",
        blocked: Option<bool> = "blocked",
    }
    struct KubernetesCall<'a> {
        verb: Str<'a> = "verb",
        uri: Str<'a> = "requestUri",
        sources: List<Cow<'a, str>, NAMED_MAX> = "sourceIps",
        remote: Remote<'a> = "remoteIpDetails",
        status: Option<u64> = "statusCode",
        user_agent: Str<'a> = "userAgent",
        parameters: Str<'a> = "parameters",
        namespace: Str<'a> = "namespace",
        resource: Str<'a> = "resource",
        subresource: Str<'a> = "subresource",
        resource_name: Str<'a> = "resourceName",
    }
    struct Permission<'a> {
        verb: Str<'a> = "verb",
        resource: Str<'a> = "resource",
        namespace: Str<'a> = "namespace",
        allowed: Option<bool> = "allowed",
    }
    struct Role<'a> {
        kind: Str<'a> = "kind",
        name: Str<'a> = "name",
    }
    struct RoleBinding<'a> {
        kind: Str<'a> = "kind",
        name: Str<'a> = "name",
        role: Str<'a> = "roleRefName",
        role_kind: Str<'a> = "roleRefKind",
    }
    struct LoginAttempt<'a> {
        remote: Remote<'a> = "remoteIpDetails",
        logins: List<Login<'a>, NAMED_MAX> = "loginAttributes",
    }
    struct Login<'a> {
        user: Str<'a> = "user",
        failed: Option<u64> = "failedLoginAttempts",
        successful: Option<u64> = "successfulLoginAttempts",
    }
    struct Evidence<'a> {
        threats: List<Threat<'a>, NAMED_MAX> = "threatIntelligenceDetails",
    }
    struct Threat<'a> {
        list: Str<'a> = "threatListName",
        names: List<Cow<'a, str>, NAMED_MAX> = "threatNames",
    }
}
