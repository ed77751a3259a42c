//! Words that the glossary of ARCHITECTURE.md replaces.

use super::not_yet;
use super::source::{is_word, sources};

/// The word, and what is written instead.
const REPLACED: [(&str, &str); 9] = [
    ("park", "quarantine"),
    ("parks", "quarantines"),
    ("parked", "quarantined"),
    ("told", "posted"),
    ("untold", "not yet posted"),
    ("handed back", "returned"),
    ("hands back", "returns"),
    ("hand back", "return"),
    ("glance", "snapshot"),
];

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
fn the_sources_use_the_words_of_the_glossary() {
    let sources = sources();
    let all = sources.iter().flat_map(|source| found(&source.path, &source.text)).collect();
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
