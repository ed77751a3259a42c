//! Silences as a table, as text and as JSON. Their texts are cleaned here.

use std::fmt::Write;

use serde_json::{Value, json};

use super::import::Change;
use crate::commands::table::{NONE, TableColumn, age, draw};
use crate::finding::Text;
use crate::instants::Wall;
use crate::policy::kept_back::KeptBack;
use crate::policy::silence::{Silence, Silences};
use crate::terminal::terminal_columns;
use crate::words::noun;

const LIST: [TableColumn; 8] = [
    TableColumn::left("ID", 40, 8),
    TableColumn::left("STATE", 8, 8),
    TableColumn::left("ENDS", 12, 8),
    TableColumn::left("COVERS", 13, 6),
    TableColumn::left("KEPT BACK", 20, 9),
    TableColumn::left("KEEPS BACK", 200, 20),
    TableColumn::left("OWNER", 60, 8),
    TableColumn::left("BECAUSE", 300, 16),
];

/// Longer rules are cut.
const RULES_CHARS_MAX: usize = 2_000;

fn shown(silences: &Silences, all: bool, now: Wall) -> impl Iterator<Item = &Silence> {
    silences.iter().filter(move |silence| all || !silence.has_ended(now))
}

/// What silences kept back.
pub struct Counted {
    /// Today and in the six days before.
    pub week: KeptBack,
    /// Since each began.
    pub all: KeptBack,
}

pub fn list(silences: &Silences, counted: &Counted, all: bool, now: Wall) -> String {
    let rows: Vec<Vec<String>> =
        shown(silences, all, now).map(|silence| cells(silence, counted, now).into()).collect();
    if rows.is_empty() { String::new() } else { draw(&LIST, &rows, terminal_columns()) }
}

fn cells(silence: &Silence, counted: &Counted, now: Wall) -> [String; 8] {
    let ends = match silence.has_ended(now) {
        true => format!("{} ago", age(now.since(silence.until))),
        false => format!("in {}", age(silence.until.since(now))),
    };
    [
        silence.id.clone(),
        state(silence, now).to_owned(),
        ends,
        covers(silence),
        counted.all.by(silence).to_string(),
        rules(silence),
        silence.owner.as_ref().map_or(NONE.to_owned(), ToString::to_string),
        silence.because.to_string(),
    ]
}

fn covers(silence: &Silence) -> String {
    format!("{}{}", silence.covers, if silence.covers.rank() > 0 { "-" } else { "" })
}

fn rules(silence: &Silence) -> String {
    Text::new(&silence.in_words(), RULES_CHARS_MAX).into_string()
}

pub fn state(silence: &Silence, now: Wall) -> &'static str {
    match () {
        () if silence.has_ended(now) => "ended",
        () if silence.is_in_force(now) => "in force",
        () => "to come",
    }
}

pub fn one(silence: &Silence, counted: &Counted, now: Wall) -> String {
    let (week, all) = (counted.week.by(silence).number, counted.all.by(silence));
    let kept_back = match all.number {
        0 => all.to_string(),
        number => format!("{all} {}, {week} in the last 7 days", noun(number, "alert")),
    };
    let owner = silence.owner.as_ref().map_or(NONE.to_owned(), ToString::to_string);
    let mut text = String::new();
    for (head, cell) in [
        ("id", silence.id.clone()),
        ("state", state(silence, now).to_owned()),
        ("from", silence.from.to_rfc3339()),
        ("until", silence.until.to_rfc3339()),
        ("keeps back", rules(silence)),
        ("covers", format!("{} and less severe", silence.covers)),
        ("because", silence.because.to_string()),
        ("owner", owner),
        ("kept back", kept_back),
    ] {
        // Writing to a String can't fail.
        _ = writeln!(text, "{head:<10} {cell}");
    }
    text
}

pub fn one_json(silence: &Silence, now: Wall) -> Value {
    let mut value = json!(silence.entry());
    if let Some(members) = value.as_object_mut() {
        members.insert("state".to_owned(), state(silence, now).into());
    }
    value
}

/// As [`one_json`], with what it kept back.
pub fn counted_json(silence: &Silence, counted: &Counted, now: Wall) -> Value {
    let mut value = one_json(silence, now);
    if let Some(members) = value.as_object_mut() {
        let (week, all) = (counted.week.by(silence).number, counted.all.by(silence));
        let kept_back = json!({ "alerts": all.number, "last_7_days": week, "exact": all.exact });
        members.insert("kept_back".to_owned(), kept_back);
    }
    value
}

pub fn list_json(silences: &Silences, counted: &Counted, all: bool, now: Wall) -> Value {
    let shown = shown(silences, all, now).map(|silence| counted_json(silence, counted, now));
    json!({ "silences": shown.collect::<Vec<_>>() })
}

/// How many there are, for a person.
pub fn summary(silences: &Silences, unreadable: usize, now: Wall) -> String {
    let in_force = silences.in_force(now);
    let mut text = format!("{in_force} in force");
    let to_come = silences.iter().filter(|silence| state(silence, now) == "to come").count();
    if to_come > 0 {
        _ = write!(text, ", {to_come} to come");
    }
    if unreadable > 0 {
        _ = write!(text, ", {unreadable} of a newer version of hansho can't be read");
    }
    text
}

/// `+ weekly-scan: type Recon:EC2/*, until …`
pub fn changes(changes: &[Change]) -> String {
    let mut text = String::new();
    for change in changes {
        let Change { sign, silence, before } = change;
        _ = writeln!(text, "{sign} {}: {}", silence.id, line(silence));
        if let Some(before) = before {
            _ = writeln!(text, "  before: {}", line(before));
        }
    }
    text
}

fn line(silence: &Silence) -> String {
    let until = silence.until.to_rfc3339();
    let owner = silence.owner.as_ref().map(|owner| format!(", {owner}")).unwrap_or_default();
    let (rules, covers, because) = (rules(silence), silence.covers, &silence.because);
    format!("{rules}; covers {covers}; until {until}; because {because}{owner}")
}

pub fn changes_json(changes: &[Change], now: Wall) -> Value {
    let change = |change: &Change| {
        json!({
            "change": change.word(),
            "silence": one_json(&change.silence, now),
            "before": change.before.as_ref().map(|before| one_json(before, now)),
        })
    };
    json!({ "changes": changes.iter().map(change).collect::<Vec<_>>() })
}
