//! One JSON document, passed over once.
//!
//! [`Document::read`] judges the syntax and the depth of a text and notes where each value in it begins
//! and ends. Whatever is asked of the document after that is found by these notes, so that a part is
//! never looked through again for the sake of what lies in or behind it, and what nobody asks for costs
//! no more than its share of that one pass.
//!
//! A note takes 16 bytes, and a text has at most one for every two bytes: 8 MiB for the largest message,
//! for as long as it is being read. Findings have one for some fifteen bytes.

use std::borrow::Cow;

use super::limits::{MAX_BYTES, MAX_DEPTH};

/// A guess of how many bytes of a text there are for each note: a wrong one costs a copy of the notes.
const BYTES_A_NODE: usize = 12;

/// A text that is valid JSON, no larger than [`MAX_BYTES`] and nested no deeper than [`MAX_DEPTH`].
#[derive(Debug)]
pub(super) struct Document<'t> {
    text: &'t str,
    /// In the order of the text. The entries of an object are a string, the key, and a value in turn.
    nodes: Vec<Node>,
}

/// One value, or a key. Offsets into the text fit, because of [`MAX_BYTES`].
#[derive(Clone, Copy, Debug)]
struct Node {
    start: u32,
    end: u32,
    /// The node that follows it and all that is in it.
    next: u32,
    /// It is a string with a backslash in it.
    escaped: bool,
}

impl<'t> Document<'t> {
    /// None where the text is too large, nested too deeply, or not JSON (RFC 8259). Half of a surrogate
    /// pair is let pass, as is a number that no `f64` holds: they spoil what reads them and no more.
    pub fn read(text: &'t str) -> Option<Document<'t>> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let nodes = Vec::with_capacity(text.len() / BYTES_A_NODE + 1);
        let bytes = text.as_bytes();
        let scan = Scan { bytes, at: 0, nodes, open: [0; MAX_DEPTH], depth: 0, objects: 0 };
        Some(Document { text, nodes: scan.run()? })
    }

    pub fn root(&self) -> Json<'_> {
        Json { document: self, index: 0 }
    }
}

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

/// A value in a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Json<'a> {
    document: &'a Document<'a>,
    index: usize,
}

impl<'a> Json<'a> {
    /// The value as it is written.
    pub fn raw(self) -> &'a str {
        self.node().and_then(|node| self.between(node.start, node.end)).unwrap_or_default()
    }

    pub fn kind(self) -> Kind {
        let first = self.node().and_then(|n| self.document.text.as_bytes().get(n.start as usize));
        match first {
            Some(b'"') => Kind::String,
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        }
    }

    /// The text of a string, borrowed if it holds no escapes. Halves of surrogate pairs become U+FFFD.
    pub fn text(self) -> Option<Cow<'a, str>> {
        if self.kind() == Kind::String { self.unquoted() } else { None }
    }

    /// What is between the quotes of what is known to be a string.
    fn unquoted(self) -> Option<Cow<'a, str>> {
        let node = self.node()?;
        let inner = self.between(node.start + 1, node.end - 1)?;
        Some(if node.escaped { Cow::Owned(unescaped(inner)) } else { Cow::Borrowed(inner) })
    }

    /// The keys of an object and their values; nothing for any other value.
    pub fn entries(self) -> impl Iterator<Item = (Cow<'a, str>, Json<'a>)> {
        let mut keys = self.within(Kind::Object);
        std::iter::from_fn(move || {
            let key = keys.next()?;
            Some((key.unquoted()?, keys.next()?))
        })
    }

    /// The elements of an array; nothing for any other value.
    pub fn items(self) -> impl Iterator<Item = Json<'a>> {
        self.within(Kind::Array)
    }

    fn within(self, kind: Kind) -> Within<'a> {
        let end = if self.kind() == kind { self.node().map(|node| node.next) } else { None };
        Within { document: self.document, at: self.index + 1, end: end.unwrap_or(0) as usize }
    }

    fn node(self) -> Option<&'a Node> {
        self.document.nodes.get(self.index)
    }

    fn between(self, start: u32, end: u32) -> Option<&'a str> {
        self.document.text.get(start as usize..end as usize)
    }
}

/// The values one level below another; of an object its keys, too.
struct Within<'a> {
    document: &'a Document<'a>,
    at: usize,
    end: usize,
}

impl<'a> Iterator for Within<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        if self.at >= self.end {
            return None;
        }
        let found = Json { document: self.document, index: self.at };
        self.at = found.node()?.next as usize;
        Some(found)
    }
}

/// The one pass. It never looks back and does not recurse.
struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
    nodes: Vec<Node>,
    /// The nodes of the objects and arrays around `at`.
    open: [u32; MAX_DEPTH],
    depth: usize,
    /// A bit for each of them, the innermost the lowest: it is an object.
    objects: u64,
}

const _: () = assert!(MAX_DEPTH <= u64::BITS as usize);

impl Scan<'_> {
    fn run(mut self) -> Option<Vec<Node>> {
        loop {
            // A value begins here.
            self.space();
            let start = self.at;
            match self.byte()? {
                b'"' => self.string()?,
                b'{' => {
                    self.enter(start, 1)?;
                    self.space();
                    if self.peek() != Some(b'}') {
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.enter(start, 0)?;
                    self.space();
                    if self.peek() != Some(b']') {
                        continue;
                    }
                }
                b't' => self.word(start, b"rue")?,
                b'f' => self.word(start, b"alse")?,
                b'n' => self.word(start, b"ull")?,
                first => self.number(start, first)?,
            }
            // A value has ended, or an object or array is empty: what is next, here and outwards?
            loop {
                self.space();
                if self.depth == 0 {
                    return (self.at == self.bytes.len()).then_some(self.nodes);
                }
                let is_object = self.objects & 1 == 1;
                match self.byte()? {
                    b',' if is_object => {
                        self.space();
                        self.key()?;
                        break;
                    }
                    b',' => break,
                    b'}' if is_object => self.leave()?,
                    b']' if !is_object => self.leave()?,
                    _ => return None,
                }
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn space(&mut self) {
        while let Some(byte @ ..=b' ') = self.peek() {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return;
            }
            self.at += 1;
        }
    }

    /// Notes a value that is over, with nothing in it.
    fn note(&mut self, start: usize, escaped: bool) {
        let next = self.nodes.len() as u32 + 1;
        self.nodes.push(Node { start: start as u32, end: self.at as u32, next, escaped });
    }

    fn enter(&mut self, start: usize, object: u64) -> Option<()> {
        *self.open.get_mut(self.depth)? = self.nodes.len() as u32;
        self.depth += 1;
        self.objects = self.objects << 1 | object;
        self.note(start, false);
        Some(())
    }

    fn leave(&mut self) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        self.objects >>= 1;
        let next = self.nodes.len() as u32;
        let index = *self.open.get(self.depth)?;
        let node = self.nodes.get_mut(index as usize)?;
        (node.end, node.next) = (self.at as u32, next);
        Some(())
    }

    /// A key and the colon after it.
    fn key(&mut self) -> Option<()> {
        if self.byte()? != b'"' {
            return None;
        }
        self.string()?;
        self.space();
        (self.byte()? == b':').then_some(())
    }

    /// A string, from behind its first quote. Inlined, because with the place in a register the whole pass takes
    /// a fifth less time.
    #[inline(always)]
    fn string(&mut self) -> Option<()> {
        let bytes = self.bytes;
        let (start, mut at) = (self.at - 1, self.at);
        let mut escaped = false;
        loop {
            at = end_of_plain(bytes, at);
            match bytes.get(at)? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    at += escape(bytes.get(at + 1..)?)?;
                }
                // A control character, which has to be escaped.
                _ => return None,
            }
        }
        self.at = at + 1;
        self.note(start, escaped);
        Some(())
    }

    /// The rest of `true`, `false` or `null`.
    fn word(&mut self, start: usize, rest: &[u8]) -> Option<()> {
        if !self.bytes.get(self.at..)?.starts_with(rest) {
            return None;
        }
        self.at += rest.len();
        self.note(start, false);
        Some(())
    }

    /// A number, from behind its first byte.
    fn number(&mut self, start: usize, first: u8) -> Option<()> {
        let first = if first == b'-' { self.byte()? } else { first };
        match first {
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        self.note(start, false);
        Some(())
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Option<()> {
        let before = self.at;
        self.digits();
        (self.at > before).then_some(())
    }
}

/// Where the next quote, backslash or control character is, from `at` on.
#[inline(always)]
fn end_of_plain(bytes: &[u8], mut at: usize) -> usize {
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let ends = ends_in(u64::from_le_bytes(*eight));
        if ends != 0 {
            return at + ends.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(ends).unwrap_or(rest.len())
}

/// The length of an escape, its backslash included, of which `rest` is what follows the backslash.
fn escape(rest: &[u8]) -> Option<usize> {
    match rest.first()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => rest.get(1..5)?.iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

/// Eight bytes, the first the lowest: the high bit of the first that ends plain text is the lowest bit
/// that is set in the answer. Higher ones may be set by mistake, as a borrow goes upwards.
fn ends_in(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let below = |bytes: u64, least: u8| bytes.wrapping_sub(ONES * u64::from(least)) & !bytes;
    let flipped = |bits: u8| eight ^ (ONES * u64::from(bits));
    // With this bit flipped a quote is 0x20, and control characters stay below.
    let quote_or_control = below(flipped(0x02), 0x21);
    (quote_or_control | below(flipped(b'\\'), 1)) & HIGH
}

fn unescaped(inner: &str) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut chars = escape.chars();
        match chars.next() {
            Some('u') => {
                let (c, after) = code_point(chars.as_str());
                text.push(c);
                rest = after;
                continue;
            }
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some(c) => text.push(c),
            None => {}
        }
        rest = chars.as_str();
    }
    text.push_str(rest);
    text
}

/// The character whose four hex digits `after_u` begins with, and what follows it: one escape, or
/// two of a surrogate pair.
fn code_point(after_u: &str) -> (char, &str) {
    let unit = |text: &str| text.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let Some(first) = unit(after_u) else { return (char::REPLACEMENT_CHARACTER, after_u) };
    let rest = after_u.get(4..).unwrap_or_default();
    if (0xD800..0xDC00).contains(&first)
        && let Some(second) = rest.strip_prefix("\\u").and_then(unit)
        && (0xDC00..0xE000).contains(&second)
    {
        let pair = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        let after = rest.get(6..).unwrap_or_default();
        return (char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER), after);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), rest)
}

/// A document of a test, kept for ever.
#[cfg(test)]
pub(super) fn json(text: &str) -> Json<'static> {
    let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
    let document = Document::read(text).unwrap_or_else(|| panic!("not JSON: {text}"));
    Box::leak(Box::new(document)).root()
}

#[cfg(test)]
mod tests;
