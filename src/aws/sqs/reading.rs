//! The answer to a receive, read by serde_json. It carries all that comes in, each message as a JSON string full
//! of escapes, and the SDK's own reader goes over each byte of it several times: a third of all instructions
//! that a finding costs. What is not a plain answer, an error for instance, is left to the SDK's reader. Of a
//! plain one no more is read than is asked for, and of its request's id nothing is kept.
//!
//! The SDK lets an interceptor put another reader in the place of its own.
//! Source: `aws-smithy-runtime-api`, `client::ser_de::DeserializeResponse`.

use std::collections::HashMap;

use aws_sdk_sqs::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_sqs::config::{ConfigBag, FrozenLayer, Intercept, RuntimeComponents, RuntimePlugin};
use aws_sdk_sqs::error::BoxError;
use aws_sdk_sqs::operation::receive_message::{ReceiveMessage, ReceiveMessageOutput};
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};
use aws_smithy_runtime_api::client::interceptors::context::{Output, OutputOrError};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::ser_de::{DeserializeResponse, SharedResponseDeserializer};
use serde::Deserialize;

/// For a client that does nothing but receive.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The SDK's own reader is in it.
    own: Option<FrozenLayer>,
}

impl Reading {
    pub fn new() -> Reading {
        Reading { own: ReceiveMessage::new().config() }
    }

    fn own(&self) -> Option<&SharedResponseDeserializer> {
        self.own.as_ref()?.load::<SharedResponseDeserializer>()
    }
}

#[dyn_dispatch_hint]
impl Intercept for Reading {
    fn name(&self) -> &'static str {
        "Reading"
    }

    fn modify_before_deserialization(
        &self,
        _: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Without it an error would not be told from another.
        if self.own().is_some() {
            config.interceptor_state().store_put(SharedResponseDeserializer::new(self.clone()));
        }
        Ok(())
    }
}

impl DeserializeResponse for Reading {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        config: &ConfigBag,
    ) -> OutputOrError {
        if let Some(answer) = plain(response) {
            return Ok(Output::erase(answer));
        }
        match self.own() {
            Some(own) => own.deserialize_nonstreaming_with_config(response, config),
            None => Err(OrchestratorError::other("the SDK has no reader for a receive")),
        }
    }
}

/// As much of an answer as is asked for: see [`super::SqsQueue`]'s receive.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    messages: Option<Vec<Received>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Received {
    message_id: Option<String>,
    receipt_handle: Option<String>,
    body: Option<String>,
    attributes: Option<HashMap<String, String>>,
    message_attributes: Option<HashMap<String, Attribute>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    data_type: String,
    string_value: Option<String>,
}

fn plain(response: &HttpResponse) -> Option<ReceiveMessageOutput> {
    let body = response.body().bytes().filter(|_| response.status().as_u16() == 200)?;
    // serde takes an array for an object, too: an empty one must not read as an empty queue.
    let body = Some(body).filter(|body| body.trim_ascii_start().starts_with(b"{"))?;
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let messages = match answer.messages {
        Some(all) => Some(all.into_iter().map(message).collect::<Option<_>>()?),
        None => None,
    };
    Some(ReceiveMessageOutput::builder().set_messages(messages).build())
}

fn message(received: Received) -> Option<Message> {
    let attributes = received.attributes.map(|all| {
        let named = |(name, value): (String, String)| {
            (MessageSystemAttributeName::from(name.as_str()), value)
        };
        all.into_iter().map(named).collect()
    });
    let own = match received.message_attributes {
        Some(all) => Some(all.into_iter().map(attribute).collect::<Option<_>>()?),
        None => None,
    };
    let message = Message::builder()
        .set_message_id(received.message_id)
        .set_receipt_handle(received.receipt_handle)
        .set_body(received.body)
        .set_attributes(attributes)
        .set_message_attributes(own);
    Some(message.build())
}

fn attribute((name, own): (String, Attribute)) -> Option<(String, MessageAttributeValue)> {
    let value = MessageAttributeValue::builder().data_type(own.data_type);
    Some((name, value.set_string_value(own.string_value).build().ok()?))
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use aws_smithy_runtime_api::http::StatusCode;
    use serde_json::json;

    use super::super::Remote;
    use super::*;

    fn response(status: u16, body: &[u8]) -> HttpResponse {
        HttpResponse::new(StatusCode::try_from(status).unwrap(), body.to_vec().into())
    }

    fn read(
        by: &dyn DeserializeResponse,
        status: u16,
        body: &[u8],
    ) -> Result<Vec<Message>, String> {
        let read =
            by.deserialize_nonstreaming_with_config(&response(status, body), &ConfigBag::base());
        match read {
            Ok(output) => {
                let output = output.downcast::<ReceiveMessageOutput>().unwrap();
                Ok(output.messages.unwrap_or_default())
            }
            Err(error) => Err(format!("{error:?}")),
        }
    }

    /// What the SDK's own reader makes of it, as far as it was asked for.
    fn own(status: u16, body: &[u8]) -> Result<Vec<Message>, String> {
        let all = read(Reading::new().own().unwrap(), status, body)?;
        let cut = all.into_iter().map(|message| {
            Message::builder()
                .set_message_id(message.message_id)
                .set_receipt_handle(message.receipt_handle)
                .set_body(message.body)
                .set_attributes(message.attributes)
                .set_message_attributes(message.message_attributes)
                .build()
        });
        Ok(cut.collect())
    }

    #[test]
    fn a_plain_answer_is_read_as_the_sdk_reads_it() {
        let body = "{\"a\":\"\u{e9}\u{1f514} \\u0001 \\\\ \\n\"}\t\n/";
        let whole = json!({"Messages": [
            {
                "MessageId": "m1", "ReceiptHandle": "r1", "Body": body, "MD5OfBody": "x",
                "Attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "17", "New": "y"},
                "MessageAttributes": {
                    "again": {"DataType": "String", "StringValue": "yes"},
                    "other": {"DataType": "Number.int", "StringValue": "7"},
                },
            },
            {"MessageId": "m2"},
            {"MessageId": null, "ReceiptHandle": null, "Body": null, "Attributes": null},
            {},
        ], "Later": {"x": [1]}});
        for body in [
            whole.to_string().as_str(),
            &serde_json::to_string_pretty(&whole).unwrap(),
            r#"{"Messages":[{"Body":"\u00e9\ud83d\udd14\/\b\f"}]}"#,
            " {}",
            r#"{"Messages":null}"#,
            r#"{"Messages":[]}"#,
            r#"{"Messages":[{"Attributes":{},"MessageAttributes":{}}]}"#,
            r#"{"Messages":[{"Attributes":{"SenderId":"a","SenderId":"b"},"MessageAttributes":
                {"a":{"DataType":"String","StringValue":"1"},"a":{"DataType":"Number"}}}]}"#,
        ] {
            let expected = own(200, body.as_bytes());
            assert!(expected.is_ok(), "{body}: {expected:?}");
            assert!(plain(&response(200, body.as_bytes())).is_some(), "{body}");
            assert_eq!(read(&Reading::new(), 200, body.as_bytes()), expected, "{body}");
        }
        let read = read(&Reading::new(), 200, whole.to_string().as_bytes()).unwrap();
        assert_eq!(read[0].body(), Some(body));
        assert_eq!(read.len(), 4);
    }

    #[test]
    fn whatever_else_comes_is_left_to_the_sdk() {
        for (status, body, is_read) in [
            (400, r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"none"}"#, false),
            (403, r#"{"__type":"AccessDeniedException","Message":"no"}"#, false),
            (500, "", false),
            (503, "<html>busy</html>", false),
            (201, r#"{"Messages":[{"MessageId":"m"}]}"#, true),
            (200, "", true),
            (200, "[null]", false),
            (200, r#"[[["m","r","b",null,null]]]"#, false),
            (200, r#"{"Messages":[{"MessageId":"m"}"#, false),
            (200, r#"{"Messages":"many"}"#, false),
            (200, r#"{"Messages":[null]}"#, false),
            (200, r#"{"Messages":[{"Body":"\ud83d"}]}"#, false),
            (200, r#"{"Messages":[{"Body":5}]}"#, false),
            (200, r#"{"Messages":[{"MessageAttributes":{"a":null}}]}"#, false),
            // What only the SDK's reader takes.
            (200, r#"{"Messages":[{"MessageId":"m","MessageId":"n","Body":"b"}]}"#, true),
            (200, r#"{"Messages":[{"MessageAttributes":{"a":{"StringValue":"b"}}}]}"#, true),
        ] {
            assert!(plain(&response(status, body.as_bytes())).is_none(), "{status} {body}");
            let answer = read(&Reading::new(), status, body.as_bytes());
            assert_eq!(answer.is_ok(), is_read, "{status} {body}: {answer:?}");
            assert_eq!(answer, own(status, body.as_bytes()), "{status} {body}");
        }
        let no_text = b"{\"Messages\":[{\"Body\":\"\xff\"}]}";
        assert!(read(&Reading::new(), 200, no_text).is_err());
    }

    /// An SQS that always gives the same answer, without a network.
    #[derive(Debug)]
    struct Canned(&'static str);

    impl HttpConnector for Canned {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            HttpConnectorFuture::ready(Ok(response(200, self.0.as_bytes())))
        }
    }

    /// The SDK's reader would have read the sum.
    #[tokio::test]
    async fn the_client_that_receives_has_it_and_the_other_has_not() {
        let answer = r#"{"Messages":[{"Body":"b","MD5OfBody":"sum"}]}"#;
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "a", "b", None, None, "tests",
            )))
            .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(Canned(answer))))
            .build();
        let remote = Remote::new(&config, "http://localhost/1/q".to_owned());
        for (client, sum) in [(&remote.receiving, None), (&remote.client, Some("sum"))] {
            let answer = client.receive_message().queue_url(&remote.url).send().await.unwrap();
            let message = &answer.messages()[0];
            assert_eq!((message.body(), message.md5_of_body()), (Some("b"), sum));
        }
    }
}
