//! Keys that occur twice in an object, with different values.
//!
//! JSON allows it, and readers disagree about which value counts. So nobody may choose one in
//! silence: two severities count as the worse one, two states as open, and a finding with two
//! identities is rejected.

use std::borrow::Cow;
use std::ops::Deref;

use super::envelope::Envelope;
use super::gauge::Gauge;
use super::json::{Json, Kind};
use super::lenient::{Read, Slot};
use super::reject::{RejectCode, Rejection};
use super::text::cut;

/// The longest quotation of a value in a rejection, in characters.
const QUOTED_CHARS_MAX: usize = 60;

/// A field that must have one value. Knows the first other one, also of another object under the
/// same key.
#[derive(Debug, Default)]
pub(super) struct One<'a, T> {
    value: T,
    first: Option<Json<'a>>,
    other: Option<Json<'a>>,
}

impl<T> Deref for One<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'a, T: Slot<'a>> Slot<'a> for One<'a, T> {
    fn fill(&mut self, json: Json<'a>) {
        match self.first {
            _ if json.kind() == Kind::Null => return,
            None => self.first = Some(json),
            Some(first) if self.other.is_none() && !is_same(first, json) => self.other = Some(json),
            Some(_) => {}
        }
        self.value.fill(json);
    }

    fn renew(&mut self) {}
}

impl<T> One<'_, T> {
    /// Whether there are two values.
    pub fn is_disputed(&self) -> bool {
        self.other.is_some()
    }
}

/// A field of which a reader judges every value.
#[derive(Debug, Default)]
pub(super) struct Every<'a> {
    first: Option<Json<'a>>,
    more: Vec<Json<'a>>,
}

impl<'a> Slot<'a> for Every<'a> {
    fn fill(&mut self, json: Json<'a>) {
        match self.first {
            _ if json.kind() == Kind::Null => {}
            None => self.first = Some(json),
            Some(_) => self.more.push(json),
        }
    }

    fn renew(&mut self) {}
}

impl<'a> Every<'a> {
    pub fn all(&self) -> impl Iterator<Item = Json<'a>> {
        self.first.into_iter().chain(self.more.iter().copied())
    }

    /// The worst severity of all values. None: there is no value.
    pub fn worst(&self, read: impl Fn(Json<'a>) -> Gauge) -> Option<Gauge> {
        let first = self.first?;
        let different = self.more.iter().filter(|json| !is_same(first, **json));
        Some(different.fold(read(first), |worst, json| worst.or_worse(read(*json))))
    }
}

/// Whether two values say the same. Escapes, and the type of a scalar, make no difference.
fn is_same(one: Json<'_>, other: Json<'_>) -> bool {
    let text = |json| Cow::<str>::read(json);
    one.raw() == other.raw() || text(one).is_some_and(|one| text(other) == Some(one))
}

/// The two values that a field has, with its key.
pub(super) struct Field<'f>(&'static str, Option<[Json<'f>; 2]>);

impl<'f> Field<'f> {
    pub fn of<T>(key: &'static str, one: &One<'f, T>) -> Field<'f> {
        Field(key, one.first.zip(one.other).map(|(first, other)| [first, other]))
    }
}

/// Rejects a finding if one of the fields has two values.
pub(super) fn refuse<const N: usize>(
    fields: [Field<'_>; N],
    envelope: &Envelope<'_>,
) -> Result<(), Rejection> {
    match fields.into_iter().find_map(|Field(key, both)| Some((key, both?))) {
        None => Ok(()),
        Some((key, both)) => {
            let [first, other] = both.map(|json| cut(json.raw(), QUOTED_CHARS_MAX));
            let why = format!("the key occurs twice, with {first} and with {other}");
            Err(Rejection::new(RejectCode::Contradiction, &envelope.place_of(key), &why))
        }
    }
}

#[cfg(test)]
mod tests;
