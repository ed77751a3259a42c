//! What an ASFF finding is about.

use std::borrow::Cow;

use super::super::arn::short_name;
use super::super::lenient::{List, Pairs, Str, object};
use super::super::phrase::{Phrase, listed, part};

const NAMED_MAX: usize = 3;

object! {
    struct Resource<'a> {
        kind: Str<'a> = "Type",
        id: Str<'a> = "Id",
        role: Str<'a> = "ResourceRole",
        tags: Pairs<'a, 50> = "Tags",
        details: Details<'a> = "Details",
    }
    struct Details<'a> {
        instance: Instance<'a> = "AwsEc2Instance",
        access_key: AccessKey<'a> = "AwsIamAccessKey",
        other: Other<'a> = "Other",
    }
    struct Instance<'a> {
        kind: Str<'a> = "Type",
        addresses: List<Cow<'a, str>, 2> = "IpV4Addresses",
    }
    struct AccessKey<'a> {
        user: Str<'a> = "UserName" | "PrincipalName",
        kind: Str<'a> = "PrincipalType",
        principal: Str<'a> = "PrincipalId",
    }
    /// Access Analyzer's, in words.
    struct Other<'a> {
        principal: Str<'a> = "External Principal",
    }
}

/// The targets, or all of them where no roles are told. Those in the role of the actor are left to
/// the actor's description.
pub(super) fn describe<const N: usize>(resources: &List<Resource<'_>, N>) -> Option<String> {
    let (actors, targets): (Vec<_>, Vec<_>) = resources.items.iter().partition(|r| r.is_actor());
    let (shown, hidden) = if targets.is_empty() { (&actors, 0) } else { (&targets, actors.len()) };
    let total = resources.total.saturating_sub(hidden);
    let shown: Vec<String> =
        shown.iter().filter_map(|resource| resource.describe()).take(NAMED_MAX).collect();
    listed(shown, total)
}

/// The resources in the role of the actor, where there is a target beside them.
pub(super) fn describe_actors<const N: usize>(resources: &List<Resource<'_>, N>) -> Option<String> {
    let (actors, targets): (Vec<_>, Vec<_>) = resources.items.iter().partition(|r| r.is_actor());
    let shown: Vec<String> =
        actors.iter().filter_map(|resource| resource.describe()).take(NAMED_MAX).collect();
    if targets.is_empty() {
        return None;
    }
    listed(shown, actors.len())
}

impl Resource<'_> {
    fn is_actor(&self) -> bool {
        self.role.as_deref().is_some_and(|role| role.eq_ignore_ascii_case("actor"))
    }

    /// Who else has access, as Access Analyzer says.
    pub fn external_principal(&self) -> Option<&str> {
        self.details.other.principal.as_deref()
    }

    /// `EC2 instance i-0abc (t3.micro, web-1)`, `S3 bucket data`, `IAM access key AKIA… (alice)`.
    fn describe(&self) -> Option<String> {
        let kind = self.kind.as_deref().unwrap_or_default();
        let tag =
            self.tags.0.iter().find(|(key, _)| key == "Name").map(|(_, value)| value.as_ref());
        let id = self.id.as_deref();
        // An account is told as `AWS::::Account:123456789012`.
        let name = id.map(|id| short_name(id.strip_prefix("AWS::::Account:").unwrap_or(id)));
        let key = &self.details.access_key;
        let mut phrase = Phrase::new(&plain_kind(kind), name)
            .with(self.details.instance.kind.as_deref())
            .with(key.user.as_deref().or(key.principal.as_deref()))
            .with(key.kind.as_deref())
            .with(tag);
        for address in &self.details.instance.addresses.items {
            phrase = phrase.with(Some(address));
        }
        phrase.build()
    }
}

/// `AwsEc2Instance` and `AWS::EC2::Instance` as `EC2 instance`, `AwsIamAccessKey` as
/// `IAM access key`.
pub(in crate::finding) fn plain_kind(kind: &str) -> String {
    /// Longer than any type that AWS has.
    const LONGEST: usize = 80;
    let kind = kind.trim();
    if kind.len() > LONGEST || !kind.is_ascii() {
        return part(kind);
    }
    let kind = kind.strip_prefix("AWS::").or_else(|| kind.strip_prefix("Aws")).unwrap_or(kind);
    let (service, kind) = named_service(kind).unwrap_or(("", kind));
    let mut words: Vec<String> = split_words(kind).iter().map(|word| plain_word(word)).collect();
    words.insert(0, service.to_owned());
    words.retain(|word| !word.is_empty());
    words.dedup();
    words.join(" ")
}

/// Services with names of several words, and what follows them.
fn named_service(kind: &str) -> Option<(&'static str, &str)> {
    const NAMES: [(&str, &str); 14] = [
        ("ApiGateway", "API Gateway"),
        ("AutoScaling", "Auto Scaling"),
        ("CertificateManager", "Certificate Manager"),
        ("CloudFormation", "CloudFormation"),
        ("CloudFront", "CloudFront"),
        ("CloudTrail", "CloudTrail"),
        ("CloudWatch", "CloudWatch"),
        ("CodeBuild", "CodeBuild"),
        ("DynamoDb", "DynamoDB"),
        ("DynamoDB", "DynamoDB"),
        ("Lambda", "Lambda"),
        ("OpenSearch", "OpenSearch"),
        ("Redshift", "Redshift"),
        ("SecretsManager", "Secrets Manager"),
    ];
    NAMES.into_iter().find_map(|(name, plain)| Some((plain, kind.strip_prefix(name)?)))
}

/// Splits where a small letter is followed by a capital one, and at anything that is no letter.
fn split_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut in_word = false;
    for c in text.chars() {
        let goes_on = |word: &str| !c.is_ascii_uppercase() || word.ends_with(is_capital);
        match words.last_mut() {
            _ if !c.is_ascii_alphanumeric() => in_word = false,
            Some(word) if in_word && goes_on(word) => word.push(c),
            _ => {
                words.push(c.to_string());
                in_word = true;
            }
        }
    }
    words
}

fn is_capital(c: char) -> bool {
    c.is_ascii_uppercase()
}

fn plain_word(word: &str) -> String {
    const ACRONYMS: [&str; 17] = [
        "API", "DB", "EBS", "EC2", "ECR", "ECS", "EFS", "EKS", "ELB", "IAM", "KMS", "RDS", "S3",
        "SNS", "SQS", "SSM", "VPC",
    ];
    let upper = word.to_ascii_uppercase();
    if ACRONYMS.contains(&upper.as_str()) { upper } else { word.to_ascii_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_in_plain_words() {
        for (kind, plain) in [
            ("AwsEc2Instance", "EC2 instance"),
            ("AwsIamAccessKey", "IAM access key"),
            ("AwsS3Bucket", "S3 bucket"),
            ("AwsRdsDbInstance", "RDS DB instance"),
            ("AwsAccount", "account"),
            ("AwsCloudFormationStack", "CloudFormation stack"),
            ("AwsDynamoDbTable", "DynamoDB table"),
            ("AWS::EC2::Instance", "EC2 instance"),
            ("AWS::Container::Container", "container"),
            ("AWS::DynamoDB::Table", "DynamoDB table"),
            ("AWS::::Account", "account"),
            ("AWS::IAM::AccessKey", "IAM access key"),
            ("Container", "container"),
            ("Other", "other"),
            ("", ""),
        ] {
            assert_eq!(plain_kind(kind), plain, "{kind}");
        }
    }
}
