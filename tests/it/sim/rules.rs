//! What a finding is about, and the rules of destinations and silences that are about it. The books
//! of the generator, so nothing here asks hansho what a rule means.

use fastrand::Rng;
use hansho::ports::AccountEntry;

use super::plan::{HOUR, Plan, pick};
use crate::support::naive::{Facts, LEVELS, Rule, matches};

const KINDS: [&str; 4] = [
    "Recon:EC2/Portscan",
    "UnauthorizedAccess:EC2/SSHBruteForce",
    "Backdoor:EC2/C&CActivity.B",
    "Policy:IAMUser/RootCredentialUsage",
];
const REGIONS: [&str; 3] = ["eu-central-1", "us-east-1", "ap-northeast-1"];
const TEAMS: [&str; 3] = ["payments", "SEARCH", "a=b*"];
const INSTANCES: [&str; 5] = ["i-0", "i-1", "i-22", "I-22", "web"];
const OUS: [&str; 4] = ["/prod", "/prod/payments", "/prod/pay", "/Dev"];
/// How many accounts have findings. The directory knows all but the last.
const ACCOUNTS: u32 = 7;
/// The most silences of a day.
const SILENCES: u32 = 8;

/// What the findings of a day are about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subjects {
    /// They have types, tags and resources of their own. Without, all are alike.
    pub varied: bool,
}

impl Subjects {
    pub fn account(self, finding: u32) -> String {
        format!("11112222333{}", finding % ACCOUNTS)
    }

    pub fn region(self, finding: u32) -> &'static str {
        REGIONS[finding as usize % REGIONS.len()]
    }

    pub fn kind(self, finding: u32) -> &'static str {
        let kind = if self.varied { finding as usize / 3 % KINDS.len() } else { 0 };
        KINDS[kind]
    }

    /// How often it was seen, as it says.
    pub fn seen(self, finding: u32) -> u32 {
        finding % 7 + 1
    }

    pub fn team(self, finding: u32) -> &'static str {
        TEAMS[finding as usize / 5 % TEAMS.len()]
    }

    pub fn instance(self, finding: u32) -> &'static str {
        INSTANCES[finding as usize / 2 % INSTANCES.len()]
    }
}

/// The account directory of a varied day.
pub fn accounts() -> Vec<AccountEntry> {
    let entry = |n: u32| AccountEntry {
        id: Subjects::default().account(n),
        name: format!("shop-{n}"),
        ou: OUS[n as usize % OUS.len()].to_owned(),
        tags: [("Env".to_owned(), if n < 3 { "prod" } else { "DEV" }.to_owned())].into(),
        ..AccountEntry::default()
    };
    (0..ACCOUNTS - 1).map(entry).collect()
}

/// Calls `judge` with the facts of a finding.
pub fn about<T>(
    plan: &Plan,
    accounts: &[AccountEntry],
    finding: u32,
    level: u8,
    judge: impl FnOnce(&Facts<'_>) -> T,
) -> T {
    let subjects = plan.subjects;
    let (account, id) = (subjects.account(finding), format!("f{finding}"));
    let resource = format!("EC2 instance {}", subjects.instance(finding));
    judge(&Facts {
        level: LEVELS[usize::from(level)],
        account: &account,
        entry: accounts.iter().find(|entry| entry.id == account),
        region: subjects.region(finding),
        product: "guardduty",
        kind: subjects.kind(finding),
        resource_type: Some("AwsEc2Instance"),
        tags: vec![("Team", subjects.team(finding))],
        id: &id,
        resource: subjects.varied.then_some(&resource),
    })
}

/// The route to a destination.
#[derive(Clone, Debug, Default)]
pub struct RoutePlan {
    /// It receives findings from high up. Otherwise from medium up.
    pub high: bool,
    pub all: Vec<Rule>,
    pub none: Vec<Rule>,
    /// The destinations after it do not receive what it receives.
    pub ends: bool,
}

/// The destinations that an open finding is owed to, as bits.
pub fn owed(plan: &Plan, accounts: &[AccountEntry], finding: u32, level: u8) -> u8 {
    let mut owed = 0;
    if level < 2 {
        return owed;
    }
    for (destination, route) in plan.routes.iter().enumerate() {
        let is_named = || {
            about(plan, accounts, finding, level, |facts| matches(&route.all, &route.none, facts))
        };
        if (level >= 3 || !route.high) && is_named() {
            owed |= 1 << destination;
            if route.ends {
                break;
            }
        }
    }
    owed
}

/// A silence as an operator writes it.
#[derive(Clone, Debug)]
pub struct SilencePlan {
    pub number: u32,
    /// The most severe level that it keeps back.
    pub covers: u8,
    pub all: Vec<Rule>,
    pub none: Vec<Rule>,
    pub findings: Vec<String>,
    pub resources: Vec<String>,
    /// How long after the change it begins, and ends, in milliseconds.
    pub from: u64,
    pub until: u64,
}

/// What an operator does to the silences.
#[derive(Clone, Debug)]
pub enum Change {
    /// Adds a silence, or writes it again.
    Write(SilencePlan),
    /// Ends the silence with this number, if there is one.
    End(u32),
}

/// Routes for so many destinations. The first receives most findings, so that there is much to
/// judge.
pub fn draw_routes(r: &mut Rng, destinations: u8) -> Vec<RoutePlan> {
    let route = |destination: u8, r: &mut Rng| {
        let mut all = Vec::new();
        if destination > 0 || r.u8(0..4) == 0 {
            all.extend((0..r.u8(0..=2)).map(|_| rule(r)));
        }
        let none = (0..r.u8(0..=1)).map(|_| narrow(r)).collect();
        RoutePlan { high: destination > 0 && r.u8(0..3) == 0, all, none, ends: r.u8(0..3) == 0 }
    };
    (0..destinations).map(|destination| route(destination, r)).collect()
}

/// The changes of a day, in the order of their times. Some come two at once.
pub fn draw_changes(r: &mut Rng, length: u64) -> Vec<(u64, Change)> {
    let mut all = Vec::new();
    for _ in 0..r.u32(6..=24) {
        let (at, number) = (r.u64(0..length), r.u32(0..SILENCES));
        all.push((at, change(r, number)));
        if r.u8(0..4) == 0 {
            let other = (number + 1) % SILENCES;
            all.push((at, change(r, other)));
        }
    }
    all.sort_by_key(|(at, _)| *at);
    all
}

fn change(r: &mut Rng, number: u32) -> Change {
    match r.u8(0..4) {
        0 => Change::End(number),
        _ => Change::Write(silence(r, number)),
    }
}

fn silence(r: &mut Rng, number: u32) -> SilencePlan {
    let (mut all, mut findings, mut resources) = (Vec::new(), Vec::new(), Vec::new());
    let patterns = |r: &mut Rng, of: &[&str]| -> Vec<String> {
        (0..r.usize(1..=2)).map(|_| pick(r, of).to_owned()).collect()
    };
    let plain = ["Recon:*", "unauthorizedaccess:ec2/*", "Backdoor:EC2/C?CActivity.*", "Policy:*"];
    let wild = ["*EC2*", "?*:EC2/*", "Recon:*", "*a*"];
    let mut covers = pick(r, &[2, 3, 3]);
    match r.u8(0..6) {
        0 => findings.extend((0..r.u32(1..20)).map(|_| format!("f{}", r.u32(0..60)))),
        1 => resources = patterns(r, &["i-*", "i-22", "WEB", "* i-0"]),
        2 | 3 => {
            covers = pick(r, &[2, 3, 4]);
            all.push(("type".to_owned(), patterns(r, &plain)));
        }
        _ => all.push(("type".to_owned(), patterns(r, &wild))),
    }
    if r.u8(0..3) == 0 {
        all.push(rule(r));
    }
    let none = if r.u8(0..3) == 0 { vec![narrow(r)] } else { Vec::new() };
    let from = if r.u8(0..5) == 0 { 300_000 } else { 0 };
    // From a minute to three hours, short ones as likely as long ones.
    let until = from + (3.0 * HOUR as f64 * 180f64.powf(-r.f64())) as u64;
    SilencePlan { number, covers, all, none, findings, resources, from, until }
}

/// A rule for a good part of the findings.
fn rule(r: &mut Rng) -> Rule {
    let some = |r: &mut Rng, of: &[&str]| -> Vec<String> {
        (0..r.usize(1..=3)).map(|_| pick(r, of).to_owned()).collect()
    };
    let (key, patterns) = match r.u8(0..7) {
        0 => ("account", (0..4).map(|_| Subjects::default().account(r.u32(0..9))).collect()),
        1 => ("region", some(r, &["eu-*", "US-EAST-1", "ap-*-1", "*-1"])),
        2 => ("ou", some(r, &["/prod/*", "/prod/pay*", "/dev", "/*"])),
        3 => ("account_name", some(r, &["shop-?", "SHOP-1", "*2"])),
        4 => ("account_tag", some(r, &["env=prod", "Env=d*", "Team=*"])),
        5 => ("resource_tag", some(r, &["team=pay*", "Team=search", "Team=a=b?"])),
        _ => ("resource_type", some(r, &["AWS::EC2::*", "AwsS3Bucket"])),
    };
    (key.to_owned(), patterns)
}

/// A rule for a few of the findings, to stand below `not`.
fn narrow(r: &mut Rng) -> Rule {
    let (key, pattern) = match r.u8(0..4) {
        0 => ("account", Subjects::default().account(r.u32(0..ACCOUNTS))),
        1 => ("type", pick(r, &["Policy:*", "*ssh*"]).to_owned()),
        2 => ("ou", pick(r, &["/dev/*", "/prod/pay"]).to_owned()),
        _ => ("level", pick(r, &["medium", "critical"]).to_owned()),
    };
    (key.to_owned(), vec![pattern])
}
