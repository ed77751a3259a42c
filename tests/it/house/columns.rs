//! How wide comments and Markdown are.

use super::not_yet;
use super::source::{Source, files, rust_files};

const COMMENT_COLUMNS_MAX: usize = 100;
const MARKDOWN_COLUMNS_MAX: usize = 120;

fn wide_comments(source: &Source) -> Vec<String> {
    let lines = source.text.lines().zip(&source.has_comment).enumerate();
    let wide = lines.filter(|(_, (line, has_comment))| {
        **has_comment && line.chars().count() > COMMENT_COLUMNS_MAX
    });
    wide.map(|(at, (line, _))| place(&source.path, at, line)).collect()
}

/// A row of a table and a line without a space can't be broken.
fn wide_markdown(path: &str, text: &str) -> Vec<String> {
    let can_break =
        |line: &str| !line.starts_with('|') && line.trim_start_matches(['-', ' ']).contains(' ');
    let lines = text.lines().enumerate();
    let wide =
        lines.filter(|(_, l)| l.chars().count() > MARKDOWN_COLUMNS_MAX && can_break(l.trim()));
    wide.map(|(at, line)| place(path, at, line)).collect()
}

fn place(path: &str, at: usize, line: &str) -> String {
    format!("{path}:{}: {} columns", at + 1, line.chars().count())
}

#[test]
fn comments_fit_100_columns() {
    let sources = rust_files(&["src", "tests", "benches"]);
    let wide = sources.iter().flat_map(wide_comments).collect();
    not_yet::assert_none(wide, not_yet::WIDE_COMMENTS);
}

#[test]
fn markdown_fits_120_columns() {
    let wide = files(".", "md").iter().flat_map(|(path, text)| wide_markdown(path, text)).collect();
    not_yet::assert_none(wide, not_yet::WIDE_MARKDOWN);
}

#[test]
fn the_checks_of_columns_bite() {
    let long = "x".repeat(COMMENT_COLUMNS_MAX);
    for (text, count) in [
        (format!("// {long}"), 1),
        (format!("let a = 1; // {long}"), 1),
        (format!("/*\n{long}y\n*/"), 1),
        (format!("let a = \"// {long}\";"), 0),
        (format!("//{}", &long[2..]), 0),
    ] {
        assert_eq!(wide_comments(&Source::new("x.rs", &text)).len(), count, "{text}");
    }
    let words = "word ".repeat(MARKDOWN_COLUMNS_MAX / 5) + "more";
    for (text, count) in [
        (words.clone(), 1),
        (format!("- {words}"), 1),
        (format!("| {words} |"), 0),
        (format!("- {}", "x".repeat(200)), 0),
        (words[..MARKDOWN_COLUMNS_MAX].to_owned(), 0),
    ] {
        assert_eq!(wide_markdown("x.md", &text).len(), count, "{text}");
    }
}
