//! Reads webhook addresses from Secrets Manager, or from Parameter Store with the feature `ssm`.
//!
//! The worker reads them at its start, and again when Slack rejects an address for good. No error
//! contains any part of the value.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{Builder, Region};
use futures_util::FutureExt;

use super::{cause, time_limit};

const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bounds a read with all its attempts and the waits between them.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// The SDK may retry here: reads are rare, write nothing, and block no order of the desk.
const ATTEMPTS_MAX: u32 = 3;

/// Reads a secret that is text: the whole text, or the member `json_key` of a JSON object. White
/// space around it is dropped. `name` is the secret's name or its ARN. An ARN also sets the region.
///
/// The error names the secret and the cause, never the value.
pub async fn read_secret(
    config: &SdkConfig,
    name: &str,
    json_key: Option<&str>,
) -> Result<String, String> {
    let mut builder = Builder::from(config).retry_config(retries()).timeout_config(timeouts());
    if let Some(region) = region_of_arn(name) {
        builder = builder.region(Region::new(region.to_owned()));
    }
    let answer = Client::from_conf(builder.build())
        .get_secret_value()
        .secret_id(name)
        .send()
        .boxed()
        .await
        .map_err(|error| format!("secret {name:?} can't be read: {}", cause(&error)))?;
    let text = answer
        .secret_string()
        .ok_or_else(|| format!("secret {name:?} is binary: store the webhook's address as text"))?;
    match json_key {
        Some(key) => member(text, key).map_err(|why| format!("secret {name:?} {why}")),
        None => whole(text).map_err(|why| format!("secret {name:?} {why}")),
    }
}

/// Reads and decrypts a parameter of Parameter Store. `name` is its name or its ARN. An ARN also
/// sets the region. The error names the parameter and the cause, never the value.
#[cfg(feature = "ssm")]
pub async fn read_parameter(config: &SdkConfig, name: &str) -> Result<String, String> {
    let mut builder = aws_sdk_ssm::config::Builder::from(config)
        .retry_config(retries())
        .timeout_config(timeouts());
    if let Some(region) = region_of_arn(name) {
        builder = builder.region(Region::new(region.to_owned()));
    }
    let answer = aws_sdk_ssm::Client::from_conf(builder.build())
        .get_parameter()
        .name(name)
        .with_decryption(true)
        .send()
        .boxed()
        .await
        .map_err(|error| format!("parameter {name:?} can't be read: {}", cause(&error)))?;
    let text = answer.parameter().and_then(|parameter| parameter.value()).unwrap_or_default();
    whole(text).map_err(|why| format!("parameter {name:?} {why}"))
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX)
}

fn timeouts() -> TimeoutConfig {
    time_limit(READ_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build()
}

/// The region of `arn:PARTITION:SERVICE:REGION:ACCOUNT:…`. None for a plain name.
fn region_of_arn(name: &str) -> Option<&str> {
    let mut parts = name.strip_prefix("arn:")?.splitn(5, ':');
    parts.nth(2).filter(|region| !region.is_empty())
}

fn whole(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("is empty"),
        text => Ok(text.to_owned()),
    }
}

/// Leaves out the parser's own error, because it may quote the secret.
fn member(text: &str, key: &str) -> Result<String, String> {
    let value: serde_json::Value = serde_json::from_str(text)
        .map_err(|_| format!("is no JSON, so it has no key {key:?}: leave out \"#{key}\""))?;
    let object = value.as_object().ok_or_else(|| {
        format!("is no JSON object, so it has no key {key:?}: leave out \"#{key}\"")
    })?;
    let found = object.get(key).ok_or_else(|| format!("has no key {key:?}"))?;
    let text = found.as_str().ok_or_else(|| format!("holds no text under key {key:?}"))?;
    whole(text).map_err(|why| format!("{why} under key {key:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_says_its_region_and_a_name_does_not() {
        for (name, region) in [
            (
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hansho/slack-AbCdEf",
                Some("eu-west-1"),
            ),
            ("arn:aws-cn:ssm:cn-north-1:123456789012:parameter/hansho", Some("cn-north-1")),
            ("arn:aws:secretsmanager::123456789012:secret:x", None),
            ("arn:aws", None),
            ("hansho/slack", None),
            ("", None),
        ] {
            assert_eq!(region_of_arn(name), region, "{name}");
        }
    }

    #[test]
    fn a_member_is_found_or_the_error_says_so_without_the_value() {
        for (text, answer) in [
            (r#"{"url": " https://x.example/a\n", "n": 1}"#, Ok("https://x.example/a")),
            (r#"{"other": "hush"}"#, Err("has no key")),
            (r#"{"url": ["hush"]}"#, Err("holds no text")),
            (r#"{"url": "  "}"#, Err("is empty under key")),
            (r#"["hush"]"#, Err("is no JSON object")),
            (r#""hush""#, Err("is no JSON object")),
            ("hush", Err("is no JSON,")),
        ] {
            match (member(text, "url"), answer) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(why), Err(part)) => {
                    assert!(why.contains(part) && !why.contains("hush"), "{text}: {why}");
                }
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
