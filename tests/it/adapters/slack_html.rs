//! Pages of random posts: whatever the text, a page has only the elements that hansho makes.

use fastrand::Rng;
use hansho::instants::Wall;
use hansho::ports::{Form, Post};
use hansho::slack::{Guide, html, payload};
use serde_json::{Value, json};

use super::slack_hostile::{hostile_card, hostile_text};
use crate::support::lane::ByLane;
use crate::support::post_rules::{check_page, mentions};

const SEEDS: ByLane = ByLane { all: 50, deep: 300 };

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
        check_page(&html::message(&payload(&post, &mentions(), &Guide::default())), seed);
        check_page(&html::message(&foreign(rng)), seed);
    }
}
