//! Describes the actor of an ASFF finding.

use super::super::actor::{Role, labelled};
use super::super::json::Json;
use super::super::lenient::Str;
use super::super::phrase::{Phrase, api_call, grantee, joined, listed, part, words};
use super::super::remote::{describe_all, with_port};
use super::schema::{
    Act, ApiCall, Connection, Document, Indicator, Malware, Network, PortProbe, Process,
};
use super::{guardduty_copy, resource};

/// Describes the actor: the principal, its process, its action, and known malware and threats.
/// `guardduty` is the finding if it is a copy of GuardDuty's.
pub(super) fn describe(
    document: &Document<'_>,
    guardduty: Option<Json<'_>>,
) -> (&'static str, Option<String>) {
    let resources = resource::describe_actors(&document.resources);
    let principal = document.resources.items.iter().find_map(|r| r.external_principal());
    let principal = || Some((Role::Principal, grantee("", principal?)));
    let malware = document.malware.items.iter().filter_map(Malware::describe).collect();
    let network = || Some((Role::Remote, document.network.describe()?));
    let action = document.act.describe().or_else(network);
    let threats = document.threats.items.iter().filter_map(Indicator::describe).collect();
    let threats = listed(threats, document.threats.total);
    let other = |text: String| (Role::Other, text);
    labelled([
        resources.map(other).or_else(principal),
        document.process.describe().map(other),
        action.or_else(|| guardduty_copy::action(guardduty?).describe()),
        listed(malware, document.malware.total).map(|malware| (Role::Malware, malware)),
        threats.map(|threats| other(format!("known threat {threats}"))),
    ])
}

impl Act<'_> {
    fn describe(&self) -> Option<(Role, String)> {
        let remote = |text: String| (Role::Remote, text);
        self.api_call
            .describe()
            .map(|call| (Role::Caller, call))
            .or_else(|| self.connection.describe().map(remote))
            .or_else(|| self.port_probe.describe().map(remote))
            .or_else(|| Some((Role::Domain, part(self.dns.as_deref()?).into_owned())))
    }
}

impl ApiCall<'_> {
    fn describe(&self) -> Option<String> {
        let domain = words([&self.domain]);
        let call = api_call(&self.service, &self.api);
        let call = call.map(|call| format!("calling {call}"));
        joined([self.remote.describe(None).or(domain), call], " ")
    }
}

impl Connection<'_> {
    /// `outbound to 198.51.100.7:443 (…), TCP`; inbound ones name the local port.
    fn describe(&self) -> Option<String> {
        let inbound = self.direction.as_deref() == Some("INBOUND");
        let port = self.remote_port.number.as_deref().filter(|_| !inbound);
        let remote = self.remote.describe(port)?;
        let local = if inbound { self.local_port.describe() } else { None };
        let direction = match self.direction.as_deref() {
            Some("INBOUND") => "inbound from",
            Some("OUTBOUND") => "outbound to",
            _ => "connection with",
        };
        let local = local.map(|local| format!("to {local}"));
        joined([Some(format!("{direction} {remote}")), local, words([&self.protocol])], ", ")
    }
}

impl PortProbe<'_> {
    fn describe(&self) -> Option<String> {
        let remotes = self.probes.items.iter().map(|probe| probe.remote.describe(None));
        let remotes = describe_all(remotes, self.probes.total)?;
        let port = self.probes.items.iter().find_map(|probe| probe.local_port.describe());
        joined([Some(remotes), port.map(|port| format!("probing {port}"))], " ")
    }
}

impl Network<'_> {
    /// The other end: the source of inbound traffic, the destination of outbound traffic.
    fn describe(&self) -> Option<String> {
        let (inbound, outbound) = match self.direction.as_deref() {
            Some("IN") => ("inbound ", ""),
            Some("OUT") => ("", "outbound "),
            _ => ("", ""),
        };
        let source = first([&self.source_v4, &self.source_v6, &self.source_domain]);
        let destination = [&self.destination_v4, &self.destination_v6, &self.destination_domain];
        let port = self.destination_port.as_deref();
        let source = source.map(|source| format!("{inbound}from {}", part(source)));
        let destination =
            first(destination).map(|end| format!("{outbound}to {}", part(&with_port(end, port))));
        let end = if inbound.is_empty() { destination.or(source) } else { source.or(destination) };
        joined([Some(end?), words([&self.protocol])], ", ")
    }
}

fn first<'s>(texts: [&'s Str<'_>; 3]) -> Option<&'s str> {
    texts.into_iter().find_map(|text| text.as_deref())
}

impl Process<'_> {
    fn describe(&self) -> Option<String> {
        let name = self.path.as_deref().or(self.name.as_deref())?;
        Phrase::new("process", Some(name)).with_labelled("pid", self.pid.as_deref()).build()
    }
}

impl Malware<'_> {
    fn describe(&self) -> Option<String> {
        Phrase::new("", self.name.as_deref()).with(self.path.as_deref()).build()
    }
}

impl Indicator<'_> {
    fn describe(&self) -> Option<String> {
        Phrase::new("", Some(self.value.as_deref()?)).with(self.source.as_deref()).build()
    }
}
