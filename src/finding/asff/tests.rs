use super::super::json::json;
use super::*;
use crate::finding::Remark;

fn read_raw(raw: &str) -> Finding {
    read(json(raw), &Envelope::default()).unwrap()
}

#[test]
fn severities_by_label_then_number_then_provider() {
    for (severity, level, unreadable) in [
        (r#""Severity":{"Label":"CRITICAL","Normalized":1}"#, Level::Critical, false),
        (r#""Severity":{"Label":"low"}"#, Level::Low, false),
        (r#""Severity":{"Normalized":0}"#, Level::Informational, false),
        (r#""Severity":{"Normalized":"40"}"#, Level::Medium, false),
        (r#""Severity":{"Label":"odd","Normalized":90}"#, Level::Critical, false),
        (r#""Severity":"HIGH""#, Level::High, false),
        (
            r#""Severity":{},"FindingProviderFields":{"Severity":{"Label":"LOW"}}"#,
            Level::Low,
            false,
        ),
        (r#""FindingProviderFields":{"Severity":{"Normalized":70}}"#, Level::High, false),
        (r#""Severity":{"Label":"odd"}"#, Level::High, true),
        (r#""Severity":{"Product":9}"#, Level::High, true),
        (r#""Severity":{"Normalized":-1}"#, Level::High, true),
        (r#""Severity":8"#, Level::High, true),
        (r#""Title":"none""#, Level::High, true),
    ] {
        let finding = read_raw(&format!(r#"{{"Id":"f",{severity}}}"#));
        assert_eq!(finding.severity.level, level, "{severity}");
        assert_eq!(finding.severity.score, None, "{severity}");
        let said = finding.remarks.iter().any(|r| matches!(r, Remark::UnreadableSeverity(_)));
        assert_eq!(said, unreadable, "{severity}");
    }
}

#[test]
fn guardduty_scores_count_beside_a_level_that_agrees() {
    let id = "arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/f1";
    for (severity, level, score) in [
        (r#"{"Product":8.0,"Label":"HIGH"}"#, Level::High, Some(8.0)),
        (r#"{"Product":8.0}"#, Level::High, Some(8.0)),
        (r#"{"Product":2.0,"Label":"HIGH"}"#, Level::High, None),
        (r#"{"Label":"CRITICAL"}"#, Level::Critical, None),
    ] {
        let finding = read_raw(&format!(r#"{{"Id":"{id}","Severity":{severity}}}"#));
        assert_eq!((finding.severity.level, finding.severity.score), (level, score), "{severity}");
    }
}

#[test]
fn copies_have_the_identity_of_their_originals() {
    let product = |name: &str| format!("arn:aws:securityhub:eu-west-1::product/aws/{name}");
    for (id, product_arn, more, fingerprint) in [
        (
            "arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/f1",
            product("guardduty"),
            r#""AwsAccountId":"111122223333","Region":"eu-west-1""#,
            "guardduty/111122223333/us-east-1/f1",
        ),
        (
            "arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/f1",
            String::new(),
            r#""Title":"t""#,
            "guardduty/111122223333/us-east-1/f1",
        ),
        (
            "arn:aws:access-analyzer:eu-west-1:999988887777:analyzer/a/arn:aws:iam::1:role/r",
            product("access-analyzer"),
            r#""AwsAccountId":"999988887777","ProductFields":{"findingId":"u-1",
                "findingType":"UnusedIAMRole","ResourceOwnerAccount":"111122223333"}"#,
            "access-analyzer/111122223333/-/u-1",
        ),
        (
            "arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/a/arn:aws:s3:::b",
            product("access-analyzer"),
            r#""SourceUrl":"https://console.example/#/findings/details/u-2""#,
            "access-analyzer/111122223333/eu-west-1/u-2",
        ),
        (
            "0a1b",
            product("macie"),
            r#""AwsAccountId":"111122223333""#,
            "macie/111122223333/eu-west-1/0a1b",
        ),
        (
            "c-1",
            product("securityhub"),
            r#""AwsAccountId":"111122223333","Region":"eu-north-1""#,
            "securityhub/111122223333/eu-north-1/c-1",
        ),
    ] {
        let raw = format!(r#"{{"Id":"{id}","ProductArn":"{product_arn}",{more}}}"#);
        assert_eq!(read_raw(&raw).fingerprint.to_string(), fingerprint, "{raw}");
    }
}

#[test]
fn archived_by_the_product_or_settled_in_security_hub() {
    for (state, archived) in [
        (r#""RecordState":"ACTIVE","Workflow":{"Status":"NEW"}"#, false),
        (r#""RecordState":"ACTIVE","Workflow":{"Status":"NOTIFIED"}"#, false),
        (r#""RecordState":"ARCHIVED","Workflow":{"Status":"NEW"}"#, true),
        (r#""RecordState":"ACTIVE","Workflow":{"Status":"RESOLVED"}"#, true),
        (r#""RecordState":"ACTIVE","Workflow":{"Status":"SUPPRESSED"}"#, true),
        (r#""Workflow":"RESOLVED""#, false),
        (r#""Title":"t""#, false),
    ] {
        let finding = read_raw(&format!(r#"{{"Id":"f",{state}}}"#));
        assert_eq!(finding.condition.is_closed(), archived, "{state}");
    }
}

#[test]
fn everybody_is_called_so() {
    for (name, actor) in [("*", "anyone"), ("999988887777", "principal 999988887777")] {
        let raw = format!(
            r#"{{"Id":"f","Resources":[{{"Type":"AwsS3Bucket","Id":"b",
                "Details":{{"Other":{{"External Principal":"{name}"}}}}}}]}}"#
        );
        assert_eq!(read_raw(&raw).actor.unwrap().as_str(), actor, "{name}");
    }
}
