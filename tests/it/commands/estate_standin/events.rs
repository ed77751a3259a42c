//! EventBridge's rules of the default bus, and the bus `hansho`.
//! Source: EventBridge API reference, DescribeRule, ListTargetsByRule, EnableRule,
//! DescribeEventBus.

use serde_json::{Value, json};

use super::request::{Answer, Call};
use super::state::{Held, Rule, place};

pub fn answer(held: &mut Held, call: &Call) -> Answer {
    if call.operation == "DescribeEventBus" {
        return describe_bus(held, call);
    }
    if call.operation == "PutEvents" {
        let puts = |rule: &Rule| rule.enabled;
        let here = held.rules.get(&place(&call.account, &call.region));
        let arrives = here.and_then(|rules| rules.get("hansho-forwarder")).is_some_and(puts);
        assert!(arrives, "no rule takes the canary of {}", call.region);
        return Answer::ok(json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "e" }] }));
    }
    let key = if call.operation == "ListTargetsByRule" { "Rule" } else { "Name" };
    let name = call.text(key);
    let rules = held.rules.get_mut(&place(&call.account, &call.region));
    let Some(rule) = rules.and_then(|rules| rules.get_mut(name)) else {
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
        "EnableRule" => {
            rule.enabled = true;
            Answer::default()
        }
        other => panic!("the stand-in does not know {other}"),
    }
}

fn describe_bus(held: &Held, call: &Call) -> Answer {
    let name = call.text("Name");
    if name != "hansho" || !held.buses.contains(&place(&call.account, &call.region)) {
        let why = format!("Event bus {name} does not exist.");
        return Answer::error(400, "ResourceNotFoundException", &why);
    }
    let arn = format!("arn:aws:events:{}:{}:event-bus/{name}", call.region, call.account);
    Answer::ok(json!({ "Name": name, "Arn": arn }))
}
