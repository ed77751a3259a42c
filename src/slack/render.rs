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
use super::card::{attachment, circumstances, list_footer, title};
use super::counts::{account, account_in_text, gist, region, tally};
use super::escape::{defang, escape, escape_within};
use super::group::{Entry, grouped};
use super::guide::Guide;
use super::level_style::style;
use super::line::{LINE_CHARS_MAX, sections};
use super::mention::{Mention, Mentions};
use super::message::{Attachment, Message, written};
use super::{digest, note};
use crate::finding::{Finding, Level, Text};
use crate::ports::{Card, Form, Note, Post};

/// The most lines in the text above several cards.
const TEXT_LINES_MAX: usize = 5;

/// The longest title in the text above the cards.
const TEXT_TITLE_CHARS_MAX: usize = 200;
const TEXT_PLACE_CHARS_MAX: usize = 40;
const TEXT_RESOURCE_CHARS_MAX: usize = 200;
const TEXT_ID_CHARS_MAX: usize = 120;

/// The most that the list of the alerts without a card may weigh.
const REST_CHARS_MAX: usize = BUDGET_CHARS - CARD_CHARS_MAX;
const REST_LINES_MAX: usize = 15;
/// The most that the list takes beside its lines.
const REST_FRAME_CHARS_MAX: usize = 600;

const _: () = assert!(REST_LINES_MAX * LINE_CHARS_MAX + REST_FRAME_CHARS_MAX <= REST_CHARS_MAX);

/// The text above a digest names the most severe alerts if there are at most so many.
const TEXT_SEVEREST_MAX: usize = 3;

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
    let mut cards: Vec<&Card> = post.cards.iter().collect();
    cards.sort_by_key(|card| Reverse(card.finding.severity.level));
    let (text, attachments) = match post.form {
        Form::Cards => {
            let drawn = attachments(&grouped(&cards), guide, &post.id);
            (text(&cards, mentions, guide), Some(with_notes(drawn, &post.notes, guide)))
        }
        Form::Digest => {
            let drawn = digest_attachments(&cards, guide, &post.id);
            (digest_text(&cards, mentions, guide), Some(drawn))
        }
        Form::Plain => (plain_text(&cards, mentions, guide, &post.id), None),
    };
    Message::new(text, attachments)
}

fn digest_attachments(cards: &[&Card], guide: &Guide, post_id: &str) -> Vec<Attachment> {
    let draw = |severest: &&Card| digest::attachment(severest, cards, guide, post_id);
    cards.first().map(draw).into_iter().collect()
}

/// Draws cards, and a list of the alerts without one.
fn attachments(entries: &[Entry<'_>], guide: &Guide, post_id: &str) -> Vec<Attachment> {
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

/// The text above the cards. Slack also shows it as the notification, so the most severe alert
/// comes first.
fn text(cards: &[&Card], mentions: &Mentions, guide: &Guide) -> String {
    match cards {
        [] => "hansho: an empty post".to_owned(),
        [card] => {
            let level = card.finding.severity.level;
            let head = headline(level, &circumstances(card), called(cards, mentions));
            [head, summary(card, guide)].join(": ")
        }
        [severest, ..] => several(severest.finding.severity.level, cards, mentions, guide),
    }
}

fn several(highest: Level, cards: &[&Card], mentions: &Mentions, guide: &Guide) -> String {
    let mut lines = vec![headcount(headline(highest, &[], called(cards, mentions)), cards)];
    let entries = grouped(cards);
    lines.extend(entries.iter().take(TEXT_LINES_MAX).map(|entry| bullet(&entry.shown, guide)));
    if entries.len() > TEXT_LINES_MAX {
        lines.push(format!("and {} more", entries.len() - TEXT_LINES_MAX));
    }
    lines.join("\n")
}

/// The text above a digest: a summary, and a line for each of the most severe alerts if they are
/// few. The digest lists all alerts, so the text names no more.
fn digest_text(cards: &[&Card], mentions: &Mentions, guide: &Guide) -> String {
    let [first, _, ..] = cards else { return text(cards, mentions, guide) };
    let highest = first.finding.severity.level;
    let samples = cards.iter().filter(|card| card.finding.sample).count();
    let circumstances = match samples {
        0 => vec![],
        all if all == cards.len() => vec!["🧪 *SAMPLE FINDINGS*".to_owned()],
        1 => vec!["🧪 1 sample".to_owned()],
        some => vec![format!("🧪 {some} samples")],
    };
    let head = headcount(headline(highest, &circumstances, called(cards, mentions)), cards);
    let mut lines = vec![format!("{head} – {}", gist(cards, guide))];
    let entries = grouped(cards);
    let shown = entries.iter().map(|entry| &*entry.shown);
    let few = shown.take_while(|card| card.finding.severity.level == highest);
    if few.clone().count() <= TEXT_SEVEREST_MAX.min(entries.len() - 1) {
        lines.extend(few.map(|card| bullet(card, guide)));
    }
    lines.join("\n")
}

fn headcount(headline: String, cards: &[&Card]) -> String {
    format!("{headline}: {} findings ({})", cards.len(), tally(cards))
}

/// The level, the circumstances and the mention.
fn headline(level: Level, circumstances: &[String], mention: Option<&Mention>) -> String {
    let style = style(level);
    let mut head = [style.emoji, " *", style.word, "*"].concat();
    if !circumstances.is_empty() {
        head.push_str(&format!(" ({})", circumstances.join(", ")));
    }
    if let Some(mention) = mention {
        head.push_str(&format!(" {mention}"));
    }
    head
}

/// The mention for the most severe finding. Canaries, samples and closed findings, which a person
/// may send on purpose, mention nobody.
fn called<'a>(cards: &[&Card], mentions: &'a Mentions) -> Option<&'a Mention> {
    let calls = |finding: &Finding| {
        finding.canary.is_none() && !finding.sample && !finding.condition.is_closed()
    };
    let levels = cards.iter().filter(|card| calls(&card.finding));
    mentions.of(levels.map(|card| card.finding.severity.level).max()?)
}

/// A line about one of several findings.
fn bullet(card: &Card, guide: &Guide) -> String {
    let emoji = style(card.finding.severity.level).emoji;
    let summary = summary(card, guide);
    match circumstances(card).as_slice() {
        [] => format!("• {emoji} {summary}"),
        circumstances => format!("• {emoji} ({}) {summary}", circumstances.join(", ")),
    }
}

/// Title, account and region. They are defanged, because Slack turns addresses in the top-level
/// text into links.
fn summary(card: &Card, guide: &Guide) -> String {
    let finding = &card.finding;
    let title = escape_within(&defang(title(finding)), TEXT_TITLE_CHARS_MAX);
    let account = account_in_text(account(finding), guide);
    let region = escape_within(&defang(region(finding)), TEXT_PLACE_CHARS_MAX);
    [title, account, region].join("  ·  ")
}

/// The text of a post without cards, for an alert whose card Slack rejected. It holds as little as
/// possible.
fn plain_text(cards: &[&Card], mentions: &Mentions, guide: &Guide, post_id: &str) -> String {
    let mut lines = vec![text(cards, mentions, guide)];
    if let [card] = cards {
        let finding = &card.finding;
        if let Some(resource) = &finding.resource {
            lines.push(top_level("Resource", resource.as_str(), TEXT_RESOURCE_CHARS_MAX));
        }
        let id = Text::new(finding.product_id(), TEXT_ID_CHARS_MAX);
        let product = Text::new(&finding.fingerprint.product, TEXT_PLACE_CHARS_MAX);
        lines.push(top_level("Found by", product.as_str(), TEXT_PLACE_CHARS_MAX));
        lines.push(top_level("Finding", id.as_str(), TEXT_ID_CHARS_MAX));
    }
    let post_id = Text::new(post_id, TEXT_PLACE_CHARS_MAX);
    lines.push(format!(
        "hansho {}: sent as plain text, because Slack refused the card",
        escape(&defang(post_id.as_str()))
    ));
    lines.join("\n")
}

fn top_level(label: &str, text: &str, max_chars: usize) -> String {
    format!("{label}: {}", escape_within(&defang(text), max_chars))
}
