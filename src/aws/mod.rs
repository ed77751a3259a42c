//! Adapters to AWS. None knows another, and no type of the SDK comes out of them but the one that
//! goes into all of them, [`SdkConfig`].
//!
//! What the worker calls all the time is `boxed`: the future of an SDK's call is so large that it is
//! dear to move, and every order that is under way would take as much memory as the largest.

pub mod dynamodb;
#[cfg(feature = "canary")]
pub mod eventbridge;
mod failure;
#[cfg(feature = "reconcile")]
pub mod guardduty;
mod http;
pub mod secrets;
pub mod sqs;

use std::error::Error;
use std::fmt::Debug;

use aws_config::BehaviorVersion;
pub use aws_config::SdkConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use futures_util::FutureExt;

/// How much of an error's text is worth a log line.
const CAUSE_CHARS_MAX: usize = 400;

/// Region, credentials and endpoints from where every AWS tool takes them: the environment, the
/// profile, the task's or the function's role. `AWS_ENDPOINT_URL` and its forms for one service,
/// such as `AWS_ENDPOINT_URL_SQS`, are honoured, and the one for the service wins.
/// Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints".
///
/// All clients that are made of it share one HTTP client, see [`http::shared`].
pub async fn sdk_config() -> SdkConfig {
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http::shared());
    config.load().boxed().await
}

/// What went wrong with a call, in one bounded line: the service's own code and message, or the
/// chain of causes if there was no answer. The raw answer is left out on purpose, for it may hold a
/// secret's value.
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
    text.chars().take(CAUSE_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Says first what to do about the two mistakes that everybody makes once. The SDK has no type for
/// them; if it words them differently one day, its words still stand.
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
        // Wrappers often repeat what they wrap.
        if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        next = source.source();
    }
    text
}
