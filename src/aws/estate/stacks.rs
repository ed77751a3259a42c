//! Stacks of CloudFormation: what there is, a new one, and other parameters of one. None is
//! deleted, and no template of one is changed.
//! Source: CloudFormation API reference, DescribeStacks, CreateStack, UpdateStack,
//! DescribeStackEvents.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::retry::RetryPartition;
use aws_sdk_cloudformation::config::{Builder, Region};
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{
    Capability, Parameter, ResourceStatus, Stack, StackEvent, StackStatus,
};

use super::{failed, limits, retries};
use crate::estate::{Fact, Unreadable};
use crate::finding::Text;
use crate::ports::rollout::Deployment;
use crate::rollout::StackState;

/// How often a stack that is being made is asked for.
const POLL_EVERY: Duration = Duration::from_secs(3);
/// How often at most. The pipeline takes some three minutes.
const POLLS_MAX: usize = 400;
/// The longest status that is kept, in characters.
const STATUS_CHARS_MAX: usize = 60;
/// How long CloudFormation itself tries, in minutes.
const TIMEOUT_MINUTES: i32 = 15;

fn client(config: &SdkConfig, region: &str) -> Client {
    let builder = Builder::from(config)
        .region(Region::new(region.to_owned()))
        .retry_config(retries())
        // Else a region that fails would use up the retries of all regions.
        .retry_partition(RetryPartition::new(region.to_owned()))
        .timeout_config(limits());
    Client::from_conf(builder.build())
}

/// The state of a stack. None: there is none.
pub async fn stack(config: &SdkConfig, region: &str, name: &str) -> Fact<Option<StackState>> {
    described(&client(config, region), region, name).await
}

/// The outputs of a stack.
pub async fn outputs(
    config: &SdkConfig,
    region: &str,
    name: &str,
) -> Fact<BTreeMap<String, String>> {
    let stack = existing(&client(config, region), region, name).await?;
    let outputs = stack.outputs.unwrap_or_default().into_iter();
    Ok(outputs.filter_map(|one| one.output_key.zip(one.output_value)).collect())
}

/// The parameters of a stack.
pub async fn parameters(
    config: &SdkConfig,
    region: &str,
    name: &str,
) -> Fact<BTreeMap<String, String>> {
    let stack = existing(&client(config, region), region, name).await?;
    let parameters = stack.parameters.unwrap_or_default().into_iter();
    Ok(parameters.filter_map(|one| one.parameter_key.zip(one.parameter_value)).collect())
}

async fn existing(client: &Client, region: &str, name: &str) -> Fact<Stack> {
    let none = || Unreadable::new(&format!("there is no stack {name} in {region}"));
    found(client, region, name).await?.ok_or_else(none)
}

async fn described(client: &Client, region: &str, name: &str) -> Fact<Option<StackState>> {
    let stack = found(client, region, name).await?;
    let status = stack.as_ref().and_then(|stack| stack.stack_status());
    Ok(status.map(|status| state(status.as_str())))
}

async fn found(client: &Client, region: &str, name: &str) -> Fact<Option<Stack>> {
    let answer = client.describe_stacks().stack_name(name).send().await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
            let says = meta.and_then(|meta| meta.message()).unwrap_or_default();
            // CloudFormation has no code of its own for it.
            return match says.contains("does not exist") {
                true => Ok(None),
                false => Err(failed("cloudformation:DescribeStacks", region, &error)),
            };
        }
    };
    Ok(answer.stacks.unwrap_or_default().into_iter().next())
}

fn state(status: &str) -> StackState {
    match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_COMPLETE" => {
            StackState::Made
        }
        busy if busy.ends_with("_IN_PROGRESS") => StackState::Busy,
        other => StackState::Broken(Text::new(other, STATUS_CHARS_MAX)),
    }
}

/// Makes a stack and waits until it is there. One that is being made already is waited for.
pub async fn deploy(config: &SdkConfig, region: &str, deployment: &Deployment) -> Fact<()> {
    let client = client(config, region);
    let name = deployment.name;
    if described(&client, region, name).await?.is_none() {
        create(&client, region, deployment).await?;
    }
    wait(&client, region, name).await
}

/// Waits until a stack that is being made or changed is there.
pub async fn settled(config: &SdkConfig, region: &str, name: &str) -> Fact<()> {
    wait(&client(config, region), region, name).await
}

async fn wait(client: &Client, region: &str, name: &str) -> Fact<()> {
    for _ in 0..POLLS_MAX {
        match described(client, region, name).await? {
            Some(StackState::Made) => return Ok(()),
            Some(StackState::Busy) => tokio::time::sleep(POLL_EVERY).await,
            Some(StackState::Broken(status)) => {
                let why = first_failure(client, name).await;
                return Err(Unreadable::new(&format!(
                    "stack {name} in {region} is in {}: {why}",
                    status.as_str()
                )));
            }
            None => {
                return Err(Unreadable::new(&format!("stack {name} in {region} was deleted")));
            }
        }
    }
    Err(Unreadable::new(&format!(
        "stack {name} in {region} is still being made or changed: run this again"
    )))
}

/// Changes parameters, and waits until that is done. A repeated call changes nothing more.
pub async fn update(
    config: &SdkConfig,
    region: &str,
    name: &str,
    changes: &[(String, String)],
) -> Fact<()> {
    let client = client(config, region);
    // CloudFormation makes one change at a time.
    wait(&client, region, name).await?;
    let stack = existing(&client, region, name).await?;
    let answer = client
        .update_stack()
        .stack_name(name)
        .use_previous_template(true)
        .set_parameters(Some(changed(&stack, changes)))
        .capabilities(Capability::CapabilityNamedIam)
        .send()
        .await;
    if let Err(error) = answer {
        let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
        let says = meta.and_then(|meta| meta.message()).unwrap_or_default();
        // CloudFormation has no code of its own for it. The call was repeated.
        return match says.contains("No updates are to be performed") {
            true => Ok(()),
            false => Err(failed("cloudformation:UpdateStack", region, &error)),
        };
    }
    wait(&client, region, name).await?;
    let stack = existing(&client, region, name).await?;
    match stack.stack_status() {
        Some(StackStatus::UpdateRollbackComplete) => {
            let why = first_failure(&client, name).await;
            Err(Unreadable::new(&format!(
                "stack {name} in {region} was not changed, and is as before: {why}"
            )))
        }
        _ => Ok(()),
    }
}

/// All parameters of a stack. Those that its template does not know are left out.
fn changed(stack: &Stack, changes: &[(String, String)]) -> Vec<Parameter> {
    let keys = stack.parameters().iter().filter_map(Parameter::parameter_key);
    let parameter = |key: &str| {
        let builder = Parameter::builder().parameter_key(key);
        match changes.iter().find(|(name, _)| name == key) {
            Some((_, value)) => builder.parameter_value(value).build(),
            None => builder.use_previous_value(true).build(),
        }
    };
    keys.map(parameter).collect()
}

async fn create(client: &Client, region: &str, deployment: &Deployment) -> Fact<()> {
    let parameter = |(key, value): &(String, String)| {
        Parameter::builder().parameter_key(key).parameter_value(value).build()
    };
    let parameters = deployment.parameters.iter().map(parameter).collect();
    let answer = client
        .create_stack()
        .stack_name(deployment.name)
        .template_body(deployment.template)
        .set_parameters(Some(parameters).filter(|all: &Vec<_>| !all.is_empty()))
        .capabilities(Capability::CapabilityNamedIam)
        .timeout_in_minutes(TIMEOUT_MINUTES)
        .send()
        .await;
    match answer {
        Ok(_) => Ok(()),
        // The call was repeated.
        Err(error) if error.as_service_error().is_some_and(|e| e.is_already_exists_exception()) => {
            Ok(())
        }
        Err(error) => Err(failed("cloudformation:CreateStack", region, &error)),
    }
}

/// The reason of the resource that failed first.
async fn first_failure(client: &Client, name: &str) -> String {
    const UNKNOWN: &str = "see its events in the console";
    let Ok(answer) = client.describe_stack_events().stack_name(name).send().await else {
        return UNKNOWN.to_owned();
    };
    // The newest come first. Those before the last change are of no interest, and what was
    // cancelled says nothing of its own.
    let begins = |event: &&StackEvent| {
        event.logical_resource_id() == Some(name)
            && matches!(
                event.resource_status(),
                Some(ResourceStatus::CreateInProgress | ResourceStatus::UpdateInProgress)
            )
    };
    let failed = |event: &&StackEvent| {
        matches!(
            event.resource_status(),
            Some(ResourceStatus::CreateFailed | ResourceStatus::UpdateFailed)
        ) && event.resource_status_reason().is_some_and(|why| !why.contains("cancelled"))
    };
    let of_change = answer.stack_events().iter().take_while(|event| !begins(event));
    let failed = of_change.filter(failed).last();
    let why = failed.and_then(|event| {
        Some(format!("{}: {}", event.logical_resource_id()?, event.resource_status_reason()?))
    });
    why.unwrap_or_else(|| UNKNOWN.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_to_wait() {
        for (status, made, busy) in [
            ("CREATE_COMPLETE", true, false),
            ("UPDATE_ROLLBACK_COMPLETE", true, false),
            ("CREATE_IN_PROGRESS", false, true),
            ("ROLLBACK_IN_PROGRESS", false, true),
            ("ROLLBACK_COMPLETE", false, false),
            ("DELETE_FAILED", false, false),
        ] {
            assert_eq!(state(status) == StackState::Made, made, "{status}");
            assert_eq!(state(status) == StackState::Busy, busy, "{status}");
        }
    }
}
