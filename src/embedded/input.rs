//! Splitting what a file or a pipe holds into messages: JSON lines, one document, or an array.
//!
//! A malformed line must not take its neighbours with it, and must not vanish either: it becomes a
//! message like any other, and is parked with its reason when it is parsed.

use std::cell::Cell;
use std::io::{self, BufRead};
use std::ops::ControlFlow;

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::finding;

use super::Incoming;

/// The longest document that is put together from several lines: an array of findings, typically.
pub const DOCUMENT_BYTES_MAX: usize = 256 << 20;

/// Reads `input` to its end and hands over its messages one by one, until nobody takes them.
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

/// The id of a message by its place and its content, so that reading the same file again after a
/// crash puts nothing in twice that is still there.
pub fn identify(input: &str, index: u64, body: String) -> Incoming {
    let mut hash = Sha256::new();
    hash.update((input.len() as u64).to_be_bytes());
    hash.update(input.as_bytes());
    hash.update(index.to_be_bytes());
    hash.update(body.as_bytes());
    let id: String = hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect();
    Incoming { message_id: format!("input-{id}"), body }
}

/// The elements of an array are messages for themselves, and so are those of an API's answer
/// (`{"Findings": […]}`), which may be more and longer than one message can hold. Anything else is
/// one message.
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

/// What the APIs' lists of findings look like.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, alias = "Findings")]
    findings: Vec<&'a RawValue>,
}

/// A document that may go over several lines, and where in it we are.
#[derive(Default)]
struct Document {
    text: String,
    /// The open brackets; what is deeper than any finding is only counted.
    open: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Document {
    /// Adds a line, and hands over what is complete now.
    fn push(&mut self, line: &str, out: &mut impl FnMut(String)) {
        if self.text.is_empty() && line.trim().is_empty() {
            return;
        }
        // A line that is a document by itself, while another is open: the open one was cut off.
        if !self.text.is_empty() && is_document(line) && !self.may_go_on_with(line) {
            self.close(out);
        }
        self.scan(line);
        self.text.push_str(line);
        // No JSON string goes over a line's end.
        if self.depth == 0 || self.in_string {
            self.close(out);
        }
    }

    /// Hands over what there is.
    fn close(&mut self, out: &mut impl FnMut(String)) {
        let text = std::mem::take(self).text;
        salvage(text.trim(), out);
    }

    /// Whether a line that is a whole document may be a part of the open one: an element of an
    /// array, or, in a document that is indented, a value after its key.
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

/// Is an object, and complete.
fn is_document(line: &str) -> bool {
    line.trim_start().starts_with('{') && serde_json::from_str::<&RawValue>(line.trim()).is_ok()
}

/// Hands over one document; or, if the text is none, what can be made of it: documents one after
/// another, the elements of an array that was cut off, and every line that stands for itself. What
/// is left is handed over as it is, to be parked with its reason.
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

/// The values of a text that is nothing but values, with white space, commas or record separators
/// (RFC 7464) between them.
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

/// The elements of an array that has no end, and the one that was cut off.
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

/// The lines that start a document or stand for themselves, each with those that go on with it:
/// indented ones, and closing brackets. A line with nothing but brackets and commas is no piece.
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

    #[test]
    fn the_same_place_and_content_have_the_same_id() {
        let id = |input, index, body: &str| identify(input, index, body.to_owned()).message_id;
        assert_eq!(id("f", 1, "a"), id("f", 1, "a"));
        assert_ne!(id("f", 1, "a"), id("f", 2, "a"));
        assert_ne!(id("f", 1, "a"), id("f", 1, "b"));
        assert_ne!(id("f", 1, "a"), id("g", 1, "a"));
    }
}
