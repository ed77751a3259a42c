//! A line on a terminal that is drawn again and again in the same place.

use std::io::{self, IsTerminal, Stderr, Write};

use crate::logging;
use crate::terminal::{cut, is_dumb, terminal_columns};

/// The line. It is removed when this is dropped. Without a terminal nothing is drawn.
pub struct ProgressLine<W: Write> {
    out: Option<W>,
    drawn: bool,
}

impl ProgressLine<Stderr> {
    /// A line on stderr, if that is a terminal that can remove a line.
    pub fn on_stderr() -> ProgressLine<Stderr> {
        ProgressLine::new((io::stderr().is_terminal() && !is_dumb()).then(io::stderr))
    }
}

impl<W: Write> ProgressLine<W> {
    pub fn new(out: Option<W>) -> ProgressLine<W> {
        ProgressLine { out, drawn: false }
    }

    pub fn is_shown(&self) -> bool {
        self.out.is_some()
    }

    /// Draws the text, which has no control characters, in place of the one before. It is cut to
    /// the width of the terminal, because a longer one could not be removed.
    pub fn draw(&mut self, text: &str) {
        let Some(out) = &mut self.out else { return };
        let text = match terminal_columns() {
            Some(columns) => cut(text, columns.saturating_sub(1)),
            None => text.to_owned(),
        };
        // A closed terminal must not end the work.
        let _ = write!(out, "\r\x1b[K{text}").and_then(|()| out.flush());
        self.drawn = true;
        logging::line_is_drawn(true);
    }
}

impl<W: Write> Drop for ProgressLine<W> {
    fn drop(&mut self) {
        if let Some(out) = self.out.as_mut().filter(|_| self.drawn) {
            let _ = write!(out, "\r\x1b[K").and_then(|()| out.flush());
            logging::line_is_drawn(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_nothing_is_drawn() {
        let mut drawn = Vec::new();
        let mut line = ProgressLine::new(Some(&mut drawn));
        line.draw("one");
        line.draw("two");
        drop(line);
        assert_eq!(String::from_utf8(drawn).unwrap(), "\r\x1b[Kone\r\x1b[Ktwo\r\x1b[K");
        let mut drawn = Vec::new();
        drop(ProgressLine::new(Some(&mut drawn)));
        assert!(drawn.is_empty());
        let mut line: ProgressLine<Vec<u8>> = ProgressLine::new(None);
        line.draw("one");
        assert!(!line.is_shown());
    }
}
