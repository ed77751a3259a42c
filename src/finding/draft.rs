//! A finding as its source's parser reads it. [`Draft::finish`] makes the [`Finding`] by rules that
//! are the same for all sources: identity, text limits, a missing severity, what the envelope may
//! add.

use std::borrow::Cow;

use super::arn::{Arn, is_account_id};
use super::condition::{Condition, FindingState};
use super::control::{Control, member};
use super::envelope::Envelope;
use super::fact::{Fact, Facts};
use super::fingerprint::Fingerprint;
use super::gauge::Gauge;
use super::lenient::Str;
use super::model::{Finding, Group, Remark};
use super::original::Original;
use super::own_type::own_type;
use super::partition::Partition;
use super::product::Product;
use super::region::is_region_name;
use super::reject::{RejectCode, Rejection};
use super::request::Request;
use super::text::Text;
use crate::instants::Wall;

const TITLE_CHARS_MAX: usize = 250;
const DESCRIPTION_CHARS_MAX: usize = 600;
/// GuardDuty tells the steps of an attack sequence in lines.
const SEQUENCE_CHARS_MAX: usize = 1_500;
const RESOURCE_CHARS_MAX: usize = 300;
const KIND_CHARS_MAX: usize = 150;
/// How the types of attack sequences begin.
const SEQUENCE_START: &str = "AttackSequence:";
const PLACE_CHARS_MAX: usize = 64;
const REMARK_CHARS_MAX: usize = 64;

/// A finding in its source's words, before limits and defaults.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    pub product: Product,
    pub id: Str<'a>,
    /// The id's key, for the rejection of a finding without one.
    pub id_key: &'static str,
    /// The account and the region as the fields say them. They are part of the identity, and shown
    /// only if they have the form of one.
    pub account: Str<'a>,
    pub region: Str<'a>,
    /// The first account and region that other parts of the finding name.
    pub named_account: Option<&'a str>,
    pub named_region: Option<&'a str>,
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
    /// The finding is open and closed, see [`Draft::dispute_state`].
    pub disputed_state: bool,
    pub member: Str<'a>,
    pub standards: Vec<Text>,
    pub group: Option<Group>,
    pub resource_type: Option<Text>,
    pub resource: Option<String>,
    pub actor: Option<String>,
    /// What the actor is, `Actor` if empty.
    pub actor_label: &'static str,
    pub facts: Facts,
    pub tags: Vec<(Text, Text)>,
}

impl<'a> Draft<'a> {
    /// Fills a missing account, region or partition from `name` if it is an ARN. A part that does
    /// not have the form of one is not taken.
    pub fn complete_from(&mut self, name: Option<&'a str>) {
        let Some(arn) = name.and_then(Arn::parse) else { return };
        self.complete(arn.account_id(), arn.region_name());
        self.partition = self.partition.take().or(arn.partition_name().map(Cow::Borrowed));
    }

    /// Fills a missing account or region. One that does not have the form of one is not taken.
    pub fn complete(&mut self, account: Option<&'a str>, region: Option<&'a str>) {
        let account = account.filter(|account| is_account_id(account));
        let region = region.filter(|region| is_region_name(region));
        self.named_account = self.named_account.or(account);
        self.named_region = self.named_region.or(region);
        self.account = self.account.take().or(account.map(Cow::Borrowed));
        self.region = self.region.take().or(region.map(Cow::Borrowed));
    }

    /// Gives Security Hub's copy the identity and the type of its original. `name` is the copy's
    /// own id: if it is an ARN, its region is the original's, whichever region Security Hub
    /// aggregates in.
    pub fn take_identity(&mut self, name: Option<&'a str>, original: Original<'a>) {
        if let Some(region) = name.and_then(Arn::parse).and_then(|arn| arn.region_name()) {
            self.region = Some(Cow::Borrowed(region));
        }
        if matches!(original.product, Product::GuardDuty | Product::Macie) {
            let own = self.kind.as_deref().and_then(own_type).map(Cow::Owned);
            self.kind = own.or(self.kind.take());
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

    /// Opens the finding if one of the fields that say its state has two values.
    pub fn dispute_state<const N: usize>(&mut self, disputed: [bool; N]) {
        if disputed.contains(&true) {
            self.disputed_state = true;
            self.condition =
                Condition { product: FindingState::Open, handling: None, ..self.condition };
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
        let sender = envelope.account.as_deref().map(account_id).unwrap_or_default();
        let named = self.named_account.unwrap_or_default();
        let account = first_of([&fingerprint.account, named, &sender], is_account_id);
        let named = self.named_region.unwrap_or_default();
        let envelope_region = envelope.region.as_deref().unwrap_or_default().trim();
        let region = first_of([&fingerprint.region, named, envelope_region], is_region_name);
        let partition = match self.partition.as_deref() {
            Some(name) => Partition::from_name(name.trim()),
            None => Partition::of_region(region.as_str()),
        };
        let severity = self.severity.severity();
        let remarks = remarks(&self.severity, self.disputed_state, &sender, account.as_str());
        Finding {
            fingerprint,
            partition,
            account,
            region,
            title: some_text(self.title, TITLE_CHARS_MAX).unwrap_or_else(|| kind.clone()),
            description: description(self.description, &kind),
            kind,
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
            resource_type: self.resource_type,
            resource: some_text(self.resource.map(Cow::from), RESOURCE_CHARS_MAX),
            actor: actor(self.actor_label, self.actor),
            facts: self.facts.into_vec(),
            tags: self.tags,
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

/// The doubts that a card shows. `sender` is the envelope's account.
fn remarks(severity: &Gauge, disputed_state: bool, sender: &str, account: &str) -> Vec<Remark> {
    let shown = |text: &str| Text::new(text, REMARK_CHARS_MAX);
    let doubt = match severity {
        Gauge::Read(_) => None,
        Gauge::Unreadable(found) => Some(Remark::UnreadableSeverity(shown(found))),
        Gauge::Disputed(_, other) => Some(Remark::OtherSeverity(shown(other))),
    };
    let state = disputed_state.then_some(Remark::DisputedState);
    let is_other = is_account_id(sender) && sender != account;
    let sender = is_other.then(|| Remark::SentByAccount(Text::new(sender, PLACE_CHARS_MAX)));
    [doubt, state, sender].into_iter().flatten().collect()
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

fn actor(label: &'static str, actor: Option<String>) -> Option<Fact> {
    Fact::new(if label.is_empty() { "Actor" } else { label }, actor?.into())
}

/// The lines of an attack sequence, or else one line.
fn description(raw: Str<'_>, kind: &Text) -> Option<Text> {
    match kind.as_str().starts_with(SEQUENCE_START) {
        true => raw.map(|raw| Text::lines(&raw, SEQUENCE_CHARS_MAX)).filter(|t| !t.is_empty()),
        false => some_text(raw, DESCRIPTION_CHARS_MAX),
    }
}

fn some_text(raw: Str<'_>, max_chars: usize) -> Option<Text> {
    raw.map(|raw| Text::of(raw, max_chars)).filter(|text| !text.is_empty())
}

/// Returns the first candidate that has the form, or else an empty text.
fn first_of(candidates: [&str; 3], has_form: fn(&str) -> bool) -> Text {
    let found = candidates.into_iter().find(|text| has_form(text));
    Text::new(found.unwrap_or_default(), PLACE_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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

    /// JSON values that are neither an account nor a region.
    const HOSTILE: [&str; 12] = [
        r#""guardduty""#,
        r#""global""#,
        r#""<!channel>""#,
        r#""<!here>""#,
        r#""eu-west-1\nINJECT""#,
        r#""eu-west-1.evil.example""#,
        r#""EU-WEST-1""#,
        r#""111122223333 444455556666""#,
        r#""1111222233334""#,
        r#""１１１１２２２２３３３３""#,
        "1.5",
        "true",
    ];

    /// A finding of each source without an ARN; `A` is its account and `R` its region.
    const FINDINGS: [(&str, &str); 6] = [
        (
            "guardduty",
            r#"{"schemaVersion":"2.0","id":"f","accountId":A,"region":R,"severity":5,"service":{}}"#,
        ),
        ("securityhub", r#"{"SchemaVersion":"2018-10-08","Id":"f","AwsAccountId":A,"Region":R}"#),
        ("securityhub", r#"{"finding_info":{"uid":"f"},"cloud":{"account":{"uid":A},"region":R}}"#),
        ("inspector", r#"{"findingArn":"f","awsAccountId":A,"resources":[{"region":R}]}"#),
        ("macie", r#"{"id":"f","accountId":A,"region":R,"resourcesAffected":{}}"#),
        (
            "access-analyzer",
            r#"{"id":"f","accountId":A,"region":R,"isPublic":true,"resource":"arn:aws:s3:::b",
                "resourceType":"AWS::S3::Bucket"}"#,
        ),
    ];

    const VALID: [&str; 2] = [r#""111122223333""#, r#""eu-west-1""#];
    const SENDER: [&str; 2] = [r#""999988887777""#, r#""us-gov-west-1""#];

    /// Reads a finding with these accounts and regions, its own and its envelope's.
    fn read(finding: &str, own: [&str; 2], envelope: [&str; 2]) -> Finding {
        let detail = finding.replace(":A", &[":", own[0]].concat());
        let detail = detail.replace(":R", &[":", own[1]].concat());
        let [account, region] = envelope;
        let body = format!(r#"{{"account":{account},"region":{region},"detail":{detail}}}"#);
        let mut parsed = super::super::parse(&body);
        assert_eq!((parsed.findings.len(), parsed.rejections.len()), (1, 0), "{body}");
        parsed.findings.remove(0)
    }

    fn place(finding: &Finding) -> [&str; 2] {
        [finding.account.as_str(), finding.region.as_str()]
    }

    #[test]
    fn only_accounts_and_regions_are_shown_as_such() {
        for (product, raw) in FINDINGS {
            let own = ["111122223333", "eu-west-1"];
            let sender = ["999988887777", "us-gov-west-1"];
            let valid = read(raw, VALID, SENDER);
            assert_eq!(place(&valid), own, "{raw}");
            let print = format!("{product}/111122223333/eu-west-1/f");
            assert_eq!(valid.fingerprint.to_string(), print);
            for bad in HOSTILE {
                let shown = |own, envelope| read(raw, own, envelope);
                let case = format!("{bad} in {raw}");
                assert_eq!(place(&shown([bad; 2], [bad; 2])), ["", ""], "{case}");
                assert_eq!(place(&shown([bad; 2], SENDER)), sender, "{case}");
                assert_eq!(place(&shown([bad, VALID[1]], SENDER)), [sender[0], own[1]], "{case}");
                assert_eq!(place(&shown([VALID[0], bad], SENDER)), [own[0], sender[1]], "{case}");
                let sent = shown(VALID, [bad; 2]);
                assert_eq!((place(&sent), &sent.fingerprint), (own, &valid.fingerprint), "{case}");
                let is_sender = |remark: &Remark| matches!(remark, Remark::SentByAccount(_));
                assert!(!sent.remarks.iter().any(is_sender), "{case}");
            }
        }
    }

    #[test]
    fn what_is_not_shown_still_tells_findings_apart() {
        for (_, raw) in FINDINGS {
            let print = |own| read(raw, own, SENDER).fingerprint;
            let by_account: BTreeSet<_> =
                HOSTILE.iter().map(|bad| print([bad, VALID[1]])).collect();
            assert_eq!(by_account.len(), HOSTILE.len(), "{raw}");
            let by_region: BTreeSet<_> = HOSTILE.iter().map(|bad| print([VALID[0], bad])).collect();
            // The region of Inspector's resource is not the finding's own.
            let regions = if raw.contains("findingArn") { 1 } else { HOSTILE.len() };
            assert_eq!(by_region.len(), regions, "{raw}");
        }
    }

    #[test]
    fn another_part_of_the_finding_comes_before_the_envelope() {
        let guardduty = r#"{"id":"f","accountId":A,"region":R,
            "arn":"arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/f"}"#;
        let asff = r#"{"AwsAccountId":A,"Region":R,"ProductArn":"arn:aws:securityhub:::x",
            "Id":"arn:aws:config:eu-west-1:111122223333:finding/f"}"#;
        let ocsf = r#"{"finding_info":{"uid":"f"},"cloud":{"account":{"uid":A},"region":R},
            "resources":[{"owner":{"account":{"uid":"111122223333"}},"region":"eu-west-1"}]}"#;
        for raw in [guardduty, asff, ocsf] {
            for bad in HOSTILE {
                let finding = read(raw, [bad; 2], SENDER);
                assert_eq!(place(&finding), ["111122223333", "eu-west-1"], "{bad} in {raw}");
            }
        }
    }
}
