//! What a person sends on purpose: Security Hub's custom actions.
//!
//! Somebody pressed a button for these findings. They are posted whatever the thresholds, the
//! ledger and their state say, once for each event. So their fingerprints name the event.
//!
//! Source: Security Hub user guide, "Using EventBridge for automated response and remediation",
//! event formats.

use std::borrow::Cow;

use super::fingerprint::{EVENT_ID_START, Fingerprint, sha256};
use super::lenient::Str;
use super::text::Text;
use crate::instants::Wall;

/// Security Hub allows 20 characters.
/// Source: Security Hub API reference, CreateActionTarget.
const ACTION_CHARS_MAX: usize = 64;
/// EventBridge's ids are UUIDs of 36 characters.
const EVENT_ID_CHARS_MAX: usize = 64;

/// The detail-type of the results of an insight, see [`insight`](super::insight).
pub(super) const INSIGHT_RESULTS: &str = "Security Hub Insight Results";
const CUSTOM_ACTION: &str = "Security Hub Findings - Custom Action";

/// The event around what a person sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Request<'a> {
    event: Str<'a>,
    /// The action's name, as the event's `detail` says it.
    pub action: Str<'a>,
}

impl<'a> Request<'a> {
    /// Recognises an event that a person sent, by its detail-type. `id` is the event's.
    pub fn of(detail_type: Option<&str>, id: Str<'a>) -> Option<Request<'a>> {
        matches!(detail_type?.trim(), CUSTOM_ACTION | INSIGHT_RESULTS)
            .then_some(Request { event: id, action: None })
    }

    /// The action's name for a card.
    pub fn action_name(&self) -> Text {
        let name = self.action.as_deref().map(|name| Text::new(name, ACTION_CHARS_MAX));
        name.filter(|name| !name.is_empty())
            .unwrap_or_else(|| Text::new("custom action", ACTION_CHARS_MAX))
    }

    /// The id in the fingerprint: `event/EVENT/ID`. Copies of one event have the same. `id` is the
    /// finding's own; a long one is replaced by its SHA-256. An event without an id is known by its
    /// time.
    pub fn finding_id(&self, id: &str, time: Option<Wall>) -> String {
        let event = self.event.as_deref().unwrap_or_default().trim();
        let event: Cow<'_, str> = match is_event_id(event) {
            true => event.into(),
            false if event.is_empty() => time.map(Wall::to_rfc3339).unwrap_or_default().into(),
            false => sha256(event).into(),
        };
        Fingerprint::bounded_id(&format!("{EVENT_ID_START}{event}/"), id)
    }
}

fn is_event_id(text: &str) -> bool {
    (1..=EVENT_ID_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Finding, Level, Parsed, parse, parse_wanted};

    const CONTROL: &str = r#"{"SchemaVersion":"2018-10-08","Id":"arn:aws:securityhub:eu-west-1:111122223333:x/finding/1",
        "ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/securityhub",
        "AwsAccountId":"111122223333","Region":"eu-west-1","Severity":{"Label":"LOW"},
        "Workflow":{"Status":"RESOLVED"},"Title":"t"}"#;

    fn event(detail_type: &str, id: &str, detail: &str) -> String {
        format!(
            r#"{{"version":"0","id":{id},"detail-type":"{detail_type}","source":"aws.securityhub",
            "account":"111122223333","time":"2026-09-21T13:33:20Z","region":"eu-west-1",
            "resources":["arn:aws:securityhub:eu-west-1:111122223333:action/custom/slack"],
            "detail":{detail}}}"#
        )
    }

    fn action(id: &str, name: &str) -> String {
        let detail = format!(r#"{{"actionName":{name},"findings":[{CONTROL}]}}"#);
        event(CUSTOM_ACTION, id, &detail)
    }

    fn only(body: &str) -> Finding {
        // Below every threshold, and closed: wanted all the same.
        let Parsed { mut findings, unwanted, ignored, rejections } = parse_wanted(body, &|_| false);
        assert!(unwanted.is_empty() && ignored.is_empty() && rejections.is_empty(), "{body}");
        assert_eq!(findings.len(), 1, "{body}");
        findings.remove(0)
    }

    #[test]
    fn each_event_is_a_finding_of_its_own() {
        let own = parse(CONTROL).findings.remove(0);
        let first = only(&action(r#""e-1""#, r#""Send to Slack""#));
        assert_eq!(first, only(&action(r#""e-1""#, r#""Send to Slack""#)));
        assert_eq!(
            first.fingerprint.id,
            "event/e-1/arn:aws:securityhub:eu-west-1:111122223333:x/finding/1"
        );
        assert_eq!(first.product_id(), own.fingerprint.id);
        assert_eq!(own.product_id(), own.fingerprint.id);
        assert!(first.condition.is_closed(), "the card says so");
        let second = only(&action(r#""e-2""#, r#""Send to Slack""#));
        assert_ne!(first.fingerprint, second.fingerprint);
    }

    #[test]
    fn names_and_ids_are_bounded() {
        let long = "x".repeat(500);
        for (id, name, event, shown) in [
            (r#""e-1""#, r#""Send to Slack""#, "e-1", "Send to Slack"),
            (r#""e-1""#, "\"a\\u202e\\u0000b\"", "e-1", "a b"),
            (r#""e-1""#, "null", "e-1", "custom action"),
            (r#""e-1""#, "{}", "e-1", "custom action"),
            ("null", r#""a""#, "2026-09-21T13:33:20Z", "a"),
        ] {
            let finding = only(&action(id, name));
            assert!(finding.fingerprint.id.starts_with(&format!("event/{event}/arn:")), "{id}");
            assert_eq!(finding.requested_by.unwrap().as_str(), shown, "{name}");
        }
        for id in ["../x", "<!here>", &long] {
            let finding = only(&action(&format!("\"{id}\""), &format!("\"{long}\"")));
            let event = finding.fingerprint.id.split('/').nth(1).unwrap().to_owned();
            assert!(event.len() == 64 && is_event_id(&event), "{event}");
            assert!(finding.requested_by.unwrap().as_str().chars().count() <= ACTION_CHARS_MAX);
        }
        let request = Request::of(Some(CUSTOM_ACTION), Some("e".into())).unwrap();
        let id = request.finding_id(&"i".repeat(Fingerprint::MAX_ID_BYTES), None);
        assert!(id.starts_with("event/e/sha256:") && id.len() < 100, "{id}");
    }

    #[test]
    fn an_insight_is_one_finding_with_its_first_results() {
        let results: Vec<String> = (0..9).map(|i| format!(r#"{{"role-{i}":{i}}}"#)).collect();
        let detail = format!(
            r#"{{"actionName":"Send","actionDescription":"d","insightName":"Keys <!here>",
            "insightArn":"arn:aws:securityhub:eu-west-1:444455556666:insight/444455556666/custom/1",
            "resultType":"ResourceId","number of results":"9","insightResults":[{}]}}"#,
            results.join(",")
        );
        let finding = only(&event(INSIGHT_RESULTS, r#""e-3""#, &detail));
        assert_eq!(finding.title.as_str(), "Insight: Keys <!here>");
        assert_eq!(finding.severity.level, Level::Medium);
        assert!(finding.remarks.len() <= 1, "{:?}", finding.remarks);
        assert_eq!(
            finding.description.unwrap().as_str(),
            "ResourceId: role-0 (0), role-1 (1), role-2 (2), role-3 (3), role-4 (4) +4 more"
        );
        assert_eq!(finding.requested_by.unwrap().as_str(), "Send");
        assert_eq!(finding.account.as_str(), "444455556666");

        let bare = only(&event(INSIGHT_RESULTS, r#""e-3""#, r#"{"insightName":"n"}"#));
        assert_eq!(bare.fingerprint.id, "event/e-3/n");
        assert_eq!(bare.description, None);
        let parsed = parse(&event(INSIGHT_RESULTS, r#""e-3""#, r#"{"resultType":"r"}"#));
        assert_eq!(parsed.rejections[0].place.as_str(), "detail.insightArn");
    }
}
