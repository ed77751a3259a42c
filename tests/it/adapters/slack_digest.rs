//! Digests: the JSON that Slack gets, its preview, and its limits for any input.

use std::sync::Arc;

use fastrand::Rng;
use hansho::finding::{Closing, Finding, FindingState, Level, Remark, Text};
use hansho::ports::{Card, Form, Post};
use hansho::slack::{BUDGET_CHARS, DIGEST_MAX, Guide, payload, preview};
use serde_json::Value;

use super::slack_hostile::{
    MENTION, calls, check_limits, check_preview, check_strings, hostile_card, hostile_text, length,
    mentions,
};
use super::slack_render::{a_post, calm, card, sre};
use crate::support::lane::ByLane;

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

/// The lines of the findings, in order.
fn lines(payload: &Value) -> Vec<String> {
    let [_, _, lists @ .., _] = blocks(payload) else { panic!("no lines: {payload}") };
    lists
        .iter()
        .flat_map(|block| block["text"]["text"].as_str().unwrap().lines())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_text_says_what_happened_and_where() {
    let of = |levels: &[Level]| drawn(levels.iter().map(|level| card(calm(*level))).collect());
    let kind = "UnauthorizedAccess:EC2/TorClient";
    let place = "EC2 instance i-0abc is talking to a Tor node  ·  111122223333  ·  eu-central-1";
    assert_eq!(
        drawn(storm())["text"],
        format!(
            "🚨 *CRITICAL* {MENTION}: 50 findings (2 critical, 48 high) – mostly \
             UnauthorizedAccess:EC2/SSHBruteForce in 111122223333 (31); 10 types, 3 accounts, \
             3 regions\n• 🚨 {}  ·  111122223333  ·  eu-central-1\n• 🚨 (escalated from high) {}  ·  \
             444455556666  ·  ap-southeast-1",
            MINER.title, EXFILTRATION.title
        )
    );
    assert_eq!(
        of(&[Level::Low; 4])["text"],
        format!("🔵 *LOW*: 4 findings (4 low) – all {kind} in 111122223333, eu-central-1")
    );
    assert_eq!(
        of(&[Level::Low, Level::Medium])["text"],
        format!(
            "🟡 *MEDIUM*: 2 findings (1 medium, 1 low) – all {kind} in 111122223333, eu-central-1\n\
             • 🟡 {place}"
        )
    );
    assert_eq!(of(&[Level::Low])["text"], format!("🔵 *LOW*: {place}"));
    assert_eq!(of(&[])["text"], "hansho: an empty post");
}

#[test]
fn what_most_have_in_common_is_named() {
    let gist = |parts: &[(&str, &str, &str)]| {
        let cards = parts.iter().map(|(kind, account, region)| {
            let mut finding = calm(Level::Low);
            finding.kind = Text::new(kind, 200);
            finding.account = Text::new(account, 20);
            finding.region = Text::new(region, 20);
            card(finding)
        });
        let text = drawn(cards.collect())["text"].as_str().unwrap().to_owned();
        text.split_once(" – ").unwrap().1.to_owned()
    };
    for (parts, expected) in [
        (&[("a", "1", "r"), ("a", "1", "r"), ("b", "1", "r")][..], "mostly a in 1 (2); 2 types, r"),
        (&[("a", "1", "r"), ("a", "2", "r")], "all a; 2 accounts, r"),
        (
            &[("a", "1", "r"), ("a", "2", "r"), ("b", "3", "r")],
            "mostly a (2); 2 types, 3 accounts, r",
        ),
        (&[("a", "1", "r"), ("b", "1", "s")], "all in 1; 2 types, 2 regions"),
        (
            &[("a", "1", "r"), ("b", "1", "r"), ("c", "2", "s")],
            "mostly in 1 (2); 3 types, 2 accounts, 2 regions",
        ),
        (&[("a", "1", "r"), ("b", "2", "r")], "2 types, 2 accounts, r"),
        (&[("", "", ""), ("", "", "")], "all type unknown in account unknown, region unknown"),
        (&[("see evil.com", "1", "r"), ("see evil.com", "1", "r")], "all see evil[.]com in 1, r"),
    ] {
        assert_eq!(gist(parts), expected);
    }
}

#[test]
fn a_storm_is_summed_up_and_every_finding_has_its_line() {
    let payload = drawn(storm());
    assert_eq!(payload["attachments"][0]["color"], "#D0021B");
    let [overview, divider, .., footer] = blocks(&payload) else { panic!("{payload}") };
    assert_eq!(divider["type"], "divider");
    assert_eq!(footer["elements"][0]["text"], "hansho `d-17`");
    let link = "https://console.aws.amazon.com/guardduty/home?region=eu-central-1#/findings";
    assert_eq!(
        overview["text"]["text"],
        format!(
            "1 escalated  ·  1 seen again\n<{link}|Look at 32 of them in GuardDuty, eu-central-1>"
        )
    );
    let fields: Vec<&str> = overview["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["text"].as_str().unwrap())
        .collect();
    let kinds = "*By type*\n\
                 31 × 🟠 UnauthorizedAccess:EC2/SSHBruteForce\n\
                 11 × 🟠 Recon:EC2/PortProbeUnprotectedPort\n\
                 1 × 🚨 CryptoCurrency:EC2/BitcoinTool.B!DNS\n\
                 1 × 🚨 UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS\n\
                 1 × 🟠 Discovery:S3/MaliciousIPCaller\n\
                 +5 types";
    let accounts = "*By account*\n32 × 111122223333\n12 × 444455556666\n6 × 777788889999";
    let regions = "*By region*\n32 × eu-central-1\n17 × us-east-1\n1 × ap-southeast-1";
    assert_eq!(fields, [kinds, accounts, regions]);

    let lines = lines(&payload);
    assert_eq!(lines.len(), 50);
    for (index, expected) in [
        (
            0,
            "🚨 Bitcoin-related domain name queried by EC2 instance i-0f1e2d3c4b5a69788 · \
             111122223333 · eu-central-1 · `5ac1f0de00000000000000000000001f`",
        ),
        (
            1,
            "🚨 (was high) UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS · \
             444455556666 · ap-southeast-1 · `5ac1f0de00000000000000000000002a`",
        ),
        (
            2,
            "🟠 198.51.100.7 is performing SSH brute force attacks against i-0123456789abcdef0 · \
             111122223333 · eu-central-1 · `5ac1f0de000000000000000000000000`",
        ),
        (
            49,
            "🟠 (reminder) Unprotected port is being probed · EC2 instance i-0a0b0c0d0e0f01020 · \
             444455556666 · us-east-1 · `5ac1f0de000000000000000000000031`",
        ),
    ] {
        assert_eq!(lines[index], expected);
    }
    check_limits(&payload, 0);
}

#[test]
fn a_preview_shows_the_storm() {
    let shown = preview(&drawn(storm()), 100, false);
    let expected = "\
🚨 CRITICAL @sre: 50 findings (2 critical, 48 high) – mostly UnauthorizedAccess:EC2/SSHBruteForce in
111122223333 (31); 10 types, 3 accounts, 3 regions
• 🚨 Bitcoin-related domain name queried by EC2 instance i-0f1e2d3c4b5a69788. · 111122223333 ·
eu-central-1
• 🚨 (escalated from high) Credentials for the EC2 instance role web-frontend-production were used
from an external IP address 198.51.100.44. · 444455556666 · ap-southeast-1

▌ 1 escalated · 1 seen again
▌ Look at 32 of them in GuardDuty, eu-central-1
▌ https://console.aws.amazon.com/guardduty/home?region=eu-central-1#/findings
▌ By type                                           By account
▌ 31 × 🟠 UnauthorizedAccess:EC2/SSHBruteForce      32 × 111122223333
▌ 11 × 🟠 Recon:EC2/PortProbeUnprotectedPort        12 × 444455556666
▌ 1 × 🚨 CryptoCurrency:EC2/BitcoinTool.B!DNS       6 × 777788889999
▌ 1 × 🚨
▌ UnauthorizedAccess:IAMUser/InstanceCredentialExf
▌ iltration.OutsideAWS
▌ 1 × 🟠 Discovery:S3/MaliciousIPCaller
▌ +5 types
▌ By region
▌ 32 × eu-central-1
▌ 17 × us-east-1
▌ 1 × ap-southeast-1
▌ ──────────────────────────────────────────────────────────────────────────────────────────────────
▌ 🚨 Bitcoin-related domain name queried by EC2 instance i-0f1e2d3c4b5a69788 · 111122223333 ·
▌ eu-central-1 · 5ac1f0de00000000000000000000001f
▌ 🚨 (was high) UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS · 444455556666
▌ · ap-southeast-1 · 5ac1f0de00000000000000000000002a
";
    assert!(shown.starts_with(expected), "{shown}");
    assert!(shown.ends_with("\n▌ hansho d-17\n"), "{shown}");
}

/// Each change to an ordinary finding, and its line.
#[test]
fn a_line_says_what_is_special_and_is_cut_where_it_hurts_least() {
    let line = |change: fn(&mut Card, &mut Finding)| {
        let mut finding = calm(Level::Medium);
        let mut made = card(finding.clone());
        change(&mut made, &mut finding);
        made.finding = Arc::new(finding);
        lines(&drawn(vec![made])).concat()
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
            format!("🟡 {title} {tail}"),
        ),
        (
            line(|_, f| f.title = Text::new(&"long ".repeat(30), 200)),
            format!("🟡 UnauthorizedAccess:EC2/TorClient · EC2 instance i-0abc {tail}"),
        ),
        (
            line(|_, f| f.title = Text::new("*bold* <!here>", 20)),
            format!("🟡 `*bold* &lt;!here&gt;` · EC2 instance i-0abc {tail}"),
        ),
        (
            line(|_, f| (f.account, f.region) = (Text::default(), Text::default())),
            format!("🟡 {title} · account unknown · region unknown · `5ac1f0de`"),
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
        let overview = blocks(&payload)[0]["text"]["text"].as_str().unwrap().to_owned();
        (payload["text"].as_str().unwrap().to_owned(), overview)
    };
    let (text, overview) = with(4);
    assert!(text.starts_with("🟠 *HIGH* (🧪 *SAMPLE FINDINGS*): 4"), "{text}");
    assert!(overview.starts_with("all 🧪 *SAMPLE*\n"), "{overview}");
    let (text, overview) = with(1);
    assert!(text.starts_with("🟠 *HIGH* (🧪 1 sample) <!sub"), "{text}");
    assert!(overview.starts_with("1 🧪 *SAMPLE*\n"), "{overview}");
}

/// The id as a line shows it, before escaping.
fn shown_id(card: &Card) -> String {
    let id = Text::new(card.finding.product_id(), 512).to_string();
    id.replace('`', "'").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Returns whether the span is the id, or begins or ends like it.
fn is_id(span: &str, id: &str) -> bool {
    match (span.strip_suffix('…'), span.strip_prefix('…')) {
        (Some(start), _) => id.starts_with(start),
        (_, Some(end)) => id.ends_with(end),
        _ => span == id,
    }
}

#[test]
fn no_storm_breaks_a_limit_or_hides_a_finding() {
    let mut heaviest = 0;
    for seed in 0..SEEDS.get() {
        let rng = &mut Rng::with_seed(seed);
        let post = Post {
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
        heaviest = heaviest.max(length(&payload["attachments"].to_string()));

        let text = payload["text"].as_str().unwrap();
        let called = post.cards.iter().any(calls);
        assert_eq!(text.matches(MENTION).count(), usize::from(called), "seed {seed}");
        assert!(!payload["attachments"].to_string().contains(MENTION), "seed {seed}");

        let mut sorted: Vec<&Card> = post.cards.iter().collect();
        sorted.sort_by_key(|card| std::cmp::Reverse(card.finding.severity.level));
        let mut lines = lines(&payload);
        if sorted.len() > DIGEST_MAX {
            assert_eq!(lines.pop(), Some(format!("and {} more", sorted.len() - DIGEST_MAX)));
        }
        assert_eq!(lines.len(), sorted.len().min(DIGEST_MAX), "seed {seed}");
        for (card, line) in sorted.into_iter().zip(lines) {
            let weight = length(&serde_json::json!(line).to_string()) - 2;
            assert!(weight < 154, "seed {seed}: {weight} in {line}");
            let id = shown_id(card);
            if id.is_empty() {
                continue;
            }
            let span = line.rsplit_once(" · `").map_or("", |(_, span)| span.trim_end_matches('`'));
            assert!(is_id(span, &id), "seed {seed}: {span} of {id} in {line}");
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
                meant_for: None,
                finding: Arc::new(finding),
            }
        });
        let post = Post {
            id: "\"".repeat(300),
            destination: "security".into(),
            form: Form::Digest,
            cards: cards.collect(),
            notes: Vec::new(),
        };
        let payload = payload(&post, &mentions(), &Guide::default());
        check_limits(&payload, 0);
        let lists = lines(&payload);
        assert_eq!(lists.len(), DIGEST_MAX + 1, "{filler}");
        let lines: usize =
            lists.iter().map(|line| length(&serde_json::json!(line).to_string())).sum();
        let frame = length(&payload["attachments"].to_string()) - lines;
        assert!(frame <= 2_200, "{frame} of {filler}");
    }
}
