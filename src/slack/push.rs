//! The top-level text of a post: what a phone shows as the push. Slack shows it in the channel only
//! if the post has no blocks. Source: Slack, `chat.postMessage`, `text`.
//!
//! A phone cuts the push, so level, mention, title, resource, account and region stand in its first
//! [`SEEN_CHARS`] characters. Mentions stand here and in the top-level blocks: in attachments they
//! do not reach phones. Source: sciyoshi/redmine-slack, thread 29; the changelog of 2026-07-13.

use std::collections::BTreeSet;

use super::counts::{gist, tally};
use super::escape::literal;
use super::group::{Entry, grouped};
use super::guide::Guide;
use super::heading::circumstances;
use super::host::{defang, defang_within};
use super::length::units;
use super::level_style::style;
use super::mention::Mentions;
use super::naming::{last_word, names, problem, region, resource, short_title};
use crate::finding::{Finding, Level, Text};
use crate::instants::Wall;
use crate::ports::Card;

/// What a phone surely shows.
const SEEN_CHARS: usize = 150;
const REGION_CHARS_MAX: usize = 24;
const PLACE_CHARS_MAX: usize = 40;

/// The most alerts of several that have a line.
const LINES_MAX: usize = 5;
const LINE_CHARS_MAX: usize = 200;

const PLAIN_RESOURCE_CHARS_MAX: usize = 200;
const PLAIN_ID_CHARS_MAX: usize = 120;

/// The text of a post. `cards` are sorted, most severe first.
pub(super) fn push(cards: &[&Card], mention: Option<&str>, guide: &Guide) -> String {
    match cards {
        [] => "hansho: an empty post".to_owned(),
        [card] => {
            let level = card.finding.severity.level;
            let mark = mark(&card.finding).map(|mark| [" ", mark].concat()).unwrap_or_default();
            let head = head(level, style(level).word, mention) + &mark + ": ";
            let left = SEEN_CHARS.saturating_sub(units(&head));
            [head, summary(&card.finding, guide, left), special(card)].concat()
        }
        [severest, ..] => {
            let tally = tally(cards).to_uppercase();
            let head = head(severest.finding.severity.level, &tally, mention);
            let mut lines = vec![counted(&head, cards, guide, defang_within)];
            let entries = grouped(cards);
            let mut problems = BTreeSet::new();
            let first =
                |entry: &&Entry<'_>| problems.insert(problem(&entry.shown.finding).to_owned());
            let shown = entries.iter().filter(first).take(LINES_MAX);
            lines.extend(shown.map(|entry| bullet(&entry.shown, guide)));
            if entries.len() >= lines.len() {
                lines.push(format!("and {} more", entries.len() + 1 - lines.len()));
            }
            lines.join("\n")
        }
    }
}

/// The first block of several cards. It says in markup what the first line of the push says.
pub(super) fn overview(
    severest: &Card,
    cards: &[&Card],
    mention: Option<&str>,
    guide: &Guide,
) -> String {
    let tally = ["*", &tally(cards).to_uppercase(), "*"].concat();
    let head = head(severest.finding.severity.level, &tally, mention);
    counted(&head, cards, guide, literal)
}

/// The head, and what several cards have in common.
fn counted(head: &str, cards: &[&Card], guide: &Guide, show: fn(&str, usize) -> String) -> String {
    format!("{head}{}: {}", samples(cards), gist(cards, guide, show))
}

fn head(level: Level, word: &str, mention: Option<&str>) -> String {
    let head = [style(level).emoji, " ", word].concat();
    match mention {
        Some(mention) => format!("{head} {mention}"),
        None => head,
    }
}

/// ` (🧪 2 samples)`, ` (🧪 SAMPLE FINDINGS)`
fn samples(cards: &[&Card]) -> String {
    match cards.iter().filter(|card| card.finding.sample).count() {
        0 => String::new(),
        all if all == cards.len() => " (🧪 SAMPLE FINDINGS)".to_owned(),
        1 => " (🧪 1 sample)".to_owned(),
        some => format!(" (🧪 {some} samples)"),
    }
}

/// The mentions for the findings, the most severe first. Canaries, samples and closed findings,
/// which a person may send on purpose, mention nobody.
pub(super) fn called(
    cards: &[&Card],
    mentions: &Mentions,
    guide: &Guide,
    at: Wall,
) -> Option<String> {
    let calls = |finding: &Finding| {
        finding.canary.is_none() && !finding.sample && !finding.condition.is_closed()
    };
    let findings = cards.iter().map(|card| &*card.finding).filter(|finding| calls(finding));
    mentions.of_post(findings, &*guide.accounts.get(), at)
}

/// What a reader must know before anything else.
fn mark(finding: &Finding) -> Option<&'static str> {
    match finding {
        Finding { sample: true, .. } => Some("🧪 SAMPLE"),
        Finding { canary: Some(_), .. } => Some("🧪 TEST"),
        _ => None,
    }
}

/// ` (came back: resolved since …)`: the circumstances that can wait until the place is said.
fn special(card: &Card) -> String {
    let skipped = usize::from(mark(&card.finding).is_some());
    match circumstances(card).get(skipped..).unwrap_or_default() {
        [] => String::new(),
        some => format!(" ({})", defang(&some.join(", ")).replace('*', "")),
    }
}

/// A line about one of several findings.
fn bullet(card: &Card, guide: &Guide) -> String {
    let emoji = style(card.finding.severity.level).emoji;
    let mark = mark(&card.finding).map(|mark| [mark, " "].concat()).unwrap_or_default();
    let summary = summary(&card.finding, guide, LINE_CHARS_MAX);
    format!("• {emoji} {mark}{summary}{}", special(card))
}

/// The most characters of the account's name and of the resource, and the fewest of the title, in
/// the order in which they are tried.
const LENGTHS: [(usize, usize, usize); 4] = [(24, 48, 50), (20, 32, 40), (12, 24, 30), (0, 20, 20)];

/// Title, resource, account and region, in at most `max_chars` if that is possible by cutting
/// them. Without the resource if the title names it.
fn summary(finding: &Finding, guide: &Guide, max_chars: usize) -> String {
    let title = short_title(finding);
    let region = defang_within(region(finding), REGION_CHARS_MAX);
    let mut drawn = String::new();
    for (name_max, resource_max, title_min) in LENGTHS {
        let account = guide.account(finding, name_max, PLACE_CHARS_MAX, defang_within);
        let place = if region.is_empty() { account } else { [&account, " · ", &region].concat() };
        let taken = units(&place) + 3;
        let shown =
            |taken: usize| defang_within(&title, max_chars.saturating_sub(taken).max(title_min));
        let alone = shown(taken);
        drawn = match resource(finding) {
            Some(resource) if !names(&alone, resource) => {
                // The name says more than the kind, and the title more than both.
                let whole = defang_within(resource, resource_max);
                let fits = units(&title) + units(&whole) + 3 + taken <= max_chars;
                let short = fits && units(resource) <= resource_max;
                let name = defang_within(last_word(resource), resource_max);
                let resource = if short { whole } else { name };
                [shown(taken + units(&resource) + 3), resource, place].join(" · ")
            }
            _ => [alone, place].join(" · "),
        };
        if units(&drawn) <= max_chars {
            break;
        }
    }
    drawn
}

/// The text of a post without cards, for an alert whose card Slack rejected. It holds as little as
/// possible.
pub(super) fn plain(
    cards: &[&Card],
    mention: Option<&str>,
    guide: &Guide,
    post_id: &str,
) -> String {
    let mut lines = vec![push(cards, mention, guide)];
    if let [card] = cards {
        let finding = &card.finding;
        if let Some(resource) = &finding.resource {
            lines.push(labelled("Resource", resource.as_str(), PLAIN_RESOURCE_CHARS_MAX));
        }
        let id = Text::new(finding.product_id(), PLAIN_ID_CHARS_MAX);
        let product = Text::new(&finding.fingerprint.product, PLACE_CHARS_MAX);
        lines.push(labelled("Found by", product.as_str(), PLACE_CHARS_MAX));
        lines.push(labelled("Finding", id.as_str(), PLAIN_ID_CHARS_MAX));
    }
    let post_id = Text::new(post_id, PLACE_CHARS_MAX);
    lines.push(format!(
        "hansho {}: sent as plain text, because Slack refused the card",
        defang_within(post_id.as_str(), usize::MAX)
    ));
    lines.join("\n")
}

fn labelled(label: &str, text: &str, max_chars: usize) -> String {
    [label, ": ", &defang_within(text, max_chars)].concat()
}
