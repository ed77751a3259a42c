//! The fields of an OCSF finding that hansho reads.
//!
//! Source: OCSF schema, classes 2001 to 2007.

use std::borrow::Cow;

use super::super::contradiction::{Every, One};
use super::super::lenient::{List, Str, object};
use super::super::remote::{AutonomousSystem, Location};
use super::super::tags::Tags;
use super::super::vulnerability::Package;
use crate::instants::Wall;

object! {
    struct Document<'a> {
        class: Str<'a> = "class_name",
        info: Info<'a> = "finding_info",
        cloud: Cloud<'a> = "cloud",
        metadata: Metadata<'a> = "metadata",
        severity_id: Every<'a> = "severity_id",
        severity: Every<'a> = "severity",
        vendor: Vendor<'a> = "vendor_attributes",
        status_id: One<'a, Option<u64>> = "status_id",
        status: One<'a, Str<'a>> = "status",
        activity_id: One<'a, Option<u64>> = "activity_id",
        activity: One<'a, Str<'a>> = "activity_name",
        compliance: Compliance<'a> = "compliance",
        count: Option<u64> = "count",
        /// Older versions of vulnerability and compliance findings have one `resource`.
        resources: List<Resource<'a>, 10> = "resources" | "resource",
        vulnerabilities: List<Vulnerability<'a>, 1> = "vulnerabilities",
        evidences: List<Evidence<'a>, 5> = "evidences",
        actor: Actor<'a> = "actor",
        malware: List<Malware<'a>, 3> = "malware",
        time: Option<Wall> = "time" | "time_dt",
    }
    struct Info<'a> {
        uid: One<'a, Str<'a>> = "uid",
        alternative: One<'a, Str<'a>> = "uid_alt",
        title: Str<'a> = "title",
        description: Str<'a> = "desc",
        kinds: One<'a, List<Cow<'a, str>, 5>> = "types",
        created_at: Option<Wall> = "created_time" | "created_time_dt",
        updated_at: Option<Wall> = "modified_time" | "modified_time_dt",
        first_seen: Option<Wall> = "first_seen_time" | "first_seen_time_dt",
        last_seen: Option<Wall> = "last_seen_time" | "last_seen_time_dt",
        attacks: List<Attack<'a>, 3> = "attacks",
    }
    struct Attack<'a> {
        tactic: Named<'a> = "tactic",
        /// Of older versions.
        tactics: List<Named<'a>, 3> = "tactics",
        technique: Named<'a> = "technique",
    }
    struct Named<'a> {
        name: Str<'a> = "name",
        uid: Str<'a> = "uid",
    }
    struct Malware<'a> {
        name: Str<'a> = "name",
        infected: Option<u64> = "num_infected",
    }
    struct Compliance<'a> {
        status_id: One<'a, Option<u64>> = "status_id",
        status: One<'a, Str<'a>> = "status",
        control: One<'a, Str<'a>> = "control",
        standards: List<Cow<'a, str>, 16> = "standards",
        assessments: List<Assessment<'a>, 3> = "assessments",
        details: List<Cow<'a, str>, 3> = "status_details" | "status_detail",
    }
    struct Assessment<'a> {
        description: Str<'a> = "desc",
        name: Str<'a> = "name",
        is_met: Option<bool> = "meets_criteria",
    }
    struct Vulnerability<'a> {
        packages: List<Package<'a>, 3> = "affected_packages",
        epss: Option<f64> = "cve" / "epss" / "score",
        exploit: Str<'a> = "is_exploit_available",
        fix: Str<'a> = "is_fix_available",
    }
    struct Cloud<'a> {
        account: Account<'a> = "account",
        region: One<'a, Str<'a>> = "region",
        partition: Str<'a> = "cloud_partition",
    }
    struct Account<'a> {
        id: One<'a, Str<'a>> = "uid",
        name: Str<'a> = "name",
    }
    struct Metadata<'a> {
        uid: One<'a, Str<'a>> = "uid",
        processed_at: Option<Wall> = "processed_time" | "processed_time_dt",
        logged_at: Option<Wall> = "logged_time" | "logged_time_dt",
        product: ProductInfo<'a> = "product",
    }
    struct ProductInfo<'a> {
        name: Str<'a> = "name",
        arn: One<'a, Str<'a>> = "uid",
        vendor: Str<'a> = "vendor_name",
    }
    struct Vendor<'a> {
        severity_id: Every<'a> = "severity_id",
        severity: Every<'a> = "severity",
    }
}

// The resource.
object! {
    struct Resource<'a> {
        kind: Str<'a> = "type",
        name: Str<'a> = "name",
        uid: Str<'a> = "uid",
        region: Str<'a> = "region",
        partition: Str<'a> = "cloud_partition",
        account: Account<'a> = "owner" / "account",
        tags: Tags<'a> = "tags",
        user: ResourceUser<'a> = "user",
        device: Device<'a> = "device",
        data: Data<'a> = "data",
    }
    struct ResourceUser<'a> {
        name: Str<'a> = "name",
        kind: Str<'a> = "type",
    }
    struct Device<'a> {
        model: Str<'a> = "model",
        interfaces: List<Interface<'a>, 1> = "network_interfaces",
        image: Str<'a> = "container" / "image" / "name",
        vpc: Str<'a> = "vpc_uid",
        subnet: Str<'a> = "subnet_uid" | "subnet",
    }
    struct Interface<'a> {
        private: Str<'a> = "private_ip_address",
        public: Str<'a> = "public_ip" | "ip",
        vpc: Str<'a> = "vpc_id",
        subnet: Str<'a> = "subnet_id",
    }
    struct Data<'a> {
        instance_kind: Str<'a> = "instance_type",
        /// Of an access key.
        user: Str<'a> = "user_name",
        tags: Tags<'a> = "tags",
        interfaces: List<Interface<'a>, 1> = "network_interfaces",
    }
}

// The actor.
object! {
    struct Evidence<'a> {
        actor: Actor<'a> = "actor",
        process: Process<'a> = "process",
        file: File<'a> = "file",
        source: Endpoint<'a> = "src_endpoint",
        destination: Endpoint<'a> = "dst_endpoint",
        connection: Connection<'a> = "connection_info",
        api: Api<'a> = "api",
        query: Str<'a> = "query" / "hostname",
        user_agent: Str<'a> = "http_request" / "user_agent",
    }
    struct Actor<'a> {
        user: User<'a> = "user",
        process: Process<'a> = "process",
        session: Session<'a> = "session",
    }
    struct Session<'a> {
        issuer: Str<'a> = "issuer",
        uid: Str<'a> = "uid",
    }
    struct User<'a> {
        name: Str<'a> = "name",
        kind: Str<'a> = "type",
        uid: Str<'a> = "uid",
        credential: Str<'a> = "credential_uid",
    }
    struct Process<'a> {
        name: Str<'a> = "name",
        path: Str<'a> = "path",
        file: File<'a> = "file",
        pid: Str<'a> = "pid",
        command: Str<'a> = "cmd_line",
        user: Str<'a> = "user" / "name",
        parent: Ancestor<'a> = "parent_process",
        /// The parent first.
        ancestry: List<Ancestor<'a>, 3> = "ancestry",
    }
    struct Ancestor<'a> {
        name: Str<'a> = "name",
        path: Str<'a> = "path",
        file: Str<'a> = "file" / "path",
    }
    struct File<'a> {
        path: Str<'a> = "path",
        hashes: List<Hash<'a>, 5> = "hashes",
    }
    struct Hash<'a> {
        algorithm: Str<'a> = "algorithm",
        value: Str<'a> = "value",
    }
    struct Endpoint<'a> {
        ip: Str<'a> = "ip",
        port: Str<'a> = "port",
        domain: Str<'a> = "domain" | "hostname",
        location: Location<'a> = "location",
        network: AutonomousSystem<'a> = "autonomous_system",
    }
    struct Connection<'a> {
        direction: Str<'a> = "direction",
        protocol: Str<'a> = "protocol_name",
    }
    struct Api<'a> {
        operation: Str<'a> = "operation",
        error: Str<'a> = "response" / "error",
        service: Str<'a> = "service" / "name",
    }
}
