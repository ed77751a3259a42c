//! Whole messages: one for every kind of resource, source and envelope, then each of them with
//! every small damage.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hansho::finding::{Finding, IgnoredEvent, Level, Parsed, Partition, RejectCode, parse};
use serde_json::Value;

use crate::support::lane::ByLane;

/// The finding that several fixtures carry in different envelopes.
const COMMAND_AND_CONTROL: &str =
    "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f300";

/// The first finding of a fixture, as it must be read.
struct Expected {
    fixture: &'static str,
    fingerprint: &'static str,
    level: Level,
    resource: &'static str,
    actor: &'static str,
}

/// Every fixture with a finding. The others are in [`IGNORED`] and [`REFUSED`].
const EXPECTED: &[Expected] = &[
    Expected {
        fixture: "access-analyzer-external",
        fingerprint: "access-analyzer/111122223333/us-gov-west-1/5a6b7c8d-0000-4000-8000-00000000bbbb",
        level: Level::Medium,
        resource: "IAM role deploy",
        actor: "AWS 777788889999, Federated idp.example.org",
    },
    Expected {
        fixture: "access-analyzer-internal",
        fingerprint: "access-analyzer/111122223333/-/5a6b7c8d-0000-4000-8000-00000000cccc",
        level: Level::Low,
        resource: "S3 bucket critical-data",
        actor: "AWS arn:aws:iam::111122223333:role/batch",
    },
    Expected {
        fixture: "access-analyzer-public",
        fingerprint: "access-analyzer/111122223333/eu-central-1/5a6b7c8d-0000-4000-8000-00000000aaaa",
        level: Level::High,
        resource: "S3 bucket shop-data-1",
        actor: "anyone",
    },
    Expected {
        fixture: "access-analyzer-unused",
        fingerprint: "access-analyzer/111122223333/-/5a6b7c8d-0000-4000-8000-00000000dddd",
        level: Level::Low,
        resource: "IAM role old",
        actor: "",
    },
    Expected {
        fixture: "guardduty-access-key",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f304",
        level: Level::Medium,
        resource: "IAMUser alice (access key AKIAIOSFODNN7EXAMPLE, principal AIDAEXAMPLEPRINCIPAL)",
        actor: "198.51.100.23 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting) calling iam:CreateUser (AccessDenied)",
    },
    Expected {
        fixture: "guardduty-attack-sequence",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f30f",
        level: Level::Critical,
        resource: "S3 bucket shop-data-1, EC2 instance i-0a1b2c3d4e5f60718, EKS cluster x, access key AKIAIOSFODNN7EXAMPLE",
        actor: "IAMUser alice (credential AKIAIOSFODNN7EXAMPLE) from 198.51.100.23 (Reykjavík, Iceland, AS64500 Example Transit)",
    },
    Expected {
        fixture: "guardduty-container",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f30a",
        level: Level::High,
        resource: "container worker (image shop/worker:3)",
        actor: "Linux.Miner",
    },
    Expected {
        fixture: "guardduty-dns-china",
        fingerprint: "guardduty/111122223333/cn-north-1/0ac1f0e2d3b4459687a8b9c0d1e2f302",
        level: Level::High,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (web-1, t3.micro, 10.0.4.17, 203.0.113.80)",
        actor: "exfil.example.org (UDP, blocked)",
    },
    Expected {
        fixture: "guardduty-ebs-malware",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f30e",
        level: Level::High,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (web-1, t3.micro, 10.0.4.17, 203.0.113.80), EBS volume vol-0a1b2c3d",
        actor: "EICAR-Test-File",
    },
    Expected {
        fixture: "guardduty-ecs",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f309",
        level: Level::High,
        resource: "ECS cluster shop (task definition web:7, task 0a1b2c3d, image shop/web:2, shop/log:1)",
        actor: "/tmp/xmrig (pid 4242, user root), domain pool.example.org",
    },
    Expected {
        fixture: "guardduty-eks",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f308",
        level: Level::Medium,
        resource: "EKS cluster prod, deployments shop/cart (image registry.example.com/shop/cart:1.4)",
        actor: "Kubernetes user system:anonymous from 198.51.100.23 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting), list /api/v1/secrets",
    },
    Expected {
        fixture: "guardduty-get-findings",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f300",
        level: Level::High,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (web-1, t3.micro, 10.0.4.17, 203.0.113.80)",
        actor: "outbound to 198.51.100.23:443 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting), TCP; on threat list ExampleIntel (BotnetX)",
    },
    Expected {
        fixture: "guardduty-inbound-govcloud",
        fingerprint: "guardduty/111122223333/us-gov-west-1/0ac1f0e2d3b4459687a8b9c0d1e2f303",
        level: Level::Medium,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (web-1, t3.micro, 10.0.4.17, 203.0.113.80)",
        actor: "inbound from 2001:db8::17 (IS), to port 22 (SSH), TCP",
    },
    Expected {
        fixture: "guardduty-instance-by-administrator",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f300",
        level: Level::High,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (web-1, t3.micro, 10.0.4.17, 203.0.113.80)",
        actor: "outbound to 198.51.100.23:443 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting), TCP; on threat list ExampleIntel (BotnetX)",
    },
    Expected {
        fixture: "guardduty-instance-lambda-records",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f300",
        level: Level::High,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (web-1, t3.micro, 10.0.4.17, 203.0.113.80)",
        actor: "outbound to 198.51.100.23:443 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting), TCP; on threat list ExampleIntel (BotnetX)",
    },
    Expected {
        fixture: "guardduty-instance-raw",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f300",
        level: Level::High,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (web-1, t3.micro, 10.0.4.17, 203.0.113.80)",
        actor: "outbound to 198.51.100.23:443 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting), TCP; on threat list ExampleIntel (BotnetX)",
    },
    Expected {
        fixture: "guardduty-instance-sns-twice",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f300",
        level: Level::High,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (web-1, t3.micro, 10.0.4.17, 203.0.113.80)",
        actor: "outbound to 198.51.100.23:443 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting), TCP; on threat list ExampleIntel (BotnetX)",
    },
    Expected {
        fixture: "guardduty-instance-sns",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f300",
        level: Level::High,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (web-1, t3.micro, 10.0.4.17, 203.0.113.80)",
        actor: "outbound to 198.51.100.23:443 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting), TCP; on threat list ExampleIntel (BotnetX)",
    },
    Expected {
        fixture: "guardduty-instance-string-detail",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f300",
        level: Level::High,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (web-1, t3.micro, 10.0.4.17, 203.0.113.80)",
        actor: "outbound to 198.51.100.23:443 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting), TCP; on threat list ExampleIntel (BotnetX)",
    },
    Expected {
        fixture: "guardduty-instance",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f300",
        level: Level::High,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (web-1, t3.micro, 10.0.4.17, 203.0.113.80)",
        actor: "outbound to 198.51.100.23:443 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting), TCP; on threat list ExampleIntel (BotnetX)",
    },
    Expected {
        fixture: "guardduty-lambda",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f30b",
        level: Level::High,
        resource: "Lambda function resize (version 4, role resize-role)",
        actor: "outbound to 198.51.100.23:443 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting), TCP",
    },
    Expected {
        fixture: "guardduty-port-probe",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f301",
        level: Level::Low,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (web-1, t3.micro, 10.0.4.17, 203.0.113.80)",
        actor: "probe of port 22 (SSH) by 198.51.100.1 (Lima, Peru), 198.51.100.2 (Lima, Peru), 198.51.100.3 (Lima, Peru) +2 more",
    },
    Expected {
        fixture: "guardduty-rds-limitless",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f30d",
        level: Level::Medium,
        resource: "RDS Limitless shard group shards-1 (aurora-postgresql, cluster orders, user app)",
        actor: "198.51.100.23 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting), login as app (9 failed)",
    },
    Expected {
        fixture: "guardduty-rds",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f30c",
        level: Level::High,
        resource: "RDS instance orders-1 (aurora-postgresql 15.4, cluster orders, user admin, database orders, application psql)",
        actor: "198.51.100.23 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting), login as admin (120 failed, 1 successful)",
    },
    Expected {
        fixture: "guardduty-role",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f305",
        level: Level::High,
        resource: "AssumedRole web (session i-0a1b, access key ASIAIOSFODNN7EXAMPLE, principal AROAEXAMPLE), EC2 instance i-0a1b2c3d4e5f60718 (web-1, t3.micro, 10.0.4.17, 203.0.113.80)",
        actor: "account 777788889999 (not affiliated) calling iam:CreateUser",
    },
    Expected {
        fixture: "guardduty-s3-object",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f307",
        level: Level::High,
        resource: "S3 bucket uploads (object in/report.exe)",
        actor: "EICAR-Test-File",
    },
    Expected {
        fixture: "guardduty-s3",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f306",
        level: Level::High,
        resource: "S3 buckets shop-data-1, shop-data-2, shop-data-3 +2 more (public)",
        actor: "198.51.100.23 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting) calling s3:GetObject as IAMUser alice (access key AKIAIOSFODNN7EXAMPLE)",
    },
    Expected {
        fixture: "guardduty-unknown-resource",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f310",
        level: Level::High,
        resource: "QuantumTask",
        actor: "",
    },
    Expected {
        fixture: "inspector-code",
        fingerprint: "inspector/111122223333/eu-central-1/33333333333333333333333333333333",
        level: Level::Critical,
        resource: "Lambda function resize (PYTHON_3_12)",
        actor: "",
    },
    Expected {
        fixture: "inspector-ec2",
        fingerprint: "inspector/111122223333/eu-central-1/0123456789abcdef0123456789abcdef",
        level: Level::High,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (t3.micro, web-1, 10.0.4.17)",
        actor: "",
    },
    Expected {
        fixture: "inspector-ecr-untriaged",
        fingerprint: "inspector/111122223333/eu-central-1/11111111111111111111111111111111",
        level: Level::High,
        resource: "container image shop/web (tag 2)",
        actor: "",
    },
    Expected {
        fixture: "inspector-network",
        fingerprint: "inspector/111122223333/eu-central-1/22222222222222222222222222222222",
        level: Level::Medium,
        resource: "EC2 instance i-0a1b2c3d4e5f60718",
        actor: "",
    },
    Expected {
        fixture: "macie-policy",
        fingerprint: "macie/111122223333/eu-central-1/5be50fce24526e670df77bc00example",
        level: Level::High,
        resource: "S3 bucket shop-data-1 (public)",
        actor: "AssumedRole arn:aws:sts::111122223333:assumed-role/Admin/alice (access key ASIAIOSFODNN7EXAMPLE) from 198.51.100.23 (Reykjavík, Iceland, Example Transit), calling s3:PutBucketPolicy",
    },
    Expected {
        fixture: "macie-sensitive-data",
        fingerprint: "macie/111122223333/eu-central-1/6ce50fce24526e670df77bc00example",
        level: Level::Medium,
        resource: "S3 bucket shop-data-1 (object backup/.env, not public)",
        actor: "",
    },
    Expected {
        fixture: "securityhub-access-analyzer",
        fingerprint: "access-analyzer/111122223333/eu-central-1/5a6b7c8d-0000-4000-8000-00000000aaaa",
        level: Level::Low,
        resource: "S3 bucket shop-data-1",
        actor: "anyone",
    },
    Expected {
        fixture: "securityhub-control",
        fingerprint: "securityhub/111122223333/eu-central-1/control/S3.8/arn:aws:s3:::shop-data-1",
        level: Level::Medium,
        resource: "S3 bucket shop-data-1, account 111122223333",
        actor: "",
    },
    Expected {
        fixture: "securityhub-custom-action",
        fingerprint: "securityhub/111122223333/eu-central-1/event/9c2f1a7e-0b63-4d55-8f1e-5a4d3c2b1a00/control/S3.8/arn:aws:s3:::shop-data-1",
        level: Level::Medium,
        resource: "S3 bucket shop-data-1, account 111122223333",
        actor: "",
    },
    Expected {
        fixture: "guardduty-malware-object",
        fingerprint: "guardduty/111122223333/eu-central-1/s3-object/shop-uploads/in/invoice.pdf.exe/d41d8cd98f00b204e9800998eEXAMPLE",
        level: Level::High,
        resource: "S3 object shop-uploads/in/invoice.pdf.exe (version d41d8cd98f00b204e9800998eEXAMPLE)",
        actor: "",
    },
    Expected {
        fixture: "guardduty-runtime-unhealthy",
        fingerprint: "guardduty/111122223333/eu-central-1/runtime/EKS cluster/shop",
        level: Level::Medium,
        resource: "EKS cluster shop",
        actor: "",
    },
    Expected {
        fixture: "securityhub-insight",
        fingerprint: "securityhub/111122223333/eu-central-1/event/9c2f1a7e-0b63-4d55-8f1e-5a4d3c2b1a00/arn:aws:securityhub:eu-central-1:111122223333:insight/111122223333/custom/a1b2c3d4-0000-4000-8000-00000000aaaa",
        level: Level::Medium,
        resource: "",
        actor: "",
    },
    Expected {
        fixture: "securityhub-guardduty",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f300",
        level: Level::High,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (t3.micro, web-1, 203.0.113.80, 10.0.4.17)",
        actor: "outbound to 198.51.100.23:443 (Reykjavík, Iceland, AS64500 Example Transit, Example Hosting), TCP",
    },
    Expected {
        fixture: "securityhub-inspector",
        fingerprint: "inspector/111122223333/eu-central-1/0123456789abcdef0123456789abcdef",
        level: Level::High,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (t3.micro, web-1, 203.0.113.80, 10.0.4.17)",
        actor: "",
    },
    Expected {
        fixture: "securityhub-macie",
        fingerprint: "macie/111122223333/eu-central-1/5be50fce24526e670df77bc00example",
        level: Level::High,
        resource: "S3 bucket shop-data-1",
        actor: "",
    },
    Expected {
        fixture: "securityhub-third-party",
        fingerprint: "example-labs:sentry-box/111122223333/eu-central-1/ex-0001",
        level: Level::Critical,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (t3.micro, web-1, 203.0.113.80, 10.0.4.17)",
        actor: "IAM access key AKIAIOSFODNN7EXAMPLE (alice), process /tmp/locker (pid 77), inbound from 198.51.100.23, TCP, malware Example.Locker (/tmp/locker), known threat 198.51.100.23 (ExampleIntel)",
    },
    Expected {
        fixture: "securityhub-v2-compliance",
        fingerprint: "securityhub/111122223333/eu-central-1/control/IAM.6/AWS::::Account:111122223333",
        level: Level::Critical,
        resource: "account 111122223333",
        actor: "IAMUser alice",
    },
    Expected {
        fixture: "securityhub-v2-guardduty",
        fingerprint: "guardduty/111122223333/eu-central-1/0ac1f0e2d3b4459687a8b9c0d1e2f300",
        level: Level::High,
        resource: "EC2 instance i-0a1b2c3d4e5f60718 (t3.micro, web-1, 10.0.4.17, 203.0.113.80)",
        actor: "outbound to 198.51.100.23:443 (Reykjavík, Iceland, AS64500 Example Transit), TCP",
    },
];

/// Every fixture with an event that is known to be no finding.
const IGNORED: &[(&str, IgnoredEvent)] = &[
    ("foreign-access-preview", IgnoredEvent::AccessPreview),
    ("foreign-cloudtrail", IgnoredEvent::CloudTrail),
    ("foreign-inspector-scan", IgnoredEvent::InspectorScan),
];

/// Every fixture with a rejection: the code and the place.
const REFUSED: &[(&str, RejectCode, &str)] = &[
    ("foreign-ec2-state", RejectCode::NotAFinding, "detail"),
    ("foreign-health", RejectCode::NotAFinding, "detail"),
    ("foreign-sns-confirmation", RejectCode::NotAFinding, ""),
    ("guardduty-get-findings", RejectCode::NoIdentity, "findings[2].id"),
    ("securityhub-third-party", RejectCode::NoIdentity, "detail.findings[1].Id"),
];

pub fn fixtures() -> BTreeMap<String, String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/findings");
    let mut fixtures = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the fixtures are there") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        fixtures.insert(name, std::fs::read_to_string(&path).expect("a fixture is text"));
    }
    fixtures
}

fn first_of(fixture: &str) -> Finding {
    let parsed = parse(&fixtures()[fixture]);
    parsed.findings.into_iter().next().unwrap_or_else(|| panic!("{fixture}"))
}

#[test]
fn every_kind_reads_as_it_should() {
    for expected in EXPECTED {
        let finding = first_of(expected.fixture);
        let text = |text: &Option<hansho::finding::Text>| {
            text.as_ref().map_or("", |text| text.as_str()).to_owned()
        };
        let fixture = expected.fixture;
        assert_eq!(finding.fingerprint.to_string(), expected.fingerprint, "{fixture}");
        assert_eq!(finding.severity.level, expected.level, "{fixture}");
        assert_eq!(text(&finding.resource), expected.resource, "{fixture}");
        let actor = finding.actor.as_ref().map(|actor| actor.text.as_str());
        assert_eq!(actor.unwrap_or_default(), expected.actor, "{fixture}");
        assert!(finding.created_at.is_some(), "{fixture}");
    }
}

#[test]
fn what_is_refused_names_its_place() {
    let fixtures = fixtures();
    for (name, body) in &fixtures {
        let parsed = parse(body);
        let refused: Vec<_> =
            parsed.rejections.iter().map(|r| (name.as_str(), r.code, r.place.as_str())).collect();
        let expected: Vec<_> = REFUSED.iter().filter(|r| r.0 == name).copied().collect();
        assert_eq!(refused, expected, "{name}");
        let ignored: Vec<_> = IGNORED.iter().filter(|i| i.0 == name).map(|i| i.1).collect();
        assert_eq!(parsed.ignored, ignored, "{name}");
        let is_expected = EXPECTED.iter().any(|expected| expected.fixture == name);
        assert_eq!(!parsed.findings.is_empty(), is_expected, "{name}");
    }
}

#[test]
fn one_finding_in_many_wrappers_is_one() {
    for fixture in [
        "guardduty-instance",
        "guardduty-instance-by-administrator",
        "guardduty-instance-lambda-records",
        "guardduty-instance-raw",
        "guardduty-instance-sns",
        "guardduty-instance-sns-twice",
        "guardduty-instance-string-detail",
        "guardduty-get-findings",
        "securityhub-guardduty",
        "securityhub-v2-guardduty",
    ] {
        let finding = first_of(fixture);
        assert_eq!(finding.fingerprint.to_string(), COMMAND_AND_CONTROL, "{fixture}");
        assert_eq!(finding.severity.level, Level::High, "{fixture}");
        assert_eq!(finding.account.as_str(), "111122223333", "{fixture}");
        assert_eq!(finding.region.as_str(), "eu-central-1", "{fixture}");
        assert_eq!(finding.count, Some(3), "{fixture}");
        let seen = (finding.first_seen, finding.last_seen);
        let seen = (seen.0.unwrap().to_rfc3339(), seen.1.unwrap().to_rfc3339());
        let expected = ("2026-11-02T02:50:00Z".to_owned(), "2026-11-02T03:00:00Z".to_owned());
        assert_eq!(seen, expected, "{fixture}");
    }
    for (copy, original) in [
        ("securityhub-access-analyzer", "access-analyzer-public"),
        ("securityhub-inspector", "inspector-ec2"),
        ("securityhub-macie", "macie-policy"),
    ] {
        assert_eq!(first_of(copy).fingerprint, first_of(original).fingerprint, "{copy}");
    }
}

#[test]
fn flags_and_partitions() {
    for (fixture, sample, archived, partition) in [
        ("guardduty-instance", false, false, Partition::Commercial),
        ("guardduty-attack-sequence", true, false, Partition::Commercial),
        ("guardduty-unknown-resource", true, false, Partition::Commercial),
        ("guardduty-dns-china", false, false, Partition::China),
        ("guardduty-inbound-govcloud", false, false, Partition::GovCloud),
        ("securityhub-control", false, true, Partition::Commercial),
        ("securityhub-third-party", true, false, Partition::Commercial),
        ("securityhub-v2-compliance", false, true, Partition::Commercial),
        ("inspector-network", false, true, Partition::Commercial),
        ("macie-sensitive-data", true, false, Partition::Commercial),
        ("access-analyzer-external", false, true, Partition::GovCloud),
    ] {
        let finding = first_of(fixture);
        let got = (finding.sample, finding.condition.is_closed(), finding.partition);
        assert_eq!(got, (sample, archived, partition), "{fixture}");
    }
}

fn accounted_for(parsed: &Parsed) -> bool {
    !parsed.findings.is_empty() || !parsed.ignored.is_empty() || !parsed.rejections.is_empty()
}

/// The bytes between two cuts in each lane. The number is prime, so that no layout evades the cuts.
const CUT_STEP: ByLane = ByLane { all: 5, deep: 1 };

/// A message that is cut off anywhere is rejected, never read in part and never dropped.
#[test]
fn cut_off_anywhere_it_is_refused() {
    let step = usize::try_from(CUT_STEP.get()).unwrap();
    for (name, body) in fixtures() {
        let body = body.trim_end();
        let ends = (0..body.len()).step_by(step);
        for end in ends.filter(|end| body.is_char_boundary(*end)) {
            let parsed = parse(&body[..end]);
            assert!(parsed.findings.is_empty(), "{name} cut at {end}");
            let codes: Vec<_> = parsed.rejections.iter().map(|r| r.code).collect();
            assert_eq!(codes, [RejectCode::NotJson], "{name} cut at {end}");
        }
    }
}

/// With any one value of another type there is still a finding, unless the value identifies the
/// finding or the kind of message.
#[test]
fn with_any_value_of_another_type_nothing_is_lost() {
    for (name, body) in fixtures() {
        let whole: Value = serde_json::from_str(&body).unwrap();
        let complete = parse(&body);
        for pointer in pointers(&whole) {
            for other in substitutes() {
                let mut damaged = whole.clone();
                *damaged.pointer_mut(&pointer).unwrap() = other.clone();
                let parsed = parse(&damaged.to_string());
                assert!(accounted_for(&parsed), "{name}: {pointer} as {other}");
                if !decides(&pointer) {
                    let (before, after) = (complete.findings.len(), parsed.findings.len());
                    assert_eq!(before, after, "{name}: {pointer} as {other}: {parsed:?}");
                }
            }
        }
    }
}

pub fn substitutes() -> [Value; 8] {
    use serde_json::json;
    [
        Value::Null,
        json!(true),
        json!(-17.5),
        json!(u64::MAX),
        json!(""),
        json!("text \u{0} \u{202e} 8.0"),
        json!([1, "two", {"three": null}, [4]]),
        json!({"id": 1, "name": {"deep": [null]}}),
    ]
}

/// Returns whether the value at `pointer` identifies the kind of message, or holds the finding or
/// its id.
fn decides(pointer: &str) -> bool {
    const KEYS: [&str; 25] = [
        "id",
        "arn",
        "uid",
        "uid_alt",
        "findingarn",
        "findingid",
        "detail",
        "detail-type",
        "findings",
        "finding_info",
        "message",
        "type",
        "topicarn",
        "records",
        "body",
        "productarn",
        "resource",
        "service",
        "s3objectdetails",
        "bucketname",
        "objectkey",
        "resourcedetails",
        "eksclusterdetails",
        "clustername",
        "insightarn",
    ];
    let key = pointer.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    key.is_empty() || key.parse::<usize>().is_ok() || KEYS.contains(&key.as_str())
}

/// The pointers of all values, leaves and containers.
pub fn pointers(value: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut children = |key: String, child: &Value| {
        let key = key.replace('~', "~0").replace('/', "~1");
        found.extend(pointers(child).into_iter().map(|below| format!("/{key}{below}")));
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(k, v)| children(k.clone(), v)),
        Value::Array(array) => {
            array.iter().enumerate().for_each(|(i, v)| children(i.to_string(), v));
        }
        _ => {}
    }
    found
}
