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
                "resources":[{"owner":{"account":{"uid":"111122223333"}},"region":"r"}]"#,
            "example:box/111122223333/r/f3",
        ),
        ("{}", r#""metadata":{"uid":"m1"}"#, "securityhub/-/-/m1"),
    ] {
        let raw = format!(r#"{{"class_uid":2004,"finding_info":{info},{more}}}"#);
        assert_eq!(read_raw(&raw).fingerprint.to_string(), fingerprint, "{raw}");
    }
}

#[test]
fn archived_suppressed_and_resolved_are_done_with() {
    for (status, archived) in [
        (r#""status_id":1"#, false),
        (r#""status_id":2,"status":"In Progress""#, false),
        (r#""status_id":3"#, true),
        (r#""status_id":4"#, true),
        (r#""status_id":5"#, true),
        (r#""status_id":99"#, false),
        (r#""status":"Resolved""#, true),
        (r#""status":"New""#, false),
    ] {
        let finding = read_raw(&format!(r#"{{"finding_info":{{"uid":"f"}},{status}}}"#));
        assert_eq!(finding.condition.is_closed(), archived, "{status}");
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
    assert_eq!(finding.actor.unwrap().as_str(), actor);
}
