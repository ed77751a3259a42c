//! Reading JSON by what is needed of it, whatever else is there and whatever type it has.
//!
//! A finding that says `"accountId": 123456789012` or `"archived": "false"` is still a finding, and
//! one whose `service` is a string still has an id. So nothing here fails: a value of the wrong type
//! is absent, a key that comes twice (or in both spellings) gives its last readable value, what is
//! not asked for is skipped, and lists are read up to a bound. Only the syntax is judged, and that
//! happened before: see [`super::envelope`].
//!
//! Every value is first taken as its raw text (`RawValue`), borrowed from the message, and then read
//! as what is wanted. So a number that no `f64` holds, or half of a surrogate pair where a
//! description was cut, spoils its own field and no more. Raw text of an object is passed over once
//! for each level that is read below it, which costs little, because parts get smaller on the way
//! down.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What can be read from the raw text of one JSON value. None: it is not there, or not in any form
/// that could be meant.
pub(super) trait Read<'a>: Sized {
    fn read(raw: &'a str) -> Option<Self>;
}

/// A place for a value that may come once, never or several times.
pub(super) trait Slot<'a> {
    fn fill(&mut self, raw: &'a str);
}

impl<'a, T: Read<'a>> Slot<'a> for Option<T> {
    fn fill(&mut self, raw: &'a str) {
        if let Some(value) = T::read(raw) {
            *self = Some(value);
        }
    }
}

/// Optional text, borrowed from the message where it holds no escapes.
pub(super) type Str<'a> = Option<Cow<'a, str>>;

/// The type of a JSON value, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

pub(super) fn kind(raw: &str) -> Kind {
    match raw.as_bytes().first() {
        Some(b'"') => Kind::String,
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b't' | b'f') => Kind::Bool,
        Some(b'n') | None => Kind::Null,
        Some(_) => Kind::Number,
    }
}

/// Strings, numbers and booleans as text; blank text is absent.
impl<'a> Read<'a> for Cow<'a, str> {
    fn read(raw: &'a str) -> Option<Cow<'a, str>> {
        let text = match kind(raw) {
            Kind::String => unquoted(raw)?,
            Kind::Number | Kind::Bool => Cow::Borrowed(raw),
            Kind::Null | Kind::Array | Kind::Object => return None,
        };
        (!text.trim().is_empty()).then_some(text)
    }
}

/// Numbers and numeric strings, if finite.
impl<'a> Read<'a> for f64 {
    fn read(raw: &'a str) -> Option<f64> {
        let text = match kind(raw) {
            Kind::Number => Cow::Borrowed(raw),
            Kind::String => unquoted(raw)?,
            _ => return None,
        };
        text.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }
}

/// Whole numbers from 0 and strings of them. `3.0` is whole, `3.5` is not.
impl<'a> Read<'a> for u64 {
    fn read(raw: &'a str) -> Option<u64> {
        /// Up to here every whole number is an exact f64.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if kind(raw) == Kind::Number
            && let Ok(number) = raw.parse()
        {
            return Some(number);
        }
        let number = f64::read(raw)?;
        (number.fract() == 0.0 && (0.0..=EXACT).contains(&number)).then_some(number as u64)
    }
}

/// Booleans, and the words `true` and `false` in any case.
impl<'a> Read<'a> for bool {
    fn read(raw: &'a str) -> Option<bool> {
        let text = Cow::<str>::read(raw)?;
        match text.trim() {
            word if word.eq_ignore_ascii_case("true") => Some(true),
            word if word.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }
}

/// Any value but null, unread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a>(pub &'a str);

impl<'a> Read<'a> for Raw<'a> {
    fn read(raw: &'a str) -> Option<Raw<'a>> {
        (kind(raw) != Kind::Null).then_some(Raw(raw))
    }
}

/// The first `N` readable elements of an array; a single value stands for an array of one.
#[derive(Debug)]
pub(super) struct List<T, const N: usize> {
    pub items: Vec<T>,
    /// How many there are in the message, nulls not counted.
    pub total: usize,
}

impl<T, const N: usize> Default for List<T, N> {
    fn default() -> Self {
        List { items: Vec::new(), total: 0 }
    }
}

impl<T, const N: usize> List<T, N> {
    pub fn first(&self) -> Option<&T> {
        self.items.first()
    }
}

impl<'a, T: Read<'a>, const N: usize> Slot<'a> for List<T, N> {
    fn fill(&mut self, raw: &'a str) {
        let mut list = List::default();
        let mut take = |item: &'a str| {
            list.total += usize::from(kind(item) != Kind::Null);
            if list.items.len() < N {
                list.items.extend(T::read(item));
            }
        };
        match kind(raw) {
            Kind::Null => {}
            Kind::Array => each_item(raw, &mut take),
            _ => take(raw),
        }
        if !list.items.is_empty() || self.items.is_empty() {
            *self = list;
        }
    }
}

/// The first `N` entries of an object whose values are text.
#[derive(Debug, Default)]
pub(super) struct Pairs<'a, const N: usize>(pub Vec<(String, Cow<'a, str>)>);

impl<'a, const N: usize> Slot<'a> for Pairs<'a, N> {
    fn fill(&mut self, raw: &'a str) {
        if kind(raw) == Kind::Object {
            each_entry(raw, |key, value| {
                if self.0.len() < N
                    && let Some(text) = Cow::read(value)
                {
                    self.0.push((key.to_owned(), text));
                }
            });
        }
    }
}

/// Declares a struct that reads the named keys of an object. Keys match whatever the case of their
/// letters, because EventBridge has `accountId` where the API's answer has `AccountId`.
macro_rules! object {
    ($(
        $(#[$meta:meta])*
        struct $name:ident<'a> {
            $($(#[$doc:meta])* $field:ident: $type:ty = $key:literal $(| $other:literal)*,)*
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(in crate::finding) struct $name<'a> {
            $($(#[$doc])* pub $field: $type,)*
            lifetime: std::marker::PhantomData<&'a ()>,
        }

        impl<'a> $crate::finding::lenient::Read<'a> for $name<'a> {
            fn read(raw: &'a str) -> Option<Self> {
                use $crate::finding::lenient::{Kind, Slot, each_entry, kind};
                if kind(raw) != Kind::Object {
                    return None;
                }
                let mut object = Self::default();
                each_entry(raw, |key, value| {
                    $(if key.eq_ignore_ascii_case($key) $(|| key.eq_ignore_ascii_case($other))* {
                        Slot::fill(&mut object.$field, value);
                        return;
                    })*
                });
                Some(object)
            }
        }

        impl<'a> $crate::finding::lenient::Slot<'a> for $name<'a> {
            fn fill(&mut self, raw: &'a str) {
                if let Some(object) = $crate::finding::lenient::Read::read(raw) {
                    *self = object;
                }
            }
        }
    )*};
}
pub(super) use object;

/// Calls `entry` with each key of the object `raw` and the raw text of its value. Stops in silence
/// where the syntax is broken.
pub(super) fn each_entry<'a>(raw: &'a str, entry: impl FnMut(&str, &'a str)) {
    // The error can only be one of syntax, which was judged when the message came in.
    let _ = serde_json::Deserializer::from_str(raw).deserialize_map(Entries(entry));
}

/// Calls `item` with the raw text of each element of the array `raw`. Stops in silence where the
/// syntax is broken.
pub(super) fn each_item<'a>(raw: &'a str, item: impl FnMut(&'a str)) {
    let _ = serde_json::Deserializer::from_str(raw).deserialize_seq(Items(item));
}

struct Entries<F>(F);

impl<'de, F: FnMut(&str, &'de str)> Visitor<'de> for Entries<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Key<'de>>()? {
            let value = map.next_value::<&'de RawValue>()?;
            (self.0)(&key.0, value.get());
        }
        Ok(())
    }
}

struct Items<F>(F);

impl<'de, F: FnMut(&'de str)> Visitor<'de> for Items<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(value) = seq.next_element::<&'de RawValue>()? {
            (self.0)(value.get());
        }
        Ok(())
    }
}

/// An object's key. Read as bytes, because half of a surrogate pair is no text but may stand in one.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key<'de>, D::Error> {
        deserializer.deserialize_bytes(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_bytes<E>(self, key: &'de [u8]) -> Result<Key<'de>, E> {
        Ok(Key(String::from_utf8_lossy(key)))
    }

    fn visit_bytes<E>(self, key: &[u8]) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(String::from_utf8_lossy(key).into_owned())))
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(key)))
    }

    fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(key.to_owned())))
    }
}

/// The text of a JSON string with its quotes. Halves of surrogate pairs become U+FFFD.
pub(super) fn unquoted(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        Some(Cow::Owned(unescaped(inner)))
    } else {
        Some(Cow::Borrowed(inner))
    }
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

#[cfg(test)]
mod tests;
