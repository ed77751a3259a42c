//! The secret `hansho/slack` of Secrets Manager.
//! Source: Secrets Manager API reference, DescribeSecret, PutSecretValue.

use serde_json::json;

use super::request::{Answer, Call};
use super::state::{Held, place};

pub fn answer(held: &mut Held, call: &Call) -> Answer {
    let name = call.text("SecretId");
    let secret = held.secrets.get_mut(&place(&call.account, &call.region));
    let Some(value) = secret.filter(|_| name == "hansho/slack") else {
        let why = "Secrets Manager can't find the specified secret.";
        return Answer::error(400, "ResourceNotFoundException", why);
    };
    const VERSION: &str = "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111";
    let arn =
        format!("arn:aws:secretsmanager:{}:{}:secret:{name}-AbCdEf", call.region, call.account);
    match call.operation.as_str() {
        "DescribeSecret" => {
            let versions = value.as_ref().map(|_| json!({ VERSION: ["AWSCURRENT"] }));
            Answer::ok(json!({ "ARN": arn, "Name": name, "VersionIdsToStages": versions }))
        }
        "PutSecretValue" => {
            *value = Some(call.text("SecretString").to_owned());
            let stages = ["AWSCURRENT"];
            Answer::ok(json!({
                "ARN": arn, "Name": name, "VersionId": VERSION, "VersionStages": stages,
            }))
        }
        other => panic!("the stand-in does not know {other}"),
    }
}
