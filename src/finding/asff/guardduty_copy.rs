//! The `service` of a GuardDuty finding, as Security Hub's copy keeps it: in fields whose names are
//! paths, such as `aws/guardduty/service/action/networkConnectionAction/protocol`. The elements of
//! a list are `portProbeDetails.0_`, `portProbeDetails.1_` and so on. A list or an object may also
//! be there as an empty text. From these fields the object is built again, so a copy is read by
//! the same code as its original.
//!
//! Source: Security Hub API reference, `AwsSecurityFinding`, `ProductFields`; GuardDuty user guide,
//! "Integrating with AWS Security Hub", typical finding; GuardDuty API reference, `Service`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::super::guardduty::Observed;
use super::super::json::{Document, Json};
use super::super::lenient::Read as _;

const SERVICE: &str = "aws/guardduty/service/";
/// A service has about 20 fields, and 10 for each further probe.
const FIELDS_MAX: usize = 1_000;
/// No path of GuardDuty has more steps.
const STEPS_MAX: usize = 16;
/// The most elements of a list.
const ITEMS_MAX: usize = 100;

/// Reads what the `fields` of a copy tell.
pub(super) fn observed(fields: Json<'_>) -> Observed {
    let service = service(fields).to_string();
    Document::read(&service).map(|service| Observed::of_service(service.root())).unwrap_or_default()
}

fn service(fields: Json<'_>) -> Value {
    let mut service = Value::Object(Map::new());
    let entries = fields.entries().filter_map(|(key, value)| {
        let path = key.strip_prefix(SERVICE)?.to_owned();
        Some((path, Cow::read(value)?))
    });
    for (path, text) in entries.take(FIELDS_MAX) {
        if path.split('/').count() <= STEPS_MAX {
            put(&mut service, &path, text);
        }
    }
    service
}

/// Puts a text at the end of a path, unless there is something already.
fn put(mut place: &mut Value, path: &str, text: Cow<'_, str>) {
    for step in path.split('/') {
        let (name, index) = list_step(step).unwrap_or((step, None));
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Some(object) = place.as_object_mut() else { return };
        place = object.entry(name).or_insert(Value::Null);
        if let Some(index) = index {
            if !place.is_array() {
                *place = Value::Array(Vec::new());
            }
            let Some(items) = place.as_array_mut() else { return };
            if items.len() <= index {
                items.resize(index + 1, Value::Null);
            }
            let Some(item) = items.get_mut(index) else { return };
            place = item;
        }
    }
    if place.is_null() {
        *place = Value::String(text.into_owned());
    }
}

/// Splits `portProbeDetails.0_` into the name and the index.
fn list_step(step: &str) -> Option<(&str, Option<usize>)> {
    let (name, index) = step.strip_suffix('_')?.rsplit_once('.')?;
    let index = index.parse().ok().filter(|index| *index < ITEMS_MAX)?;
    Some((name, Some(index)))
}

#[cfg(test)]
mod tests {
    use super::super::super::json::json;
    use super::super::{Envelope, read};

    #[test]
    fn the_action_is_read_from_fields_named_by_paths() {
        let remote = |path: &str, last: u8| {
            format!(
                r#""aws/guardduty/service/action/{path}remoteIpDetails/ipAddressV4":"198.51.100.{last}",
                "aws/guardduty/service/action/{path}remoteIpDetails/country/countryName":"Italy""#
            )
        };
        let field = |path: &str, value: &str| {
            format!(r#","aws/guardduty/service/action/{path}":"{value}""#)
        };
        let connection = remote("networkConnectionAction/", 12);
        let probe = |index: u8| {
            let path = format!("portProbeAction/portProbeDetails.{index}_/");
            remote(&path, index) + &field(&format!("{path}localPortDetails/port"), "443")
        };
        for (fields, label, text) in [
            (
                connection.clone()
                    + &field("networkConnectionAction/connectionDirection", "INBOUND")
                    + &field("networkConnectionAction/localPortDetails/port", "22")
                    + &field("networkConnectionAction/localPortDetails/portName", "SSH")
                    + &field("networkConnectionAction/remotePortDetails/port", "40455")
                    + &field("networkConnectionAction/protocol", "TCP"),
                "Remote",
                "inbound from 198.51.100.12 (Italy), to port 22 (SSH), TCP",
            ),
            (
                connection
                    + &field("networkConnectionAction/connectionDirection", "OUTBOUND")
                    + &field("networkConnectionAction/remotePortDetails/port", "443"),
                "Remote",
                "outbound to 198.51.100.12:443 (Italy)",
            ),
            (
                remote("awsApiCallAction/", 7)
                    + &field("awsApiCallAction/api", "ListBuckets")
                    + &field("awsApiCallAction/serviceName", "s3.amazonaws.com"),
                "Caller",
                "198.51.100.7 (Italy) calling s3:ListBuckets",
            ),
            (remote("rdsLoginAttemptAction/", 9), "Remote", "198.51.100.9 (Italy)"),
            (
                (1..5).fold(probe(0), |all, index| all + "," + &probe(index)),
                "Remote",
                "probe of port 443 by 198.51.100.0 (Italy), 198.51.100.1 (Italy), \
                 198.51.100.2 (Italy) +2 more",
            ),
            (
                r#""a":1"#.to_owned() + &field("dnsRequestAction/domain", "pool.example"),
                "Domain",
                "pool.example",
            ),
            (
                field("dnsRequestAction/domain", "pool.example").replacen(',', "", 1)
                    + &field("dnsRequestAction/protocol", "UDP")
                    + &field("dnsRequestAction/blocked", "true"),
                "Domain",
                "pool.example (UDP, blocked)",
            ),
            (
                remote("networkConnectionAction/", 9)
                    + &field("networkConnectionAction/connectionDirection", "UNKNOWN")
                    + &field("networkConnectionAction/localPortDetails/port", "22")
                    + &field("networkConnectionAction/blocked", "true")
                    + r#","aws/guardduty/service/resourceRole":"TARGET""#,
                "Remote",
                "inbound from 198.51.100.9 (Italy), to port 22, blocked",
            ),
            (
                remote("kubernetesApiCallAction/", 9)
                    + &field("kubernetesApiCallAction/verb", "create")
                    + &field("kubernetesApiCallAction/requestUri", "/api/v1/x"),
                "Caller",
                "198.51.100.9 (Italy), create /api/v1/x",
            ),
            (
                field("awsApiCallAction/api", "CreateUser").replacen(',', "", 1)
                    + &field("awsApiCallAction/errorCode", "AccessDenied")
                    + &field("awsApiCallAction/remoteAccountDetails/accountId", "777788889999")
                    + &field("awsApiCallAction/remoteAccountDetails/affiliated", "false"),
                "Caller",
                "account 777788889999 (not affiliated) calling CreateUser (AccessDenied)",
            ),
            (
                field("awsApiCallAction/api", "ConsoleLogin").replacen(',', "", 1),
                "Call",
                "ConsoleLogin",
            ),
        ] {
            let raw = format!(
                r#"{{"Id":"arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/f",
                    "ProductFields":{{{fields}}}}}"#
            );
            let actor = read(json(&raw), &Envelope::default()).unwrap().actor.unwrap();
            assert_eq!((actor.label, actor.text.as_str()), (label, text), "{raw}");
        }
    }

    #[test]
    fn facts_and_times_are_those_of_the_original() {
        let id = "arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/f";
        let raw = format!(
            r#"{{"Id":"{id}","Resources":[{{"Type":"AwsS3Bucket","Id":"arn:aws:s3:::data"}}],
            "ProductFields":{{"aws/guardduty/service/eventFirstSeen":"2026-11-01T01:06:24.000Z",
            "aws/guardduty/service/eventLastSeen":"2026-11-02T01:07:40.000Z",
            "aws/guardduty/service/action/awsApiCallAction/affectedResources":"",
            "aws/guardduty/service/action/awsApiCallAction/affectedResources/AWS::CloudTrail::Trail":
                "org-trail",
            "aws/guardduty/service/action/awsApiCallAction/api":"StopLogging",
            "aws/guardduty/service/action/kubernetesApiCallAction/statusCode":"201",
            "aws/guardduty/service/action/kubernetesApiCallAction/userAgent":"kubectl/v1.33"}}}}"#
        );
        let finding = read(json(&raw), &Envelope::default()).unwrap();
        let facts = finding.facts.iter().map(|fact| format!("{}: {}", fact.label, fact.text));
        assert_eq!(
            facts.collect::<Vec<_>>(),
            ["Call: HTTP 201 (succeeded), kubectl/v1.33", "Affected: CloudTrail trail org-trail"]
        );
        let days = [finding.first_seen, finding.last_seen].map(|at| at.unwrap().to_rfc3339());
        assert_eq!(days, ["2026-11-01T01:06:24Z", "2026-11-02T01:07:40Z"]);
    }

    #[test]
    fn hostile_paths_are_bounded() {
        let id = "arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/f";
        let deep = ["aws/guardduty/service/", &"a/".repeat(100_000)].concat();
        let raw = format!(
            r#"{{"Id":"{id}","ProductFields":{{"{deep}":"x",
            "aws/guardduty/service/action.4000000000_/a":"x",
            "aws/guardduty/service/action/a.99_":"x","aws/guardduty/service/":"x"}}}}"#
        );
        assert_eq!(read(json(&raw), &Envelope::default()).unwrap().actor, None);
    }

    #[test]
    fn other_products_have_no_such_fields() {
        for fields in ["7", "[]", r#"{"aws/guardduty/service/action/dnsRequestAction/domain":[]}"#]
        {
            let id = "arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/f";
            let raw = format!(r#"{{"Id":"{id}","ProductFields":{fields}}}"#);
            assert_eq!(read(json(&raw), &Envelope::default()).unwrap().actor, None, "{raw}");
        }
        let raw = r#"{"Id":"f","ProductFields":{
            "aws/guardduty/service/action/dnsRequestAction/domain":"pool.example"}}"#;
        assert_eq!(read(json(raw), &Envelope::default()).unwrap().actor, None);
    }
}
