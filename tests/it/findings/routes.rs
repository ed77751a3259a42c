//! Random rules over random findings: the routes, the silences, and an evaluation that knows
//! nothing of them name the same destinations. Names, tags and types are hostile.

use std::time::Duration;

use fastrand::Rng;
use hansho::finding::{Finding, Fingerprint, Level, Severity, Text, parse};
use hansho::instants::Wall;
use hansho::policy::silence::Silences;

use crate::adapters::slack_render::calm;
use crate::support::lane::ByLane;
use crate::support::naive::{Facts, Silenced};
use crate::support::organisation::{
    PRODUCTS, REGIONS, RESOURCES, TYPES, Written, accounts, imported, naively, pick, routes,
    silence, tags, toml, written,
};

/// Each has findings and rules of its own.
const ORGANISATIONS: ByLane = ByLane { all: 10, deep: 100 };
const FINDINGS: usize = 500;
const DESTINATIONS: usize = 12;
const SILENCES: usize = 40;
const NOW: Wall = Wall(1_790_000_000_000);

fn finding(rng: &mut Rng) -> Finding {
    let level = *rng.choice(&Level::ALL).unwrap();
    let tag = |(key, value): (String, String)| (Text::new(&key, 128), Text::new(&value, 256));
    let plain = calm(level);
    Finding {
        fingerprint: Fingerprint {
            product: pick(rng, &PRODUCTS).to_owned(),
            ..plain.fingerprint.clone()
        },
        severity: Severity::of_level(level),
        // Some are in no directory.
        account: Text::new(&format!("{:012}", rng.u8(..70)), 12),
        region: Text::new(pick(rng, &REGIONS), 32),
        kind: Text::new(pick(rng, &TYPES), 200),
        resource_type: rng.bool().then(|| Text::new(pick(rng, &RESOURCES), 80)),
        tags: tags(rng).into_iter().map(tag).collect(),
        requested_by: (rng.u8(..) < 8).then(|| Text::new("Send", 10)),
        ..plain
    }
}

#[test]
fn an_independent_evaluation_names_the_same_destinations() {
    let (mut counts, mut kept_back) = ([0; DESTINATIONS + 1], 0);
    for seed in 0..ORGANISATIONS.get() {
        let rng = &mut Rng::with_seed(seed);
        let accounts = accounts(rng);
        let rules: Vec<Written> = (0..DESTINATIONS).map(|_| written(rng)).collect();
        let text = toml(&rules);
        let routes = routes(&text, &accounts);
        let until = NOW.plus(Duration::from_secs(3_600));
        let silences = (0..SILENCES).map(|n| silence(rng, format!("s{n:02}"), NOW, until));
        let silences: Vec<Silenced> = silences.collect();
        routes.silences.set(as_in_the_ledger(&silences));
        for _ in 0..FINDINGS {
            let finding = finding(rng);
            let owed = routes.owed(&finding);
            let expected = naively(&rules, &finding, &accounts);
            assert_eq!(owed, expected, "seed {seed}\n{text}\n{finding:#?}");
            let reasons = routes.explain(&finding);
            let explained = (0..DESTINATIONS).filter(|i| reasons[*i].verdict.is_owed());
            assert_eq!(owed, explained.collect::<Vec<_>>());
            counts[owed.len()] += 1;
            let facts = Facts::of(&finding, &accounts);
            let keeps_back = |silence: &&Silenced| silence.names(&facts);
            let expected = silences.iter().find(keeps_back).map(|silence| silence.id.as_str());
            let expected = expected.filter(|_| finding.requested_by.is_none());
            let found = routes.silenced_by(&finding, NOW);
            let found = found.as_ref().map(|silence| silence.id.as_str());
            assert_eq!(found, expected, "seed {seed}\n{silences:#?}\n{finding:#?}");
            assert!(routes.silenced_by(&finding, until).is_none());
            kept_back += usize::from(found.is_some());
        }
    }
    // Findings reach none, some and many destinations.
    assert!(counts[..5].iter().all(|count| *count > 50), "{counts:?}");
    let all: usize = counts.iter().sum();
    assert!((all / 10..all * 9 / 10).contains(&kept_back), "{kept_back} of {all}");
}

/// From the file of an operator into the ledger's texts, and out of them.
fn as_in_the_ledger(silences: &[Silenced]) -> Silences {
    let written = Silences::new(imported(silences, NOW)).unwrap().parts().unwrap();
    let (read, unreadable) = Silences::of_parts(written.iter().map(String::as_str));
    assert_eq!((unreadable, read.iter().len()), (0, silences.len()));
    read
}

/// Every source has one spelling, and says what the copies of its findings in Security Hub say.
#[test]
fn types_of_resources_are_spelled_in_one_way() {
    for (fixture, kind) in [
        ("access-analyzer-external", "AwsIamRole"),
        ("access-analyzer-public", "AwsS3Bucket"),
        ("guardduty-access-key", "AwsIamAccessKey"),
        ("guardduty-attack-sequence", "AttackSequence"),
        ("guardduty-container", "Container"),
        ("guardduty-ecs", "AwsEcsCluster"),
        ("guardduty-eks", "AwsEksCluster"),
        ("guardduty-instance", "AwsEc2Instance"),
        ("guardduty-lambda", "AwsLambdaFunction"),
        ("guardduty-malware-object", "AwsS3Object"),
        ("guardduty-rds", "AwsRdsDbInstance"),
        ("guardduty-rds-limitless", "RdsLimitlessDb"),
        ("guardduty-s3", "AwsS3Bucket"),
        ("guardduty-s3-object", "AwsS3Object"),
        ("inspector-code", "AwsLambdaFunction"),
        ("inspector-ec2", "AwsEc2Instance"),
        ("inspector-ecr-untriaged", "AwsEcrContainerImage"),
        ("macie-policy", "AwsS3Bucket"),
        ("macie-sensitive-data", "AwsS3Object"),
        ("securityhub-access-analyzer", "AwsS3Bucket"),
        ("securityhub-control", "AwsS3Bucket"),
        ("securityhub-guardduty", "AwsEc2Instance"),
        ("securityhub-v2-compliance", "AwsAccount"),
        ("securityhub-v2-guardduty", "AwsEc2Instance"),
    ] {
        let finding = &from_fixture(fixture)[0];
        assert_eq!(finding.resource_type.as_ref().map(Text::as_str), Some(kind), "{fixture}");
    }
    for fixture in [
        "guardduty-instance",
        "inspector-ec2",
        "securityhub-guardduty",
        "securityhub-inspector",
        "securityhub-v2-guardduty",
    ] {
        let finding = &from_fixture(fixture)[0];
        assert!(!finding.tags.is_empty(), "{fixture}");
    }
}

fn from_fixture(name: &str) -> Vec<Finding> {
    let path = format!("tests/fixtures/findings/{name}.json");
    parse(&std::fs::read_to_string(path).unwrap()).findings
}

/// The first target counts, not the actor before it.
#[test]
fn of_several_resources_the_first_target_counts() {
    let raw = r#"{"SchemaVersion":"2018-10-08","Id":"f","Severity":{"Label":"LOW"},"Resources":[
        {"Type":"AwsIamUser","Id":"u","ResourceRole":"Actor","Tags":{"Team":"a"}},
        {"Type":"AwsS3Bucket","Id":"b","ResourceRole":"Target","Tags":{"Team":"b"}}]}"#;
    let finding = parse(raw).findings.remove(0);
    assert_eq!(finding.resource_type.unwrap().as_str(), "AwsS3Bucket");
    assert_eq!(finding.tags[0].1.as_str(), "b");
}
