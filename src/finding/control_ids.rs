//! Ids of controls across standards, for the ids that standards give them.
//!
//! Source: Security Hub user guide, "Impact of consolidation on ASFF fields and values", the tables
//! "Generator IDs before and after turning on consolidated control findings" and "How consolidation
//! impacts control IDs and titles".

/// Returns the id across standards of a standard's control, such as `EC2.13` for `PCI.EC2.5` of
/// PCI DSS v3.2.1. None for a standard or a version that AWS's table does not have, and for a
/// control that the table gives two ids. Each finding of such a control keeps its own identity.
pub(super) fn security_control<'a>(
    standard: &str,
    version: &str,
    control: &'a str,
) -> Option<&'a str> {
    let table = match (standard, version) {
        // These use the ids across standards, but for one older id.
        (
            "aws-foundational-security-best-practices"
            | "nist-800-53"
            | "service-managed-aws-control-tower",
            _,
        ) => {
            let control = control.strip_prefix("CT.").unwrap_or(control);
            return Some(if control == "ELBv2.1" { "ELB.1" } else { control });
        }
        ("cis-aws-foundations-benchmark", "1.2.0") => CIS_1_2_0,
        ("cis-aws-foundations-benchmark", "1.4.0") => CIS_1_4_0,
        ("pci-dss", "3.2.1") => PCI_DSS_3_2_1,
        _ => return None,
    };
    table.iter().find(|(own, _)| *own == control).map(|(_, id)| *id)
}

/// Without 1.1, for which AWS names both IAM.20 and CloudWatch.1.
const CIS_1_2_0: &[(&str, &str)] = &[
    ("1.2", "IAM.5"),
    ("1.3", "IAM.8"),
    ("1.4", "IAM.3"),
    ("1.5", "IAM.11"),
    ("1.6", "IAM.12"),
    ("1.7", "IAM.13"),
    ("1.8", "IAM.14"),
    ("1.9", "IAM.15"),
    ("1.10", "IAM.16"),
    ("1.11", "IAM.17"),
    ("1.12", "IAM.4"),
    ("1.13", "IAM.9"),
    ("1.14", "IAM.6"),
    ("1.16", "IAM.2"),
    ("1.20", "IAM.18"),
    ("1.22", "IAM.1"),
    ("2.1", "CloudTrail.1"),
    ("2.2", "CloudTrail.4"),
    ("2.3", "CloudTrail.6"),
    ("2.4", "CloudTrail.5"),
    ("2.5", "Config.1"),
    ("2.6", "CloudTrail.7"),
    ("2.7", "CloudTrail.2"),
    ("2.8", "KMS.4"),
    ("2.9", "EC2.6"),
    ("3.1", "CloudWatch.2"),
    ("3.2", "CloudWatch.3"),
    ("3.3", "CloudWatch.1"),
    ("3.4", "CloudWatch.4"),
    ("3.5", "CloudWatch.5"),
    ("3.6", "CloudWatch.6"),
    ("3.7", "CloudWatch.7"),
    ("3.8", "CloudWatch.8"),
    ("3.9", "CloudWatch.9"),
    ("3.10", "CloudWatch.10"),
    ("3.11", "CloudWatch.11"),
    ("3.12", "CloudWatch.12"),
    ("3.13", "CloudWatch.13"),
    ("3.14", "CloudWatch.14"),
    ("4.1", "EC2.13"),
    ("4.2", "EC2.14"),
    ("4.3", "EC2.2"),
];

/// CIS AWS Foundations Benchmark v1.4.0.
const CIS_1_4_0: &[(&str, &str)] = &[
    ("1.4", "IAM.4"),
    ("1.5", "IAM.9"),
    ("1.6", "IAM.6"),
    ("1.7", "CloudWatch.1"),
    ("1.8", "IAM.15"),
    ("1.9", "IAM.16"),
    ("1.10", "IAM.5"),
    ("1.14", "IAM.3"),
    ("1.16", "IAM.1"),
    ("1.17", "IAM.18"),
    ("2.1.1", "S3.4"),
    ("2.1.2", "S3.5"),
    ("2.1.5.1", "S3.1"),
    ("2.1.5.2", "S3.8"),
    ("2.2.1", "EC2.7"),
    ("2.3.1", "RDS.3"),
    ("3.1", "CloudTrail.1"),
    ("3.2", "CloudTrail.4"),
    ("3.4", "CloudTrail.5"),
    ("3.5", "Config.1"),
    ("3.6", "S3.9"),
    ("3.7", "CloudTrail.2"),
    ("3.8", "KMS.4"),
    ("3.9", "EC2.6"),
    ("4.3", "CloudWatch.1"),
    ("4.4", "CloudWatch.4"),
    ("4.5", "CloudWatch.5"),
    ("4.6", "CloudWatch.6"),
    ("4.7", "CloudWatch.7"),
    ("4.8", "CloudWatch.8"),
    ("4.9", "CloudWatch.9"),
    ("4.10", "CloudWatch.10"),
    ("4.11", "CloudWatch.11"),
    ("4.12", "CloudWatch.12"),
    ("4.13", "CloudWatch.13"),
    ("4.14", "CloudWatch.14"),
    ("5.1", "EC2.21"),
    ("5.3", "EC2.2"),
];

/// PCI DSS v3.2.1.
const PCI_DSS_3_2_1: &[(&str, &str)] = &[
    ("PCI.AutoScaling.1", "AutoScaling.1"),
    ("PCI.CloudTrail.1", "CloudTrail.2"),
    ("PCI.CloudTrail.2", "CloudTrail.3"),
    ("PCI.CloudTrail.3", "CloudTrail.4"),
    ("PCI.CloudTrail.4", "CloudTrail.5"),
    ("PCI.CodeBuild.1", "CodeBuild.1"),
    ("PCI.CodeBuild.2", "CodeBuild.2"),
    ("PCI.Config.1", "Config.1"),
    ("PCI.CW.1", "CloudWatch.1"),
    ("PCI.DMS.1", "DMS.1"),
    ("PCI.EC2.1", "EC2.1"),
    ("PCI.EC2.2", "EC2.2"),
    ("PCI.EC2.4", "EC2.12"),
    ("PCI.EC2.5", "EC2.13"),
    ("PCI.EC2.6", "EC2.6"),
    ("PCI.ELBv2.1", "ELB.1"),
    ("PCI.ES.1", "ES.2"),
    ("PCI.ES.2", "ES.1"),
    ("PCI.GuardDuty.1", "GuardDuty.1"),
    ("PCI.IAM.1", "IAM.4"),
    ("PCI.IAM.2", "IAM.2"),
    ("PCI.IAM.3", "IAM.1"),
    ("PCI.IAM.4", "IAM.6"),
    ("PCI.IAM.5", "IAM.9"),
    ("PCI.IAM.6", "IAM.19"),
    ("PCI.IAM.7", "IAM.8"),
    ("PCI.IAM.8", "IAM.10"),
    ("PCI.KMS.1", "KMS.4"),
    ("PCI.Lambda.1", "Lambda.1"),
    ("PCI.Lambda.2", "Lambda.3"),
    ("PCI.Opensearch.1", "Opensearch.2"),
    ("PCI.Opensearch.2", "Opensearch.1"),
    ("PCI.RDS.1", "RDS.1"),
    ("PCI.RDS.2", "RDS.2"),
    ("PCI.Redshift.1", "Redshift.1"),
    ("PCI.S3.1", "S3.3"),
    ("PCI.S3.2", "S3.2"),
    ("PCI.S3.3", "S3.7"),
    ("PCI.S3.4", "S3.4"),
    ("PCI.S3.5", "S3.5"),
    ("PCI.S3.6", "S3.1"),
    ("PCI.SageMaker.1", "SageMaker.1"),
    ("PCI.SSM.1", "SSM.2"),
    ("PCI.SSM.2", "SSM.3"),
    ("PCI.SSM.3", "SSM.1"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standards_and_versions_are_told_apart() {
        let cis = "cis-aws-foundations-benchmark";
        for (standard, version, control, id) in [
            (cis, "1.2.0", "4.1", Some("EC2.13")),
            (cis, "1.2.0", "1.1", None),
            (cis, "1.4.0", "4.1", None),
            (cis, "1.4.0", "2.1.5.2", Some("S3.8")),
            (cis, "3.0.0", "4.1", None),
            ("pci-dss", "3.2.1", "PCI.ES.1", Some("ES.2")),
            ("pci-dss", "4.0.1", "PCI.ES.1", None),
            ("aws-foundational-security-best-practices", "1.0.0", "EC2.19", Some("EC2.19")),
            ("nist-800-53", "5.0.0", "KMS.1", Some("KMS.1")),
            ("service-managed-aws-control-tower", "1.0.0", "CT.KMS.1", Some("KMS.1")),
            ("other", "1.0.0", "KMS.1", None),
        ] {
            let found = security_control(standard, version, control);
            assert_eq!(found, id, "{standard} {version} {control}");
        }
    }

    #[test]
    fn each_control_stands_once_in_its_table() {
        for table in [CIS_1_2_0, CIS_1_4_0, PCI_DSS_3_2_1] {
            for (control, _) in table {
                let count = table.iter().filter(|(other, _)| other == control).count();
                assert_eq!(count, 1, "{control}");
            }
        }
    }
}
