//! A digest as the JSON that Slack's webhook takes: a line of text, which is what a phone shows,
//! and a card for each finding. Pure: the same digest always gives the same bytes.
//!
//! Slack's limits hold for any input. Sources: Slack, Block Kit reference (section text 3,000,
//! fields 10 of 2,000, 50 blocks), `chat.postMessage` (text 4,000 at best, 40,000 at most), legacy
//! attachments (20 at best, 100 at most); for the sum see [`super::capacity`].

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::capacity::{BUDGET_CHARS, CARD_CHARS_MAX, MAX_CARDS, weigh, weigh_json};
use super::card::{attachment, circumstances, digest_mark, mrkdwn_section, title};
use super::escape::{code, defang, escape, escape_within, is_markup};
use super::look::look;
use super::mention::Mentions;
use crate::finding::{Level, Text};
use crate::ports::{Card, Digest, Form};

/// Of the lines in the text above several cards.
const TEXT_LINES_MAX: usize = 5;

/// A title in the text above the cards.
const TEXT_TITLE_CHARS_MAX: usize = 200;
const TEXT_PLACE_CHARS_MAX: usize = 40;
const TEXT_RESOURCE_CHARS_MAX: usize = 200;
const TEXT_ID_CHARS_MAX: usize = 120;

/// What the last attachment may take, in which cards that found no room are listed.
const REST_CHARS_MAX: usize = BUDGET_CHARS - CARD_CHARS_MAX;
/// Its list alone, at most: a section's text may have 3,000, and JSON's own signs are to fit too.
const REST_LIST_CHARS_MAX: usize = 2000;
const REST_TITLE_CHARS_MAX: usize = 100;

/// The payload of one post. A digest should hold no more than fits ([`weigh`], [`BUDGET_CHARS`],
/// [`MAX_CARDS`]); if it does, the worst get their cards and the others a line in a list.
pub fn payload(digest: &Digest, mentions: &Mentions) -> Value {
    let mut cards: Vec<&Card> = digest.cards.iter().collect();
    cards.sort_by_key(|card| Reverse(card.finding.severity.level));
    let text = match digest.form {
        Form::Cards => text(&cards, mentions),
        Form::Plain => plain_text(&cards, mentions, &digest.id),
    };
    let mut payload = json!({
        "text": text,
        "parse": "none",
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
    });
    if let (Form::Cards, Some(object)) = (digest.form, payload.as_object_mut()) {
        object.insert("attachments".into(), attachments(&cards, &digest.id).into());
    }
    payload
}

fn attachments(cards: &[&Card], digest_id: &str) -> Vec<Value> {
    let (with_card, listed) = cards.split_at(cards_that_fit(cards));
    let mut attachments: Vec<Value> =
        with_card.iter().map(|card| attachment(card, digest_id)).collect();
    if let Some(worst) = listed.first() {
        attachments.push(rest(worst.finding.severity.level, listed, digest_id));
    }
    attachments
}

/// How many of the first cards are shown whole: all if they fit, else as many as leave room for the
/// list of the others, and at least one.
fn cards_that_fit(cards: &[&Card]) -> usize {
    let weights: Vec<usize> = cards.iter().take(MAX_CARDS).map(|card| weigh(card)).collect();
    if cards.len() <= MAX_CARDS && weights.iter().sum::<usize>() <= BUDGET_CHARS {
        return cards.len();
    }
    let mut total = 0;
    let fits = |weight: &&usize| {
        total += **weight;
        total <= CARD_CHARS_MAX
    };
    weights.iter().take(MAX_CARDS - 1).take_while(fits).count()
}

/// The cards that found no room: a line each as far as they go, and the number of the others.
fn rest(worst: Level, cards: &[&Card], digest_id: &str) -> Value {
    let head = format!("*…and {} more:* {}", cards.len(), tally(cards));
    let mut list = head.clone();
    let mut named = 0;
    for card in cards {
        let line = format!("\n• {}", summary(card, REST_TITLE_CHARS_MAX, false));
        if list.chars().count() + line.chars().count() > REST_LIST_CHARS_MAX {
            break;
        }
        list.push_str(&line);
        named += 1;
    }
    let unnamed = cards.len() - named;
    if unnamed > 0 {
        list.push_str(&format!("\nand {unnamed} more"));
    }
    let part = rest_attachment(worst, list, digest_id);
    // Titles full of quotation marks double their length in JSON.
    if weigh_json(&part) <= REST_CHARS_MAX { part } else { rest_attachment(worst, head, digest_id) }
}

fn rest_attachment(worst: Level, list: String, digest_id: &str) -> Value {
    let footer = super::card::mrkdwn(format!("hansho {}", digest_mark(digest_id)));
    json!({
        "color": look(worst).colour,
        "blocks": [mrkdwn_section(list), { "type": "context", "elements": [footer] }],
    })
}

/// The text above the cards. Slack also shows it as the notification, so the worst comes first.
fn text(cards: &[&Card], mentions: &Mentions) -> String {
    match cards {
        [] => "hansho: an empty post".to_owned(),
        [card] => {
            let level = card.finding.severity.level;
            let head = headline(level, &circumstances(card), mentions);
            format!("{head}: {}", summary_of(card, TEXT_TITLE_CHARS_MAX, true))
        }
        [worst, ..] => several(worst.finding.severity.level, cards, mentions),
    }
}

fn several(worst: Level, cards: &[&Card], mentions: &Mentions) -> String {
    let head = headline(worst, &[], mentions);
    let mut lines = vec![format!("{head}: {} findings ({})", cards.len(), tally(cards))];
    for card in cards.iter().take(TEXT_LINES_MAX) {
        lines.push(format!("• {}", summary(card, TEXT_TITLE_CHARS_MAX, true)));
    }
    if cards.len() > TEXT_LINES_MAX {
        lines.push(format!("and {} more", cards.len() - TEXT_LINES_MAX));
    }
    lines.join("\n")
}

/// How bad it is, what is special about it, and whom it calls.
fn headline(level: Level, circumstances: &[String], mentions: &Mentions) -> String {
    let look = look(level);
    let mut head = format!("{} *{}*", look.emoji, look.word);
    if !circumstances.is_empty() {
        head.push_str(&format!(" ({})", circumstances.join(", ")));
    }
    if let Some(mention) = mentions.of(level) {
        head.push_str(&format!(" {mention}"));
    }
    head
}

/// `1 critical, 4 high`
fn tally(cards: &[&Card]) -> String {
    let counts: Vec<String> = Level::ALL
        .into_iter()
        .rev()
        .filter_map(|level| {
            let count = cards.iter().filter(|card| card.finding.severity.level == level).count();
            (count > 0).then(|| format!("{count} {level}"))
        })
        .collect();
    counts.join(", ")
}

/// One line about one of several findings.
fn summary(card: &Card, title_chars_max: usize, top_level: bool) -> String {
    let emoji = look(card.finding.severity.level).emoji;
    let summary = summary_of(card, title_chars_max, top_level);
    match circumstances(card).as_slice() {
        [] => format!("{emoji} {summary}"),
        circumstances => format!("{emoji} ({}) {summary}", circumstances.join(", ")),
    }
}

/// Title, account and region. In the top-level text, which Slack searches for addresses, they are
/// defanged; in a card they are shown as they are.
fn summary_of(card: &Card, title_chars_max: usize, top_level: bool) -> String {
    let finding = &card.finding;
    let title = title(finding);
    let title = match top_level {
        true => escape_within(&defang(&title), title_chars_max),
        false if is_markup(&title) => code(&title, title_chars_max),
        false => escape_within(&title, title_chars_max),
    };
    let place = |text: &Text, what: &str| match text.is_empty() {
        true => format!("{what} unknown"),
        false => escape_within(&defang(text.as_str()), TEXT_PLACE_CHARS_MAX),
    };
    let account = place(&finding.account, "account");
    let region = place(&finding.region, "region");
    format!("{title}  ·  {account}  ·  {region}")
}

/// Text alone: for a notice whose card Slack refused, so with as little in it as will do.
fn plain_text(cards: &[&Card], mentions: &Mentions, digest_id: &str) -> String {
    let mut lines = vec![text(cards, mentions)];
    if let [card] = cards {
        let finding = &card.finding;
        if let Some(resource) = &finding.resource {
            lines.push(top_level("Resource", resource.as_str(), TEXT_RESOURCE_CHARS_MAX));
        }
        let id = Text::new(&finding.fingerprint.id, TEXT_ID_CHARS_MAX);
        let product = Text::new(&finding.fingerprint.product, TEXT_PLACE_CHARS_MAX);
        lines.push(top_level("Found by", product.as_str(), TEXT_PLACE_CHARS_MAX));
        lines.push(top_level("Finding", id.as_str(), TEXT_ID_CHARS_MAX));
    }
    let digest_id = Text::new(digest_id, TEXT_PLACE_CHARS_MAX);
    lines.push(format!(
        "hansho {}: sent as plain text, because Slack refused the card",
        escape(&defang(digest_id.as_str()))
    ));
    lines.join("\n")
}

fn top_level(label: &str, text: &str, max_chars: usize) -> String {
    format!("{label}: {}", escape_within(&defang(text), max_chars))
}
