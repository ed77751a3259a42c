//! Describes the actor of an OCSF finding.

use super::super::actor::{Role, labelled};
use super::super::phrase::{Phrase, api_call, joined, known, part, principal, real_name, words};
use super::super::remote::with_port;
use super::schema::{Actor, Document, Endpoint, Evidence, Process, User};

/// Describes the first piece of evidence that names an actor, or else the finding's own actor.
pub(super) fn describe(document: &Document<'_>) -> (&'static str, Option<String>) {
    let mut evidences = document.evidences.items.iter().map(Evidence::describe);
    let found = evidences.find(|(_, actor)| actor.is_some());
    found.unwrap_or_else(|| ("", document.actor.describe()))
}

impl Evidence<'_> {
    /// `IAMUser alice, from 198.51.100.7 (Germany), calling iam:CreateUser`.
    fn describe(&self) -> (&'static str, Option<String>) {
        let call = api_call(&self.api.service, &self.api.operation);
        let (who, remote) = match call {
            Some(_) => (Role::Caller, Role::Caller),
            None => (Role::Other, Role::Remote),
        };
        let call = call.map(|call| (Role::Caller, format!("calling {call}")));
        let doer = self.actor.describe().or_else(|| self.process.describe());
        let domain = self.query.as_deref().map(|name| (Role::Domain, part(name).into_owned()));
        let traffic = self.describe_traffic().map(|traffic| (remote, traffic));
        labelled([doer.map(|doer| (who, doer)), traffic, call, domain])
    }

    /// `outbound to 198.51.100.7:443 (…), TCP`; inbound traffic names the local port.
    fn describe_traffic(&self) -> Option<String> {
        let direction = self.connection.direction.as_deref();
        let (inbound, outbound) = (direction == Some("Inbound"), direction == Some("Outbound"));
        let port = self.destination.port.as_deref();
        let source = self.source.describe(None).map(|end| match inbound {
            true => format!("inbound from {end}"),
            false => format!("from {end}"),
        });
        let destination = self.destination.describe(port).map(|end| match outbound {
            true => format!("outbound to {end}"),
            false => format!("to {end}"),
        });
        let local = port.filter(|_| inbound && source.is_some());
        let local = local.map(|port| format!("to port {}", part(port)));
        let end = if outbound { destination.or(source) } else { source.or(destination) };
        joined([Some(end?), local, words([&self.connection.protocol])], ", ")
    }

    /// The process that the description of the actor names.
    pub fn process(&self) -> &Process<'_> {
        let own = &self.actor.process;
        if own.path().is_some() { own } else { &self.process }
    }
}

impl Actor<'_> {
    fn describe(&self) -> Option<String> {
        joined([self.user.describe(self.issuer.as_deref()), self.process.describe()], ", ")
    }
}

impl User<'_> {
    fn describe(&self, issuer: Option<&str>) -> Option<String> {
        let name = self.name.as_deref().or(issuer).and_then(real_name);
        // A uid alone, such as 0, does not help a reader.
        name.or(self.credential.as_deref())?;
        principal(self.kind.as_deref(), "user", name.or(self.uid.as_deref()))
            .with_labelled("credential", self.credential.as_deref())
            .build()
    }
}

impl Process<'_> {
    fn describe(&self) -> Option<String> {
        let path = self.path()?;
        Phrase::new("process", Some(path)).with_labelled("pid", self.pid.as_deref()).build()
    }

    /// The path, or else the name.
    fn path(&self) -> Option<&str> {
        self.file.path.as_deref().or(self.path.as_deref()).or(self.name.as_deref())
    }
}

impl Endpoint<'_> {
    fn describe(&self, port: Option<&str>) -> Option<String> {
        let name = self.ip.as_deref().or(self.domain.as_deref())?;
        Phrase::new("", Some(&with_port(name, port)))
            .with(self.domain.as_deref().filter(|domain| *domain != name))
            .with(known(&self.location.city))
            .with(known(&self.location.country))
            .with(self.network.describe().as_deref())
            .build()
    }
}
