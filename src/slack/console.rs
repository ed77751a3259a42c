//! Links to a finding in the AWS console. They are built from checked parts and never copied from a
//! finding, whose `SourceUrl` may be anybody's.

use crate::finding::{Finding, Fingerprint, Partition};

/// A longer link is left out: it would eat the card's budget, and browsers balk at some length.
pub const LINK_CHARS_MAX: usize = 900;

const HOST_COMMERCIAL: &str = "console.aws.amazon.com";
const HOST_GOVCLOUD: &str = "console.amazonaws-us-gov.com";
const HOST_CHINA: &str = "console.amazonaws.cn";

/// Where the finding can be looked at: at most [`LINK_CHARS_MAX`] ASCII characters, none of which
/// means anything to Slack. None for a product whose console has no known address for findings, and
/// for a region or an id that can't be put into one.
pub fn link(finding: &Finding) -> Option<String> {
    let region = finding.region.as_str();
    let host = host(finding.partition, region).filter(|_| is_region(region))?;
    let page = page(&finding.fingerprint, finding.partition, region)?;
    let link = ["https://", host, "/", &page].concat();
    (link.len() <= LINK_CHARS_MAX).then_some(link)
}

/// A product's list of findings in one region: what [`list`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    pub address: String,
    /// The product as people call it.
    pub product: &'static str,
    pub region: String,
}

/// The list that the finding is in, of the products that are known to show one under this address.
/// It takes under 200 ASCII characters and holds nothing of the finding but a checked region.
pub fn list(finding: &Finding) -> Option<List> {
    let region = finding.region.as_str();
    let host = host(finding.partition, region).filter(|_| is_region(region))?;
    let (product, path) = match finding.fingerprint.product.as_str() {
        "guardduty" => ("GuardDuty", "guardduty"),
        "securityhub" => ("Security Hub", "securityhub"),
        _ => return None,
    };
    let address = format!("https://{host}/{path}/home?region={region}#/findings");
    Some(List { address, product, region: region.to_owned() })
}

/// The part after the host. Sources, in order: GuardDuty user guide, "Creating custom responses to
/// GuardDuty findings" (`search=id%3D`); the filter links that Security Hub's console itself makes,
/// which encode operator and value twice; the Inspector, Macie and Access Analyzer consoles' own
/// links, the last also in the Security Hub user guide's example of an Access Analyzer finding.
fn page(fingerprint: &Fingerprint, partition: Partition, region: &str) -> Option<String> {
    let id = fingerprint.id.as_str();
    match fingerprint.product.as_str() {
        "guardduty" => {
            let id = encode(last_part(id));
            let search = "#/findings?search=id%3D";
            Some(["guardduty/home?region=", region, search, &id].concat())
        }
        "securityhub" => {
            let id = encode(&encode(id));
            Some(format!(
                "securityhub/home?region={region}\
                 #/findings?search=Id%3D%255Coperator%255C%253AEQUALS%255C%253A{id}"
            ))
        }
        "inspector" => {
            let arn = encode(&inspector_arn(fingerprint, partition)?);
            Some(format!("inspector/v2/home?region={region}#/findings/details/{arn}"))
        }
        "macie" => {
            let id = encode(last_part(id));
            Some(format!("macie/home?region={region}#findings?itemId={id}"))
        }
        // Through Security Hub the id is an ARN that does not hold the id of the finding.
        "access-analyzer" if !id.starts_with("arn:") => {
            let id = encode(id);
            Some(format!("access-analyzer/home?region={region}#/findings/details/{id}"))
        }
        _ => None,
    }
}

/// Region names tell where they are, and the partition may just have been left out.
fn host(partition: Partition, region: &str) -> Option<&'static str> {
    if region.starts_with("cn-") {
        return Some(HOST_CHINA);
    }
    if region.starts_with("us-gov-") {
        return Some(HOST_GOVCLOUD);
    }
    if region.split('-').nth(1).is_some_and(|part| part.starts_with("iso")) {
        return None;
    }
    match partition {
        Partition::Commercial => Some(HOST_COMMERCIAL),
        Partition::GovCloud => Some(HOST_GOVCLOUD),
        Partition::China => Some(HOST_CHINA),
        Partition::Other => None,
    }
}

/// `^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [country, middle @ .., number] = parts.as_slice() else { return false };
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    text.len() <= 32
        && country.len() == 2
        && letters(country)
        && !middle.is_empty()
        && middle.iter().all(|part| letters(part))
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// The id of a finding whose ARN was given.
fn last_part(id: &str) -> &str {
    match id.starts_with("arn:") {
        true => id.rsplit('/').next().unwrap_or(id),
        false => id,
    }
}

/// Inspector's console wants the whole ARN.
fn inspector_arn(fingerprint: &Fingerprint, partition: Partition) -> Option<String> {
    let Fingerprint { account, region, id, .. } = fingerprint;
    if id.starts_with("arn:") {
        return Some(id.clone());
    }
    let name = match partition {
        Partition::Commercial => "aws",
        Partition::GovCloud => "aws-us-gov",
        Partition::China => "aws-cn",
        Partition::Other => return None,
    };
    Some(format!("arn:{name}:inspector2:{region}:{account}:finding/{id}"))
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
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
            archived: false,
            resource: None,
            actor: None,
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
            ("guardduty", Commercial, "use-east-1", "x"),
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
}
