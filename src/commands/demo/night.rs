//! A night's worth of findings, made from a seed: the same seed makes the same night.
//!
//! The events are written for this project after GuardDuty's documented format, 3 to 9 KB long, as
//! EventBridge delivers them: on one line, with the keys in GuardDuty's order. Addresses, accounts and
//! names are from the ranges kept for documentation.

mod parts;

use serde_json::Value;

use crate::instants::Wall;

use parts::*;

/// What a message of the night is there to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Below the threshold.
    Noise,
    /// At or above it, for the first time.
    Alert,
    /// The same event once more.
    Repeat,
    /// The same finding, changed, at the same level.
    Update,
    /// The same finding at a higher level.
    Escalation,
    /// Nothing that can be read.
    Malformed,
}

/// One message of the night.
#[derive(Clone, Debug)]
pub struct Event {
    pub role: Role,
    /// The finding's id; empty for what is malformed.
    pub finding: String,
    pub body: String,
}

/// The kinds of findings: type, title, severity, and the parts for resource and service.
type Kind = (&'static str, &'static str, f64, &'static str, &'static str);

const SSH_BRUTE_FORCE: Kind = (
    "UnauthorizedAccess:EC2/SSHBruteForce",
    "SSH brute force attacks were observed against an EC2 instance.",
    5.0,
    INSTANCE,
    CONNECTION,
);
const COMPROMISED_CREDENTIALS: Kind = (
    "AttackSequence:IAM/CompromisedCredentials",
    "Potential credential compromise of an IAM user indicated by a sequence of actions.",
    9.3,
    SEQUENCE,
    SIGNALS,
);

const ALERTS: [Kind; 12] = [
    (
        "CryptoCurrency:EC2/BitcoinTool.B!DNS",
        "EC2 instance is querying a domain name that is associated with Bitcoin-related activity.",
        8.0,
        INSTANCE,
        DNS,
    ),
    (
        "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
        "Credentials created for an EC2 instance role are being used from an external IP address.",
        8.0,
        ACCESS_KEY,
        API_CALL,
    ),
    (
        "Discovery:S3/MaliciousIPCaller",
        "An API used to discover resources was invoked from a known malicious IP address.",
        7.0,
        BUCKET,
        API_CALL,
    ),
    SSH_BRUTE_FORCE,
    (
        "Persistence:IAMUser/AnomalousBehavior",
        "APIs commonly used in persistence tactics were invoked in an anomalous way.",
        5.0,
        ACCESS_KEY,
        API_CALL,
    ),
    (
        "PrivilegeEscalation:Kubernetes/PrivilegedContainer",
        "A privileged container with root level access was launched on an EKS cluster.",
        5.0,
        CLUSTER,
        KUBERNETES,
    ),
    (
        "CredentialAccess:RDS/AnomalousBehavior.SuccessfulLogin",
        "A user successfully logged into an RDS database in an anomalous way.",
        8.0,
        DATABASE,
        LOGIN,
    ),
    (
        "Backdoor:Lambda/C&CActivity.B",
        "A Lambda function is communicating with a command and control server.",
        8.0,
        FUNCTION,
        CONNECTION,
    ),
    (
        "Execution:Runtime/NewBinaryExecuted",
        "A container has executed a newly created binary file.",
        5.0,
        CONTAINER,
        PROCESS,
    ),
    COMPROMISED_CREDENTIALS,
    (
        "Execution:EC2/MaliciousFile",
        "A malicious file was detected on an EC2 instance.",
        8.0,
        SCANNED_INSTANCE,
        VOLUME_SCAN,
    ),
    (
        "Object:S3/MaliciousFile",
        "A malicious S3 object was detected in a protected bucket.",
        8.0,
        OBJECT,
        OBJECT_SCAN,
    ),
];

/// Most of a storm is one kind of finding, from one account: a host that is attacked, or attacks.
const STORM_KIND: Kind = SSH_BRUTE_FORCE;
const STORM_ACCOUNT: &str = ACCOUNTS[3];
const STORM_REGION: &str = REGIONS[1];
/// Of so many alerts of a storm one is of another kind.
const STORM_OTHERS: usize = 3;

const NOISE: [Kind; 8] = [
    (
        "Recon:EC2/PortProbeUnprotectedPort",
        "Unprotected port on an EC2 instance is being probed.",
        2.0,
        INSTANCE,
        PROBE,
    ),
    (
        "Policy:S3/BucketBlockPublicAccessDisabled",
        "Block public access was disabled for an S3 bucket.",
        2.0,
        BUCKET,
        API_CALL,
    ),
    (
        "Policy:IAMUser/RootCredentialUsage",
        "An API was invoked using root credentials.",
        1.5,
        ACCESS_KEY,
        API_CALL,
    ),
    (
        "CredentialAccess:RDS/AnomalousBehavior.FailedLogin",
        "One or more unusual failed login attempts were observed on an RDS database.",
        2.0,
        DATABASE,
        LOGIN,
    ),
    (
        "Discovery:Runtime/SuspiciousCommand",
        "A suspicious command was executed in a container.",
        2.0,
        CONTAINER,
        PROCESS,
    ),
    (
        "Discovery:Kubernetes/AnomalousBehavior.PermissionChecked",
        "A Kubernetes API commonly used to check permissions was invoked in an anomalous way.",
        2.0,
        CLUSTER,
        KUBERNETES,
    ),
    (
        "Discovery:IAMUser/AnomalousBehavior",
        "APIs commonly used in discovery tactics were invoked in an anomalous way.",
        2.0,
        ACCESS_KEY,
        API_CALL,
    ),
    (
        "Discovery:S3/AnomalousBehavior",
        "An API commonly used to discover S3 objects was invoked in an anomalous way.",
        2.0,
        BUCKET,
        API_CALL,
    ),
];

/// GuardDuty's bound.
const CRITICAL_FROM: f64 = 9.0;

const ACCOUNTS: [&str; 5] =
    ["111122223333", "222233334444", "333344445555", "444455556666", "555566667777"];
const REGIONS: [&str; 4] = ["eu-central-1", "us-east-1", "us-west-2", "ap-northeast-1"];

impl Event {
    pub fn is_critical(&self) -> bool {
        severity(&self.body) >= CRITICAL_FROM
    }
}

/// Makes findings.
pub struct Night {
    random: fastrand::Rng,
    began: Wall,
    /// Where the finding that is being made is from.
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

    /// New findings of every kind, as the months bring them: seven of ten are low.
    pub fn corpus(&mut self, count: usize) -> Vec<Event> {
        let mut one = || if self.random.u8(..10) < 7 { self.noise() } else { self.alert() };
        std::iter::repeat_with(&mut one).take(count).collect()
    }

    /// One finding below the threshold.
    pub fn noise(&mut self) -> Event {
        let kind = *self.choose(&NOISE);
        self.finding(Role::Noise, &kind)
    }

    /// One at or above it.
    pub fn alert(&mut self) -> Event {
        let kind = *self.choose(&ALERTS);
        self.finding(Role::Alert, &kind)
    }

    /// The messages in their order of arrival. What follows a finding comes after it.
    pub fn events(&mut self, mix: Mix) -> Vec<Event> {
        self.mixed(mix, |night, i| night.finding(Role::Alert, &ALERTS[i % ALERTS.len()]))
    }

    /// The same for a storm: mostly one thing, and nothing critical.
    pub fn storm(&mut self, mix: Mix) -> Vec<Event> {
        let lesser: Vec<&Kind> = ALERTS.iter().filter(|kind| kind.2 < CRITICAL_FROM).collect();
        self.mixed(mix, |night, i| match i % STORM_OTHERS {
            0 => night.finding(Role::Alert, lesser[i / STORM_OTHERS % lesser.len()]),
            _ => night.finding_in(Role::Alert, &STORM_KIND, STORM_ACCOUNT, STORM_REGION),
        })
    }

    /// What nobody must have to wait for.
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

    /// The same finding at a higher level, if it was a medium one.
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

    /// A later version of the same finding.
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

    /// A part on one line, with what differs from finding to finding.
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

    /// So many of a part, as the elements of a list.
    fn several(&mut self, part: &str, count: std::ops::Range<usize>) -> String {
        let parts: Vec<String> = (0..self.random.usize(count)).map(|_| self.fill(part)).collect();
        parts.join(",")
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| self.random.digit(16)).collect()
    }

    /// Within the hour before the night.
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

/// What the words of the parts stand for.
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

/// The text with another value, a string or a number, behind the last key of this name.
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
