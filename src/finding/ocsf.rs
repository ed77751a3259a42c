//! Findings in the Open Cybersecurity Schema Framework, as Security Hub V2 sends them.
//!
//! Source: OCSF schema, classes 2001 to 2007; Security Hub user guide, "OCSF findings in Security
//! Hub".

mod actor;
mod resource;

use std::borrow::Cow;

use super::arn::Arn;
use super::draft::{Draft, Envelope, Gauge};
use super::json::Json;
use super::lenient::{List, Read, Str, object};
use super::native::{Native, original, product_name};
use super::{Finding, Level, Rejection};
use crate::instants::Wall;

object! {
    struct Document<'a> {
        class: Str<'a> = "class_name",
        info: Info<'a> = "finding_info",
        cloud: Cloud<'a> = "cloud",
        metadata: Metadata<'a> = "metadata",
        severity_id: Option<u64> = "severity_id",
        severity: Str<'a> = "severity",
        vendor: Vendor<'a> = "vendor_attributes",
        status_id: Option<u64> = "status_id",
        status: Str<'a> = "status",
        count: Option<u64> = "count",
        resources: List<resource::Resource<'a>, 10> = "resources",
        evidences: List<actor::Evidence<'a>, 5> = "evidences",
        actor: actor::Actor<'a> = "actor",
        time: Option<Wall> = "time" | "time_dt",
    }
    struct Info<'a> {
        uid: Str<'a> = "uid",
        alternative: Str<'a> = "uid_alt",
        title: Str<'a> = "title",
        description: Str<'a> = "desc",
        kinds: List<Cow<'a, str>, 5> = "types",
        created_at: Option<Wall> = "created_time" | "created_time_dt",
        updated_at: Option<Wall> = "modified_time" | "modified_time_dt",
        first_seen: Option<Wall> = "first_seen_time" | "first_seen_time_dt",
        last_seen: Option<Wall> = "last_seen_time" | "last_seen_time_dt",
    }
    struct Cloud<'a> {
        account: Account<'a> = "account",
        region: Str<'a> = "region",
        partition: Str<'a> = "cloud_partition",
    }
    struct Account<'a> {
        id: Str<'a> = "uid",
    }
    struct Metadata<'a> {
        uid: Str<'a> = "uid",
        product: Product<'a> = "product",
    }
    struct Product<'a> {
        name: Str<'a> = "name",
        arn: Str<'a> = "uid",
        vendor: Str<'a> = "vendor_name",
    }
    struct Vendor<'a> {
        severity_id: Option<u64> = "severity_id",
        severity: Str<'a> = "severity",
    }
}

pub(super) fn read(json: Json<'_>, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
    let document = Document::read(json).unwrap_or_default();
    let (info, product) = (&document.info, &document.metadata.product);
    // Security Hub's own id of the record does where the finding's is missing.
    let id = info.uid.as_deref().or(info.alternative.as_deref());
    let id = id.or(document.metadata.uid.as_deref());
    let title = info.title.as_deref();
    let mut draft = Draft {
        product: product_name(
            product.arn.as_deref(),
            product.vendor.as_deref(),
            product.name.as_deref(),
        )
        .into(),
        id: id.map(Cow::Borrowed),
        id_key: "finding_info.uid",
        account: document.account().map(Cow::Borrowed),
        region: document.region().map(Cow::Borrowed),
        partition: document.partition().map(Cow::Borrowed),
        kind: document.kind().map(Cow::Borrowed),
        title: title.map(Cow::Borrowed),
        description: info.description.as_deref().map(Cow::Borrowed),
        severity: document.gauge(),
        created_at: info.created_at,
        updated_at: info.updated_at.or(document.time),
        first_seen: info.first_seen,
        last_seen: info.last_seen,
        count: document.count,
        sample: title.is_some_and(|title| title.trim_start().starts_with("[SAMPLE]")),
        archived: document.is_archived(),
        resource: resource::describe(&document.resources),
        actor: document.describe_actor(),
    };
    draft.complete_from(id);
    draft.complete_from(product.arn.as_deref());
    if let Some(native) = id.and_then(|id| original(id, product.arn.as_deref())) {
        take_identity(&mut draft, id, native);
    }
    draft.finish(envelope)
}

/// Gives the copy the identity of its original, whose own name tells its region.
fn take_identity<'d>(draft: &mut Draft<'d>, id: Option<&'d str>, native: Native<'d>) {
    if let Some(arn) = id.and_then(Arn::parse).filter(|arn| !arn.region.is_empty()) {
        draft.region = Some(Cow::Borrowed(arn.region));
    }
    draft.product = native.product.into();
    draft.id = Some(native.id);
}

impl Document<'_> {
    fn account(&self) -> Option<&str> {
        let owner = self.resources.first().and_then(|resource| resource.account());
        self.cloud.account.id.as_deref().or(owner)
    }

    fn region(&self) -> Option<&str> {
        let near = self.resources.first().and_then(|resource| resource.region.as_deref());
        self.cloud.region.as_deref().or(near)
    }

    fn partition(&self) -> Option<&str> {
        let near = self.resources.first().and_then(|resource| resource.partition.as_deref());
        self.cloud.partition.as_deref().or(near)
    }

    /// Archived, or done with: suppressed (3), resolved (4), archived (5).
    fn is_archived(&self) -> bool {
        matches!(self.status_id, Some(3..=5))
            || matches!(self.status.as_deref(), Some("Suppressed" | "Resolved" | "Archived"))
    }

    /// The product's own type, which has a colon, before the taxonomy's, such as `Threats`.
    fn kind(&self) -> Option<&str> {
        let kinds = &self.info.kinds.items;
        let own = kinds.iter().find(|kind| kind.contains(':'));
        own.or(kinds.first()).map(AsRef::as_ref).or(self.class.as_deref())
    }

    fn gauge(&self) -> Gauge {
        gauge(self.severity_id, self.severity.as_deref())
            .or(|| gauge(self.vendor.severity_id, self.vendor.severity.as_deref()))
    }
}

/// `severity_id` from 1 to 6; for 0 (unknown), 99 (other) and anything else, the word.
fn gauge(id: Option<u64>, word: Option<&str>) -> Gauge {
    let level = match id {
        Some(1) => Some(Level::Informational),
        Some(2) => Some(Level::Low),
        Some(3) => Some(Level::Medium),
        Some(4) => Some(Level::High),
        Some(5 | 6) => Some(Level::Critical),
        _ => None,
    };
    match (level, word) {
        (Some(level), _) => Gauge::level(level),
        (None, Some(word)) => Gauge::as_str(word),
        (None, None) => Gauge::Unreadable(id.map(|id| id.to_string()).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
