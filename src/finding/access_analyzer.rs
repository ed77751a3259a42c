//! IAM Access Analyzer's findings: external, internal and unused access.
//!
//! Source: IAM user guide, "Monitoring AWS Identity and Access Management Access Analyzer with
//! Amazon EventBridge"; Access Analyzer API reference, `FindingSummary`, `FindingSummaryV2`.

use std::borrow::Cow;

use super::arn::{Arn, bare_id, short_name};
use super::aws_types::plain_kind;
use super::condition::{Closing, Condition, FindingState};
use super::contradiction::{Every, Field, One, refuse};
use super::draft::Draft;
use super::envelope::Envelope;
use super::gauge::Gauge;
use super::json::{Json, Kind};
use super::lenient::{List, Pairs, Read, Slot as _, Str, borrowed, object};
use super::model::Finding;
use super::phrase::{Phrase, grantee, joined, part, several};
use super::product::Product;
use super::reject::Rejection;
use super::resource_type::resource_type;
use super::severity::Level;
use crate::instants::Wall;

/// The most actions or principals that are shown.
const NAMED_MAX: usize = 3;

object! {
    struct Document<'a> {
        id: One<'a, Str<'a>> = "id",
        /// The id in events about unused access.
        finding_id: One<'a, Str<'a>> = "findingId",
        account: One<'a, Str<'a>> = "accountId",
        owner: One<'a, Str<'a>> = "resourceOwnerAccount",
        region: One<'a, Str<'a>> = "region",
        kind: One<'a, Str<'a>> = "findingType",
        access: Str<'a> = "accessType",
        public: Every<'a> = "isPublic",
        status: One<'a, Str<'a>> = "status",
        deleted: One<'a, Option<bool>> = "isDeleted",
        resource: Str<'a> = "resource",
        resource_kind: Str<'a> = "resourceType",
        principal: Option<Json<'a>> = "principal",
        action: List<Cow<'a, str>, NAMED_MAX> = "action",
        error: Str<'a> = "error",
        unused_actions: Option<u64> = "numberOfUnusedActions",
        unused_services: Option<u64> = "numberOfUnusedServices",
        created_at: Option<Wall> = "createdAt",
        updated_at: Option<Wall> = "updatedAt",
    }
}

/// The kind of access that a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Public,
    External,
    Internal,
    Unused,
}

pub(super) fn read(json: Json<'_>, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
    let document = Document::read(json).unwrap_or_default();
    refuse(document.keys(), envelope)?;
    let access = document.access();
    let id = document.id.as_deref().or(document.finding_id.as_deref());
    let mut draft = Draft {
        product: Product::AccessAnalyzer,
        id_key: "id",
        id: bare_id(id),
        account: borrowed(&document.account).or_else(|| borrowed(&document.owner)),
        region: borrowed(&document.region),
        // Events about external access have no type, so their detail-type stands for it.
        kind: Some(Cow::Borrowed(document.kind.as_deref().unwrap_or("Access Analyzer Finding"))),
        title: Some(Cow::Owned(document.title(access))),
        description: document.describe_grant(access).map(Cow::Owned),
        severity: document.gauge(access),
        created_at: document.created_at,
        updated_at: document.updated_at,
        condition: Condition::of_product(document.state()),
        resource_type: document.resource_kind.as_deref().and_then(resource_type),
        resource: document.describe_resource(),
        actor: document.describe_principal(),
        actor_label: "Principal",
        ..Draft::default()
    };
    let partition =
        document.resource.as_deref().and_then(Arn::parse).and_then(|arn| arn.partition_name());
    draft.partition = partition.map(Cow::Borrowed);
    draft.dispute_state([document.status.is_disputed(), document.deleted.is_disputed()]);
    draft.finish(envelope)
}

impl Access {
    /// The level that hansho gives. Access Analyzer has no severities.
    fn level(self) -> Level {
        match self {
            Access::Public => Level::High,
            Access::External => Level::Medium,
            Access::Internal | Access::Unused => Level::Low,
        }
    }
}

impl Document<'_> {
    /// The fields that tell findings apart.
    fn keys(&self) -> [Field<'_>; 6] {
        [
            Field::of("id", &self.id),
            Field::of("findingId", &self.finding_id),
            Field::of("accountId", &self.account),
            Field::of("resourceOwnerAccount", &self.owner),
            Field::of("region", &self.region),
            Field::of("findingType", &self.kind),
        ]
    }

    /// Of several values of `isPublic`, true is the worse.
    fn gauge(&self, access: Access) -> Gauge {
        let level = |json| Gauge::level(self.access_if(bool::read(json) == Some(true)).level());
        self.public.worst(level).unwrap_or_else(|| Gauge::level(access.level()))
    }

    /// Resolved: the access or its resource is gone. Archived: the access is intended.
    /// Source: Access Analyzer API reference, `FindingSummary`; IAM user guide, "Review findings".
    fn state(&self) -> FindingState {
        match *self.deleted {
            Some(true) => FindingState::Closed(Closing::Resolved),
            _ => FindingState::of_word(self.status.as_deref(), "RESOLVED", "ARCHIVED"),
        }
    }

    fn access(&self) -> Access {
        self.access_if(self.public.all().any(|json| bool::read(json) == Some(true)))
    }

    fn access_if(&self, is_public: bool) -> Access {
        let kind = self.kind.as_deref().unwrap_or_default();
        if is_public {
            Access::Public
        } else if kind.starts_with("Unused") {
            Access::Unused
        } else if kind.starts_with("Internal") || (kind.is_empty() && self.access.is_some()) {
            Access::Internal
        } else {
            Access::External
        }
    }

    fn title(&self, access: Access) -> String {
        let what = self.describe_resource().unwrap_or_else(|| "a resource".to_owned());
        if let Some(error) = self.error.as_deref() {
            return format!("{what} could not be analysed: {}", part(error));
        }
        match (access, self.kind.as_deref()) {
            (Access::Public, _) => format!("{what} is open to the public"),
            (Access::External, _) => format!("{what} is open to a principal outside"),
            (Access::Internal, _) => format!("{what} is open to a principal inside"),
            (Access::Unused, Some("UnusedPermission")) => format!("{what} has unused permissions"),
            (Access::Unused, Some("UnusedIAMUserAccessKey")) => {
                format!("{what} has an unused access key")
            }
            (Access::Unused, Some("UnusedIAMUserPassword")) => {
                format!("{what} has an unused password")
            }
            (Access::Unused, _) => format!("{what} is unused"),
        }
    }

    /// `Allowed: s3:GetObject, s3:ListBucket +4 more.`
    fn describe_grant(&self, access: Access) -> Option<String> {
        if access == Access::Unused {
            let count = |n: Option<u64>, what: &str| {
                n.filter(|n| *n > 0).map(|n| format!("{n} unused {what}"))
            };
            let services = count(self.unused_services, "services");
            return joined([services, count(self.unused_actions, "actions")], ", ");
        }
        let actions = self.action.items.iter().map(AsRef::as_ref);
        several(actions, self.action.total).map(|actions| format!("Allowed: {actions}."))
    }

    /// `S3 bucket data` for `AWS::S3::Bucket` and `arn:aws:s3:::data`.
    fn describe_resource(&self) -> Option<String> {
        let label = self.resource_kind.as_deref().map(plain_kind).unwrap_or_default();
        Phrase::new(&label, self.resource.as_deref().map(short_name)).build()
    }

    /// `AWS 999988887777` or `anyone`. The principal is a name, or an object of names by type.
    fn describe_principal(&self) -> Option<String> {
        let json = self.principal?;
        if json.kind() != Kind::Object {
            return Cow::<str>::read(json).map(|name| grantee("", &name));
        }
        let mut principals = Pairs::<NAMED_MAX>::default();
        principals.fill(json);
        joined(principals.0.iter().map(|(kind, name)| Some(grantee(kind, name))), ", ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::json;
    use super::*;

    #[test]
    fn states_by_word_and_by_deletion() {
        use Closing::{Resolved, Suppressed};
        for (more, closed) in [
            (r#""status":"ACTIVE","isDeleted":false"#, None),
            (r#""status":"RESOLVED""#, Some(Resolved)),
            (r#""status":"ARCHIVED""#, Some(Suppressed)),
            (r#""status":"ACTIVE","isDeleted":true"#, Some(Resolved)),
            (r#""status":"ARCHIVED","isDeleted":"true""#, Some(Resolved)),
            (r#""status":"ODD","isDeleted":"odd""#, None),
            (r#""status":{},"isDeleted":[true]"#, None),
            (r#""version":"1.0""#, None),
        ] {
            let raw = format!(r#"{{"id":"f",{more}}}"#);
            let condition = read(json(&raw), &Envelope::default()).unwrap().condition;
            assert_eq!((condition.product.closed(), condition.handling), (closed, None), "{raw}");
        }
    }

    #[test]
    fn levels_by_the_kind_of_access() {
        for (raw, access, level) in [
            (r#"{"isPublic":true}"#, Access::Public, Level::High),
            (r#"{"isPublic":"true","findingType":"ExternalAccess"}"#, Access::Public, Level::High),
            (r#"{"isPublic":false}"#, Access::External, Level::Medium),
            ("{}", Access::External, Level::Medium),
            (r#"{"findingType":"InternalAccess"}"#, Access::Internal, Level::Low),
            (r#"{"accessType":"INTRA_ORG"}"#, Access::Internal, Level::Low),
            (r#"{"findingType":"UnusedPermission"}"#, Access::Unused, Level::Low),
        ] {
            let got = Document::read(json(raw)).unwrap().access();
            assert_eq!((got, got.level()), (access, level), "{raw}");
        }
    }

    #[test]
    fn errors_are_shown() {
        let raw = r#"{"id":"f","resource":"arn:aws:s3:::b","resourceType":"AWS::S3::Bucket",
            "error":"ACCESS_DENIED"}"#;
        let finding = read(json(raw), &Envelope::default()).unwrap();
        assert_eq!(finding.title.as_str(), "S3 bucket b could not be analysed: ACCESS_DENIED");
    }

    #[test]
    fn principals_are_shown() {
        for (principal, actor) in [
            (r#""*""#, "anyone"),
            (r#"{"AWS":"*"}"#, "anyone"),
            (r#"{"AWS":" * "}"#, "anyone"),
            (r#"{"Federated":"*"}"#, "Federated *"),
            (r#""999988887777""#, "999988887777"),
            (r#"{"AWS":"999988887777","CanonicalUser":"c"}"#, "AWS 999988887777, CanonicalUser c"),
        ] {
            let raw = format!(r#"{{"id":"f","principal":{principal}}}"#);
            let finding = read(json(&raw), &Envelope::default()).unwrap();
            assert_eq!(finding.actor.unwrap().text.as_str(), actor, "{principal}");
        }
    }

    #[test]
    fn neither_type_nor_sightings_are_made_up() {
        let times = r#""createdAt":"2026-11-02T02:55:00Z","analyzedAt":"2026-11-02T03:00:00Z""#;
        for (more, kind) in [
            (r#""isPublic":true"#, "Access Analyzer Finding"),
            (r#""findingType":"UnusedIAMRole""#, "UnusedIAMRole"),
        ] {
            let raw = format!(r#"{{"id":"f",{more},{times}}}"#);
            let finding = read(json(&raw), &Envelope::default()).unwrap();
            assert_eq!(finding.kind.as_str(), kind, "{more}");
            assert_eq!((finding.first_seen, finding.last_seen), (None, None), "{more}");
            assert!(finding.created_at.is_some(), "{more}");
        }
    }
}
