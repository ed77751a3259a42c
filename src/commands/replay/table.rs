//! What is shown of parked messages: a table, sums by reason, and the same for machines.
//!
//! All text from messages was cleaned when it was read ([`super::message`]) or is cleaned here, so no
//! control character of it reaches a terminal.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::finding::{Level, Text};
use crate::instants::Wall;
use crate::ports::Origin;
use crate::terminal::{columns, cut, padding};

use super::message::Message;

/// What stands where nothing is known.
const NONE: &str = "-";
const ID_CHARS: usize = 80;

/// A column: its head, and the most and the least columns that it takes.
pub struct Column {
    pub head: &'static str,
    pub most: usize,
    pub least: usize,
    pub right: bool,
}

impl Column {
    pub const fn left(head: &'static str, most: usize, least: usize) -> Column {
        Column { head, most, least, right: false }
    }

    pub const fn right(head: &'static str, most: usize) -> Column {
        Column { head, most, least: most, right: true }
    }
}

const LIST: [Column; 10] = [
    Column::right("AGE", 8),
    Column::left("SEVERITY", 13, 13),
    Column::left("REASON", 24, 13),
    Column::right("TRIES", 10),
    Column::left("ACCOUNT", 14, 12),
    Column::left("REGION", 16, 9),
    Column::left("TYPE", 46, 14),
    Column::left("TITLE", 60, 20),
    Column::left("WHERE", 44, 14),
    Column::left("ID", ID_CHARS, ID_CHARS),
];

/// The table of a list, one line a message, within `width` columns as far as that goes.
pub fn list(messages: &[&Message], now: Wall, width: Option<usize>) -> String {
    let rows: Vec<Vec<String>> = messages
        .iter()
        .map(|m| {
            let [severity, account, region, kind, title] = content(m);
            vec![
                m.at().map_or(NONE.to_owned(), |at| age(now.since(at))),
                severity,
                or_none(m.reason.as_str()),
                m.attempts.map_or(NONE.to_owned(), |n| n.to_string()),
                account,
                region,
                kind,
                title,
                or_none(m.place().as_str()),
                id(m),
            ]
        })
        .collect();
    draw(&LIST, &rows, width)
}

/// The id by which a message can be chosen, cleaned.
pub fn id(message: &Message) -> String {
    or_none(Text::new(&message.id, ID_CHARS).as_str())
}

/// Severity, account, region, type and title of the worst finding; of what is none, what is known.
pub fn content(message: &Message) -> [String; 5] {
    let Some(first) = message.findings.first() else {
        let hint = |text: &Option<Text>| text.as_ref().map_or(NONE.to_owned(), Text::to_string);
        let Message { hint: known, detail, .. } = message;
        return [
            NONE.to_owned(),
            hint(&known.account),
            hint(&known.region),
            hint(&known.kind),
            or_none(detail.as_str()),
        ];
    };
    let more = message.findings.len() - 1;
    let title = match more {
        0 => first.title.to_string(),
        _ => format!("(+{more}) {}", first.title),
    };
    [
        first.severity.level.as_str().to_owned(),
        or_none(first.account.as_str()),
        or_none(first.region.as_str()),
        or_none(first.kind.as_str()),
        or_none(&title),
    ]
}

fn or_none(text: &str) -> String {
    if text.is_empty() { NONE.to_owned() } else { text.to_owned() }
}

/// One sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    pub reason: String,
    pub messages: usize,
    pub oldest: Option<Wall>,
    pub worst: Option<Level>,
}

/// Sums by reason, the most frequent first.
pub fn sums<'a>(messages: impl Iterator<Item = &'a Message>) -> Vec<Sum> {
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    for message in messages {
        let reason = or_none(message.reason.as_str());
        let sum = sums.entry(reason.clone()).or_insert(Sum {
            reason,
            messages: 0,
            oldest: None,
            worst: None,
        });
        sum.messages += 1;
        sum.oldest = match (sum.oldest, message.at()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        sum.worst = sum.worst.max(message.level());
    }
    let mut all: Vec<Sum> = sums.into_values().collect();
    all.sort_by(|a, b| (b.messages, &a.reason).cmp(&(a.messages, &b.reason)));
    all
}

const SUMS: [Column; 4] = [
    Column::left("REASON", 64, 64),
    Column::right("MESSAGES", 10),
    Column::right("OLDEST", 8),
    Column::left("WORST", 13, 13),
];

pub fn sums_table(sums: &[Sum], now: Wall) -> String {
    let rows: Vec<Vec<String>> = sums
        .iter()
        .map(|sum| {
            vec![
                sum.reason.clone(),
                sum.messages.to_string(),
                sum.oldest.map_or(NONE.to_owned(), |at| age(now.since(at))),
                sum.worst.map_or(NONE.to_owned(), |level| level.as_str().to_owned()),
            ]
        })
        .collect();
    draw(&SUMS, &rows, None)
}

/// Two units at most: `3d4h`, `12m5s`, `0s`.
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{}s", seconds % 60),
        (0, _, _) => format!("{hours}h{minutes}m"),
        _ => format!("{days}d{hours}h"),
    }
}

/// Draws rows under heads. Each column is as wide as its content, at most as its own limit; if all
/// of it is too wide, those that can shrink do, the widest first.
pub fn draw(heads: &[Column], rows: &[Vec<String>], width: Option<usize>) -> String {
    let mut widths: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(i, column)| {
            let cells = rows.iter().filter_map(|row| row.get(i)).map(|cell| columns(cell));
            cells.max().unwrap_or(0).min(column.most).max(columns(column.head))
        })
        .collect();
    let gaps = 2 * heads.len().saturating_sub(1);
    if let Some(width) = width {
        while widths.iter().sum::<usize>() + gaps > width {
            let shrinkable = (0..heads.len()).filter(|i| widths[*i] > heads[*i].least);
            let Some(widest) = shrinkable.max_by_key(|i| widths[*i]) else { break };
            widths[widest] -= 1;
        }
    }
    let mut text = String::new();
    let head: Vec<String> = heads.iter().map(|column| column.head.to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for ((cell, column), width) in row.iter().zip(heads).zip(&widths) {
            let cell = cut(cell, *width);
            let space = padding(&cell, *width);
            let cell =
                if column.right { format!("{space}{cell}") } else { format!("{cell}{space}") };
            line.push_str(&cell);
            line.push_str("  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A message for machines.
pub fn as_json(message: &Message, now: Wall) -> Value {
    let time = |at: Option<Wall>| at.map(Wall::to_rfc3339);
    let text = |raw: &Option<String>| raw.as_deref().map(|raw| Text::new(raw, 1024).to_string());
    let origin = match &message.origin {
        Origin::Quarantine => json!({ "kind": "quarantine" }),
        Origin::EventBridge { rule, target, exhausted } => json!({
            "kind": "eventbridge",
            "rule": text(rule), "target": text(target), "exhausted": text(exhausted),
        }),
        Origin::DeadLetter { source } => json!({ "kind": "dead_letter", "source": text(source) }),
    };
    let findings: Vec<Value> = message
        .findings
        .iter()
        .map(|f| {
            json!({
                "fingerprint": f.fingerprint.to_string(),
                "id": Text::new(&f.fingerprint.id, 512).as_str(),
                "severity": f.severity.level.as_str(),
                "score": f.severity.score,
                "account": f.account.as_str(),
                "region": f.region.as_str(),
                "type": f.kind.as_str(),
                "title": f.title.as_str(),
            })
        })
        .collect();
    let rejections: Vec<Value> = message
        .rejections
        .iter()
        .map(|r| json!({ "reason": r.code.as_str(), "detail": r.to_string() }))
        .collect();
    json!({
        "id": id(message),
        "original_id": text(&message.original_id),
        "origin": origin,
        "reason": message.reason.as_str(),
        "detail": message.detail.as_str(),
        "attempts": message.attempts,
        "lane": message.lane.map(|lane| lane.as_str()),
        "where": message.place().as_str(),
        "parked_at": time(message.parked_at),
        "enqueued_at": time(message.enqueued_at),
        "age_s": message.at().map(|at| now.since(at).as_secs()),
        "severity": message.level().map(Level::as_str),
        "bytes": message.bytes,
        "findings": findings,
        "rejections": rejections,
    })
}

/// The sums for machines.
pub fn sums_json(sums: &[Sum], now: Wall) -> Vec<Value> {
    let one = |sum: &Sum| {
        json!({
            "reason": sum.reason,
            "messages": sum.messages,
            "oldest_age_s": sum.oldest.map(|at| now.since(at).as_secs()),
            "worst": sum.worst.map(Level::as_str),
        })
    };
    sums.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_two_units_at_most() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m0s"),
            (3_599, "59m59s"),
            (3_600, "1h0m"),
            (90_000, "1d1h"),
            (14 * 86_400, "14d0h"),
        ] {
            assert_eq!(age(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn tables_shrink_where_they_can() {
        const HEADS: [Column; 3] =
            [Column::right("N", 3), Column::left("TEXT", 20, 6), Column::left("ID", 4, 4)];
        let rows = vec![
            vec!["1".to_owned(), "a text that is long".to_owned(), "id-1".to_owned()],
            vec!["22".to_owned(), "半鐘半鐘半鐘".to_owned(), "id-23".to_owned()],
        ];
        let wide = " N  TEXT                 ID\n 1  a text that is long  id-1\n22  半鐘半鐘半鐘         id-…\n";
        assert_eq!(draw(&HEADS, &rows, None), wide);
        let narrow = " N  TEXT    ID\n 1  a tex…  id-1\n22  半鐘…   id-…\n";
        assert_eq!(draw(&HEADS, &rows, Some(1)), narrow);
        assert_eq!(draw(&HEADS, &[], Some(80)), "N  TEXT  ID\n");
    }
}
