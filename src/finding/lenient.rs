//! Reads the fields that are needed from JSON, whatever types they have.
//!
//! A finding that says `"accountId": 123456789012` or `"archived": "false"` is still a finding. A
//! finding whose `service` is a string still has an id. So no read fails:
//!
//! - A value of the wrong type is absent.
//! - A key that occurs twice, or in two spellings, gives its last readable value. Fields that tell
//!   findings apart, and severities, are stricter: see [`contradiction`](super::contradiction).
//! - Other keys are skipped.
//! - Lists are read up to a bound.
//!
//! The syntax was judged before, by [`json`](super::json). Text without escapes is borrowed from
//! the message. A number that does not fit an `f64`, or half of a surrogate pair where a source cut
//! a text, spoils only its own field.

use std::borrow::Cow;

use super::json::{Json, Kind};
use super::text::trimmed;

/// A type that can be read from one JSON value. None means absent, or in no form that makes sense.
pub(super) trait Read<'a>: Sized {
    fn read(json: Json<'a>) -> Option<Self>;
}

/// A field that may occur once, never or several times.
pub(super) trait Slot<'a>: Default {
    fn fill(&mut self, json: Json<'a>);

    /// Forgets the value, because another object under the same key replaces the one it was in.
    fn renew(&mut self) {
        *self = Self::default();
    }
}

impl<'a, T: Read<'a>> Slot<'a> for Option<T> {
    fn fill(&mut self, json: Json<'a>) {
        if let Some(value) = T::read(json) {
            *self = Some(value);
        }
    }
}

/// Optional text, borrowed from the message if it has no escapes.
pub(super) type Str<'a> = Option<Cow<'a, str>>;

/// Returns the same text, borrowed.
pub(super) fn borrowed<'s>(text: &'s Str<'_>) -> Str<'s> {
    text.as_deref().map(Cow::Borrowed)
}

/// Reads strings, numbers and booleans as text. Blank text is absent.
impl<'a> Read<'a> for Cow<'a, str> {
    fn read(json: Json<'a>) -> Option<Cow<'a, str>> {
        let text = match json.text() {
            Some(text) => text,
            None if matches!(json.kind(), Kind::Number | Kind::Bool) => Cow::Borrowed(json.raw()),
            None => return None,
        };
        (!trimmed(&text).is_empty()).then_some(text)
    }
}

/// Reads finite numbers, and strings that hold one.
impl<'a> Read<'a> for f64 {
    fn read(json: Json<'a>) -> Option<f64> {
        let text = match json.kind() {
            Kind::Number => Cow::Borrowed(json.raw()),
            Kind::String => json.text()?,
            _ => return None,
        };
        text.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }
}

/// Reads whole numbers from 0, and strings that hold one. `3.0` is whole, `3.5` is not.
impl<'a> Read<'a> for u64 {
    fn read(json: Json<'a>) -> Option<u64> {
        /// Every whole number up to this one is an exact f64.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if json.kind() == Kind::Number
            && let Ok(number) = json.raw().parse()
        {
            return Some(number);
        }
        let number = f64::read(json)?;
        (number.fract() == 0.0 && (0.0..=EXACT).contains(&number)).then_some(number as u64)
    }
}

/// Reads booleans, and the words `true` and `false` in any case.
impl<'a> Read<'a> for bool {
    fn read(json: Json<'a>) -> Option<bool> {
        let text = Cow::<str>::read(json)?;
        match text.trim() {
            word if word.eq_ignore_ascii_case("true") => Some(true),
            word if word.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }
}

/// Takes any value but null as it is.
impl<'a> Read<'a> for Json<'a> {
    fn read(json: Json<'a>) -> Option<Json<'a>> {
        (json.kind() != Kind::Null).then_some(json)
    }
}

/// The first `N` readable elements of an array. Any other value counts as an array of one.
#[derive(Debug)]
pub(super) struct List<T, const N: usize> {
    pub items: Vec<T>,
    /// The number of elements in the message, without nulls.
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
    fn fill(&mut self, json: Json<'a>) {
        let mut list = List::default();
        let mut take = |item: Json<'a>| {
            list.total += usize::from(item.kind() != Kind::Null);
            if list.items.len() < N {
                list.items.extend(T::read(item));
            }
        };
        match json.kind() {
            Kind::Null => {}
            Kind::Array => json.items().for_each(take),
            _ => take(json),
        }
        if !list.items.is_empty() || self.items.is_empty() {
            *self = list;
        }
    }
}

/// The first `N` entries of an object whose values are text.
#[derive(Debug, Default)]
pub(super) struct Pairs<'a, const N: usize>(pub Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a, const N: usize> Slot<'a> for Pairs<'a, N> {
    fn fill(&mut self, json: Json<'a>) {
        let texts = json.entries().filter_map(|(key, value)| Some((key, Cow::read(value)?)));
        self.0.extend(texts.take(N - self.0.len()));
    }
}

/// Compares keys, ignoring case. The exact comparison comes first, because most keys pass it.
#[inline(always)]
pub(super) fn is_key(key: &[u8], name: &str) -> bool {
    key == name.as_bytes() || key.eq_ignore_ascii_case(name.as_bytes())
}

/// Fills a slot with the value at a path below `json`. Only an object can hold it, and the last
/// object counts, as for a struct.
#[inline(always)]
pub(super) fn fill<'a, S: Slot<'a>>(slot: &mut S, json: Json<'a>, path: &[&str]) {
    match path {
        [] => slot.fill(json),
        path => fill_below(slot, json, path),
    }
}

fn fill_below<'a, S: Slot<'a>>(slot: &mut S, json: Json<'a>, path: &[&str]) {
    let [name, below @ ..] = path else { return slot.fill(json) };
    if json.kind() != Kind::Object {
        return;
    }
    slot.renew();
    for (_, value) in json.fields().filter(|(key, _)| is_key(key, name)) {
        fill_below(slot, value, below);
    }
}

/// Declares structs that read the named keys of an object. The case of a key does not count,
/// because EventBridge writes `accountId` where the API writes `AccountId`. `"a" / "b"` is key `b`
/// of the object at key `a`.
macro_rules! object {
    ($(
        $(#[$meta:meta])*
        struct $name:ident<'a> {
            $($(#[$doc:meta])* $field:ident: $type:ty =
                $key:literal $(/ $below:literal)* $(| $other:literal)*,)*
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(crate) struct $name<'a> {
            $($(#[$doc])* pub $field: $type,)*
            is_filled: bool,
            lifetime: std::marker::PhantomData<&'a ()>,
        }

        impl<'a> $crate::finding::lenient::Read<'a> for $name<'a> {
            fn read(json: $crate::finding::json::Json<'a>) -> Option<Self> {
                use $crate::finding::json::Kind;
                use $crate::finding::lenient::Slot;
                if json.kind() != Kind::Object {
                    return None;
                }
                let mut object = Self::default();
                object.fill(json);
                Some(object)
            }
        }

        impl<'a> $crate::finding::lenient::Slot<'a> for $name<'a> {
            fn fill(&mut self, json: $crate::finding::json::Json<'a>) {
                use $crate::finding::json::Kind;
                use $crate::finding::lenient::{fill, is_key};
                if json.kind() != Kind::Object {
                    return;
                }
                if std::mem::replace(&mut self.is_filled, true) {
                    self.renew();
                }
                for (key, value) in json.fields() {
                    let key: &[u8] = &key;
                    $(if is_key(key, $key) $(|| is_key(key, $other))* {
                        fill(&mut self.$field, value, &[$($below),*]);
                        continue;
                    })*
                }
            }

            fn renew(&mut self) {
                $($crate::finding::lenient::Slot::renew(&mut self.$field);)*
            }
        }
    )*};
}
pub(super) use object;

#[cfg(test)]
mod tests;
