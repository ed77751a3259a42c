//! A story as lines for a terminal: for each finding what it is, then one line for each thing in the
//! order of time. All text in it was cleaned before.

use std::fmt::Write;

use super::answer::{About, Chapter, Event, Story};

/// Writes the whole story.
pub fn text(story: &Story) -> String {
    let mut out = String::new();
    for chapter in &story.findings {
        write_chapter(&mut out, chapter);
        out.push('\n');
    }
    for rejected in &story.rejected {
        // Infallible, as it is a String.
        let _ = writeln!(
            out,
            "no finding: {} ({}); the worker parks such a message\n",
            rejected.reason, rejected.detail
        );
    }
    if !story.events.is_empty() {
        let _ = writeln!(out, "the message");
        write_events(&mut out, &story.events);
        out.push('\n');
    }
    for note in &story.notes {
        let _ = writeln!(out, "{note}");
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn write_chapter(out: &mut String, chapter: &Chapter) {
    let _ = writeln!(out, "{}", chapter.finding);
    if let Some(about) = &chapter.about {
        let _ = writeln!(out, "  {}", headline(about));
    }
    if !chapter.known {
        let owed_to_nobody = chapter.destinations.iter().all(|d| d.owed == Some(false));
        let _ = writeln!(
            out,
            "  {}",
            match owed_to_nobody {
                true => "NOT OWED to anybody now, being below every threshold; and no trace of it",
                false =>
                    "NO TRACE of it: no row in the ledger, nor in a queue that was looked into",
            }
        );
    }
    write_events(out, &chapter.events);
}

fn headline(about: &About) -> String {
    let mut parts = vec![match about.score {
        Some(score) => format!("{} ({score})", about.level),
        None => about.level.to_owned(),
    }];
    if about.severity_unreadable {
        parts.push("its severity can't be read and counts as high".to_owned());
    }
    if about.sample {
        parts.push("sample".to_owned());
    }
    if about.archived {
        parts.push("archived".to_owned());
    }
    parts.push(about.title.clone());
    if about.kind != about.title {
        parts.push(about.kind.clone());
    }
    parts.join(" · ")
}

/// `2026-07-22T18:47:17Z  security  posted  …`
fn write_events(out: &mut String, events: &[Event]) {
    let width = |of: &dyn Fn(&Event) -> usize| events.iter().map(of).max().unwrap_or_default();
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

fn destination(event: &Event) -> &str {
    event.destination.as_deref().unwrap_or("-")
}
