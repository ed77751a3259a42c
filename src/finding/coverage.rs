//! GuardDuty's events beside its findings: the results of Malware Protection for S3, and whether it
//! can see at all. Each becomes a finding: a threat, or a gap in scanning or watching.
//!
//! Source: GuardDuty user guide, "Monitoring S3 object scans with Amazon EventBridge" and "Coverage
//! status change with EventBridge notifications"; EventBridge event reference, GuardDuty.

use std::borrow::Cow;

use super::condition::{Closing, Condition, FindingState};
use super::draft::Draft;
use super::envelope::Envelope;
use super::fingerprint::Fingerprint;
use super::gauge::Gauge;
use super::json::Json;
use super::lenient::{List, Read, Str, borrowed, object};
use super::model::Finding;
use super::phrase::{Phrase, joined, several};
use super::product::Product;
use super::reject::Rejection;
use super::resource_type::resource_type;
use super::severity::Level;
use super::text::cut;
use crate::instants::Wall;

/// The lists of an event that are read.
const LISTED_MAX: usize = 5;
/// The longest name of an object that is shown.
const PLACE_CHARS_MAX: usize = 200;

object! {
    struct Document<'a> {
        updated_at: Option<Wall> = "lastUpdatedAt" | "eventTime",
        // S3 objects.
        object: Object<'a> = "s3ObjectDetails",
        scan: Str<'a> = "scanStatus",
        result: ScanResult<'a> = "scanResultDetails",
        actions: List<Action<'a>, LISTED_MAX> = "postScanActions",
        // Malware Protection plans.
        bucket: Str<'a> = "s3BucketDetails" / "bucketName",
        status: Str<'a> = "resourceStatus",
        reasons: List<Reason<'a>, LISTED_MAX> = "statusReasons",
        // Runtime Monitoring.
        account: Str<'a> = "resourceAccountId",
        resource: Resource<'a> = "resourceDetails",
        issue: Str<'a> = "issue",
    }
    struct Object<'a> {
        bucket: Str<'a> = "bucketName",
        key: Str<'a> = "objectKey",
        version: Str<'a> = "versionId",
        etag: Str<'a> = "eTag",
    }
    struct ScanResult<'a> {
        status: Str<'a> = "scanResultStatus",
        threats: List<Threat<'a>, LISTED_MAX> = "threats",
    }
    struct Threat<'a> {
        name: Str<'a> = "name",
    }
    struct Action<'a> {
        kind: Str<'a> = "actionType",
        reason: Str<'a> = "failureReason",
    }
    struct Reason<'a> {
        code: Str<'a> = "code",
    }
    struct Resource<'a> {
        eks: Cluster<'a> = "eksClusterDetails",
        ecs: Cluster<'a> = "ecsClusterDetails",
        instance: Str<'a> = "ec2InstanceDetails" / "instanceId",
    }
    struct Cluster<'a> {
        name: Str<'a> = "clusterName",
        issues: List<Cow<'a, str>, LISTED_MAX> = "fargateDetails" / "issues",
    }
}

/// What an event of GuardDuty is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CoverageEvent {
    /// An object was scanned, or could not be.
    ObjectScan,
    /// An object was scanned, but not tagged.
    PostScanAction,
    /// A bucket is protected (true), or is not as it should be.
    Plan(bool),
    /// A resource is watched (true), or its agent is blind.
    Runtime(bool),
}

impl CoverageEvent {
    pub fn of_detail_type(detail_type: &str) -> Option<CoverageEvent> {
        use CoverageEvent::{ObjectScan, Plan, PostScanAction, Runtime};
        let name = detail_type.strip_prefix("GuardDuty ")?;
        Some(match name {
            "Malware Protection Object Scan Result" => ObjectScan,
            "Malware Protection Post Scan Action Failed" => PostScanAction,
            "Malware Protection Resource Status Active" => Plan(true),
            "Runtime Protection Healthy" => Runtime(true),
            "Runtime Protection Unhealthy" => Runtime(false),
            // The user guide writes both `Warning` and `warning`.
            name => match name.strip_prefix("Malware Protection Resource Status ")? {
                status if status.eq_ignore_ascii_case("warning") => Plan(false),
                status if status.eq_ignore_ascii_case("error") => Plan(false),
                _ => return None,
            },
        })
    }
}

/// Reads an event. None: an object was scanned, and no threat was found.
pub(super) fn read(
    event: CoverageEvent,
    json: Json<'_>,
    envelope: &Envelope<'_>,
) -> Result<Option<Finding>, Rejection> {
    let document = Document::read(json).unwrap_or_default();
    let about = match event {
        CoverageEvent::ObjectScan if document.is_clean() => return Ok(None),
        CoverageEvent::ObjectScan => document.scan(),
        CoverageEvent::PostScanAction => document.post_scan_action(),
        CoverageEvent::Plan(active) => document.plan(active),
        CoverageEvent::Runtime(healthy) => document.runtime(healthy),
    };
    let mut draft = Draft {
        product: Product::GuardDuty,
        account: borrowed(&document.account),
        created_at: envelope.time,
        updated_at: document.updated_at.or(envelope.time),
        ..about
    };
    // The Malware Protection plan, in the bucket's account. The administrator's copy names it too.
    draft.complete_from(envelope.resource.as_deref());
    draft.account = draft.account.take().or_else(|| borrowed(&envelope.account));
    draft.region = draft.region.take().or_else(|| borrowed(&envelope.region));
    // A key of S3 has up to 1,024 bytes.
    draft.id = draft.id.take().map(|id| match id.split_once('/') {
        Some((kind, rest)) => Fingerprint::bounded_id(&[kind, "/"].concat(), rest).into(),
        None => id,
    });
    draft.finish(envelope).map(Some)
}

/// Whether the id in a fingerprint of GuardDuty is one of an event beside its findings.
pub fn is_coverage_id(id: &str) -> bool {
    id.starts_with("s3-") || id.starts_with("runtime/")
}

impl<'a> Document<'a> {
    /// The result of the scan, or else its status: `THREATS_FOUND`, `UNSUPPORTED`, `FAILED`.
    fn result(&self) -> Option<&str> {
        self.result.status.as_deref().or(self.scan.as_deref()).map(str::trim)
    }

    fn is_clean(&self) -> bool {
        let whole = self.scan.as_deref().is_none_or(|scan| is(scan, "COMPLETED"));
        let clean = self.result().is_some_and(|result| is(result, "NO_THREATS_FOUND"));
        whole && clean && self.result.threats.total == 0
    }

    fn scan(&self) -> Draft<'a> {
        let result = self.result().unwrap_or_default();
        let threats = self.result.threats.items.iter().filter_map(|threat| threat.name.as_deref());
        let threats = several(threats, self.result.threats.total);
        let found = is(result, "THREATS_FOUND") || threats.is_some();
        let gap = ["ACCESS_DENIED", "FAILED", "UNSUPPORTED", "SKIPPED", "NO_THREATS_FOUND"];
        let (title, severity) = match found {
            true => ("Malware was found in an S3 object", Gauge::level(Level::High)),
            false if gap.iter().any(|word| is(result, word)) => {
                ("An S3 object was not scanned for malware", Gauge::level(Level::Low))
            }
            // Not known whether there is a threat.
            false => ("The scan of an S3 object ended oddly", Gauge::Unreadable(result.to_owned())),
        };
        let description = match threats {
            Some(threats) => format!("Threats: {threats}"),
            None => format!("Scan result: {}", if result.is_empty() { "missing" } else { result }),
        };
        Draft {
            id: self.object.id("s3-object").map(Cow::Owned),
            id_key: "s3ObjectDetails",
            kind: Some("GuardDuty Malware Protection Object Scan Result".into()),
            title: Some(title.into()),
            description: Some(description.into()),
            severity,
            resource_type: resource_type("AwsS3Object"),
            resource: self.object.describe(),
            ..Draft::default()
        }
    }

    fn post_scan_action(&self) -> Draft<'a> {
        let actions =
            self.actions.items.iter().filter_map(|action| {
                joined([action.kind.as_deref(), action.reason.as_deref()], ": ")
            });
        let actions: Vec<String> = actions.collect();
        Draft {
            id: self.object.id("s3-object-action").map(Cow::Owned),
            id_key: "s3ObjectDetails",
            kind: Some("GuardDuty Malware Protection Post Scan Action Failed".into()),
            title: Some("An S3 object was scanned for malware but not tagged".into()),
            description: several(actions.iter().map(String::as_str), self.actions.total)
                .map(Cow::Owned),
            severity: Gauge::level(Level::Low),
            resource_type: resource_type("AwsS3Object"),
            resource: self.object.describe(),
            ..Draft::default()
        }
    }

    fn plan(&self, active: bool) -> Draft<'a> {
        let reasons = self.reasons.items.iter().filter_map(|reason| reason.code.as_deref());
        let reasons = several(reasons, self.reasons.total);
        let bucket = self.bucket.as_deref();
        Draft {
            id: bucket.map(|name| format!("s3-bucket/{name}").into()),
            id_key: "s3BucketDetails.bucketName",
            kind: Some("GuardDuty Malware Protection Resource Status".into()),
            title: Some("Malware protection of an S3 bucket is impaired".into()),
            description: joined([self.status.as_deref(), reasons.as_deref()], ": ").map(Cow::Owned),
            severity: Gauge::level(Level::Low),
            condition: healed(active),
            resource_type: resource_type("AwsS3Bucket"),
            resource: Phrase::new("S3 bucket", bucket).build(),
            ..Draft::default()
        }
    }

    fn runtime(&self, healthy: bool) -> Draft<'a> {
        let Resource { eks, ecs, instance, .. } = &self.resource;
        let (kind, name) =
            [("EC2 instance", instance), ("EKS cluster", &eks.name), ("ECS cluster", &ecs.name)]
                .into_iter()
                .find_map(|(kind, name)| Some((kind, name.as_deref()?)))
                .unzip();
        let issues = ecs.issues.items.iter().map(AsRef::as_ref);
        let issue = self.issue.as_deref().or_else(|| issues.clone().next());
        Draft {
            id: kind.zip(name).map(|(kind, name)| format!("runtime/{kind}/{name}").into()),
            id_key: "resourceDetails",
            kind: Some("GuardDuty Runtime Protection Unhealthy".into()),
            title: Some("GuardDuty's agent does not see a resource".into()),
            description: issue.map(|issue| Cow::Owned(issue.to_owned())),
            severity: Gauge::level(Level::Medium),
            condition: healed(healthy),
            resource_type: kind.and_then(|kind| resource_type(&["Aws ", kind].concat())),
            resource: Phrase::new(kind.unwrap_or_default(), name).build(),
            ..Draft::default()
        }
    }
}

impl Object<'_> {
    /// Bucket, key, and version. A bucket without versions gives `null`; then the ETag tells one
    /// content of the key from another.
    fn id(&self, kind: &str) -> Option<String> {
        let version = self.version.as_deref().filter(|version| !is(version, "null"));
        let version = version.or(self.etag.as_deref()).unwrap_or("-");
        Some(format!("{kind}/{}/{}/{version}", self.bucket.as_deref()?, self.key.as_deref()?))
    }

    fn describe(&self) -> Option<String> {
        let place = joined([self.bucket.as_deref(), self.key.as_deref()], "/");
        let place = place.map(|place| cut(&place, PLACE_CHARS_MAX).into_owned());
        let version = self.version.as_deref().filter(|version| !is(version, "null"));
        Phrase::of_list("S3 object", place).with_labelled("version", version).build()
    }
}

/// A resource that is healthy again closes the incident, so that its next fault is posted again.
fn healed(healthy: bool) -> Condition {
    Condition::of_product(FindingState::closed_if(healthy, Closing::Resolved))
}

fn is(text: &str, word: &str) -> bool {
    text.trim().eq_ignore_ascii_case(word)
}

#[cfg(test)]
mod tests;
