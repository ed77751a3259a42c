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
use super::contradiction::{Every, Field, refuse};
use super::control::Control;
use super::draft::Draft;
use super::envelope::Envelope;
use super::gauge::Gauge;
use super::guardduty::Observed;
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
    refuse(document.keys(), envelope)?;
    let id = document.id.as_deref();
    let original = id.and_then(|id| original(id, document.product_arn.as_deref()));
    let is_guardduty = original.as_ref().is_some_and(|own| own.product == Product::GuardDuty);
    let control = document.control();
    let target = resource::target(&document.resources);
    let resource = resource::describe(&document.resources);
    let mut observed = document.observed(is_guardduty, resource.as_deref());
    let (actor_label, actor) = actor::describe(&document, observed.actor.take());
    let mut draft = Draft {
        product: document.product(),
        id: id.map(Cow::Borrowed),
        id_key: "Id",
        account: borrowed(&document.account),
        region: borrowed(&document.region),
        partition: document.partition().map(Cow::Borrowed),
        kind: document.kind().map(Cow::Borrowed),
        title: borrowed(&document.title),
        description: borrowed(&document.description),
        severity: document.gauge(is_guardduty),
        created_at: document.created_at,
        updated_at: document.updated_at,
        first_seen: document.first_seen.or(observed.first_seen),
        last_seen: document.last_seen.or(observed.last_seen),
        count: document.fields.known.count,
        sample: document.is_sample(),
        condition: document.condition(is_guardduty),
        standards: document.standards(),
        resource_type: target.and_then(|one| resource_type(one.kind.as_deref()?)),
        resource,
        tags: target.map(|one| tags::texts(&one.tags.0)).unwrap_or_default(),
        actor,
        actor_label,
        facts: facts::collect(&document, control.map(|control| control.id()), observed.facts),
        ..Draft::default()
    };
    draft.dispute_state(document.disputes());
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
    /// The fields that tell findings apart.
    fn keys(&self) -> [Field<'_>; 9] {
        let own = &self.fields.known;
        [
            Field::of("Id", &self.id),
            Field::of("AwsAccountId", &self.account),
            Field::of("Region", &self.region),
            Field::of("ProductArn", &self.product_arn),
            Field::of("Types", &self.kinds),
            Field::of("GeneratorId", &self.generator),
            Field::of("Compliance.SecurityControlId", &self.compliance.control),
            Field::of("ProductFields.findingId", &own.finding_id),
            Field::of("ProductFields.ResourceOwnerAccount", &own.resource_owner),
        ]
    }

    fn product(&self) -> Product {
        let (company, name) = (self.company.as_deref(), self.product.as_deref());
        Product::of_security_hub(self.product_arn.as_deref(), company, name)
    }

    /// Which of the fields that say the state have two values.
    fn disputes(&self) -> [bool; 4] {
        [
            self.state.is_disputed(),
            self.workflow.is_disputed(),
            self.compliance.status.is_disputed(),
            self.fields.known.archived.is_disputed(),
        ]
    }

    /// Gives the copy the identity of its original.
    fn take_identity<'d>(&'d self, draft: &mut Draft<'d>, original: Original<'d>) {
        draft.take_identity(self.id.as_deref(), original);
        if draft.product == Product::AccessAnalyzer {
            draft.id = self.analyzer_id().map(Cow::Borrowed).or(draft.id.take());
            // An organisation's analyzer is in another account than the finding is about.
            let owner = borrowed(&self.fields.known.resource_owner);
            draft.account = owner.or(draft.account.take());
            // Events about unused and internal access have no region. Only they have this field.
            draft.region = draft.region.take().filter(|_| self.fields.known.finding_type.is_none());
        }
    }

    fn is_sample(&self) -> bool {
        self.sample.or(self.fields.known.sample).unwrap_or(false)
            || sample::is_marked(self.title.as_deref())
    }

    fn kind(&self) -> Option<&str> {
        let kinds = self.kinds.first().or_else(|| self.provider.kinds.first());
        kinds.map(AsRef::as_ref).or(self.generator.as_deref())
    }

    /// The activity, by the fields that copies of GuardDuty have, or else by the action. The
    /// resources of a call are a fact, unless `resource` names them.
    fn observed(&self, is_guardduty: bool, resource: Option<&str>) -> Observed {
        let copied = self.fields.all.filter(|_| is_guardduty).map(guardduty_copy::observed);
        let mut observed = copied.unwrap_or_default();
        if observed.actor.is_none()
            && let Some(action) = self.action.map(Observed::of_action)
        {
            observed = Observed {
                first_seen: observed.first_seen,
                last_seen: observed.last_seen,
                ..action
            };
        }
        let affected = observed.affected.take();
        let affected = affected.filter(|text| !resource.is_some_and(|said| said.contains(text)));
        observed.facts.add("Affected", affected);
        observed
    }

    /// Access Analyzer's id: its own field, or the end of the console's address,
    /// `…#/findings/details/ID`.
    fn analyzer_id(&self) -> Option<&str> {
        let by_url = || Some(self.source_url.as_deref()?.rsplit_once("/findings/details/")?.1);
        self.fields.known.finding_id.as_deref().or_else(by_url)
    }

    /// GuardDuty's own flag decides before Security Hub's record of it. An archived record and a
    /// passed check are resolved. The workflow is how people handled the finding.
    /// Source: Security Hub API reference, `AwsSecurityFinding`, `Compliance`, `Workflow`.
    fn condition(&self, is_guardduty: bool) -> Condition {
        let is = |text: &Str<'_>, word: &str| {
            text.as_deref().is_some_and(|text| text.trim().eq_ignore_ascii_case(word))
        };
        let product = if is_guardduty && *self.fields.known.archived == Some(true) {
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
        let ids = associated.chain([&self.fields.known.standard, &self.fields.known.guide]);
        standards::names(ids.filter_map(|id| id.as_deref()))
    }

    fn partition(&self) -> Option<&str> {
        let names = [&self.id, &self.product_arn].into_iter();
        names.filter_map(|name| Arn::parse(name.as_deref()?)?.partition_name()).next()
    }

    /// The severity, or else the one that the provider gave.
    fn gauge(&self, is_guardduty: bool) -> Gauge {
        let worst = |all: &Every<'_>| all.worst(|json| gauge(json, is_guardduty));
        let worst = |all| worst(all).unwrap_or_default();
        worst(&self.severity).or(|| worst(&self.provider.severity))
    }
}

/// Reads `{"Label": "HIGH", "Normalized": 70, "Product": 8.0}`, or a word: the label, or else the
/// number from 0 to 100. `Product` is on the product's own scale, so only GuardDuty's is read, and
/// only if it agrees with the level.
fn gauge(json: Json<'_>, is_guardduty: bool) -> Gauge {
    if json.kind() != Kind::Object {
        return match Cow::<str>::read(json) {
            Some(word) => Gauge::from_word(&word),
            None => Gauge::Unreadable(json.raw().to_owned()),
        };
    }
    let measure = Measure::read(json).unwrap_or_default();
    let score = measure.product.filter(|_| is_guardduty).and_then(Severity::of_score);
    let word = measure.label.worst(Gauge::word).unwrap_or_default();
    let gauge = word.or(|| {
        let number = measure.normalized.worst(normalized);
        number.or_else(|| score.map(Gauge::Read)).unwrap_or_default()
    });
    match (gauge, score) {
        (Gauge::Read(severity), Some(score)) if severity.level == score.level => Gauge::Read(score),
        (gauge, _) => gauge,
    }
}

fn normalized(json: Json<'_>) -> Gauge {
    let number = f64::read(json);
    let level = number.and_then(Level::from_normalized);
    let found = || number.map(|number| number.to_string()).unwrap_or_default();
    level.map_or_else(|| Gauge::Unreadable(found()), Gauge::level)
}

#[cfg(test)]
mod tests;
