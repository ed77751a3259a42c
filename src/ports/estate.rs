//! Port to the accounts and regions of an organisation. Each method is one operation of AWS, with
//! all its pages. [`crate::commands::coverage`] reads the estate through it.

use std::collections::BTreeMap;
use std::future::Future;

use crate::estate::detector::MemberDetector;
use crate::estate::{
    Caller, Detector, Fact, Forwarder, Member, OrganisationAccount, OrganisationConfiguration,
    RegionStatus, Unreadable,
};

/// The most accounts in a call that reads members' detectors.
/// Source: GuardDuty API reference, GetMemberDetectors, `accountIds`.
pub const MEMBERS_PAGE_MAX: usize = 50;

/// Whose rights a call uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login<'a> {
    /// The account that hansho was started in: the security account.
    Own,
    /// A role in this account.
    Member(&'a str),
}

/// Whose enabled regions are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionsOf<'a> {
    /// The account of the login.
    Login(Login<'a>),
    /// This member of the organisation, with the own login. The own account and the management
    /// account can't be named here.
    /// Source: Account Management API reference, ListRegions, `AccountId`.
    Account(&'a str),
}

/// The detectors of members, and the accounts of which the administrator could not read them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemberDetectors {
    pub read: BTreeMap<String, MemberDetector>,
    pub unprocessed: BTreeMap<String, Unreadable>,
}

/// What reads an estate. Every answer is whole, or an error that says which call failed, where, why
/// and what to do. Throttles and lost connections are retried by the adapter, a bounded number of
/// times. Nothing is written.
pub trait EstateSource: Send + Sync {
    /// Who the own login is.
    fn caller(&self) -> impl Future<Output = Fact<Caller>> + Send;

    /// The accounts of the organisation. None: the own account is in no organisation.
    fn accounts(&self) -> impl Future<Output = Fact<Option<Vec<OrganisationAccount>>>> + Send;

    /// The delegated administrators of a service, such as [`crate::estate::GUARDDUTY_PRINCIPAL`].
    fn delegated(&self, principal: &str) -> impl Future<Output = Fact<Vec<String>>> + Send;

    /// All regions, with whether the account has them.
    fn regions(
        &self,
        of: RegionsOf<'_>,
    ) -> impl Future<Output = Fact<BTreeMap<String, RegionStatus>>> + Send;

    /// The detector. None: there is none.
    fn detector(
        &self,
        login: Login<'_>,
        region: &str,
    ) -> impl Future<Output = Fact<Option<Detector>>> + Send;

    /// All members of the own account's detector, also those that are no longer associated.
    fn members(
        &self,
        region: &str,
        detector: &str,
    ) -> impl Future<Output = Fact<Vec<Member>>> + Send;

    /// The detectors of at most [`MEMBERS_PAGE_MAX`] members.
    fn member_detectors(
        &self,
        region: &str,
        detector: &str,
        accounts: &[String],
    ) -> impl Future<Output = Fact<MemberDetectors>> + Send;

    /// GuardDuty's configuration for the organisation. None: the own account is not the delegated
    /// administrator there.
    fn organisation_configuration(
        &self,
        region: &str,
        detector: &str,
    ) -> impl Future<Output = Fact<Option<OrganisationConfiguration>>> + Send;

    /// A rule of the own account's default bus with its targets. None: there is none.
    fn forwarder(
        &self,
        region: &str,
        rule: &str,
    ) -> impl Future<Output = Fact<Option<Forwarder>>> + Send;
}
