use super::*;
use crate::finding::{IgnoredEvent, Parsed, Remark, parse, parse_wanted};

fn event(detail_type: &str, detail: &str) -> String {
    format!(
        r#"{{"version":"0","id":"e","detail-type":"GuardDuty {detail_type}",
        "source":"aws.guardduty","account":"111122223333","time":"2026-09-21T13:33:20Z",
        "region":"eu-west-1","resources":[],"detail":{detail}}}"#
    )
}

fn only(detail_type: &str, detail: &str) -> Finding {
    let body = event(detail_type, detail);
    let mut parsed = parse(&body);
    assert!(parsed.rejections.is_empty() && parsed.ignored.is_empty(), "{body}: {parsed:?}");
    assert_eq!(parsed.findings.len(), 1, "{body}");
    parsed.findings.remove(0)
}

fn scan(status: &str, result: &str, threats: &str) -> String {
    format!(
        r#"{{"schemaVersion":"1.0","scanStatus":{status},"resourceType":"S3_OBJECT",
        "s3ObjectDetails":{{"bucketName":"uploads","objectKey":"in/a b.pdf","eTag":"e1",
        "versionId":"v1","s3Throttled":false}},
        "scanResultDetails":{{"scanResultStatus":{result},"threats":{threats}}}}}"#
    )
}

const OBJECT_SCAN: &str = "Malware Protection Object Scan Result";

#[test]
fn a_threat_is_high_and_a_gap_is_low() {
    const EICAR: &str = r#"[{"name":"EICAR-Test-File"},{"name":"Other"}]"#;
    for (status, result, threats, level) in [
        ("COMPLETED", r#""THREATS_FOUND""#, EICAR, Level::High),
        ("COMPLETED", r#""threats_found""#, "null", Level::High),
        // Threats are named, whatever the status says.
        ("COMPLETED", r#""NO_THREATS_FOUND""#, EICAR, Level::High),
        ("SKIPPED", r#""UNSUPPORTED""#, "null", Level::Low),
        ("SKIPPED", r#""ACCESS_DENIED""#, "[]", Level::Low),
        ("FAILED", r#""FAILED""#, "null", Level::Low),
        ("SKIPPED", "null", "null", Level::Low),
        // It did not scan the whole object.
        ("FAILED", r#""NO_THREATS_FOUND""#, "null", Level::Low),
    ] {
        let finding = only(OBJECT_SCAN, &scan(&format!("\"{status}\""), result, threats));
        assert_eq!(finding.severity.level, level, "{status} {result} {threats}");
        assert_eq!(
            finding.fingerprint.to_string(),
            "guardduty/111122223333/eu-west-1/s3-object/uploads/in/a b.pdf/v1"
        );
        let resource = finding.resource.unwrap();
        assert_eq!(resource.as_str(), "S3 object uploads/in/a b.pdf (version v1)");
        assert!(!finding.condition.is_closed() && finding.remarks.is_empty());
        if threats == EICAR {
            let description = finding.description.unwrap();
            assert_eq!(description.as_str(), "Threats: EICAR-Test-File, Other");
        }
    }
}

#[test]
fn an_unknown_result_counts_as_high() {
    for (result, shown) in [(r#""NEW_WORD""#, "NEW_WORD"), ("null", "COMPLETED")] {
        let finding = only(OBJECT_SCAN, &scan(r#""COMPLETED""#, result, "null"));
        assert_eq!(finding.severity.level, Level::High);
        let [Remark::UnreadableSeverity(found)] = &finding.remarks[..] else { panic!() };
        assert_eq!(found.as_str(), shown);
    }
}

#[test]
fn a_clean_scan_is_ignored() {
    for status in [r#""COMPLETED""#, "null"] {
        let body = event(OBJECT_SCAN, &scan(status, r#""NO_THREATS_FOUND""#, "null"));
        let Parsed { findings, unwanted, ignored, rejections } = parse_wanted(&body, &|_| false);
        assert_eq!(ignored, [IgnoredEvent::CleanScan]);
        assert!(findings.is_empty() && unwanted.is_empty() && rejections.is_empty());
    }
}

#[test]
fn an_object_is_known_by_its_version_or_its_content() {
    let object = |key: &str, rest: &str| {
        let detail = format!(
            r#"{{"scanResultDetails":{{"scanResultStatus":"THREATS_FOUND"}},
            "s3ObjectDetails":{{"bucketName":"b","objectKey":"{key}"{rest}}}}}"#
        );
        only(OBJECT_SCAN, &detail).fingerprint.id
    };
    assert_eq!(object("k", r#","versionId":"v","eTag":"e""#), "s3-object/b/k/v");
    assert_eq!(object("k", r#","versionId":"null","eTag":"e""#), "s3-object/b/k/e");
    assert_eq!(object("k", r#","eTag":"e""#), "s3-object/b/k/e");
    assert_eq!(object("k", ""), "s3-object/b/k/-");
    let (long, other) = ("x".repeat(1024), "y".repeat(1024));
    assert!(object(&long, "").starts_with("s3-object/sha256:"));
    assert_ne!(object(&long, ""), object(&other, ""));
    for detail in [
        r#"{"scanResultDetails":{"scanResultStatus":"THREATS_FOUND"}}"#,
        r#"{"s3ObjectDetails":{"bucketName":"b"}}"#,
    ] {
        let parsed = parse(&event(OBJECT_SCAN, detail));
        assert_eq!(parsed.rejections[0].place.as_str(), "detail.s3ObjectDetails", "{detail}");
    }
}

/// The administrator's copy comes in an event of another account.
#[test]
fn the_account_is_that_of_the_plan() {
    let plan = "arn:aws:guardduty:eu-west-1:444455556666:malware-protection-plan/p";
    let body = event(OBJECT_SCAN, &scan("null", r#""THREATS_FOUND""#, "null"));
    let copy = body.replace(r#""resources":[]"#, &format!(r#""resources":["{plan}"]"#));
    let finding = parse(&copy).findings.remove(0);
    assert_eq!(finding.fingerprint.account, "444455556666");
    assert!(matches!(&finding.remarks[..], [Remark::SentByAccount(_)]));
}

#[test]
fn a_plan_and_a_tag_that_fail_are_low() {
    let finding = only(
        "Malware Protection Post Scan Action Failed",
        r#"{"schemaVersion":"1.0","eventTime":"2026-09-21T13:30:00Z",
        "s3ObjectDetails":{"bucketName":"b","objectKey":"k","eTag":"e","versionId":"v"},
        "postScanActions":[{"actionType":"TAGGING","failureReason":"ACCESS_DENIED"}]}"#,
    );
    assert_eq!(finding.fingerprint.id, "s3-object-action/b/k/v");
    assert_eq!(finding.severity.level, Level::Low);
    assert_eq!(finding.description.unwrap().as_str(), "TAGGING: ACCESS_DENIED");
    for (status, closed) in
        [("Active", true), ("Warning", false), ("warning", false), ("Error", false)]
    {
        let finding = only(
            &format!("Malware Protection Resource Status {status}"),
            r#"{"schemaVersion":"1.0","eventTime":"2026-09-21T13:30:00Z",
            "s3BucketDetails":{"bucketName":"b"},"resourceStatus":"WARNING",
            "statusReasons":[{"code":"INSUFFICIENT_TEST_OBJECT_PERMISSIONS"}]}"#,
        );
        assert_eq!(finding.fingerprint.id, "s3-bucket/b");
        assert_eq!((finding.severity.level, finding.condition.is_closed()), (Level::Low, closed));
        assert_eq!(
            finding.description.unwrap().as_str(),
            "WARNING: INSUFFICIENT_TEST_OBJECT_PERMISSIONS"
        );
    }
}

#[test]
fn a_blind_agent_is_medium_until_it_is_healthy() {
    for (details, id, resource) in [
        (
            r#"{"resourceType":"EKS","eksClusterDetails":{"clusterName":"c"}}"#,
            "runtime/EKS cluster/c",
            "EKS cluster c",
        ),
        (
            r#"{"resourceType":"EC2","ec2InstanceDetails":{"instanceId":"i-1"}}"#,
            "runtime/EC2 instance/i-1",
            "EC2 instance i-1",
        ),
        (
            r#"{"resourceType":"ECS","ecsClusterDetails":{"clusterName":"c",
            "fargateDetails":{"issues":["no agent"]}}}"#,
            "runtime/ECS cluster/c",
            "ECS cluster c",
        ),
    ] {
        for (status, closed) in [("Unhealthy", false), ("Healthy", true)] {
            let detail = format!(
                r#"{{"schemaVersion":"1.0","resourceAccountId":"444455556666",
                "currentStatus":"UNHEALTHY","resourceDetails":{details},
                "lastUpdatedAt":"2026-09-21T13:30:00Z"}}"#
            );
            let finding = only(&format!("Runtime Protection {status}"), &detail);
            assert_eq!(
                (finding.fingerprint.id.as_str(), closed),
                (id, finding.condition.is_closed())
            );
            assert_eq!(finding.severity.level, Level::Medium);
            assert_eq!(finding.account.as_str(), "444455556666");
            assert_eq!(finding.resource.unwrap().as_str(), resource);
            let issue = finding.description.as_ref().map(|text| text.as_str());
            assert_eq!(issue, id.contains("ECS").then_some("no agent"));
        }
    }
}
