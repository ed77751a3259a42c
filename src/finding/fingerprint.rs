//! The identity of a finding.

use std::fmt::{self, Write as _};

use sha2::{Digest as _, Sha256};

use super::arn::Arn;
use super::original::original;
use super::product::Product;
use super::text::is_invisible;

/// The identity of a finding: the product that made it, the account and region that it is about,
/// and the product's id.
///
/// Only the finding itself decides it; the envelope has no part in it. So these copies of one
/// finding have the same fingerprint: the member's, the administrator's, SQS's redelivery, and
/// Security Hub's copy of a GuardDuty finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint {
    /// A name that [`Product`] writes.
    pub product: String,
    pub account: String,
    pub region: String,
    /// The product's own id of the finding, at most [`Fingerprint::MAX_ID_BYTES`].
    pub id: String,
}

impl Fingerprint {
    /// ASFF allows an Id of 512 characters; a ledger record has to stay under 1 KB.
    pub const MAX_ID_BYTES: usize = 512;

    /// An id of two parts. If it is too long, the SHA-256 of `rest` stands for `rest`.
    pub(super) fn bounded_id(start: &str, rest: &str) -> String {
        match start.len() + rest.len() <= Fingerprint::MAX_ID_BYTES {
            true => [start, rest].concat(),
            false => [start, "sha256:", &sha256(rest)].concat(),
        }
    }

    /// GuardDuty, as fingerprints name it.
    pub const GUARDDUTY: &str = Product::GuardDuty.name();

    /// AWS's products, as fingerprints name them.
    pub const PRODUCTS: [&str; 5] = [
        Product::GuardDuty.name(),
        Product::Inspector.name(),
        Product::Macie.name(),
        Product::AccessAnalyzer.name(),
        Product::SecurityHub.name(),
    ];

    /// Reads a fingerprint from the ARN of a finding.
    ///
    /// For GuardDuty, Inspector and Macie the result is exact. An ARN of Access Analyzer names the
    /// analyzer's account, which may not be the account that the finding is about. Other products'
    /// findings have the ARN as their id, but the product may have another name. A control's
    /// finding has the ARN as its id only if its control or its resource is not known. Otherwise
    /// the ARN gives only how the id begins, see [`control_id_start`](super::control_id_start).
    pub fn named_by(arn: &str) -> Option<Fingerprint> {
        let parts = Arn::parse(arn)?;
        let (product, id) = match original(arn, None) {
            Some(original) => (original.product, original.id.to_owned()),
            None => (Product::SecurityHub, arn.trim().to_owned()),
        };
        let (account, region) = (parts.account.to_owned(), parts.region.to_owned());
        Some(Fingerprint { product: product.as_str().to_owned(), account, region, id })
    }

    /// The id as the fingerprint's text writes it.
    pub fn id_text(&self) -> String {
        let text = self.to_string();
        text.splitn(4, '/').nth(3).unwrap_or_default().to_owned()
    }
}

/// How the id begins in the fingerprint of what a person sent: `event/EVENT/ID`.
pub(super) const EVENT_ID_START: &str = "event/";

/// The event and the finding's own id, of the id in the fingerprint of what a person sent.
pub fn requested_id(id: &str) -> Option<(&str, &str)> {
    id.strip_prefix(EVENT_ID_START)?.split_once('/')
}

/// Writes `product/account/region/id`, the ledger's partition key.
///
/// Different fingerprints never have the same text. An unknown part is `-`. Bytes that would make
/// the text ambiguous (a slash before the id, a part that is itself `-`, a percent sign) or unsafe
/// in a log or terminal (control and invisible characters) are written as `%XX`. The longest text
/// takes less than 2048 bytes, DynamoDB's limit for a partition key.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.product, &self.account, &self.region] {
            match part.as_str() {
                "" => f.write_str("-")?,
                "-" => f.write_str("%2D")?,
                part => write_escaped(f, part, |c| c == '/')?,
            }
            f.write_str("/")?;
        }
        write_escaped(f, &self.id, |_| false)
    }
}

/// Writes `text` with percent signs, unsafe characters and `special` ones as `%XX`.
fn write_escaped(
    f: &mut fmt::Formatter<'_>,
    text: &str,
    special: impl Fn(char) -> bool,
) -> fmt::Result {
    let is_plain = |byte: u8| matches!(byte, b'!'..=b'~') && byte != b'%' && !special(byte.into());
    if text.bytes().all(is_plain) {
        return f.write_str(text);
    }
    for c in text.chars() {
        if c == '%' || c.is_control() || is_invisible(c) || special(c) {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                write!(f, "%{byte:02X}")?;
            }
        } else {
            f.write_char(c)?;
        }
    }
    Ok(())
}

pub(super) fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(product: &str, account: &str, region: &str, id: &str) -> String {
        Fingerprint {
            product: product.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
            id: id.to_owned(),
        }
        .to_string()
    }

    #[test]
    fn fingerprints_read_as_what_they_are() {
        for ([product, account, region, id], text) in [
            (
                ["guardduty", "111122223333", "us-east-1", "0a1b"],
                "guardduty/111122223333/us-east-1/0a1b",
            ),
            (["guardduty", "", "", "0a1b"], "guardduty/-/-/0a1b"),
            (["guardduty", "-", "", "-"], "guardduty/%2D/-/-"),
            (["a/b", "1", "", "c"], "a%2Fb/1/-/c"),
            (["a", "b/1", "", "c"], "a/b%2F1/-/c"),
            (["a", "1", "r", "arn:x/y/100%"], "a/1/r/arn:x/y/100%25"),
            (["a", "1", "r", "line\nfeed\u{202e}é"], "a/1/r/line%0Afeed%E2%80%AEé"),
        ] {
            assert_eq!(print(product, account, region, id), text);
        }
    }

    #[test]
    fn the_longest_fingerprint_is_a_key() {
        let part = "\u{e0041}".repeat(64); // the parser would strip these
        let id = "\u{1}".repeat(Fingerprint::MAX_ID_BYTES);
        assert!(print("p", "a", "r", &id).len() < 2048);
        assert!(print(&"é".repeat(64), &part[..4], "r", &id).len() < 2048);
    }

    #[test]
    fn an_arn_names_a_fingerprint() {
        for (arn, fingerprint) in [
            (
                "arn:aws:guardduty:us-east-1:1:detector/d/finding/f1",
                Some("guardduty/1/us-east-1/f1"),
            ),
            ("arn:aws:inspector2:us-east-1:1:finding/f2", Some("inspector/1/us-east-1/f2")),
            (
                "arn:aws:securityhub:us-east-1:1:subscription/x/finding/f3",
                Some(
                    "securityhub/1/us-east-1/arn:aws:securityhub:us-east-1:1:subscription/x/finding/f3",
                ),
            ),
            ("f1", None),
        ] {
            assert_eq!(
                Fingerprint::named_by(arn).map(|print| print.to_string()).as_deref(),
                fingerprint,
                "{arn}"
            );
        }
    }
}
