//! Draws a post in a terminal, as a person would see it in Slack.
//!
//! No control character of the payload reaches the terminal. The result has line ends and, if
//! wanted, colour sequences made here, and no other control characters.

use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::date::utc;
use super::mrkdwn::{Part, parts};
use super::outgoing::{list, string, text_in_channel};
use crate::finding::Text;
use crate::terminal::{columns, padding};

/// The least and the most columns that are used, whatever the width of the terminal.
const COLUMNS: std::ops::RangeInclusive<usize> = 40..=100;
/// No text in a post is longer. A payload that hansho did not make may have a longer one.
const TEXT_CHARS_MAX: usize = 8_000;

/// Draws `payload` for a terminal of `width` columns; with ANSI colours if `colour`.
pub fn preview(payload: &Value, width: usize, colour: bool) -> String {
    let pen = Pen { colour, width: width.clamp(*COLUMNS.start(), *COLUMNS.end()) };
    let mut lines = Vec::new();
    for paragraph in text_in_channel(payload).lines() {
        lines.extend(pen.wrapped(paragraph, pen.width));
    }
    for block in list(payload, "blocks") {
        lines.extend(pen.block(block));
    }
    for attachment in list(payload, "attachments") {
        let bar = pen.bar(string(attachment, "color"));
        for (index, block) in list(attachment, "blocks").iter().enumerate() {
            if index == 0 {
                lines.push(String::new());
            }
            for line in pen.block(block) {
                lines.push(format!("{bar} {line}").trim_end().to_owned());
            }
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

const BOLD: &str = "1";
const DIM: &str = "2";
const CALL: &str = "1;33";

struct Pen {
    colour: bool,
    width: usize,
}

impl Pen {
    fn style(&self, code: &str, text: &str) -> String {
        match self.colour && !code.is_empty() && !text.is_empty() {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    /// The strip beside an attachment, in its own colour (`#RRGGBB`).
    fn bar(&self, hex: &str) -> String {
        let part = |at: usize| hex.get(at..at + 2).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (hex.len(), part(1), part(3), part(5)) {
            (7, Some(r), Some(g), Some(b)) => self.style(&format!("38;2;{r};{g};{b}"), "▌"),
            _ => "▌".to_owned(),
        }
    }

    fn block(&self, block: &Value) -> Vec<String> {
        let width = self.width - 2;
        match string(block, "type") {
            "context" => {
                let texts = list(block, "elements").iter().map(|element| string(element, "text"));
                texts.flat_map(|text| self.dimmed(text, width)).collect()
            }
            "divider" => vec!["─".repeat(width)],
            _ => {
                let text = block.get("text").map_or("", |text| string(text, "text"));
                let mut lines: Vec<String> =
                    text.lines().flat_map(|line| self.wrapped(line, width)).collect();
                for pair in list(block, "fields").chunks(2) {
                    lines.extend(self.pair(pair, width));
                }
                lines
            }
        }
    }

    fn dimmed(&self, text: &str, width: usize) -> Vec<String> {
        let plain = Pen { colour: false, width };
        plain.wrapped(text, width).into_iter().map(|line| self.style(DIM, &line)).collect()
    }

    /// Two fields side by side, as Slack shows them on a desktop.
    fn pair(&self, pair: &[Value], width: usize) -> Vec<String> {
        let column = (width - 2) / 2;
        let cells: Vec<Vec<String>> = pair
            .iter()
            .map(|field| {
                let text = string(field, "text");
                text.lines().flat_map(|line| self.narrow(line, column)).collect()
            })
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or_default();
        let cell = |index: usize, row: usize| {
            cells.get(index).and_then(|cell| cell.get(row)).map_or("", String::as_str)
        };
        (0..height)
            .map(|row| {
                let left = cell(0, row);
                let gap = padding(left, column + 2);
                format!("{left}{gap}{}", cell(1, row)).trim_end().to_owned()
            })
            .collect()
    }

    /// Wraps one line of Slack's markup at words, into lines of at most `width` columns. The
    /// address of a link gets a line of its own, unbroken, so that it can be copied.
    fn wrapped(&self, markup: &str, width: usize) -> Vec<String> {
        self.lines(runs(markup), width)
    }

    /// Like [`Pen::wrapped`], without addresses, for which a column is too narrow.
    fn narrow(&self, markup: &str, width: usize) -> Vec<String> {
        let mut runs = runs(markup);
        runs.retain(|run| !run.is_address);
        self.lines(runs, width)
    }

    fn lines(&self, runs: Vec<Run>, width: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        let mut used = 0;
        for run in runs {
            let pieces = if run.is_address { vec![run.text] } else { pieces(&run.text, width) };
            for (index, piece) in pieces.iter().enumerate() {
                let wide = columns(piece);
                let gap = usize::from(used > 0 && index == 0 && run.gap_before);
                let breaks = run.is_address || used + gap + wide > width;
                if used > 0 && breaks {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                } else if gap > 0 {
                    line.push(' ');
                    used += 1;
                }
                line.push_str(&self.style(run.style, piece));
                used += wide;
            }
        }
        lines.push(line);
        lines
    }
}

/// A word, or a part of a word, in one style.
struct Run {
    style: &'static str,
    text: String,
    gap_before: bool,
    is_address: bool,
}

fn runs(markup: &str) -> Vec<Run> {
    let mut runs = Runs::default();
    for (emphasis, part) in parts(markup) {
        let style = if emphasis.bold { BOLD } else { "" };
        match part {
            Part::Text(text) | Part::Code(text) => runs.push(style, &text),
            Part::Mention(name) => runs.push(CALL, &name),
            Part::Date { at, .. } => runs.push(style, &utc(at)),
            Part::Link { address, label } => {
                runs.push(style, &label.unwrap_or_default());
                runs.push_address(&address);
            }
        }
    }
    runs.done
}

#[derive(Default)]
struct Runs {
    done: Vec<Run>,
    /// White space follows the last run.
    gap: bool,
}

impl Runs {
    /// Cleans and adds a text, which may hold any character.
    fn push(&mut self, style: &'static str, text: &str) {
        for chunk in text.split_inclusive(char::is_whitespace) {
            self.gap |= chunk.starts_with(char::is_whitespace);
            let text = Text::new(chunk, TEXT_CHARS_MAX).to_string();
            if !text.is_empty() {
                self.done.push(Run { style, text, gap_before: self.gap, is_address: false });
                self.gap = false;
            }
            self.gap |= chunk.ends_with(char::is_whitespace);
        }
    }

    fn push_address(&mut self, address: &str) {
        let text = Text::new(address, TEXT_CHARS_MAX).to_string();
        self.done.push(Run { style: DIM, text, gap_before: true, is_address: true });
    }
}

/// Splits a word into pieces that fit a line.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for grapheme in word.graphemes(true) {
        let wide = columns(grapheme);
        if used + wide > width {
            pieces.push(String::new());
            used = 0;
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push_str(grapheme);
        }
        used += wide;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_take_the_place_of_the_text() {
        let text = |text| json!({"type": "mrkdwn", "text": text});
        let blocks = json!([{"type": "section", "text": text("*<https://a|headline>*")}]);
        let attachments = json!([{"color": "#D0021B", "blocks": [
            {"type": "context", "elements": [text("id `a*b`")]},
        ]}]);
        for (payload, shown) in [
            (json!({"text": "top\n*level* text"}), "top\nlevel text\n"),
            (json!({"text": "top", "blocks": blocks}), "headline\nhttps://a\n"),
            (
                json!({"text": "top", "blocks": blocks, "attachments": attachments}),
                "headline\nhttps://a\n\n▌ id a*b\n",
            ),
        ] {
            assert_eq!(preview(&payload, 80, false), shown);
        }
    }
}
