//! The first lines of a card: how severe, what happened, to which resource, where.
//!
//! They stand in a block of their own, because the notification on a desktop reads blocks first.
//! Source: Slack, changelog of 2026-07-13.

use super::date::utc;
use super::escape::{code, escape_within, is_markup, link_label, literal};
use super::guide::Guide;
use super::level_style::style;
use super::message::{Block, TextObject};
use super::naming::{self, account_name, title};
use super::note::{length, reason};
use crate::finding::{Finding, Remark, Text};
use crate::ports::{ACCOUNT_NAME_CHARS_MAX, Card};

const TITLE_CHARS_MAX: usize = 250;
const ACCOUNT_CHARS_MAX: usize = 40;
const REGION_CHARS_MAX: usize = 40;
const RESOURCE_CHARS_MAX: usize = 300;
const REMARK_CHARS_MAX: usize = 80;
/// One about the severity, one about the state.
const DOUBTS_MAX: usize = 2;
const DESTINATION_CHARS_MAX: usize = 40;
const ACTION_CHARS_MAX: usize = 40;

/// Draws the first lines of a card. `mention` stands beside the level.
pub(super) fn heading(card: &Card, guide: &Guide, mention: Option<&str>) -> Block {
    let finding = &card.finding;
    let mut lines = vec![headline(card, guide, mention)];
    let circumstances = circumstances(card);
    if !circumstances.is_empty() {
        lines.push(circumstances.join("  ·  "));
    }
    lines.extend(finding.remarks.iter().filter_map(doubt).take(DOUBTS_MAX));
    if let Some(resource) = finding.resource.as_ref().filter(|text| !text.is_empty()) {
        lines.push(line("Resource", &literal(resource.as_str(), RESOURCE_CHARS_MAX)));
    }
    lines.push(line("Where", &place(finding, guide)));
    Block::section(TextObject::mrkdwn(lines.join("\n")))
}

/// A line with its label.
pub(super) fn line(label: &str, text: &str) -> String {
    ["*", label, "* ", text].concat()
}

/// `🟠 *HIGH 8.0*  <mention>  *title*`
fn headline(card: &Card, guide: &Guide, mention: Option<&str>) -> String {
    let finding = &card.finding;
    let style = style(finding.severity.level);
    let level = [style.emoji, " *", style.word, &score(finding), "*"].concat();
    let mention = mention.map(str::to_owned);
    let parts = [Some(level), mention, Some(title_link(finding, guide))];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

fn title_link(finding: &Finding, guide: &Guide) -> String {
    let title = title(finding);
    match guide.console_link(finding) {
        // The label of a link has no code span, which would keep markup from being markup.
        Some(link) if is_markup(title) => {
            [&literal(title, TITLE_CHARS_MAX), " · <", &link, "|Open>"].concat()
        }
        Some(link) => ["*<", &link, "|", &link_label(title, TITLE_CHARS_MAX), ">*"].concat(),
        None if is_markup(title) => literal(title, TITLE_CHARS_MAX),
        None => ["*", &escape_within(title, TITLE_CHARS_MAX), "*"].concat(),
    }
}

/// Facts that set an alert apart from most others.
pub fn circumstances(card: &Card) -> Vec<String> {
    let mut parts = Vec::new();
    if card.finding.sample {
        parts.push("🧪 *SAMPLE FINDING*".to_owned());
    }
    if card.finding.canary.is_some() {
        parts.push("🧪 *TEST*".to_owned());
    }
    if let Some(action) = &card.finding.requested_by {
        let action = literal(action.as_str(), ACTION_CHARS_MAX);
        parts.push(["📌 requested by action ", &action].concat());
    }
    if let Some(closed) = card.came_back {
        let since = closed.at.at().map_or_else(String::new, |at| format!(" since {}", utc(at)));
        parts.push(format!("*came back*: {}{since}", closed.why.as_str()));
    }
    if let Some(from) = card.escalated_from {
        parts.push(format!("escalated from {from}"));
    }
    if card.reminder {
        parts.push("reminder: seen again".to_owned());
    }
    if card.perhaps_repeated {
        parts.push("may repeat an earlier post".to_owned());
    }
    if let Some(late) = card.late {
        parts.push(format!("posted {} late: {}", length(late.by), reason(late.why)));
    }
    if let Some(name) = &card.meant_for {
        let name = literal(name, DESTINATION_CHARS_MAX);
        parts.push(format!("meant for {name}, whose webhook is dead"));
    }
    if let Some(why) = card.finding.condition.closed() {
        parts.push(format!("closed: {}", why.as_str()));
    }
    parts
}

/// ` 8.0`, as GuardDuty's console shows it. The number is cut and not rounded: 6.95 is below 7.
fn score(finding: &Finding) -> String {
    let Some(score) = finding.severity.score.filter(|score| (0.0..=10.0).contains(score)) else {
        return String::new();
    };
    let whole = format!("{score}");
    match whole.split_once('.') {
        Some((units, decimals)) => {
            format!(" {units}.{}", decimals.chars().take(2).collect::<String>())
        }
        None => format!(" {whole}.0"),
    }
}

/// A doubt about the severity or the state.
fn doubt(remark: &Remark) -> Option<String> {
    match remark {
        Remark::UnreadableSeverity(found) => Some(unreadable_severity(found)),
        Remark::OtherSeverity(other) => {
            let other = match other.is_empty() {
                true => "another severity".to_owned(),
                false => ["severity ", &code(other.as_str(), REMARK_CHARS_MAX)].concat(),
            };
            Some(format!("⚠️ It also says {other}. The worse counts."))
        }
        Remark::DisputedState => {
            Some("⚠️ It says both open and closed, so it counts as open.".to_owned())
        }
        Remark::SentByAccount(_) => None,
    }
}

fn unreadable_severity(found: &Text) -> String {
    let found = match found.is_empty() {
        true => "missing".to_owned(),
        false => format!("unreadable ({})", code(found.as_str(), REMARK_CHARS_MAX)),
    };
    format!("⚠️ Its severity is {found}, so it counts as high.")
}

/// Account and region. The name of an account is text, its id is code.
fn place(finding: &Finding, guide: &Guide) -> String {
    let id = finding.account.as_str();
    let accounts = guide.accounts.get();
    let name = account_name(finding, &accounts);
    let name = name.map(|name| literal(name, ACCOUNT_NAME_CHARS_MAX) + " ").unwrap_or_default();
    let account = match id {
        "" => name + naming::account(finding),
        id => name + &code(id, ACCOUNT_CHARS_MAX),
    };
    match naming::region(finding) {
        "" => account,
        region => [&account, " · ", &literal(region, REGION_CHARS_MAX)].concat(),
    }
}
