//! The tags of a resource.

use std::borrow::Cow;

use super::json::{Json, Kind};
use super::lenient::{Read, Slot, Str, object};
use super::text::Text;

/// The most tags that are read. AWS allows 50.
const TAGS_MAX: usize = 50;
/// The longest key and value.
/// Source: Tagging AWS Resources user guide, "Tag naming limits and requirements".
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

object! {
    struct Tag<'a> {
        key: Str<'a> = "key" | "name",
        value: Str<'a> = "value",
    }
}

/// The tags in a list of tags.
#[derive(Debug, Default)]
pub(super) struct Tags<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl Tags<'_> {
    /// The value of the tag `Name`.
    pub fn name(&self) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == "Name").map(|(_, value)| value.as_ref())
    }

    pub fn texts(&self) -> Vec<(Text, Text)> {
        texts(&self.0)
    }
}

/// Cleans and bounds tags.
pub(super) fn texts(tags: &[(Cow<'_, str>, Cow<'_, str>)]) -> Vec<(Text, Text)> {
    let clean = |(key, value): &(Cow<'_, str>, Cow<'_, str>)| {
        (Text::new(key, KEY_CHARS_MAX), Text::new(value, VALUE_CHARS_MAX))
    };
    tags.iter().take(TAGS_MAX).map(clean).collect()
}

impl<'a> Slot<'a> for Tags<'a> {
    fn fill(&mut self, json: Json<'a>) {
        let pair = |tag: Tag<'a>| Some((tag.key?, tag.value?));
        let found: Vec<_> = tags(json).filter_map(pair).collect();
        if !found.is_empty() {
            self.0 = found;
        }
    }
}

/// The value of the tag `Name` in a list of tags.
#[derive(Debug, Default)]
pub(super) struct NameTag<'a>(Str<'a>);

impl NameTag<'_> {
    pub fn value(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// Keeps only the one tag of the list.
impl<'a> Slot<'a> for NameTag<'a> {
    fn fill(&mut self, json: Json<'a>) {
        let mut tags = tags(json).peekable();
        if tags.peek().is_some() {
            self.0 = tags.find(|tag| tag.key.as_deref() == Some("Name")).and_then(|tag| tag.value);
        }
    }
}

fn tags<'a>(json: Json<'a>) -> impl Iterator<Item = Tag<'a>> {
    let alone = (json.kind() != Kind::Array).then_some(json);
    json.items().chain(alone).filter_map(Tag::read).take(TAGS_MAX)
}
