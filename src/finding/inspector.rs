//! Inspector's findings (Inspector2).
//!
//! Source: Inspector v2 API reference, `Finding`; user guide, "Amazon EventBridge event schema for
//! Amazon Inspector events".

use std::borrow::Cow;

use super::arn::{bare_id, short_name};
use super::condition::{Condition, FindingState};
use super::draft::Draft;
use super::envelope::Envelope;
use super::gauge::Gauge;
use super::json::Json;
use super::lenient::{List, Pairs, Read, Str, borrowed, object};
use super::model::{Finding, Group};
use super::phrase::{Phrase, joined, listed, same};
use super::product::Product;
use super::reject::Rejection;
use super::resource_type::resource_type;
use super::tags;
use super::text::Text;
use crate::instants::Wall;

/// The most resources or packages that are shown.
const NAMED_MAX: usize = 3;
const PROBLEM_CHARS_MAX: usize = 40;
const RESOURCES_CHARS_MAX: usize = 80;
/// Source: EC2 Auto Scaling user guide, "Tag Auto Scaling groups and instances".
const AUTO_SCALING_TAG: &str = "aws:autoscaling:groupName";

object! {
    struct Document<'a> {
        arn: Str<'a> = "findingArn",
        account: Str<'a> = "awsAccountId",
        kind: Str<'a> = "type",
        title: Str<'a> = "title",
        description: Str<'a> = "description",
        severity: Str<'a> = "severity",
        score: Option<f64> = "inspectorScore",
        /// YES or NO.
        exploit: Str<'a> = "exploitAvailable",
        /// YES, NO or PARTIAL.
        fix: Str<'a> = "fixAvailable",
        status: Str<'a> = "status",
        first_seen: Option<Wall> = "firstObservedAt",
        last_seen: Option<Wall> = "lastObservedAt",
        updated_at: Option<Wall> = "updatedAt",
        vulnerability: Vulnerability<'a> = "packageVulnerabilityDetails",
        reachability: Reachability<'a> = "networkReachabilityDetails",
        code: CodeVulnerability<'a> = "codeVulnerabilityDetails",
        resources: List<Resource<'a>, NAMED_MAX> = "resources",
    }
    struct Vulnerability<'a> {
        id: Str<'a> = "vulnerabilityId",
        packages: List<Package<'a>, NAMED_MAX> = "vulnerablePackages",
    }
    struct Package<'a> {
        name: Str<'a> = "name",
        version: Str<'a> = "version",
        /// A version, or `NotAvailable`.
        fixed: Str<'a> = "fixedInVersion",
    }
    struct Reachability<'a> {
        ports: Ports<'a> = "openPortRange",
        protocol: Str<'a> = "protocol",
    }
    struct Ports<'a> {
        begin: Option<u64> = "begin",
        end: Option<u64> = "end",
    }
    struct CodeVulnerability<'a> {
        detector: Str<'a> = "detectorName",
        file: File<'a> = "filePath",
    }
    struct File<'a> {
        path: Str<'a> = "filePath",
        name: Str<'a> = "fileName",
    }
    struct Resource<'a> {
        kind: Str<'a> = "type",
        id: Str<'a> = "id",
        partition: Str<'a> = "partition",
        region: Str<'a> = "region",
        tags: Pairs<'a, 50> = "tags",
        details: Details<'a> = "details",
    }
    struct Details<'a> {
        instance: Instance<'a> = "awsEc2Instance",
        image: ContainerImage<'a> = "awsEcrContainerImage",
        function: Function<'a> = "awsLambdaFunction",
    }
    struct Instance<'a> {
        kind: Str<'a> = "type",
        addresses: List<Cow<'a, str>, 1> = "ipV4Addresses",
    }
    struct ContainerImage<'a> {
        repository: Str<'a> = "repositoryName",
        tags: List<Cow<'a, str>, 1> = "imageTags",
    }
    struct Function<'a> {
        name: Str<'a> = "functionName",
        runtime: Str<'a> = "runtime",
    }
}

pub(super) fn read(json: Json<'_>, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
    let document = Document::read(json).unwrap_or_default();
    let resource = document.resources.first();
    let arn = document.arn.as_deref();
    let mut draft = Draft {
        product: Product::Inspector,
        id_key: "findingArn",
        id: bare_id(arn),
        account: borrowed(&document.account),
        kind: borrowed(&document.kind),
        title: document.title().map(Cow::Owned),
        description: document.describe().map(Cow::Owned),
        // Inspector writes UNTRIAGED while nobody has set the severity. That counts as unreadable.
        severity: document.severity.as_deref().map(Gauge::from_word).unwrap_or_default(),
        created_at: document.first_seen,
        updated_at: document.updated_at,
        first_seen: document.first_seen,
        last_seen: document.last_seen,
        condition: Condition::of_product(document.state()),
        group: document.group(),
        resource_type: resource.and_then(|one| resource_type(one.kind.as_deref()?)),
        tags: resource.map(|one| tags::texts(&one.tags.0)).unwrap_or_default(),
        resource: document.describe_resources(),
        ..Draft::default()
    };
    draft.complete_from(arn);
    if let Some(resource) = resource {
        draft.complete(None, resource.region.as_deref());
        draft.partition = draft.partition.or_else(|| borrowed(&resource.partition));
    }
    draft.finish(envelope)
}

impl Document<'_> {
    /// Closed: the vulnerability is remediated. Suppressed: it matches a suppression rule.
    /// Source: Inspector v2 API reference, `FindingStatus`; user guide, "Viewing findings".
    fn state(&self) -> FindingState {
        FindingState::of_word(self.status.as_deref(), "CLOSED", "SUPPRESSED")
    }

    /// One vulnerability in many images of a repository, or in many instances of an Auto Scaling
    /// group.
    fn group(&self) -> Option<Group> {
        let problem = self.vulnerability.id.as_deref()?;
        let resource = self.resources.first()?;
        let (things, of) = match resource.kind.as_deref()? {
            "AWS_ECR_CONTAINER_IMAGE" => {
                ("images of repository", resource.details.image.repository.as_deref()?)
            }
            "AWS_EC2_INSTANCE" => ("instances of group", resource.tag(AUTO_SCALING_TAG)?),
            _ => return None,
        };
        Some(Group {
            problem: Text::new(problem, PROBLEM_CHARS_MAX),
            resources: Text::new(&format!("{things} {of}"), RESOURCES_CHARS_MAX),
        })
    }

    /// The title, with the vulnerability's id before it if the title does not name it.
    fn title(&self) -> Option<String> {
        let (title, id) = (self.title.as_deref(), self.vulnerability.id.as_deref());
        match (title, id) {
            (Some(title), Some(id)) if !title.contains(id) => Some(format!("{id} - {title}")),
            (title, id) => title.or(id).map(str::to_owned),
        }
    }

    /// `Inspector score 7.8, exploit available, no fix available.`, then Inspector's description.
    /// The urgency comes first, because the description may be long.
    fn describe(&self) -> Option<String> {
        let score = self.score.filter(|score| (0.0..=10.0).contains(score));
        let score = score.map(|score| format!("Inspector score {score:.1}"));
        let exploit = said_yes(&self.exploit).then(|| "exploit available".to_owned());
        let urgency = joined([score, exploit, self.describe_fix().map(str::to_owned)], ", ");
        let urgency = urgency.map(|urgency| format!("{urgency}."));
        joined([urgency, self.description.as_deref().map(str::to_owned)], " ")
    }

    /// Whether there is a fix, unless the packages name the fixed version.
    fn describe_fix(&self) -> Option<&'static str> {
        let is_named =
            self.vulnerability.packages.items.iter().any(|p| p.fixed_version().is_some());
        match self.fix.as_deref()?.trim().to_ascii_uppercase().as_str() {
            "YES" if !is_named => Some("fix available"),
            "PARTIAL" => Some("fix available in part"),
            "NO" if !is_named => Some("no fix available"),
            _ => None,
        }
    }

    /// `EC2 instance i-0abc (t3.micro, web-1), package openssl 1.0 (fixed in 1.1)`.
    fn describe_resources(&self) -> Option<String> {
        let resources = self.resources.items.iter().filter_map(Resource::describe).collect();
        let resources = listed(resources, self.resources.total);
        let what = [self.describe_packages(), self.reachability.describe(), self.code.describe()];
        joined([resources].into_iter().chain(what), ", ")
    }

    fn describe_packages(&self) -> Option<String> {
        let packages = &self.vulnerability.packages;
        let names = packages.items.iter().filter_map(Package::describe).collect();
        Some(format!("package {}", listed(names, packages.total)?))
    }
}

impl Package<'_> {
    /// `openssl 3.0.2 (fixed in 3.0.5)`.
    fn describe(&self) -> Option<String> {
        let name = [Some(self.name.as_deref()?), self.version.as_deref()];
        let name = joined(name.map(|text| text.map(str::to_owned)), " ");
        Phrase::new("", name.as_deref()).with_labelled("fixed in", self.fixed_version()).build()
    }

    fn fixed_version(&self) -> Option<&str> {
        self.fixed.as_deref().filter(|version| !same(version, "NotAvailable"))
    }
}

fn said_yes(text: &Str<'_>) -> bool {
    text.as_deref().is_some_and(|text| same(text, "YES"))
}

impl Reachability<'_> {
    /// `open port 22 TCP`, `open ports 8000-8080 TCP`.
    fn describe(&self) -> Option<String> {
        let begin = self.ports.begin?;
        let ports = match self.ports.end {
            Some(end) if end != begin => format!("open ports {begin}-{end}"),
            _ => format!("open port {begin}"),
        };
        joined([Some(ports), self.protocol.as_deref().map(str::to_owned)], " ")
    }
}

impl CodeVulnerability<'_> {
    fn describe(&self) -> Option<String> {
        let file = self.file.path.as_deref().or(self.file.name.as_deref());
        let label = if file.is_some() { "file" } else { "" };
        Phrase::new(label, file).with(self.detector.as_deref()).build()
    }
}

impl Resource<'_> {
    fn tag(&self, name: &str) -> Option<&str> {
        self.tags.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    fn describe(&self) -> Option<String> {
        let details = &self.details;
        let tag = self.tag("Name");
        let id = self.id.as_deref();
        match self.kind.as_deref() {
            Some("AWS_EC2_INSTANCE") => Phrase::new("EC2 instance", id.map(short_name))
                .with(details.instance.kind.as_deref())
                .with(tag)
                .with(details.instance.addresses.first().map(AsRef::as_ref))
                .build(),
            Some("AWS_ECR_CONTAINER_IMAGE") => {
                let repository = details.image.repository.as_deref();
                Phrase::new("container image", repository.or(id.map(short_name)))
                    .with_labelled("tag", details.image.tags.first().map(AsRef::as_ref))
                    .build()
            }
            Some("AWS_LAMBDA_FUNCTION") => {
                let name = details.function.name.as_deref();
                Phrase::new("Lambda function", name.or(id.map(short_name)))
                    .with(details.function.runtime.as_deref())
                    .build()
            }
            kind => Phrase::new(kind.unwrap_or_default(), id).with(tag).build(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::json;
    use super::*;
    use crate::finding::{Level, Remark, Text};

    fn read_raw(more: &str) -> Finding {
        read(json(&format!(r#"{{"findingArn":"f",{more}}}"#)), &Envelope::default()).unwrap()
    }

    #[test]
    fn states_by_word() {
        use super::super::condition::Closing::{Resolved, Suppressed};
        for (status, closed) in [
            (r#""ACTIVE""#, None),
            (r#""CLOSED""#, Some(Resolved)),
            (r#""SUPPRESSED""#, Some(Suppressed)),
            (r#""ODD""#, None),
            ("null", None),
            (r#"["CLOSED"]"#, None),
        ] {
            let raw = format!(r#"{{"findingArn":"f","status":{status}}}"#);
            let condition = read(json(&raw), &Envelope::default()).unwrap().condition;
            assert_eq!((condition.product.closed(), condition.handling), (closed, None), "{raw}");
        }
    }

    #[test]
    fn a_vulnerability_in_like_resources_makes_a_group() {
        let of = |resource: &str| {
            let found = read_raw(&format!(
                r#""packageVulnerabilityDetails":{{"vulnerabilityId":"CVE-2021-44228"}},
                "resources":[{{{resource}}}]"#
            ));
            found.group.map(|group| format!("{} in {}", group.problem, group.resources))
        };
        for (resource, group) in [
            (
                r#""type":"AWS_ECR_CONTAINER_IMAGE","details":{"awsEcrContainerImage":
                {"repositoryName":"web"}}"#,
                Some("CVE-2021-44228 in images of repository web"),
            ),
            (
                r#""type":"AWS_EC2_INSTANCE","tags":{"aws:autoscaling:groupName":"asg-1"}"#,
                Some("CVE-2021-44228 in instances of group asg-1"),
            ),
            (r#""type":"AWS_EC2_INSTANCE","tags":{"Name":"web-1"}"#, None),
            (r#""type":"AWS_ECR_CONTAINER_IMAGE""#, None),
            (r#""type":"AWS_LAMBDA_FUNCTION""#, None),
        ] {
            assert_eq!(of(resource).as_deref(), group, "{resource}");
        }
    }

    #[test]
    fn urgency_comes_before_the_description() {
        let fixed = |version: &str| {
            format!(
                r#""packageVulnerabilityDetails":{{"vulnerablePackages":[
                    {{"name":"openssl","version":"3.0.2","fixedInVersion":"{version}"}}]}}"#
            )
        };
        for (more, said) in [
            (
                r#""inspectorScore":7.8,"exploitAvailable":"YES","fixAvailable":"YES","description":"It leaks.""#,
                Some("Inspector score 7.8, exploit available, fix available. It leaks."),
            ),
            (
                r#""inspectorScore":"9","description":"It leaks.""#,
                Some("Inspector score 9.0. It leaks."),
            ),
            (
                r#""exploitAvailable":"NO","fixAvailable":"NO","inspectorScore":1e300"#,
                Some("no fix available."),
            ),
            (r#""exploitAvailable":"maybe","fixAvailable":[],"inspectorScore":null"#, None),
            (&format!(r#""fixAvailable":"YES",{}"#, fixed("3.0.5")), None),
            (
                &format!(r#""fixAvailable":"PARTIAL",{}"#, fixed("3.0.5")),
                Some("fix available in part."),
            ),
            (
                &format!(r#""fixAvailable":"NO",{}"#, fixed("NotAvailable")),
                Some("no fix available."),
            ),
        ] {
            let description = read_raw(more).description;
            assert_eq!(description.as_ref().map(Text::as_str), said, "{more}");
        }
    }

    #[test]
    fn packages_name_the_fixed_version() {
        for (package, said) in [
            (
                r#""name":"openssl","version":"3.0.2","fixedInVersion":"3.0.5""#,
                "package openssl 3.0.2 (fixed in 3.0.5)",
            ),
            (
                r#""name":"openssl","version":"3.0.2","fixedInVersion":"NotAvailable""#,
                "package openssl 3.0.2",
            ),
            (r#""name":"openssl","fixedInVersion":"""#, "package openssl"),
        ] {
            let finding = read_raw(&format!(
                r#""packageVulnerabilityDetails":{{"vulnerablePackages":[{{{package}}}]}}"#
            ));
            assert_eq!(finding.resource.unwrap().as_str(), said, "{package}");
        }
    }

    #[test]
    fn an_untriaged_finding_counts_as_high() {
        let finding = read_raw(r#""severity":"UNTRIAGED""#);
        assert_eq!(finding.severity.level, Level::High);
        let remark = Remark::UnreadableSeverity(Text::new("UNTRIAGED", 64));
        assert_eq!(finding.remarks, [remark]);
    }
}
