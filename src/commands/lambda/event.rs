//! The event of a call and its answer: a batch of messages of one SQS queue, and the messages that
//! Lambda must deliver again.
//! Source: Lambda developer guide, "Using Lambda with Amazon SQS".

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::aws::sqs::AGAIN_ATTRIBUTE;
use crate::finding::arn::last_part;
use crate::instants::Wall;
use crate::ports::{Delivery, Lane, MessageId, Receipt};

/// The event: a batch of messages, or the request of a timer. Other keys are ignored.
#[derive(Debug, Deserialize)]
pub struct Invocation {
    #[serde(rename = "Records")]
    records: Option<Vec<Record>>,
    /// `{"hansho":"heartbeat"}`, `{"hansho":"reconcile"}` or `{"hansho":"coverage"}`, which the
    /// schedules in `infra/worker-lambda.yaml` send.
    hansho: Option<String>,
}

/// The request of an event.
#[derive(Debug)]
pub enum Asked {
    Batch(Vec<Record>),
    /// Check that the ledger answers.
    Heartbeat,
    /// Compare what GuardDuty holds with the ledger.
    Reconcile,
    /// Look where GuardDuty is on.
    Coverage,
}

impl Invocation {
    /// # Errors
    /// The event is none of these.
    pub fn asked(self) -> Result<Asked, String> {
        match (self.records, self.hansho.as_deref()) {
            (Some(records), None) => Ok(Asked::Batch(records)),
            (None, Some("heartbeat")) => Ok(Asked::Heartbeat),
            (None, Some("reconcile")) => Ok(Asked::Reconcile),
            (None, Some("coverage")) => Ok(Asked::Coverage),
            _ => Err(
                "the event is neither a batch of SQS messages nor {\"hansho\":\"heartbeat\"}, \
                      {\"hansho\":\"reconcile\"} or {\"hansho\":\"coverage\"}: invoke the function by event source mappings of \
                      its queues and by its schedules"
                    .to_owned(),
            ),
        }
    }
}

/// One message, as Lambda received it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    message_id: String,
    receipt_handle: String,
    body: String,
    #[serde(default)]
    attributes: Attributes,
    /// Only the names matter.
    #[serde(default)]
    message_attributes: BTreeMap<String, IgnoredAny>,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: String,
}

/// SQS writes numbers as strings.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Attributes {
    approximate_receive_count: String,
    sent_timestamp: String,
}

/// The answer. Lambda deletes each message that it does not name. An empty or unreadable answer
/// deletes all messages, so only this type makes one.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    pub batch_item_failures: Vec<Failure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    pub item_identifier: String,
}

impl Failures {
    pub fn of(messages: impl IntoIterator<Item = MessageId>) -> Failures {
        let failure = |id: MessageId| Failure { item_identifier: id.0 };
        Failures { batch_item_failures: messages.into_iter().map(failure).collect() }
    }
}

/// The names of the function's queues, with their lanes.
#[derive(Clone, Debug)]
pub struct QueueNames(Vec<(Lane, String)>);

impl QueueNames {
    pub fn new<'a>(names: impl IntoIterator<Item = (Lane, &'a str)>) -> QueueNames {
        QueueNames(names.into_iter().map(|(lane, name)| (lane, name.to_owned())).collect())
    }

    /// The lane of a queue by its ARN, `arn:PARTITION:sqs:REGION:ACCOUNT:NAME`.
    fn lane(&self, arn: &str) -> Option<Lane> {
        let name = last_part(arn);
        self.0.iter().find(|(_, known)| known == name).map(|(lane, _)| *lane)
    }
}

/// The messages of an event, and their lane.
///
/// # Errors
/// The batch is not for this function. Lambda delivers it again, and the log says what to change.
pub fn deliveries(
    records: Vec<Record>,
    queues: &QueueNames,
) -> Result<(Lane, Vec<Delivery>), String> {
    let mut lane = None;
    let mut deliveries = Vec::with_capacity(records.len());
    for record in records {
        let Some(of_record) = queues.lane(&record.event_source_arn) else {
            return Err(format!(
                "the function is invoked for {}, which is neither queue.standard nor \
                 queue.express: correct its event source mapping, or HANSHO_QUEUE_STANDARD and \
                 HANSHO_QUEUE_EXPRESS",
                shown(&record.event_source_arn)
            ));
        };
        if *lane.get_or_insert(of_record) != of_record {
            return Err("one event brings messages of two queues, which Lambda never does: \
                        invoke the function once for each"
                .to_owned());
        }
        deliveries.push(record.delivery(of_record));
    }
    Ok((lane.unwrap_or(Lane::Standard), deliveries))
}

impl Record {
    fn delivery(self, lane: Lane) -> Delivery {
        let count = self.attributes.approximate_receive_count.parse().unwrap_or(1);
        let sent = self.attributes.sent_timestamp.parse().ok();
        Delivery {
            lane,
            message_id: MessageId(self.message_id),
            receipt: Receipt(self.receipt_handle),
            body: self.body,
            receive_count: count,
            enqueued_at: sent.map(Wall),
            again: self.message_attributes.contains_key(AGAIN_ATTRIBUTE),
            place: None,
        }
    }
}

/// An ARN from outside, quoted and cut for a line of the log.
fn shown(arn: &str) -> String {
    format!("{:?}", arn.chars().take(200).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:sqs:eu-west-1:111122223333:hansho-standard";

    fn queues() -> QueueNames {
        QueueNames::new([(Lane::Express, "hansho-express"), (Lane::Standard, "hansho-standard")])
    }

    fn event(text: &str) -> Vec<Record> {
        let invocation: Invocation = serde_json::from_str(text).unwrap();
        match invocation.asked().unwrap() {
            Asked::Batch(records) => records,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_timers_ask_for_a_heartbeat_or_a_comparison_and_anything_else_is_refused() {
        let asked = |text: &str| serde_json::from_str::<Invocation>(text).unwrap().asked();
        assert!(matches!(asked(r#"{"hansho":"heartbeat"}"#), Ok(Asked::Heartbeat)));
        assert!(matches!(asked(r#"{"hansho":"reconcile"}"#), Ok(Asked::Reconcile)));
        assert!(matches!(asked(r#"{"hansho":"coverage"}"#), Ok(Asked::Coverage)));
        for text in ["{}", r#"{"hansho":"bell"}"#, r#"{"detail":{}}"#] {
            let why = asked(text).unwrap_err();
            assert!(why.contains("neither a batch of SQS messages"), "{why}");
        }
    }

    #[test]
    fn a_message_as_lambda_gives_it() {
        let text = format!(
            r#"{{"Records":[{{"messageId":"m1","receiptHandle":"r1","body":"{{}}",
            "attributes":{{"ApproximateReceiveCount":"3","SentTimestamp":"1545082649183",
            "SenderId":"AIDA","ApproximateFirstReceiveTimestamp":"1545082649185"}},
            "messageAttributes":{{}},"md5OfBody":"e4e6","eventSource":"aws:sqs",
            "eventSourceARN":"{ARN}","awsRegion":"eu-west-1"}}]}}"#
        );
        let (lane, all) = deliveries(event(&text), &queues()).unwrap();
        assert_eq!(lane, Lane::Standard);
        assert_eq!(
            all,
            [Delivery {
                lane: Lane::Standard,
                message_id: MessageId("m1".to_owned()),
                receipt: Receipt("r1".to_owned()),
                body: "{}".to_owned(),
                receive_count: 3,
                enqueued_at: Some(Wall(1_545_082_649_183)),
                again: false,
                place: None,
            }]
        );
    }

    #[test]
    fn a_message_that_an_operator_sent_again_is_marked() {
        let text = format!(
            r#"{{"Records":[{{"messageId":"m1","receiptHandle":"r1","body":"{{}}",
            "messageAttributes":{{"{AGAIN_ATTRIBUTE}":{{"stringValue":"1","dataType":"String",
            "stringListValues":[],"binaryListValues":[]}}}},"eventSourceARN":"{ARN}"}}]}}"#
        );
        assert!(deliveries(event(&text), &queues()).unwrap().1[0].again);
    }

    #[test]
    fn missing_or_odd_attributes_do_not_refuse_a_message() {
        let one = |attributes: &str| {
            let text = format!(
                r#"{{"Records":[{{"messageId":"m","receiptHandle":"r","body":"x"{attributes},
                "eventSourceARN":"arn:aws:sqs:r:1:hansho-express"}}]}}"#
            );
            let (lane, mut all) = deliveries(event(&text), &queues()).unwrap();
            let d = all.remove(0);
            (lane, d.receive_count, d.enqueued_at)
        };
        assert_eq!(one(""), (Lane::Express, 1, None));
        assert_eq!(one(r#","attributes":{}"#), (Lane::Express, 1, None));
        let odd = r#","attributes":{"ApproximateReceiveCount":"many","SentTimestamp":""}"#;
        assert_eq!(one(odd), (Lane::Express, 1, None));
    }

    #[test]
    fn a_queue_that_is_not_configured_is_named() {
        let of = |arns: &[&str]| {
            let record = |arn: &&str| {
                format!(
                    r#"{{"messageId":"m","receiptHandle":"r","body":"x","eventSourceARN":"{arn}"}}"#
                )
            };
            let records = arns.iter().map(record).collect::<Vec<_>>().join(",");
            deliveries(event(&format!(r#"{{"Records":[{records}]}}"#)), &queues())
        };
        let why = of(&["arn:aws:sqs:r:1:other"]).unwrap_err();
        assert!(why.contains("arn:aws:sqs:r:1:other") && why.contains("HANSHO_QUEUE"), "{why}");
        let why = of(&[ARN, "arn:aws:sqs:r:1:hansho-express"]).unwrap_err();
        assert!(why.contains("two queues"), "{why}");
        assert_eq!(of(&[]).unwrap(), (Lane::Standard, Vec::new()));
    }

    #[test]
    fn the_answer_names_what_failed_and_is_never_empty() {
        let json = |failures: &Failures| serde_json::to_string(failures).unwrap();
        assert_eq!(json(&Failures::default()), r#"{"batchItemFailures":[]}"#);
        let one = Failures::of([MessageId("m1".to_owned())]);
        assert_eq!(json(&one), r#"{"batchItemFailures":[{"itemIdentifier":"m1"}]}"#);
    }
}
