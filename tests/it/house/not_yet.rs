//! Places where a house rule does not hold yet. Each list is to become empty. No list may grow.

/// Starts of violations that are let through: a folder, a file, or `FOLDER/: a circle`.
type Places = &'static [&'static str];

pub const WIDE_COMMENTS: Places = &[];
pub const WIDE_MARKDOWN: Places = &[];
pub const CIRCLES: Places = &[];
pub const LONG_FILES: Places = &[];
pub const LONG_FUNCTIONS: Places = &[];
pub const DESK_IMPLS: Places = &[];
pub const WORDS: Places = &[];

/// Fails with all violations that are in none of the places.
pub fn assert_none(violations: Vec<String>, places: Places) {
    let new: Vec<String> = violations
        .into_iter()
        .filter(|violation| !places.iter().any(|place| violation.starts_with(place)))
        .collect();
    assert!(new.is_empty(), "{} violations:\n{}", new.len(), new.join("\n"));
}
