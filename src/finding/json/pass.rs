//! The pass over a JSON text. It never goes back and does not recurse. Each step takes the offset
//! where it begins and returns the offset behind it. The steps for strings are inlined, so that the
//! offset stays in a register.

use std::ops::Range;

use super::super::limits::MAX_DEPTH;

/// The expected number of bytes for each note. If it is too high, the notes are copied once.
const BYTES_A_NODE: usize = 12;

/// One value, or a key. Offsets into the text fit, because of [`MAX_BYTES`](super::MAX_BYTES).
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub start: u32,
    pub end: u32,
    /// The node after this one and everything in it.
    pub next: u32,
    /// Whether it is a string with a backslash in it.
    pub escaped: bool,
}

impl Node {
    /// The text of a string. The node must be a string, which has two quotes.
    pub fn between_quotes(&self) -> Range<usize> {
        self.start as usize + 1..self.end as usize - 1
    }
}

/// The notes taken so far, and the objects and arrays around the offset.
struct Notes {
    nodes: Vec<Node>,
    /// The nodes of the objects and arrays around the offset.
    open: [u32; MAX_DEPTH],
    depth: usize,
    /// A bit for each of them, set for an object. The innermost is the lowest bit.
    objects: u64,
}

const _: () = assert!(MAX_DEPTH <= u64::BITS as usize);

impl Notes {
    /// Notes a value without contents, or before its contents.
    #[inline(always)]
    fn take(&mut self, start: usize, end: usize, escaped: bool) {
        let next = self.nodes.len() as u32 + 1;
        self.nodes.push(Node { start: start as u32, end: end as u32, next, escaped });
    }

    fn enter(&mut self, start: usize, object: u64) -> Option<()> {
        *self.open.get_mut(self.depth)? = self.nodes.len() as u32;
        self.depth += 1;
        self.objects = self.objects << 1 | object;
        self.take(start, start, false);
        Some(())
    }

    fn leave(&mut self, end: usize) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        self.objects >>= 1;
        let next = self.nodes.len() as u32;
        let index = *self.open.get(self.depth)?;
        let node = self.nodes.get_mut(index as usize)?;
        (node.end, node.next) = (end as u32, next);
        Some(())
    }

    fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }
}

/// Returns the notes of all values in a text, or None if it is not JSON or nested deeper than
/// [`MAX_DEPTH`].
pub(super) fn pass(bytes: &[u8]) -> Option<Vec<Node>> {
    let nodes = Vec::with_capacity(bytes.len() / BYTES_A_NODE + 1);
    let mut notes = Notes { nodes, open: [0; MAX_DEPTH], depth: 0, objects: 0 };
    let mut at = 0;
    loop {
        // An element, or an entry of an object, begins here.
        if notes.in_object() {
            at = key(bytes, at, &mut notes)?;
        }
        let (first, start) = solid(bytes, at)?;
        at = match first {
            b'"' => string(bytes, start, &mut notes)?,
            b'{' | b'[' => {
                let (object, close) = if first == b'{' { (1, b'}') } else { (0, b']') };
                notes.enter(start, object)?;
                let (next, inner) = solid(bytes, start + 1)?;
                if next != close {
                    at = inner;
                    continue;
                }
                inner
            }
            b't' => literal(bytes, start, b"true", &mut notes)?,
            b'f' => literal(bytes, start, b"false", &mut notes)?,
            b'n' => literal(bytes, start, b"null", &mut notes)?,
            _ => {
                let end = number(bytes, start)?;
                notes.take(start, end, false);
                end
            }
        };
        // A value has ended. Close the objects and arrays that end here too.
        loop {
            if notes.depth == 0 {
                return solid(bytes, at).is_none().then_some(notes.nodes);
            }
            let (next, place) = solid(bytes, at)?;
            at = place + 1;
            match next {
                b',' => break,
                b'}' if notes.in_object() => notes.leave(at)?,
                b']' if !notes.in_object() => notes.leave(at)?,
                _ => return None,
            }
        }
    }
}

/// Skips white space from `at` on. Returns the next byte and its offset.
#[inline(always)]
fn solid(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        match *bytes.get(at)? {
            // Most bytes, found by one comparison.
            byte if byte > b' ' => return Some((byte, at)),
            b' ' | b'\n' | b'\r' | b'\t' => at += 1,
            byte => return Some((byte, at)),
        }
    }
}

/// Notes a key and passes the colon after it.
#[inline(always)]
fn key(bytes: &[u8], at: usize, notes: &mut Notes) -> Option<usize> {
    let (b'"', start) = solid(bytes, at)? else { return None };
    let end = string(bytes, start, notes)?;
    let (b':', colon) = solid(bytes, end)? else { return None };
    Some(colon + 1)
}

/// Notes a string, which begins at its first quote.
#[inline(always)]
fn string(bytes: &[u8], start: usize, notes: &mut Notes) -> Option<usize> {
    let mut at = start + 1;
    let mut escaped = false;
    loop {
        let rest = bytes.get(at..)?;
        let plain = plain(rest);
        at += plain;
        match rest.get(plain)? {
            b'"' => break,
            b'\\' => {
                escaped = true;
                at += escape(rest.get(plain + 1..)?)?;
            }
            // A control character must be escaped.
            _ => return None,
        }
    }
    notes.take(start, at + 1, escaped);
    Some(at + 1)
}

/// Notes `true`, `false` or `null`.
fn literal(bytes: &[u8], start: usize, word: &[u8], notes: &mut Notes) -> Option<usize> {
    let end = start + word.len();
    if bytes.get(start..end)? != word {
        return None;
    }
    notes.take(start, end, false);
    Some(end)
}

/// Returns the end of a number.
fn number(bytes: &[u8], start: usize) -> Option<usize> {
    let byte = |at: usize| bytes.get(at).copied();
    let mut at = start + usize::from(byte(start) == Some(b'-'));
    at = if byte(at) == Some(b'0') { at + 1 } else { digits(bytes, at)? };
    if byte(at) == Some(b'.') {
        at = digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = byte(at) {
        let signed = matches!(byte(at + 1), Some(b'+' | b'-'));
        at = digits(bytes, at + 1 + usize::from(signed))?;
    }
    Some(at)
}

/// Returns the end of one or more digits.
fn digits(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = bytes.get(start..)?;
    let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    (count > 0).then_some(start + count)
}

/// Returns the number of bytes before the first one that ends plain text. Sixteen bytes are judged
/// at once, for which the compiler needs a few instructions.
#[inline(always)]
fn plain(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((sixteen, after)) = rest.split_first_chunk::<16>() {
        let mut marks = [0; 16];
        for (mark, &byte) in marks.iter_mut().zip(sixteen) {
            *mark = if ends_plain(byte) { u8::MAX } else { 0 };
        }
        let marks = u128::from_le_bytes(marks);
        let before = bytes.len() - rest.len();
        // Most strings end within eight bytes, and one word is checked faster than two.
        if marks as u64 != 0 {
            return before + (marks as u64).trailing_zeros() as usize / 8;
        }
        if marks != 0 {
            return before + marks.trailing_zeros() as usize / 8;
        }
        rest = after;
    }
    let few = rest.iter().position(|&byte| ends_plain(byte));
    bytes.len() - rest.len() + few.unwrap_or(rest.len())
}

/// Returns whether a byte is a quote, a backslash or a control character.
#[inline(always)]
fn ends_plain(byte: u8) -> bool {
    // `|` and not `||`: no branches.
    (byte == b'"') | (byte == b'\\') | (byte < b' ')
}

/// Returns the length of an escape with its backslash. `rest` is the text after the backslash.
fn escape(rest: &[u8]) -> Option<usize> {
    match rest.first()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => rest.get(1..5)?.iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}
