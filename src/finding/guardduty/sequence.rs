//! Describes attack sequences: findings that GuardDuty combines from several signals.

use super::super::arn::short_name;
use super::super::phrase::{Phrase, joined, known, listed, principal};
use super::schema::{Endpoint, Involved, Sequence, SequenceActor};

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

    /// `IAMUser alice (credential AKIA…) from 198.51.100.7 (Germany, AS64500 Example)`.
    pub fn describe_actors(&self) -> Option<String> {
        let actors = self.actors.items.iter().filter_map(SequenceActor::describe).collect();
        let ends = self.endpoints.items.iter().filter_map(Endpoint::describe).collect();
        let actors = listed(actors, self.actors.total);
        let ends = listed(ends, self.endpoints.total);
        joined([actors, ends], " from ")
    }
}

impl SequenceActor<'_> {
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
        Phrase::new("", self.ip.as_deref().or(self.domain.as_deref()))
            .with(self.domain.as_deref().filter(|_| self.ip.is_some()))
            .with(known(&self.location.city))
            .with(known(&self.location.country))
            .with(self.network.describe().as_deref())
            .build()
    }
}

/// Writes `S3_BUCKET` as `S3 bucket`.
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
