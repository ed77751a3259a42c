//! Detectors, members, and the configuration for an organisation.
//! Source: GuardDuty API reference, ListDetectors, GetDetector, ListMembers, GetMemberDetectors,
//! DescribeOrganizationConfiguration.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_guardduty::Client;
use aws_sdk_guardduty::config::retry::RetryPartition;
use aws_sdk_guardduty::config::{Builder, Region};
use aws_sdk_guardduty::types as sdk;

use super::{PAGES_MAX, endless, failed, limits, next_page, retries};
use crate::estate::detector::{MemberDetector, PLAN_PART, is_foundational};
use crate::estate::{
    AutoEnable, Detector, Fact, Frequency, Member, OrganisationConfiguration, Plan, Plans,
    Relationship, Unreadable,
};
use crate::ports::estate::MemberDetectors;

/// Source: GuardDuty API reference, ListMembers, DescribeOrganizationConfiguration, `maxResults`.
const PAGE: i32 = 50;

pub fn client(config: &SdkConfig, region: &str) -> Client {
    let builder = Builder::from(config)
        .region(Region::new(region.to_owned()))
        .retry_config(retries())
        // Else a region that fails would use up the retries of all regions.
        .retry_partition(RetryPartition::new(region.to_owned()))
        .timeout_config(limits());
    Client::from_conf(builder.build())
}

/// An account has at most one detector in a region.
/// Source: GuardDuty API reference, CreateDetector.
pub async fn detector(config: &SdkConfig, region: &str) -> Fact<Option<Detector>> {
    let client = client(config, region);
    let listed = client.list_detectors().send().await;
    let listed = listed.map_err(|error| failed("guardduty:ListDetectors", region, &error))?;
    let Some(id) = listed.detector_ids().first() else { return Ok(None) };
    let got = client.get_detector().detector_id(id).send().await;
    let got = got.map_err(|error| failed("guardduty:GetDetector", region, &error))?;
    let mut plans = Plans::new();
    for feature in got.features() {
        let Some(name) = feature.name() else { continue };
        let parts = feature
            .additional_configuration()
            .iter()
            .map(|part| (part.name().map(|n| n.as_str()), part.status(), part.managed_by()));
        let plan = plan(feature.status(), feature.managed_by());
        add(&mut plans, name.as_str(), plan, parts.map(|(n, s, m)| (n, self::plan(s, m))));
    }
    Ok(Some(Detector {
        id: id.clone(),
        on: got.status() == Some(&sdk::DetectorStatus::Enabled),
        frequency: got.finding_publishing_frequency().and_then(|f| Frequency::of_api(f.as_str())),
        plans,
    }))
}

pub async fn members(config: &SdkConfig, region: &str, detector: &str) -> Fact<Vec<Member>> {
    const OPERATION: &str = "guardduty:ListMembers";
    let client = client(config, region);
    let mut all = Vec::new();
    let mut page = None;
    for _ in 0..PAGES_MAX {
        let call = client.list_members().detector_id(detector).only_associated("false");
        let answer = call.max_results(PAGE).set_next_token(page).send().await;
        let answer = answer.map_err(|error| failed(OPERATION, region, &error))?;
        page = next_page(answer.next_token());
        all.extend(answer.members().iter().map(member));
        if page.is_none() {
            return Ok(all);
        }
    }
    Err(endless(OPERATION, region))
}

fn member(member: &sdk::Member) -> Member {
    Member {
        account: member.account_id().unwrap_or_default().to_owned(),
        detector: next_page(member.detector_id()),
        relationship: Relationship::of_api(member.relationship_status().unwrap_or_default()),
        email: member.email().unwrap_or_default().to_owned(),
    }
}

pub async fn member_detectors(
    config: &SdkConfig,
    region: &str,
    detector: &str,
    accounts: &[String],
) -> Fact<MemberDetectors> {
    const OPERATION: &str = "guardduty:GetMemberDetectors";
    let call = client(config, region).get_member_detectors().detector_id(detector);
    let answer = match call.set_account_ids(Some(accounts.to_vec())).send().await {
        Ok(answer) => answer,
        // An answer has at least one detector, so GuardDuty refuses accounts that all have none.
        Err(error) if error.as_service_error().is_some_and(|e| e.is_bad_request_exception()) => {
            let why = failed(OPERATION, region, &error);
            let unprocessed = accounts.iter().map(|id| (id.clone(), why.clone())).collect();
            return Ok(MemberDetectors { unprocessed, ..MemberDetectors::default() });
        }
        Err(error) => return Err(failed(OPERATION, region, &error)),
    };
    let mut found = MemberDetectors::default();
    for member in answer.member_data_source_configurations() {
        let account = member.account_id().unwrap_or_default().to_owned();
        found.read.insert(account, member_detector(member));
    }
    for left in answer.unprocessed_accounts() {
        let why = left.result().unwrap_or("GuardDuty gives no reason");
        let why = format!("{OPERATION} in {region}: {why}");
        let account = left.account_id().unwrap_or_default().to_owned();
        found.unprocessed.insert(account, Unreadable::new(&why));
    }
    Ok(found)
}

/// The foundational sources can't be switched off one by one, so one that is off says that the
/// detector is suspended. The API has them in a retired member only.
#[allow(deprecated)]
fn member_detector(member: &sdk::MemberDataSourceConfiguration) -> MemberDetector {
    let mut plans = Plans::new();
    for feature in member.features() {
        let Some(name) = feature.name() else { continue };
        let parts = feature
            .additional_configuration()
            .iter()
            .map(|part| (part.name().map(|n| n.as_str()), part.status(), part.managed_by()));
        let plan = plan(feature.status(), feature.managed_by());
        add(&mut plans, name.as_str(), plan, parts.map(|(n, s, m)| (n, self::plan(s, m))));
    }
    let trail = member.data_sources().and_then(|sources| sources.cloud_trail());
    let off = trail.and_then(|trail| trail.status()) == Some(&sdk::DataSourceStatus::Disabled);
    MemberDetector { on: !off, plans }
}

fn plan(status: Option<&sdk::FeatureStatus>, managed_by: Option<&sdk::ManagedBy>) -> Plan {
    Plan { on: status == Some(&sdk::FeatureStatus::Enabled), by_policy: managed_by.is_some() }
}

/// Adds a plan and its additional configurations.
fn add<'a>(
    plans: &mut Plans,
    name: &str,
    plan: Plan,
    parts: impl Iterator<Item = (Option<&'a str>, Plan)>,
) {
    if is_foundational(name) {
        return;
    }
    for (part, plan) in parts {
        if let Some(part) = part {
            plans.insert(format!("{name}{PLAN_PART}{part}"), plan);
        }
    }
    plans.insert(name.to_owned(), plan);
}

pub async fn organisation_configuration(
    config: &SdkConfig,
    region: &str,
    detector: &str,
) -> Fact<Option<OrganisationConfiguration>> {
    const OPERATION: &str = "guardduty:DescribeOrganizationConfiguration";
    let client = client(config, region);
    let mut found: Option<OrganisationConfiguration> = None;
    let mut page = None;
    for _ in 0..PAGES_MAX {
        let call = client.describe_organization_configuration().detector_id(detector);
        let answer = match call.max_results(PAGE).set_next_token(page).send().await {
            Ok(answer) => answer,
            // GuardDuty refuses the call of an account that is not the administrator with this.
            Err(error)
                if error.as_service_error().is_some_and(|e| e.is_bad_request_exception()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failed(OPERATION, region, &error)),
        };
        let plans = organisation_plans(answer.features());
        page = next_page(answer.next_token());
        match &mut found {
            Some(found) => found.plans.extend(plans),
            None => found = Some(configuration(&answer, plans)),
        }
        if page.is_none() {
            return Ok(found);
        }
    }
    Err(endless(OPERATION, region))
}

type OrganisationAnswer =
    aws_sdk_guardduty::operation::describe_organization_configuration::DescribeOrganizationConfigurationOutput;

fn configuration(
    answer: &OrganisationAnswer,
    plans: BTreeMap<String, AutoEnable>,
) -> OrganisationConfiguration {
    let members = answer.auto_enable_organization_members();
    // Older answers have a retired member only, which says whether new accounts are enrolled.
    #[allow(deprecated)]
    let retired = match answer.auto_enable() {
        Some(true) => AutoEnable::New,
        _ => AutoEnable::None,
    };
    OrganisationConfiguration {
        members: members.and_then(|m| AutoEnable::of_api(m.as_str())).unwrap_or(retired),
        plans,
        limit_reached: answer.member_account_limit_reached().unwrap_or(false),
    }
}

fn organisation_plans(
    features: &[sdk::OrganizationFeatureConfigurationResult],
) -> BTreeMap<String, AutoEnable> {
    let mut plans = BTreeMap::new();
    let of = |status: Option<&sdk::OrgFeatureStatus>| {
        status.and_then(|s| AutoEnable::of_api(s.as_str())).unwrap_or(AutoEnable::None)
    };
    for feature in features {
        let Some(name) = feature.name() else { continue };
        for part in feature.additional_configuration() {
            if let Some(part_name) = part.name() {
                let name = format!("{name}{PLAN_PART}{part_name}");
                plans.insert(name, of(part.auto_enable()));
            }
        }
        plans.insert(name.as_str().to_owned(), of(feature.auto_enable()));
    }
    plans
}
