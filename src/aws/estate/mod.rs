//! [`EstateSource`] on AWS: GuardDuty, Organizations, Account Management, EventBridge and STS.
//!
//! The own login reads what the administrator sees. Where a role is named, each member is read with
//! its own rights too.

mod code;
mod forwarder;
mod guardduty;
mod login;
mod organisation;
mod rollout;
mod stacks;
mod write;

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_guardduty::config::retry::RetryConfig;
use aws_sdk_guardduty::config::timeout::TimeoutConfig;
use aws_sdk_guardduty::error::{ProvideErrorMetadata, SdkError};

use super::cause::{Cause, Problem};
use super::{failure, time_limit};
use crate::estate::{
    Caller, Detector, Fact, Forwarder, Member, OrganisationAccount, OrganisationConfiguration,
    RegionStatus, Unreadable,
};
use crate::ports::estate::{EstateSource, Login, MemberDetectors, RegionsOf};

use login::Logins;
pub use rollout::{ManagementLogin, Rollout};

const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// For a call with all of its attempts and the waits between them.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Other tools share the rates of these services, so throttles are usual. The calls only read.
const ATTEMPTS_MAX: u32 = 6;
/// The most pages of a list: fifty thousand members, which is GuardDuty's quota.
const PAGES_MAX: usize = 1_000;
/// Organizations and STS have one endpoint for all regions of a partition.
const REGION_DEFAULT: &str = "us-east-1";

/// Reads an estate. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Estate {
    config: SdkConfig,
    logins: Logins,
}

impl Estate {
    /// Makes no call. `member_role` is the name of a role, with its path, that exists in each
    /// member and trusts the own account.
    pub fn new(config: &SdkConfig, member_role: Option<&str>) -> Estate {
        Estate { config: config.clone(), logins: Logins::new(config, member_role) }
    }
}

impl EstateSource for Estate {
    async fn caller(&self) -> Fact<Caller> {
        self.logins.caller().await
    }

    async fn accounts(&self) -> Fact<Option<Vec<OrganisationAccount>>> {
        organisation::accounts(&self.config).await
    }

    async fn delegated(&self, principal: &str) -> Fact<Vec<String>> {
        organisation::delegated(&self.config, principal).await
    }

    async fn regions(&self, of: RegionsOf<'_>) -> Fact<BTreeMap<String, RegionStatus>> {
        let (login, account) = match of {
            RegionsOf::Login(login) => (login, None),
            RegionsOf::Account(account) => (Login::Own, Some(account)),
        };
        organisation::regions(&self.logins.config(login).await?, account).await
    }

    async fn detector(&self, login: Login<'_>, region: &str) -> Fact<Option<Detector>> {
        guardduty::detector(&self.logins.config(login).await?, region).await
    }

    async fn members(&self, region: &str, detector: &str) -> Fact<Vec<Member>> {
        guardduty::members(&self.config, region, detector).await
    }

    async fn member_detectors(
        &self,
        region: &str,
        detector: &str,
        accounts: &[String],
    ) -> Fact<MemberDetectors> {
        guardduty::member_detectors(&self.config, region, detector, accounts).await
    }

    async fn organisation_configuration(
        &self,
        region: &str,
        detector: &str,
    ) -> Fact<Option<OrganisationConfiguration>> {
        guardduty::organisation_configuration(&self.config, region, detector).await
    }

    async fn forwarder(&self, region: &str, rule: &str) -> Fact<Option<Forwarder>> {
        forwarder::forwarder(&self.config, region, rule).await
    }
}

fn limits() -> TimeoutConfig {
    time_limit(CALL_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX)
}

/// Why an operation failed, such as `guardduty:ListMembers`, and what to do.
fn failed<E>(operation: &str, place: &str, error: &SdkError<E>) -> Unreadable
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let cause = Cause::of(error);
    let why = format!("{operation} in {place}: {cause}");
    match cause.problem() {
        Problem::Denied => {
            Unreadable::denied(&format!("{operation} in {place}: the right is missing"))
        }
        problem if problem.is_of_the_login() => Unreadable::denied(&why),
        _ => Unreadable::new(&why),
    }
}

/// The same for a call that did not end within [`PAGES_MAX`] pages.
fn endless(operation: &str, place: &str) -> Unreadable {
    Unreadable::new(&format!(
        "{operation} in {place}: the list did not end after {PAGES_MAX} pages"
    ))
}

/// The last page has an empty token, or none.
fn next_page(token: Option<&str>) -> Option<String> {
    token.filter(|token| !token.is_empty()).map(str::to_owned)
}
