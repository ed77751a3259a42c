//! A JSON document that is read in one pass.
//!
//! [`Document::read`] checks the syntax and the depth of a text, and notes where each value begins
//! and ends. All later reads go by these notes, so no part of the text is read twice, and a value
//! that nobody reads costs only its share of that pass.
//!
//! A note takes 16 bytes. A text has at most one note for every two bytes, so the largest message
//! needs 8 MiB while it is read. Findings have about one note for fifteen bytes.

mod pass;

use std::borrow::Cow;

use super::limits::MAX_BYTES;
use pass::{Node, pass};

/// A text that is valid JSON, no larger than [`MAX_BYTES`] and nested no deeper than
/// [`MAX_DEPTH`](super::MAX_DEPTH).
#[derive(Debug)]
pub(super) struct Document<'t> {
    text: &'t str,
    /// The notes, in the order of the text. Each entry of an object is two notes: its key and its
    /// value.
    nodes: Vec<Node>,
}

impl<'t> Document<'t> {
    /// Returns None if the text is too large, nested too deeply, or not JSON (RFC 8259). Half of a
    /// surrogate pair, and a number that does not fit an `f64`, are allowed: they spoil only their
    /// own field.
    pub fn read(text: &'t str) -> Option<Document<'t>> {
        if text.len() > MAX_BYTES {
            return None;
        }
        Some(Document { text, nodes: pass(text.as_bytes())? })
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
    /// The value as it is written in the text.
    pub fn raw(self) -> &'a str {
        let whole = self.node().map(|node| node.start as usize..node.end as usize);
        whole.and_then(|whole| self.document.text.get(whole)).unwrap_or_default()
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

    /// The text of a string, borrowed if it has no escapes. Halves of surrogate pairs become
    /// U+FFFD.
    pub fn text(self) -> Option<Cow<'a, str>> {
        let node = self.node()?;
        let text = self.document.text;
        if text.as_bytes().get(node.start as usize) != Some(&b'"') {
            return None;
        }
        let inner = text.get(node.between_quotes())?;
        Some(if node.escaped { Cow::Owned(unescaped(inner)) } else { Cow::Borrowed(inner) })
    }

    /// The keys of an object and their values; nothing for any other value.
    pub fn entries(self) -> impl Iterator<Item = (Cow<'a, str>, Json<'a>)> {
        let mut keys = self.within(Kind::Object);
        std::iter::from_fn(move || {
            let key = keys.next()?;
            Some((key.text()?, keys.next()?))
        })
    }

    /// Like [`Json::entries`], with keys as bytes (of UTF-8), which are faster to compare.
    pub fn fields(self) -> Fields<'a> {
        Fields(self.within(Kind::Object))
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
}

/// The values one level below another value, and the keys of an object.
struct Within<'a> {
    document: &'a Document<'a>,
    at: usize,
    end: usize,
}

impl<'a> Iterator for Within<'a> {
    type Item = Json<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Json<'a>> {
        if self.at >= self.end {
            return None;
        }
        let found = Json { document: self.document, index: self.at };
        self.at = found.node()?.next as usize;
        Some(found)
    }
}

/// See [`Json::fields`].
pub(super) struct Fields<'a>(Within<'a>);

impl<'a> Iterator for Fields<'a> {
    type Item = (Cow<'a, [u8]>, Json<'a>);

    #[inline(always)]
    fn next(&mut self) -> Option<(Cow<'a, [u8]>, Json<'a>)> {
        let key = self.0.next()?;
        let value = self.0.next()?;
        let node = key.node()?;
        if node.escaped {
            return Some((Cow::Owned(key.text()?.into_owned().into_bytes()), value));
        }
        let name = key.document.text.as_bytes().get(node.between_quotes())?;
        Some((Cow::Borrowed(name), value))
    }
}

/// Decodes escapes. Most strings have none, so this is kept out of the code that reads them.
#[cold]
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

/// Decodes the four hex digits at the start of `after_u`, or both escapes of a surrogate pair.
/// Returns the character and the text after it.
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

/// A document for a test, never freed.
#[cfg(test)]
pub(super) fn json(text: &str) -> Json<'static> {
    let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
    let document = Document::read(text).unwrap_or_else(|| panic!("not JSON: {text}"));
    Box::leak(Box::new(document)).root()
}

#[cfg(test)]
mod tests;
