use super::super::json::json;
use super::super::place::Place;
use super::*;
use crate::finding::{Finding, Fingerprint, Level, Partition, RejectCode, Remark, Text};

pub(super) fn read_in(raw: &str) -> Result<Finding, Rejection> {
    let place = Place::Key(&Place::Message, "detail");
    let envelope = Envelope { place, ..Envelope::default() };
    match read(json(raw), &envelope, &|_| true)? {
        Outcome::Wanted(finding) => Ok(finding),
        Outcome::Unwanted(unwanted) => panic!("{raw}: {unwanted:?}"),
        Outcome::Ignored(event) => panic!("{raw}: {event:?}"),
    }
}

#[test]
fn identity_is_what_the_finding_says() {
    let arn = "arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/f1";
    for (raw, fingerprint) in [
        (r#"{"id":"f1","accountId":"5","region":"r"}"#.to_owned(), "guardduty/000000000005/r/f1"),
        (
            r#"{"Id":"f1","AccountId":111122223333,"Region":"r"}"#.to_owned(),
            "guardduty/111122223333/r/f1",
        ),
        (format!(r#"{{"arn":"{arn}"}}"#), "guardduty/111122223333/eu-west-1/f1"),
        (format!(r#"{{"id":"{arn}"}}"#), "guardduty/111122223333/eu-west-1/f1"),
        (format!(r#"{{"id":"f2","arn":"{arn}","region":"r"}}"#), "guardduty/111122223333/r/f2"),
        (r#"{"id":17}"#.to_owned(), "guardduty/-/-/17"),
        (r#"{"id":"f1","accountId":{},"region":[]}"#.to_owned(), "guardduty/-/-/f1"),
        (r#"{"id":"a\nb"}"#.to_owned(), "guardduty/-/-/a%0Ab"),
    ] {
        assert_eq!(read_in(&raw).unwrap().fingerprint.to_string(), fingerprint, "{raw}");
    }
}

#[test]
fn without_identity_there_is_no_finding() {
    let long = "x".repeat(Fingerprint::MAX_ID_BYTES + 1);
    for raw in [
        "{}".to_owned(),
        r#"{"id":null}"#.to_owned(),
        r#"{"id":" "}"#.to_owned(),
        r#"{"id":{}}"#.to_owned(),
        r#"{"arn":"arn:aws:guardduty:r:1:detector/d"}"#.to_owned(),
        format!(r#"{{"id":"{long}"}}"#),
        r#""text""#.to_owned(),
    ] {
        let rejection = read_in(&raw).unwrap_err();
        assert_eq!(rejection.code, RejectCode::NoIdentity, "{raw}");
        assert_eq!(rejection.place.as_str(), "detail.id", "{raw}");
        assert!(!rejection.why.as_str().contains("xxx"), "{raw}");
    }
    let longest = "x".repeat(Fingerprint::MAX_ID_BYTES);
    assert!(read_in(&format!(r#"{{"id":"{longest}"}}"#)).is_ok());
}

#[test]
fn an_unreadable_severity_counts_as_high_and_says_so() {
    for (raw, level, found) in [
        (r#"{"id":"f","severity":3.9}"#, Level::Low, None),
        (r#"{"id":"f","severity":"8.95"}"#, Level::High, None),
        (r#"{"id":"f","severity":"MEDIUM"}"#, Level::Medium, None),
        (r#"{"id":"f"}"#, Level::High, Some("")),
        (r#"{"id":"f","severity":null}"#, Level::High, Some("")),
        (r#"{"id":"f","severity":"severe"}"#, Level::High, Some("severe")),
        (r#"{"id":"f","severity":-1}"#, Level::High, Some("-1")),
        (r#"{"id":"f","severity":1e999}"#, Level::High, Some("1e999")),
        (r#"{"id":"f","severity":[8]}"#, Level::High, Some("[8]")),
    ] {
        let finding = read_in(raw).unwrap();
        assert_eq!(finding.severity.level, level, "{raw}");
        let remarks: Vec<_> = found
            .map(|found| Remark::UnreadableSeverity(Text::new(found, 64)))
            .into_iter()
            .collect();
        assert_eq!(finding.remarks, remarks, "{raw}");
    }
}

#[test]
fn samples_are_known_in_every_form() {
    for (raw, sample) in [
        (r#"{"id":"f","title":"[SAMPLE] x"}"#, true),
        (r#"{"id":"f","title":"no [SAMPLE] x"}"#, false),
        (r#"{"id":"f","service":{"additionalInfo":{"sample":true}}}"#, true),
        (r#"{"id":"f","service":{"additionalInfo":{"sample":"true"}}}"#, true),
        (r#"{"id":"f","service":{"additionalInfo":{"sample":false}}}"#, false),
        (
            r#"{"id":"f","service":{"additionalInfo":{"value":"{\"sample\":true}","type":"default"}}}"#,
            true,
        ),
        (r#"{"Id":"f","Service":{"AdditionalInfo":{"Value":" {\"sample\":true}"}}}"#, true),
        (r#"{"id":"f","service":{"additionalInfo":"{\"sample\":true}"}}"#, true),
        (r#"{"id":"f","service":{"additionalInfo":{"value":"sample"}}}"#, false),
        (r#"{"id":"f","service":{"additionalInfo":{"value":"{\"sample\":"}}}"#, false),
        (r#"{"id":"f","service":{"additionalInfo":{}}}"#, false),
        (r#"{"id":"f","service":"sample"}"#, false),
    ] {
        assert_eq!(read_in(raw).unwrap().sample, sample, "{raw}");
    }
}

#[test]
fn what_is_missing_is_made_up_for() {
    let finding = read_in(r#"{"id":"f","severity":1}"#).unwrap();
    assert_eq!((finding.kind.as_str(), finding.title.as_str()), ("unknown type", "unknown type"));
    assert_eq!((finding.resource, finding.actor, finding.description), (None, None, None));
    assert_eq!(
        (finding.count, finding.sample, finding.condition.is_closed()),
        (None, false, false)
    );
    assert_eq!(finding.partition, Partition::Commercial);
    let finding = read_in(r#"{"id":"f","type":"A:B/C","title":"\u200b"}"#).unwrap();
    assert_eq!(finding.title.as_str(), "A:B/C");
}

#[test]
fn hostile_text_is_clean_and_bounded() {
    let evil = format!("<!channel>\u{202e}\u{1b}[31m\n*{}", "é".repeat(4000));
    let evil = serde_json::to_string(&evil).unwrap();
    let raw = format!(
        r#"{{"id":"f","accountId":{evil},"region":{evil},"type":{evil},"title":{evil},
            "description":{evil},"severity":{evil},
            "resource":{{"resourceType":"Instance","instanceDetails":{{"instanceId":{evil},
                "instanceType":{evil},"tags":[{{"key":"Name","value":{evil}}}]}}}},
            "service":{{"action":{{"awsApiCallAction":{{"api":{evil},"serviceName":{evil},
                "remoteIpDetails":{{"ipAddressV4":{evil},"country":{{"countryName":{evil}}}}}}}}}}}}}"#
    );
    let finding = read_in(&raw).unwrap();
    let Remark::UnreadableSeverity(severity) = &finding.remarks[0] else { panic!() };
    for (text, max) in [
        (&finding.account, 64),
        (&finding.region, 64),
        (&finding.kind, 150),
        (&finding.title, 250),
        (finding.description.as_ref().unwrap(), 700),
        (finding.resource.as_ref().unwrap(), 300),
        (&finding.actor.as_ref().unwrap().text, 300),
        (severity, 64),
    ] {
        assert!(text.as_str().chars().count() <= max, "{text}");
        assert!(!text.as_str().chars().any(|c| c.is_control() || c == '\u{202e}'), "{text}");
    }
    assert!(finding.fingerprint.to_string().len() < 1024);
    // One long part leaves room for the next.
    assert!(finding.resource.unwrap().as_str().matches("<!channel>").count() >= 2);
}

#[test]
fn archived_by_the_service_or_by_the_old_flag() {
    for (raw, archived) in [
        (r#"{"id":"f","service":{"archived":true}}"#, true),
        (r#"{"id":"f","service":{"archived":"true"}}"#, true),
        (r#"{"Id":"f","Archived":true}"#, true),
        (r#"{"id":"f","archived":true,"service":{"archived":false}}"#, false),
        (r#"{"id":"f","service":{"archived":"odd"}}"#, false),
        (r#"{"id":"f","service":{"archived":[true]}}"#, false),
        (r#"{"id":"f","service":"archived"}"#, false),
        (r#"{"id":"f"}"#, false),
    ] {
        let condition = read_in(raw).unwrap().condition;
        let closed = archived.then_some(Closing::Suppressed);
        assert_eq!((condition.product.closed(), condition.handling), (closed, None), "{raw}");
        // A closed finding is read in full, wanted or not.
        let outcome = read(json(raw), &Envelope::default(), &|_| false).unwrap();
        assert_eq!(matches!(outcome, Outcome::Wanted(_)), archived, "{raw}");
    }
}

#[test]
fn what_the_call_was_about_stands_in_for_missing_details() {
    let trail = r#""AWS::CloudTrail::Trail":"arn:aws:cloudtrail:r:111122223333:trail/audit""#;
    let key = r#""accessKeyDetails":{"userType":"IAMUser","userName":"alice"}"#;
    for (resource, affected, said) in [
        (r#""resourceType":"S3Bucket""#, r#""AWS::S3::Bucket":"data""#, "S3 bucket data"),
        (r#""resourceType":"AccessKey""#, trail, "CloudTrail trail audit"),
        (
            "",
            r#""AWS::Logs::LogGroup":"arn:aws:logs:r:111122223333:log-group:/aws/lambda/f:*",
                "AWS::ECS::TaskDefinition":"arn:aws:ecs:r:111122223333:task-definition/api:7""#,
            "CloudWatch log group /aws/lambda/f, ECS task definition api:7",
        ),
        (r#""resourceType":"S3Bucket","s3BucketDetails":[{"name":"own"}]"#, trail, "S3 bucket own"),
        (&format!(r#""resourceType":"S3Bucket",{key}"#), trail, "CloudTrail trail audit"),
        (&format!(r#""resourceType":"S3Bucket",{key}"#), "", "IAMUser alice"),
        (&format!(r#""resourceType":"AccessKey",{key}"#), trail, "IAMUser alice"),
        (
            "",
            r#""AWS::S3::Bucket":"a","AWS::S3::Object":"b","AWS::IAM::Role":"c","x":"d""#,
            "S3 bucket a, S3 object b, IAM role c +1 more",
        ),
        (r#""resourceType":"S3Bucket""#, r#""AWS::S3::Bucket":["data"]"#, "S3Bucket"),
    ] {
        let raw = format!(
            r#"{{"id":"f","resource":{{{resource}}},"service":{{"action":{{
                "awsApiCallAction":{{"affectedResources":{{{affected}}}}}}}}}}}"#
        );
        assert_eq!(read_in(&raw).unwrap().resource.unwrap().as_str(), said, "{raw}");
    }
}

#[test]
fn the_root_user_is_called_so() {
    for (details, said) in [
        (
            r#""userType":"Root","userName":"Root","accessKeyId":"ASIAEXAMPLE""#,
            "root user (access key ASIAEXAMPLE)",
        ),
        (r#""userType":"Root","principalId":"111122223333""#, "root user"),
        (r#""userType":"IAMUser","userName":"Root""#, "IAMUser Root"),
    ] {
        let raw = format!(
            r#"{{"id":"f","resource":{{"resourceType":"AccessKey","accessKeyDetails":{{{details}}}}}}}"#
        );
        assert_eq!(read_in(&raw).unwrap().resource.unwrap().as_str(), said, "{raw}");
    }
}
