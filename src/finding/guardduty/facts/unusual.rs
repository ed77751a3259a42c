//! What was unusual about the activity, as `additionalInfo` tells it.
//!
//! Source: GuardDuty's event in the schema registry of EventBridge, `AdditionalInfo`. Since 2022
//! the same object is JSON in the string `value`: GuardDuty API reference, `ServiceAdditionalInfo`.

use std::borrow::Cow;

use super::super::super::fact::Facts;
use super::super::super::json::{Document, Json};
use super::super::super::lenient::{List, Pairs, Read, Str, object};
use super::super::super::phrase::{Phrase, joined, listed, part, several};
use super::super::super::text::cut;
use super::super::schema::Service;

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
        unusual: Pairs<'a, BEHAVIOURS_MAX> = "unusualBehavior",
        /// What is often seen: `frequentProfiledASNsUserIdentityProfiling` and the like.
        profiled: Pairs<'a, BEHAVIOURS_MAX> = "profiledBehavior",
        calls: List<RecentCall<'a>, SHOWN_MAX> = "apiCalls",
        ports: List<Cow<'a, str>, SHOWN_MAX> = "portsScannedSample",
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

pub(super) fn add(facts: &mut Facts, service: &Service<'_>) {
    let outer = service.additional_info.and_then(Info::read);
    let value = outer.as_ref().and_then(|info| info.value.as_deref()).map(str::trim);
    let value = value.filter(|value| value.starts_with('{')).and_then(Document::read);
    let inner = value.as_ref().and_then(|value| Info::read(value.root()));
    let infos = [outer.as_ref(), inner.as_ref()];
    let first =
        |describe: fn(&Info<'_>) -> Option<String>| infos.into_iter().flatten().find_map(describe);
    facts.add("Anomalous APIs", first(|info| info.describe_apis()));
    let newer = || describe_behaviour(service.detection.unusual?);
    facts.add("Unusual", first(|info| info.describe_unusual()).or_else(newer));
    facts.add("Recent calls", first(|info| info.describe_calls()));
    facts.add(
        "Scanned ports",
        first(|info| several(info.ports.items.iter().map(AsRef::as_ref), info.ports.total)),
    );
    let agent =
        service.activity.api_call.user_agent.as_deref().map(|agent| part(agent).into_owned());
    let agent =
        agent.or_else(|| first(|info| Some(part(info.user_agent.as_deref()?).into_owned())));
    facts.add("User agent", agent);
}

impl Info<'_> {
    /// `iam:[CreateUser, ListUsers:AccessDenied]`
    fn describe_apis(&self) -> Option<String> {
        let apis =
            listed(self.apis.items.iter().map(|apis| plain(apis)).collect(), self.apis.total)?;
        Some(apis.replace(".amazonaws.com", "").replace(":success", ""))
    }

    /// `network AS64500 Example (for user, account, usual AS64501 Example Office)`.
    fn describe_unusual(&self) -> Option<String> {
        let identity = find(&self.unusual, "isUnusualUserIdentity");
        let identity = identity.filter(|yes| yes.eq_ignore_ascii_case("true"));
        let kinds = KINDS.iter().flat_map(|(key, label)| self.describe_kind(key, label));
        let kinds = identity.map(|_| "user identity".to_owned()).into_iter().chain(kinds);
        joined(kinds.map(Some), "; ")
    }

    /// One text for each unusual value, with those for whom it is unusual.
    fn describe_kind(&self, key: &str, label: &str) -> Vec<String> {
        let mut values: Vec<(String, Vec<&str>)> = Vec::new();
        for (scope, who) in SCOPES {
            let unusual = find(&self.unusual, &["unusual", key, scope, "Profiling"].concat());
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
