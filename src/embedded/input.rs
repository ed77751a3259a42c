//! Splitting what a file or a pipe holds into messages: JSON lines, one document, or an array.
//!
//! A malformed line must not take its neighbours with it, and must not vanish either: it becomes a
//! message like any other, and is parked with its reason when it is parsed.

use std::io::{self, BufRead};

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::Incoming;

/// The longest document that is put together from several lines: an array of findings, typically.
pub const DOCUMENT_BYTES_MAX: usize = 256 << 20;

/// Reads `input` to its end and hands over its messages one by one.
pub fn split(input: impl BufRead, mut message: impl FnMut(String)) -> io::Result<()> {
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
        for whole in document.push(text) {
            elements(whole, &mut message);
        }
    }
    if let Some(rest) = document.take() {
        elements(rest, &mut message);
    }
    Ok(())
}

/// The id of a message by its place and its content, so that reading the same file again after a
/// crash puts nothing in twice that is still there.
pub fn identify(index: u64, body: String) -> Incoming {
    let mut hash = Sha256::new();
    hash.update(index.to_be_bytes());
    hash.update(body.as_bytes());
    let id: String = hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect();
    Incoming { message_id: format!("input-{id}"), body }
}

/// An array's elements are messages for themselves; anything else is one message.
fn elements(text: String, message: &mut impl FnMut(String)) {
    if text.starts_with('[')
        && let Ok(all) = serde_json::from_str::<Vec<&RawValue>>(&text)
    {
        all.into_iter().for_each(|element| message(element.get().to_owned()));
    } else {
        message(text);
    }
}

/// A document that may go over several lines, and where in it we are.
#[derive(Default)]
struct Document {
    text: String,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Document {
    /// Adds a line; answers with what is complete now.
    fn push(&mut self, line: &str) -> Vec<String> {
        let mut out = Vec::new();
        if line.trim().is_empty() {
            if !self.text.is_empty() {
                self.text.push_str(line);
            }
            return out;
        }
        // A line that is a document by itself, while another is open: the open one was cut off.
        if !self.text.is_empty() && !self.expects_element() && is_document(line) {
            out.extend(self.take());
        }
        self.scan(line);
        self.text.push_str(line);
        // No JSON string goes over a line's end.
        if self.depth == 0 || self.in_string {
            out.extend(self.take());
        }
        out
    }

    /// In an array, where the next line may well be a whole document: an element.
    fn expects_element(&self) -> bool {
        self.depth == 1
            && self.text.starts_with('[')
            && matches!(self.text.trim_end().as_bytes().last(), Some(b'[' | b','))
    }

    fn scan(&mut self, line: &str) {
        for byte in line.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'{' | b'[' if !self.in_string => self.depth += 1,
                b'}' | b']' if !self.in_string => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    fn take(&mut self) -> Option<String> {
        let text = std::mem::take(self).text.trim().to_owned();
        (!text.is_empty()).then_some(text)
    }
}

/// Starts at the first column, as JSON lines do and the inside of a pretty-printed document does
/// not, and is complete.
fn is_document(line: &str) -> bool {
    line.starts_with('{') && serde_json::from_str::<&RawValue>(line.trim()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(input: &str) -> Vec<String> {
        let mut all = Vec::new();
        split(input.as_bytes(), |m| all.push(m)).unwrap();
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
            ("{\n \"a\": {\n  \"b\": \"}{\"\n }\n}\n{\"c\":1}\n", vec!["{\n \"a\": {\n  \"b\": \"}{\"\n }\n}", "{\"c\":1}"]),
            ("{\n\"a\":\n[\n{\n\"b\":1}\n]\n}", vec!["{\n\"a\":\n[\n{\n\"b\":1}\n]\n}"]),
            ("[\n{\"a\":1},\n{\"a\":2}\n]\n{\"a\":3}", vec!["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"]),
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
            ("[{\"a\":1}\n{\"a\":2}\n", vec!["[{\"a\":1}", "{\"a\":2}"]),
            ("5\nnull\n", vec!["5", "null"]),
        ] {
            assert_eq!(messages(input), expected, "{input:?}");
        }
    }

    #[test]
    fn invalid_utf8_is_kept_as_a_message() {
        let mut all = Vec::new();
        split(&b"{\"a\":\"\xff\"}\n{\"a\":2}\n"[..], |m| all.push(m)).unwrap();
        assert_eq!(all, ["{\"a\":\"\u{fffd}\"}", "{\"a\":2}"]);
    }

    #[test]
    fn the_same_place_and_content_have_the_same_id() {
        let id = |index, body: &str| identify(index, body.to_owned()).message_id;
        assert_eq!(id(1, "a"), id(1, "a"));
        assert_ne!(id(1, "a"), id(2, "a"));
        assert_ne!(id(1, "a"), id(1, "b"));
    }
}
