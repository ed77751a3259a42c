//! Macie's findings: bucket policies, and sensitive data in objects.
//!
//! Source: Macie API reference, `Finding`; user guide, "Amazon EventBridge event schema for Macie
//! findings".

use super::arn::{bare_id, short_name};
use super::condition::{Closing, Condition, FindingState};
use super::contradiction::{Every, Field, One, refuse};
use super::draft::Draft;
use super::envelope::Envelope;
use super::fact::Facts;
use super::gauge::Gauge;
use super::json::{Json, Kind};
use super::lenient::{Read, Str, borrowed, object};
use super::model::Finding;
use super::phrase::{Phrase, api_call, joined, known, principal};
use super::product::Product;
use super::reject::Rejection;
use super::resource_type::resource_type;
use super::sensitive_data::SensitiveData;
use super::severity::Level;
use super::tags::Tags;
use super::text::Text;
use crate::instants::Wall;

object! {
    struct Document<'a> {
        id: One<'a, Str<'a>> = "id",
        account: One<'a, Str<'a>> = "accountId",
        region: One<'a, Str<'a>> = "region",
        partition: Str<'a> = "partition",
        kind: One<'a, Str<'a>> = "type",
        category: Str<'a> = "category",
        title: Str<'a> = "title",
        description: Str<'a> = "description",
        severity: Every<'a> = "severity",
        created_at: Option<Wall> = "createdAt",
        updated_at: Option<Wall> = "updatedAt",
        count: Option<u64> = "count",
        archived: One<'a, Option<bool>> = "archived",
        sample: Option<bool> = "sample",
        affected: Affected<'a> = "resourcesAffected",
        policy: Policy<'a> = "policyDetails",
        sensitive_data: SensitiveData<'a> = "classificationDetails" / "result",
    }
    struct Severity<'a> {
        word: Every<'a> = "description",
        score: Every<'a> = "score",
    }
    struct Affected<'a> {
        bucket: Bucket<'a> = "s3Bucket",
        object: Str<'a> = "s3Object" / "key",
        object_tags: Tags<'a> = "s3Object" / "tags",
    }
    struct Bucket<'a> {
        name: Str<'a> = "name",
        access: Str<'a> = "publicAccess" / "effectivePermission",
        tags: Tags<'a> = "tags",
    }
    struct Policy<'a> {
        call: Call<'a> = "action" / "apiCallDetails",
        actor: Actor<'a> = "actor",
    }
    struct Call<'a> {
        api: Str<'a> = "api",
        service: Str<'a> = "apiServiceName",
        first_seen: Option<Wall> = "firstSeen",
        last_seen: Option<Wall> = "lastSeen",
    }
    struct Actor<'a> {
        domain: Str<'a> = "domainDetails" / "domainName",
        address: Address<'a> = "ipAddressDetails",
        user: Identity<'a> = "userIdentity",
    }
    struct Address<'a> {
        v4: Str<'a> = "ipAddressV4",
        city: Str<'a> = "ipCity" / "name",
        country: Str<'a> = "ipCountry" / "name",
        owner: Owner<'a> = "ipOwner",
    }
    struct Owner<'a> {
        organisation: Str<'a> = "asnOrg" | "org" | "isp",
    }
    struct Identity<'a> {
        kind: Str<'a> = "type",
        assumed_role: Principal<'a> = "assumedRole",
        federated: Principal<'a> = "federatedUser",
        user: Principal<'a> = "iamUser",
        root: Principal<'a> = "root",
        account: Principal<'a> = "awsAccount",
        service: Principal<'a> = "awsService",
    }
    struct Principal<'a> {
        name: Str<'a> = "userName",
        arn: Str<'a> = "arn",
        principal: Str<'a> = "principalId",
        account: Str<'a> = "accountId",
        service: Str<'a> = "invokedBy",
        access_key: Str<'a> = "accessKeyId",
    }
}

pub(super) fn read(json: Json<'_>, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
    let document = Document::read(json).unwrap_or_default();
    let keys = [
        Field::of("id", &document.id),
        Field::of("accountId", &document.account),
        Field::of("region", &document.region),
        Field::of("type", &document.kind),
    ];
    refuse(keys, envelope)?;
    let call = &document.policy.call;
    let mut facts = Facts::default();
    facts.add("Sensitive data", document.sensitive_data.describe());
    let mut draft = Draft {
        product: Product::Macie,
        id_key: "id",
        id: bare_id(document.id.as_deref()),
        account: borrowed(&document.account),
        region: borrowed(&document.region),
        partition: borrowed(&document.partition),
        kind: borrowed(&document.kind).or_else(|| borrowed(&document.category)),
        title: borrowed(&document.title),
        description: borrowed(&document.description),
        severity: document.severity.worst(gauge).unwrap_or_default(),
        created_at: document.created_at,
        updated_at: document.updated_at,
        first_seen: call.first_seen,
        last_seen: call.last_seen,
        count: document.count,
        sample: document.sample.unwrap_or(false),
        // Archived means suppressed. Source: Macie API reference, `Finding`.
        condition: Condition::of_product(FindingState::closed_if(
            document.archived.unwrap_or(false),
            Closing::Suppressed,
        )),
        resource_type: document.affected.resource_type(),
        tags: document.affected.tags(),
        resource: document.affected.describe(),
        actor: document.policy.describe(),
        actor_label: "Caller",
        facts,
        ..Draft::default()
    };
    draft.dispute_state([document.archived.is_disputed()]);
    draft.finish(envelope)
}

/// Reads `{"description": "High", "score": 3}`, or either alone. A score is 1, 2 or 3.
fn gauge(json: Json<'_>) -> Gauge {
    if json.kind() != Kind::Object {
        return Gauge::word(json).or(|| score(json));
    }
    let severity = Severity::read(json).unwrap_or_default();
    let word = severity.word.worst(Gauge::word).unwrap_or_default();
    word.or(|| severity.score.worst(score).unwrap_or_default())
}

fn score(json: Json<'_>) -> Gauge {
    match f64::read(json) {
        Some(1.0) => Gauge::level(Level::Low),
        Some(2.0) => Gauge::level(Level::Medium),
        Some(3.0) => Gauge::level(Level::High),
        Some(other) => Gauge::Unreadable(other.to_string()),
        None => Gauge::default(),
    }
}

impl Affected<'_> {
    /// The object if the finding is about one, or else the bucket.
    fn resource_type(&self) -> Option<Text> {
        let of_bucket = self.bucket.name.as_ref().map(|_| "AwsS3Bucket");
        resource_type(self.object.as_ref().map(|_| "AwsS3Object").or(of_bucket)?)
    }

    /// Those of the object and of its bucket.
    fn tags(&self) -> Vec<(Text, Text)> {
        [self.object_tags.texts(), self.bucket.tags.texts()].concat()
    }

    /// `S3 bucket data (object export.csv, not public)`.
    fn describe(&self) -> Option<String> {
        let access = match self.bucket.access.as_deref() {
            Some("PUBLIC") => Some("public"),
            Some("NOT_PUBLIC") => Some("not public"),
            _ => None,
        };
        let label = if self.bucket.name.is_some() { "S3 bucket" } else { "" };
        Phrase::new(label, self.bucket.name.as_deref())
            .with_labelled("object", self.object.as_deref())
            .with(access)
            .build()
    }
}

impl Policy<'_> {
    /// `IAMUser alice from 198.51.100.7 (Berlin, Germany, …), calling s3.amazonaws.com
    /// PutBucketAcl`.
    fn describe(&self) -> Option<String> {
        let (address, call) = (&self.actor.address, &self.call);
        let from = Phrase::new("", address.v4.as_deref().or(self.actor.domain.as_deref()))
            .with(known(&address.city))
            .with(known(&address.country))
            .with(address.owner.organisation.as_deref())
            .build();
        let call = api_call(&call.service, &call.api);
        let who = joined([self.actor.user.describe(), from], " from ");
        joined([who, call.map(|call| format!("calling {call}"))], ", ")
    }
}

impl Identity<'_> {
    fn describe(&self) -> Option<String> {
        let all = [
            &self.user,
            &self.assumed_role,
            &self.federated,
            &self.root,
            &self.account,
            &self.service,
        ];
        let (name, key) = all
            .into_iter()
            .find_map(|principal| Some((principal.describe()?, principal.access_key.as_deref())))?;
        // The ARN of a role's session ends with `assumed-role/Admin/alice`.
        let is_role = self.kind.as_deref() == Some("AssumedRole");
        let (name, session) = match name.split_once('/').filter(|_| is_role) {
            Some((role, session)) => (role, Some(session)),
            None => (name, None),
        };
        principal(self.kind.as_deref(), "principal", Some(name))
            .with_labelled("session", session)
            .with_labelled("access key", key)
            .build()
    }
}

impl Principal<'_> {
    fn describe(&self) -> Option<&str> {
        self.name
            .as_deref()
            .or(self.arn.as_deref().map(short_name))
            .or(self.service.as_deref())
            .or(self.account.as_deref())
            .or(self.principal.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::json;
    use super::*;

    #[test]
    fn archived_is_suppressed() {
        for (archived, closed) in [
            ("true", Some(Closing::Suppressed)),
            (r#""true""#, Some(Closing::Suppressed)),
            ("false", None),
            ("null", None),
            ("1", None),
            ("[true]", None),
        ] {
            let raw = format!(r#"{{"id":"f","archived":{archived}}}"#);
            let condition = read(json(&raw), &Envelope::default()).unwrap().condition;
            assert_eq!((condition.product.closed(), condition.handling), (closed, None), "{raw}");
        }
    }

    #[test]
    fn callers_and_tags() {
        let raw = r#"{"id":"f","policyDetails":{"actor":{"userIdentity":{"type":"AssumedRole",
            "assumedRole":{"arn":"arn:aws:sts::111122223333:assumed-role/Admin/alice"}}}},
            "resourcesAffected":{"s3Bucket":{"name":"b","tags":[{"key":"Team","value":"x"}]}}}"#;
        let finding = read(json(raw), &Envelope::default()).unwrap();
        assert_eq!(finding.actor.unwrap().text.as_str(), "AssumedRole Admin (session alice)");
        let (key, value) = &finding.tags[0];
        assert_eq!((key.as_str(), value.as_str()), ("Team", "x"));
    }

    #[test]
    fn what_was_found_and_who_can_read_it() {
        for (access, said) in [
            ("PUBLIC", "S3 bucket data (public)"),
            ("NOT_PUBLIC", "S3 bucket data (not public)"),
            ("UNKNOWN", "S3 bucket data"),
        ] {
            let raw = format!(
                r#"{{"id":"f","resourcesAffected":{{"s3Bucket":{{"name":"data","publicAccess":
                    {{"effectivePermission":"{access}"}}}}}},"classificationDetails":{{"result":
                    {{"sensitiveData":[{{"detections":[{{"type":"NAME","count":3}}]}}]}}}}}}"#
            );
            let finding = read(json(&raw), &Envelope::default()).unwrap();
            assert_eq!(finding.resource.unwrap().as_str(), said, "{access}");
            let fact = &finding.facts[0];
            assert_eq!((fact.label, fact.text.as_str()), ("Sensitive data", "NAME 3"));
        }
    }

    #[test]
    fn severities_by_word_then_score() {
        for (raw, level) in [
            (r#"{"description":"High","score":1}"#, Some(Level::High)),
            (r#"{"score":1}"#, Some(Level::Low)),
            (r#"{"score":"2"}"#, Some(Level::Medium)),
            (r#"{"description":"odd","score":3}"#, Some(Level::High)),
            (r#""Medium""#, Some(Level::Medium)),
            ("3", Some(Level::High)),
            (r#"{"score":4}"#, None),
            ("{}", None),
            ("[]", None),
        ] {
            let got = match gauge(json(raw)) {
                Gauge::Read(severity) => Some(severity.level),
                Gauge::Unreadable(_) | Gauge::Disputed(..) => None,
            };
            assert_eq!(got, level, "{raw}");
        }
    }
}
