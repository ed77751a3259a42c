//! The messages that come in, and the generator's own books of their levels. The checker reads
//! these books, and not the fields that hansho parses.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use hansho::instants::Wall;
use hansho::ports::Lane;
use serde_json::{Value, json};

use super::history::Carried;
use super::plan::{HOUR, Load, Plan};
use super::rules::Subjects;

/// The treatment of a finding by Slack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taste {
    Good,
    /// 400 for its card, but its text is taken.
    CardRefused,
    /// 400 in any form.
    Poison,
}

/// One message on its way into the queue.
pub struct Sending {
    pub at: u64,
    pub lane: Lane,
    pub body: String,
    pub carries: Vec<Carried>,
    /// Part of it is no finding.
    pub junk: bool,
    /// An operator has the ledger forget that it was posted, and sends it again.
    pub again: bool,
}

pub struct Books {
    pub sendings: Vec<Sending>,
    /// By the number of the finding.
    pub tastes: Vec<Taste>,
    /// The titles of each finding. Copies of it may have others.
    pub titles: Vec<BTreeSet<String>>,
    /// The first finding that closes and may come back. All after it do so too.
    pub lives_from: u32,
    /// The first of the findings that a person sends on purpose. They come before those.
    pub requested_from: u32,
}

pub const DESTINATIONS: [&str; 3] = ["security", "oncall", "team"];

/// The number of a destination, by its name.
pub fn number_of(destination: &str) -> u8 {
    DESTINATIONS.iter().position(|d| *d == destination).map_or(u8::MAX, |d| d as u8)
}

/// Severities as findings write them, with the level of each.
const SEVERITIES: [(&str, u8); 15] = [
    ("0.5", 0),
    ("1", 1),
    ("3.95", 1),
    ("4", 2),
    ("5.0", 2),
    ("5", 2),
    ("6.95", 2),
    ("7.0", 3),
    ("8", 3),
    ("8.95", 3),
    ("9.0", 4),
    ("9.8", 4),
    ("10", 4),
    // An unreadable severity counts as high.
    ("\"very bad\"", 3),
    ("null", 3),
];

const HOSTILE: [&str; 8] = [
    "<!channel> wake up <!here> <!everyone>",
    "<@U0123456789> & <#C0123456789|general> <https://evil.example|click>",
    "*bold* _it_ ~x~ `code` ```block``` &lt;!channel&gt;",
    "\u{202e}desrever\u{202c} \u{200b}zero\u{0000}nul\u{1b}[31m",
    "\\\" } ], \"blocks\": [",
    "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{1f1e9}\u{1f1ea} e\u{301}\u{301}\u{301}",
    "<!subteam^S0123456789|sec> <!date^0^{date}|x>",
    "",
];

const JUNK: [&str; 8] = [
    "not json",
    "",
    "{\"detail-type\":\"GuardDuty Finding\",\"source\":\"aws.guardduty\",\"detail\":{\"sev",
    "{\"hello\":\"world\"}",
    "[]",
    "null",
    "{\"version\":\"0\",\"source\":\"aws.guardduty\",\"detail-type\":\"GuardDuty Finding\",\"detail\":{\"severity\":9}}",
    "\"plain text\"",
];

struct Generator<'a> {
    random: Rng,
    load: &'a Load,
    lanes: &'a [Lane],
    subjects: Subjects,
    length: u64,
    sendings: Vec<Sending>,
    tastes: Vec<Taste>,
    titles: BTreeMap<u32, BTreeSet<String>>,
    /// The texts are as long as any are shown.
    long: bool,
}

pub fn generate(plan: &Plan) -> Books {
    let mut g = Generator {
        random: Rng::with_seed(plan.seed ^ 0x10ad),
        load: &plan.load,
        lanes: &plan.lanes,
        subjects: plan.subjects,
        length: plan.length,
        sendings: Vec::new(),
        tastes: Vec::new(),
        titles: BTreeMap::new(),
        long: false,
    };
    g.steady();
    for _ in 0..plan.load.bursts {
        g.burst();
    }
    if plan.load.storm > 0 {
        g.storm();
    }
    if plan.load.wave > 0 {
        g.wave();
    }
    for _ in 0..plan.load.giants {
        g.giant();
    }
    g.again(&mut Rng::with_seed(plan.seed ^ 0xa9a1));
    let requested_from = g.tastes.len() as u32;
    for _ in 0..plan.load.requested {
        g.requested();
    }
    let lives_from = g.tastes.len() as u32;
    for _ in 0..plan.load.lives {
        g.life();
    }
    g.sendings.sort_by_key(|s| s.at);
    let titles = (0..g.tastes.len() as u32).map(|f| g.titles.remove(&f).unwrap_or_default());
    Books {
        titles: titles.collect(),
        sendings: g.sendings,
        tastes: g.tastes,
        lives_from,
        requested_from,
    }
}

impl Generator<'_> {
    /// Repeats each finding at most once. A random source of its own keeps the rest of a seed's day
    /// unchanged.
    fn again(&mut self, random: &mut Rng) {
        let alone = |s: &&Sending| s.carries.len() == 1 && !s.junk && s.lane == Lane::Standard;
        let first = |s: &&Sending| s.carries.iter().all(|c| c.revision == 0 && c.level >= 2);
        let mut chosen = std::collections::BTreeSet::new();
        let mut more = Vec::new();
        for s in self.sendings.iter().filter(alone).filter(first) {
            let finding = s.carries[0].finding;
            if random.f64() < self.load.again && chosen.insert(finding) {
                // Mostly within the time for which a worker is sure of what it knows.
                let late = (4.0 * HOUR as f64 * 100f64.powf(-random.f64())) as u64;
                let (lane, body, carries) = (s.lane, s.body.clone(), s.carries.clone());
                let at = (s.at + late).min(self.length - 1);
                more.push(Sending { at, lane, body, carries, junk: false, again: true });
            }
        }
        self.sendings.append(&mut more);
    }

    fn steady(&mut self) {
        for _ in 0..self.load.findings {
            let at = self.random.u64(0..self.length);
            if self.chance(self.load.junk) {
                self.junk(at);
            }
            if self.chance(self.load.sharing_a_message) {
                self.several(at);
            } else {
                let finding = self.finding();
                let level = self.severity();
                self.announce(at, finding, level);
            }
        }
    }

    /// A finding, perhaps with copies, escalations and updates later.
    fn announce(&mut self, at: u64, finding: u32, severity: (&'static str, u8)) {
        self.send(at, Lane::Standard, finding, severity);
        if severity.1 >= 3 && self.lanes.contains(&Lane::Express) {
            let late = self.random.u64(0..5_000);
            self.send(at + late, Lane::Express, finding, severity);
        }
        if self.chance(self.load.copied) {
            let late = self.random.u64(0..600_000);
            self.send(at + late, Lane::Standard, finding, severity);
        }
        if self.chance(self.load.escalating) {
            // Often while the first is still in flight.
            let late = self.soon(1_800_000);
            let severity = self.severity();
            self.send(at + late, Lane::Standard, finding, severity);
        }
        if self.load.updated > 0.0 && self.chance(self.load.updated) {
            for revision in 1..=self.random.u8(1..=3) {
                let late = self.random.u64(0..self.length / 4);
                self.send_revision(at + late, Lane::Standard, finding, severity, revision);
            }
        }
    }

    /// Mostly short, at most `most` milliseconds.
    fn soon(&mut self, most: u64) -> u64 {
        (most as f64 * 10f64.powf(-4.0 * self.random.f64())) as u64
    }

    fn burst(&mut self) {
        let at = self.random.u64(0..self.length);
        for _ in 0..self.random.u32(10..60) {
            let (finding, severity) = (self.finding(), self.severity());
            let late = self.random.u64(0..20_000);
            self.announce(at + late, finding, severity);
        }
    }

    fn storm(&mut self) {
        let at = self.random.u64(0..self.length);
        for i in 0..self.load.storm {
            let finding = self.finding();
            let critical = i % (self.load.storm / 20).max(1) == 7;
            let late = self.random.u64(0..60_000);
            self.announce(at + late, finding, if critical { ("9.5", 4) } else { ("5", 2) });
        }
    }

    /// The lesser findings come first. They would wait for ever if the most severe always went
    /// first.
    fn wave(&mut self) {
        let at = self.random.u64(0..self.length);
        for i in 0..self.load.wave {
            let finding = self.finding();
            let (late, severity) = match i {
                0..3 => (self.random.u64(0..500), ("5", 2)),
                _ => (500 + self.random.u64(0..60_000), ("8", 3)),
            };
            self.long = true;
            self.send(at + late, Lane::Standard, finding, severity);
            self.long = false;
        }
    }

    fn several(&mut self, at: u64) {
        let mut bodies = Vec::new();
        let mut carries = Vec::new();
        for _ in 0..self.random.u32(2..=5) {
            let finding = self.finding();
            let (text, level) = self.severity();
            bodies.push(self.body(finding, text, 0, false));
            carries.push(Carried { finding, level, revision: 0, closed: false });
        }
        let junk = self.chance(self.load.junk);
        if junk {
            bodies.push("{\"no\":\"finding\"}".to_owned());
        }
        let body = format!("[{}]", bodies.join(","));
        self.sendings.push(Sending { at, lane: Lane::Standard, body, carries, junk, again: false });
    }

    fn junk(&mut self, at: u64) {
        let body = match self.random.usize(0..=JUNK.len()) {
            i if i < JUNK.len() => JUNK[i].to_owned(),
            _ => format!("{}{}", "[".repeat(80), "]".repeat(80)),
        };
        self.sendings.push(Sending {
            at,
            lane: Lane::Standard,
            body,
            carries: Vec::new(),
            junk: true,
            again: false,
        });
    }

    /// One byte more than a message may have.
    fn giant(&mut self) {
        let body = " ".repeat((1 << 20) + 1);
        let at = self.random.u64(0..self.length);
        let carries = Vec::new();
        self.sendings.push(Sending {
            at,
            lane: Lane::Standard,
            body,
            carries,
            junk: true,
            again: false,
        });
    }

    fn send(&mut self, at: u64, lane: Lane, finding: u32, severity: (&str, u8)) {
        self.send_revision(at, lane, finding, severity, 0);
    }

    fn send_revision(
        &mut self,
        at: u64,
        lane: Lane,
        finding: u32,
        (text, level): (&str, u8),
        revision: u8,
    ) {
        self.send_state(at, lane, (finding, revision), (text, level), false);
    }

    fn send_state(
        &mut self,
        at: u64,
        lane: Lane,
        (finding, revision): (u32, u8),
        (text, level): (&str, u8),
        closed: bool,
    ) {
        let body = self.body(finding, text, revision, closed);
        let carries = vec![Carried { finding, level, revision, closed }];
        // An arrival after the end comes at the end.
        let at = at.min(self.length - 1);
        self.sendings.push(Sending { at, lane, body, carries, junk: false, again: false });
    }

    /// A finding that opens and closes in turns. Each state comes late, and perhaps again later, so
    /// that a state may overtake the one before.
    fn life(&mut self) {
        self.tastes.push(Taste::Good);
        let finding = self.tastes.len() as u32 - 1;
        let mut at = self.random.u64(0..self.length / 2);
        let mut closed = self.random.u8(0..5) == 0;
        let mut severity = self.severity();
        for revision in 0..self.random.u8(2..=6) {
            at += self.soon(4 * HOUR);
            if !closed {
                severity = self.severity();
            }
            for _ in 0..self.random.u8(1..=3) {
                let late = self.soon(2 * HOUR);
                let lane = self.lanes[self.random.usize(..self.lanes.len())];
                self.send_state(at + late, lane, (finding, revision), severity, closed);
            }
            closed = !closed && self.random.u8(0..4) != 0;
        }
    }

    /// A finding of any severity that a person sends by a custom action of Security Hub, perhaps
    /// twice.
    fn requested(&mut self) {
        self.tastes.push(Taste::Good);
        let finding = self.tastes.len() as u32 - 1;
        let level = self.random.u8(0..=4);
        let title = "Sent on purpose";
        self.titles.entry(finding).or_default().insert(title.to_owned());
        let label = ["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"][usize::from(level)];
        let (account, region) = (self.subjects.account(finding), self.subjects.region(finding));
        let body = json!({
            "version": "0", "id": "e-1", "detail-type": "Security Hub Findings - Custom Action",
            "source": "aws.securityhub", "account": account, "region": region,
            "detail": { "actionName": "Send to Slack", "findings": [{
                "SchemaVersion": "2018-10-08", "Id": format!("f{finding}"),
                "ProductArn": format!("arn:aws:securityhub:{region}::product/aws/securityhub"),
                "AwsAccountId": account, "Region": region,
                "Types": [self.subjects.kind(finding)], "Severity": { "Label": label },
                "Title": title, "UpdatedAt": "2026-09-21T10:00:00Z",
                "Resources": [{ "Type": "AwsEc2Instance", "Id": self.subjects.instance(finding) }],
                "RecordState": "ACTIVE",
            }] },
        });
        let (body, lane) = (body.to_string(), Lane::Standard);
        for _ in 0..self.random.u8(1..=2) {
            let carries = vec![Carried { finding, level, revision: 0, closed: false }];
            let (at, body) = (self.random.u64(0..self.length), body.clone());
            self.sendings.push(Sending { at, lane, body, carries, junk: false, again: false });
        }
    }

    fn finding(&mut self) -> u32 {
        let taste = if self.chance(self.load.poison) {
            if self.random.bool() { Taste::Poison } else { Taste::CardRefused }
        } else {
            Taste::Good
        };
        self.tastes.push(taste);
        self.tastes.len() as u32 - 1
    }

    fn severity(&mut self) -> (&'static str, u8) {
        SEVERITIES[self.random.usize(..SEVERITIES.len())]
    }

    fn chance(&mut self, p: f64) -> bool {
        self.random.f64() < p
    }

    /// A GuardDuty finding in EventBridge's envelope. Its identity depends on its number alone.
    fn body(&mut self, finding: u32, severity: &str, revision: u8, closed: bool) -> String {
        let (account, region) = (self.subjects.account(finding), self.subjects.region(finding));
        let (title, description) = if self.chance(self.load.hostile) {
            let text = HOSTILE[self.random.usize(..HOSTILE.len())];
            let times = [1, 1, 5, 400][self.random.usize(..4)];
            (text.to_owned(), text.repeat(times))
        } else {
            let times = if self.long { 40 } else { 1 };
            let text = ["An instance does what it should not."].repeat(times).join(" ");
            (format!("Finding {finding}"), text)
        };
        let severity: Value = serde_json::from_str(severity).unwrap_or(Value::Null);
        self.titles.entry(finding).or_default().insert(title.clone());
        let mut body = json!({
            "version": "0", "id": "e-1", "detail-type": "GuardDuty Finding",
            "source": "aws.guardduty", "account": account, "region": region,
            "detail": {
                "accountId": account, "region": region, "partition": "aws",
                "id": format!("f{finding}"), "type": self.subjects.kind(finding), "severity": severity,
                "title": title, "description": description,
                "updatedAt": format!("2026-09-21T10:{revision:02}:00Z"),
                "resource": { "resourceType": "Instance" },
                "service": { "count": self.subjects.seen(finding) },
            },
        });
        if self.subjects.varied {
            body["detail"]["resource"]["instanceDetails"] = json!({
                "instanceId": self.subjects.instance(finding),
                "tags": [{ "key": "Team", "value": self.subjects.team(finding) }],
            });
        }
        if closed {
            body["detail"]["service"]["archived"] = true.into();
        }
        body.to_string()
    }
}

/// [`Carried::revision`], from the `updatedAt` that [`Generator::body`] gave it.
pub fn revision_number(updated_at: Option<Wall>) -> u8 {
    let first = Wall::parse_rfc3339("2026-09-21T10:00:00Z");
    let minutes = updated_at.zip(first).map(|(at, first)| at.since(first).as_secs() / 60);
    minutes.and_then(|m| u8::try_from(m).ok()).unwrap_or(u8::MAX)
}

/// The number of the finding, from the id that [`Generator::body`] gave it.
pub fn finding_number(id: &str) -> u32 {
    let tail = id.rsplit('/').next().unwrap_or(id);
    tail.strip_prefix('f').and_then(|n| n.parse().ok()).unwrap_or(u32::MAX)
}
