//! Random rules over random findings: the routes and an evaluation that knows nothing of them name
//! the same destinations. Names, tags and types are hostile.

use std::sync::Arc;

use fastrand::Rng;
use hansho::config::{ConfigFile, Environment, load};
use hansho::finding::{Finding, Fingerprint, Level, Severity, Text, parse};
use hansho::policy::route::Routes;
use hansho::ports::{AccountEntry, Accounts, CurrentAccounts};

use crate::adapters::slack_render::calm;
use crate::support::lane::ByLane;
use crate::support::naive::{Facts, Rule, matches};

/// Each has findings and rules of its own.
const ORGANISATIONS: ByLane = ByLane { all: 10, deep: 100 };
const FINDINGS: usize = 500;
const DESTINATIONS: usize = 12;

const OUS: [&str; 9] = [
    "/",
    "/prod",
    "/prod/payments",
    "/prod/payments/eu",
    "/prod/pay",
    "/Prod/Search",
    "/dev",
    "/dev/*",
    "/prod/[x]/{y}",
];
const NAMES: [&str; 10] = [
    "prod-shop",
    "PROD-SHOP",
    "prod*",
    "<!here>",
    "日本-prod",
    "İstanbul",
    "\u{212a}elvin",
    "a=b=c",
    "\"; drop",
    "p?",
];
const TYPES: [&str; 10] = [
    "Policy:IAMUser/RootCredentialUsage",
    "policy:s3/BucketBlockPublicAccessDisabled",
    "Recon:EC2/Portscan",
    "*",
    "a*b?c",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
    "Software and Configuration Checks/Vulnerabilities/CVE",
    "<https://evil.example|Recon>",
    "Ünauthorized:EC2/…",
    "unknown type",
];
const RESOURCES: [&str; 5] =
    ["AwsEc2Instance", "AwsS3Bucket", "AwsRdsDbInstance", "Container", "Other"];
const REGIONS: [&str; 4] = ["eu-west-1", "us-east-1", "us-gov-west-1", ""];
const PRODUCTS: [&str; 4] = ["guardduty", "securityhub", "crowdstrike:falcon", "evil*"];
const TAG_KEYS: [&str; 4] = ["Team", "team", "Env", "aws:x"];
const TAG_VALUES: [&str; 6] = ["payments", "PAYMENTS", "", "a=b", "*", "日本"];

fn accounts(rng: &mut Rng) -> Vec<AccountEntry> {
    let entry = |n: usize| AccountEntry {
        id: format!("{n:012}"),
        name: pick(rng, &NAMES).to_owned(),
        ou: if rng.u8(..) < 30 { String::new() } else { pick(rng, &OUS).to_owned() },
        tags: tags(rng).into_iter().collect(),
        ..AccountEntry::default()
    };
    (0..60).map(entry).collect()
}

fn tags(rng: &mut Rng) -> Vec<(String, String)> {
    (0..rng.usize(..4))
        .map(|_| (pick(rng, &TAG_KEYS).to_owned(), pick(rng, &TAG_VALUES).to_owned()))
        .collect()
}

fn pick<'a>(rng: &mut Rng, all: &[&'a str]) -> &'a str {
    all[rng.usize(..all.len())]
}

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

/// Rules as a person writes them.
#[derive(Debug, Default)]
struct Written {
    min: Option<Level>,
    all: Vec<Rule>,
    none: Vec<Rule>,
    ends: bool,
}

/// A text, or a pattern that may fit it.
fn pattern(rng: &mut Rng, text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..rng.usize(..3) {
        let (a, b) = (rng.usize(..=chars.len()), rng.usize(..=chars.len()));
        match rng.u8(..4) {
            0 => drop(chars.splice(a.min(b)..a.max(b), ['*'])),
            1 if a < chars.len() => chars[a] = '?',
            2 => chars = chars.iter().flat_map(|c| c.to_uppercase()).collect(),
            _ => {}
        }
    }
    match chars.into_iter().collect::<String>().trim() {
        "" => "*".to_owned(),
        text => text.to_owned(),
    }
}

fn rule(rng: &mut Rng) -> Rule {
    let key = pick(
        rng,
        &[
            "level",
            "account",
            "account_name",
            "ou",
            "account_tag",
            "region",
            "product",
            "type",
            "resource_type",
            "resource_tag",
        ],
    );
    let one = |_| match key {
        "level" => rng.choice(&Level::ALL).unwrap().as_str().to_owned(),
        "account" => format!("{:012}", rng.u8(..70)),
        "account_name" => pick_pattern(rng, &NAMES),
        "ou" => loop {
            let written = pick_pattern(rng, &OUS);
            let below = if rng.bool() { "/*" } else { "" };
            if written.starts_with(['/', '*']) {
                break format!("{}{below}", written.trim_end_matches('/'));
            }
        },
        "region" => pick_pattern(rng, &["eu-west-1", "us-gov-west-1"]),
        "product" => pick_pattern(rng, &PRODUCTS),
        "type" => pick_pattern(rng, &TYPES),
        "resource_type" => pick_pattern(rng, &["AwsEc2Instance", "AWS::S3::Bucket", "Other"]),
        _ => format!("{}={}", pick(rng, &TAG_KEYS), pick_pattern(rng, &TAG_VALUES)),
    };
    let any: Vec<String> = (0..4).map(one).collect();
    let any: Vec<String> = any.into_iter().filter(|text| !text.is_empty()).collect();
    let count = rng.usize(1..=any.len());
    (key.to_owned(), any[..count].to_vec())
}

fn pick_pattern(rng: &mut Rng, all: &[&str]) -> String {
    let text = pick(rng, all);
    pattern(rng, text)
}

fn written(rng: &mut Rng) -> Written {
    let mut rules = |most: usize| {
        let mut rules: Vec<Rule> = Vec::new();
        for _ in 0..rng.usize(..=most) {
            let (key, any) = rule(rng);
            if rules.iter().all(|(known, _)| *known != key) {
                rules.push((key, any));
            }
        }
        rules
    };
    let (all, none) = (rules(2), rules(1));
    let min = (rng.u8(..4) == 0).then(|| *rng.choice(&Level::ALL).unwrap());
    Written { min, all, none, ends: rng.u8(..5) == 0 }
}

/// The rules in the language of the configuration.
fn toml(all: &[Written]) -> String {
    let mut text = "unmatched = 'drop'\nmin_severity = 'low'\n".to_owned();
    let table = |rules: &[Rule]| {
        let rules = rules.iter().map(|(key, any)| match &any[..] {
            [one] => format!("{key} = {}", serde_json::to_string(one).unwrap()),
            any => format!("{key} = {}", serde_json::to_string(any).unwrap()),
        });
        rules.collect::<Vec<_>>()
    };
    for (i, Written { min, all, none, ends }) in all.iter().enumerate() {
        let mut rules = table(all);
        if !none.is_empty() {
            rules.push(format!("not = {{ {} }}", table(none).join(", ")));
        }
        text += &format!("[[destination]]\nname = 'd{i}'\nwebhook = 'env:H{i}'\n");
        text += &format!("continue = {}\nmatch = {{ {} }}\n", !ends, rules.join(", "));
        if let Some(min) = min {
            text += &format!("min_severity = '{min}'\n");
        }
    }
    text
}

fn routes(text: &str, accounts: &[AccountEntry]) -> Routes {
    let file = ConfigFile { path: "h.toml".into(), text: Ok(text.to_owned()) };
    let config = load(Some(&file), &Environment::new()).outcome;
    let config = config.unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}"));
    let mut directory = Accounts::default();
    accounts.iter().for_each(|account| directory.insert(account).unwrap());
    Routes { directory: Arc::new(CurrentAccounts::from(directory)), ..config.routes() }
}

fn naively(all: &[Written], finding: &Finding, accounts: &[AccountEntry]) -> Vec<usize> {
    if finding.requested_by.is_some() {
        return (0..all.len()).collect();
    }
    let (facts, level) = (Facts::of(finding, accounts), finding.severity.level);
    let mut owed = Vec::new();
    for (i, rules) in all.iter().enumerate() {
        let severe = level >= Level::Low && rules.min.is_none_or(|min| level >= min);
        if severe && matches(&rules.all, &rules.none, &facts) {
            owed.push(i);
            if rules.ends {
                break;
            }
        }
    }
    owed
}

#[test]
fn an_independent_evaluation_names_the_same_destinations() {
    let mut counts = [0; DESTINATIONS + 1];
    for seed in 0..ORGANISATIONS.get() {
        let rng = &mut Rng::with_seed(seed);
        let accounts = accounts(rng);
        let rules: Vec<Written> = (0..DESTINATIONS).map(|_| written(rng)).collect();
        let text = toml(&rules);
        let routes = routes(&text, &accounts);
        for _ in 0..FINDINGS {
            let finding = finding(rng);
            let owed = routes.owed(&finding);
            let expected = naively(&rules, &finding, &accounts);
            assert_eq!(owed, expected, "seed {seed}\n{text}\n{finding:#?}");
            let reasons = routes.explain(&finding);
            let explained = (0..DESTINATIONS).filter(|i| reasons[*i].verdict.is_owed());
            assert_eq!(owed, explained.collect::<Vec<_>>());
            counts[owed.len()] += 1;
        }
    }
    // Findings reach none, some and many destinations.
    assert!(counts[..5].iter().all(|count| *count > 50), "{counts:?}");
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
