//! The results of an insight, which a person sends by a custom action of Security Hub. They are a
//! list of values with counts and hold no findings, so they are one finding of their own.
//!
//! Source: Security Hub user guide, "EventBridge event formats", Security Hub Insight Results.

use std::borrow::Cow;

use super::draft::Draft;
use super::envelope::Envelope;
use super::gauge::Gauge;
use super::json::{Json, Kind};
use super::lenient::{Read, Str, borrowed, object};
use super::model::Finding;
use super::phrase::{joined, listed, part};
use super::product::Product;
use super::reject::Rejection;
use super::severity::Level;

/// The results that the card names. An event has up to 100.
const NAMED_MAX: usize = 5;

object! {
    struct Document<'a> {
        arn: Str<'a> = "insightArn",
        name: Str<'a> = "insightName",
        action: Str<'a> = "actionName",
        /// The attribute that the results are values of.
        attribute: Str<'a> = "resultType",
        results: Option<Json<'a>> = "insightResults",
    }
}

pub(super) fn read(json: Json<'_>, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
    let document = Document::read(json).unwrap_or_default();
    let title = document.name.as_deref().map(|name| Cow::Owned(format!("Insight: {name}")));
    let results = document.results.and_then(results);
    let description = results.and_then(|results| {
        joined([document.attribute.as_deref().map(part), Some(results.into())], ": ")
    });
    let mut draft = Draft {
        product: Product::SecurityHub,
        id: borrowed(&document.arn).or_else(|| borrowed(&document.name)),
        id_key: "insightArn",
        kind: Some(Cow::Borrowed("Security Hub insight")),
        title,
        description: description.map(Cow::Owned),
        severity: Gauge::level(Level::Medium),
        created_at: envelope.time,
        updated_at: envelope.time,
        ..Draft::default()
    };
    draft.complete_from(document.arn.as_deref());
    let mut envelope = envelope.clone();
    if let Some(request) = &mut envelope.request {
        request.action = borrowed(&document.action);
    }
    draft.finish(&envelope)
}

/// `[{"first": 5}, {"second": 6}]` as `first (5), second (6)`.
fn results(json: Json<'_>) -> Option<String> {
    let objects = match json.kind() {
        Kind::Array => json.items().collect(),
        _ => vec![json],
    };
    let total = objects.iter().map(|object| object.entries().count()).sum();
    let named = objects.iter().flat_map(|object| object.entries()).take(NAMED_MAX);
    let shown = named.map(|(name, count)| match Cow::<str>::read(count) {
        Some(count) => format!("{} ({})", part(&name), part(&count)),
        None => part(&name).into_owned(),
    });
    listed(shown.collect(), total)
}
