//! One vulnerability in many resources is drawn once.

use std::sync::Arc;

use fastrand::Rng;
use hansho::finding::{Finding, Group, Level, Text};
use hansho::ports::{Card, Form};
use hansho::slack::{Guide, payload};
use serde_json::Value;

use super::slack_hostile::hostile_card;
use super::slack_render::{a_post, calm, card, sre};
use crate::support::post_rules::{check_limits, check_preview, check_strings, mentions};

fn group(resources: &str) -> Option<Group> {
    Some(Group { problem: Text::new("CVE-2021-44228", 40), resources: Text::new(resources, 80) })
}

/// A vulnerable image of a repository.
fn image(number: usize, repository: &str) -> Finding {
    let mut finding = calm(Level::High);
    finding.fingerprint.product = "inspector".into();
    finding.fingerprint.id = format!("{number:032}");
    finding.title = Text::new("CVE-2021-44228 - log4j", 100);
    finding.resource = Some(Text::new(&format!("container image web (tag {number})"), 100));
    finding.group = group(&format!("images of repository {repository}"));
    finding
}

fn drawn(form: Form, cards: Vec<Card>) -> Value {
    payload(&a_post(form, cards), &sre(), &Guide::default())
}

fn attachments(payload: &Value) -> Vec<String> {
    payload["attachments"].as_array().unwrap().iter().map(Value::to_string).collect()
}

#[test]
fn a_vulnerability_in_many_images_shares_a_card() {
    let images = |of: usize| (0..of).map(|n| card(image(n, "web"))).collect::<Vec<Card>>();
    let post = drawn(Form::Cards, images(14));
    let text = post["text"].as_str().unwrap();
    assert!(text.contains("14 HIGH <!subteam^S0123|sre>: 14 × CVE-2021-44228 in 1111"), "{text}");
    let line = "• 🟠 CVE-2021-44228 in 14 images of repository web · 111122223333 · eu-central-1";
    assert!(text.ends_with(line), "{text}");
    let [only] = &attachments(&post)[..] else { panic!("one card") };
    assert!(only.contains("CVE-2021-44228 in 14 images of repository web"), "{only}");
    assert!(only.contains("such as container image web (tag 0)"), "{only}");
    for number in 0..3 {
        assert!(only.contains(&format!("`{number:032}`")), "{only}");
    }
    assert!(only.contains("and 11 more"), "{only}");
    let alone = drawn(Form::Cards, images(1));
    assert!(alone["blocks"].to_string().contains("CVE-2021-44228 - log4j"), "{alone}");
}

#[test]
fn only_what_says_the_same_is_drawn_together() {
    let one = || card(image(0, "web"));
    let with = |change: fn(&mut Finding)| {
        let mut finding = image(1, "web");
        change(&mut finding);
        card(finding)
    };
    for (what, other, together) in [
        ("another image", with(|_| {}), true),
        ("another repository", card(image(1, "api")), false),
        ("another level", with(|f| f.severity.level = Level::Critical), false),
        ("another account", with(|f| f.account = Text::new("444455556666", 12)), false),
        ("another region", with(|f| f.region = Text::new("eu-west-1", 20)), false),
        ("a reminder", Card { reminder: true, ..one() }, false),
        ("a requested one", with(|f| f.requested_by = Some(Text::new("Send", 20))), false),
        ("no group", with(|f| f.group = None), false),
    ] {
        let post = drawn(Form::Cards, vec![one(), other]);
        assert_eq!(attachments(&post).len(), if together { 1 } else { 2 }, "{what}");
    }
}

#[test]
fn in_a_digest_they_share_a_line() {
    let images = (0..30).map(|number| card(image(number, "web")));
    let others = (0..3).map(|_| card(calm(Level::Medium)));
    let post = drawn(Form::Digest, images.chain(others).collect());
    let all = post["attachments"].to_string();
    let line = "🟠 *30 ×* CVE-2021-44228 · web · 111122223333 · eu-central-1";
    assert!(all.contains(line), "{all}");
    assert_eq!(all.matches("🟠").count(), 1, "{all}");
}

#[test]
fn hostile_groups_keep_the_limits() {
    for seed in 0..60 {
        let rng = &mut Rng::with_seed(seed);
        let name = super::slack_hostile::hostile_text(rng, 100);
        let cards = (0..=seed % 40).map(|number| {
            let mut card = hostile_card(rng);
            let finding = Arc::make_mut(&mut card.finding);
            finding.group = (number % 3 > 0).then(|| group(&name)).flatten();
            finding.severity.level = Level::High;
            card
        });
        let cards: Vec<Card> = cards.collect();
        // Half of them say the same as the first.
        let like = |card: &Card| Card { finding: Arc::clone(&card.finding), ..cards[0].clone() };
        let cards: Vec<Card> = cards.iter().map(like).collect();
        for form in [Form::Cards, Form::Digest] {
            let payload = payload(&a_post(form, cards.clone()), &mentions(), &Guide::default());
            check_limits(&payload, seed);
            check_strings(&payload, true, seed);
            check_preview(&payload, seed);
        }
    }
}
