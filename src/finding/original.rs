//! Security Hub copies the findings of other products. This file finds the original of a copy, so
//! that copy and original have one fingerprint and are posted once.

use super::arn::Arn;
use super::product::Product;

/// The identity that a finding has at the product that made it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Original<'a> {
    pub product: Product,
    pub id: &'a str,
}

/// Returns the original of the copy with this `id`. An id that is the ARN of a finding is the
/// original's own name and decides; otherwise `product_arn` names the product.
pub(super) fn original<'a>(id: &'a str, product_arn: Option<&str>) -> Option<Original<'a>> {
    let named = Arn::parse(id).and_then(|arn| Some((arn.service, arn.finding_id()?)));
    if let Some((service, id)) = named
        && let Some(product) = Product::of_service(service)
    {
        return Some(Original { product, id });
    }
    let (company, product) = product_arn.and_then(Arn::parse)?.product()?;
    let product = Product::of_service(product).filter(|_| company == "aws")?;
    Some(Original { product, id })
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
            let got = original(id, Some(&product_arn));
            let got = got.as_ref().map(|original| (original.product.as_str(), original.id));
            assert_eq!(got, native, "{id}");
        }
    }
}
