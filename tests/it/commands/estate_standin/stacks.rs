//! Stacks of CloudFormation. A stack is made when it is asked for the second time.
//! Source: CloudFormation API reference, CreateStack, DescribeStacks, DescribeStackEvents.

use serde_json::{Value, json};

use super::request::{Answer, Call};
use super::state::{Held, Rule, place};

const BUSY: &str = "CREATE_IN_PROGRESS";
const MADE: &str = "CREATE_COMPLETE";
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
        ("DescribeStacks", Some(status)) => {
            if status == BUSY {
                let stacks = held.stacks.entry(here).or_default();
                stacks.insert(name.clone(), MADE.to_owned());
            }
            Answer::ok(json!({ "Stacks": [{
                "StackId": arn,
                "StackName": name,
                "CreationTime": "2026-01-01T00:00:00Z",
                "StackStatus": status,
                "Outputs": outputs(call, &name),
            }]}))
        }
        ("DescribeStackEvents", Some(_)) => Answer::ok(json!({ "StackEvents": [{
            "StackId": arn,
            "EventId": "1",
            "StackName": name,
            "Timestamp": "2026-01-01T00:00:00Z",
            "LogicalResourceId": "Bus",
            "ResourceStatus": "CREATE_FAILED",
            "ResourceStatusReason": "as ordered by the test",
        }]})),
        (_, None) => {
            let why = format!("Stack with id {name} does not exist");
            Answer::error(400, "ValidationError", &why)
        }
        (other, _) => panic!("the stand-in does not know {other}"),
    }
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
            // CloudFormation reads the code, and Lambda starts it.
            let [bucket, key] = ["CodeBucket", "CodeKey"].map(|name| parameter(call, name));
            let object = held.objects.get(&(bucket, key)).expect("the worker's code");
            assert_eq!(parameter(call, "CodeVersion"), format!("v{}", object.version));
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
    let names = (1..).map(|n| format!("Parameters.member.{n}"));
    let mut names = names.take_while(|n| call.body[format!("{n}.ParameterKey")].is_string());
    let found = names.find(|name| call.text(&format!("{name}.ParameterKey")) == key);
    let value = found.map(|name| call.text(&format!("{name}.ParameterValue")).to_owned());
    value.unwrap_or_default()
}
