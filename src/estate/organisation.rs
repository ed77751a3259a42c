//! The organisation: who asks, its accounts, and GuardDuty's configuration for it.
//! Source: Organizations API reference, ListAccounts; GuardDuty API reference,
//! DescribeOrganizationConfiguration; STS API reference, GetCallerIdentity.

use std::collections::BTreeMap;

use crate::finding::Text;
use crate::words::words;

/// Whose login is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub account: String,
    /// `aws`, `aws-cn` and so on.
    pub partition: String,
}

/// An account of the organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganisationAccount {
    pub id: String,
    pub name: Text,
    pub email: String,
    /// False while it is suspended, closed, or not activated yet. Nothing runs there.
    pub active: bool,
    /// It manages the organisation.
    pub is_management: bool,
}

words! {
    /// For which accounts GuardDuty switches something on by itself. That may take up to 24 h.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum AutoEnable {
        All = "all",
        New = "new",
        None = "none",
    }
}

impl AutoEnable {
    pub const ALL: [AutoEnable; 3] = [Self::All, Self::New, Self::None];

    pub fn api_name(self) -> &'static str {
        match self {
            AutoEnable::All => "ALL",
            AutoEnable::New => "NEW",
            AutoEnable::None => "NONE",
        }
    }

    pub fn of_api(name: &str) -> Option<AutoEnable> {
        AutoEnable::ALL.into_iter().find(|one| one.api_name() == name)
    }
}

/// GuardDuty's configuration for the accounts of an organisation in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganisationConfiguration {
    pub members: AutoEnable,
    /// Plans by name, as in [`super::Plans`].
    pub plans: BTreeMap<String, AutoEnable>,
    /// The administrator can't have more members.
    pub limit_reached: bool,
}
