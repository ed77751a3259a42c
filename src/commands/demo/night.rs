//! Generates the findings of a night from a seed. The same seed makes the same findings.
//!
//! The events follow GuardDuty's documented format. They are 3 to 9 KB long, on one line, with the
//! keys in GuardDuty's order, as EventBridge delivers them. Addresses, accounts and names are from
//! the ranges that are reserved for documentation.

mod kinds;
mod parts;

use serde_json::Value;

use crate::instants::Wall;

use kinds::{ALERTS, COMPROMISED_CREDENTIALS, Kind, NOISE, SSH_BRUTE_FORCE};
use parts::*;

/// The part that a message plays in the night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Below the threshold.
    Noise,
    /// At or above the threshold, for the first time.
    Alert,
    /// An earlier event again.
    Repeat,
    /// An earlier finding, changed, at the same level.
    Update,
    /// An earlier finding at a higher level.
    Escalation,
    /// Not a readable event.
    Malformed,
}

/// One message of the night.
#[derive(Clone, Debug)]
pub struct Event {
    pub role: Role,
    /// The finding's id. Empty for a malformed message.
    pub finding: String,
    pub body: String,
}

/// Most of a storm is one kind of finding from one account, as of an attacked host.
const STORM_KIND: Kind = SSH_BRUTE_FORCE;
const STORM_ACCOUNT: &str = ACCOUNTS[3];
const STORM_REGION: &str = REGIONS[1];
/// One of this many alerts of a storm is of another kind.
const STORM_OTHERS: usize = 3;

/// The lowest critical severity.
/// Source: GuardDuty user guide, "Severity levels for GuardDuty findings".
const CRITICAL_FROM: f64 = 9.0;

const ACCOUNTS: [&str; 5] =
    ["111122223333", "222233334444", "333344445555", "444455556666", "555566667777"];
const REGIONS: [&str; 4] = ["eu-central-1", "us-east-1", "us-west-2", "ap-northeast-1"];

impl Event {
    pub fn is_critical(&self) -> bool {
        severity(&self.body) >= CRITICAL_FROM
    }
}

/// The generator.
pub struct Night {
    random: fastrand::Rng,
    began: Wall,
    /// The account and the region of the current finding.
    account: &'static str,
    region: &'static str,
}

/// How many messages of each role there are.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    pub noise: usize,
    pub alerts: usize,
    pub repeats: usize,
    pub updates: usize,
    pub malformed: usize,
}

impl Night {
    pub fn new(seed: u64, began: Wall) -> Night {
        let random = fastrand::Rng::with_seed(seed);
        Night { random, began, account: ACCOUNTS[0], region: REGIONS[0] }
    }

    /// New findings of every kind, of which seven in ten are below the threshold.
    pub fn corpus(&mut self, count: usize) -> Vec<Event> {
        let mut one = || if self.random.u8(..10) < 7 { self.noise() } else { self.alert() };
        std::iter::repeat_with(&mut one).take(count).collect()
    }

    /// One finding below the threshold.
    pub fn noise(&mut self) -> Event {
        let kind = *self.choose(&NOISE);
        self.finding(Role::Noise, &kind)
    }

    /// One finding at or above the threshold.
    pub fn alert(&mut self) -> Event {
        let kind = *self.choose(&ALERTS);
        self.finding(Role::Alert, &kind)
    }

    /// The messages of a night in their order of arrival. Repeats and updates follow their finding.
    pub fn events(&mut self, mix: Mix) -> Vec<Event> {
        self.mixed(mix, |night, i| night.finding(Role::Alert, &ALERTS[i % ALERTS.len()]))
    }

    /// The messages of a storm: mostly one kind of finding, and none critical.
    pub fn storm(&mut self, mix: Mix) -> Vec<Event> {
        let lesser: Vec<&Kind> = ALERTS.iter().filter(|kind| kind.2 < CRITICAL_FROM).collect();
        self.mixed(mix, |night, i| match i % STORM_OTHERS {
            0 => night.finding(Role::Alert, lesser[i / STORM_OTHERS % lesser.len()]),
            _ => night.finding_in(Role::Alert, &STORM_KIND, STORM_ACCOUNT, STORM_REGION),
        })
    }

    /// Critical findings.
    pub fn criticals(&mut self, count: usize) -> Vec<Event> {
        (0..count).map(|_| self.finding(Role::Alert, &COMPROMISED_CREDENTIALS)).collect()
    }

    fn mixed(&mut self, mix: Mix, mut alert: impl FnMut(&mut Night, usize) -> Event) -> Vec<Event> {
        let mut events = Vec::new();
        for i in 0..mix.noise {
            events.push(self.finding(Role::Noise, &NOISE[i % NOISE.len()]));
        }
        for i in 0..mix.alerts {
            events.push(alert(self, i));
        }
        self.random.shuffle(&mut events);
        let alerts: Vec<Event> = events.iter().filter(|e| e.role == Role::Alert).cloned().collect();
        for i in 0..mix.repeats {
            let of = &alerts[i % alerts.len()];
            events.push(Event { role: Role::Repeat, ..of.clone() });
        }
        for i in 0..mix.updates {
            events.push(self.changed(Role::Update, &alerts[(i + 3) % alerts.len()], None));
        }
        for i in 0..mix.malformed {
            let body =
                format!("{{\"version\":\"0\",\"detail-type\":\"GuardDuty Finding\",\"id\":{i},");
            events.push(Event { role: Role::Malformed, finding: String::new(), body });
        }
        events
    }

    /// An escalation of a medium finding. None for other levels.
    pub fn escalate(&mut self, of: &Event) -> Option<Event> {
        let medium = (4.0..7.0).contains(&severity(&of.body));
        medium.then(|| self.changed(Role::Escalation, of, Some(8.5)))
    }

    fn finding(&mut self, role: Role, kind: &Kind) -> Event {
        let account = *self.choose(&ACCOUNTS);
        let region = *self.choose(&REGIONS);
        self.finding_in(role, kind, account, region)
    }

    fn finding_in(
        &mut self,
        role: Role,
        kind: &Kind,
        account: &'static str,
        region: &'static str,
    ) -> Event {
        let (kind, title, severity, resource, service) = *kind;
        (self.account, self.region) = (account, region);
        let id = self.hex(32);
        let seen = self.earlier();
        let count = self.random.u32(1..40);
        let (resource, service) = (self.fill(resource), self.fill(service));
        let now = self.began.to_rfc3339();
        let arn = format!("arn:aws:guardduty:{region}:{account}:detector/{DETECTOR}/finding/{id}");
        let service = format!(
            r#"{{"serviceName":"guardduty","detectorId":"{DETECTOR}",{service}"eventFirstSeen":"{seen}","eventLastSeen":"{now}","archived":false,"count":{count}}}"#
        );
        let detail = format!(
            r#"{{"schemaVersion":"2.0","accountId":"{account}","region":"{region}","partition":"aws","id":"{id}","arn":"{arn}","type":"{kind}","resource":{resource},"service":{service},"severity":{severity},"createdAt":"{seen}","updatedAt":"{now}","title":"{title}","description":"{title} Seen {count} times from account {account}."}}"#
        );
        let body = format!(
            r#"{{"version":"0","id":"e-{id}","detail-type":"GuardDuty Finding","source":"aws.guardduty","account":"{account}","time":"{now}","region":"{region}","resources":[],"detail":{detail}}}"#
        );
        Event { role, finding: id, body }
    }

    /// A later version of a finding.
    fn changed(&mut self, role: Role, of: &Event, severity: Option<f64>) -> Event {
        let later = format!("\"{}\"", Wall(self.began.0 + 900_000).to_rfc3339());
        let count = self.random.u32(40..90).to_string();
        let mut body = of.body.clone();
        for (key, value) in [("updatedAt", &later), ("eventLastSeen", &later), ("count", &count)] {
            body = with(&body, key, value);
        }
        if let Some(severity) = severity {
            body = with(&body, "severity", &severity.to_string());
        }
        Event { role, finding: of.finding.clone(), body }
    }

    /// A part on one line, with its words replaced.
    fn fill(&mut self, part: &str) -> String {
        let mut text = String::with_capacity(part.len() * 2);
        for line in part.lines() {
            let mut rest = line.trim_start();
            while let Some((before, after)) = rest.split_once('$') {
                text.push_str(before);
                let word =
                    WORDS.iter().find_map(|(word, made)| Some((after.strip_prefix(word)?, made)));
                match word {
                    Some((behind, made)) => {
                        text.push_str(&made(self));
                        rest = behind;
                    }
                    None => {
                        text.push('$');
                        rest = after;
                    }
                }
            }
            text.push_str(rest);
        }
        text
    }

    /// A part several times, as the elements of a list.
    fn several(&mut self, part: &str, count: std::ops::Range<usize>) -> String {
        let parts: Vec<String> = (0..self.random.usize(count)).map(|_| self.fill(part)).collect();
        parts.join(",")
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| self.random.digit(16)).collect()
    }

    /// A time within the hour before the night.
    fn earlier(&mut self) -> String {
        Wall(self.began.0 - self.random.i64(60_000..3_600_000)).to_rfc3339()
    }

    fn one_of(&mut self, words: &[&str]) -> String {
        (*self.choose(words)).to_owned()
    }

    fn choose<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.random.usize(0..all.len())]
    }
}

const DETECTOR: &str = "12abc34d567e8fa901bc2d34e56789f0";

type Word = (&'static str, fn(&mut Night) -> String);

/// The words of the parts, each with its replacement.
const WORDS: [Word; 26] = [
    ("account", |n| n.account.to_owned()),
    ("api", |n| {
        n.one_of(&["ListBuckets", "GetCallerIdentity", "CreateAccessKey", "PutBucketPolicy"])
    }),
    ("buckets", |n| n.several(ONE_BUCKET, 1..4)),
    ("byte", |n| n.random.u8(1..255).to_string()),
    ("country", |n| n.one_of(&["Netherlands", "Brazil", "Vietnam", "United States"])),
    ("data", |n| n.one_of(&["invoices", "logs-eu", "public-site"])),
    ("earlier", Night::earlier),
    ("hex16", |n| n.hex(16)),
    ("hex32", |n| n.hex(32)),
    ("hex4", |n| n.hex(4)),
    ("hex64", |n| n.hex(64)),
    ("hex8", |n| n.hex(8)),
    ("host", |n| n.one_of(&["web-1", "web-2", "build-runner", "bastion", "reports"])),
    ("network", |n| n.one_of(&["Example Hosting BV", "Exemplo Telecom", "Vi Du Networks"])),
    ("probes", |n| n.several(ONE_PROBE, 2..9)),
    ("region", |n| n.region.to_owned()),
    ("remote", |n| n.fill(REMOTE)),
    ("service", |n| n.one_of(&["iam", "s3", "sts", "ec2"])),
    ("signals", |n| n.several(ONE_SIGNAL, 4..8)),
    ("tagged", |n| n.one_of(&["shop", "platform", "terraform", "cost-centre-4711", "production"])),
    ("tags", |n| n.several(ONE_TAG, 4..13)),
    ("tag", |n| n.one_of(&["team", "service", "managed-by", "cost-centre", "environment"])),
    ("upper16", |n| n.hex(16).to_ascii_uppercase()),
    ("user", |n| n.one_of(&["deploy", "ci-runner", "alice", "backup-job"])),
    ("uuid", |n| [8, 4, 4, 4, 12].map(|digits| n.hex(digits)).join("-")),
    ("n", |n| n.random.u8(1..100).to_string()),
];

/// Replaces the value, a string or a number, of the last key with this name.
fn with(text: &str, key: &str, value: &str) -> String {
    let key = format!("\"{key}\":");
    let Some((before, after)) = text.rsplit_once(&key) else { return text.to_owned() };
    let is_end = |c: char| c == ',' || c == '}';
    let rest = after.find(is_end).and_then(|end| after.get(end..)).unwrap_or_default();
    format!("{before}{key}{value}{rest}")
}

fn severity(body: &str) -> f64 {
    serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|event| event["detail"]["severity"].as_f64())
        .unwrap_or_default()
}
