//! One JSON document, passed over once.
//!
//! [`Document::read`] judges the syntax and the depth of a text and notes where each value in it begins
//! and ends. Whatever is asked of the document after that is found by these notes, so that a part is
//! never looked through again for the sake of what lies in or behind it, and what nobody asks for costs
//! no more than its share of that one pass.
//!
//! A note takes 16 bytes, and a text has at most one for every two bytes: 8 MiB for the largest message,
//! for as long as it is being read. Findings have one for some fifteen bytes.

mod pass;

use std::borrow::Cow;

use super::limits::MAX_BYTES;
use pass::{Node, pass};

/// A text that is valid JSON, no larger than [`MAX_BYTES`] and nested no deeper than
/// [`MAX_DEPTH`](super::MAX_DEPTH).
#[derive(Debug)]
pub(super) struct Document<'t> {
    text: &'t str,
    /// In the order of the text. The entries of an object are a string, the key, and a value in turn.
    nodes: Vec<Node>,
}

impl<'t> Document<'t> {
    /// None where the text is too large, nested too deeply, or not JSON (RFC 8259). Half of a surrogate
    /// pair is let pass, as is a number that no `f64` holds: they spoil what reads them and no more.
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
    /// The value as it is written.
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

    /// The text of a string, borrowed if it holds no escapes. Halves of surrogate pairs become U+FFFD.
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

    /// The same, for looking for keys, which are bytes here and UTF-8 all the same.
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

/// The values one level below another; of an object its keys, too.
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

/// What is written with escapes. Most strings have none, and reading those stays short if this is not a part of it.
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
