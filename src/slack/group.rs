//! Findings that are drawn together: one vulnerability in many images of a repository, or in many
//! instances of a group. Each stays an alert of its own; only the post names them once.

use std::borrow::Cow;
use std::sync::Arc;

use super::heading::circumstances;
use crate::finding::{Fact, Finding, Group, Text};
use crate::ports::Card;

/// The longest title and resource of several.
const SHOWN_CHARS_MAX: usize = 250;

/// A card, and the cards that it stands for.
pub struct Entry<'a> {
    pub shown: Cow<'a, Card>,
    /// At least one.
    pub all: Vec<&'a Card>,
}

impl<'a> Entry<'a> {
    /// The cards that it stands for, except the first.
    pub fn others(&self) -> &[&'a Card] {
        self.all.get(1..).unwrap_or_default()
    }
}

/// Puts the cards that are drawn together into the place of the first of them.
pub fn grouped<'a>(cards: &[&'a Card]) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry<'a>> = Vec::new();
    for &card in cards {
        match entries.iter_mut().find(|entry| belong(&entry.shown, card)) {
            Some(entry) => entry.all.push(card),
            None => entries.push(Entry { shown: Cow::Borrowed(card), all: vec![card] }),
        }
    }
    for entry in &mut entries {
        if let ([first, _, ..], Some(group)) = (&entry.all[..], &entry.shown.finding.group) {
            entry.shown = Cow::Owned(joint(first, group, entry.all.len()));
        }
    }
    entries
}

/// Whether two cards say the same of their resources.
fn belong(one: &Card, other: &Card) -> bool {
    let of = |finding: &Finding| {
        (finding.severity.level, finding.account.clone(), finding.region.clone())
    };
    one.finding.group.is_some()
        && one.finding.group == other.finding.group
        && of(&one.finding) == of(&other.finding)
        && circumstances(one) == circumstances(other)
}

/// The first card, as one of `count` resources.
fn joint(first: &Card, group: &Group, count: usize) -> Card {
    let Group { problem, resources } = group;
    let such_as = |resource: &Text| Text::new(&format!("such as {resource}"), SHOWN_CHARS_MAX);
    let facts = first.finding.facts.iter();
    let finding = Finding {
        title: Text::new(&format!("{problem} in {count} {resources}"), SHOWN_CHARS_MAX),
        resource: first.finding.resource.as_ref().map(such_as),
        facts: facts.filter(|fact| fact.label != Fact::IMAGE).cloned().collect(),
        ..(*first.finding).clone()
    };
    Card { finding: Arc::new(finding), ..first.clone() }
}
