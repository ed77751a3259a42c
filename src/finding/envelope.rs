//! What a message is: a finding, an envelope around one, several of them, or nothing of the kind.
//!
//! An envelope is opened by what it looks like, and a finding is recognised by the event's
//! detail-type or by keys that only its source has. Nothing that comes in is dropped in silence:
//! every message gives at least one finding or one rejection.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::draft::Envelope;
use super::lenient::{Kind, Raw, Read as _, Str, each_entry, each_item, kind, unquoted};
use super::limits::{self, MAX_FINDINGS};
use super::shape::{Shape, Source};
use super::{Finding, Parsed, RejectCode, Rejection, canary};

/// JSON in a string in JSON, as SNS wraps it: a topic, a queue's record, and one to spare.
const STRINGS_MAX: u8 = 3;
/// Steps inwards: envelopes, lists and their elements. Each reads its contents once more, so this
/// bounds the work. SQS in SNS in a list of records around a Security Hub event takes eight.
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
    let mut reader = Reader::default();
    reader.text(body, &Step::default());
    reader.finish()
}

/// Where the reader stands, and what it passed on the way.
#[derive(Clone, Debug, Default)]
struct Step<'a> {
    envelope: Envelope<'a>,
    /// Which source the event says the finding is of.
    source: Option<Source>,
    /// The event's detail-type and source, for the rejection.
    event: Option<String>,
    strings: u8,
    steps: u8,
}

impl<'a> Step<'a> {
    fn at_key(&self, key: &str) -> Step<'a> {
        let mut next = self.clone();
        next.steps += 1;
        next.envelope.place = self.envelope.place_of(key);
        next
    }

    fn at_index(&self, index: usize) -> Step<'a> {
        let mut next = self.clone();
        next.steps += 1;
        next.envelope.place = format!("{}[{index}]", self.envelope.place);
        next
    }
}

#[derive(Debug, Default)]
struct Reader {
    parsed: Parsed,
    /// Elements beyond [`MAX_FINDINGS`], and where the first of them was.
    surplus: usize,
    surplus_place: String,
}

impl Reader {
    /// A whole JSON document: the message, or one in a string within it.
    fn text(&mut self, text: &str, step: &Step<'_>) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if let Err(rejection) = limits::check(text) {
            return self.reject_at(step, rejection);
        }
        match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) => self.value(raw.get(), step),
            Err(error) => self.reject_at(step, not_json(&error)),
        }
    }

    fn value(&mut self, raw: &str, step: &Step<'_>) {
        if step.steps > STEPS_MAX {
            let why = format!("in more than {STEPS_MAX} envelopes and lists");
            return self.refuse(RejectCode::TooDeep, step, &why);
        }
        match kind(raw) {
            Kind::Object => self.object(raw, step),
            Kind::Array => self.list(raw, step),
            Kind::String => self.string(raw, step),
            Kind::Null => self.refuse(RejectCode::NotAFinding, step, "null is no finding"),
            Kind::Bool => self.refuse(RejectCode::NotAFinding, step, "a boolean is no finding"),
            Kind::Number => self.refuse(RejectCode::NotAFinding, step, "a number is no finding"),
        }
    }

    /// A string may hold JSON; any other text is none of ours.
    fn string(&mut self, raw: &str, step: &Step<'_>) {
        let text = unquoted(raw).unwrap_or_default();
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

    fn object(&mut self, raw: &str, step: &Step<'_>) {
        if let Some(source) = step.source
            && let Ok(finding) = source.read(raw, &step.envelope)
        {
            return self.parsed.findings.push(finding);
        }
        let shape = Shape::read(raw).unwrap_or_default();
        if let Some(Raw(message)) = shape.notification() {
            return self.notification(message, step);
        }
        let source = shape.source();
        let opened = [(shape.records, "Records"), (shape.sns, "Sns"), (shape.body, "body")];
        for (inner, key) in opened {
            if let Some(Raw(inner)) = inner.filter(|_| source.is_none() && step.event.is_none()) {
                return self.value(inner, &step.at_key(key));
            }
        }
        if let Some(Raw(detail)) = shape.detail.filter(|_| source.is_none()) {
            return self.event(detail, &shape, step);
        }
        if let Some(Raw(findings)) = shape.findings.filter(|raw| kind(raw.0) != Kind::String) {
            return self.value(findings, &step.at_key("findings"));
        }
        match step.source.or(source) {
            Some(source) => self.take(source.read(raw, &step.envelope)),
            None if step.event.is_none() && self.events_within(raw, step) => {}
            None => self.foreign(&shape, step),
        }
    }

    fn take(&mut self, read: Result<Finding, Rejection>) {
        match read {
            Ok(finding) => self.parsed.findings.push(finding),
            Err(rejection) => self.parsed.rejections.push(rejection),
        }
    }

    /// EventBridge events under keys of somebody else's making, as test tools and input templates
    /// wrap them. True if there was one.
    fn events_within(&mut self, raw: &str, step: &Step<'_>) -> bool {
        let mut found = false;
        each_entry(raw, |key, value| {
            let shape = Shape::read(value).unwrap_or_default();
            if shape.detail.is_some() && shape.detail_type.is_some() {
                found = true;
                self.one_of_several(value, || step.at_key(key));
            }
        });
        found
    }

    fn notification(&mut self, message: &str, step: &Step<'_>) {
        self.value(message, &step.at_key("Message"));
    }

    /// An EventBridge event around `detail`.
    fn event(&mut self, detail: &str, shape: &Shape<'_>, step: &Step<'_>) {
        let mut next = step.at_key("detail");
        next.envelope.account = owned(&shape.event_account).or(next.envelope.account);
        next.envelope.region = owned(&shape.region).or(next.envelope.region);
        // Only where the message itself is the event: what is wrapped may be of others' making.
        let outermost = step.steps == 0 && step.strings == 0;
        if outermost
            && canary::is_canary(shape.event_source.as_deref(), shape.detail_type.as_deref())
        {
            return self.take(canary::read(detail, &next.envelope, shape.time));
        }
        next.source = shape.detail_type.as_deref().and_then(Source::of_detail_type);
        next.event = Some(event_name(shape));
        match kind(detail) {
            Kind::Object | Kind::String => self.value(detail, &next),
            _ => self.foreign(shape, step),
        }
    }

    /// Each element for itself, up to [`MAX_FINDINGS`] in the whole message.
    fn list(&mut self, raw: &str, step: &Step<'_>) {
        let (mut total, mut containers) = (0, 0);
        each_item(raw, |item| {
            total += 1;
            containers +=
                usize::from(matches!(kind(item), Kind::Object | Kind::Array | Kind::String));
        });
        if containers == 0 {
            let why = match total {
                0 => "an empty list".to_owned(),
                _ => format!("a list of {total} without an object in it"),
            };
            return self.refuse(RejectCode::NotAFinding, step, &why);
        }
        let mut index = 0;
        each_item(raw, |item| {
            self.one_of_several(item, || step.at_index(index));
            index += 1;
        });
    }

    /// Reads `raw`, or counts it if the message has had its share.
    fn one_of_several<'s>(&mut self, raw: &str, step: impl FnOnce() -> Step<'s>) {
        if self.parsed.findings.len() + self.parsed.rejections.len() < MAX_FINDINGS {
            return self.value(raw, &step());
        }
        if self.surplus == 0 {
            self.surplus_place = step().envelope.place;
        }
        self.surplus += 1;
    }

    /// Nothing that hansho knows, told by the names that it goes by.
    fn foreign(&mut self, shape: &Shape<'_>, step: &Step<'_>) {
        let event = step.event.clone().or_else(|| {
            (shape.detail_type.is_some() || shape.event_source.is_some()).then(|| event_name(shape))
        });
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
        self.parsed.rejections.push(Rejection::new(code, &step.envelope.place, why));
    }

    /// A place that is a line and column of a text gets the place of the text before it.
    fn reject_at(&mut self, step: &Step<'_>, rejection: Rejection) {
        let place = match step.envelope.place.as_str() {
            "" => rejection.place.to_string(),
            outer => format!("{outer}, {}", rejection.place),
        };
        self.parsed.rejections.push(Rejection::new(rejection.code, &place, rejection.why.as_str()));
    }

    fn finish(mut self) -> Parsed {
        if self.surplus > 0 {
            let why = format!(
                "{} more than the {MAX_FINDINGS} findings that are read of one message",
                self.surplus
            );
            let surplus = Rejection::new(RejectCode::TooLarge, &self.surplus_place, &why);
            self.parsed.rejections.push(surplus);
        }
        self.parsed
    }
}

/// The place and the kind of a mistake in the syntax, without a word of the message.
fn not_json(error: &serde_json::Error) -> Rejection {
    let place = format!("line {} column {}", error.line(), error.column());
    let why = if error.is_eof() { "the JSON is cut off" } else { "not valid JSON" };
    Rejection::new(RejectCode::NotJson, &place, why)
}

/// `detail-type "…" from source "…"`.
fn event_name(shape: &Shape<'_>) -> String {
    let name = |text: &Str<'_>| text.as_deref().map_or_else(|| "(none)".to_owned(), quoted);
    format!("detail-type {} from source {}", name(&shape.detail_type), name(&shape.event_source))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", super::text::cut(text, QUOTED_CHARS_MAX))
}

/// A copy for the steps inwards, bounded because each of them copies it again.
fn owned(text: &Str<'_>) -> Str<'static> {
    text.as_deref().map(|text| Cow::Owned(super::text::cut(text, QUOTED_CHARS_MAX)))
}

#[cfg(test)]
mod tests;
