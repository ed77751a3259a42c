//! Findings in the AWS Security Finding Format (ASFF), which Security Hub CSPM sends: its own
//! controls, copies of other AWS products' findings, and findings that third parties import.
//!
//! Source: Security Hub user guide, "AWS Security Finding Format (ASFF)"; API reference,
//! `AwsSecurityFinding`.

mod actor;
mod facts;
mod guardduty_copy;
mod resource;
mod schema;

use std::borrow::Cow;

use schema::{Document, Measure};

use super::arn::Arn;
use super::condition::{Closing, Condition, FindingState};
use super::control::Control;
use super::draft::Draft;
use super::envelope::Envelope;
use super::gauge::Gauge;
use super::json::{Json, Kind};
use super::lenient::{Read, Str, borrowed};
use super::model::Finding;
use super::original::{Original, original};
use super::product::Product;
use super::reject::Rejection;
use super::resource_type::resource_type;
use super::sample;
use super::severity::{Level, Severity};
use super::standards;
use super::tags;
use super::text::Text;

pub(super) fn read(json: Json<'_>, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
    let document = Document::read(json).unwrap_or_default();
    let id = document.id.as_deref();
    let original = id.and_then(|id| original(id, document.product_arn.as_deref()));
    let is_guardduty = original.as_ref().is_some_and(|own| own.product == Product::GuardDuty);
    let control = document.control();
    let (actor_label, actor) = actor::describe(&document, is_guardduty.then_some(json));
    let target = resource::target(&document.resources);
    let kinds = document.kinds.first().or_else(|| document.provider.kinds.first());
    let mut draft = Draft {
        product: Product::of_security_hub(
            document.product_arn.as_deref(),
            document.company.as_deref(),
            document.product.as_deref(),
        ),
        id: id.map(Cow::Borrowed),
        id_key: "Id",
        account: borrowed(&document.account),
        region: borrowed(&document.region),
        partition: document.partition().map(Cow::Borrowed),
        kind: kinds.map(AsRef::as_ref).or(document.generator.as_deref()).map(Cow::Borrowed),
        title: borrowed(&document.title),
        description: borrowed(&document.description),
        severity: document.gauge(is_guardduty),
        created_at: document.created_at,
        updated_at: document.updated_at,
        first_seen: document.first_seen,
        last_seen: document.last_seen,
        count: document.fields.count,
        sample: document.sample.or(document.fields.sample).unwrap_or(false)
            || sample::is_marked(document.title.as_deref()),
        condition: document.condition(is_guardduty),
        standards: document.standards(),
        resource_type: target.and_then(|one| resource_type(one.kind.as_deref()?)),
        resource: resource::describe(&document.resources),
        tags: target.map(|one| tags::texts(&one.tags.0)).unwrap_or_default(),
        actor,
        actor_label,
        facts: facts::collect(&document, control.map(|control| control.id())),
        ..Draft::default()
    };
    draft.complete_from(id);
    draft.complete_from(document.product_arn.as_deref());
    if let Some(original) = original {
        document.take_identity(&mut draft, original);
    } else if let Some(control) = control {
        draft.take_control(control);
    }
    draft.finish(envelope)
}

impl Document<'_> {
    /// Gives the copy the identity of its original.
    fn take_identity<'d>(&'d self, draft: &mut Draft<'d>, original: Original<'d>) {
        draft.take_identity(self.id.as_deref(), original);
        if draft.product == Product::AccessAnalyzer {
            draft.id = self.analyzer_id().map(Cow::Borrowed).or(draft.id.take());
            // An organisation's analyzer is in another account than the finding is about.
            let owner = borrowed(&self.fields.resource_owner);
            draft.account = owner.or(draft.account.take());
            // Events about unused and internal access have no region. Only they have this field.
            draft.region = draft.region.take().filter(|_| self.fields.finding_type.is_none());
        }
    }

    /// Access Analyzer's id: its own field, or the end of the console's address,
    /// `…#/findings/details/ID`.
    fn analyzer_id(&self) -> Option<&str> {
        let by_url = || Some(self.source_url.as_deref()?.rsplit_once("/findings/details/")?.1);
        self.fields.finding_id.as_deref().or_else(by_url)
    }

    /// GuardDuty's own flag decides before Security Hub's record of it. An archived record and a
    /// passed check are resolved. The workflow is how people handled the finding.
    /// Source: Security Hub API reference, `AwsSecurityFinding`, `Compliance`, `Workflow`.
    fn condition(&self, is_guardduty: bool) -> Condition {
        let is = |text: &Str<'_>, word: &str| {
            text.as_deref().is_some_and(|text| text.trim().eq_ignore_ascii_case(word))
        };
        let product = if is_guardduty && self.fields.archived == Some(true) {
            FindingState::Closed(Closing::Suppressed)
        } else {
            let gone = is(&self.state, "ARCHIVED") || is(&self.compliance.status, "PASSED");
            FindingState::closed_if(gone, Closing::Resolved)
        };
        let status = self.workflow.as_deref();
        let handling =
            status.map(|word| FindingState::of_word(Some(word), "RESOLVED", "SUPPRESSED"));
        Condition { product, handling, observed_at: self.processed_at }
    }

    fn control(&self) -> Option<Control<'_>> {
        Control::find(
            self.product_arn.as_deref(),
            self.compliance.control.as_deref(),
            [self.generator.as_deref(), self.id.as_deref()],
            self.resources.first().and_then(|resource| resource.id.as_deref()),
        )
    }

    fn standards(&self) -> Vec<Text> {
        let associated = self.compliance.standards.items.iter().map(|standard| &standard.id);
        let ids = associated.chain([&self.fields.standard, &self.fields.guide]);
        standards::names(ids.filter_map(|id| id.as_deref()))
    }

    fn partition(&self) -> Option<&str> {
        let names = [&self.id, &self.product_arn].into_iter();
        names.filter_map(|name| Arn::parse(name.as_deref()?)?.partition_name()).next()
    }

    /// The severity, or else the one that the provider gave.
    fn gauge(&self, is_guardduty: bool) -> Gauge {
        gauge(self.severity, is_guardduty).or(|| gauge(self.provider.severity, is_guardduty))
    }
}

/// Reads `{"Label": "HIGH", "Normalized": 70, "Product": 8.0}`, or a word: the label, or else the
/// number from 0 to 100. `Product` is on the product's own scale, so only GuardDuty's is read, and
/// only if it agrees with the level.
fn gauge(json: Option<Json<'_>>, is_guardduty: bool) -> Gauge {
    let Some(json) = json else { return Gauge::default() };
    if json.kind() != Kind::Object {
        return match Cow::<str>::read(json) {
            Some(word) => Gauge::from_word(&word),
            None => Gauge::Unreadable(json.raw().to_owned()),
        };
    }
    let measure = Measure::read(json).unwrap_or_default();
    let score = measure.product.filter(|_| is_guardduty).and_then(Severity::of_score);
    let word = measure.label.as_deref().map(Gauge::from_word).unwrap_or_default();
    let gauge = word.or(|| match measure.normalized {
        Some(number) => Level::from_normalized(number)
            .map_or_else(|| Gauge::Unreadable(number.to_string()), Gauge::level),
        None => score.map(Gauge::Read).unwrap_or_default(),
    });
    match (gauge, score) {
        (Gauge::Read(severity), Some(score)) if severity.level == score.level => Gauge::Read(score),
        (gauge, _) => gauge,
    }
}

#[cfg(test)]
mod tests;
