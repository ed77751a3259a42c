//! A second value is put beside each field that matters, of each source, at either side and in
//! other spellings.

use crate::finding::{Finding, Level, Parsed, RejectCode, Remark, parse};

/// A finding of a source.
struct Source {
    text: &'static str,
    /// The place of a key, its member in the text, and another member with a different value.
    keys: &'static [(&'static str, &'static str, &'static str)],
    /// A member in the text, another one, the level of both together, and what the better one says.
    severities: &'static [(&'static str, &'static str, Level, &'static str)],
    /// Members that say open, and others that say closed.
    states: &'static [(&'static str, &'static str)],
}

const SOURCES: [Source; 6] = [
    Source {
        text: r#"{"schemaVersion":"2.0","id":"f","arn":"arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/f","accountId":"111122223333","region":"eu-west-1","type":"Recon:EC2/Portscan","severity":5,"title":"t","service":{"archived":false,"count":1},"resource":{}}"#,
        keys: &[
            ("id", r#""id":"f""#, r#""id":"g""#),
            (
                "arn",
                r#""arn":"arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/f""#,
                r#""arn":"arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/g""#,
            ),
            ("accountId", r#""accountId":"111122223333""#, r#""accountId":444455556666"#),
            ("region", r#""region":"eu-west-1""#, r#""region":"us-east-1""#),
            ("type", r#""type":"Recon:EC2/Portscan""#, r#""type":"Policy:S3/Other""#),
        ],
        severities: &[
            (r#""severity":5"#, r#""severity":8"#, Level::High, "5"),
            (r#""severity":5"#, r#""severity":2"#, Level::Medium, "2"),
            (r#""severity":5"#, r#""severity":5.5"#, Level::Medium, "5"),
            (r#""severity":5"#, r#""severity":"odd""#, Level::High, "5"),
            (r#""severity":5"#, r#""severity":"LOW""#, Level::Medium, "low"),
        ],
        states: &[
            (r#""service":{"archived":false,"count":1}"#, r#""service":{"archived":true}"#),
            (r#""archived":false"#, r#""archived":true"#),
        ],
    },
    Source {
        text: r#"{"SchemaVersion":"2018-10-08","Id":"f","ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/securityhub","AwsAccountId":"111122223333","Region":"eu-west-1","GeneratorId":"g","Types":["a/b"],"Severity":{"Label":"LOW","Normalized":1},"RecordState":"ACTIVE","Workflow":{"Status":"NEW"},"Compliance":{"Status":"FAILED","SecurityControlId":"EC2.1"}}"#,
        keys: &[
            ("Id", r#""Id":"f""#, r#""Id":"g""#),
            ("AwsAccountId", r#""AwsAccountId":"111122223333""#, r#""AwsAccountId":"1""#),
            ("Region", r#""Region":"eu-west-1""#, r#""Region":"us-east-1""#),
            (
                "ProductArn",
                r#""ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/securityhub""#,
                r#""ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/macie""#,
            ),
            ("GeneratorId", r#""GeneratorId":"g""#, r#""GeneratorId":"h""#),
            ("Types", r#""Types":["a/b"]"#, r#""Types":["c"]"#),
            (
                "Compliance.SecurityControlId",
                r#""SecurityControlId":"EC2.1""#,
                r#""SecurityControlId":"EC2.2""#,
            ),
        ],
        severities: &[
            (
                r#""Severity":{"Label":"LOW","Normalized":1}"#,
                r#""Severity":{"Label":"HIGH"}"#,
                Level::High,
                "low",
            ),
            (r#""Label":"LOW""#, r#""Label":"CRITICAL""#, Level::Critical, "low"),
            (r#""Label":"LOW""#, r#""Label":"INFORMATIONAL""#, Level::Low, "informational"),
        ],
        states: &[
            (r#""RecordState":"ACTIVE""#, r#""RecordState":"ARCHIVED""#),
            (r#""Workflow":{"Status":"NEW"}"#, r#""Workflow":{"Status":"RESOLVED"}"#),
            (r#""Status":"FAILED""#, r#""Status":"PASSED""#),
        ],
    },
    Source {
        text: r#"{"class_uid":2004,"finding_info":{"uid":"f","types":["T"]},"cloud":{"account":{"uid":"111122223333"},"region":"eu-west-1"},"compliance":{"control":"EC2.1","status_id":3},"severity_id":3,"severity":"Medium","status_id":1,"activity_id":1}"#,
        keys: &[
            ("finding_info.uid", r#""uid":"f""#, r#""uid":"g""#),
            (
                "finding_info.uid",
                r#""finding_info":{"uid":"f","types":["T"]}"#,
                r#""finding_info":{"uid":"g"}"#,
            ),
            ("finding_info.types", r#""types":["T"]"#, r#""types":["U"]"#),
            ("cloud.account.uid", r#""uid":"111122223333""#, r#""uid":"444455556666""#),
            (
                "cloud.account.uid",
                r#""account":{"uid":"111122223333"}"#,
                r#""account":{"uid":"444455556666"}"#,
            ),
            ("cloud.region", r#""region":"eu-west-1""#, r#""region":"us-east-1""#),
            ("compliance.control", r#""control":"EC2.1""#, r#""control":"EC2.2""#),
        ],
        severities: &[
            (r#""severity_id":3"#, r#""severity_id":5"#, Level::Critical, "medium"),
            (r#""severity_id":3"#, r#""severity_id":1"#, Level::Medium, "informational"),
        ],
        states: &[
            (r#""status_id":1"#, r#""status_id":4"#),
            (r#""activity_id":1"#, r#""activity_id":3"#),
            (r#""status_id":3"#, r#""status_id":1"#),
        ],
    },
    Source {
        text: r#"{"findingArn":"f","awsAccountId":"111122223333","type":"PACKAGE_VULNERABILITY","severity":"MEDIUM","status":"ACTIVE","resources":[{"region":"eu-west-1"}]}"#,
        keys: &[
            ("findingArn", r#""findingArn":"f""#, r#""findingArn":"g""#),
            ("awsAccountId", r#""awsAccountId":"111122223333""#, r#""awsAccountId":"2""#),
            ("type", r#""type":"PACKAGE_VULNERABILITY""#, r#""type":"NETWORK_REACHABILITY""#),
        ],
        severities: &[
            (r#""severity":"MEDIUM""#, r#""severity":"CRITICAL""#, Level::Critical, "medium"),
            (r#""severity":"MEDIUM""#, r#""severity":"UNTRIAGED""#, Level::High, "medium"),
            (r#""severity":"MEDIUM""#, r#""severity":"LOW""#, Level::Medium, "low"),
        ],
        states: &[(r#""status":"ACTIVE""#, r#""status":"CLOSED""#)],
    },
    Source {
        text: r#"{"id":"f","accountId":"111122223333","region":"eu-west-1","type":"Policy:IAMUser/S3BucketPublic","severity":{"description":"Low","score":1},"archived":false,"resourcesAffected":{}}"#,
        keys: &[
            ("id", r#""id":"f""#, r#""id":"g""#),
            ("accountId", r#""accountId":"111122223333""#, r#""accountId":"2""#),
            ("region", r#""region":"eu-west-1""#, r#""region":"us-east-1""#),
            ("type", r#""type":"Policy:IAMUser/S3BucketPublic""#, r#""type":"Other""#),
        ],
        severities: &[
            (
                r#""severity":{"description":"Low","score":1}"#,
                r#""severity":{"score":3}"#,
                Level::High,
                "low",
            ),
            (r#""description":"Low""#, r#""description":"High""#, Level::High, "low"),
        ],
        states: &[(r#""archived":false"#, r#""archived":true"#)],
    },
    Source {
        text: r#"{"id":"f","accountId":"111122223333","region":"eu-west-1","isPublic":false,"findingType":"ExternalAccess","status":"ACTIVE","isDeleted":false,"resource":"arn:aws:s3:::b","resourceType":"AWS::S3::Bucket"}"#,
        keys: &[
            ("id", r#""id":"f""#, r#""id":"g""#),
            ("accountId", r#""accountId":"111122223333""#, r#""accountId":"2""#),
            ("region", r#""region":"eu-west-1""#, r#""region":"us-east-1""#),
            ("findingType", r#""findingType":"ExternalAccess""#, r#""findingType":"Unused""#),
        ],
        severities: &[(r#""isPublic":false"#, r#""isPublic":true"#, Level::High, "medium")],
        states: &[
            (r#""status":"ACTIVE""#, r#""status":"ARCHIVED""#),
            (r#""isDeleted":false"#, r#""isDeleted":true"#),
        ],
    },
];

/// The text with another member beside one of its members: before or after it, in each spelling of
/// the key.
fn doubled(text: &str, member: &str, other: &str) -> Vec<String> {
    assert_eq!(text.matches(member).count(), 1, "{member} in {text}");
    let (key, value) = other.split_once(':').unwrap();
    let escaped = format!("\"\\u{:04x}{}", key.as_bytes()[1], &key[2..]);
    let spellings = [key.to_owned(), key.to_uppercase(), escaped];
    let pairs = spellings.into_iter().flat_map(|key| {
        let other = format!("{key}:{value}");
        [format!("{member},{other}"), format!("{other},{member}")]
    });
    pairs.map(|pair| text.replacen(member, &pair, 1)).collect()
}

fn only(text: &str) -> Finding {
    let Parsed { mut findings, rejections, .. } = parse(text);
    assert!(findings.len() == 1 && rejections.is_empty(), "{text}: {rejections:?}");
    findings.remove(0)
}

#[test]
fn a_finding_with_two_identities_is_rejected() {
    for source in &SOURCES {
        let own = only(source.text);
        for (place, member, other) in source.keys {
            for text in doubled(source.text, member, other) {
                let parsed = parse(&text);
                assert_eq!(parsed.count(), 0, "{text}");
                let [why] = &parsed.rejections[..] else { panic!("{text}") };
                assert_eq!(why.code, RejectCode::Contradiction);
                assert!(why.place.as_str().eq_ignore_ascii_case(place), "{why}");
                assert!(why.why.as_str().contains("occurs twice, with "), "{why}");
            }
            // The same value twice is no contradiction.
            for text in doubled(source.text, member, member) {
                assert_eq!(only(&text), own, "{text}");
            }
        }
    }
}

#[test]
fn the_worse_of_two_severities_counts_and_a_remark_says_so() {
    for source in &SOURCES {
        let own = only(source.text);
        for (member, other, level, said) in source.severities {
            for text in doubled(source.text, member, other) {
                let finding = only(&text);
                let [Remark::OtherSeverity(other)] = &finding.remarks[..] else {
                    panic!("{text}: {:?}", finding.remarks)
                };
                assert_eq!((finding.severity.level, other.as_str()), (*level, *said), "{text}");
                assert_eq!(finding.fingerprint, own.fingerprint);
            }
            for text in doubled(source.text, member, member) {
                assert_eq!(only(&text), own, "{text}");
            }
        }
    }
}

#[test]
fn the_worst_of_many_severities_counts() {
    let text = SOURCES[0].text;
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..200 {
        let scores: Vec<u8> = (0..random.usize(2..9)).map(|_| random.u8(0..=10)).collect();
        let members = scores.iter().map(|score| format!("\"severity\":{score}"));
        let text = text.replace("\"severity\":5", &members.collect::<Vec<_>>().join(","));
        let worst = f64::from(*scores.iter().max().unwrap());
        assert_eq!(only(&text).severity.score, Some(worst), "{text}");
    }
}

#[test]
fn a_finding_that_is_open_and_closed_is_open() {
    for source in &SOURCES {
        for (open, closed) in source.states {
            let finding = only(&source.text.replacen(open, closed, 1));
            assert!(finding.condition.is_closed(), "{closed}");
            for text in doubled(source.text, open, closed) {
                let finding = only(&text);
                assert!(!finding.condition.is_closed(), "{text}");
                assert_eq!(finding.remarks, [Remark::DisputedState], "{text}");
            }
        }
    }
}

/// Of two messages in one envelope only one would be read.
#[test]
fn two_values_in_an_envelope_are_rejected() {
    let finding = SOURCES[0].text;
    let event = format!(
        r#"{{"version":"0","id":"e","detail-type":"GuardDuty Finding","source":"aws.guardduty","account":"111122223333","region":"us-east-1","detail":{finding}}}"#
    );
    let message = serde_json::to_string(&event).unwrap();
    let sns = format!(r#"{{"Type":"Notification","TopicArn":"t","Message":{message}}}"#);
    let answer = format!(r#"{{"Findings":[{finding}]}}"#);
    let records = format!(r#"{{"Records":[{{"body":{message}}}]}}"#);
    for (text, member, other, place) in [
        (&event, r#""account":"111122223333""#, r#""account":"999988887777""#, "account"),
        (&event, r#""region":"us-east-1""#, r#""region":"us-east-2""#, "region"),
        (&event, r#""source":"aws.guardduty""#, r#""source":"other""#, "source"),
        (&event, &format!("\"detail\":{finding}"), r#""detail":{"id":"x"}"#, "detail"),
        (&sns, &format!("\"Message\":{message}"), r#""Message":"{}""#, "Message"),
        (&answer, &format!("\"Findings\":[{finding}]"), r#""Findings":[]"#, "findings"),
        (&records, &format!("\"body\":{message}"), r#""body":"{}""#, "Records[0].body"),
    ] {
        assert_eq!(parse(text).findings.len(), 1, "{text}");
        for text in doubled(text, member, other) {
            let parsed = parse(&text);
            let [why] = &parsed.rejections[..] else { panic!("{text}: {parsed:?}") };
            assert_eq!((why.code, why.place.as_str()), (RejectCode::Contradiction, place));
            assert_eq!(parsed.count(), 0, "{text}");
        }
    }
}

/// Each value is compared with the first, and only until two differ. Compared with each other,
/// these would take hours.
#[test]
fn many_long_values_cost_little() {
    let long = format!("\"{}\"", "\\u0061".repeat(60_000));
    let many = format!("{{\"id\":{long}{}}}", ",\"id\":\"x\",\"severity\":1".repeat(25_000));
    assert_eq!(parse(&many).count(), 0);
}
