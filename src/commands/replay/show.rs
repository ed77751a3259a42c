//! `hansho replay show`: one dead letter with all that is known of it, and its body.

use std::fmt::Write as _;

use serde_json::Value;

use crate::commands::exit::Exit;

use crate::finding::Text;
use crate::instants::Wall;
use crate::ports::{Clock, DeadLetterQueue, QueueError};
use crate::terminal::harmless_json;

use super::console::{CommandOutput, View};
use super::holds::{HeldDeadLetter, Holds};
use super::parsed::ParsedDeadLetter;
use super::selection::{Selection, select};
use super::table::{self, NONE, age};

/// The most messages that one id shows: the beginning of an id may be that of several, and a
/// finding may be in several messages.
const MESSAGES_MAX: usize = 5;
/// The most findings and rejections of a message that are listed, each.
const PARTS_MAX: usize = 20;
/// The most lines of a body, and characters of a line.
const BODY_LINES_MAX: usize = 400;
const LINE_CHARS_MAX: usize = 1_000;

/// Shows the messages with an id, and releases them.
///
/// # Errors
/// The queue can't be read.
pub async fn show<Q: DeadLetterQueue, C: Clock>(
    holds: &mut Holds<'_, Q, C>,
    id: &str,
    view: &View,
) -> Result<CommandOutput, QueueError> {
    let mut selection = Selection { limit: Some(MESSAGES_MAX), ..Selection::default() };
    selection.filter.ids = vec![id.to_owned()];
    let selected = select(holds, &selection, true).await?;
    holds.release_all().await;
    let mut notes = selected.notes();
    let shown = &selected.scan.admitted;
    if selected.matched > shown.len() {
        notes.push(format!(
            "{} more have this id: `hansho replay list --id` lists them",
            selected.matched - shown.len()
        ));
    }
    if shown.is_empty() {
        notes.push(format!(
            "{}: no message has this id, of {}: `hansho replay list` shows ids",
            view.queue, selected.scan.scanned
        ));
        return Ok(CommandOutput { text: String::new(), notes, exit: Exit::Failure });
    }
    let now = holds.clock.now().wall;
    let text = if view.json {
        let one = |held: &HeldDeadLetter| {
            let mut value = table::as_json(&held.parsed, now);
            value["body"] = held.dead_letter.body.as_str().into();
            value
        };
        let all = Value::from(shown.iter().map(one).collect::<Vec<_>>());
        format!("{}\n", harmless_json(all.to_string()))
    } else {
        let all: Vec<String> = shown.iter().map(|held| message(held, now, view)).collect();
        all.join("\n")
    };
    Ok(CommandOutput { text, notes, exit: Exit::Done })
}

/// A message, in lines.
fn message(held: &HeldDeadLetter, now: Wall, view: &View) -> String {
    let letter = &held.parsed;
    let mut text = format!("{}\n", table::id(letter));
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() && value != NONE {
            let _ = writeln!(text, "{name:>12}  {value}");
        }
    };
    let when = |at: Wall| format!("{}, {} ago", at.to_rfc3339(), age(now.since(at)));
    line("quarantined", &letter.quarantined_at.map(when).unwrap_or_default());
    line("sent", &letter.enqueued_at.map(when).unwrap_or_default());
    line("failed at", letter.failed_at().as_str());
    line("tries", &letter.attempts.map(|n| n.to_string()).unwrap_or_default());
    line("reason", letter.reason.as_str());
    line("detail", letter.detail.as_str());
    let parts = parts(letter, view);
    for (name, value) in parts.iter().take(PARTS_MAX) {
        line(name, value);
    }
    let more = parts.len().saturating_sub(PARTS_MAX);
    if more > 0 {
        line("", &format!("and {more} more"));
    }
    line("body", &format!("{} bytes", letter.bytes));
    text.push('\n');
    text.push_str(&body(&held.dead_letter.body));
    text
}

/// The findings of a message and what was rejected in it, or what can be read of it.
fn parts(letter: &ParsedDeadLetter, view: &View) -> Vec<(&'static str, String)> {
    let accounts = view.guide.accounts.get();
    let [severity, account, region, kind, _] = table::content(letter);
    let mut parts: Vec<(&'static str, String)> = match letter.findings.is_empty() {
        true => {
            let title = letter.hint.title.as_ref().map_or(NONE.to_owned(), Text::to_string);
            let account = accounts.label(&account);
            let known = [severity, account, region, kind, title];
            let known: Vec<&str> =
                known.iter().map(String::as_str).filter(|text| *text != NONE).collect();
            let is_hint = letter.hint != Default::default();
            is_hint.then(|| ("perhaps", known.join(" · "))).into_iter().collect()
        }
        false => letter
            .findings
            .iter()
            .map(|finding| {
                let account = accounts.label(finding.account.as_str());
                let known = [
                    finding.severity.level.as_str(),
                    &account,
                    finding.region.as_str(),
                    finding.kind.as_str(),
                    finding.title.as_str(),
                ];
                ("finding", known.join(" · "))
            })
            .collect(),
    };
    if !letter.findings.is_empty() || letter.rejections.len() > 1 {
        let rejected = letter.rejections.iter();
        parts.extend(rejected.map(|rejection| {
            let text = format!("{}: {rejection}", rejection.code.as_str());
            ("rejected", Text::new(&text, LINE_CHARS_MAX).into_string())
        }));
    }
    parts
}

/// The body, indented if it is JSON. No control character of it reaches a terminal.
fn body(body: &str) -> String {
    let laid_out = serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok());
    let lines = laid_out.as_deref().unwrap_or(body).lines();
    let mut text = String::new();
    for line in lines.clone().take(BODY_LINES_MAX) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let _ = writeln!(
            text,
            "{:indent$}{}",
            "",
            Text::new(line, LINE_CHARS_MAX),
            indent = indent.min(LINE_CHARS_MAX)
        );
    }
    let more = lines.count().saturating_sub(BODY_LINES_MAX);
    if more > 0 {
        let _ = writeln!(text, "… and {more} more lines: `hansho replay export` has all of them");
    }
    text
}
