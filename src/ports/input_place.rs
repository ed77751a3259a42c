//! Where in a file or a pipe a message began.

use std::borrow::Cow;
use std::fmt;

use crate::finding::{Rejection, Text};

/// A place with its reason must fit into a column of a table.
const FILE_CHARS_MAX: usize = 60;

/// The file, line and column that a message of an input began at. Lines and columns start at 1, and
/// columns count bytes. A compressed input counts as its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputPlace {
    file: Text,
    line: u64,
    column: u64,
}

impl InputPlace {
    pub fn new(file: &str, line: u64, column: u64) -> InputPlace {
        InputPlace { file: Text::new(&end_of(file), FILE_CHARS_MAX), line, column }
    }

    /// The reason of a rejection, with the place in the file for the one in the message.
    pub fn locate(&self, rejection: &Rejection) -> String {
        let Rejection { place, why, .. } = rejection;
        match line_and_column(place.as_str()) {
            Some((line, column)) => {
                let column =
                    if line == 1 { self.column.saturating_add(column) - 1 } else { column };
                let line = self.line.saturating_add(line) - 1;
                format!("{}: {why}", InputPlace { line, column, ..self.clone() })
            }
            None if place.is_empty() => format!("{self}: {why}"),
            None => format!("{self}, {place}: {why}"),
        }
    }

    /// As the embedded store keeps it.
    pub fn to_row(&self) -> String {
        format!("{}:{}:{}", self.line, self.column, self.file)
    }

    /// Reads [`InputPlace::to_row`]. None: it is empty, or no place.
    pub fn from_row(row: &str) -> Option<InputPlace> {
        let (line, rest) = row.split_once(':')?;
        let (column, file) = rest.split_once(':')?;
        Some(InputPlace::new(file, line.parse().ok()?, column.parse().ok()?))
    }
}

/// Writes `night.jsonl line 3 column 1`.
impl fmt::Display for InputPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {} column {}", self.file, self.line, self.column)
    }
}

/// The end of a long path tells files apart; the folder that they share can be left out.
fn end_of(path: &str) -> Cow<'_, str> {
    let Some((cut, _)) =
        path.char_indices().rev().nth(FILE_CHARS_MAX - 1).filter(|(at, _)| *at > 0)
    else {
        return path.into();
    };
    let kept = &path[cut..];
    match kept.find('/') {
        Some(folder) => format!("…{}", &kept[folder..]).into(),
        None => path.into(),
    }
}

/// Reads `line 1 column 17`. Both are at least 1.
fn line_and_column(place: &str) -> Option<(u64, u64)> {
    let (line, column) = place.strip_prefix("line ")?.split_once(" column ")?;
    let number = |text: &str| text.parse().ok().filter(|number| *number >= 1);
    Some((number(line)?, number(column)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::parse;

    #[test]
    fn reasons_name_the_place_in_the_file() {
        let place = InputPlace::new("a.json", 7, 3);
        for (body, expected) in [
            ("{\"a\":NaN}", "a.json line 7 column 8: not valid JSON"),
            ("{\n  \"a\": NaN}", "a.json line 8 column 8: not valid JSON"),
            ("{\"id\":", "a.json line 7 column 8: the JSON is cut off"),
            ("7", "a.json line 7 column 3: a number is not a finding"),
            ("[7,{}]", "a.json line 7 column 3, [1]: the object does not have the keys"),
        ] {
            let parsed = parse(body);
            let located = place.locate(parsed.rejections.last().unwrap());
            assert!(located.starts_with(expected), "{body}: {located}");
        }
    }

    #[test]
    fn places_are_read_back() {
        for place in [InputPlace::new("c:/a: b.json", 7, 3), InputPlace::new("-", 1, u64::MAX)] {
            assert_eq!(InputPlace::from_row(&place.to_row()), Some(place));
        }
        for row in ["", "1", "1:2", "x:1:f", "1:-1:f"] {
            assert_eq!(InputPlace::from_row(row), None, "{row}");
        }
    }

    #[test]
    fn a_long_path_keeps_its_end() {
        for (path, shown) in [
            (format!("/{}/night.jsonl", "builds/".repeat(9)), format!("…{}", "/builds".repeat(6))),
            (format!("/{}b.json", "é".repeat(58)), format!("/{}", "é".repeat(58))),
            (format!("/a/{}", "n".repeat(58)), format!("…/{}", "n".repeat(58))),
            (format!("/a/{}", "n".repeat(99)), format!("/a/{}", "n".repeat(56))),
            ("night.jsonl".to_owned(), "night.jsonl".to_owned()),
        ] {
            let place = InputPlace::new(&path, 3, 1);
            let file = place.file.as_str();
            assert!(file.starts_with(&shown) && file.chars().count() <= FILE_CHARS_MAX, "{file}");
            assert_eq!(InputPlace::from_row(&place.to_row()), Some(place.clone()));
        }
    }
}
