//! EventBridge's rules of the default bus.
//! Source: EventBridge API reference, DescribeRule, ListTargetsByRule.

use serde_json::{Value, json};

use super::request::{Answer, Call};
use super::state::{Held, place};

pub fn answer(held: &mut Held, call: &Call) -> Answer {
    let key = if call.operation == "DescribeRule" { "Name" } else { "Rule" };
    let name = call.text(key);
    let rules = held.rules.get(&place(&call.account, &call.region));
    let Some(rule) = rules.and_then(|rules| rules.get(name)) else {
        let why = format!("Rule {name} does not exist on EventBus default.");
        return Answer::error(400, "ResourceNotFoundException", &why);
    };
    match call.operation.as_str() {
        "DescribeRule" => Answer::ok(json!({
            "Name": name,
            "Arn": format!("arn:aws:events:{}:{}:rule/{name}", call.region, call.account),
            "EventBusName": "default",
            "EventPattern": rule.pattern,
            "State": if rule.enabled { "ENABLED" } else { "DISABLED" },
        })),
        "ListTargetsByRule" => {
            let target = |(id, arn): &(String, String)| json!({ "Id": id, "Arn": arn });
            let all: Vec<Value> = rule.targets.iter().map(target).collect();
            // The model has no empty list.
            let all = Some(all).filter(|all| !all.is_empty());
            Answer::ok(json!({ "Targets": all }))
        }
        other => panic!("the stand-in does not know {other}"),
    }
}
