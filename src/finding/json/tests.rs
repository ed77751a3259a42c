//! Compares the pass with serde_json: both accept the same texts and read the same values.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::limits::{self, MAX_DEPTH};
use super::*;

/// Whether serde_json accepts a text within the limits of size and depth.
fn is_json(text: &str) -> bool {
    limits::check(text).is_ok() && serde_json::from_str::<&RawValue>(text).is_ok()
}

/// The value as serde_json would have read it.
fn value(json: Json<'_>) -> Value {
    match json.kind() {
        Kind::String => Value::String(json.text().unwrap().into_owned()),
        Kind::Array => json.items().map(value).collect(),
        Kind::Object => {
            let entries = json.entries().map(|(key, json)| (key.into_owned(), value(json)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Kind::Null | Kind::Bool | Kind::Number => serde_json::from_str(json.raw()).unwrap(),
    }
}

/// Panics where the two differ; true if it is JSON.
fn agree(text: &str) -> bool {
    let document = Document::read(text);
    assert_eq!(document.is_some(), is_json(text), "{text}");
    let Some(document) = document else { return false };
    assert_eq!(document.root().raw(), text.trim_matches([' ', '\n', '\r', '\t']));
    // Halves of surrogate pairs and numbers that no f64 holds are JSON, but no `Value`.
    if let Ok(expected) = serde_json::from_str::<Value>(text) {
        assert_eq!(value(document.root()), expected, "{text}");
    }
    true
}

#[test]
fn takes_what_the_grammar_allows_and_nothing_else() {
    for (text, is_json) in [
        ("null", true),
        (" true\r\n\t", true),
        ("false", true),
        ("nul", false),
        ("nulll", false),
        ("True", false),
        ("0", true),
        ("-0", true),
        ("01", false),
        ("-", false),
        ("+1", false),
        ("1.", false),
        (".5", false),
        ("1.50", true),
        ("1e5", true),
        ("1E+5", true),
        ("1e-", false),
        ("1e999", true),
        ("1 2", false),
        (r#""""#, true),
        (r#""plain text, longer than eight bytes""#, true),
        (r#""seven b\u0041\n\"\\\/""#, true),
        (r#""\ud83d""#, true),
        (r#""\u12g4""#, false),
        (r#""\u123"#, false),
        (r#""\x""#, false),
        (r#"""#, false),
        (r#""\"#, false),
        ("\"tab\there\"", false),
        ("\"1234567\n\"", false),
        ("\"\u{7f}é日本\u{10ffff}\"", true),
        ("\u{a0}1", false),
        ("[]", true),
        ("[ ]", true),
        ("[1,]", false),
        ("[,1]", false),
        ("[1 2]", false),
        ("[1,[2,[3]],{}]", true),
        ("[1}", false),
        ("[", false),
        ("]", false),
        ("{}", true),
        ("{ }", true),
        (r#"{"a":1,"b":{"c":[]},"a":2}"#, true),
        (r#"{ "a" : 1 , "b" : 2 }"#, true),
        (r#"{"a":1,}"#, false),
        (r#"{"a"}"#, false),
        (r#"{"a":}"#, false),
        (r#"{"a":1]"#, false),
        ("{1:2}", false),
        ("{a:1}", false),
        ("", false),
        (" ", false),
    ] {
        assert_eq!(agree(text), is_json, "{text}");
    }
}

/// Each byte that may end plain text, at each place in the sixteen, beside those that look alike.
#[test]
fn plain_text_ends_where_it_should() {
    for at in 0..36 {
        for byte in
            (0..=0x7f_u8).map(char::from).chain(['é', '\u{80}', '\u{a2}', '\u{dc}', '\u{2022}'])
        {
            for before in ['a', '!', '#', '[', ']', ' ', '\u{a2}'] {
                let before = String::from(before).repeat(at);
                agree(&format!("\"{before}{byte}!#[] and more, by sixteen and again sixteen\""));
                let escaped = serde_json::to_string(&byte).unwrap().replace('"', "");
                if byte != '"' {
                    assert!(agree(&format!("\"{before}{escaped}, and more after an escape\"")));
                }
            }
        }
    }
}

#[test]
fn depth_and_size_are_bounded() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(agree(&nested(MAX_DEPTH)));
    assert!(!agree(&nested(MAX_DEPTH + 1)));
    let objects = |n: usize| format!("{}1{}", r#"{"a":"#.repeat(n), "}".repeat(n));
    assert!(agree(&objects(MAX_DEPTH)));
    assert!(!agree(&objects(MAX_DEPTH + 1)));
    assert!(agree(&format!("[{}]", vec![nested(MAX_DEPTH - 1); 50].join(","))));
    assert!(agree(&format!("1{}", " ".repeat(MAX_BYTES - 1))));
    assert!(!agree(&format!("1{}", " ".repeat(MAX_BYTES))));
    let most = format!("[{}1]", "1,".repeat(MAX_BYTES / 2 - 2));
    assert_eq!(Document::read(&most).unwrap().root().items().count(), MAX_BYTES / 2 - 1);
}

#[test]
fn parts_are_found_behind_others() {
    let text = r#" {"a":{"b":[1,{"c":"x"},[]]},"k\u0065y":"v\n","n":null} "#;
    let root = json(text);
    let entries: Vec<_> = root.entries().map(|(key, value)| (key, value.raw())).collect();
    let inner = r#"{"b":[1,{"c":"x"},[]]}"#;
    let expected = [("a", inner), ("key", r#""v\n""#), ("n", "null")];
    assert_eq!(entries, expected.map(|(key, raw)| (key.into(), raw)));
    let (_, a) = root.entries().next().unwrap();
    let (_, b) = a.entries().next().unwrap();
    assert_eq!(b.items().map(Json::raw).collect::<Vec<_>>(), ["1", r#"{"c":"x"}"#, "[]"]);
    assert_eq!((b.entries().count(), a.items().count(), root.text()), (0, 0, None));
    let (_, text) = root.entries().nth(1).unwrap();
    assert_eq!(text.text().as_deref(), Some("v\n"));
}

/// Documents damaged at random, from a seed: cut, joined, and with what JSON is made of in the
/// wrong place.
#[test]
fn damaged_documents_are_judged_alike() {
    const PARTS: [&str; 24] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u00e9",
        "\\ud83d",
        "null",
        "true",
        "-",
        "0",
        "1e5",
        ".",
        " ",
        "\n",
        "\t",
        "\u{1}",
        "é",
        "\"key\":",
        "\"text\"",
        "[[[[[[[[[[[[[[[[",
    ];
    let whole = include_str!("../../../tests/fixtures/findings/guardduty-instance.json");
    let compact = serde_json::from_str::<Value>(whole).unwrap().to_string();
    let mut random = fastrand::Rng::with_seed(7);
    let mut valid = 0;
    for _ in 0..4_000 {
        let mut text: Vec<char> = if random.bool() { &compact } else { whole }.chars().collect();
        for _ in 0..random.usize(1..3) {
            let at = random.usize(..text.len());
            let end = (at + random.usize(..30)).min(text.len());
            match random.u8(..4) {
                0 => text.truncate(at + 1),
                1 => drop(text.drain(at..end)),
                2 => {
                    let copy: Vec<char> = text[at..end].to_vec();
                    let to = random.usize(..=text.len());
                    text.splice(to..to, copy);
                }
                _ => {
                    let part = PARTS[random.usize(..PARTS.len())];
                    text.splice(at..at, part.chars());
                }
            }
            if text.is_empty() {
                break;
            }
        }
        valid += usize::from(agree(&text.into_iter().collect::<String>()));
    }
    assert!(valid > 100, "only {valid} were JSON");
}
