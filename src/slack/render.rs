//! Draws a post as the JSON for Slack's webhook: the text that a phone shows, and a card or a line
//! for each alert. It is pure: the same post always gives the same bytes.
//!
//! The result keeps Slack's limits for any input. Sources: Slack, Block Kit reference (section text
//! 3,000 characters, 10 fields of 2,000 characters, 50 blocks), `chat.postMessage` (text 4,000
//! characters recommended, 40,000 at most), legacy attachments (20 recommended, 100 at most). For
//! the limit of the sum see [`super::capacity`].

use std::cmp::Reverse;

use serde_json::Value;

use super::capacity::{BUDGET_CHARS, CARD_CHARS_MAX, MAX_CARDS, weigh_json};
use super::card::{attachment, below_heading, list_footer};
use super::counts::tally;
use super::group::{Entry, grouped};
use super::guide::Guide;
use super::heading::heading;
use super::level_style::style;
use super::line::{LINE_CHARS_MAX, sections};
use super::mention::Mentions;
use super::message::{Attachment, Block, Message, TextObject, written};
use super::push::{called, overview, plain, push};
use super::{digest, note, own_note};
use crate::finding::Level;
use crate::ports::{Card, Form, Note, Post};

/// The most that the list of the alerts without a card may weigh.
const REST_CHARS_MAX: usize = BUDGET_CHARS - CARD_CHARS_MAX;
const REST_LINES_MAX: usize = 15;
/// The most that the list takes beside its lines.
const REST_FRAME_CHARS_MAX: usize = 600;

const _: () = assert!(REST_LINES_MAX * LINE_CHARS_MAX + REST_FRAME_CHARS_MAX <= REST_CHARS_MAX);

/// Returns the outgoing JSON of a post.
pub fn payload_json(post: &Post, mentions: &Mentions, guide: &Guide) -> String {
    written(&message(post, mentions, guide))
}

/// Returns the same JSON as a value, for the preview and for tests.
pub fn payload(post: &Post, mentions: &Mentions, guide: &Guide) -> Value {
    serde_json::to_value(message(post, mentions, guide)).unwrap_or_default()
}

/// Draws a post.
///
/// A caller puts no more into a post than fits: cards within [`BUDGET_CHARS`] by
/// [`weigh`](super::weigh) and within [`MAX_CARDS`], or lines within
/// [`DIGEST_MAX`](super::DIGEST_MAX). Of more alerts, the most severe get cards, the others a line,
/// and the rest is counted.
fn message(post: &Post, mentions: &Mentions, guide: &Guide) -> Message {
    if post.form == Form::Note {
        return own_note::message(&post.notes, &post.id);
    }
    let mut cards: Vec<&Card> = post.cards.iter().collect();
    cards.sort_by_key(|card| Reverse(card.finding.severity.level));
    let mention = called(&cards, mentions, guide, post.at);
    let mention = mention.as_deref();
    let text = push(&cards, mention, guide);
    let attachments = match post.form {
        Form::Plain => {
            let text = plain(&cards, mention, guide, &post.id);
            return Message::new(text, Vec::new(), Vec::new());
        }
        Form::Cards => attachments(&grouped(&cards), guide, &post.id),
        Form::Digest => digest_attachments(&cards, guide, &post.id),
        Form::Note => Vec::new(),
    };
    let blocks = first_block(&cards, mention, guide).into_iter().collect();
    Message::new(text, blocks, with_notes(attachments, &post.notes, guide))
}

/// The block above the attachments: the first lines of the only card, or what several have in
/// common.
fn first_block(cards: &[&Card], mention: Option<&str>, guide: &Guide) -> Option<Block> {
    match cards {
        [] => None,
        [card] => Some(heading(card, guide, mention)),
        [severest, ..] => {
            let text = overview(severest, cards, mention, guide);
            Some(Block::section(TextObject::mrkdwn(text)))
        }
    }
}

fn digest_attachments(cards: &[&Card], guide: &Guide, post_id: &str) -> Vec<Attachment> {
    match cards {
        // A single alert has no digest: its heading stands above.
        [card] => vec![below_heading(card, &[], guide, post_id)],
        cards => digest::attachment(cards, guide, post_id).into_iter().collect(),
    }
}

/// Draws cards, and a list of the alerts without one.
fn attachments(entries: &[Entry<'_>], guide: &Guide, post_id: &str) -> Vec<Attachment> {
    if let [Entry { shown, all }] = entries
        && all.len() == 1
    {
        return vec![below_heading(shown, &[], guide, post_id)];
    }
    let draw = |entry: &Entry<'_>| attachment(&entry.shown, entry.others(), guide, post_id);
    let mut attachments: Vec<Attachment> = entries.iter().take(MAX_CARDS).map(draw).collect();
    attachments.truncate(those_that_fit(&attachments, entries.len()));
    let listed = entries.get(attachments.len()..).unwrap_or_default();
    if let Some(severest) = listed.first() {
        attachments.push(rest(severest.shown.finding.severity.level, listed, guide, post_id));
    }
    attachments
}

/// Adds the notes below all cards.
fn with_notes(mut attachments: Vec<Attachment>, notes: &[Note], guide: &Guide) -> Vec<Attachment> {
    if let Some(last) = attachments.last_mut() {
        last.blocks.extend(notes.iter().map(|note| note::block(note, guide)));
    }
    attachments
}

/// Returns how many of the first cards are shown whole; `of` is the number of all alerts. If not
/// all fit, the others need room for their list. A single card is always shown.
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

/// Lists the alerts without a card: a line each, and the number of those beyond [`REST_LINES_MAX`].
fn rest(highest: Level, entries: &[Entry<'_>], guide: &Guide, post_id: &str) -> Attachment {
    let cards: Vec<&Card> = entries.iter().flat_map(|entry| entry.all.iter().copied()).collect();
    let shown: Vec<&Card> = entries.iter().map(|entry| &*entry.shown).collect();
    let head = format!("*…and {} more:* {}", cards.len(), tally(&cards));
    let mut blocks = sections(Some(head), &shown, REST_LINES_MAX, guide);
    blocks.push(list_footer(post_id));
    Attachment { color: style(highest).colour, blocks }
}
