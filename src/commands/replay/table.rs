//! Dead letters as a table, and as JSON.
//!
//! [`super::parsed`] cleaned most texts; the others are cleaned here. No control character of a
//! message reaches a terminal.

use serde_json::{Value, json};

use crate::finding::{Finding, Level, Text};
use crate::instants::Wall;
use crate::ports::Origin;

use super::console::View;
use super::parsed::{Hint, ParsedDeadLetter};
pub use crate::commands::table::{NONE, TableColumn, age, draw, or_none};

const ID_CHARS: usize = 80;

const LIST: [TableColumn; 10] = [
    TableColumn::right("AGE", 8),
    TableColumn::left("SEVERITY", 13, 13),
    TableColumn::left("REASON", 24, 13),
    TableColumn::right("TRIES", 10),
    TableColumn::left("ACCOUNT", 34, 12),
    TableColumn::left("REGION", 16, 9),
    TableColumn::left("TYPE", 46, 14),
    TableColumn::left("TITLE", 120, 20),
    TableColumn::left("FAILED AT", 44, 14),
    TableColumn::left("ID", ID_CHARS, ID_CHARS),
];

/// The table of `list`, one line for each message. Narrow terminals get shorter columns.
pub fn list(letters: &[&ParsedDeadLetter], now: Wall, view: &View) -> String {
    let rows: Vec<Vec<String>> = letters
        .iter()
        .map(|m| {
            let [severity, account, region, kind, title] = content(m);
            vec![
                m.at().map_or(NONE.to_owned(), |at| age(now.since(at))),
                severity,
                or_none(m.reason.as_str()),
                m.attempts.map_or(NONE.to_owned(), |n| n.to_string()),
                view.guide.accounts.get().label(&account),
                region,
                kind,
                title,
                or_none(m.failed_at().as_str()),
                id(m),
            ]
        })
        .collect();
    draw(&LIST, &rows, view.width)
}

/// The id for `--id`, cleaned.
pub fn id(letter: &ParsedDeadLetter) -> String {
    or_none(Text::new(&letter.id, ID_CHARS).as_str())
}

/// Severity, account, region, type and title of the most severe finding. A message without a
/// finding has what can be read of it, with the detail before the title.
pub fn content(letter: &ParsedDeadLetter) -> [String; 5] {
    let Some(first) = letter.findings.first() else {
        let hint = |text: &Option<Text>| text.as_ref().map_or(NONE.to_owned(), Text::to_string);
        let ParsedDeadLetter { hint: known, detail, .. } = letter;
        let title = match (&known.title, detail.is_empty()) {
            (Some(title), false) => format!("{detail} · {title}"),
            (Some(title), true) => title.to_string(),
            (None, _) => or_none(detail.as_str()),
        };
        return [
            hint(&known.severity),
            hint(&known.account),
            hint(&known.region),
            hint(&known.kind),
            title,
        ];
    };
    let more = letter.findings.len() - 1;
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

/// Adds a line for each count that is not zero.
pub fn add_counts(lines: &mut Vec<String>, counts: &[(usize, &str)]) {
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    lines.extend(counts.map(|(count, what)| format!("{count:>8} {what}")));
}

/// A message as JSON.
pub fn as_json(letter: &ParsedDeadLetter, now: Wall) -> Value {
    let time = |at: Option<Wall>| at.map(Wall::to_rfc3339);
    let rejections: Vec<Value> = letter
        .rejections
        .iter()
        .map(|r| json!({ "reason": r.code.as_str(), "detail": r.to_string() }))
        .collect();
    json!({
        "id": id(letter),
        "original_id": long_text(&letter.original_id),
        "origin": origin_json(&letter.origin),
        "reason": letter.reason.as_str(),
        "detail": letter.detail.as_str(),
        "attempts": letter.attempts,
        "lane": letter.lane.map(|lane| lane.as_str()),
        "failed_at": letter.failed_at().as_str(),
        "quarantined_at": time(letter.quarantined_at),
        "enqueued_at": time(letter.enqueued_at),
        "age_s": letter.at().map(|at| now.since(at).as_secs()),
        "severity": letter.level().map(Level::as_str),
        "bytes": letter.bytes,
        "findings": letter.findings.iter().map(finding_json).collect::<Vec<_>>(),
        "rejections": rejections,
        "hint": hint_json(&letter.hint),
    })
}

fn origin_json(origin: &Origin) -> Value {
    match origin {
        Origin::Quarantine => json!({ "kind": "quarantine" }),
        Origin::EventBridge { rule, target, exhausted } => json!({
            "kind": "eventbridge",
            "rule": long_text(rule),
            "target": long_text(target),
            "exhausted": long_text(exhausted),
        }),
        Origin::DeadLetter { source } => {
            json!({ "kind": "dead_letter", "source": long_text(source) })
        }
    }
}

/// What can be read of a message without a finding. It is not verified.
fn hint_json(hint: &Hint) -> Value {
    let text = |text: &Option<Text>| text.as_ref().map(Text::to_string);
    json!({
        "severity": text(&hint.severity),
        "account": text(&hint.account),
        "region": text(&hint.region),
        "type": text(&hint.kind),
        "title": text(&hint.title),
    })
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "fingerprint": finding.fingerprint.to_string(),
        "id": Text::new(&finding.fingerprint.id, 512).as_str(),
        "severity": finding.severity.level.as_str(),
        "score": finding.severity.score,
        "account": finding.account.as_str(),
        "region": finding.region.as_str(),
        "type": finding.kind.as_str(),
        "title": finding.title.as_str(),
    })
}

fn long_text(raw: &Option<String>) -> Option<String> {
    raw.as_deref().map(|raw| Text::new(raw, 1024).to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        const HEADS: [TableColumn; 3] = [
            TableColumn::right("N", 3),
            TableColumn::left("TEXT", 20, 6),
            TableColumn::left("ID", 4, 4),
        ];
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
