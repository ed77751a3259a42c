//! Lines become documents: a JSON text of one or of several lines.

use serde_json::value::RawValue;

use crate::finding;

use super::elements::elements;
use super::position::{Position, Positions};
use super::salvage::salvage;

/// A document that may go over several lines, and the position that is reached in it.
#[derive(Default)]
pub(super) struct Document {
    text: String,
    /// The line of the input that it begins in.
    first_line: u64,
    /// The open brackets. Brackets deeper than in any finding are only counted, in `depth`.
    open: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// A bracket does not fit, or a string has no end. The end of such a document is where another
    /// one begins.
    damaged: bool,
}

impl Document {
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Adds a line, and passes on the messages of the document if the line completes it.
    pub fn push(&mut self, line: &str, number: u64, out: &mut impl FnMut(&str, Position)) {
        if self.text.is_empty() && line.trim().is_empty() {
            return;
        }
        if !self.text.is_empty() && self.ends_before(line) {
            self.close(out);
        }
        if self.text.is_empty() {
            self.first_line = number;
        }
        self.scan(line);
        self.text.push_str(line);
        // The last bracket is never deeper than the first one, where lines are indented.
        self.damaged |= self.depth == 0 && indentation(line) > indentation(&self.text);
        if self.depth == 0 && !self.damaged {
            self.close(out);
        }
    }

    /// Passes on the messages of the text so far, complete or not.
    pub fn close(&mut self, out: &mut impl FnMut(&str, Position)) {
        let Document { text, first_line, .. } = std::mem::take(self);
        let mut positions = Positions::new(&text, first_line);
        let mut message = |message: &str| out(message, positions.of(message));
        salvage(text.trim(), &mut |part| elements(part, &mut message));
    }

    /// A damaged document ends before a line that begins a document. Any other one was cut off, if
    /// the line is a whole document and no part of it.
    fn ends_before(&self, line: &str) -> bool {
        match self.damaged {
            true => !line.starts_with([' ', '\t', '}', ']', ',', '"', '\r', '\n']),
            false => is_document(line) && !self.may_go_on_with(line),
        }
    }

    /// Whether a line that is a whole document may be a part of the open document: an element of an
    /// array, or a value after its key in an indented document.
    fn may_go_on_with(&self, line: &str) -> bool {
        let last = self.text.trim_end().as_bytes().last();
        let in_array = self.open.last() == Some(&b'[') && self.open.len() == self.depth;
        let indented = line.starts_with([' ', '\t']);
        (in_array && matches!(last, Some(b'[' | b','))) || (indented && last == Some(&b':'))
    }

    fn scan(&mut self, line: &str) {
        for byte in line.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'{' | b'[' if !self.in_string => self.go_down(byte),
                b'}' | b']' if !self.in_string => self.go_up(byte),
                _ => {}
            }
        }
        // No JSON string contains the end of a line.
        self.damaged |= self.in_string;
        (self.in_string, self.escaped) = (false, false);
    }

    fn go_down(&mut self, bracket: u8) {
        if self.open.len() == self.depth && self.depth < finding::MAX_DEPTH {
            self.open.push(bracket);
        }
        self.depth += 1;
    }

    fn go_up(&mut self, bracket: u8) {
        // The codes of two brackets that fit differ by two: { and }, [ and ].
        let fits = |open: &u8| *open == bracket - 2;
        let known = self.open.len() == self.depth;
        self.damaged |= self.depth == 0 || (known && !self.open.last().is_some_and(fits));
        self.depth = self.depth.saturating_sub(1);
        self.open.truncate(self.depth);
    }
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// Whether the line is a complete object.
pub(super) fn is_document(line: &str) -> bool {
    line.trim_start().starts_with('{') && serde_json::from_str::<&RawValue>(line.trim()).is_ok()
}
