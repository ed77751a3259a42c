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
use super::schema::{Resource, Service};

/// Collects the facts, the most important first.
pub(super) fn collect(resource: &Resource<'_>, service: &Service<'_>) -> Facts {
    let mut facts = Facts::default();
    if let Some(found) = &service.detection.sequence {
        sequence::add(&mut facts, found);
    }
    kubernetes::add(&mut facts, resource, &service.activity);
    runtime::add(&mut facts, &service.runtime);
    malware::add(&mut facts, service);
    data::add(&mut facts, resource, service);
    container::add(&mut facts, resource);
    iam::add(&mut facts, resource, service);
    unusual::add(&mut facts, service);
    ec2::add(&mut facts, resource);
    facts
}

#[cfg(test)]
mod tests;
