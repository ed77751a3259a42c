//! The types of GuardDuty's and Macie's findings. Security Hub writes them in a form of its own.
//!
//! Source: GuardDuty user guide, "Interpreting GuardDuty finding names in AWS Security Hub CSPM";
//! Macie user guide, "Types of findings that Macie publishes to Security Hub CSPM".

/// Returns the product's form of a type in Security Hub: `UnauthorizedAccess:EC2/SSHBruteForce` for
/// `TTPs/Initial Access/UnauthorizedAccess:EC2-SSHBruteForce`. None for any other text.
pub(super) fn own_type(kind: &str) -> Option<String> {
    /// AWS's types are shorter.
    const LONGEST: usize = 150;
    let kind = kind.trim();
    if kind.len() > LONGEST {
        return None;
    }
    let (before, after) = match kind.split_once(':') {
        Some(parts) => parts,
        // The category is the purpose, as in `TTPs/Credential Access/IAMUser-AnomalousBehavior`.
        None => kind.rsplit_once('/')?,
    };
    let (path, last) = before.rsplit_once('/').unwrap_or(("", before));
    let category = path.rsplit('/').next().unwrap_or(path);
    let (purpose, resource, family) = match last {
        // As in `TTPs/DefenseEvasion/EC2:Unusual-DNS-Resolver`.
        "EC2" => (category, last, after.replace('-', "")),
        purpose => {
            let (resource, family) = after.split_once(['-', '/', '.'])?;
            // As in `TTPs/AnomalousBehavior/Discovery:Kubernetes-PermissionChecked`.
            let start = if category == "AnomalousBehavior" { "AnomalousBehavior." } else { "" };
            (purpose, resource, [start, family].concat())
        }
    };
    let purpose = purpose.replace(' ', "");
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_family = !family.is_empty() && family.bytes().all(|byte| byte.is_ascii_graphic());
    (is_word(&purpose) && is_word(resource) && is_family)
        .then(|| [&purpose, ":", resource, "/", &family].concat())
}

/// The threat purposes of GuardDuty, and what else AWS's types have before the colon.
/// Sources: GuardDuty user guide, "GuardDuty finding format" and "Malware Protection for S3 finding
/// type"; Macie user guide, "Types of Macie findings".
const PURPOSES: [&str; 21] = [
    "AttackSequence",
    "Backdoor",
    "Behavior",
    "CredentialAccess",
    "CryptoCurrency",
    "DefenseEvasion",
    "Discovery",
    "Execution",
    "Exfiltration",
    "Impact",
    "InitialAccess",
    "Object",
    "PenTest",
    "Persistence",
    "Policy",
    "PrivilegeEscalation",
    "Recon",
    "SensitiveData",
    "Stealth",
    "Trojan",
    "UnauthorizedAccess",
];

/// Whether a product may have types that fit a pattern: false if it is of the form of a type of
/// GuardDuty or Macie, and begins as none of them. Other products write what they like.
pub fn may_be_type(pattern: &str) -> bool {
    match pattern.split_once(':') {
        Some((purpose, _)) if purpose.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            PURPOSES.iter().any(|known| known.eq_ignore_ascii_case(purpose))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_hubs_types_in_the_products_own_form() {
        for (kind, own) in [
            (
                "TTPs/Initial Access/UnauthorizedAccess:EC2-SSHBruteForce",
                Some("UnauthorizedAccess:EC2/SSHBruteForce"),
            ),
            (
                "TTPs/Command and Control/Backdoor:EC2-C&CActivity.B!DNS",
                Some("Backdoor:EC2/C&CActivity.B!DNS"),
            ),
            ("TTPs/PenTest:IAMUser/KaliLinux", Some("PenTest:IAMUser/KaliLinux")),
            ("TTPs/Impact:S3-AnomalousBehavior.Write", Some("Impact:S3/AnomalousBehavior.Write")),
            (
                "TTPs/Credential Access/IAMUser-AnomalousBehavior",
                Some("CredentialAccess:IAMUser/AnomalousBehavior"),
            ),
            ("TTPs/Discovery/RDS-TorIPCaller", Some("Discovery:RDS/TorIPCaller")),
            (
                "TTPs/AnomalousBehavior/Persistence:Kubernetes-WorkloadDeployed!PrivilegedContainer",
                Some(
                    "Persistence:Kubernetes/AnomalousBehavior.WorkloadDeployed!PrivilegedContainer",
                ),
            ),
            (
                "TTPs/DefenseEvasion/EC2:Unusual-DNS-Resolver",
                Some("DefenseEvasion:EC2/UnusualDNSResolver"),
            ),
            (
                "Software and Configuration Checks/Backdoor:EC2.C&CActivity.B",
                Some("Backdoor:EC2/C&CActivity.B"),
            ),
            (
                "Software and Configuration Checks/AWS Security Best Practices/Policy:IAMUser-S3BucketPublic",
                Some("Policy:IAMUser/S3BucketPublic"),
            ),
            (
                "Sensitive Data Identifications/PII/SensitiveData:S3Object-Personal",
                Some("SensitiveData:S3Object/Personal"),
            ),
            ("Recon:EC2/Portscan", Some("Recon:EC2/Portscan")),
            // Other texts.
            ("Threats", None),
            ("Unusual Behaviors/Database", None),
            ("Software and Configuration Checks/Vulnerabilities/CVE", None),
            ("TTPs/Discovery/Recon:", None),
            ("TTPs/Discovery/:EC2-Portscan", None),
            ("a/<!channel>:EC2-x", None),
            ("a/Recon:EC2-\u{202e}x", None),
            ("", None),
        ] {
            assert_eq!(own_type(kind).as_deref(), own, "{kind}");
        }
        assert_eq!(own_type(&format!("TTPs/Recon:EC2-{}", "x".repeat(1 << 20))), None);
    }
}
