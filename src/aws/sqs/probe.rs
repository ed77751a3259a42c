//! How the queues are set up, and whether the worker may send to the quarantine.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};

use super::super::failure;
use super::{Remote, SqsQueue, refusal};
use crate::ports::Lane;
use crate::ports::probe::{Asked, QueueFacts};

/// More than SQS's 900 s, so that it refuses the message.
/// Source: SQS API reference, SendMessage, DelaySeconds.
const DELAY_S_TOO_LONG: i32 = 901;

impl SqsQueue {
    /// Calls GetQueueAttributes. A lane without a queue is [`Asked::Missing`].
    pub async fn facts(&self, lane: Lane) -> Asked<QueueFacts> {
        match self.remote(lane) {
            Ok(remote) => facts(remote).await,
            Err(why) => Asked::Missing(why.to_string()),
        }
    }

    /// The facts of the quarantine.
    pub async fn quarantine_facts(&self) -> Asked<QueueFacts> {
        facts(&self.quarantine).await
    }

    /// Finds out whether these credentials may send to the quarantine, without sending.
    ///
    /// The call is a batch of one message whose delay is too long. Without the right, SQS refuses
    /// the batch. With the right, it refuses the entry alone. The answer is true if the message was
    /// taken all the same, which SQS never does.
    pub async fn try_to_quarantine(&self) -> Asked<bool> {
        let remote = &self.quarantine;
        let entry = SendMessageBatchRequestEntry::builder()
            .id("0")
            .message_body("hansho check --live: this message was meant to be refused, delete it")
            .delay_seconds(DELAY_S_TOO_LONG)
            .build();
        let entry = match entry {
            Ok(entry) => entry,
            Err(why) => return Asked::Failed(super::unbuilt(why).to_string()),
        };
        match remote.client.send_message_batch().queue_url(&remote.url).entries(entry).send().await
        {
            Ok(answer) => Asked::Answered(!answer.successful().is_empty()),
            Err(error) => refused("SendMessage", remote, &error),
        }
    }
}

async fn facts(remote: &Remote) -> Asked<QueueFacts> {
    let call = remote.client.get_queue_attributes().queue_url(&remote.url);
    match call.attribute_names(QueueAttributeName::All).send().await {
        Ok(answer) => Asked::Answered(read(&answer.attributes.unwrap_or_default())),
        Err(error) => refused("GetQueueAttributes", remote, &error),
    }
}

fn read(attributes: &HashMap<QueueAttributeName, String>) -> QueueFacts {
    let number = |name: &QueueAttributeName| attributes.get(name)?.parse::<u64>().ok();
    let seconds = |name: &QueueAttributeName| number(name).map(Duration::from_secs);
    let redrive = attributes.get(&QueueAttributeName::RedrivePolicy);
    let redrive = redrive.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    // AWS gives a number. Some tools write a string.
    let count = redrive.as_ref().and_then(|policy| policy.get("maxReceiveCount"));
    let count = count.and_then(|n| n.as_u64().or_else(|| n.as_str()?.parse().ok()));
    let key = attributes.get(&QueueAttributeName::KmsMasterKeyId);
    QueueFacts {
        visibility: seconds(&QueueAttributeName::VisibilityTimeout),
        retention: seconds(&QueueAttributeName::MessageRetentionPeriod),
        message_bytes_max: number(&QueueAttributeName::MaximumMessageSize),
        receives_max: count,
        key: key.filter(|key| !key.is_empty()).cloned(),
    }
}

fn refused<T, E>(call: &str, remote: &Remote, error: &SdkError<E>) -> Asked<T>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    let why = refusal::of_call(call, &remote.url, error).to_string();
    match failure::bare_code(code) {
        "AccessDenied" | "AccessDeniedException" => Asked::NotAllowed(why),
        "NonExistentQueue" | "QueueDoesNotExist" => Asked::Missing(why),
        _ => Asked::Failed(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_unreadable_attributes_are_none() {
        use QueueAttributeName as Name;
        let facts = |all: &[(Name, &str)]| {
            read(&all.iter().map(|(name, text)| (name.clone(), (*text).to_owned())).collect())
        };
        assert_eq!(facts(&[]), QueueFacts::default());
        let full = facts(&[
            (Name::VisibilityTimeout, "120"),
            (Name::MessageRetentionPeriod, "1209600"),
            (Name::MaximumMessageSize, "1048576"),
            (Name::RedrivePolicy, r#"{"deadLetterTargetArn":"a","maxReceiveCount":1000}"#),
            (Name::KmsMasterKeyId, "alias/hansho"),
        ]);
        let expected = QueueFacts {
            visibility: Some(Duration::from_secs(120)),
            retention: Some(Duration::from_secs(1_209_600)),
            message_bytes_max: Some(1_048_576),
            receives_max: Some(1000),
            key: Some("alias/hansho".to_owned()),
        };
        assert_eq!(full, expected);
        let odd = facts(&[
            (Name::VisibilityTimeout, "soon"),
            (Name::RedrivePolicy, r#"{"maxReceiveCount":"5"}"#),
            (Name::KmsMasterKeyId, ""),
        ]);
        assert_eq!(odd, QueueFacts { receives_max: Some(5), ..QueueFacts::default() });
        assert_eq!(facts(&[(Name::RedrivePolicy, "{")]), QueueFacts::default());
    }
}
