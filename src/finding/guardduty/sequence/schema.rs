//! The fields of an attack sequence that hansho reads.
//!
//! Source: GuardDuty API reference, `Sequence`, `Signal`, `Indicator`, `Actor`, `NetworkEndpoint`,
//! `ResourceV2` and `ResourceData`.

use std::borrow::Cow;

use super::super::super::lenient::{List, Str, object};
use super::super::super::remote::{AutonomousSystem, Location};
use super::super::super::tags::NameTag;

/// The most actors and endpoints that are shown.
const NAMED_MAX: usize = 3;
/// The most signals, resources and indicators that are read. GuardDuty writes up to 100 signals
/// and indicators, and up to 400 resources.
const READ_MAX: usize = 100;
/// The most values of an indicator that are shown.
const VALUES_MAX: usize = 10;

object! {
    struct Sequence<'a> {
        description: Str<'a> = "description",
        actors: List<Actor<'a>, NAMED_MAX> = "actors",
        resources: List<Involved<'a>, READ_MAX> = "resources",
        endpoints: List<Endpoint<'a>, NAMED_MAX> = "endpoints",
        signals: List<Signal<'a>, READ_MAX> = "signals",
        indicators: List<Indicator<'a>, READ_MAX> = "sequenceIndicators",
    }
    struct Signal<'a> {
        kind: Str<'a> = "type",
        name: Str<'a> = "name",
        count: Option<u64> = "count",
    }
    struct Indicator<'a> {
        key: Str<'a> = "key",
        values: List<Cow<'a, str>, VALUES_MAX> = "values",
    }
    struct Actor<'a> {
        id: Str<'a> = "id",
        user: User<'a> = "user",
        session: Session<'a> = "session",
        process: Process<'a> = "process",
    }
    struct User<'a> {
        name: Str<'a> = "name",
        uid: Str<'a> = "uid",
        kind: Str<'a> = "type",
        credential: Str<'a> = "credentialUid",
    }
    struct Session<'a> {
        /// The ARN of the role.
        issuer: Str<'a> = "issuer",
        mfa: Str<'a> = "mfaStatus",
    }
    struct Process<'a> {
        name: Str<'a> = "name",
        path: Str<'a> = "path",
        sha256: Str<'a> = "sha256",
    }
    struct Endpoint<'a> {
        ip: Str<'a> = "ip",
        domain: Str<'a> = "domain",
        port: Str<'a> = "port",
        direction: Str<'a> = "connection" / "direction",
        location: Location<'a> = "location",
        network: AutonomousSystem<'a> = "autonomousSystem",
    }
    struct Involved<'a> {
        uid: Str<'a> = "uid",
        name: Str<'a> = "name",
        kind: Str<'a> = "resourceType",
        tags: NameTag<'a> = "tags",
        data: Data<'a> = "data",
    }
    struct Data<'a> {
        key: AccessKey<'a> = "accessKey",
        bucket_access: Str<'a> = "s3Bucket" / "effectivePermission",
        workload: Workload<'a> = "kubernetesWorkload",
        image: Str<'a> = "container" / "image",
        instance_kind: Str<'a> = "ec2Instance" / "instanceType",
    }
    struct AccessKey<'a> {
        user: Str<'a> = "userName",
        user_kind: Str<'a> = "userType",
    }
    struct Workload<'a> {
        namespace: Str<'a> = "namespace",
        kind: Str<'a> = "type",
    }
}
