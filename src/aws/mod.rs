//! Adapters to AWS. No adapter uses another one. [`SdkConfig`] is the only type of the SDK in their
//! public functions.
//!
//! Calls of the running worker are `boxed`. The future of an SDK call is large, so a move is slow,
//! and without a box every order in progress would take as much memory as the largest one.

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

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use aws_config::BehaviorVersion;
pub use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::timeout::{TimeoutConfig, TimeoutConfigBuilder};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use futures_util::FutureExt;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest text of an error in a log line, in characters.
const CAUSE_CHARS_MAX: usize = 400;

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

/// The cause of a failed call, in one bounded line: the service's code and message, or the chain of
/// causes if there was no answer. The raw answer is left out, because it may hold a secret's value.
pub(crate) fn cause<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Debug,
{
    let text = match error {
        SdkError::ServiceError(answer) => {
            let meta = answer.err().meta();
            let code = meta.code().unwrap_or("an error without a code");
            meta.message().map_or(code.to_owned(), |message| format!("{code}: {message}"))
        }
        _ => with_remedy(chain(error)),
    };
    one_line(&text, CAUSE_CHARS_MAX)
}

fn one_line(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Puts the remedy before the text of the two most common mistakes. The SDK has no type for them,
/// so they are found by their words. If the SDK changes its words, its own text remains.
pub(crate) fn with_remedy(text: String) -> String {
    for (sign, remedy) in [
        ("Missing Region", "no region is set: set AWS_REGION"),
        ("missing signing region", "no region is set: set AWS_REGION"),
        ("no credentials found", "no credentials are found: give it a role, or set AWS_PROFILE"),
    ] {
        if text.contains(sign) {
            return format!("{remedy} ({text})");
        }
    }
    text
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let part = source.to_string();
        // Wrappers often repeat the text that they wrap.
        if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        next = source.source();
    }
    text
}
