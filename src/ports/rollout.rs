//! Port to what a rollout reads beside the estate, and to what it writes.

use std::collections::BTreeMap;
use std::future::Future;

use crate::estate::{Detector, Fact, Frequency};
use crate::rollout::{Batch, Package, SecretState, StackState};
use crate::secret::Secret;

/// Accounts that a call did not change, each with the reason.
pub type Unprocessed = BTreeMap<String, String>;

/// What is the same in all calls of a rollout.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The security account.
    pub security: String,
    pub frequency: Frequency,
    /// The name of the rule that forwards findings.
    pub rule: String,
    /// Whether GuardDuty writes to the owner of an account that it invites.
    pub mail_invitations: bool,
}

/// An organisation, as every account of it may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// Such as `o-a1b2c3d4e5`.
    pub id: String,
    /// The account that it belongs to.
    pub management: String,
}

/// A new stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    pub name: &'static str,
    pub template: &'static str,
    /// Names and values. The others keep their defaults.
    pub parameters: Vec<(String, String)>,
}

/// Where the worker's code is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bucket<'a> {
    pub name: &'a str,
    /// The account that the bucket must be of.
    pub owner: &'a str,
    pub partition: &'a str,
}

/// The code that a worker was made of, by the parameters of its stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentCode {
    pub bucket: String,
    pub key: String,
    /// Empty: the newest.
    pub version: String,
    /// The processor that it is for, in the word of Lambda.
    pub architecture: String,
}

/// What a rollout reads and writes. Throttles and lost connections are retried by the adapter, a
/// bounded number of times. A write may be repeated after a run that was killed: one that finds its
/// work done answers as if it had done it.
pub trait RolloutCalls: Send + Sync {
    /// None: the own account is in no organisation.
    fn organisation(&self) -> impl Future<Output = Fact<Option<Organisation>>> + Send;

    /// None: there is no such stack.
    fn stack(
        &self,
        region: &str,
        name: &str,
    ) -> impl Future<Output = Fact<Option<StackState>>> + Send;

    /// Makes a stack, and waits until it is there. One that is being made is waited for.
    fn deploy(
        &self,
        region: &str,
        deployment: &Deployment,
    ) -> impl Future<Output = Fact<()>> + Send;

    /// Waits until a stack that is being made or changed is there.
    fn settled(&self, region: &str, name: &str) -> impl Future<Output = Fact<()>> + Send;

    /// Changes parameters of a stack, and waits until that is done. Its template and all other
    /// parameters stay as they are. A change that is under way is waited for before.
    fn update(
        &self,
        region: &str,
        name: &str,
        changes: &[(String, String)],
    ) -> impl Future<Output = Fact<()>> + Send;

    /// The code of the worker's stack. It must be there.
    fn sent_code(&self, region: &str, name: &str) -> impl Future<Output = Fact<SentCode>> + Send;

    /// The outputs of a stack. It must be there.
    fn outputs(
        &self,
        region: &str,
        name: &str,
    ) -> impl Future<Output = Fact<BTreeMap<String, String>>> + Send;

    /// Sends the code, unless it is there already. Returns the version of its object; empty if the
    /// bucket keeps none.
    fn upload(
        &self,
        region: &str,
        bucket: &Bucket<'_>,
        package: &Package,
    ) -> impl Future<Output = Fact<String>> + Send;

    /// The bytes of the code that a worker was made of.
    fn download(
        &self,
        region: &str,
        bucket: &Bucket<'_>,
        code: &SentCode,
    ) -> impl Future<Output = Fact<Vec<u8>>> + Send;

    /// GuardDuty's delegated administrator, with the login of the management account.
    fn administrator(&self, region: &str) -> impl Future<Output = Fact<Option<String>>> + Send;

    /// The detector of the management account, with its login.
    fn management_detector(
        &self,
        region: &str,
    ) -> impl Future<Output = Fact<Option<Detector>>> + Send;

    /// The administrator that a member has now, with the role in the member.
    fn administrator_of(
        &self,
        account: &str,
        region: &str,
    ) -> impl Future<Output = Fact<Option<String>>> + Send;

    /// Whether the event bus exists.
    fn bus(&self, region: &str, name: &str) -> impl Future<Output = Fact<bool>> + Send;

    fn secret(&self, region: &str, name: &str) -> impl Future<Output = Fact<SecretState>> + Send;

    /// Writes the value of the secret.
    fn put_secret(
        &self,
        region: &str,
        name: &str,
        value: &Secret,
    ) -> impl Future<Output = Fact<()>> + Send;

    /// Makes the call of a batch. [`Self::put_secret`] writes a secret, [`Self::deploy`] makes a
    /// stack.
    fn carry_out(
        &self,
        batch: &Batch,
        terms: &Terms,
    ) -> impl Future<Output = Fact<Unprocessed>> + Send;
}
