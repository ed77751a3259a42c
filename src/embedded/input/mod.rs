//! Splits a file or a pipe into messages: JSON lines, one document, or an array.
//!
//! What is malformed becomes a message like any other, and spoils none of its neighbours. The
//! worker quarantines it with its reason when it parses it.

use std::cell::Cell;
use std::io::{self, BufRead};
use std::ops::ControlFlow;

mod document;
mod elements;
mod encoding;
mod position;
mod salvage;

pub use encoding::decode;
pub use position::Position;

use document::Document;

/// The longest document of several lines, in bytes. Typically it is an array of findings.
pub const DOCUMENT_BYTES_MAX: usize = 256 << 20;

/// Reads `input` to its end and passes each message to `message`, with the place where it begins,
/// until `message` breaks.
pub fn split(
    input: impl BufRead,
    mut message: impl FnMut(String, Position) -> ControlFlow<()>,
) -> io::Result<()> {
    let ended = Cell::new(false);
    let mut message = |body: &str, at| {
        if !ended.get() {
            ended.set(message(body.to_owned(), at).is_break());
        }
    };
    let mut document = Document::default();
    let mut number = 0;
    let mut lines = input;
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = (DOCUMENT_BYTES_MAX - document.len()) as u64 + 1;
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
        let text = if number == 0 { text.trim_start_matches('\u{feff}') } else { &text };
        number += 1;
        document.push(text, number, &mut message);
        if ended.get() {
            return Ok(());
        }
    }
    document.close(&mut message);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(input: &str) -> Vec<String> {
        let mut all = Vec::new();
        split(input.as_bytes(), |m, _| {
            all.push(m);
            ControlFlow::Continue(())
        })
        .unwrap();
        all
    }

    #[test]
    fn each_message_has_its_place() {
        for (input, expected) in [
            ("{\"a\":1}\n\nnot json\n  {\"a\":2}\n", vec![(1, 1), (3, 1), (4, 3)]),
            ("[\n {\"a\":1},\n {\n  \"a\": 2\n }\n]\n", vec![(2, 2), (3, 2)]),
            (
                "\n{\"Findings\": [{\"a\":1},\n {\"a\":NaN},\n{\"a\":2}]}",
                vec![(2, 15), (3, 2), (4, 1)],
            ),
            ("{\"a\":1}{\"a\":2}", vec![(1, 1), (1, 8)]),
        ] {
            let mut places = Vec::new();
            split(input.as_bytes(), |_, at| {
                places.push((at.line, at.column));
                ControlFlow::Continue(())
            })
            .unwrap();
            assert_eq!(places, expected, "{input:?}");
        }
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
            ("{\"cut\":\n {\"a\":1}\n {\"a\":2}\n", vec!["{\"cut\":\n {\"a\":1}", "{\"a\":2}"]),
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
        split(&b"{\"a\":\"\xff\"}\n{\"a\":2}\n"[..], |m, _| {
            all.push(m);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(all, ["{\"a\":\"\u{fffd}\"}", "{\"a\":2}"]);
    }
}
