//! Links to a finding in the AWS console. They are built from checked parts. An address in a
//! finding, such as `SourceUrl`, is never used, because an attacker may have written it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::finding::arn::last_part;
use crate::finding::region::is_region_name;
use crate::finding::{Finding, Fingerprint, Partition, Product};
use crate::finding::{control_and_resource, is_coverage_id};

/// A longer link is left out. It would take too much of the card's budget.
pub const LINK_CHARS_MAX: usize = 900;

const HOST_COMMERCIAL: &str = "console.aws.amazon.com";
const HOST_GOVCLOUD: &str = "console.amazonaws-us-gov.com";
const HOST_CHINA: &str = "console.amazonaws.cn";

/// Returns a link to the finding: at most [`LINK_CHARS_MAX`] ASCII characters, none of which has a
/// meaning for Slack. None for a product whose console has no known address for findings, and for a
/// region or an id that cannot be part of a link.
pub fn link(finding: &Finding) -> Option<String> {
    let host = console(finding)?;
    let page = page(finding)?;
    let link = ["https://", host, "/", &page].concat();
    (link.len() <= LINK_CHARS_MAX).then_some(link)
}

/// A product's list of findings in one region, see [`list`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    pub address: String,
    /// The product as people call it.
    pub product: &'static str,
    pub region: String,
}

/// Returns the list that the finding is in, if the product's console has a known address for it.
/// The address takes under 200 ASCII characters, and holds nothing of the finding but a checked
/// region.
pub fn list(finding: &Finding) -> Option<List> {
    let region = finding.region.as_str();
    let host = console(finding)?;
    let (product, path) = match Product::from_name(&finding.fingerprint.product) {
        Product::GuardDuty => ("GuardDuty", "guardduty"),
        Product::SecurityHub => ("Security Hub", "securityhub"),
        _ => return None,
    };
    let address = format!("https://{host}/{path}/home?region={region}#/findings");
    Some(List { address, product, region: region.to_owned() })
}

/// The part of a link after the host. Sources:
///
/// - GuardDuty: user guide, "Creating custom responses to GuardDuty findings" (`search=id%3D`).
/// - Security Hub: the filter links that its console makes. They encode operator and value twice.
///   A control's finding is found by control and resource, in all standards (API reference,
///   `AwsSecurityFindingFilters`).
/// - Inspector, Macie, Access Analyzer: the links that their consoles make. The last one also
///   stands in the Security Hub user guide's example of an Access Analyzer finding.
fn page(finding: &Finding) -> Option<String> {
    let (id, region) = (finding.product_id(), finding.region.as_str());
    // An id that is cut, or an insight, is no finding's.
    if id.starts_with("sha256:") || id.contains(":insight/") {
        return None;
    }
    match Product::from_name(&finding.fingerprint.product) {
        // An event beside the findings, such as a scan of an object, has no page.
        Product::GuardDuty if is_coverage_id(id) => None,
        Product::GuardDuty => {
            let id = encode(short_id(id));
            let search = "#/findings?search=id%3D";
            Some(["guardduty/home?region=", region, search, &id].concat())
        }
        Product::SecurityHub => {
            let filter = |key: &str, value: &str| {
                let value = encode(&encode(value));
                format!("{key}%3D%255Coperator%255C%253AEQUALS%255C%253A{value}")
            };
            let search = match control_and_resource(id) {
                // A resource with a long id is named by its hash.
                Some((control, resource)) if resource.starts_with("sha256:") => {
                    filter("ComplianceSecurityControlId", control)
                }
                Some((control, resource)) => {
                    let control = filter("ComplianceSecurityControlId", control);
                    format!("{control}%26{}", filter("ResourceId", resource))
                }
                None => filter("Id", id),
            };
            Some(format!("securityhub/home?region={region}#/findings?search={search}"))
        }
        Product::Inspector => {
            let arn = encode(&inspector_arn(&finding.fingerprint, id, finding.partition)?);
            Some(format!("inspector/v2/home?region={region}#/findings/details/{arn}"))
        }
        Product::Macie => {
            let id = encode(short_id(id));
            Some(format!("macie/home?region={region}#findings?itemId={id}"))
        }
        // A copy from Security Hub may have an ARN as its id that does not hold the finding's id.
        Product::AccessAnalyzer if !id.starts_with("arn:") => {
            let id = encode(id);
            Some(format!("access-analyzer/home?region={region}#/findings/details/{id}"))
        }
        _ => None,
    }
}

/// The console of the finding's partition. None for a region or partition without a known console.
/// The region's name decides before the partition, which a finding may leave out.
fn console(finding: &Finding) -> Option<&'static str> {
    let region = finding.region.as_str();
    if !is_region_name(region) {
        return None;
    }
    let partition = match Partition::of_region(region) {
        Partition::Commercial => finding.partition,
        other => other,
    };
    match partition {
        Partition::Commercial => Some(HOST_COMMERCIAL),
        Partition::GovCloud => Some(HOST_GOVCLOUD),
        Partition::China => Some(HOST_CHINA),
        Partition::Other => None,
    }
}

/// The id of a finding, or the id at the end of its ARN.
fn short_id(id: &str) -> &str {
    if id.starts_with("arn:") { last_part(id) } else { id }
}

/// The whole ARN, which Inspector's console needs.
fn inspector_arn(fingerprint: &Fingerprint, id: &str, partition: Partition) -> Option<String> {
    let Fingerprint { account, region, .. } = fingerprint;
    if id.starts_with("arn:") {
        return Some(id.to_owned());
    }
    let partition = partition.name()?;
    Some(format!("arn:{partition}:inspector2:{region}:{account}:finding/{id}"))
}

/// Everything but RFC 3986's unreserved characters.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, &RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Severity, Text};

    fn finding(product: &str, partition: Partition, region: &str, id: &str) -> Finding {
        Finding {
            fingerprint: Fingerprint {
                product: product.into(),
                account: "111122223333".into(),
                region: region.into(),
                id: id.into(),
            },
            partition,
            account: Text::new("111122223333", 12),
            region: Text::new(region, 100),
            kind: Text::default(),
            title: Text::default(),
            description: None,
            severity: Severity::unreadable(),
            created_at: None,
            updated_at: None,
            first_seen: None,
            last_seen: None,
            count: None,
            sample: false,
            canary: None,
            condition: Default::default(),
            member: None,
            requested_by: None,
            standards: vec![],
            group: None,
            resource_type: None,
            resource: None,
            actor: None,
            facts: Vec::new(),
            tags: Vec::new(),
            remarks: vec![],
        }
    }

    #[test]
    fn every_product_has_its_page_in_every_partition() {
        use Partition::*;
        for (product, partition, region, id, expected) in [
            (
                "guardduty",
                Commercial,
                "eu-central-1",
                "0abc",
                "https://console.aws.amazon.com/guardduty/home?region=eu-central-1#/findings?search=id%3D0abc",
            ),
            (
                "guardduty",
                GovCloud,
                "us-gov-west-1",
                "0abc",
                "https://console.amazonaws-us-gov.com/guardduty/home?region=us-gov-west-1#/findings?search=id%3D0abc",
            ),
            (
                "guardduty",
                China,
                "cn-north-1",
                "0abc",
                "https://console.amazonaws.cn/guardduty/home?region=cn-north-1#/findings?search=id%3D0abc",
            ),
            (
                "guardduty",
                Commercial,
                "cn-northwest-1",
                "arn:aws-cn:guardduty:cn-northwest-1:111122223333:detector/d/finding/0abc",
                "https://console.amazonaws.cn/guardduty/home?region=cn-northwest-1#/findings?search=id%3D0abc",
            ),
            (
                "securityhub",
                Commercial,
                "us-east-1",
                "arn:x/1",
                "https://console.aws.amazon.com/securityhub/home?region=us-east-1#/findings?search=Id%3D%255Coperator%255C%253AEQUALS%255C%253Aarn%253Ax%252F1",
            ),
            (
                "securityhub",
                Commercial,
                "us-east-1",
                "control/S3.8/arn:x",
                "https://console.aws.amazon.com/securityhub/home?region=us-east-1#/findings?search=ComplianceSecurityControlId%3D%255Coperator%255C%253AEQUALS%255C%253AS3.8%26ResourceId%3D%255Coperator%255C%253AEQUALS%255C%253Aarn%253Ax",
            ),
            (
                "securityhub",
                Commercial,
                "us-east-1",
                "control/S3.8/sha256:0a",
                "https://console.aws.amazon.com/securityhub/home?region=us-east-1#/findings?search=ComplianceSecurityControlId%3D%255Coperator%255C%253AEQUALS%255C%253AS3.8",
            ),
            (
                "inspector",
                Commercial,
                "us-east-1",
                "f1",
                "https://console.aws.amazon.com/inspector/v2/home?region=us-east-1#/findings/details/arn%3Aaws%3Ainspector2%3Aus-east-1%3A111122223333%3Afinding%2Ff1",
            ),
            (
                "macie",
                Commercial,
                "us-east-1",
                "m1",
                "https://console.aws.amazon.com/macie/home?region=us-east-1#findings?itemId=m1",
            ),
            (
                "access-analyzer",
                Commercial,
                "us-east-1",
                "a1",
                "https://console.aws.amazon.com/access-analyzer/home?region=us-east-1#/findings/details/a1",
            ),
        ] {
            let finding = finding(product, partition, region, id);
            assert_eq!(link(&finding).as_deref(), Some(expected));
        }
    }

    #[test]
    fn no_link_is_built_of_what_is_not_known_or_not_sane() {
        use Partition::*;
        let long = "%".repeat(400);
        for (product, partition, region, id) in [
            ("prowler", Commercial, "us-east-1", "x"),
            ("guardduty", Commercial, "us-east-1", "s3-object/b/k/v"),
            ("guardduty", Commercial, "us-east-1", "runtime/EKS/c"),
            ("securityhub", Commercial, "us-east-1", "arn:aws:securityhub:::insight/x/default/1"),
            ("securityhub", Commercial, "us-east-1", "sha256:0a"),
            ("access-analyzer", Commercial, "us-east-1", "arn:aws:access-analyzer:x"),
            ("guardduty", Other, "us-east-1", "x"),
            ("guardduty", Commercial, "us-iso-east-1", "x"),
            ("guardduty", Commercial, "", "x"),
            ("guardduty", Commercial, "us-east-1/../evil", "x"),
            ("guardduty", Commercial, "us-east-1@evil.example", "x"),
            ("guardduty", Commercial, "us-east-123", "x"),
            ("guardduty", Commercial, "us--1", "x"),
            ("guardduty", Commercial, "us-1", "x"),
            ("guardduty", Commercial, "US-EAST-1", "x"),
            ("guardduty", Commercial, "us-a-1", "x"),
            ("guardduty", Commercial, "eusc-de-east-1", "x"),
            ("guardduty", Commercial, "eu-isoe-west-1", "x"),
            ("guardduty", Commercial, "us-east-1", long.as_str()),
        ] {
            assert_eq!(link(&finding(product, partition, region, id)), None, "{product} {region}");
        }
    }

    #[test]
    fn lists_are_those_of_known_products_and_sane_regions() {
        use Partition::*;
        let address = |product, partition, region| {
            list(&finding(product, partition, region, "x")).map(|list| list.address)
        };
        for (product, partition, region, expected) in [
            (
                "guardduty",
                Commercial,
                "eu-central-1",
                "https://console.aws.amazon.com/guardduty/home?region=eu-central-1#/findings",
            ),
            (
                "securityhub",
                China,
                "cn-north-1",
                "https://console.amazonaws.cn/securityhub/home?region=cn-north-1#/findings",
            ),
        ] {
            assert_eq!(address(product, partition, region).as_deref(), Some(expected));
        }
        for (product, partition, region) in [
            ("macie", Commercial, "us-east-1"),
            ("guardduty", Other, "us-east-1"),
            ("guardduty", Commercial, "us-east-1|x>"),
        ] {
            assert_eq!(address(product, partition, region), None);
        }
    }

    #[test]
    fn a_hostile_id_stays_inside_the_link() {
        let hostile = finding("guardduty", Partition::Commercial, "us-east-1", "a|b>c<!here>&é#?/");
        let link = link(&hostile).unwrap();
        assert!(link.ends_with("%3Da%7Cb%3Ec%3C%21here%3E%26%C3%A9%23%3F%2F"), "{link}");
    }

    #[test]
    fn only_unreserved_characters_stay_as_they_are() {
        for byte in 0..=u8::MAX {
            let text = char::from(byte).to_string();
            let stays = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            let bytes = text.bytes().map(|byte| format!("%{byte:02X}"));
            let expected = if stays { text.clone() } else { bytes.collect() };
            assert_eq!(encode(&text), expected, "{byte}");
        }
    }
}
