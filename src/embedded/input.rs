//! Splits a file or a pipe into messages: JSON lines, one document, or an array.
//!
//! A malformed line becomes a message like any other, and spoils none of its neighbours. The worker
//! quarantines it with its reason when it parses it.

use std::cell::Cell;
use std::io::{self, BufRead};
use std::ops::ControlFlow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::finding;

/// The longest document of several lines, in bytes. Typically it is an array of findings.
pub const DOCUMENT_BYTES_MAX: usize = 256 << 20;

/// Reads `input` to its end and passes each message to `message`, until `message` breaks.
pub fn split(
    input: impl BufRead,
    mut message: impl FnMut(String) -> ControlFlow<()>,
) -> io::Result<()> {
    let ended = Cell::new(false);
    let mut message = |body| {
        if !ended.get() {
            ended.set(message(body).is_break());
        }
    };
    let mut document = Document::default();
    let mut first = true;
    let mut lines = input;
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = (DOCUMENT_BYTES_MAX - document.text.len()) as u64 + 1;
        let read = io::Read::take(&mut lines, limit).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        if read as u64 == limit && line.last() != Some(&b'\n') {
            let why = format!(
                "a document of more than {DOCUMENT_BYTES_MAX} bytes: split it into JSON lines"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let text = String::from_utf8_lossy(&line);
        let text = if first { text.trim_start_matches('\u{feff}') } else { &text };
        first = false;
        document.push(text, &mut |whole| elements(whole, &mut message));
        if ended.get() {
            return Ok(());
        }
    }
    document.close(&mut |whole| elements(whole, &mut message));
    Ok(())
}

/// Passes on each element of an array, or of an API's answer (`{"Findings": […]}`), as a message.
/// Together the elements may be longer than a message can be. Any other text is one message.
fn elements(text: String, message: &mut impl FnMut(String)) {
    let inside = match text.trim_start_matches('{').trim_start() {
        inside if inside.starts_with(r#""Findings""#) || inside.starts_with(r#""findings""#) => {
            serde_json::from_str::<Answer>(&text).ok().map(|answer| answer.findings)
        }
        inside if inside.starts_with('[') => serde_json::from_str(&text).ok(),
        _ => None,
    };
    match inside {
        Some(all) => all.into_iter().for_each(|element| message(element.get().to_owned())),
        None => message(text),
    }
}

/// An answer of the APIs that list findings.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, alias = "Findings")]
    findings: Vec<&'a RawValue>,
}

/// A document that may go over several lines, and the position that is reached in it.
#[derive(Default)]
struct Document {
    text: String,
    /// The open brackets. Brackets deeper than in any finding are only counted, in `depth`.
    open: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Document {
    /// Adds a line, and passes on the document if the line completes it.
    fn push(&mut self, line: &str, out: &mut impl FnMut(String)) {
        if self.text.is_empty() && line.trim().is_empty() {
            return;
        }
        // The line is a whole document while another one is open, so the open one was cut off.
        if !self.text.is_empty() && is_document(line) && !self.may_go_on_with(line) {
            self.close(out);
        }
        self.scan(line);
        self.text.push_str(line);
        // No JSON string contains the end of a line.
        if self.depth == 0 || self.in_string {
            self.close(out);
        }
    }

    /// Passes on the text so far, complete or not.
    fn close(&mut self, out: &mut impl FnMut(String)) {
        let text = std::mem::take(self).text;
        salvage(text.trim(), out);
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
                b'{' | b'[' if !self.in_string => {
                    if self.open.len() == self.depth && self.depth < finding::MAX_DEPTH {
                        self.open.push(byte);
                    }
                    self.depth += 1;
                }
                b'}' | b']' if !self.in_string => {
                    self.depth = self.depth.saturating_sub(1);
                    self.open.truncate(self.depth);
                }
                _ => {}
            }
        }
    }
}

/// Whether the line is a complete object.
fn is_document(line: &str) -> bool {
    line.trim_start().starts_with('{') && serde_json::from_str::<&RawValue>(line.trim()).is_ok()
}

/// Passes on the text if it is one document. Otherwise it passes on the parts that can be saved:
/// documents one after another, the elements of an array that was cut off, and single lines. The
/// rest is passed on unchanged, and the worker quarantines it with its reason.
fn salvage(text: &str, out: &mut impl FnMut(String)) {
    if text.is_empty() {
        return;
    }
    if serde_json::from_str::<&RawValue>(text).is_ok() {
        return out(text.to_owned());
    }
    if let Some(all) = sequence(text) {
        return all.into_iter().for_each(|value| out(value.to_owned()));
    }
    let lines = pieces(text);
    if lines.len() > 1 {
        return lines.iter().for_each(|piece| salvage(piece.trim(), out));
    }
    match text.strip_prefix('[') {
        Some(elements) => cut_off(elements, out),
        None => out(text.to_owned()),
    }
}

/// The values of a text that has only values, with white space, commas or record separators between
/// them. Source: RFC 7464, for the record separator.
fn sequence(text: &str) -> Option<Vec<&str>> {
    let mut values = Vec::new();
    let mut rest = skip(text);
    while !rest.is_empty() {
        let value = first_value(rest)?;
        values.push(value);
        rest = skip(&rest[value.len()..]);
    }
    Some(values)
}

/// Passes on the elements of an array that has no end, and the element that was cut off.
fn cut_off(elements: &str, out: &mut impl FnMut(String)) {
    let mut rest = skip(elements);
    while let Some(value) = first_value(rest) {
        out(value.to_owned());
        rest = skip(&rest[value.len()..]);
    }
    if !rest.trim_matches([']', ' ', '\n', '\r', '\t']).is_empty() {
        out(rest.to_owned());
    }
}

fn first_value(text: &str) -> Option<&str> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let value = values.next()?.ok()?.get();
    text.starts_with(value).then_some(value)
}

fn skip(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n', ',', '\u{1e}'])
}

/// The lines that start a document or are messages by themselves, each with its continuation:
/// indented lines and closing brackets. A line of brackets and commas alone is left out.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut alone = true;
    for line in text.split_inclusive('\n') {
        if line.trim_matches(['[', ']', ',', ' ', '\t', '\r', '\n']).is_empty() {
            alone = true;
            continue;
        }
        let document = is_document(line.trim_end().trim_end_matches(','));
        let goes_on = line.starts_with([' ', '\t', '}', ']', ',']) && !document && !alone;
        match pieces.last_mut() {
            Some(piece) if goes_on => piece.push_str(line),
            _ => pieces.push(line.to_owned()),
        }
        alone = document;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(input: &str) -> Vec<String> {
        let mut all = Vec::new();
        split(input.as_bytes(), |m| {
            all.push(m);
            ControlFlow::Continue(())
        })
        .unwrap();
        all
    }

    #[test]
    fn splits_lines_documents_and_arrays() {
        for (input, expected) in [
            ("", vec![]),
            ("\n \n", vec![]),
            ("{\"a\":1}\n{\"a\":2}\n", vec!["{\"a\":1}", "{\"a\":2}"]),
            ("{\"a\":1}\n\n{\"a\":2}", vec!["{\"a\":1}", "{\"a\":2}"]),
            ("\u{feff}{\"a\":1}\r\n{\"a\":2}\r\n", vec!["{\"a\":1}", "{\"a\":2}"]),
            ("[{\"a\":1},{\"a\":2}]", vec!["{\"a\":1}", "{\"a\":2}"]),
            ("[\n {\"a\":1},\n {\n  \"a\": 2\n }\n]\n", vec!["{\"a\":1}", "{\n  \"a\": 2\n }"]),
            (
                "{\n \"a\": {\n  \"b\": \"}{\"\n }\n}\n{\"c\":1}\n",
                vec!["{\n \"a\": {\n  \"b\": \"}{\"\n }\n}", "{\"c\":1}"],
            ),
            ("{\"F\":[\n{\"a\":1},\n{\"a\":2}\n]}", vec!["{\"F\":[\n{\"a\":1},\n{\"a\":2}\n]}"]),
            ("{\n\"a\":\n[\n{\n\"b\":1}\n]\n}", vec!["{\n\"a\":\n[\n{\n\"b\":1}\n]\n}"]),
            ("[\n{\"a\":1},\n{\"a\":2}\n]\n{\"a\":3}", vec!["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"]),
            (
                "{\"Findings\":[{\"a\":1},\n {\"a\":2}],\"NextToken\":\"x\"}",
                vec!["{\"a\":1}", "{\"a\":2}"],
            ),
            ("{\"findings\":7}", vec!["{\"findings\":7}"]),
            ("[]", vec![]),
        ] {
            assert_eq!(messages(input), expected, "{input:?}");
        }
    }

    #[test]
    fn what_is_malformed_stays_a_message_and_leaves_its_neighbours_alone() {
        for (input, expected) in [
            ("not json\n{\"a\":1}\n", vec!["not json", "{\"a\":1}"]),
            ("{\"a\":\n{\"a\":1}\n{\"a\":2}\n", vec!["{\"a\":", "{\"a\":1}", "{\"a\":2}"]),
            ("{\"a\":\"x\n{\"a\":1}\n", vec!["{\"a\":\"x", "{\"a\":1}"]),
            ("{\"a\":1}}\n{\"a\":2}\n", vec!["{\"a\":1}}", "{\"a\":2}"]),
            ("{\n \"a\": 1,\n", vec!["{\n \"a\": 1,"]),
            ("{\"a\":0,\n{\"a\":1,\n", vec!["{\"a\":0,", "{\"a\":1,"]),
            (
                "{\"a\":0,\n{\"a\":1,\nx\n{\"a\":2}",
                vec!["{\"a\":0,", "{\"a\":1,", "x", "{\"a\":2}"],
            ),
            ("{\"a\":[\n{\"a\":1}\n{\"a\":2}\n", vec!["{\"a\":[", "{\"a\":1}", "{\"a\":2}"]),
            ("[{\"a\":1},\n{\"a\":2}\n{\"a\":3}\n", vec!["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"]),
            ("[{\"a\":1}\n{\"a\":2}\n", vec!["{\"a\":1}", "{\"a\":2}"]),
            ("5\nnull\n", vec!["5", "null"]),
        ] {
            assert_eq!(messages(input), expected, "{input:?}");
        }
    }

    #[test]
    fn documents_are_found_however_they_stand() {
        let two = vec!["{\"a\":1}", "{\"a\":2}"];
        for input in [
            "{\"a\":1}{\"a\":2}",
            "{\"a\":1} {\"a\":2}\n",
            "{\"a\":1},\n{\"a\":2},\n",
            "{\"a\":1}\r{\"a\":2}",
            "\u{1e}{\"a\":1}\n\u{1e}{\"a\":2}\n",
            "[{\"a\":1},{\"a\":2},]",
            "[{\"a\":1},{\"a\":2},",
            "[\n  {\"a\":1},\n  {\"a\":2}\n",
            "[\n{\"a\":1},\n{\"a\":2},\n]",
        ] {
            assert_eq!(messages(input), two, "{input:?}");
        }
        for (input, expected) in [
            ("{\n \"a\": 1\n}{\n \"a\": 2\n}", vec!["{\n \"a\": 1\n}", "{\n \"a\": 2\n}"]),
            ("{\"cut\":\n {\"a\":1}\n {\"a\":2}\n", vec!["{\"cut\":", "{\"a\":1}", "{\"a\":2}"]),
            (
                "{\"cut\":1,\nnull\n42\n\"x\"\nhello",
                vec!["{\"cut\":1,", "null", "42", "\"x\"", "hello"],
            ),
            ("[{\"a\":1},{\"cut\":", vec!["{\"a\":1}", "{\"cut\":"]),
            ("{\"a\":\n  {\"b\":1}\n}", vec!["{\"a\":\n  {\"b\":1}\n}"]),
        ] {
            assert_eq!(messages(input), expected, "{input:?}");
        }
    }

    #[test]
    fn invalid_utf8_is_kept_as_a_message() {
        let mut all = Vec::new();
        split(&b"{\"a\":\"\xff\"}\n{\"a\":2}\n"[..], |m| {
            all.push(m);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(all, ["{\"a\":\"\u{fffd}\"}", "{\"a\":2}"]);
    }
}
