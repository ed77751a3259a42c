use super::*;
use crate::finding::{Level, MAX_BYTES, MAX_DEPTH, Remark};

/// The least that is a GuardDuty finding.
const BARE: &str = r#"{"schemaVersion":"2.0","accountId":"111122223333","region":"eu-west-1",
    "id":"f1","type":"Recon:EC2/Portscan","severity":5,"resource":{"resourceType":"Instance"}}"#;

fn event(detail: &str) -> String {
    format!(
        r#"{{"detail-type":"GuardDuty Finding","source":"aws.guardduty","account":"999988887777",
            "region":"us-east-1","detail":{detail}}}"#
    )
}

fn sns(message: &str) -> String {
    let message = serde_json::to_string(message).unwrap();
    format!(r#"{{"Type":"Notification","TopicArn":"arn:aws:sns:r:1:t","Message":{message}}}"#)
}

fn quote(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn ids(parsed: &Parsed) -> Vec<&str> {
    parsed.findings.iter().map(|finding| finding.fingerprint.id.as_str()).collect()
}

fn refusals(parsed: &Parsed) -> Vec<(RejectCode, &str)> {
    parsed.rejections.iter().map(|r| (r.code, r.place.as_str())).collect()
}

#[test]
fn a_finding_is_found_in_every_wrapper() {
    for body in [
        BARE.to_owned(),
        format!("\u{feff} {BARE}\n"),
        event(BARE),
        event(&quote(BARE)),
        format!(r#"{{"detail":{BARE}}}"#),
        format!("[{BARE}]"),
        format!("[{}]", event(BARE)),
        format!(r#"{{"findings":[{BARE}]}}"#),
        format!(r#"{{"Findings":{BARE}}}"#),
        quote(BARE),
        sns(BARE),
        sns(&event(BARE)),
        sns(&sns(&sns(&event(BARE)))),
        sns(&format!("\u{feff}{}", event(BARE))),
        format!(r#"{{"Records":[{{"Sns":{}}}]}}"#, sns(&event(BARE))),
        format!(r#"{{"Records":[{{"messageId":"m","body":{}}}]}}"#, quote(&sns(&event(BARE)))),
        format!(r#"{{"name":"scenario","event_payload":{},"other":1}}"#, event(BARE)),
    ] {
        let parsed = parse(&body);
        assert_eq!((ids(&parsed), refusals(&parsed)), (vec!["f1"], vec![]), "{body}");
        assert_eq!(
            parsed.findings[0].fingerprint.to_string(),
            "guardduty/111122223333/eu-west-1/f1"
        );
    }
}

#[test]
fn four_strings_deep_is_too_deep() {
    let parsed = parse(&sns(&sns(&sns(&sns(BARE)))));
    let place = "Message.Message.Message.Message";
    assert_eq!(refusals(&parsed), [(RejectCode::TooDeep, place)]);
    let nested = format!("{}{BARE}{}", "[".repeat(20), "]".repeat(20));
    assert_eq!(refusals(&parse(&nested))[0].0, RejectCode::TooDeep);
}

#[test]
fn what_is_no_finding_says_what_it_is() {
    for (body, place, why) in [
        ("null", "", "null is not a finding"),
        ("17", "", "a number is not a finding"),
        ("true", "", "a boolean is not a finding"),
        (r#""hello""#, "", "plain text is not a finding"),
        ("[]", "", "the list is empty"),
        ("[1,2,null]", "", "none of the 3 elements of the list is an object"),
        ("{}", "", "the object does not have the keys of a finding that hansho knows"),
        (r#"{"hello":1}"#, "", "the object does not have the keys of a finding that hansho knows"),
        (
            r#"{"detail-type":"EC2 Instance State-change Notification","source":"aws.ec2","detail":{"state":"running"}}"#,
            "detail",
            r#"an event with detail-type "EC2 Instance State-change Notification" and source "aws.ec2" is not a finding that hansho knows"#,
        ),
        (
            r#"{"detail-type":"X","source":"y","detail":null}"#,
            "",
            r#"an event with detail-type "X" and source "y" is not a finding that hansho knows"#,
        ),
        (r#"{"detail":{"findings":[]}}"#, "detail.findings", "the list is empty"),
        (
            r#"{"Type":"UnsubscribeConfirmation","TopicArn":"t","Message":"bye"}"#,
            "",
            r#"an SNS message of type "UnsubscribeConfirmation" is not a finding"#,
        ),
        (r#"{"Type":"Notification","Message":"hello"}"#, "Message", "plain text is not a finding"),
    ] {
        let parsed = parse(body);
        assert!(parsed.findings.is_empty(), "{body}");
        let [rejection] = parsed.rejections.as_slice() else { panic!("{body}: {parsed:?}") };
        assert_eq!(rejection.code, RejectCode::NotAFinding, "{body}");
        assert_eq!((rejection.place.as_str(), rejection.why.as_str()), (place, why), "{body}");
    }
}

#[test]
fn broken_json_names_the_place_and_quotes_nothing() {
    for (body, place, why) in [
        ("", "line 1 column 0", "the JSON is cut off"),
        ("secret", "line 1 column 1", "not valid JSON"),
        ("{\"secret\":\n  secret}", "line 2 column 3", "not valid JSON"),
        (r#"{"a":"secret"#, "line 1 column 12", "the JSON is cut off"),
        (r#"{"secret":1} {"b":2}"#, "line 1 column 14", "not valid JSON"),
        (&sns("{secret}"), "Message, line 1 column 2", "not valid JSON"),
        (&event(&quote("{\"secret\":")), "detail, line 1 column 10", "the JSON is cut off"),
    ] {
        let parsed = parse(body);
        let [rejection] = parsed.rejections.as_slice() else { panic!("{body}: {parsed:?}") };
        assert_eq!(rejection.code, RejectCode::NotJson, "{body}");
        assert_eq!((rejection.place.as_str(), rejection.why.as_str()), (place, why), "{body}");
    }
}

#[test]
fn limits_hold_before_and_within_wrappers() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(MAX_DEPTH + 1), "}".repeat(MAX_DEPTH + 1));
    for (body, code, place) in [
        (" ".repeat(MAX_BYTES + 1), RejectCode::TooLarge, "line 1 column 1048577"),
        (deep.clone(), RejectCode::TooDeep, "line 1 column 321"),
        (sns(&deep), RejectCode::TooDeep, "Message, line 1 column 321"),
    ] {
        assert_eq!(refusals(&parse(&body)), [(code, place)]);
    }
    // As deep as is allowed, in a key that nobody reads.
    let nested = format!("{}1{}", "[".repeat(MAX_DEPTH - 2), "]".repeat(MAX_DEPTH - 2));
    let body = event(&BARE.replacen('{', &format!(r#"{{"odd":{nested},"#), 1));
    assert_eq!(ids(&parse(&body)), ["f1"]);
}

#[test]
fn each_finding_of_several_is_judged_for_itself() {
    let body = format!(
        r#"{{"source":"aws.securityhub","detail-type":"Findings Imported V2","detail":{{"findings":
            [{BARE}, 5, {{"class_uid":2004,"finding_info":{{}}}}, {{"ProductArn":"p"}}, {BARE}]}}}}"#
    );
    let parsed = parse(&body);
    assert_eq!(ids(&parsed), ["f1", "f1"]);
    assert_eq!(
        refusals(&parsed),
        [
            (RejectCode::NotAFinding, "detail.findings[1]"),
            (RejectCode::NoIdentity, "detail.findings[2].finding_info.uid"),
            (RejectCode::NoIdentity, "detail.findings[3].Id"),
        ]
    );
}

#[test]
fn the_surplus_is_counted() {
    let many = |n: usize| format!(r#"{{"Findings":[{}]}}"#, vec![BARE; n].join(","));
    assert_eq!(ids(&parse(&many(MAX_FINDINGS))).len(), MAX_FINDINGS);
    let parsed = parse(&many(MAX_FINDINGS + 37));
    assert_eq!(ids(&parsed).len(), MAX_FINDINGS);
    let [rejection] = parsed.rejections.as_slice() else { panic!("{parsed:?}") };
    assert_eq!(
        rejection.to_string(),
        "findings[100]: 37 findings more than the limit of 100 a message"
    );
    assert_eq!(rejection.code, RejectCode::TooLarge);
    // What is refused counts too, and so does what lies under keys of somebody's making.
    let parsed = parse(&format!("[{{}},{}]", vec!["{}"; 200].join(",")));
    assert_eq!(parsed.rejections.len(), MAX_FINDINGS + 1);
    let event = event(BARE);
    let keyed: Vec<_> = (0..MAX_FINDINGS + 5).map(|n| format!(r#""k{n}":{event}"#)).collect();
    let parsed = parse(&format!("{{{}}}", keyed.join(",")));
    assert_eq!((parsed.findings.len(), parsed.rejections.len()), (MAX_FINDINGS, 1));
    assert_eq!(parsed.rejections[0].place.as_str(), "k100");
}

/// The worst that fits: it is refused or read, and not for long.
#[test]
fn hostile_shapes_are_bounded() {
    let wide = format!("[{}]", vec!["{}"; MAX_BYTES / 3 - 1].join(","));
    let keys = format!("{{{}}}", vec![r#""id":1"#; MAX_BYTES / 7 - 1].join(","));
    for body in [wide, keys, "[".repeat(MAX_BYTES), "\"".repeat(MAX_BYTES)] {
        let parsed = parse(&body);
        assert!(parsed.findings.is_empty());
        assert!((1..=MAX_FINDINGS + 1).contains(&parsed.rejections.len()));
    }
}

#[test]
fn the_envelope_lends_account_and_region_but_no_identity() {
    let detail = r#"{"id":"f1","severity":8}"#;
    let parsed = parse(&event(detail));
    let finding = &parsed.findings[0];
    assert_eq!(finding.fingerprint.to_string(), "guardduty/-/-/f1");
    assert_eq!((finding.account.as_str(), finding.region.as_str()), ("999988887777", "us-east-1"));
    assert_eq!(finding.remarks, []);
    let parsed = parse(&event(BARE));
    let remark = Remark::SentByAccount(crate::finding::Text::new("999988887777", 64));
    assert_eq!(parsed.findings[0].remarks, [remark]);
    assert_eq!(parsed.findings[0].account.as_str(), "111122223333");
}

#[test]
fn the_detail_type_decides_where_the_shape_does_not() {
    let body = event(r#"{"findings":[{"id":"inner","type":"A:B/C","severity":1}]}"#);
    assert_eq!(ids(&parse(&body)), ["inner"]);
    let custom = event(BARE).replace("GuardDuty Finding", "Forwarded").replace("aws.", "my.");
    assert_eq!(ids(&parse(&custom)), ["f1"]);
    let parsed = parse(&event("{}"));
    assert_eq!(refusals(&parsed), [(RejectCode::NoIdentity, "detail.id")]);
}

#[test]
fn keys_given_twice_do_no_harm() {
    let twice = r#"{"id":"f1","ID":null,"Id":"f1","accountId":"111122223333","AccountId":111122223333,
        "region":"eu-west-1","severity":1,"Severity":9.1,"type":"A:B/C","resource":{},"resource":5}"#;
    let parsed = parse(&event(twice));
    assert_eq!(ids(&parsed), ["f1"]);
    assert_eq!(parsed.findings[0].severity.level, Level::Critical);
    let enveloped_twice = event(BARE).replacen('{', r#"{"detail":7,"DETAIL":null,"#, 1);
    let parsed = parse(&enveloped_twice);
    assert_eq!(refusals(&parsed), [(RejectCode::Contradiction, "detail")]);
}

#[test]
fn names_in_a_rejection_are_short_and_clean() {
    let name = format!("a\u{202e}\u{1b}[31m\n{}", "x".repeat(5000));
    let body = format!(r#"{{"detail-type":{},"source":"s","detail":{{}}}}"#, quote(&name));
    let parsed = parse(&body);
    let why = parsed.rejections[0].to_string();
    assert!(why.chars().count() <= 200, "{why}");
    assert!(!why.chars().any(|c| c.is_control() || c == '\u{202e}'), "{why}");
}
