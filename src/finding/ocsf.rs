//! Findings in the Open Cybersecurity Schema Framework (OCSF), which Security Hub V2 sends.
//!
//! Source: OCSF schema, classes 2001 to 2007; Security Hub user guide, "OCSF findings in Security
//! Hub".

mod actor;
mod facts;
mod resource;
mod schema;

use std::borrow::Cow;

use schema::{Compliance, Document};

use super::arn::{Arn, is_account_id};
use super::condition::{Closing, Condition, FindingState};
use super::contradiction::{Every, Field, refuse};
use super::control::Control;
use super::draft::Draft;
use super::envelope::Envelope;
use super::gauge::Gauge;
use super::json::Json;
use super::lenient::{Read, borrowed};
use super::model::Finding;
use super::original::original;
use super::product::Product;
use super::reject::Rejection;
use super::resource_type::resource_type;
use super::sample;
use super::severity::Level;
use super::standards;

pub(super) fn read(json: Json<'_>, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
    let document = Document::read(json).unwrap_or_default();
    refuse(document.keys(), envelope)?;
    let (info, product) = (&document.info, &document.metadata.product);
    // If the finding's own id is missing, Security Hub's id of the record is used.
    let id = info.uid.as_deref().or(info.alternative.as_deref());
    let id = id.or(document.metadata.uid.as_deref());
    let resource = document.first_resource();
    let affected = document.resources.first();
    let owner = affected.and_then(|resource| resource.account.id.as_deref());
    let near = affected.and_then(|resource| resource.region.as_deref());
    let (actor_label, actor) = actor::describe(&document);
    let mut draft = Draft {
        product: document.product(),
        id: id.map(Cow::Borrowed),
        id_key: "finding_info.uid",
        account: borrowed(&document.cloud.account.id).or_else(|| owner.map(Cow::Borrowed)),
        region: borrowed(&document.cloud.region),
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
        condition: document.condition(),
        standards: standards::names(document.compliance.standards.items.iter().map(AsRef::as_ref)),
        resource_type: affected.and_then(|one| resource_type(one.kind.as_deref()?)),
        tags: affected.map(|one| one.tags()).unwrap_or_default(),
        resource: resource::describe(&document.resources),
        actor,
        actor_label,
        facts: facts::collect(&document),
        ..Draft::default()
    };
    draft.dispute_state(document.disputes());
    draft.complete(owner, near);
    draft.complete_from(id);
    draft.complete_from(product.arn.as_deref());
    if let Some(original) = id.and_then(|id| original(id, product.arn.as_deref())) {
        draft.take_identity(id, original);
    } else if let Some(control) = document.control(id, resource.as_deref()) {
        draft.take_control(control);
    }
    draft.finish(envelope)
}

impl Document<'_> {
    /// The fields that tell findings apart.
    fn keys(&self) -> [Field<'_>; 8] {
        let (info, cloud) = (&self.info, &self.cloud);
        [
            Field::of("finding_info.uid", &info.uid),
            Field::of("finding_info.uid_alt", &info.alternative),
            Field::of("finding_info.types", &info.kinds),
            Field::of("metadata.uid", &self.metadata.uid),
            Field::of("metadata.product.uid", &self.metadata.product.arn),
            Field::of("cloud.account.uid", &cloud.account.id),
            Field::of("cloud.region", &cloud.region),
            Field::of("compliance.control", &self.compliance.control),
        ]
    }

    /// Which of the fields that say the state have two values.
    fn disputes(&self) -> [bool; 6] {
        let check = &self.compliance;
        [
            self.status_id.is_disputed(),
            self.status.is_disputed(),
            self.activity_id.is_disputed(),
            self.activity.is_disputed(),
            check.status_id.is_disputed(),
            check.status.is_disputed(),
        ]
    }

    /// The tags of the first resource.
    fn product(&self) -> Product {
        let product = &self.metadata.product;
        let (vendor, name) = (product.vendor.as_deref(), product.name.as_deref());
        Product::of_security_hub(product.arn.as_deref(), vendor, name)
    }

    fn partition(&self) -> Option<&str> {
        let near = self.resources.first().and_then(|resource| resource.partition.as_deref());
        self.cloud.partition.as_deref().or(near)
    }

    /// In Security Hub the status is how people handled the finding, but for archived. Its product
    /// is done with it if the activity is Close or the check has passed. Elsewhere the status is
    /// the product's.
    /// Source: Security Hub user guide, "OCSF findings in Security Hub"; API reference,
    /// BatchUpdateFindingsV2; OCSF schema, `activity_id` and `status_id` of findings, `compliance`.
    fn condition(&self) -> Condition {
        let status = self.status_word();
        let handled = FindingState::of_word(status, "Resolved", "Suppressed");
        let is_archived = is_word(status, "Archived");
        let is_gone = *self.activity_id == Some(3)
            || (self.activity_id.is_none() && is_word(self.activity.as_deref(), "Close"))
            || self.compliance.has_passed();
        let product = match (is_archived, is_gone) {
            (true, _) => FindingState::Closed(Closing::Suppressed),
            (false, true) => FindingState::Closed(Closing::Resolved),
            (false, false) if self.is_of_security_hub() => FindingState::Open,
            (false, false) => handled,
        };
        let tells = status.is_some() && !is_archived && self.is_of_security_hub();
        // Not the finding's own times: a person's change leaves them as they were.
        let observed_at = self.metadata.processed_at.or(self.metadata.logged_at);
        Condition { product, handling: tells.then_some(handled), observed_at }
    }

    /// The name of `status_id`. For 0 (unknown), 99 (other) and any other number, the word decides.
    fn status_word(&self) -> Option<&str> {
        match *self.status_id {
            Some(1) => Some("New"),
            Some(2) => Some("In Progress"),
            Some(3) => Some("Suppressed"),
            Some(4) => Some("Resolved"),
            Some(5) => Some("Archived"),
            _ => self.status.as_deref(),
        }
    }

    fn is_of_security_hub(&self) -> bool {
        let arn = self.metadata.product.arn.as_deref().and_then(Arn::parse);
        arn.is_some_and(|arn| arn.product().is_some())
    }

    fn control<'d>(
        &'d self,
        id: Option<&'d str>,
        resource: Option<&'d str>,
    ) -> Option<Control<'d>> {
        let product = self.metadata.product.arn.as_deref();
        Control::find(product, self.compliance.control.as_deref(), [id, None], resource)
    }

    /// The id of the first resource, as ASFF writes it. ASFF gives an account a longer id.
    fn first_resource(&self) -> Option<Cow<'_, str>> {
        let resource = self.resources.first()?;
        let id = resource.uid.as_deref()?;
        let is_account = resource.kind.as_deref() == Some("AWS::::Account") && is_account_id(id);
        Some(if is_account { format!("AWS::::Account:{id}").into() } else { id.into() })
    }

    /// The product's own type, which has a colon, or else the taxonomy's, such as `Threats`.
    fn kind(&self) -> Option<&str> {
        let kinds = &self.info.kinds.items;
        let own = kinds.iter().find(|kind| kind.contains(':'));
        own.or(kinds.first()).map(AsRef::as_ref).or(self.class.as_deref())
    }

    fn gauge(&self) -> Gauge {
        gauge(&self.severity_id, &self.severity)
            .or(|| gauge(&self.vendor.severity_id, &self.vendor.severity))
    }
}

impl Compliance<'_> {
    /// Pass is 1. For a missing number and for 0 and 99, the word decides.
    fn has_passed(&self) -> bool {
        match *self.status_id {
            None | Some(0 | 99) => is_word(self.status.as_deref(), "Pass"),
            Some(number) => number == 1,
        }
    }
}

fn is_word(text: Option<&str>, word: &str) -> bool {
    text.is_some_and(|text| text.trim().eq_ignore_ascii_case(word))
}

/// Reads `severity_id` from 1 to 6. For 0 (unknown), 99 (other) and any other number, the word
/// decides.
fn gauge(ids: &Every<'_>, words: &Every<'_>) -> Gauge {
    let id = ids.worst(by_id).unwrap_or_default();
    match (id, words.worst(Gauge::word)) {
        (Gauge::Unreadable(id), Some(Gauge::Unreadable(word))) if word.is_empty() => {
            Gauge::Unreadable(id)
        }
        (Gauge::Unreadable(_), Some(word)) => word,
        (id, _) => id,
    }
}

fn by_id(json: Json<'_>) -> Gauge {
    let id = u64::read(json);
    let level = match id {
        Some(1) => Some(Level::Informational),
        Some(2) => Some(Level::Low),
        Some(3) => Some(Level::Medium),
        Some(4) => Some(Level::High),
        Some(5 | 6) => Some(Level::Critical),
        _ => None,
    };
    let found = || id.map(|id| id.to_string()).unwrap_or_default();
    level.map_or_else(|| Gauge::Unreadable(found()), Gauge::level)
}

#[cfg(test)]
mod tests;
