//! The calls of a rollout that write. None of them disables or deletes anything.
//! Source: GuardDuty API reference, each operation by its name; EventBridge API reference,
//! EnableRule.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_guardduty::Client;
use aws_sdk_guardduty::types as sdk;

use super::{failed, forwarder, guardduty};
use crate::estate::detector::PLAN_PART;
use crate::estate::{Fact, Unreadable};
use crate::ports::rollout::{Terms, Unprocessed};
use crate::rollout::{Batch, Call};

/// The type of the sample finding: one that every region has.
const SAMPLE: &str = "CryptoCurrency:EC2/BitcoinTool.B!DNS";
/// Source: GuardDuty API reference, ListInvitations, `maxResults`.
const PAGE: i32 = 50;

/// Makes the call of a batch.
pub async fn carry_out(config: &SdkConfig, batch: &Batch, terms: &Terms) -> Fact<Unprocessed> {
    let region = batch.region.as_str();
    let writer = Writer { client: guardduty::client(config, region), region, terms };
    let done = match &batch.call {
        Call::CreateDetector { plans } => writer.create_detector(plans).await,
        Call::ResumeDetector => writer.resume_detector().await,
        Call::SetFrequency => writer.set_frequency().await,
        Call::EnablePlans { plans } => writer.enable_plans(plans).await,
        Call::Designate => designate(config, region, &terms.security).await,
        Call::Configure { plans } => writer.configure(plans).await,
        Call::AcceptInvitation => writer.accept().await,
        Call::CreateSample => writer.create_sample().await,
        Call::EnableRule => {
            let client = forwarder::client(config, region);
            let answer = client.enable_rule().name(&terms.rule).send().await;
            answer.map(drop).map_err(|error| failed("events:EnableRule", region, &error))
        }
        Call::PutSecret
        | Call::Deploy
        | Call::DeployWorker
        | Call::UpdateWorker
        | Call::SyncDirectory
        | Call::SendCanary => Err(Unreadable::new("this call has a method of its own")),
        Call::CreateMembers(members) => return writer.create_members(members).await,
        Call::InviteMembers(accounts) => return writer.invite(accounts).await,
        Call::ResumeMembers(accounts) => return writer.resume_members(accounts).await,
        Call::EnableMemberPlans { accounts, plans } => {
            return writer.enable_member_plans(accounts, plans).await;
        }
    };
    done.map(|()| Unprocessed::new())
}

/// The delegated administrator, as the management account sees it.
pub async fn administrator(config: &SdkConfig, region: &str) -> Fact<Option<String>> {
    const OPERATION: &str = "guardduty:ListOrganizationAdminAccounts";
    let answer = guardduty::client(config, region).list_organization_admin_accounts().send().await;
    let answer = answer.map_err(|error| failed(OPERATION, region, &error))?;
    let enabled = |one: &&sdk::AdminAccount| one.admin_status() == Some(&sdk::AdminStatus::Enabled);
    let found = answer.admin_accounts().iter().find(enabled);
    Ok(found.and_then(|one| one.admin_account_id()).map(str::to_owned))
}

/// The administrator of the login's account.
pub async fn administrator_of(config: &SdkConfig, region: &str) -> Fact<Option<String>> {
    let Some(detector) = guardduty::detector(config, region).await? else { return Ok(None) };
    let client = guardduty::client(config, region);
    let answer = client.get_administrator_account().detector_id(detector.id).send().await;
    let answer =
        answer.map_err(|error| failed("guardduty:GetAdministratorAccount", region, &error))?;
    let administrator = answer.administrator().filter(|one| {
        one.relationship_status().is_some_and(|status| status.eq_ignore_ascii_case("enabled"))
    });
    Ok(administrator.and_then(|one| one.account_id()).map(str::to_owned))
}

/// GuardDuty refuses to designate the administrator again, which a call that was repeated does.
async fn designate(config: &SdkConfig, region: &str, account: &str) -> Fact<()> {
    let call = guardduty::client(config, region).enable_organization_admin_account();
    let Err(error) = call.admin_account_id(account).send().await else { return Ok(()) };
    match administrator(config, region).await {
        Ok(Some(is)) if is == account => Ok(()),
        _ => Err(failed("guardduty:EnableOrganizationAdminAccount", region, &error)),
    }
}

struct Writer<'a> {
    client: Client,
    region: &'a str,
    terms: &'a Terms,
}

/// Plans by name, each with its parts.
fn with_parts(plans: &[String]) -> BTreeMap<&str, Vec<&str>> {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for plan in plans {
        match plan.split_once(PLAN_PART) {
            Some((plan, part)) => all.entry(plan).or_default().push(part),
            None => _ = all.entry(plan).or_default(),
        }
    }
    all
}

/// The plans of a detector, switched on.
fn detector_features(plans: &[String]) -> Vec<sdk::DetectorFeatureConfiguration> {
    let feature = |(name, parts): (&str, Vec<&str>)| {
        let part = |part: &str| {
            sdk::DetectorAdditionalConfiguration::builder()
                .name(part.into())
                .status(sdk::FeatureStatus::Enabled)
                .build()
        };
        let builder = sdk::DetectorFeatureConfiguration::builder().name(name.into());
        let builder = builder.status(sdk::FeatureStatus::Enabled);
        parts.into_iter().map(part).fold(builder, |b, p| b.additional_configuration(p)).build()
    };
    with_parts(plans).into_iter().map(feature).collect()
}

/// The plans of members, switched on.
fn member_features(plans: &[String]) -> Vec<sdk::MemberFeaturesConfiguration> {
    let feature = |(name, parts): (&str, Vec<&str>)| {
        let part = |part: &str| {
            sdk::MemberAdditionalConfiguration::builder()
                .name(part.into())
                .status(sdk::FeatureStatus::Enabled)
                .build()
        };
        let builder = sdk::MemberFeaturesConfiguration::builder().name(name.into());
        let builder = builder.status(sdk::FeatureStatus::Enabled);
        parts.into_iter().map(part).fold(builder, |b, p| b.additional_configuration(p)).build()
    };
    with_parts(plans).into_iter().map(feature).collect()
}

/// The plans of an organisation, switched on for all accounts.
fn organisation_features(plans: &[String]) -> Vec<sdk::OrganizationFeatureConfiguration> {
    let feature = |(name, parts): (&str, Vec<&str>)| {
        let part = |part: &str| {
            sdk::OrganizationAdditionalConfiguration::builder()
                .name(part.into())
                .auto_enable(sdk::OrgFeatureStatus::All)
                .build()
        };
        let builder = sdk::OrganizationFeatureConfiguration::builder().name(name.into());
        let builder = builder.auto_enable(sdk::OrgFeatureStatus::All);
        parts.into_iter().map(part).fold(builder, |b, p| b.additional_configuration(p)).build()
    };
    with_parts(plans).into_iter().map(feature).collect()
}

/// The features of a call. GuardDuty takes none as "unchanged", and an empty list as an error.
fn some<T>(features: Vec<T>) -> Option<Vec<T>> {
    Some(features).filter(|features| !features.is_empty())
}

fn unprocessed(accounts: &[sdk::UnprocessedAccount]) -> Unprocessed {
    let entry = |one: &sdk::UnprocessedAccount| {
        let why = one.result().unwrap_or("GuardDuty gives no reason");
        (one.account_id().unwrap_or_default().to_owned(), why.to_owned())
    };
    accounts.iter().map(entry).collect()
}

impl Writer<'_> {
    fn frequency(&self) -> sdk::FindingPublishingFrequency {
        self.terms.frequency.api_name().into()
    }

    async fn detector(&self) -> Fact<Option<String>> {
        let listed = self.client.list_detectors().send().await;
        let listed =
            listed.map_err(|error| failed("guardduty:ListDetectors", self.region, &error))?;
        Ok(listed.detector_ids().first().cloned())
    }

    async fn own_detector(&self) -> Fact<String> {
        let none = || Unreadable::new(&format!("there is no detector in {}", self.region));
        self.detector().await?.ok_or_else(none)
    }

    /// GuardDuty refuses a second detector, which a call that was repeated asks for.
    async fn create_detector(&self, plans: &[String]) -> Fact<()> {
        let call = self.client.create_detector().enable(true);
        let call = call.finding_publishing_frequency(self.frequency());
        let answer = call.set_features(some(detector_features(plans))).send().await;
        let Err(error) = answer else { return Ok(()) };
        match self.detector().await {
            Ok(Some(_)) => Ok(()),
            _ => Err(failed("guardduty:CreateDetector", self.region, &error)),
        }
    }

    async fn resume_detector(&self) -> Fact<()> {
        let call = self.client.update_detector().detector_id(self.own_detector().await?);
        let answer = call.enable(true).send().await;
        answer.map(drop).map_err(|e| failed("guardduty:UpdateDetector", self.region, &e))
    }

    async fn set_frequency(&self) -> Fact<()> {
        let call = self.client.update_detector().detector_id(self.own_detector().await?);
        let answer = call.finding_publishing_frequency(self.frequency()).send().await;
        answer.map(drop).map_err(|e| failed("guardduty:UpdateDetector", self.region, &e))
    }

    async fn enable_plans(&self, plans: &[String]) -> Fact<()> {
        let call = self.client.update_detector().detector_id(self.own_detector().await?);
        let answer = call.set_features(some(detector_features(plans))).send().await;
        answer.map(drop).map_err(|e| failed("guardduty:UpdateDetector", self.region, &e))
    }

    async fn configure(&self, plans: &[String]) -> Fact<()> {
        let call = self.client.update_organization_configuration();
        let answer = call
            .detector_id(self.own_detector().await?)
            .auto_enable_organization_members(sdk::AutoEnableMembers::All)
            .set_features(some(organisation_features(plans)))
            .send()
            .await;
        const OPERATION: &str = "guardduty:UpdateOrganizationConfiguration";
        answer.map(drop).map_err(|error| failed(OPERATION, self.region, &error))
    }

    async fn create_members(&self, members: &[(String, String)]) -> Fact<Unprocessed> {
        let detail = |(account, email): &(String, String)| {
            sdk::AccountDetail::builder().account_id(account).email(email).build()
        };
        let details = members.iter().map(detail).collect();
        let call = self.client.create_members().detector_id(self.own_detector().await?);
        let answer = call.set_account_details(Some(details)).send().await;
        let answer = answer.map_err(|e| failed("guardduty:CreateMembers", self.region, &e))?;
        Ok(unprocessed(answer.unprocessed_accounts()))
    }

    async fn invite(&self, accounts: &[String]) -> Fact<Unprocessed> {
        let call = self.client.invite_members().detector_id(self.own_detector().await?);
        let call = call.disable_email_notification(!self.terms.mail_invitations);
        let answer = call.set_account_ids(Some(accounts.to_vec())).send().await;
        let answer = answer.map_err(|e| failed("guardduty:InviteMembers", self.region, &e))?;
        Ok(unprocessed(answer.unprocessed_accounts()))
    }

    async fn resume_members(&self, accounts: &[String]) -> Fact<Unprocessed> {
        let call = self.client.start_monitoring_members().detector_id(self.own_detector().await?);
        let answer = call.set_account_ids(Some(accounts.to_vec())).send().await;
        let answer =
            answer.map_err(|e| failed("guardduty:StartMonitoringMembers", self.region, &e))?;
        Ok(unprocessed(answer.unprocessed_accounts()))
    }

    async fn enable_member_plans(
        &self,
        accounts: &[String],
        plans: &[String],
    ) -> Fact<Unprocessed> {
        let call = self.client.update_member_detectors().detector_id(self.own_detector().await?);
        let call = call.set_account_ids(Some(accounts.to_vec()));
        let answer = call.set_features(some(member_features(plans))).send().await;
        let answer =
            answer.map_err(|e| failed("guardduty:UpdateMemberDetectors", self.region, &e))?;
        Ok(unprocessed(answer.unprocessed_accounts()))
    }

    /// Accepts the invitation of the security account. AWS may take some minutes to show it.
    async fn accept(&self) -> Fact<()> {
        let region = self.region;
        let mut pages = self.client.list_invitations().max_results(PAGE).into_paginator().send();
        let mut found = None;
        while let (None, Some(page)) = (&found, pages.next().await) {
            let page = page.map_err(|e| failed("guardduty:ListInvitations", region, &e))?;
            let ours = |one: &&sdk::Invitation| one.account_id() == Some(&self.terms.security);
            found = page.invitations().iter().find(ours).and_then(|one| one.invitation_id.clone());
        }
        let Some(invitation) = found else {
            return Err(Unreadable::new(&format!(
                "guardduty:ListInvitations in {region}: the invitation has not arrived yet: run \
                 this again in some minutes"
            )));
        };
        let call = self.client.accept_administrator_invitation();
        let call = call.detector_id(self.own_detector().await?).invitation_id(invitation);
        let answer = call.administrator_id(&self.terms.security).send().await;
        const OPERATION: &str = "guardduty:AcceptAdministratorInvitation";
        answer.map(drop).map_err(|error| failed(OPERATION, region, &error))
    }

    async fn create_sample(&self) -> Fact<()> {
        let call = self.client.create_sample_findings().detector_id(self.own_detector().await?);
        let answer = call.finding_types(SAMPLE).send().await;
        answer.map(drop).map_err(|e| failed("guardduty:CreateSampleFindings", self.region, &e))
    }
}
