//! What people need from a finding, whichever field it is in.

use std::path::PathBuf;

use hansho::finding::{Fact, Finding, parse};
use serde_json::Value;

use super::sources::pointers;

/// The texts that each finding must give to its card.
const EXPECTED: &[(&str, &[&str])] = &[
    (
        "access-key-without-id",
        &[
            "CredentialAccess:IAMUser/AnomalousBehavior",
            "Resource IAM user kapil",
            "Caller 198.51.100.31 (Oslo, Norway) calling secretsmanager:GetSecretValue",
        ],
    ),
    ("control-failed", &["Control EC2.1 failed: Public Amazon EBS Snapshots: 2"]),
    (
        "guardduty-copy",
        &[
            "UnauthorizedAccess:EC2/SSHBruteForce",
            "Remote inbound from 198.51.100.12 (Italy, C1V), to port 22 (SSH), TCP",
        ],
    ),
    (
        "inspector-copy",
        &[
            "Package openssl 3.0.1 (fixed in 0:3.0.9)",
            "Risk Inspector score 8.1, EPSS 0.42, exploit available, last seen 2026-11-02",
        ],
    ),
    (
        "inspector-image",
        &[
            "First 2024-09-04T16:59:44Z",
            "Package openssl 3.0.1 (fixed in 3.0.9)",
            "Risk Inspector score 8.1, EPSS 0.42, exploit available",
            "Image sha256:aa",
        ],
    ),
    (
        "macie-copy",
        &[
            "SensitiveData:S3Object/Financial",
            "Sensitive data CREDIT_CARD_NUMBER 12, customer number 4",
        ],
    ),
    (
        "macie-sensitive-data",
        &[
            "Resource S3 bucket invoices (object 2026/cards.csv, not public)",
            "Sensitive data CREDIT_CARD_NUMBER 12, NAME 3",
        ],
    ),
    (
        "runtime-v2",
        &[
            "Hash SHA-256 abababab",
            "Parents /usr/bin/bash, /usr/bin/node, /usr/lib/systemd/systemd",
            "Account name core-tools",
        ],
    ),
    (
        "vulnerability-v2",
        &[
            "Resource IAM access key ASIAEXAMPLE (kapil)",
            "Package openssl 3.0.1 (fixed in 3.0.9)",
            "Risk EPSS 0.42, exploit available",
        ],
    ),
];

fn text_of(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/message");
    std::fs::read_to_string(folder.join(name).with_extension("json")).expect("the case is there")
}

fn read(text: &str) -> Finding {
    parse(text).findings.pop().expect("the case is a finding")
}

/// What a card may show, in lines.
fn lines(finding: &Finding) -> Vec<String> {
    let line = |fact: &Fact| format!("{} {}", fact.label, fact.text);
    let mut lines = vec![finding.kind.to_string(), finding.title.to_string()];
    lines.extend(finding.resource.iter().map(|resource| format!("Resource {resource}")));
    lines.extend(finding.first_seen.map(|at| format!("First {}", at.to_rfc3339())));
    lines.extend(finding.actor.iter().chain(&finding.facts).map(line));
    lines
}

#[test]
fn every_finding_says_what_matters() {
    for (name, expected) in EXPECTED {
        let lines = lines(&read(&text_of(name)));
        for text in *expected {
            assert!(lines.iter().any(|line| line.contains(text)), "{name}: {text} in {lines:#?}");
        }
    }
}

/// Anybody may have written any text, and made it as long as a message can be.
#[test]
fn hostile_text_stays_bounded_and_clean() {
    const KEPT: [&str; 10] = [
        "detail-type",
        "source",
        "Id",
        "id",
        "uid",
        "findingArn",
        "ProductArn",
        "SchemaVersion",
        "direction",
        "type",
    ];
    let hostile = "<!channel> *x* \u{202e}\n\u{0}<http://evil.example|x> ";
    for length in [1, 200] {
        let text = Value::from(hostile.repeat(length));
        for (name, _) in EXPECTED {
            let mut whole: Value = serde_json::from_str(&text_of(name)).unwrap();
            for pointer in pointers(&whole) {
                let is_kept = KEPT.iter().any(|key| pointer.ends_with(&format!("/{key}")));
                let value = whole.pointer_mut(&pointer).unwrap();
                if value.is_string() && !is_kept {
                    *value = text.clone();
                }
            }
            let finding = read(&whole.to_string());
            assert!(finding.facts.len() <= Fact::MAX, "{name}");
            let labels = ["Actor", "Remote", "Caller", "Domain", "Principal", "Malware"];
            assert!(finding.actor.iter().all(|actor| labels.contains(&actor.label)), "{name}");
            let is_own =
                |fact: &Fact| fact.label.chars().all(|c| c.is_ascii_alphabetic() || c == ' ');
            assert!(finding.facts.iter().all(is_own), "{name}");
            for line in lines(&finding) {
                assert!(line.chars().count() <= Fact::CHARS_MAX + 20, "{name}: {line}");
                let is_clean = |c: char| !c.is_control() && c != '\u{202e}';
                assert!(line.chars().all(is_clean), "{name}: {line:?}");
            }
        }
    }
}
