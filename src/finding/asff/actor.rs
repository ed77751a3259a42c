//! Describes the actor of an ASFF finding.

use super::super::lenient::Str;
use super::super::phrase::{Phrase, grantee, joined, listed, part, words};
use super::super::remote::describe_all;
use super::resource;
use super::schema::{
    Act, ApiCall, Connection, Document, Indicator, Malware, Network, PortProbe, Process,
};

/// Describes the actor: the principal, its process, its action, and known malware and threats.
pub(super) fn describe(document: &Document<'_>) -> Option<String> {
    let resources = resource::describe_actors(&document.resources);
    let principal = document.resources.items.iter().find_map(|r| r.external_principal());
    let principal = principal.map(|name| grantee("principal", name));
    let malware = document.malware.items.iter().filter_map(Malware::describe).collect();
    let malware = listed(malware, document.malware.total);
    let action = document.act.describe().or_else(|| document.network.describe());
    let threats = document.threats.items.iter().filter_map(Indicator::describe).collect();
    let threats = listed(threats, document.threats.total);
    joined(
        [
            resources.or(principal),
            document.process.describe(),
            action,
            malware.map(|malware| format!("malware {malware}")),
            threats.map(|threats| format!("known threat {threats}")),
        ],
        ", ",
    )
}

impl Act<'_> {
    fn describe(&self) -> Option<String> {
        self.api_call
            .describe()
            .or_else(|| self.connection.describe())
            .or_else(|| self.port_probe.describe())
            .or_else(|| Some(format!("domain {}", part(self.dns.as_deref()?))))
    }
}

impl ApiCall<'_> {
    fn describe(&self) -> Option<String> {
        let domain = words([&self.domain]);
        let call = words([&self.service, &self.api]);
        let call = call.map(|call| format!("calling {call}"));
        joined([self.remote.describe(None).or(domain), call], " ")
    }
}

impl Connection<'_> {
    fn describe(&self) -> Option<String> {
        let inbound = self.direction.as_deref() == Some("INBOUND");
        let port = self.remote_port.number.as_deref().filter(|_| !inbound);
        let remote = self.remote.describe(port)?;
        let direction = self.direction.as_deref().map(|word| match word {
            "INBOUND" => "inbound from",
            "OUTBOUND" => "outbound to",
            _ => "connection with",
        });
        let remote = format!("{} {remote}", direction.unwrap_or("connection with"));
        joined([Some(remote), words([&self.protocol])], ", ")
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
        let source =
            Phrase::new("", first([&self.source_v4, &self.source_v6, &self.source_domain]));
        let destination = [&self.destination_v4, &self.destination_v6, &self.destination_domain];
        let destination = Phrase::new("", first(destination))
            .with_labelled("port", self.destination_port.as_deref());
        let inbound = self.direction.as_deref() == Some("IN");
        let source = source.build().map(|source| format!("from {source}"));
        let destination = destination.build().map(|destination| format!("to {destination}"));
        let end = if inbound { source.or(destination) } else { destination.or(source) };
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
