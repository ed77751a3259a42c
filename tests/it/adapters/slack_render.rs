//! The JSON that Slack gets and its preview in a terminal, in detail for each kind of post.

use std::sync::Arc;
use std::time::Duration;

use hansho::finding::{
    Closing, Fact, Finding, FindingState, Fingerprint, Level, Partition, Remark, Severity, Text,
};
use hansho::instants::Wall;
use hansho::ports::{Accounts, Card, Form, Late, OutageCause, Post, RetryReason};
use hansho::slack::{Guide, Mention, Mentions, payload, payload_json, preview};
use serde_json::{Value, json};

const MENTION: &str = "<!subteam^S0123|sre>";

pub fn sre() -> Mentions {
    Mentions::from_level_up(Level::High, MENTION.parse::<Mention>().unwrap())
}

/// An ordinary finding at a level.
pub fn calm(level: Level) -> Finding {
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
        canary: None,
        condition: Default::default(),
        member: None,
        requested_by: None,
        standards: vec![],
        resource_type: Some(Text::new("AwsEc2Instance", 100)),
        resource: Some(Text::new("EC2 instance i-0abc (t3.micro, web-1)", 100)),
        actor: Fact::new("Actor", "198.51.100.7 (NL, Example Hosting)".into()),
        facts: Fact::new("Port", "22 (SSH)".into()).into_iter().collect(),
        tags: vec![],
        group: None,
        remarks: vec![],
    }
}

pub fn card(finding: Finding) -> Card {
    Card::of(Arc::new(finding))
}

pub fn a_post(form: Form, cards: Vec<Card>) -> Post {
    Post {
        at: Wall(0),
        id: "d-17".into(),
        destination: "security".into(),
        form,
        cards,
        notes: Vec::new(),
    }
}

/// The tests look at the value; the client sends the text.
#[test]
fn the_outgoing_json_is_the_payload() {
    for form in [Form::Cards, Form::Digest, Form::Plain] {
        let post = a_post(form, vec![card(calm(Level::High))]);
        let written: Value =
            serde_json::from_str(&payload_json(&post, &sre(), &Guide::default())).unwrap();
        assert_eq!(written, payload(&post, &sre(), &Guide::default()));
    }
}

fn one(card: Card) -> Value {
    payload(&a_post(Form::Cards, vec![card]), &sre(), &Guide::default())
}

/// The whole post, as Slack's webhook gets it.
#[test]
fn a_card_says_what_somebody_needs_who_was_just_woken() {
    let card = Card { escalated_from: Some(Level::Medium), ..card(calm(Level::High)) };
    let link = "https://console.aws.amazon.com/guardduty/home?region=eu-central-1\
                #/findings?search=id%3D5ac1f0de";
    let title = "EC2 instance i-0abc is talking to a Tor node";
    let mrkdwn = |text: &str| json!({ "type": "mrkdwn", "text": text, "verbatim": true });
    let expected = json!({
        "text": format!(
            "🟠 HIGH {MENTION}: {title} · 111122223333 · eu-central-1 (escalated from medium)"
        ),
        "parse": "none",
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": [{
            "type": "section",
            "text": mrkdwn(&format!(
                "🟠 *HIGH 8.0*  {MENTION}  *<{link}|{title}>*\nescalated from medium\n\
                 *Resource* EC2 instance i-0abc (t3.micro, web-1)\n\
                 *Where* `111122223333` · eu-central-1"
            )),
        }],
        "attachments": [{
            "color": "#E8710A",
            "blocks": [
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
                    "text": mrkdwn(
                        "*Actor* 198.51.100.7 (NL, Example Hosting)\n\
                         *Port* 22 (SSH)\n\
                         *When* 12 ×, <!date^1784746037^{date_short_pretty} {time}\
                         |2026-07-22 18:47 UTC> – <!date^1784749637^{time}|19:47 UTC>\n\
                         *Type* UnauthorizedAccess:EC2/TorClient · \
                         <https://docs.aws.amazon.com/guardduty/latest/ug/\
                         guardduty_finding-types-ec2.html#unauthorizedaccess-ec2-torclient|\
                         What to do>"
                    ),
                },
                {
                    "type": "context",
                    "elements": [mrkdwn("`5ac1f0de` · guardduty · hansho `d-17`")],
                },
            ],
        }],
    });
    assert_eq!(one(card), expected);
}

/// Everything that a card may say beside the usual fields, searched in the whole payload.
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
        &["🔵 LOW 🧪 SAMPLE: Something", "|Something>*\\n🧪 *SAMPLE FINDING*"],
    );
    says(
        with(|f| f.condition.product = FindingState::Closed(Closing::Suppressed)),
        &["eu-central-1 (closed: suppressed)\"", "\\nclosed: suppressed\\n"],
    );
    says(
        with(|f| f.remarks = vec![Remark::UnreadableSeverity(Text::new("very bad", 20))]),
        &["Its severity is unreadable (`very bad`), so it counts as high."],
    );
    says(
        with(|f| f.remarks = vec![Remark::UnreadableSeverity(Text::default())]),
        &["Its severity is missing, so it counts as high."],
    );
    says(
        with(|f| {
            f.remarks = vec![Remark::OtherSeverity(Text::new("2", 20)), Remark::DisputedState]
        }),
        &[
            "It also says severity `2`. The worse counts.",
            "It says both open and closed, so it counts as open.",
        ],
    );
    says(
        with(|f| f.remarks = vec![Remark::SentByAccount(Text::new("999988887777", 12))]),
        &["sent by `999988887777`"],
    );
    says(with(|f| f.title = Text::default()), &["LOW: UnauthorizedAccess:EC2/TorClient"]);
    says(
        with(|f| f.region = Text::new("moon", 9)),
        &["*EC2 instance i-0abc is talking to a Tor node*"],
    );
    says(
        with(|f| (f.account, f.region) = (Text::default(), Text::default())),
        &[" · account unknown\"", "*Where* account unknown\""],
    );
    says(with(|f| f.count = Some(1)), &["*When* once, <!date"]);
    says(
        with(|f| {
            (f.first_seen, f.last_seen) = (None, None);
            (f.created_at, f.updated_at) = (Some(Wall(1_784_746_037_000)), f.created_at);
        }),
        &["*When* 12 ×, <!date^1784746037^{date_short_pretty} {time}|2026-07-22 18:47 UTC>\\n"],
    );
    says(with(|f| f.severity.score = Some(6.956)), &["*LOW 6.95*"]);
    let reminder = Card { reminder: true, ..card(calm(Level::Low)) };
    says(one(reminder).to_string(), &["eu-central-1 (reminder: seen again)\""]);
    let repeated = Card { perhaps_repeated: true, ..card(calm(Level::Low)) };
    says(one(repeated).to_string(), &["eu-central-1 (may repeat an earlier post)\""]);
    let late = Late {
        by: Duration::from_secs(5 * 60),
        why: OutageCause::Failing(RetryReason::Connection),
    };
    let late = Card { late: Some(late), ..card(calm(Level::Low)) };
    says(one(late).to_string(), &["posted 5 min late: Slack could not be reached\\n*Resource*"]);
    let elsewhere = Card { meant_for: Some("oncall".to_owned()), ..card(calm(Level::Low)) };
    says(one(elsewhere).to_string(), &["eu-central-1 (meant for oncall, whose webhook is dead)\""]);
}

/// Whatever is long, a phone shows level, resource, account and region.
#[test]
fn the_push_says_the_place_whatever_is_long() {
    let long = "<!subteam^S0123456789|security-response-team>".parse::<Mention>().unwrap();
    let mentions = Mentions::from_level_up(Level::Low, long);
    let mut accounts = Accounts::default();
    accounts.add("111122223333", "a-name-of-an-account-that-is-long").unwrap();
    let guide = Guide { accounts: accounts.into(), ..Guide::default() };
    let title = "AWS CloudTrail trail arn:aws:cloudtrail:eu-west-1:444455556666:trail/org-trail was \
                 disabled by Admin calling DeleteTrail under unusual circumstances.";
    for (title, resource) in [
        (title, "S3 bucket so0111-access-logs-us-east-1-111111111111"),
        ("Potential data compromise of one or more buckets", "S3 bucket data"),
        ("t", "EKS cluster payments, pods kube-system/coredns-1"),
    ] {
        let finding = Finding {
            title: Text::new(title, 250),
            resource: Some(Text::new(resource, 300)),
            region: Text::new("ap-southeast-3", 20),
            requested_by: Some(Text::new("Send to the incident response team", 64)),
            ..calm(Level::Critical)
        };
        let post = a_post(Form::Cards, vec![card(finding)]);
        let payload = payload(&post, &mentions, &guide);
        let seen: String = payload["text"].as_str().unwrap().chars().take(150).collect();
        let name: String = resource.split([' ', ',']).nth(2).unwrap().chars().take(19).collect();
        for part in ["CRITICAL", &name, "111122223333", "ap-southeast-3"] {
            assert!(seen.contains(part), "no {part} in {seen}");
        }
    }
}

#[test]
fn a_shared_post_starts_with_the_most_severe_and_its_mention() {
    let cards = [Level::Low, Level::Critical, Level::High, Level::Low, Level::Low, Level::Medium]
        .map(|level| card(calm(level)));
    let payload = payload(&a_post(Form::Cards, cards.to_vec()), &sre(), &Guide::default());
    let place = "EC2 instance i-0abc is talking to a Tor node · 111122223333 · eu-central-1";
    let gist = "1 CRITICAL, 1 HIGH, 1 MEDIUM, 3 LOW";
    let common = "6 × TorClient in 111122223333 · eu-central-1";
    let expected = format!(
        "🚨 {gist} {MENTION}: {common}\n\
         • 🚨 {place}\nand 5 more"
    );
    assert_eq!(payload["blocks"][0]["text"]["text"], format!("🚨 *{gist}* {MENTION}: {common}"));
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
    let payload = payload(&a_post(Form::Cards, cards), &sre(), &Guide::default());
    let attachments = payload["attachments"].as_array().unwrap();
    let shown = attachments.len() - 1;
    let list = attachments[shown]["blocks"][0]["text"]["text"].as_str().unwrap();
    let head = format!("*…and {} more:* {} low\n🔵 EC2 instance", 43 - shown, 43 - shown);
    assert!(list.starts_with(&head), "{list}");
    let named = list.matches("🔵 ").count();
    assert_eq!(list.matches(" · `5ac1f0de`").count(), named, "{list}");
    assert!(list.ends_with(&format!("\nand {} more", 43 - shown - named)), "{list}");
}

#[test]
fn plain_text_is_text_alone() {
    let payload =
        payload(&a_post(Form::Plain, vec![card(calm(Level::High))]), &sre(), &Guide::default());
    let expected = format!(
        "🟠 HIGH {MENTION}: EC2 instance i-0abc is talking to a Tor node · 111122223333 · \
         eu-central-1\nResource: EC2 instance i-0abc (t3.micro, web-1)\nFound by: guardduty\n\
         Finding: 5ac1f0de\nhansho d-17: sent as plain text, because Slack refused the card"
    );
    assert_eq!(payload["text"], expected);
    assert_eq!((payload.get("attachments"), payload.get("blocks")), (None, None));
}

#[test]
fn a_preview_looks_like_the_message() {
    let expected = "\
🟠 HIGH 8.0 @sre EC2 instance i-0abc is talking to a Tor node
https://console.aws.amazon.com/guardduty/home?region=eu-central-1#/findings?search=id%3D5ac1f0de
Resource EC2 instance i-0abc (t3.micro, web-1)
Where 111122223333 · eu-central-1

▌ It connects to evil.example & co.
▌ Actor 198.51.100.7 (NL, Example Hosting)
▌ Port 22 (SSH)
▌ When 12 ×, 2026-07-22 18:47 UTC – 2026-07-22 19:47 UTC
▌ Type UnauthorizedAccess:EC2/TorClient · What to do
▌ https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-types-ec2.html#unauthorizedaccess-ec2-torclient
▌ 5ac1f0de · guardduty · hansho d-17
";
    assert_eq!(preview(&one(card(calm(Level::High))), 80, false), expected);
}

/// Nothing in a payload that hansho did not make reaches the terminal as a command.
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

#[test]
fn a_control_names_its_standards_in_one_line() {
    let mut finding = calm(Level::High);
    finding.standards = ["PCI DSS v3.2.1", "a <!here> b"].map(|name| Text::new(name, 64)).into();
    let post = one(card(finding));
    let blocks = post["attachments"][0]["blocks"].as_array().unwrap();
    let footer = blocks.last().unwrap()["elements"][0]["text"].as_str().unwrap();
    let (standards, ids) = footer.split_once('\n').unwrap();
    assert_eq!(standards, "Standards: PCI DSS v3.2.1, a &lt;!here&gt; b");
    assert!(ids.starts_with("`5ac1f0de` · guardduty"), "{ids}");
}
