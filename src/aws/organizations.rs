//! All accounts of an AWS organisation, with the paths of their units and with their tags.
//!
//! The tree is walked from its root, because that takes a call for each unit and each 20 accounts.
//! The parents of each account would take a call for each account.
//! Source: Organizations API reference, ListRoots, ListOrganizationalUnitsForParent,
//! ListAccountsForParent, ListTagsForResource.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_organizations::Client;
use aws_sdk_organizations::config::retry::RetryConfig;
use aws_sdk_organizations::config::{Builder, Region};
use aws_sdk_organizations::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_organizations::types::{Account, OrganizationalUnit};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::cause::{Cause, Problem};
use super::{failure, time_limit};
use crate::finding::Text;
use crate::ports::{ACCOUNTS_MAX, AccountEntry, AccountStatus};

const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// For a call with all of its attempts and the waits between them.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// All tools of an organisation share its rate of calls, so throttles are usual. The calls only
/// read, and no alert waits for them.
const ATTEMPTS_MAX: u32 = 8;
/// How many accounts are asked for their tags at once.
const TAG_CALLS_MAX: usize = 4;
/// The service has one endpoint for all regions of a partition.
const REGION_DEFAULT: &str = "us-east-1";
/// Source: Organizations API reference, `OrganizationalUnit`.
const UNIT_NAME_CHARS_MAX: usize = 128;

/// Reads an organisation. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Organizations {
    client: Client,
}

/// AWS Organizations did not answer, or has too many accounts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OrganizationsError(String);

impl Organizations {
    /// Makes no call.
    pub fn new(config: &SdkConfig) -> Organizations {
        let region = config.region().cloned();
        let builder = Builder::from(config)
            .region(region.unwrap_or_else(|| Region::from_static(REGION_DEFAULT)))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
            .timeout_config(
                time_limit(CALL_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build(),
            );
        Organizations { client: Client::from_conf(builder.build()) }
    }

    /// All accounts.
    ///
    /// # Errors
    /// A call failed after its retries, or there are more than [`ACCOUNTS_MAX`] accounts or units.
    pub async fn accounts(&self, with_tags: bool) -> Result<Vec<AccountEntry>, OrganizationsError> {
        let accounts = self.walk().await?;
        if !with_tags {
            return Ok(accounts.into_values().collect());
        }
        let tagged = accounts.into_values().map(|account| async move {
            let tags = self.tags(&account.id).await?;
            Ok(AccountEntry { tags, ..account })
        });
        stream::iter(tagged).buffered(TAG_CALLS_MAX).try_collect().await
    }

    /// The accounts of all units by id, without tags. One that is moved meanwhile may be seen twice
    /// or not at all, until the next sync.
    async fn walk(&self) -> Result<BTreeMap<String, AccountEntry>, OrganizationsError> {
        let pages = self.client.list_roots().into_paginator().send().try_collect().await;
        let pages = pages.map_err(|error| failed("ListRoots", &error))?;
        let roots = pages.into_iter().flat_map(|page| page.roots.unwrap_or_default());
        let ids = roots.filter_map(|root| root.id);
        let mut left: Vec<(String, String)> = ids.map(|id| (id, String::new())).collect();
        let mut accounts = BTreeMap::new();
        let mut seen = 0;
        while let Some((parent, path)) = left.pop() {
            let ou = if path.is_empty() { "/" } else { &path };
            for account in self.accounts_in(&parent).await? {
                let entry = entry(account, ou);
                accounts.entry(entry.id.clone()).or_insert(entry);
            }
            left.extend(self.units_in(&parent, &path).await?);
            seen += 1;
            if accounts.len().max(seen) > ACCOUNTS_MAX {
                return Err(OrganizationsError(format!(
                    "organizations: there are more than {ACCOUNTS_MAX} accounts or units: put the \
                     accounts that send findings into a file, and give --file"
                )));
            }
        }
        Ok(accounts)
    }

    async fn accounts_in(&self, parent: &str) -> Result<Vec<Account>, OrganizationsError> {
        let pages = self.client.list_accounts_for_parent().parent_id(parent).into_paginator();
        let pages = pages.send().try_collect().await;
        let pages = pages.map_err(|error| failed("ListAccountsForParent", &error))?;
        Ok(pages.into_iter().flat_map(|page| page.accounts.unwrap_or_default()).collect())
    }

    /// The units right below a parent, each with its path.
    async fn units_in(
        &self,
        parent: &str,
        path: &str,
    ) -> Result<Vec<(String, String)>, OrganizationsError> {
        let call = self.client.list_organizational_units_for_parent().parent_id(parent);
        let pages = call.into_paginator().send().try_collect().await;
        let pages = pages.map_err(|error| failed("ListOrganizationalUnitsForParent", &error))?;
        let units =
            pages.into_iter().flat_map(|page| page.organizational_units.unwrap_or_default());
        let unit = |unit: OrganizationalUnit| {
            let id = unit.id?;
            let part = part(unit.name.as_deref().unwrap_or_default(), &id);
            Some((id, format!("{path}/{part}")))
        };
        Ok(units.filter_map(unit).collect())
    }

    async fn tags(&self, account: &str) -> Result<BTreeMap<String, String>, OrganizationsError> {
        let pages = self.client.list_tags_for_resource().resource_id(account).into_paginator();
        let tags: Vec<_> = pages
            .items()
            .send()
            .try_collect()
            .await
            .map_err(|error| failed("ListTagsForResource", &error))?;
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }
}

/// A unit's part of a path. A name may hold any character, so a slash is written as `%2F`. A name
/// that nobody can see is replaced by the unit's id.
fn part(name: &str, id: &str) -> String {
    let name = Text::new(name, UNIT_NAME_CHARS_MAX);
    if name.is_empty() { id.to_owned() } else { name.as_str().replace('/', "%2F") }
}

fn entry(account: Account, ou: &str) -> AccountEntry {
    // AWS retired the status in 2026. Where there is no state yet, it has one of the same words.
    let state = account.state.as_ref().map(|state| state.as_str());
    #[allow(deprecated)]
    let status = account.status.as_ref().map(|status| status.as_str());
    AccountEntry {
        status: state.or(status).and_then(AccountStatus::parse),
        ou: ou.to_owned(),
        id: account.id.unwrap_or_default(),
        name: account.name.unwrap_or_default(),
        email: account.email.unwrap_or_default(),
        ..AccountEntry::default()
    }
}

fn failed<E>(call: &str, error: &SdkError<E>) -> OrganizationsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    let cause = Cause::of(error)
        .or_if(
            Problem::Denied,
            "use a role of the management account, or of a delegated administrator, with the \
             rights of infra/operator.yaml",
        )
        .or_if(Problem::Throttled, "try again later, or give --no-tags");
    let remedy = match failure::bare_code(code) {
        "AWSOrganizationsNotInUseException" => {
            ": this account is in no organisation; put its name into [accounts]"
        }
        _ => "",
    };
    OrganizationsError(format!("organizations {call}: {cause}{remedy}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_path_is_seen_and_has_no_slash() {
        for (name, shown) in [
            ("payments", "payments"),
            ("a/b", "a%2Fb"),
            (" \u{202e}x ", "x"),
            ("\u{200b}", "ou-1"),
            ("", "ou-1"),
        ] {
            assert_eq!(part(name, "ou-1"), shown, "{name:?}");
        }
    }
}
