//! The project's own files, as the house rules read them.

use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file, taken apart.
pub struct Source {
    /// The path from the root of the package.
    pub path: String,
    pub text: String,
    /// The text without its unit tests, with a space for each character of a comment or a literal.
    pub code: String,
    /// Whether a line, counted from 0, has a comment or a part of one.
    pub has_comment: Vec<bool>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let (mut code, has_comment) = blank(text);
        if let Some(tests) = code.find("#[cfg(test)]\nmod tests") {
            code.truncate(tests);
        }
        Source { path: path.to_owned(), text: text.to_owned(), code, has_comment }
    }

    /// Lines of code: neither blank nor comments, and no unit tests.
    pub fn lines_of_code(&self) -> usize {
        self.code.lines().filter(|line| !line.trim().is_empty()).count()
    }
}

/// The Rust files under `src`, those of unit tests aside.
pub fn sources() -> Vec<Source> {
    let mut all = rust_files(&["src"]);
    all.retain(|source| !source.path.ends_with("tests.rs"));
    all
}

/// The Rust files under some folders of the package, sorted by path.
pub fn rust_files(folders: &[&str]) -> Vec<Source> {
    let files = folders.iter().flat_map(|folder| files(folder, "rs"));
    let all: Vec<Source> = files.map(|(path, text)| Source::new(&path, &text)).collect();
    assert!(all.len() > 20, "the sources were not found");
    all
}

/// The files under a folder of the package with an extension: path from the root, and text.
pub fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    collect(&root.join(folder), extension, &mut found);
    found.sort();
    let name = |path: &PathBuf| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    found.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with(".git") {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

/// What a character belongs to.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Code,
    Line,
    /// With the number of comments around it, for they nest.
    Block(usize),
    Text,
    /// With the number of `#` that end it.
    Raw(usize),
}

/// Blanks comments and the insides of strings, and names the lines with a comment.
fn blank(text: &str) -> (String, Vec<bool>) {
    let mut part = Part::Code;
    let mut code = String::with_capacity(text.len());
    let mut has_comment = vec![false];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (next, length) = step(part, rest, code.chars().next_back());
        let is_comment = |part| matches!(part, Part::Line | Part::Block(_));
        if is_comment(part) && c != '\n' || is_comment(next) {
            *has_comment.last_mut().unwrap() = true;
        }
        let keeps = part == Part::Code && !is_comment(next);
        for (at, c) in rest[..length].char_indices() {
            // Of a character literal its first tick is kept.
            let is_inside = at > 0 && rest.starts_with('\'');
            code.push(if keeps && !is_inside || c == '\n' { c } else { ' ' });
            if c == '\n' {
                has_comment.push(matches!(next, Part::Block(_)));
            }
        }
        rest = &rest[length..];
        part = next;
    }
    (code, has_comment)
}

/// What follows after the first bytes of `rest`, and how many bytes these are.
fn step(part: Part, rest: &str, before: Option<char>) -> (Part, usize) {
    let one = rest.chars().next().map_or(0, char::len_utf8);
    match part {
        Part::Code if rest.starts_with("//") => (Part::Line, 2),
        Part::Code if rest.starts_with("/*") => (Part::Block(1), 2),
        Part::Code if rest.starts_with('"') => (Part::Text, 1),
        Part::Code if rest.starts_with('\'') => (Part::Code, character(rest)),
        Part::Code if rest.starts_with('r') && !before.is_some_and(is_word) => match raw(rest) {
            Some(hashes) => (Part::Raw(hashes), hashes + 2),
            None => (Part::Code, 1),
        },
        Part::Line if rest.starts_with('\n') => (Part::Code, 1),
        Part::Block(depth) if rest.starts_with("/*") => (Part::Block(depth + 1), 2),
        Part::Block(1) if rest.starts_with("*/") => (Part::Code, 2),
        Part::Block(depth) if rest.starts_with("*/") => (Part::Block(depth - 1), 2),
        Part::Text if rest.starts_with('\\') => {
            (part, 1 + rest[1..].chars().next().map_or(0, char::len_utf8))
        }
        Part::Text if rest.starts_with('"') => (Part::Code, 1),
        Part::Raw(hashes) if rest.starts_with(&format!("\"{}", "#".repeat(hashes))) => {
            (Part::Code, hashes + 1)
        }
        _ => (part, one),
    }
}

/// The length of a character literal, or of the tick of a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, escaped))) => {
            let from = at + escaped.len_utf8();
            rest[from..].find('\'').map_or(1, |end| from + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// The number of `#` of the raw string that starts here. `br` starts with its `b`, as code does.
fn raw(rest: &str) -> Option<usize> {
    let after = &rest[1..];
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[test]
fn comments_and_strings_are_separated_from_code() {
    for (text, code, comments) in [
        ("a // b\nc", "a     \nc", [true, false].as_slice()),
        ("a /* /* b\n */ */ c", "a        \n       c", &[true, true]),
        ("\"// x\" y", "\"      y", &[false]),
        ("\"a\\\"// x\" y", "\"         y", &[false]),
        ("r#\"\"//\"# y", "r#\"      y", &[false]),
        ("'\"' // b", "'       ", &[true]),
        ("'\\'' // b", "'        ", &[true]),
        ("&'a str // b", "&'a str     ", &[true]),
    ] {
        assert_eq!(blank(text), (code.to_owned(), comments.to_vec()), "{text}");
    }
    let source = Source::new("x.rs", "a\n\n// b\nc\n#[cfg(test)]\nmod tests {}\n");
    assert_eq!(source.lines_of_code(), 2);
}
