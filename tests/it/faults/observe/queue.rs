//! What the queue's calls say.

use hansho::aws::sqs::{ENCODING_ATTRIBUTE, original_body};
use serde_json::Value;

use super::{Before, Call, Observer};
use crate::faults::wire::Message;
use crate::sim::history::What;

const QUARANTINE: &str = "quarantine";

/// The entries of a batch, or the one entry of a call without a batch.
fn entries(input: &Value) -> Vec<&Value> {
    input["Entries"].as_array().map_or(vec![input], |entries| entries.iter().collect())
}

/// Queue, id and count of a handle of the stand-in.
fn handle(entry: &Value) -> Option<(&str, &str, u32)> {
    let mut parts = entry["ReceiptHandle"].as_str()?.split('#');
    Some((parts.next()?, parts.next()?, parts.next()?.parse().ok()?))
}

fn single(operation: &str) -> &str {
    operation.strip_suffix("Batch").unwrap_or(operation)
}

impl Observer {
    /// Whether each message that a call deletes is there.
    pub(super) fn deletable(&self, operation: &str, input: &Value) -> Vec<bool> {
        if single(operation) != "DeleteMessage" {
            return Vec::new();
        }
        let there = |entry| handle(entry).is_some_and(|(queue, id, _)| self.sqs.holds(queue, id));
        entries(input).into_iter().map(there).collect()
    }

    pub(super) fn queue_effect(
        &self,
        call: &Call,
        input: &Value,
        before: &Before,
        answer: &Message,
    ) {
        let who = Some(call.who);
        match single(&call.operation) {
            "DeleteMessage" => {
                for (entry, was_there) in entries(input).into_iter().zip(&before.there) {
                    let Some((queue, id, count)) = handle(entry) else { continue };
                    let gone = *was_there && !self.sqs.holds(queue, id);
                    let message = self.message(id);
                    self.note(who, What::Delete { message, count, gone });
                }
            }
            "ChangeMessageVisibility" => {
                for entry in entries(input) {
                    let Some((_, id, count)) = handle(entry) else { continue };
                    let ms = entry["VisibilityTimeout"].as_u64().unwrap_or(0) * 1000;
                    let (message, done) = (self.message(id), answer.status() == 200);
                    self.note(who, What::Hide { message, count, ms, done });
                }
            }
            "SendMessage" if answer.status() == 200 => {
                let url = input["QueueUrl"].as_str().unwrap_or_default();
                let known = url.ends_with(QUARANTINE) && call.operation == "SendMessage";
                match known.then(|| self.dead_letter(input)).flatten() {
                    Some(what) => drop(self.note(who, what)),
                    None => self.odd(format!("{} sends what is no dead letter", call.who)),
                }
            }
            _ => {}
        }
    }

    /// None: the entry does not name the message.
    fn dead_letter(&self, input: &Value) -> Option<What> {
        let text = |name: &str| input["MessageAttributes"][name]["StringValue"].as_str();
        let message = *self.state().by_id.get(text("hansho.message_id")?)?;
        let reason = text("hansho.reason")?.to_owned();
        let body = original_body(input["MessageBody"].as_str()?, text(ENCODING_ATTRIBUTE));
        let whole = body.is_some_and(|body| self.state().by_body.get(&body) == Some(&message));
        let reason = if whole { reason } else { format!("{reason}, and changed on the way") };
        Some(What::DeadLetter { message, reason })
    }

    pub(super) fn queue_answered(&self, call: &Call, answer: Option<&Message>) {
        let Some(answer) = answer.filter(|answer| answer.status() == 200) else {
            self.note(Some(call.who), What::QueueFailed);
            return;
        };
        if call.operation != "ReceiveMessage" {
            return;
        }
        let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        for shown in answer["Messages"].as_array().into_iter().flatten() {
            let mut state = self.state();
            let Some((_, id, count)) = handle(shown) else { continue };
            let number = shown["Body"].as_str().and_then(|body| state.by_body.get(body));
            let message = number.copied().unwrap_or(u32::MAX);
            state.by_id.insert(id.to_owned(), message);
            self.note_in(&mut state, Some(call.who), What::Received { message, count });
        }
    }

    fn message(&self, id: &str) -> u32 {
        self.state().by_id.get(id).copied().unwrap_or(u32::MAX)
    }
}
