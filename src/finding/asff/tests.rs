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
fn the_record_the_check_and_the_workflow_tell_the_state() {
    use Closing::{Resolved, Suppressed};
    use FindingState::{Closed, Open};
    let new = r#""Workflow":{"Status":"NEW"}"#;
    for (state, product, handling) in [
        (format!(r#""RecordState":"ACTIVE",{new}"#), Open, Some(Open)),
        (r#""Workflow":{"Status":"NOTIFIED"}"#.to_owned(), Open, Some(Open)),
        (format!(r#""RecordState":"ARCHIVED",{new}"#), Closed(Resolved), Some(Open)),
        (format!(r#""Compliance":{{"Status":"PASSED"}},{new}"#), Closed(Resolved), Some(Open)),
        (r#""Compliance":{"Status":"FAILED"}"#.to_owned(), Open, None),
        (r#""Compliance":{"Status":"WARNING"}"#.to_owned(), Open, None),
        (r#""Compliance":{"Status":"NOT_AVAILABLE"}"#.to_owned(), Open, None),
        (r#""Workflow":{"Status":"RESOLVED"}"#.to_owned(), Open, Some(Closed(Resolved))),
        (r#""Workflow":{"Status":"SUPPRESSED"}"#.to_owned(), Open, Some(Closed(Suppressed))),
        (
            r#""Compliance":{"Status":"PASSED"},"Workflow":{"Status":"SUPPRESSED"}"#.to_owned(),
            Closed(Resolved),
            Some(Closed(Suppressed)),
        ),
        // A word that hansho does not know.
        (r#""Workflow":{"Status":"DEFERRED"},"RecordState":"GONE""#.to_owned(), Open, Some(Open)),
        // The older field, and values of other types.
        (r#""WorkflowState":"RESOLVED""#.to_owned(), Open, None),
        (r#""Workflow":"RESOLVED","Compliance":"PASSED""#.to_owned(), Open, None),
        (r#""RecordState":["ARCHIVED"],"Workflow":{"Status":null}"#.to_owned(), Open, None),
        (r#""Title":"t""#.to_owned(), Open, None),
        // The field of GuardDuty in another product's finding.
        (r#""ProductFields":{"aws/guardduty/service/archived":"true"}"#.to_owned(), Open, None),
    ] {
        let got = read_raw(&format!(r#"{{"Id":"f",{state}}}"#)).condition;
        assert_eq!((got.product, got.handling), (product, handling), "{state}");
    }
}

#[test]
fn guarddutys_own_flag_decides_before_security_hubs_record() {
    use Closing::{Resolved, Suppressed};
    let id = "arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/f1";
    for (archived, record, closed) in [
        ("true", "ARCHIVED", Some(Suppressed)),
        ("true", "ACTIVE", Some(Suppressed)),
        ("false", "ARCHIVED", Some(Resolved)),
        ("odd", "ARCHIVED", Some(Resolved)),
        ("false", "ACTIVE", None),
    ] {
        let raw = format!(
            r#"{{"Id":"{id}","RecordState":"{record}",
                "ProductFields":{{"aws/guardduty/service/archived":"{archived}"}}}}"#
        );
        let product = read_raw(&raw).condition.product;
        assert_eq!(product.closed(), closed, "{archived} {record}");
    }
}

#[test]
fn a_control_has_one_identity_in_all_standards() {
    let hub = "arn:aws:securityhub:eu-west-1";
    let raw = |product: &str, id: &str| {
        format!(
            r#"{{"Id":"{id}","ProductArn":"{hub}::product/aws/{product}","Region":"eu-west-1",
            "AwsAccountId":"111122223333","Compliance":{{"SecurityControlId":"EC2.19",
                "AssociatedStandards":[{{"StandardsId":"standards/pci-dss/v/3.2.1"}},{{}},7]}},
            "ProductFields":{{"StandardsArn":"arn:aws:securityhub:::standards/pci-dss/v/3.2.1",
                "StandardsGuideArn":"own"}},
            "Resources":[{{"Id":"sg-1"}},{{"Id":"sg-2"}}]}}"#
        )
    };
    let (one, other) = (read_raw(&raw("securityhub", "f1")), read_raw(&raw("securityhub", "f2")));
    let print = "securityhub/111122223333/eu-west-1/control/EC2.19/sg-1";
    assert_eq!(one.fingerprint.to_string(), print);
    assert_eq!(one.fingerprint, other.fingerprint);
    assert_ne!(one.member, other.member);
    assert_eq!(one.member.unwrap().as_str().len(), Finding::MEMBER_CHARS_MAX);
    let names: Vec<_> = one.standards.iter().map(Text::as_str).collect();
    assert_eq!(names, ["PCI DSS v3.2.1", "own"]);
    let foreign = read_raw(&raw("config", "f1"));
    assert_eq!(foreign.fingerprint.to_string(), "aws:config/111122223333/eu-west-1/f1");
    assert_eq!(foreign.member, None);
}

#[test]
fn parts_of_a_malformed_arn_are_not_shown() {
    for (id, fingerprint) in [
        (
            "arn:aws:eu-west-1:guardduty:111122223333:detector/d/finding/f1",
            "securityhub/111122223333/-/arn:aws:eu-west-1:guardduty:111122223333:detector/d/finding/f1",
        ),
        ("arn:aws:guardduty:guardduty:x:detector/d/finding/f1", "guardduty/-/-/f1"),
        (
            "arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/f1",
            "guardduty/111122223333/us-east-1/f1",
        ),
    ] {
        let finding = read_raw(&format!(r#"{{"Id":"{id}"}}"#));
        assert_eq!(finding.fingerprint.to_string(), fingerprint, "{id}");
    }
}

#[test]
fn everybody_is_called_so() {
    for (name, actor) in [("*", "anyone"), ("999988887777", "999988887777")] {
        let raw = format!(
            r#"{{"Id":"f","Resources":[{{"Type":"AwsS3Bucket","Id":"b",
                "Details":{{"Other":{{"External Principal":"{name}"}}}}}}]}}"#
        );
        assert_eq!(read_raw(&raw).actor.unwrap().text.as_str(), actor, "{name}");
    }
}

#[test]
fn facts_by_kind_of_finding() {
    let hub = "arn:aws:securityhub:eu-west-1::product/aws/securityhub";
    for (more, facts) in [
        (
            format!(
                r#""ProductArn":"{hub}","GeneratorId":"security-control/EC2.1",
                "Resources":[{{"Id":"a"}}],"Compliance":{{"Status":"FAILED","StatusReasons":[
                    {{"ReasonCode":"C","Description":"Public snapshots: 2"}},
                    {{"ReasonCode":"CONFIG_EVALUATIONS_EMPTY"}}]}},
                "ProductFields":{{"aws/securityhub/annotation":"Public snapshots: 2"}}"#
            ),
            "Control EC2.1 failed: Public snapshots: 2; CONFIG_EVALUATIONS_EMPTY",
        ),
        (
            r#""Compliance":{"Status":"NOT_AVAILABLE"},"ProductFields":{"RuleId":"2.5"}"#
                .to_owned(),
            "Control 2.5 not available",
        ),
        (r#""Compliance":{"Status":"WARNING"}"#.to_owned(), "Check warning"),
        (
            r#""Vulnerabilities":[{"Id":"CVE-1","VulnerablePackages":[{"Name":"openssl",
                "Version":"3.0.1","FixedInVersion":"3.0.9"}],"EpssScore":0.42,
                "ExploitAvailable":"YES","LastKnownExploitAt":"2026-11-02T02:50:00Z",
                "FixAvailable":"YES"}],
                "ProductFields":{"aws/inspector/inspectorScore":"8.1"}"#
                .to_owned(),
            "Package openssl 3.0.1 (fixed in 3.0.9); \
             Risk Inspector score 8.1, EPSS 0.42, exploit available, last seen 2026-11-02",
        ),
        (
            r#""Resources":[{"DataClassification":{"Result":{"SensitiveData":[
                {"Detections":[{"Type":"NAME","Count":3}]}]}}}]"#
                .to_owned(),
            "Sensitive data NAME 3",
        ),
        (
            r#""AwsAccountName":"prod-shop","Resources":[{},{"Details":{"AwsEcrContainerImage":
                {"ImageDigest":"sha256:aa"}}}]"#
                .to_owned(),
            "Image sha256:aa; Account name prod-shop",
        ),
        (r#""Compliance":{"StatusReasons":"x"},"Vulnerabilities":[7]"#.to_owned(), ""),
    ] {
        let got = read_raw(&format!(r#"{{"Id":"f",{more}}}"#)).facts;
        let got: Vec<_> = got.iter().map(|fact| format!("{} {}", fact.label, fact.text)).collect();
        assert_eq!(got.join("; "), facts, "{more}");
    }
}

#[test]
fn copies_have_the_types_of_their_originals() {
    for (service, kind, own) in [
        (
            "guardduty",
            "TTPs/Initial Access/UnauthorizedAccess:EC2-SSHBruteForce",
            "UnauthorizedAccess:EC2/SSHBruteForce",
        ),
        ("guardduty", "Unusual", "Unusual"),
        (
            "inspector2",
            "Software and Configuration Checks/Vulnerabilities/CVE",
            "Software and Configuration Checks/Vulnerabilities/CVE",
        ),
        ("macie2", "a/SensitiveData:S3Object-Personal", "SensitiveData:S3Object/Personal"),
        // Another product's own type.
        ("config", "a/Policy:S3-Public", "a/Policy:S3-Public"),
    ] {
        let id = format!("arn:aws:{service}:eu-west-1:111122223333:finding/f");
        let read = |kind: &str| read_raw(&format!(r#"{{"Id":"{id}","Types":["{kind}"]}}"#));
        assert_eq!(read(kind).kind.as_str(), own, "{service}");
        assert_eq!(read(kind).fingerprint, read("other").fingerprint, "{service}");
    }
}
