//! Digests: the JSON that Slack gets, its preview, and its limits for any input.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use hansho::finding::{Closing, Finding, FindingState, Level, Remark, Text};
use hansho::instants::Wall;
use hansho::ports::{Card, Form, Late, OutageCause, Post};
use hansho::slack::{BUDGET_CHARS, DIGEST_MAX, Guide, payload, preview};
use serde_json::Value;

use super::slack_hostile::{hostile_card, hostile_text};
use super::slack_render::{a_post, calm, card, sre};
use crate::support::lane::ByLane;
use crate::support::post_rules::{
    MENTION, check_limits, check_mentions, check_preview, check_strings, length, mentions,
};

/// Every size twice. More rounds only take more time.
const SEEDS: ByLane = ByLane { all: 60, deep: 120 };

struct Kind {
    kind: &'static str,
    title: &'static str,
    resource: &'static str,
}

const MINER: Kind = Kind {
    kind: "CryptoCurrency:EC2/BitcoinTool.B!DNS",
    title: "Bitcoin-related domain name queried by EC2 instance i-0f1e2d3c4b5a69788.",
    resource: "EC2 instance i-0f1e2d3c4b5a69788 (m5.4xlarge, build-2)",
};
const EXFILTRATION: Kind = Kind {
    kind: "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
    title: "Credentials for the EC2 instance role web-frontend-production were used from an \
            external IP address 198.51.100.44.",
    resource: "access key ASIAEXAMPLE (web-frontend-production)",
};
const BRUTE_FORCE: Kind = Kind {
    kind: "UnauthorizedAccess:EC2/SSHBruteForce",
    title: "198.51.100.7 is performing SSH brute force attacks against i-0123456789abcdef0.",
    resource: "EC2 instance i-0123456789abcdef0 (t3.micro, web-1)",
};
const PROBE: Kind = Kind {
    kind: "Recon:EC2/PortProbeUnprotectedPort",
    title: "Unprotected port is being probed.",
    resource: "EC2 instance i-0a0b0c0d0e0f01020 (t3.micro)",
};
const OTHERS: [&str; 6] = [
    "Discovery:S3/MaliciousIPCaller",
    "Policy:S3/BucketBlockPublicAccessDisabled",
    "Persistence:IAMUser/AnomalousBehavior",
    "Stealth:IAMUser/CloudTrailLoggingDisabled",
    "Trojan:EC2/DNSDataExfiltration",
    "Impact:EC2/AbusedDomainRequest.Reputation",
];

fn finding(number: usize, level: Level, kind: &Kind, account: &str, region: &str) -> Card {
    let mut finding = calm(level);
    finding.fingerprint.id = format!("{:032x}", 0x5ac1_f0de_0000_0000_u128 << 64 | number as u128);
    finding.fingerprint.account = account.into();
    finding.fingerprint.region = region.into();
    finding.account = Text::new(account, 12);
    finding.region = Text::new(region, 20);
    finding.kind = Text::new(kind.kind, 200);
    finding.title = Text::new(kind.title, 200);
    finding.resource = Some(Text::new(kind.resource, 200));
    card(finding)
}

/// A bad night: two criticals among an attack on one account, and the usual noise around it.
fn storm() -> Vec<Card> {
    let (here, there) = ("111122223333", "444455556666");
    let mut cards = Vec::new();
    for number in 0..31 {
        cards.push(finding(number, Level::High, &BRUTE_FORCE, here, "eu-central-1"));
    }
    cards.push(finding(31, Level::Critical, &MINER, here, "eu-central-1"));
    for number in 32..42 {
        cards.push(finding(number, Level::High, &PROBE, there, "us-east-1"));
    }
    let critical = finding(42, Level::Critical, &EXFILTRATION, there, "ap-southeast-1");
    cards.push(Card { escalated_from: Some(Level::High), ..critical });
    for (number, kind) in (43..).zip(OTHERS) {
        let title = "An API was called that is seldom called.";
        let kind = Kind { kind, title, resource: "S3 bucket invoices-2026" };
        cards.push(finding(number, Level::High, &kind, "777788889999", "us-east-1"));
    }
    let reminder = finding(49, Level::High, &PROBE, there, "us-east-1");
    cards.push(Card { reminder: true, ..reminder });
    cards
}

fn drawn(cards: Vec<Card>) -> Value {
    payload(&a_post(Form::Digest, cards), &sre(), &Guide::default())
}

fn blocks(payload: &Value) -> &[Value] {
    let attachments = payload["attachments"].as_array().unwrap();
    assert_eq!(attachments.len(), 1);
    attachments[0]["blocks"].as_array().unwrap()
}

/// The lines of all blocks of a type, in order.
fn lines(payload: &Value, kind: &str) -> Vec<String> {
    let texts = blocks(payload).iter().filter(|block| block["type"] == kind).map(|block| {
        let text = block.get("text").unwrap_or(&block["elements"][0]);
        text["text"].as_str().unwrap()
    });
    texts.flat_map(str::lines).map(str::to_owned).collect()
}

#[test]
fn the_push_says_what_happened_and_where() {
    let of = |levels: &[Level]| {
        let cards = levels.iter().map(|level| card(calm(*level))).collect();
        drawn(cards)["text"].as_str().unwrap().to_owned()
    };
    let storm = drawn(storm());
    let (first, lines) = storm["text"].as_str().unwrap().split_once('\n').unwrap();
    let gist = "BitcoinTool.B!DNS, InstanceCredentialExfiltration.OutsideAWS, \
                31 × SSHBruteForce +7 more in 3 accounts · 3 regions";
    assert_eq!(first, format!("🚨 2 CRITICAL, 48 HIGH {MENTION}: {gist}"));
    assert!(lines.starts_with("• 🚨 Bitcoin-related domain name queried by"), "{lines}");
    assert!(lines.ends_with("\nand 45 more"), "{lines}");
    let overview = storm["blocks"][0]["text"]["text"].as_str().unwrap();
    assert_eq!(overview, format!("🚨 *2 CRITICAL, 48 HIGH* {MENTION}: {gist}"));

    let place = "EC2 instance i-0abc is talking to a Tor node · 111122223333 · eu-central-1";
    for (levels, head) in [
        (&[Level::Low; 4][..], "🔵 4 LOW: 4 × TorClient in 111122223333 · eu-central-1\n"),
        (
            &[Level::Low, Level::Medium],
            "🟡 1 MEDIUM, 1 LOW: 2 × TorClient in 111122223333 · eu-central-1\n",
        ),
        (&[Level::Low], &format!("🔵 LOW: {place}")),
        (&[], "hansho: an empty post"),
    ] {
        assert!(of(levels).starts_with(head), "{}", of(levels));
    }
}

#[test]
fn a_gist_has_the_words_that_alike_findings_share() {
    let gist = |product: &str, kind: &str, title: &str| {
        let mut finding = calm(Level::Low);
        finding.fingerprint.product = product.into();
        (finding.kind, finding.title) = (Text::new(kind, 200), Text::new(title, 200));
        let text = drawn(vec![card(finding); 2])["text"].as_str().unwrap().to_owned();
        let end = text.find(" in 111122223333").unwrap();
        text["🔵 2 LOW: 2 × ".len()..end].to_owned()
    };
    let checks = "Software and Configuration Checks/Industry and Regulatory Standards";
    for (product, kind, title, expected) in [
        ("guardduty", "Recon:EC2/PortProbeUnprotectedPort", "t", "PortProbeUnprotectedPort"),
        ("guardduty", "Recon:EC2/", "t", "Recon:EC2/"),
        ("macie", "SensitiveData:S3Object/Financial", "t", "SensitiveData:S3Object/Financial"),
        ("securityhub", checks, "EC2.1 EBS snapshots are public", "EC2.1 EBS snapshots are public"),
        ("x", "see evil.com", "see evil.com", "see evil[.]com"),
        ("x", "", "", "Finding without a title"),
    ] {
        assert_eq!(gist(product, kind, title), expected);
    }
}

#[test]
fn a_storm_is_grouped_and_every_finding_has_its_id() {
    let payload = drawn(storm());
    assert_eq!(payload["attachments"][0]["color"], "#D0021B");
    let groups = lines(&payload, "section");
    let expected = [
        "🚨 Bitcoin-related domain name queried by EC2 instance i-0f1e2d3c4b5a69788 · \
         111122223333 · eu-central-1 · `5ac1f0de00000000000000000000001f`",
        "🚨 (was high) Credentials for the EC2 instance role web-frontend-prod… · ASIAEXAMPLE · \
         444455556666 · ap-southeast-1 · `5ac1f0de00000000000000000000002a`",
        "🟠 *31 ×* SSHBruteForce · i-0123456789abcdef0 · 111122223333 · eu-central-1",
        "🟠 *10 ×* PortProbeUnprotectedPort · i-0a0b0c0d0e0f01020 · 444455556666 · us-east-1",
    ];
    assert_eq!(groups[..4], expected);
    assert_eq!(groups.len(), 11);
    let reminder = "🟠 (reminder) Unprotected port is being probed · EC2 instance";
    assert!(groups[10].starts_with(reminder), "{}", groups[10]);
    let [brute_force, probes, link, footer] = &lines(&payload, "context")[..] else {
        panic!("{payload}")
    };
    assert!(
        brute_force.starts_with("SSHBruteForce: 5ac1f0de000000000000000000000000, "),
        "{brute_force}"
    );
    assert_eq!(brute_force.matches("5ac1f0de").count(), 31);
    assert_eq!(probes.matches("5ac1f0de").count(), 10);
    let address = "https://console.aws.amazon.com/guardduty/home?region=eu-central-1#/findings";
    let expected = format!("<{address}|Look at 32 of them in GuardDuty, eu-central-1>");
    assert_eq!((&link[..], &footer[..]), (&expected[..], "hansho `d-17`"));
    check_limits(&payload, 0);
}

#[test]
fn a_group_names_the_first_resources_accounts_and_regions() {
    let cards = |places: &[(&'static str, &str, &str)]| -> Vec<Card> {
        let made = places.iter().enumerate().map(|(number, (resource, account, region))| {
            finding(number, Level::High, &Kind { resource, ..PROBE }, account, region)
        });
        made.collect()
    };
    let (a, b) = ("111122223333", "444455556666");
    let head = "🟠 *2 ×* PortProbeUnprotectedPort";
    for (places, expected) in [
        (&[("i-1", a, "r"), ("i-1", a, "r")][..], format!("{head} · i-1 · {a} · r")),
        (&[("i-1", a, "r"), ("i-2", b, "s")], format!("{head} · i-1, i-2 · {a}, {b} · r, s")),
        (
            &[("i-1", a, "r"), ("i-2", a, "r"), ("i-3", b, "r"), ("i-4", a, "r")],
            format!("🟠 *4 ×* PortProbeUnprotectedPort · i-1, i-2, i-3 +1 · {a} ×3, {b} · r"),
        ),
    ] {
        assert_eq!(lines(&drawn(cards(places)), "section"), [expected]);
    }
}

#[test]
fn a_preview_shows_the_storm() {
    let shown = preview(&drawn(storm()), 100, false);
    let expected = "\
🚨 2 CRITICAL, 48 HIGH @sre: BitcoinTool.B!DNS, InstanceCredentialExfiltration.OutsideAWS, 31 ×
SSHBruteForce +7 more in 3 accounts · 3 regions

▌ 🚨 Bitcoin-related domain name queried by EC2 instance i-0f1e2d3c4b5a69788 · 111122223333 ·
▌ eu-central-1 · 5ac1f0de00000000000000000000001f
";
    assert!(shown.starts_with(expected), "{shown}");
    assert!(shown.ends_with("\n▌ hansho d-17\n"), "{shown}");
}

/// Each change to an ordinary finding, and its line beside another finding.
#[test]
fn a_line_says_what_is_special_and_is_cut_where_it_hurts_least() {
    let line = |change: fn(&mut Card, &mut Finding)| {
        let mut finding = calm(Level::Medium);
        let mut made = card(finding.clone());
        change(&mut made, &mut finding);
        made.finding = Arc::new(finding);
        let mut other = calm(Level::Low);
        other.kind = Text::new("Other:EC2/Type", 100);
        lines(&drawn(vec![made, card(other)]), "section").swap_remove(0)
    };
    let title = "EC2 instance i-0abc is talking to a Tor node";
    let tail = "· 111122223333 · eu-central-1 · `5ac1f0de`";
    for (line, expected) in [
        (line(|_, _| {}), format!("🟡 {title} {tail}")),
        (line(|_, f| f.sample = true), format!("🟡 (*SAMPLE*) {title} {tail}")),
        (line(|c, _| c.escalated_from = Some(Level::Low)), format!("🟡 (was low) {title} {tail}")),
        (line(|c, _| c.reminder = true), format!("🟡 (reminder) {title} {tail}")),
        (
            line(|c, _| c.meant_for = Some("security-of-all-accounts".to_owned())),
            format!("🟡 (for security-…) {title} {tail}"),
        ),
        (line(|c, _| c.perhaps_repeated = true), format!("🟡 (may repeat) {title} {tail}")),
        (
            line(|_, f| f.condition.product = FindingState::Closed(Closing::Suppressed)),
            format!("🟡 (closed) {title} {tail}"),
        ),
        (
            line(|_, f| f.remarks = vec![Remark::UnreadableSeverity(Text::default())]),
            format!("🟡 (severity?) {title} {tail}"),
        ),
        (
            line(|_, f| f.resource = Some(Text::new("S3 bucket invoices (public)", 100))),
            format!("🟡 {title} · S3 bucket invoices {tail}"),
        ),
        (
            line(|_, f| f.resource = Some(Text::new(&"long ".repeat(30), 200))),
            format!("🟡 {title} · long {tail}"),
        ),
        (
            line(|_, f| f.title = Text::new(&"long ".repeat(30), 200)),
            format!("🟡 {}lo… · i-0abc {tail}", "long ".repeat(19)),
        ),
        (
            line(|_, f| f.title = Text::new("*bold* <!here>", 20)),
            format!("🟡 `*bold*` &lt;!here&gt; · EC2 instance i-0abc {tail}"),
        ),
        (
            line(|_, f| (f.account, f.region) = (Text::default(), Text::default())),
            format!("🟡 {title} · account unknown · `5ac1f0de`"),
        ),
        (
            line(|_, f| {
                f.fingerprint.id =
                    "arn:aws:securityhub:eu-central-1:111122223333:x/finding/0a1b2c3d-0000".into()
            }),
            format!(
                "🟡 {title} · 111122223333 · eu-central-1 · `…-1:111122223333:x/finding/0a1b2c3d-0000`"
            ),
        ),
        (
            line(|_, f| f.fingerprint.id = "0123456789".repeat(5)),
            format!(
                "🟡 {title} · 111122223333 · eu-central-1 · `012345678901234567890123456789012345678…`"
            ),
        ),
    ] {
        assert_eq!(line, expected);
    }
}

#[test]
fn samples_are_called_so_at_once() {
    let with = |samples: usize| {
        let cards = (0..4).map(|index| {
            let mut finding = calm(Level::High);
            finding.sample = index < samples;
            card(finding)
        });
        let payload = drawn(cards.collect());
        (payload["text"].as_str().unwrap().to_owned(), lines(&payload, "section"))
    };
    let (text, lines) = with(4);
    assert!(text.starts_with("🟠 4 HIGH (🧪 SAMPLE FINDINGS): 4 × "), "{text}");
    assert!(lines[0].starts_with("🟠 *4 ×* TorClient (*SAMPLE*) · "), "{lines:?}");
    let (text, lines) = with(1);
    assert!(text.starts_with(&format!("🟠 4 HIGH {MENTION} (🧪 1 sample): 4 × ")), "{text}");
    assert!(lines[0].starts_with("🟠 *3 ×* TorClient · "), "{lines:?}");
    assert!(lines[1].starts_with("🟠 (*SAMPLE*) EC2 instance"), "{lines:?}");
}

/// The id as a post shows it, before escaping.
fn shown_id(card: &Card) -> String {
    let id = Text::new(card.finding.product_id(), 512).to_string();
    id.replace('`', "'").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[test]
fn no_storm_breaks_a_limit_or_hides_a_finding() {
    let mut heaviest = 0;
    for seed in 0..SEEDS.get() {
        let rng = &mut Rng::with_seed(seed);
        let post = Post {
            at: Wall(0),
            id: hostile_text(rng, 200),
            destination: "security".into(),
            form: Form::Digest,
            cards: (0..=seed % 60).map(|_| hostile_card(rng)).collect(),
            notes: Vec::new(),
        };
        let payload = payload(&post, &mentions(), &Guide::default());
        check_limits(&payload, seed);
        check_strings(&payload, true, seed);
        check_preview(&payload, seed);
        check_mentions(&post, &payload, seed);
        heaviest = heaviest.max(length(&payload["attachments"].to_string()));

        let mut sorted: Vec<&Card> = post.cards.iter().collect();
        sorted.sort_by_key(|card| std::cmp::Reverse(card.finding.severity.level));
        let drawn = payload["attachments"].to_string().replace("\\\"", "\"").replace("\\\\", "\\");
        if sorted.len() > DIGEST_MAX {
            let more = format!("and {} more", sorted.len() - DIGEST_MAX);
            assert!(drawn.contains(&more), "seed {seed}");
        }
        for card in sorted.into_iter().take(DIGEST_MAX) {
            let id = shown_id(card);
            // The first or the last characters, without half an entity.
            let start: String = id.chars().take_while(|c| *c != '&').take(6).collect();
            let end: String = id.chars().rev().take_while(|c| *c != ';').take(6).collect();
            let end: String = end.chars().rev().collect();
            assert!(drawn.contains(&start) || drawn.contains(&end), "seed {seed}: {id} in {drawn}");
        }
    }
    assert!(heaviest > BUDGET_CHARS / 2, "the hostile ones weigh just {heaviest}");
}

/// The heaviest digest: every part at its limit, of the characters that grow the most.
#[test]
fn the_heaviest_digest_fits() {
    for filler in ["\"", "\\", "&", "<", "*\"", "`", "日", "🚀", "x", "x y", "👨‍👩‍👧‍👦"]
    {
        let cards = (0..60).map(|number| {
            let full =
                |chars: usize| Text::new(&format!("{number}{}", filler.repeat(chars)), chars);
            let mut finding = calm(Level::Critical);
            finding.fingerprint.id = full(512).to_string();
            finding.account = full(500);
            finding.kind = full(500);
            finding.title = full(500);
            finding.resource = Some(full(500));
            finding.sample = number > 0;
            if number > 0 {
                finding.condition.product = FindingState::Closed(Closing::Suppressed);
            }
            finding.remarks = vec![Remark::UnreadableSeverity(full(500))];
            if number > 2 {
                finding.region = full(500);
            }
            Card {
                escalated_from: (number > 0).then_some(Level::Informational),
                reminder: number > 1,
                came_back: None,
                perhaps_repeated: number > 0,
                late: Some(Late { by: Duration::MAX, why: OutageCause::Dead }),
                meant_for: None,
                finding: Arc::new(finding),
            }
        });
        let post = Post {
            at: Wall(0),
            id: "\"".repeat(300),
            destination: "security".into(),
            form: Form::Digest,
            cards: cards.collect(),
            notes: Vec::new(),
        };
        let payload = payload(&post, &mentions(), &Guide::default());
        check_limits(&payload, 0);
    }
}
