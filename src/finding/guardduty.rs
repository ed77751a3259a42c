//! GuardDuty's findings, in EventBridge's spelling (`accountId`) and in the API's (`AccountId`).
//!
//! Source: GuardDuty API reference, `Finding`; user guide, "Processing GuardDuty findings with
//! Amazon EventBridge".

mod actor;
pub(super) mod remote;
mod resource;
mod sequence;

use std::borrow::Cow;

use super::arn::Arn;
use super::draft::{Draft, Envelope, Gauge};
use super::json::{self, Json, Kind};
use super::lenient::{Read, Str, object};
use super::{Outcome, Rejection, Unwanted, Wanted};
use crate::instants::Wall;

/// The product in a fingerprint, whichever way the finding came.
pub(super) const PRODUCT: &str = "guardduty";

object! {
    /// What has to be known of every finding, also of one that nobody is told of.
    struct Identity<'a> {
        account: Str<'a> = "accountId",
        arn: Str<'a> = "arn",
        id: Str<'a> = "id",
        partition: Str<'a> = "partition",
        region: Str<'a> = "region",
        severity: Option<Json<'a>> = "severity",
    }
    struct Details<'a> {
        kind: Str<'a> = "type",
        title: Str<'a> = "title",
        description: Str<'a> = "description",
        created_at: Option<Wall> = "createdAt",
        updated_at: Option<Wall> = "updatedAt",
        archived: Option<bool> = "archived",
        resource: resource::Resource<'a> = "resource",
        service: Service<'a> = "service",
    }
    struct Service<'a> {
        archived: Option<bool> = "archived",
        count: Option<u64> = "count",
        first_seen: Option<Wall> = "eventFirstSeen",
        last_seen: Option<Wall> = "eventLastSeen",
        additional_info: Option<Json<'a>> = "additionalInfo",
        activity: actor::Activity<'a> = "action",
        runtime: actor::Runtime<'a> = "runtimeDetails",
        evidence: actor::Evidence<'a> = "evidence",
        volume_scan: actor::VolumeScan<'a> = "ebsVolumeScanDetails",
        malware_scan: actor::MalwareScan<'a> = "malwareScanDetails",
        detection: Detection<'a> = "detection",
    }
    struct Detection<'a> {
        sequence: Option<sequence::Sequence<'a>> = "sequence",
    }
}

/// Reads a finding: who it is and how bad, and the rest only if it is wanted.
pub(super) fn read(
    json: Json<'_>,
    envelope: &Envelope<'_>,
    wanted: Wanted<'_>,
) -> Result<Outcome, Rejection> {
    let identity = Identity::read(json).unwrap_or_default();
    let mut draft = Draft {
        product: PRODUCT.into(),
        id_key: "id",
        account: borrowed(&identity.account),
        region: borrowed(&identity.region),
        partition: borrowed(&identity.partition),
        severity: Gauge::score_or_word(identity.severity),
        ..Draft::default()
    };
    draft.id = super::native::bare_id(identity.id.as_deref()).or_else(|| {
        let arn = Arn::parse(identity.arn.as_deref()?)?;
        arn.finding_id().map(Cow::Borrowed)
    });
    draft.complete_from(identity.arn.as_deref());
    draft.complete_from(identity.id.as_deref());
    let fingerprint = draft.fingerprint(envelope)?;
    let severity = draft.severity.settled();
    if !wanted(&severity) {
        return Ok(Outcome::Unwanted(Unwanted { fingerprint, severity }));
    }

    let details = Details::read(json).unwrap_or_default();
    let (resource, service) = (&details.resource, &details.service);
    let sequence = service.detection.sequence.as_ref();
    let title = details.title.as_deref();
    let draft = Draft {
        kind: borrowed(&details.kind),
        title: borrowed(&details.title),
        description: borrowed(&details.description)
            .or_else(|| sequence.and_then(|sequence| borrowed(&sequence.description))),
        created_at: details.created_at,
        updated_at: details.updated_at,
        first_seen: service.first_seen,
        last_seen: service.last_seen,
        count: service.count,
        sample: title.is_some_and(|title| title.trim_start().starts_with("[SAMPLE]"))
            || service.additional_info.is_some_and(|info| says_sample(info, 3)),
        archived: service.archived.or(details.archived).unwrap_or(false),
        resource: resource.describe(sequence, &service.activity),
        actor: actor::describe(service, resource),
        ..draft
    };
    Ok(Outcome::Wanted(draft.finish_as(fingerprint, envelope)))
}

fn borrowed<'s>(text: &'s Str<'_>) -> Str<'s> {
    text.as_deref().map(Cow::Borrowed)
}

/// Whether `additionalInfo` marks a sample: `{"sample": true}`, or, as the newer format has it,
/// `{"type": "default", "value": "{\"sample\":true}"}`, the value being JSON in a string.
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

/// Whether the word could be in this string, however it is escaped. Most have kilobytes of other things in
/// them, which need not be unwrapped.
fn may_say_sample(raw: &str) -> bool {
    raw.contains("\\u") || raw.to_ascii_lowercase().contains("sample")
}

#[cfg(test)]
mod tests;
