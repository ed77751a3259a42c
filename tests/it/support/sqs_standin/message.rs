//! One message, its receives, and the handles that they gave.

use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::rules::VISIBILITY_S_MAX;

#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) attributes: Map<String, Value>,
    pub(super) sent_ms: i64,
    pub(super) visible_at_ms: i64,
    pub(super) receive_count: u32,
    first_received_ms: Option<i64>,
    received_ms: i64,
    dead_letter_source: Option<String>,
}

impl Held {
    pub(super) fn new(
        id: String,
        body: String,
        attributes: Map<String, Value>,
        now_ms: i64,
        delay_s: i64,
    ) -> Held {
        Held {
            id,
            body,
            attributes,
            sent_ms: now_ms,
            visible_at_ms: now_ms + delay_s * 1000,
            receive_count: 0,
            first_received_ms: None,
            received_ms: 0,
            dead_letter_source: None,
        }
    }

    pub(super) fn visible(&self, now_ms: i64) -> bool {
        self.visible_at_ms <= now_ms
    }

    pub(super) fn in_flight(&self, now_ms: i64) -> bool {
        self.receive_count > 0 && !self.visible(now_ms)
    }

    /// Moved to a dead-letter queue, a message keeps the time at which it was sent.
    pub(super) fn redriven(mut self, from: &str, now_ms: i64) -> Held {
        self.dead_letter_source = Some(from.to_owned());
        self.visible_at_ms = now_ms;
        self
    }

    pub(super) fn receive(&mut self, now_ms: i64, visibility_s: i64) {
        self.receive_count += 1;
        self.first_received_ms.get_or_insert(now_ms);
        self.received_ms = now_ms;
        self.visible_at_ms = now_ms + visibility_s * 1000;
    }

    /// The visibility counts from the call. The 12 hours count from the receive.
    pub(super) fn hide(&mut self, now_ms: i64, visibility_s: i64) -> Result<(), Refusal> {
        if !self.in_flight(now_ms) {
            let why = "The specified message is not in flight.";
            return Err(Refusal::new("MessageNotInflight", why));
        }
        let until_ms = now_ms + visibility_s * 1000;
        if until_ms - self.received_ms >= VISIBILITY_S_MAX * 1000 {
            return Err(Refusal::parameter(format!(
                "Value {visibility_s} for parameter VisibilityTimeout is invalid. Reason: Total \
                 VisibilityTimeout for the message is beyond the limit [{VISIBILITY_S_MAX} seconds]"
            )));
        }
        self.visible_at_ms = until_ms;
        Ok(())
    }

    /// The handle of the newest receive.
    pub(super) fn handle(&self, queue: &str) -> String {
        format!("{queue}#{}#{}", self.id, self.receive_count)
    }

    pub(super) fn shown(&self, queue: &str, ask: &Asked<'_>) -> Value {
        let mut shown = json!({
            "MessageId": self.id, "ReceiptHandle": self.handle(queue), "Body": self.body,
        });
        let mut system = Map::new();
        for (name, value) in [
            ("ApproximateReceiveCount", Some(self.receive_count.to_string())),
            ("SentTimestamp", Some(self.sent_ms.to_string())),
            ("ApproximateFirstReceiveTimestamp", self.first_received_ms.map(|ms| ms.to_string())),
            ("SenderId", Some("000000000000".to_owned())),
            ("DeadLetterQueueSourceArn", self.dead_letter_source.clone()),
        ] {
            if let Some(value) = value.filter(|_| ask.system(name)) {
                system.insert(name.to_owned(), value.into());
            }
        }
        let own = self.attributes.iter().filter(|(name, _)| ask.own(name));
        let own: Map<String, Value> = own.map(|(k, v)| (k.clone(), v.clone())).collect();
        for (name, values) in [("Attributes", system), ("MessageAttributes", own)] {
            if let Some(shown) = shown.as_object_mut().filter(|_| !values.is_empty()) {
                shown.insert(name.to_owned(), values.into());
            }
        }
        shown
    }
}

/// The attributes that a receive asks for. Without asking, none come.
pub(super) struct Asked<'a> {
    system: Vec<&'a str>,
    own: Vec<&'a str>,
}

impl<'a> Asked<'a> {
    pub(super) fn of(input: &'a Value) -> Asked<'a> {
        let list = |name: &str| {
            let names = input.get(name).and_then(Value::as_array);
            names.into_iter().flatten().filter_map(Value::as_str)
        };
        // The older name of the parameter works too.
        let system = list("MessageSystemAttributeNames").chain(list("AttributeNames"));
        Asked { system: system.collect(), own: list("MessageAttributeNames").collect() }
    }

    fn system(&self, name: &str) -> bool {
        self.system.iter().any(|asked| *asked == "All" || *asked == name)
    }

    fn own(&self, name: &str) -> bool {
        self.own.iter().any(|asked| {
            *asked == "All"
                || *asked == name
                || asked.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
        })
    }
}
