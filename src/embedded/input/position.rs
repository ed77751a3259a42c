//! Where the messages of an input begin.

/// A line and a column, which both start at 1. Columns count bytes, as in serde_json.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: u64,
    pub column: u64,
}

/// Finds the positions of parts of a text. It is quick for parts in the order of the text.
pub(super) struct Positions<'t> {
    text: &'t str,
    first_line: u64,
    /// The offset up to which lines are counted, with its line and where that line begins.
    at: usize,
    line: u64,
    line_start: usize,
}

impl<'t> Positions<'t> {
    /// `first_line` is the line of the input in which `text` begins.
    pub fn new(text: &'t str, first_line: u64) -> Positions<'t> {
        Positions { text, first_line, at: 0, line: first_line, line_start: 0 }
    }

    /// The position of a part, which must be a slice of the text.
    pub fn of(&mut self, part: &str) -> Position {
        let offset = part.as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        if offset < self.at {
            *self = Positions::new(self.text, self.first_line);
        }
        let passed = self.text.as_bytes().get(self.at..offset).unwrap_or_default();
        for (at, _) in passed.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            self.line += 1;
            self.line_start = self.at + at + 1;
        }
        self.at = offset;
        Position { line: self.line, column: (offset - self.line_start) as u64 + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_counted_in_any_order() {
        let text = "ab\ncd\n\nef";
        let mut positions = Positions::new(text, 7);
        for (from, line, column) in [(0, 7, 1), (4, 8, 2), (7, 10, 1), (8, 10, 2), (1, 7, 2)] {
            assert_eq!(positions.of(&text[from..]), Position { line, column }, "{from}");
        }
    }
}
