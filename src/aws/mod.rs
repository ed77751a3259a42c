//! Adapters to AWS. No adapter uses another one. [`SdkConfig`] is the only type of the SDK in their
//! public functions.
//!
//! Calls of the running worker are `boxed`. The future of an SDK call is large, so a move is slow,
//! and without a box every order in progress would take as much memory as the largest one.

mod cause;
pub mod dynamodb;
#[cfg(feature = "rollout")]
pub mod estate;
#[cfg(feature = "canary")]
pub mod eventbridge;
mod failure;
#[cfg(feature = "reconcile")]
pub mod guardduty;
mod http;
#[cfg(feature = "organizations")]
pub mod organizations;
pub mod secrets;
pub mod sqs;

use std::time::Duration;

use aws_config::BehaviorVersion;
pub use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::timeout::{TimeoutConfig, TimeoutConfigBuilder};
use futures_util::FutureExt;

use cause::cause;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Bounds a call, its attempts and the waits between them included.
fn time_limit(call: Duration) -> TimeoutConfigBuilder {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_timeout(call)
}

/// Reads region, credentials and endpoints as every AWS tool does: from the environment, the
/// profile, or the role of the task or function. `AWS_ENDPOINT_URL_SQS` wins over
/// `AWS_ENDPOINT_URL`, and the same holds for every service.
/// Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints".
///
/// All clients made from this configuration share one HTTP client, see `http::shared`.
pub async fn sdk_config() -> SdkConfig {
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http::shared());
    config.load().boxed().await
}

/// The same with the credentials of another profile, whatever the environment says.
#[cfg(feature = "rollout")]
pub async fn sdk_config_of_profile(profile: &str) -> SdkConfig {
    use aws_config::profile::ProfileFileCredentialsProvider;
    let credentials = ProfileFileCredentialsProvider::builder().profile_name(profile).build();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http::shared());
    config.profile_name(profile).credentials_provider(credentials).load().boxed().await
}

/// The same configuration in another region.
#[cfg(feature = "rollout")]
pub fn in_region(config: &SdkConfig, region: &str) -> SdkConfig {
    config.to_builder().region(aws_config::Region::new(region.to_owned())).build()
}
