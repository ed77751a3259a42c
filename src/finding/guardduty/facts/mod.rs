//! The facts of a GuardDuty finding that stand beside its resource and its actor.

mod ec2;
mod iam;
mod sequence;
mod unusual;

use super::super::fact::Facts;
use super::schema::{Resource, Service};

/// Collects the facts, the most important first.
pub(super) fn collect(resource: &Resource<'_>, service: &Service<'_>) -> Facts {
    let mut facts = Facts::default();
    if let Some(found) = &service.sequence {
        sequence::add(&mut facts, found);
    }
    iam::add(&mut facts, resource, service);
    unusual::add(&mut facts, service);
    ec2::add(&mut facts, resource);
    facts
}

#[cfg(test)]
mod tests;
