//! Logins: the own one, and those of a role in each member.
//! Source: STS API reference, AssumeRole, GetCallerIdentity.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::{Builder, Credentials, Region, SharedCredentialsProvider};
use tokio::sync::OnceCell;

use super::{REGION_DEFAULT, failed, limits, retries};
use crate::estate::{Caller, Fact, Unreadable};
use crate::ports::estate::Login;

/// Shown in CloudTrail. Source: STS API reference, AssumeRole, `RoleSessionName`.
const SESSION_NAME: &str = "hansho";

/// The login of one member, made once.
type Assumed = Arc<OnceCell<Fact<SdkConfig>>>;

/// Makes each login once. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Logins {
    own: SdkConfig,
    sts: Client,
    role: Option<Arc<str>>,
    caller: Arc<OnceCell<Fact<Caller>>>,
    assumed: Arc<Mutex<HashMap<String, Assumed>>>,
}

impl Logins {
    pub fn new(config: &SdkConfig, role: Option<&str>) -> Logins {
        let region = config.region().cloned();
        let builder = Builder::from(config)
            .region(region.unwrap_or_else(|| Region::from_static(REGION_DEFAULT)))
            .retry_config(retries())
            .timeout_config(limits());
        Logins {
            own: config.clone(),
            sts: Client::from_conf(builder.build()),
            role: role.map(Arc::from),
            caller: Arc::default(),
            assumed: Arc::default(),
        }
    }

    pub async fn caller(&self) -> Fact<Caller> {
        self.caller.get_or_init(|| self.ask_caller()).await.clone()
    }

    /// The configuration with the login's credentials.
    pub async fn config(&self, login: Login<'_>) -> Fact<SdkConfig> {
        let Login::Member(account) = login else { return Ok(self.own.clone()) };
        let cell = {
            let mut assumed = self.assumed.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(assumed.entry(account.to_owned()).or_default())
        };
        cell.get_or_init(|| self.assume(account)).await.clone()
    }

    async fn ask_caller(&self) -> Fact<Caller> {
        let answer = self.sts.get_caller_identity().send().await;
        let answer = answer.map_err(|error| failed("sts:GetCallerIdentity", "STS", &error))?;
        // `arn:aws:sts::111122223333:assumed-role/…`
        let partition = answer.arn().and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws");
        let account = answer
            .account()
            .ok_or_else(|| Unreadable::new("sts:GetCallerIdentity: the answer names no account"))?;
        Ok(Caller { account: account.to_owned(), partition: partition.to_owned() })
    }

    async fn assume(&self, account: &str) -> Fact<SdkConfig> {
        let role = self.role.as_deref().ok_or_else(|| {
            Unreadable::new("no role in the account is named: give --member-role")
        })?;
        let partition = self.caller().await?.partition;
        let arn = format!("arn:{partition}:iam::{account}:role/{}", role.trim_start_matches('/'));
        self.assume_role(&arn).await
    }

    /// The configuration with the credentials of any role that trusts the own account.
    pub async fn assume_role(&self, arn: &str) -> Fact<SdkConfig> {
        let call = self.sts.assume_role().role_arn(arn).role_session_name(SESSION_NAME);
        let answer = call.send().await;
        let answer = answer.map_err(|error| failed("sts:AssumeRole", arn, &error))?;
        let given = answer.credentials().ok_or_else(|| {
            Unreadable::new(&format!("sts:AssumeRole of {arn}: the answer has no credentials"))
        })?;
        // They are valid for an hour, and a command takes minutes.
        let credentials = Credentials::new(
            given.access_key_id(),
            given.secret_access_key(),
            Some(given.session_token().to_owned()),
            None,
            "AssumeRole",
        );
        let provider = SharedCredentialsProvider::new(credentials);
        Ok(self.own.to_builder().credentials_provider(provider).build())
    }
}
