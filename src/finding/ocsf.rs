//! Findings in the Open Cybersecurity Schema Framework (OCSF), which Security Hub V2 sends.
//!
//! Source: OCSF schema, classes 2001 to 2007; Security Hub user guide, "OCSF findings in Security
//! Hub".

mod actor;
mod resource;
mod schema;

use std::borrow::Cow;

use schema::Document;

use super::condition::{Closing, Condition, FindingState};
use super::draft::Draft;
use super::envelope::Envelope;
use super::gauge::Gauge;
use super::json::Json;
use super::lenient::{Read, borrowed};
use super::model::Finding;
use super::original::original;
use super::product::Product;
use super::reject::Rejection;
use super::sample;
use super::severity::Level;

pub(super) fn read(json: Json<'_>, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
    let document = Document::read(json).unwrap_or_default();
    let (info, product) = (&document.info, &document.metadata.product);
    // If the finding's own id is missing, Security Hub's id of the record is used.
    let id = info.uid.as_deref().or(info.alternative.as_deref());
    let id = id.or(document.metadata.uid.as_deref());
    let mut draft = Draft {
        product: Product::of_security_hub(
            product.arn.as_deref(),
            product.vendor.as_deref(),
            product.name.as_deref(),
        ),
        id: id.map(Cow::Borrowed),
        id_key: "finding_info.uid",
        account: document.account().map(Cow::Borrowed),
        region: document.region().map(Cow::Borrowed),
        partition: document.partition().map(Cow::Borrowed),
        kind: document.kind().map(Cow::Borrowed),
        title: borrowed(&info.title),
        description: borrowed(&info.description),
        severity: document.gauge(),
        created_at: info.created_at,
        updated_at: info.updated_at.or(document.time),
        first_seen: info.first_seen,
        last_seen: info.last_seen,
        count: document.count,
        sample: sample::is_marked(info.title.as_deref()),
        condition: Condition::of_product(FindingState::closed_if(
            document.is_archived(),
            Closing::Suppressed,
        )),
        resource: resource::describe(&document.resources),
        actor: actor::describe(&document),
        ..Draft::default()
    };
    draft.complete_from(id);
    draft.complete_from(product.arn.as_deref());
    if let Some(original) = id.and_then(|id| original(id, product.arn.as_deref())) {
        draft.take_identity(id, original);
    }
    draft.finish(envelope)
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

    /// Suppressed (3), resolved (4) or archived (5).
    fn is_archived(&self) -> bool {
        matches!(self.status_id, Some(3..=5))
            || matches!(self.status.as_deref(), Some("Suppressed" | "Resolved" | "Archived"))
    }

    /// The product's own type, which has a colon, or else the taxonomy's, such as `Threats`.
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

/// Reads `severity_id` from 1 to 6. For 0 (unknown), 99 (other) and any other number, the word
/// decides.
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
        (None, Some(word)) => Gauge::from_word(word),
        (None, None) => Gauge::Unreadable(id.map(|id| id.to_string()).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
