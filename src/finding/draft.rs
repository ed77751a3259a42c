//! What every source's parser hands in, and the finding that is made of it under the same rules
//! for all: identity, limits of text, what to do without a severity, what the envelope may add.

use std::borrow::Cow;
use std::fmt;

use super::arn::Arn;
use super::json::{Json, Kind};
use super::lenient::{Read as _, Str};
use super::reject::{RejectCode, Rejection};
use super::{Finding, Fingerprint, Level, Partition, Remark, Severity, Text};
use crate::instants::Wall;

const TITLE_CHARS_MAX: usize = 250;
const DESCRIPTION_CHARS_MAX: usize = 700;
const RESOURCE_CHARS_MAX: usize = 300;
const ACTOR_CHARS_MAX: usize = 300;
const KIND_CHARS_MAX: usize = 150;
const PLACE_CHARS_MAX: usize = 64;
const REMARK_CHARS_MAX: usize = 64;

/// Where in the message something lies: a path such as `detail.findings[3]`, written out only when
/// somebody has to be told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Place<'a> {
    /// The message itself.
    #[default]
    Message,
    Key(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl<'a> Place<'a> {
    pub fn at_key(&'a self, key: &'a str) -> Place<'a> {
        if key.is_empty() { *self } else { Place::Key(self, key) }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Message => Ok(()),
            Place::Key(Place::Message, key) => f.write_str(key),
            Place::Key(outer, key) => write!(f, "{outer}.{key}"),
            Place::Index(outer, index) => write!(f, "{outer}[{index}]"),
        }
    }
}

/// Where in the message a finding lies, and what the envelope says of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Envelope<'a> {
    pub place: Place<'a>,
    pub account: Str<'a>,
    pub region: Str<'a>,
}

impl Envelope<'_> {
    /// The place of `key` of the finding.
    pub fn place_of(&self, key: &str) -> String {
        self.place.at_key(key).to_string()
    }
}

/// A severity as far as it could be read.
#[derive(Clone, Debug)]
pub(super) enum Gauge {
    Read(Severity),
    /// Holds what was there instead, which may be nothing.
    Unreadable(String),
}

impl Default for Gauge {
    fn default() -> Gauge {
        Gauge::Unreadable(String::new())
    }
}

impl Gauge {
    pub fn level(level: Level) -> Gauge {
        Gauge::Read(Severity::of_level(level))
    }

    /// A word such as `HIGH`. Source: the enumerations of Security Hub, Inspector and Macie.
    pub fn as_str(word: &str) -> Gauge {
        word.parse().map_or_else(|_| Gauge::Unreadable(word.to_owned()), Gauge::level)
    }

    /// GuardDuty's number (also as text), or a word.
    pub fn score_or_word(json: Option<Json<'_>>) -> Gauge {
        let Some(json) = json else { return Gauge::default() };
        if let Some(severity) = f64::read(json).and_then(Severity::of_score) {
            return Gauge::Read(severity);
        }
        match (json.kind(), Cow::<str>::read(json)) {
            (Kind::String, Some(word)) => Gauge::as_str(&word),
            (_, Some(text)) => Gauge::Unreadable(text.into_owned()),
            (_, None) => Gauge::Unreadable(json.raw().to_owned()),
        }
    }

    /// What the finding counts as.
    pub fn settled(&self) -> Severity {
        match self {
            Gauge::Read(severity) => *severity,
            Gauge::Unreadable(_) => Severity::unreadable(),
        }
    }

    /// This one, or else `other`, keeping what was there.
    pub fn or(self, other: impl FnOnce() -> Gauge) -> Gauge {
        match self {
            Gauge::Read(_) => self,
            Gauge::Unreadable(first) => match other() {
                Gauge::Unreadable(second) if !first.is_empty() || second.is_empty() => {
                    Gauge::Unreadable(first)
                }
                other => other,
            },
        }
    }
}

/// A finding in its source's words.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    pub product: Cow<'a, str>,
    pub id: Str<'a>,
    /// The key that the id should have been under, for the refusal.
    pub id_key: &'static str,
    pub account: Str<'a>,
    pub region: Str<'a>,
    pub partition: Str<'a>,
    pub kind: Str<'a>,
    pub title: Str<'a>,
    pub description: Str<'a>,
    pub severity: Gauge,
    pub created_at: Option<Wall>,
    pub updated_at: Option<Wall>,
    pub first_seen: Option<Wall>,
    pub last_seen: Option<Wall>,
    pub count: Option<u64>,
    pub sample: bool,
    pub archived: bool,
    pub resource: Option<String>,
    pub actor: Option<String>,
}

impl<'a> Draft<'a> {
    /// Fills account, region and partition from the finding's own name, where they are not said.
    pub fn complete_from(&mut self, name: Option<&'a str>) {
        if self.account.is_some() && self.region.is_some() && self.partition.is_some() {
            return;
        }
        let Some(arn) = name.and_then(Arn::parse) else { return };
        let known = |part: &'a str| (!part.is_empty()).then_some(Cow::Borrowed(part));
        self.account = self.account.take().or_else(|| known(arn.account));
        self.region = self.region.take().or_else(|| known(arn.region));
        self.partition = self.partition.take().or_else(|| known(arn.partition));
    }

    /// The finding, or why there is none: only identity is required.
    pub fn finish(self, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
        let fingerprint = self.fingerprint(envelope)?;
        Ok(self.finish_as(fingerprint, envelope))
    }

    /// The finding, whose identity has been read.
    pub fn finish_as(self, fingerprint: Fingerprint, envelope: &Envelope<'_>) -> Finding {
        let kind = some_text(self.kind, KIND_CHARS_MAX)
            .unwrap_or_else(|| Text::new("unknown type", KIND_CHARS_MAX));
        let title = some_text(self.title, TITLE_CHARS_MAX);
        let sender = envelope.account.as_deref().map(account_id).unwrap_or_default();
        let account = first_text([&fingerprint.account, &sender]);
        let envelope_region = envelope.region.as_deref().unwrap_or_default();
        let region = first_text([&fingerprint.region, envelope_region]);
        let partition = partition(self.partition.as_deref(), region.as_str());
        let mut remarks = Vec::new();
        let severity = self.severity.settled();
        if let Gauge::Unreadable(found) = self.severity {
            remarks.push(Remark::UnreadableSeverity(Text::new(&found, REMARK_CHARS_MAX)));
        }
        if *sender != *account.as_str() {
            let sender = Text::new(&sender, PLACE_CHARS_MAX);
            if !sender.is_empty() && sender != account {
                remarks.push(Remark::SentByAccount(sender));
            }
        }
        Finding {
            fingerprint,
            partition,
            account,
            region,
            title: title.unwrap_or_else(|| kind.clone()),
            kind,
            description: some_text(self.description, DESCRIPTION_CHARS_MAX),
            severity,
            created_at: self.created_at,
            updated_at: self.updated_at,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            count: self.count,
            sample: self.sample,
            canary: None,
            archived: self.archived,
            resource: some_text(self.resource.map(Cow::from), RESOURCE_CHARS_MAX),
            actor: some_text(self.actor.map(Cow::from), ACTOR_CHARS_MAX),
            remarks,
        }
    }

    /// The envelope has no part in identity: what the finding does not say stays empty here.
    pub fn fingerprint(&self, envelope: &Envelope<'_>) -> Result<Fingerprint, Rejection> {
        let refuse = |why: &str| {
            Rejection::new(RejectCode::NoIdentity, &envelope.place_of(self.id_key), why)
        };
        let Some(id) = self.id.as_deref() else {
            return Err(refuse(
                "the finding has no id, without which it can't be told from a copy",
            ));
        };
        if id.len() > Fingerprint::MAX_ID_BYTES {
            let max = Fingerprint::MAX_ID_BYTES;
            return Err(refuse(&format!("the id has {} bytes, at most {max} are a key", id.len())));
        }
        let bounded = |text: &str| Text::new(text, PLACE_CHARS_MAX).into_string();
        Ok(Fingerprint {
            product: bounded(&self.product),
            account: bounded(&self.account.as_deref().map(account_id).unwrap_or_default()),
            region: bounded(self.region.as_deref().unwrap_or_default()),
            id: id.to_owned(),
        })
    }
}

/// An account id given as a number has lost its leading zeros: it has 12 digits.
fn account_id(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(text) && text.len() <= 12 {
        return if text.len() == 12 { text.into() } else { format!("{text:0>12}").into() };
    }
    match text.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && (0.0..1e12).contains(&number) && !digits(text) => {
            format!("{:0>12}", number as u64).into()
        }
        _ => text.into(),
    }
}

/// What the finding says, or what its region tells.
fn partition(said: Option<&str>, region: &str) -> Partition {
    match said {
        Some(name) => Partition::from_name(name.trim()),
        None if region.starts_with("cn-") => Partition::China,
        None if region.starts_with("us-gov-") => Partition::GovCloud,
        None if region.starts_with("us-iso") || region.starts_with("eusc-") => Partition::Other,
        None => Partition::Commercial,
    }
}

fn some_text(raw: Str<'_>, max_chars: usize) -> Option<Text> {
    raw.map(|raw| Text::of(raw, max_chars)).filter(|text| !text.is_empty())
}

fn first_text(candidates: [&str; 2]) -> Text {
    let found = candidates.into_iter().find(|text| !text.trim().is_empty());
    Text::new(found.unwrap_or_default(), PLACE_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use super::super::json::json;
    use super::*;

    #[test]
    fn account_numbers_get_their_zeros_back() {
        for (text, id) in [
            ("123456789012", "123456789012"),
            ("12345678901", "012345678901"),
            ("1.23456789012e11", "123456789012"),
            ("123456789012.0", "123456789012"),
            ("1234567890123", "1234567890123"),
            ("sandbox", "sandbox"),
            ("-5", "-5"),
            ("inf", "inf"),
        ] {
            assert_eq!(account_id(text), id, "{text}");
        }
    }

    #[test]
    fn partitions_are_told_by_name_or_region() {
        for (said, region, expected) in [
            (Some("aws"), "us-east-1", Partition::Commercial),
            (Some("aws-cn"), "", Partition::China),
            (Some("aws-iso"), "us-iso-east-1", Partition::Other),
            (None, "cn-north-1", Partition::China),
            (None, "us-gov-west-1", Partition::GovCloud),
            (None, "us-isob-east-1", Partition::Other),
            (None, "", Partition::Commercial),
        ] {
            assert_eq!(partition(said, region), expected, "{said:?} {region}");
        }
    }

    #[test]
    fn severities_in_any_form() {
        for (raw, level, score) in [
            ("8.7", Some(Level::High), Some(8.7)),
            (r#""5.0""#, Some(Level::Medium), Some(5.0)),
            (r#""CRITICAL""#, Some(Level::Critical), None),
            (r#"" low ""#, Some(Level::Low), None),
            ("0", Some(Level::Informational), Some(0.0)),
            ("-1", None, None),
            ("1e999", None, None),
            (r#""severe""#, None, None),
            ("true", None, None),
            (r#"{"x":1}"#, None, None),
            ("[8]", None, None),
        ] {
            match (Gauge::score_or_word(Json::read(json(raw))), level) {
                (Gauge::Read(severity), Some(level)) => {
                    assert_eq!((severity.level, severity.score), (level, score), "{raw}");
                }
                (Gauge::Unreadable(found), None) => {
                    assert_eq!(found, raw.trim_matches('"'), "{raw}");
                }
                (gauge, _) => panic!("{raw}: {gauge:?}"),
            }
        }
        assert!(matches!(Gauge::score_or_word(None), Gauge::Unreadable(s) if s.is_empty()));
    }
}
