//! Findings in the AWS Security Finding Format, as Security Hub (CSPM) sends them on: its own
//! controls, copies of other AWS products' findings, and what third parties import.
//!
//! Source: Security Hub user guide, "AWS Security Finding Format (ASFF)"; API reference,
//! `AwsSecurityFinding`.

mod actor;
mod resource;

pub(super) use resource::plain_kind;

use std::borrow::Cow;

use super::arn::Arn;
use super::draft::{Draft, Envelope, Gauge};
use super::json::{Json, Kind};
use super::lenient::{List, Read, Str, object};
use super::native::{Native, original, product_name};
use super::{Finding, Level, Rejection, Severity, access_analyzer, guardduty};
use crate::instants::Wall;

object! {
    struct Document<'a> {
        id: Str<'a> = "Id",
        account: Str<'a> = "AwsAccountId",
        region: Str<'a> = "Region",
        product_arn: Str<'a> = "ProductArn",
        product: Str<'a> = "ProductName",
        company: Str<'a> = "CompanyName",
        kinds: List<Cow<'a, str>, 1> = "Types",
        generator: Str<'a> = "GeneratorId",
        title: Str<'a> = "Title",
        description: Str<'a> = "Description",
        severity: Option<Json<'a>> = "Severity",
        provider: Provider<'a> = "FindingProviderFields",
        fields: Fields<'a> = "ProductFields",
        source_url: Str<'a> = "SourceUrl",
        created_at: Option<Wall> = "CreatedAt",
        updated_at: Option<Wall> = "UpdatedAt",
        first_seen: Option<Wall> = "FirstObservedAt",
        last_seen: Option<Wall> = "LastObservedAt",
        state: Str<'a> = "RecordState",
        workflow: Workflow<'a> = "Workflow",
        sample: Option<bool> = "Sample",
        resources: List<resource::Resource<'a>, 10> = "Resources",
        act: actor::Act<'a> = "Action",
        network: actor::Network<'a> = "Network",
        process: actor::Process<'a> = "Process",
        malware: List<actor::Malware<'a>, 3> = "Malware",
        threats: List<actor::Indicator<'a>, 3> = "ThreatIntelIndicators",
    }
    struct Workflow<'a> {
        status: Str<'a> = "Status",
    }
    struct Provider<'a> {
        severity: Option<Json<'a>> = "Severity",
        kinds: List<Cow<'a, str>, 1> = "Types",
    }
    struct Measure<'a> {
        label: Str<'a> = "Label",
        normalized: Option<f64> = "Normalized",
        product: Option<f64> = "Product",
    }
    /// What products add under names of their own.
    struct Fields<'a> {
        /// Access Analyzer's own id; its ASFF Id is made of the analyzer's and the resource's names.
        finding_id: Str<'a> = "findingId",
        finding_type: Str<'a> = "findingType",
        resource_owner: Str<'a> = "ResourceOwnerAccount",
        /// GuardDuty's additionalInfo, flattened.
        sample: Option<bool> = "aws/guardduty/service/additionalInfo/sample",
        count: Option<u64> = "aws/guardduty/service/count",
        archived: Option<bool> = "aws/guardduty/service/archived",
    }
}

pub(super) fn read(json: Json<'_>, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
    let document = Document::read(json).unwrap_or_default();
    let id = document.id.as_deref();
    let native = id.and_then(|id| original(id, document.product_arn.as_deref()));
    let is_guardduty = native.as_ref().is_some_and(|native| native.product == guardduty::PRODUCT);
    let kinds = document.kinds.first().or_else(|| document.provider.kinds.first());
    let title = document.title.as_deref();
    let mut draft = Draft {
        product: product_name(
            document.product_arn.as_deref(),
            document.company.as_deref(),
            document.product.as_deref(),
        )
        .into(),
        id: id.map(Cow::Borrowed),
        id_key: "Id",
        account: document.account.as_deref().map(Cow::Borrowed),
        region: document.region.as_deref().map(Cow::Borrowed),
        partition: document.partition().map(Cow::Borrowed),
        kind: kinds.map(AsRef::as_ref).or(document.generator.as_deref()).map(Cow::Borrowed),
        title: title.map(Cow::Borrowed),
        description: document.description.as_deref().map(Cow::Borrowed),
        severity: document.gauge(is_guardduty),
        created_at: document.created_at,
        updated_at: document.updated_at,
        first_seen: document.first_seen,
        last_seen: document.last_seen,
        count: document.fields.count,
        sample: document.sample.or(document.fields.sample).unwrap_or(false)
            || title.is_some_and(|title| title.trim_start().starts_with("[SAMPLE]")),
        archived: document.is_archived(),
        resource: resource::describe(&document.resources),
        actor: document.describe_actor(),
    };
    draft.complete_from(id);
    draft.complete_from(document.product_arn.as_deref());
    if let Some(native) = native {
        document.take_identity(&mut draft, native);
    }
    draft.finish(envelope)
}

impl<'a> Document<'a> {
    /// Gives the copy the identity of its original.
    fn take_identity<'d>(&'d self, draft: &mut Draft<'d>, native: Native<'d>) {
        // The original's own name tells its region, whichever region Security Hub aggregates in.
        let named = self.id.as_deref().and_then(Arn::parse);
        if let Some(arn) = named.filter(|arn| !arn.region.is_empty()) {
            draft.region = Some(Cow::Borrowed(arn.region));
        }
        draft.product = native.product.into();
        draft.id = Some(native.id);
        if draft.product == access_analyzer::PRODUCT {
            draft.id = self.analyzer_id().map(Cow::Borrowed).or(draft.id.take());
            // The account of an organisation's analyzer isn't the one that the finding is about.
            let owner = self.fields.resource_owner.as_deref().map(Cow::Borrowed);
            draft.account = owner.or(draft.account.take());
            // Events about unused and internal access, the only ones with this field, tell no
            // region.
            draft.region = draft.region.take().filter(|_| self.fields.finding_type.is_none());
        }
    }

    /// Access Analyzer's id: a field of its own, or the end of the console's address, which looks
    /// like `…#/findings/details/ID`.
    fn analyzer_id(&self) -> Option<&str> {
        let by_url = || Some(self.source_url.as_deref()?.rsplit_once("/findings/details/")?.1);
        self.fields.finding_id.as_deref().or_else(by_url)
    }

    /// Archived by its product, or done with in Security Hub.
    fn is_archived(&self) -> bool {
        let settled = matches!(self.workflow.status.as_deref(), Some("RESOLVED" | "SUPPRESSED"));
        self.state.as_deref() == Some("ARCHIVED") || settled || self.fields.archived == Some(true)
    }

    fn partition(&self) -> Option<&str> {
        let arn = |text: &'_ Str<'a>| -> bool { text.as_deref().and_then(Arn::parse).is_some() };
        let by_arn = [&self.id, &self.product_arn].into_iter().find(|text| arn(text));
        by_arn.and_then(|text| Arn::parse(text.as_deref()?)).map(|arn| arn.partition)
    }

    /// The label, else the number from 0 to 100, else what the provider said.
    fn gauge(&self, is_guardduty: bool) -> Gauge {
        gauge(self.severity, is_guardduty).or(|| gauge(self.provider.severity, is_guardduty))
    }
}

/// `{"Label": "HIGH", "Normalized": 70, "Product": 8.0}`, or a word alone. `Product` is in the
/// product's own scale, so only GuardDuty's can be read, and only beside a level that it agrees
/// with.
fn gauge(json: Option<Json<'_>>, is_guardduty: bool) -> Gauge {
    let Some(json) = json else { return Gauge::default() };
    if json.kind() != Kind::Object {
        return match Cow::<str>::read(json) {
            Some(word) => Gauge::as_str(&word),
            None => Gauge::Unreadable(json.raw().to_owned()),
        };
    }
    let measure = Measure::read(json).unwrap_or_default();
    let score = measure.product.filter(|_| is_guardduty).and_then(Severity::of_score);
    let word = measure.label.as_deref().map(Gauge::as_str).unwrap_or_default();
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
