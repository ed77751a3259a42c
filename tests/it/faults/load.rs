//! The messages of a run, and the books about them. The level of a finding is part of its type and
//! its title, so that a post says which level it shows.

use std::collections::BTreeMap;

use fastrand::Rng;
use hansho::ports::Lane;
use serde_json::json;

use crate::sim::history::{Alert, Carried};

/// The names of the destinations, and the lowest level that each receives.
pub const DESTINATIONS: [(&str, u8); 2] = [("security", 2), ("oncall", 3)];
const SEVERITIES: [f64; 5] = [0.5, 2.0, 5.0, 8.0, 9.5];
const HOSTILE: &str = " <!channel> <@U0123456789> <https://evil.example|click> \u{202e}\u{0} &lt;";

pub struct Sending {
    /// Milliseconds after the start.
    pub at: u64,
    pub lane: Lane,
    pub body: String,
    pub carries: Vec<Carried>,
    pub junk: bool,
}

pub struct Books {
    pub sendings: Vec<Sending>,
    /// By the number of the finding: Slack refuses it in any form.
    pub poison: Vec<bool>,
}

/// The destinations that a level is owed to, as bits.
pub fn owed(level: u8) -> u8 {
    let owed = DESTINATIONS.iter().enumerate().filter(|(_, (_, lowest))| level >= *lowest);
    owed.fold(0, |bits, (destination, _)| bits | 1 << destination)
}

impl Books {
    /// The level that each alert is owed at last.
    pub fn owed(&self) -> BTreeMap<Alert, u8> {
        let mut owed_at: BTreeMap<Alert, u8> = BTreeMap::new();
        for carried in self.sendings.iter().flat_map(|sending| &sending.carries) {
            for destination in
                (0..DESTINATIONS.len() as u8).filter(|d| owed(carried.level) >> d & 1 == 1)
            {
                let alert = Alert { finding: carried.finding, destination };
                let level = owed_at.entry(alert).or_default();
                *level = carried.level.max(*level);
            }
        }
        owed_at
    }
}

/// So many findings within `span` milliseconds.
pub fn generate(seed: u64, findings: u32, span: u64) -> Books {
    let mut r = Rng::with_seed(seed ^ 0x10ad);
    let mut books = Books { sendings: Vec::new(), poison: Vec::new() };
    for finding in 0..findings {
        let level = [1, 2, 2, 2, 2, 2, 3, 3, 3, 4][r.usize(0..10)];
        // A storm in the first third, and the rest over the time.
        let at = if r.bool() { r.u64(0..span.div_ceil(3)) } else { r.u64(0..span) };
        let poison = level >= 2 && r.u16(0..200) == 0;
        books.poison.push(poison);
        books.add(at, Lane::Standard, finding, level, 0, &mut r);
        if level >= 3 && r.bool() {
            books.add(at, Lane::Express, finding, level, 0, &mut r);
        }
        if r.u8(0..12) == 0 {
            books.add(at + r.u64(0..span / 2), Lane::Standard, finding, level, 0, &mut r);
        }
        if level < 4 && r.u8(0..10) == 0 {
            let higher = r.u8(level + 1..=4);
            // Often while the first post is on its way.
            let late = r.u64(0..span / 2) / r.u64(1..20);
            books.add(at + late, Lane::Standard, finding, higher, 1, &mut r);
        }
        if r.u8(0..100) == 0 {
            let body = format!("{{\"not\": \"a finding\", \"number\": {}", books.sendings.len());
            let (lane, carries) = (Lane::Standard, Vec::new());
            books.sendings.push(Sending { at, lane, body, carries, junk: true });
        }
    }
    for sending in &mut books.sendings {
        sending.at = sending.at.min(span);
    }
    books.sendings.sort_by_key(|sending| sending.at);
    books
}

impl Books {
    fn add(&mut self, at: u64, lane: Lane, finding: u32, level: u8, revision: u8, r: &mut Rng) {
        let carries = vec![Carried { finding, level, revision, closed: false }];
        let body = self.body(finding, level, revision, r.u8(0..10) == 0);
        self.sendings.push(Sending { at, lane, body, carries, junk: false });
    }

    /// Each message is another text, because the event's id counts up.
    fn body(&self, finding: u32, level: u8, revision: u8, hostile: bool) -> String {
        let (account, region) = (format!("11112222333{}", finding % 7), "eu-central-1");
        let text = if hostile { HOSTILE } else { "" };
        json!({
            "version": "0", "id": format!("e-{}", self.sendings.len()),
            "detail-type": "GuardDuty Finding", "source": "aws.guardduty",
            "account": account, "region": region,
            "detail": {
                "accountId": account, "region": region, "partition": "aws",
                "id": id(finding), "type": format!("Recon:EC2/ScanL{level}"),
                "severity": SEVERITIES[usize::from(level)],
                "title": format!("ScanL{level}{text}"), "description": format!("Text.{text}"),
                "updatedAt": format!("2026-09-21T10:{revision:02}:00Z"),
                "resource": { "resourceType": "Instance" }, "service": { "count": 1 },
            },
        })
        .to_string()
    }
}

pub fn id(finding: u32) -> String {
    format!("f{finding:07}")
}

/// The findings in a text, each with the level that is named last before it.
pub fn named(text: &str, mut level: Option<u8>) -> (Vec<(u32, u8)>, Option<u8>) {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    for at in 0..bytes.len() {
        let rest = &bytes[at..];
        if let Some(&[digit, ..]) = rest.strip_prefix(b"ScanL") {
            level = Some(digit.wrapping_sub(b'0'));
        }
        let alone = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        if let (Some(digits), true) = (rest.strip_prefix(b"f"), alone)
            && let Some(digits) = digits.get(..7).filter(|d| d.iter().all(u8::is_ascii_digit))
        {
            let number = digits.iter().fold(0, |n, d| n * 10 + u32::from(d - b'0'));
            found.push((number, level.unwrap_or(u8::MAX)));
        }
    }
    (found, level)
}
