//! Reads where a dead letter comes from out of its attributes, and writes them again. They are
//! those of hansho's quarantine (see [`super::quarantine_attributes`]), those that EventBridge sets
//! on events that it could not deliver, and the source queue that SQS names.
//! Sources: EventBridge user guide, "Using dead-letter queues to process undelivered events"; SQS
//! API reference, ReceiveMessage, `DeadLetterQueueSourceArn`.

use std::collections::BTreeMap;

use crate::instants::Wall;
use crate::ports::{DeadLetter, Lane, MessageId, Origin};

use super::quarantine_attributes::{
    Attribute, DETAIL_BYTES_MAX, ENCODING_ATTRIBUTE, ID_BYTES_MAX, REASON_BYTES_MAX, moment,
    number, original_body, text,
};

const RULE: &str = "RULE_ARN";
const TARGET: &str = "TARGET_ARN";
const ERROR_CODE: &str = "ERROR_CODE";
const ERROR_MESSAGE: &str = "ERROR_MESSAGE";
const EXHAUSTED: &str = "EXHAUSTED_RETRY_CONDITION";
const ATTEMPTS: &str = "RETRY_ATTEMPTS";
/// The source queue of a dead letter that an import put back. SQS sets its own attribute only when
/// it moves a message itself.
const SOURCE: &str = "hansho.source";

/// AWS allows ARNs of 2048 characters. Those of queues and rules are much shorter.
const ARN_BYTES_MAX: usize = 1024;

/// A message as SQS returned it. Binary attributes are left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Raw {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) sent_at: Option<Wall>,
    /// `DeadLetterQueueSourceArn`.
    pub(super) source: Option<String>,
}

impl Raw {
    fn text(&self, name: &str) -> Option<String> {
        self.attributes.get(name).filter(|value| !value.is_empty()).cloned()
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.attributes.get(name)?.trim().parse().ok()
    }

    fn moment(&self, name: &str) -> Option<Wall> {
        Wall::parse_rfc3339(self.attributes.get(name)?)
    }

    fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.attributes.contains_key(*name))
    }
}

/// Reads a message. If the body left no room for any attribute, its origin is
/// [`Origin::DeadLetter`] without a source.
pub(super) fn read(raw: Raw) -> DeadLetter {
    let encoding = raw.attributes.get(ENCODING_ATTRIBUTE).map(String::as_str);
    let body = original_body(&raw.body, encoding).unwrap_or_else(|| raw.body.clone());
    let mut letter = DeadLetter {
        id: MessageId(raw.id.clone()),
        body,
        origin: Origin::Quarantine,
        reason: None,
        detail: None,
        attempts: None,
        lane: raw.text("hansho.lane").and_then(|word| Lane::from_name(&word)),
        original_id: raw.text("hansho.message_id").map(MessageId),
        enqueued_at: raw.moment("hansho.enqueued_at"),
        quarantined_at: raw.moment("hansho.parked_at").or(raw.sent_at),
    };
    if raw.has_any(&["hansho.reason", "hansho.detail", "hansho.receive_count"]) {
        letter.reason = raw.text("hansho.reason");
        letter.detail = raw.text("hansho.detail");
        letter.attempts = raw.number("hansho.receive_count");
    } else if raw.has_any(&[RULE, TARGET, ERROR_CODE, ERROR_MESSAGE, EXHAUSTED, ATTEMPTS]) {
        letter.origin = Origin::EventBridge {
            rule: raw.text(RULE),
            target: raw.text(TARGET),
            exhausted: raw.text(EXHAUSTED),
        };
        letter.reason = raw.text(ERROR_CODE);
        letter.detail = raw.text(ERROR_MESSAGE);
        letter.attempts = raw.number(ATTEMPTS);
    } else if !raw.has_any(&["hansho.lane"]) {
        let source = raw.source.clone().or_else(|| raw.text(SOURCE));
        // A message that SQS moves keeps the time of its first send.
        // Source: SQS developer guide, "Configuring a dead-letter queue", message retention.
        if source.is_some() {
            letter.enqueued_at = letter.enqueued_at.or(raw.sent_at);
            letter.quarantined_at = raw.moment("hansho.parked_at");
        }
        letter.origin = Origin::DeadLetter { source };
    }
    letter
}

/// The attributes from which [`read`] reads the same message, the most important first. SQS allows
/// ten, including the one for the encoding.
pub(super) fn write(message: &DeadLetter) -> Vec<Attribute> {
    let own = |name, value: &Option<String>, bytes_max| {
        value.as_ref().and_then(|value| text(name, value, bytes_max))
    };
    let mut all = match &message.origin {
        Origin::Quarantine => vec![
            own("hansho.reason", &message.reason, REASON_BYTES_MAX),
            message.lane.and_then(|lane| text("hansho.lane", lane.as_str(), ID_BYTES_MAX)),
            message.attempts.map(|count| number("hansho.receive_count", count)),
            own("hansho.detail", &message.detail, DETAIL_BYTES_MAX),
        ],
        Origin::EventBridge { rule, target, exhausted } => vec![
            own(ERROR_CODE, &message.reason, REASON_BYTES_MAX),
            own(TARGET, target, ARN_BYTES_MAX),
            own(RULE, rule, ARN_BYTES_MAX),
            message.attempts.map(|count| number(ATTEMPTS, count)),
            own(EXHAUSTED, exhausted, REASON_BYTES_MAX),
            own(ERROR_MESSAGE, &message.detail, DETAIL_BYTES_MAX),
        ],
        Origin::DeadLetter { source } => vec![own(SOURCE, source, ARN_BYTES_MAX)],
    };
    let original = message.original_id.as_ref().unwrap_or(&message.id);
    all.insert(1.min(all.len()), text("hansho.message_id", &original.0, ID_BYTES_MAX));
    all.push(moment("hansho.parked_at", message.quarantined_at));
    all.push(moment("hansho.enqueued_at", message.enqueued_at));
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(attributes: &[(&str, &str)]) -> Raw {
        Raw {
            id: "m-2".to_owned(),
            body: "{}".to_owned(),
            attributes: attributes.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            sent_at: Some(Wall(1_790_000_000_000)),
            source: None,
        }
    }

    #[test]
    fn the_three_origins_are_distinguished() {
        let own = read(raw(&[
            ("hansho.reason", "not_json"),
            ("hansho.detail", "line 1"),
            ("hansho.lane", "express"),
            ("hansho.message_id", "m-1"),
            ("hansho.receive_count", "3"),
            ("hansho.parked_at", "2026-09-21T13:00:00Z"),
        ]));
        assert_eq!(own.origin, Origin::Quarantine);
        assert_eq!((own.reason.as_deref(), own.attempts), (Some("not_json"), Some(3)));
        assert_eq!(own.quarantined_at.unwrap().to_rfc3339(), "2026-09-21T13:00:00Z");
        assert_eq!(
            (own.lane, own.original_id),
            (Some(Lane::Express), Some(MessageId("m-1".into())))
        );

        let bus = read(raw(&[
            ("RULE_ARN", "arn:rule"),
            ("TARGET_ARN", "arn:target"),
            ("ERROR_CODE", "THROTTLING"),
            ("ERROR_MESSAGE", "Rate exceeded"),
            ("EXHAUSTED_RETRY_CONDITION", "MaximumRetryAttempts"),
            ("RETRY_ATTEMPTS", "185"),
        ]));
        let Origin::EventBridge { rule, target, exhausted } = bus.origin else {
            panic!("{:?}", bus.origin)
        };
        assert_eq!((rule.as_deref(), target.as_deref()), (Some("arn:rule"), Some("arn:target")));
        assert_eq!(exhausted.as_deref(), Some("MaximumRetryAttempts"));
        assert_eq!((bus.reason.as_deref(), bus.attempts), (Some("THROTTLING"), Some(185)));
        assert_eq!(bus.quarantined_at, Some(Wall(1_790_000_000_000)));

        let moved = read(Raw { source: Some("arn:queue".to_owned()), ..raw(&[]) });
        assert_eq!(moved.origin, Origin::DeadLetter { source: Some("arn:queue".to_owned()) });
        assert_eq!(
            (moved.enqueued_at, moved.quarantined_at),
            (Some(Wall(1_790_000_000_000)), None)
        );

        let unknown = read(raw(&[]));
        assert_eq!(unknown.origin, Origin::DeadLetter { source: None });
        assert_eq!(unknown.quarantined_at, Some(Wall(1_790_000_000_000)));
    }

    #[test]
    fn odd_attributes_are_read_as_far_as_they_go() {
        let odd = read(raw(&[("RETRY_ATTEMPTS", "many"), ("ERROR_CODE", ""), ("RULE_ARN", "x")]));
        assert_eq!((odd.attempts, odd.reason), (None, None));
        let odd = read(raw(&[("hansho.encoding", "rot13"), ("hansho.lane", "slow")]));
        assert_eq!((odd.body.as_str(), odd.lane), ("{}", None));
        let odd = read(Raw {
            body: "\"a\\u0000\"".to_owned(),
            ..raw(&[("hansho.encoding", "json-string")])
        });
        assert_eq!(odd.body, "a\u{0}");
    }

    #[test]
    fn written_attributes_are_read_back() {
        let first = DeadLetter {
            id: MessageId("m-2".into()),
            body: "{}".to_owned(),
            origin: Origin::Quarantine,
            reason: Some("no_identity".to_owned()),
            detail: Some("detail.id".to_owned()),
            attempts: Some(2),
            lane: Some(Lane::Standard),
            original_id: Some(MessageId("m-1".into())),
            enqueued_at: Some(Wall(1_790_000_000_000)),
            quarantined_at: Some(Wall(1_790_000_060_000)),
        };
        let arn = |s: &str| Some(s.to_owned());
        let bus = Origin::EventBridge { rule: arn("r"), target: arn("t"), exhausted: arn("e") };
        for (origin, lane) in [(Origin::Quarantine, Some(Lane::Standard)), (bus, None)] {
            let message = DeadLetter { origin, lane, ..first.clone() };
            let written = write(&message);
            assert!(written.len() < 10);
            let attributes = written
                .into_iter()
                .map(|a| (a.name.to_owned(), a.value))
                .collect::<BTreeMap<_, _>>();
            let again = Raw { attributes, sent_at: Some(Wall(5)), ..raw(&[]) };
            assert_eq!(read(again), message);
        }
        let dead = DeadLetter {
            origin: Origin::DeadLetter { source: arn("q") },
            reason: None,
            detail: None,
            attempts: None,
            lane: None,
            quarantined_at: None,
            ..first
        };
        let attributes = write(&dead).into_iter().map(|a| (a.name.to_owned(), a.value)).collect();
        assert_eq!(read(Raw { attributes, sent_at: Some(Wall(5)), ..raw(&[]) }), dead);
    }
}
