//! What a security finding is, whichever product reported it and however it was wrapped.
//!
//! [`parse`] turns the body of a queue message into findings. It knows nothing of queues, of AWS's
//! SDK, of Slack or of the clock: bytes in, values out. It is tolerant of what it does not need and
//! strict about identity, because a finding without one can't be told apart from its own copy.

pub mod canary;
pub mod severity;
pub mod text;

mod access_analyzer;
mod arn;
mod asff;
mod draft;
mod envelope;
mod guardduty;
mod inspector;
mod json;
mod lenient;
mod limits;
mod macie;
mod native;
mod ocsf;
mod phrase;
mod reject;
mod shape;
mod when;

use std::fmt::{self, Write as _};

use crate::instants::Wall;

pub use canary::Canary;
pub use envelope::{parse, parse_wanted};
pub use limits::{MAX_BYTES, MAX_DEPTH, MAX_FINDINGS};
pub use reject::{RejectCode, Rejection};
pub use severity::{Level, Severity};
pub use text::Text;

/// The findings of one queue message, and what in it was refused. A message from Security Hub may
/// carry several; each is judged for itself.
#[derive(Debug, Default)]
pub struct Parsed {
    pub findings: Vec<Finding>,
    /// Findings that were not wanted.
    pub unwanted: Vec<Unwanted>,
    pub rejections: Vec<Rejection>,
}

impl Parsed {
    /// How many findings there are, wanted or not.
    pub fn count(&self) -> usize {
        self.findings.len() + self.unwanted.len()
    }
}

/// What is known of a finding that nobody is to be told of: of most, no more is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Unwanted {
    pub fingerprint: Fingerprint,
    pub severity: Severity,
}

/// Whether a finding of this severity is wanted.
type Wanted<'a> = &'a dyn Fn(&Severity) -> bool;

/// One finding, read as far as it is wanted.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
enum Outcome {
    Wanted(Finding),
    Unwanted(Unwanted),
}

impl Outcome {
    fn of(finding: Finding, wanted: Wanted<'_>) -> Outcome {
        if wanted(&finding.severity) {
            return Outcome::Wanted(finding);
        }
        let Finding { fingerprint, severity, .. } = finding;
        Outcome::Unwanted(Unwanted { fingerprint, severity })
    }
}

/// One security finding, parsed and normalised. All text in it is bounded and stripped of control
/// and bidirectional characters, but it is still an attacker's text: whoever shows it escapes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub fingerprint: Fingerprint,
    pub partition: Partition,
    /// The account that the finding is about: what the finding says, else what the envelope says.
    pub account: Text,
    pub region: Text,
    /// GuardDuty's finding type, Security Hub's first type, or the source's nearest word.
    pub kind: Text,
    pub title: Text,
    pub description: Option<Text>,
    pub severity: Severity,
    pub created_at: Option<Wall>,
    pub updated_at: Option<Wall>,
    pub first_seen: Option<Wall>,
    pub last_seen: Option<Wall>,
    /// How often the source saw the activity.
    pub count: Option<u64>,
    pub sample: bool,
    /// It is no finding, but a canary of hansho's own.
    pub canary: Option<Canary>,
    /// Set aside where it comes from: archived, resolved, closed, suppressed or deleted there.
    pub archived: bool,
    /// A short description of what is affected, e.g. `EC2 instance i-0abc (t3.micro, web-1)`.
    pub resource: Option<Text>,
    /// A short description of who did it: address, country, organisation, domain, principal.
    pub actor: Option<Text>,
    /// What the reader should know about the finding's own trustworthiness.
    pub remarks: Vec<Remark>,
}

/// The identity of a finding, by what the finding says of itself: the product that made it, the
/// account and region that it is about, and the product's id. The envelope has no part in it, so
/// that a member's copy, the administrator's copy, SQS's redelivery and Security Hub's copy of a
/// GuardDuty finding are all one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint {
    /// The product that found it: `guardduty`, `inspector`, `macie`, `access-analyzer`,
    /// `securityhub`, or `company:product` in lower case.
    pub product: String,
    pub account: String,
    pub region: String,
    /// The product's own id of the finding, at most [`Fingerprint::MAX_ID_BYTES`].
    pub id: String,
}

impl Fingerprint {
    /// ASFF allows an Id of 512 characters; a ledger row has to stay under 1 KB.
    pub const MAX_ID_BYTES: usize = 512;

    /// The products that AWS makes, as fingerprints name them.
    pub const PRODUCTS: [&str; 5] = [
        guardduty::PRODUCT,
        inspector::PRODUCT,
        macie::PRODUCT,
        access_analyzer::PRODUCT,
        "securityhub",
    ];

    /// The fingerprint of the finding with this ARN, as far as its name tells it: of GuardDuty's,
    /// Inspector's and Macie's it tells all. Access Analyzer's is about an account of its own, and
    /// other products' are found under the ARN itself, but perhaps under another product's name.
    pub fn named_by(arn: &str) -> Option<Fingerprint> {
        native::named(arn)
    }

    /// The id as the fingerprint's text writes it.
    pub fn id_text(&self) -> String {
        let text = self.to_string();
        text.splitn(4, '/').nth(3).unwrap_or_default().to_owned()
    }
}

/// `product/account/region/id`: the ledger's partition key. Different fingerprints never read the
/// same: an unknown part is `-`, and where a part could be taken for something else (a slash before
/// the id, a part that is itself `-`, a percent sign), or would spoil a log or a terminal (control
/// and invisible characters), its bytes are written `%XX`. The longest takes less than 2048 bytes,
/// DynamoDB's limit for a partition key.
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

/// Writes `text` with a percent sign, what does not show, and what is `special`, as `%XX`.
fn write_escaped(
    f: &mut fmt::Formatter<'_>,
    text: &str,
    special: impl Fn(char) -> bool,
) -> fmt::Result {
    let shows = |byte: u8| matches!(byte, b'!'..=b'~') && byte != b'%' && !special(byte.into());
    if text.bytes().all(shows) {
        return f.write_str(text);
    }
    for c in text.chars() {
        if c == '%' || c.is_control() || text::is_invisible(c) || special(c) {
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

/// AWS's separate clouds; they differ in the host of the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partition {
    #[default]
    Commercial,
    GovCloud,
    China,
    /// One whose console we know no address of: no link is built.
    Other,
}

impl Partition {
    /// From the `partition` field or the second part of an ARN; absent means commercial.
    pub fn from_name(name: &str) -> Partition {
        match name {
            "" | "aws" => Partition::Commercial,
            "aws-us-gov" => Partition::GovCloud,
            "aws-cn" => Partition::China,
            _ => Partition::Other,
        }
    }
}

/// Something that the card has to say about how a finding was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The severity was missing or unreadable, so the finding counts as high. Holds what was there.
    UnreadableSeverity(Text),
    /// The envelope was sent by another account than the finding is about. That is how the
    /// administrator's copy looks, and also how a forged one would.
    SentByAccount(Text),
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
}
