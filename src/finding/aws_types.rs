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
    const NAMES: [(&str, &str); 29] = [
        ("ApiGateway", "API Gateway"),
        ("Athena", "Athena"),
        ("AutoScaling", "Auto Scaling"),
        ("Bedrock", "Bedrock"),
        ("CertificateManager", "Certificate Manager"),
        ("CloudFormation", "CloudFormation"),
        ("CloudFront", "CloudFront"),
        ("CloudTrail", "CloudTrail"),
        ("CloudWatch", "CloudWatch"),
        ("CodeBuild", "CodeBuild"),
        ("DynamoDb", "DynamoDB"),
        ("DynamoDB", "DynamoDB"),
        ("ElasticBeanstalk", "Elastic Beanstalk"),
        ("ElasticLoadBalancingV2", "ELB"),
        ("ElasticLoadBalancing", "ELB"),
        ("Elbv2", "ELB"),
        ("Events", "EventBridge"),
        ("Glue", "Glue"),
        ("GuardDuty", "GuardDuty"),
        ("Kinesis", "Kinesis"),
        ("Lambda", "Lambda"),
        ("Logs", "CloudWatch"),
        ("OpenSearch", "OpenSearch"),
        ("Redshift", "Redshift"),
        ("SageMaker", "SageMaker"),
        ("SecretsManager", "Secrets Manager"),
        ("StepFunction", "Step Functions"),
        ("StepFunctions", "Step Functions"),
        ("WAFv2", "WAF"),
    ];
    NAMES.into_iter().find_map(|(name, plain)| {
        let rest = kind.strip_prefix(name)?;
        (!rest.starts_with(|c: char| c.is_ascii_lowercase())).then_some((plain, rest))
    })
}

/// Splits before a capital letter that follows a small one or begins a word after an acronym
/// (`DBInstance`), and at every other character that is not a letter or digit.
pub(super) fn split_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut in_word = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let begins = chars.peek().is_some_and(|next| next.is_ascii_lowercase());
        let goes_on =
            |word: &str| !c.is_ascii_uppercase() || (word.ends_with(is_capital) && !begins);
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
    const ACRONYMS: [&str; 23] = [
        "ACL", "API", "DB", "DMS", "EBS", "EC2", "ECR", "ECS", "EFS", "EKS", "ELB", "IAM", "KMS",
        "MSK", "OIDC", "RDS", "S3", "SAML", "SNS", "SQS", "SSM", "VPC", "WAF",
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
            ("AWS::IAM::SAMLProvider", "IAM SAML provider"),
            ("AWS::Logs::LogGroup", "CloudWatch log group"),
            ("AWS::EC2::VPCEndpoint", "EC2 VPC endpoint"),
            ("AWS::RDS::DBInstance", "RDS DB instance"),
            ("AWS::ElasticLoadBalancingV2::TargetGroup", "ELB target group"),
            ("AWS::WAFv2::WebACL", "WAF web ACL"),
            ("AWS::StepFunctions::StateMachine", "Step Functions state machine"),
            ("AwsStepFunctionStateMachine", "Step Functions state machine"),
            ("AwsElbv2LoadBalancer", "ELB load balancer"),
            ("AwsEcsTaskDefinition", "ECS task definition"),
            ("Logset", "logset"),
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
