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
use super::lenient::{Kind, Raw, Read, Str, each_entry, kind, object, unquoted};
use super::{Finding, Rejection};
use crate::instants::Wall;

/// The product in a fingerprint, whichever way the finding came.
pub(super) const PRODUCT: &str = "guardduty";

object! {
    struct Document<'a> {
        account: Str<'a> = "accountId",
        arn: Str<'a> = "arn",
        id: Str<'a> = "id",
        kind: Str<'a> = "type",
        partition: Str<'a> = "partition",
        region: Str<'a> = "region",
        severity: Option<Raw<'a>> = "severity",
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
        additional_info: Option<Raw<'a>> = "additionalInfo",
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

/// Reads a finding from the raw text of its object.
pub(super) fn read(raw: &str, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
    let document = Document::read(raw).unwrap_or_default();
    let (resource, service) = (&document.resource, &document.service);
    let sequence = service.detection.sequence.as_ref();
    let title = document.title.as_deref();
    let mut draft = Draft {
        product: PRODUCT.to_owned(),
        id_key: "id",
        account: borrowed(&document.account),
        region: borrowed(&document.region),
        partition: borrowed(&document.partition),
        kind: borrowed(&document.kind),
        title: borrowed(&document.title),
        description: borrowed(&document.description)
            .or_else(|| sequence.and_then(|sequence| borrowed(&sequence.description))),
        severity: Gauge::score_or_word(document.severity),
        created_at: document.created_at,
        updated_at: document.updated_at,
        first_seen: service.first_seen,
        last_seen: service.last_seen,
        count: service.count,
        sample: title.is_some_and(|title| title.trim_start().starts_with("[SAMPLE]"))
            || service.additional_info.is_some_and(|Raw(info)| says_sample(info, 3)),
        archived: service.archived.or(document.archived).unwrap_or(false),
        resource: resource.describe(sequence, &service.activity),
        actor: actor::describe(service, resource),
        ..Draft::default()
    };
    draft.id = super::native::bare_id(document.id.as_deref()).or_else(|| {
        let arn = Arn::parse(document.arn.as_deref()?)?;
        arn.finding_id().map(Cow::Borrowed)
    });
    draft.complete_from(document.arn.as_deref());
    draft.complete_from(document.id.as_deref());
    draft.finish(envelope)
}

fn borrowed<'s>(text: &'s Str<'_>) -> Str<'s> {
    text.as_deref().map(Cow::Borrowed)
}

/// Whether `additionalInfo` marks a sample: `{"sample": true}`, or, as the newer format has it,
/// `{"type": "default", "value": "{\"sample\":true}"}`, the value being JSON in a string.
fn says_sample(raw: &str, levels: u8) -> bool {
    let mut sample = false;
    match kind(raw) {
        Kind::Object => each_entry(raw, |key, value| {
            if key.eq_ignore_ascii_case("sample") {
                sample |= bool::read(value).unwrap_or(false);
            } else if key.eq_ignore_ascii_case("value") && levels > 0 {
                sample |= says_sample(value, levels - 1);
            }
        }),
        Kind::String if levels > 0 => {
            if let Some(inner) = unquoted(raw)
                && inner.trim_start().starts_with('{')
                && super::limits::check(&inner).is_ok()
            {
                sample = says_sample(inner.trim(), levels - 1);
            }
        }
        _ => {}
    }
    sample
}

#[cfg(test)]
mod tests;
