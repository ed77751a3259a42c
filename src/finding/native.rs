//! Whose finding it is that Security Hub passes on. Security Hub copies the findings of other
//! products; a copy has the fingerprint of its original, so that the two are told once.

use std::borrow::Cow;

use super::Fingerprint;
use super::arn::Arn;

/// A finding's identity with the product that made it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Native<'a> {
    pub product: String,
    pub id: Cow<'a, str>,
}

/// The original behind the copy with this `id`, said to be of the product named by `product_arn`.
/// An id that is the ARN of a finding tells its product best: it is the original's own name.
pub(super) fn original<'a>(id: &'a str, product_arn: Option<&str>) -> Option<Native<'a>> {
    let named = Arn::parse(id).and_then(|arn| Some((arn.service, arn.finding_id()?)));
    if let Some((service, id)) = named
        && let Some(product) = product_of(service)
    {
        return Some(Native { product: product.to_owned(), id: Cow::Borrowed(id) });
    }
    let (company, product) = product_arn.and_then(Arn::parse)?.product()?;
    let product = product_of(product).filter(|_| company == "aws")?;
    Some(Native { product: product.to_owned(), id: Cow::Borrowed(id) })
}

/// The id itself, or the id at the end of an ARN that stands for it.
pub(super) fn bare_id(id: Option<&str>) -> Option<Cow<'_, str>> {
    let id = id?;
    Some(Cow::Borrowed(Arn::parse(id).and_then(|arn| arn.finding_id()).unwrap_or(id)))
}

/// The fingerprint of the finding with this ARN, as far as its name tells it.
pub(super) fn named(arn: &str) -> Option<Fingerprint> {
    let parts = Arn::parse(arn)?;
    let (product, id) = match original(arn, None) {
        Some(native) => (native.product, native.id.into_owned()),
        None => (product_name(None, None, None), arn.trim().to_owned()),
    };
    let (account, region) = (parts.account.to_owned(), parts.region.to_owned());
    Some(Fingerprint { product, account, region, id })
}

/// The products whose own findings are read too, by the names in ARNs.
fn product_of(service: &str) -> Option<&'static str> {
    match service {
        "guardduty" => Some(super::guardduty::PRODUCT),
        "inspector" | "inspector2" => Some(super::inspector::PRODUCT),
        "macie" | "macie2" => Some(super::macie::PRODUCT),
        "access-analyzer" => Some(super::access_analyzer::PRODUCT),
        _ => None,
    }
}

/// The product of a finding that has no original elsewhere: `securityhub` for its own controls and
/// where nothing is said, else `company:product` in lower case.
pub(super) fn product_name(
    product_arn: Option<&str>,
    company: Option<&str>,
    product: Option<&str>,
) -> String {
    const OWN: &str = "securityhub";
    let by_arn = product_arn.and_then(Arn::parse).and_then(|arn| arn.product());
    let (company, product) = match by_arn {
        Some(("aws", "securityhub")) => return OWN.to_owned(),
        // What an account imports by itself is of the product `default` of that account.
        Some((owner, "default")) => (company.unwrap_or(owner), product.unwrap_or("default")),
        Some(names) => names,
        None => match (company, product) {
            (Some(company), Some(product)) => (company, product),
            (None, Some(one)) | (Some(one), None) => return one.trim().to_lowercase(),
            (None, None) => return OWN.to_owned(),
        },
    };
    format!("{}:{}", company.trim().to_lowercase(), product.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_traced_to_their_originals() {
        let product = |name: &str| format!("arn:aws:securityhub:us-east-1::product/aws/{name}");
        for (id, product_arn, native) in [
            (
                "arn:aws:guardduty:us-east-1:1:detector/d/finding/f1",
                product("guardduty"),
                Some(("guardduty", "f1")),
            ),
            (
                "arn:aws:guardduty:us-east-1:1:detector/d/finding/f1",
                String::new(),
                Some(("guardduty", "f1")),
            ),
            (
                "arn:aws:inspector2:us-east-1:1:finding/f2",
                product("inspector"),
                Some(("inspector", "f2")),
            ),
            ("0123abcd", product("macie"), Some(("macie", "0123abcd"))),
            (
                "arn:aws:securityhub:us-east-1:1:subscription/x/finding/f3",
                product("securityhub"),
                None,
            ),
            ("f4", "arn:aws:securityhub:us-east-1:9:product/other/guardduty".to_owned(), None),
            ("f5", "nonsense".to_owned(), None),
        ] {
            let got = original(id, Some(&product_arn))
                .map(|native| (native.product, native.id.into_owned()));
            let want = native.map(|(product, id)| (product.to_owned(), id.to_owned()));
            assert_eq!(got, want, "{id}");
        }
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
            assert_eq!(named(arn).map(|print| print.to_string()).as_deref(), fingerprint, "{arn}");
        }
    }

    #[test]
    fn other_products_have_their_own_names() {
        for (arn, company, product, name) in [
            (
                "arn:aws:securityhub:r::product/aws/securityhub",
                Some("AWS"),
                Some("Security Hub"),
                "securityhub",
            ),
            ("arn:aws:securityhub:r::product/aws/config", None, None, "aws:config"),
            (
                "arn:aws:securityhub:r:5:product/CrowdStrike/falcon",
                None,
                None,
                "crowdstrike:falcon",
            ),
            (
                "arn:aws:securityhub:r:1:product/1/default",
                Some("Custom"),
                Some("Decoy"),
                "custom:decoy",
            ),
            ("arn:aws:securityhub:r:1:product/1/default", None, None, "1:default"),
            ("", None, Some("Decoy"), "decoy"),
            ("", None, None, "securityhub"),
        ] {
            assert_eq!(product_name(Some(arn), company, product), name, "{arn}");
        }
    }
}
