//! Links to what AWS's documentation says about a type of finding, or about a control. They are
//! built of checked parts, as those in [`super::console`].

use crate::finding::{Finding, Product, control_and_resource, is_coverage_id};

const GUARDDUTY: &str = "https://docs.aws.amazon.com/guardduty/latest/ug/";

/// Returns a link: under 300 ASCII characters, none of which has a meaning for Slack. None for a
/// product without a page for each type.
pub(super) fn link(finding: &Finding) -> Option<String> {
    let id = finding.product_id();
    match Product::from_name(&finding.fingerprint.product) {
        // A scan and an agent's coverage are no types of findings.
        Product::GuardDuty if is_coverage_id(id) => None,
        Product::GuardDuty => Some(guardduty(finding.kind.as_str())),
        Product::SecurityHub => control(id),
        _ => None,
    }
}

/// Source: Security Hub user guide, "ASFF", `Remediation`; API reference,
/// `SecurityControlDefinition`, `RemediationUrl`.
fn control(id: &str) -> Option<String> {
    let (control, _) = control_and_resource(id)?;
    let is_word = |text: &str| {
        (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let is_control = control.split_once('.').is_some_and(|(a, b)| is_word(a) && is_word(b));
    is_control
        .then(|| format!("https://docs.aws.amazon.com/console/securityhub/{control}/remediation"))
}

/// The page of a type, `Purpose:Resource/Family!Artifact`. An unknown type gets the list of all.
/// Source: GuardDuty user guide, "GuardDuty finding types" and "GuardDuty finding format".
fn guardduty(kind: &str) -> String {
    let parts = kind.split_once(':').and_then(|(purpose, rest)| {
        let (resource, family) = rest.split_once('/')?;
        Some((purpose, resource, family))
    });
    let page = parts.and_then(|(purpose, resource, family)| match (purpose, resource) {
        ("AttackSequence", _) => Some("guardduty-attack-sequence-finding-types.html".to_owned()),
        ("Object", "S3") => Some("gdu-malware-protection-s3-finding-types.html".to_owned()),
        ("Execution", _) if family == "MaliciousFile" || family == "SuspiciousFile" => {
            Some("findings-malware-protection.html".to_owned())
        }
        ("Execution", _) if family.starts_with("MaliciousFile!") => {
            Some("findings-malware-protection-backup.html".to_owned())
        }
        _ => page_of(resource).map(|(page, anchored)| match anchored {
            Some(name) => format!("{page}.html#{}-{name}-{}", letters(purpose), letters(family)),
            None => format!("{page}.html"),
        }),
    });
    let page = page.filter(|page| page.len() <= PAGE_CHARS_MAX);
    [GUARDDUTY, page.as_deref().unwrap_or("guardduty_finding-types-active.html")].concat()
}

/// The longest page with its anchor. AWS's types have at most 100 characters.
const PAGE_CHARS_MAX: usize = 200;

/// The page of a resource, and its name in the anchors of that page, where AWS forms these of the
/// type: `Backdoor:EC2/C&CActivity.B!DNS` is at `#backdoor-ec2-ccactivitybdns`.
fn page_of(resource: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match resource {
        "EC2" => ("guardduty_finding-types-ec2", Some("ec2")),
        "IAMUser" => ("guardduty_finding-types-iam", Some("iam")),
        "S3" => ("guardduty_finding-types-s3", Some("s3")),
        "Runtime" => ("findings-runtime-monitoring", Some("runtime")),
        "Kubernetes" => ("guardduty-finding-types-eks-audit-logs", None),
        "RDS" => ("findings-rds-protection", None),
        "Lambda" => ("lambda-protection-finding-types", None),
        _ => return None,
    })
}

/// The letters and digits, in lower case.
fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_type_has_its_page() {
        for (kind, page) in [
            (
                "Backdoor:EC2/C&CActivity.B!DNS",
                "guardduty_finding-types-ec2.html#backdoor-ec2-ccactivitybdns",
            ),
            ("Recon:IAMUser/TorIPCaller", "guardduty_finding-types-iam.html#recon-iam-toripcaller"),
            (
                "Discovery:S3/AnomalousBehavior",
                "guardduty_finding-types-s3.html#discovery-s3-anomalousbehavior",
            ),
            (
                "Impact:Runtime/CryptoMinerExecuted",
                "findings-runtime-monitoring.html#impact-runtime-cryptominerexecuted",
            ),
            (
                "Execution:Runtime/MaliciousFileExecuted",
                "findings-runtime-monitoring.html#execution-runtime-maliciousfileexecuted",
            ),
            ("Policy:Kubernetes/ExposedDashboard", "guardduty-finding-types-eks-audit-logs.html"),
            ("CredentialAccess:RDS/TorIPCaller.FailedLogin", "findings-rds-protection.html"),
            ("Backdoor:Lambda/C&CActivity.B", "lambda-protection-finding-types.html"),
            ("Execution:Container/MaliciousFile", "findings-malware-protection.html"),
            ("Execution:EC2/SuspiciousFile", "findings-malware-protection.html"),
            ("Execution:EC2/MaliciousFile!Snapshot", "findings-malware-protection-backup.html"),
            ("Object:S3/MaliciousFile", "gdu-malware-protection-s3-finding-types.html"),
            (
                "AttackSequence:EKS/CompromisedCluster",
                "guardduty-attack-sequence-finding-types.html",
            ),
            ("Impact:Quantum/Decoherence", "guardduty_finding-types-active.html"),
            ("TTPs/Discovery/Recon:EC2-PortProbe", "guardduty_finding-types-active.html"),
            ("", "guardduty_finding-types-active.html"),
            ("<a|b>:EC2/&#?é/../<!here>", "guardduty_finding-types-ec2.html#ab-ec2-here"),
        ] {
            assert_eq!(guardduty(kind), format!("{GUARDDUTY}{page}"), "{kind}");
        }
        let long = format!("Recon:EC2/{}", "x".repeat(1_000));
        assert_eq!(guardduty(&long), format!("{GUARDDUTY}guardduty_finding-types-active.html"));
    }

    #[test]
    fn a_control_has_its_page() {
        let page =
            |id: &str| format!("https://docs.aws.amazon.com/console/securityhub/{id}/remediation");
        for (id, expected) in [
            ("control/EC2.19/arn:aws:ec2:x", Some(page("EC2.19"))),
            ("control/S3.8/sha256:0a", Some(page("S3.8"))),
            ("control/EC2.19", None),
            ("control//x", None),
            ("control/<evil>|.1/x", None),
            ("control/../x", None),
            ("control/./x", None),
            ("arn:aws:securityhub:x", None),
        ] {
            assert_eq!(control(id), expected, "{id}");
        }
    }
}
