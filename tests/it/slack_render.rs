//! What Slack would get: for hostile findings by the thousand, and for one of every kind in detail.

use std::sync::Arc;

use fastrand::Rng;
use hansho::demo::slack_rules;
use hansho::finding::{Finding, Fingerprint, Level, Partition, Remark, Severity, Text};
use hansho::instants::Wall;
use hansho::ports::{Card, Digest, Form};
use hansho::slack::{
    BUDGET_CHARS, CARD_CHARS_MAX, MAX_CARDS, Mention, Mentions, payload, preview, weigh,
};
use serde_json::{Value, json};

const MENTION: &str = "<!subteam^S0123|sre>";
/// More of them is a matter of time alone: about 15 ms each, unoptimised.
const SEEDS: u64 = 300;

/// What attackers, and unlucky people, put into names.
const HOSTILE: [&str; 40] = [
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
    "e\u{301}\u{301}\u{301}",
    "]]>",
    "{date}",
    "%0A",
    "plain words",
];

fn hostile_text(rng: &mut Rng, max_chars: usize) -> String {
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

fn hostile_finding(rng: &mut Rng) -> Finding {
    let region = word(rng, &["us-east-1", "us-gov-west-1", "cn-north-1", "", "us-iso-east-1"]);
    let score = [f64::NAN, -1.0, 1e300, 6.95, 8.0, 9.123456][rng.usize(..6)];
    let level = *rng.choice(&Level::ALL).unwrap();
    let wall = |rng: &mut Rng| Wall(*rng.choice(&[0, -1, 1, i64::MAX, i64::MIN, 1 << 40]).unwrap());
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
        archived: rng.bool(),
        resource: maybe(rng, text),
        actor: maybe(rng, text),
        remarks: (0..rng.usize(..4))
            .map(|_| match rng.bool() {
                true => Remark::UnreadableSeverity(text(rng)),
                false => Remark::SentByAccount(text(rng)),
            })
            .collect(),
    }
}

fn hostile_card(rng: &mut Rng) -> Card {
    Card {
        finding: Arc::new(hostile_finding(rng)),
        escalated_from: maybe(rng, |rng| *rng.choice(&Level::ALL).unwrap()),
        reminder: rng.bool(),
    }
}

fn mentions() -> Mentions {
    Mentions::from_level_up(Level::High, MENTION.parse::<Mention>().unwrap())
}

#[test]
fn no_finding_breaks_a_limit_or_smuggles_anything() {
    for seed in 0..SEEDS {
        let rng = &mut Rng::with_seed(seed);
        let cards = match rng.u8(..4) {
            0 => 1,
            1 => rng.usize(0..4),
            2 => rng.usize(0..MAX_CARDS + 3),
            _ => rng.usize(0..30),
        };
        let digest = Digest {
            id: hostile_text(rng, 200),
            destination: "security".into(),
            form: if rng.u8(..) < 220 { Form::Cards } else { Form::Plain },
            cards: (0..cards).map(|_| hostile_card(rng)).collect(),
        };
        let payload = payload(&digest, &mentions());
        check_limits(&payload, seed);
        check_strings(&payload, true, seed);
        check_preview(&payload, seed);
        check_weights(&digest, &payload, seed);
        let mentioned = payload["text"].as_str().unwrap().matches(MENTION).count();
        let called = digest.cards.iter().any(|c| c.finding.severity.level >= Level::High);
        assert_eq!(mentioned, usize::from(called), "seed {seed}");
    }
}

fn check_limits(payload: &Value, seed: u64) {
    assert_eq!(slack_rules::broken(payload), None, "seed {seed}");
    assert!(payload["text"].as_str().unwrap().chars().count() <= 4000, "seed {seed}");
    let attachments = payload["attachments"].as_array().map_or(&[][..], Vec::as_slice);
    assert!(attachments.len() <= 20, "seed {seed}");
    let chars: usize = attachments.iter().map(|a| a.to_string().chars().count()).sum();
    assert!(chars <= BUDGET_CHARS, "seed {seed}: {chars}");
}

/// Every text in the payload: nothing in `<…>` but what hansho itself put there, and only the three
/// entities; no address in the top-level text.
fn check_strings(value: &Value, top_level: bool, seed: u64) {
    match value {
        Value::String(text) => check_string(text, seed),
        Value::Array(items) => items.iter().for_each(|item| check_strings(item, false, seed)),
        Value::Object(object) => {
            if object.get("type").is_some_and(|kind| kind == "mrkdwn") {
                assert_eq!(object.get("verbatim"), Some(&Value::Bool(true)), "seed {seed}");
            }
            if top_level {
                let text = object["text"].as_str().unwrap().replace(MENTION, "");
                for bad in ["://", "evil.com", "@here", "@channel", "@everyone", "<"] {
                    assert!(!text.contains(bad), "seed {seed}: {bad} in {text}");
                }
                assert_eq!(object["unfurl_links"], false);
                assert_eq!(object["unfurl_media"], false);
            }
            object.values().for_each(|value| check_strings(value, false, seed));
        }
        _ => {}
    }
}

const CONSOLES: [&str; 3] = [
    "https://console.aws.amazon.com/",
    "https://console.amazonaws-us-gov.com/",
    "https://console.amazonaws.cn/",
];

fn check_string(text: &str, seed: u64) {
    let hidden = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}')
    };
    assert!(!text.contains(hidden), "seed {seed}: {text:?}");
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        assert!(!before.contains('>'), "seed {seed}: {text}");
        let (token, after) = after.split_once('>').expect("a token ends");
        let ours = format!("<{token}>") == MENTION
            || token.starts_with("!date^")
            || CONSOLES.iter().any(|console| token.starts_with(console));
        assert!(ours, "seed {seed}: <{token}>");
        assert!(token.matches('|').count() <= 1, "seed {seed}: <{token}>");
        rest = after;
    }
    assert!(!rest.contains('>'), "seed {seed}: {text}");
    let bare = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
    assert!(!bare.contains('&'), "seed {seed}: {text}");
}

fn check_preview(payload: &Value, seed: u64) {
    let plain = preview(payload, 80, false);
    assert!(!plain.contains(|c: char| c.is_control() && c != '\n'), "seed {seed}");
    let coloured = preview(payload, 80, true);
    for (index, piece) in coloured.split('\x1b').enumerate().filter(|(index, _)| *index > 0) {
        let colour = piece.split_once('m').map(|(colour, _)| colour).unwrap_or("none");
        assert!(
            colour.starts_with('[') && colour[1..].bytes().all(|b| b.is_ascii_digit() || b == b';'),
            "seed {seed}, escape {index}: {colour:?}"
        );
    }
}

/// A card never takes more than `weigh` said, and cards that fit by it are all shown whole.
fn check_weights(digest: &Digest, payload: &Value, seed: u64) {
    let weights: Vec<usize> = digest.cards.iter().map(weigh).collect();
    assert!(weights.iter().all(|weight| *weight <= CARD_CHARS_MAX), "seed {seed}: {weights:?}");
    let attachments = payload["attachments"].as_array().map_or(0, Vec::len);
    let fits = weights.iter().sum::<usize>() <= BUDGET_CHARS && weights.len() <= MAX_CARDS;
    if digest.form == Form::Plain {
        assert_eq!(attachments, 0, "seed {seed}");
    } else if fits {
        assert_eq!(attachments, weights.len(), "seed {seed}");
    } else {
        assert!((2..=MAX_CARDS).contains(&attachments), "seed {seed}: {attachments}");
    }
}

/// The heaviest card that can be thought of: every part at its bound, of what grows the most.
#[test]
fn the_worst_card_fits() {
    for filler in ["\"", "\\", "&", "<", "*\"", "`", "日", "x"] {
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
            finding.resource = Some(full(5000));
            finding.actor = Some(full(5000));
            finding.sample = true;
            finding.archived = true;
            finding.count = Some(u64::MAX);
            finding.remarks =
                vec![Remark::UnreadableSeverity(full(500)), Remark::SentByAccount(full(500))];
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
    let weight = weigh(&card);
    assert!(weight <= CARD_CHARS_MAX, "{weight} of {filler}");
}

fn calm(level: Level) -> Finding {
    Finding {
        fingerprint: Fingerprint {
            product: "guardduty".into(),
            account: "111122223333".into(),
            region: "eu-central-1".into(),
            id: "5ac1f0de".into(),
        },
        partition: Partition::Commercial,
        account: Text::new("111122223333", 12),
        region: Text::new("eu-central-1", 20),
        kind: Text::new("UnauthorizedAccess:EC2/TorClient", 100),
        title: Text::new("EC2 instance i-0abc is talking to a Tor node", 100),
        description: Some(Text::new("It connects to evil.example & co.", 100)),
        severity: Severity { level, score: Some(8.0) },
        created_at: None,
        updated_at: None,
        first_seen: Some(Wall(1_784_746_037_000)),
        last_seen: Some(Wall(1_784_749_637_000)),
        count: Some(12),
        sample: false,
        archived: false,
        resource: Some(Text::new("EC2 instance i-0abc (t3.micro, web-1)", 100)),
        actor: Some(Text::new("198.51.100.7 (NL, Example Hosting)", 100)),
        remarks: vec![],
    }
}

fn card(finding: Finding) -> Card {
    Card { finding: Arc::new(finding), escalated_from: None, reminder: false }
}

fn digest(form: Form, cards: Vec<Card>) -> Digest {
    Digest { id: "d-17".into(), destination: "security".into(), form, cards }
}

fn one(card: Card) -> Value {
    payload(&digest(Form::Cards, vec![card]), &mentions())
}

/// The whole of it, as Slack's webhook gets it.
#[test]
fn a_card_says_what_somebody_needs_who_was_just_woken() {
    let card = Card { escalated_from: Some(Level::Medium), ..card(calm(Level::High)) };
    let link = "https://console.aws.amazon.com/guardduty/home?region=eu-central-1\
                #/findings?search=id%3D5ac1f0de";
    let title = "EC2 instance i-0abc is talking to a Tor node";
    let mrkdwn = |text: &str| json!({ "type": "mrkdwn", "text": text, "verbatim": true });
    let expected = json!({
        "text": format!(
            "🟠 *HIGH* (escalated from medium) {MENTION}: {title}  ·  111122223333  ·  eu-central-1"
        ),
        "parse": "none",
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "attachments": [{
            "color": "#E8710A",
            "blocks": [
                {
                    "type": "section",
                    "text": mrkdwn(&format!(
                        "*<{link}|{title}>*\n🟠 *HIGH* 8.0  ·  escalated from medium"
                    )),
                },
                {
                    "type": "section",
                    "text": {
                        "type": "plain_text",
                        "text": "It connects to evil.example &amp; co.",
                        "emoji": false,
                    },
                },
                {
                    "type": "section",
                    "fields": [
                        mrkdwn("*Account*\n`111122223333`"),
                        mrkdwn("*Region*\n`eu-central-1`"),
                        mrkdwn("*Resource*\nEC2 instance i-0abc (t3.micro, web-1)"),
                        mrkdwn("*Actor*\n198.51.100.7 (NL, Example Hosting)"),
                        mrkdwn("*Type*\nUnauthorizedAccess:EC2/TorClient"),
                        mrkdwn("*Count*\n12 times"),
                        mrkdwn(
                            "*First seen*\n<!date^1784746037^{date_short_pretty} {time}\
                             |2026-07-22 18:47 UTC>",
                        ),
                        mrkdwn(
                            "*Last seen*\n<!date^1784749637^{date_short_pretty} {time}\
                             |2026-07-22 19:47 UTC>",
                        ),
                    ],
                },
                {
                    "type": "context",
                    "elements": [mrkdwn("guardduty  ·  finding `5ac1f0de`  ·  hansho `d-17`")],
                },
            ],
        }],
    });
    assert_eq!(one(card), expected);
}

/// Everything that a card may say besides, looked for in the whole payload.
#[test]
fn a_card_says_what_is_special_about_a_finding() {
    let with = |change: fn(&mut Finding)| {
        let mut finding = calm(Level::Low);
        change(&mut finding);
        one(card(finding)).to_string()
    };
    let says = |payload: String, parts: &[&str]| {
        for part in parts {
            assert!(payload.contains(part), "no {part} in {payload}");
        }
    };
    says(
        with(|f| {
            f.sample = true;
            f.title = Text::new("[SAMPLE] Something", 100);
        }),
        &["🔵 *LOW* (🧪 *SAMPLE FINDING*): Something", "|Something>*"],
    );
    says(with(|f| f.archived = true), &["🔵 *LOW* (archived): EC2", "·  archived"]);
    says(
        with(|f| f.remarks = vec![Remark::UnreadableSeverity(Text::new("very bad", 20))]),
        &["Its severity is unreadable (`very bad`), so it counts as high."],
    );
    says(
        with(|f| f.remarks = vec![Remark::UnreadableSeverity(Text::default())]),
        &["Its severity is missing, so it counts as high."],
    );
    says(
        with(|f| f.remarks = vec![Remark::SentByAccount(Text::new("999988887777", 12))]),
        &["sent by account `999988887777`"],
    );
    says(with(|f| f.title = Text::default()), &["*LOW*: UnauthorizedAccess:EC2/TorClient"]);
    says(
        with(|f| f.region = Text::new("moon", 9)),
        &["*EC2 instance i-0abc is talking to a Tor node*"],
    );
    says(
        with(|f| (f.account, f.region) = (Text::default(), Text::default())),
        &["account unknown  ·  region unknown", "*Account*\\nunknown"],
    );
    says(with(|f| f.count = Some(1)), &["*Count*\\nonce"]);
    says(
        with(|f| (f.first_seen, f.created_at) = (None, Some(Wall(1_784_746_037_000)))),
        &["*Created*\\n<!date^1784746037^"],
    );
    says(with(|f| f.severity.score = Some(6.956)), &["*LOW* 6.95"]);
    let reminder = Card { reminder: true, ..card(calm(Level::Low)) };
    says(one(reminder).to_string(), &["🔵 *LOW* (reminder: seen again): EC2"]);
}

#[test]
fn a_shared_post_starts_with_the_worst_and_calls_its_people() {
    let cards = [Level::Low, Level::Critical, Level::High, Level::Low, Level::Low, Level::Medium]
        .map(|level| card(calm(level)));
    let payload = payload(&digest(Form::Cards, cards.to_vec()), &mentions());
    let place = "EC2 instance i-0abc is talking to a Tor node  ·  111122223333  ·  eu-central-1";
    let expected = format!(
        "🚨 *CRITICAL* {MENTION}: 6 findings (1 critical, 1 high, 1 medium, 3 low)\n\
         • 🚨 {place}\n• 🟠 {place}\n• 🟡 {place}\n• 🔵 {place}\n• 🔵 {place}\nand 1 more"
    );
    assert_eq!(payload["text"], expected);
    let colours: Vec<&Value> =
        payload["attachments"].as_array().unwrap().iter().map(|a| &a["color"]).collect();
    let low = "#3B82C4";
    assert_eq!(colours, ["#D0021B", "#E8710A", "#F2C744", low, low, low]);
}

#[test]
fn more_cards_than_fit_are_listed_and_counted() {
    let mut cards = vec![card(calm(Level::High)); 3];
    cards.extend(vec![card(calm(Level::Low)); 40]);
    let payload = payload(&digest(Form::Cards, cards), &mentions());
    let attachments = payload["attachments"].as_array().unwrap();
    let shown = attachments.len() - 1;
    let list = attachments[shown]["blocks"][0]["text"]["text"].as_str().unwrap();
    let head = format!("*…and {} more:* {} low\n• 🔵 EC2 instance", 43 - shown, 43 - shown);
    assert!(list.starts_with(&head), "{list}");
    let named = list.matches("• ").count();
    assert!(list.ends_with(&format!("\nand {} more", 43 - shown - named)), "{list}");
}

#[test]
fn plain_text_is_text_alone() {
    let payload = payload(&digest(Form::Plain, vec![card(calm(Level::High))]), &mentions());
    let expected = format!(
        "🟠 *HIGH* {MENTION}: EC2 instance i-0abc is talking to a Tor node  ·  111122223333  ·  \
         eu-central-1\nResource: EC2 instance i-0abc (t3.micro, web-1)\nFound by: guardduty\n\
         Finding: 5ac1f0de\nhansho d-17: sent as plain text, because Slack refused the card"
    );
    assert_eq!(payload["text"], expected);
    assert_eq!(payload.get("attachments"), None);
}

#[test]
fn a_preview_looks_like_the_message() {
    let expected = "\
🟠 HIGH @sre: EC2 instance i-0abc is talking to a Tor node · 111122223333 ·
eu-central-1

▌ EC2 instance i-0abc is talking to a Tor node
▌ https://console.aws.amazon.com/guardduty/home?region=eu-central-1#/findings?search=id%3D5ac1f0de
▌ 🟠 HIGH 8.0
▌ It connects to evil.example & co.
▌ Account                                 Region
▌ 111122223333                            eu-central-1
▌ Resource                                Actor
▌ EC2 instance i-0abc (t3.micro, web-1)   198.51.100.7 (NL, Example Hosting)
▌ Type                                    Count
▌ UnauthorizedAccess:EC2/TorClient        12 times
▌ First seen                              Last seen
▌ 2026-07-22 18:47 UTC                    2026-07-22 19:47 UTC
▌ guardduty · finding 5ac1f0de · hansho d-17
";
    assert_eq!(preview(&one(card(calm(Level::High))), 80, false), expected);
}

/// A payload that hansho did not make: nothing in it reaches the terminal as a command.
#[test]
fn a_preview_is_deaf_to_terminal_escapes() {
    let payload = json!({
        "text": "a\u{1b}]0;title\u{7}b \u{9b}31m <!date^0^{date}|\u{1b}[2J> <x\u{1b}c|y>",
        "attachments": [
            { "color": "\u{1b}[31m", "blocks": [{ "type": "\u{1b}", "text": "\u{1b}[H" }, 7] },
            { "color": "#1\u{e9}345", "blocks": [{ "type": "context", "elements": ["`\u{8}`"] }] },
            "junk",
        ],
    });
    for width in [0, 80, usize::MAX] {
        let shown = preview(&payload, width, false);
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    }
    assert_eq!(preview(&json!(null), 80, true), "");
}
