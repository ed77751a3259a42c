//! From the answer to a receive to deliveries.

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use sha2::{Digest as _, Sha256};
use tracing::warn;

use super::AGAIN_ATTRIBUTE;
use crate::instants::Wall;
use crate::ports::{Delivery, Lane, MessageId, QueueError, Receipt};

/// The usable messages of one answer, at most `max`. The rest return when their visibility ends.
/// An answer in which no message is usable is an error.
pub(super) fn deliveries(
    lane: Lane,
    max: usize,
    messages: Vec<Message>,
) -> Result<Vec<Delivery>, QueueError> {
    let received = messages.len();
    let mut usable: Vec<_> = messages.into_iter().filter_map(|m| delivery(lane, m)).collect();
    if usable.is_empty() && received > 0 {
        let why = format!(
            "sqs ReceiveMessage: none of {received} messages has a receipt handle; \
             they return when their visibility ends"
        );
        return Err(QueueError::Unavailable(why.into()));
    }
    if usable.len() > max {
        // The buffer has no room for the rest. They return when their visibility ends.
        warn!(lane = lane.as_str(), asked = max, received, "sqs gave more messages than asked for");
        usable.truncate(max);
    }
    Ok(usable)
}

/// SQS promises all parts of a message. A message with a part missing must not vanish all the same:
///
/// - without a body, it is delivered as an empty one and ends in the quarantine;
/// - without an id, it gets a stand-in;
/// - without a receipt, it is left out, and returns when its visibility ends.
fn delivery(lane: Lane, message: Message) -> Option<Delivery> {
    let attribute = |name| message.attributes()?.get(&name).map(String::as_str);
    let receive_count = attribute(MessageSystemAttributeName::ApproximateReceiveCount);
    let sent_ms = attribute(MessageSystemAttributeName::SentTimestamp);
    let receive_count = receive_count.and_then(|n| n.parse().ok()).unwrap_or(1).max(1);
    let enqueued_at = sent_ms.and_then(|ms| ms.parse().ok()).map(Wall);
    let own = message.message_attributes.as_ref();
    let again = own.is_some_and(|own| own.contains_key(AGAIN_ATTRIBUTE));
    let (id, body) = (message.message_id, message.body);
    let Some(receipt) = message.receipt_handle.filter(|handle| !handle.is_empty()) else {
        warn!(lane = lane.as_str(), message_id = ?id, "a message came without a receipt handle");
        return None;
    };
    if id.is_none() || body.is_none() {
        warn!(lane = lane.as_str(), message_id = ?id, "a message came without its id or its body");
    }
    Some(Delivery {
        lane,
        message_id: MessageId(id.unwrap_or_else(|| stand_in_id(&receipt))),
        receipt: Receipt(receipt),
        body: body.unwrap_or_default(),
        receive_count,
        enqueued_at,
        again,
        place: None,
    })
}

/// A stable id for a message that came without one.
pub(super) fn stand_in_id(receipt: &str) -> String {
    let digest = Sha256::digest(receipt.as_bytes());
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("unnamed-{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: Option<&str>, receipt: Option<&str>, body: Option<&str>) -> Message {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let builder = Message::builder().set_message_id(own(id)).set_body(own(body));
        builder.set_receipt_handle(own(receipt)).build()
    }

    #[test]
    fn incomplete_messages_are_delivered_as_far_as_possible() {
        let whole = delivery(Lane::Express, message(Some("m"), Some("r"), Some("b"))).unwrap();
        assert_eq!((whole.message_id.0.as_str(), whole.body.as_str()), ("m", "b"));
        assert_eq!((whole.receive_count, whole.enqueued_at), (1, None));

        let bare = delivery(Lane::Express, message(None, Some("r"), None)).unwrap();
        assert!(bare.message_id.0.starts_with("unnamed-"));
        assert_eq!(bare.body, "");

        assert_eq!(delivery(Lane::Express, message(Some("m"), None, Some("b"))), None);
        assert_eq!(delivery(Lane::Express, message(Some("m"), Some(""), Some("b"))), None);
    }

    #[test]
    fn counts_and_times_are_read_if_they_can_be() {
        for (count, sent, expected) in [
            ("3", "1700000000000", (3, Some(Wall(1_700_000_000_000)))),
            ("0", "soon", (1, None)),
            ("many", "", (1, None)),
        ] {
            let mut raw = message(Some("m"), Some("r"), Some("b"));
            raw.attributes = Some(
                [
                    (MessageSystemAttributeName::ApproximateReceiveCount, count.to_owned()),
                    (MessageSystemAttributeName::SentTimestamp, sent.to_owned()),
                ]
                .into(),
            );
            let read = delivery(Lane::Standard, raw).unwrap();
            assert_eq!((read.receive_count, read.enqueued_at), expected, "{count} {sent}");
        }
    }

    #[test]
    fn only_a_receive_with_nothing_usable_fails() {
        let good = || message(Some("m"), Some("r"), Some("b"));
        let bad = || message(Some("m"), None, Some("b"));
        assert_eq!(deliveries(Lane::Standard, 10, vec![]), Ok(vec![]));
        assert_eq!(deliveries(Lane::Standard, 10, vec![good(), bad()]).unwrap().len(), 1);
        assert_eq!(deliveries(Lane::Standard, 1, vec![good(), good()]).unwrap().len(), 1);
        assert!(deliveries(Lane::Standard, 10, vec![bad(), bad()]).is_err());
    }
}
