//! One identity for the findings of one control about one resource.
//!
//! Unless consolidated control findings are on, Security Hub sends a finding for each standard that
//! has the control. People have one problem then, so these findings share a fingerprint, and
//! [`Finding::member`](super::Finding::member) tells them apart.
//! Source: Security Hub user guide, "Consolidated control findings".

use super::arn::Arn;
use super::control_ids::security_control;
use super::fingerprint::{Fingerprint, sha256};
use super::model::Finding;

/// A control of Security Hub, and the resource that it was checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Control<'a> {
    /// The id across standards, such as `EC2.19`.
    id: &'a str,
    resource: &'a str,
}

impl<'a> Control<'a> {
    /// Finds the control. `own` is the field with the id across standards. `names` are the ids of
    /// the finding and its generator, which may name the control. None if the product is another
    /// than Security Hub itself, if the control is not known across standards, or without a
    /// resource.
    pub fn find(
        product_arn: Option<&str>,
        own: Option<&'a str>,
        names: [Option<&'a str>; 2],
        resource: Option<&'a str>,
    ) -> Option<Control<'a>> {
        product_arn.and_then(Arn::parse)?.product().filter(|own| *own == ("aws", "securityhub"))?;
        let resource = resource.map(str::trim)?;
        let own = own.map(str::trim).filter(|id| is_control_id(id));
        let id = own.or_else(|| names.into_iter().flatten().find_map(control_in))?;
        Some(Control { id, resource })
    }

    /// The id across standards, such as `EC2.19`.
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// The id in the fingerprint: `control/EC2.19/arn:aws:…`. A resource with a long id is named by
    /// its SHA-256.
    pub fn finding_id(&self) -> String {
        let Control { id, resource } = self;
        Fingerprint::bounded_id(&format!("{CONTROL_ID_START}{id}/"), resource)
    }
}

/// The control and the resource in the id of a control's fingerprint.
pub fn control_and_resource(id: &str) -> Option<(&str, &str)> {
    id.strip_prefix(CONTROL_ID_START)?.split_once('/')
}

/// How the id in a control's fingerprint begins.
pub const CONTROL_ID_START: &str = "control/";

/// Tells apart the findings that share a control's identity: the start of the SHA-256 of the
/// finding's own id.
pub fn member(id: &str) -> String {
    sha256(id).chars().take(Finding::MEMBER_CHARS_MAX).collect()
}

/// Returns how the id in the fingerprint begins if `arn` is the ARN of a control's finding, such as
/// `control/EC2.19/`. The ARN does not name the resource, so it does not give the whole id.
pub fn control_id_start(arn: &str) -> Option<String> {
    Arn::parse(arn).filter(|arn| arn.service == "securityhub" && arn.finding_id().is_some())?;
    Some(format!("{CONTROL_ID_START}{}/", control_in(arn)?))
}

/// Reads the control from the id of a finding or its generator: `security-control/EC2.19`,
/// `pci-dss/v/3.2.1/PCI.EC2.5` or an ARN that ends like one of these.
fn control_in(name: &str) -> Option<&str> {
    let name = name.trim();
    let path = Arn::parse(name).map_or(name, |arn| arn.resource);
    let path = path.split("/finding/").next().unwrap_or(path);
    if let Some(id) = path.strip_prefix("security-control/") {
        return Some(id).filter(|id| is_control_id(id));
    }
    let kinds = ["subscription/", "ruleset/"];
    let path = kinds.into_iter().find_map(|kind| path.strip_prefix(kind)).unwrap_or(path);
    let (standard, rest) = path.split_once("/v/")?;
    let (version, id) = rest.split_once('/')?;
    let id = id.strip_prefix("rule/").unwrap_or(id);
    security_control(standard, version, id).filter(|id| is_control_id(id))
}

/// A service and a number.
/// Source: Security Hub API reference, `Compliance`, `SecurityControlId`.
fn is_control_id(text: &str) -> bool {
    let Some((service, number)) = text.split_once('.') else { return false };
    let is_all = |text: &str, max: usize, good: fn(&u8) -> bool| {
        (1..=max).contains(&text.len()) && text.as_bytes().iter().all(good)
    };
    is_all(service, 40, u8::is_ascii_alphanumeric) && is_all(number, 4, u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "arn:aws:securityhub:eu-west-1::product/aws/securityhub";
    const BUCKET: &str = "arn:aws:s3:::data";

    fn id_of(own: Option<&str>, generator: &str, id: &str) -> Option<String> {
        let control = Control::find(Some(HUB), own, [Some(generator), Some(id)], Some(BUCKET))?;
        let id = control.finding_id();
        Some(id.strip_prefix("control/")?.strip_suffix("/arn:aws:s3:::data")?.to_owned())
    }

    #[test]
    fn a_control_is_found_by_its_id_then_by_names() {
        let hub = "arn:aws:securityhub:eu-west-1:111122223333";
        let cis = "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0/rule";
        for (own, generator, id, control) in [
            (Some("EC2.19"), "security-control/S3.1", "f", Some("EC2.19")),
            (Some(" EC2.19 "), "g", "f", Some("EC2.19")),
            (Some("EC2/19"), "security-control/S3.1", "f", Some("S3.1")),
            (Some("EC2"), "g", "f", None),
            (None, "security-control/S3.1", "f", Some("S3.1")),
            (None, "g", &format!("{hub}:security-control/S3.8/finding/1"), Some("S3.8")),
            (None, "security-control/", "f", None),
            (None, "security-control/S3.1/../x", "f", None),
            (None, "aws-foundational-security-best-practices/v/1.0.0/EC2.19", "f", Some("EC2.19")),
            (None, "aws-foundational-security-best-practices/v/1.0.0/ELBv2.1", "f", Some("ELB.1")),
            (None, "cis-aws-foundations-benchmark/v/1.4.0/5.3", "f", Some("EC2.2")),
            (None, &format!("{cis}/4.1"), "f", Some("EC2.13")),
            (
                None,
                "g",
                &format!("{hub}:subscription/pci-dss/v/3.2.1/PCI.EC2.5/finding/1"),
                Some("EC2.13"),
            ),
            // A standard's own number is not known across standards.
            (None, "cis-aws-foundations-benchmark/v/9.0.0/4.1", "f", None),
            (None, "g", "f", None),
        ] {
            assert_eq!(id_of(own, generator, id).as_deref(), control, "{own:?} {generator} {id}");
        }
    }

    #[test]
    fn only_security_hubs_own_controls_with_a_resource() {
        let own = Some("EC2.19");
        for (product, resource, found) in [
            (Some(HUB), Some(BUCKET), true),
            (Some("arn:aws-cn:securityhub:cn-north-1::product/aws/securityhub"), Some("b"), true),
            (Some("arn:aws:securityhub:eu-west-1::productv2/aws/securityhub"), Some("b"), true),
            (Some(HUB), None, false),
            (Some("arn:aws:securityhub:eu-west-1::product/aws/config"), Some("b"), false),
            (Some("arn:aws:securityhub:eu-west-1:1:product/1/default"), Some("b"), false),
            (Some("securityhub"), Some("b"), false),
            (None, Some("b"), false),
        ] {
            let control = Control::find(product, own, [None, None], resource);
            assert_eq!(control.is_some(), found, "{product:?} {resource:?}");
        }
    }

    #[test]
    fn long_resources_are_named_by_their_hash() {
        let id = |resource: &str| {
            let control = Control::find(Some(HUB), Some("EC2.19"), [None, None], Some(resource));
            control.unwrap().finding_id()
        };
        let room = Fingerprint::MAX_ID_BYTES - "control/EC2.19/".len();
        assert_eq!(id(&"r".repeat(room)), format!("control/EC2.19/{}", "r".repeat(room)));
        let long = id(&"é".repeat(room));
        assert!(long.starts_with("control/EC2.19/sha256:") && long.len() == 22 + 64, "{long}");
        assert_ne!(long, id(&"é".repeat(room + 1)));
    }

    #[test]
    fn members_are_short_and_differ() {
        assert_eq!(member("abc"), "ba7816bf8f01cfea");
        assert_ne!(member("arn:1"), member("arn:2"));
    }

    #[test]
    fn an_arn_names_the_control_without_the_resource() {
        let hub = "arn:aws:securityhub:eu-west-1:111122223333";
        for (arn, start) in [
            (format!("{hub}:security-control/EC2.19/finding/1"), Some("control/EC2.19/")),
            (
                format!("{hub}:subscription/pci-dss/v/3.2.1/PCI.EC2.5/finding/1"),
                Some("control/EC2.13/"),
            ),
            (format!("{hub}:subscription/x/finding/1"), None),
            (format!("{hub}:security-control/EC2.19"), None),
            ("security-control/EC2.19".to_owned(), None),
            ("arn:aws:guardduty:eu-west-1:1:detector/d/finding/f".to_owned(), None),
        ] {
            assert_eq!(control_id_start(&arn).as_deref(), start, "{arn}");
        }
    }
}
