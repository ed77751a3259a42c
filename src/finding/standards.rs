//! Names of the security standards that a control belongs to.

use super::arn::Arn;
use super::model::Finding;
use super::text::Text;

/// The standards' ids in ARNs, and their names.
/// Source: Security Hub user guide, "Standards reference".
const NAMES: [(&str, &str); 7] = [
    ("aws-foundational-security-best-practices", "AWS Foundational Security Best Practices"),
    ("aws-resource-tagging-standard", "AWS Resource Tagging Standard"),
    ("cis-aws-foundations-benchmark", "CIS AWS Foundations Benchmark"),
    ("nist-800-53", "NIST SP 800-53"),
    ("nist-800-171", "NIST SP 800-171"),
    ("pci-dss", "PCI DSS"),
    ("service-managed-aws-control-tower", "AWS Control Tower"),
];

/// Names each standard once, in the order of the ids, at most [`Finding::STANDARDS_MAX`].
pub(super) fn names<'a>(ids: impl IntoIterator<Item = &'a str>) -> Vec<Text> {
    let mut names: Vec<Text> = Vec::new();
    for id in ids {
        Finding::add_standard(&mut names, &name(id));
    }
    names
}

/// `PCI DSS v3.2.1` for `standards/pci-dss/v/3.2.1`, with or without the ARN before it or a control
/// behind it. An unknown standard is named by its id.
fn name(id: &str) -> String {
    let path = Arn::parse(id).map_or(id, |arn| arn.resource).trim();
    let kinds = ["standards/", "ruleset/"];
    let path = kinds.into_iter().find_map(|kind| path.strip_prefix(kind)).unwrap_or(path);
    let (standard, rest) = path.split_once("/v/").unwrap_or((path, ""));
    let version = rest.split('/').next().unwrap_or_default();
    let known = NAMES.iter().find(|(id, _)| *id == standard).map(|(_, name)| *name);
    let major = version.strip_suffix(".0.0").filter(|_| standard.starts_with("nist-"));
    match (known, major) {
        (Some(name), Some(major)) => format!("{name} Rev. {major}"),
        (Some(name), None) if !version.is_empty() => format!("{name} v{version}"),
        (Some(name), None) => name.to_owned(),
        (None, _) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standards_have_their_names() {
        for (id, shown) in [
            (
                "standards/aws-foundational-security-best-practices/v/1.0.0",
                "AWS Foundational Security Best Practices v1.0.0",
            ),
            (
                "standards/cis-aws-foundations-benchmark/v/1.4.0/5.2",
                "CIS AWS Foundations Benchmark v1.4.0",
            ),
            (
                "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0",
                "CIS AWS Foundations Benchmark v1.2.0",
            ),
            ("arn:aws-cn:securityhub:cn-north-1::standards/pci-dss/v/3.2.1", "PCI DSS v3.2.1"),
            ("standards/nist-800-53/v/5.0.0", "NIST SP 800-53 Rev. 5"),
            ("standards/pci-dss", "PCI DSS"),
            ("standards/own-standard/v/1.0.0", "own-standard/v/1.0.0"),
            ("own standard", "own standard"),
        ] {
            assert_eq!(name(id), shown, "{id}");
        }
    }

    #[test]
    fn names_are_few_short_clean_and_differ() {
        let many: Vec<String> = (0..40).map(|n| format!("{n}\u{202e}{}", "x".repeat(99))).collect();
        let found = names(many.iter().map(String::as_str));
        assert_eq!(found.len(), Finding::STANDARDS_MAX);
        for name in found {
            assert!(name.as_str().chars().count() <= Finding::STANDARD_CHARS_MAX, "{name}");
            assert!(!name.as_str().contains('\u{202e}'), "{name}");
        }
        let twice = names(["standards/pci-dss/v/3.2.1", "", "standards/pci-dss/v/3.2.1/PCI.S3.1"]);
        assert_eq!(twice, [Text::new("PCI DSS v3.2.1", 64)]);
    }
}
