//! A region: whether an account has it, and the rule there that forwards findings.
//! Source: Account Management API reference, ListRegions; EventBridge API reference, DescribeRule,
//! ListTargetsByRule.

use crate::words::words;

words! {
    /// Whether an account has a region.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum RegionStatus {
        Enabled = "enabled",
        /// Every account has it, and nobody can disable it.
        ByDefault = "enabled by default",
        Enabling = "enabling",
        Disabling = "disabling",
        Disabled = "disabled",
    }
}

impl RegionStatus {
    pub const ALL: [RegionStatus; 5] =
        [Self::Enabled, Self::ByDefault, Self::Enabling, Self::Disabling, Self::Disabled];

    pub fn api_name(self) -> &'static str {
        match self {
            RegionStatus::Enabled => "ENABLED",
            RegionStatus::ByDefault => "ENABLED_BY_DEFAULT",
            RegionStatus::Enabling => "ENABLING",
            RegionStatus::Disabling => "DISABLING",
            RegionStatus::Disabled => "DISABLED",
        }
    }

    pub fn of_api(name: &str) -> Option<RegionStatus> {
        RegionStatus::ALL.into_iter().find(|one| one.api_name() == name)
    }

    /// Whether something can run there. While a region is disabled or enabled, that is not certain;
    /// it counts as long as resources may exist.
    pub fn is_enabled(self) -> bool {
        matches!(self, RegionStatus::Enabled | RegionStatus::ByDefault | RegionStatus::Disabling)
    }
}

/// The rule of a region that forwards findings to the hansho bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarder {
    pub enabled: bool,
    pub targets: Vec<ForwarderTarget>,
}

/// Where a rule sends events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwarderTarget {
    pub id: String,
    pub arn: String,
}
