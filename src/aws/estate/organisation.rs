//! Accounts, delegated administrators, and the regions that an account has.
//! Source: Organizations API reference, ListAccounts, ListDelegatedAdministrators.
//! Source: Account Management API reference, ListRegions.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_organizations::Client;
use aws_sdk_organizations::config::{Builder, Region};
use aws_sdk_organizations::error::ProvideErrorMetadata;
use aws_sdk_organizations::types::Account;

use super::{PAGES_MAX, REGION_DEFAULT, endless, failed, failure, limits, next_page, retries};
use crate::estate::{Fact, OrganisationAccount, RegionStatus};
use crate::finding::Text;
use crate::ports::ACCOUNT_NAME_CHARS_MAX;

const ORGANISATION: &str = "the organisation";
/// Source: Account Management API reference, ListRegions, `MaxResults`.
const REGIONS_PAGE: i32 = 50;

pub fn client(config: &SdkConfig) -> Client {
    let region = config.region().cloned();
    let builder = Builder::from(config)
        .region(region.unwrap_or_else(|| Region::from_static(REGION_DEFAULT)))
        .retry_config(retries())
        .timeout_config(limits());
    Client::from_conf(builder.build())
}

pub async fn accounts(config: &SdkConfig) -> Fact<Option<Vec<OrganisationAccount>>> {
    const OPERATION: &str = "organizations:ListAccounts";
    let client = client(config);
    let mut all = Vec::new();
    let mut page = None;
    for _ in 0..PAGES_MAX {
        let answer = match client.list_accounts().set_next_token(page).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
                let code = failure::bare_code(code.unwrap_or_default());
                return match code {
                    "AWSOrganizationsNotInUseException" => Ok(None),
                    _ => Err(failed(OPERATION, ORGANISATION, &error)),
                };
            }
        };
        page = next_page(answer.next_token());
        all.extend(answer.accounts.unwrap_or_default().into_iter().map(account));
        if page.is_none() {
            return Ok(Some(all));
        }
    }
    Err(endless(OPERATION, ORGANISATION))
}

fn account(account: Account) -> OrganisationAccount {
    // AWS retired the status in 2026. Where there is no state yet, it has one of the same words.
    let state = account.state.as_ref().map(|state| state.as_str());
    #[allow(deprecated)]
    let status = account.status.as_ref().map(|status| status.as_str());
    // `arn:aws:organizations::MANAGEMENT:account/o-exampleorgid/111122223333`
    let management = account.arn.as_deref().and_then(|arn| arn.split(':').nth(4));
    OrganisationAccount {
        is_management: management.is_some_and(|id| account.id.as_deref() == Some(id)),
        active: state.or(status).is_none_or(|state| state == "ACTIVE"),
        id: account.id.unwrap_or_default(),
        name: Text::new(account.name.as_deref().unwrap_or_default(), ACCOUNT_NAME_CHARS_MAX),
        email: account.email.unwrap_or_default(),
    }
}

pub async fn delegated(config: &SdkConfig, principal: &str) -> Fact<Vec<String>> {
    const OPERATION: &str = "organizations:ListDelegatedAdministrators";
    let client = client(config);
    let mut all = Vec::new();
    let mut page = None;
    for _ in 0..PAGES_MAX {
        let call = client.list_delegated_administrators().service_principal(principal);
        let answer = call.set_next_token(page).send().await;
        let answer = answer.map_err(|error| failed(OPERATION, ORGANISATION, &error))?;
        page = next_page(answer.next_token());
        let found = answer.delegated_administrators.unwrap_or_default();
        all.extend(found.into_iter().filter_map(|one| one.id));
        if page.is_none() {
            return Ok(all);
        }
    }
    Err(endless(OPERATION, ORGANISATION))
}

/// The regions of an account of the organisation, or of the account of the credentials.
pub async fn regions(config: &SdkConfig, of: Option<&str>) -> Fact<BTreeMap<String, RegionStatus>> {
    const OPERATION: &str = "account:ListRegions";
    let place = of.unwrap_or("the account of the login");
    let region = config.region().cloned();
    let builder = aws_sdk_account::config::Builder::from(config)
        .region(region.unwrap_or_else(|| Region::from_static(REGION_DEFAULT)))
        .retry_config(retries())
        .timeout_config(limits());
    let client = aws_sdk_account::Client::from_conf(builder.build());
    let mut all = BTreeMap::new();
    let mut page = None;
    for _ in 0..PAGES_MAX {
        let call = client.list_regions().set_account_id(of.map(str::to_owned));
        let answer = call.max_results(REGIONS_PAGE).set_next_token(page).send().await;
        let answer = answer.map_err(|error| failed(OPERATION, place, &error))?;
        page = next_page(answer.next_token());
        for region in answer.regions.unwrap_or_default() {
            let status = region.region_opt_status.and_then(|s| RegionStatus::of_api(s.as_str()));
            all.extend(region.region_name.zip(status));
        }
        if page.is_none() {
            return Ok(all);
        }
    }
    Err(endless(OPERATION, place))
}
