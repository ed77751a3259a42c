//! The queues and the operations on them, without I/O. The time is a parameter.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Seen;
use super::faults::Fault;
use super::message::{Asked, Held};
use super::refusal::Refusal;
use super::rules;

pub(super) const ACCOUNT: &str = "000000000000";

const DEFAULTS: [(&str, &str); 5] = [
    ("VisibilityTimeout", "30"),
    ("DelaySeconds", "0"),
    ("ReceiveMessageWaitTimeSeconds", "0"),
    ("MessageRetentionPeriod", "345600"),
    ("MaximumMessageSize", "1048576"),
];

#[derive(Default)]
pub(super) struct Store {
    queues: BTreeMap<String, Kept>,
    messages_ever: u64,
    /// How many messages all receives have returned.
    pub(super) received_ever: u64,
}

#[derive(Default)]
struct Kept {
    attributes: BTreeMap<String, String>,
    /// In the order in which they arrived.
    messages: Vec<Held>,
}

impl Kept {
    fn number(&self, name: &str) -> i64 {
        let default = DEFAULTS.iter().find(|(of, _)| *of == name).map_or("0", |(_, value)| value);
        let value = self.attributes.get(name).map_or(default, String::as_str);
        value.parse().unwrap_or(0)
    }

    fn redrive(&self) -> Option<(String, u32)> {
        rules::redrive(&serde_json::from_str(self.attributes.get("RedrivePolicy")?).ok()?)
    }
}

type Answer = Result<Value, Refusal>;

impl Store {
    /// Creating a queue again with the same attributes is no error.
    pub(super) fn create(
        &mut self,
        name: &str,
        attributes: BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        rules::queue_name(name)?;
        for (key, value) in &attributes {
            rules::queue_attribute(key, value)?;
        }
        if let Some(there) = self.queues.get(name) {
            let differs = attributes.iter().any(|(k, v)| there.attributes.get(k) != Some(v));
            let why = "A queue already exists with the same name and a different value for an \
                       attribute";
            return if differs { Err(Refusal::new("QueueNameExists", why)) } else { Ok(()) };
        }
        self.queues.insert(name.to_owned(), Kept { attributes, messages: Vec::new() });
        Ok(())
    }

    pub(super) fn exists(&self, name: &str) -> Result<(), Refusal> {
        self.queue(name).map(|_| ())
    }

    fn queue(&self, name: &str) -> Result<&Kept, Refusal> {
        self.queues.get(name).ok_or_else(no_queue)
    }

    fn queue_mut(&mut self, name: &str) -> Result<&mut Kept, Refusal> {
        self.queues.get_mut(name).ok_or_else(no_queue)
    }

    pub(super) fn set_attributes(&mut self, name: &str, input: &Value) -> Answer {
        let attributes = input.get("Attributes").and_then(Value::as_object);
        for (key, value) in attributes.into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            rules::queue_attribute(key, value)?;
            self.queue_mut(name)?.attributes.insert(key.clone(), value.to_owned());
        }
        self.exists(name)?;
        Ok(json!({}))
    }

    pub(super) fn attributes(&mut self, name: &str, input: &Value, now_ms: i64) -> Answer {
        self.expire(name, now_ms);
        let queue = self.queue(name)?;
        let mut all: BTreeMap<String, String> =
            DEFAULTS.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        all.extend(queue.attributes.clone());
        all.insert("QueueArn".to_owned(), arn(name));
        let count = |held: &dyn Fn(&Held) -> bool| {
            queue.messages.iter().filter(|m| held(m)).count().to_string()
        };
        for (key, number) in [
            ("ApproximateNumberOfMessages", count(&|m| m.visible(now_ms))),
            ("ApproximateNumberOfMessagesNotVisible", count(&|m| m.in_flight(now_ms))),
            (
                "ApproximateNumberOfMessagesDelayed",
                count(&|m| m.receive_count == 0 && !m.visible(now_ms)),
            ),
        ] {
            all.insert(key.to_owned(), number);
        }
        let asked = input.get("AttributeNames").and_then(Value::as_array);
        let asked: Vec<&str> = asked.into_iter().flatten().filter_map(Value::as_str).collect();
        all.retain(|key, _| asked.iter().any(|name| *name == "All" || name == key));
        Ok(json!({ "Attributes": all }))
    }

    pub(super) fn purge(&mut self, name: &str) -> Answer {
        self.queue_mut(name)?.messages.clear();
        Ok(json!({}))
    }

    pub(super) fn send(&mut self, name: &str, input: &Value, now_ms: i64) -> Answer {
        let queue = self.queue(name)?;
        let bytes_max = queue.number("MaximumMessageSize");
        let attributes = rules::attributes(input)?;
        let body = rules::body(input)?.to_owned();
        if i64::try_from(rules::message_bytes(input)).is_ok_and(|bytes| bytes > bytes_max) {
            return Err(Refusal::parameter(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than \
                 {bytes_max} bytes."
            )));
        }
        let delay_s = rules::integer(input, "DelaySeconds", 0, rules::DELAY_S_MAX)?
            .unwrap_or_else(|| queue.number("DelaySeconds"));
        self.messages_ever += 1;
        let id = format!("00000000-0000-4000-8000-{:012x}", self.messages_ever);
        let message = Held::new(id.clone(), body, attributes, now_ms, delay_s);
        self.queue_mut(name)?.messages.push(message);
        Ok(json!({ "MessageId": id }))
    }

    pub(super) fn receive(
        &mut self,
        name: &str,
        input: &Value,
        now_ms: i64,
        fault: Option<&Fault>,
    ) -> Result<Vec<Value>, Refusal> {
        let max = rules::integer(input, "MaxNumberOfMessages", 1, 10)?.unwrap_or(1);
        let visibility_s = rules::integer(input, "VisibilityTimeout", 0, rules::VISIBILITY_S_MAX)?;
        self.expire(name, now_ms);
        self.redrive(name, now_ms)?;
        let queue = self.queue_mut(name)?;
        let visibility_s = visibility_s.unwrap_or_else(|| queue.number("VisibilityTimeout"));
        let mut found: Vec<&mut Held> =
            queue.messages.iter_mut().filter(|m| m.visible(now_ms)).collect();
        if fault == Some(&Fault::Reorder) {
            found.reverse();
        }
        let hidden_s = if fault == Some(&Fault::Duplicate) { 0 } else { visibility_s };
        let asked = Asked::of(input);
        let shown = found.into_iter().take(usize::try_from(max).unwrap_or(1)).map(|message| {
            message.receive(now_ms, hidden_s);
            message.shown(name, &asked)
        });
        let shown: Vec<Value> = shown.collect();
        self.received_ever += shown.len() as u64;
        Ok(shown)
    }

    /// The wait of a receive that names none.
    pub(super) fn wait_s(&self, name: &str) -> i64 {
        self.queues.get(name).map_or(0, |queue| queue.number("ReceiveMessageWaitTimeSeconds"))
    }

    /// When the next message becomes visible by itself.
    pub(super) fn next_visible_ms(&self, name: &str, now_ms: i64) -> Option<i64> {
        let queue = self.queues.get(name)?;
        queue.messages.iter().map(|m| m.visible_at_ms).filter(|at| *at > now_ms).min()
    }

    /// The newest handle deletes the message, in flight or not. With an older handle, or for a
    /// deleted message, the answer is success all the same.
    pub(super) fn delete(&mut self, name: &str, input: &Value) -> Answer {
        let handle = rules::text(input, "ReceiptHandle")?;
        let queue = self.queue_mut(name)?;
        let id = message_of(name, handle)?;
        queue.messages.retain(|m| m.id != id || m.handle(name) != handle);
        Ok(json!({}))
    }

    pub(super) fn hide(&mut self, name: &str, input: &Value, now_ms: i64) -> Answer {
        let handle = rules::text(input, "ReceiptHandle")?;
        let visibility_s = rules::integer(input, "VisibilityTimeout", 0, rules::VISIBILITY_S_MAX)?;
        let visibility_s = visibility_s.ok_or_else(|| {
            Refusal::new(
                "MissingParameter",
                "The request must contain the parameter VisibilityTimeout.",
            )
        })?;
        let queue = self.queue_mut(name)?;
        let id = message_of(name, handle)?;
        let newest = queue.messages.iter_mut().find(|m| m.id == id && m.handle(name) == handle);
        let Some(message) = newest else {
            return Err(Refusal::parameter(format!(
                "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not \
                 exist or is not available for visibility timeout change."
            )));
        };
        message.hide(now_ms, visibility_s)?;
        Ok(json!({}))
    }

    pub(super) fn reveal(&mut self, name: &str, now_ms: i64) {
        let queue = self.queues.get_mut(name);
        for message in queue.into_iter().flat_map(|q| &mut q.messages) {
            if message.in_flight(now_ms) {
                message.visible_at_ms = now_ms;
            }
        }
    }

    pub(super) fn seen(&self, name: &str, now_ms: i64) -> Vec<Seen> {
        let messages = self.queues.get(name).into_iter().flat_map(|q| &q.messages);
        let seen = messages.map(|m| Seen {
            id: m.id.clone(),
            body: m.body.clone(),
            receive_count: m.receive_count,
            visible: m.visible(now_ms),
        });
        seen.collect()
    }

    pub(super) fn depth(&self, name: &str) -> usize {
        self.queues.get(name).map_or(0, |queue| queue.messages.len())
    }

    pub(super) fn holds(&self, name: &str, id: &str) -> bool {
        self.queues.get(name).is_some_and(|queue| queue.messages.iter().any(|m| m.id == id))
    }

    pub(super) fn has_visible(&self, name: &str, now_ms: i64) -> bool {
        self.queues.get(name).is_some_and(|q| q.messages.iter().any(|m| m.visible(now_ms)))
    }

    fn expire(&mut self, name: &str, now_ms: i64) {
        if let Some(queue) = self.queues.get_mut(name) {
            let kept_ms = queue.number("MessageRetentionPeriod") * 1000;
            queue.messages.retain(|m| now_ms - m.sent_ms < kept_ms);
        }
    }

    /// Moves messages that were received as often as allowed to the dead-letter queue, when they
    /// would be received once more.
    fn redrive(&mut self, name: &str, now_ms: i64) -> Result<(), Refusal> {
        let Some((target, count_max)) = self.queue(name)?.redrive() else { return Ok(()) };
        if !self.queues.contains_key(&target) {
            return Ok(());
        }
        let worn = |m: &mut Held| m.visible(now_ms) && m.receive_count >= count_max;
        let moved: Vec<Held> = self.queue_mut(name)?.messages.extract_if(.., worn).collect();
        let moved = moved.into_iter().map(|m| m.redriven(&arn(name), now_ms));
        self.queue_mut(&target)?.messages.extend(moved);
        Ok(())
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{name}")
}

/// The message that a handle of this queue is for.
fn message_of(queue: &str, handle: &str) -> Result<String, Refusal> {
    let mut parts = handle.split('#');
    match (parts.next(), parts.next(), parts.next().map(str::parse::<u32>), parts.next()) {
        (Some(of), Some(id), Some(Ok(_)), None) if of == queue => Ok(id.to_owned()),
        _ => Err(Refusal::new(
            "ReceiptHandleIsInvalid",
            format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
        )),
    }
}

fn no_queue() -> Refusal {
    Refusal::new("QueueDoesNotExist", "The specified queue does not exist.")
}
