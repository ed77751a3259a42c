//! Describes the actor of an ASFF finding.

use super::super::actor::{Role, labelled};
use super::super::lenient::Str;
use super::super::phrase::{Phrase, grantee, joined, listed, part, words};
use super::super::remote::with_port;
use super::resource;
use super::schema::{Document, Indicator, Malware, Network, Process};

/// Describes the actor: the principal, its process, its action, and known malware and threats.
/// `observed` is the action, which names the process and the malware too if GuardDuty tells it.
pub(super) fn describe(
    document: &Document<'_>,
    observed: Option<(&'static str, String)>,
) -> (&'static str, Option<String>) {
    let resources = resource::describe_actors(&document.resources);
    let principal = document.resources.items.iter().find_map(|r| r.external_principal());
    let principal = || Some((Role::Principal, grantee("", principal?)));
    let malware = document.malware.items.iter().filter_map(Malware::describe).collect();
    let malware = listed(malware, document.malware.total).map(|malware| (Role::Malware, malware));
    let network = || Some((Role::Remote, document.network.describe()?));
    let threats = document.threats.items.iter().filter_map(Indicator::describe).collect();
    let threats = listed(threats, document.threats.total);
    let other = |text: String| (Role::Other, text);
    let label = observed.as_ref().map(|(label, _)| *label);
    let process = document.process.describe().filter(|_| label != Some("Process"));
    let malware = malware.filter(|_| label != Some("Malware"));
    labelled([
        resources.map(other).or_else(principal),
        process.map(other),
        observed.map(in_role).or_else(network),
        malware,
        threats.map(|threats| other(format!("known threat {threats}"))),
    ])
}

/// A call by nobody known is no caller.
fn in_role((label, text): (&'static str, String)) -> (Role, String) {
    match (label, text.strip_prefix("calling ")) {
        ("Caller", Some(call)) => (Role::Call, call.to_owned()),
        ("Domain", _) => (Role::Domain, text),
        _ => (Role::Labelled(label), text),
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
