//! What an ASFF finding is about.

use std::borrow::Cow;

use super::super::arn::short_name;
use super::super::lenient::{List, Pairs, Str, object};
use super::super::phrase::{Phrase, listed_once, part};

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
        user: User<'a> = "AwsIamUser",
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
        session: Session<'a> = "SessionContext",
    }
    struct Session<'a> {
        issuer: User<'a> = "SessionIssuer",
    }
    struct User<'a> {
        name: Str<'a> = "UserName",
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
    list(shown, resources.total.saturating_sub(hidden))
}

/// The resources in the role of the actor, where there is a target beside them.
pub(super) fn describe_actors<const N: usize>(resources: &List<Resource<'_>, N>) -> Option<String> {
    let (actors, targets): (Vec<_>, Vec<_>) = resources.items.iter().partition(|r| r.is_actor());
    if targets.is_empty() {
        return None;
    }
    list(&actors, actors.len())
}

/// Each of them once, though Security Hub may hold the same one several times.
fn list(resources: &[&Resource<'_>], total: usize) -> Option<String> {
    listed_once(resources, total, NAMED_MAX, Resource::is_like, Resource::describe)
}

impl Resource<'_> {
    fn is_actor(&self) -> bool {
        self.role.as_deref().is_some_and(|role| role.eq_ignore_ascii_case("actor"))
    }

    fn is_like(&self, other: &Resource<'_>) -> bool {
        self.id.is_some() && self.id == other.id && self.kind == other.kind
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
        let key = &self.details.access_key;
        let label = plain_kind(kind);
        let mut phrase = Phrase::new(&label, self.name())
            .with(self.details.instance.kind.as_deref())
            .with(key.owner())
            .with(key.kind.as_deref())
            .with(tag);
        for address in &self.details.instance.addresses.items {
            phrase = phrase.with(Some(address));
        }
        phrase.build()
    }
}

impl Resource<'_> {
    /// The user's name rather than an id such as `AIDA…`; else the end of the resource's id.
    fn name(&self) -> Option<&str> {
        self.details.user.name.as_deref().or_else(|| Some(last_part(self.id.as_deref()?)))
    }
}

/// The end of an ARN, and `123456789012` of `AWS::::Account:123456789012`, which is how Security
/// Hub calls what has no ARN.
fn last_part(id: &str) -> &str {
    match id.strip_prefix("AWS::").and_then(|id| id.rsplit_once(':')) {
        Some((_, name)) if !name.is_empty() => name,
        _ => short_name(id),
    }
}

impl AccessKey<'_> {
    /// The user or role whose key it is, by name if it has one; else the session's name, which
    /// follows the role's id in `AROA…:session`; else the id.
    fn owner(&self) -> Option<&str> {
        let principal = self.principal.as_deref();
        let session = principal.and_then(|id| id.split_once(':')).map(|(_, name)| name);
        let issuer = self.session.issuer.name.as_deref();
        self.user.as_deref().or(issuer).or(session.filter(|name| !name.is_empty())).or(principal)
    }
}

/// `AwsEc2Instance` and `AWS::EC2::Instance` as `EC2 instance`, `AwsIamAccessKey` as
/// `IAM access key`.
pub(in crate::finding) fn plain_kind(kind: &str) -> String {
    /// Longer than any type that AWS has.
    const LONGEST: usize = 80;
    let kind = kind.trim();
    if kind.len() > LONGEST || !kind.is_ascii() {
        return part(kind).into_owned();
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
    use super::super::super::json::json;
    use super::super::super::lenient::Slot as _;
    use super::*;

    fn described(raw: &str) -> Option<String> {
        let mut resources = List::<Resource<'_>, 10>::default();
        resources.fill(json(raw));
        describe(&resources)
    }

    #[test]
    fn people_are_told_by_name() {
        for (raw, said) in [
            (
                r#"{"Type":"AwsIamUser","Id":"AIDAEXAMPLE",
                    "Details":{"AwsIamUser":{"UserId":"AIDAEXAMPLE","UserName":"alice"}}}"#,
                "IAM user alice",
            ),
            (
                r#"{"Type":"AwsIamUser","Id":"arn:aws:iam::111122223333:user/AIDAEXAMPLE",
                    "Details":{"AwsIamUser":{"UserName":"alice"}}}"#,
                "IAM user alice",
            ),
            (
                r#"{"Type":"AwsIamUser","Id":"arn:aws:iam::111122223333:user/staff/alice",
                    "Details":{"AwsIamUser":{"UserId":"AIDAEXAMPLE"}}}"#,
                "IAM user alice",
            ),
            (r#"{"Type":"AwsIamUser","Id":"AIDAEXAMPLE"}"#, "IAM user AIDAEXAMPLE"),
            (
                r#"{"Type":"AwsIamAccessKey","Id":"AWS::IAM::AccessKey:AKIAEXAMPLE",
                    "Details":{"AwsIamAccessKey":{"PrincipalId":"AIDAEXAMPLE",
                        "PrincipalName":"alice","PrincipalType":"IAMUser"}}}"#,
                "IAM access key AKIAEXAMPLE (alice, IAMUser)",
            ),
            (
                r#"{"Type":"AwsIamAccessKey","Id":"ASIAEXAMPLE","Details":{"AwsIamAccessKey":{
                    "PrincipalId":"AROAEXAMPLE:bob","PrincipalType":"AssumedRole",
                    "SessionContext":{"SessionIssuer":{"UserName":"deploy"}}}}}"#,
                "IAM access key ASIAEXAMPLE (deploy, AssumedRole)",
            ),
            (
                r#"{"Type":"AwsIamAccessKey","Id":"ASIAEXAMPLE",
                    "Details":{"AwsIamAccessKey":{"PrincipalId":"AROAEXAMPLE:bob"}}}"#,
                "IAM access key ASIAEXAMPLE (bob)",
            ),
            (
                r#"{"Type":"AwsIamAccessKey","Id":"AKIAEXAMPLE",
                    "Details":{"AwsIamAccessKey":{"PrincipalId":"AIDAEXAMPLE"}}}"#,
                "IAM access key AKIAEXAMPLE (AIDAEXAMPLE)",
            ),
            (r#"{"Type":"AwsAccount","Id":"AWS::::Account:111122223333"}"#, "account 111122223333"),
        ] {
            assert_eq!(described(raw).as_deref(), Some(said), "{raw}");
        }
    }

    #[test]
    fn a_resource_is_shown_once() {
        let bucket = r#"{"Type":"AwsS3Bucket","Id":"arn:aws:s3:::data"}"#;
        let function = r#"{"Type":"AwsLambdaFunction","Id":"arn:aws:lambda:r:1:function:f"}"#;
        let elsewhere = r#"{"Type":"AwsLambdaFunction","Id":"arn:aws:lambda:r:2:function:f"}"#;
        for (raw, said) in [
            (format!("[{bucket},{bucket},{bucket},{bucket}]"), "S3 bucket data"),
            (
                format!("[{bucket},{function},{bucket},{elsewhere}]"),
                "S3 bucket data, Lambda function f, Lambda function f",
            ),
        ] {
            assert_eq!(described(&raw).as_deref(), Some(said), "{raw}");
        }
    }

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
