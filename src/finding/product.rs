//! The products that make findings.

use super::arn::Arn;

/// The product that made a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Product {
    GuardDuty,
    Inspector,
    Macie,
    AccessAnalyzer,
    /// Security Hub's own controls, and findings that name no product.
    #[default]
    SecurityHub,
    /// hansho itself, which makes canaries.
    Hansho,
    /// `company:product` in lower case.
    Other(String),
}

impl Product {
    /// The name of a known product in fingerprints; empty for [`Product::Other`].
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Product::GuardDuty => "guardduty",
            Product::Inspector => "inspector",
            Product::Macie => "macie",
            Product::AccessAnalyzer => "access-analyzer",
            Product::SecurityHub => "securityhub",
            Product::Hansho => "hansho",
            Product::Other(_) => "",
        }
    }

    /// The name in fingerprints.
    pub fn as_str(&self) -> &str {
        match self {
            Product::Other(name) => name,
            known => known.name(),
        }
    }

    /// Reads the name in a fingerprint.
    pub fn from_name(name: &str) -> Product {
        [
            Product::GuardDuty,
            Product::Inspector,
            Product::Macie,
            Product::AccessAnalyzer,
            Product::SecurityHub,
            Product::Hansho,
        ]
        .into_iter()
        .find(|product| product.name() == name)
        .unwrap_or_else(|| Product::Other(name.to_owned()))
    }

    /// Returns the product with this name in ARNs, if hansho also reads that product's own
    /// findings.
    pub(super) fn of_service(service: &str) -> Option<Product> {
        match service {
            "guardduty" => Some(Product::GuardDuty),
            "inspector" | "inspector2" => Some(Product::Inspector),
            "macie" | "macie2" => Some(Product::Macie),
            "access-analyzer" => Some(Product::AccessAnalyzer),
            _ => None,
        }
    }

    /// Returns the product of a Security Hub finding that is not a copy (see
    /// [`original`](super::original)), by its product's ARN, or else by its company and product
    /// names.
    pub(super) fn of_security_hub(
        arn: Option<&str>,
        company: Option<&str>,
        product: Option<&str>,
    ) -> Product {
        let by_arn = arn.and_then(Arn::parse).and_then(|arn| arn.product());
        let (company, product) = match by_arn {
            Some(("aws", "securityhub")) => return Product::SecurityHub,
            // An account imports its own findings as the product `default` of that account.
            Some((owner, "default")) => (company.unwrap_or(owner), product.unwrap_or("default")),
            Some(names) => names,
            None => match (company, product) {
                (Some(company), Some(product)) => (company, product),
                (None, Some(one)) | (Some(one), None) => {
                    return Product::Other(one.trim().to_lowercase());
                }
                (None, None) => return Product::SecurityHub,
            },
        };
        let (company, product) = (company.trim().to_lowercase(), product.trim().to_lowercase());
        Product::Other(format!("{company}:{product}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for name in crate::finding::Fingerprint::PRODUCTS.into_iter().chain(["hansho", "a:b"]) {
            assert_eq!(Product::from_name(name).as_str(), name);
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
            let found = Product::of_security_hub(Some(arn), company, product);
            assert_eq!(found.as_str(), name, "{arn}");
        }
    }
}
