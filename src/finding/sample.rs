//! The mark of sample findings.

/// GuardDuty begins the titles of the samples that it generates with this mark.
/// Source: GuardDuty user guide, "Sample findings".
const MARK: &str = "[SAMPLE]";

/// Returns whether a title has the mark.
pub(super) fn is_marked(title: Option<&str>) -> bool {
    title.is_some_and(|title| title.trim_start().starts_with(MARK))
}

/// Returns the title without the mark.
pub fn without_mark(title: &str) -> &str {
    title.strip_prefix(MARK).map_or(title, str::trim_start)
}
