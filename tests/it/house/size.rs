//! How long files and functions are.

use super::not_yet;
use super::source::{Source, is_word, sources};

/// A longer file has two subjects.
const FILE_LINES_MAX: usize = 400;
/// A longer function does not fit a screen.
const FUNCTION_LINES_MAX: usize = 50;
const DESK_FILES_MAX: usize = 2;

/// Files that may be longer, each with its reason.
const LONG_FILES: [(&str, &str); 0] = [];
/// Functions that may be longer, each with its reason.
const LONG_FUNCTIONS: [(&str, &str); 0] = [];

fn long_file(source: &Source) -> Option<String> {
    let lines = source.lines_of_code();
    let is_long = lines > FILE_LINES_MAX && !LONG_FILES.iter().any(|(f, _)| *f == source.path);
    is_long.then(|| format!("{}: {lines} lines of code, at most {FILE_LINES_MAX}", source.path))
}

/// Each function with a body: its name, its line from 1, and how many lines of code it has.
fn functions(code: &str) -> Vec<(&str, usize, usize)> {
    let starts = code.match_indices("fn ").filter(|(at, _)| !code[..*at].ends_with(is_word));
    let function = |(at, _): (usize, &str)| {
        let rest = &code[at + 3..];
        let name = &rest[..rest.find(|c: char| !is_word(c))?];
        let body = at + code[at..].find(['{', ';']).filter(|_| !name.is_empty())?;
        let mut depth = 0;
        let end = code[body..].char_indices().find_map(|(at, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(body + at)
        })?;
        let line = code[..at].matches('\n').count() + 1;
        let lines = code[at..=end].lines().filter(|line| !line.trim().is_empty()).count();
        Some((name, line, lines))
    };
    starts.filter_map(function).collect()
}

fn long_functions(source: &Source) -> Vec<String> {
    let long = functions(&source.code).into_iter().filter(|(name, _, lines)| {
        let named = format!("{}: {name}", source.path);
        *lines > FUNCTION_LINES_MAX && !LONG_FUNCTIONS.iter().any(|(f, _)| *f == named)
    });
    long.map(|(name, line, lines)| {
        format!("{}:{line}: {name} has {lines} lines, at most {FUNCTION_LINES_MAX}", source.path)
    })
    .collect()
}

/// Whether the code has an `impl` block of the type itself, not of a trait for it.
fn has_impl_of(code: &str, name: &str) -> bool {
    code.match_indices("impl").any(|(at, _)| {
        let head = code[at + 4..].split('{').next().unwrap_or_default().trim();
        let head = match head.strip_prefix('<') {
            Some(generic) => generic.split_once('>').map_or("", |(_, rest)| rest.trim()),
            None => head,
        };
        let rest = head.strip_prefix(name);
        !head.contains(" for ") && rest.is_some_and(|rest| !rest.starts_with(is_word))
    })
}

#[test]
fn files_have_one_subject() {
    let long = sources().iter().filter_map(long_file).collect();
    not_yet::assert_none(long, not_yet::LONG_FILES);
}

#[test]
fn functions_fit_a_screen() {
    let long = sources().iter().flat_map(long_functions).collect();
    not_yet::assert_none(long, not_yet::LONG_FUNCTIONS);
}

#[test]
fn the_desk_is_made_of_parts() {
    let files = sources();
    let with_impl = files
        .iter()
        .filter(|source| source.path.starts_with("src/desk/"))
        .filter(|source| has_impl_of(&source.code, "Desk"));
    let with_impl: Vec<String> = with_impl.map(|source| format!("{}:", source.path)).collect();
    assert!(!with_impl.is_empty(), "there is no Desk");
    if with_impl.len() > DESK_FILES_MAX {
        not_yet::assert_none(with_impl, not_yet::DESK_IMPLS);
    }
}

#[test]
fn the_checks_of_size_bite() {
    let lines = |count: usize| "    let a = 1;\n\n    // no code\n".repeat(count);
    let long = |count| Source::new("x.rs", &format!("fn f(a: u8) {{\n{}}}\n", lines(count)));
    assert_eq!(long_functions(&long(FUNCTION_LINES_MAX - 2)), [""; 0]);
    assert_eq!(long_functions(&long(FUNCTION_LINES_MAX - 1)).len(), 1);
    assert_eq!(long_file(&long(FILE_LINES_MAX - 2)), None);
    assert!(long_file(&long(FILE_LINES_MAX - 1)).is_some());
    for (code, has) in [
        ("impl Desk {", true),
        ("impl<C> Desk<C> where C: Copy {", true),
        ("impl Drop for Desk {", false),
        ("impl DeskAlone {", false),
    ] {
        assert_eq!(has_impl_of(code, "Desk"), has, "{code}");
    }
}
