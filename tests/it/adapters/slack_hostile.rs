//! Hundreds of hostile findings: none breaks a limit of Slack, and none adds a mention or a link.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use hansho::finding::{
    Closing, Condition, Fact, Finding, FindingState, Fingerprint, Level, Partition, Remark,
    Severity, Text,
};
use hansho::instants::Wall;
use hansho::policy::glob::Glob;
use hansho::policy::record::{Closed, ClosedBy, Stamp};
use hansho::ports::{Accounts, Card, Form, Late, OutageCause, Post};
use hansho::slack::{
    Address, BUDGET_CHARS, CARD_CHARS_MAX, Guide, MAX_CARDS, Mentions, Portal, RoleName, Runbook,
    payload, weigh,
};
use serde_json::Value;

use super::slack_render::{calm, card};
use crate::support::lane::ByLane;
use crate::support::post_rules::{
    check_limits, check_mentions, check_preview, check_strings, length, mentions,
};

/// More rounds only take more time: about 15 ms each, unoptimised.
const SEEDS: ByLane = ByLane { all: 100, deep: 300 };

/// Names that attackers choose, and some that happen by accident.
const HOSTILE: [&str; 41] = [
    "<!here>",
    "<!channel>",
    "<@U0123>",
    "<#C0123>",
    "<!subteam^S9>",
    "<!date^0^{date}|x>",
    "<https://evil.com|click>",
    "https://evil.com/x",
    "http://evil.com",
    "slack://open",
    "evil.com",
    "bob@evil.com",
    "@here",
    "@channel",
    "@everyone",
    "*",
    "_",
    "~",
    "`",
    "```",
    "&",
    "&lt;",
    "<",
    ">",
    "|",
    "\"",
    "\\",
    "\n",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{200b}",
    "\u{0}",
    ":fire:",
    "日本語",
    "👨‍👩‍👧‍👦",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "e\u{301}\u{301}\u{301}",
    "]]>",
    "{date}",
    "%0A",
    "plain words",
];

pub fn hostile_text(rng: &mut Rng, max_chars: usize) -> String {
    let mut text = String::new();
    let single = rng.bool().then(|| rng.choice(HOSTILE).unwrap());
    for _ in 0..rng.usize(0..max_chars / 2 + 2) {
        text.push_str(single.unwrap_or_else(|| rng.choice(HOSTILE).unwrap()));
        if rng.u8(..) < 60 {
            text.push(' ');
        }
        if text.len() > max_chars {
            break;
        }
    }
    text
}

fn text(rng: &mut Rng) -> Text {
    let max_chars = *rng.choice(&[0, 1, 20, 100, 300, 1500]).unwrap();
    Text::new(&hostile_text(rng, max_chars), max_chars)
}

fn maybe<T>(rng: &mut Rng, make: impl FnOnce(&mut Rng) -> T) -> Option<T> {
    if rng.bool() { Some(make(rng)) } else { None }
}

fn word(rng: &mut Rng, words: &[&str]) -> String {
    if rng.u8(..) < 200 { rng.choice(words).unwrap().to_string() } else { hostile_text(rng, 600) }
}

fn closed_if(closed: bool) -> Condition {
    let product = match closed {
        true => FindingState::Closed(Closing::Suppressed),
        false => FindingState::Open,
    };
    Condition { product, ..Condition::default() }
}

fn fact(rng: &mut Rng) -> Fact {
    Fact { label: "Remote", text: text(rng) }
}

fn hostile_finding(rng: &mut Rng) -> Finding {
    let region = word(rng, &["us-east-1", "us-gov-west-1", "cn-north-1", "", "us-iso-east-1"]);
    let score = [f64::NAN, -1.0, 1e300, 6.95, 8.0, 9.123456][rng.usize(..6)];
    let level = *rng.choice(&Level::ALL).unwrap();
    Finding {
        fingerprint: Fingerprint {
            product: word(
                rng,
                &["guardduty", "securityhub", "inspector", "macie", "access-analyzer", "x"],
            ),
            account: hostile_text(rng, 20),
            region: region.clone(),
            id: hostile_text(rng, 512),
        },
        partition: *rng
            .choice(&[
                Partition::Commercial,
                Partition::GovCloud,
                Partition::China,
                Partition::Other,
            ])
            .unwrap(),
        account: text(rng),
        region: Text::new(&region, 600),
        kind: text(rng),
        title: text(rng),
        description: maybe(rng, text),
        severity: Severity { level, score: maybe(rng, |_| score) },
        created_at: maybe(rng, wall),
        updated_at: maybe(rng, wall),
        first_seen: maybe(rng, wall),
        last_seen: maybe(rng, wall),
        count: maybe(rng, |rng| rng.u64(..)),
        sample: rng.bool(),
        canary: None,
        condition: closed_if(rng.bool()),
        member: None,
        requested_by: maybe(rng, text),
        standards: (0..rng.usize(..=Finding::STANDARDS_MAX)).map(|_| text(rng)).collect(),
        group: None,
        resource_type: maybe(rng, text),
        resource: maybe(rng, text),
        actor: maybe(rng, fact),
        facts: (0..rng.usize(..=Fact::MAX)).map(|_| fact(rng)).collect(),
        tags: (0..rng.usize(..4)).map(|_| (text(rng), text(rng))).collect(),
        remarks: (0..rng.usize(..4))
            .map(|_| match rng.u8(..4) {
                0 => Remark::UnreadableSeverity(text(rng)),
                1 => Remark::OtherSeverity(text(rng)),
                2 => Remark::DisputedState,
                _ => Remark::SentByAccount(text(rng)),
            })
            .collect(),
    }
}

fn wall(rng: &mut Rng) -> Wall {
    Wall(*rng.choice(&[0, -1, 1, i64::MAX, i64::MIN, 1 << 40]).unwrap())
}

pub fn hostile_card(rng: &mut Rng) -> Card {
    Card {
        finding: Arc::new(hostile_finding(rng)),
        escalated_from: maybe(rng, |rng| *rng.choice(&Level::ALL).unwrap()),
        reminder: rng.bool(),
        came_back: rng.bool().then(|| Closed {
            at: Stamp { updated_at: maybe(rng, wall), observed_at: maybe(rng, wall) },
            why: Closing::Suppressed,
            by: ClosedBy::Person,
        }),
        perhaps_repeated: rng.bool(),
        late: maybe(rng, |_| Late { by: Duration::MAX, why: OutageCause::Dead }),
        meant_for: rng.bool().then(|| "a-name-of-forty-characters-the-longest-1".to_owned()),
    }
}

#[test]
fn no_finding_breaks_a_limit_or_smuggles_anything() {
    for seed in 0..SEEDS.get() {
        let rng = &mut Rng::with_seed(seed);
        let cards = match rng.u8(..4) {
            0 => 1,
            1 => rng.usize(0..4),
            2 => rng.usize(0..MAX_CARDS + 3),
            _ => rng.usize(0..30),
        };
        let post = Post {
            at: Wall(0),
            id: hostile_text(rng, 200),
            destination: "security".into(),
            form: if rng.u8(..) < 220 { Form::Cards } else { Form::Plain },
            cards: (0..cards).map(|_| hostile_card(rng)).collect(),
            notes: Vec::new(),
        };
        let payload = payload(&post, &mentions(), &Guide::default());
        check_limits(&payload, seed);
        check_strings(&payload, true, seed);
        check_preview(&payload, seed);
        check_weights(&post, &payload, seed);
        check_mentions(&post, &payload, seed);
    }
}

/// A card takes at most what `weigh` returned, and cards that fit by it are all shown whole.
fn check_weights(post: &Post, payload: &Value, seed: u64) {
    let weights: Vec<usize> =
        post.cards.iter().map(|card| weigh(card, &Guide::default())).collect();
    assert!(weights.iter().all(|weight| *weight <= CARD_CHARS_MAX), "seed {seed}: {weights:?}");
    let attachments = payload["attachments"].as_array().map_or(0, Vec::len);
    let fits = weights.iter().sum::<usize>() <= BUDGET_CHARS && weights.len() <= MAX_CARDS;
    if post.form == Form::Plain {
        assert_eq!(attachments, 0, "seed {seed}");
    } else if fits {
        assert_eq!(attachments, weights.len(), "seed {seed}");
    } else {
        assert!((2..=MAX_CARDS).contains(&attachments), "seed {seed}: {attachments}");
    }
}

/// The heaviest card: every part at its limit, of the characters that grow the most.
#[test]
fn the_heaviest_card_fits() {
    for filler in ["\"", "\\", "&", "<", "*\"", "`", "日", "🚀", "x"] {
        let full = |chars: usize| Text::new(&filler.repeat(chars), chars);
        for id in [filler.repeat(512 / filler.len()), "x".repeat(512)] {
            let mut finding = calm(Level::Critical);
            finding.fingerprint.id = id;
            finding.fingerprint.product = filler.repeat(100);
            finding.account = full(5000);
            finding.region = full(5000);
            finding.title = full(5000);
            finding.kind = full(5000);
            finding.description = Some(full(4999));
            finding.facts = vec![Fact { label: "Security groups", text: full(5000) }; Fact::MAX];
            finding.resource = Some(full(5000));
            finding.actor = Some(Fact { label: "Actor", text: full(5000) });
            finding.sample = true;
            finding.condition = closed_if(true);
            finding.requested_by = Some(full(5000));
            finding.count = Some(u64::MAX);
            finding.remarks = vec![
                Remark::UnreadableSeverity(full(500)),
                Remark::DisputedState,
                Remark::SentByAccount(full(500)),
            ];
            for product in ["guardduty", "securityhub", "x"] {
                let mut finding = finding.clone();
                finding.fingerprint.product = product.into();
                finding.region = Text::new("us-east-1", 20);
                assert_fits(card(finding), filler);
            }
            assert_fits(card(finding), filler);
        }
    }
}

fn assert_fits(mut card: Card, filler: &str) {
    card.reminder = true;
    card.escalated_from = Some(Level::Informational);
    let weight = weigh(&card, &Guide::default());
    assert!(weight <= CARD_CHARS_MAX, "{weight} of {filler}");
    // The longest configured parts: a named account, the portal and a runbook.
    let account = Text::new("111122223333", 12);
    card.finding = Arc::new(Finding { account, ..(*card.finding).clone() });
    let weight = weigh(&card, &longest_guide(filler));
    assert!(weight <= CARD_CHARS_MAX, "{weight} of {filler} with a guide");
}

fn longest_guide(filler: &str) -> Guide {
    let mut guide = Guide::default();
    let mut accounts = Accounts::default();
    accounts.add("111122223333", &filler.repeat(50)).unwrap();
    guide.accounts.set(accounts);
    let portal = format!("https://{}.awsapps.com/start", "a".repeat(100));
    let role = RoleName::parse(&"+".repeat(32));
    guide.portal = Some(Portal { address: Portal::parse(&portal).unwrap(), role });
    let address = Address::parse(&format!("https://w.example/{}", "&".repeat(56))).unwrap();
    guide.runbooks = vec![Runbook { types: Glob::new("*"), address }];
    guide
}

/// The weight of a card holds for any id of its post.
#[test]
fn a_card_takes_no_more_than_it_weighs() {
    let card = card(calm(Level::High));
    let weight = weigh(&card, &Guide::default());
    for filler in ["\"", "\\", "&", "é", "🚀", "`", "*", "a", "\u{1}"] {
        for count in 0..70 {
            let post = Post {
                at: Wall(0),
                id: filler.repeat(count),
                destination: "security".to_owned(),
                form: Form::Cards,
                cards: vec![card.clone()],
                notes: Vec::new(),
            };
            let payload = payload(&post, &Mentions::none(), &Guide::default());
            let takes = length(&payload["attachments"][0].to_string());
            assert!(takes <= weight, "{takes} of {weight} with {count} of {filler:?}");
        }
    }
}
