use super::super::json::json;
use super::*;
use crate::finding::{Level, Remark, Text};

fn read_raw(more: &str) -> Finding {
    read(json(&format!(r#"{{"findingArn":"f",{more}}}"#)), &Envelope::default()).unwrap()
}

#[test]
fn states_by_word() {
    use super::super::condition::Closing::{Resolved, Suppressed};
    for (status, closed) in [
        (r#""ACTIVE""#, None),
        (r#""CLOSED""#, Some(Resolved)),
        (r#""SUPPRESSED""#, Some(Suppressed)),
        (r#""ODD""#, None),
        ("null", None),
        (r#"["CLOSED"]"#, None),
    ] {
        let raw = format!(r#"{{"findingArn":"f","status":{status}}}"#);
        let condition = read(json(&raw), &Envelope::default()).unwrap().condition;
        assert_eq!((condition.product.closed(), condition.handling), (closed, None), "{raw}");
    }
}

#[test]
fn a_vulnerability_in_like_resources_makes_a_group() {
    let of = |resource: &str| {
        let found = read_raw(&format!(
            r#""packageVulnerabilityDetails":{{"vulnerabilityId":"CVE-2021-44228"}},
            "resources":[{{{resource}}}]"#
        ));
        found.group.map(|group| format!("{} in {}", group.problem, group.resources))
    };
    for (resource, group) in [
        (
            r#""type":"AWS_ECR_CONTAINER_IMAGE","details":{"awsEcrContainerImage":
            {"repositoryName":"web"}}"#,
            Some("CVE-2021-44228 in images of repository web"),
        ),
        (
            r#""type":"AWS_EC2_INSTANCE","tags":{"aws:autoscaling:groupName":"asg-1"}"#,
            Some("CVE-2021-44228 in instances of group asg-1"),
        ),
        (r#""type":"AWS_EC2_INSTANCE","tags":{"Name":"web-1"}"#, None),
        (r#""type":"AWS_ECR_CONTAINER_IMAGE""#, None),
        (r#""type":"AWS_LAMBDA_FUNCTION""#, None),
    ] {
        assert_eq!(of(resource).as_deref(), group, "{resource}");
    }
}

#[test]
fn facts_by_kind_of_finding() {
    let image = |more: &str| {
        format!(
            r#""resources":[{{"type":"AWS_ECR_CONTAINER_IMAGE","details":{{
                "awsEcrContainerImage":{{"repositoryName":"app","imageHash":"sha256:aa"{more}}}}}}}]"#
        )
    };
    let package = r#""packageVulnerabilityDetails":{"vulnerablePackages":[
        {"name":"openssl","version":"3.0.2","fixedInVersion":"3.0.5"}]}"#;
    for (more, facts) in [
        (
            format!(
                r#"{package},"inspectorScore":"9","epss":{{"score":0.42}},"exploitAvailable":"YES",
                "exploitabilityDetails":{{"lastKnownExploitAt":"Nov 2, 2026, 2:50:00 AM"}}"#
            ),
            "Package openssl 3.0.2 (fixed in 3.0.5); \
             Risk Inspector score 9.0, EPSS 0.42, exploit available, last seen 2026-11-02",
        ),
        (
            r#""networkReachabilityDetails":{"openPortRange":{"begin":22,"end":22},
                "protocol":"TCP"}"#
                .to_owned(),
            "Open port 22 TCP",
        ),
        (
            r#""networkReachabilityDetails":{"openPortRange":{"begin":80,"end":90}}"#.to_owned(),
            "Open port 80-90",
        ),
        (
            r#""codeVulnerabilityDetails":{"detectorName":"Injection","filePath":
                {"fileName":"a.py","filePath":"src/a.py"}}"#
                .to_owned(),
            "Code src/a.py (Injection)",
        ),
        (image(""), "Image sha256:aa"),
        (image(r#","inUseCount":0"#), "Image sha256:aa, not in use"),
        (image(r#","inUseCount":1"#), "Image sha256:aa, in use by 1 task or pod"),
        (
            image(r#","inUseCount":"3","lastInUseAt":"Wed Sep 04 16:59:44.356 UTC 2024""#),
            "Image sha256:aa, in use by 3 tasks or pods, last on 2024-09-04",
        ),
        (r#""epss":0.4,"exploitAvailable":["YES"],"fixAvailable":{}"#.to_owned(), ""),
    ] {
        let got = read_raw(&more).facts;
        let got: Vec<_> = got.iter().map(|fact| format!("{} {}", fact.label, fact.text)).collect();
        assert_eq!(got.join("; "), facts, "{more}");
    }
}

#[test]
fn an_untriaged_finding_counts_as_high() {
    let finding = read_raw(r#""severity":"UNTRIAGED""#);
    assert_eq!(finding.severity.level, Level::High);
    let remark = Remark::UnreadableSeverity(Text::new("UNTRIAGED", 64));
    assert_eq!(finding.remarks, [remark]);
}
