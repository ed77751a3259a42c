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

#[test]
fn resources_by_name() {
    for (resource, said) in [
        (
            r#""resources":[{"type":"AWS::IAM::AccessKey","uid":"AWS::IAM::AccessKey:ASIAEXAMPLE",
                "data":{"user_name":"kapil"}}]"#,
            "IAM access key ASIAEXAMPLE (kapil)",
        ),
        (
            r#""resources":[{"type":"AWS::IAM::AccessKey","uid":"AWS::IAM::AccessKey:null",
                "user":{"name":"kapil","type":"IAMUser"}}]"#,
            "IAM user kapil",
        ),
        (
            r#""resources":[{"type":"AWS::IAM::AccessKey","uid":"ASIAEXAMPLE",
                "data":{"user_name":"None"}}]"#,
            "IAM access key ASIAEXAMPLE",
        ),
        (
            r#""resource":{"type":"AWS::EC2::Instance","uid":"arn:aws:ec2:r:1:instance/i-0abc"}"#,
            "EC2 instance i-0abc",
        ),
        (r#""resources":[{"type":"Other","uid":"111122223333"}]"#, "111122223333"),
    ] {
        let finding = read_raw(&format!(r#"{{"finding_info":{{"uid":"f"}},{resource}}}"#));
        assert_eq!(finding.resource.unwrap().as_str(), said, "{resource}");
    }
}

#[test]
fn actors_by_what_they_are() {
    let remote = r#""src_endpoint":{"ip":"10.0.0.5","port":40000},
        "dst_endpoint":{"ip":"2001:db8::7","port":443}"#;
    for (evidence, label, said) in [
        (
            format!(r#""connection_info":{{"direction":"Outbound"}},{remote}"#),
            "Remote",
            "outbound to [2001:db8::7]:443",
        ),
        (
            format!(
                r#""connection_info":{{"direction":"Inbound","protocol_name":"TCP"}},{remote}"#
            ),
            "Remote",
            "inbound from 10.0.0.5, to port 443, TCP",
        ),
        (remote.to_owned(), "Remote", "from 10.0.0.5"),
        (
            r#""dst_endpoint":{"domain":"a.example","port":"80"}"#.to_owned(),
            "Remote",
            "to a.example:80",
        ),
        (r#""query":{"hostname":"pool.example"}"#.to_owned(), "Domain", "pool.example"),
        (
            r#""src_endpoint":{"ip":"198.51.100.7"},"api":{"operation":"GetObject"}"#.to_owned(),
            "Caller",
            "from 198.51.100.7, calling GetObject",
        ),
        (
            r#""process":{"name":"xmr"},"query":{"hostname":"pool.example"}"#.to_owned(),
            "Actor",
            "process xmr, domain pool.example",
        ),
    ] {
        let raw = format!(r#"{{"finding_info":{{"uid":"f"}},"evidences":[{{{evidence}}}]}}"#);
        let actor = read_raw(&raw).actor.unwrap();
        assert_eq!((actor.label, actor.text.as_str()), (label, said), "{evidence}");
    }
}

#[test]
fn facts_by_kind_of_finding() {
    let process = |more: &str| {
        format!(r#""evidences":[{{}},{{"actor":{{"process":{{"name":"kubectl",{more}}}}}}}]"#)
    };
    for (more, facts) in [
        (
            r#""compliance":{"control":"Config.1","status":"Fail","assessments":[
                {"desc":"The recorder is off.","meets_criteria":false},
                {"name":"ROLE","meets_criteria":true}]}"#
                .to_owned(),
            "Control Config.1 failed: The recorder is off.",
        ),
        (r#""compliance":{"status":"Warning"}"#.to_owned(), "Check warning"),
        (
            r#""vulnerabilities":[{"affected_packages":[
                {"name":"openssl","version":"3.0.1","fixed_in_version":"3.0.9"}],
                "cve":{"epss":{"score":"0.42"}},"is_exploit_available":true}]"#
                .to_owned(),
            "Package openssl 3.0.1 (fixed in 3.0.9); Risk EPSS 0.42, exploit available",
        ),
        (
            process(
                r#""file":{"hashes":[{"algorithm":"MD5","value":"bb"},
                    {"algorithm":"SHA-256","value":"aa"}]},
                "parent_process":{"name":"bash"}"#,
            ),
            "Hash SHA-256 aa; Parents bash",
        ),
        (
            process(
                r#""file":{"hashes":{"value":"cc"}},"ancestry":[{"path":"/bin/sh"},
                    {"path":"/bin/sh"},{"name":"node","file":{"path":"/bin/node"}},{"name":"a"},{"name":"b"}]"#,
            ),
            "Hash cc; Parents /bin/sh, /bin/node +2 more",
        ),
        (
            r#""resources":[{"owner":{"account":{"name":"prod-shop"}}}]"#.to_owned(),
            "Account name prod-shop",
        ),
        (r#""compliance":7,"vulnerabilities":"x","cloud":{"account":{"name":" "}}"#.to_owned(), ""),
    ] {
        let got = read_raw(&format!(r#"{{"finding_info":{{"uid":"f"}},{more}}}"#)).facts;
        let got: Vec<_> = got.iter().map(|fact| format!("{} {}", fact.label, fact.text)).collect();
        assert_eq!(got.join("; "), facts, "{more}");
    }
}
