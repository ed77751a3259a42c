//! The facts of a GuardDuty finding that stand beside its resource and its actor.

mod container;
mod data;
mod ec2;
mod iam;
mod kubernetes;
mod malware;
mod runtime;
mod sequence;
mod unusual;

use super::super::fact::Facts;
use super::super::phrase::part;
use super::schema::{Resource, Service};

/// Collects the facts, the most important first. No fact repeats what the texts of resource and
/// actor say.
pub(super) fn collect(
    resource: &Resource<'_>,
    service: &Service<'_>,
    texts: [&Option<String>; 2],
) -> Facts {
    let said = &texts.map(|text| text.as_deref().unwrap_or_default()).join(" ");
    let mut facts = Facts::default();
    if let Some(found) = &service.detection.sequence {
        sequence::add(&mut facts, found);
    }
    kubernetes::add(&mut facts, resource, &service.activity, said);
    runtime::add(&mut facts, &service.runtime);
    malware::add(&mut facts, service);
    data::add(&mut facts, resource, service);
    container::add(&mut facts, resource, said);
    iam::add(&mut facts, service, said);
    unusual::add(&mut facts, service, said);
    ec2::add(&mut facts, resource);
    facts
}

/// Returns whether a text has this word, or this cut name.
fn says(said: &str, word: &str) -> bool {
    said.split([' ', ',', ';', '(', ')']).any(|other| other == part(word))
}

#[cfg(test)]
mod tests;
