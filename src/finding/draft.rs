//! A finding as its source's parser reads it. [`Draft::finish`] makes the [`Finding`] by rules that
//! are the same for all sources: identity, text limits, a missing severity, what the envelope may
//! add.

use std::borrow::Cow;

use super::arn::Arn;
use super::condition::Condition;
use super::control::{Control, member};
use super::envelope::Envelope;
use super::fingerprint::Fingerprint;
use super::gauge::Gauge;
use super::lenient::Str;
use super::model::{Finding, Group, Remark};
use super::original::Original;
use super::partition::Partition;
use super::product::Product;
use super::reject::{RejectCode, Rejection};
use super::request::Request;
use super::text::Text;
use crate::instants::Wall;

const TITLE_CHARS_MAX: usize = 250;
const DESCRIPTION_CHARS_MAX: usize = 700;
const RESOURCE_CHARS_MAX: usize = 300;
const ACTOR_CHARS_MAX: usize = 300;
const KIND_CHARS_MAX: usize = 150;
const PLACE_CHARS_MAX: usize = 64;
const REMARK_CHARS_MAX: usize = 64;

/// A finding in its source's words, before limits and defaults.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    pub product: Product,
    pub id: Str<'a>,
    /// The id's key, for the rejection of a finding without one.
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
    pub condition: Condition,
    pub member: Str<'a>,
    pub standards: Vec<Text>,
    pub group: Option<Group>,
    pub resource: Option<String>,
    pub actor: Option<String>,
}

impl<'a> Draft<'a> {
    /// Fills a missing account, region or partition from `name` if it is an ARN. A part that does
    /// not have the form of one is not taken.
    pub fn complete_from(&mut self, name: Option<&'a str>) {
        if self.account.is_some() && self.region.is_some() && self.partition.is_some() {
            return;
        }
        let Some(arn) = name.and_then(Arn::parse) else { return };
        let account = arn.account_id().map(Cow::Borrowed);
        self.account = self.account.take().or(account);
        self.region = self.region.take().or(arn.region_name().map(Cow::Borrowed));
        self.partition = self.partition.take().or(arn.partition_name().map(Cow::Borrowed));
    }

    /// Gives Security Hub's copy the identity of its original. `name` is the copy's own id: if it
    /// is an ARN, its region is the original's, whichever region Security Hub aggregates in.
    pub fn take_identity(&mut self, name: Option<&'a str>, original: Original<'a>) {
        if let Some(region) = name.and_then(Arn::parse).and_then(|arn| arn.region_name()) {
            self.region = Some(Cow::Borrowed(region));
        }
        self.product = original.product;
        self.id = Some(Cow::Borrowed(original.id));
    }

    /// Gives a control's finding the identity that it shares with the other standards' findings.
    /// One without an id of its own stays so.
    pub fn take_control(&mut self, control: Control<'_>) {
        if let Some(id) = self.id.take() {
            self.member = Some(Cow::Owned(member(&id)));
            self.id = Some(Cow::Owned(control.finding_id()));
        }
    }

    /// Makes the finding, or rejects it: only the identity is required.
    pub fn finish(self, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
        let fingerprint = self.fingerprint(envelope)?;
        Ok(self.finish_as(fingerprint, envelope))
    }

    /// Makes the finding with an identity that was read before.
    pub fn finish_as(self, fingerprint: Fingerprint, envelope: &Envelope<'_>) -> Finding {
        let kind = some_text(self.kind, KIND_CHARS_MAX)
            .unwrap_or_else(|| Text::new("unknown type", KIND_CHARS_MAX));
        let title = some_text(self.title, TITLE_CHARS_MAX);
        let sender = envelope.account.as_deref().map(account_id).unwrap_or_default();
        let account = first_text([&fingerprint.account, &sender]);
        let envelope_region = envelope.region.as_deref().unwrap_or_default();
        let region = first_text([&fingerprint.region, envelope_region]);
        let partition = match self.partition.as_deref() {
            Some(name) => Partition::from_name(name.trim()),
            None => Partition::of_region(region.as_str()),
        };
        let mut remarks = Vec::new();
        let severity = self.severity.severity();
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
            condition: self.condition.or_observed_at(envelope.time),
            member: some_text(self.member, Finding::MEMBER_CHARS_MAX),
            requested_by: envelope.request.as_ref().map(Request::action_name),
            standards: self.standards,
            group: self.group,
            resource: some_text(self.resource.map(Cow::from), RESOURCE_CHARS_MAX),
            actor: some_text(self.actor.map(Cow::from), ACTOR_CHARS_MAX),
            remarks,
        }
    }

    /// Reads the identity. The envelope has no part in it: a part that the finding does not say
    /// stays empty. Only the id of what a person sent on purpose names the event.
    pub fn fingerprint(&self, envelope: &Envelope<'_>) -> Result<Fingerprint, Rejection> {
        let reject = |why: &str| {
            Rejection::new(RejectCode::NoIdentity, &envelope.place_of(self.id_key), why)
        };
        let Some(id) = self.id.as_deref() else {
            return Err(reject("the finding has no id, so its copies cannot be recognised"));
        };
        if id.len() > Fingerprint::MAX_ID_BYTES {
            let max = Fingerprint::MAX_ID_BYTES;
            let why = format!("the id has {} bytes, more than the limit of {max}", id.len());
            return Err(reject(&why));
        }
        let bounded = |text: &str| Text::new(text, PLACE_CHARS_MAX).into_string();
        Ok(Fingerprint {
            product: bounded(self.product.as_str()),
            account: bounded(&self.account.as_deref().map(account_id).unwrap_or_default()),
            region: bounded(self.region.as_deref().unwrap_or_default()),
            id: match &envelope.request {
                Some(request) => request.finding_id(id, envelope.time),
                None => id.to_owned(),
            },
        })
    }
}

/// Restores the leading zeros of an account id that was given as a number: an id has 12 digits.
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

fn some_text(raw: Str<'_>, max_chars: usize) -> Option<Text> {
    raw.map(|raw| Text::of(raw, max_chars)).filter(|text| !text.is_empty())
}

fn first_text(candidates: [&str; 2]) -> Text {
    let found = candidates.into_iter().find(|text| !text.trim().is_empty());
    Text::new(found.unwrap_or_default(), PLACE_CHARS_MAX)
}

#[cfg(test)]
mod tests {
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
}
