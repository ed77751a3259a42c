//! The place of a value in a message.

use std::fmt;

/// A path such as `detail.findings[3]`. It is written out only for a rejection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Place<'a> {
    /// The message itself.
    #[default]
    Message,
    Key(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl<'a> Place<'a> {
    pub fn at_key(&'a self, key: &'a str) -> Place<'a> {
        if key.is_empty() { *self } else { Place::Key(self, key) }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Message => Ok(()),
            Place::Key(Place::Message, key) => f.write_str(key),
            Place::Key(outer, key) => write!(f, "{outer}.{key}"),
            Place::Index(outer, index) => write!(f, "{outer}[{index}]"),
        }
    }
}
