//! Words that the glossary of ARCHITECTURE.md replaces.

use super::not_yet;
use super::source::{files, is_word, rust_files, sources};

/// The word, and what is written instead.
const REPLACED: [(&str, &str); 18] = [
    ("park", "quarantine"),
    ("parks", "quarantines"),
    ("parked", "quarantined"),
    ("told", "posted"),
    ("untold", "not yet posted"),
    ("handed back", "returned"),
    ("hands back", "returns"),
    ("hand back", "return"),
    ("glance", "snapshot"),
    ("hand_back_after", "return_after"),
    ("anew", "again"),
    ("trouble", "outage, or failure"),
    ("is away", "is unreachable"),
    ("being away", "being unreachable"),
    ("while away", "while unreachable"),
    ("makes room", "frees space"),
    ("make room", "free space"),
    ("asked for again", "requested again"),
];

/// It names the words, so it is not checked.
const THIS_FILE: &str = "tests/it/house/words.rs";

fn found(path: &str, text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.to_lowercase();
        for (word, instead) in REPLACED {
            let whole = |from: usize| {
                let after = &line[from + word.len()..];
                !line[..from].ends_with(is_word) && !after.starts_with(is_word)
            };
            if line.match_indices(word).any(|(from, _)| whole(from)) {
                all.push(format!("{path}:{}: \"{word}\": write \"{instead}\"", at + 1));
            }
        }
    }
    all
}

#[test]
fn the_project_uses_the_words_of_the_glossary() {
    let rust = sources().into_iter().chain(rust_files(&["tests", "benches"]));
    let mut texts: Vec<_> = rust.map(|file| (file.path, file.text)).collect();
    texts.retain(|(path, _)| path != THIS_FILE);
    texts.extend(files("docs", "md"));
    texts.extend(files("infra", "yaml"));
    let all = texts.iter().flat_map(|(path, text)| found(path, text)).collect();
    not_yet::assert_none(all, not_yet::WORDS);
}

#[test]
fn the_check_of_words_bites() {
    for (text, count) in [
        ("// Parked whole", 1),
        ("// It is handed back, and told", 2),
        ("let parked_at = 1; // a sparkle", 0),
    ] {
        assert_eq!(found("x.rs", text).len(), count, "{text}");
    }
}
