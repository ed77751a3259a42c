//! Describes attack sequences: findings that GuardDuty combines from several signals.

mod schema;

use std::borrow::Cow;

use super::super::arn::short_name;
use super::super::lenient::Str;
use super::super::phrase::{Phrase, joined, known, listed, named, principal, role_session, same};
use super::super::remote::with_port;
use super::super::text::Text;
use schema::{Actor, Data, Endpoint, Involved, NAMED_MAX, User};
pub(super) use schema::{Indicator, Sequence, Signal};

/// The most resources that are shown.
const RESOURCES_MAX: usize = 5;
/// The type of credentials.
const ACCESS_KEY: &str = "ACCESS_KEY";

/// How an endpoint took part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// An actor came from it.
    Source,
    /// The victim talked to it.
    Target,
    /// The finding does not say which.
    Peer,
    /// The victim looked up its name.
    Domain,
}

impl Sequence<'_> {
    /// `S3 bucket invoices, EC2 instance i-0abc +2 more`. The credentials of an actor stand with
    /// the actor, unless there is no other resource.
    pub fn describe_resources(&self) -> Option<String> {
        let actors = &self.actors.items;
        let of_actor = |one: &Involved<'_>| {
            actors.iter().filter_map(|a| named(&a.user.credential)).any(|id| one.is_key(id))
        };
        let (keys, others): (Vec<_>, Vec<_>) = self.by_rank().partition(|one| of_actor(one));
        let (shown, hidden) = if others.is_empty() { (keys, 0) } else { (others, keys.len()) };
        let shown = shown.into_iter().filter_map(Involved::describe).take(RESOURCES_MAX);
        listed(shown.collect(), self.resources.total.saturating_sub(hidden))
    }

    /// `IAMUser alice (credential AKIA…) from 198.51.100.7 (Germany, AS64500 Example)`.
    pub fn describe_actors(&self) -> Option<String> {
        let actors = self.actors.items.iter().filter_map(|actor| actor.describe(self)).collect();
        let actors = listed(actors, self.actors.total);
        joined([actors, self.describe_endpoints(Part::Source)], " from ")
    }

    /// `outbound to 198.51.100.7:443 (Germany, AS64500 Example), domain evil.example`: the
    /// endpoints that no actor came from.
    pub fn describe_remotes(&self) -> Option<String> {
        let labels = [
            ("outbound to ", Part::Target),
            ("connection with ", Part::Peer),
            ("domain ", Part::Domain),
        ];
        let lists =
            labels.map(|(label, part)| Some([label, &self.describe_endpoints(part)?].concat()));
        joined(lists, ", ")
    }

    /// The tags of the first resource that has some.
    pub fn tags(&self) -> Vec<(Text, Text)> {
        let mut tags = self.by_rank().map(|one| one.tags.texts());
        tags.find(|tags| !tags.is_empty()).unwrap_or_default()
    }

    fn by_rank(&self) -> impl Iterator<Item = &Involved<'_>> {
        let mut involved: Vec<_> = self.resources.items.iter().collect();
        involved.sort_by_key(|one| one.rank());
        involved.into_iter()
    }

    fn describe_endpoints(&self, part: Part) -> Option<String> {
        let found = self.endpoints.items.iter().filter(|end| self.part_of(end) == part);
        let found: Vec<_> = found.collect();
        let shown = found.iter().take(NAMED_MAX).filter_map(|end| end.describe(part));
        listed(shown.collect(), found.len())
    }

    /// A user calls from an address. A process talks to one, unless the direction says otherwise.
    fn part_of(&self, end: &Endpoint<'_>) -> Part {
        let way = end.direction.as_deref().unwrap_or_default();
        match () {
            () if same(way, "inbound") => Part::Source,
            () if same(way, "outbound") => Part::Target,
            () if named(&end.ip).is_none() => Part::Domain,
            () if self.actors.items.iter().any(|actor| actor.user.name().is_some()) => Part::Source,
            () => Part::Peer,
        }
    }

    /// The session of the role whose credentials these are.
    fn session(&self, credential: &str) -> Option<&str> {
        let key = self.resources.items.iter().find(|one| one.is_key(credential))?;
        key.session()
    }
}

impl User<'_> {
    /// The name, or else the unique id.
    fn name(&self) -> Option<&str> {
        named(&self.name).or_else(|| Some(role_session(named(&self.uid)?).0))
    }
}

impl Actor<'_> {
    /// `AssumedRole Admin (session alice, credential ASIA…, no MFA)`.
    fn describe(&self, sequence: &Sequence<'_>) -> Option<String> {
        let user = &self.user;
        if let Some(name) = user.name() {
            let without_mfa = self.session.mfa.as_deref().is_some_and(|mfa| same(mfa, "disabled"));
            let role = self.session.issuer.as_deref().map(short_name);
            let credential = named(&user.credential);
            let session = named(&user.uid).and_then(|uid| role_session(uid).1);
            let session = session.or_else(|| sequence.session(credential?));
            return principal(user.kind.as_deref(), "user", Some(name))
                .with_labelled("role", role.filter(|role| !same(role, name)))
                .with_labelled("session", session.filter(|session| !same(session, name)))
                .with_labelled("credential", credential)
                .with(without_mfa.then_some("no MFA"))
                .build();
        }
        let process = named(&self.process.path).or(named(&self.process.name));
        let label = if process.is_some() { "process" } else { "" };
        Phrase::new(label, process.or(self.id.as_deref()))
            .with_labelled("SHA-256", self.process.sha256.as_deref())
            .build()
    }
}

impl Endpoint<'_> {
    /// The port is that of the endpoint, so it tells nothing of an inbound connection.
    fn describe(&self, part: Part) -> Option<String> {
        let (ip, domain) = (named(&self.ip), named(&self.domain));
        let port = named(&self.port).filter(|_| part != Part::Source);
        let address = ip.or(domain).map(|address| with_port(address, port));
        Phrase::new("", address.as_deref())
            .with(domain.filter(|_| ip.is_some()))
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
            ACCESS_KEY => 1,
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

    fn is_key(&self, credential: &str) -> bool {
        let ids = [&self.uid, &self.name];
        self.kind.as_deref() == Some(ACCESS_KEY)
            && ids.iter().any(|id| id.as_deref() == Some(credential))
    }

    fn session(&self) -> Option<&str> {
        role_session(named(&self.data.key.principal)?).1
    }

    fn describe(&self) -> Option<String> {
        let kind = self.kind.as_deref().unwrap_or_default();
        let id = named(&self.uid).map(short_name);
        let name = named(&self.name).map(short_name);
        let Data { key, workload, image, instance_kind, interface, task_definition, .. } =
            &self.data;
        if let Some(user) = named(&key.user).filter(|_| kind == ACCESS_KEY) {
            return principal(key.user_kind.as_deref(), "user", Some(user))
                .with_labelled("session", self.session().filter(|session| !same(session, user)))
                .with_labelled("access key", name.or(id))
                .build();
        }
        if kind == "KUBERNETES_WORKLOAD" {
            let full = joined([workload.namespace.as_deref(), name.or(id)], "/");
            let label = workload_kind(&workload.kind);
            return Phrase::new(label, full.as_deref()).build();
        }
        // The name of an instance may be that of its tag.
        let head = id.filter(|_| kind == "EC2_INSTANCE").or(name).or(id);
        let public =
            self.data.bucket_access.as_deref().is_some_and(|access| same(access, "public"));
        Phrase::new(&plain_kind(kind), head)
            .with(self.tags.name())
            .with(name.filter(|name| head != Some(*name)))
            .with(instance_kind.as_deref())
            .with(interface.private.first().and_then(|address| address.ip.as_deref()))
            .with(interface.public.as_deref())
            .with(interface.vpc.as_deref())
            .with_labelled("task definition", task_definition.as_deref().map(short_name))
            .with_labelled("image", image.as_deref())
            .with(public.then_some("public"))
            .build()
    }
}

/// Names one workload of Kubernetes, whose types are in the plural: `pods`, `PODS`.
/// Source: GuardDuty API reference, `KubernetesWorkload`; user guide, "Finding details".
pub(super) fn workload_kind<'t>(kind: &'t Str<'_>) -> &'t str {
    const KINDS: [&str; 8] = [
        "pod",
        "deployment",
        "daemonset",
        "statefulset",
        "replicaset",
        "replicationcontroller",
        "job",
        "cronjob",
    ];
    let kind = named(kind).unwrap_or("workload");
    let one = kind.strip_suffix(['s', 'S']).unwrap_or(kind);
    KINDS.into_iter().find(|known| same(known, one)).unwrap_or(kind)
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
