//! Describes the actor of a GuardDuty finding.

use super::super::lenient::{List, Str};
use super::super::phrase::{Phrase, joined, listed, part, several, words};
use super::super::remote::describe_all;
use super::schema::Sequence;
use super::schema::{
    Activity, ApiCall, Connection, DnsRequest, Evidence, KubernetesCall, Login, LoginAttempt,
    Malware, NAMED_MAX, PortProbe, Process, Resource, Service,
};

/// Describes the actor: the caller and its address, then a threat list or malware.
pub(super) fn describe(service: &Service<'_>, resource: &Resource<'_>) -> Option<String> {
    let sequence = service.sequence.as_ref();
    let activity = &service.activity;
    let runtime = service.runtime.process.describe("process");
    let done = activity.describe(resource);
    let doer = joined([runtime, done], ", ")
        .or_else(|| resource.kubernetes.user.describe())
        .or_else(|| sequence.and_then(Sequence::describe_actors))
        .or_else(|| service.describe_malware());
    joined([doer, service.evidence.describe()], "; ")
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
    fn describe(&self, resource: &Resource<'_>) -> Option<String> {
        self.api_call
            .describe(resource)
            .or_else(|| self.kubernetes.describe(resource))
            .or_else(|| self.connection.describe())
            .or_else(|| self.port_probe.describe())
            .or_else(|| self.dns.describe())
            .or_else(|| self.login.describe())
    }
}

impl ApiCall<'_> {
    /// `198.51.100.7 (Germany, …) calling iam.amazonaws.com CreateUser as IAMUser alice`.
    fn describe(&self, resource: &Resource<'_>) -> Option<String> {
        let remote = self.remote.describe(None).or_else(|| words([&self.domain]));
        let account = self.account.id.as_deref().map(|id| ["account ", &part(id)].concat());
        let service = words([&self.account.service]);
        let from = remote.or(service).or(account);
        let call = words([&self.service, &self.api]);
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

fn is(text: &Str<'_>, word: &str) -> bool {
    text.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(word))
}

impl Connection<'_> {
    /// `outbound to 198.51.100.7:443 (…), TCP`; inbound ones name the local port.
    fn describe(&self) -> Option<String> {
        let inbound = is(&self.direction, "INBOUND");
        let outbound = is(&self.direction, "OUTBOUND");
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
    /// `198.51.100.7 (…), 203.0.113.9 (…) +3 more probing port 22 (SSH)`.
    fn describe(&self) -> Option<String> {
        let remotes = self.probes.items.iter().map(|probe| probe.remote.describe(None));
        let remotes = describe_all(remotes, self.probes.total)?;
        let port = self.probes.items.iter().find_map(|probe| probe.local_port.describe());
        Some(match port {
            Some(port) => [&remotes, " probing ", &port].concat(),
            None => remotes,
        })
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
