//! Reading JSON by what is needed of it, whatever else is there and whatever type it has.
//!
//! A finding that says `"accountId": 123456789012` or `"archived": "false"` is still a finding, and
//! one whose `service` is a string still has an id. So nothing here fails: a value of the wrong type
//! is absent, a key that comes twice (or in both spellings) gives its last readable value, what is
//! not asked for is skipped, and lists are read up to a bound. Only the syntax is judged, and that
//! happened before: see [`super::envelope`].
//!
//! What is read is borrowed from the message wherever it holds no escapes. A number that no `f64` holds,
//! or half of a surrogate pair where a description was cut, spoils its own field and no more.

use std::borrow::Cow;

use super::json::{Json, Kind};
use super::text::trimmed;

/// What can be read from one JSON value. None: it is not there, or not in any form that could be meant.
pub(super) trait Read<'a>: Sized {
    fn read(json: Json<'a>) -> Option<Self>;
}

/// A place for a value that may come once, never or several times.
pub(super) trait Slot<'a> {
    fn fill(&mut self, json: Json<'a>);
}

impl<'a, T: Read<'a>> Slot<'a> for Option<T> {
    fn fill(&mut self, json: Json<'a>) {
        if let Some(value) = T::read(json) {
            *self = Some(value);
        }
    }
}

/// Optional text, borrowed from the message where it holds no escapes.
pub(super) type Str<'a> = Option<Cow<'a, str>>;

/// Strings, numbers and booleans as text; blank text is absent.
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

/// Numbers and numeric strings, if finite.
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

/// Whole numbers from 0 and strings of them. `3.0` is whole, `3.5` is not.
impl<'a> Read<'a> for u64 {
    fn read(json: Json<'a>) -> Option<u64> {
        /// Up to here every whole number is an exact f64.
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

/// Booleans, and the words `true` and `false` in any case.
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

/// Any value but null, unread.
impl<'a> Read<'a> for Json<'a> {
    fn read(json: Json<'a>) -> Option<Json<'a>> {
        (json.kind() != Kind::Null).then_some(json)
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

/// Whatever the case of its letters. Most are written as they are here, which is found out at once.
#[inline(always)]
pub(super) fn is_key(key: &[u8], name: &str) -> bool {
    key == name.as_bytes() || key.eq_ignore_ascii_case(name.as_bytes())
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
            fn read(json: $crate::finding::json::Json<'a>) -> Option<Self> {
                use $crate::finding::{json::Kind, lenient::Slot};
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
                use $crate::finding::{json::Kind, lenient::{Slot, is_key}};
                if json.kind() != Kind::Object {
                    return;
                }
                *self = Self::default();
                for (key, value) in json.fields() {
                    let key: &[u8] = &key;
                    $(if is_key(key, $key) $(|| is_key(key, $other))* {
                        Slot::fill(&mut self.$field, value);
                        continue;
                    })*
                }
            }
        }
    )*};
}
pub(super) use object;

#[cfg(test)]
mod tests;
