//! The estate: what there is of GuardDuty, and of hansho's forwarder, in the accounts and regions
//! of an organisation. Plain data and pure functions. [`crate::ports::estate`] reads it.
//!
//! A place is one account in one region. A fact that can't be read is [`Unreadable`], which is not
//! the same as off or missing.

pub mod detector;
pub mod gap;
pub mod matrix;
pub mod organisation;
pub mod region;

use std::fmt;
use std::sync::Arc;

use crate::finding::Text;

pub use detector::{Detector, DetectorState, Frequency, Member, Plan, Plans, Relationship};
pub use organisation::{AutoEnable, Caller, OrganisationAccount, OrganisationConfiguration};
pub use region::{Forwarder, ForwarderTarget, RegionStatus};

/// The most accounts of an estate. Source: GuardDuty has a quota of 50,000 members; hansho's
/// account directory has this one.
pub const ACCOUNTS_MAX: usize = 10_000;
/// The most regions of an estate. AWS has fewer than fifty in all partitions.
pub const REGIONS_MAX: usize = 64;

/// The name of the rule in each region that forwards findings to the hansho bus.
/// `infra/forwarder.yaml` makes it, on the region's default bus.
pub const FORWARDER_RULE: &str = "hansho-forwarder";
/// GuardDuty as AWS Organizations calls it. Source: Organizations user guide, "Amazon GuardDuty".
pub const GUARDDUTY_PRINCIPAL: &str = "guardduty.amazonaws.com";

/// The longest reason that is kept, in characters.
const WHY_CHARS_MAX: usize = 300;

/// A fact, or why it can't be read.
pub type Fact<T> = Result<T, Unreadable>;

/// Why a fact can't be read. Cheap to clone, since one reason may stand in many places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unreadable {
    why: Arc<str>,
    /// A right is missing, or the login is not valid.
    pub denied: bool,
}

impl Unreadable {
    /// A reason in one clean line of bounded length. Holds no secret.
    pub fn new(why: &str) -> Unreadable {
        Unreadable { why: Text::new(why, WHY_CHARS_MAX).as_str().into(), denied: false }
    }

    /// The same, of a right that is missing.
    pub fn denied(why: &str) -> Unreadable {
        Unreadable { denied: true, ..Unreadable::new(why) }
    }

    pub fn why(&self) -> &str {
        &self.why
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Unreadable {}
