//! A finding that was read, as a post, in a terminal and on a page. The judges are the tests' own
//! rules of Slack, which share no code with what draws.

use std::sync::Arc;

use hansho::finding::{Finding, parse};
use hansho::instants::Wall;
use hansho::ports::{Card, Form, Post};
use hansho::slack::{CARD_CHARS_MAX, Guide, html, payload, payload_json, weigh};
use serde_json::Value;

use crate::support::post_rules::{
    check_limits, check_mentions, check_page, check_preview, check_strings, mentions,
};

const CARDS_MAX: usize = 12;

/// A body of a message, drawn in every form.
pub fn render(bytes: &[u8]) {
    let body = String::from_utf8_lossy(bytes);
    let findings: Vec<Arc<Finding>> = parse(&body).findings.into_iter().map(Arc::new).collect();
    if findings.is_empty() {
        return;
    }
    for form in [Form::Cards, Form::Digest, Form::Plain] {
        let cards: Vec<Card> = findings.iter().take(CARDS_MAX).cloned().map(Card::of).collect();
        assert!(cards.iter().all(|card| weigh(card, &Guide::default()) <= CARD_CHARS_MAX));
        let (at, id, destination) = (Wall(0), "d-17".to_owned(), "security".to_owned());
        let post = Post { at, id, destination, form, cards, notes: Vec::new() };
        let drawn = payload(&post, &mentions(), &Guide::default());
        let sent = payload_json(&post, &mentions(), &Guide::default());
        assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), drawn);
        check_limits(&drawn, 0);
        check_strings(&drawn, true, 0);
        check_preview(&drawn, 0);
        if form != Form::Digest {
            check_mentions(&post, &drawn, 0);
        }
        check_page(&html::message(&drawn), 0);
    }
}
