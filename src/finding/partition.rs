//! AWS's partitions.

/// A partition: one of AWS's separate clouds. Each has a console on a host of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partition {
    #[default]
    Commercial,
    GovCloud,
    China,
    /// A partition whose console has no known address. Its findings get no link.
    Other,
}

impl Partition {
    /// Reads the `partition` field or the second part of an ARN. An empty name means commercial.
    pub fn from_name(name: &str) -> Partition {
        match name {
            "" | "aws" => Partition::Commercial,
            "aws-us-gov" => Partition::GovCloud,
            "aws-cn" => Partition::China,
            _ => Partition::Other,
        }
    }

    /// Infers the partition from a region's name.
    pub fn of_region(region: &str) -> Partition {
        if region.starts_with("cn-") {
            Partition::China
        } else if region.starts_with("us-gov-") {
            Partition::GovCloud
        } else if region.starts_with("eusc-") || is_isolated(region) {
            Partition::Other
        } else {
            Partition::Commercial
        }
    }

    /// The name in ARNs; None for [`Partition::Other`].
    pub fn name(self) -> Option<&'static str> {
        match self {
            Partition::Commercial => Some("aws"),
            Partition::GovCloud => Some("aws-us-gov"),
            Partition::China => Some("aws-cn"),
            Partition::Other => None,
        }
    }
}

/// Regions of the isolated partitions have `iso` in their names: `us-isob-east-1`,
/// `eu-isoe-west-1`.
fn is_isolated(region: &str) -> bool {
    region.split('-').nth(1).is_some_and(|part| part.starts_with("iso"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_regions_give_the_partition() {
        for (name, partition) in [
            ("", Partition::Commercial),
            ("aws", Partition::Commercial),
            ("aws-cn", Partition::China),
            ("aws-us-gov", Partition::GovCloud),
            ("aws-iso", Partition::Other),
        ] {
            assert_eq!(Partition::from_name(name), partition, "{name}");
            assert!(partition.name().is_none_or(|own| name.is_empty() || own == name));
        }
        for (region, partition) in [
            ("cn-north-1", Partition::China),
            ("us-gov-west-1", Partition::GovCloud),
            ("us-isob-east-1", Partition::Other),
            ("eu-isoe-west-1", Partition::Other),
            ("eusc-de-east-1", Partition::Other),
            ("us-east-1", Partition::Commercial),
            ("", Partition::Commercial),
        ] {
            assert_eq!(Partition::of_region(region), partition, "{region}");
        }
    }
}
