//! Facts that only some findings have. A card shows each on a line of its own.

use std::borrow::Cow;

use super::text::Text;

/// A line of a card: `Network: vpc-0aa, subnet-0bb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// A word or two of hansho's own, never text of the finding.
    pub label: &'static str,
    pub text: Text,
}

impl Fact {
    /// The longest [`Fact::text`].
    pub const CHARS_MAX: usize = 300;
    /// The label of the name that the finding gives the account. Cards prefer a configured name.
    pub const ACCOUNT_NAME: &str = "Account name";
    /// The label of facts about a container image. They hold for a single resource.
    pub const IMAGE: &str = "Image";
    /// The most facts of a finding.
    pub const MAX: usize = 10;

    /// None if the text is empty.
    pub fn new(label: &'static str, text: Cow<'_, str>) -> Option<Fact> {
        let text = Text::of(text, Fact::CHARS_MAX);
        (!text.is_empty()).then_some(Fact { label, text })
    }
}

/// Collects the facts of a finding, the most important first.
#[derive(Debug, Default)]
pub(super) struct Facts(Vec<Fact>);

impl Facts {
    /// Adds a fact if there is a text and room for it.
    pub fn add<'t>(&mut self, label: &'static str, text: Option<impl Into<Cow<'t, str>>>) {
        if self.0.len() < Fact::MAX {
            self.0.extend(text.and_then(|text| Fact::new(label, text.into())));
        }
    }

    pub fn into_vec(self) -> Vec<Fact> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_bounded_and_never_empty() {
        let mut facts = Facts::default();
        facts.add("Port", Some(" "));
        facts.add("Port", None::<String>);
        facts.add("Port", Some("22 (SSH)"));
        for _ in 0..20 {
            facts.add("File", Some("x".repeat(1_000)));
        }
        let facts = facts.into_vec();
        assert_eq!((facts[0].label, facts[0].text.as_str()), ("Port", "22 (SSH)"));
        assert_eq!(facts.len(), Fact::MAX);
        assert_eq!(facts[1].text.as_str().chars().count(), Fact::CHARS_MAX);
    }
}
