//! Reads a queue's region from its URL.
//!
//! A request is signed for the queue's region and goes to that region's host. The process may be
//! configured for another region: the queues are in the home region of the security account, and a
//! worker may run elsewhere.

use crate::finding::region::is_region_name;

/// The domains of AWS's APIs in all partitions, and `api.aws` for dual-stack hosts.
/// Source: botocore's `endpoints.json`, `dnsSuffix`.
const AWS_DOMAINS: [&str; 9] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "api.aws",
    "api.amazonwebservices.com.cn",
    "amazonaws.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "csp.hci.ic.gov",
    "cloud.adc-e.uk",
];

/// The region in the host of a queue URL, if the host is one of AWS's for SQS:
///
/// - `sqs.REGION.…` and `sqs-fips.REGION.…`
/// - the older `REGION.queue.…`, and the oldest `queue.amazonaws.com`, which is us-east-1
/// - a VPC endpoint's `vpce-….sqs.REGION.vpce.…`
///
/// None for any other host, such as an emulator's.
pub(super) fn region_of(queue_url: &str) -> Option<String> {
    let host = host_of(queue_url)?.to_ascii_lowercase();
    let labels = AWS_DOMAINS.iter().find_map(|domain| host.strip_suffix(domain)?.strip_suffix('.'));
    let labels: Vec<&str> = labels?.split('.').collect();
    match labels.as_slice() {
        ["queue"] => Some("us-east-1".to_owned()),
        ["sqs" | "sqs-fips", region] | [region, "queue"] => named(region),
        [_endpoint, "sqs" | "sqs-fips", region, "vpce"] => named(region),
        _ => None,
    }
}

fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    authority.split(':').next()
}

/// A region's name is words of letters and a number, such as `us-gov-west-1`. The name becomes a
/// part of a host name, so any other text is refused.
fn named(label: &str) -> Option<String> {
    is_region_name(label).then(|| label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_read_from_aws_hosts_alone() {
        for (url, region) in [
            ("https://sqs.eu-west-1.amazonaws.com/000000000000/a", Some("eu-west-1")),
            ("https://SQS.EU-West-1.amazonaws.com/000000000000/a", Some("eu-west-1")),
            ("https://sqs.us-gov-west-1.amazonaws.com/000000000000/a", Some("us-gov-west-1")),
            ("https://sqs-fips.us-east-2.amazonaws.com/000000000000/a", Some("us-east-2")),
            ("https://sqs.cn-north-1.amazonaws.com.cn/000000000000/a", Some("cn-north-1")),
            ("https://sqs.ap-southeast-2.api.aws/000000000000/a", Some("ap-southeast-2")),
            ("https://sqs.eusc-de-east-1.amazonaws.eu/000000000000/a", Some("eusc-de-east-1")),
            ("https://sqs.us-iso-east-1.c2s.ic.gov/000000000000/a", Some("us-iso-east-1")),
            ("https://eu-central-1.queue.amazonaws.com/000000000000/a", Some("eu-central-1")),
            ("https://queue.amazonaws.com/000000000000/a", Some("us-east-1")),
            (
                "https://vpce-0a1-b2c.sqs.us-west-2.vpce.amazonaws.com/000000000000/a",
                Some("us-west-2"),
            ),
            ("http://sqs.eu-west-1.amazonaws.com:443/000000000000/a", Some("eu-west-1")),
            ("http://127.0.0.1:4566/000000000000/a", None),
            ("http://sqs.eu-west-1.localhost.localstack.cloud:4566/000000000000/a", None),
            ("https://sqs.eu-west-1.amazonaws.com.evil.example/a", None),
            ("https://evilamazonaws.com/a", None),
            ("https://sqs.evil.amazonaws.com/a", None),
            ("https://sqs.-1.amazonaws.com/a", None),
            ("https://dynamodb.eu-west-1.amazonaws.com/", None),
            ("sqs.eu-west-1.amazonaws.com", None),
            ("", None),
        ] {
            assert_eq!(region_of(url).as_deref(), region, "{url}");
        }
    }
}
