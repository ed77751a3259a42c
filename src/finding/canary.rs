//! Canaries: events that hansho puts on a bus to check that findings would arrive. A canary is not
//! a finding, and is posted only if it asks for it.
//!
//! Only the source and the detail-type of the event around it make a canary, never the contents of
//! a finding. So outsiders, whose text a finding may hold, cannot turn a finding into a canary,
//! which would not be posted. The policies of the buses decide who may put such events (`infra/`).

use std::borrow::Cow;

use serde_json::json;

use super::draft::Draft;
use super::envelope::Envelope;
use super::fingerprint::Fingerprint;
use super::gauge::Gauge;
use super::json::Json;
use super::lenient::{Read as _, Str, object};
use super::model::{Canary, Finding};
use super::product::Product;
use super::reject::{RejectCode, Rejection};
use super::severity::Level;
use super::text::Text;
use crate::instants::Wall;

/// The event's source and detail-type.
pub const SOURCE: &str = "hansho.canary";
pub const DETAIL_TYPE: &str = "hansho canary";

/// A UUID has 36 characters.
const ID_CHARS_MAX: usize = 64;
/// The longest name of a region has about 16 characters.
const REGION_CHARS_MAX: usize = 32;

/// A canary to be put on a bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryEvent {
    /// 1 to 64 letters, digits and hyphens; never used twice.
    pub id: String,
    /// Where it starts: a region, or a word for a place without one, see [`is_start`].
    pub region: String,
    pub put_at: Wall,
    pub post: bool,
}

impl CanaryEvent {
    /// The event's `detail`.
    pub fn detail(&self) -> String {
        let CanaryEvent { id, region, put_at, post } = self;
        json!({ "id": id, "region": region, "put_at": put_at.0, "post": post }).to_string()
    }

    /// Its key in the ledger.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint {
            product: Product::Hansho.as_str().to_owned(),
            account: String::new(),
            region: self.region.clone(),
            id: self.id.clone(),
        }
    }
}

/// Returns whether an event is a canary.
pub(super) fn is_canary(source: Option<&str>, detail_type: Option<&str>) -> bool {
    source == Some(SOURCE) && detail_type == Some(DETAIL_TYPE)
}

/// Returns whether a canary can start at a place of this name: 1 to 32 lower-case letters, digits
/// and hyphens. A bus outside AWS has no region, so any such word will do.
pub fn is_start(text: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=REGION_CHARS_MAX).contains(&text.len()) && text.chars().all(good)
}

object! {
    struct Detail<'a> {
        id: Str<'a> = "id",
        region: Str<'a> = "region",
        put_at: Option<Wall> = "put_at",
        post: Option<bool> = "post",
    }
}

/// Reads a canary's `detail`. A canary that hansho did not make is rejected, so that its sender
/// sees the error.
pub(super) fn read(json: Json<'_>, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
    let detail = Detail::read(json).unwrap_or_default();
    let reject = |key: &str, why: &str| {
        Err(Rejection::new(RejectCode::NoIdentity, &envelope.place_of(key), why))
    };
    let Some(id) = detail.id.as_deref().filter(|id| is_id(id)) else {
        return reject("id", "a canary's id has 1 to 64 letters, digits and hyphens");
    };
    let Some(region) = detail.region.as_deref().filter(|region| is_start(region)) else {
        return reject("region", "a canary's region has 1 to 32 of a-z 0-9 -");
    };
    let put_at = detail.put_at.or(envelope.time);
    let draft = Draft {
        product: Product::Hansho,
        id_key: "id",
        id: Some(Cow::Borrowed(id)),
        region: Some(Cow::Borrowed(region)),
        kind: Some(Cow::Borrowed("Canary")),
        title: Some(Cow::Owned(format!(
            "Canary: a test of the way from {region} to this channel. Nothing is wrong."
        ))),
        description: Some(Cow::Borrowed(
            "Somebody asked hansho to check that findings arrive here. There is nothing to do.",
        )),
        // The lowest level, so that a test never comes before a finding.
        severity: Gauge::level(Level::Informational),
        updated_at: put_at,
        ..Draft::default()
    };
    let mut finding = draft.finish(envelope)?;
    finding.region = Text::new(region, REGION_CHARS_MAX);
    finding.canary = Some(Canary { put_at, post: detail.post == Some(true) });
    Ok(finding)
}

fn is_id(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (1..=ID_CHARS_MAX).contains(&text.len()) && text.chars().all(good)
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    const AT: Wall = Wall(1_790_000_000_123);

    fn event() -> CanaryEvent {
        CanaryEvent { id: "c-1".into(), region: "eu-west-1".into(), put_at: AT, post: false }
    }

    /// The event as EventBridge delivers it.
    fn envelope(source: &str, detail_type: &str, detail: &str) -> String {
        format!(
            r#"{{"version":"0","id":"e","detail-type":"{detail_type}","source":"{source}",
            "account":"111122223333","time":"2026-09-21T13:33:20Z","region":"eu-west-1",
            "resources":[],"detail":{detail}}}"#
        )
    }

    fn only(body: &str) -> Finding {
        let mut parsed = parse(body);
        assert!(parsed.rejections.is_empty(), "{:?}", parsed.rejections);
        assert_eq!(parsed.findings.len(), 1);
        parsed.findings.remove(0)
    }

    #[test]
    fn what_is_put_is_read() {
        for post in [false, true] {
            let event = CanaryEvent { post, ..event() };
            let finding = only(&envelope(SOURCE, DETAIL_TYPE, &event.detail()));
            assert_eq!(finding.canary, Some(Canary { put_at: Some(AT), post }));
            assert_eq!(finding.fingerprint, event.fingerprint());
            assert_eq!(finding.fingerprint.to_string(), "hansho/-/eu-west-1/c-1");
            assert_eq!(finding.severity.level, Level::Informational);
            assert_eq!(finding.account.as_str(), "111122223333");
            assert!(finding.title.as_str().contains("test") && finding.remarks.is_empty());
        }
    }

    #[test]
    fn a_start_outside_aws_is_shown() {
        let detail = r#"{"id":"c-1","region":"office"}"#;
        let finding = only(&envelope(SOURCE, DETAIL_TYPE, detail));
        assert_eq!(finding.region.as_str(), "office");
        assert_eq!(finding.fingerprint.to_string(), "hansho/-/office/c-1");
    }

    #[test]
    fn without_a_time_of_its_own_the_events_counts() {
        let detail = r#"{"id":"c-1","region":"eu-west-1"}"#;
        let finding = only(&envelope(SOURCE, DETAIL_TYPE, detail));
        let put_at = Some(Wall(1_789_997_600_000));
        assert_eq!(finding.canary, Some(Canary { put_at, post: false }));
    }

    #[test]
    fn one_that_hansho_did_not_make_is_refused() {
        let long = format!(r#"{{"id":"{}","region":"r"}}"#, "a".repeat(65));
        for (detail, place) in [
            (r#"{"region":"r"}"#, "detail.id"),
            (r#"{"id":"","region":"r"}"#, "detail.id"),
            (r#"{"id":"../x","region":"r"}"#, "detail.id"),
            (r#"{"id":"<!here>","region":"r"}"#, "detail.id"),
            (&long, "detail.id"),
            (r#"{"id":"a"}"#, "detail.region"),
            (r#"{"id":"a","region":"EU west"}"#, "detail.region"),
            (r#"{"id":"a","region":"<!here>"}"#, "detail.region"),
            (r#""text""#, "detail.id"),
            ("[1]", "detail.id"),
        ] {
            let parsed = parse(&envelope(SOURCE, DETAIL_TYPE, detail));
            assert!(parsed.findings.is_empty(), "{detail}");
            let places: Vec<&str> = parsed.rejections.iter().map(|r| r.place.as_str()).collect();
            assert_eq!(places, [place], "{detail}");
        }
    }

    /// A canary is not posted, so nothing that outsiders can write may become one.
    #[test]
    fn only_the_event_itself_makes_a_canary() {
        let canary = envelope(SOURCE, DETAIL_TYPE, &event().detail());
        let text = serde_json::to_string(&canary).unwrap();
        let asff = r#"{"SchemaVersion":"2018-10-08","Id":"f","AwsAccountId":"111122223333",
            "ProductArn":"arn:aws:securityhub:r:1:product/1/default","ProductName":"hansho",
            "Region":"r","Title":"t","Severity":{"Label":"HIGH"},"source":"hansho.canary",
            "detail-type":"hansho canary","detail":{"id":"a","region":"r"}}"#;
        let bodies = [
            envelope("aws.securityhub", DETAIL_TYPE, &event().detail()),
            envelope(SOURCE, "GuardDuty Finding", &event().detail()),
            envelope("aws.securityhub", "Security Hub Findings - Imported", &canary),
            envelope("aws.guardduty", "GuardDuty Finding", &canary),
            format!(r#"{{"findings":[{canary}]}}"#),
            format!("[{canary}]"),
            text.clone(),
            format!(r#"{{"Type":"Notification","TopicArn":"t","Message":{text}}}"#),
            format!(r#"{{"Records":[{{"body":{text}}}]}}"#),
            format!(r#"{{"one":{canary}}}"#),
            asff.to_owned(),
            envelope("aws.securityhub", "Security Hub Findings - Imported", asff),
            event().detail(),
        ];
        for body in bodies {
            let parsed = parse(&body);
            assert!(parsed.findings.iter().all(|f| f.canary.is_none()), "{body}");
            assert!(!parsed.findings.is_empty() || !parsed.rejections.is_empty(), "{body}");
        }
    }
}
