//! Describes the actor of a GuardDuty finding.

use super::super::lenient::{List, Str};
use super::super::phrase::{Phrase, api_call, joined, listed, part, several, words};
use super::super::remote::describe_all;
use super::schema::{
    Activity, ApiCall, Connection, DnsRequest, Evidence, KubernetesCall, Login, LoginAttempt,
    Malware, NAMED_MAX, PortProbe, Process, RemoteAccount, Resource, Service,
};
use super::sequence::Sequence;

/// The most probed ports that are shown.
const PORTS_MAX: usize = 8;

/// What an actor is, and its description.
type Labelled = (&'static str, String);

/// Describes the actor: the caller and its address, then a threat list or malware. The label says
/// which of these it is.
pub(super) fn describe(service: &Service<'_>, resource: &Resource<'_>) -> Option<Labelled> {
    let done = service.activity.describe(service, resource);
    let doer = match service.runtime.process.describe("process") {
        Some(process) => {
            let done = done.map(|(_, done)| done);
            labelled("Process", joined([Some(process), done], ", "))
        }
        None => done,
    };
    let sequence = service.detection.sequence.as_ref();
    let doer = doer
        .or_else(|| labelled("Caller", resource.kubernetes.user.describe()))
        .or_else(|| labelled("Actor", sequence.and_then(Sequence::describe_actors)))
        .or_else(|| labelled("Malware", service.describe_malware()));
    let (label, doer) = doer.map_or(("Actor", None), |(label, doer)| (label, Some(doer)));
    let text = joined([doer, service.evidence.describe()], "; ")?;
    // The label stands before the text, so the text need not begin with it.
    let word = [&label.to_ascii_lowercase(), " "].concat();
    let text = text.strip_prefix(&word).map(str::to_owned).unwrap_or(text);
    Some((label, text))
}

fn labelled(label: &'static str, text: Option<String>) -> Option<Labelled> {
    Some((label, text?))
}

impl Service<'_> {
    /// The threats that a scan found.
    pub(super) fn malware(&self) -> Option<&List<Malware<'_>, NAMED_MAX>> {
        let scans = [&self.malware_scan.threats, &self.volume_scan.detections.threats];
        scans.into_iter().find(|threats| !threats.items.is_empty())
    }

    fn describe_malware(&self) -> Option<String> {
        let found = self.malware()?;
        let names = found.items.iter().filter_map(|threat| threat.name.as_deref());
        Some(format!("malware {}", several(names, found.total)?))
    }
}

impl Activity<'_> {
    /// Goes by the details that are there. `actionType` adds nothing, and may have new values.
    fn describe(&self, service: &Service<'_>, resource: &Resource<'_>) -> Option<Labelled> {
        labelled("Caller", self.api_call.describe(resource))
            .or_else(|| labelled("Caller", self.kubernetes.describe(resource)))
            .or_else(|| labelled("Remote", self.connection.describe(&service.role)))
            .or_else(|| labelled("Remote", self.port_probe.describe()))
            .or_else(|| labelled("Domain", self.dns.describe()))
            .or_else(|| labelled("Remote", self.login.describe()))
    }
}

impl ApiCall<'_> {
    /// `198.51.100.7 (Germany, …), account 777788889999 (not affiliated) calling iam.amazonaws.com
    /// CreateUser as IAMUser alice`.
    fn describe(&self, resource: &Resource<'_>) -> Option<String> {
        let remote = self.remote.describe(None).or_else(|| words([&self.domain]));
        let remote = remote.or_else(|| words([&self.account.service]));
        let from = joined([remote, self.account.describe()], ", ");
        let call = api_call(&self.service, &self.api);
        let call = call.map(|call| match self.error.as_deref().map(part) {
            Some(error) => ["calling ", &call, " (", &error, ")"].concat(),
            None => ["calling ", &call].concat(),
        });
        let key = resource.access_key.describe().filter(|_| !is(&resource.kind, "AccessKey"));
        let caller = key.map(|key| ["as ", &key].concat());
        if from.is_none() && call.is_none() {
            return None;
        }
        joined([from, call, caller], " ")
    }
}

impl RemoteAccount<'_> {
    /// `account 777788889999 (not affiliated)`: whether GuardDuty knows it as one of yours.
    fn describe(&self) -> Option<String> {
        let affiliated =
            self.affiliated.map(|yes| if yes { "affiliated" } else { "not affiliated" });
        Phrase::new("account", Some(self.id.as_deref()?)).with(affiliated).build()
    }
}

fn is(text: &Str<'_>, word: &str) -> bool {
    text.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(word))
}

impl Connection<'_> {
    /// `outbound to 198.51.100.7:443 (…), TCP`; inbound ones name the local port. Where GuardDuty
    /// does not know the direction, the role of the resource tells it.
    /// Source: GuardDuty user guide, "Finding details", resource role.
    fn describe(&self, role: &Str<'_>) -> Option<String> {
        let (inbound, outbound) =
            match (is(&self.direction, "INBOUND"), is(&self.direction, "OUTBOUND")) {
                (false, false) => (is(role, "TARGET"), is(role, "ACTOR")),
                known => known,
            };
        let remote_port = self.remote_port.number.as_deref().filter(|_| !inbound);
        let remote = self.remote.describe(remote_port)?;
        let local = if inbound { self.local_port.describe() } else { None };
        let direction = match (inbound, outbound) {
            (true, _) => "inbound from",
            (_, true) => "outbound to",
            _ => "connection with",
        };
        let local = local.map(|local| ["to ", &local].concat());
        let protocol = words([&self.protocol]);
        let blocked = (self.blocked == Some(true)).then(|| "blocked".to_owned());
        joined([Some([direction, " ", &remote].concat()), local, protocol, blocked], ", ")
    }
}

impl PortProbe<'_> {
    /// `probe of port 22 (SSH) by 198.51.100.7 (…), 203.0.113.9 (…) +3 more`.
    fn describe(&self) -> Option<String> {
        let probes = &self.probes.items;
        let alone = self.probes.total == 1;
        let remotes = probes.iter().take(NAMED_MAX).map(|probe| match alone {
            true => probe.remote.describe(None),
            false => probe.remote.describe_place(),
        });
        let remotes = describe_all(remotes, self.probes.total)?;
        let mut ports: Vec<String> = Vec::new();
        for port in probes.iter().filter_map(|probe| probe.local_port.short()) {
            if !ports.contains(&port) {
                ports.push(port);
            }
        }
        let count = ports.len();
        ports.truncate(PORTS_MAX);
        let Some(ports) = listed(ports, count) else { return Some(remotes) };
        let probe = if self.blocked == Some(true) { "blocked probe of" } else { "probe of" };
        let word = if count > 1 { "ports" } else { "port" };
        Some([probe, " ", word, " ", &ports, " by ", &remotes].concat())
    }
}

impl DnsRequest<'_> {
    fn describe(&self) -> Option<String> {
        let domain = self.domain.as_deref().or(self.with_suffix.as_deref())?;
        let blocked = (self.blocked == Some(true)).then_some("blocked");
        // The runtime agent writes numbers, which do not help a reader.
        let protocol = self.protocol.as_deref().filter(|p| p.parse::<u32>().is_err());
        Phrase::new("domain", Some(domain)).with(protocol).with(blocked).build()
    }
}

impl KubernetesCall<'_> {
    /// `Kubernetes user system:anonymous from 198.51.100.7 (…), list /api/v1/secrets`.
    fn describe(&self, resource: &Resource<'_>) -> Option<String> {
        let sources = several(self.sources.items.iter().map(AsRef::as_ref), self.sources.total);
        let from = self.remote.describe(None).or(sources);
        let call = words([&self.verb, &self.uri]);
        if from.is_none() && call.is_none() {
            return None;
        }
        let who = joined([resource.kubernetes.user.describe(), from], " from ");
        joined([who, call], ", ")
    }
}

impl LoginAttempt<'_> {
    /// `198.51.100.7 (…), login as admin (3 failed, 1 successful)`.
    fn describe(&self) -> Option<String> {
        let logins = self.logins.items.iter().filter_map(Login::describe).collect();
        let logins = listed(logins, self.logins.total);
        let logins = logins.map(|logins| format!("login as {logins}"));
        joined([self.remote.describe(None), logins], ", ")
    }
}

impl Login<'_> {
    fn describe(&self) -> Option<String> {
        let count =
            |n: Option<u64>, word: &str| n.filter(|n| *n > 0).map(|n| format!("{n} {word}"));
        Phrase::new("", Some(self.user.as_deref()?))
            .with(count(self.failed, "failed").as_deref())
            .with(count(self.successful, "successful").as_deref())
            .build()
    }
}

impl Process<'_> {
    /// `process /tmp/miner (pid 4242, user root)`.
    pub(super) fn describe(&self, label: &str) -> Option<String> {
        Phrase::new(label, Some(self.path_or_name()?))
            .with_labelled("pid", self.pid.as_deref())
            .with_labelled("user", self.user.as_deref())
            .build()
    }

    pub(super) fn path_or_name(&self) -> Option<&str> {
        self.path.as_deref().or(self.name.as_deref())
    }
}

impl Evidence<'_> {
    /// `on threat list ProofPoint (Emotet)`.
    fn describe(&self) -> Option<String> {
        let threat = self.threats.first()?;
        let names = several(threat.names.items.iter().map(AsRef::as_ref), threat.names.total);
        if threat.list.is_none() && names.is_none() {
            return None;
        }
        Phrase::new("on threat list", threat.list.as_deref()).with_list("", names).build()
    }
}
