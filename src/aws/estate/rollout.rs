//! [`RolloutCalls`] on AWS: what a rollout reads beside the estate.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_organizations::error::ProvideErrorMetadata;
use tokio::sync::{Mutex, OnceCell};

use super::login::Logins;
use super::{
    code, failed, failure, forwarder, guardduty, limits, organisation, retries, stacks, write,
};
use crate::estate::{Detector, Fact, Unreadable};
use crate::ports::estate::Login;
use crate::ports::rollout::{
    Bucket, Deployment, Organisation, RolloutCalls, SentCode, Terms, Unprocessed,
};
use crate::rollout::{Batch, LoginOf, Package, SecretState, StackState};
use crate::secret::Secret;

/// How the management account is logged in to.
#[derive(Clone, Debug)]
pub enum ManagementLogin {
    /// A login of its own, such as another profile.
    Config(Box<SdkConfig>),
    /// The ARN of a role that trusts the security account.
    Role(String),
}

/// Reads and writes what a rollout needs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rollout {
    own: SdkConfig,
    logins: Logins,
    management: Option<ManagementLogin>,
    assumed: Arc<OnceCell<Fact<SdkConfig>>>,
    /// AWS Organizations takes one change at a time.
    /// Source: Organizations API reference, ConcurrentModificationException.
    one_at_a_time: Arc<Mutex<()>>,
}

impl Rollout {
    /// Makes no call. `member_role` is the name of a role, with its path, that exists in each
    /// member and trusts the own account.
    pub fn new(
        config: &SdkConfig,
        management: Option<ManagementLogin>,
        member_role: Option<&str>,
    ) -> Rollout {
        Rollout {
            own: config.clone(),
            logins: Logins::new(config, member_role),
            management,
            assumed: Arc::default(),
            one_at_a_time: Arc::default(),
        }
    }

    /// The configuration with the login of the management account.
    pub async fn management(&self) -> Fact<SdkConfig> {
        match &self.management {
            None => Err(Unreadable::new(
                "no login of the management account is given: give --management-profile or \
                 --management-role",
            )),
            Some(ManagementLogin::Config(config)) => Ok((**config).clone()),
            Some(ManagementLogin::Role(arn)) => {
                self.assumed.get_or_init(|| self.logins.assume_role(arn)).await.clone()
            }
        }
    }

    async fn config(&self, login: LoginOf, account: &str) -> Fact<SdkConfig> {
        match login {
            LoginOf::Security => Ok(self.own.clone()),
            LoginOf::Management => self.management().await,
            LoginOf::Member => self.logins.config(Login::Member(account)).await,
        }
    }
}

impl RolloutCalls for Rollout {
    async fn organisation(&self) -> Fact<Option<Organisation>> {
        match organisation::client(&self.own).describe_organization().send().await {
            Ok(answer) => Ok(answer.organization().and_then(|one| {
                let (id, management) = (one.id()?.to_owned(), one.master_account_id()?.to_owned());
                Some(Organisation { id, management })
            })),
            Err(error) => {
                let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
                match failure::bare_code(code.unwrap_or_default()) {
                    "AWSOrganizationsNotInUseException" => Ok(None),
                    _ => {
                        let operation = "organizations:DescribeOrganization";
                        Err(failed(operation, "the organisation", &error))
                    }
                }
            }
        }
    }

    async fn stack(&self, region: &str, name: &str) -> Fact<Option<StackState>> {
        stacks::stack(&self.own, region, name).await
    }

    async fn deploy(&self, region: &str, deployment: &Deployment) -> Fact<()> {
        stacks::deploy(&self.own, region, deployment).await
    }

    async fn settled(&self, region: &str, name: &str) -> Fact<()> {
        stacks::settled(&self.own, region, name).await
    }

    async fn update(&self, region: &str, name: &str, changes: &[(String, String)]) -> Fact<()> {
        stacks::update(&self.own, region, name, changes).await
    }

    async fn sent_code(&self, region: &str, name: &str) -> Fact<SentCode> {
        let mut parameters = stacks::parameters(&self.own, region, name).await?;
        let mut take = |key: &str| parameters.remove(key).unwrap_or_default();
        Ok(SentCode {
            bucket: take("CodeBucket"),
            key: take("CodeKey"),
            version: take("CodeVersion"),
            architecture: take("Architecture"),
        })
    }

    async fn outputs(&self, region: &str, name: &str) -> Fact<BTreeMap<String, String>> {
        stacks::outputs(&self.own, region, name).await
    }

    async fn upload(&self, region: &str, bucket: &Bucket<'_>, package: &Package) -> Fact<String> {
        code::upload(&self.own, region, bucket, package).await
    }

    async fn download(&self, region: &str, bucket: &Bucket<'_>, sent: &SentCode) -> Fact<Vec<u8>> {
        code::download(&self.own, region, bucket, sent).await
    }

    async fn administrator(&self, region: &str) -> Fact<Option<String>> {
        write::administrator(&self.management().await?, region).await
    }

    async fn management_detector(&self, region: &str) -> Fact<Option<Detector>> {
        guardduty::detector(&self.management().await?, region).await
    }

    async fn administrator_of(&self, account: &str, region: &str) -> Fact<Option<String>> {
        let config = self.logins.config(Login::Member(account)).await?;
        write::administrator_of(&config, region).await
    }

    async fn bus(&self, region: &str, name: &str) -> Fact<bool> {
        match forwarder::client(&self.own, region).describe_event_bus().name(name).send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_resource_not_found_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed("events:DescribeEventBus", region, &error)),
        }
    }

    async fn secret(&self, region: &str, name: &str) -> Fact<SecretState> {
        match secrets(&self.own, region).describe_secret().secret_id(name).send().await {
            // A value that was written is one of the versions.
            Ok(answer) => Ok(match answer.version_ids_to_stages() {
                Some(versions) if !versions.is_empty() => SecretState::Set,
                _ => SecretState::Empty,
            }),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_resource_not_found_exception()) =>
            {
                Ok(SecretState::Missing)
            }
            Err(error) => Err(failed("secretsmanager:DescribeSecret", region, &error)),
        }
    }

    async fn put_secret(&self, region: &str, name: &str, value: &Secret) -> Fact<()> {
        let call = secrets(&self.own, region).put_secret_value().secret_id(name);
        let answer = call.secret_string(value.expose()).send().await;
        answer.map(drop).map_err(|error| failed("secretsmanager:PutSecretValue", region, &error))
    }

    async fn carry_out(&self, batch: &Batch, terms: &Terms) -> Fact<Unprocessed> {
        let config = self.config(batch.login, &batch.account).await?;
        let _turn = match batch.login {
            LoginOf::Management => Some(self.one_at_a_time.lock().await),
            LoginOf::Security | LoginOf::Member => None,
        };
        write::carry_out(&config, batch, terms).await
    }
}

fn secrets(config: &SdkConfig, region: &str) -> aws_sdk_secretsmanager::Client {
    use aws_sdk_secretsmanager::config::{Builder, Region};
    let builder = Builder::from(config)
        .region(Region::new(region.to_owned()))
        .retry_config(retries())
        .timeout_config(limits());
    aws_sdk_secretsmanager::Client::from_conf(builder.build())
}
