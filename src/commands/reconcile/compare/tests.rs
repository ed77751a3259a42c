use super::*;
use crate::finding::Level;
use crate::policy::matcher::MatchKey;
use crate::policy::record::{AlertRecordState, Sighting};
use crate::policy::route::Route;

const NOW: Wall = Wall(1_793_000_000_000);

fn routes(overall: &str, own: &[Option<&str>]) -> Routes {
    let threshold = |text: &&str| text.parse::<Threshold>().unwrap();
    let route = |(i, own): (usize, &Option<&str>)| {
        Route::of_all(format!("d{i}"), own.as_ref().map(threshold))
    };
    Routes::new(overall.parse().unwrap(), own.iter().enumerate().map(route).collect())
}

fn terms() -> Terms {
    let seconds = Duration::from_secs;
    Terms {
        lease: seconds(45),
        skew: seconds(5),
        retention: seconds(90 * 86_400),
        remind_after: Some(seconds(86_400)),
    }
}

fn finding(severity: &str, created: &str, more: &str) -> String {
    format!(
        r#"{{"schemaVersion":"2.0","accountId":"111122223333","region":"eu-west-1","id":"f1",
        "type":"Trojan:EC2/DNSDataExfiltration","severity":{severity},"createdAt":"{created}",
        "updatedAt":"2026-10-20T10:00:00Z","resource":{{}},"service":{{{more}}}}}"#
    )
}

const OLD: &str = "2026-10-20T09:00:00.000Z";

#[test]
fn each_finding_is_judged_by_the_routes_in_force() {
    let mut routes = routes("medium", &[None, Some("high")]);
    routes.all_mut().iter_mut().for_each(|route| {
        route.matcher.add(true, MatchKey::Region, ["eu-north-*"]).unwrap();
    });
    let young = NOW.minus(SETTLE).plus(Duration::from_secs(1)).to_rfc3339();
    let settled = NOW.minus(SETTLE).to_rfc3339();
    for (text, expected) in [
        (finding("8", OLD, ""), "owed d0 d1"),
        (finding("5", OLD, ""), "owed d0"),
        (finding("2", OLD, ""), "below"),
        (finding("8", OLD, "").replace("eu-west-1", "eu-north-1"), "unmatched"),
        (finding("2", OLD, "").replace("eu-west-1", "eu-north-1"), "below"),
        (finding("8", OLD, r#""archived":true"#), "archived"),
        (finding("8", &young, ""), "young"),
        (finding("2", &young, ""), "below"),
        (finding("8", &settled, ""), "owed d0 d1"),
        (finding(r#""severe""#, OLD, ""), "owed d0 d1"),
        (finding("8", OLD, r#""additionalInfo":{"sample":true}"#), "owed d0 d1"),
        (r#"{"type":"x"}"#.to_owned(), "unreadable"),
        ("[]".to_owned(), "unreadable"),
        (String::new(), "unreadable"),
        (finding("8", OLD, &format!(r#""x":"{}""#, "é".repeat(180_000))), "unreadable"),
    ] {
        let (_, verdict) = judge(&text, &routes, NOW);
        let judged = match verdict {
            FindingVerdict::Unreadable(_) => "unreadable".to_owned(),
            FindingVerdict::Archived => "archived".to_owned(),
            FindingVerdict::BelowThreshold => "below".to_owned(),
            FindingVerdict::Unmatched => "unmatched".to_owned(),
            FindingVerdict::Silenced => "silenced".to_owned(),
            FindingVerdict::Young => "young".to_owned(),
            FindingVerdict::Owed(owed) => {
                let to = owed.alerts.iter().map(|key| format!(" {}", key.destination()));
                format!("owed{}", to.collect::<String>())
            }
        };
        assert_eq!(judged, expected, "{text:.300}");
    }
}

#[test]
fn readable_findings_return_the_time_of_their_update() {
    let at = Wall::parse_rfc3339("2026-10-20T10:00:00Z");
    let routes = routes("high", &[None]);
    assert_eq!(judge(&finding("2", OLD, ""), &routes, NOW).0, at);
    assert_eq!(judge(r#"{"type":"x"}"#, &routes, NOW).0, None);
}

#[test]
fn known_is_what_the_ledger_would_not_have_posted() {
    let FindingVerdict::Owed(owed) = judge(&finding("8", OLD, ""), &routes("low", &[None]), NOW).1
    else {
        panic!("not owed");
    };
    let terms = terms();
    let want = |level| Want { owner: "w", sighting: Sighting::open(level, None) };
    let claimed = |level, at| match ledger::claim(None, &want(level), &terms, at) {
        Claim::Write { record: row, .. } => row,
        other => panic!("{other:?}"),
    };
    let sent = |level, at| {
        ledger::mark(&claimed(level, at), "p", &Sighting::open(level, None), &terms, at).1
    };
    let long_ago = NOW.minus(Duration::from_secs(3600));
    let freed = ledger::release(&claimed(Level::High, long_ago), false, &terms, long_ago).1;
    assert_eq!(freed.state, AlertRecordState::Free { rewound: None });
    for (what, row, expected) in [
        ("no record", None, false),
        ("posted at this level", Some(sent(Level::High, long_ago)), true),
        ("posted at a higher one", Some(sent(Level::Critical, long_ago)), true),
        ("posted at a lower one", Some(sent(Level::Medium, long_ago)), false),
        ("a reminder may be due", Some(sent(Level::High, NOW.minus(terms.retention / 2))), true),
        ("expired", Some(sent(Level::High, NOW.minus(terms.retention * 2))), false),
        ("claimed", Some(claimed(Level::High, NOW)), true),
        ("claimed long ago", Some(claimed(Level::High, long_ago)), false),
        ("released", Some(freed), false),
    ] {
        assert_eq!(known(row.as_ref(), &owed.finding, &terms, NOW), expected, "{what}");
    }
}

#[test]
fn a_message_is_ascii_and_the_same_finding() {
    let text =
        r#"{"id":"f1","title":"Ünïcode 🚨 \"}} \u00e9 \ufffe","x":1.50,"severity":8,"service":{}}"#;
    let text = text.replace(r"\ufffe", "\u{fffe}");
    let message = message(&text);
    assert!(message.is_ascii());
    let read: serde_json::Value = serde_json::from_str(&message).unwrap();
    assert_eq!(read["detail"], serde_json::from_str::<serde_json::Value>(&text).unwrap());
    assert_eq!(read["detail-type"], "GuardDuty Finding");
    assert_eq!(read["source"], SOURCE);
    assert!(message.contains("1.50"), "numbers stay as they are: {message}");
}

#[test]
fn the_source_is_asked_for_no_less_than_is_owed() {
    for (overall, own, floor) in [
        ("medium", &[None][..], 4),
        ("5.5", &[None], 5),
        ("low", &[Some("high"), Some("critical")], 7),
        ("low", &[Some("high"), None], 1),
        ("high", &[Some("low")], 7),
        ("informational", &[None], 0),
        ("10", &[None], 10),
    ] {
        assert_eq!(severity_floor(&routes(overall, own)), floor, "{overall} {own:?}");
    }
}
