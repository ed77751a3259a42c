//! What a message is: a finding, an envelope around one, several of them, or nothing of the kind.
//!
//! An envelope is opened by what it looks like, and a finding is recognised by the event's
//! detail-type or by keys that only its source has. Nothing that comes in is dropped in silence:
//! every message gives at least one finding or one rejection.

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

use super::draft::{Envelope, Place};
use super::json::{Document, Json, Kind};
use super::lenient::{Read as _, Str};
use super::limits::{self, MAX_FINDINGS};
use super::shape::{Shape, Source};
use super::{Outcome, Parsed, RejectCode, Rejection, Wanted, canary};

/// JSON in a string in JSON, as SNS wraps it: a topic, a queue's record, and one to spare.
const STRINGS_MAX: u8 = 3;
/// Steps inwards: envelopes, lists and their elements. SQS in SNS in a list of records around a Security
/// Hub event takes eight.
const STEPS_MAX: u8 = 12;
/// A name quoted in a rejection.
const QUOTED_CHARS_MAX: usize = 80;

/// Reads the body of a queue message: findings in any of the forms that hansho knows, and a
/// rejection, with its place, for whatever in it is none.
///
/// Known are GuardDuty, Inspector, Macie and Access Analyzer findings, Security Hub's ASFF and OCSF;
/// raw, in an EventBridge event (whose `detail` may be a string), in an SNS notification, in a list,
/// or as an API's answer with `Findings`. At most [`MAX_FINDINGS`] are read of one message; the
/// surplus is one rejection. The parse never fails for a wrong type, only for a missing identity.
pub fn parse(body: &str) -> Parsed {
    parse_wanted(body, &|_| true)
}

/// Like [`parse`], but of a finding whose severity is not `wanted` only the identity and the severity
/// are told. A canary is always wanted.
pub fn parse_wanted(body: &str, wanted: Wanted<'_>) -> Parsed {
    let mut reader = Reader { parsed: Parsed::default(), wanted, surplus: None };
    reader.text(body, &Step::default());
    reader.finish()
}

/// Where the reader stands, and what it passed on the way.
#[derive(Clone, Debug, Default)]
struct Step<'a> {
    envelope: Envelope<'a>,
    /// Which source the event says the finding is of.
    source: Option<Source>,
    /// The event around it, for the rejection.
    event: Option<EventName<'a>>,
    strings: u8,
    steps: u8,
}

impl<'a> Step<'a> {
    fn at_key(&'a self, key: &'a str) -> Step<'a> {
        self.inwards(self.envelope.place.at_key(key))
    }

    fn at_index(&'a self, index: usize) -> Step<'a> {
        self.inwards(Place::Index(&self.envelope.place, index))
    }

    fn inwards(&self, place: Place<'a>) -> Step<'a>
    where
        Self: 'a,
    {
        let mut next = self.clone();
        next.steps += 1;
        next.envelope.place = place;
        next
    }
}

struct Reader<'w> {
    parsed: Parsed,
    wanted: Wanted<'w>,
    /// Elements beyond [`MAX_FINDINGS`]: how many, and where the first of them was.
    surplus: Option<(usize, String)>,
}

impl Reader<'_> {
    /// A whole JSON document: the message, or one in a string within it.
    fn text(&mut self, text: &str, step: &Step<'_>) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match Document::read(text) {
            Some(document) => self.value(document.root(), step),
            None => self.reject_at(step, why_none(text)),
        }
    }

    fn value(&mut self, json: Json<'_>, step: &Step<'_>) {
        if step.steps > STEPS_MAX {
            let why = format!("in more than {STEPS_MAX} envelopes and lists");
            return self.refuse(RejectCode::TooDeep, step, &why);
        }
        match json.kind() {
            Kind::Object => self.object(json, step),
            Kind::Array => self.list(json, step),
            Kind::String => self.string(json, step),
            Kind::Null => self.refuse(RejectCode::NotAFinding, step, "null is no finding"),
            Kind::Bool => self.refuse(RejectCode::NotAFinding, step, "a boolean is no finding"),
            Kind::Number => self.refuse(RejectCode::NotAFinding, step, "a number is no finding"),
        }
    }

    /// A string may hold JSON; any other text is none of ours.
    fn string(&mut self, json: Json<'_>, step: &Step<'_>) {
        let text = json.text().unwrap_or_default();
        if !text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with(['{', '[']) {
            return self.refuse(RejectCode::NotAFinding, step, "plain text is no finding");
        }
        if step.strings >= STRINGS_MAX {
            let why = format!("JSON in strings in JSON more than {STRINGS_MAX} times");
            return self.refuse(RejectCode::TooDeep, step, &why);
        }
        let next = Step { strings: step.strings + 1, steps: step.steps + 1, ..step.clone() };
        self.text(&text, &next);
    }

    fn object(&mut self, json: Json<'_>, step: &Step<'_>) {
        if let Some(source) = step.source
            && let Ok(outcome) = source.read(json, &step.envelope, self.wanted)
        {
            return self.take(Ok(outcome));
        }
        let shape = Shape::read(json).unwrap_or_default();
        if let Some(message) = shape.notification() {
            return self.value(message, &step.at_key("Message"));
        }
        let source = shape.source();
        let opened = [(shape.records, "Records"), (shape.sns, "Sns"), (shape.body, "body")];
        for (inner, key) in opened {
            if let Some(inner) = inner.filter(|_| source.is_none() && step.event.is_none()) {
                return self.value(inner, &step.at_key(key));
            }
        }
        if let Some(detail) = shape.detail.filter(|_| source.is_none()) {
            return self.event(json, detail, &shape, step);
        }
        if let Some(findings) = shape.findings.filter(|json| json.kind() != Kind::String) {
            return self.value(findings, &step.at_key("findings"));
        }
        match step.source.or(source) {
            Some(source) => self.take(source.read(json, &step.envelope, self.wanted)),
            None if step.event.is_none() && self.events_within(json, step) => {}
            None => self.foreign(&shape, step),
        }
    }

    fn take(&mut self, read: Result<Outcome, Rejection>) {
        match read {
            Ok(Outcome::Wanted(finding)) => self.parsed.findings.push(finding),
            Ok(Outcome::Unwanted(unwanted)) => self.parsed.unwanted.push(unwanted),
            Err(rejection) => self.parsed.rejections.push(rejection),
        }
    }

    /// EventBridge events under keys of somebody else's making, as test tools and input templates
    /// wrap them. True if there was one.
    fn events_within(&mut self, json: Json<'_>, step: &Step<'_>) -> bool {
        let mut found = false;
        for (key, value) in json.entries() {
            let shape = Shape::read(value).unwrap_or_default();
            if shape.detail.is_some() && shape.detail_type.is_some() {
                found = true;
                self.one_of_several(value, &step.at_key(&key));
            }
        }
        found
    }

    /// An EventBridge event around `detail`.
    fn event(&mut self, event: Json<'_>, detail: Json<'_>, shape: &Shape<'_>, step: &Step<'_>) {
        let mut next = step.at_key("detail");
        next.envelope.account = bounded(&shape.event_account).or(next.envelope.account);
        next.envelope.region = bounded(&shape.region).or(next.envelope.region);
        // Only where the message itself is the event: what is wrapped may be of others' making.
        let outermost = step.steps == 0 && step.strings == 0;
        if outermost
            && canary::is_canary(shape.event_source.as_deref(), shape.detail_type.as_deref())
        {
            return self.take(canary::read(detail, &next.envelope, event).map(Outcome::Wanted));
        }
        next.source = shape.detail_type.as_deref().and_then(Source::of_detail_type);
        next.event = Some(EventName::of(shape));
        match detail.kind() {
            Kind::Object | Kind::String => self.value(detail, &next),
            _ => self.foreign(shape, step),
        }
    }

    /// Each element for itself, up to [`MAX_FINDINGS`] in the whole message.
    fn list(&mut self, json: Json<'_>, step: &Step<'_>) {
        let is_container =
            |item: &Json<'_>| matches!(item.kind(), Kind::Object | Kind::Array | Kind::String);
        if !json.items().any(|item| is_container(&item)) {
            let why = match json.items().count() {
                0 => "an empty list".to_owned(),
                total => format!("a list of {total} without an object in it"),
            };
            return self.refuse(RejectCode::NotAFinding, step, &why);
        }
        for (index, item) in json.items().enumerate() {
            self.one_of_several(item, &step.at_index(index));
        }
    }

    /// Reads it, or counts it if the message has had its share.
    fn one_of_several(&mut self, json: Json<'_>, step: &Step<'_>) {
        if self.parsed.count() + self.parsed.rejections.len() < MAX_FINDINGS {
            return self.value(json, step);
        }
        match &mut self.surplus {
            Some((count, _)) => *count += 1,
            None => self.surplus = Some((1, step.envelope.place.to_string())),
        }
    }

    /// Nothing that hansho knows, told by the names that it goes by.
    fn foreign(&mut self, shape: &Shape<'_>, step: &Step<'_>) {
        let named = shape.detail_type.is_some() || shape.event_source.is_some();
        let event = step.event.clone().or_else(|| named.then(|| EventName::of(shape)));
        let why = match (event, shape.topic.is_some(), shape.kind.as_deref()) {
            (Some(event), _, _) => format!("an event of {event} is no finding that hansho knows"),
            (None, true, Some(kind)) => {
                format!("an SNS message of type {} is no finding", quoted(kind))
            }
            _ => "an object without the marks of any finding that hansho knows".to_owned(),
        };
        self.refuse(RejectCode::NotAFinding, step, &why);
    }

    fn refuse(&mut self, code: RejectCode, step: &Step<'_>, why: &str) {
        self.parsed.rejections.push(Rejection::new(code, &step.envelope.place.to_string(), why));
    }

    /// A place that is a line and column of a text gets the place of the text before it.
    fn reject_at(&mut self, step: &Step<'_>, rejection: Rejection) {
        let place = match step.envelope.place {
            Place::Message => rejection.place.to_string(),
            outer => format!("{outer}, {}", rejection.place),
        };
        self.parsed.rejections.push(Rejection::new(rejection.code, &place, rejection.why.as_str()));
    }

    fn finish(mut self) -> Parsed {
        if let Some((count, place)) = self.surplus {
            let why = format!(
                "{count} more than the {MAX_FINDINGS} findings that are read of one message"
            );
            self.parsed.rejections.push(Rejection::new(RejectCode::TooLarge, &place, &why));
        }
        self.parsed
    }
}

/// Why a text is no document. What is wrong, and where, serde_json says better than the one pass, which
/// only has to know that something is.
fn why_none(text: &str) -> Rejection {
    match limits::check(text) {
        Err(rejection) => rejection,
        Ok(()) => match serde_json::from_str::<&RawValue>(text) {
            Err(error) => not_json(&error),
            Ok(_) => Rejection::new(RejectCode::NotJson, "", "not valid JSON"),
        },
    }
}

/// The place and the kind of a mistake in the syntax, without a word of the message.
fn not_json(error: &serde_json::Error) -> Rejection {
    let place = format!("line {} column {}", error.line(), error.column());
    let why = if error.is_eof() { "the JSON is cut off" } else { "not valid JSON" };
    Rejection::new(RejectCode::NotJson, &place, why)
}

/// `detail-type "…" from source "…"`.
#[derive(Clone, Debug)]
struct EventName<'a> {
    detail_type: Str<'a>,
    source: Str<'a>,
}

impl<'a> EventName<'a> {
    fn of(shape: &'a Shape<'_>) -> EventName<'a> {
        let borrowed = |text: &'a Str<'_>| text.as_deref().map(Cow::Borrowed);
        let (detail_type, source) = (&shape.detail_type, &shape.event_source);
        EventName { detail_type: borrowed(detail_type), source: borrowed(source) }
    }
}

impl fmt::Display for EventName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |text: &Str<'_>| text.as_deref().map_or_else(|| "(none)".to_owned(), quoted);
        write!(f, "detail-type {} from source {}", name(&self.detail_type), name(&self.source))
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", super::text::cut(text, QUOTED_CHARS_MAX))
}

/// A text of the envelope, bounded, because nobody knows how long it is.
fn bounded<'a>(text: &'a Str<'_>) -> Str<'a> {
    text.as_deref().map(|text| super::text::cut(text, QUOTED_CHARS_MAX))
}

#[cfg(test)]
mod tests;
