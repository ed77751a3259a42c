//! AWS's resource types in plain words.

use super::arn::{Arn, short_name};
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
    match kind {
        "Other" => return String::new(),
        // Inspector's own findings call it so.
        "AwsEcrContainerImage" | "AWS::ECR::ContainerImage" => return "container image".to_owned(),
        _ => {}
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
/// The repository is the name of a container image.
pub(super) fn resource_name(id: &str) -> Option<&str> {
    let name = match id.strip_prefix("AWS::").and_then(|id| id.rsplit_once(':')) {
        Some((_, name)) if !name.is_empty() => name,
        _ => short_name(id),
    };
    real_name(image_parts(id, name).map_or(name, |(repository, _)| repository))
}

/// The digest in a container image's ARN, `…:repository/team/app/sha256:0a1b…`.
/// Source: Service Authorization Reference, "Amazon Elastic Container Registry"; Security Hub user
/// guide, "AwsEcrContainerImage".
pub(super) fn image_digest(id: &str) -> Option<&str> {
    image_parts(id, short_name(id)).map(|(_, digest)| digest)
}

fn image_parts<'a>(id: &str, name: &'a str) -> Option<(&'a str, &'a str)> {
    Arn::parse(id).filter(|arn| arn.service == "ecr")?;
    let at = name.rfind("/sha256:")?;
    Some((name.get(..at)?, name.get(at + 1..)?))
}

/// Describes a resource by its kind and its name, for the start of a phrase. The ARN gives the kind
/// if the type says nothing. The name `*` stands for all resources of the kind.
pub(super) fn kind_and_name<'a>(
    kind: Option<&str>,
    id: Option<&str>,
    name: Option<&'a str>,
) -> (String, Option<&'a str>) {
    let mut plain = kind.map(plain_kind).unwrap_or_default();
    if plain.is_empty() {
        plain = id.and_then(kind_in_arn).unwrap_or_default();
    }
    match name {
        Some("*") if plain.is_empty() => (plain, None),
        Some("*") => (["all ", &plural(&plain)].concat(), None),
        name => (plain, name),
    }
}

/// `CloudWatch log group` for `arn:aws:logs:…:log-group:…`.
/// Source: Service Authorization Reference, "Resource types" of each service.
fn kind_in_arn(id: &str) -> Option<String> {
    let arn = Arn::parse(id)?;
    Some(match (arn.service, arn.resource.split_once(['/', ':'])) {
        ("s3", None) => "S3 bucket".to_owned(),
        ("s3", Some(_)) if arn.account.is_empty() => "S3 object".to_owned(),
        ("sns", None) => "SNS topic".to_owned(),
        ("sqs", _) => "SQS queue".to_owned(),
        (service, Some((kind, _))) => plain_kind(&[service, "::", kind].concat()),
        _ => return None,
    })
}

fn plural(kind: &str) -> String {
    match kind.strip_suffix('y') {
        Some(start) => [start, "ies"].concat(),
        None if kind.ends_with('s') => [kind, "es"].concat(),
        None => [kind, "s"].concat(),
    }
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
        let (start, rest) = kind.split_at_checked(name.len())?;
        let is_whole = !rest.starts_with(|c: char| c.is_ascii_lowercase());
        // An ARN writes the service in small letters. `AutoScalingAutoScalingGroup` names it twice.
        let rest = rest.trim_start_matches(':');
        let rest = rest.strip_prefix(name).unwrap_or(rest);
        (start.eq_ignore_ascii_case(name) && is_whole).then_some((plain, rest))
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
            ("AwsAutoScalingAutoScalingGroup", "Auto Scaling group"),
            ("AWS::AutoScaling::AutoScalingGroup", "Auto Scaling group"),
            ("AwsEcrContainerImage", "container image"),
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
            ("arn:aws:ecr:r:1:repository/team/app/sha256:aa", Some("team/app")),
            ("arn:aws:iam::111122223333:access-key/null", None),
            ("None", None),
            ("null", None),
            ("nullable", Some("nullable")),
            ("", None),
        ] {
            assert_eq!(resource_name(id), name, "{id}");
        }
    }

    #[test]
    fn kinds_beside_names() {
        let logs = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/resize";
        for (kind, id, name, said) in [
            (Some("AwsEc2Instance"), "i-0abc", Some("i-0abc"), ("EC2 instance", Some("i-0abc"))),
            (Some("AwsEc2Instance"), "*", Some("*"), ("all EC2 instances", None)),
            (Some("AwsIamPolicy"), "*", Some("*"), ("all IAM policies", None)),
            (Some("Other"), "*", Some("*"), ("", None)),
            (Some("Other"), logs, Some("x"), ("CloudWatch log group", Some("x"))),
            (None, "arn:aws:s3:::data", Some("data"), ("S3 bucket", Some("data"))),
            (None, "arn:aws:dynamodb:r:1:table/t", Some("t"), ("DynamoDB table", Some("t"))),
            (None, "arn:aws:lambda:r:1:function:f", Some("f"), ("Lambda function", Some("f"))),
            (None, "arn:aws:sns:r:1:alarms", Some("alarms"), ("SNS topic", Some("alarms"))),
            (Some("Other"), "111122223333", None, ("", None)),
        ] {
            let (plain, left) = kind_and_name(kind, Some(id), name);
            assert_eq!((plain.as_str(), left), said, "{kind:?} {id}");
        }
        let image = "arn:aws:ecr:r:1:repository/team/app/sha256:aa";
        assert_eq!(image_digest(image), Some("sha256:aa"));
        assert_eq!(image_digest("arn:aws:s3:::b/sha256:aa"), None);
    }
}
