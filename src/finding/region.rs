//! Names of AWS regions.

use std::fmt;
use std::str::FromStr;

/// A name of the form of an AWS region's, such as `eu-west-1`. Such a region may not exist.
///
/// The form is two or more words of two or more letters `a-z`, then a number of one or two digits,
/// joined by hyphens: at most 32 characters. It covers all partitions (`us-gov-west-1`,
/// `us-isob-east-1`, `eusc-de-east-1`). Such a name is safe in a URL, in a host name and in a log.
/// Source: botocore, `partitions.json`, `regionRegex` of each partition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegionName(String);

const CHARS_MAX: usize = 32;

impl RegionName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its first word is one of AWS's areas, and its last one a direction. All regions of
    /// 2026 are named so. Source: botocore, `partitions.json`.
    pub fn may_exist(&self) -> bool {
        const AREAS: [&str; 11] =
            ["af", "ap", "ca", "cn", "eu", "eusc", "il", "me", "mx", "sa", "us"];
        const DIRECTIONS: [&str; 9] = [
            "central",
            "east",
            "north",
            "northeast",
            "northwest",
            "south",
            "southeast",
            "southwest",
            "west",
        ];
        let mut words = self.0.split('-');
        words.next().is_some_and(|area| AREAS.contains(&area))
            && words.nth_back(1).is_some_and(|word| DIRECTIONS.contains(&word))
    }
}

impl fmt::Display for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text does not have the form of a region's name. The error does not repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a region's name, such as eu-west-1")]
pub struct NotARegion;

impl FromStr for RegionName {
    type Err = NotARegion;

    fn from_str(text: &str) -> Result<RegionName, NotARegion> {
        if is_region_name(text) { Ok(RegionName(text.to_owned())) } else { Err(NotARegion) }
    }
}

/// Returns whether `text` has the form that [`RegionName`] describes.
pub fn is_region_name(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else { return false };
    let is_word = |word: &str| word.len() >= 2 && word.bytes().all(|b| b.is_ascii_lowercase());
    text.len() <= CHARS_MAX
        && words.contains('-')
        && words.split('-').all(is_word)
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_regions() {
        for (name, good) in [
            ("eu-west-1", true),
            ("us-gov-west-1", true),
            ("us-isob-east-1", true),
            ("ap-southeast-12", true),
            ("eusc-de-east-1", true),
            ("eu-west", false),
            ("west-1", false),
            ("us-1", false),
            ("us--1", false),
            ("EU-WEST-1", false),
            ("eu-west-123", false),
            ("eu--1", false),
            ("eu-west-1 ", false),
            ("eu-west-1.evil.example", false),
            ("us-east-1/../evil", false),
            ("us-east-1@evil.example", false),
            ("", false),
        ] {
            assert_eq!(name.parse::<RegionName>().is_ok(), good, "{name:?}");
        }
        for (name, may_exist) in [
            ("us-isob-east-1", true),
            ("eusc-de-east-1", true),
            ("mx-central-1", true),
            ("eu-wst-1", false),
            ("xx-west-1", false),
        ] {
            assert_eq!(RegionName(name.to_owned()).may_exist(), may_exist, "{name}");
        }
        let long = format!("{}-bb-1", "a".repeat(CHARS_MAX));
        assert!(!is_region_name(&long), "{long}");
    }
}
