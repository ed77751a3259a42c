//! Describes the actor of an OCSF finding.

use super::super::phrase::{Phrase, joined, known, part, principal, words};
use super::schema::{Actor, Document, Endpoint, Evidence, Process, User};

/// Describes the first piece of evidence that names an actor, or else the finding's own actor.
pub(super) fn describe(document: &Document<'_>) -> Option<String> {
    let evidences = document.evidences.items.iter();
    evidences.filter_map(Evidence::describe).next().or_else(|| document.actor.describe())
}

impl Evidence<'_> {
    /// `IAMUser alice, from 198.51.100.7 (Germany), calling iam.amazonaws.com CreateUser`.
    fn describe(&self) -> Option<String> {
        let who = self.actor.describe().or_else(|| self.process.describe());
        let outbound = self.connection.direction.as_deref() == Some("Outbound");
        let source = self.source.describe().map(|end| format!("from {end}"));
        let destination = self.destination.describe().map(|end| format!("to {end}"));
        let end = if outbound { destination.or(source) } else { source.or(destination) };
        let protocol = words([&self.connection.protocol]).filter(|_| end.is_some());
        let call = words([&self.api.service, &self.api.operation]);
        let call = call.map(|call| format!("calling {call}"));
        let domain = self.query.as_deref().map(|name| format!("domain {}", part(name)));
        joined([who, end, protocol, call, domain], ", ")
    }
}

impl Actor<'_> {
    fn describe(&self) -> Option<String> {
        joined([self.user.describe(self.issuer.as_deref()), self.process.describe()], ", ")
    }
}

impl User<'_> {
    fn describe(&self, issuer: Option<&str>) -> Option<String> {
        let name = self.name.as_deref().or(issuer);
        // A uid alone, such as 0, does not help a reader.
        name.or(self.credential.as_deref())?;
        principal(self.kind.as_deref(), "user", name.or(self.uid.as_deref()))
            .with_labelled("credential", self.credential.as_deref())
            .build()
    }
}

impl Process<'_> {
    fn describe(&self) -> Option<String> {
        let path = self.file.as_deref().or(self.path.as_deref()).or(self.name.as_deref())?;
        Phrase::new("process", Some(path)).with_labelled("pid", self.pid.as_deref()).build()
    }
}

impl Endpoint<'_> {
    fn describe(&self) -> Option<String> {
        let name = self.ip.as_deref().or(self.domain.as_deref())?;
        Phrase::new("", Some(name))
            .with_labelled("port", self.port.as_deref())
            .with(self.domain.as_deref().filter(|domain| *domain != name))
            .with(known(&self.location.city))
            .with(known(&self.location.country))
            .with(self.network.describe().as_deref())
            .build()
    }
}
