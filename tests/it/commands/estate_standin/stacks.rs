//! Stacks of CloudFormation. A stack is made or changed when it is asked for the second time.
//! Source: CloudFormation API reference, CreateStack, UpdateStack, DescribeStacks,
//! DescribeStackEvents.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::request::{Answer, Call};
use super::state::{Held, Rule, place};

const BUSY: &str = "CREATE_IN_PROGRESS";
const MADE: &str = "CREATE_COMPLETE";
const CHANGING: &str = "UPDATE_IN_PROGRESS";
const CHANGED: &str = "UPDATE_COMPLETE";
/// A change that failed, and was taken back.
const TAKEN_BACK: &str = "UPDATE_ROLLBACK_COMPLETE";
/// What `CreateStack` takes at most, in bytes.
const TEMPLATE_BYTES_MAX: usize = 51_200;

pub fn answer(held: &mut Held, call: &Call) -> Answer {
    let name = call.text("StackName").to_owned();
    let here = place(&call.account, &call.region);
    let arn = format!("arn:aws:cloudformation:{}:{}:stack/{name}/1", call.region, call.account);
    let status = held.stacks.get(&here).and_then(|stacks| stacks.get(&name)).cloned();
    match (call.operation.as_str(), status) {
        ("CreateStack", None) => create(held, call, &name, &arn),
        ("CreateStack", Some(_)) => {
            Answer::error(400, "AlreadyExistsException", &format!("Stack [{name}] already exists"))
        }
        ("UpdateStack", Some(status)) => update(held, call, &name, &arn, &status),
        ("DescribeStacks", Some(status)) => {
            let after = [(BUSY, MADE), (CHANGING, CHANGED)];
            if let Some((_, after)) = after.iter().find(|(before, _)| *before == status) {
                let stacks = held.stacks.entry(here.clone()).or_default();
                stacks.insert(name.clone(), (*after).to_owned());
            }
            let parameters = held.parameters.get(&(here, name.clone())).into_iter().flatten();
            let parameter = |(key, value): (&String, &String)| json!({ "ParameterKey": key, "ParameterValue": value.replace('<', "&lt;") });
            Answer::ok(json!({ "Stacks": [{
                "StackId": arn,
                "StackName": name,
                "CreationTime": "2026-01-01T00:00:00Z",
                "StackStatus": status,
                "Parameters": parameters.map(parameter).collect::<Vec<_>>(),
                "Outputs": outputs(call, &name),
            }]}))
        }
        ("DescribeStackEvents", Some(status)) => {
            let (resource, failed) = match status == TAKEN_BACK {
                true => ("Function", "UPDATE_FAILED"),
                false => ("Bus", "CREATE_FAILED"),
            };
            Answer::ok(json!({ "StackEvents": [{
                "StackId": arn,
                "EventId": "1",
                "StackName": name,
                "Timestamp": "2026-01-01T00:00:00Z",
                "LogicalResourceId": resource,
                "ResourceStatus": failed,
                "ResourceStatusReason": "as ordered by the test",
            }]}))
        }
        (_, None) => {
            let why = format!("Stack with id {name} does not exist");
            Answer::error(400, "ValidationError", &why)
        }
        (other, _) => panic!("the stand-in does not know {other}"),
    }
}

/// Of a change that fails all is as before.
/// Source: CloudFormation user guide, "Update stack failed".
fn update(held: &mut Held, call: &Call, name: &str, arn: &str, status: &str) -> Answer {
    assert_eq!(call.text("UsePreviousTemplate"), "true");
    assert!(!status.ends_with("_IN_PROGRESS"), "{name} is in {status}");
    let here = place(&call.account, &call.region);
    let before = held.parameters.entry((here.clone(), name.to_owned())).or_default().clone();
    let mut after = before.clone();
    for (key, value) in given(call) {
        assert!(before.contains_key(&key), "{key}: the template has no such parameter");
        if let Some(value) = value {
            after.insert(key, value);
        }
    }
    // CloudFormation takes the default of a parameter that is not given.
    let given: Vec<String> = given(call).into_keys().collect();
    assert_eq!(given, before.keys().cloned().collect::<Vec<_>>());
    if before == after {
        return Answer::error(400, "ValidationError", "No updates are to be performed.");
    }
    let status = match (held.updates_fail, held.quick_stacks) {
        (true, _) => TAKEN_BACK,
        (false, true) => CHANGED,
        (false, false) => CHANGING,
    };
    if !held.updates_fail {
        code_is_there(held, &after);
        held.parameters.insert((here.clone(), name.to_owned()), after);
    }
    held.stacks.entry(here).or_default().insert(name.to_owned(), status.to_owned());
    Answer::ok(json!({ "StackId": arn }))
}

/// CloudFormation reads the code, and Lambda starts it.
fn code_is_there(held: &Held, parameters: &BTreeMap<String, String>) {
    let [bucket, key] = ["CodeBucket", "CodeKey"].map(|name| parameters[name].clone());
    let object = held.objects.get(&(bucket, key)).expect("the worker's code");
    assert_eq!(parameters["CodeVersion"], format!("v{}", object.version));
}

fn create(held: &mut Held, call: &Call, name: &str, arn: &str) -> Answer {
    let template = call.text("TemplateBody");
    assert!((1..=TEMPLATE_BYTES_MAX).contains(&template.len()), "{}", template.len());
    let here = place(&call.account, &call.region);
    let mut status = if held.quick_stacks { MADE } else { BUSY };
    match name {
        "hansho-pipeline" => {
            held.buses.insert(here.clone());
            held.secrets.insert(here.clone(), None);
        }
        "hansho-forwarder" => {
            let targets = vec![("hansho-bus".to_owned(), parameter(call, "HomeBusArn"))];
            let rule = Rule { enabled: true, pattern: None, targets };
            held.rules.entry(here.clone()).or_default().insert(name.to_owned(), rule);
        }
        "hansho-code" => {
            held.buckets.insert(bucket(call), call.account.clone());
        }
        "hansho-worker-lambda" => {
            let given = given(call).into_iter();
            let given = given.map(|(key, value)| (key, value.unwrap_or_default())).collect();
            code_is_there(held, &given);
            held.parameters.insert((here.clone(), name.to_owned()), given);
        }
        _ => {}
    }
    if parameter(call, "AlarmEmail").starts_with("broken") {
        status = "ROLLBACK_COMPLETE";
    }
    held.stacks.entry(here).or_default().insert(name.to_owned(), status.to_owned());
    Answer::ok(json!({ "StackId": arn }))
}

/// CloudFormation makes the name of a bucket that has none.
fn bucket(call: &Call) -> String {
    format!("hansho-code-code-{}-{}", call.account, call.region)
}

fn outputs(call: &Call, stack: &str) -> Value {
    let output = |key: &str, value: String| json!([{ "OutputKey": key, "OutputValue": value }]);
    let Call { account, region, .. } = call;
    match stack {
        "hansho-code" => output("BucketName", bucket(call)),
        "hansho-pipeline" => {
            output("AlarmTopicArn", format!("arn:aws:sns:{region}:{account}:hansho-alarms"))
        }
        _ => Value::Null,
    }
}

pub fn parameter(call: &Call, key: &str) -> String {
    given(call).remove(key).flatten().unwrap_or_default()
}

/// The parameters of a request. None: the previous value.
fn given(call: &Call) -> BTreeMap<String, Option<String>> {
    let names = (1..).map(|n| format!("Parameters.member.{n}"));
    let names = names.take_while(|n| call.body[format!("{n}.ParameterKey")].is_string());
    let pair = |name: String| {
        let previous = call.text(&format!("{name}.UsePreviousValue")) == "true";
        let value = call.text(&format!("{name}.ParameterValue")).to_owned();
        (call.text(&format!("{name}.ParameterKey")).to_owned(), (!previous).then_some(value))
    };
    names.map(pair).collect()
}
