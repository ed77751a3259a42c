//! Who did what an ASFF finding reports.

use super::super::access_analyzer;
use super::super::guardduty::remote::{Domain, Port, Remote, describe_all};
use super::super::lenient::{List, Str, object};
use super::super::phrase::{Phrase, joined, listed, part};
use super::{Document, resource};

const NAMED_MAX: usize = 3;

object! {
    struct Act<'a> {
        api_call: ApiCall<'a> = "AwsApiCallAction",
        connection: Connection<'a> = "NetworkConnectionAction",
        port_probe: PortProbe<'a> = "PortProbeAction",
        dns: Domain<'a> = "DnsRequestAction",
    }
    struct ApiCall<'a> {
        api: Str<'a> = "Api",
        service: Str<'a> = "ServiceName",
        remote: Remote<'a> = "RemoteIpDetails",
        domain: Domain<'a> = "DomainDetails",
    }
    struct Connection<'a> {
        direction: Str<'a> = "ConnectionDirection",
        protocol: Str<'a> = "Protocol",
        remote: Remote<'a> = "RemoteIpDetails",
        remote_port: Port<'a> = "RemotePortDetails",
    }
    struct PortProbe<'a> {
        probes: List<Probe<'a>, NAMED_MAX> = "PortProbeDetails",
    }
    struct Probe<'a> {
        local_port: Port<'a> = "LocalPortDetails",
        remote: Remote<'a> = "RemoteIpDetails",
    }
    struct Network<'a> {
        direction: Str<'a> = "Direction",
        protocol: Str<'a> = "Protocol",
        source_v4: Str<'a> = "SourceIpV4",
        source_v6: Str<'a> = "SourceIpV6",
        source_domain: Str<'a> = "SourceDomain",
        destination_v4: Str<'a> = "DestinationIpV4",
        destination_v6: Str<'a> = "DestinationIpV6",
        destination_domain: Str<'a> = "DestinationDomain",
        destination_port: Str<'a> = "DestinationPort",
    }
    struct Process<'a> {
        name: Str<'a> = "Name",
        path: Str<'a> = "Path",
        pid: Str<'a> = "Pid",
    }
    struct Malware<'a> {
        name: Str<'a> = "Name",
        path: Str<'a> = "Path",
    }
    struct Indicator<'a> {
        value: Str<'a> = "Value",
        source: Str<'a> = "Source",
    }
}

impl Document<'_> {
    /// Who did it, from where, with what.
    pub fn describe_actor(&self) -> Option<String> {
        let resources = resource::describe_actors(&self.resources);
        let principal = self.resources.items.iter().find_map(|r| r.external_principal());
        let principal = principal.map(|name| access_analyzer::principal("principal", name));
        let malware = self.malware.items.iter().filter_map(Malware::describe).collect();
        let malware = listed(malware, self.malware.total);
        let action = self.act.describe().or_else(|| self.network.describe());
        let indicators = self.threats.items.iter().filter_map(Indicator::describe).collect();
        let indicators = listed(indicators, self.threats.total);
        joined(
            [
                resources.or(principal),
                self.process.describe(),
                action,
                malware.map(|malware| format!("malware {malware}")),
                indicators.map(|indicators| format!("known threat {indicators}")),
            ],
            ", ",
        )
    }
}

impl Act<'_> {
    fn describe(&self) -> Option<String> {
        self.api_call
            .describe()
            .or_else(|| self.connection.describe())
            .or_else(|| self.port_probe.describe())
            .or_else(|| Some(format!("domain {}", part(self.dns.name.as_deref()?))))
    }
}

impl ApiCall<'_> {
    fn describe(&self) -> Option<String> {
        let domain = self.domain.name.as_deref().map(|text| part(text).into_owned());
        let call = joined([&self.service, &self.api].map(|text| text.as_deref().map(part)), " ");
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
        joined([Some(remote), self.protocol.as_deref().map(|text| part(text).into_owned())], ", ")
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
    /// The other end: the source of what comes in, the destination of what goes out.
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
        joined([Some(end?), self.protocol.as_deref().map(|text| part(text).into_owned())], ", ")
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
