//! The canary: an event that hansho puts on a bus itself, to see that findings would arrive. It is
//! no finding of anything, and is told to somebody only if it says so.
//!
//! A canary is known by the source and the detail-type of the event around it, never by what is in a
//! finding: whatever a product lets outsiders write, it can't be taken for a canary, which is told to
//! nobody. Who may put events of this source is decided by the buses (`infra/`).

use std::borrow::Cow;

use serde_json::json;

use super::draft::{Draft, Envelope, Gauge};
use super::json::Json;
use super::lenient::{Read as _, Str, object};
use super::{Finding, Fingerprint, Level, RejectCode, Rejection};
use crate::instants::Wall;

/// The event's source and detail-type.
pub const SOURCE: &str = "hansho.canary";
pub const DETAIL_TYPE: &str = "hansho canary";

const PRODUCT: &str = "hansho";
/// A UUID has 36 characters.
const ID_CHARS_MAX: usize = 64;
/// The longest name of a region has some 16.
const REGION_CHARS_MAX: usize = 32;

/// What is special about a finding that is a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canary {
    /// When it was put on the bus: by the clock of who put it, or, to the second, by EventBridge's.
    pub put_at: Option<Wall>,
    /// It is to be posted, to every destination. Otherwise nobody is told.
    pub post: bool,
}

/// A canary to be put on a bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryEvent {
    /// 1 to 64 letters, digits and hyphens; never used twice.
    pub id: String,
    /// Where it starts: 1 to 32 lower-case letters, digits and hyphens.
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

    /// What it is in the ledger.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint {
            product: PRODUCT.into(),
            account: String::new(),
            region: self.region.clone(),
            id: self.id.clone(),
        }
    }
}

/// Whether an event is a canary.
pub(super) fn is_canary(source: Option<&str>, detail_type: Option<&str>) -> bool {
    source == Some(SOURCE) && detail_type == Some(DETAIL_TYPE)
}

/// A name of a region, or what stands for one.
pub fn is_region(text: &str) -> bool {
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
    /// EventBridge's event around it.
    struct Event<'a> {
        time: Option<Wall> = "time",
    }
}

/// Reads a canary's `detail`. One that is not as hansho makes it is refused: who put it should know.
pub(super) fn read(
    json: Json<'_>,
    envelope: &Envelope<'_>,
    event: Json<'_>,
) -> Result<Finding, Rejection> {
    let detail = Detail::read(json).unwrap_or_default();
    let refuse = |key: &str, why: &str| {
        Err(Rejection::new(RejectCode::NoIdentity, &envelope.place_of(key), why))
    };
    let Some(id) = detail.id.as_deref().filter(|id| is_id(id)) else {
        return refuse("id", "a canary's id has 1 to 64 letters, digits and hyphens");
    };
    let Some(region) = detail.region.as_deref().filter(|region| is_region(region)) else {
        return refuse("region", "a canary's region has 1 to 32 of a-z 0-9 -");
    };
    let put_at = detail.put_at.or_else(|| Event::read(event)?.time);
    let draft = Draft {
        product: PRODUCT.into(),
        id_key: "id",
        id: Some(Cow::Borrowed(id)),
        region: Some(Cow::Borrowed(region)),
        kind: Some(Cow::Borrowed("Canary")),
        title: Some(Cow::Owned(format!(
            "Canary: a test of the way from {region} to this channel. Nothing is wrong."
        ))),
        description: Some(Cow::Borrowed(
            "Somebody asked hansho to try whether findings arrive here. There is nothing to do.",
        )),
        // The least, so that a test never goes before a finding.
        severity: Gauge::level(Level::Informational),
        updated_at: put_at,
        ..Draft::default()
    };
    let mut finding = draft.finish(envelope)?;
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

    /// As EventBridge would hand it on.
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

    /// A canary is told to nobody: nothing that outsiders can write may become one.
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
