//! An explanation as lines for a terminal: each finding, then its events, a line each. All text is
//! already cleaned.

use std::fmt::Write;

use crate::policy::route::UNMATCHED;

use super::answer::{About, ExplainedFinding, Explanation, HistoryEvent};

pub fn text(explanation: &Explanation) -> String {
    let mut out = String::new();
    for finding in &explanation.findings {
        write_finding(&mut out, finding);
        out.push('\n');
    }
    for rejected in &explanation.rejected {
        // Writing to a String can't fail.
        let _ = writeln!(
            out,
            "not a finding: {} ({}); the worker quarantines such a message\n",
            rejected.reason, rejected.detail
        );
    }
    for (name, count) in &explanation.ignored {
        let events = if *count == 1 { "event" } else { "events" };
        let _ = writeln!(
            out,
            "no finding ({name}): {count} {events}, which the worker counts and drops\n"
        );
    }
    if !explanation.events.is_empty() {
        let _ = writeln!(out, "Messages without a finding");
        write_events(&mut out, &explanation.events);
        out.push('\n');
    }
    for note in &explanation.notes {
        let _ = writeln!(out, "{note}");
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn write_finding(out: &mut String, finding: &ExplainedFinding) {
    let _ = match &finding.account_name {
        Some(name) => writeln!(out, "{} ({name})", finding.finding),
        None => writeln!(out, "{}", finding.finding),
    };
    if let Some(about) = &finding.about {
        let _ = writeln!(out, "  {}", headline(about));
    }
    if finding.unmatched == Some(true) {
        let _ = writeln!(out, "  It {UNMATCHED}, for the reasons below");
    }
    if !finding.known {
        let owed_nowhere = finding.destinations.iter().all(|d| d.owed == Some(false));
        let _ = writeln!(
            out,
            "  {}",
            match owed_nowhere {
                true => "NOT OWED to any destination now, for the reasons below. NO TRACE of it",
                false =>
                    "NO TRACE of it: no record in the ledger, no message in a queue that was searched",
            }
        );
    }
    write_events(out, &finding.events);
}

fn headline(about: &About) -> String {
    let mut parts = vec![match about.score {
        Some(score) => format!("{} ({score})", about.level),
        None => about.level.to_owned(),
    }];
    if about.severity_unreadable {
        parts.push("its severity can't be read, and counts as high".to_owned());
    }
    if about.sample {
        parts.push("sample".to_owned());
    }
    if let Some(action) = &about.requested_by {
        parts.push(format!("requested by action {action}"));
    }
    parts.extend(about.closed.as_ref().map(|closed| closed.words.clone()));
    parts.push(about.title.clone());
    if about.kind != about.title {
        parts.push(about.kind.clone());
    }
    parts.join(" · ")
}

/// `2026-07-22T18:47:17Z  security  posted  …`
fn write_events(out: &mut String, events: &[HistoryEvent]) {
    let width =
        |of: &dyn Fn(&HistoryEvent) -> usize| events.iter().map(of).max().unwrap_or_default();
    let time = width(&|event| event.at.as_deref().unwrap_or("now").chars().count());
    let place = width(&|event| destination(event).chars().count());
    let word = width(&|event| event.event.len());
    for event in events {
        let _ = writeln!(
            out,
            "  {:time$}  {:place$}  {:word$}  {}",
            event.at.as_deref().unwrap_or("now"),
            destination(event),
            event.event.replace('_', " "),
            event.detail,
        );
    }
}

fn destination(event: &HistoryEvent) -> &str {
    event.destination.as_deref().unwrap_or("-")
}
