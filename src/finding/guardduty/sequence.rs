//! Attack sequences: several signals that GuardDuty has put together into one finding.

use super::super::arn::short_name;
use super::super::lenient::{List, Str, object};
use super::super::phrase::{Phrase, joined, known, listed, principal};

const NAMED_MAX: usize = 3;

object! {
    struct Sequence<'a> {
        description: Str<'a> = "description",
        actors: List<Actor<'a>, NAMED_MAX> = "actors",
        resources: List<Involved<'a>, NAMED_MAX> = "resources",
        endpoints: List<Endpoint<'a>, NAMED_MAX> = "endpoints",
        signals: List<Signal<'a>, 1> = "signals",
    }
    struct Signal<'a> {
        name: Str<'a> = "name",
    }
    struct Actor<'a> {
        id: Str<'a> = "id",
        user: User<'a> = "user",
        process: Process<'a> = "process",
    }
    struct User<'a> {
        name: Str<'a> = "name",
        uid: Str<'a> = "uid",
        kind: Str<'a> = "type",
        credential: Str<'a> = "credentialUid",
    }
    struct Process<'a> {
        name: Str<'a> = "name",
        path: Str<'a> = "path",
    }
    struct Involved<'a> {
        uid: Str<'a> = "uid",
        name: Str<'a> = "name",
        kind: Str<'a> = "resourceType",
    }
    struct Endpoint<'a> {
        ip: Str<'a> = "ip",
        domain: Str<'a> = "domain",
        location: Location<'a> = "location",
        network: Network<'a> = "autonomousSystem",
    }
    struct Location<'a> {
        city: Str<'a> = "city",
        country: Str<'a> = "country",
    }
    struct Network<'a> {
        name: Str<'a> = "name",
        number: Str<'a> = "number",
    }
}

impl Sequence<'_> {
    /// `attack sequence of 4 signals on S3 bucket data, access key AKIA… +2 more`.
    pub fn describe_resources(&self) -> Option<String> {
        let shown = self.resources.items.iter().filter_map(Involved::describe).collect();
        let resources = listed(shown, self.resources.total);
        let signals = match self.signals.total {
            0 => None,
            1 => Some("attack sequence of 1 signal".to_owned()),
            n => Some(format!("attack sequence of {n} signals")),
        };
        joined([signals, resources], " on ")
    }

    /// Who, and from where.
    pub fn describe_actors(&self) -> Option<String> {
        let actors = self.actors.items.iter().filter_map(Actor::describe).collect();
        let ends = self.endpoints.items.iter().filter_map(Endpoint::describe).collect();
        let actors = listed(actors, self.actors.total);
        let ends = listed(ends, self.endpoints.total);
        joined([actors, ends], " from ")
    }
}

impl Actor<'_> {
    fn describe(&self) -> Option<String> {
        let user = &self.user;
        if let Some(name) = user.name.as_deref().or(user.uid.as_deref()) {
            return principal(user.kind.as_deref(), "user", Some(name))
                .with_labelled("credential", user.credential.as_deref())
                .build();
        }
        let process = self.process.path.as_deref().or(self.process.name.as_deref());
        let label = if process.is_some() { "process" } else { "" };
        Phrase::new(label, process.or(self.id.as_deref())).build()
    }
}

impl Involved<'_> {
    fn describe(&self) -> Option<String> {
        let name = self.name.as_deref().or(self.uid.as_deref()).map(short_name);
        let label = self.kind.as_deref().map(plain_kind).unwrap_or_default();
        Phrase::new(&label, name).build()
    }
}

impl Endpoint<'_> {
    fn describe(&self) -> Option<String> {
        let number = self.network.number.as_deref().filter(|number| number.parse::<u32>().is_ok());
        let number = number.map(|number| format!("AS{number}"));
        let network = joined([number, self.network.name.as_deref().map(str::to_owned)], " ");
        Phrase::new("", self.ip.as_deref().or(self.domain.as_deref()))
            .with(self.domain.as_deref().filter(|_| self.ip.is_some()))
            .with(known(&self.location.city))
            .with(known(&self.location.country))
            .with(network.as_deref())
            .build()
    }
}

/// `S3_BUCKET` as `S3 bucket`.
fn plain_kind(kind: &str) -> String {
    let words = kind.trim().split('_').enumerate().map(|(index, word)| {
        let acronym = matches!(word, "S3" | "EC2" | "EKS" | "ECS" | "EBS" | "IAM" | "RDS" | "VPC");
        if acronym || (index == 0 && word.len() <= 3) {
            word.to_owned()
        } else {
            word.to_ascii_lowercase()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
