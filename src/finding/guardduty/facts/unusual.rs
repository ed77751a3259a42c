//! What was unusual about the activity, as `additionalInfo` tells it.
//!
//! Source: GuardDuty's event in the schema registry of EventBridge, `AdditionalInfo`; GuardDuty API
//! reference, `CreateFilter`, `service.additionalInfo`. Since 2022 the same object is JSON in the
//! string `value`: GuardDuty API reference, `ServiceAdditionalInfo`.

use std::borrow::Cow;

use super::super::super::fact::Facts;
use super::super::super::json::{Document, Json};
use super::super::super::lenient::{List, Pairs, Read, Str, object};
use super::super::super::phrase::{Phrase, joined, listed, named, part, several};
use super::super::super::text::cut;
use super::super::schema::Service;
use super::says;

/// The most APIs, calls and ports that are shown.
const SHOWN_MAX: usize = 10;
/// The most kinds of behaviour that are read. GuardDuty writes fewer than 50.
const BEHAVIOURS_MAX: usize = 100;
/// A longer list is cut before its words are made shorter.
const LIST_CHARS_MAX: usize = 1_000;

object! {
    struct Info<'a> {
        value: Str<'a> = "value",
        user_agent: Str<'a> = "userAgent" / "fullUserAgent",
        /// `iam.amazonaws.com:[CreateUser:success , ListUsers:AccessDenied]`
        apis: List<Cow<'a, str>, SHOWN_MAX> = "anomalies" / "anomalousAPIs",
        /// What was never seen before: `unusualASNsAccountProfiling` and the like.
        behaviour: Pairs<'a, BEHAVIOURS_MAX> = "unusualBehavior",
        /// The usual values: `frequentProfiledASNsUserIdentityProfiling` and the like.
        profiled: Pairs<'a, BEHAVIOURS_MAX> = "profiledBehavior",
        calls: List<RecentCall<'a>, SHOWN_MAX> = "apiCalls",
        ports: List<Cow<'a, str>, SHOWN_MAX> = "portsScannedSample",
        /// A port, or an object.
        unusual: Option<Json<'a>> = "unusual",
        protocol: Str<'a> = "unusualProtocol",
        bytes_out: Option<u64> = "outBytes" | "totalBytesOut",
        bytes_in: Option<u64> = "inBytes" | "totalBytesIn",
        local_port: Str<'a> = "localPort",
        threat: Str<'a> = "threatName",
        threat_list: Str<'a> = "threatListName",
    }
    struct Unusual<'a> {
        port: Str<'a> = "port",
        network: Str<'a> = "asnOrg",
    }
    struct Observed<'a> {
        texts: List<Cow<'a, str>, SHOWN_MAX> = "observations" / "text",
    }
    struct RecentCall<'a> {
        name: Str<'a> = "name",
        count: Option<u64> = "count",
    }
}

/// Kinds of behaviour, in GuardDuty's keys and in plain words.
const KINDS: [(&str, &str); 6] = [
    ("APIs", "API"),
    ("ASNs", "network"),
    ("Buckets", "bucket"),
    ("UserAgents", "user agent"),
    ("UserNames", "user"),
    ("UserTypes", "user type"),
];
/// For whom a behaviour is unusual.
const SCOPES: [(&str, &str); 3] =
    [("UserIdentity", "user"), ("Account", "account"), ("Bucket", "bucket")];

pub(super) fn add(facts: &mut Facts, service: &Service<'_>, said: &str) {
    let outer = service.additional_info.and_then(Info::read);
    let value = outer.as_ref().and_then(|info| info.value.as_deref()).map(str::trim);
    let value = value.filter(|value| value.starts_with('{')).and_then(Document::read);
    let inner = value.as_ref().and_then(|value| Info::read(value.root()));
    let infos = [outer.as_ref(), inner.as_ref()];
    let first = |describe: &dyn Fn(&Info<'_>) -> Option<String>| {
        infos.into_iter().flatten().find_map(describe)
    };
    facts.add("Threat", first(&|info| info.describe_threat(said)));
    facts.add("Anomalous APIs", first(&|info| info.describe_apis()));
    let newer = || describe_behaviour(service.detection.unusual?);
    facts.add("Unusual", first(&|info| info.describe_unusual()).or_else(newer));
    facts.add("Traffic", first(&|info| info.describe_traffic(said)));
    facts.add("Recent calls", first(&|info| info.describe_calls()));
    facts.add(
        "Scanned ports",
        first(&|info| several(info.ports.items.iter().map(AsRef::as_ref), info.ports.total)),
    );
    let agent =
        service.activity.api_call.user_agent.as_deref().map(|agent| part(agent).into_owned());
    let agent =
        agent.or_else(|| first(&|info| Some(part(info.user_agent.as_deref()?).into_owned())));
    facts.add("User agent", agent);
}

impl Info<'_> {
    /// `iam:[CreateUser, ListUsers:AccessDenied]`
    fn describe_apis(&self) -> Option<String> {
        let apis =
            listed(self.apis.items.iter().map(|apis| plain(apis)).collect(), self.apis.total)?;
        Some(apis.replace(".amazonaws.com", "").replace(":success", ""))
    }

    /// `Scanner (list ProofPoint)`, unless the actor says it.
    fn describe_threat(&self, said: &str) -> Option<String> {
        let unsaid = |text: &&str| !said.contains(&*part(text));
        Phrase::new("", named(&self.threat).filter(unsaid))
            .with_labelled("list", named(&self.threat_list).filter(unsaid))
            .build()
    }

    /// `port 8080; network AS64500 Example (for user, account, usual AS64501 Example Office)`.
    fn describe_unusual(&self) -> Option<String> {
        let Unusual { port, network, .. } =
            self.unusual.and_then(Unusual::read).unwrap_or_default();
        let port = port.or_else(|| Cow::read(self.unusual?));
        // Nothing but a port is known to stand there alone.
        let port = port.filter(|port| port.parse::<u16>().is_ok());
        let labels = [("port", &port), ("protocol", &self.protocol), ("network", &network)];
        let simple = labels
            .into_iter()
            .filter_map(|(label, text)| Phrase::new(label, Some(named(text)?)).build());
        let identity = find(&self.behaviour, "isUnusualUserIdentity");
        let identity = identity.filter(|yes| yes.eq_ignore_ascii_case("true"));
        let kinds = KINDS.iter().flat_map(|(key, label)| self.describe_kind(key, label));
        let identity = identity.map(|_| "user identity".to_owned());
        joined(simple.chain(identity).chain(kinds).map(Some), "; ")
    }

    /// `52.4 GB out, 321 bytes in, local port 8080`, the port unless the actor says it.
    fn describe_traffic(&self, said: &str) -> Option<String> {
        let amount = |bytes: Option<u64>, way| Some(size(bytes?) + way);
        let port = named(&self.local_port).filter(|port| !says(said, port));
        let port = port.and_then(|port| Phrase::new("local port", Some(port)).build());
        joined([amount(self.bytes_out, " out"), amount(self.bytes_in, " in"), port], ", ")
    }

    /// One text for each unusual value, with those for whom it is unusual.
    fn describe_kind(&self, key: &str, label: &str) -> Vec<String> {
        let mut values: Vec<(String, Vec<&str>)> = Vec::new();
        for (scope, who) in SCOPES {
            let unusual = find(&self.behaviour, &["unusual", key, scope, "Profiling"].concat());
            let Some(value) = unusual.map(plain) else { continue };
            match values.iter_mut().find(|(known, _)| *known == value) {
                Some((_, whom)) => whom.push(who),
                None => values.push((value, vec![who])),
            }
        }
        let usual = ["frequentProfiled", key, "UserIdentityProfiling"].concat();
        let usual = find(&self.profiled, &usual).map(plain);
        let describe = |(value, whom): (String, Vec<&str>)| {
            Phrase::new(label, Some(&value))
                .with_labelled("for", Some(&whom.join(", ")))
                .with_labelled("usual", usual.as_deref().filter(|_| whom.contains(&"user")))
                .build()
        };
        values.into_iter().filter_map(describe).collect()
    }

    fn describe_calls(&self) -> Option<String> {
        let calls = self.calls.items.iter().filter_map(|call| {
            let name = part(call.name.as_deref()?);
            let times = call.count.filter(|times| *times > 1);
            Some(times.map_or(name.to_string(), |times| format!("{name} ×{times}")))
        });
        listed(calls.collect(), self.calls.total)
    }
}

/// `52.4 GB`, `321 bytes`
fn size(bytes: u64) -> String {
    const UNITS: [(&str, f64); 4] = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let fitting = UNITS.into_iter().find(|(_, size)| bytes as f64 >= *size);
    fitting.map_or(format!("{bytes} bytes"), |(unit, size)| {
        format!("{:.1} {unit}", bytes as f64 / size)
    })
}

/// `country AQ; userAgent curl, wget`: the form of newer findings, in the words of their keys.
/// Source: GuardDuty API reference, `AnomalyUnusual`, `AnomalyObject`.
fn describe_behaviour(behaviour: Json<'_>) -> Option<String> {
    let features = behaviour.entries().flat_map(|(_, features)| features.entries());
    let shown = features.take(SHOWN_MAX).filter_map(|(name, feature)| {
        let Observed { texts, .. } = Observed::read(feature)?;
        let texts = several(texts.items.iter().map(AsRef::as_ref), texts.total)?;
        Phrase::of_list(&part(&name), Some(texts)).build()
    });
    joined(shown.map(Some), "; ")
}

fn find<'p>(pairs: &'p Pairs<'_, BEHAVIOURS_MAX>, key: &str) -> Option<&'p str> {
    let found = pairs.0.iter().find(|(other, _)| other.eq_ignore_ascii_case(key));
    found.map(|(_, value)| value.as_ref())
}

/// Writes `asnNumber: 64500 asnOrg: EXAMPLE` as `AS64500 EXAMPLE`, and ` , ` as `, `.
fn plain(list: &str) -> String {
    let list =
        cut(list.trim(), LIST_CHARS_MAX).replace("asnNumber: ", "AS").replace("asnOrg: ", "");
    list.replace(" , ", ", ")
}
