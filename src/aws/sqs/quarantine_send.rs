//! Sending a message with its attributes to a queue of dead letters.

use aws_sdk_sqs::types::MessageAttributeValue;
use futures_util::FutureExt;
use tracing::warn;

use super::quarantine_attributes::Packed;
use super::{Remote, refusal, unbuilt};
use crate::ports::{MessageId, QueueError};

/// Sends what [`super::quarantine_attributes::pack`] made of a message. Logs the attributes for
/// which the body left no room. An error of the packing is returned as one of the queue.
pub(super) async fn send(
    remote: &Remote,
    packed: Result<Packed, String>,
    message_id: &MessageId,
) -> Result<(), QueueError> {
    let packed = packed.map_err(|why| QueueError::Unavailable(why.into()))?;
    let mut call = remote.client.send_message().queue_url(&remote.url).message_body(packed.body);
    for attribute in packed.attributes {
        let value = MessageAttributeValue::builder()
            .data_type(attribute.kind.as_str())
            .string_value(attribute.value)
            .build()
            .map_err(unbuilt)?;
        call = call.message_attributes(attribute.name, value);
    }
    let sent = call.send().boxed().await;
    let sent = sent.map_err(|e| refusal::of_call("SendMessage", &remote.url, &e))?;
    for attribute in packed.left_out {
        warn!(
            message_id = ?message_id.0,
            quarantine_id = ?sent.message_id(),
            attribute = attribute.name,
            value = ?attribute.value,
            "the body left no room for an attribute of a message in quarantine"
        );
    }
    Ok(())
}
