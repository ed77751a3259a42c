//! Pages of random posts: whatever the text, a page has only the elements that hansho makes.

use fastrand::Rng;
use hansho::instants::Wall;
use hansho::ports::{Form, Post};
use hansho::slack::{Guide, html, payload};
use serde_json::{Value, json};

use super::slack_hostile::{hostile_card, hostile_text, mentions};
use crate::support::lane::ByLane;

const SEEDS: ByLane = ByLane { all: 50, deep: 300 };

/// The opening tags without a varying part.
const TAGS: [&str; 27] = [
    "article",
    "div class=\"desktop\"",
    "div class=\"phone\"",
    "div class=\"lock-screen\"",
    "div class=\"notification\"",
    "div class=\"source\"",
    "div class=\"post\"",
    "div class=\"avatar\"",
    "div class=\"content\"",
    "div class=\"sender\"",
    "div class=\"text\"",
    "div class=\"attachment\"",
    "div class=\"body\"",
    "div class=\"section\"",
    "div class=\"fields\"",
    "div class=\"context\"",
    "svg class=\"strip\"",
    "span class=\"rest\"",
    "span class=\"app\"",
    "span class=\"mention\"",
    "div",
    "span",
    "p",
    "b",
    "code",
    "i",
    "s",
];
const WITHOUT_END: [&str; 2] = ["br", "hr"];

fn is_ours(tag: &str) -> bool {
    let one_value = |start: &str, end: &str| {
        let value = tag.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        value.is_some_and(|value| !value.contains('"'))
    };
    TAGS.contains(&tag)
        || one_value("a href=\"https://", "\" rel=\"noopener\"")
        || one_value("rect width=\"100%\" height=\"100%\" fill=\"#", "\"")
}

/// Checks each tag, and that each element ends. Text has no `<` and no `>`.
fn check(page: &str, seed: u64) {
    let mut open = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "seed {seed}: {text}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "seed {seed}"),
            None if WITHOUT_END.contains(&tag) => {}
            None => {
                assert!(is_ours(tag), "seed {seed}: <{tag}>");
                open.extend(tag.split(' ').next());
            }
        }
    }
    assert_eq!(open, Vec::<&str>::new(), "seed {seed}");
}

/// A payload that hansho did not make: its texts are not escaped.
fn foreign(rng: &mut Rng) -> Value {
    let mut text = |kind| json!({"type": kind, "text": hostile_text(rng, 300)});
    let blocks = json!([
        {"type": "section", "text": text("mrkdwn"), "fields": [text("mrkdwn"), text("plain_text")]},
        {"type": "divider"},
        {"type": "context", "elements": [text("mrkdwn")]},
        {"type": "header", "text": text("plain_text")},
    ]);
    json!({
        "text": hostile_text(rng, 300),
        "blocks": if rng.bool() { blocks.clone() } else { json!([]) },
        "attachments": [{"color": hostile_text(rng, 8), "blocks": blocks}],
    })
}

#[test]
fn no_text_becomes_an_element() {
    for seed in 0..SEEDS.get() {
        let rng = &mut Rng::with_seed(seed);
        let post = Post {
            at: Wall(0),
            id: hostile_text(rng, 200),
            destination: "security".into(),
            form: *rng.choice(&[Form::Cards, Form::Digest, Form::Plain]).unwrap(),
            cards: (0..rng.usize(0..8)).map(|_| hostile_card(rng)).collect(),
            notes: Vec::new(),
        };
        check(&html::message(&payload(&post, &mentions(), &Guide::default())), seed);
        check(&html::message(&foreign(rng)), seed);
    }
}
