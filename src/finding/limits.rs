//! The limits of a message: size, depth, number of findings.
//!
//! [`check`] passes once over the bytes. It neither recurses nor allocates, so a hostile message
//! costs no more than a good one of the same size.

use super::reject::{RejectCode, Rejection};

/// The largest message, in bytes. SQS and EventBridge have the same limit.
/// Source: SQS developer guide, "Amazon SQS message quotas".
pub const MAX_BYTES: usize = 1 << 20;

/// The deepest nesting of arrays and objects together. GuardDuty's deepest known finding has 9
/// levels. serde_json gives up at 128 levels. This limit is lower, so that the rejection names the
/// place.
pub const MAX_DEPTH: usize = 64;

/// The most findings in one message. Security Hub's BatchImportFindings and GetFindings have the
/// same limit. Source: Security Hub API reference.
pub const MAX_FINDINGS: usize = 100;

/// Rejects `body` if it is larger than [`MAX_BYTES`] or nested deeper than [`MAX_DEPTH`]. It need
/// not be JSON.
pub(super) fn check(body: &str) -> Result<(), Rejection> {
    if body.len() > MAX_BYTES {
        let why =
            format!("the message has {} bytes, more than the limit of {MAX_BYTES}", body.len());
        let place = position(body.as_bytes(), MAX_BYTES);
        return Err(Rejection::new(RejectCode::TooLarge, &place, &why));
    }
    match first_too_deep(body.as_bytes()) {
        None => Ok(()),
        Some(offset) => Err(Rejection::new(
            RejectCode::TooDeep,
            &position(body.as_bytes(), offset),
            &format!("nested deeper than the limit of {MAX_DEPTH} levels"),
        )),
    }
}

/// Returns the offset of the first bracket that opens level [`MAX_DEPTH`] + 1. Brackets in strings
/// do not count.
fn first_too_deep(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (offset, byte) in bytes.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(offset);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Writes `line L column C`. Both start at 1 and columns count bytes, as in serde_json.
fn position(bytes: &[u8], offset: usize) -> String {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    format!("line {line} column {column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> Option<(RejectCode, String)> {
        check(body).err().map(|r| (r.code, r.place.to_string()))
    }

    #[test]
    fn size_counts_bytes() {
        assert_eq!(refused(&" ".repeat(MAX_BYTES)), None);
        let (code, place) = refused(&" ".repeat(MAX_BYTES + 1)).unwrap();
        assert_eq!((code, place.as_str()), (RejectCode::TooLarge, "line 1 column 1048577"));
        // Half as many characters of two bytes each are as large.
        assert!(refused(&"é".repeat(MAX_BYTES / 2 + 1)).is_some());
    }

    #[test]
    fn depth_counts_brackets_outside_strings() {
        let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        let mixed = |n: usize| format!("{}1{}", r#"{"a":["#.repeat(n), "]}".repeat(n));
        for (body, refusal) in [
            (nested(MAX_DEPTH), None),
            (nested(MAX_DEPTH + 1), Some("line 1 column 65")),
            (mixed(MAX_DEPTH / 2), None),
            (mixed(MAX_DEPTH / 2 + 1), Some("line 1 column 193")),
            (format!("\n\n  {}", nested(MAX_DEPTH + 1)), Some("line 3 column 67")),
            (format!(r#"{{"a":"{}"}}"#, "[{".repeat(100)), None),
            (format!(r#"{{"a":"\"{}"}}"#, "[{".repeat(100)), None),
            (format!(r#"{{"a":"\\",{}"#, "[".repeat(100)), Some("line 1 column 74")),
            ("[]".repeat(1000), None),
            ("]]]]]".to_owned(), None),
        ] {
            let got = refused(&body);
            let want = refusal.map(|place| (RejectCode::TooDeep, place.to_owned()));
            assert_eq!(got, want, "{body}");
        }
    }
}
