//! Who did what an OCSF finding reports.

use super::super::lenient::{Str, object};
use super::super::phrase::{Phrase, joined, known, part, principal};
use super::Document;

object! {
    struct Evidence<'a> {
        actor: Actor<'a> = "actor",
        process: Process<'a> = "process",
        source: Endpoint<'a> = "src_endpoint",
        destination: Endpoint<'a> = "dst_endpoint",
        connection: Connection<'a> = "connection_info",
        api: Api<'a> = "api",
        query: Query<'a> = "query",
    }
    struct Actor<'a> {
        user: User<'a> = "user",
        process: Process<'a> = "process",
        session: Session<'a> = "session",
    }
    struct Session<'a> {
        issuer: Str<'a> = "issuer",
    }
    struct User<'a> {
        name: Str<'a> = "name",
        kind: Str<'a> = "type",
        uid: Str<'a> = "uid",
        credential: Str<'a> = "credential_uid",
    }
    struct Process<'a> {
        name: Str<'a> = "name",
        path: Str<'a> = "path",
        file: File<'a> = "file",
        pid: Str<'a> = "pid",
    }
    struct File<'a> {
        path: Str<'a> = "path",
    }
    struct Endpoint<'a> {
        ip: Str<'a> = "ip",
        port: Str<'a> = "port",
        domain: Str<'a> = "domain" | "hostname",
        location: Location<'a> = "location",
        network: Network<'a> = "autonomous_system",
    }
    struct Location<'a> {
        city: Str<'a> = "city",
        country: Str<'a> = "country",
    }
    struct Network<'a> {
        name: Str<'a> = "name",
        number: Str<'a> = "number",
    }
    struct Connection<'a> {
        direction: Str<'a> = "direction",
        protocol: Str<'a> = "protocol_name",
    }
    struct Api<'a> {
        operation: Str<'a> = "operation",
        service: Service<'a> = "service",
    }
    struct Service<'a> {
        name: Str<'a> = "name",
    }
    struct Query<'a> {
        hostname: Str<'a> = "hostname",
    }
}

impl Document<'_> {
    /// What the first telling piece of evidence says, or the finding's own actor.
    pub fn describe_actor(&self) -> Option<String> {
        self.evidences.items.iter().find_map(Evidence::describe).or_else(|| self.actor.describe())
    }
}

impl Evidence<'_> {
    /// `IAMUser alice, from 198.51.100.7 (Germany), calling iam.amazonaws.com CreateUser`.
    fn describe(&self) -> Option<String> {
        let who = self.actor.describe().or_else(|| self.process.describe());
        let outbound = self.connection.direction.as_deref() == Some("Outbound");
        let source = self.source.describe().map(|end| format!("from {end}"));
        let destination = self.destination.describe().map(|end| format!("to {end}"));
        let end = if outbound { destination.or(source) } else { source.or(destination) };
        let protocol = self.connection.protocol.as_deref().filter(|_| end.is_some());
        let protocol = protocol.map(|text| part(text).into_owned());
        let call = [&self.api.service.name, &self.api.operation];
        let call = joined(call.map(|text| text.as_deref().map(part)), " ");
        let call = call.map(|call| format!("calling {call}"));
        let domain = self.query.hostname.as_deref().map(|name| format!("domain {}", part(name)));
        joined([who, end, protocol, call, domain], ", ")
    }
}

impl Actor<'_> {
    fn describe(&self) -> Option<String> {
        joined([self.user.describe(&self.session), self.process.describe()], ", ")
    }
}

impl User<'_> {
    fn describe(&self, session: &Session<'_>) -> Option<String> {
        let issuer = session.issuer.as_deref();
        let name = self.name.as_deref().or(issuer);
        // The number alone, such as 0, tells nothing beside a process.
        name.or(self.credential.as_deref())?;
        principal(self.kind.as_deref(), "user", name.or(self.uid.as_deref()))
            .with_labelled("credential", self.credential.as_deref())
            .build()
    }
}

impl Process<'_> {
    fn describe(&self) -> Option<String> {
        let path = self.file.path.as_deref().or(self.path.as_deref()).or(self.name.as_deref())?;
        Phrase::new("process", Some(path)).with_labelled("pid", self.pid.as_deref()).build()
    }
}

impl Endpoint<'_> {
    fn describe(&self) -> Option<String> {
        let number = self.network.number.as_deref().filter(|number| number.parse::<u32>().is_ok());
        let number = number.map(|number| format!("AS{number}"));
        let network = joined([number, self.network.name.as_deref().map(str::to_owned)], " ");
        let name = self.ip.as_deref().or(self.domain.as_deref())?;
        Phrase::new("", Some(name))
            .with_labelled("port", self.port.as_deref())
            .with(self.domain.as_deref().filter(|domain| *domain != name))
            .with(known(&self.location.city))
            .with(known(&self.location.country))
            .with(network.as_deref())
            .build()
    }
}
