//! The top-level text of a post: what a phone shows as the push. Slack shows it in the channel only
//! if the post has no blocks. Source: Slack, `chat.postMessage`, `text`.
//!
//! A phone cuts the push, so level, mention, title, resource, account and region stand in its first
//! [`SEEN_CHARS`] characters. Mentions stand here and in the top-level blocks: in attachments they
//! do not reach phones. Source: sciyoshi/redmine-slack, thread 29; the changelog of 2026-07-13.

use super::counts::{gist, tally};
use super::escape::{escape, literal};
use super::group::grouped;
use super::guide::Guide;
use super::heading::circumstances;
use super::host::{defang, defang_within};
use super::length::units;
use super::level_style::style;
use super::mention::Mentions;
use super::naming::{account, last_word, names, region, resource, title};
use crate::finding::{Finding, Level, Text};
use crate::instants::Wall;
use crate::ports::Card;

/// What a phone surely shows.
const SEEN_CHARS: usize = 150;
/// The shortest title, however long the mention is.
const TITLE_CHARS_MIN: usize = 24;
const RESOURCE_CHARS_MAX: usize = 48;
const REGION_CHARS_MAX: usize = 24;
const NAME_CHARS_MAX: usize = 24;
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
            let circumstances = match circumstances(card).as_slice() {
                [] => String::new(),
                some => format!(" ({})", defang(&some.join(", ")).replace('*', "")),
            };
            let word = style(level).word;
            let head = head(level, word, mention) + &circumstances + ": ";
            let left = SEEN_CHARS.saturating_sub(units(&head));
            head + &summary(&card.finding, guide, left)
        }
        [severest, ..] => {
            let level = severest.finding.severity.level;
            let head = head(level, &tally(cards).to_uppercase(), mention);
            let mut lines =
                vec![format!("{head}{}: {}", samples(cards), gist(cards, guide, defang_within))];
            let entries = grouped(cards);
            let shown = entries.iter().take(LINES_MAX);
            lines.extend(shown.map(|entry| bullet(&entry.shown, guide)));
            if entries.len() > LINES_MAX {
                lines.push(format!("and {} more", entries.len() - LINES_MAX));
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
    let level = severest.finding.severity.level;
    let tally = ["*", &tally(cards).to_uppercase(), "*"].concat();
    let head = head(level, &tally, mention);
    format!("{head}{}: {}", samples(cards), gist(cards, guide, literal))
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

/// A line about one of several findings.
fn bullet(card: &Card, guide: &Guide) -> String {
    let emoji = style(card.finding.severity.level).emoji;
    let summary = summary(&card.finding, guide, LINE_CHARS_MAX);
    match circumstances(card).as_slice() {
        [] => format!("• {emoji} {summary}"),
        some => format!("• {emoji} ({}) {summary}", defang(&some.join(", "))),
    }
}

/// Title, resource, account and region, in at most `max_chars` if the title may be cut to
/// [`TITLE_CHARS_MIN`]. Without the resource if the title names it.
fn summary(finding: &Finding, guide: &Guide, max_chars: usize) -> String {
    let account = guide.account(account(finding), NAME_CHARS_MAX, PLACE_CHARS_MAX, defang_within);
    let place = [account, defang_within(region(finding), REGION_CHARS_MAX)].join(" · ");
    let titled = |taken: usize| {
        let left = max_chars.saturating_sub(taken + 3).max(TITLE_CHARS_MIN);
        defang_within(title(finding).trim_end_matches('.'), left)
    };
    let alone = titled(units(&place));
    match resource(finding) {
        Some(resource) if !names(&alone, resource) => {
            // The name says more than the kind.
            let short =
                if units(resource) > RESOURCE_CHARS_MAX { last_word(resource) } else { resource };
            let resource = defang_within(short, RESOURCE_CHARS_MAX);
            [titled(units(&place) + units(&resource) + 3), resource, place].join(" · ")
        }
        _ => [alone, place].join(" · "),
    }
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
        escape(&defang(post_id.as_str()))
    ));
    lines.join("\n")
}

fn labelled(label: &str, text: &str, max_chars: usize) -> String {
    [label, ": ", &defang_within(text, max_chars)].concat()
}
