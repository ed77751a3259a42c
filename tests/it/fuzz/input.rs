//! The splitter of files: nothing is lost or invented, and one damaged element spoils no other.

use std::io::{Cursor, Read};
use std::ops::ControlFlow;

use hansho::embedded::input::{Position, decode, split};
use serde_json::value::RawValue;
use serde_json::{Value, json};

const ELEMENTS: usize = 4;

/// The first byte chooses: a file as it is, or a list of findings with a damaged one.
pub fn input(bytes: &[u8]) {
    match bytes.split_first() {
        Some((b'!', how)) => damaged(how),
        _ => whole(bytes),
    }
}

fn messages(text: &[u8]) -> Vec<(String, Position)> {
    let mut all = Vec::new();
    split(text, |message, at| {
        all.push((message, at));
        ControlFlow::Continue(())
    })
    .unwrap();
    all
}

fn whole(bytes: &[u8]) {
    let mut text = Vec::new();
    let Ok(mut decoded) = decode(Cursor::new(bytes.to_vec())) else { return };
    // A packed input may be damaged in the middle, or very long.
    if decoded.by_ref().take(1 << 20).read_to_end(&mut text).is_err() {
        return;
    }
    let messages = messages(&text);
    let text = String::from_utf8_lossy(&text);
    let first = text.len() - text.trim_start_matches('\u{feff}').len();
    let ends = text.match_indices('\n').map(|(at, _)| at + 1);
    let starts: Vec<usize> = [first].into_iter().chain(ends).collect();
    let mut end = first;
    for (message, at) in messages {
        let [line, column] =
            [at.line, at.column].map(|number| usize::try_from(number - 1).unwrap());
        let begin = starts[line] + column;
        assert!(text[begin..].starts_with(&message), "invented: {message:?} at {at:?} of {text:?}");
        assert!(begin >= end, "twice: {message:?} of {text:?}");
        assert!(is_nothing(&text[end..begin]), "lost: {:?} of {text:?}", &text[end..begin]);
        end = begin + message.len();
    }
    assert!(is_nothing(&text[end..]), "lost: {:?} of {text:?}", &text[end..]);
}

/// Whether a text has only separators, brackets, and what an API's answer has around its list.
fn is_nothing(text: &str) -> bool {
    let separator = [' ', '\t', '\r', '\n', ',', '[', ']', '{', '}', '\u{1e}'];
    let mut rest = text;
    loop {
        let before = rest;
        rest = rest.trim_start_matches(|c: char| separator.contains(&c) || c.is_whitespace());
        if rest.is_empty() {
            return true;
        }
        let Some((key, after)) = value(rest).filter(|(key, _)| key.starts_with('"')) else {
            return false;
        };
        let Some(after) = after.trim_start().strip_prefix(':') else { return false };
        let skipped = &before[..before.len() - rest.len()];
        if [r#""Findings""#, r#""findings""#].contains(&key) {
            rest = after;
            continue;
        }
        // Members after the list, such as a NextToken.
        let behind_the_list = text[..text.len() - rest.len()].contains(']');
        match value(after.trim_start()) {
            Some((_, after)) if behind_the_list && skipped.contains(',') => rest = after,
            _ => return false,
        }
    }
}

fn value(text: &str) -> Option<(&str, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let value = values.next()?.ok()?.get();
    Some((value, text.strip_prefix(value)?))
}

fn element(number: usize) -> Value {
    json!({
        "schemaVersion": "2.0", "id": format!("id-{number}"), "accountId": "111122223333",
        "region": "eu-west-1", "type": "Recon:EC2/Portscan", "severity": 8,
        "title": "a [b] {c}, \"d\" and \\", "service": {"archived": false},
        "resource": {"resourceType": "Instance", "tags": [{"key": "a"}, {"key": "b"}]},
    })
}

/// Bytes that say where and how one element is damaged: the form of the list, the element, the
/// place in it, what is left out there, and what is put there instead. Inside of the element and in
/// one byte, as a fault of a disk or a program is.
fn damaged(how: &[u8]) {
    let [form, spoiled, place, left_out, new @ ..] = how else { return };
    let all: Vec<Value> = (0..ELEMENTS).map(element).collect();
    let text = match form % 5 {
        0 => serde_json::to_string(&all).unwrap(),
        1 => serde_json::to_string_pretty(&all).unwrap(),
        2 => json!({"Findings": all}).to_string(),
        3 => serde_json::to_string_pretty(&json!({"findings": all})).unwrap(),
        _ => all.iter().map(|one| format!("{one}\n")).collect(),
    };
    let spoiled = usize::from(*spoiled) % ELEMENTS;
    let id = text.find(&format!("id-{spoiled}")).unwrap();
    let at = id - 4 + usize::from(*place) % 150;
    let mut bytes = text.clone().into_bytes();
    let new = new.iter().take(1).filter(|byte| byte.is_ascii() && !byte.is_ascii_control());
    bytes.splice(at..at + usize::from(left_out % 2), new.copied());
    let read = |(message, _): &(String, Position)| serde_json::from_str::<Value>(message).ok();
    let messages = messages(&bytes);
    let values: Vec<Value> = messages.iter().filter_map(read).collect();
    for (number, one) in all.iter().enumerate().filter(|(number, _)| *number != spoiled) {
        let found = values.iter().filter(|value| *value == one).count();
        let shown = String::from_utf8_lossy(&bytes);
        assert_eq!(found, 1, "{number} with {spoiled} spoiled in\n{shown}\n{messages:#?}");
    }
}
