//! A digest as the JSON that Slack's webhook takes: a line of text, which is what a phone shows,
//! and a card or a line for each finding. Pure: the same digest always gives the same bytes.
//!
//! Slack's limits hold for any input. Sources: Slack, Block Kit reference (section text 3,000,
//! fields 10 of 2,000, 50 blocks), `chat.postMessage` (text 4,000 at best, 40,000 at most), legacy
//! attachments (20 at best, 100 at most); for the sum see [`super::capacity`].

use std::cmp::Reverse;

use serde_json::Value;

use super::capacity::{BUDGET_CHARS, CARD_CHARS_MAX, MAX_CARDS, weigh_json};
use super::card::{attachment, circumstances, footer_of_digest, title};
use super::counts::{account, gist, region, tally};
use super::escape::{defang, escape, escape_within};
use super::line::{LINE_CHARS_MAX, sections};
use super::look::look;
use super::mention::{Mention, Mentions};
use super::message::{Attachment, Message, written};
use super::note;
use crate::finding::{Level, Text};
use crate::ports::{Card, Form, Note, Post};

/// Of the lines in the text above several cards.
const TEXT_LINES_MAX: usize = 5;

/// A title in the text above the cards.
const TEXT_TITLE_CHARS_MAX: usize = 200;
const TEXT_PLACE_CHARS_MAX: usize = 40;
const TEXT_RESOURCE_CHARS_MAX: usize = 200;
const TEXT_ID_CHARS_MAX: usize = 120;

/// What the last attachment may take, in which cards that found no room are listed.
const REST_CHARS_MAX: usize = BUDGET_CHARS - CARD_CHARS_MAX;
const REST_LINES_MAX: usize = 15;
/// What it takes besides its lines, at most.
const REST_FRAME_CHARS_MAX: usize = 600;

const _: () = assert!(REST_LINES_MAX * LINE_CHARS_MAX + REST_FRAME_CHARS_MAX <= REST_CHARS_MAX);

/// If at most so many are worse than all the others, the text above a digest names each of them.
const TEXT_WORST_MAX: usize = 3;

/// What the webhook is sent for a digest.
pub fn body(digest: &Post, mentions: &Mentions) -> String {
    written(&message(digest, mentions))
}

/// The same, for those who look into it.
pub fn payload(digest: &Post, mentions: &Mentions) -> Value {
    serde_json::to_value(message(digest, mentions)).unwrap_or_default()
}

/// One post. A digest should hold no more than fits: of cards, what [`weigh`](super::weigh), [`BUDGET_CHARS`]
/// and [`MAX_CARDS`] allow, of lines [`DIGEST_MAX`](super::DIGEST_MAX). If it does, the worst get their cards
/// and the others a line in a list, and what finds no room there is counted.
fn message(digest: &Post, mentions: &Mentions) -> Message {
    let mut cards: Vec<&Card> = digest.cards.iter().collect();
    cards.sort_by_key(|card| Reverse(card.finding.severity.level));
    let (text, attachments) = match digest.form {
        Form::Cards => (
            text(&cards, mentions),
            Some(with_notes(attachments(&cards, &digest.id), &digest.notes)),
        ),
        Form::Digest => (digest_text(&cards, mentions), Some(lines(&cards, &digest.id))),
        Form::Plain => (plain_text(&cards, mentions, &digest.id), None),
    };
    Message::new(text, attachments)
}

fn lines(cards: &[&Card], digest_id: &str) -> Vec<Attachment> {
    cards
        .first()
        .map(|worst| super::digest::attachment(worst, cards, digest_id))
        .into_iter()
        .collect()
}

fn attachments(cards: &[&Card], digest_id: &str) -> Vec<Attachment> {
    let drawn = cards.iter().take(MAX_CARDS).map(|card| attachment(card, digest_id));
    let mut attachments: Vec<Attachment> = drawn.collect();
    attachments.truncate(those_that_fit(&attachments, cards.len()));
    let listed = cards.get(attachments.len()..).unwrap_or_default();
    if let Some(worst) = listed.first() {
        attachments.push(rest(worst.finding.severity.level, listed, digest_id));
    }
    attachments
}

/// With what is to be said about hansho itself, below all cards.
fn with_notes(mut attachments: Vec<Attachment>, notes: &[Note]) -> Vec<Attachment> {
    if let Some(last) = attachments.last_mut() {
        last.blocks.extend(notes.iter().map(note::block));
    }
    attachments
}

/// How many of the first cards, `of` so many, are shown whole: all if they fit, else as many as leave
/// room for the list of the others, and at least one.
fn those_that_fit(drawn: &[Attachment], of: usize) -> usize {
    if of == 1 {
        return 1;
    }
    let weights: Vec<usize> = drawn.iter().map(weigh_json).collect();
    if of <= MAX_CARDS && weights.iter().sum::<usize>() <= BUDGET_CHARS {
        return of;
    }
    let mut total = 0;
    let fits = |weight: &&usize| {
        total += **weight;
        total <= CARD_CHARS_MAX
    };
    weights.iter().take(MAX_CARDS - 1).take_while(fits).count()
}

/// The cards that found no room: a line each as far as they go, and the number of the others.
fn rest(worst: Level, cards: &[&Card], digest_id: &str) -> Attachment {
    let head = format!("*…and {} more:* {}", cards.len(), tally(cards));
    let mut blocks = sections(Some(head), cards, REST_LINES_MAX);
    blocks.push(footer_of_digest(digest_id));
    Attachment { color: look(worst).colour, blocks }
}

/// The text above the cards. Slack also shows it as the notification, so the worst comes first.
fn text(cards: &[&Card], mentions: &Mentions) -> String {
    match cards {
        [] => "hansho: an empty post".to_owned(),
        [card] => {
            let level = card.finding.severity.level;
            let head = headline(level, &circumstances(card), called(cards, mentions));
            [head, summary(card)].join(": ")
        }
        [worst, ..] => several(worst.finding.severity.level, cards, mentions),
    }
}

fn several(worst: Level, cards: &[&Card], mentions: &Mentions) -> String {
    let mut lines = vec![headcount(headline(worst, &[], called(cards, mentions)), cards)];
    lines.extend(cards.iter().take(TEXT_LINES_MAX).map(|card| bullet(card)));
    if cards.len() > TEXT_LINES_MAX {
        lines.push(format!("and {} more", cards.len() - TEXT_LINES_MAX));
    }
    lines.join("\n")
}

/// The text above a digest of lines: what most of it is and where, and which few are worse than the
/// rest. All are listed below, so no more are named here.
fn digest_text(cards: &[&Card], mentions: &Mentions) -> String {
    let [first, _, ..] = cards else { return text(cards, mentions) };
    let worst = first.finding.severity.level;
    let samples = cards.iter().filter(|card| card.finding.sample).count();
    let circumstances = match samples {
        0 => vec![],
        all if all == cards.len() => vec!["🧪 *SAMPLE FINDINGS*".to_owned()],
        1 => vec!["🧪 1 sample".to_owned()],
        some => vec![format!("🧪 {some} samples")],
    };
    let head = headcount(headline(worst, &circumstances, called(cards, mentions)), cards);
    let mut lines = vec![format!("{head} – {}", gist(cards))];
    let few = cards.iter().take_while(|card| card.finding.severity.level == worst);
    if few.clone().count() <= TEXT_WORST_MAX.min(cards.len() - 1) {
        lines.extend(few.map(|card| bullet(card)));
    }
    lines.join("\n")
}

fn headcount(headline: String, cards: &[&Card]) -> String {
    format!("{headline}: {} findings ({})", cards.len(), tally(cards))
}

/// How bad it is, what is special about it, and whom it calls.
fn headline(level: Level, circumstances: &[String], mention: Option<&Mention>) -> String {
    let look = look(level);
    let mut head = [look.emoji, " *", look.word, "*"].concat();
    if !circumstances.is_empty() {
        head.push_str(&format!(" ({})", circumstances.join(", ")));
    }
    if let Some(mention) = mention {
        head.push_str(&format!(" {mention}"));
    }
    head
}

/// Whom the worst finding calls. A canary is none, and calls nobody.
fn called<'a>(cards: &[&Card], mentions: &'a Mentions) -> Option<&'a Mention> {
    let findings = cards.iter().filter(|card| card.finding.canary.is_none());
    let worst = findings.map(|card| card.finding.severity.level).max()?;
    mentions.of(worst)
}

/// One line about one of several findings.
fn bullet(card: &Card) -> String {
    let emoji = look(card.finding.severity.level).emoji;
    let summary = summary(card);
    match circumstances(card).as_slice() {
        [] => format!("• {emoji} {summary}"),
        circumstances => format!("• {emoji} ({}) {summary}", circumstances.join(", ")),
    }
}

/// Title, account and region, defanged, since Slack searches the top-level text for addresses.
fn summary(card: &Card) -> String {
    let finding = &card.finding;
    let title = escape_within(&defang(title(finding)), TEXT_TITLE_CHARS_MAX);
    let account = escape_within(&defang(account(finding)), TEXT_PLACE_CHARS_MAX);
    let region = escape_within(&defang(region(finding)), TEXT_PLACE_CHARS_MAX);
    [title, account, region].join("  ·  ")
}

/// Text alone: for an alert whose card Slack refused, so with as little in it as will do.
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
