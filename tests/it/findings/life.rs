//! The life of a finding, as its events tell it: open, closed, and since when.

use std::path::PathBuf;

use hansho::finding::{Closing, Finding, Level, parse, parse_wanted};

/// Reads every event of a case.
fn case(name: &str) -> Vec<Finding> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/life").join(name);
    let text = std::fs::read_to_string(path).expect("the case is there");
    text.lines().flat_map(|line| parse(line).findings).collect()
}

fn closed(findings: &[Finding]) -> Vec<Option<Closing>> {
    findings.iter().map(|finding| finding.condition.closed()).collect()
}

#[test]
fn every_case_has_its_states() {
    use Closing::{Resolved, Suppressed};
    for (name, states) in [
        ("control-fails-passes-fails.jsonl", &[None, Some(Resolved), None][..]),
        ("control-passed-high.json", &[Some(Resolved)]),
        ("workflow-suppressed.json", &[Some(Suppressed)]),
        ("access-analyzer-resolved.json", &[Some(Resolved)]),
        ("inspector-closed.json", &[Some(Resolved)]),
        ("guardduty-archived-then-active.jsonl", &[Some(Suppressed), None]),
        ("ocsf-suppressed.json", &[Some(Suppressed)]),
        ("one-control-four-standards.jsonl", &[None; 4]),
        ("suppressed-without-a-new-updatedat.jsonl", &[None, Some(Suppressed), None]),
    ] {
        assert_eq!(closed(&case(name)), states, "{name}");
    }
}

/// The second event names its control only in its ids.
#[test]
fn a_control_keeps_its_identity_through_its_life() {
    let events = case("control-fails-passes-fails.jsonl");
    let [fails, passes, again] = &events[..] else { panic!("{events:?}") };
    let print = "securityhub/444455556666/eu-west-1/control/EC2.19/\
                 arn:aws:ec2:eu-west-1:444455556666:security-group/sg-0abc";
    assert_eq!(fails.fingerprint.to_string(), print);
    assert_eq!(passes.fingerprint, fails.fingerprint);
    assert_eq!(again.fingerprint, fails.fingerprint);
    assert!(passes.member.is_some() && passes.member == fails.member);
}

#[test]
fn one_control_of_four_standards_is_one() {
    let events = case("one-control-four-standards.jsonl");
    let names: Vec<&str> = events.iter().flat_map(|f| &f.standards).map(|s| s.as_str()).collect();
    let expected = [
        "AWS Foundational Security Best Practices v1.0.0",
        "CIS AWS Foundations Benchmark v1.4.0",
        "CIS AWS Foundations Benchmark v1.2.0",
        "PCI DSS v3.2.1",
    ];
    assert_eq!(names, expected);
    let mut members: Vec<_> = events.iter().map(|f| f.member.clone()).collect();
    members.sort();
    members.dedup();
    assert_eq!(members.len(), 4);
    assert!(events.iter().all(|f| f.fingerprint == events[0].fingerprint));
}

/// A person's change leaves `UpdatedAt`, so only the time of processing orders the events.
#[test]
fn states_are_ordered_by_when_they_were_seen() {
    let events = case("suppressed-without-a-new-updatedat.jsonl");
    assert!(events.iter().all(|f| f.updated_at == events[0].updated_at));
    let seen = |finding: &Finding| finding.condition.observed_at.map(|at| at.to_rfc3339());
    let seen: Vec<_> = events.iter().map(|f| seen(f).unwrap_or_default()).collect();
    assert_eq!(seen, ["2026-11-20T10:00:01Z", "2026-11-20T12:00:01Z", "2026-11-20T10:00:01Z"]);
    for name in ["inspector-closed.json", "guardduty-archived-then-active.jsonl"] {
        let at = case(name)[0].condition.observed_at.expect("the event has a time");
        assert_eq!(at.to_rfc3339(), "2026-11-20T10:07:00Z", "{name}");
    }
    let bare = r#"{"schemaVersion":"2.0","id":"f","type":"A:B/C","severity":5,"resource":{}}"#;
    assert_eq!(parse(bare).findings[0].condition.observed_at, None);
}

/// A control that passes becomes informational, which no destination may want.
#[test]
fn closed_findings_are_read_in_full_though_unwanted() {
    for (name, kept) in [
        ("control-fails-passes-fails.jsonl", [false, true, false].as_slice()),
        ("guardduty-archived-then-active.jsonl", &[true, false]),
    ] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/life").join(name);
        let text = std::fs::read_to_string(path).expect("the case is there");
        for (line, kept) in text.lines().zip(kept) {
            let parsed = parse_wanted(line, &|severity| severity.level > Level::Critical);
            assert_eq!(parsed.findings.len(), usize::from(*kept), "{line}");
            assert_eq!(parsed.unwanted.len(), usize::from(!*kept), "{line}");
        }
    }
}
