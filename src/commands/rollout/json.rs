//! Steps as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::rollout::{Desired, READS, Step};

/// All steps, one object each, as one object.
///
/// # Errors
/// Never: all values are text.
pub fn json(desired: &Desired, steps: &[Step]) -> serde_json::Result<String> {
    let steps: Vec<Value> = steps.iter().map(step).collect();
    let reads: BTreeMap<&str, &[&str]> =
        READS.iter().map(|(login, rights)| (login.as_str(), *rights)).collect();
    let all = json!({
        "mode": desired.mode.as_str(),
        "security_account": desired.security,
        "home_region": desired.home,
        "regions": desired.regions,
        "rights_to_read": reads,
        "steps": steps,
    });
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}

fn step(step: &Step) -> Value {
    json!({
        "step": step.subject.as_str(),
        "account": step.account,
        "region": step.region,
        "action": step.action.as_str(),
        "target": step.target,
        "reason": step.reason,
        "status": step.state.as_str(),
        "error": step.error,
        "login": step.login.as_str(),
        "calls": step.calls(),
        "rights": step.rights(),
    })
}
