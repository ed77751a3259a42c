//! An organisation of 60 accounts in nine units, with the rules of its destinations and its
//! silences, all drawn from a seed. Names, tags and types are hostile.

use fastrand::Rng;
use hansho::config::{ConfigFile, Environment, load, silences_of_file};
use hansho::finding::{Finding, Level};
use hansho::instants::Wall;
use hansho::policy::route::Routes;
use hansho::policy::silence::Silence;
use hansho::ports::{AccountEntry, Accounts, CurrentAccounts};
use serde_json::{Value, json};

use super::naive::{Facts, LEVELS, Rule, Silenced, matches};

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
pub const TYPES: [&str; 10] = [
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
pub const RESOURCES: [&str; 5] =
    ["AwsEc2Instance", "AwsS3Bucket", "AwsRdsDbInstance", "Container", "Other"];
pub const REGIONS: [&str; 4] = ["eu-west-1", "us-east-1", "us-gov-west-1", ""];
pub const PRODUCTS: [&str; 4] = ["guardduty", "securityhub", "crowdstrike:falcon", "evil*"];
const TAG_KEYS: [&str; 4] = ["Team", "team", "Env", "aws:x"];
const TAG_VALUES: [&str; 6] = ["payments", "PAYMENTS", "", "a=b", "*", "日本"];

pub fn accounts(rng: &mut Rng) -> Vec<AccountEntry> {
    let entry = |n: usize| AccountEntry {
        id: format!("{n:012}"),
        name: pick(rng, &NAMES).to_owned(),
        ou: if rng.u8(..) < 30 { String::new() } else { pick(rng, &OUS).to_owned() },
        tags: tags(rng).into_iter().collect(),
        ..AccountEntry::default()
    };
    (0..60).map(entry).collect()
}

pub fn tags(rng: &mut Rng) -> Vec<(String, String)> {
    (0..rng.usize(..4))
        .map(|_| (pick(rng, &TAG_KEYS).to_owned(), pick(rng, &TAG_VALUES).to_owned()))
        .collect()
}

pub fn pick<'a>(rng: &mut Rng, all: &[&'a str]) -> &'a str {
    all[rng.usize(..all.len())]
}

/// Rules as a person writes them.
#[derive(Debug, Default)]
pub struct Written {
    pub min: Option<Level>,
    pub all: Vec<Rule>,
    pub none: Vec<Rule>,
    pub ends: bool,
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

pub fn written(rng: &mut Rng) -> Written {
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

/// The value of `match`.
fn table(all: &[Rule], none: &[Rule]) -> String {
    let rules = |rules: &[Rule]| -> Vec<String> {
        let rules = rules.iter().map(|(key, any)| match &any[..] {
            [one] => format!("{key} = {}", quoted(one)),
            any => format!("{key} = {}", quoted(&any)),
        });
        rules.collect()
    };
    let mut written = rules(all);
    if !none.is_empty() {
        written.push(format!("not = {{ {} }}", rules(none).join(", ")));
    }
    format!("{{ {} }}", written.join(", "))
}

/// JSON, which TOML reads as well.
fn quoted(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// The rules in the language of the configuration.
pub fn toml(all: &[Written]) -> String {
    let mut text = "unmatched = 'drop'\nmin_severity = 'low'\n".to_owned();
    for (i, Written { min, all, none, ends }) in all.iter().enumerate() {
        let rules = table(all, none);
        text += &format!("[[destination]]\nname = 'd{i}'\nwebhook = 'env:H{i}'\n");
        text += &format!("continue = {}\nmatch = {rules}\n", !ends);
        if let Some(min) = min {
            text += &format!("min_severity = '{min}'\n");
        }
    }
    text
}

pub fn routes(text: &str, accounts: &[AccountEntry]) -> Routes {
    let file = ConfigFile { path: "h.toml".into(), text: Ok(text.to_owned()) };
    let config = load(Some(&file), &Environment::new()).outcome;
    let config = config.unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}"));
    let mut directory = Accounts::default();
    accounts.iter().for_each(|account| directory.insert(account).unwrap());
    config.routes().knowing(CurrentAccounts::from(directory))
}

pub fn naively(all: &[Written], finding: &Finding, accounts: &[AccountEntry]) -> Vec<usize> {
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

/// The words of resources that findings have, and silences name.
const INSTANCES: [&str; 6] = ["i-0abc", "i-0ABCD", "web", "w*b", "日本-1", "x"];

/// A silence that hansho takes. It is in force for the times that it says.
pub fn silence(rng: &mut Rng, id: String, from: Wall, until: Wall) -> Silenced {
    let mut all: Vec<Rule> = Vec::new();
    let (mut findings, mut resources) = (Vec::new(), Vec::new());
    let is_plain = |text: &String| !text.bytes().all(|byte| b"*?".contains(&byte));
    let some = |rng: &mut Rng, of: &[&str]| loop {
        let texts: Vec<String> = (0..rng.usize(1..3)).map(|_| pick_pattern(rng, of)).collect();
        if texts.iter().all(is_plain) {
            break texts;
        }
    };
    match rng.u8(..8) {
        0 => findings.extend((0..rng.usize(1..80)).map(|_| format!("f{}", rng.usize(..5000)))),
        1 | 2 => resources = some(rng, &INSTANCES),
        _ => all.push(("type".to_owned(), some(rng, &TYPES))),
    }
    let leads_plain = |text: &String| !text.starts_with(['*', '?']);
    let critical = all.iter().any(|(_, types)| types.iter().all(leads_plain)) && rng.bool();
    let covers = if critical { "critical" } else { *rng.choice(&LEVELS[1..4]).unwrap() };
    // A type of wildcards alone is refused, and a level that it does not cover.
    let another = |rng: &mut Rng, not: &[&str]| loop {
        let other = rule(rng);
        if not.iter().all(|key| *key != other.0) {
            break other;
        }
    };
    if rng.bool() {
        all.push(another(rng, &["level", "type"]));
    }
    let none = if rng.u8(..3) == 0 { vec![another(rng, &["level"])] } else { Vec::new() };
    let (from, until) = (from.to_rfc3339(), until.to_rfc3339());
    Silenced { id, all, none, findings, resources, covers: covers.to_owned(), from, until }
}

/// The silences as `hansho silence import` reads them from a file.
pub fn imported(all: &[Silenced], now: Wall) -> Vec<Silence> {
    let mut text = String::new();
    for silence in all {
        let Silenced { id, all, none, findings, resources, covers, from, until } = silence;
        let rules = table(all, none);
        text += &format!("[[silence]]\nid = '{id}'\nmatch = {rules}\ncovers = '{covers}'\n");
        text += &format!("from = {from}\nuntil = {until}\nbecause = 'a scan'\n");
        for (key, texts) in [("finding", findings), ("resource", resources)] {
            if !texts.is_empty() {
                text += &format!("{key} = {}\n", quoted(texts));
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("silences.toml");
    std::fs::write(&path, &text).unwrap();
    silences_of_file(&path, now).unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}"))
}

/// A message of EventBridge with the finding of this number: of GuardDuty, of Security Hub, or sent
/// by a person.
pub fn message(rng: &mut Rng, number: usize) -> String {
    let (account, region) = (format!("{:012}", rng.u8(..70)), pick(rng, &REGIONS));
    let (kind, title, instance) = (pick(rng, &TYPES), pick(rng, &NAMES), pick(rng, &INSTANCES));
    let id = format!("f{number}");
    let level = rng.usize(..5);
    let tags = tags(rng);
    let (name, detail) = match rng.u8(..20) {
        0..12 => {
            let tag = |(key, value): &(String, String)| json!({ "key": key, "value": value });
            let tags: Vec<Value> = tags.iter().map(tag).collect();
            let detail = json!({
                "accountId": account, "region": region, "partition": "aws", "id": id,
                "type": kind, "severity": SCORES[level], "title": title,
                "updatedAt": "2026-09-21T10:00:00Z", "service": { "count": 1 },
                "resource": { "resourceType": "Instance", "instanceDetails": {
                    "instanceId": instance, "tags": tags,
                }},
            });
            ("GuardDuty Finding", detail)
        }
        by => {
            let product = pick(rng, &["aws/securityhub", "crowdstrike/crowdstrike-falcon"]);
            let tags: serde_json::Map<String, Value> =
                tags.into_iter().map(|(key, value)| (key, value.into())).collect();
            let finding = json!({
                "SchemaVersion": "2018-10-08", "Id": id, "AwsAccountId": account,
                "ProductArn": format!("arn:aws:securityhub:eu-west-1::product/{product}"),
                "Region": region, "Types": [kind], "Severity": { "Label": ASFF[level] },
                "Title": title, "UpdatedAt": "2026-09-21T10:00:00Z", "RecordState": "ACTIVE",
                "Resources": [{ "Type": pick(rng, &RESOURCES), "Id": instance, "Tags": tags }],
            });
            let detail = json!({ "actionName": "Send", "findings": [finding] });
            match by {
                19 => ("Security Hub Findings - Custom Action", detail),
                _ => ("Security Hub Findings - Imported", detail),
            }
        }
    };
    let source = if name.starts_with('G') { "aws.guardduty" } else { "aws.securityhub" };
    json!({
        "version": "0", "id": "e-1", "detail-type": name, "source": source,
        "account": account, "region": "eu-west-1", "detail": detail,
    })
    .to_string()
}

const SCORES: [f64; 5] = [0.5, 2.0, 5.0, 8.0, 9.5];
const ASFF: [&str; 5] = ["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"];
