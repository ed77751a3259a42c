//! One spelling for the types of resources, which AWS's products spell in four ways:
//! `AwsEc2Instance` (Security Hub), `AWS::EC2::Instance` (Security Hub V2, Access Analyzer),
//! `AWS_EC2_INSTANCE` (Inspector) and `Instance` (GuardDuty). hansho has Security Hub's.
//!
//! Source: Security Hub user guide, "Resources" in the AWS Security Finding Format; GuardDuty API
//! reference, `Resource`, `resourceType`; Inspector v2 API reference, `Resource`.

use super::aws_types::split_words;
use super::text::{Text, cut};

/// No type of AWS is longer.
const CHARS_MAX: usize = 80;

/// Services that Security Hub names in another way.
/// Source: Security Hub user guide, "Resources"; CloudFormation user guide, resource types.
const RENAMED: [(&str, &str); 3] = [
    ("AWS::ElasticLoadBalancingV2::", "AwsElbv2"),
    ("AWS::ElasticLoadBalancing::", "AwsElb"),
    ("AWS::StepFunctions::", "AwsStepFunction"),
];

/// The type of a resource, in Security Hub's spelling. None: there is none in it.
pub(super) fn resource_type(written: &str) -> Option<Text> {
    let (service, rest) = renamed(written.trim());
    let mut words = split_words(&cut(rest, CHARS_MAX));
    for word in &mut words {
        let tail = word.split_off(1).to_ascii_lowercase();
        word.make_ascii_uppercase();
        word.push_str(&tail);
    }
    let text = Text::new(&[service, &words.concat()].concat(), CHARS_MAX);
    (!text.is_empty()).then_some(text)
}

/// A pattern for types, whatever its spelling, as one for Security Hub's. Its case does not count.
pub fn pattern(written: &str) -> String {
    let (service, rest) = renamed(written);
    let is_kept = |c: &char| c.is_alphanumeric() || "*?".contains(*c);
    service.chars().chain(rest.chars().filter(is_kept)).collect()
}

/// Security Hub's name of the service, if it is another one, and the rest of the type.
fn renamed(written: &str) -> (&'static str, &str) {
    let named = |(from, to): &(&str, &'static str)| Some((*to, written.strip_prefix(from)?));
    RENAMED.iter().find_map(named).unwrap_or(("", written))
}

/// The type of the resource of a GuardDuty finding.
pub(super) fn of_guardduty(written: &str) -> Option<Text> {
    let written = written.trim();
    let same = match written.to_ascii_lowercase().as_str() {
        "instance" => "AwsEc2Instance",
        "accesskey" => "AwsIamAccessKey",
        "s3bucket" => "AwsS3Bucket",
        "s3object" => "AwsS3Object",
        "ekscluster" | "kubernetescluster" => "AwsEksCluster",
        "ecscluster" => "AwsEcsCluster",
        "lambda" => "AwsLambdaFunction",
        "rdsdbinstance" => "AwsRdsDbInstance",
        _ => written,
    };
    resource_type(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        for (written, spelling) in [
            ("AwsEc2Instance", "AwsEc2Instance"),
            ("AWS::EC2::Instance", "AwsEc2Instance"),
            ("AWS_EC2_INSTANCE", "AwsEc2Instance"),
            ("AWS::RDS::DBInstance", "AwsRdsDbInstance"),
            ("AwsRdsDbInstance", "AwsRdsDbInstance"),
            ("AWS::DynamoDB::Table", "AwsDynamoDbTable"),
            ("AWS::ElasticLoadBalancingV2::LoadBalancer", "AwsElbv2LoadBalancer"),
            ("AwsElbv2LoadBalancer", "AwsElbv2LoadBalancer"),
            ("AWS::StepFunctions::StateMachine", "AwsStepFunctionStateMachine"),
            ("Container", "Container"),
            ("CODE_REPOSITORY", "CodeRepository"),
            ("<!here>", "Here"),
        ] {
            assert_eq!(resource_type(written).unwrap().as_str(), spelling, "{written}");
        }
        for (written, text) in [
            ("AWS::EC2::*", "AWSEC2*"),
            ("AWS_EC2_INSTANCE", "AWSEC2INSTANCE"),
            ("*::Bucket", "*Bucket"),
            ("AwsS3*", "AwsS3*"),
            ("AWS::ElasticLoadBalancingV2::*", "AwsElbv2*"),
        ] {
            assert_eq!(pattern(written), text);
        }
        assert_eq!(of_guardduty(" Instance ").unwrap().as_str(), "AwsEc2Instance");
        assert_eq!(of_guardduty("RDSLimitlessDB").unwrap().as_str(), "RdsLimitlessDb");
        assert_eq!(of_guardduty("::"), None);
        assert!(resource_type(&"A".repeat(500)).unwrap().as_str().chars().count() <= CHARS_MAX);
    }
}
