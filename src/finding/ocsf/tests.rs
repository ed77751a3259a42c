use super::super::json::json;
use super::*;
use crate::finding::Remark;

fn read_raw(raw: &str) -> Finding {
    read(json(raw), &Envelope::default()).unwrap()
}

#[test]
fn severities_by_number_then_word_then_vendor() {
    for (severity, level, unreadable) in [
        (r#""severity_id":1"#, Level::Informational, false),
        (r#""severity_id":"2""#, Level::Low, false),
        (r#""severity_id":3,"severity":"High""#, Level::Medium, false),
        (r#""severity_id":4"#, Level::High, false),
        (r#""severity_id":5"#, Level::Critical, false),
        (r#""severity_id":6"#, Level::Critical, false),
        (r#""severity_id":99,"severity":"Low""#, Level::Low, false),
        (r#""severity":"Fatal""#, Level::Critical, false),
        (r#""vendor_attributes":{"severity_id":2}"#, Level::Low, false),
        (r#""severity_id":0"#, Level::High, true),
        (r#""severity_id":99,"severity":"odd""#, Level::High, true),
        (r#""count":1"#, Level::High, true),
    ] {
        let finding = read_raw(&format!(r#"{{"finding_info":{{"uid":"f"}},{severity}}}"#));
        assert_eq!(finding.severity.level, level, "{severity}");
        let said = finding.remarks.iter().any(|r| matches!(r, Remark::UnreadableSeverity(_)));
        assert_eq!(said, unreadable, "{severity}");
    }
}

#[test]
fn identity_is_the_original_where_it_is_a_copy() {
    for (info, more, fingerprint) in [
        (
            r#"{"uid":"arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/f1"}"#,
            r#""cloud":{"account":{"uid":111122223333},"region":"eu-west-1"}"#,
            "guardduty/111122223333/us-east-1/f1",
        ),
        (
            r#"{"uid":"arn:aws:inspector2:us-east-1:111122223333:finding/f2"}"#,
            r#""cloud":{}"#,
            "inspector/111122223333/us-east-1/f2",
        ),
        (
            r#"{"uid_alt":"f3"}"#,
            r#""metadata":{"product":{"name":"Box","vendor_name":"Example"}},
                "resources":[{"owner":{"account":{"uid":"111122223333"}},
                    "region":"eu-west-1"}]"#,
            "example:box/111122223333/eu-west-1/f3",
        ),
        (r#"{"uid":"f4"}"#, r#""resources":[{"region":"global"}]"#, "securityhub/-/-/f4"),
        (
            r#"{"uid":"arn:aws:securityhub:eu-west-1:111122223333:security-control/S3.8/finding/1"}"#,
            r#""metadata":{"product":{"uid":"arn:aws:securityhub:r::productv2/aws/securityhub"}},
                "resources":[{"uid":"arn:aws:s3:::data"}]"#,
            "securityhub/111122223333/eu-west-1/control/S3.8/arn:aws:s3:::data",
        ),
        (
            r#"{"uid":"c1"}"#,
            r#""metadata":{"product":{"uid":"arn:aws:securityhub:r::productv2/aws/securityhub"}},
                "compliance":{"control":"Config.1"},
                "resources":[{"uid":"111122223333","type":"AWS::::Account"}]"#,
            "securityhub/-/-/control/Config.1/AWS::::Account:111122223333",
        ),
        ("{}", r#""metadata":{"uid":"m1"}"#, "securityhub/-/-/m1"),
    ] {
        let raw = format!(r#"{{"class_uid":2004,"finding_info":{info},{more}}}"#);
        assert_eq!(read_raw(&raw).fingerprint.to_string(), fingerprint, "{raw}");
    }
}

fn condition_of(product_arn: &str, status: &str) -> Condition {
    read_raw(&format!(
        r#"{{"finding_info":{{"uid":"f"}},
            "metadata":{{"product":{{"uid":"{product_arn}"}}}},{status}}}"#
    ))
    .condition
}

#[test]
fn in_security_hub_the_status_is_how_people_handled_it() {
    use Closing::{Resolved, Suppressed};
    use FindingState::{Closed, Open};
    let hub = "arn:aws:securityhub:eu-west-1::productv2/aws/guardduty";
    for (status, product, handling) in [
        (r#""status_id":1"#, Open, Some(Open)),
        (r#""status_id":"2","status":"Resolved""#, Open, Some(Open)),
        (r#""status_id":3"#, Open, Some(Closed(Suppressed))),
        (r#""status_id":4"#, Open, Some(Closed(Resolved))),
        (r#""status_id":5"#, Closed(Suppressed), None),
        (r#""status":"Archived""#, Closed(Suppressed), None),
        (r#""status":"suppressed""#, Open, Some(Closed(Suppressed))),
        (r#""status_id":99,"status":"Resolved""#, Open, Some(Closed(Resolved))),
        (r#""status_id":0,"status":"odd""#, Open, Some(Open)),
        (r#""status_id":6"#, Open, None),
        (r#""status_id":[4],"status":{}"#, Open, None),
        (r#""count":1"#, Open, None),
        (r#""activity_id":3,"status_id":1"#, Closed(Resolved), Some(Open)),
        (r#""activity_name":"Close""#, Closed(Resolved), None),
        (r#""activity_id":2,"activity_name":"Close""#, Open, None),
        (r#""compliance":{"status_id":1},"status_id":1"#, Closed(Resolved), Some(Open)),
        (r#""compliance":{"status":"Pass"}"#, Closed(Resolved), None),
        (r#""compliance":{"status_id":99,"status":"PASS"}"#, Closed(Resolved), None),
        (r#""compliance":{"status_id":2,"status":"Pass"}"#, Open, None),
        (r#""compliance":{"status_id":3,"status":"Fail"}"#, Open, None),
        (r#""compliance":"Pass""#, Open, None),
    ] {
        let got = condition_of(hub, status);
        assert_eq!((got.product, got.handling), (product, handling), "{status}");
    }
}

#[test]
fn elsewhere_the_status_is_the_products() {
    use Closing::{Resolved, Suppressed};
    use FindingState::{Closed, Open};
    for (status, product) in [
        (r#""status_id":1"#, Open),
        (r#""status_id":3"#, Closed(Suppressed)),
        (r#""status_id":4"#, Closed(Resolved)),
        (r#""status_id":5"#, Closed(Suppressed)),
        (r#""status_id":99"#, Open),
        (r#""status":"Resolved""#, Closed(Resolved)),
        (r#""status":"New""#, Open),
    ] {
        let got = condition_of("box", status);
        assert_eq!((got.product, got.handling), (product, None), "{status}");
    }
}

#[test]
fn the_state_is_as_old_as_its_processing() {
    for (times, at) in [
        (r#""logged_time":1795000000000,"processed_time":1795000001000"#, Some(1_795_000_001_000)),
        (r#""logged_time_dt":"2026-11-18T09:46:40Z""#, Some(1_794_995_200_000)),
        (r#""modified_time":1795000000000"#, None),
    ] {
        let raw = format!(r#"{{"finding_info":{{"uid":"f"}},"metadata":{{{times}}}}}"#);
        assert_eq!(read_raw(&raw).condition.observed_at.map(|at| at.0), at, "{times}");
    }
}

#[test]
fn nothing_is_said_twice_and_nothing_unknown() {
    let bucket = r#"{"type":"AWS::S3::Bucket","uid":"arn:aws:s3:::data"}"#;
    let finding = read_raw(&format!(
        r#"{{"finding_info":{{"uid":"f"}},"resources":[{bucket},{bucket}],"evidences":[{{
            "actor":{{"user":{{"type":"Root","name":"Root","credential_uid":"AKIAEXAMPLE"}}}},
            "src_endpoint":{{"ip":"198.51.100.7",
                "location":{{"city":"","country":"Unknown"}}}}}}]}}"#
    ));
    assert_eq!(finding.resource.unwrap().as_str(), "S3 bucket data");
    let actor = "root user (credential AKIAEXAMPLE), from 198.51.100.7";
    assert_eq!(finding.actor.unwrap().text.as_str(), actor);
}
