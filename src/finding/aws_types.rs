//! AWS's resource types in plain words.

use super::arn::short_name;
use super::phrase::{part, real_name};

/// Writes a resource type in plain words: `AwsEc2Instance` and `AWS::EC2::Instance` as `EC2
/// instance`, `AwsIamAccessKey` as `IAM access key`. `Other` says nothing, so it is left out.
pub(super) fn plain_kind(kind: &str) -> String {
    /// No type of AWS is longer.
    const LONGEST: usize = 80;
    let kind = kind.trim();
    if kind.len() > LONGEST || !kind.is_ascii() {
        return part(kind).into_owned();
    }
    if kind == "Other" {
        return String::new();
    }
    let kind = kind.strip_prefix("AWS::").or_else(|| kind.strip_prefix("Aws")).unwrap_or(kind);
    let (service, kind) = named_service(kind).unwrap_or(("", kind));
    let mut words: Vec<String> = split_words(kind).iter().map(|word| plain_word(word)).collect();
    words.insert(0, service.to_owned());
    words.retain(|word| !word.is_empty());
    words.dedup();
    words.join(" ")
}

/// Returns the name in a resource's id: the end of an ARN, or `123456789012` for
/// `AWS::::Account:123456789012`, the form that Security Hub uses for resources without an ARN.
pub(super) fn resource_name(id: &str) -> Option<&str> {
    real_name(match id.strip_prefix("AWS::").and_then(|id| id.rsplit_once(':')) {
        Some((_, name)) if !name.is_empty() => name,
        _ => short_name(id),
    })
}

/// Splits off a service whose name has several words or a spelling of its own.
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

/// Splits before a capital letter that follows a small one, and at every other character that is
/// not a letter or digit.
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
            ("Other", ""),
            ("", ""),
        ] {
            assert_eq!(plain_kind(kind), plain, "{kind}");
        }
    }

    #[test]
    fn names_in_ids() {
        for (id, name) in [
            ("arn:aws:s3:::data", Some("data")),
            ("i-0abc", Some("i-0abc")),
            ("AWS::::Account:111122223333", Some("111122223333")),
            ("AWS::IAM::AccessKey:ASIAEXAMPLE", Some("ASIAEXAMPLE")),
            ("AWS::IAM::AccessKey:null", None),
            ("None", None),
            ("null", None),
            ("nullable", Some("nullable")),
            ("", None),
        ] {
            assert_eq!(resource_name(id), name, "{id}");
        }
    }
}
