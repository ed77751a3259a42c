//! What a reader has to learn from a finding, whichever part says it: title, description, resource,
//! actor or a fact.

use std::path::PathBuf;

use hansho::finding::{Finding, parse};

/// The fixtures in `tests/fixtures/message`, and texts that each must say.
const SAID: &[(&str, &[&str])] = &[
    (
        "attack-sequence-iam",
        &[
            "198.51.100.77",
            "StopLogging",
            "CreateAccessKey ×2",
            "S3 bucket invoices",
            "IAMUser deploy",
            "Persistence, Defense Evasion, Impact",
            "UnauthorizedAccess:IAMUser/TorIPCaller",
        ],
    ),
    (
        "role-credentials-outside",
        &[
            "EC2 instance i-0a1b2c3d (web-1, t3.large)",
            "account 777788889999 (not affiliated)",
            "CreateUser",
            "aws-cli/2.27",
        ],
    ),
    (
        "port-probe",
        &["port 22 (SSH) by 198.51.100.0", "+5 more", "vpc-0aa, subnet-0bb, sg-0cc (open)"],
    ),
    (
        "trail-switched-off",
        &["session alice@example.com", "CloudTrail trail org-trail", "StopLogging"],
    ),
];

fn read(fixture: &str) -> Finding {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/message");
    let body = std::fs::read_to_string(path.join(fixture).with_extension("json")).unwrap();
    parse(&body).findings.remove(0)
}

fn said(finding: &Finding) -> String {
    let facts = finding.actor.iter().chain(&finding.facts).map(|fact| &fact.text);
    let texts = [&finding.title].into_iter().chain(&finding.description).chain(&finding.resource);
    texts.chain(facts).map(|text| text.as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_text_is_said() {
    for (fixture, texts) in SAID {
        let said = said(&read(fixture));
        for text in *texts {
            assert!(said.contains(text), "{fixture}: {text} is not in:\n{said}");
        }
        assert!(!said.contains("AttackSequence"), "{fixture}: {said}");
    }
}

#[test]
fn the_steps_of_a_sequence_keep_their_lines() {
    let description = read("attack-sequence-iam").description.unwrap();
    assert_eq!(description.as_str().lines().count(), 6, "{description}");
}
