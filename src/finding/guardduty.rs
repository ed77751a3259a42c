//! GuardDuty's findings, in EventBridge's spelling (`accountId`) and in the API's (`AccountId`).
//!
//! Source: GuardDuty API reference, `Finding`; user guide, "Processing GuardDuty findings with
//! Amazon EventBridge".

mod actor;
mod facts;
mod principal;
mod resource;
mod schema;
mod sequence;

use std::borrow::Cow;

pub(super) use schema::AccessKey;
use schema::{Activity, Details, Identity, Resource, Service};

use super::arn::{Arn, bare_id};
use super::condition::{Closing, Condition, FindingState};
use super::contradiction::{Field, refuse};
use super::draft::Draft;
use super::envelope::Envelope;
use super::fact::Facts;
use super::gauge::Gauge;
use super::json::{self, Json, Kind};
use super::lenient::{Read, Str, borrowed};
use super::outcome::{Outcome, Unwanted, Wanted};
use super::product::Product;
use super::reject::Rejection;
use super::resource_type;
use super::sample;
use crate::instants::Wall;

/// Reads the identity, the severity and the state of a finding, and the rest only if it is wanted
/// or closed.
pub(super) fn read(
    json: Json<'_>,
    envelope: &Envelope<'_>,
    wanted: Wanted<'_>,
) -> Result<Outcome, Rejection> {
    let identity = Identity::read(json).unwrap_or_default();
    refuse(identity.keys(), envelope)?;
    let mut draft = Draft {
        product: Product::GuardDuty,
        id_key: "id",
        account: borrowed(&identity.account),
        region: borrowed(&identity.region),
        partition: borrowed(&identity.partition),
        severity: identity.severity.worst(Gauge::score_or_word).unwrap_or_default(),
        condition: Condition::of_product(identity.state()),
        ..Draft::default()
    };
    draft.id = bare_id(identity.id.as_deref()).or_else(|| {
        let arn = Arn::parse(identity.arn.as_deref()?)?;
        arn.finding_id().map(Cow::Borrowed)
    });
    draft.complete_from(identity.arn.as_deref());
    draft.complete_from(identity.id.as_deref());
    draft.dispute_state([identity.service_archived.is_disputed(), identity.archived.is_disputed()]);
    let fingerprint = draft.fingerprint(envelope)?;
    let severity = draft.severity.severity();
    if !draft.condition.is_closed() && !wanted(&severity) {
        return Ok(Outcome::Unwanted(Unwanted { fingerprint, severity }));
    }

    let details = Details::read(json).unwrap_or_default();
    refuse([Field::of("type", &details.kind)], envelope)?;
    Ok(Outcome::Wanted(detailed(draft, &details).finish_as(fingerprint, envelope)))
}

/// Adds the fields that only a wanted finding needs.
fn detailed<'d>(draft: Draft<'d>, details: &'d Details<'_>) -> Draft<'d> {
    let (resource, service) = (&details.resource, &details.service);
    let (actor_label, actor) = actor::describe(service, resource).unzip();
    let described = resource::describe(resource, service);
    Draft {
        kind: borrowed(&details.kind),
        title: borrowed(&details.title),
        description: details.description(),
        created_at: details.created_at,
        updated_at: details.updated_at,
        first_seen: service.first_seen,
        last_seen: service.last_seen,
        count: service.count,
        sample: details.is_sample(),
        resource_type: resource.kind.as_deref().and_then(resource_type::of_guardduty),
        facts: facts::collect(resource, service, [&described, &actor]),
        resource: described,
        actor,
        actor_label: actor_label.unwrap_or_default(),
        tags: resource.tags(service),
        ..draft
    }
}

/// What the `service` of a finding tells without the rest, which copies write in their own form.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// The label and the text.
    pub actor: Option<(&'static str, String)>,
    pub facts: Facts,
    /// The resources of the call.
    pub affected: Option<String>,
    pub first_seen: Option<Wall>,
    pub last_seen: Option<Wall>,
}

impl Observed {
    /// Reads a `service`.
    pub fn of_service(json: Json<'_>) -> Observed {
        Observed::of(&Service::read(json).unwrap_or_default())
    }

    /// Reads an `action`. The one of ASFF has the same fields.
    pub fn of_action(json: Json<'_>) -> Observed {
        let mut service = Service::default();
        service.activity = Activity::read(json).unwrap_or_default();
        Observed::of(&service)
    }

    fn of(service: &Service<'_>) -> Observed {
        let resource = Resource::default();
        let actor = actor::describe(service, &resource);
        let affected = service.activity.describe_affected();
        let text = actor.as_ref().map(|(_, text)| text.clone());
        Observed {
            facts: facts::collect(&resource, service, [&affected, &text]),
            actor,
            affected,
            first_seen: service.first_seen,
            last_seen: service.last_seen,
        }
    }
}

impl Identity<'_> {
    fn keys(&self) -> [Field<'_>; 4] {
        [
            Field::of("id", &self.id),
            Field::of("arn", &self.arn),
            Field::of("accountId", &self.account),
            Field::of("region", &self.region),
        ]
    }

    /// Archived by a person, or by a suppression rule. GuardDuty sends the latter nowhere.
    /// Source: GuardDuty API reference, `Service`; user guide, "Suppression rules".
    fn state(&self) -> FindingState {
        let archived = self.service_archived.or(*self.archived).unwrap_or(false);
        FindingState::closed_if(archived, Closing::Suppressed)
    }
}

impl Details<'_> {
    /// The description, and below it that of the attack sequence if it says something else.
    fn description(&self) -> Str<'_> {
        let own = self.description.as_deref();
        let sequence = self.service.detection.sequence.as_ref();
        let sequence = sequence.and_then(|sequence| sequence.description.as_deref());
        match (own, sequence) {
            (Some(own), Some(other)) if !own.contains(other.trim()) => {
                Some(Cow::Owned([own, "\n", other].concat()))
            }
            _ => own.or(sequence).map(Cow::Borrowed),
        }
    }

    fn is_sample(&self) -> bool {
        sample::is_marked(self.title.as_deref())
            || self.service.additional_info.is_some_and(|info| says_sample(info, 3))
    }
}

/// Returns whether `additionalInfo` marks a sample: `{"sample": true}`, or in the newer format
/// `{"type": "default", "value": "{\"sample\":true}"}`, whose value is JSON in a string.
fn says_sample(info: Json<'_>, levels: u8) -> bool {
    match info.kind() {
        Kind::Object => info.entries().any(|(key, value)| {
            if key.eq_ignore_ascii_case("sample") {
                bool::read(value).unwrap_or(false)
            } else {
                key.eq_ignore_ascii_case("value") && levels > 0 && says_sample(value, levels - 1)
            }
        }),
        Kind::String if levels > 0 && may_say_sample(info.raw()) => {
            let text = info.text().unwrap_or_default();
            let is_object = text.trim_start().starts_with('{');
            let inner = if is_object { json::Document::read(text.trim()) } else { None };
            inner.is_some_and(|inner| says_sample(inner.root(), levels - 1))
        }
        _ => false,
    }
}

/// Returns whether the word `sample` may be in a string, escaped or not. Most strings have
/// kilobytes of other text, which this check saves from being unescaped.
fn may_say_sample(raw: &str) -> bool {
    raw.contains("\\u") || raw.to_ascii_lowercase().contains("sample")
}

#[cfg(test)]
mod tests;
