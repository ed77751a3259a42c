//! The tag `Name` of a resource.

use super::json::{Json, Kind};
use super::lenient::{Read, Slot, Str, object};

/// The most tags that are searched. AWS allows 50.
const TAGS_MAX: usize = 50;

object! {
    struct Tag<'a> {
        key: Str<'a> = "key" | "name",
        value: Str<'a> = "value",
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
        let alone = (json.kind() != Kind::Array).then_some(json);
        let tags = json.items().chain(alone).filter_map(Tag::read).take(TAGS_MAX);
        let mut tags = tags.peekable();
        if tags.peek().is_some() {
            self.0 = tags.find(|tag| tag.key.as_deref() == Some("Name")).and_then(|tag| tag.value);
        }
    }
}
