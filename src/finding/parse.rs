//! Opens the envelopes of a message and reads the findings in it.
//!
//! Envelopes are recognised by their keys; findings by the event's detail-type, or by keys that
//! only their source has. Nothing is dropped silently: every message gives at least one finding,
//! one ignored event or one rejection.

use std::fmt;

use serde_json::value::RawValue;

use super::canary;
use super::contradiction::refuse;
use super::envelope::Envelope;
use super::event_kind::IgnoredEvent;
use super::json::{Document, Json, Kind};
use super::lenient::{Read as _, Str, borrowed};
use super::limits::{self, MAX_FINDINGS};
use super::outcome::{Outcome, Parsed, Wanted};
use super::place::Place;
use super::reject::{RejectCode, Rejection};
use super::request::Request;
use super::shape::Shape;
use super::source::Source;
use super::text::cut;

/// The most JSON strings around a finding that may hold JSON. SNS and SQS records wrap it once
/// each; one is to spare.
const STRINGS_MAX: u8 = 3;
/// The most envelopes, lists and elements around a finding. SQS in SNS in a list of records
/// around a Security Hub event takes eight.
const STEPS_MAX: u8 = 12;
/// The longest quotation from the message in a rejection, in characters.
const QUOTED_CHARS_MAX: usize = 80;

/// Reads the body of a queue message: the findings in it, and a rejection with its place for every
/// part that is not known. Events that are known to be no findings are counted.
///
/// - Sources: GuardDuty, Inspector, Macie, Access Analyzer, and Security Hub's ASFF and OCSF.
/// - Envelopes: none, an EventBridge event (its `detail` may be a string), an SNS notification,
///   Lambda's SNS and SQS records, a list, or an API's answer with `Findings`.
/// - At most [`MAX_FINDINGS`] findings are read from one message. One rejection counts the others.
/// - A value of a wrong type never rejects a finding. A missing identity does.
pub fn parse(body: &str) -> Parsed {
    parse_wanted(body, &|_| true)
}

/// Like [`parse`], but an open finding with a severity that is not `wanted` gives only its identity
/// and its severity. A closed finding is read in full whatever its severity, because it may end an
/// alert: a control that passes becomes informational. Canaries and what a person sent on purpose
/// are always wanted.
pub fn parse_wanted(body: &str, wanted: Wanted<'_>) -> Parsed {
    let mut reader = Reader { parsed: Parsed::default(), wanted, surplus: None };
    reader.text(body, &Step::default());
    reader.finish()
}

/// The position in the message, and the envelopes around it.
#[derive(Clone, Debug, Default)]
struct Step<'a> {
    envelope: Envelope<'a>,
    /// The source that the event names.
    source: Option<Source>,
    /// The event around the position, for a rejection.
    event: Option<EventName<'a>>,
    /// The number of strings around the position that hold JSON, see [`STRINGS_MAX`].
    strings: u8,
    /// The number of envelopes, lists and elements around it, see [`STEPS_MAX`].
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
    /// The number of elements beyond [`MAX_FINDINGS`], and the place of the first.
    surplus: Option<(usize, String)>,
}

impl Reader<'_> {
    /// Reads a JSON document: the message, or a string in it.
    fn text(&mut self, text: &str, step: &Step<'_>) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match Document::read(text) {
            Some(document) => self.value(document.root(), step),
            None => self.reject_at(step, why_none(text)),
        }
    }

    fn value(&mut self, json: Json<'_>, step: &Step<'_>) {
        if step.steps > STEPS_MAX {
            let why = format!("inside more than {STEPS_MAX} envelopes and lists");
            return self.reject(RejectCode::TooDeep, step, &why);
        }
        match json.kind() {
            Kind::Object => self.object(json, step),
            Kind::Array => self.list(json, step),
            Kind::String => self.string(json, step),
            Kind::Null => self.reject(RejectCode::NotAFinding, step, "null is not a finding"),
            Kind::Bool => self.reject(RejectCode::NotAFinding, step, "a boolean is not a finding"),
            Kind::Number => self.reject(RejectCode::NotAFinding, step, "a number is not a finding"),
        }
    }

    /// Reads JSON in a string. Other text is rejected.
    fn string(&mut self, json: Json<'_>, step: &Step<'_>) {
        let text = json.text().unwrap_or_default();
        if !text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with(['{', '[']) {
            return self.reject(RejectCode::NotAFinding, step, "plain text is not a finding");
        }
        if step.strings >= STRINGS_MAX {
            let why = format!("JSON inside more than {STRINGS_MAX} JSON strings");
            return self.reject(RejectCode::TooDeep, step, &why);
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
        if let Err(rejection) = refuse(shape.keys(), &step.envelope) {
            return self.parsed.rejections.push(rejection);
        }
        if let Some(message) = shape.notification() {
            return self.value(message, &step.at_key("Message"));
        }
        let source = shape.source();
        let opened = [(*shape.records, "Records"), (*shape.sns, "Sns"), (*shape.body, "body")];
        for (inner, key) in opened {
            if let Some(inner) = inner.filter(|_| source.is_none() && step.event.is_none()) {
                return self.value(inner, &step.at_key(key));
            }
        }
        if let Some(detail) = shape.detail.filter(|_| source.is_none()) {
            return self.event(detail, &shape, step);
        }
        if let Some(findings) = shape.findings.filter(|json| json.kind() != Kind::String) {
            let mut next = step.at_key("findings");
            if let Some(request) = &mut next.envelope.request {
                request.action = bounded(&shape.action);
            }
            return self.value(findings, &next);
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
            Ok(Outcome::Ignored(event)) => self.parsed.ignored.push(event),
            Err(rejection) => self.parsed.rejections.push(rejection),
        }
    }

    /// Reads EventBridge events under keys that hansho does not know; test tools and input
    /// templates wrap events so. Returns whether there was one.
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

    /// Reads an EventBridge event around `detail`.
    fn event(&mut self, detail: Json<'_>, shape: &Shape<'_>, step: &Step<'_>) {
        let mut next = step.at_key("detail");
        next.envelope.account = bounded(&shape.event_account).or(next.envelope.account);
        next.envelope.region = bounded(&shape.region).or(next.envelope.region);
        next.envelope.time = shape.time.or(next.envelope.time);
        // Only a message that is itself the event can be a canary: others may have made the
        // contents.
        let outermost = step.steps == 0 && step.strings == 0;
        if outermost
            && canary::is_canary(shape.event_source.as_deref(), shape.detail_type.as_deref())
        {
            return self.take(canary::read(detail, &next.envelope).map(Outcome::Wanted));
        }
        let (source, detail_type) = (shape.event_source.as_deref(), shape.detail_type.as_deref());
        if let Some(event) = IgnoredEvent::of(source, detail_type) {
            return self.parsed.ignored.push(event);
        }
        next.source = detail_type.and_then(Source::of_detail_type);
        next.envelope.resource = shape.first_resource();
        next.envelope.request = Request::of(detail_type, borrowed(&shape.event_id));
        next.event = Some(EventName::of(shape));
        match detail.kind() {
            Kind::Object | Kind::String => self.value(detail, &next),
            _ => self.foreign(shape, step),
        }
    }

    /// Reads each element on its own, up to [`MAX_FINDINGS`] in the whole message.
    fn list(&mut self, json: Json<'_>, step: &Step<'_>) {
        let is_container =
            |item: &Json<'_>| matches!(item.kind(), Kind::Object | Kind::Array | Kind::String);
        if !json.items().any(|item| is_container(&item)) {
            let why = match json.items().count() {
                0 => "the list is empty".to_owned(),
                total => format!("none of the {total} elements of the list is an object"),
            };
            return self.reject(RejectCode::NotAFinding, step, &why);
        }
        for (index, item) in json.items().enumerate() {
            self.one_of_several(item, &step.at_index(index));
        }
    }

    /// Reads an element, or counts it if [`MAX_FINDINGS`] were read.
    fn one_of_several(&mut self, json: Json<'_>, step: &Step<'_>) {
        if self.parsed.parts() < MAX_FINDINGS {
            return self.value(json, step);
        }
        match &mut self.surplus {
            Some((count, _)) => *count += 1,
            None => self.surplus = Some((1, step.envelope.place.to_string())),
        }
    }

    /// Rejects an object that hansho does not know, with the names that it has.
    fn foreign(&mut self, shape: &Shape<'_>, step: &Step<'_>) {
        let named = shape.detail_type.is_some() || shape.event_source.is_some();
        let event = step.event.clone().or_else(|| named.then(|| EventName::of(shape)));
        let why = match (event, shape.topic.is_some(), shape.kind.as_deref()) {
            (Some(event), _, _) => {
                format!("an event with {event} is not a finding that hansho knows")
            }
            (None, true, Some(kind)) => {
                format!("an SNS message of type {} is not a finding", quoted(kind))
            }
            _ => "the object does not have the keys of a finding that hansho knows".to_owned(),
        };
        self.reject(RejectCode::NotAFinding, step, &why);
    }

    fn reject(&mut self, code: RejectCode, step: &Step<'_>, why: &str) {
        self.parsed.rejections.push(Rejection::new(code, &step.envelope.place.to_string(), why));
    }

    /// Adds the place of a text to a rejection that names a line and column of it.
    fn reject_at(&mut self, step: &Step<'_>, rejection: Rejection) {
        let place = match step.envelope.place {
            Place::Message => rejection.place.to_string(),
            outer => format!("{outer}, {}", rejection.place),
        };
        self.parsed.rejections.push(Rejection::new(rejection.code, &place, rejection.why.as_str()));
    }

    fn finish(mut self) -> Parsed {
        if let Some((count, place)) = self.surplus {
            let why = format!("{count} findings more than the limit of {MAX_FINDINGS} a message");
            self.parsed.rejections.push(Rejection::new(RejectCode::TooLarge, &place, &why));
        }
        self.parsed
    }
}

/// Explains why a text is not a JSON document. [`Document::read`] finds only that something is
/// wrong; serde_json finds what and where.
fn why_none(text: &str) -> Rejection {
    match limits::check(text) {
        Err(rejection) => rejection,
        Ok(()) => match serde_json::from_str::<&RawValue>(text) {
            Err(error) => not_json(&error),
            Ok(_) => Rejection::new(RejectCode::NotJson, "", "not valid JSON"),
        },
    }
}

/// Rejects a syntax error by its place and kind. The rejection repeats nothing of the message.
fn not_json(error: &serde_json::Error) -> Rejection {
    let place = format!("line {} column {}", error.line(), error.column());
    let why = if error.is_eof() { "the JSON is cut off" } else { "not valid JSON" };
    Rejection::new(RejectCode::NotJson, &place, why)
}

/// Displays as `detail-type "…" and source "…"`.
#[derive(Clone, Debug)]
struct EventName<'a> {
    detail_type: Str<'a>,
    source: Str<'a>,
}

impl<'a> EventName<'a> {
    fn of(shape: &'a Shape<'_>) -> EventName<'a> {
        let source = borrowed(&shape.event_source);
        EventName { detail_type: borrowed(&shape.detail_type), source }
    }
}

impl fmt::Display for EventName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |text: &Str<'_>| text.as_deref().map_or_else(|| "(none)".to_owned(), quoted);
        write!(f, "detail-type {} and source {}", name(&self.detail_type), name(&self.source))
    }
}

/// Quotes a text from the message, cut to [`QUOTED_CHARS_MAX`].
fn quoted(text: &str) -> String {
    format!("\"{}\"", cut(text, QUOTED_CHARS_MAX))
}

/// Cuts a text of the envelope, whose length is unknown.
fn bounded<'a>(text: &'a Str<'_>) -> Str<'a> {
    text.as_deref().map(|text| cut(text, QUOTED_CHARS_MAX))
}

#[cfg(test)]
mod tests;
