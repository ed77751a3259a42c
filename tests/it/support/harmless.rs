//! Texts that people with bad intentions write, and what every output keeps whatever they wrote.

use serde_json::Value;

pub fn texts() -> Vec<String> {
    serde_json::from_str(include_str!("../../fixtures/hostile/texts.json")).unwrap()
}

/// Nothing in it is obeyed by a terminal, or shows it in another order.
pub fn check_text(text: &str) {
    let bad = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let line = text.lines().find(|line| line.contains(bad));
    assert_eq!(line, None);
}

/// As [`check_text`], and it is JSON.
pub fn check_json(text: &str) -> Value {
    // A terminal shows it too.
    check_text(text);
    serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"))
}

/// The page has no element, attribute or link that runs or loads anything.
pub fn check_html(page: &str) {
    const FOREIGN: [&str; 6] = ["script", "img", "iframe", "svg/onload=alert(1)", "object", "link"];
    check_text(page);
    assert!(page.contains("default-src 'none'"));
    for piece in page.split('<').skip(1) {
        let tag = piece.split('>').next().unwrap_or_default();
        let name = tag.trim_start_matches('/').split_whitespace().next().unwrap_or_default();
        assert!(!FOREIGN.contains(&name), "<{tag}>");
        let mut attributes = tag.split('"').step_by(2).flat_map(str::split_whitespace);
        assert!(!attributes.any(|attribute| attribute.starts_with("on")), "<{tag}>");
        assert!(!tag.contains("=\"javascript:"), "<{tag}>");
    }
}
