//! Describes attack sequences: findings that GuardDuty combines from several signals.

mod schema;

use std::borrow::Cow;

use super::super::arn::short_name;
use super::super::phrase::{Phrase, joined, known, listed, principal, same};
use schema::{Actor, Data, Endpoint, Involved};
pub(super) use schema::{Indicator, Sequence, Signal};

/// The most resources that are shown.
const RESOURCES_MAX: usize = 5;

impl Sequence<'_> {
    /// `S3 bucket invoices, IAMUser deploy (access key AKIA…) +2 more`.
    pub fn describe_resources(&self) -> Option<String> {
        let mut involved: Vec<_> = self.resources.items.iter().collect();
        involved.sort_by_key(|one| one.rank());
        let shown = involved.into_iter().filter_map(Involved::describe).take(RESOURCES_MAX);
        listed(shown.collect(), self.resources.total)
    }

    /// `IAMUser alice (credential AKIA…) from 198.51.100.7 (Germany, AS64500 Example)`.
    pub fn describe_actors(&self) -> Option<String> {
        let actors = self.actors.items.iter().filter_map(Actor::describe).collect();
        let ends = self.endpoints.items.iter().filter_map(Endpoint::describe).collect();
        let actors = listed(actors, self.actors.total);
        let ends = listed(ends, self.endpoints.total);
        joined([actors, ends], " from ")
    }
}

impl Actor<'_> {
    fn describe(&self) -> Option<String> {
        let user = &self.user;
        if let Some(name) = user.name.as_deref().or(user.uid.as_deref()) {
            let without_mfa = self.session.mfa.as_deref().is_some_and(|mfa| same(mfa, "disabled"));
            let role = self.session.issuer.as_deref().map(short_name);
            return principal(user.kind.as_deref(), "user", Some(name))
                .with_labelled("role", role.filter(|role| !same(role, name)))
                .with_labelled("credential", user.credential.as_deref())
                .with(without_mfa.then_some("no MFA"))
                .build();
        }
        let process = self.process.path.as_deref().or(self.process.name.as_deref());
        let label = if process.is_some() { "process" } else { "" };
        Phrase::new(label, process.or(self.id.as_deref()))
            .with_labelled("SHA-256", self.process.sha256.as_deref())
            .build()
    }
}

impl Endpoint<'_> {
    /// The port is that of the endpoint, so it tells something only of an outbound connection.
    fn describe(&self) -> Option<String> {
        let outbound = self.direction.as_deref().is_some_and(|way| same(way, "outbound"));
        Phrase::new("", self.ip.as_deref().or(self.domain.as_deref()))
            .with(self.domain.as_deref().filter(|_| self.ip.is_some()))
            .with_labelled("port", self.port.as_deref().filter(|_| outbound))
            .with(known(&self.location.city))
            .with(known(&self.location.country))
            .with(self.network.describe().as_deref())
            .build()
    }
}

impl Involved<'_> {
    /// What was hit comes first, then the credentials, then what only surrounds it.
    fn rank(&self) -> u8 {
        match self.kind.as_deref().unwrap_or_default() {
            "ACCESS_KEY" => 1,
            "S3_OBJECT"
            | "EC2_NETWORK_INTERFACE"
            | "EC2_VPC"
            | "EC2_IMAGE"
            | "EC2_LAUNCH_TEMPLATE"
            | "IAM_INSTANCE_PROFILE"
            | "AUTOSCALING_AUTO_SCALING_GROUP"
            | "CLOUDFORMATION_STACK" => 2,
            _ => 0,
        }
    }

    fn describe(&self) -> Option<String> {
        let kind = self.kind.as_deref().unwrap_or_default();
        let id = self.uid.as_deref().map(short_name);
        let name = self.name.as_deref().map(short_name);
        let Data { key, bucket_access, workload, image, instance_kind, .. } = &self.data;
        if kind == "ACCESS_KEY" && key.user.is_some() {
            return principal(key.user_kind.as_deref(), "user", key.user.as_deref())
                .with_labelled("access key", name.or(id))
                .build();
        }
        if kind == "KUBERNETES_WORKLOAD" {
            let full = joined([workload.namespace.as_deref(), name.or(id)], "/");
            let label = workload.kind.as_deref().unwrap_or("workload");
            return Phrase::new(label, full.as_deref()).build();
        }
        // The name of an instance may be that of its tag.
        let head = id.filter(|_| kind == "EC2_INSTANCE").or(name).or(id);
        Phrase::new(&plain_kind(kind), head)
            .with(self.tags.value())
            .with(name.filter(|name| head != Some(*name)))
            .with(instance_kind.as_deref())
            .with_labelled("image", image.as_deref())
            .with(bucket_access.as_deref().filter(|access| same(access, "public")))
            .build()
    }
}

/// Writes `S3_BUCKET` as `S3 bucket`, and `CLOUD_TRAIL` as `CloudTrail`.
pub(super) fn plain_kind(kind: &str) -> Cow<'static, str> {
    const ACRONYMS: [&str; 12] =
        ["API", "ASN", "DNS", "EBS", "EC2", "ECS", "EKS", "IAM", "IP", "RDS", "S3", "VPC"];
    match kind.trim() {
        "CLOUD_TRAIL" => "CloudTrail".into(),
        "AUTOSCALING_AUTO_SCALING_GROUP" => "Auto Scaling group".into(),
        "CLOUDFORMATION_STACK" => "CloudFormation stack".into(),
        "TOR_IP" => "Tor exit node".into(),
        kind => {
            let words = kind.split('_').map(|word| match ACRONYMS.contains(&word) {
                true => word.to_owned(),
                false => word.to_ascii_lowercase(),
            });
            words.collect::<Vec<_>>().join(" ").into()
        }
    }
}
