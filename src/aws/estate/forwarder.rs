//! The rule of a region that forwards findings.
//! Source: EventBridge API reference, DescribeRule, ListTargetsByRule.

use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::retry::RetryPartition;
use aws_sdk_eventbridge::config::{Builder, Region};
use aws_sdk_eventbridge::types::RuleState;

use super::{failed, limits, retries};
use crate::estate::{Fact, Forwarder, ForwarderTarget};

/// The most targets that are read. A rule has at most five, unless AWS raised its quota.
/// Source: EventBridge user guide, "EventBridge quotas".
const TARGETS_MAX: i32 = 100;

pub fn client(config: &SdkConfig, region: &str) -> Client {
    let builder = Builder::from(config)
        .region(Region::new(region.to_owned()))
        .retry_config(retries())
        // Else a region that fails would use up the retries of all regions.
        .retry_partition(RetryPartition::new(region.to_owned()))
        .timeout_config(limits());
    Client::from_conf(builder.build())
}

pub async fn forwarder(config: &SdkConfig, region: &str, rule: &str) -> Fact<Option<Forwarder>> {
    let client = client(config, region);
    let described = match client.describe_rule().name(rule).send().await {
        Ok(described) => described,
        Err(error) => {
            let missing =
                error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception());
            return match missing {
                true => Ok(None),
                false => Err(failed("events:DescribeRule", region, &error)),
            };
        }
    };
    let call = client.list_targets_by_rule().rule(rule).limit(TARGETS_MAX);
    let answer = call.send().await;
    let answer = answer.map_err(|error| failed("events:ListTargetsByRule", region, &error))?;
    let target = |target: &aws_sdk_eventbridge::types::Target| ForwarderTarget {
        id: target.id().to_owned(),
        arn: target.arn().to_owned(),
    };
    Ok(Some(Forwarder {
        // A rule may also be enabled for all events of CloudTrail.
        enabled: described.state().is_some_and(|state| *state != RuleState::Disabled),
        targets: answer.targets().iter().map(target).collect(),
    }))
}
